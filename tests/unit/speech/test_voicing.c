#include "speech/voicing.h"

#include "base/rng.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define RATE   16000
#define SECOND 100 /* steps */

/* A second of a buzz of `hz` (0: none) with its overtones, and noise. */
static void make(int16_t out[RATE], double hz, double buzz, double noise)
{
    struct ve_rng rng;
    ve_rng_seed(&rng, 3);
    for (size_t i = 0; i < RATE; i++) {
        double t = (double)i / RATE;
        double v = noise * (2 * ve_rng_unit(&rng) - 1);
        for (int k = 1; hz > 0 && k <= 8; k++)
            v += buzz / k * sin(2 * M_PI * hz * k * t);
        out[i] = (int16_t)v;
    }
}

static size_t count_voiced(const int16_t samples[RATE], size_t piece)
{
    struct ve_voicing voicing;
    size_t steps = 0;
    size_t voiced = 0;
    memset(&voicing, 0, sizeof(voicing));
    for (size_t at = 0; at < RATE; at += piece) {
        const int16_t *next = samples + at;
        size_t left = RATE - at < piece ? RATE - at : piece;
        for (bool is; ve_voicing_push(&voicing, &next, &left, &is); steps++)
            voiced += is;
        assert_int_equal(left, 0);
    }
    assert_int_equal(steps, SECOND);
    return voiced;
}

static void voices_from_low_to_high_are_voiced(void **state)
{
    static const double pitches[] = {70, 110, 180, 250, 390};
    int16_t samples[RATE];
    (void)state;
    for (size_t i = 0; i < sizeof(pitches) / sizeof(pitches[0]); i++) {
        make(samples, pitches[i], 3000, 0);
        assert_true(count_voiced(samples, RATE) > SECOND * 9 / 10);
        make(samples, pitches[i], 3000, 600); /* through some noise too */
        assert_true(count_voiced(samples, RATE) > SECOND * 9 / 10);
        make(samples, pitches[i], 30, 0); /* however softly */
        assert_true(count_voiced(samples, RATE) > SECOND * 9 / 10);
    }
}

static void noise_and_silence_are_not(void **state)
{
    int16_t samples[RATE];
    (void)state;
    make(samples, 0, 0, 8000);
    assert_true(count_voiced(samples, RATE) <= SECOND / 50);
    make(samples, 0, 0, 0);
    assert_int_equal(count_voiced(samples, RATE), 0);
    memset(samples, 0, sizeof(samples));
    samples[5000] = 30000; /* a click */
    assert_int_equal(count_voiced(samples, RATE), 0);
}

static void pieces_make_no_difference(void **state)
{
    int16_t samples[RATE];
    (void)state;
    make(samples, 120, 3000, 3000);
    size_t whole = count_voiced(samples, RATE);
    for (size_t piece = 1; piece < 2000; piece = piece * 3 + 1)
        assert_int_equal(count_voiced(samples, piece), whole);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(voices_from_low_to_high_are_voiced),
        cmocka_unit_test(noise_and_silence_are_not),
        cmocka_unit_test(pieces_make_no_difference),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
