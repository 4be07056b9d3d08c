/*
 * loop/timer.h - one-shot timers, ordered by (due, sequence of starting).
 *
 * The owner keeps the memory. Starting never fails (the queue is intrusive) and restarts a running
 * timer. A timer with delay 0 runs as the next step, never inside the present one: that is how a
 * completion is put off until the caller has returned.
 */
#ifndef VE_LOOP_TIMER_H
#define VE_LOOP_TIMER_H

#include "loop/loop.h"

struct ve_timer {
    struct ve_loop *loop; /* borrowed */
    void (*fn)(void *arg);
    void *arg;    /* borrowed */
    uint64_t due; /* ns of ve_loop_now */
    uint64_t seq;
    bool active;
    /* pairing heap */
    struct ve_timer *child;
    struct ve_timer *sibling;
    struct ve_timer *prev; /* left sibling, or the parent of the first child */
};

void ve_timer_init(struct ve_timer *timer, struct ve_loop *loop, void (*fn)(void *arg), void *arg);
void ve_timer_start(struct ve_timer *timer, uint64_t delay_ns);
/* Starts it for a moment of ve_loop_now; one in the past means at once, UINT64_MAX means never. */
void ve_timer_start_at(struct ve_timer *timer, uint64_t due_ns);
/* Harmless when it is not running. Afterwards the memory may go. */
void ve_timer_stop(struct ve_timer *timer);

#endif
