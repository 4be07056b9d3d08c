#include "audio/silero.h"

#include "audio/silero_kernel.h"
#include "audio/tone.h"
#include "audio/wav.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { REFERENCE = 80000 };

static int16_t reference[REFERENCE]; /* 10 s of speech, a key and noise at 8 kHz */

static int load_reference(void **state)
{
    static uint8_t bytes[REFERENCE * 2 + 1000];
    struct ve_wav wav;
    (void)state;
    FILE *file = fopen(TEST_DATA "/vad/reference8k.wav", "rb");
    assert_non_null(file);
    size_t len = fread(bytes, 1, sizeof(bytes), file);
    (void)fclose(file);
    assert_int_equal(ve_wav_parse(&wav, bytes, len), 0);
    assert_int_equal(wav.rate, 8000);
    assert_int_equal(ve_wav_read(&wav, 0, reference, REFERENCE), REFERENCE);
    return 0;
}

static void need_weights(void)
{
    if (!ve_silero_available()) {
        print_message("built without Silero's weights\n");
        skip();
    }
}

static void weights_are_whole(void **state)
{
    (void)state;
    need_weights();
    assert_true(ve_silero_intact());
}

static void probabilities_are_those_of_the_reference(void **state)
{
    (void)state;
    need_weights();
    struct ve_silero_state silero;
    FILE *file = fopen(TEST_DATA "/vad/reference8k.txt", "r");
    char line[64];
    int blocks = 0;
    assert_non_null(file);
    ve_silero_reset(&silero);
    while (fgets(line, sizeof(line), file)) {
        char *rest = NULL;
        double ms = strtod(line, &rest);
        double want = strtod(rest, NULL);
        double got = ve_silero_block(&silero, reference + (size_t)blocks * VE_SILERO_BLOCK);
        blocks++;
        assert_float_equal(ms, blocks * 32.0, 1e-9);
        assert_float_equal(got, want, 1e-3);
        assert_int_equal(got >= 0.35, want >= 0.35);
        assert_int_equal(got >= 0.5, want >= 0.5);
    }
    (void)fclose(file);
    assert_int_equal(blocks, REFERENCE / VE_SILERO_BLOCK);
}

/* Runs both kernels over the samples, and compares results and states bit for bit. */
static void compare(const int16_t *samples, size_t blocks)
{
    struct ve_silero_state plain = {.hidden = {0}};
    struct ve_silero_state vector = {.hidden = {0}};
    for (size_t i = 0; i < blocks; i++, samples += VE_SILERO_BLOCK) {
        float a = ve_silero_run(&ve_silero_plain, &plain, samples);
        float b = ve_silero_run(ve_silero_avx2(), &vector, samples);
        assert_memory_equal(&a, &b, sizeof(a));
        assert_memory_equal(&plain, &vector, sizeof(plain));
        assert_true(a >= 0 && a <= 1);
    }
}

static void vectors_give_the_same_bits(void **state)
{
    (void)state;
    static int16_t sound[VE_SILERO_BLOCK * 40];
    need_weights();
    if (!ve_silero_avx2())
        skip();
    compare(reference, REFERENCE / VE_SILERO_BLOCK);
    memset(sound, 0, sizeof(sound));
    compare(sound, 40);
    for (size_t i = 0; i < VE_SILERO_BLOCK * 40; i++)
        sound[i] = i / 13 % 2 ? INT16_MAX : INT16_MIN;
    compare(sound, 40);
    for (int level = -90; level <= 0; level += 10) {
        struct ve_noise noise;
        ve_noise_init(&noise, VE_NOISE_WHITE, (float)level, 99);
        ve_noise_read(&noise, sound, VE_SILERO_BLOCK * 40);
        compare(sound, 40);
    }
}

static void streams_do_not_know_each_other(void **state)
{
    (void)state;
    need_weights();
    struct ve_silero_state a = {.hidden = {0}};
    struct ve_silero_state b = {.hidden = {0}};
    struct ve_silero_state alone = {.hidden = {0}};
    const int16_t *other = reference + (size_t)100 * VE_SILERO_BLOCK;
    for (size_t i = 0; i < 100; i++) {
        size_t at = i * VE_SILERO_BLOCK;
        float first = ve_silero_block(&a, reference + at);
        (void)ve_silero_block(&b, other + at);
        assert_true(first == ve_silero_block(&alone, reference + at));
    }
    assert_memory_equal(&a, &alone, sizeof(a));
    ve_silero_reset(&a);
    memset(&b, 0, sizeof(b));
    assert_memory_equal(&a, &b, sizeof(a));
}

static void skipping_moves_only_the_context(void **state)
{
    (void)state;
    struct ve_silero_state silero;
    struct ve_silero_state before;
    memset(&silero, 7, sizeof(silero));
    before = silero;
    ve_silero_skip(&silero, reference + 30000);
    assert_memory_equal(silero.hidden, before.hidden, sizeof(silero.hidden));
    assert_memory_equal(silero.cell, before.cell, sizeof(silero.cell));
    assert_memory_equal(silero.context, reference + 30000 + VE_SILERO_BLOCK - VE_SILERO_CONTEXT,
                        sizeof(silero.context));
}

static void our_exponential_is_right(void **state)
{
    (void)state;
    for (int i = 0; i < 17438; i++) {
        double x = -79.9 + 0.00917 * i;
        double want = exp((float)x);
        assert_true(fabs(ve_silero_exp((float)x) - want) <= 4e-7 * want);
        assert_float_equal(ve_silero_sigmoid((float)x), 1 / (1 + exp(-(float)x)), 2e-7);
        assert_float_equal(ve_silero_tanh((float)x), tanh((float)x), 3e-7);
    }
    assert_true(ve_silero_exp(1000) == ve_silero_exp(80));
    assert_true(ve_silero_sigmoid(1000) == 1);
    assert_true(ve_silero_sigmoid(-1000) >= 0 && ve_silero_sigmoid(-1000) < 1e-30f);
    assert_true(ve_silero_tanh(-1000) == -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(weights_are_whole),
        cmocka_unit_test(probabilities_are_those_of_the_reference),
        cmocka_unit_test(vectors_give_the_same_bits),
        cmocka_unit_test(streams_do_not_know_each_other),
        cmocka_unit_test(skipping_moves_only_the_context),
        cmocka_unit_test(our_exponential_is_right),
    };
    return cmocka_run_group_tests(tests, load_reference, NULL);
}
