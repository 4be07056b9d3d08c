#include "audio/tone.h"

#include "audio/level.h"
#include "base/err.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define RATE 8000

/* Mean square of the part of `samples` at this frequency. */
static double power_at(const int16_t *samples, size_t count, double hz, double rate)
{
    double re = 0;
    double im = 0;
    for (size_t i = 0; i < count; i++) {
        re += samples[i] * cos(2 * M_PI * hz * (double)i / rate);
        im += samples[i] * sin(2 * M_PI * hz * (double)i / rate);
    }
    return 2 * (re * re + im * im) / ((double)count * (double)count);
}

static double dbfs(double mean_square)
{
    return 10 * log10(mean_square / 1073741824.0);
}

static void a_tone_has_its_frequencies_and_level(void **state)
{
    (void)state;
    static int16_t sound[48000];
    const uint32_t rates[] = {8000, 16000, 24000, 44100, 48000};
    for (size_t i = 0; i < 5; i++) {
        struct ve_tone_spec spec = {.hz = {440, 480}, .dbfs = -20};
        struct ve_tone tone;
        assert_int_equal(ve_tone_init(&tone, rates[i], &spec), 0);
        assert_int_equal(ve_tone_read(&tone, sound, rates[i]), rates[i]);
        assert_float_equal(dbfs(power_at(sound, rates[i], 440, rates[i])), -20, 0.1);
        assert_float_equal(dbfs(power_at(sound, rates[i], 480, rates[i])), -20, 0.1);
        assert_float_equal(ve_level_rms(sound, rates[i]), -17, 0.1);
        assert_true(dbfs(power_at(sound, rates[i], 960, rates[i])) < -80);
    }
}

static void blocks_of_any_size_give_the_same_samples(void **state)
{
    (void)state;
    static int16_t whole[RATE * 3];
    static int16_t parts[RATE * 3];
    struct ve_tone_spec spec = ve_tone_busy(VE_TONE_EUROPE);
    struct ve_tone tone;
    assert_int_equal(ve_tone_init(&tone, RATE, &spec), 0);
    assert_int_equal(ve_tone_read(&tone, whole, RATE * 3), RATE * 3);
    assert_int_equal(ve_tone_init(&tone, RATE, &spec), 0);
    for (size_t at = 0, part = 1; at < RATE * 3; at += part, part = part * 7 % 331 + 1) {
        size_t want = RATE * 3 - at < part ? RATE * 3 - at : part;
        assert_int_equal(ve_tone_read(&tone, parts + at, want), want);
    }
    assert_memory_equal(whole, parts, sizeof(whole));
}

/* Largest second difference: a click is a step in the signal or in its slope. */
static int sharpest(const int16_t *samples, size_t count)
{
    int most = 0;
    for (size_t i = 2; i < count; i++) {
        int bend = abs(samples[i] - 2 * samples[i - 1] + samples[i - 2]);
        most = bend > most ? bend : most;
    }
    return most;
}

static void the_cadence_is_kept_without_clicks(void **state)
{
    (void)state;
    static int16_t sound[RATE * 10];
    struct ve_tone_spec spec = ve_tone_ringback(VE_TONE_EUROPE);
    struct ve_tone tone;
    assert_int_equal(ve_tone_init(&tone, RATE, &spec), 0);
    assert_int_equal(ve_tone_read(&tone, sound, RATE * 10), RATE * 10);
    for (size_t period = 0; period < 2; period++) {
        const int16_t *from = sound + period * RATE * 5;
        assert_in_range(ve_level_first(from, RATE * 5, RATE, -40), 0, 40);
        assert_in_range(ve_level_last(from, RATE * 5, RATE, -40), RATE * 3 / 2 - 41,
                        RATE * 3 / 2 - 1);
    }
    /* 425 Hz at -19 dBFS bends by at most amplitude * w^2 */
    double w = 2 * M_PI * 425 / RATE;
    double amplitude = 32768 * pow(10, -19.0 / 20) * sqrt(2);
    assert_true(sharpest(sound, RATE * 10) < amplitude * w * w + amplitude / 40 * w * 2 + 4);
    spec = ve_tone_ringback(VE_TONE_NORTH_AMERICA);
    assert_int_equal(ve_tone_init(&tone, RATE, &spec), 0);
    spec = ve_tone_busy(VE_TONE_NORTH_AMERICA);
    assert_int_equal(ve_tone_init(&tone, RATE, &spec), 0);
}

