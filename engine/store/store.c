#include "store/store.h"

#include "base/alloc.h"
#include "base/err.h"
#include "store/inside.h"
#include "store/repair.h"

#include <stdio.h>
#include <string.h>

#define MB      ((uint64_t)1024 * 1024)
#define HOUR_MS ((int64_t)3600 * 1000)
/* The next part of what has expired, when there is more. */
#define PURGE_AGAIN (200 * VE_MS)
#define OPEN_COST   VE_MS

const struct ve_store_limits *ve_store_limits(const struct ve_store *store)
{
    return &store->limits;
}

/* NOLINTBEGIN(bugprone-macro-parentheses): `field` is the name of a member */
#define DEFAULT(field, value) limits.field = limits.field ? limits.field : (value)
/* NOLINTEND(bugprone-macro-parentheses) */

static struct ve_store_limits with_defaults(struct ve_store_limits limits)
{
    DEFAULT(queue, 8192);
    DEFAULT(queue_bytes, 64 * MB);
    DEFAULT(batch, 512);
    DEFAULT(file_bytes, 8 * 1024 * MB);
    DEFAULT(check_bytes, 64 * MB);
    DEFAULT(inbox_rows, 100000);
    DEFAULT(inbox_bytes, 256 * MB);
    DEFAULT(inbox_ms, 96 * HOUR_MS);
    DEFAULT(seen_rows, 2000000);
    DEFAULT(seen_ms, 96 * HOUR_MS);
    DEFAULT(outbox_rows, 100000);
    DEFAULT(outbox_tenant, 10000);
    DEFAULT(outbox_bytes, 256 * MB);
    DEFAULT(dead_rows, 10000);
    DEFAULT(dead_ms, 30 * 24 * HOUR_MS);
    DEFAULT(followups, 10000);
    DEFAULT(kv_rows, 10000);
    DEFAULT(kv_bytes, 16 * MB);
    DEFAULT(history_rows, 1000000);
    DEFAULT(history_bytes, 2 * 1024 * MB);
    DEFAULT(history_ms, 90 * 24 * HOUR_MS);
    DEFAULT(purge_interval, 60 * VE_SECOND);
    return limits;
}

/* --- clearing away what has expired ----------------------------------------------------------- */

static void purged(void *arg, int err, int64_t rows)
{
    struct ve_store *store = arg;
    if (!store->closing)
        ve_timer_start(&store->purge,
                       !err && rows > 0 ? PURGE_AGAIN : store->limits.purge_interval);
}

static void on_purge(void *arg)
{
    struct ve_store *store = arg;
    struct ve_store_op *op = ve_purge_new(ve_loop_wall_ms(store->loop));
    if (!op) {
        ve_timer_start(&store->purge, store->limits.purge_interval);
        return;
    }
    op->callback.number = purged;
    op->arg = store;
    ve_store_submit_inside(store, op);
}

/* --- opening ---------------------------------------------------------------------------------- */

static void open_work(struct ve_job *job)
{
    struct ve_store *store = VE_CONTAINER(job, struct ve_store, job);
    struct ve_store_report *report = &store->report;
    if (!store->dir) {
        store->open_err = ve_repair_open_memory(&store->db, &store->limits, report);
        return;
    }
    int err = ve_lease_take(&store->lease, store->dir, report->why, sizeof(report->why));
    if (!err)
        err = ve_repair_open(&store->db, &store->lease, store->dir, &store->limits,
                             store->opened_wall_ms, report);
    if (err)
        ve_lease_release(&store->lease, false);
    store->open_err = err;
}

static void log_opened(struct ve_store *store)
{
    const struct ve_store_report *report = &store->report;
    struct ve_str dir = ve_str(store->dir ? store->dir : "(memory)");
    if (store->open_err) {
        ve_log_event(store->log, VE_LOG_ERROR, "store_refused", ve_fmsg(report->why),
                     ve_fstr("dir", dir), ve_ftext("code", ve_err_name(store->open_err)));
        return;
    }
    if (report->salvaged)
        ve_log_event(
            store->log, VE_LOG_WARN, "store_salvaged",
            ve_fmsg("The database was damaged: what can be read was carried into a new one"),
            ve_fstr("dir", dir), ve_ftext("kept", report->kept), ve_fu64("rows", report->rows),
            ve_fu64("cut_tables", report->cut));
    ve_log_event(store->log, VE_LOG_INFO, "store_opened", ve_fstr("dir", dir),
                 ve_ftext("after", report->fresh     ? "nothing"
                                   : report->unclean ? "crash"
                                                     : "stop"),
                 ve_fu64("inbox", report->inbox), ve_fu64("unknown", report->unknown));
}

