#include "audio/vad.h"

#include "audio/level.h"
#include "audio/tone.h"
#include "audio/wav.h"
#include "base/err.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { REFERENCE = 80000, BLOCKS = REFERENCE / VE_VAD_BLOCK };

static int16_t reference[REFERENCE];

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
    assert_int_equal(ve_wav_read(&wav, 0, reference, REFERENCE), REFERENCE);
    return 0;
}

static struct ve_vad_options with(enum ve_vad_kind kind)
{
    struct ve_vad_options options = ve_vad_defaults();
    options.kind = kind;
    if (kind == VE_VAD_SILERO && !ve_silero_available()) {
        print_message("built without Silero's weights\n");
        skip();
    }
    return options;
}

/* Pushes `count` samples in parts of `part`; returns the blocks made. */
static size_t run(struct ve_vad *vad, struct ve_vad_block *out, const int16_t *samples,
                  size_t count, size_t part)
{
    size_t made = 0;
    for (size_t at = 0; at < count; at += part) {
        const int16_t *from = samples + at;
        size_t left = count - at < part ? count - at : part;
        while (ve_vad_push(vad, &out[made], &from, &left))
            made++;
        assert_int_equal(left, 0);
    }
    return made;
}

static size_t count_of(const struct ve_vad_block *blocks, size_t count, enum ve_vad_how how)
{
    size_t n = 0;
    for (size_t i = 0; i < count; i++)
        n += blocks[i].how == how;
    return n;
}

static void parts_of_any_size_give_the_same_blocks(void **state)
{
    (void)state;
    const enum ve_vad_kind kinds[] = {VE_VAD_WEBRTC, VE_VAD_OFF, VE_VAD_SILERO};
    const size_t parts[] = {1, 160, 255, 257, 1000, REFERENCE};
    for (int k = 0; k < 3; k++) {
        static struct ve_vad_block want[BLOCKS + 1];
        static struct ve_vad_block got[BLOCKS + 1];
        struct ve_vad_options options = with(kinds[k]);
        struct ve_vad vad;
        assert_int_equal(ve_vad_init(&vad, &options), 0);
        assert_int_equal(run(&vad, want, reference, REFERENCE, 256), BLOCKS);
        for (int i = 0; i < 6; i++) {
            assert_int_equal(ve_vad_reset(&vad), 0);
            assert_int_equal(run(&vad, got, reference, REFERENCE, parts[i]), BLOCKS);
            for (size_t b = 0; b < BLOCKS; b++) {
                assert_true(got[b].probability == want[b].probability);
                assert_true(got[b].level_dbfs == want[b].level_dbfs);
                assert_int_equal(got[b].end, (b + 1) * VE_VAD_BLOCK);
                assert_int_equal(got[b].how, want[b].how);
            }
        }
        ve_vad_close(&vad);
        ve_vad_close(&vad);
    }
}

static void levels_are_those_of_the_blocks(void **state)
{
    (void)state;
    static struct ve_vad_block blocks[BLOCKS + 1];
    struct ve_vad_options options = with(VE_VAD_OFF);
    struct ve_vad vad;
    assert_int_equal(ve_vad_init(&vad, &options), 0);
    assert_int_equal(run(&vad, blocks, reference, REFERENCE, 160), BLOCKS);
    for (size_t b = 0; b < BLOCKS; b++) {
        assert_true(blocks[b].level_dbfs == ve_level_rms(reference + b * VE_VAD_BLOCK, 256));
        assert_true(blocks[b].probability == 0);
    }
    ve_vad_close(&vad);
}

/* Blocks in which two detectors differ about speech. */
static size_t disagreements(const struct ve_vad_block *a, const struct ve_vad_block *b)
{
    size_t n = 0;
    for (size_t i = 0; i < BLOCKS; i++)
        n += (a[i].probability >= 0.5f) != (b[i].probability >= 0.5f);
    return n;
}

/* What a Silero detector says about the samples. */
static void hear(struct ve_vad_block out[BLOCKS + 1], const int16_t *sound, bool gate)
{
    struct ve_vad_options options = with(VE_VAD_SILERO);
    struct ve_vad vad;
    if (!gate) {
        options.gate_dbfs = -INFINITY;
        options.idle_skip = 0;
    }
    assert_int_equal(ve_vad_init(&vad, &options), 0);
    assert_int_equal(run(&vad, out, sound, REFERENCE, 160), BLOCKS);
    ve_vad_close(&vad);
}

