#include "loop/usage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static void what_the_process_uses(void **state)
{
    struct ve_usage before;
    struct ve_usage after;
    (void)state;
    ve_usage_read(&before);
    int more = dup(0);
    volatile unsigned spin = 0;
    for (clock_t until = clock() + CLOCKS_PER_SEC / 20; clock() < until;)
        spin++;
    ve_usage_read(&after);
    (void)close(more);
    assert_true(before.resident > 100 * 1024 && before.virtual_bytes > before.resident);
    assert_int_equal(after.descriptors, before.descriptors + 1);
    assert_true(after.descriptors_max > after.descriptors);
    assert_true(after.cpu_s >= before.cpu_s + 0.04);
    assert_true(after.started_s > (double)time(NULL) - 600 &&
                after.started_s <= (double)time(NULL) + 1);
    assert_true(before.started_s == after.started_s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(what_the_process_uses)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
