#include "store/followup.h"

#include "base/err.h"
#include "store/effects.h"
#include "store/queue.h"
#include "store/usage.h"

static const char SQL_FIND[] = "SELECT id FROM followup WHERE tenant = ?1 AND key = ?2";
static const char SQL_PUT[] = "INSERT INTO followup(id, tenant, handler, key, data, due) "
                              "VALUES(?1, ?2, ?3, nullif(?4, ''), ?5, ?6)";
static const char SQL_DUE[] = "SELECT id, due, tenant, handler, ifnull(key, ''), data "
                              "FROM followup WHERE due <= ?1 ORDER BY due, id LIMIT ?2";
static const char SQL_NEXT[] = "SELECT min(due) FROM followup WHERE due > ?1";
static const char SQL_ROW[] = "SELECT tenant, length(data) FROM followup WHERE id = ?1";
static const char SQL_DELETE[] = "DELETE FROM followup WHERE id = ?1";

/* --- putting off ------------------------------------------------------------------------------ */

struct put_op {
    struct ve_store_op op;
    struct ve_followup row;
};

static int put_run(struct ve_db *db, struct ve_store_op *op)
{
    const struct ve_followup *row = &((struct put_op *)op)->row;
    struct ve_usage_bound bound = {.rows = db->limits.followups};
    int err = row->key.len ? ve_db_number(db, &op->number, SQL_FIND, ve_btext(row->tenant),
                                          ve_btext(row->key))
                           : VE_ENOENT;
    if (err != VE_ENOENT)
        return err ? err : VE_EEXIST;
    err = ve_usage_check(db, row->tenant, VE_USAGE_FOLLOWUP, 1, 0, bound);
    if (err)
        return err;
    int64_t id = ve_db_serial(db);
    err = ve_db_run(db, SQL_PUT, ve_bint(id), ve_btext(row->tenant), ve_btext(row->handler),
                    ve_btext(row->key), ve_bblob(row->data), ve_bint(row->due_ms));
    if (!err)
        err = ve_usage_add(db, row->tenant, VE_USAGE_FOLLOWUP, 1, (int64_t)row->data.len);
    if (err)
        return err;
    ve_db_count(db, VE_COUNT_FOLLOWUPS, 1);
    op->number = id;
    return 0;
}

int ve_followup_put(struct ve_store *store, const struct ve_followup *followup,
                    ve_store_number_fn done, void *arg)
{
    if (followup->tenant.len > VE_STORE_TENANT_MAX || !followup->handler.len ||
        followup->handler.len > VE_STORE_NAME_MAX || followup->key.len > VE_STORE_KEY_MAX)
        return VE_EINVAL;
    if (followup->data.len > VE_STORE_DATA_MAX)
        return VE_ETOOBIG;
    struct put_op *put =
        ve_store_op_new(sizeof(*put), followup->tenant.len + followup->handler.len +
                                          followup->key.len + followup->data.len);
    if (!put)
        return VE_ENOMEM;
    put->op.run = put_run;
    put->op.done = ve_store_op_number;
    put->op.callback.number = done;
    put->op.arg = arg;
    put->row = (struct ve_followup){
        .tenant = ve_store_op_text(&put->op, followup->tenant),
        .handler = ve_store_op_text(&put->op, followup->handler),
        .key = ve_store_op_text(&put->op, followup->key),
        .data = ve_store_op_text(&put->op, followup->data),
        .due_ms = followup->due_ms,
    };
    return ve_store_submit(store, &put->op);
}

/* --- those that are due ----------------------------------------------------------------------- */

struct due_op {
    struct ve_store_op op;
    int64_t now_ms;
    unsigned limit;
    struct ve_followup_page page;
    void (*done)(void *arg, int err, const struct ve_followup_page *page);
};

static int read_row(struct ve_arena *arena, sqlite3_stmt *stmt, struct ve_followup *row)
{
    row->id = ve_db_int(stmt, 0);
    row->due_ms = ve_db_int(stmt, 1);
    struct ve_str *const texts[] = {&row->tenant, &row->handler, &row->key, &row->data};
    int err = 0;
    for (int i = 0; i < 4 && !err; i++)
        err = ve_arena_copy(arena, texts[i], ve_db_text(stmt, 2 + i));
    return err;
}

static int read_due(struct ve_db *db, struct due_op *op, struct ve_followup *rows)
{
    sqlite3_stmt *stmt;
    int err = ve_db_query(db, &stmt, SQL_DUE, ve_bint(op->now_ms), ve_bint((int64_t)op->limit + 1));
    while (!err && (err = ve_db_next(db, stmt)) == 1) {
        op->page.more = op->page.count == op->limit || op->op.arena.total > VE_STORE_PAGE_BYTES;
        err = op->page.more ? 0 : read_row(&op->op.arena, stmt, &rows[op->page.count++]);
        if (op->page.more || err) {
            ve_db_finish(stmt);
            break;
        }
    }
    return err;
}

