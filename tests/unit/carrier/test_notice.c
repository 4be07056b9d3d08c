#include "alloc_fail.h"
#include "heard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct heard heard;

static struct ve_carrier *open_raw(const struct ve_carrier_ops *ops, uint32_t rate_in,
                                   uint32_t channels)
{
    struct ve_carrier *carrier;
    struct ve_carrier_config config = {
        .rate_in = rate_in, .rate_out = 16000, .channels_in = channels};
    memset(&heard, 0, sizeof(heard));
    assert_int_equal(ops->new (&carrier, &config, &heard_events, &heard), 0);
    return carrier;
}

static void close_raw(struct ve_carrier *carrier)
{
    carrier->ops->free(carrier);
    assert_int_equal(test_alloc_live(), 0);
}

static void the_first_frame_gives_the_rate_away(void **state)
{
    static uint8_t frame[4096];
    static const struct {
        size_t bytes;
        uint32_t channels;
        uint32_t rate;
    } cases[] = {
        {320, 1, 8000},   {640, 1, 16000},  {960, 1, 24000}, {4096, 1, 16000}, {640, 2, 8000},
        {1280, 2, 16000}, {1920, 2, 24000}, {1600, 1, 8000}, {1, 1, 16000},    {1280, 1, 16000},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct ve_carrier *carrier = open_raw(&ve_ringover_stream, 0, cases[i].channels);
        heard_send(carrier, frame, cases[i].bytes, false);
        heard_send(carrier, frame, 4, false);
        assert_int_equal(heard.rate, cases[i].rate);
        heard_send(carrier, frame, 320, false); /* and it stays */
        assert_int_equal(heard.changes, 0);
        close_raw(carrier);
    }
}

static void what_is_told_beats_what_is_guessed(void **state)
{
    static uint8_t frame[640];
    struct ve_carrier *carrier = open_raw(&ve_ringover_stream, 48000, 1);
    (void)state;
    heard_send(carrier, frame, 640, false);
    assert_int_equal(heard.rate, 48000);
    heard_text(carrier, "{\"uuid\":\"abc\",\"sampleRate\":\"24000\",\"mixType\":\"stereo\"}");
    assert_string_equal(heard.facts.call_id, "abc");
    heard_send(carrier, frame, 640, false);
    assert_int_equal(heard.rate, 24000);
    assert_int_equal(heard.count, 320 + 160);
    heard_text(carrier, "{\"content-type\":\"audio/l16;rate=8000\"}");
    heard_send(carrier, frame, 640, false);
    assert_int_equal(heard.rate, 8000);
    heard_text(carrier, "{\"sampleRate\":7999}");
    heard_text(carrier, "{\"sampleRate\":64000}");
    heard_text(carrier, "{\"sampleRate\":-1}");
    heard_send(carrier, frame, 640, false);
    assert_int_equal(heard.rate, 8000);
    close_raw(carrier);
}

static void samples_survive_any_cut(void **state)
{
    static uint8_t bytes[6000];
    (void)state;
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)(i * 37 + i / 256);
    srand(4);
    for (uint32_t channels = 1; channels <= 2; channels++) {
        struct ve_carrier *carrier = open_raw(&ve_ringover_stream, 8000, channels);
        bool first = true;
        for (size_t at = 0; at < sizeof(bytes);) {
            size_t n = (size_t)rand() % 9;
            n = n < sizeof(bytes) - at ? n : sizeof(bytes) - at;
            bool last = n > 0 && rand() % 3 == 0;
            if (n || !first)
                carrier->ops->data(carrier, bytes + at, n, first, last, false);
            first = (n || !first) ? last : first;
            at += n;
        }
        assert_int_equal(heard.stops, 0);
        assert_int_equal(heard.count, sizeof(bytes) / 2 / channels);
        for (size_t i = 0; i < heard.count; i++) {
            int16_t want;
            memcpy(&want, bytes + i * 2 * channels, 2);
            assert_int_equal(heard.samples[i], want);
        }
        close_raw(carrier);
    }
}

static void keys_are_told_in_any_spelling(void **state)
{
    static const char *const texts[] = {
        "{\"event\":\"dtmf\",\"digit\":\"1\"}",
        "{\"type\":\"DTMF\",\"digits\":\"23\"}",
        "{\"event\":\"websocket:dtmf\",\"digit\":\"4\",\"duration\":260}",
        "{\"event\":\"digit\",\"data\":{\"digit\":\"5\"}}",
        "{\"event\":\"dtmf\",\"dtmf\":{\"digit\":\"#\"}}",
        "{\"event\":\"dtmf\",\"dtmf\":\"*\"}",
        "{\"event\":\"dtmf\",\"digit\":\"xyz\\u0000 \"}",
        "{\"event\":\"dtmf\",\"digit\":7}",
        "{\"event\":\"dtmf\"}",
    };
    struct ve_carrier *carrier = open_raw(&ve_ringover_stream, 8000, 1);
    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        heard_text(carrier, texts[i]);
    assert_string_equal(heard.keys, "12345#*7");
    assert_int_equal(heard.facts_told, 0);
    close_raw(carrier);
}