static void the_gate_hardly_changes_decisions(void **state)
{
    (void)state;
    static struct ve_vad_block open[BLOCKS + 1];
    static struct ve_vad_block gated[BLOCKS + 1];
    hear(open, reference, false);
    hear(gated, reference, true);
    assert_int_equal(count_of(open, BLOCKS, VE_VAD_RAN), BLOCKS);
    assert_true(count_of(gated, BLOCKS, VE_VAD_IDLE) > 10);
    assert_in_range(disagreements(open, gated), 0, BLOCKS / 50);
}

static void speech_between_digital_silence_is_heard(void **state)
{
    (void)state;
    static struct ve_vad_block want[BLOCKS + 1];
    static struct ve_vad_block gated[BLOCKS + 1];
    static int16_t sound[REFERENCE];
    size_t speech = 0;
    size_t heard = 0;
    memcpy(sound, reference, sizeof(sound));
    for (size_t b = 0; b < BLOCKS; b++) {
        if (ve_level_rms(reference + b * VE_VAD_BLOCK, VE_VAD_BLOCK) < -40)
            memset(sound + b * VE_VAD_BLOCK, 0, VE_VAD_BLOCK * sizeof(*sound));
    }
    hear(want, reference, false);
    hear(gated, sound, true);
    assert_true(count_of(gated, BLOCKS, VE_VAD_GATED) > 10);
    for (size_t b = 0; b < BLOCKS; b++) {
        bool is = want[b].probability >= 0.5f && gated[b].level_dbfs > -40;
        speech += is;
        heard += is && gated[b].probability >= 0.5f;
        if (gated[b].how == VE_VAD_GATED)
            assert_true(gated[b].probability == 0);
    }
    assert_true(speech > 100);
    assert_true(heard * 20 >= speech * 19);
}

static void digital_silence_is_heard_for_four_blocks_only(void **state)
{
    (void)state;
    static int16_t sound[VE_VAD_BLOCK * 100];
    struct ve_vad_block blocks[101];
    struct ve_vad_options options = with(VE_VAD_SILERO);
    struct ve_vad vad;
    assert_int_equal(ve_vad_init(&vad, &options), 0);
    assert_int_equal(run(&vad, blocks, sound, VE_VAD_BLOCK * 100, 160), 100);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(blocks[i].how == VE_VAD_GATED, i >= 4);
        assert_true(blocks[i].probability < 0.35f);
        assert_true(blocks[i].level_dbfs == VE_LEVEL_FLOOR);
    }
    assert_true(blocks[99].probability == 0);
}

static void the_gate_stays_open_while_speech_dies_away(void **state)
{
    (void)state;
    static int16_t sound[VE_VAD_BLOCK * 60];
    struct ve_vad_block blocks[61];
    struct ve_vad_options options = with(VE_VAD_SILERO);
    struct ve_vad vad;
    /* speech, then from one sample to the next nothing at all */
    memcpy(sound, reference + (size_t)20 * VE_VAD_BLOCK, (size_t)30 * VE_VAD_BLOCK * 2);
    assert_int_equal(ve_vad_init(&vad, &options), 0);
    assert_int_equal(run(&vad, blocks, sound, VE_VAD_BLOCK * 60, 160), 60);
    for (int i = 30; i < 60; i++) {
        bool closed = blocks[i].how == VE_VAD_GATED;
        if (i < 34)
            assert_false(closed);
        if (closed && blocks[i - 1].how == VE_VAD_RAN)
            assert_true(i - 30 == 16 || blocks[i - 1].probability < 0.1f);
        if (i >= 46)
            assert_true(closed);
    }
}

