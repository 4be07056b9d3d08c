/*
 * loop/job.h - work that must not hold the loop, done on another thread.
 *
 * Every submitted job completes exactly once: `done` runs on the loop's thread, as a step of its
 * own, whether the work ran or was cancelled. Jobs of one strand run one at a time in the order of
 * submission; jobs without a strand run in any order. The owner keeps the memory of job and strand
 * until `done`.
 */
#ifndef VE_LOOP_JOB_H
#define VE_LOOP_JOB_H

#include "base/list.h"
#include "loop/loop.h"

#include <stdatomic.h>

/* A lane is a set of threads for one kind of work (design: the threads beside the loop). */
enum ve_lane {
    VE_LANE_SPEECH, /* recogniser, voice, decoders: cores minus one, at least one */
    VE_LANE_LOADER, /* compiles scripts: one */
    VE_LANE_DISK,   /* recordings, journals, cache files: one */
    VE_LANE_STORE,  /* SQLite: one */
    VE_LANES,
};

struct ve_strand {
    struct ve_link waiting; /* jobs behind the running one */
    bool busy;
    uint64_t sim_until; /* ns; sim: when the last job submitted will have answered */
};

struct ve_job {
    void (*work)(struct ve_job *job); /* on a thread of the lane; must not touch the loop */
    void (*done)(
        struct ve_job *job); /* on the loop; job->canceled tells whether work was skipped */
    uint64_t sim_cost;       /* ns after which the sim driver answers */
    bool canceled;           /* set before `done` when the work was not run */
    atomic_bool stop;        /* set by ve_job_cancel: long work should look and return */
    /* the queue's */
    enum ve_lane lane;
    struct ve_loop *loop;
    struct ve_strand *strand;
    struct ve_link link;
    struct ve_post post;
};

void ve_strand_init(struct ve_strand *strand);
/* VE_EGONE while the loop is being freed; VE_ENOMEM or VE_EIO when no thread can be started, which
 * the sim driver has no need of. On an error `done` is not called. `strand` may be NULL. */
int ve_job_submit(struct ve_loop *loop, enum ve_lane lane, struct ve_strand *strand,
                  struct ve_job *job);
/* Asks for an early end. Waiting work is skipped; running work sees job->stop. `done` follows. */
void ve_job_cancel(struct ve_job *job);
/* How many jobs of a lane wait or run, for metrics. */
unsigned ve_job_depth(const struct ve_loop *loop, enum ve_lane lane);

#endif
