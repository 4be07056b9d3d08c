#include "base/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* The state 1, 2, 3, 4 and what the authors' program prints for it. */
static void xoshiro_vector(void **state)
{
    (void)state;
    static const uint64_t expected[] = {
        11520u,
        0u,
        1509978240u,
        1215971899390074240u,
        1216172134540287360u,
        607988272756665600u,
        16172922978634559625u,
        8476171486693032832u,
        10595114339597558777u,
        2904607092377533576u,
    };
    struct ve_rng rng = {{1, 2, 3, 4}};
    for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++)
        assert_true(ve_rng_u64(&rng) == expected[i]);
}

static void splitmix_fills_the_state(void **state)
{
    (void)state;
    struct ve_rng rng;
    ve_rng_seed(&rng, 1234567);
    assert_true(rng.state[0] == 6457827717110365317u);
    assert_true(rng.state[1] == 3203168211198807973u);
    assert_true(rng.state[2] == 9817491932198370423u);
    assert_true(rng.state[3] == 4593380528125082431u);
}

static void the_same_seed_draws_the_same(void **state)
{
    (void)state;
    struct ve_rng a;
    struct ve_rng b;
    ve_rng_seed(&a, 42);
    ve_rng_seed(&b, 42);
    for (int i = 0; i < 100; i++)
        assert_true(ve_rng_u64(&a) == ve_rng_u64(&b));
    ve_rng_seed(&b, 43);
    assert_true(ve_rng_u64(&a) != ve_rng_u64(&b));
}

static void below_a_bound(void **state)
{
    (void)state;
    struct ve_rng rng;
    int seen[7] = {0};
    ve_rng_seed(&rng, 0);
    for (int i = 0; i < 7000; i++)
        seen[ve_rng_below(&rng, 7)]++;
    for (int i = 0; i < 7; i++)
        assert_in_range(seen[i], 850, 1150);
    assert_int_equal(ve_rng_below(&rng, 0), 0);
    assert_int_equal(ve_rng_below(&rng, 1), 0);
    for (int i = 0; i < 100; i++)
        assert_true(ve_rng_below(&rng, UINT64_MAX) < UINT64_MAX);
}

static void the_unit_interval(void **state)
{
    (void)state;
    struct ve_rng rng;
    double sum = 0;
    ve_rng_seed(&rng, 9);
    for (int i = 0; i < 10000; i++) {
        double x = ve_rng_unit(&rng);
        assert_true(x >= 0 && x < 1);
        sum += x;
    }
    assert_true(sum > 4900 && sum < 5100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(xoshiro_vector),
        cmocka_unit_test(splitmix_fills_the_state),
        cmocka_unit_test(the_same_seed_draws_the_same),
        cmocka_unit_test(below_a_bound),
        cmocka_unit_test(the_unit_interval),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
