#include "store/inbox.h"

#include "base/err.h"
#include "store/effects.h"
#include "store/queue.h"

static const char SQL_SEEN_ADD[] = "INSERT OR IGNORE INTO seen(key, at) VALUES(?1, ?2)";
static const char SQL_SEEN_FIND[] = "SELECT 1 FROM seen WHERE key = ?1";
static const char SQL_PUT[] =
    "INSERT INTO inbox(id, tenant, kind, at, tries, body) VALUES(?1, ?2, ?3, ?4, 0, ?5)";
static const char SQL_SIZE[] = "SELECT length(body) FROM inbox WHERE id = ?1";
static const char SQL_DELETE[] = "DELETE FROM inbox WHERE id = ?1";
static const char SQL_PAGE[] =
    "SELECT id, at, tries, tenant, kind, body FROM inbox WHERE id > ?1 AND id <= ?2 "
    "ORDER BY id LIMIT ?3";
static const char SQL_TRIED[] = "UPDATE inbox SET tries = tries + 1 WHERE id > ?1 AND id <= ?2";

/* --- keys ------------------------------------------------------------------------------------- */

/* VE_EEXIST before VE_EBUSY: a repeat needs no room. `full`: nothing may be added. */
static int see(struct ve_db *db, struct ve_str key, int64_t at_ms, bool full)
{
    if (full || db->count[VE_COUNT_SEEN] >= (int64_t)db->limits.seen_rows) {
        int64_t found;
        int err = ve_db_number(db, &found, SQL_SEEN_FIND, ve_btext(key));
        return err == 0 ? VE_EEXIST : err == VE_ENOENT ? VE_EBUSY : err;
    }
    int err = ve_db_run(db, SQL_SEEN_ADD, ve_btext(key), ve_bint(at_ms));
    if (err)
        return err;
    if (ve_db_changed(db) == 0)
        return VE_EEXIST;
    ve_db_count(db, VE_COUNT_SEEN, 1);
    return 0;
}

static bool key_ok(struct ve_str key)
{
    return key.len > 0 && key.len <= VE_STORE_KEY_MAX;
}

struct seen_op {
    struct ve_store_op op;
    struct ve_str key;
    int64_t at_ms;
};

static int seen_run(struct ve_db *db, struct ve_store_op *op)
{
    struct seen_op *seen = (struct seen_op *)op;
    return see(db, seen->key, seen->at_ms, false);
}

int ve_seen_put(struct ve_store *store, struct ve_str key, int64_t at_ms, ve_store_fn done,
                void *arg)
{
    if (!key_ok(key))
        return VE_EINVAL;
    struct seen_op *seen = ve_store_op_new(sizeof(*seen), key.len);
    if (!seen)
        return VE_ENOMEM;
    seen->op.run = seen_run;
    seen->op.done = ve_store_op_plain;
    seen->op.callback.plain = done;
    seen->op.arg = arg;
    seen->key = ve_store_op_text(&seen->op, key);
    seen->at_ms = at_ms;
    return ve_store_submit(store, &seen->op);
}

/* --- in --------------------------------------------------------------------------------------- */

struct put_op {
    struct ve_store_op op;
    struct ve_inbox_event event;
};

static int put_run(struct ve_db *db, struct ve_store_op *op)
{
    const struct ve_inbox_event *event = &((struct put_op *)op)->event;
    const struct ve_store_limits *limits = &db->limits;
    bool full =
        db->count[VE_COUNT_INBOX] >= (int64_t)limits->inbox_rows ||
        db->count[VE_COUNT_INBOX_BYTES] + (int64_t)event->body.len > (int64_t)limits->inbox_bytes;
    int err = see(db, event->key, event->at_ms, full);
    if (err)
        return err;
    int64_t id = ve_db_serial(db);
    err = ve_db_run(db, SQL_PUT, ve_bint(id), ve_btext(event->tenant), ve_btext(event->kind),
                    ve_bint(event->at_ms), ve_bblob(event->body));
    if (err)
        return err;
    ve_db_count(db, VE_COUNT_INBOX, 1);
    ve_db_count(db, VE_COUNT_INBOX_BYTES, (int64_t)event->body.len);
    op->number = id;
    return 0;
}

int ve_inbox_put(struct ve_store *store, const struct ve_inbox_event *event,
                 ve_store_number_fn done, void *arg)
{
    if (!key_ok(event->key) || event->tenant.len > VE_STORE_TENANT_MAX ||
        event->kind.len > VE_STORE_NAME_MAX)
        return VE_EINVAL;
    if (event->body.len > VE_STORE_BODY_MAX)
        return VE_ETOOBIG;
    struct put_op *put = ve_store_op_new(sizeof(*put), event->key.len + event->tenant.len +
                                                           event->kind.len + event->body.len);
    if (!put)
        return VE_ENOMEM;
    put->op.run = put_run;
    put->op.done = ve_store_op_number;
    put->op.callback.number = done;
    put->op.arg = arg;
    put->event = *event;
    put->event.key = ve_store_op_text(&put->op, event->key);
    put->event.tenant = ve_store_op_text(&put->op, event->tenant);
    put->event.kind = ve_store_op_text(&put->op, event->kind);
    put->event.body = ve_store_op_text(&put->op, event->body);
    return ve_store_submit(store, &put->op);
}

