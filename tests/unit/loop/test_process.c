#include "loop/process.h"

#include "base/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <signal.h>
#include <sys/resource.h>

#include <cmocka.h>

static int first_calls;
static int second_calls;
static int third_calls;
static int second_result = VE_EIO;

static int first(void)
{
    first_calls++;
    return 0;
}

static int second(void)
{
    second_calls++;
    return second_result;
}

static int third(void)
{
    third_calls++;
    return 0;
}

static const struct ve_process_part parts[] = {
    {"first", first},
    {"second", second},
    {"third", third},
};

/* One test, since a process has only one beginning: a part fails, the next try goes on from there,
 * and the second engine finds all done. */
static void every_part_is_initialised_once(void **state)
{
    (void)state;
    const char *failed = NULL;
    assert_int_equal(ve_process_init(parts, 3, &failed), VE_EIO);
    assert_string_equal(failed, "second");
    assert_int_equal(third_calls, 0);
    second_result = 0;
    assert_int_equal(ve_process_init(parts, 3, &failed), 0);
    assert_int_equal(ve_process_init(parts, 3, &failed), 0);
    assert_int_equal(first_calls, 1);
    assert_int_equal(second_calls, 2);
    assert_int_equal(third_calls, 1);
}

static void the_system_is_prepared(void **state)
{
    (void)state;
    struct sigaction action;
    struct rlimit limit;
    assert_int_equal(sigaction(SIGPIPE, NULL, &action), 0);
    assert_true(action.sa_handler == SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    assert_true(limit.rlim_cur >= 65536 || limit.rlim_cur == limit.rlim_max);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_part_is_initialised_once),
        cmocka_unit_test(the_system_is_prepared),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
