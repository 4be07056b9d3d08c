#include "audio/opus.h"

#include "alloc_fail.h"
#include "audio/level.h"
#include "audio/tone.h"
#include "base/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define FRAMES 50

static const uint32_t rates[] = {8000, 12000, 16000, 24000, 48000};

struct packets {
    uint8_t bytes[FRAMES][VE_OPUS_PACKET_MAX];
    size_t len[FRAMES];
};

/* One second of a tone of 440 Hz, 20 ms each. */
static void encode_tone(struct packets *out, uint32_t rate)
{
    struct ve_tone tone;
    struct ve_tone_spec spec = ve_tone_beep(440, 2000);
    struct ve_opus_encoder *encoder;
    int16_t frame[960];
    assert_int_equal(ve_tone_init(&tone, rate, &spec), 0);
    assert_int_equal(ve_opus_encoder_new(&encoder, rate), 0);
    for (int i = 0; i < FRAMES; i++) {
        assert_int_equal(ve_tone_read(&tone, frame, rate / 50), rate / 50);
        out->len[i] = sizeof(out->bytes[i]);
        assert_int_equal(ve_opus_encode(encoder, frame, rate / 50, out->bytes[i], &out->len[i]), 0);
        assert_in_range(out->len[i], 1, 400);
    }
    ve_opus_encoder_free(encoder);
}

/* The share of the sound that a sine of 440 Hz explains. */
static double likeness_of_440(const int16_t *samples, size_t count, uint32_t rate)
{
    struct ve_tone tone[2];
    struct ve_tone_spec spec = {.hz = {440}, .dbfs = -10};
    double sine[2] = {0, 0};
    double energy = 1;
    int16_t a[48000];
    int16_t b[48000];
    assert_int_equal(ve_tone_init(&tone[0], rate, &spec), 0);
    size_t n = ve_tone_read(&tone[0], a, rate);
    assert_true(n > count);
    /* a quarter of a turn later: the cosine */
    size_t quarter = rate / 440 / 4;
    memcpy(b, a + quarter, (n - quarter) * sizeof(b[0]));
    double own[2] = {1, 1};
    for (size_t i = 0; i < count && i + quarter < n; i++) {
        sine[0] += (double)samples[i] * a[i];
        sine[1] += (double)samples[i] * b[i];
        own[0] += (double)a[i] * a[i];
        own[1] += (double)b[i] * b[i];
        energy += (double)samples[i] * samples[i];
    }
    return (sine[0] * sine[0] / own[0] + sine[1] * sine[1] / own[1]) / energy;
}

static void any_rate_decodes_to_any_other(void **state)
{
    static struct packets packets;
    static int16_t sound[48000];
    (void)state;
    for (size_t from = 0; from < 5; from++) {
        encode_tone(&packets, rates[from]);
        for (size_t to = 0; to < 5; to++) {
            struct ve_opus_decoder *decoder;
            size_t at = 0;
            assert_int_equal(ve_opus_decoder_new(&decoder, rates[to]), 0);
            for (int i = 0; i < FRAMES; i++) {
                size_t n = 48000 - at;
                assert_int_equal(ve_opus_samples(packets.bytes[i], packets.len[i], rates[to]),
                                 rates[to] / 50);
                assert_int_equal(
                    ve_opus_decode(decoder, packets.bytes[i], packets.len[i], sound + at, &n), 0);
                assert_int_equal(n, rates[to] / 50);
                at += n;
            }
            const int16_t *middle = sound + rates[to] / 4;
            assert_true(likeness_of_440(middle, rates[to] / 2, rates[to]) > 0.9);
            ve_opus_decoder_free(decoder);
        }
    }
}

static void lost_packets_are_concealed(void **state)
{
    static struct packets packets;
    int16_t frame[320];
    struct ve_opus_decoder *decoder;
    size_t n;
    (void)state;
    encode_tone(&packets, 16000);
    assert_int_equal(ve_opus_decoder_new(&decoder, 16000), 0);
    for (int i = 0; i < 20; i++) {
        n = 320;
        assert_int_equal(ve_opus_decode(decoder, packets.bytes[i], packets.len[i], frame, &n), 0);
    }
    float before = ve_level_rms(frame, 320);
    assert_int_equal(ve_opus_conceal(decoder, frame, 320), 0);
    assert_true(ve_level_rms(frame, 320) > before - 6);
    /* and a long gap fades out */
    for (int i = 0; i < 60; i++)
        assert_int_equal(ve_opus_conceal(decoder, frame, 320), 0);
    assert_true(ve_level_rms(frame, 320) < before - 30);
    n = 320;
    assert_int_equal(ve_opus_recover(decoder, packets.bytes[21], packets.len[21], frame, n), 0);
    ve_opus_decoder_reset(decoder);
    assert_int_equal(ve_opus_decode(decoder, packets.bytes[22], packets.len[22], frame, &n), 0);
    assert_int_equal(n, 320);
    ve_opus_decoder_free(decoder);
}

