#include "store/usage.h"

#include "base/err.h"

static const char SQL_GET[] = "SELECT rows, bytes FROM usage WHERE tenant = ?1 AND what = ?2";
static const char SQL_ADD[] =
    "INSERT INTO usage(tenant, what, rows, bytes) VALUES(?1, ?2, ?3, ?4) ON CONFLICT(tenant, what) "
    "DO UPDATE SET rows = rows + excluded.rows, bytes = bytes + excluded.bytes";

int ve_usage_check(struct ve_db *db, struct ve_str tenant, enum ve_usage what, int64_t rows,
                   int64_t bytes, struct ve_usage_bound bound)
{
    sqlite3_stmt *stmt;
    int err = ve_db_query(db, &stmt, SQL_GET, ve_btext(tenant), ve_bint(what));
    if (err)
        return err;
    int64_t have_rows = 0;
    int64_t have_bytes = 0;
    err = ve_db_next(db, stmt);
    if (err < 0)
        return err;
    if (err == 1) {
        have_rows = ve_db_int(stmt, 0);
        have_bytes = ve_db_int(stmt, 1);
        ve_db_finish(stmt);
    }
    if (bound.rows && rows > 0 && have_rows + rows > (int64_t)bound.rows)
        return VE_EBUSY;
    if (bound.bytes && bytes > 0 && have_bytes + bytes > (int64_t)bound.bytes)
        return VE_EBUSY;
    return 0;
}

int ve_usage_add(struct ve_db *db, struct ve_str tenant, enum ve_usage what, int64_t rows,
                 int64_t bytes)
{
    if (rows == 0 && bytes == 0)
        return 0;
    return ve_db_run(db, SQL_ADD, ve_btext(tenant), ve_bint(what), ve_bint(rows), ve_bint(bytes));
}
