/*
 * cli/worker.h - the inside of an engine, without its ports: calls, scripts, speech.
 *
 * The same under the live loop (cli/engine.c opens ports around it) and under the sim loop
 * (cli/world.c plays the carrier).
 */
#ifndef VE_CLI_WORKER_H
#define VE_CLI_WORKER_H

#include "bind/ask.h"
#include "bind/dispatch.h"
#include "bind/followups.h"
#include "bind/sender.h"
#include "cli/outbound.h"
#include "cli/phrases.h"
#include "store/store.h"

struct ve_worker_options {
    struct ve_loop *loop;
    const struct ve_log *log;
    struct ve_session_config session; /* events and arg are not used */
    unsigned max_calls;
    const char *script;          /* path of main.lua */
    struct ve_str source;        /* instead of the file's text, when ptr is not NULL */
    uint64_t reload_quiet;       /* ns after the last save; 0: scripts are not watched */
    const char *data_dir;        /* borrowed; NULL: nothing is kept */
    const char *instance;        /* name of the engine's own folder in it; NULL: "local" */
    struct ve_scripted scripted; /* a spec's answers instead of providers' */
    /* The way out; loop and log of these are not used. */
    struct ve_outbound_options outbound;
    bool text_mode;           /* no voices and no recognisers: simulated callers in text */
    const uint64_t *rng_seed; /* NULL: a random one */
};

struct ve_worker {
    struct ve_metrics *metrics; /* owned */
    struct ve_limiter *limiter; /* owned */
    struct ve_worker_options options;
    struct ve_media media;
    struct ve_scheduler scheduler;
    struct ve_speech *speech;
    struct ve_dispatch *dispatch;
    struct ve_asks *asks;
    struct ve_store *store;
    struct ve_sender *sender;
    struct ve_followups *followups;
    struct ve_calls *calls;
    struct ve_outbound outbound;
    struct ve_bind bind;
    struct ve_tenant *tenant;
    struct ve_phrases phrases;
};

/* Not inside a step: the loop turns until the store is open. On failure `why` is a message for
 * people, and the worker is closed again. */
int ve_worker_open(struct ve_worker *worker, const struct ve_worker_options *options,
                   char why[static 1024]);
/* Connections must be gone. Not inside a step: the loop turns until cancelled speech has ended and
 * the store is closed. */
void ve_worker_close(struct ve_worker *worker);

/* A load error as people read it: message, file:line, the line itself. */
void ve_load_error_text(const struct ve_load_error *error, char *out, size_t size);
/* "scripts/main.lua" -> "scripts", "main.lua" */
void ve_split_script(const char *path, char *dir, size_t dir_size, char *file, size_t file_size);

#endif
