#include "media/capture.h"

#include "alloc_fail.h"
#include "audio/level.h"
#include "audio/tone.h"
#include "base/err.h"
#include "base/rng.h"
#include "loop/loop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define BLOCKS 4096

struct rig {
    struct ve_pool pool;
    struct ve_capture capture;
    uint64_t now;      /* ns: when the last sample arrived */
    uint64_t media_ms; /* as the turns count: 32 ms a block */
    unsigned blocks;
    uint64_t at[BLOCKS];
    float level[BLOCKS];
    char digits[64];
    size_t digit_count;
};

static void on_block(void *arg, float p, float level_db, uint64_t at_ns)
{
    struct rig *rig = arg;
    assert_true(p >= 0.0f && p <= 1.0f);
    assert_true(rig->blocks < BLOCKS);
    rig->at[rig->blocks] = at_ns;
    rig->level[rig->blocks++] = level_db;
    rig->media_ms += 32;
}

static void on_digit(void *arg, char digit)
{
    struct rig *rig = arg;
    assert_true(rig->digit_count + 1 < sizeof(rig->digits));
    rig->digits[rig->digit_count++] = digit;
}

static const struct ve_capture_events events = {on_block, on_digit};

static void rig_open(struct rig *rig)
{
    memset(rig, 0, sizeof(*rig));
    ve_pool_init(&rig->pool, sizeof(struct ve_fifo_block), 0);
    assert_int_equal(ve_capture_init(&rig->capture, &rig->pool, -60.0f), 0);
}

static void rig_close(struct rig *rig)
{
    ve_capture_free(&rig->capture);
    assert_int_equal(rig->pool.live, 0);
    ve_pool_free(&rig->pool);
}

/* Samples that arrive in real time: the last of them now. */
static int push(struct rig *rig, const int16_t *samples, size_t count, uint32_t rate)
{
    rig->now += count * VE_SECOND / rate;
    return ve_capture_push(&rig->capture, samples, count, rate, rig->now, rig->media_ms, &events,
                           rig);
}

/* A square wave of -21 dBFS, or silence. */
static int push_sound(struct rig *rig, size_t count, uint32_t rate, bool loud)
{
    static int16_t samples[65536];
    assert_true(count <= 65536);
    for (size_t i = 0; i < count; i++)
        samples[i] = (int16_t)(!loud ? 0 : i / 8 % 2 ? 3000 : -3000);
    return push(rig, samples, count, rate);
}

static void every_32_ms_become_a_block(void **state)
{
    (void)state;
    static const size_t sizes[] = {160, 1, 7, 255, 256, 257, 8000};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct rig rig;
        rig_open(&rig);
        for (size_t at = 0; at + sizes[i] <= 32000; at += sizes[i])
            assert_int_equal(push_sound(&rig, sizes[i], 8000, true), 0);
        size_t pushed = 32000 / sizes[i] * sizes[i];
        assert_int_equal(rig.blocks, pushed / 256);
        assert_true(rig.capture.fifo.end == pushed);
        for (unsigned b = 0; b < rig.blocks; b++) {
            /* Whatever the messages: the block's last sample came then, to the microsecond. */
            assert_true(rig.at[b] / 1000 == (b + 1) * 32 * VE_MS / 1000);
            assert_true(rig.level[b] > -21.0f && rig.level[b] < -20.0f);
        }
        rig_close(&rig);
    }
}

static void any_rate_is_brought_to_8_khz(void **state)
{
    (void)state;
    static const uint32_t rates[] = {8001, 11025, 16000, 22050, 24000, 44100, 47999, 48000};
    for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
        struct rig rig;
        rig_open(&rig);
        for (int piece = 0; piece < 100; piece++)
            assert_int_equal(push_sound(&rig, rates[i] / 50 + piece % 3, rates[i], true), 0);
        assert_in_range(rig.blocks, 61, 63); /* two seconds */
        for (unsigned b = 0; b < rig.blocks; b++) {
            uint64_t ideal = (b + 1) * 32 * VE_MS;
            assert_in_range(rig.at[b], ideal - VE_MS, ideal + 8 * VE_MS); /* the filter's delay */
        }
        rig_close(&rig);
    }
}

