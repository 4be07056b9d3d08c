#include "store/repair.h"

#include "base/err.h"
#include "store/salvage.h"
#include "store/schema.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* In the columns of the outbox: enum ve_outbox_state. An attempt that a crash cut off: of some
 * there was news, the sinks that honour a key will know it again, of the others nobody knows. */
static const char RECOVER_DONE[] =
    "UPDATE outbox SET state = 2, payload = '' WHERE state = 1 AND heard = 1";
static const char RECOVER_AGAIN[] = "UPDATE outbox SET state = 0 WHERE state = 1 AND key <> ''";
static const char RECOVER_UNKNOWN[] =
    "UPDATE outbox SET state = 3, why = 'the engine stopped during the attempt' WHERE state = 1";

struct paths {
    char db[PATH_MAX];
    char fresh[PATH_MAX]; /* into which rows are carried */
    char kept[PATH_MAX];  /* the damaged one */
};

static int name_paths(struct paths *paths, const char *dir, int64_t now_ms,
                      struct ve_store_report *report)
{
    (void)snprintf(report->kept, sizeof(report->kept), "store.db.damaged-%" PRId64, now_ms);
    /* With room for the endings that SQLite appends. */
    if (strlen(dir) > PATH_MAX - 80)
        return VE_ETOOBIG;
    (void)snprintf(paths->db, sizeof(paths->db), "%s/store.db", dir);
    (void)snprintf(paths->fresh, sizeof(paths->fresh), "%s/store.db.new", dir);
    (void)snprintf(paths->kept, sizeof(paths->kept), "%s/%s", dir, report->kept);
    return 0;
}

static int sync_folder(const char *dir)
{
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return VE_EIO;
    int err = fsync(fd) == 0 ? 0 : VE_EIO;
    (void)close(fd);
    return err;
}

static void remove_with_log(const char *path)
{
    char log[PATH_MAX];
    (void)unlink(path);
    if (snprintf(log, sizeof(log), "%s-wal", path) < (int)sizeof(log))
        (void)unlink(log);
}

static int64_t size_of(const char *path)
{
    struct stat file;
    return stat(path, &file) == 0 ? (int64_t)file.st_size : 0;
}

enum look {
    LOOK_NOT,
    LOOK_PAGES,     /* every page */
    LOOK_EVERYWHERE /* also whether tables and indexes agree, which takes several times as long */
};

/* VE_EIO with db->state VE_STORE_DAMAGED when the file contradicts itself. */
static int check(struct ve_db *db, enum look look)
{
    static const char *const pragmas[] = {"", "PRAGMA quick_check(1)", "PRAGMA integrity_check(1)"};
    sqlite3_stmt *stmt;
    if (look == LOOK_NOT)
        return 0;
    int rc = sqlite3_prepare_v2(db->sql, pragmas[look], -1, &stmt, NULL);
    if (rc != SQLITE_OK)
        return ve_db_fail(db, rc);
    rc = sqlite3_step(stmt);
    bool fine = rc == SQLITE_ROW && ve_str_eq(ve_db_text(stmt, 0), VE_STR("ok"));
    int end = sqlite3_finalize(stmt);
    if (fine)
        return 0;
    return ve_db_fail(db, rc == SQLITE_ROW || end == SQLITE_OK ? SQLITE_CORRUPT : end);
}

static int recover(struct ve_db *db, const char *sql, enum ve_count to, uint64_t *changed)
{
    int err = ve_db_run_n(db, sql, NULL, 0);
    if (err)
        return err;
    *changed = (uint64_t)ve_db_changed(db);
    ve_db_count(db, VE_COUNT_TRYING, -(int64_t)*changed);
    ve_db_count(db, to, (int64_t)*changed);
    return 0;
}

static int recover_outbox(struct ve_db *db, struct ve_store_report *report)
{
    uint64_t done = 0;
    if (db->count[VE_COUNT_TRYING] == 0)
        return 0;
    int err = ve_db_begin(db);
    if (!err)
        err = recover(db, RECOVER_DONE, VE_COUNT_DONE, &done);
    if (!err)
        err = recover(db, RECOVER_AGAIN, VE_COUNT_PENDING, &report->again);
    if (!err)
        err = recover(db, RECOVER_UNKNOWN, VE_COUNT_UNKNOWN, &report->unknown);
    /* Of what was done, the room is counted anew. */
    if (!err && done)
        err = ve_schema_recount(db);
    if (err) {
        ve_db_rollback(db);
        return err;
    }
    return ve_db_commit(db);
}

/* Opens the file as it is; on an error it is closed again. */
static int open_as_it_is(struct ve_db *db, const char *path, const struct ve_store_limits *limits,
                         enum look look, struct ve_store_report *report)
{
    int err = ve_db_open(db, path, limits);
    if (err)
        return err;
    err = check(db, look);
    if (!err)
        err = ve_schema_apply(db, ve_schema_steps(), &report->fresh);
    if (!err)
        err = ve_db_load_counts(db);
    if (!err)
        err = recover_outbox(db, report);
    /* What was erased just before the end must not stay in the log file. */
    if (!err)
        err = ve_db_checkpoint(db, true);
    if (err)
        ve_db_close(db);
    report->inbox = err ? 0 : (uint64_t)db->count[VE_COUNT_INBOX];
    return err;
}

