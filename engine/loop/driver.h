/*
 * loop/driver.h - inside of loop/ only: what the two drivers share.
 */
#ifndef VE_LOOP_DRIVER_H
#define VE_LOOP_DRIVER_H

#include "loop/job.h"
#include "loop/loop.h"
#include "loop/timer.h"

#include <pthread.h>

struct ve_job_threads;

struct ve_driver {
    void (*run)(struct ve_loop *loop);
    /* The earliest due time changed; UINT64_MAX: no timer. */
    void (*arm)(struct ve_loop *loop, uint64_t due);
    /* Wakes the loop's thread; any thread may call. */
    void (*wake)(struct ve_loop *loop);
    void (*free)(struct ve_loop *loop);
};

struct ve_loop {
    const struct ve_driver *driver;
    uint64_t now;        /* ns */
    uint64_t seq;        /* of timers */
    uint64_t lag;        /* ns, lateness of the timer last fired */
    uint64_t lag_peak;   /* ns */
    int64_t wall_offset; /* ms: wall = offset + now, sim only */
    struct ve_timer *timers;
    atomic_bool stopping;        /* set by any thread */
    bool freeing;                /* no job is taken any more */
    struct ve_job_threads *jobs; /* owned, live only, made at first use */
    pthread_mutex_t post_lock;
    struct ve_post *post_first; /* guarded by post_lock */
    struct ve_post **post_last; /* guarded by post_lock */
};

void ve_loop_base_init(struct ve_loop *loop, const struct ve_driver *driver);
void ve_loop_base_free(struct ve_loop *loop);
/* The machine's clock, ms since 1970. */
int64_t ve_wall_ms(void);
/* Runs the oldest post as a step; false when there is none. */
bool ve_loop_run_post(struct ve_loop *loop);
/* Due time of the next timer, or UINT64_MAX. */
uint64_t ve_timer_next_due(const struct ve_loop *loop);
/* Takes the next timer out of the queue and runs it. `loop->now` has been set. */
void ve_timer_fire_next(struct ve_loop *loop);
/* Sim: runs a post as a step of its own after `delay` ns. */
void ve_sim_post_after(struct ve_loop *loop, struct ve_post *post, uint64_t delay);
/* Ends the job threads: queued jobs complete as cancelled on the calling thread. */
void ve_job_threads_free(struct ve_loop *loop);

#endif