static void it_ends_with_a_ramp(void **state)
{
    (void)state;
    int16_t sound[2000];
    struct ve_tone_spec spec = ve_tone_beep(1000, 100);
    struct ve_tone tone;
    assert_int_equal(ve_tone_init(&tone, RATE, &spec), 0);
    assert_int_equal(ve_tone_read(&tone, sound, 500), 500);
    assert_int_equal(ve_tone_read(&tone, sound + 500, 500), 300);
    assert_int_equal(ve_tone_read(&tone, sound, 500), 0);
    assert_in_range(ve_level_peak(sound + 798, 2), 0, 600);
    /* shorter than its two ramps */
    spec = ve_tone_beep(1000, 2);
    assert_int_equal(ve_tone_init(&tone, RATE, &spec), 0);
    assert_int_equal(ve_tone_read(&tone, sound, 500), 16);
}

static void keys(void **state)
{
    (void)state;
    static int16_t sound[RATE];
    struct ve_tone_spec spec;
    struct ve_tone tone;
    assert_int_equal(ve_tone_dtmf(&spec, '#', 1000), 0);
    assert_int_equal(ve_tone_init(&tone, RATE, &spec), 0);
    assert_int_equal(ve_tone_read(&tone, sound, RATE), RATE);
    assert_float_equal(dbfs(power_at(sound, RATE, 941, RATE)), -10, 0.1);
    assert_float_equal(dbfs(power_at(sound, RATE, 1477, RATE)), -10, 0.1);
    assert_true(ve_level_peak(sound, RATE) < 32767); /* not clipped */
    assert_int_equal(ve_tone_dtmf(&spec, 'd', 1), 0);
    assert_int_equal(spec.total_ms, 40);
    assert_int_equal(ve_tone_dtmf(&spec, 'E', 100), VE_EINVAL);
    assert_int_equal(ve_tone_dtmf(&spec, '\0', 100), VE_EINVAL);
    assert_int_equal(ve_tone_dtmf(&spec, ' ', 100), VE_EINVAL);
}

static void nonsense_is_refused(void **state)
{
    (void)state;
    struct ve_tone tone;
    struct ve_tone_spec spec = {.hz = {1000, 0}, .dbfs = -10};
    assert_int_equal(ve_tone_init(&tone, 7999, &spec), VE_EINVAL);
    assert_int_equal(ve_tone_init(&tone, 48001, &spec), VE_EINVAL);
    spec.hz[1] = 4000;
    assert_int_equal(ve_tone_init(&tone, RATE, &spec), VE_EINVAL);
    spec.hz[1] = -1;
    assert_int_equal(ve_tone_init(&tone, RATE, &spec), VE_EINVAL);
    spec.hz[1] = NAN;
    assert_int_equal(ve_tone_init(&tone, RATE, &spec), VE_EINVAL);
    spec.hz[1] = 0;
    spec.dbfs = 1;
    assert_int_equal(ve_tone_init(&tone, RATE, &spec), VE_EINVAL);
    spec.dbfs = NAN;
    assert_int_equal(ve_tone_init(&tone, RATE, &spec), VE_EINVAL);
    spec.dbfs = -INFINITY; /* silence with a length */
    spec.total_ms = 10;
    int16_t sound[100];
    assert_int_equal(ve_tone_init(&tone, RATE, &spec), 0);
    assert_int_equal(ve_tone_read(&tone, sound, 100), 80);
    assert_int_equal(ve_level_peak(sound, 80), 0);
}

static void noise_has_its_level_and_colour_and_repeats(void **state)
{
    (void)state;
    static int16_t sound[RATE * 10];
    static int16_t again[RATE * 10];
    double tilt[2];
    for (int colour = 0; colour < 2; colour++) {
        struct ve_noise noise;
        ve_noise_init(&noise, (enum ve_noise_colour)colour, -30, 42);
        ve_noise_read(&noise, sound, RATE * 10);
        assert_float_equal(ve_level_rms(sound, RATE * 10), -30, colour == VE_NOISE_PINK ? 1 : 0.1);
        ve_noise_init(&noise, (enum ve_noise_colour)colour, -30, 42);
        for (size_t at = 0; at < RATE * 10; at += 160)
            ve_noise_read(&noise, again + at, 160);
        assert_memory_equal(sound, again, sizeof(sound));
        double slow = 0; /* energy of the running mean of eight: below about 500 Hz */
        for (size_t i = 8; i < RATE * 10; i++) {
            double sum = 0;
            for (size_t k = 0; k < 8; k++)
                sum += sound[i - k];
            slow += sum * sum / 64;
        }
        tilt[colour] = slow / (double)ve_level_energy(sound, RATE * 10);
    }
    assert_float_equal(tilt[VE_NOISE_WHITE], 0.125, 0.01);
    assert_true(tilt[VE_NOISE_PINK] > 0.5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tone_has_its_frequencies_and_level),
        cmocka_unit_test(blocks_of_any_size_give_the_same_samples),
        cmocka_unit_test(the_cadence_is_kept_without_clicks),
        cmocka_unit_test(it_ends_with_a_ramp),
        cmocka_unit_test(keys),
        cmocka_unit_test(nonsense_is_refused),
        cmocka_unit_test(noise_has_its_level_and_colour_and_repeats),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
