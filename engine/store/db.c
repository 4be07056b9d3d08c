#include "store/db.h"

#include "base/err.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Names in the table `counter`, in the order of enum ve_count. */
static const char *const count_names[VE_COUNTS] = {
    "serial",    "seen", "inbox",   "inbox_bytes",   "inbox_expired", "pending",
    "trying",    "done", "unknown", "dead",          "outbox_bytes",  "dead_dropped",
    "followups", "kv",   "history", "history_bytes",
};

static const char SQL_BEGIN[] = "BEGIN IMMEDIATE";
static const char SQL_COMMIT[] = "COMMIT";
static const char SQL_ROLLBACK[] = "ROLLBACK";
static const char SQL_COUNT_SAVE[] = "INSERT INTO counter(name, value) VALUES(?1, ?2) "
                                     "ON CONFLICT(name) DO UPDATE SET value = excluded.value";
static const char SQL_COUNT_LOAD[] = "SELECT value FROM counter WHERE name = ?1";

/* --- errors ----------------------------------------------------------------------------------- */

static enum ve_store_state state_of(int rc, int os_error)
{
    switch (rc & 0xff) {
    case SQLITE_FULL:
        return VE_STORE_FULL;
    case SQLITE_READONLY:
        return VE_STORE_READ_ONLY;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return VE_STORE_DAMAGED;
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
        if (os_error == ENOSPC || os_error == EDQUOT || os_error == EFBIG)
            return VE_STORE_FULL;
        return os_error == EROFS ? VE_STORE_READ_ONLY : VE_STORE_FAILING;
    default:
        return VE_STORE_FAILING;
    }
}

static int err_of(int rc)
{
    if (rc == SQLITE_IOERR_NOMEM)
        return VE_ENOMEM;
    switch (rc & 0xff) {
    case SQLITE_NOMEM:
        return VE_ENOMEM;
    case SQLITE_TOOBIG:
        return VE_ETOOBIG;
    default:
        return VE_EIO;
    }
}

int ve_db_fail(struct ve_db *db, int rc)
{
    int os_error = 0;
    /* Only these come from the system; for others the number would be that of an earlier error. */
    if (db->sql && ((rc & 0xff) == SQLITE_IOERR || (rc & 0xff) == SQLITE_CANTOPEN))
        os_error = sqlite3_system_errno(db->sql);
    db->failed = true;
    db->err = err_of(rc);
    if (db->err == VE_EIO)
        db->state = state_of(rc, os_error);
    (void)snprintf(db->why, sizeof(db->why), "%s%s%s (sqlite %d)", sqlite3_errstr(rc),
                   os_error ? ": " : "", os_error ? strerrordesc_np(os_error) : "", rc);
    return db->err;
}

/* --- statements ------------------------------------------------------------------------------- */

static struct ve_db_slot *slot_of(struct ve_db *db, const char *sql)
{
    size_t at = ((uintptr_t)sql >> 3) * 0x9e3779b1u;
    for (size_t i = 0; i < VE_DB_STATEMENTS; i++) {
        struct ve_db_slot *slot = &db->slots[(at + i) % VE_DB_STATEMENTS];
        if (!slot->sql || slot->sql == sql)
            return slot;
    }
    return NULL;
}

static int statement(struct ve_db *db, sqlite3_stmt **out, const char *sql)
{
    struct ve_db_slot *slot = slot_of(db, sql);
    if (!slot)
        return ve_db_fail(db, SQLITE_FULL); /* VE_DB_STATEMENTS is too small: a bug */
    if (!slot->stmt) {
        int rc = sqlite3_prepare_v3(db->sql, sql, -1, SQLITE_PREPARE_PERSISTENT, &slot->stmt, NULL);
        if (rc != SQLITE_OK)
            return ve_db_fail(db, rc);
        slot->sql = sql;
    }
    *out = slot->stmt;
    return 0;
}

static int bind(sqlite3_stmt *stmt, int at, const struct ve_bind *value)
{
    /* A NULL pointer would be stored as NULL, not as an empty text. */
    const char *ptr = value->bytes.ptr ? value->bytes.ptr : "";
    switch (value->type) {
    case VE_BIND_TEXT:
        return sqlite3_bind_text64(stmt, at, ptr, value->bytes.len, SQLITE_STATIC, SQLITE_UTF8);
    case VE_BIND_BLOB:
        return sqlite3_bind_blob64(stmt, at, ptr, value->bytes.len, SQLITE_STATIC);
    default:
        return sqlite3_bind_int64(stmt, at, value->number);
    }
}