static void steady_noise_is_looked_at_now_and_then(void **state)
{
    (void)state;
    static int16_t sound[VE_VAD_BLOCK * 200];
    struct ve_vad_block blocks[201];
    struct ve_vad_options options = with(VE_VAD_SILERO);
    struct ve_vad vad;
    struct ve_noise noise;
    ve_noise_init(&noise, VE_NOISE_PINK, -50, 5);
    ve_noise_read(&noise, sound, VE_VAD_BLOCK * 200);
    /* speech in block 150 is heard at once */
    memcpy(sound + (size_t)150 * VE_VAD_BLOCK, reference + (size_t)20 * VE_VAD_BLOCK,
           (size_t)50 * VE_VAD_BLOCK * 2);
    assert_int_equal(ve_vad_init(&vad, &options), 0);
    assert_int_equal(run(&vad, blocks, sound, VE_VAD_BLOCK * 200, 160), 200);
    assert_in_range(count_of(blocks, 150, VE_VAD_IDLE), 75, 113);
    assert_int_equal(count_of(blocks, 150, VE_VAD_GATED), 0);
    for (int i = 3; i < 200; i++) {
        bool four = true;
        for (int k = 0; k < 4; k++)
            four = four && blocks[i - k].how == VE_VAD_IDLE;
        assert_false(four);
        if (blocks[i].how == VE_VAD_IDLE)
            assert_true(blocks[i].probability < 0.02f);
        if (blocks[i].level_dbfs > -40)
            assert_int_equal(blocks[i].how, VE_VAD_RAN);
    }
}

static void webrtc_hears_the_speech_too(void **state)
{
    (void)state;
    static struct ve_vad_block silero[BLOCKS + 1];
    static struct ve_vad_block webrtc[BLOCKS + 1];
    struct ve_vad_options options = with(VE_VAD_WEBRTC);
    struct ve_vad vad;
    assert_int_equal(ve_vad_init(&vad, &options), 0);
    assert_int_equal(run(&vad, webrtc, reference, REFERENCE, 160), BLOCKS);
    ve_vad_close(&vad);
    options = with(VE_VAD_SILERO);
    assert_int_equal(ve_vad_init(&vad, &options), 0);
    assert_int_equal(run(&vad, silero, reference, REFERENCE, 160), BLOCKS);
    size_t both = 0;
    size_t speech = 0;
    for (size_t i = 0; i < BLOCKS; i++) {
        assert_true(webrtc[i].probability >= 0 && webrtc[i].probability <= 1);
        speech += silero[i].probability >= 0.5f;
        both += silero[i].probability >= 0.5f && webrtc[i].probability >= 0.5f;
    }
    assert_true(speech > 100);
    assert_true(both * 10 >= speech * 9);
}

static void options_are_checked(void **state)
{
    (void)state;
    struct ve_vad_options options = ve_vad_defaults();
    struct ve_vad vad;
    assert_int_equal(options.kind, ve_silero_available() ? VE_VAD_SILERO : VE_VAD_WEBRTC);
    options.kind = VE_VAD_OFF;
    options.idle_skip = 8;
    assert_int_equal(ve_vad_init(&vad, &options), VE_EINVAL);
    ve_vad_close(&vad);
    options.idle_skip = 0;
    options.gate_dbfs = NAN;
    assert_int_equal(ve_vad_init(&vad, &options), VE_EINVAL);
    options.gate_dbfs = -60;
    options.kind = (enum ve_vad_kind)7;
    assert_int_equal(ve_vad_init(&vad, &options), VE_EINVAL);
    options.kind = VE_VAD_SILERO;
    assert_int_equal(ve_vad_init(&vad, &options), ve_silero_available() ? 0 : VE_ENOTSUP);
    ve_vad_close(&vad);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_of_any_size_give_the_same_blocks),
        cmocka_unit_test(levels_are_those_of_the_blocks),
        cmocka_unit_test(the_gate_hardly_changes_decisions),
        cmocka_unit_test(speech_between_digital_silence_is_heard),
        cmocka_unit_test(digital_silence_is_heard_for_four_blocks_only),
        cmocka_unit_test(the_gate_stays_open_while_speech_dies_away),
        cmocka_unit_test(steady_noise_is_looked_at_now_and_then),
        cmocka_unit_test(webrtc_hears_the_speech_too),
        cmocka_unit_test(options_are_checked),
    };
    return cmocka_run_group_tests(tests, load_reference, NULL);
}
