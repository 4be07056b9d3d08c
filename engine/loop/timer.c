#include "loop/timer.h"

#include "loop/driver.h"

/* A pairing heap (Fredman, Sedgewick, Sleator, Tarjan 1986): no memory of its own, so that
 * starting a timer cannot fail. */

static bool before(const struct ve_timer *a, const struct ve_timer *b)
{
    return a->due != b->due ? a->due < b->due : a->seq < b->seq;
}

static struct ve_timer *meld(struct ve_timer *a, struct ve_timer *b)
{
    if (!a)
        return b;
    if (!b)
        return a;
    if (before(b, a)) {
        struct ve_timer *swap = a;
        a = b;
        b = swap;
    }
    b->prev = a;
    b->sibling = a->child;
    if (a->child)
        a->child->prev = b;
    a->child = b;
    a->sibling = NULL;
    a->prev = NULL;
    return a;
}

/* Melds a list of siblings pairwise from left to right, then the pairs from right to left. */
static struct ve_timer *meld_siblings(struct ve_timer *first)
{
    struct ve_timer *pairs = NULL; /* linked backwards through `prev` */
    while (first) {
        struct ve_timer *a = first;
        struct ve_timer *b = a->sibling;
        first = b ? b->sibling : NULL;
        a->sibling = NULL;
        a->prev = NULL;
        if (b) {
            b->sibling = NULL;
            b->prev = NULL;
        }
        struct ve_timer *pair = meld(a, b);
        pair->prev = pairs;
        pairs = pair;
    }
    struct ve_timer *root = NULL;
    while (pairs) {
        struct ve_timer *pair = pairs;
        pairs = pair->prev;
        pair->prev = NULL;
        root = meld(root, pair);
    }
    return root;
}

static void take_out(struct ve_loop *loop, struct ve_timer *timer)
{
    struct ve_timer *below = meld_siblings(timer->child);
    if (loop->timers == timer) {
        loop->timers = below;
    } else {
        if (timer->prev->child == timer)
            timer->prev->child = timer->sibling;
        else
            timer->prev->sibling = timer->sibling;
        if (timer->sibling)
            timer->sibling->prev = timer->prev;
        loop->timers = meld(loop->timers, below);
    }
    timer->child = timer->sibling = timer->prev = NULL;
    timer->active = false;
}

void ve_timer_init(struct ve_timer *timer, struct ve_loop *loop, void (*fn)(void *arg), void *arg)
{
    *timer = (struct ve_timer){.loop = loop, .fn = fn, .arg = arg};
}

void ve_timer_start_at(struct ve_timer *timer, uint64_t due_ns)
{
    struct ve_loop *loop = timer->loop;
    uint64_t next = ve_timer_next_due(loop);
    if (timer->active)
        take_out(loop, timer);
    timer->due = due_ns > loop->now ? due_ns : loop->now;
    timer->seq = loop->seq++;
    timer->active = true;
    loop->timers = meld(loop->timers, timer);
    if (ve_timer_next_due(loop) != next)
        loop->driver->arm(loop, ve_timer_next_due(loop));
}

void ve_timer_start(struct ve_timer *timer, uint64_t delay_ns)
{
    uint64_t now = timer->loop->now;
    ve_timer_start_at(timer, delay_ns < UINT64_MAX - now ? now + delay_ns : UINT64_MAX);
}

void ve_timer_stop(struct ve_timer *timer)
{
    /* The driver may now wake for nothing once; that is cheaper than arming it again. */
    if (timer->active)
        take_out(timer->loop, timer);
}

uint64_t ve_timer_next_due(const struct ve_loop *loop)
{
    return loop->timers ? loop->timers->due : UINT64_MAX;
}

void ve_timer_fire_next(struct ve_loop *loop)
{
    struct ve_timer *timer = loop->timers;
    take_out(loop, timer);
    loop->lag = loop->now - timer->due;
    if (loop->lag > loop->lag_peak)
        loop->lag_peak = loop->lag;
    timer->fn(timer->arg);
}
