#include "store/kv.h"

#include "base/err.h"
#include "store/queue.h"
#include "store/usage.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NUMBER_MAX 24 /* bytes of a counter's digits */

static const char SQL_GET[] = "SELECT value, expires FROM kv WHERE tenant = ?1 AND key = ?2 "
                              "AND (expires = 0 OR expires > ?3)";
static const char SQL_SIZE[] = "SELECT length(value) FROM kv WHERE tenant = ?1 AND key = ?2";
static const char SQL_PUT[] =
    "INSERT INTO kv(tenant, key, value, expires) VALUES(?1, ?2, ?3, ?4) "
    "ON CONFLICT(tenant, key) DO UPDATE SET value = excluded.value, expires = excluded.expires";
static const char SQL_DELETE[] = "DELETE FROM kv WHERE tenant = ?1 AND key = ?2";
static const char SQL_LIST[] =
    "SELECT key, value, expires FROM kv WHERE tenant = ?1 AND key > ?2 AND key >= ?3 "
    "AND substr(CAST(key AS BLOB), 1, ?4) = CAST(?3 AS BLOB) "
    "AND (expires = 0 OR expires > ?5) ORDER BY key LIMIT ?6";

struct kv_op {
    struct ve_store_op op;
    struct ve_str tenant;
    struct ve_str key;   /* or the prefix */
    struct ve_str value; /* or behind which key */
    int64_t expires_ms;
    int64_t by;
    int64_t now_ms;
    unsigned limit;
    union {
        struct ve_kv_entry entry;
        struct ve_kv_page page;
    };
    union {
        void (*entry_done)(void *arg, int err, const struct ve_kv_entry *entry);
        void (*page_done)(void *arg, int err, const struct ve_kv_page *page);
    };
};

static bool key_ok(struct ve_str tenant, struct ve_str key)
{
    return tenant.len <= VE_STORE_TENANT_MAX && key.len > 0 && key.len <= VE_KV_KEY_MAX &&
           !memchr(key.ptr, '\0', key.len) && ve_str_utf8(key);
}

static struct kv_op *new_op(struct ve_str tenant, struct ve_str key, struct ve_str value,
                            int64_t now_ms, int (*run)(struct ve_db *db, struct ve_store_op *op),
                            void (*done)(struct ve_store_op *op))
{
    struct kv_op *op = ve_store_op_new(sizeof(*op), tenant.len + key.len + value.len);
    if (!op)
        return NULL;
    op->op.run = run;
    op->op.done = done;
    op->tenant = ve_store_op_text(&op->op, tenant);
    op->key = ve_store_op_text(&op->op, key);
    op->value = ve_store_op_text(&op->op, value);
    op->now_ms = now_ms;
    return op;
}

/* --- reading ---------------------------------------------------------------------------------- */

static int read_entry(struct ve_db *db, struct kv_op *op)
{
    sqlite3_stmt *stmt;
    int err = ve_db_query(db, &stmt, SQL_GET, ve_btext(op->tenant), ve_btext(op->key),
                          ve_bint(op->now_ms));
    if (err)
        return err;
    err = ve_db_next(db, stmt);
    if (err != 1)
        return err ? err : VE_ENOENT;
    op->entry.key = op->key;
    op->entry.expires_ms = ve_db_int(stmt, 1);
    err = ve_arena_copy(&op->op.arena, &op->entry.value, ve_db_text(stmt, 0));
    ve_db_finish(stmt);
    return err;
}

static int get_run(struct ve_db *db, struct ve_store_op *op)
{
    return read_entry(db, (struct kv_op *)op);
}

static void get_done(struct ve_store_op *store_op)
{
    struct kv_op *op = (struct kv_op *)store_op;
    op->entry_done(store_op->arg, store_op->err, store_op->err ? NULL : &op->entry);
}

int ve_kv_get(struct ve_store *store, struct ve_str tenant, struct ve_str key, int64_t now_ms,
              void (*done)(void *arg, int err, const struct ve_kv_entry *entry), void *arg)
{
    if (!key_ok(tenant, key))
        return VE_EINVAL;
    struct kv_op *op = new_op(tenant, key, VE_STR(""), now_ms, get_run, get_done);
    if (!op)
        return VE_ENOMEM;
    op->entry_done = done;
    op->op.arg = arg;
    return ve_store_submit(store, &op->op);
}

