/*
 * bind/followups.h - runs what scripts have put off with voice.at.
 *
 * A follow-up that is due runs its handler in the newest script, and goes when the handler has
 * ended, however it did. One that was cut off by a crash runs again; its effects are had once
 * (store/outbox.h).
 *
 * Threads: the loop's thread only.
 */
#ifndef VE_BIND_FOLLOWUPS_H
#define VE_BIND_FOLLOWUPS_H

#include "bind/dispatch.h"

struct ve_followups;

struct ve_followups_config {
    struct ve_loop *loop; /* borrowed, as are the others */
    const struct ve_log *log;
    struct ve_store *store;
    struct ve_dispatch *dispatch;
};

int ve_followups_new(struct ve_followups **out, const struct ve_followups_config *config);
/* The dispatcher must not run a step afterwards. */
void ve_followups_free(struct ve_followups *followups);
/* There may be something to do: at the start, and whenever one was put. */
void ve_followups_kick(struct ve_followups *followups);
/* Begins no more. */
void ve_followups_stop(struct ve_followups *followups);

#endif
