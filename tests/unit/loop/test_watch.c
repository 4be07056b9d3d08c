#include "loop/watch.h"

#include "alloc_fail.h"
#include "base/alloc.h"
#include "base/err.h"
#include "loop/timer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/* How long a folder must be quiet. What one test writes at a stretch lies closer together. */
#define QUIET (30 * VE_MS)
/* After a report: so long nothing more may come. Also how long "no report" is waited for. */
#define AFTER (3 * QUIET)

struct fixture {
    char root[64]; /* of the test */
    char dir[80];  /* watched */
    struct ve_loop *loop;
    struct ve_watch *watch;
    struct ve_timer after;
    int reports;
};

static void stop(void *arg)
{
    ve_loop_stop(arg);
}

static void changed(void *arg)
{
    struct fixture *f = arg;
    f->reports++;
    ve_timer_start(&f->after, AFTER);
}

/* Until a report has come and nothing for a while behind it. */
static void wait_report(struct fixture *f)
{
    f->reports = 0;
    ve_loop_run(f->loop);
    assert_int_equal(f->reports, 1);
}

static void wait_nothing(struct fixture *f)
{
    f->reports = 0;
    ve_timer_start(&f->after, AFTER);
    ve_loop_run(f->loop);
    assert_int_equal(f->reports, 0);
}

static const char *path_of(struct fixture *f, const char *name)
{
    static char paths[4][160];
    static int next;
    char *path = paths[next++ % 4];
    (void)snprintf(path, sizeof(paths[0]), "%s/%s", f->dir, name);
    return path;
}

static void save(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    assert_int_equal(close(fd), 0);
}

static int set_up(void **state)
{
    struct fixture *f = ve_alloc(sizeof(*f));
    *state = f;
    (void)snprintf(f->root, sizeof(f->root), "/tmp/ve-watch-XXXXXX");
    if (!f || !mkdtemp(f->root) || ve_loop_new_live(&f->loop) != 0)
        return -1;
    /* with a dot in its name, as a folder may have */
    (void)snprintf(f->dir, sizeof(f->dir), "%s/scripts.d", f->root);
    if (mkdir(f->dir, 0755) != 0)
        return -1;
    save(path_of(f, "main.lua"), "return {}\n");
    ve_timer_init(&f->after, f->loop, stop, f->loop);
    return ve_watch_new(&f->watch, f->loop, f->dir, QUIET, changed, f);
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    char command[128];
    ve_watch_free(f->watch);
    ve_loop_free(f->loop);
    (void)snprintf(command, sizeof(command), "rm -rf '%s'", f->root);
    int err = system(command);
    ve_free(f);
    return err;
}

static void truncate_and_write(void **state)
{
    struct fixture *f = *state;
    save(path_of(f, "main.lua"), "return { on_call = nil }\n");
    wait_report(f);
}

static void rename_over(void **state)
{
    struct fixture *f = *state;
    save(path_of(f, "main.lua.tmp"), "return { 1 }\n");
    assert_int_equal(rename(path_of(f, "main.lua.tmp"), path_of(f, "main.lua")), 0);
    wait_report(f);
    /* and again: the file under that name is another one now */
    save(path_of(f, "main.lua"), "return { 2 }\n");
    wait_report(f);
}

static void many_files_are_one_report(void **state)
{
    struct fixture *f = *state;
    char name[32];
    for (int i = 0; i < 50; i++) {
        (void)snprintf(name, sizeof(name), "part%d.lua", i);
        save(path_of(f, name), "return {}\n");
    }
    assert_int_equal(unlink(path_of(f, "part7.lua")), 0);
    wait_report(f);
}

static void other_files_do_not_count(void **state)
{
    struct fixture *f = *state;
    save(path_of(f, ".main.lua.swp"), "x");
    save(path_of(f, "main.lua~"), "x");
    save(path_of(f, "notes.txt"), "x");
    wait_nothing(f);
}

static void reading_is_no_change(void **state)
{
    struct fixture *f = *state;
    char text[16];
    int fd = open(path_of(f, "main.lua"), O_RDONLY);
    assert_true(fd >= 0);
    assert_true(read(fd, text, sizeof(text)) > 0);
    close(fd);
    wait_nothing(f);
}