int ve_db_query_n(struct ve_db *db, sqlite3_stmt **out, const char *sql,
                  const struct ve_bind *binds, int count)
{
    *out = NULL;
    int err = statement(db, out, sql);
    for (int i = 0; i < count && !err; i++) {
        int rc = bind(*out, i + 1, &binds[i]);
        if (rc != SQLITE_OK)
            err = ve_db_fail(db, rc);
    }
    return err;
}

int ve_db_next(struct ve_db *db, sqlite3_stmt *stmt)
{
    int rc = sqlite3_step(stmt);
    if (rc == SQLITE_ROW)
        return 1;
    (void)sqlite3_reset(stmt);
    return rc == SQLITE_DONE ? 0 : ve_db_fail(db, rc);
}

void ve_db_finish(sqlite3_stmt *stmt)
{
    (void)sqlite3_reset(stmt);
}

int ve_db_run_n(struct ve_db *db, const char *sql, const struct ve_bind *binds, int count)
{
    sqlite3_stmt *stmt = NULL;
    int err = ve_db_query_n(db, &stmt, sql, binds, count);
    if (err)
        return err;
    err = ve_db_next(db, stmt);
    if (err > 0) {
        ve_db_finish(stmt);
        err = 0;
    }
    return err;
}

int ve_db_number_n(struct ve_db *db, int64_t *out, const char *sql, const struct ve_bind *binds,
                   int count)
{
    sqlite3_stmt *stmt;
    int err = ve_db_query_n(db, &stmt, sql, binds, count);
    if (err)
        return err;
    err = ve_db_next(db, stmt);
    if (err < 0)
        return err;
    if (err == 0)
        return VE_ENOENT;
    *out = ve_db_int(stmt, 0);
    ve_db_finish(stmt);
    return 0;
}

int64_t ve_db_changed(const struct ve_db *db)
{
    return sqlite3_changes64(db->sql);
}

struct ve_str ve_db_text(sqlite3_stmt *stmt, int column)
{
    /* As a blob: neither converted nor cut at a NUL. The length is asked for afterwards. */
    const char *ptr = sqlite3_column_blob(stmt, column);
    return ve_str_n(ptr, ptr ? (size_t)sqlite3_column_bytes(stmt, column) : 0);
}

int64_t ve_db_int(sqlite3_stmt *stmt, int column)
{
    return sqlite3_column_int64(stmt, column);
}

/* --- transactions ----------------------------------------------------------------------------- */

int ve_db_begin(struct ve_db *db)
{
    db->failed = false;
    db->erase = false;
    db->changes = sqlite3_total_changes64(db->sql);
    return ve_db_run_n(db, SQL_BEGIN, NULL, 0);
}

static int save_counts(struct ve_db *db)
{
    for (int i = 0; i < VE_COUNTS; i++) {
        if (db->count[i] == db->saved[i])
            continue;
        int err =
            ve_db_run(db, SQL_COUNT_SAVE, ve_btext(ve_str(count_names[i])), ve_bint(db->count[i]));
        if (err)
            return err;
    }
    return 0;
}

int ve_db_commit(struct ve_db *db)
{
    int err = db->failed ? db->err : save_counts(db);
    if (!err)
        err = ve_db_run_n(db, SQL_COMMIT, NULL, 0);
    if (err) {
        ve_db_rollback(db);
        return err;
    }
    memcpy(db->saved, db->count, sizeof(db->saved));
    db->commits += sqlite3_total_changes64(db->sql) != db->changes;
    db->erased = db->erased || db->erase;
    return 0;
}

void ve_db_rollback(struct ve_db *db)
{
    /* Some errors have rolled back by themselves. */
    if (!sqlite3_get_autocommit(db->sql)) {
        sqlite3_stmt *stmt;
        /* Not through ve_db_run: what is to be reported is the error before this. */
        if (sqlite3_prepare_v2(db->sql, SQL_ROLLBACK, -1, &stmt, NULL) == SQLITE_OK) {
            (void)sqlite3_step(stmt);
            (void)sqlite3_finalize(stmt);
        }
    }
    memcpy(db->count, db->saved, sizeof(db->count));
}

/* --- counts ----------------------------------------------------------------------------------- */

