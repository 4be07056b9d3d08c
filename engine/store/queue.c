#include "store/inside.h"

#include "base/alloc.h"
#include "base/err.h"

#include <string.h>

/* Callbacks of one step: what they do (answer a request, resume a script) must not add up to a
 * pause of the loop. */
#define DELIVER_PER_STEP 32
#define BATCH_BYTES      ((size_t)4 * 1024 * 1024)
/* Pages of 4 KB in the log file. A checkpoint is waited for by what comes next, so it is made in a
 * pause, and under steady load rarely. */
#define CHECKPOINT_IDLE 1000
#define CHECKPOINT_BUSY 4000
/* When checkpoints fail, commits may still succeed for a while: up to here. */
#define WAL_MAX  65536
#define SIM_COST VE_MS

static struct ve_store_op *op_of(struct ve_link *link)
{
    return VE_CONTAINER(link, struct ve_store_op, link);
}

/* --- operations ------------------------------------------------------------------------------- */

void *ve_store_op_new(size_t size, size_t texts)
{
    struct ve_store_op *op = ve_alloc(size + texts);
    if (!op)
        return NULL;
    op->used = size;
    op->size = size + texts;
    ve_link_init(&op->link);
    return op;
}

struct ve_str ve_store_op_text(struct ve_store_op *op, struct ve_str text)
{
    if (!text.len || text.len > op->size - op->used)
        return ve_str_n("", 0);
    char *copy = (char *)op + op->used;
    memcpy(copy, text.ptr, text.len);
    op->used += text.len;
    return ve_str_n(copy, text.len);
}

void ve_store_op_free(struct ve_store_op *op)
{
    ve_arena_free(&op->arena);
    ve_free(op);
}

void ve_store_op_plain(struct ve_store_op *op)
{
    if (op->callback.plain)
        op->callback.plain(op->arg, op->err);
}

void ve_store_op_number(struct ve_store_op *op)
{
    if (op->callback.number)
        op->callback.number(op->arg, op->err, op->number);
}

/* --- back to the callers ---------------------------------------------------------------------- */

static void finish(struct ve_store *store, struct ve_store_op *op)
{
    ve_link_remove(&op->link);
    ve_list_push(&store->finished, &op->link);
}

void ve_queue_deliver(struct ve_store *store)
{
    /* While closing the loop may be on its way out: a timer might not fire any more. */
    for (int i = 0; i < DELIVER_PER_STEP || store->closing; i++) {
        struct ve_link *link = ve_list_shift(&store->finished);
        if (!link)
            break;
        struct ve_store_op *op = op_of(link);
        store->depth--;
        store->bytes -= op->size;
        store->operations++;
        op->done(op);
        ve_store_op_free(op);
    }
    if (!ve_list_empty(&store->finished))
        ve_timer_start(&store->deliver, 0);
}

static void on_deliver(void *arg)
{
    struct ve_store *store = arg;
    ve_queue_deliver(store);
    ve_store_settle(store);
}

void ve_queue_fail(struct ve_store *store, int err)
{
    VE_LIST_EACH(&store->waiting, it)
    {
        op_of(it)->err = err;
        finish(store, op_of(it));
    }
    store->waiting_count = 0;
}

/* --- a batch ---------------------------------------------------------------------------------- */

static void batch_work(struct ve_job *job)
{
    struct ve_store *store = VE_CONTAINER(job, struct ve_store, job);
    struct ve_batch *batch = &store->batch;
    struct ve_db *db = &store->db;
    int err = 0;
    db->state = VE_STORE_OK;
    if (batch->checkpoint)
        err = ve_db_checkpoint(db, db->erased);
    if (err && db->wal_pages >= WAL_MAX) {
        VE_LIST_EACH(&batch->ops, it)
        {
            op_of(it)->err = err;
        }
    } else if (!ve_list_empty(&batch->ops)) {
        ve_batch_run(db, &batch->ops);
    }
    batch->seen = db->state;
    if (batch->seen == VE_STORE_DAMAGED)
        ve_lease_note(&store->lease, true);
}

static void note_batch(struct ve_store *store)
{
    const struct ve_db *db = &store->db;
    bool wrote = db->commits > store->commits;
    memcpy(store->count, db->saved, sizeof(store->count));
    store->wal_pages = db->wal_pages;
    store->commits = db->commits;
    store->checkpoints = db->checkpoints;
    store->failures += store->batch.seen != VE_STORE_OK;
    if (wrote) {
        ve_samples_add(&store->commit_us, (ve_loop_now(store->loop) - store->batch.began) / 1000);
        ve_samples_add(&store->batch_size, store->batch.count);
    }
    /* A batch that only read says nothing about whether the disk takes writes. */
    if (wrote || store->batch.seen != VE_STORE_OK)
        ve_health_note(store, store->batch.seen, db->why);
}