static void rates_that_make_no_sense_are_refused(void **state)
{
    (void)state;
    static const uint32_t rates[] = {0, 1, 7999, 48001, UINT32_MAX};
    int16_t sample = 0;
    struct rig rig;
    rig_open(&rig);
    for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++)
        assert_int_equal(ve_capture_push(&rig.capture, &sample, 1, rates[i], 0, 0, &events, &rig),
                         VE_EINVAL);
    assert_int_equal(push_sound(&rig, 160, 8000, true), 0);
    assert_int_equal(ve_capture_push(&rig.capture, &sample, 1, 4000, 0, 0, &events, &rig),
                     VE_EINVAL);
    assert_int_equal(rig.capture.rate, 8000); /* what was there goes on */
    assert_int_equal(ve_fifo_held(&rig.capture.fifo), 160);
    rig_close(&rig);
}

static void the_end_of_sound_is_known_to_10_ms(void **state)
{
    (void)state;
    static const uint32_t rates[] = {8000, 16000, 24000, 48000};
    for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
        uint32_t rate = rates[i];
        for (unsigned tail = 0; tail <= 1000; tail += 37) {
            struct rig rig;
            rig_open(&rig);
            size_t loud = rate / 2 + rate / 1000 * tail / 10; /* ends anywhere */
            assert_int_equal(push_sound(&rig, loud, rate, true), 0);
            uint64_t end = rig.now;
            for (int n = 0; n < 20; n++)
                assert_int_equal(push_sound(&rig, rate / 50, rate, false), 0);
            assert_in_range(rig.capture.audible_ns, end - VE_MS, end + 10 * VE_MS);
            if (loud % (rate / 100) == 0)
                assert_in_range(rig.capture.audible_ns, end - 1000, end + 1000);
            rig_close(&rig);
        }
    }
}

static void nothing_audible_is_no_end(void **state)
{
    (void)state;
    struct rig rig;
    int16_t soft[800];
    rig_open(&rig);
    for (int i = 0; i < 800; i++)
        soft[i] = (int16_t)(i % 2 ? 100 : -100); /* -50.3 dBFS */
    assert_int_equal(push(&rig, soft, 800, 8000), 0);
    assert_true(rig.capture.audible_ns == 0);
    for (int i = 0; i < 800; i++)
        soft[i] = (int16_t)(i % 2 ? 104 : -104); /* -49.97 dBFS */
    assert_int_equal(push(&rig, soft, 800, 8000), 0);
    assert_true(rig.capture.audible_ns == rig.now);
    rig_close(&rig);
}

static void positions_follow_the_media_clock(void **state)
{
    (void)state;
    struct rig rig;
    rig_open(&rig);
    assert_true(ve_capture_position(&rig.capture, 1000) == 0);
    rig.media_ms = 640; /* silence from before the first samples */
    assert_int_equal(push_sound(&rig, 32000, 16000, true), 0);
    assert_true(ve_capture_position(&rig.capture, 640) == 0);
    assert_true(ve_capture_position(&rig.capture, 0) == 0);
    assert_true(ve_capture_position(&rig.capture, 641) == 16);
    assert_true(ve_capture_position(&rig.capture, 2639) == 31984);
    assert_true(ve_capture_position(&rig.capture, 99999) == 32000);
    /* Silence put in by the session: the clock goes on, the samples do not. */
    rig.capture.origin_ms += 320;
    assert_true(ve_capture_position(&rig.capture, 961) == 16);
    ve_fifo_drop(&rig.capture.fifo, 16000);
    assert_true(ve_capture_position(&rig.capture, 961) == 16000);
    rig_close(&rig);
}

