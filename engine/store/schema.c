#include "store/schema.h"

#include "base/err.h"

#include <stdio.h>

/*
 * Ids come from one counter that never goes back, not from SQLite: an id that was used once is the
 * name of an effect at somebody else's (store/outbox.h).
 *
 * inbox holds no key: that is in `seen`, which outlives the event. Keys of calls sort together, so
 * that the events of a burst touch few pages.
 */
static const char STEP_1[] =
    "CREATE TABLE counter(name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE usage(tenant TEXT NOT NULL, what INTEGER NOT NULL, rows INTEGER NOT NULL,"
    " bytes INTEGER NOT NULL, PRIMARY KEY(tenant, what)) WITHOUT ROWID;"
    "CREATE TABLE seen(key TEXT PRIMARY KEY, at INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE INDEX seen_at ON seen(at);"
    "CREATE TABLE inbox(id INTEGER PRIMARY KEY, tenant TEXT NOT NULL, kind TEXT NOT NULL,"
    " at INTEGER NOT NULL, tries INTEGER NOT NULL, body BLOB NOT NULL);"
    "CREATE TABLE outbox(id INTEGER PRIMARY KEY, origin INTEGER NOT NULL, number INTEGER NOT NULL,"
    " tenant TEXT NOT NULL, call_id TEXT NOT NULL, sink TEXT NOT NULL, key TEXT NOT NULL,"
    " match TEXT NOT NULL, payload BLOB NOT NULL, state INTEGER NOT NULL, due INTEGER NOT NULL,"
    " attempts INTEGER NOT NULL, created INTEGER NOT NULL, changed INTEGER NOT NULL,"
    " why TEXT NOT NULL, heard INTEGER NOT NULL, UNIQUE(origin, number));"
    "CREATE INDEX outbox_due ON outbox(due, id) WHERE state = 0;"
    "CREATE INDEX outbox_trying ON outbox(id) WHERE state = 1;"
    "CREATE INDEX outbox_done ON outbox(due) WHERE state = 2;"
    "CREATE INDEX outbox_letters ON outbox(id) WHERE state >= 3;"
    "CREATE INDEX outbox_match ON outbox(match, id) WHERE match <> '';"
    "CREATE TABLE followup(id INTEGER PRIMARY KEY, tenant TEXT NOT NULL, handler TEXT NOT NULL,"
    " key TEXT, data BLOB NOT NULL, due INTEGER NOT NULL, UNIQUE(tenant, key));"
    "CREATE INDEX followup_due ON followup(due, id);"
    "CREATE TABLE kv(id INTEGER PRIMARY KEY, tenant TEXT NOT NULL, key TEXT NOT NULL,"
    " value BLOB NOT NULL, expires INTEGER NOT NULL, UNIQUE(tenant, key));"
    "CREATE INDEX kv_expires ON kv(expires) WHERE expires > 0;"
    "CREATE TABLE history(id INTEGER PRIMARY KEY, call_id TEXT NOT NULL UNIQUE,"
    " tenant TEXT NOT NULL, began INTEGER NOT NULL, caller TEXT NOT NULL, record BLOB NOT NULL);"
    "CREATE INDEX history_tenant ON history(tenant, id);"
    "CREATE INDEX history_caller ON history(caller) WHERE caller <> '';";

static const char *const steps[] = {STEP_1};

struct ve_schema_steps ve_schema_steps(void)
{
    return (struct ve_schema_steps){steps, sizeof(steps) / sizeof(steps[0])};
}

/* In the order of their worth, should a repair be cut short. */
static const struct ve_schema_table tables[VE_SCHEMA_TABLES] = {
    {"inbox", "id, tenant, kind, at, tries, body", "id"},
    {"seen", "key, at", "key"},
    {"outbox",
     "id, origin, number, tenant, call_id, sink, key, match, payload, state, due, attempts, created, "
     "changed, why, heard",
     "id"},
    {"followup", "id, tenant, handler, key, data, due", "id"},
    {"kv", "id, tenant, key, value, expires", "id"},
    {"history", "id, call_id, tenant, began, caller, record", "id"},
};

const struct ve_schema_table *ve_schema_tables(void)
{
    return tables;
}

static int exec(struct ve_db *db, const char *sql)
{
    int rc = sqlite3_exec(db->sql, sql, NULL, NULL, NULL);
    return rc == SQLITE_OK ? 0 : ve_db_fail(db, rc);
}

