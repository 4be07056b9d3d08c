#include "rtp_peer.h"

#include "audio/level.h"
#include "carrier/rtp_event.h"

static void keys_are_sent_as_events(void **state)
{
    static struct rig rig;
    struct ve_buf nothing;
    struct ve_rtp_keys keys = {0};
    char told[8] = "";
    (void)state;
    rig_open(&rig, 0, 8000);
    ve_buf_init(&nothing, 0);
    talk(&rig, 3);
    say(&rig, 8000, 5, true);
    size_t before = rig.got_count;
    assert_int_equal(ve_rtp_stream.digits(rig.carrier, VE_STR("17#"), &nothing), 0);
    assert_int_equal(nothing.len, 0);
    pass(&rig, 600);
    assert_int_equal(rig.got_count - before, 3 * 8);
    for (size_t i = before; i < rig.got_count; i++) {
        struct ve_rtp_packet *packet = &rig.got[i];
        assert_int_equal(packet->payload_type, 101);
        assert_int_equal(packet->marker, (i - before) % 8 == 0);
        assert_int_equal(packet->seq, (uint16_t)(rig.got[before].seq + (i - before)));
        packet->payload = rig.first_bytes[i];
        char key = ve_rtp_keys_take(&keys, packet);
        if (key)
            told[strlen(told)] = key;
        if ((i - before) % 8 >= 5)
            assert_int_equal(packet->payload[1] & 0x80, 0x80);
    }
    assert_string_equal(told, "17#");
    /* Sound waits meanwhile, and goes on afterwards. */
    assert_int_equal(ve_rtp_stream.digits(rig.carrier, VE_STR("5"), &nothing), 0);
    int16_t frame[320] = {0};
    uint8_t bytes[4096];
    bool text;
    assert_true(ve_rtp_stream.audio(rig.carrier, frame, 320, bytes, &text) == VE_CARRIER_LATER);
    pass(&rig, 300);
    say(&rig, 8000, 2, true);
    assert_int_equal(rig.got[rig.got_count - 1].payload_type, 0);
    /* what cannot be sent is refused as a whole */
    assert_int_equal(ve_rtp_stream.digits(rig.carrier, VE_STR("1x"), &nothing), VE_EINVAL);
    char many[96] = "";
    memset(many, '1', sizeof(many) - 1);
    assert_int_equal(ve_rtp_stream.digits(rig.carrier, ve_str(many), &nothing), VE_EBUSY);
    rig_close(&rig);
}

/* --- out ----------------------------------------------------------------------------------------
 */

static void the_answer_is_in_the_peers_codec(void **state)
{
    static const uint8_t types[] = {0, 8, 96, 97, 98, 11, 111};
    static const uint32_t rates[] = {8000, 16000, 24000};
    static struct rig rig;
    (void)state;
    for (size_t r = 0; r < 3; r++) {
        for (size_t i = 0; i < sizeof(types); i++) {
            rig_open(&rig, types[i], rates[r]);
            talk(&rig, 2);
            say(&rig, rates[r], 50, true);
            pass(&rig, 100);
            uint32_t rate = rate_of(&rig, types[i]);
            assert_int_equal(rig.got[0].payload_type, types[i]);
            assert_int_equal(rig.played.rate, rate);
            assert_in_range(rig.played.count, rate, rate * 11 / 10);
            float level = ve_level_rms(rig.played.samples + rate / 4, rate / 2);
            assert_float_equal(level, -15.2, 0.8);
            double natural = 8000 * 2 * M_PI * 200 / rate;
            int worst = heard_steepest(rig.played.samples + rate / 4, rig.played.count - rate / 4);
            assert_true(worst < natural * 2 + 2200); /* it ends within 4 ms */
            rig_close(&rig);
        }
    }
}

static void before_the_peer_has_spoken_the_configured_type_is_sent(void **state)
{
    static struct rig rig;
    (void)state;
    rig_open(&rig, 0, 16000);
    say(&rig, 16000, 5, true);
    assert_int_equal(rig.got[0].payload_type, 96);
    talk(&rig, 1);
    say(&rig, 16000, 5, true);
    assert_int_equal(rig.got[rig.got_count - 1].payload_type, 0);
    rig_close(&rig);
}

