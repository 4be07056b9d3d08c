/*
 * store/store.h - what must survive: opening and closing the store, how it is doing.
 *
 * The store is an SQLite file in the instance's data folder, written by one thread (the store lane
 * of loop/job.h) in groups: everything asked for while one commit is on its way to the disk goes
 * into the next one. What an operation wrote is on the disk, not just in the system's memory,
 * before its callback runs.
 *
 * What is in it, one header each: inbox.h (events taken from the carrier, and which were seen),
 * outbox.h (effects to be had once), followup.h (voice.at), kv.h (tenant.kv), history.h (records
 * of calls).
 *
 * All functions belong to the loop's thread. Those that end in a callback share these promises:
 *
 *   - they return 0, and the callback comes exactly once, in a later step of the loop; or they
 *     return a negative ve_err, and it never comes
 *   - VE_EBUSY when returned: too much is waiting for the disk; try again later
 *   - VE_EIO when returned or called back: nothing of the operation was stored; ve_store_health
 *     tells a full disk from a read-only or a broken one. VE_EGONE: the store is being closed
 *   - operations are done in the order in which they were asked for
 *   - texts given are copied; texts called back are borrowed during the callback
 *
 * Times are milliseconds since 1970 (ve_loop_wall_ms).
 */
#ifndef VE_STORE_STORE_H
#define VE_STORE_STORE_H

#include "base/log.h"
#include "loop/loop.h"

struct ve_store;

typedef void (*ve_store_fn)(void *arg, int err);
/* `number` is an id or a count, as the function says; 0 on an error unless it says otherwise. */
typedef void (*ve_store_number_fn)(void *arg, int err, int64_t number);

#define VE_STORE_TENANT_MAX 64  /* bytes of a tenant's name */
#define VE_STORE_NAME_MAX   64  /* bytes of a kind, a handler, a sink */
#define VE_STORE_KEY_MAX    512 /* bytes of a key */
#define VE_STORE_BODY_MAX   (1024 * 1024)
#define VE_STORE_DATA_MAX   (64 * 1024) /* bytes of a value, a payload, a follow-up's data */
#define VE_STORE_PAGE_MAX   256         /* rows of one listing */

/* Nothing is unbounded. A field that is 0 takes the value in brackets. */
struct ve_store_limits {
    uint32_t queue;          /* operations waiting for the disk (8192) */
    uint64_t queue_bytes;    /* of these (64 MB) */
    uint32_t batch;          /* operations of one commit (512) */
    uint64_t file_bytes;     /* of the database (8 GB) */
    uint64_t check_bytes;    /* a larger database is not checked in full after a crash (64 MB) */
    uint32_t inbox_rows;     /* unfinished events (100,000) */
    uint64_t inbox_bytes;    /* of their bodies (256 MB) */
    int64_t inbox_ms;        /* after which an unfinished event is given up (96 h) */
    uint32_t seen_rows;      /* keys (2,000,000) */
    int64_t seen_ms;         /* for which a key is remembered (96 h) */
    uint32_t outbox_rows;    /* (100,000) */
    uint32_t outbox_tenant;  /* of one tenant (10,000) */
    uint64_t outbox_bytes;   /* of payloads (256 MB) */
    uint32_t dead_rows;      /* dead letters; beyond, the oldest are dropped (10,000) */
    int64_t dead_ms;         /* for which a dead letter is kept (30 days) */
    uint32_t followups;      /* of one tenant (10,000) */
    uint32_t kv_rows;        /* of one tenant (10,000) */
    uint64_t kv_bytes;       /* keys and values of one tenant (16 MB) */
    uint32_t history_rows;   /* beyond, the oldest calls are dropped (1,000,000) */
    uint64_t history_bytes;  /* of records, likewise (2 GB) */
    int64_t history_ms;      /* for which a call is kept (90 days) */
    uint64_t purge_interval; /* ns between two looks for what has expired (60 s) */
};

struct ve_store_config {
    struct ve_loop *loop;     /* borrowed until the store is closed */
    const struct ve_log *log; /* borrowed until the store is closed */
    const char *dir;          /* <data>/<instance>, made when it is not there; copied. NULL: in
                                 memory, forgotten at the end (simulated callers, tests) */
    struct ve_store_limits limits;
};

