#include "carrier/carrier.h"

#include "alloc_fail.h"
#include "base/err.h"
#include "base/json.h"
#include "crypto/base64.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define HEARD_MAX 32768

struct rig {
    struct ve_carrier *carrier;
    struct ve_carrier_facts facts; /* of the last notice */
    unsigned told;                 /* facts */
    unsigned stops;
    uint32_t rate; /* of the last samples */
    char digits[64];
    size_t digit_count;
    size_t heard; /* samples */
    int16_t samples[HEARD_MAX];
};

static void on_facts(void *arg, const struct ve_carrier_facts *facts)
{
    struct rig *rig = arg;
    rig->facts = *facts;
    rig->told++;
}

static void on_audio(void *arg, const int16_t *samples, size_t count, uint32_t rate)
{
    struct rig *rig = arg;
    assert_true(count > 0);
    assert_true(rig->heard + count <= HEARD_MAX);
    memcpy(rig->samples + rig->heard, samples, count * sizeof(*samples));
    rig->heard += count;
    rig->rate = rate;
}

static void on_digit(void *arg, char digit)
{
    struct rig *rig = arg;
    assert_true(rig->digit_count < sizeof(rig->digits) - 1);
    rig->digits[rig->digit_count++] = digit;
}

static void on_stop(void *arg)
{
    ((struct rig *)arg)->stops++;
}

static const struct ve_carrier_events events = {on_facts, on_audio, on_digit, on_stop};

static int open_rig(struct rig *rig, uint32_t rate_in, uint32_t rate_out)
{
    struct ve_carrier_config config = {.rate_in = rate_in, .rate_out = rate_out};
    memset(rig, 0, sizeof(*rig));
    return ve_ringover_stream.new(&rig->carrier, &config, &events, rig);
}

static void rig_open(struct rig *rig)
{
    assert_int_equal(open_rig(rig, 0, 16000), 0);
}

static void rig_close(struct rig *rig)
{
    rig->carrier->ops->free(rig->carrier);
}

static void give_binary(struct rig *rig, const void *bytes, size_t len)
{
    assert_int_equal(rig->carrier->ops->data(rig->carrier, bytes, len, true, true, false), 0);
}

static void give_text(struct rig *rig, const char *text)
{
    assert_int_equal(rig->carrier->ops->data(rig->carrier, (const uint8_t *)text, strlen(text),
                                             true, true, true),
                     0);
}

static int16_t sample_of(size_t i)
{
    return (int16_t)(i * 40503u >> 2);
}

static uint8_t *ramp(size_t count)
{
    uint8_t *bytes = malloc(count * 2 + 1);
    assert_non_null(bytes);
    for (size_t i = 0; i < count; i++) {
        uint16_t s = (uint16_t)sample_of(i);
        bytes[2 * i] = (uint8_t)s;
        bytes[2 * i + 1] = (uint8_t)(s >> 8);
    }
    return bytes;
}

static void expect_ramp(const struct rig *rig, size_t count)
{
    assert_int_equal(rig->heard, count);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(rig->samples[i], sample_of(i));
}

/* --- audio in -----------------------------------------------------------------------------------
 */

static void the_first_frame_tells_the_rate(void **state)
{
    (void)state;
    static const struct {
        size_t bytes;
        uint32_t rate;
    } cases[] = {{320, 8000}, {640, 16000}, {960, 24000}, {1280, 16000}, {2, 16000}, {4096, 16000}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct rig rig;
        uint8_t *bytes = ramp(4096);
        rig_open(&rig);
        give_binary(&rig, bytes, cases[i].bytes);
        assert_int_equal(rig.rate, cases[i].rate);
        expect_ramp(&rig, cases[i].bytes / 2);
        give_binary(&rig, bytes, 320); /* what follows changes nothing */
        assert_int_equal(rig.rate, cases[i].rate);
        free(bytes);
        rig_close(&rig);
    }
}

static void a_configured_rate_is_not_guessed(void **state)
{
    (void)state;
    struct rig rig;
    uint8_t *bytes = ramp(160);
    assert_int_equal(open_rig(&rig, 24000, 16000), 0);
    give_binary(&rig, bytes, 320);
    assert_int_equal(rig.rate, 24000);
    free(bytes);
    rig_close(&rig);
}

