/*
 * provider/limiter.h - how often something may be asked: token buckets by name, with a queue.
 *
 * A service that allows two requests a second allows them to all calls together, so the buckets
 * belong to the worker. Whoever has to wait is let go in the order of asking. The answer comes by
 * callback always, because another process may keep the bucket one day. The loop's thread only.
 */
#ifndef VE_PROVIDER_LIMITER_H
#define VE_PROVIDER_LIMITER_H

#include "base/list.h"
#include "base/str.h"
#include "loop/loop.h"

#define VE_LIMITER_NAMES_MAX 256
#define VE_LIMITER_QUEUE_MAX 256 /* waiting at one bucket */
#define VE_LIMITER_NAME_MAX  64  /* bytes, with the NUL */

struct ve_limiter;

int ve_limiter_new(struct ve_limiter **out, struct ve_loop *loop);
/* Forgets who waits, without calling back. */
void ve_limiter_free(struct ve_limiter *limiter);

/* Owned by whoever waits; zeroed before the first use. */
struct ve_limiter_wait {
    void (*go)(void *arg); /* a step of its own; once, unless it was cancelled */
    void *arg;
    struct ve_link link;
};

/*
 * Asks to go ahead. `rate` tokens a second, at most `burst` saved up; they may change from call to
 * call. VE_EBUSY: too many wait, or it would take longer than `max_wait` ns; VE_EINVAL: a rate or a
 * burst out of range, or the name is too long; VE_ENOMEM.
 */
int ve_limiter_ask(struct ve_limiter *limiter, struct ve_str name, double rate, double burst,
                   uint64_t max_wait, struct ve_limiter_wait *wait);
/* Harmless when it does not wait any more. A token that was not used stays in the bucket. */
void ve_limiter_cancel(struct ve_limiter_wait *wait);

#endif