static int fill_new(struct ve_db *from, struct ve_db *to, const char *path,
                    struct ve_store_report *report)
{
    bool fresh;
    int err = ve_db_open(to, path, &from->limits);
    if (err)
        return err;
    err = ve_schema_apply(to, ve_schema_steps(), &fresh);
    if (!err)
        err = ve_salvage(from, to, report);
    if (!err)
        err = ve_db_checkpoint(to, true);
    ve_db_close(to);
    return err;
}

/* Carries rows from the damaged file into store.db.new. `db` tells of an error of either. */
static int carry_over(struct ve_db *db, const struct paths *paths,
                      const struct ve_store_limits *limits, struct ve_store_report *report)
{
    struct ve_db from;
    remove_with_log(paths->fresh);
    int err = ve_db_open(&from, paths->db, limits);
    /* With an empty log file the damaged file is complete by itself, and can be replaced in one
     * step. */
    if (!err)
        err = ve_db_checkpoint(&from, true);
    if (err) {
        db->state = from.state;
        memcpy(db->why, from.why, sizeof(db->why));
    } else {
        err = fill_new(&from, db, paths->fresh, report);
    }
    ve_db_close(&from);
    return err;
}

static int salvage(struct ve_db *db, const struct paths *paths, const char *dir,
                   const struct ve_store_limits *limits, struct ve_store_report *report)
{
    report->rows = report->cut = 0;
    int err = carry_over(db, paths, limits, report);
    if (err)
        return err;
    /* A crash between these steps leaves the damaged file, which is salvaged again, or the new one;
     * both names of the damaged file are there before one of them changes hands. */
    if (link(paths->db, paths->kept) != 0 || sync_folder(dir) != 0 ||
        rename(paths->fresh, paths->db) != 0 || sync_folder(dir) != 0) {
        (void)snprintf(db->why, sizeof(db->why), "a new file cannot take its place: %s",
                       strerrordesc_np(errno));
        db->state = VE_STORE_FAILING;
        return VE_EIO;
    }
    report->salvaged = true;
    return open_as_it_is(db, paths->db, limits, LOOK_PAGES, report);
}

static void explain(int err, const struct ve_db *db, const char *path,
                    struct ve_store_report *report)
{
    const char *what = db->why[0] ? db->why : ve_err_name(err);
    if (err == VE_ENOTSUP)
        what = "it was written by a newer version of voiceengine; start that one, or move the file "
               "away";
    else if (err == VE_EPROTO)
        what = "it is not a store of voiceengine, or nothing of it can be read; move it away, or "
               "put a backup in its place";
    (void)snprintf(report->why, sizeof(report->why), "the store %.*s cannot be opened: %.*s",
                   (int)sizeof(report->why) / 2, path, (int)sizeof(report->why) / 3, what);
}

static enum look look_for(const struct ve_lease *lease, const struct paths *paths,
                          const struct ve_store_limits *limits)
{
    char log[PATH_MAX + 8];
    if (lease->damaged)
        return LOOK_EVERYWHERE;
    (void)snprintf(log, sizeof(log), "%s-wal", paths->db);
    int64_t size = size_of(paths->db) + size_of(log);
    return lease->unclean && size <= (int64_t)limits->check_bytes ? LOOK_PAGES : LOOK_NOT;
}

int ve_repair_open(struct ve_db *db, struct ve_lease *lease, const char *dir,
                   const struct ve_store_limits *limits, int64_t now_ms,
                   struct ve_store_report *report)
{
    struct paths paths;
    report->unclean = lease->unclean;
    int err = name_paths(&paths, dir, now_ms, report);
    if (err)
        return err;
    remove_with_log(paths.fresh);
    err = open_as_it_is(db, paths.db, limits, look_for(lease, &paths, limits), report);
    if (err == VE_EIO && db->state == VE_STORE_DAMAGED) {
        ve_lease_note(lease, true);
        err = salvage(db, &paths, dir, limits, report);
        if (err == VE_EIO && db->state == VE_STORE_DAMAGED)
            err = VE_EPROTO;
    }
    if (!report->salvaged)
        report->kept[0] = '\0';
    if (err) {
        explain(err, db, paths.db, report);
        return err;
    }
    (void)sync_folder(dir);
    ve_lease_note(lease, false);
    return 0;
}

int ve_repair_open_memory(struct ve_db *db, const struct ve_store_limits *limits,
                          struct ve_store_report *report)
{
    int err = open_as_it_is(db, NULL, limits, LOOK_NOT, report);
    if (err)
        explain(err, db, "in memory", report);
    return err;
}
