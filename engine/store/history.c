#include "store/history.h"

#include "base/err.h"
#include "store/queue.h"

static const char SQL_FIND[] = "SELECT id, length(record) FROM history WHERE call_id = ?1";
static const char SQL_PUT[] =
    "INSERT INTO history(id, call_id, tenant, began, caller, record) VALUES(?1, ?2, ?3, ?4, ?5, ?6) "
    "ON CONFLICT(id) DO UPDATE SET tenant = excluded.tenant, began = excluded.began, "
    "caller = excluded.caller, record = excluded.record";
#define COLUMNS "SELECT id, began, call_id, tenant, caller, record FROM history "
static const char SQL_GET[] = COLUMNS "WHERE call_id = ?1";
static const char SQL_LIST[] = COLUMNS "WHERE id < ?1 ORDER BY id DESC LIMIT ?2";
static const char SQL_LIST_TENANT[] =
    COLUMNS "WHERE tenant = ?3 AND id < ?1 ORDER BY id DESC LIMIT ?2";
static const char SQL_OF_CALLER[] =
    "SELECT count(*), ifnull(sum(length(record)), 0) FROM history WHERE caller = ?1 AND caller <> ''";
static const char SQL_ERASE[] = "DELETE FROM history WHERE caller = ?1 AND caller <> ''";

struct history_op {
    struct ve_store_op op;
    struct ve_history_row row; /* to put; its call_id, tenant or caller to find */
    int64_t before;
    unsigned limit;
    struct ve_history_page page;
    union {
        void (*row_done)(void *arg, int err, const struct ve_history_row *row);
        void (*page_done)(void *arg, int err, const struct ve_history_page *page);
    };
};

static struct history_op *new_op(const struct ve_history_row *row)
{
    struct history_op *op = ve_store_op_new(sizeof(*op), row->call_id.len + row->tenant.len +
                                                             row->caller.len + row->record.len);
    if (!op)
        return NULL;
    op->row = *row;
    op->row.call_id = ve_store_op_text(&op->op, row->call_id);
    op->row.tenant = ve_store_op_text(&op->op, row->tenant);
    op->row.caller = ve_store_op_text(&op->op, row->caller);
    op->row.record = ve_store_op_text(&op->op, row->record);
    return op;
}

/* --- writing ---------------------------------------------------------------------------------- */

/* The id and size of what is stored of the call; 0 when nothing is. */
static int find(struct ve_db *db, struct ve_str call_id, int64_t *id, int64_t *bytes)
{
    sqlite3_stmt *stmt;
    *id = *bytes = 0;
    int err = ve_db_query(db, &stmt, SQL_FIND, ve_btext(call_id));
    if (err)
        return err;
    err = ve_db_next(db, stmt);
    if (err != 1)
        return err;
    *id = ve_db_int(stmt, 0);
    *bytes = ve_db_int(stmt, 1);
    ve_db_finish(stmt);
    return 0;
}

static int put_run(struct ve_db *db, struct ve_store_op *op)
{
    const struct ve_history_row *row = &((struct history_op *)op)->row;
    int64_t id;
    int64_t bytes;
    int err = find(db, row->call_id, &id, &bytes);
    if (err)
        return err;
    bool fresh = id == 0;
    if (fresh)
        id = ve_db_serial(db);
    err = ve_db_run(db, SQL_PUT, ve_bint(id), ve_btext(row->call_id), ve_btext(row->tenant),
                    ve_bint(row->began_ms), ve_btext(row->caller), ve_bblob(row->record));
    if (err)
        return err;
    ve_db_count(db, VE_COUNT_HISTORY, fresh);
    ve_db_count(db, VE_COUNT_HISTORY_BYTES, (int64_t)row->record.len - bytes);
    op->number = id;
    return 0;
}

int ve_history_put(struct ve_store *store, const struct ve_history_row *row,
                   ve_store_number_fn done, void *arg)
{
    if (!row->call_id.len || row->call_id.len > 64 || row->tenant.len > VE_STORE_TENANT_MAX ||
        row->caller.len > VE_STORE_KEY_MAX)
        return VE_EINVAL;
    if (row->record.len > VE_STORE_BODY_MAX)
        return VE_ETOOBIG;
    struct history_op *op = new_op(row);
    if (!op)
        return VE_ENOMEM;
    op->op.run = put_run;
    op->op.done = ve_store_op_number;
    op->op.callback.number = done;
    op->op.arg = arg;
    return ve_store_submit(store, &op->op);
}

static int erase_run(struct ve_db *db, struct ve_store_op *store_op)
{
    struct history_op *op = (struct history_op *)store_op;
    sqlite3_stmt *stmt;
    int err = ve_db_query(db, &stmt, SQL_OF_CALLER, ve_btext(op->row.caller));
    if (!err)
        err = ve_db_next(db, stmt);
    if (err != 1)
        return err;
    int64_t rows = ve_db_int(stmt, 0);
    int64_t bytes = ve_db_int(stmt, 1);
    ve_db_finish(stmt);
    if (!rows)
        return 0;
    db->erase = true;
    err = ve_db_run(db, SQL_ERASE, ve_btext(op->row.caller));
    if (err)
        return err;
    ve_db_count(db, VE_COUNT_HISTORY, -rows);
    ve_db_count(db, VE_COUNT_HISTORY_BYTES, -bytes);
    store_op->number = rows;
    return 0;
}