static void a_new_folder_is_watched_too(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(ve_watch_folders(f->watch), 1);
    assert_int_equal(mkdir(path_of(f, "tenants"), 0755), 0);
    assert_int_equal(mkdir(path_of(f, "tenants/acme"), 0755), 0);
    wait_report(f);
    assert_int_equal(ve_watch_folders(f->watch), 3);
    save(path_of(f, "tenants/acme/main.lua"), "return {}\n");
    wait_report(f);
}

/* As a checkout of another branch does it: the same name, another folder. */
static void a_folder_made_anew_is_watched_again(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(mkdir(path_of(f, "tenants"), 0755), 0);
    wait_report(f);
    assert_int_equal(rmdir(path_of(f, "tenants")), 0);
    assert_int_equal(mkdir(path_of(f, "tenants"), 0755), 0);
    wait_report(f);
    assert_int_equal(ve_watch_folders(f->watch), 2);
    save(path_of(f, "tenants/tenant.lua"), "return {}\n");
    wait_report(f);
    assert_int_equal(unlink(path_of(f, "tenants/tenant.lua")), 0);
    assert_int_equal(rmdir(path_of(f, "tenants")), 0);
    wait_report(f);
    assert_int_equal(ve_watch_folders(f->watch), 1);
}

static void the_whole_folder_is_replaced(void **state)
{
    struct fixture *f = *state;
    char old[96];
    (void)snprintf(old, sizeof(old), "%s/old", f->root);
    assert_int_equal(rename(f->dir, old), 0);
    wait_nothing(f);
    assert_int_equal(mkdir(f->dir, 0755), 0);
    save(path_of(f, "main.lua"), "return { 2 }\n");
    wait_report(f);
    save(path_of(f, "main.lua"), "return { 3 }\n");
    wait_report(f);
    /* the old one is nobody's business any more */
    char moved[128];
    (void)snprintf(moved, sizeof(moved), "%s/main.lua", old);
    save(moved, "return { 4 }\n");
    wait_nothing(f);
}

static void symbolic_links_are_not_followed(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(symlink("..", path_of(f, "up")), 0);
    wait_report(f);
    assert_int_equal(ve_watch_folders(f->watch), 1);
}

static void freed_while_a_report_is_due(void **state)
{
    struct fixture *f = *state;
    ve_watch_touch(f->watch);
    ve_watch_free(f->watch);
    f->watch = NULL;
    wait_nothing(f);
    ve_watch_free(NULL);
}

static void no_such_folder(void **state)
{
    struct fixture *f = *state;
    struct ve_watch *watch = NULL;
    assert_int_equal(ve_watch_new(&watch, f->loop, path_of(f, "none"), QUIET, changed, f), VE_EIO);
    assert_null(watch);
}

static void count(void *arg)
{
    ++*(int *)arg;
}

static void sim_reports_touches(void **state)
{
    (void)state;
    struct ve_loop *loop;
    struct ve_watch *watch;
    int reports = 0;
    assert_int_equal(ve_loop_new_sim(&loop, 0), 0);
    assert_int_equal(ve_watch_new(&watch, loop, "/nowhere", QUIET, count, &reports), 0);
    ve_watch_touch(watch);
    ve_sim_advance(loop, QUIET / 2);
    ve_watch_touch(watch);
    ve_sim_advance(loop, QUIET - 1);
    assert_int_equal(reports, 0);
    ve_sim_advance(loop, 1);
    assert_int_equal(reports, 1);
    ve_sim_advance(loop, VE_SECOND);
    assert_int_equal(reports, 1);
    ve_watch_free(watch);
    ve_loop_free(loop);
}

static int make_and_free(void *arg)
{
    struct ve_loop *loop;
    struct ve_watch *watch;
    int err = ve_loop_new_live(&loop);
    if (err)
        return err;
    err = ve_watch_new(&watch, loop, arg, QUIET, count, NULL);
    if (!err)
        ve_watch_free(watch);
    ve_loop_free(loop);
    return err;
}

static void without_memory(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(test_alloc_sweep(make_and_free, f->dir), 3);
}

#define EACH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        EACH(truncate_and_write),
        EACH(rename_over),
        EACH(many_files_are_one_report),
        EACH(other_files_do_not_count),
        EACH(reading_is_no_change),
        EACH(a_new_folder_is_watched_too),
        EACH(a_folder_made_anew_is_watched_again),
        EACH(the_whole_folder_is_replaced),
        EACH(symbolic_links_are_not_followed),
        EACH(freed_while_a_report_is_due),
        EACH(no_such_folder),
        EACH(without_memory),
        cmocka_unit_test(sim_reports_touches),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