static void text_may_be_anything(void **state)
{
    static char long_one[100000];
    struct ve_carrier *carrier = open_raw(&ve_ringover_stream, 8000, 1);
    (void)state;
    memset(long_one, '[', sizeof(long_one));
    heard_text(carrier, "hello");
    heard_text(carrier, "");
    heard_text(carrier, "[]");
    heard_text(carrier, "{\"call_id\":{\"deep\":[1]},\"from\":5,\"to\":null}");
    assert_int_equal(heard.facts_told, 1);
    assert_string_equal(heard.facts.call_id, "");
    heard_send(carrier, long_one, sizeof(long_one), true);
    for (size_t i = 0; i < 20; i++)
        carrier->ops->data(carrier, (uint8_t *)long_one, 5000, i == 0, i == 19, true);
    /* ids of 64 bits stay exact, and long ones are cut */
    heard_text(carrier, "{\"call_id\":18446744073709551615}");
    assert_string_equal(heard.facts.call_id, "18446744073709551615");
    heard_text(carrier, "{\"call_id\":\"0123456789012345678901234567890123456789"
                        "01234567890123456789012345678901234567890123456789\"}");
    assert_int_equal(strlen(heard.facts.call_id), 64);
    /* in pieces as well */
    carrier->ops->data(carrier, (const uint8_t *)"{\"call_id\":", 11, true, false, true);
    carrier->ops->data(carrier, (const uint8_t *)"\"5\"}", 4, false, true, true);
    assert_string_equal(heard.facts.call_id, "5");
    heard_send(carrier, "", 0, false);
    assert_int_equal(heard.stops, 1);
    close_raw(carrier);
}

static void the_answer_is_json_or_binary(void **state)
{
    int16_t samples[4] = {1, -1, 256, 0};
    uint8_t out[512];
    bool text = false;
    struct ve_carrier *carrier = open_raw(&ve_ringover_stream, 8000, 1);
    (void)state;
    size_t len = carrier->ops->audio(carrier, samples, 4, out, &text);
    assert_true(text && len <= carrier->ops->audio_size(carrier, 4));
    out[len] = '\0';
    assert_string_equal((char *)out,
                        "{\"type\":\"streamAudio\",\"data\":{\"audioDataType\":\"raw\","
                        "\"sampleRate\":16000,\"audioData\":\"AQD//wABAAA=\"}}");
    close_raw(carrier);
    carrier = open_raw(&ve_ringover_binary, 8000, 1);
    assert_int_equal(carrier->ops->audio(carrier, samples, 4, out, &text), 8);
    assert_int_equal(carrier->ops->audio_size(carrier, 4), 8);
    assert_false(text);
    assert_memory_equal(out, samples, 8);
    close_raw(carrier);
}

static void expect_control(int err, struct ve_buf *out, const char *want)
{
    assert_int_equal(err, 0);
    assert_string_equal(ve_buf_cstr(out), want);
    ve_buf_free(out);
}

static void calls_are_steered_by_messages(void **state)
{
    struct ve_carrier *carrier = open_raw(&ve_ringover_stream, 8000, 1);
    const struct ve_carrier_ops *ops = carrier->ops;
    struct ve_buf out;
    (void)state;
    ve_buf_init(&out, 0);
    expect_control(ops->clear(carrier, &out), &out, "{\"event\":\"break\"}");
    expect_control(ops->digits(carrier, VE_STR("123"), &out), &out,
                   "{\"event\":\"digits\",\"data\":123}");
    expect_control(ops->digits(carrier, VE_STR("012"), &out), &out,
                   "{\"event\":\"digits\",\"data\":\"012\"}");
    expect_control(ops->digits(carrier, VE_STR("1*#"), &out), &out,
                   "{\"event\":\"digits\",\"data\":\"1*#\"}");
    expect_control(ops->digits(carrier, VE_STR("12345678901234567890"), &out), &out,
                   "{\"event\":\"digits\",\"data\":\"12345678901234567890\"}");
    expect_control(ops->transfer(carrier, VE_STR("+33612345678"), &out), &out,
                   "{\"event\":\"transfer\",\"data\":\"33612345678\"}");
    expect_control(ops->play_url(carrier, VE_STR("https://x/\"a"), &out), &out,
                   "{\"event\":\"play\",\"file\":\"https://x/\\\"a\"}");
    close_raw(carrier);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_frame_gives_the_rate_away),
        cmocka_unit_test(what_is_told_beats_what_is_guessed),
        cmocka_unit_test(samples_survive_any_cut),
        cmocka_unit_test(keys_are_told_in_any_spelling),
        cmocka_unit_test(text_may_be_anything),
        cmocka_unit_test(the_answer_is_json_or_binary),
        cmocka_unit_test(calls_are_steered_by_messages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