static int due_run(struct ve_db *db, struct ve_store_op *store_op)
{
    struct due_op *op = (struct due_op *)store_op;
    struct ve_followup *rows = ve_arena_get(&store_op->arena, op->limit * sizeof(*rows));
    op->page = (struct ve_followup_page){.rows = rows};
    if (!rows)
        return VE_ENOMEM;
    int err = read_due(db, op, rows);
    if (!err)
        err = ve_db_number(db, &op->page.next_due_ms, SQL_NEXT, ve_bint(op->now_ms));
    /* min() of no rows is NULL, which reads as 0. */
    if (!err && op->page.next_due_ms == 0)
        op->page.next_due_ms = INT64_MAX;
    return err;
}

static void due_done(struct ve_store_op *store_op)
{
    struct due_op *op = (struct due_op *)store_op;
    if (store_op->err)
        op->page = (struct ve_followup_page){.next_due_ms = INT64_MAX};
    op->done(store_op->arg, store_op->err, &op->page);
}

int ve_followup_due(struct ve_store *store, int64_t now_ms, unsigned limit,
                    void (*done)(void *arg, int err, const struct ve_followup_page *page),
                    void *arg)
{
    if (!limit || limit > VE_STORE_PAGE_MAX)
        return VE_EINVAL;
    struct due_op *op = ve_store_op_new(sizeof(*op), 0);
    if (!op)
        return VE_ENOMEM;
    op->op.run = due_run;
    op->op.done = due_done;
    op->op.arg = arg;
    op->now_ms = now_ms;
    op->limit = limit;
    op->done = done;
    return ve_store_submit(store, &op->op);
}

/* --- the end of one --------------------------------------------------------------------------- */

struct delete_op {
    struct ve_store_op op;
    int64_t id; /* 0: the one with the key */
    struct ve_str tenant;
    struct ve_str key;
    int64_t now_ms;
};

static int delete_row(struct ve_db *db, int64_t id, int64_t now_ms)
{
    char name[VE_STORE_TENANT_MAX + 1];
    sqlite3_stmt *stmt;
    int err = ve_db_query(db, &stmt, SQL_ROW, ve_bint(id));
    if (err)
        return err;
    err = ve_db_next(db, stmt);
    if (err != 1)
        return err ? err : VE_ENOENT;
    (void)ve_str_copy(name, sizeof(name), ve_db_text(stmt, 0));
    int64_t bytes = ve_db_int(stmt, 1);
    ve_db_finish(stmt);
    err = ve_db_run(db, SQL_DELETE, ve_bint(id));
    if (!err)
        err = ve_usage_add(db, ve_str(name), VE_USAGE_FOLLOWUP, -1, -bytes);
    if (err)
        return err;
    ve_db_count(db, VE_COUNT_FOLLOWUPS, -1);
    return ve_effects_origin_over(db, id, now_ms);
}

static int delete_run(struct ve_db *db, struct ve_store_op *store_op)
{
    struct delete_op *op = (struct delete_op *)store_op;
    int64_t id = op->id;
    int err = id ? 0 : ve_db_number(db, &id, SQL_FIND, ve_btext(op->tenant), ve_btext(op->key));
    return err ? err : delete_row(db, id, op->now_ms);
}

static int submit_delete(struct ve_store *store, int64_t id, struct ve_str tenant,
                         struct ve_str key, int64_t now_ms, ve_store_fn done, void *arg)
{
    struct delete_op *op = ve_store_op_new(sizeof(*op), tenant.len + key.len);
    if (!op)
        return VE_ENOMEM;
    op->op.run = delete_run;
    op->op.done = ve_store_op_plain;
    op->op.callback.plain = done;
    op->op.arg = arg;
    op->id = id;
    op->tenant = ve_store_op_text(&op->op, tenant);
    op->key = ve_store_op_text(&op->op, key);
    op->now_ms = now_ms;
    return ve_store_submit(store, &op->op);
}

int ve_followup_delete(struct ve_store *store, int64_t id, int64_t now_ms, ve_store_fn done,
                       void *arg)
{
    return id > 0 ? submit_delete(store, id, VE_STR(""), VE_STR(""), now_ms, done, arg) : VE_EINVAL;
}

int ve_followup_delete_key(struct ve_store *store, struct ve_str tenant, struct ve_str key,
                           int64_t now_ms, ve_store_fn done, void *arg)
{
    if (!key.len || key.len > VE_STORE_KEY_MAX || tenant.len > VE_STORE_TENANT_MAX)
        return VE_EINVAL;
    return submit_delete(store, 0, tenant, key, now_ms, done, arg);
}
