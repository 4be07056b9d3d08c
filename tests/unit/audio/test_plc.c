#include "audio/plc.h"

#include "audio/level.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int16_t sine(double hz, uint32_t rate, size_t i)
{
    return (int16_t)lrint(8000 * sin(2 * M_PI * hz * (double)i / rate));
}

/* The largest step between neighbours. */
static int steepest(const int16_t *samples, size_t count)
{
    int most = 0;
    for (size_t i = 1; i < count; i++) {
        int step = abs(samples[i] - samples[i - 1]);
        most = step > most ? step : most;
    }
    return most;
}

/* 100 ms of a sine in pieces of 20 ms, then 100 ms of gap behind them. */
static void make_gap(int16_t *out, uint32_t rate, double hz)
{
    struct ve_plc plc;
    size_t frame = rate / 50;
    ve_plc_init(&plc, rate);
    for (size_t i = 0; i < 5 * frame; i++)
        out[i] = sine(hz, rate, i);
    for (size_t i = 0; i < 5; i++)
        ve_plc_heard(&plc, out + i * frame, frame);
    for (size_t i = 5; i < 10; i++)
        ve_plc_conceal(&plc, out + i * frame, frame);
}

static void a_gap_goes_on_as_the_sound_did(void **state)
{
    static const uint32_t rates[] = {8000, 16000, 24000, 48000};
    static const double pitches[] = {90, 140, 233, 390};
    static int16_t sound[9600];
    (void)state;
    for (size_t r = 0; r < 4; r++) {
        for (size_t p = 0; p < 4; p++) {
            uint32_t rate = rates[r];
            size_t frame = rate / 50;
            make_gap(sound, rate, pitches[p]);
            /* No step that the sine itself does not make, at the gap's edge or in it. */
            double natural = 8000 * 2 * M_PI * pitches[p] / rate;
            assert_true(steepest(sound + 4 * frame, 6 * frame) < natural * 2 + 40);
            /* The first 10 ms are the sine's own continuation, near enough. */
            double off = 0;
            for (size_t i = 5 * frame; i < 5 * frame + frame / 2; i++)
                off += pow(sound[i] - sine(pitches[p], rate, i), 2);
            assert_true(sqrt(off / (double)(frame / 2)) < 8000 * 0.35);
        }
    }
}

static void a_gap_fades_to_silence(void **state)
{
    static int16_t sound[1600];
    struct ve_plc plc;
    (void)state;
    make_gap(sound, 8000, 200);
    assert_true(ve_level_rms(sound + 800, 80) > ve_level_rms(sound + 720, 80) - 1);
    assert_true(ve_level_rms(sound + 1120, 80) < ve_level_rms(sound + 880, 80) - 6);
    for (size_t i = 800 + 480; i < 1600; i++)
        assert_int_equal(sound[i], 0);
    ve_plc_init(&plc, 8000);
    ve_plc_heard(&plc, sound, 800);
    assert_false(ve_plc_faded(&plc));
    ve_plc_conceal(&plc, sound, 479);
    assert_false(ve_plc_faded(&plc));
    ve_plc_conceal(&plc, sound, 1);
    assert_true(ve_plc_faded(&plc));
    ve_plc_heard(&plc, sound, 10);
    assert_false(ve_plc_faded(&plc));
}

static void without_a_past_a_gap_is_silence(void **state)
{
    int16_t out[400];
    int16_t loud[10] = {6000, 6000, 6000, 6000, 6000, 6000, 6000, 6000, 6000, 6000};
    struct ve_plc plc;
    (void)state;
    ve_plc_init(&plc, 8000);
    ve_plc_conceal(&plc, out, 400);
    for (int i = 0; i < 400; i++)
        assert_int_equal(out[i], 0);
    /* A past too short to repeat: it runs out in 5 ms without a step. */
    ve_plc_init(&plc, 8000);
    ve_plc_heard(&plc, loud, 10);
    ve_plc_conceal(&plc, out, 400);
    assert_in_range(out[0], 5700, 6000);
    assert_true(steepest(out, 400) <= 6000 / 40 + 1);
    for (int i = 40; i < 400; i++)
        assert_int_equal(out[i], 0);
    ve_plc_heard(&plc, loud, 0);
}

static void any_sizes_and_loud_sounds_stay_within_bounds(void **state)
{
    static int16_t piece[3000];
    struct ve_plc plc;
    (void)state;
    srand(7);
    ve_plc_init(&plc, 96000); /* held at the largest rate */
    assert_int_equal(plc.rate, VE_PLC_RATE_MAX);
    for (int i = 0; i < 400; i++) {
        size_t n = (size_t)rand() % 3000;
        for (size_t k = 0; k < n; k++)
            piece[k] = rand() % 2 ? INT16_MAX : INT16_MIN;
        if (rand() % 3)
            ve_plc_heard(&plc, piece, n);
        else
            ve_plc_conceal(&plc, piece, n);
        assert_true(plc.held <= VE_PLC_HISTORY);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_gap_goes_on_as_the_sound_did),
        cmocka_unit_test(a_gap_fades_to_silence),
        cmocka_unit_test(without_a_past_a_gap_is_silence),
        cmocka_unit_test(any_sizes_and_loud_sounds_stay_within_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
