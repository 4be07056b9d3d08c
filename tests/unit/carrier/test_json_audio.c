#include "alloc_fail.h"
#include "audio/g711.h"
#include "audio/level.h"
#include "base/json.h"
#include "crypto/base64.h"
#include "heard.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct heard heard;

static struct ve_carrier *open_json(uint32_t rate_in, uint32_t rate_out)
{
    struct ve_carrier *carrier;
    struct ve_carrier_config config = {.rate_in = rate_in, .rate_out = rate_out};
    memset(&heard, 0, sizeof(heard));
    assert_int_equal(ve_json_audio.new(&carrier, &config, &heard_events, &heard), 0);
    return carrier;
}

static void close_json(struct ve_carrier *carrier)
{
    carrier->ops->free(carrier);
    assert_int_equal(test_alloc_live(), 0);
}

static const char *base64(const void *bytes, size_t len)
{
    static char text[65536];
    text[ve_base64_encode(text, bytes, len, VE_BASE64_STD)] = '\0';
    return text;
}

static void send_stream_audio(struct ve_carrier *carrier, const char *more, const void *bytes,
                              size_t len)
{
    static char text[70000];
    (void)snprintf(text, sizeof(text),
                   "{\"type\":\"streamAudio\",\"data\":{%s\"audioData\":\"%s\"}}", more,
                   base64(bytes, len));
    assert_int_equal(heard_text(carrier, text), 0);
}

static void samples_in_stream_audio_are_heard(void **state)
{
    static int16_t samples[3200];
    struct ve_carrier *carrier = open_json(0, 16000);
    (void)state;
    for (int i = 0; i < 3200; i++)
        samples[i] = (int16_t)(i * 7);
    send_stream_audio(carrier, "", samples, 640);
    assert_int_equal(heard.rate, 16000);
    send_stream_audio(carrier, "\"audioDataType\":\"raw\",\"sampleRate\":8000,", samples + 320, 5);
    assert_int_equal(heard.rate, 8000);
    /* it ended in the middle of a sample: the rest begins the next message */
    send_stream_audio(carrier, "", (const uint8_t *)samples + 645, 635);
    assert_int_equal(heard.count, 640);
    assert_memory_equal(heard.samples, samples, 1280);
    assert_int_equal(carrier->stats.packets, 3);
    close_json(carrier);
}

static void codecs_and_channels_are_told_by_the_message(void **state)
{
    int16_t samples[160];
    uint8_t codes[160];
    int16_t back[160];
    struct ve_carrier *carrier = open_json(8000, 16000);
    (void)state;
    for (int i = 0; i < 160; i++)
        samples[i] = (int16_t)(i * 100);
    ve_ulaw_encode(codes, samples, 160);
    ve_ulaw_decode(back, codes, 160);
    send_stream_audio(carrier, "\"audioDataType\":\"pcmu\",", codes, 160);
    assert_memory_equal(heard.samples, back, sizeof(back));
    ve_alaw_encode(codes, samples, 160);
    ve_alaw_decode(back, codes, 160);
    send_stream_audio(carrier, "\"encoding\":\"audio/PCMA\",", codes, 160);
    assert_memory_equal(heard.samples + 160, back, sizeof(back));
    send_stream_audio(carrier, "\"encoding\":\"l16;rate=8000\",\"channels\":2,", samples, 320);
    assert_int_equal(heard.count, 400);
    for (int i = 0; i < 80; i++)
        assert_int_equal(heard.samples[320 + i], samples[2 * i]);
    close_json(carrier);
}

static const char start[] =
    "{\"event\":\"start\",\"streamSid\":\"MZ-1_a\",\"start\":{\"callSid\":\"CA77\","
    "\"mediaFormat\":{\"encoding\":\"audio/x-mulaw\",\"sampleRate\":8000,\"channels\":1},"
    "\"customParameters\":{\"from\":\"+33600000001\"}}}";