/* Not kept: these are asked once. */
static int ask(struct ve_db *db, const char *sql, int64_t *out)
{
    sqlite3_stmt *stmt;
    int rc = sqlite3_prepare_v2(db->sql, sql, -1, &stmt, NULL);
    if (rc != SQLITE_OK)
        return ve_db_fail(db, rc);
    rc = sqlite3_step(stmt);
    if (rc == SQLITE_ROW)
        *out = sqlite3_column_int64(stmt, 0);
    int end = sqlite3_finalize(stmt);
    return rc == SQLITE_ROW ? 0 : ve_db_fail(db, end != SQLITE_OK ? end : SQLITE_CORRUPT);
}

static int take_step(struct ve_db *db, struct ve_schema_steps all, int version)
{
    char mark[96];
    (void)snprintf(mark, sizeof(mark), "PRAGMA user_version = %d; PRAGMA application_id = %d;",
                   version + 1, VE_SCHEMA_APPLICATION);
    int err = ve_db_begin(db);
    if (!err)
        err = exec(db, all.sql[version]);
    if (!err)
        err = exec(db, mark);
    if (!err)
        err = ve_db_commit(db);
    if (err && db->failed)
        ve_db_rollback(db);
    return err;
}

int ve_schema_apply(struct ve_db *db, struct ve_schema_steps all, bool *fresh)
{
    int64_t application = 0;
    int64_t version = 0;
    int64_t objects = 0;
    int err = ask(db, "PRAGMA application_id", &application);
    if (!err)
        err = ask(db, "PRAGMA user_version", &version);
    if (!err)
        err = ask(db, "SELECT count(*) FROM sqlite_schema", &objects);
    if (err)
        return err;
    *fresh = objects == 0;
    if (objects > 0 && application != VE_SCHEMA_APPLICATION)
        return VE_EPROTO;
    if (version > all.count)
        return VE_ENOTSUP;
    for (; version < all.count && !err; version++)
        err = take_step(db, all, (int)version);
    return err;
}

static const struct {
    enum ve_count which;
    const char *sql;
} counts[] = {
    {VE_COUNT_SEEN, "SELECT count(*) FROM seen"},
    {VE_COUNT_INBOX, "SELECT count(*) FROM inbox"},
    {VE_COUNT_INBOX_BYTES, "SELECT ifnull(sum(length(body)), 0) FROM inbox"},
    {VE_COUNT_PENDING, "SELECT count(*) FROM outbox WHERE state = 0"},
    {VE_COUNT_TRYING, "SELECT count(*) FROM outbox WHERE state = 1"},
    {VE_COUNT_DONE, "SELECT count(*) FROM outbox WHERE state = 2"},
    {VE_COUNT_UNKNOWN, "SELECT count(*) FROM outbox WHERE state = 3"},
    {VE_COUNT_DEAD, "SELECT count(*) FROM outbox WHERE state = 4"},
    {VE_COUNT_OUTBOX_BYTES, "SELECT ifnull(sum(length(payload)), 0) FROM outbox"},
    {VE_COUNT_FOLLOWUPS, "SELECT count(*) FROM followup"},
    {VE_COUNT_KV, "SELECT count(*) FROM kv"},
    {VE_COUNT_HISTORY, "SELECT count(*) FROM history"},
    {VE_COUNT_HISTORY_BYTES, "SELECT ifnull(sum(length(record)), 0) FROM history"},
};

/* What each kind of enum ve_usage counts. */
static const char RECOUNT_USAGE[] =
    "DELETE FROM usage;"
    "INSERT INTO usage SELECT tenant, 0, count(*),"
    " sum(length(CAST(key AS BLOB)) + length(value)) FROM kv GROUP BY tenant;"
    "INSERT INTO usage SELECT tenant, 1, count(*), sum(length(data)) FROM followup GROUP BY tenant;"
    "INSERT INTO usage SELECT tenant, 2, count(*), sum(length(payload)) FROM outbox"
    " WHERE state <> 2 GROUP BY tenant;";

int ve_schema_recount(struct ve_db *db)
{
    static const char highest[] =
        "SELECT max((SELECT ifnull(max(id), 0) FROM inbox), (SELECT ifnull(max(id), 0) FROM outbox),"
        " (SELECT ifnull(max(id), 0) FROM followup), (SELECT ifnull(max(id), 0) FROM history))";
    int64_t serial = 0;
    int err = exec(db, RECOUNT_USAGE);
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]) && !err; i++)
        err = ask(db, counts[i].sql, &db->count[counts[i].which]);
    if (!err)
        err = ask(db, highest, &serial);
    if (!err && serial > db->count[VE_COUNT_SERIAL])
        db->count[VE_COUNT_SERIAL] = serial;
    return err;
}
