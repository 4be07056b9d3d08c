#include "carrier/rtp_event.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* What a packet tells; 0 is '\0'. */
static char take(struct ve_rtp_keys *keys, char key, uint32_t timestamp, uint16_t duration,
                 bool end, bool marker)
{
    uint8_t payload[VE_RTP_EVENT_SIZE];
    ve_rtp_event_write(payload, (uint8_t)ve_rtp_event_of(key), end, duration);
    struct ve_rtp_packet packet = {101, marker, 0, timestamp, 1, payload, sizeof(payload)};
    return ve_rtp_keys_take(keys, &packet);
}

static void a_key_is_told_once(void **state)
{
    static const char pressed[] = "0123456789*#ABCD";
    struct ve_rtp_keys keys = {0};
    (void)state;
    for (uint32_t i = 0; pressed[i]; i++) {
        uint32_t at = 8000 * (i + 1);
        assert_int_equal(take(&keys, pressed[i], at, 160, false, true), pressed[i]);
        for (uint16_t k = 2; k < 6; k++)
            assert_int_equal(take(&keys, pressed[i], at, (uint16_t)(160 * k), false, false), 0);
        for (int k = 0; k < 3; k++)
            assert_int_equal(take(&keys, pressed[i], at, 960, true, false), 0);
    }
}

static void any_packet_of_it_will_do(void **state)
{
    struct ve_rtp_keys keys = {0};
    (void)state;
    assert_int_equal(take(&keys, '5', 1000, 960, true, false), '5');
    assert_int_equal(take(&keys, '5', 1000, 960, true, false), 0);
    /* the same key again, all but an update lost */
    assert_int_equal(take(&keys, '5', 3000, 320, false, false), '5');
}

static void late_repetitions_tell_nothing(void **state)
{
    struct ve_rtp_keys keys = {0};
    (void)state;
    assert_int_equal(take(&keys, '1', 1000, 160, false, true), '1');
    assert_int_equal(take(&keys, '2', 3000, 160, false, true), '2');
    assert_int_equal(take(&keys, '1', 1000, 960, true, false), 0);
    assert_int_equal(take(&keys, '3', 5000, 160, false, true), '3');
    assert_int_equal(take(&keys, '1', 1000, 960, true, false), 0);
    assert_int_equal(take(&keys, '2', 3000, 960, true, false), 0);
}

static void a_long_press_is_one_key(void **state)
{
    struct ve_rtp_keys keys = {0};
    (void)state;
    assert_int_equal(take(&keys, '9', 1000, 0xffff, false, true), '9');
    assert_int_equal(take(&keys, '9', 1000 + 0xffff, 160, false, false), 0);
    assert_int_equal(take(&keys, '9', 1000 + 2 * 0xffff, 160, false, false), 0);
    assert_int_equal(take(&keys, '9', 1000 + 2 * 0xffff, 320, true, false), 0);
    /* pressed again it is another one */
    assert_int_equal(take(&keys, '9', 1000 + 3 * 0xffff, 160, false, true), '9');
}

static void timestamps_wrap_around(void **state)
{
    struct ve_rtp_keys keys = {0};
    (void)state;
    assert_int_equal(take(&keys, '7', 0xffffff00, 160, false, true), '7');
    assert_int_equal(take(&keys, '8', 0x00000800, 160, false, true), '8');
    assert_int_equal(take(&keys, '7', 0xffffff00, 960, true, false), 0);
}

static void what_is_no_key_tells_nothing(void **state)
{
    static const uint8_t flash[] = {16, 10, 0, 160};
    static const uint8_t soft[] = {5, 56, 0, 160};
    struct ve_rtp_keys keys = {0};
    struct ve_rtp_packet packet = {101, true, 0, 1, 1, flash, 4};
    (void)state;
    assert_int_equal(ve_rtp_keys_take(&keys, &packet), 0);
    packet.payload = soft;
    assert_int_equal(ve_rtp_keys_take(&keys, &packet), 0);
    for (packet.len = 0; packet.len < 4; packet.len++)
        assert_int_equal(ve_rtp_keys_take(&keys, &packet), 0);
    assert_int_equal(ve_rtp_event_of('x'), -1);
    assert_int_equal(ve_rtp_event_of('\0'), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_is_told_once),
        cmocka_unit_test(any_packet_of_it_will_do),
        cmocka_unit_test(late_repetitions_tell_nothing),
        cmocka_unit_test(a_long_press_is_one_key),
        cmocka_unit_test(timestamps_wrap_around),
        cmocka_unit_test(what_is_no_key_tells_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
