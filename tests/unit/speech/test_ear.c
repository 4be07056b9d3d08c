#include "speech/ear.h"

#include "base/err.h"
#include "base/rng.h"

#include "rig.h"

#include <math.h>
#include <stdlib.h>

#define RATE 16000

/* A second of soft noise, `loud` samples of a buzz with syllables, half a second of noise. */
static int16_t *make_sound(size_t loud, size_t *count)
{
    struct ve_rng rng;
    ve_rng_seed(&rng, 7);
    *count = RATE + loud + RATE / 2;
    int16_t *samples = malloc(*count * sizeof(*samples));
    for (size_t i = 0; i < *count; i++) {
        double v = 20 * (ve_rng_unit(&rng) - 0.5);
        if (i >= RATE && i < RATE + loud)
            v += (1.2 + sin((double)i * 0.002)) *
                 (2000 * sin((double)i * 0.05) + 1000 * sin((double)i * 0.4));
        samples[i] = (int16_t)v;
    }
    return samples;
}

static struct ve_ear *hear(const int16_t *samples, size_t count, size_t step, uint32_t rate)
{
    struct ve_ear *ear;
    assert_int_equal(ve_ear_new(&ear, rate), 0);
    for (size_t at = 0; at < count; at += step)
        assert_int_equal(ve_ear_hear(ear, samples + at, count - at < step ? count - at : step), 0);
    assert_int_equal(ve_ear_end(ear), 0);
    return ear;
}

static void test_a_frame_every_ten_milliseconds(void **state)
{
    (void)state;
    size_t count;
    int16_t *samples = make_sound(RATE / 2, &count);
    struct ve_ear *ear = hear(samples, count, 160, RATE);
    assert_in_range(ve_ear_frames(ear), 197, 201);
    ve_ear_begin(ear);
    assert_int_equal(ve_ear_frames(ear), 0);
    ve_ear_free(ear);
    /* The same samples as 8 kHz last twice as long. */
    ear = hear(samples, count, 160, 8000);
    assert_in_range(ve_ear_frames(ear), 396, 402);
    ve_ear_free(ear);
    free(samples);
}

static void test_how_samples_are_cut_does_not_matter(void **state)
{
    (void)state;
    size_t count;
    int16_t *samples = make_sound(RATE / 2, &count);
    struct ve_ear *whole = hear(samples, count, count, RATE);
    struct ve_ear_range want;
    assert_int_equal(ve_ear_range(whole, &want), 0);
    assert_int_equal(want.sound, VE_EAR_SPEECH);
    static const size_t steps[] = {1, 37, 160, 320, 1601};
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        struct ve_ear *cut = hear(samples, count, steps[i], RATE);
        struct ve_ear_range got;
        assert_int_equal(ve_ear_frames(cut), ve_ear_frames(whole));
        assert_int_equal(ve_ear_range(cut, &got), 0);
        assert_int_equal(got.begin, want.begin);
        assert_int_equal(got.end, want.end);
        size_t frames = got.end - got.begin;
        float(*a)[VE_EAR_DIMS] = calloc(frames, sizeof(*a));
        float(*b)[VE_EAR_DIMS] = calloc(frames, sizeof(*b));
        ve_ear_vectors(whole, &want, a);
        ve_ear_vectors(cut, &got, b);
        assert_memory_equal(a, b, frames * sizeof(*a));
        free(a);
        free(b);
        ve_ear_free(cut);
    }
    ve_ear_free(whole);
    free(samples);
}

static void test_the_range_holds_the_speech(void **state)
{
    (void)state;
    size_t count;
    int16_t *samples = make_sound(RATE / 2, &count);
    struct ve_ear *ear = hear(samples, count, 320, RATE);
    struct ve_ear_range range;
    assert_int_equal(ve_ear_range(ear, &range), 0);
    assert_int_equal(range.sound, VE_EAR_SPEECH);
    assert_in_range(range.begin, 100 - VE_EAR_MARGIN - 5, 100 - VE_EAR_MARGIN + 5);
    assert_in_range(range.end, 150 + VE_EAR_MARGIN - 5, 150 + VE_EAR_MARGIN + 5);
    assert_in_range(range.loud, 40, 58);
    ve_ear_free(ear);
    free(samples);
}

static void test_vectors_are_centred_whatever_the_level(void **state)
{
    (void)state;
    size_t count;
    int16_t *samples = make_sound(RATE / 2, &count);
    struct ve_ear *ear = hear(samples, count, 320, RATE);
    struct ve_ear_range range;
    assert_int_equal(ve_ear_range(ear, &range), 0);
    size_t frames = range.end - range.begin;
    float(*vectors)[VE_EAR_DIMS] = calloc(frames, sizeof(*vectors));
    ve_ear_vectors(ear, &range, vectors);
    double loud = 0;
    double soft = 0;
    for (size_t i = 0; i < frames; i++) {
        if (i > frames / 2 - 10 && i < frames / 2 + 10)
            loud += vectors[i][0];
        if (i < 10)
            soft += vectors[i][0];
    }
    assert_true(loud > 0);
    assert_true(soft < 0);
    free(vectors);
    ve_ear_free(ear);
    free(samples);
}

