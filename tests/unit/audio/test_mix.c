#include "audio/mix.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static void sums_saturate(void **state)
{
    (void)state;
    int16_t into[] = {100, 32000, -32000, INT16_MIN, INT16_MAX, 0};
    const int16_t add[] = {-40, 1000, -1000, INT16_MIN, INT16_MIN, 0};
    const int16_t want[] = {60, INT16_MAX, INT16_MIN, INT16_MIN, -1, 0};
    ve_mix_add(into, add, 6);
    assert_memory_equal(into, want, sizeof(want));
}

static void gains_scale_round_and_saturate(void **state)
{
    (void)state;
    int16_t samples[] = {1000, -1000, 3, INT16_MAX, INT16_MIN};
    const int16_t same[] = {1000, -1000, 3, INT16_MAX, INT16_MIN};
    const int16_t half[] = {500, -500, 2, 16384, -16384};
    const int16_t full[] = {4000, -4000, 16, INT16_MAX, INT16_MIN};
    ve_mix_gain(samples, 5, VE_GAIN_ONE);
    assert_memory_equal(samples, same, sizeof(same));
    ve_mix_gain(samples, 5, VE_GAIN_ONE / 2);
    assert_memory_equal(samples, half, sizeof(half));
    ve_mix_gain(samples, 5, INT32_MAX); /* held at eight times */
    assert_memory_equal(samples, full, sizeof(full));
    ve_mix_gain(samples, 5, -7);
    for (int i = 0; i < 5; i++)
        assert_int_equal(samples[i], 0);
}

static void decibels_become_gains(void **state)
{
    (void)state;
    assert_int_equal(ve_gain_of_db(0), VE_GAIN_ONE);
    for (int i = 0; i < 97; i++) {
        float db = -50 + 0.7f * (float)i;
        assert_float_equal(ve_gain_of_db(db), VE_GAIN_ONE * pow(10, db / 20.0), 0.6);
    }
    assert_int_equal(ve_gain_of_db(-INFINITY), 0);
    assert_int_equal(ve_gain_of_db(INFINITY), VE_GAIN_MAX);
}

static void ramps_are_straight_and_reach_their_end(void **state)
{
    (void)state;
    enum { COUNT = 480 };
    int16_t samples[COUNT];
    for (int i = 0; i < COUNT; i++)
        samples[i] = 20000;
    ve_mix_ramp(samples, COUNT, 0, VE_GAIN_ONE);
    for (int i = 0; i < COUNT; i++)
        assert_in_range(samples[i] + 10 - 20000 * (i + 1) / COUNT, 0, 20);
    assert_int_equal(samples[COUNT - 1], 20000);
    ve_mix_ramp(samples, COUNT, VE_GAIN_ONE, 0);
    assert_int_equal(samples[COUNT - 1], 0);
    ve_mix_ramp(samples, 0, VE_GAIN_ONE, 0);
    samples[0] = 8000;
    ve_mix_ramp(samples, 1, 0, VE_GAIN_ONE / 2);
    assert_int_equal(samples[0], 4000);
}

static void crossfade_keeps_equal_signals_and_ends_in_the_new_one(void **state)
{
    (void)state;
    enum { COUNT = 160 };
    int16_t old[COUNT];
    int16_t new[COUNT];
    for (int i = 0; i < COUNT; i++)
        old[i] = new[i] = (int16_t)(i % 2 ? INT16_MIN : INT16_MAX);
    ve_mix_crossfade(old, new, COUNT);
    for (int i = 0; i < COUNT; i++)
        assert_in_range(abs(old[i] - new[i]), 0, 1);
    for (int i = 0; i < COUNT; i++) {
        old[i] = 12000;
        new[i] = -12000;
    }
    ve_mix_crossfade(old, new, COUNT);
    for (int i = 1; i < COUNT; i++)
        assert_in_range(old[i - 1] - old[i], 140, 160);
    assert_int_equal(old[COUNT - 1], -12000);
    ve_mix_crossfade(old, new, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_saturate),
        cmocka_unit_test(gains_scale_round_and_saturate),
        cmocka_unit_test(decibels_become_gains),
        cmocka_unit_test(ramps_are_straight_and_reach_their_end),
        cmocka_unit_test(crossfade_keeps_equal_signals_and_ends_in_the_new_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
