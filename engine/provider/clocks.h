/*
 * provider/clocks.h - the clocks on one exchange with a provider: connect, first useful byte,
 * progress, and the whole.
 *
 * "Connected but silent" is a failure like any other. The progress clock stands still while whoever
 * takes the bytes has paused the exchange. Owned by the exchange; the loop's thread only.
 */
#ifndef VE_PROVIDER_CLOCKS_H
#define VE_PROVIDER_CLOCKS_H

#include "loop/timer.h"

/* ns; 0 takes the default that stands behind it, for `total` none. */
struct ve_clock_limits {
    uint64_t connect;  /* to a connection: 3 s */
    uint64_t first;    /* from the start to the first useful byte: 15 s */
    uint64_t progress; /* between useful bytes: 10 s */
    uint64_t total;    /* from the start to the end */
};

struct ve_clocks {
    struct ve_timer connect;
    struct ve_timer bytes;
    struct ve_timer total;
    uint64_t progress;
    bool any; /* a useful byte has come */
    /* At most once, in a step of its own; the clocks have been stopped. `why` is a literal. */
    void (*expired)(void *arg, const char *why);
    void *arg;
};

void ve_clocks_init(struct ve_clocks *clocks, struct ve_loop *loop,
                    void (*expired)(void *arg, const char *why), void *arg);
void ve_clocks_start(struct ve_clocks *clocks, const struct ve_clock_limits *limits);
/* Only the clock of the whole, for an exchange whose transport keeps the other three. */
void ve_clocks_start_total(struct ve_clocks *clocks, uint64_t total);
void ve_clocks_connected(struct ve_clocks *clocks);
/* Useful bytes have come. */
void ve_clocks_progress(struct ve_clocks *clocks);
/* The receiver wants no more for now; ve_clocks_progress goes on. */
void ve_clocks_pause(struct ve_clocks *clocks);
void ve_clocks_stop(struct ve_clocks *clocks);

#endif
