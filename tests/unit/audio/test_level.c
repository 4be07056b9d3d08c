#include "audio/level.h"

#include "audio/tone.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void levels_of_known_signals(void **state)
{
    (void)state;
    int16_t square[800];
    int16_t nothing[160] = {0};
    for (int i = 0; i < 800; i++)
        square[i] = i % 2 ? INT16_MIN : 16384;
    /* half of the samples at 0 dBFS, half at -6.02 */
    assert_float_equal(ve_level_rms(square, 800), 10 * log10(0.5 * (1 + 0.25)), 1e-4);
    assert_int_equal(ve_level_peak(square, 800), 32768);
    assert_float_equal(ve_level_peak_dbfs(32768), 0, 1e-6);
    assert_float_equal(ve_level_peak_dbfs(16384), -6.0206, 1e-4);
    assert_true(ve_level_rms(nothing, 160) == VE_LEVEL_FLOOR);
    assert_true(ve_level_rms(nothing, 0) == VE_LEVEL_FLOOR);
    assert_int_equal(ve_level_peak(nothing, 160), 0);
    assert_true(ve_level_peak_dbfs(0) == VE_LEVEL_FLOOR);
    /* the largest sum of squares does not wrap */
    static int16_t loud[100000];
    for (size_t i = 0; i < 100000; i++)
        loud[i] = INT16_MIN;
    assert_true(ve_level_energy(loud, 100000) == 100000ull << 30);
}

static void logarithm_is_right_everywhere(void **state)
{
    (void)state;
    for (uint64_t energy = 1; energy < 1ull << 50; energy = energy * 5 / 4 + 1) {
        double want = 10 * log10((double)energy / 256 / 1073741824.0);
        assert_float_equal(ve_level_dbfs(energy, 256), want, 2e-5);
    }
}

static void threshold_and_level_agree(void **state)
{
    (void)state;
    for (int i = 0; i < 216; i++) {
        float db = -80 + 0.37f * (float)i;
        uint64_t energy = ve_level_threshold(db, 256);
        assert_float_equal(ve_level_dbfs(energy, 256), db, 0.01);
        assert_true(fabs((double)energy - pow(10, db / 10.0) * 256 * 1073741824.0) <= 1);
    }
    assert_true(ve_level_threshold(-INFINITY, 256) == 0);
    assert_true(ve_level_threshold(NAN, 256) == 0);
    assert_true(ve_level_threshold(INFINITY, SIZE_MAX) > 0);
}

/* 300 ms of a tone from sample 4321 on, in 16 kHz silence. */
static void finds_the_ends_of_a_tone(void **state)
{
    (void)state;
    enum { AT = 4321, LEN = 4800, ALL = 16000 };
    static int16_t sound[ALL];
    struct ve_tone_spec spec = ve_tone_beep(1000, 300);
    struct ve_tone tone;
    assert_int_equal(ve_tone_init(&tone, 16000, &spec), 0);
    assert_int_equal(ve_tone_read(&tone, sound + AT, ALL - AT), LEN);
    size_t first = ve_level_first(sound, ALL, 16000, -40);
    size_t last = ve_level_last(sound, ALL, 16000, -40);
    assert_in_range(first, AT, AT + 80); /* within the ramp of 5 ms */
    assert_in_range(last, AT + LEN - 81, AT + LEN - 1);
    assert_int_equal(ve_level_first(sound, AT, 16000, -40), SIZE_MAX);
    assert_int_equal(ve_level_last(sound, AT, 16000, -40), SIZE_MAX);
    assert_int_equal(ve_level_first(sound, 0, 16000, -40), SIZE_MAX);
    assert_int_equal(ve_level_last(sound, 0, 16000, -40), SIZE_MAX);
}

static void a_click_is_not_audible_but_any_sound_is_without_threshold(void **state)
{
    (void)state;
    int16_t sound[1000] = {0};
    sound[700] = 500; /* a single sample: -36 dBFS, but -55 over 10 ms */
    assert_int_equal(ve_level_first(sound, 1000, 8000, -50), SIZE_MAX);
    assert_int_equal(ve_level_first(sound, 1000, 8000, -INFINITY), 700);
    assert_int_equal(ve_level_last(sound, 1000, 8000, -INFINITY), 700);
    /* rates below a window a sample */
    assert_int_equal(ve_level_first(sound, 1000, 0, -50), 700);
    /* an incomplete last window counts with its own length */
    assert_int_equal(ve_level_first(sound + 700, 1, 8000, -50), 0);
    assert_int_equal(ve_level_last(sound + 700, 1, 8000, -50), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(levels_of_known_signals),
        cmocka_unit_test(logarithm_is_right_everywhere),
        cmocka_unit_test(threshold_and_level_agree),
        cmocka_unit_test(finds_the_ends_of_a_tone),
        cmocka_unit_test(a_click_is_not_audible_but_any_sound_is_without_threshold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
