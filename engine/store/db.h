/*
 * store/db.h - inside of store/ only: one SQLite connection, its statements and its counts.
 *
 * Only jobs on the store lane use a connection, one at a time. The first error of SQLite inside a
 * transaction marks it failed: everything after it is refused until it has been rolled back. What
 * an operation refuses by itself (a bound, a row that is not there) is no such error, and must be
 * decided before the operation writes.
 */
#ifndef VE_STORE_DB_H
#define VE_STORE_DB_H

#include "store/store.h"

#include <sqlite3.h>

#define VE_DB_STATEMENTS 128 /* slots; a power of two, about twice the statements there are */

/* What is counted without looking at the tables. Written with each commit that changed one. */
enum ve_count {
    VE_COUNT_SERIAL, /* the last id given to an event, an outbox entry, a follow-up or a call */
    VE_COUNT_SEEN,
    VE_COUNT_INBOX,
    VE_COUNT_INBOX_BYTES,
    VE_COUNT_INBOX_EXPIRED,
    VE_COUNT_PENDING, /* the outbox, in the order of enum ve_outbox_state */
    VE_COUNT_TRYING,
    VE_COUNT_DONE,
    VE_COUNT_UNKNOWN,
    VE_COUNT_DEAD,
    VE_COUNT_OUTBOX_BYTES,
    VE_COUNT_DEAD_DROPPED,
    VE_COUNT_FOLLOWUPS,
    VE_COUNT_KV,
    VE_COUNT_HISTORY,
    VE_COUNT_HISTORY_BYTES,
    VE_COUNTS,
};

struct ve_db_slot {
    const char *sql;    /* the address is the key: statements are file-scope constants */
    sqlite3_stmt *stmt; /* owned */
};

struct ve_db {
    sqlite3 *sql;                  /* owned; NULL while closed */
    struct ve_store_limits limits; /* every field set */
    struct ve_db_slot slots[VE_DB_STATEMENTS];
    int64_t count[VE_COUNTS]; /* as of the running transaction */
    int64_t saved[VE_COUNTS]; /* as on the disk */
    bool failed;              /* the running transaction must be rolled back */
    bool erase;               /* the running transaction erases: no copy may stay in the log file */
    bool erased;              /* a committed one did: the log file is to be emptied */
    int64_t changes;          /* of the connection when the transaction began */
    uint32_t wal_pages;       /* in the log file */
    uint64_t commits;         /* that wrote */
    uint64_t checkpoints;
    int err;                   /* of the latest failure */
    enum ve_store_state state; /* of the disk, since it was last set to VE_STORE_OK */
    char why[160];             /* likewise, for people */
};

/* Opens a file, or memory when `path` is NULL, with what every connection of ours is set to. */
int ve_db_open(struct ve_db *db, const char *path, const struct ve_store_limits *limits);
void ve_db_close(struct ve_db *db);
/* Notes an error of SQLite and returns it as a ve_err. */
int ve_db_fail(struct ve_db *db, int rc);

int ve_db_begin(struct ve_db *db);
int ve_db_commit(struct ve_db *db);
void ve_db_rollback(struct ve_db *db);
/* Reads the counts of the file. */
int ve_db_load_counts(struct ve_db *db);
void ve_db_count(struct ve_db *db, enum ve_count which, int64_t add);
/* The next id. */
int64_t ve_db_serial(struct ve_db *db);
/* Moves the log file's content into the database; `empty`: and empties the log file. */
int ve_db_checkpoint(struct ve_db *db, bool empty);

enum ve_bind_type { VE_BIND_INT, VE_BIND_TEXT, VE_BIND_BLOB };

struct ve_bind {
    enum ve_bind_type type;
    int64_t number;
    struct ve_str bytes; /* borrowed until the statement has been run or finished */
};

static inline struct ve_bind ve_bint(int64_t number)
{
    return (struct ve_bind){.type = VE_BIND_INT, .number = number};
}

static inline struct ve_bind ve_btext(struct ve_str text)
{
    return (struct ve_bind){.type = VE_BIND_TEXT, .bytes = text};
}

static inline struct ve_bind ve_bblob(struct ve_str bytes)
{
    return (struct ve_bind){.type = VE_BIND_BLOB, .bytes = bytes};
}

/* Runs a statement that gives no rows. */
int ve_db_run_n(struct ve_db *db, const char *sql, const struct ve_bind *binds, int count);
/* Begins a statement that gives rows; then ve_db_next until it is not 1, or ve_db_finish. */
int ve_db_query_n(struct ve_db *db, sqlite3_stmt **out, const char *sql,
                  const struct ve_bind *binds, int count);
/* The first column of the first row; VE_ENOENT when there is no row. */
int ve_db_number_n(struct ve_db *db, int64_t *out, const char *sql, const struct ve_bind *binds,
                   int count);

/* ve_db_run(db, sql, ve_bint(1), ve_btext(name)) */
#define VE_BINDS(...)                                                                              \
    (const struct ve_bind[]){__VA_ARGS__},                                                         \
        (int)(sizeof((struct ve_bind[]){__VA_ARGS__}) / sizeof(struct ve_bind))
#define ve_db_run(db, sql, ...)         ve_db_run_n(db, sql, VE_BINDS(__VA_ARGS__))
#define ve_db_query(db, out, sql, ...)  ve_db_query_n(db, out, sql, VE_BINDS(__VA_ARGS__))
#define ve_db_number(db, out, sql, ...) ve_db_number_n(db, out, sql, VE_BINDS(__VA_ARGS__))

/* 1: a row is there; 0: no more, finished; else an error, finished. */
int ve_db_next(struct ve_db *db, sqlite3_stmt *stmt);
void ve_db_finish(sqlite3_stmt *stmt);
/* Rows that the latest statement changed. */
int64_t ve_db_changed(const struct ve_db *db);
/* A column of the present row, as it is stored; borrowed until the next one. */
struct ve_str ve_db_text(sqlite3_stmt *stmt, int column);
int64_t ve_db_int(sqlite3_stmt *stmt, int column);

#endif
