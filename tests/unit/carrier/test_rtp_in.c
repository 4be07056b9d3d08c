#include "rtp_peer.h"

#include "audio/level.h"
#include "carrier/rtp_event.h"

/* --- in ----------------------------------------------------------------------------------------
 */

static void every_codec_is_heard(void **state)
{
    static const uint8_t types[] = {0, 8, 96, 97, 98, 11, 111};
    static struct rig rig;
    (void)state;
    for (size_t i = 0; i < sizeof(types); i++) {
        rig_open(&rig, types[i], 16000);
        talk(&rig, 50);
        uint32_t rate = rate_of(&rig, types[i]);
        assert_int_equal(rig.heard.rate, rate);
        assert_int_equal(rig.heard.count, rate);
        assert_float_equal(ve_level_rms(rig.heard.samples + rate / 4, rate / 2), -15.2, 0.6);
        double natural = 8000 * 2 * M_PI * 200 / rate;
        assert_true(heard_steepest(rig.heard.samples + rate / 4, rate / 2) < natural * 1.4 + 300);
        assert_int_equal(rig.carrier->stats.packets, 50);
        assert_int_equal(rig.carrier->stats.filled_ms, 0);
        rig_close(&rig);
    }
}

static void opus_decodes_to_the_rate_that_is_sent(void **state)
{
    static const uint32_t rates[] = {8000, 16000, 24000};
    static struct rig rig;
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        rig_open(&rig, 111, rates[i]);
        talk(&rig, 10);
        assert_int_equal(rig.heard.rate, rates[i]);
        assert_int_equal(rig.heard.count, rates[i] / 5);
        rig_close(&rig);
    }
}

static void the_left_of_two_channels_is_the_caller(void **state)
{
    static struct rig rig;
    uint8_t payload[3528];
    (void)state;
    rig_open(&rig, 10, 16000);
    for (size_t i = 0; i < sizeof(payload); i += 4)
        memcpy(payload + i, "\x01\x02\x7f\x7f", 4);
    send_payload(&rig, 10, false, payload, sizeof(payload));
    assert_int_equal(rig.heard.count, 882);
    for (size_t i = 0; i < 882; i++)
        assert_int_equal(rig.heard.samples[i], 0x0102);
    rig_close(&rig);
}

static void the_byte_order_of_l16_is_found_out(void **state)
{
    static struct rig rig;
    (void)state;
    for (int little = 0; little < 2; little++) {
        struct ve_rtp_map map;
        rig_open(&rig, 97, 16000);
        rig.carrier->ops->free(rig.carrier);
        map = rig.map;
        map.order = VE_RTP_ORDER_AUTO;
        struct ve_carrier_config config = {.rate_out = 16000, .rtp = &map, .seed = 5};
        assert_int_equal(ve_rtp_stream.new(&rig.carrier, &config, &heard_events, &rig.heard), 0);
        rig.carrier->now = HEARD_SECOND;
        rig.map.order = little ? VE_RTP_LITTLE : VE_RTP_BIG;
        rig.loudness = 0;
        talk(&rig, 5);
        rig.loudness = 8000;
        talk(&rig, 20);
        assert_float_equal(ve_level_rms(rig.heard.samples + 5 * 320, 20 * 320), -15.2, 0.6);
        assert_true(heard_steepest(rig.heard.samples, rig.heard.count) < 1000);
        /* and the answer has the same */
        say(&rig, 16000, 10, true);
        assert_true(heard_steepest(rig.played.samples, rig.played.count) < 1000);
        assert_float_equal(ve_level_rms(rig.played.samples, 3200), -15.2, 0.6);
        rig_close(&rig);
    }
}

