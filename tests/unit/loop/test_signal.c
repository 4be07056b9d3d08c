#include "loop/signal.h"

#include "alloc_fail.h"
#include "base/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <signal.h>

#include <cmocka.h>

struct seen {
    struct ve_loop *loop;
    int signum;
    int count;
};

static void on_signal(void *arg, int signum)
{
    struct seen *seen = arg;
    seen->signum = signum;
    seen->count++;
    ve_loop_stop(seen->loop);
}

static void a_signal_is_a_step(void **state)
{
    (void)state;
    struct seen seen = {.loop = NULL};
    struct ve_signal *hup;
    struct ve_signal *term;
    assert_int_equal(ve_loop_new_live(&seen.loop), 0);
    assert_int_equal(ve_signal_new(&hup, seen.loop, SIGHUP, on_signal, &seen), 0);
    assert_int_equal(ve_signal_new(&term, seen.loop, SIGTERM, on_signal, &seen), 0);
    assert_int_equal(raise(SIGHUP), 0);
    assert_int_equal(seen.count, 0);
    ve_loop_run(seen.loop);
    assert_int_equal(seen.signum, SIGHUP);
    assert_int_equal(raise(SIGTERM), 0);
    ve_loop_run(seen.loop);
    assert_int_equal(seen.signum, SIGTERM);
    assert_int_equal(seen.count, 2);
    ve_signal_free(hup);
    ve_signal_free(term);
    ve_signal_free(NULL);
    ve_loop_free(seen.loop);
}

static void a_number_that_is_no_signal(void **state)
{
    (void)state;
    struct seen seen = {.loop = NULL};
    struct ve_signal *signal;
    long before = test_alloc_live();
    assert_int_equal(ve_loop_new_live(&seen.loop), 0);
    assert_int_equal(ve_signal_new(&signal, seen.loop, 4096, on_signal, &seen), VE_EIO);
    ve_loop_free(seen.loop);
    assert_int_equal(test_alloc_live(), before);
}

static int make_and_free(void *arg)
{
    struct ve_loop *loop;
    struct ve_signal *signal;
    int err = ve_loop_new_live(&loop);
    if (err)
        return err;
    err = ve_signal_new(&signal, loop, SIGHUP, on_signal, arg);
    if (!err)
        ve_signal_free(signal);
    ve_loop_free(loop);
    return err;
}

static void without_memory(void **state)
{
    (void)state;
    assert_int_equal(test_alloc_sweep(make_and_free, NULL), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_signal_is_a_step),
        cmocka_unit_test(a_number_that_is_no_signal),
        cmocka_unit_test(without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