/* Mean vector of the frames in the middle of the sound. */
static void hear_middle(const int16_t *samples, size_t count, float mean[VE_EAR_DIMS])
{
    struct ve_ear *ear = hear(samples, count, 320, RATE);
    struct ve_ear_range range;
    assert_int_equal(ve_ear_range(ear, &range), 0);
    assert_int_equal(range.sound, VE_EAR_SPEECH);
    size_t frames = range.end - range.begin;
    float(*vectors)[VE_EAR_DIMS] = calloc(frames, sizeof(*vectors));
    ve_ear_vectors(ear, &range, vectors);
    memset(mean, 0, VE_EAR_DIMS * sizeof(*mean));
    for (size_t i = frames / 2 - 10; i < frames / 2 + 10; i++)
        for (size_t d = 0; d < VE_EAR_DIMS; d++)
            mean[d] += vectors[i][d] / 20;
    free(vectors);
    ve_ear_free(ear);
}

/* A digital line has no noise between the words; the words must not sound different for it. */
static void test_perfect_silence_changes_nothing(void **state)
{
    (void)state;
    size_t count;
    float noisy[VE_EAR_DIMS];
    float digital[VE_EAR_DIMS];
    int16_t *samples = make_sound(RATE / 2, &count);
    hear_middle(samples, count, noisy);
    memset(samples, 0, RATE * sizeof(*samples));
    memset(samples + RATE * 3 / 2, 0, (count - RATE * 3 / 2) * sizeof(*samples));
    hear_middle(samples, count, digital);
    for (size_t d = 0; d < VE_EAR_DIMS; d++)
        assert_float_equal(digital[d], noisy[d], 2.0);
    free(samples);
}

static void check_sound(const int16_t *samples, size_t count, enum ve_ear_sound sound)
{
    struct ve_ear *ear = hear(samples, count, 320, RATE);
    struct ve_ear_range range;
    assert_int_equal(ve_ear_range(ear, &range), 0);
    assert_int_equal(range.sound, sound);
    ve_ear_free(ear);
}

static void test_silence_and_noise(void **state)
{
    (void)state;
    size_t count;
    int16_t *samples = make_sound(0, &count);
    check_sound(samples, 0, VE_EAR_SILENCE);
    check_sound(samples, 100, VE_EAR_SILENCE);
    check_sound(samples, count, VE_EAR_SILENCE);
    /* Steady noise: nothing stands out of it. */
    struct ve_rng rng;
    ve_rng_seed(&rng, 3);
    for (size_t i = 0; i < count; i++)
        samples[i] = (int16_t)(8000 * (ve_rng_unit(&rng) - 0.5));
    check_sound(samples, count, VE_EAR_NOISE);
    free(samples);
    /* A click is too short to be a word. */
    samples = make_sound(RATE / 20, &count);
    check_sound(samples, count, VE_EAR_NOISE);
    free(samples);
}

static void test_no_more_than_a_minute(void **state)
{
    (void)state;
    int16_t second[RATE] = {0};
    struct ve_ear *ear;
    assert_int_equal(ve_ear_new(&ear, RATE), 0);
    for (int i = 0; i < 65; i++)
        assert_int_equal(ve_ear_hear(ear, second, RATE), 0);
    assert_int_equal(ve_ear_end(ear), 0);
    assert_in_range(ve_ear_frames(ear), VE_EAR_FRAMES_MAX, VE_EAR_FRAMES_MAX + 100);
    ve_ear_free(ear);
}

static int hear_all(void *arg)
{
    (void)arg;
    size_t count;
    int16_t *samples = make_sound(RATE / 2, &count);
    struct ve_ear *ear;
    int err = ve_ear_new(&ear, RATE);
    if (!err) {
        struct ve_ear_range range;
        err = ve_ear_hear(ear, samples, count);
        if (!err)
            err = ve_ear_end(ear);
        if (!err)
            err = ve_ear_range(ear, &range);
        ve_ear_free(ear);
    }
    free(samples);
    return err;
}

static void test_without_memory(void **state)
{
    (void)state;
    assert_true(test_alloc_sweep(hear_all, NULL) >= 4);
}

static int setup(void **state)
{
    (void)state;
    rig_process_init(); /* or the library prints its settings */
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_frame_every_ten_milliseconds),
        cmocka_unit_test(test_how_samples_are_cut_does_not_matter),
        cmocka_unit_test(test_the_range_holds_the_speech),
        cmocka_unit_test(test_vectors_are_centred_whatever_the_level),
        cmocka_unit_test(test_perfect_silence_changes_nothing),
        cmocka_unit_test(test_silence_and_noise),
        cmocka_unit_test(test_no_more_than_a_minute),
        cmocka_unit_test(test_without_memory),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
