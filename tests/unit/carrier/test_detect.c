#include "alloc_fail.h"
#include "carrier/rtp.h"
#include "heard.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct heard heard;

static struct ve_carrier *open_detect(const struct ve_carrier_ops *ops)
{
    struct ve_carrier *carrier;
    struct ve_carrier_config config = {.rate_out = 16000};
    memset(&heard, 0, sizeof(heard));
    assert_int_equal(ops->new (&carrier, &config, &heard_events, &heard), 0);
    carrier->now = HEARD_SECOND;
    return carrier;
}

/* As the door does it. */
static struct ve_carrier *take_next(struct ve_carrier *carrier)
{
    struct ve_carrier *next = carrier->next;
    if (!next)
        return carrier;
    carrier->ops->free(carrier);
    return next;
}

static struct ve_carrier *send_rtp(struct ve_carrier *carrier, uint8_t type, uint16_t seq,
                                   uint32_t ssrc)
{
    uint8_t bytes[VE_RTP_HEAD + 160];
    struct ve_rtp_packet packet = {type, false, seq, seq * 160u, ssrc, NULL, 0};
    ve_rtp_write_head(bytes, &packet);
    memset(bytes + VE_RTP_HEAD, 0x20, 160);
    assert_int_equal(heard_send(carrier, bytes, sizeof(bytes), false), 0);
    return take_next(carrier);
}

static struct ve_carrier *send_raw(struct ve_carrier *carrier, size_t bytes)
{
    static uint8_t raw[4096];
    for (size_t i = 0; i < sizeof(raw); i++)
        raw[i] = (uint8_t)i;
    assert_int_equal(heard_send(carrier, raw, bytes, false), 0);
    return take_next(carrier);
}

static void finish(struct ve_carrier *carrier, const char *name)
{
    assert_string_equal(carrier->ops->name, name);
    carrier->ops->free(carrier);
    assert_int_equal(test_alloc_live(), 0);
}

static void raw_samples_are_raw_at_once(void **state)
{
    struct ve_carrier *carrier = open_detect(&ve_detect_stream);
    (void)state;
    carrier = send_raw(carrier, 640);
    assert_int_equal(heard.count, 320);
    finish(carrier, "ringover");
    carrier = open_detect(&ve_detect_binary);
    carrier = send_raw(carrier, 641);
    assert_int_equal(heard.count, 320);
    finish(carrier, "l16");
}

static void three_packets_in_a_row_are_rtp_and_none_is_lost(void **state)
{
    struct ve_carrier *carrier = open_detect(&ve_detect_stream);
    (void)state;
    carrier = send_rtp(carrier, 0, 65535, 9);
    carrier = send_rtp(carrier, 0, 0, 9);
    assert_string_equal(carrier->ops->name, "auto");
    assert_int_equal(heard.count, 0);
    struct ve_carrier *before = carrier;
    carrier = send_rtp(carrier, 0, 1, 9);
    assert_ptr_not_equal(before, carrier);
    assert_int_equal(heard.count, 480);
    assert_int_equal(heard.rate, 8000);
    finish(carrier, "rtp");
}

static void what_only_looks_like_rtp_is_raw_and_none_of_it_is_lost(void **state)
{
    static const uint8_t types[] = {0, 0, 42};
    static const uint16_t seqs[] = {5, 7, 6};
    static const uint32_t senders[] = {9, 9, 9};
    (void)state;
    for (int what = 0; what < 3; what++) {
        struct ve_carrier *carrier = open_detect(&ve_detect_stream);
        carrier = send_rtp(carrier, 0, 4, 9);
        if (what == 0)
            carrier = send_rtp(carrier, 0, 5, 10); /* another sender */
        else
            carrier = send_rtp(carrier, types[what], seqs[what], senders[what]);
        assert_int_equal(heard.count, 172); /* 2 x 172 bytes */
        finish(carrier, "ringover");
    }
}

static void once_raw_it_stays_raw(void **state)
{
    struct ve_carrier *carrier = open_detect(&ve_detect_stream);
    (void)state;
    carrier = send_raw(carrier, 320);
    for (uint16_t i = 0; i < 10; i++)
        carrier = send_rtp(carrier, 0, i, 9);
    finish(carrier, "ringover");
}