static int read_page(struct ve_db *db, struct kv_op *op, struct ve_kv_entry *entries)
{
    sqlite3_stmt *stmt;
    int err = ve_db_query(db, &stmt, SQL_LIST, ve_btext(op->tenant), ve_btext(op->value),
                          ve_btext(op->key), ve_bint((int64_t)op->key.len), ve_bint(op->now_ms),
                          ve_bint((int64_t)op->limit + 1));
    while (!err && (err = ve_db_next(db, stmt)) == 1) {
        struct ve_kv_entry *entry = &entries[op->page.count];
        op->page.more = op->page.count == op->limit || op->op.arena.total > VE_STORE_PAGE_BYTES;
        err = op->page.more ? 0 : ve_arena_copy(&op->op.arena, &entry->key, ve_db_text(stmt, 0));
        if (!err && !op->page.more) {
            err = ve_arena_copy(&op->op.arena, &entry->value, ve_db_text(stmt, 1));
            entry->expires_ms = ve_db_int(stmt, 2);
            op->page.count++;
        }
        if (op->page.more || err) {
            ve_db_finish(stmt);
            break;
        }
    }
    return err;
}

static int list_run(struct ve_db *db, struct ve_store_op *store_op)
{
    struct kv_op *op = (struct kv_op *)store_op;
    struct ve_kv_entry *entries = ve_arena_get(&store_op->arena, op->limit * sizeof(*entries));
    op->page = (struct ve_kv_page){.entries = entries};
    return entries ? read_page(db, op, entries) : VE_ENOMEM;
}

static void list_done(struct ve_store_op *store_op)
{
    struct kv_op *op = (struct kv_op *)store_op;
    if (store_op->err)
        op->page = (struct ve_kv_page){.count = 0};
    op->page_done(store_op->arg, store_op->err, &op->page);
}

int ve_kv_list(struct ve_store *store, struct ve_str tenant, struct ve_str prefix,
               struct ve_str after, unsigned limit, int64_t now_ms,
               void (*done)(void *arg, int err, const struct ve_kv_page *page), void *arg)
{
    if (tenant.len > VE_STORE_TENANT_MAX || prefix.len > VE_KV_KEY_MAX ||
        after.len > VE_KV_KEY_MAX || !limit || limit > VE_STORE_PAGE_MAX)
        return VE_EINVAL;
    struct kv_op *op = new_op(tenant, prefix, after, now_ms, list_run, list_done);
    if (!op)
        return VE_ENOMEM;
    op->page_done = done;
    op->limit = limit;
    op->op.arg = arg;
    return ve_store_submit(store, &op->op);
}

/* --- writing ---------------------------------------------------------------------------------- */

static int put(struct ve_db *db, const struct kv_op *op, struct ve_str value, int64_t expires_ms)
{
    struct ve_usage_bound bound = {.rows = db->limits.kv_rows, .bytes = db->limits.kv_bytes};
    int64_t old = 0;
    int err = ve_db_number(db, &old, SQL_SIZE, ve_btext(op->tenant), ve_btext(op->key));
    if (err && err != VE_ENOENT)
        return err;
    int64_t rows = err == VE_ENOENT;
    int64_t bytes = (int64_t)value.len - old + (rows ? (int64_t)op->key.len : 0);
    err = ve_usage_check(db, op->tenant, VE_USAGE_KV, rows, bytes, bound);
    if (err)
        return err;
    err = ve_db_run(db, SQL_PUT, ve_btext(op->tenant), ve_btext(op->key), ve_bblob(value),
                    ve_bint(expires_ms));
    if (!err)
        err = ve_usage_add(db, op->tenant, VE_USAGE_KV, rows, bytes);
    if (err)
        return err;
    ve_db_count(db, VE_COUNT_KV, rows);
    return 0;
}

static int set_run(struct ve_db *db, struct ve_store_op *store_op)
{
    struct kv_op *op = (struct kv_op *)store_op;
    return put(db, op, op->value, op->expires_ms);
}

