/*
 * store/inside.h - inside of store/ only: the store as the loop sees it.
 *
 * At most one job is on the store lane: opening, one batch, or closing. While it is there, `db`,
 * `lease` and `batch` belong to it; otherwise they are the loop's. So nothing is shared and nothing
 * is locked.
 */
#ifndef VE_STORE_INSIDE_H
#define VE_STORE_INSIDE_H

#include "loop/job.h"
#include "loop/timer.h"
#include "store/lease.h"
#include "store/queue.h"

#define VE_SAMPLES 1024

enum ve_store_phase {
    VE_PHASE_OPENING,
    VE_PHASE_OPEN,
    VE_PHASE_REFUSED, /* it could not be opened */
};

/* The last VE_SAMPLES values. */
struct ve_samples {
    uint32_t value[VE_SAMPLES];
    uint64_t count; /* ever */
};

struct ve_batch {
    struct ve_link ops;
    unsigned count;           /* of ops */
    bool checkpoint;          /* first */
    uint64_t began;           /* ns of the loop */
    enum ve_store_state seen; /* what it says about the disk */
};

struct ve_store {
    struct ve_loop *loop;     /* borrowed */
    const struct ve_log *log; /* borrowed */
    char *dir;                /* owned; NULL: in memory */
    struct ve_store_limits limits;
    enum ve_store_phase phase;
    bool closing;
    bool running; /* a job is on the lane */
    struct ve_job job;
    struct ve_batch batch;
    struct ve_db db;
    struct ve_lease lease;
    struct ve_store_report report;
    int open_err;
    int64_t opened_wall_ms;  /* given to the job that opens */
    struct ve_link waiting;  /* operations for the next batch */
    struct ve_link finished; /* operations whose callers are still to be told */
    unsigned waiting_count;
    unsigned depth; /* operations taken and not yet told of */
    size_t bytes;   /* of these */
    struct ve_timer kick;
    struct ve_timer deliver;
    struct ve_timer purge;
    struct ve_store_health health;
    int64_t count[VE_COUNTS]; /* as of the latest commit */
    uint32_t wal_pages;
    uint64_t operations;
    uint64_t refused;
    uint64_t failures;
    uint64_t dropped_logged; /* VE_COUNT_DEAD_DROPPED and _INBOX_EXPIRED as last logged */
    uint64_t expired_logged;
    uint64_t commits;
    uint64_t checkpoints;
    struct ve_samples commit_us;
    struct ve_samples batch_size;
    void (*opened)(void *arg, int err, const struct ve_store_report *report);
    void *opened_arg;
    void (*closed)(void *arg);
    void *closed_arg;
};

/* queue.c */
void ve_queue_init(struct ve_store *store);
/* Begins a batch if there is something to do and nothing is running. */
void ve_queue_run(struct ve_store *store);
/* Completes all that waits with an error. */
void ve_queue_fail(struct ve_store *store, int err);
/* Tells callers of finished operations, a part of them. */
void ve_queue_deliver(struct ve_store *store);

/* store.c: after each batch and delivery; goes on with closing when nothing is left. */
void ve_store_settle(struct ve_store *store);

/* stats.c */
void ve_samples_add(struct ve_samples *samples, uint64_t value);
/* Notes what a batch, or opening, says about the disk. */
void ve_health_note(struct ve_store *store, enum ve_store_state state, const char *why);

#endif
