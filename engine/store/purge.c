#include "base/err.h"
#include "store/effects.h"
#include "store/queue.h"
#include "store/usage.h"

/* Rows of one kind in one go: others wait for the commit. */
#define PART 500

static const char SQL_SEEN[] =
    "DELETE FROM seen WHERE key IN (SELECT key FROM seen WHERE at < ?1 ORDER BY at LIMIT ?2)";
static const char SQL_INBOX[] = "SELECT id, length(body), at FROM inbox ORDER BY id LIMIT 1";
static const char SQL_INBOX_DELETE[] = "DELETE FROM inbox WHERE id = ?1";
static const char SQL_DONE[] =
    "DELETE FROM outbox WHERE id IN (SELECT id FROM outbox WHERE state = 2 AND due < ?1 LIMIT ?2)";
static const char SQL_LETTER_OLD[] =
    "SELECT id FROM outbox WHERE state >= 3 AND changed < ?1 ORDER BY id LIMIT 1";
static const char SQL_LETTER[] = "SELECT id FROM outbox WHERE state >= 3 ORDER BY id LIMIT 1";
static const char SQL_KV[] = "SELECT id, tenant, length(CAST(key AS BLOB)) + length(value) FROM kv "
                             "WHERE expires > 0 AND expires <= ?1 ORDER BY expires LIMIT 1";
static const char SQL_KV_DELETE[] = "DELETE FROM kv WHERE id = ?1";
static const char SQL_HISTORY[] =
    "SELECT id, length(record), began FROM history ORDER BY id LIMIT 1";
static const char SQL_HISTORY_DELETE[] = "DELETE FROM history WHERE id = ?1";

struct purge_op {
    struct ve_store_op op;
    int64_t now_ms;
};

/* Each of these returns 0 and whether a row went. */

static int drop_event(struct ve_db *db, int64_t now_ms, bool *gone)
{
    sqlite3_stmt *stmt;
    *gone = false;
    int err = ve_db_query_n(db, &stmt, SQL_INBOX, NULL, 0);
    if (!err)
        err = ve_db_next(db, stmt);
    if (err != 1)
        return err;
    int64_t id = ve_db_int(stmt, 0);
    int64_t bytes = ve_db_int(stmt, 1);
    /* Ids ascend with the time of arrival. */
    *gone = ve_db_int(stmt, 2) < now_ms - db->limits.inbox_ms;
    ve_db_finish(stmt);
    if (!*gone)
        return 0;
    err = ve_db_run(db, SQL_INBOX_DELETE, ve_bint(id));
    if (err)
        return err;
    ve_db_count(db, VE_COUNT_INBOX, -1);
    ve_db_count(db, VE_COUNT_INBOX_BYTES, -bytes);
    ve_db_count(db, VE_COUNT_INBOX_EXPIRED, 1);
    return ve_effects_origin_over(db, id, now_ms);
}

static int drop_letter(struct ve_db *db, int64_t now_ms, bool *gone)
{
    int64_t letters = db->count[VE_COUNT_UNKNOWN] + db->count[VE_COUNT_DEAD];
    int64_t id;
    int err = VE_ENOENT;
    if (letters > (int64_t)db->limits.dead_rows)
        err = ve_db_number_n(db, &id, SQL_LETTER, NULL, 0);
    else if (letters > 0)
        err = ve_db_number(db, &id, SQL_LETTER_OLD, ve_bint(now_ms - db->limits.dead_ms));
    *gone = err == 0;
    if (err)
        return err == VE_ENOENT ? 0 : err;
    ve_db_count(db, VE_COUNT_DEAD_DROPPED, 1);
    return ve_effects_delete(db, id);
}

static int drop_kv(struct ve_db *db, int64_t now_ms, bool *gone)
{
    char tenant[VE_STORE_TENANT_MAX + 1];
    sqlite3_stmt *stmt;
    int err = ve_db_query(db, &stmt, SQL_KV, ve_bint(now_ms));
    if (!err)
        err = ve_db_next(db, stmt);
    *gone = err == 1;
    if (err != 1)
        return err;
    int64_t id = ve_db_int(stmt, 0);
    int64_t bytes = ve_db_int(stmt, 2);
    (void)ve_str_copy(tenant, sizeof(tenant), ve_db_text(stmt, 1));
    ve_db_finish(stmt);
    err = ve_db_run(db, SQL_KV_DELETE, ve_bint(id));
    if (err)
        return err;
    ve_db_count(db, VE_COUNT_KV, -1);
    return ve_usage_add(db, ve_str(tenant), VE_USAGE_KV, -1, -bytes);
}

static int drop_call(struct ve_db *db, int64_t now_ms, bool *gone)
{
    const struct ve_store_limits *limits = &db->limits;
    sqlite3_stmt *stmt;
    *gone = false;
    int err = ve_db_query_n(db, &stmt, SQL_HISTORY, NULL, 0);
    if (!err)
        err = ve_db_next(db, stmt);
    if (err != 1)
        return err;
    int64_t id = ve_db_int(stmt, 0);
    int64_t bytes = ve_db_int(stmt, 1);
    *gone = ve_db_int(stmt, 2) < now_ms - limits->history_ms ||
            db->count[VE_COUNT_HISTORY] > (int64_t)limits->history_rows ||
            db->count[VE_COUNT_HISTORY_BYTES] > (int64_t)limits->history_bytes;
    ve_db_finish(stmt);
    if (!*gone)
        return 0;
    err = ve_db_run(db, SQL_HISTORY_DELETE, ve_bint(id));
    if (err)
        return err;
    ve_db_count(db, VE_COUNT_HISTORY, -1);
    ve_db_count(db, VE_COUNT_HISTORY_BYTES, -bytes);
    return 0;
}

static int drop_many(struct ve_db *db, const char *sql, int64_t before, enum ve_count which,
                     int64_t *rows)
{
    if (db->count[which] <= 0)
        return 0;
    int err = ve_db_run(db, sql, ve_bint(before), ve_bint(PART));
    if (err)
        return err;
    ve_db_count(db, which, -ve_db_changed(db));
    *rows += ve_db_changed(db);
    return 0;
}

static int purge_run(struct ve_db *db, struct ve_store_op *op)
{
    static int (*const drops[])(struct ve_db * db, int64_t now_ms, bool *gone) = {
        drop_event,
        drop_letter,
        drop_kv,
        drop_call,
    };
    int64_t now = ((struct purge_op *)op)->now_ms;
    int64_t rows = 0;
    int err = drop_many(db, SQL_SEEN, now - db->limits.seen_ms, VE_COUNT_SEEN, &rows);
    if (!err)
        err = drop_many(db, SQL_DONE, now, VE_COUNT_DONE, &rows);
    for (size_t i = 0; i < sizeof(drops) / sizeof(drops[0]) && !err; i++) {
        bool gone = true;
        for (int n = 0; n < PART && gone && !err; n++) {
            err = drops[i](db, now, &gone);
            rows += !err && gone;
        }
    }
    op->number = rows;
    return err;
}

struct ve_store_op *ve_purge_new(int64_t now_ms)
{
    struct purge_op *purge = ve_store_op_new(sizeof(*purge), 0);
    if (!purge)
        return NULL;
    purge->op.run = purge_run;
    purge->op.done = ve_store_op_number;
    purge->now_ms = now_ms;
    return &purge->op;
}
