/*
 * cli/local_engine.h - an engine of one's own, on free loopback ports and another thread.
 *
 * For `call --script`, the demo and the load generator: nothing is shared with an engine that may
 * run on this machine, the data folder is temporary and goes with it.
 */
#ifndef VE_CLI_LOCAL_ENGINE_H
#define VE_CLI_LOCAL_ENGINE_H

#include "base/log.h"
#include "cli/settings.h"

struct ve_local_engine;

/* Starts and waits until it is ready. On failure `why` is a message for people. */
int ve_local_engine_start(struct ve_local_engine **out, const char *script,
                          const struct ve_log *log, char why[static 1024]);
const struct ve_settings *ve_local_engine_settings(const struct ve_local_engine *engine);
uint16_t ve_local_engine_http_port(const struct ve_local_engine *engine);
uint16_t ve_local_engine_media_port(const struct ve_local_engine *engine);
/* Ends the thread and removes the data folder. NULL is allowed. */
void ve_local_engine_stop(struct ve_local_engine *engine);

#endif
