/*
 * bind/sender.h - carries out the effects of the outbox, by the script's sinks.
 *
 * An attempt is on the disk before its sink runs (store/outbox.h). A sink is a Lua function
 * (lualib/voice/outbox.lua); what it says about the outcome decides what becomes of the effect:
 *
 *   done     it is settled
 *   retry    it is tried again, 8 attempts in all, after 1 s, 2 s, 4 s ... or when the sink says
 *   unknown  to the dead letters: a person decides
 *   dead     likewise, but it is certain that it did not arrive
 *
 * A sink that raises, or is killed, says nothing: that is `retry` with an idempotency key, and
 * `unknown` without.
 *
 * Threads: the loop's thread only.
 */
#ifndef VE_BIND_SENDER_H
#define VE_BIND_SENDER_H

#include "bind/dispatch.h"

struct ve_sender;

struct ve_sender_config {
    struct ve_loop *loop; /* borrowed, as are the others */
    const struct ve_log *log;
    struct ve_store *store;
    struct ve_dispatch *dispatch;
};

int ve_sender_new(struct ve_sender **out, const struct ve_sender_config *config);
/* Attempts under way are not told of any more. The dispatcher must not run a step afterwards. */
void ve_sender_free(struct ve_sender *sender);
/* There may be something to do: at the start, and whenever an effect was put or sent again. */
void ve_sender_kick(struct ve_sender *sender);
/* Begins no more attempts. */
void ve_sender_stop(struct ve_sender *sender);
/* Attempts under way. */
unsigned ve_sender_busy(const struct ve_sender *sender);

#endif
