#include "base/err.h"
#include "store/outbox.h"
#include "store/queue.h"

#define COLUMNS                                                                                    \
    "SELECT id, origin, number, state, due, attempts, created, changed, tenant, call_id, sink, "   \
    "key, match, payload, why FROM outbox "

static const char SQL_DUE[] = COLUMNS "WHERE state = 0 AND due <= ?1 ORDER BY due, id LIMIT ?2";
static const char SQL_NEXT[] = "SELECT min(due) FROM outbox WHERE state = 0 AND due > ?1";
static const char SQL_GET[] = COLUMNS "WHERE id = ?1";
static const char SQL_LIST[] =
    COLUMNS "WHERE (1 << state) & ?1 AND id < ?2 ORDER BY id DESC LIMIT ?3";

enum what { DUE, GET, LIST };

struct page_op {
    struct ve_store_op op;
    enum what what;
    int64_t at; /* the time, the id, or the id below which */
    unsigned states;
    unsigned limit;
    struct ve_outbox_page page;
    ve_outbox_page_fn done;
};

static int read_texts(struct ve_arena *arena, sqlite3_stmt *stmt, struct ve_outbox_row *row)
{
    struct ve_str *const texts[] = {&row->tenant, &row->call_id, &row->sink, &row->key,
                                    &row->match,  &row->payload, &row->why};
    int err = 0;
    for (int i = 0; i < 7 && !err; i++)
        err = ve_arena_copy(arena, texts[i], ve_db_text(stmt, 8 + i));
    return err;
}

static int read_row(struct ve_arena *arena, sqlite3_stmt *stmt, struct ve_outbox_row *row)
{
    row->id = ve_db_int(stmt, 0);
    row->origin = ve_db_int(stmt, 1);
    row->number = (uint32_t)ve_db_int(stmt, 2);
    row->state = (enum ve_outbox_state)ve_db_int(stmt, 3);
    row->due_ms = ve_db_int(stmt, 4);
    row->attempts = (uint32_t)ve_db_int(stmt, 5);
    row->created_ms = ve_db_int(stmt, 6);
    row->changed_ms = ve_db_int(stmt, 7);
    return read_texts(arena, stmt, row);
}

static int query(struct ve_db *db, const struct page_op *op, sqlite3_stmt **stmt)
{
    switch (op->what) {
    case DUE:
        return ve_db_query(db, stmt, SQL_DUE, ve_bint(op->at), ve_bint((int64_t)op->limit + 1));
    case GET:
        return ve_db_query(db, stmt, SQL_GET, ve_bint(op->at));
    default:
        return ve_db_query(db, stmt, SQL_LIST, ve_bint(op->states), ve_bint(op->at),
                           ve_bint((int64_t)op->limit + 1));
    }
}

static int read_page(struct ve_db *db, struct page_op *op, struct ve_outbox_row *rows)
{
    sqlite3_stmt *stmt;
    int err = query(db, op, &stmt);
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

/* min() of no rows is NULL, which reads as 0. */
static int read_next(struct ve_db *db, struct page_op *op)
{
    int err = ve_db_number(db, &op->page.next_due_ms, SQL_NEXT, ve_bint(op->at));
    if (!err && op->page.next_due_ms == 0)
        op->page.next_due_ms = INT64_MAX;
    return err;
}

static int page_run(struct ve_db *db, struct ve_store_op *store_op)
{
    struct page_op *op = (struct page_op *)store_op;
    struct ve_outbox_row *rows = ve_arena_get(&store_op->arena, op->limit * sizeof(*rows));
    op->page = (struct ve_outbox_page){.rows = rows};
    if (!rows)
        return VE_ENOMEM;
    int err = read_page(db, op, rows);
    if (!err && op->what == DUE)
        err = read_next(db, op);
    return !err && op->what == GET && !op->page.count ? VE_ENOENT : err;
}

static void page_done(struct ve_store_op *store_op)
{
    struct page_op *op = (struct page_op *)store_op;
    if (store_op->err)
        op->page = (struct ve_outbox_page){.next_due_ms = INT64_MAX};
    op->done(store_op->arg, store_op->err, &op->page);
}

static int submit(struct ve_store *store, const struct page_op *wanted, void *arg)
{
    if (!wanted->limit || wanted->limit > VE_STORE_PAGE_MAX)
        return VE_EINVAL;
    struct page_op *op = ve_store_op_new(sizeof(*op), 0);
    if (!op)
        return VE_ENOMEM;
    op->op.run = page_run;
    op->op.done = page_done;
    op->op.arg = arg;
    op->what = wanted->what;
    op->at = wanted->at;
    op->states = wanted->states;
    op->limit = wanted->limit;
    op->done = wanted->done;
    return ve_store_submit(store, &op->op);
}

int ve_outbox_due(struct ve_store *store, int64_t now_ms, unsigned limit, ve_outbox_page_fn done,
                  void *arg)
{
    struct page_op op = {.what = DUE, .at = now_ms, .limit = limit, .done = done};
    return submit(store, &op, arg);
}

int ve_outbox_get(struct ve_store *store, int64_t id, ve_outbox_page_fn done, void *arg)
{
    struct page_op op = {.what = GET, .at = id, .limit = 1, .done = done};
    return submit(store, &op, arg);
}

int ve_outbox_list(struct ve_store *store, unsigned states, int64_t before, unsigned limit,
                   ve_outbox_page_fn done, void *arg)
{
    struct page_op op = {
        .what = LIST,
        .at = before ? before : INT64_MAX,
        .states = states,
        .limit = limit,
        .done = done,
    };
    return submit(store, &op, arg);
}