/* What opening found. */
struct ve_store_report {
    bool fresh;       /* there was no database */
    bool unclean;     /* the last process did not close it */
    bool salvaged;    /* it was damaged: readable rows were taken into a new file */
    char kept[64];    /* name of the damaged file, which lies beside the new one */
    uint64_t rows;    /* salvaged */
    uint64_t cut;     /* tables of which something could not be read */
    uint64_t inbox;   /* events that are not finished */
    uint64_t unknown; /* outbox entries whose attempt was cut off: they are `unknown` now */
    uint64_t again;   /* likewise, and their sink knows an attempt again: `pending` now */
    char why[256];    /* on an error: one line for people */
};

/*
 * Opens the store of a folder and holds the folder until the end: a second process, or a second
 * store of this one, is refused. Operations may be asked for at once; they wait. `opened` comes
 * once, with VE_EBUSY when somebody else holds the folder, VE_ENOTSUP when a newer version wrote
 * the database, VE_EPROTO when the file is no database of ours and nothing can be read from it,
 * VE_EIO. After an error every operation answers VE_EIO; the store must still be closed.
 */
int ve_store_open(struct ve_store **out, const struct ve_store_config *config,
                  void (*opened)(void *arg, int err, const struct ve_store_report *report),
                  void *arg);
/*
 * Takes no more operations, completes those that were taken, then closes and frees. `closed` (may
 * be NULL) comes once, last. The loop must run until then.
 */
void ve_store_close(struct ve_store *store, void (*closed)(void *arg), void *arg);

enum ve_store_state {
    VE_STORE_OPENING,
    VE_STORE_OK,
    VE_STORE_FULL,      /* no room on the disk, or the database reached limits.file_bytes */
    VE_STORE_READ_ONLY, /* the disk takes no writes */
    VE_STORE_FAILING,   /* the disk reports errors */
    VE_STORE_DAMAGED,   /* the file contradicts itself; it will be salvaged at the next start */
    VE_STORE_REFUSED,   /* it could not be opened */
    VE_STORE_STATES,
};

const char *ve_store_state_name(enum ve_store_state state);

/* The state is that of the latest commit: it is OK again with the first one that succeeds. Set
 * before the callbacks of that commit run. */
struct ve_store_health {
    enum ve_store_state state;
    int64_t since_ms;      /* of the state */
    int64_t last_error_ms; /* 0: none yet */
    char last_error[160];  /* "" : none yet */
};

void ve_store_health(const struct ve_store *store, struct ve_store_health *out);

struct ve_store_stats {
    uint32_t queue; /* operations waiting or on their way */
    uint64_t queue_bytes;
    uint64_t operations;    /* completed */
    uint64_t refused;       /* with VE_EBUSY because the queue was full */
    uint64_t commits;       /* that wrote; each is one sync of the log file */
    uint64_t failures;      /* commits that failed */
    uint64_t checkpoints;   /* moves of the log file's content into the database; two syncs each */
    uint32_t commit_p50_us; /* of the last 1024 commits, as the loop sees them: from handing over to
                               hearing of it */
    uint32_t commit_p99_us;
    uint32_t commit_max_us;
    uint32_t batch_p50; /* operations per commit, of the last 1024 */
    uint32_t batch_max;
    uint32_t wal_pages;     /* of 4 KB, in the log file */
    uint64_t inbox_rows;    /* unfinished events */
    uint64_t inbox_bytes;   /* of their bodies */
    uint64_t inbox_expired; /* given up unfinished, ever */
    uint64_t seen_rows;
    uint64_t outbox_pending;
    uint64_t outbox_trying;
    uint64_t outbox_unknown; /* dead letters of which nobody knows whether they arrived */
    uint64_t outbox_dead;    /* dead letters that did not */
    uint64_t dead_dropped;   /* dead letters dropped by age or bound, ever */
    uint64_t followups;
    uint64_t kv_rows;
    uint64_t history_rows;
};

/* The last id that was given to anything when the latest commit was made; 0 while it is opening. */
int64_t ve_store_last_id(const struct ve_store *store);

void ve_store_stats(const struct ve_store *store, struct ve_store_stats *out);

#endif