int ve_history_erase(struct ve_store *store, struct ve_str caller, ve_store_number_fn done,
                     void *arg)
{
    struct ve_history_row row = {.caller = caller};
    if (!caller.len || caller.len > VE_STORE_KEY_MAX)
        return VE_EINVAL;
    struct history_op *op = new_op(&row);
    if (!op)
        return VE_ENOMEM;
    op->op.run = erase_run;
    op->op.done = ve_store_op_number;
    op->op.callback.number = done;
    op->op.arg = arg;
    return ve_store_submit(store, &op->op);
}

/* --- reading ---------------------------------------------------------------------------------- */

static int read_row(struct ve_arena *arena, sqlite3_stmt *stmt, struct ve_history_row *row)
{
    row->id = ve_db_int(stmt, 0);
    row->began_ms = ve_db_int(stmt, 1);
    struct ve_str *const texts[] = {&row->call_id, &row->tenant, &row->caller, &row->record};
    int err = 0;
    for (int i = 0; i < 4 && !err; i++)
        err = ve_arena_copy(arena, texts[i], ve_db_text(stmt, 2 + i));
    return err;
}

static int get_run(struct ve_db *db, struct ve_store_op *store_op)
{
    struct history_op *op = (struct history_op *)store_op;
    struct ve_history_row *row = ve_arena_get(&store_op->arena, sizeof(*row));
    sqlite3_stmt *stmt;
    if (!row)
        return VE_ENOMEM;
    int err = ve_db_query(db, &stmt, SQL_GET, ve_btext(op->row.call_id));
    if (err)
        return err;
    err = ve_db_next(db, stmt);
    if (err != 1)
        return err ? err : VE_ENOENT;
    err = read_row(&store_op->arena, stmt, row);
    ve_db_finish(stmt);
    op->page = (struct ve_history_page){.rows = row, .count = 1};
    return err;
}

static void get_done(struct ve_store_op *store_op)
{
    struct history_op *op = (struct history_op *)store_op;
    op->row_done(store_op->arg, store_op->err, store_op->err ? NULL : op->page.rows);
}

int ve_history_get(struct ve_store *store, struct ve_str call_id,
                   void (*done)(void *arg, int err, const struct ve_history_row *row), void *arg)
{
    struct ve_history_row row = {.call_id = call_id};
    if (!call_id.len || call_id.len > 64)
        return VE_EINVAL;
    struct history_op *op = new_op(&row);
    if (!op)
        return VE_ENOMEM;
    op->op.run = get_run;
    op->op.done = get_done;
    op->op.arg = arg;
    op->row_done = done;
    return ve_store_submit(store, &op->op);
}

static int list_run(struct ve_db *db, struct ve_store_op *store_op)
{
    struct history_op *op = (struct history_op *)store_op;
    struct ve_history_row *rows = ve_arena_get(&store_op->arena, op->limit * sizeof(*rows));
    struct ve_bind binds[] = {ve_bint(op->before), ve_bint((int64_t)op->limit + 1),
                              ve_btext(op->row.tenant)};
    bool all = op->row.tenant.len == 0;
    sqlite3_stmt *stmt;
    op->page = (struct ve_history_page){.rows = rows};
    if (!rows)
        return VE_ENOMEM;
    int err = ve_db_query_n(db, &stmt, all ? SQL_LIST : SQL_LIST_TENANT, binds, all ? 2 : 3);
    while (!err && (err = ve_db_next(db, stmt)) == 1) {
        op->page.more = op->page.count == op->limit || store_op->arena.total > VE_STORE_PAGE_BYTES;
        err = op->page.more ? 0 : read_row(&store_op->arena, stmt, &rows[op->page.count++]);
        if (op->page.more || err) {
            ve_db_finish(stmt);
            break;
        }
    }
    return err;
}

static void list_done(struct ve_store_op *store_op)
{
    struct history_op *op = (struct history_op *)store_op;
    if (store_op->err)
        op->page = (struct ve_history_page){.count = 0};
    op->page_done(store_op->arg, store_op->err, &op->page);
}

int ve_history_list(struct ve_store *store, struct ve_str tenant, int64_t before, unsigned limit,
                    void (*done)(void *arg, int err, const struct ve_history_page *page), void *arg)
{
    struct ve_history_row row = {.tenant = tenant};
    if (tenant.len > VE_STORE_TENANT_MAX || !limit || limit > VE_STORE_PAGE_MAX)
        return VE_EINVAL;
    struct history_op *op = new_op(&row);
    if (!op)
        return VE_ENOMEM;
    op->op.run = list_run;
    op->op.done = list_done;
    op->op.arg = arg;
    op->before = before ? before : INT64_MAX;
    op->limit = limit;
    op->page_done = done;
    return ve_store_submit(store, &op->op);
}
