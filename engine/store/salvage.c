#include "store/salvage.h"

#include "base/err.h"
#include "store/schema.h"

#include <stdio.h>

/* Ids given after the damaged pages were written may be among what is lost; none may come twice. */
#define SERIAL_GAP 1000000

struct copy {
    struct ve_db *from;
    struct ve_db *to;
    sqlite3_stmt *insert; /* owned */
    uint64_t rows;
    int err; /* of `to` */
};

static sqlite3_stmt *prepare(struct ve_db *db, const char *sql, int *rc)
{
    sqlite3_stmt *stmt = NULL;
    *rc = sqlite3_prepare_v2(db->sql, sql, -1, &stmt, NULL);
    return stmt;
}

/* Copies the row that `select` stands on. A row that breaks a rule of the table is left out. */
static void copy_row(struct copy *copy, sqlite3_stmt *select)
{
    int rc = SQLITE_OK;
    for (int i = 0; i < sqlite3_column_count(select) && rc == SQLITE_OK; i++)
        rc = sqlite3_bind_value(copy->insert, i + 1, sqlite3_column_value(select, i));
    if (rc == SQLITE_OK)
        rc = sqlite3_step(copy->insert);
    if (rc == SQLITE_DONE)
        copy->rows += (uint64_t)sqlite3_changes64(copy->to->sql);
    else
        copy->err = ve_db_fail(copy->to, rc);
    (void)sqlite3_reset(copy->insert);
}

/* Reads in one direction until the end or the first damage. Returns whether it was the end. */
static bool copy_run(struct copy *copy, const struct ve_schema_table *table, const char *direction)
{
    char sql[256];
    int rc;
    /* Of the table's own tree: an index may be damaged, too. */
    (void)snprintf(sql, sizeof(sql), "SELECT %s FROM %s NOT INDEXED ORDER BY %s %s", table->columns,
                   table->name, table->order, direction);
    sqlite3_stmt *select = prepare(copy->from, sql, &rc);
    while (select && !copy->err) {
        rc = sqlite3_step(select);
        if (rc != SQLITE_ROW)
            break;
        copy_row(copy, select);
    }
    (void)sqlite3_finalize(select);
    return rc == SQLITE_DONE;
}

static int columns_of(const char *columns)
{
    int count = 1;
    for (; *columns; columns++)
        count += *columns == ',';
    return count;
}

static int prepare_insert(struct copy *copy, const struct ve_schema_table *table)
{
    char sql[256];
    int rc;
    int len = snprintf(sql, sizeof(sql), "INSERT OR IGNORE INTO %s(%s) VALUES(?", table->name,
                       table->columns);
    for (int i = 1; i < columns_of(table->columns); i++)
        len += snprintf(sql + len, sizeof(sql) - (size_t)len, ", ?");
    (void)snprintf(sql + len, sizeof(sql) - (size_t)len, ")");
    copy->insert = prepare(copy->to, sql, &rc);
    return rc == SQLITE_OK ? 0 : ve_db_fail(copy->to, rc);
}

/* From both ends towards the damage: what is between two damaged places is lost. */
static int copy_table(struct ve_db *from, struct ve_db *to, const struct ve_schema_table *table,
                      struct ve_store_report *report, bool *whole)
{
    struct copy copy = {.from = from, .to = to};
    copy.err = prepare_insert(&copy, table);
    *whole = !copy.err && copy_run(&copy, table, "ASC");
    if (!copy.err && !*whole)
        (void)copy_run(&copy, table, "DESC");
    (void)sqlite3_finalize(copy.insert);
    report->rows += copy.rows;
    report->cut += !*whole;
    return copy.err;
}

static int keep_serial(struct ve_db *from, struct ve_db *to)
{
    sqlite3_stmt *stmt;
    int rc;
    stmt = prepare(from, "SELECT value FROM counter WHERE name = 'serial'", &rc);
    if (stmt && sqlite3_step(stmt) == SQLITE_ROW)
        to->count[VE_COUNT_SERIAL] = sqlite3_column_int64(stmt, 0);
    (void)sqlite3_finalize(stmt);
    int err = ve_schema_recount(to);
    to->count[VE_COUNT_SERIAL] += SERIAL_GAP;
    return err;
}

int ve_salvage(struct ve_db *from, struct ve_db *to, struct ve_store_report *report)
{
    const struct ve_schema_table *tables = ve_schema_tables();
    bool any = false;
    int err = ve_db_begin(to);
    for (int i = 0; i < VE_SCHEMA_TABLES && !err; i++) {
        bool whole = false;
        uint64_t before = report->rows;
        err = copy_table(from, to, &tables[i], report, &whole);
        any = any || whole || report->rows > before;
    }
    if (!err)
        err = any ? keep_serial(from, to) : VE_EPROTO;
    if (err) {
        ve_db_rollback(to);
        return err;
    }
    return ve_db_commit(to);
}