static void packets_may_come_in_pieces_and_with_text_between(void **state)
{
    static struct rig rig;
    uint8_t bytes[172] = {0x80, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 9};
    const struct ve_carrier_ops *ops = &ve_rtp_stream;
    (void)state;
    rig_open(&rig, 0, 16000);
    memset(bytes + 12, 0x10, 160);
    assert_int_equal(ops->data(rig.carrier, bytes, 100, true, false, false), 0);
    assert_int_equal(ops->data(rig.carrier, bytes + 100, 72, false, true, false), 0);
    assert_int_equal(rig.heard.count, 160);
    heard_text(rig.carrier, "{\"call_id\":\"42\",\"from\":\"+33600000000\"}");
    assert_string_equal(rig.heard.facts.call_id, "42");
    heard_text(rig.carrier, "{\"event\":\"dtmf\",\"digit\":\"7\"}");
    heard_text(rig.carrier, "any text at all");
    assert_string_equal(rig.heard.keys, "7");
    /* What is too long, or no packet, is counted and nothing else. */
    for (int i = 0; i < 100; i++)
        ops->data(rig.carrier, bytes, sizeof(bytes), i == 0, i == 99, false);
    assert_int_equal(rig.carrier->stats.broken, 1);
    heard_send(rig.carrier, "\x40 not a packet", 15, false);
    assert_int_equal(rig.carrier->stats.broken, 2);
    heard_send(rig.carrier, "\x80\xc8\0\0\0\0\0\0\0\0\0\0", 12, false); /* RTCP */
    assert_int_equal(rig.carrier->stats.broken, 2);
    heard_send(rig.carrier, "\x80\x2a\0\2\0\0\0\0\0\0\0\x09zz", 14, false);
    assert_int_equal(rig.carrier->stats.unknown, 1);
    heard_send(rig.carrier, "", 0, false);
    assert_int_equal(rig.heard.stops, 1);
    rig_close(&rig);
}

/* --- the field's pains -------------------------------------------------------------------------
 */

static void lost_packets_do_not_click(void **state)
{
    static const uint8_t types[] = {0, 97, 111};
    static struct rig rig;
    (void)state;
    for (size_t t = 0; t < sizeof(types); t++) {
        rig_open(&rig, types[t], 16000);
        uint32_t rate = rate_of(&rig, types[t]);
        talk(&rig, 20);
        for (int i = 0; i < 10; i++) {
            for (int k = 0; k <= i % 3; k++) {
                lose_frame(&rig);
                pass(&rig, 20);
            }
            talk(&rig, 7);
        }
        double natural = 8000 * 2 * M_PI * 200 / rate;
        int worst = heard_steepest(rig.heard.samples + rate / 10, rig.heard.count - rate / 10);
        assert_true(worst < natural * 2 + 300);
        assert_int_equal(rig.carrier->stats.lost, 19);
        /* As long as it would have been, once a pause has come. */
        rig.loudness = 20;
        talk(&rig, 20);
        long sent = (20 + 70 + 19 + 20) * (long)rate / 50;
        assert_in_range(rig.heard.count, sent - rate / 100, sent + rate / 100);
        rig_close(&rig);
    }
}

static void a_backlog_does_not_become_permanent_delay(void **state)
{
    static const unsigned stalls[] = {100, 300, 800};
    static struct rig rig;
    (void)state;
    for (size_t s = 0; s < 3; s++) {
        rig_open(&rig, 0, 16000);
        talk(&rig, 50);
        /* Nothing for a while, then all of it at once. */
        pass(&rig, stalls[s]);
        for (unsigned i = 0; i < stalls[s] / 20; i++)
            send_frame(&rig);
        uint64_t begin = rig.carrier->now;
        talk(&rig, 25); /* still speaking */
        rig.loudness = 20;
        talk(&rig, 60); /* a pause in which the rest is made up for */
        rig.loudness = 8000;
        talk(&rig, 10);
        uint64_t passed = (rig.carrier->now - HEARD_SECOND) / MS;
        assert_true(rig.carrier->now > begin);
        assert_int_equal(passed, (50 + 25 + 60 + 10) * 20 + stalls[s]);
        int64_t ahead = (int64_t)rig.heard.count - (int64_t)(passed * 8);
        assert_in_range(ahead + 8 * 30, 0, 8 * 60); /* within 30 ms */
        assert_true(rig.carrier->stats.filled_ms + 80 >= stalls[s]);
        assert_true(rig.carrier->stats.shortened_ms > 0);
        rig_close(&rig);
    }
}

