/*
 * loop/signal.h - SIGTERM, SIGINT and SIGHUP as steps of the loop. Live driver only.
 */
#ifndef VE_LOOP_SIGNAL_H
#define VE_LOOP_SIGNAL_H

#include "loop/loop.h"

struct ve_signal;

int ve_signal_new(struct ve_signal **out, struct ve_loop *loop, int signum,
                  void (*fn)(void *arg, int signum), void *arg);
/* NULL is allowed. */
void ve_signal_free(struct ve_signal *signal);

#endif