static void numbers_go_on_and_timestamps_keep_the_time(void **state)
{
    static struct rig rig;
    (void)state;
    rig_open(&rig, 0, 16000);
    talk(&rig, 1);
    say(&rig, 16000, 10, true);
    pass(&rig, 1000);
    size_t spoken = rig.got_count;
    assert_in_range(spoken, 10, 11); /* the last one lets the sound fade */
    say(&rig, 16000, 10, true);
    for (size_t i = 1; i < rig.got_count; i++) {
        uint32_t step = rig.got[i].timestamp - rig.got[i - 1].timestamp;
        assert_int_equal(rig.got[i].seq, (uint16_t)(rig.got[i - 1].seq + 1));
        assert_int_equal(rig.got[i].ssrc, rig.got[0].ssrc);
        if (i == spoken)
            assert_in_range(step, 7500, 8400);
        else
            assert_int_equal(step, 160);
        assert_int_equal(rig.got[i].marker, i == spoken);
    }
    assert_true(rig.got[0].marker);
    rig_close(&rig);
}

static void a_stop_in_mid_word_does_not_click(void **state)
{
    static struct rig rig;
    (void)state;
    rig_open(&rig, 97, 16000);
    talk(&rig, 1);
    for (int i = 1; i < 12; i++) {
        say(&rig, 16000, (size_t)i, true);
        pass(&rig, 200);
        const int16_t *end = rig.played.samples + rig.played.count;
        assert_int_equal(end[-1], 0);
        assert_true(heard_steepest(end - 640, 640) < 1200);
    }
    rig_close(&rig);
}

static void frames_of_any_size_become_packets_of_20_ms(void **state)
{
    static struct rig rig;
    uint8_t bytes[4096];
    int16_t samples[32];
    bool text;
    size_t given = 0;
    (void)state;
    rig_open(&rig, 97, 16000);
    talk(&rig, 1);
    srand(2);
    for (int i = 0; i < 4000; i++) {
        size_t n = (size_t)rand() % 33;
        pass(&rig, 1);
        for (size_t k = 0; k < n; k++)
            samples[k] = (int16_t)(given + k);
        size_t len = ve_rtp_stream.audio(rig.carrier, samples, n, bytes, &text);
        assert_int_not_equal(len, VE_CARRIER_LATER);
        given += n;
        if (len)
            got_packet(&rig, bytes, len);
    }
    pass(&rig, 100);
    assert_true(rig.played.count >= given);
    for (size_t i = 0; i < given - 640; i++)
        assert_int_equal(rig.played.samples[i], (int16_t)i);
    rig_close(&rig);
}

/* --- memory -------------------------------------------------------------------------------------
 */

static int talk_and_listen(void *arg)
{
    struct rig *rig = arg;
    uint8_t bytes[4096];
    int16_t frame[480] = {0};
    bool text;
    struct ve_carrier_config config = {.rate_out = 24000, .seed = 5};
    memset(&rig->heard, 0, sizeof(rig->heard));
    int err = ve_rtp_stream.new(&rig->carrier, &config, &heard_events, &rig->heard);
    if (err)
        return err;
    rig->carrier->now = HEARD_SECOND;
    for (unsigned i = 0; i < 6; i++) {
        /* an order that makes the jitter buffer keep packets; and a piece */
        bytes[0] = 0x80;
        memset(bytes + 1, 0, 11);
        bytes[3] = (uint8_t)(i ^ 1);
        memset(bytes + 12, 0x20, 160);
        ve_rtp_stream.data(rig->carrier, bytes, 90, true, false, false);
        ve_rtp_stream.data(rig->carrier, bytes + 90, 82, false, true, false);
        rig->carrier->now += 20 * MS;
    }
    err = ve_rtp_stream.audio(rig->carrier, frame, 480, bytes, &text) == VE_CARRIER_LATER
              ? VE_ENOMEM
              : 0;
    if (!rig->heard.count)
        err = VE_ENOMEM;
    rig->carrier->ops->free(rig->carrier);
    return err;
}

static void without_memory_nothing_is_left_behind(void **state)
{
    static struct rig rig;
    (void)state;
    assert_true(test_alloc_sweep(talk_and_listen, &rig) > 4);
    assert_int_equal(test_alloc_live(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_are_sent_as_events),
        cmocka_unit_test(the_answer_is_in_the_peers_codec),
        cmocka_unit_test(before_the_peer_has_spoken_the_configured_type_is_sent),
        cmocka_unit_test(numbers_go_on_and_timestamps_keep_the_time),
        cmocka_unit_test(a_stop_in_mid_word_does_not_click),
        cmocka_unit_test(frames_of_any_size_become_packets_of_20_ms),
        cmocka_unit_test(without_memory_nothing_is_left_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