int ve_db_load_counts(struct ve_db *db)
{
    for (int i = 0; i < VE_COUNTS; i++) {
        int64_t value = 0;
        int err = ve_db_number(db, &value, SQL_COUNT_LOAD, ve_btext(ve_str(count_names[i])));
        if (err && err != VE_ENOENT)
            return err;
        db->count[i] = db->saved[i] = value;
    }
    return 0;
}

void ve_db_count(struct ve_db *db, enum ve_count which, int64_t add)
{
    db->count[which] += add;
}

int64_t ve_db_serial(struct ve_db *db)
{
    return ++db->count[VE_COUNT_SERIAL];
}

/* --- the connection --------------------------------------------------------------------------- */

static int on_wal(void *arg, sqlite3 *sql, const char *name, int pages)
{
    struct ve_db *db = arg;
    (void)sql;
    (void)name;
    db->wal_pages = (uint32_t)pages;
    return SQLITE_OK;
}

int ve_db_checkpoint(struct ve_db *db, bool empty)
{
    int pages = 0;
    int moved = 0;
    int rc = sqlite3_wal_checkpoint_v2(
        db->sql, NULL, empty ? SQLITE_CHECKPOINT_TRUNCATE : SQLITE_CHECKPOINT_PASSIVE, &pages,
        &moved);
    if (rc != SQLITE_OK)
        return ve_db_fail(db, rc);
    db->checkpoints++;
    db->erased = db->erased && !empty;
    /* All moved: the next commit begins the log file anew. */
    db->wal_pages = pages > moved ? (uint32_t)(pages - moved) : 0;
    return 0;
}

static int set_up(struct ve_db *db)
{
    char bound[64];
    /* EXCLUSIVE: the lease keeps others out anyway, and the index of the log file needs no shared
     * memory. It must come before WAL. FULL: each commit is synced. mmap would turn a bad sector
     * into SIGBUS. secure_delete: what is deleted is overwritten. */
    static const char *const pragmas[] = {
        "PRAGMA locking_mode = EXCLUSIVE", "PRAGMA journal_mode = WAL",
        "PRAGMA synchronous = FULL",       "PRAGMA mmap_size = 0",
        "PRAGMA temp_store = MEMORY",      "PRAGMA cache_size = -8192",
        "PRAGMA secure_delete = ON",       "PRAGMA cell_size_check = ON",
        "PRAGMA trusted_schema = OFF",     "PRAGMA foreign_keys = OFF",
    };
    for (size_t i = 0; i < sizeof(pragmas) / sizeof(pragmas[0]); i++) {
        int rc = sqlite3_exec(db->sql, pragmas[i], NULL, NULL, NULL);
        if (rc != SQLITE_OK)
            return ve_db_fail(db, rc);
    }
    (void)snprintf(bound, sizeof(bound), "PRAGMA max_page_count = %llu",
                   (unsigned long long)(db->limits.file_bytes / 4096));
    int rc = sqlite3_exec(db->sql, bound, NULL, NULL, NULL);
    if (rc != SQLITE_OK)
        return ve_db_fail(db, rc);
    /* Instead of SQLite's own checkpoint inside of a commit: the queue knows better moments. */
    sqlite3_wal_hook(db->sql, on_wal, db);
    return 0;
}

int ve_db_open(struct ve_db *db, const char *path, const struct ve_store_limits *limits)
{
    *db = (struct ve_db){.limits = *limits, .state = VE_STORE_OK};
    int rc = sqlite3_open_v2(path ? path : ":memory:", &db->sql,
                             SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX |
                                 SQLITE_OPEN_EXRESCODE,
                             NULL);
    int err = rc == SQLITE_OK ? 0 : ve_db_fail(db, rc);
    /* SQLite opens a file that it may not write for reading, without an error. */
    if (!err && sqlite3_db_readonly(db->sql, "main") == 1)
        err = ve_db_fail(db, SQLITE_READONLY);
    if (!err)
        err = set_up(db);
    if (err)
        ve_db_close(db);
    return err;
}

void ve_db_close(struct ve_db *db)
{
    for (size_t i = 0; i < VE_DB_STATEMENTS; i++)
        (void)sqlite3_finalize(db->slots[i].stmt);
    memset(db->slots, 0, sizeof(db->slots));
    (void)sqlite3_close(db->sql);
    db->sql = NULL;
}