static void media_messages_are_heard_and_answered(void **state)
{
    static uint8_t out[65536];
    static int16_t agent[1600];
    uint8_t codes[160];
    static char text[70000];
    bool is_text = false;
    struct ve_json *json;
    struct ve_carrier *carrier = open_json(0, 16000);
    (void)state;
    assert_int_equal(heard_text(carrier, "{\"event\":\"connected\",\"protocol\":\"Call\"}"), 0);
    heard.facts_told = 0;
    assert_int_equal(heard_text(carrier, start), 0);
    assert_int_equal(heard.facts_told, 1);
    assert_string_equal(heard.facts.call_id, "CA77");
    assert_string_equal(heard.facts.from, "+33600000001");
    memset(codes, 0x10, sizeof(codes));
    (void)snprintf(text, sizeof(text),
                   "{\"event\":\"media\",\"media\":{\"track\":\"inbound\",\"payload\":\"%s\"}}",
                   base64(codes, 160));
    assert_int_equal(heard_text(carrier, text), 0);
    assert_int_equal(heard.count, 160);
    assert_int_equal(heard.rate, 8000);
    /* our own voice comes along on some lines */
    (void)snprintf(text, sizeof(text),
                   "{\"event\":\"media\",\"media\":{\"track\":\"outbound\",\"payload\":\"%s\"}}",
                   base64(codes, 160));
    assert_int_equal(heard_text(carrier, text), 0);
    assert_int_equal(heard.count, 160);
    for (int i = 0; i < 1600; i++)
        agent[i] = (int16_t)lrint(8000 * sin(2 * M_PI * 300 * i / 16000));
    assert_true(carrier->ops->audio_size(carrier, 1600) <= sizeof(out));
    size_t len = carrier->ops->audio(carrier, agent, 1600, out, &is_text);
    assert_true(is_text && len <= carrier->ops->audio_size(carrier, 1600));
    assert_int_equal(ve_json_parse(&json, ve_str_n((const char *)out, len), text), 0);
    assert_true(ve_str_eq(ve_json_get_str(json, "event"), VE_STR("media")));
    assert_true(ve_str_eq(ve_json_get_str(json, "streamSid"), VE_STR("MZ-1_a")));
    size_t n;
    uint8_t back[2000];
    int16_t sound[2000];
    struct ve_str payload = ve_json_get_str(ve_json_get(json, "media"), "payload");
    assert_int_equal(ve_base64_decode(&n, back, sizeof(back), payload, VE_BASE64_STD), 0);
    assert_in_range(n, 770, 800);
    ve_ulaw_decode(sound, back, n);
    assert_float_equal(ve_level_rms(sound + 80, n - 80), -15.2, 0.5);
    ve_json_free(json);
    /* and it can be told to drop what it has */
    struct ve_buf clear;
    ve_buf_init(&clear, 0);
    assert_int_equal(carrier->ops->clear(carrier, &clear), 0);
    assert_string_equal(ve_buf_cstr(&clear), "{\"event\":\"clear\",\"streamSid\":\"MZ-1_a\"}");
    ve_buf_free(&clear);
    heard_text(carrier, "{\"event\":\"dtmf\",\"dtmf\":{\"digit\":\"9\"}}");
    assert_string_equal(heard.keys, "9");
    heard_text(carrier, "{\"event\":\"stop\"}");
    assert_int_equal(heard.stops, 1);
    close_json(carrier);
}

static void other_spellings_of_start_are_known(void **state)
{
    struct ve_carrier *carrier = open_json(0, 16000);
    uint8_t out[4096];
    int16_t agent[160] = {0};
    bool text;
    (void)state;
    heard_text(carrier,
               "{\"event\":\"start\",\"stream_id\":\"s9\",\"start\":{\"call_control_id\":\"v3-x\","
               "\"media_format\":{\"encoding\":\"PCMA\",\"sample_rate\":\"8000\"},"
               "\"customParameters\":{\"call_id\":\"4242\"}}}");
    assert_string_equal(heard.facts.call_id, "4242");
    size_t len = carrier->ops->audio(carrier, agent, 160, out, &text);
    out[len] = '\0';
    assert_non_null(strstr((char *)out, "\"stream_id\":\"s9\""));
    close_json(carrier);
    /* An id that would break out of our own message is not sent back. */
    carrier = open_json(0, 16000);
    heard_text(carrier, "{\"event\":\"start\",\"streamSid\":\"a\\\"b\",\"start\":{}}");
    len = carrier->ops->audio(carrier, agent, 160, out, &text);
    out[len] = '\0';
    assert_null(strstr((char *)out, "streamSid"));
    close_json(carrier);
}