/* The caller's words come through a stall whole, just later: what is left out is made up or quiet,
 * while the debt is small. */
static void speech_is_not_cut_for_a_short_stall(void **state)
{
    static struct rig rig;
    (void)state;
    rig_open(&rig, 0, 16000);
    talk(&rig, 20);
    pass(&rig, 80);
    for (unsigned i = 0; i < 4; i++)
        send_frame(&rig);
    talk(&rig, 20);
    assert_int_equal(rig.carrier->stats.shortened_ms, 0);
    assert_int_equal(rig.heard.count, 44 * 160 + rig.carrier->stats.filled_ms * 8);
    rig_close(&rig);
}

static void a_clock_that_is_two_percent_off_adds_no_delay(void **state)
{
    static const int off[] = {-2, 2};
    static struct rig rig;
    (void)state;
    for (int i = 0; i < 2; i++) {
        rig_open(&rig, 0, 16000);
        for (int f = 0; f < 1000; f++) {
            send_frame(&rig);
            heard_wait(rig.carrier, rig.carrier->now + 20 * MS + (uint64_t)(off[i] * 200000), NULL,
                       NULL);
        }
        assert_int_equal(rig.heard.count, 1000 * 160);
        assert_int_equal(rig.carrier->stats.filled_ms, 0);
        rig_close(&rig);
    }
}

static void a_change_of_codec_is_no_change_of_rate_and_no_click(void **state)
{
    static const uint8_t order[] = {0, 111, 97, 8, 98, 11, 0};
    static struct rig rig;
    (void)state;
    rig_open(&rig, 0, 16000);
    for (size_t i = 0; i < sizeof(order); i++) {
        rig.type = order[i];
        talk(&rig, 25);
    }
    assert_int_equal(rig.heard.changes, 0);
    assert_int_equal(rig.heard.rate, 8000);
    assert_in_range(rig.heard.count, 7 * 4000 - 400, 7 * 4000 + 400);
    double natural = 8000 * 2 * M_PI * 200 / 8000;
    assert_true(heard_steepest(rig.heard.samples, rig.heard.count) < natural * 2 + 300);
    rig_close(&rig);
}

static void another_sender_is_heard_within_100_ms_and_without_a_click(void **state)
{
    static struct rig rig;
    (void)state;
    rig_open(&rig, 0, 16000);
    talk(&rig, 25);
    size_t before = rig.carrier->stats.packets;
    rig.ssrc = 78;
    rig.seq = 12;
    rig.stamp = 123456;
    rig.phase += 2;
    talk(&rig, 5);
    assert_true(rig.carrier->stats.packets > before);
    talk(&rig, 20);
    assert_int_equal(rig.carrier->stats.resets, 1);
    double natural = 8000 * 2 * M_PI * 200 / 8000;
    assert_true(heard_steepest(rig.heard.samples, rig.heard.count) < natural * 2 + 300);
    rig.loudness = 20;
    talk(&rig, 10); /* a pause, in which the delay of the change is made up for */
    assert_in_range(rig.heard.count, 59 * 160, 60 * 160 + 40);
    rig_close(&rig);
}

static void timestamps_and_numbers_wrap_around(void **state)
{
    static struct rig rig;
    (void)state;
    rig_open(&rig, 0, 16000);
    rig.seq = 65530;
    rig.stamp = 0xffffff00u;
    talk(&rig, 20);
    assert_int_equal(rig.heard.count, 20 * 160);
    assert_int_equal(rig.carrier->stats.resets, 0);
    rig_close(&rig);
}