static void metadata_says_nothing_about_what_follows(void **state)
{
    struct ve_carrier *carrier = open_detect(&ve_detect_stream);
    (void)state;
    heard_text(carrier, "{\"call_id\":\"77\",\"sampleRate\":8000}");
    assert_int_equal(heard.facts_told, 1);
    assert_null(carrier->next);
    heard_text(carrier, "not JSON at all");
    heard_text(carrier, "{\"event\":\"dtmf\",\"digit\":\"5\"}");
    assert_string_equal(heard.keys, "5");
    carrier = send_raw(carrier, 320);
    assert_int_equal(heard.rate, 8000);
    finish(carrier, "ringover");
    carrier = open_detect(&ve_detect_stream);
    heard_text(carrier, "{\"call_id\":\"77\"}");
    for (uint16_t i = 0; i < 4; i++)
        carrier = send_rtp(carrier, 8, i, 9);
    assert_int_equal(heard.count, 640);
    finish(carrier, "rtp");
}

static void audio_in_json_is_known_by_its_first_message(void **state)
{
    static const char *const first[] = {
        "{\"type\":\"streamAudio\",\"data\":{\"audioData\":\"AAAA\"}}",
        "{\"event\":\"start\",\"start\":{\"callSid\":\"x\"}}",
        "{\"event\":\"media\",\"media\":{\"payload\":\"////\"}}",
    };
    (void)state;
    for (int i = 0; i < 3; i++) {
        struct ve_carrier *carrier = open_detect(&ve_detect_stream);
        assert_int_equal(heard_text(carrier, first[i]), 0);
        assert_non_null(carrier->next);
        /* what was sent as streamAudio meanwhile was understood by the first family */
        assert_int_equal(carrier->next_is_other, i != 0);
        carrier = take_next(carrier);
        assert_int_equal(heard.count, i == 0 ? 1 : i == 2 ? 3 : 0);
        finish(carrier, "json");
    }
}

static void until_it_is_known_the_answer_is_that_of_raw_samples(void **state)
{
    int16_t samples[320] = {0};
    uint8_t out[2048];
    bool text;
    struct ve_buf buf;
    (void)state;
    struct ve_carrier *carrier = open_detect(&ve_detect_stream);
    assert_true(carrier->ops->audio_size(carrier, 320) <= sizeof(out));
    carrier->ops->audio(carrier, samples, 320, out, &text);
    assert_true(text);
    ve_buf_init(&buf, 0);
    assert_int_equal(carrier->ops->clear(carrier, &buf), 0);
    assert_string_equal(ve_buf_cstr(&buf), "{\"event\":\"break\"}");
    ve_buf_free(&buf);
    finish(carrier, "auto");
    carrier = open_detect(&ve_detect_binary);
    assert_int_equal(carrier->ops->audio(carrier, samples, 320, out, &text), 640);
    assert_false(text);
    assert_null(carrier->ops->clear);
    heard_send(carrier, "", 0, false);
    assert_int_equal(heard.stops, 1);
    finish(carrier, "auto");
}

/* An echo: every sample is answered in the moment it is heard. */
static void answer_at_once(void *arg, const int16_t *samples, size_t count, uint32_t rate)
{
    static uint8_t out[65536];
    struct ve_carrier **carrier = arg;
    bool text;
    (void)rate;
    size_t room = (*carrier)->ops->audio_size(*carrier, count);
    assert_true(room <= sizeof(out));
    size_t len = (*carrier)->ops->audio(*carrier, samples, count, out, &text);
    assert_true(len == VE_CARRIER_LATER || len <= room);
    heard.count += count;
}