static void without_a_family_stream_audio_is_sent(void **state)
{
    struct ve_carrier *carrier = open_json(0, 8000);
    uint8_t out[4096];
    int16_t agent[160] = {1, 2, 3};
    bool text = false;
    struct ve_buf buf;
    (void)state;
    size_t len = carrier->ops->audio(carrier, agent, 160, out, &text);
    out[len] = '\0';
    assert_true(text);
    assert_true(len <= carrier->ops->audio_size(carrier, 160));
    assert_non_null(strstr((char *)out, "\"sampleRate\":8000,\"audioData\":\"AQACAAMA"));
    ve_buf_init(&buf, 0);
    assert_int_equal(carrier->ops->clear(carrier, &buf), 0);
    assert_string_equal(ve_buf_cstr(&buf), "{\"event\":\"break\"}");
    ve_buf_free(&buf);
    close_json(carrier);
}

static void what_cannot_be_read_is_counted(void **state)
{
    static char long_text[300 * 1024];
    struct ve_carrier *carrier = open_json(0, 16000);
    (void)state;
    heard_text(carrier, "{\"type\":\"streamAudio\",\"data\":{\"audioData\":\"not base64\"}}");
    assert_int_equal(carrier->stats.broken, 1);
    heard_text(carrier, "no JSON");
    assert_int_equal(carrier->stats.broken, 2);
    memset(long_text, ' ', sizeof(long_text));
    assert_int_equal(heard_send(carrier, long_text, sizeof(long_text), true), 0);
    assert_int_equal(carrier->stats.broken, 3);
    heard_send(carrier, long_text, 640, false);
    assert_int_equal(carrier->stats.unknown, 1);
    send_stream_audio(carrier, "\"encoding\":\"g729\",", "ab", 2);
    assert_int_equal(carrier->stats.unknown, 2);
    send_stream_audio(carrier, "\"sampleRate\":4000,\"channels\":9,", "ab", 2);
    assert_int_equal(heard.rate, 16000);
    heard_text(carrier, "{\"type\":\"streamAudio\"}");
    heard_text(carrier, "{\"event\":\"media\",\"media\":[]}");
    heard_text(carrier, "[1,2]");
    heard_send(carrier, "", 0, false);
    assert_int_equal(heard.stops, 1);
    close_json(carrier);
}

static int one_message(void *arg)
{
    struct ve_carrier *carrier;
    struct ve_carrier_config config = {.rate_out = 16000};
    uint8_t out[4096];
    int16_t agent[160] = {0};
    bool text;
    (void)arg;
    memset(&heard, 0, sizeof(heard));
    int err = ve_json_audio.new(&carrier, &config, &heard_events, &heard);
    if (err)
        return err;
    heard_text(carrier, start);
    heard_text(carrier, "{\"event\":\"media\",\"media\":{\"payload\":\"AAAA\"}}");
    size_t len = carrier->ops->audio(carrier, agent, 160, out, &text);
    if (len == VE_CARRIER_LATER || heard.count != 3)
        err = VE_ENOMEM;
    carrier->ops->free(carrier);
    return err;
}

static void without_memory_a_message_is_lost_and_nothing_else(void **state)
{
    (void)state;
    assert_true(test_alloc_sweep(one_message, NULL) >= 4);
    assert_int_equal(test_alloc_live(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(samples_in_stream_audio_are_heard),
        cmocka_unit_test(codecs_and_channels_are_told_by_the_message),
        cmocka_unit_test(media_messages_are_heard_and_answered),
        cmocka_unit_test(other_spellings_of_start_are_known),
        cmocka_unit_test(without_a_family_stream_audio_is_sent),
        cmocka_unit_test(what_cannot_be_read_is_counted),
        cmocka_unit_test(without_memory_a_message_is_lost_and_nothing_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