/* The same samples come out whatever the sizes of the messages and of their pieces. */
static void any_size_will_do(void **state)
{
    (void)state;
    static const size_t sizes[] = {1, 2, 3, 5, 319, 321, 640, 1279, 4096, 9999, 20000};
    uint8_t *bytes = ramp(10000);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        for (int whole = 0; whole <= 1; whole++) {
            struct rig rig;
            assert_int_equal(open_rig(&rig, 16000, 16000), 0);
            for (size_t at = 0; at < 20000; at += sizes[i]) {
                size_t n = 20000 - at < sizes[i] ? 20000 - at : sizes[i];
                bool first = whole || at == 0;
                bool last = whole || at + n == 20000;
                assert_int_equal(
                    rig.carrier->ops->data(rig.carrier, bytes + at, n, first, last, false), 0);
            }
            expect_ramp(&rig, 10000);
            rig_close(&rig);
        }
    }
    free(bytes);
}

static void a_megabyte_in_one_message(void **state)
{
    (void)state;
    static const uint8_t silence[16384];
    struct rig rig;
    rig_open(&rig);
    for (int i = 0; i < 64; i++) {
        assert_int_equal(
            rig.carrier->ops->data(rig.carrier, silence, sizeof(silence), i == 0, i == 63, false),
            0);
        assert_int_equal(rig.heard, sizeof(silence) / 2);
        rig.heard = 0;
    }
    rig_close(&rig);
}

static void of_two_channels_the_left_one_is_the_caller(void **state)
{
    (void)state;
    struct rig rig;
    uint8_t bytes[800];
    for (size_t i = 0; i < 200; i++) {
        uint16_t left = (uint16_t)sample_of(i);
        uint8_t pair[4] = {(uint8_t)left, (uint8_t)(left >> 8), 0x55, 0xaa};
        memcpy(bytes + 4 * i, pair, 4);
    }
    rig_open(&rig);
    give_text(&rig, "{\"sampleRate\":8000,\"mixType\":\"stereo\"}");
    assert_int_equal(rig.facts.channels, 2);
    for (size_t at = 0; at < sizeof(bytes); at += 7) /* also inside a pair */
        give_binary(&rig, bytes + at, sizeof(bytes) - at < 7 ? sizeof(bytes) - at : 7);
    assert_int_equal(rig.rate, 8000);
    expect_ramp(&rig, 200);
    rig_close(&rig);
}

static void an_empty_binary_message_ends_the_audio(void **state)
{
    (void)state;
    struct rig rig;
    uint8_t *bytes = ramp(160);
    rig_open(&rig);
    give_binary(&rig, bytes, 320);
    assert_int_equal(rig.stops, 0);
    give_binary(&rig, NULL, 0);
    assert_int_equal(rig.stops, 1);
    /* an empty piece of a longer message is no end */
    assert_int_equal(rig.carrier->ops->data(rig.carrier, bytes, 0, true, false, false), 0);
    assert_int_equal(rig.carrier->ops->data(rig.carrier, bytes, 320, false, false, false), 0);
    assert_int_equal(rig.carrier->ops->data(rig.carrier, bytes, 0, false, true, false), 0);
    assert_int_equal(rig.stops, 1);
    assert_int_equal(rig.heard, 320);
    free(bytes);
    rig_close(&rig);
}

/* --- text in ------------------------------------------------------------------------------------
 */