static void silence_that_is_not_sent_keeps_its_length(void **state)
{
    static const uint8_t quiet = 50;
    static struct rig rig;
    (void)state;
    for (int told = 0; told < 2; told++) {
        rig_open(&rig, 0, 16000);
        talk(&rig, 25);
        if (told)
            send_payload(&rig, 13, false, &quiet, 1);
        pass(&rig, 600);
        size_t then = rig.heard.count;
        rig.stamp += 160 * 30;
        talk(&rig, 25);
        assert_in_range(rig.heard.count, 80 * 160 - 320, 80 * 160 + 320);
        /* comfort noise where it was asked for, and nothing where it was not */
        float level = ve_level_rms(rig.heard.samples + then - 1600, 1600);
        if (told)
            assert_float_equal(level, -50, 2);
        else
            assert_true(level < -90);
        rig_close(&rig);
    }
}

static void nothing_is_made_up_for_ever(void **state)
{
    static struct rig rig;
    (void)state;
    rig_open(&rig, 111, 16000);
    talk(&rig, 25);
    pass(&rig, 20000);
    assert_in_range(rig.heard.count, 25 * 320 + 30000, 25 * 320 + 34000);
    assert_int_equal(rig.carrier->due, 0); /* and nothing keeps the loop awake */
    rig.stamp += 960 * 1000;
    talk(&rig, 25);
    assert_in_range(rig.heard.count, 50 * 320 + 30000, 50 * 320 + 34000);
    rig_close(&rig);
}

static void a_copy_in_the_next_packet_is_used(void **state)
{
    static struct rig rig;
    (void)state;
    rig_open(&rig, 111, 16000);
    talk(&rig, 10);
    lose_frame(&rig);
    pass(&rig, 20);
    talk(&rig, 3); /* the third shows that the lost one will not come */
    talk(&rig, 5);
    assert_int_equal(rig.carrier->stats.lost, 1);
    assert_int_equal(rig.heard.count, 19 * 320);
    assert_true(heard_steepest(rig.heard.samples + 640, rig.heard.count - 640) < 1500);
    rig_close(&rig);
}

/* --- keys ---------------------------------------------------------------------------------------
 */

static void keys_in_the_stream_are_told_once(void **state)
{
    static const char pressed[] = "0815#*";
    static struct rig rig;
    (void)state;
    rig_open(&rig, 0, 16000);
    talk(&rig, 5);
    for (int i = 0; pressed[i]; i++) {
        uint8_t payload[4];
        for (int k = 0; k < 8; k++) {
            ve_rtp_event_write(payload, (uint8_t)ve_rtp_event_of(pressed[i]), k >= 5,
                               (uint16_t)(160 * (k < 5 ? k + 1 : 5)));
            send_payload(&rig, 101, k == 0, payload, 4);
            if (k < 5)
                pass(&rig, 20);
        }
        rig.stamp += 160 * 5;
        talk(&rig, 3);
    }
    assert_string_equal(rig.heard.keys, pressed);
    assert_int_equal(rig.carrier->stats.unknown, 0);
    rig_close(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_codec_is_heard),
        cmocka_unit_test(opus_decodes_to_the_rate_that_is_sent),
        cmocka_unit_test(the_left_of_two_channels_is_the_caller),
        cmocka_unit_test(the_byte_order_of_l16_is_found_out),
        cmocka_unit_test(packets_may_come_in_pieces_and_with_text_between),
        cmocka_unit_test(lost_packets_do_not_click),
        cmocka_unit_test(a_backlog_does_not_become_permanent_delay),
        cmocka_unit_test(speech_is_not_cut_for_a_short_stall),
        cmocka_unit_test(a_clock_that_is_two_percent_off_adds_no_delay),
        cmocka_unit_test(a_change_of_codec_is_no_change_of_rate_and_no_click),
        cmocka_unit_test(another_sender_is_heard_within_100_ms_and_without_a_click),
        cmocka_unit_test(timestamps_and_numbers_wrap_around),
        cmocka_unit_test(silence_that_is_not_sent_keeps_its_length),
        cmocka_unit_test(nothing_is_made_up_for_ever),
        cmocka_unit_test(a_copy_in_the_next_packet_is_used),
        cmocka_unit_test(keys_in_the_stream_are_told_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