static void a_new_rate_lets_go_of_the_old_samples(void **state)
{
    (void)state;
    struct rig rig;
    rig_open(&rig);
    assert_int_equal(push_sound(&rig, 16000, 16000, true), 0);
    uint64_t ms = rig.media_ms;
    assert_int_equal(push_sound(&rig, 8000, 8000, true), 0);
    assert_int_equal(rig.capture.rate, 8000);
    assert_true(rig.capture.fifo.begin == 16000 && rig.capture.fifo.end == 24000);
    assert_true(ve_capture_position(&rig.capture, ms) == 16000);
    assert_true(ve_capture_position(&rig.capture, ms + 500) == 20000);
    assert_int_equal(push_sound(&rig, 24000, 24000, true), 0);
    assert_true(rig.capture.fifo.begin == 24000 && rig.capture.fifo.end == 48000);
    assert_in_range(rig.blocks, 92, 94);
    rig_close(&rig);
}

static void push_key(struct rig *rig, char digit, uint32_t rate)
{
    struct ve_tone_spec spec;
    struct ve_tone tone;
    int16_t samples[7680];
    size_t total = rate / 25 * 4; /* 80 ms of sound, 80 ms of silence */
    assert_int_equal(ve_tone_dtmf(&spec, digit, 80), 0);
    assert_int_equal(ve_tone_init(&tone, rate, &spec), 0);
    size_t n = ve_tone_read(&tone, samples, total);
    memset(samples + n, 0, (total - n) * sizeof(*samples));
    for (size_t at = 0; at < total; at += rate / 50)
        assert_int_equal(push(rig, samples + at, rate / 50, rate), 0);
}

static void keys_are_heard_when_asked_for(void **state)
{
    (void)state;
    static const uint32_t rates[] = {8000, 16000, 24000};
    for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
        static const char keys[] = "0123456789*#ABCD";
        struct rig rig;
        rig_open(&rig);
        push_key(&rig, '5', rates[i]);
        assert_int_equal(rig.digit_count, 0);
        assert_int_equal(ve_capture_detect_digits(&rig.capture, true), 0);
        assert_int_equal(ve_capture_detect_digits(&rig.capture, true), 0);
        for (size_t k = 0; keys[k]; k++)
            push_key(&rig, keys[k], rates[i]);
        push_key(&rig, '7', rates[i]);
        push_key(&rig, '7', rates[i]); /* twice is twice */
        assert_string_equal(rig.digits, "0123456789*#ABCD77");
        assert_int_equal(ve_capture_detect_digits(&rig.capture, false), 0);
        push_key(&rig, '5', rates[i]);
        assert_int_equal(rig.digit_count, 18);
        rig_close(&rig);
    }
}

static int capture_some(void *arg)
{
    struct rig rig;
    int err = 0;
    (void)arg;
    memset(&rig, 0, sizeof(rig));
    ve_pool_init(&rig.pool, sizeof(struct ve_fifo_block), 0);
    err = ve_capture_init(&rig.capture, &rig.pool, -60.0f);
    for (int i = 0; i < 5 && !err; i++) {
        err = push_sound(&rig, 800, i < 3 ? 16000 : 8000, true);
        if (!err)
            err = ve_capture_detect_digits(&rig.capture, i % 2 == 0);
    }
    if (err) {
        /* These samples are lost, and nothing else. */
        assert_int_equal(push_sound(&rig, 800, 16000, true), 0);
        assert_int_equal(rig.capture.rate, 16000);
    }
    rig_close(&rig);
    return err;
}

static void without_memory(void **state)
{
    (void)state;
    assert_true(test_alloc_sweep(capture_some, NULL) > 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_32_ms_become_a_block),
        cmocka_unit_test(any_rate_is_brought_to_8_khz),
        cmocka_unit_test(rates_that_make_no_sense_are_refused),
        cmocka_unit_test(the_end_of_sound_is_known_to_10_ms),
        cmocka_unit_test(nothing_audible_is_no_end),
        cmocka_unit_test(positions_follow_the_media_clock),
        cmocka_unit_test(a_new_rate_lets_go_of_the_old_samples),
        cmocka_unit_test(keys_are_heard_when_asked_for),
        cmocka_unit_test(without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
