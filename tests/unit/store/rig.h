/*
 * A store in a folder of its own on a live loop, and functions that wait for an operation's answer.
 */
#ifndef VE_TEST_STORE_RIG_H
#define VE_TEST_STORE_RIG_H

#include "base/err.h"
#include "loop/timer.h"
#include "store/followup.h"
#include "store/history.h"
#include "store/inbox.h"
#include "store/kv.h"
#include "store/outbox.h"

#include "alloc_fail.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define NOW ((int64_t)1790000000000)

struct rig {
    char root[64]; /* a new folder, removed at the end */
    char dir[80];
    struct ve_loop *loop;
    struct ve_log log;
    struct ve_store *store;
    struct ve_store_limits limits;
    struct ve_store_report report;
    int opened;     /* what opening said */
    int waiting;    /* answers that are still to come */
    int err;        /* of the last answer */
    int64_t number; /* of the last answer */
};

static inline void rig_no_log(void *writer, const char *line, size_t len)
{
    (void)writer;
    (void)line;
    (void)len;
}

static inline void rig_told(struct rig *rig, int err)
{
    rig->err = err;
    if (--rig->waiting == 0)
        ve_loop_stop(rig->loop);
}

static inline void rig_plain(void *arg, int err)
{
    rig_told(arg, err);
}

static inline void rig_number(void *arg, int err, int64_t number)
{
    ((struct rig *)arg)->number = number;
    rig_told(arg, err);
}

/* Runs the loop until what was asked for has been answered; `err` is what asking returned. */
static inline int rig_wait(struct rig *rig, int err)
{
    if (err)
        return err;
    rig->waiting++;
    ve_loop_run(rig->loop);
    return rig->err;
}

static inline void rig_on_opened(void *arg, int err, const struct ve_store_report *report)
{
    ((struct rig *)arg)->report = *report;
    rig_told(arg, err);
}

static inline void rig_on_closed(void *arg)
{
    rig_told(arg, 0);
}

static inline int rig_open(struct rig *rig)
{
    struct ve_store_config config = {
        .loop = rig->loop,
        .log = &rig->log,
        .dir = rig->dir[0] ? rig->dir : NULL,
        .limits = rig->limits,
    };
    rig->opened = rig_wait(rig, ve_store_open(&rig->store, &config, rig_on_opened, rig));
    return rig->opened;
}

static inline void rig_close(struct rig *rig)
{
    rig->waiting++;
    ve_store_close(rig->store, rig_on_closed, rig);
    ve_loop_run(rig->loop);
    rig->store = NULL;
}

static inline void rig_reopen(struct rig *rig)
{
    rig_close(rig);
    assert_int_equal(rig_open(rig), 0);
}

static inline void rig_init(struct rig *rig)
{
    memset(rig, 0, sizeof(*rig));
    (void)snprintf(rig->root, sizeof(rig->root), "/tmp/ve-store-XXXXXX");
    assert_non_null(mkdtemp(rig->root));
    (void)snprintf(rig->dir, sizeof(rig->dir), "%s/data/local", rig->root);
    rig->log = (struct ve_log){.level = VE_LOG_ERROR, .write = rig_no_log};
    assert_int_equal(ve_loop_new_live(&rig->loop), 0);
}

/* A folder with files, and folders with files in them. */
static inline void rig_remove(const char *root)
{
    pid_t pid = fork();
    if (pid == 0) {
        execlp("rm", "rm", "-rf", root, (char *)NULL);
        _exit(127);
    }
    assert_true(pid > 0 && waitpid(pid, NULL, 0) == pid);
}

static inline int rig_setup(void **state)
{
    struct rig *rig = malloc(sizeof(*rig));
    assert_non_null(rig);
    rig_init(rig);
    assert_int_equal(rig_open(rig), 0);
    *state = rig;
    return 0;
}

static inline int rig_teardown(void **state)
{
    struct rig *rig = *state;
    if (rig->store)
        rig_close(rig);
    ve_loop_free(rig->loop);
    rig_remove(rig->root);
    free(rig);
    assert_int_equal(test_alloc_live(), 0);
    return 0;
}

#define RIG_TEST(test) cmocka_unit_test_setup_teardown(test, rig_setup, rig_teardown)

static inline struct ve_store_stats rig_stats(struct rig *rig)
{
    struct ve_store_stats stats;
    ve_store_stats(rig->store, &stats);
    return stats;
}

/* Takes an event and returns its id, or an error. */
static inline int64_t rig_event(struct rig *rig, const char *key, const char *body)
{
    struct ve_inbox_event event = {
        .key = ve_str(key),
        .tenant = VE_STR("t"),
        .kind = VE_STR("call/missed"),
        .body = ve_str(body),
        .at_ms = NOW,
    };
    int err = rig_wait(rig, ve_inbox_put(rig->store, &event, rig_number, rig));
    return err ? err : rig->number;
}

static inline int rig_finish(struct rig *rig, int64_t id)
{
    return rig_wait(rig, ve_inbox_done(rig->store, id, NOW, rig_plain, rig));
}

#endif