static void log_losses(struct ve_store *store)
{
    uint64_t expired = (uint64_t)store->count[VE_COUNT_INBOX_EXPIRED];
    uint64_t dropped = (uint64_t)store->count[VE_COUNT_DEAD_DROPPED];
    if (expired > store->expired_logged)
        ve_log_event(store->log, VE_LOG_ERROR, "inbox_expired",
                     ve_fmsg("Events were given up: no handler finished them in time"),
                     ve_fu64("count", expired - store->expired_logged));
    if (dropped > store->dropped_logged)
        ve_log_event(store->log, VE_LOG_WARN, "dead_letters_dropped",
                     ve_fmsg("Dead letters were dropped: too old, or too many"),
                     ve_fu64("count", dropped - store->dropped_logged));
    store->expired_logged = expired;
    store->dropped_logged = dropped;
}

static void batch_done(struct ve_job *job)
{
    struct ve_store *store = VE_CONTAINER(job, struct ve_store, job);
    store->running = false;
    VE_LIST_EACH(&store->batch.ops, it)
    {
        if (job->canceled)
            op_of(it)->err = VE_ECANCELED;
        finish(store, op_of(it));
    }
    if (!job->canceled) {
        note_batch(store);
        log_losses(store);
    }
    /* The disk works while the callers are told. */
    ve_queue_run(store);
    ve_queue_deliver(store);
    ve_store_settle(store);
}

/* Operations wait in the batch's list until the job comes back. */
static void fill_batch(struct ve_store *store)
{
    struct ve_batch *batch = &store->batch;
    size_t bytes = 0;
    batch->count = 0;
    while (batch->count < store->limits.batch && bytes < BATCH_BYTES) {
        struct ve_link *link = ve_list_shift(&store->waiting);
        if (!link)
            break;
        ve_list_push(&batch->ops, link);
        bytes += op_of(link)->size;
        batch->count++;
    }
    store->waiting_count -= batch->count;
}

void ve_queue_run(struct ve_store *store)
{
    if (store->running || store->phase != VE_PHASE_OPEN)
        return;
    bool idle = ve_list_empty(&store->waiting);
    bool checkpoint =
        store->wal_pages >= (idle ? CHECKPOINT_IDLE : CHECKPOINT_BUSY) || store->db.erased;
    if (idle && (!checkpoint || store->closing || store->health.state != VE_STORE_OK))
        return;
    store->batch.checkpoint = checkpoint;
    store->batch.began = ve_loop_now(store->loop);
    fill_batch(store);
    store->job = (struct ve_job){.work = batch_work, .done = batch_done, .sim_cost = SIM_COST};
    store->running = true;
    int err = ve_job_submit(store->loop, VE_LANE_STORE, NULL, &store->job);
    if (!err)
        return;
    store->running = false;
    VE_LIST_EACH(&store->batch.ops, it)
    {
        op_of(it)->err = err;
        finish(store, op_of(it));
    }
    ve_queue_fail(store, err);
}

/* --- the way in ------------------------------------------------------------------------------- */

static void on_kick(void *arg)
{
    struct ve_store *store = arg;
    ve_queue_run(store);
    if (!ve_list_empty(&store->finished))
        on_deliver(store);
}

static void take(struct ve_store *store, struct ve_store_op *op)
{
    ve_list_push(&store->waiting, &op->link);
    store->waiting_count++;
    store->depth++;
    store->bytes += op->size;
    /* In a step of its own: what the loop finds in one round goes to the disk together. */
    if (!store->running && store->phase == VE_PHASE_OPEN && !store->kick.active)
        ve_timer_start(&store->kick, 0);
}

int ve_store_submit(struct ve_store *store, struct ve_store_op *op)
{
    int err = 0;
    if (store->closing)
        err = VE_EGONE;
    else if (store->phase == VE_PHASE_REFUSED)
        err = VE_EIO;
    else if (store->depth >= store->limits.queue ||
             store->bytes + op->size > store->limits.queue_bytes)
        err = VE_EBUSY;
    store->refused += err == VE_EBUSY;
    if (err)
        ve_store_op_free(op);
    else
        take(store, op);
    return err;
}

void ve_store_submit_inside(struct ve_store *store, struct ve_store_op *op)
{
    take(store, op);
}

void ve_queue_init(struct ve_store *store)
{
    ve_link_init(&store->waiting);
    ve_link_init(&store->finished);
    ve_link_init(&store->batch.ops);
    ve_timer_init(&store->kick, store->loop, on_kick, store);
    ve_timer_init(&store->deliver, store->loop, on_deliver, store);
}