static void the_first_text_is_metadata(void **state)
{
    (void)state;
    static const struct {
        const char *text, *call_id, *from, *to;
        uint32_t rate;
    } cases[] = {
        {"{\"call_id\":18446744073709551615,\"from\":\"33612345678\",\"to\":\"33184800000\","
         "\"sampleRate\":8000}",
         "18446744073709551615", "33612345678", "33184800000", 8000},
        {"{\"callId\":\"42\",\"caller\":\"a\",\"callee\":\"b\",\"sample_rate\":\"24000\"}", "42",
         "a", "b", 24000},
        {"{\"uuid\":\"5b0e\",\"from_number\":\"c\",\"to_number\":\"d\",\"rate\":16000}", "5b0e",
         "c", "d", 16000},
        {"{\"call_id\":\"\",\"callId\":7}", "7", "", "", 0},
        {"{\"call_id\":1.5,\"sampleRate\":7999}", "", "", "", 0},
        {"{\"sampleRate\":48001}", "", "", "", 0},
        {"{\"sampleRate\":-8000,\"rate\":[]}", "", "", "", 0},
        {"{}", "", "", "", 0},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct rig rig;
        uint8_t *bytes = ramp(160);
        rig_open(&rig);
        give_text(&rig, cases[i].text);
        assert_int_equal(rig.told, 1);
        assert_string_equal(rig.facts.call_id, cases[i].call_id);
        assert_string_equal(rig.facts.from, cases[i].from);
        assert_string_equal(rig.facts.to, cases[i].to);
        assert_int_equal(rig.facts.rate, cases[i].rate);
        assert_int_equal(rig.facts.channels, 1);
        give_binary(&rig, bytes, 320);
        assert_int_equal(rig.rate, cases[i].rate ? cases[i].rate : 8000);
        free(bytes);
        rig_close(&rig);
    }
}

static void metadata_may_come_in_pieces(void **state)
{
    (void)state;
    static const char text[] = "{\"call_id\":\"12345\",\"sampleRate\":24000}";
    for (size_t step = 1; step < sizeof(text); step++) {
        struct rig rig;
        rig_open(&rig);
        for (size_t at = 0; at < sizeof(text) - 1; at += step) {
            size_t n = sizeof(text) - 1 - at < step ? sizeof(text) - 1 - at : step;
            assert_int_equal(rig.carrier->ops->data(rig.carrier, (const uint8_t *)text + at, n,
                                                    at == 0, at + n == sizeof(text) - 1, true),
                             0);
        }
        assert_int_equal(rig.told, 1);
        assert_string_equal(rig.facts.call_id, "12345");
        assert_int_equal(rig.facts.rate, 24000);
        rig_close(&rig);
    }
}

static void long_values_are_cut_and_ended(void **state)
{
    (void)state;
    struct rig rig;
    char text[512];
    char value[200];
    memset(value, '7', sizeof(value));
    value[sizeof(value) - 1] = '\0';
    rig_open(&rig);
    (void)snprintf(text, sizeof(text), "{\"call_id\":\"%s\",\"from\":\"%s\"}", value, value);
    give_text(&rig, text);
    assert_in_range(strlen(rig.facts.call_id), 0, sizeof(rig.facts.call_id) - 1);
    assert_int_equal(strlen(rig.facts.from), sizeof(rig.facts.from) - 1);
    rig_close(&rig);
}

static void other_text_says_nothing(void **state)
{
    (void)state;
    static const char *const texts[] = {"", "hello", "[1,2]", "42", "\"x\"", "{\"a\":", "\xff\xfe"};
    struct rig rig;
    rig_open(&rig);
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        give_text(&rig, texts[i]);
    assert_int_equal(rig.told, 0);
    assert_int_equal(rig.digit_count, 0);
    assert_int_equal(rig.stops, 0);
    rig_close(&rig);
}

/* A text of a megabyte is passed over without being kept; the next one is read. */
static void endless_text_is_passed_over(void **state)
{
    (void)state;
    static uint8_t piece[16384];
    struct rig rig;
    memset(piece, ' ', sizeof(piece));
    rig_open(&rig);
    for (int i = 0; i < 64; i++)
        assert_int_equal(
            rig.carrier->ops->data(rig.carrier, piece, sizeof(piece), i == 0, false, true), 0);
    assert_int_equal(
        rig.carrier->ops->data(rig.carrier, (const uint8_t *)"{}", 2, false, true, true), 0);
    assert_int_equal(rig.told, 0);
    give_text(&rig, "{\"call_id\":\"1\"}");
    assert_int_equal(rig.told, 1);
    rig_close(&rig);
}