static void open_done(struct ve_job *job)
{
    struct ve_store *store = VE_CONTAINER(job, struct ve_store, job);
    store->running = false;
    if (job->canceled) {
        store->open_err = VE_ECANCELED;
        (void)ve_str_copy(store->report.why, sizeof(store->report.why), VE_STR("cancelled"));
    }
    log_opened(store);
    if (store->open_err) {
        store->phase = VE_PHASE_REFUSED;
        ve_health_note(store, VE_STORE_REFUSED, store->report.why);
        ve_queue_fail(store, VE_EIO);
    } else {
        store->phase = VE_PHASE_OPEN;
        memcpy(store->count, store->db.saved, sizeof(store->count));
        store->expired_logged = (uint64_t)store->count[VE_COUNT_INBOX_EXPIRED];
        store->dropped_logged = (uint64_t)store->count[VE_COUNT_DEAD_DROPPED];
        ve_health_note(store, VE_STORE_OK, "");
        if (!store->closing)
            ve_timer_start(&store->purge, store->limits.purge_interval);
    }
    if (store->opened)
        store->opened(store->opened_arg, store->open_err, &store->report);
    ve_queue_run(store);
    ve_queue_deliver(store);
    ve_store_settle(store);
}

int ve_store_open(struct ve_store **out, const struct ve_store_config *config,
                  void (*opened)(void *arg, int err, const struct ve_store_report *report),
                  void *arg)
{
    struct ve_store *store = ve_alloc(sizeof(*store));
    if (!store)
        return VE_ENOMEM;
    *store = (struct ve_store){
        .loop = config->loop,
        .log = config->log,
        .limits = with_defaults(config->limits),
        .lease = {.fd = -1},
        .opened = opened,
        .opened_arg = arg,
        .opened_wall_ms = ve_loop_wall_ms(config->loop),
        .job = {.work = open_work, .done = open_done, .sim_cost = OPEN_COST},
        .running = true,
    };
    ve_queue_init(store);
    ve_timer_init(&store->purge, store->loop, on_purge, store);
    store->health.since_ms = store->opened_wall_ms;
    int err = 0;
    if (config->dir) {
        store->dir = ve_strdup(config->dir);
        err = store->dir ? 0 : VE_ENOMEM;
    }
    if (!err)
        err = ve_job_submit(store->loop, VE_LANE_STORE, NULL, &store->job);
    if (err) {
        ve_free(store->dir);
        ve_free(store);
        return err;
    }
    *out = store;
    return 0;
}

/* --- closing ---------------------------------------------------------------------------------- */

static void close_work(struct ve_job *job)
{
    struct ve_store *store = VE_CONTAINER(job, struct ve_store, job);
    bool sound = true;
    if (store->phase == VE_PHASE_OPEN) {
        /* The log file goes with the connection when all of it could be moved. */
        sound = ve_db_checkpoint(&store->db, true) == 0;
        ve_db_close(&store->db);
    }
    ve_lease_release(&store->lease, sound);
}

static void close_done(struct ve_job *job)
{
    struct ve_store *store = VE_CONTAINER(job, struct ve_store, job);
    void (*closed)(void *arg) = store->closed;
    void *arg = store->closed_arg;
    if (job->canceled)
        close_work(job);
    ve_free(store->dir);
    ve_free(store);
    if (closed)
        closed(arg);
}

void ve_store_settle(struct ve_store *store)
{
    bool busy =
        store->running || !ve_list_empty(&store->waiting) || !ve_list_empty(&store->finished);
    if (!store->closing || busy)
        return;
    ve_timer_stop(&store->kick);
    ve_timer_stop(&store->deliver);
    store->job = (struct ve_job){.work = close_work, .done = close_done};
    store->running = true;
    if (ve_job_submit(store->loop, VE_LANE_STORE, NULL, &store->job) == 0)
        return;
    /* The loop is being freed: what is on this thread now is all that is left. */
    store->job.canceled = true;
    close_done(&store->job);
}

static void on_close(void *arg)
{
    struct ve_store *store = arg;
    ve_queue_run(store);
    ve_queue_deliver(store);
    ve_store_settle(store);
}

void ve_store_close(struct ve_store *store, void (*closed)(void *arg), void *arg)
{
    store->closing = true;
    store->closed = closed;
    store->closed_arg = arg;
    ve_timer_stop(&store->purge);
    /* Not at once: a caller may be in a callback of this store. */
    ve_timer_stop(&store->kick);
    ve_timer_init(&store->kick, store->loop, on_close, store);
    ve_timer_start(&store->kick, 0);
}
