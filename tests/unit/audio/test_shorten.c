#include "audio/shorten.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void make_sine(int16_t *out, size_t count, double hz, uint32_t rate)
{
    for (size_t i = 0; i < count; i++)
        out[i] = (int16_t)lrint(9000 * sin(2 * M_PI * hz * (double)i / rate));
}

static int steepest(const int16_t *samples, size_t count)
{
    int most = 0;
    for (size_t i = 1; i < count; i++) {
        int step = abs(samples[i] - samples[i - 1]);
        most = step > most ? step : most;
    }
    return most;
}

static void a_voice_loses_whole_periods(void **state)
{
    static const uint32_t rates[] = {8000, 16000, 24000, 48000};
    static const double pitches[] = {100, 125, 200, 250};
    static int16_t sound[960];
    (void)state;
    for (size_t r = 0; r < 4; r++) {
        for (size_t p = 0; p < 4; p++) {
            size_t count = rates[r] / 50;
            make_sine(sound, count, pitches[p], rates[r]);
            int16_t first = sound[0];
            int16_t last = sound[count - 1];
            size_t left = ve_shorten(sound, count, rates[r], count);
            double periods = (double)(count - left) * pitches[p] / rates[r];
            assert_true(left < count);
            assert_float_equal(periods, round(periods), 0.08);
            assert_int_equal(sound[0], first);
            assert_int_equal(sound[left - 1], last);
            double natural = 9000 * 2 * M_PI * pitches[p] / rates[r];
            assert_true(steepest(sound, left) < natural * 1.3 + 2);
        }
    }
}

static void no_more_is_left_out_than_asked(void **state)
{
    static int16_t sound[320];
    (void)state;
    for (size_t most = 0; most <= 320; most += 10) {
        make_sine(sound, 320, 150, 16000);
        size_t left = ve_shorten(sound, 320, 16000, most);
        assert_true(320 - left <= most && 320 - left <= 240);
        assert_true(most < 40 ? left == 320 : left < 320);
    }
}

static void short_sounds_stay_whole(void **state)
{
    static int16_t sound[320];
    (void)state;
    for (size_t count = 0; count < 104; count++) {
        make_sine(sound, count, 150, 16000);
        assert_int_equal(ve_shorten(sound, count, 16000, 320), count);
    }
}

static void noise_and_silence_are_shortened_too(void **state)
{
    static int16_t sound[160];
    (void)state;
    assert_int_equal(ve_shorten(sound, 160, 8000, 160), 40); /* silence: 15 ms */
    srand(3);
    for (int i = 0; i < 160; i++)
        sound[i] = (int16_t)(rand() % 65536 - 32768);
    assert_true(ve_shorten(sound, 160, 8000, 160) < 160);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_voice_loses_whole_periods),
        cmocka_unit_test(no_more_is_left_out_than_asked),
        cmocka_unit_test(short_sounds_stay_whole),
        cmocka_unit_test(noise_and_silence_are_shortened_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