static void keys_are_told_in_every_spelling(void **state)
{
    (void)state;
    static const struct {
        const char *text, *digits;
    } cases[] = {
        {"{\"event\":\"dtmf\",\"digit\":\"5\"}", "5"},
        {"{\"type\":\"DTMF\",\"dtmf\":\"*0#\"}", "*0#"},
        {"{\"event\":\"digit\",\"data\":{\"digits\":\"12\"}}", "12"},
        {"{\"event\":\"dtmf\",\"dtmf\":{\"digit\":\"9\"}}", "9"},
        {"{\"event\":\"dtmf\",\"digit\":\"ABCDEF gh\"}", "ABCD"},
        {"{\"event\":\"dtmf\",\"digit\":\"1\\u00002\"}", "12"},
        {"{\"event\":\"dtmf\"}", ""},
        {"{\"event\":\"dtmf\",\"digit\":{}}", ""},
        {"{\"event\":\"dtmf\",\"digit\":\"1234567890123456789012345678901234567890\"}",
         "12345678901234567890123456789012"}, /* of one message, 32 */
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct rig rig;
        rig_open(&rig);
        give_text(&rig, cases[i].text);
        assert_string_equal(rig.digits, cases[i].digits);
        assert_int_equal(rig.told, 0); /* a key names no call */
        rig_close(&rig);
    }
}

/* --- what we send -------------------------------------------------------------------------------
 */

static size_t encode(struct rig *rig, const int16_t *samples, size_t count, uint8_t **out)
{
    bool text = false;
    size_t size = rig->carrier->ops->audio_size(rig->carrier, count);
    *out = malloc(size); /* exactly, so that ASan sees a byte too many */
    assert_non_null(*out);
    size_t len = rig->carrier->ops->audio(rig->carrier, samples, count, *out, &text);
    assert_true(text);
    assert_in_range(len, 1, size);
    return len;
}

static void an_answer_is_stream_audio(void **state)
{
    (void)state;
    static const int16_t samples[3] = {1, -2, 0x1234};
    struct rig rig;
    uint8_t *out;
    rig_open(&rig);
    size_t len = encode(&rig, samples, 3, &out);
    assert_true(ve_str_eq(
        ve_str_n((const char *)out, len),
        VE_STR("{\"type\":\"streamAudio\",\"data\":{\"audioDataType\":\"raw\",\"sampleRate\":16000,"
               "\"audioData\":\"AQD+/zQS\"}}")));
    free(out);
    rig_close(&rig);
}

static void every_length_decodes_to_itself(void **state)
{
    (void)state;
    static const uint32_t rates[] = {8000, 16000, 24000};
    static const size_t counts[] = {0, 1, 2, 3, 160, 2047, 2048, 8192};
    uint8_t *bytes = ramp(8192);
    for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]) * 8; i++) {
        struct rig rig;
        uint8_t *out;
        char why[96];
        struct ve_json *json;
        uint64_t rate = 0;
        struct ve_buf pcm;
        size_t count = counts[i % 8];
        assert_int_equal(open_rig(&rig, 0, rates[i / 8]), 0);
        size_t len = encode(&rig, (const int16_t *)(const void *)bytes, count, &out);
        assert_int_equal(ve_json_parse(&json, ve_str_n((const char *)out, len), why), 0);
        const struct ve_json *data = ve_json_get(json, "data");
        assert_int_equal(ve_json_u64(ve_json_get(data, "sampleRate"), &rate), 0);
        assert_int_equal(rate, rates[i / 8]);
        struct ve_str text = ve_json_get_str(data, "audioData");
        ve_buf_init(&pcm, 0);
        assert_int_equal(ve_base64_decode_add(&pcm, text, VE_BASE64_STD), 0);
        assert_int_equal(pcm.len, count * 2);
        if (count)
            assert_memory_equal(pcm.ptr, bytes, pcm.len);
        ve_buf_free(&pcm);
        ve_json_free(json);
        free(out);
        rig_close(&rig);
    }
    free(bytes);
}

typedef int (*write_fn)(struct ve_carrier *carrier, struct ve_str value, struct ve_buf *out);

static void expect_control(write_fn write, struct rig *rig, const char *value, const char *json)
{
    struct ve_buf out;
    ve_buf_init(&out, 0);
    assert_int_equal(write(rig->carrier, ve_str(value), &out), 0);
    assert_string_equal(ve_buf_cstr(&out), json);
    ve_buf_free(&out);
}