/* --- out -------------------------------------------------------------------------------------- */

struct done_op {
    struct ve_store_op op;
    int64_t id;
    int64_t now_ms;
};

static int done_run(struct ve_db *db, struct ve_store_op *op)
{
    struct done_op *done = (struct done_op *)op;
    int64_t bytes;
    int err = ve_db_number(db, &bytes, SQL_SIZE, ve_bint(done->id));
    if (!err)
        err = ve_db_run(db, SQL_DELETE, ve_bint(done->id));
    if (err)
        return err;
    ve_db_count(db, VE_COUNT_INBOX, -1);
    ve_db_count(db, VE_COUNT_INBOX_BYTES, -bytes);
    return ve_effects_origin_over(db, done->id, done->now_ms);
}

int ve_inbox_done(struct ve_store *store, int64_t id, int64_t now_ms, ve_store_fn done, void *arg)
{
    struct done_op *op = ve_store_op_new(sizeof(*op), 0);
    if (!op)
        return VE_ENOMEM;
    op->op.run = done_run;
    op->op.done = ve_store_op_plain;
    op->op.callback.plain = done;
    op->op.arg = arg;
    op->id = id;
    op->now_ms = now_ms;
    return ve_store_submit(store, &op->op);
}

/* --- handing out again ------------------------------------------------------------------------ */

struct resume_op {
    struct ve_store_op op;
    int64_t after, upto;
    unsigned limit;
    struct ve_inbox_row *rows; /* in the operation's arena */
    size_t count;
    bool more;
    bool counted;
    void (*done)(void *arg, int err, const struct ve_inbox_page *page);
};

static int read_row(struct ve_arena *arena, sqlite3_stmt *stmt, struct ve_inbox_row *row)
{
    row->id = ve_db_int(stmt, 0);
    row->at_ms = ve_db_int(stmt, 1);
    row->tries = (uint32_t)ve_db_int(stmt, 2);
    int err = ve_arena_copy(arena, &row->tenant, ve_db_text(stmt, 3));
    if (!err)
        err = ve_arena_copy(arena, &row->kind, ve_db_text(stmt, 4));
    if (!err)
        err = ve_arena_copy(arena, &row->body, ve_db_text(stmt, 5));
    return err;
}

static int resume_run(struct ve_db *db, struct ve_store_op *op)
{
    struct resume_op *resume = (struct resume_op *)op;
    sqlite3_stmt *stmt;
    resume->count = 0;
    resume->more = false;
    resume->rows = ve_arena_get(&op->arena, resume->limit * sizeof(*resume->rows));
    if (!resume->rows)
        return VE_ENOMEM;
    int err = ve_db_query(db, &stmt, SQL_PAGE, ve_bint(resume->after), ve_bint(resume->upto),
                          ve_bint((int64_t)resume->limit + 1));
    while (!err && (err = ve_db_next(db, stmt)) == 1) {
        err = 0;
        resume->more = resume->count == resume->limit || op->arena.total > VE_STORE_PAGE_BYTES;
        if (!resume->more)
            err = read_row(&op->arena, stmt, &resume->rows[resume->count++]);
        if (resume->more || err) {
            ve_db_finish(stmt);
            break;
        }
    }
    if (err || !resume->count || !resume->counted)
        return err;
    for (size_t i = 0; i < resume->count; i++)
        resume->rows[i].tries++;
    return ve_db_run(db, SQL_TRIED, ve_bint(resume->after),
                     ve_bint(resume->rows[resume->count - 1].id));
}

static void resume_done(struct ve_store_op *op)
{
    struct resume_op *resume = (struct resume_op *)op;
    struct ve_inbox_page page = {resume->rows, resume->count, resume->more};
    if (op->err)
        page = (struct ve_inbox_page){.count = 0};
    resume->done(op->arg, op->err, &page);
}

int ve_inbox_resume(struct ve_store *store, int64_t after, int64_t upto, unsigned limit, bool count,
                    void (*done)(void *arg, int err, const struct ve_inbox_page *page), void *arg)
{
    if (!limit || limit > VE_STORE_PAGE_MAX)
        return VE_EINVAL;
    struct resume_op *resume = ve_store_op_new(sizeof(*resume), 0);
    if (!resume)
        return VE_ENOMEM;
    resume->op.run = resume_run;
    resume->op.done = resume_done;
    resume->op.arg = arg;
    resume->after = after;
    resume->upto = upto;
    resume->limit = limit;
    resume->counted = count;
    resume->done = done;
    return ve_store_submit(store, &resume->op);
}
