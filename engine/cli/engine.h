/*
 * cli/engine.h - all rooms put together: one worker, from its settings and a script to two open
 * ports.
 *
 * Owns everything but the loop, the log and the settings. Several engines may live in one process,
 * each on its own loop and thread.
 */
#ifndef VE_CLI_ENGINE_H
#define VE_CLI_ENGINE_H

#include "cli/settings.h"
#include "loop/loop.h"
#include "script/generation.h"

struct ve_engine;

struct ve_engine_options {
    struct ve_loop *loop;
    const struct ve_log *log;
    const struct ve_settings *settings; /* complete; borrowed */
    const char *script;                 /* path of main.lua */
    uint64_t reload_quiet;              /* ns after the last save; 0: scripts are not watched */
};

/* libraries' once-per-process initialisation, for main and the tests */
int ve_engine_process_init(const char **failed);
/* Loads the script and opens the ports. On failure `why` is a message for people. */
int ve_engine_new(struct ve_engine **out, const struct ve_engine_options *options,
                  char why[static 1024]);
void ve_engine_free(struct ve_engine *engine);
uint16_t ve_engine_http_port(const struct ve_engine *engine);
uint16_t ve_engine_media_port(const struct ve_engine *engine);
/* No new calls; the loop stops when the last one has ended, at the latest after `limit` ns. */
void ve_engine_drain(struct ve_engine *engine, uint64_t limit);
/* The settings that this engine borrows have changed (ve_settings_take_over): new secrets, lists
 * and certificates count from the next request or handshake on; connections stay. */
void ve_engine_settings_changed(struct ve_engine *engine);
/* Loads the scripts as they are now, as a save does. */
void ve_engine_reload(struct ve_engine *engine);

#endif