int ve_kv_set(struct ve_store *store, struct ve_str tenant, const struct ve_kv_entry *entry,
              int64_t now_ms, ve_store_fn done, void *arg)
{
    if (!key_ok(tenant, entry->key))
        return VE_EINVAL;
    if (entry->value.len > VE_STORE_DATA_MAX)
        return VE_ETOOBIG;
    struct kv_op *op = new_op(tenant, entry->key, entry->value, now_ms, set_run, ve_store_op_plain);
    if (!op)
        return VE_ENOMEM;
    op->expires_ms = entry->expires_ms;
    op->op.callback.plain = done;
    op->op.arg = arg;
    return ve_store_submit(store, &op->op);
}

/* A whole number in decimal digits, as incr writes it. */
static int parse_number(struct ve_str text, int64_t *out)
{
    bool minus = text.len > 0 && text.ptr[0] == '-';
    struct ve_str digits = ve_str_n(text.ptr + minus, text.len - minus);
    uint64_t value;
    if (!digits.len || ve_str_u64(&value, digits, (uint64_t)INT64_MAX) != 0)
        return VE_EPROTO;
    *out = minus ? -(int64_t)value : (int64_t)value;
    return 0;
}

static int incr_run(struct ve_db *db, struct ve_store_op *store_op)
{
    struct kv_op *op = (struct kv_op *)store_op;
    char digits[NUMBER_MAX];
    int64_t before = 0;
    int64_t expires = op->expires_ms;
    int err = read_entry(db, op);
    if (!err) {
        expires = op->entry.expires_ms;
        err = parse_number(op->entry.value, &before);
    } else if (err == VE_ENOENT) {
        err = 0;
    }
    if (!err && (__builtin_add_overflow(before, op->by, &store_op->number) ||
                 store_op->number == INT64_MIN))
        err = VE_ETOOBIG;
    if (err) {
        store_op->number = 0;
        return err;
    }
    int len = snprintf(digits, sizeof(digits), "%" PRId64, store_op->number);
    return put(db, op, ve_str_n(digits, (size_t)len), expires);
}

int ve_kv_incr(struct ve_store *store, struct ve_str tenant, struct ve_str key, int64_t by,
               int64_t expires_ms, int64_t now_ms, ve_store_number_fn done, void *arg)
{
    if (!key_ok(tenant, key))
        return VE_EINVAL;
    struct kv_op *op = new_op(tenant, key, VE_STR(""), now_ms, incr_run, ve_store_op_number);
    if (!op)
        return VE_ENOMEM;
    op->by = by;
    op->expires_ms = expires_ms;
    op->op.callback.number = done;
    op->op.arg = arg;
    return ve_store_submit(store, &op->op);
}

static int delete_run(struct ve_db *db, struct ve_store_op *store_op)
{
    struct kv_op *op = (struct kv_op *)store_op;
    /* One whose time is over is not there, but goes now. */
    int there = read_entry(db, op);
    int64_t bytes = 0;
    if (there && there != VE_ENOENT)
        return there;
    int err = ve_db_number(db, &bytes, SQL_SIZE, ve_btext(op->tenant), ve_btext(op->key));
    if (err)
        return err;
    err = ve_db_run(db, SQL_DELETE, ve_btext(op->tenant), ve_btext(op->key));
    if (!err)
        err = ve_usage_add(db, op->tenant, VE_USAGE_KV, -1, -bytes - (int64_t)op->key.len);
    if (err)
        return err;
    ve_db_count(db, VE_COUNT_KV, -1);
    return there;
}

int ve_kv_delete(struct ve_store *store, struct ve_str tenant, struct ve_str key, int64_t now_ms,
                 ve_store_fn done, void *arg)
{
    if (!key_ok(tenant, key))
        return VE_EINVAL;
    struct kv_op *op = new_op(tenant, key, VE_STR(""), now_ms, delete_run, ve_store_op_plain);
    if (!op)
        return VE_ENOMEM;
    op->op.callback.plain = done;
    op->op.arg = arg;
    return ve_store_submit(store, &op->op);
}
