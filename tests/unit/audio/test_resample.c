#include "audio/resample.h"

#include "alloc_fail.h"
#include "audio/level.h"
#include "audio/tone.h"
#include "base/err.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const uint32_t rates[] = {8000, 11025, 16000, 22050, 24000, 32000, 44100, 48000};
enum { RATES = sizeof(rates) / sizeof(*rates) };

/* A second of 440 Hz at -10 dBFS, without ramps in the measured middle. */
static void beep(int16_t *out, uint32_t rate)
{
    struct ve_tone_spec spec = {.hz = {440, 0}, .dbfs = -10, .total_ms = 1000};
    struct ve_tone tone;
    assert_int_equal(ve_tone_init(&tone, rate, &spec), 0);
    assert_int_equal(ve_tone_read(&tone, out, rate), rate);
}

/* Resamples a second in blocks of `block` and flushes; returns the samples made. */
static size_t run(uint32_t in_rate, uint32_t out_rate, const int16_t *in, int16_t *out,
                  size_t block)
{
    struct ve_resampler *resampler = NULL;
    size_t made = 0;
    size_t part = 0;
    int16_t room[9700];
    assert_int_equal(ve_resampler_new(&resampler, in_rate, out_rate), 0);
    for (size_t at = 0; at < in_rate; at += block) {
        size_t count = in_rate - at < block ? in_rate - at : block;
        assert_in_range(ve_resample_room(resampler, count), 0, 9700);
        assert_int_equal(ve_resample(resampler, in + at, count, room, &part), 0);
        assert_in_range(part, 0, ve_resample_room(resampler, count));
        memcpy(out + made, room, part * sizeof(*out));
        made += part;
    }
    assert_in_range(ve_resample_room(resampler, 0), 0, 9700);
    assert_int_equal(ve_resample_flush(resampler, room, &part), 0);
    memcpy(out + made, room, part * sizeof(*out));
    ve_resampler_free(resampler);
    return made + part;
}

static void every_pair_keeps_length_time_and_level(void **state)
{
    (void)state;
    static int16_t in[48000];
    static int16_t out[50000];
    static int16_t want[48000];
    for (size_t i = 0; i < RATES; i++) {
        for (size_t o = 0; o < RATES; o++) {
            beep(in, rates[i]);
            beep(want, rates[o]);
            size_t made = run(rates[i], rates[o], in, out, rates[i] / 50);
            assert_int_equal(made, rates[o]);
            /* no delay, no gain: what is left after taking the ideal away is small */
            for (size_t k = 0; k < made; k++)
                out[k] = (int16_t)(out[k] - want[k]);
            assert_true(ve_level_rms(out + made / 4, made / 2) < -50);
        }
    }
}

static void block_size_does_not_matter(void **state)
{
    (void)state;
    static int16_t in[24000];
    static int16_t whole[50000];
    static int16_t parts[50000];
    struct ve_noise noise;
    ve_noise_init(&noise, VE_NOISE_PINK, -20, 1);
    ve_noise_read(&noise, in, 24000);
    const size_t blocks[] = {1, 7, 160, 479, 4800};
    for (size_t o = 0; o < RATES; o++) {
        size_t made = run(24000, rates[o], in, whole, 480);
        for (size_t b = 0; b < 5; b++) {
            assert_int_equal(run(24000, rates[o], in, parts, blocks[b]), made);
            assert_memory_equal(whole, parts, made * sizeof(*whole));
        }
    }
}

static void equal_rates_pass_through(void **state)
{
    (void)state;
    struct ve_resampler *resampler = NULL;
    int16_t in[] = {1, -2, 3, INT16_MIN, INT16_MAX};
    int16_t out[5];
    size_t count = 9;
    assert_int_equal(ve_resampler_new(&resampler, 16000, 16000), 0);
    assert_int_equal(ve_resample_room(resampler, 5), 5);
    assert_int_equal(ve_resample(resampler, in, 5, out, &count), 0);
    assert_int_equal(count, 5);
    assert_memory_equal(in, out, sizeof(in));
    assert_int_equal(ve_resample(resampler, NULL, 0, NULL, &count), 0);
    assert_int_equal(count, 0);
    assert_int_equal(ve_resample_flush(resampler, out, &count), 0);
    assert_int_equal(count, 0);
    ve_resampler_free(resampler);
}

static void after_reset_and_flush_it_starts_anew(void **state)
{
    (void)state;
    static int16_t in[16000];
    static int16_t first[1000];
    static int16_t again[1000];
    struct ve_resampler *resampler = NULL;
    size_t made = 0;
    size_t rest = 0;
    beep(in, 16000);
    assert_int_equal(ve_resampler_new(&resampler, 16000, 24000), 0);
    assert_int_equal(ve_resample(resampler, in + 500, 320, first, &made), 0);
    ve_resampler_reset(resampler);
    assert_int_equal(ve_resample(resampler, in + 500, 320, again, &rest), 0);
    assert_int_equal(rest, made);
    assert_memory_equal(first, again, made * sizeof(*first));
    assert_int_equal(ve_resample_flush(resampler, again + made, &rest), 0);
    assert_int_equal(made + rest, 480);
    assert_int_equal(ve_resample_flush(resampler, again, &rest), 0);
    assert_int_equal(rest, 0);
    assert_int_equal(ve_resample(resampler, in + 500, 320, again, &rest), 0);
    assert_memory_equal(first, again, made * sizeof(*first));
    ve_resampler_free(resampler);
}

static void nonsense_is_refused(void **state)
{
    (void)state;
    struct ve_resampler *resampler = NULL;
    size_t count = 1;
    int16_t sample = 0;
    assert_int_equal(ve_resampler_new(&resampler, 7999, 8000), VE_EINVAL);
    assert_int_equal(ve_resampler_new(&resampler, 8000, 48001), VE_EINVAL);
    assert_int_equal(ve_resampler_new(&resampler, 0, 0), VE_EINVAL);
    assert_null(resampler);
    ve_resampler_free(NULL);
    assert_int_equal(ve_resampler_new(&resampler, 8000, 47999), 0); /* odd, but allowed */
    assert_int_equal(ve_resample(resampler, &sample, VE_RESAMPLE_MAX + 1u, &sample, &count),
                     VE_ETOOBIG);
    assert_int_equal(count, 0);
    ve_resampler_free(resampler);
}

static int make_one(void *arg)
{
    struct ve_resampler *resampler = NULL;
    int err = ve_resampler_new(&resampler, 8000, *(uint32_t *)arg);
    ve_resampler_free(resampler);
    return err;
}

static void out_of_memory_leaves_nothing(void **state)
{
    (void)state;
    uint32_t rate = 16000;
    assert_int_equal(test_alloc_sweep(make_one, &rate), 1);
    rate = 8000;
    assert_int_equal(test_alloc_sweep(make_one, &rate), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_pair_keeps_length_time_and_level),
        cmocka_unit_test(block_size_does_not_matter),
        cmocka_unit_test(equal_rates_pass_through),
        cmocka_unit_test(after_reset_and_flush_it_starts_anew),
        cmocka_unit_test(nonsense_is_refused),
        cmocka_unit_test(out_of_memory_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