static void control_messages_are_ringovers(void **state)
{
    (void)state;
    struct rig rig;
    struct ve_buf out;
    rig_open(&rig);
    const struct ve_carrier_ops *ops = rig.carrier->ops;
    ve_buf_init(&out, 0);
    assert_int_equal(ops->clear(rig.carrier, &out), 0);
    assert_string_equal(ve_buf_cstr(&out), "{\"event\":\"break\"}");
    ve_buf_free(&out);
    expect_control(ops->digits, &rig, "123", "{\"event\":\"digits\",\"data\":123}");
    expect_control(ops->digits, &rig, "0123", "{\"event\":\"digits\",\"data\":\"0123\"}");
    expect_control(ops->digits, &rig, "1#", "{\"event\":\"digits\",\"data\":\"1#\"}");
    expect_control(ops->digits, &rig, "123456789012345",
                   "{\"event\":\"digits\",\"data\":123456789012345}");
    /* a reader with doubles would round it */
    expect_control(ops->digits, &rig, "9007199254740993",
                   "{\"event\":\"digits\",\"data\":\"9007199254740993\"}");
    expect_control(ops->digits, &rig, "", "{\"event\":\"digits\",\"data\":\"\"}");
    expect_control(ops->transfer, &rig, "+33612345678",
                   "{\"event\":\"transfer\",\"data\":\"33612345678\"}");
    expect_control(ops->transfer, &rig, "103", "{\"event\":\"transfer\",\"data\":\"103\"}");
    expect_control(ops->transfer, &rig, "\",\"x\":\"",
                   "{\"event\":\"transfer\",\"data\":\"\\\",\\\"x\\\":\\\"\"}");
    expect_control(ops->play_url, &rig, "https://a/b.mp3",
                   "{\"event\":\"play\",\"file\":\"https://a/b.mp3\"}");
    rig_close(&rig);
}

/* --- memory
 * --------------------------------------------------------------------------------------- */

static int converse_once(void *arg)
{
    struct rig *rig = arg;
    struct ve_buf out;
    static const char text[] = "{\"call_id\":\"1\",\"sampleRate\":16000}";
    static const uint8_t audio[640];
    int err = open_rig(rig, 0, 16000);
    if (err)
        return err;
    ve_buf_init(&out, 0);
    /* the pieces of a text have to be kept */
    err = rig->carrier->ops->data(rig->carrier, (const uint8_t *)text, 10, true, false, true);
    if (!err)
        err = rig->carrier->ops->data(rig->carrier, (const uint8_t *)text + 10, sizeof(text) - 11,
                                      false, true, true);
    if (!err)
        err = rig->carrier->ops->data(rig->carrier, audio, sizeof(audio), true, true, false);
    if (!err)
        err = rig->carrier->ops->clear(rig->carrier, &out);
    if (!err)
        err = rig->carrier->ops->transfer(rig->carrier, VE_STR("+33612345678"), &out);
    ve_buf_free(&out);
    rig_close(rig);
    return err;
}

static void without_memory_nothing_is_left(void **state)
{
    (void)state;
    struct rig rig;
    assert_true(test_alloc_sweep(converse_once, &rig) > 0);
    assert_int_equal(rig.told, 1);
    assert_int_equal(rig.heard, 320);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_frame_tells_the_rate),
        cmocka_unit_test(a_configured_rate_is_not_guessed),
        cmocka_unit_test(any_size_will_do),
        cmocka_unit_test(a_megabyte_in_one_message),
        cmocka_unit_test(of_two_channels_the_left_one_is_the_caller),
        cmocka_unit_test(an_empty_binary_message_ends_the_audio),
        cmocka_unit_test(the_first_text_is_metadata),
        cmocka_unit_test(metadata_may_come_in_pieces),
        cmocka_unit_test(long_values_are_cut_and_ended),
        cmocka_unit_test(other_text_says_nothing),
        cmocka_unit_test(endless_text_is_passed_over),
        cmocka_unit_test(keys_are_told_in_every_spelling),
        cmocka_unit_test(an_answer_is_stream_audio),
        cmocka_unit_test(every_length_decodes_to_itself),
        cmocka_unit_test(control_messages_are_ringovers),
        cmocka_unit_test(without_memory_nothing_is_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