static void what_is_heard_may_be_answered_in_the_same_moment(void **state)
{
    static const struct ve_carrier_events events = {heard_facts, answer_at_once, heard_digit,
                                                    heard_stop};
    (void)state;
    for (int what = 0; what < 3; what++) {
        struct ve_carrier *carrier;
        struct ve_carrier_config config = {.rate_out = 16000};
        struct ve_buf buf;
        memset(&heard, 0, sizeof(heard));
        ve_buf_init(&buf, 0);
        assert_int_equal(ve_detect_stream.new(&carrier, &config, &events, &carrier), 0);
        if (what == 0)
            heard_send(carrier, "abcdefgh", 8, false);
        for (uint16_t i = 0; what == 1 && i < 3; i++) {
            uint8_t bytes[VE_RTP_HEAD + 160] = {0x80, 0, 0, (uint8_t)i};
            heard_send(carrier, bytes, sizeof(bytes), false);
        }
        if (what == 2)
            heard_text(carrier, "{\"type\":\"audio\",\"audio\":\"AAAA\"}");
        assert_non_null(carrier->next);
        assert_true(heard.count > 0);
        assert_int_equal(carrier->ops->clear(carrier, &buf), what == 1 ? VE_ENOTSUP : 0);
        ve_buf_clear(&buf);
        assert_int_equal(carrier->ops->digits(carrier, VE_STR("5"), &buf), 0);
        assert_int_equal(buf.len > 0, what != 1);
        ve_buf_free(&buf);
        carrier = take_next(carrier);
        carrier->ops->free(carrier);
    }
    assert_int_equal(test_alloc_live(), 0);
}

static void a_long_message_in_pieces_is_raw(void **state)
{
    static uint8_t raw[4096];
    struct ve_carrier *carrier = open_detect(&ve_detect_stream);
    (void)state;
    raw[0] = 0x80;
    assert_int_equal(carrier->ops->data(carrier, raw, 1001, true, false, false), 0);
    carrier = take_next(carrier);
    assert_int_equal(carrier->ops->data(carrier, raw, 999, false, true, false), 0);
    assert_int_equal(heard.count, 1000);
    finish(carrier, "ringover");
}

static void dialects_have_names(void **state)
{
    (void)state;
    assert_ptr_equal(ve_carrier_find(VE_STR("auto"), false), &ve_detect_stream);
    assert_ptr_equal(ve_carrier_find(VE_STR("auto"), true), &ve_detect_binary);
    assert_ptr_equal(ve_carrier_find(VE_STR("l16"), false), &ve_ringover_stream);
    assert_ptr_equal(ve_carrier_find(VE_STR("l16"), true), &ve_ringover_binary);
    assert_ptr_equal(ve_carrier_find(VE_STR("rtp"), true), &ve_rtp_stream);
    assert_ptr_equal(ve_carrier_find(VE_STR("json"), false), &ve_json_audio);
    assert_null(ve_carrier_find(VE_STR("mp3"), false));
}

static int become_rtp(void *arg)
{
    struct ve_carrier *carrier;
    struct ve_carrier_config config = {.rate_out = 16000};
    (void)arg;
    memset(&heard, 0, sizeof(heard));
    int err = ve_detect_stream.new(&carrier, &config, &heard_events, &heard);
    if (err)
        return err;
    for (uint16_t i = 0; i < 3; i++)
        carrier = send_rtp(carrier, 0, i, 9);
    if (strcmp(carrier->ops->name, "rtp") != 0)
        err = VE_ENOMEM;
    assert_true(heard.count > 0); /* raw, if need be */
    carrier->ops->free(carrier);
    return err;
}

static void without_memory_it_is_raw(void **state)
{
    (void)state;
    assert_true(test_alloc_sweep(become_rtp, NULL) >= 5);
    assert_int_equal(test_alloc_live(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(raw_samples_are_raw_at_once),
        cmocka_unit_test(three_packets_in_a_row_are_rtp_and_none_is_lost),
        cmocka_unit_test(what_only_looks_like_rtp_is_raw_and_none_of_it_is_lost),
        cmocka_unit_test(once_raw_it_stays_raw),
        cmocka_unit_test(metadata_says_nothing_about_what_follows),
        cmocka_unit_test(audio_in_json_is_known_by_its_first_message),
        cmocka_unit_test(until_it_is_known_the_answer_is_that_of_raw_samples),
        cmocka_unit_test(what_is_heard_may_be_answered_in_the_same_moment),
        cmocka_unit_test(a_long_message_in_pieces_is_raw),
        cmocka_unit_test(dialects_have_names),
        cmocka_unit_test(without_memory_it_is_raw),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