static void what_is_no_opus_is_refused(void **state)
{
    static const uint8_t cut[] = {0x03};               /* says "frames follow", and none do */
    static const uint8_t long_one[] = {0x1b, 0x3f, 0}; /* 63 frames of 60 ms */
    static int16_t out[VE_OPUS_FRAME_MAX];
    struct ve_opus_decoder *decoder;
    size_t n = VE_OPUS_FRAME_MAX;
    (void)state;
    assert_int_equal(ve_opus_decoder_new(&decoder, 48000), 0);
    assert_int_equal(ve_opus_samples(cut, 0, 48000), 0);
    assert_int_equal(ve_opus_decode(decoder, cut, 0, out, &n), VE_EPROTO);
    n = VE_OPUS_FRAME_MAX;
    assert_int_equal(ve_opus_decode(decoder, cut, sizeof(cut), out, &n), VE_EPROTO);
    n = VE_OPUS_FRAME_MAX;
    assert_int_equal(ve_opus_decode(decoder, long_one, sizeof(long_one), out, &n), VE_EPROTO);
    assert_int_equal(ve_opus_conceal(decoder, out, 7), VE_EINVAL);
    assert_int_equal(ve_opus_conceal(decoder, out, VE_OPUS_FRAME_MAX + 120), VE_EINVAL);
    assert_int_equal(ve_opus_recover(decoder, cut, 0, out, 960), VE_EPROTO);
    /* a byte alone is what a sender in silence sends: comfort noise */
    const uint8_t dtx = 0x08;
    n = 100;
    assert_int_equal(ve_opus_decode(decoder, &dtx, 1, out, &n), VE_ETOOBIG);
    n = VE_OPUS_FRAME_MAX;
    assert_int_equal(ve_opus_decode(decoder, &dtx, 1, out, &n), 0);
    assert_int_equal(n, 960);
    ve_opus_decoder_free(decoder);
}

static void wrong_arguments_are_refused(void **state)
{
    struct ve_opus_decoder *decoder;
    struct ve_opus_encoder *encoder;
    int16_t frame[160] = {0};
    uint8_t out[VE_OPUS_PACKET_MAX];
    size_t len = sizeof(out);
    (void)state;
    assert_int_equal(ve_opus_decoder_new(&decoder, 11025), VE_EINVAL);
    assert_null(decoder);
    assert_int_equal(ve_opus_encoder_new(&encoder, 44100), VE_EINVAL);
    assert_null(encoder);
    ve_opus_decoder_free(NULL);
    ve_opus_encoder_free(NULL);
    assert_int_equal(ve_opus_encoder_new(&encoder, 8000), 0);
    assert_int_equal(ve_opus_encode(encoder, frame, 159, out, &len), VE_EINVAL);
    assert_int_equal(len, 0);
    ve_opus_encoder_free(encoder);
}

static int make_both(void *arg)
{
    struct ve_opus_decoder *decoder;
    struct ve_opus_encoder *encoder;
    (void)arg;
    int err = ve_opus_decoder_new(&decoder, 16000);
    if (err)
        return err;
    err = ve_opus_encoder_new(&encoder, 16000);
    ve_opus_decoder_free(decoder);
    ve_opus_encoder_free(encoder);
    return err;
}

static void nothing_is_left_without_memory(void **state)
{
    (void)state;
    assert_int_equal(test_alloc_sweep(make_both, NULL), 2);
    assert_int_equal(test_alloc_live(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_rate_decodes_to_any_other),
        cmocka_unit_test(lost_packets_are_concealed),
        cmocka_unit_test(what_is_no_opus_is_refused),
        cmocka_unit_test(wrong_arguments_are_refused),
        cmocka_unit_test(nothing_is_left_without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
