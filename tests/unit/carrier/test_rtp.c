#include "carrier/rtp.h"

#include "base/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const uint8_t plain[] = {0x80, 0x80, 0x12, 0x34, 0, 0, 0, 160, 1, 2, 3, 4, 0xff, 0xfe};

static void a_plain_packet_is_read(void **state)
{
    struct ve_rtp_packet packet;
    (void)state;
    assert_int_equal(ve_rtp_parse(&packet, plain, sizeof(plain)), 0);
    assert_int_equal(packet.payload_type, 0);
    assert_true(packet.marker);
    assert_int_equal(packet.seq, 0x1234);
    assert_int_equal(packet.timestamp, 160);
    assert_int_equal(packet.ssrc, 0x01020304);
    assert_int_equal(packet.len, 2);
    assert_ptr_equal(packet.payload, plain + 12);
    assert_int_equal(ve_rtp_parse(&packet, plain, 12), 0);
    assert_int_equal(packet.len, 0);
}

static void sources_extensions_and_padding_are_passed_over(void **state)
{
    /* two sources, an extension of one word, three bytes of padding */
    static const uint8_t full[] = {0xb2, 8, 0, 1,    0,    0, 0, 2, 0, 0, 0, 3,    9,    9, 9, 9, 8,
                                   8,    8, 8, 0xbe, 0xde, 0, 1, 7, 7, 7, 7, 0x55, 0xd5, 0, 0, 3};
    struct ve_rtp_packet packet;
    (void)state;
    assert_int_equal(ve_rtp_parse(&packet, full, sizeof(full)), 0);
    assert_int_equal(packet.payload_type, 8);
    assert_int_equal(packet.len, 2);
    assert_int_equal(packet.payload[0], 0x55);
    /* Cut anywhere, it is no packet: every length is looked at. */
    for (size_t len = 0; len < 28; len++)
        assert_int_equal(ve_rtp_parse(&packet, full, len), VE_EPROTO);
}

static int parse_with(size_t at, uint8_t value, size_t len)
{
    uint8_t bytes[64] = {0};
    struct ve_rtp_packet packet;
    memcpy(bytes, plain, sizeof(plain));
    bytes[at] = value;
    return ve_rtp_parse(&packet, bytes, len);
}

static void what_is_no_packet_is_refused(void **state)
{
    static uint8_t long_one[VE_RTP_MAX + 1] = {0x80};
    struct ve_rtp_packet packet;
    (void)state;
    assert_int_equal(parse_with(0, 0x40, 14), VE_EPROTO); /* version 1 */
    assert_int_equal(parse_with(0, 0x00, 14), VE_EPROTO);
    assert_int_equal(parse_with(0, 0xa0, 12), VE_EPROTO); /* padding without a byte */
    assert_int_equal(parse_with(0, 0xa0, 14), VE_EPROTO); /* 254 bytes of padding */
    assert_int_equal(parse_with(0, 0x8f, 14), VE_EPROTO); /* 15 sources */
    assert_int_equal(parse_with(0, 0x90, 14), VE_EPROTO); /* extension cut off */
    assert_int_equal(parse_with(1, 200, 14), VE_ENOTSUP); /* RTCP */
    assert_int_equal(parse_with(1, 223, 14), VE_ENOTSUP);
    assert_int_equal(parse_with(1, 224, 14), 0);
    assert_int_equal(ve_rtp_parse(&packet, long_one, sizeof(long_one)), VE_EPROTO);
    assert_int_equal(ve_rtp_parse(&packet, long_one, VE_RTP_MAX), 0);
}

static void what_is_written_can_be_read(void **state)
{
    const struct ve_rtp_packet sent = {111, true, 65535, 0xfffffff0, 0xdeadbeef, NULL, 0};
    struct ve_rtp_packet got;
    uint8_t bytes[VE_RTP_HEAD];
    (void)state;
    ve_rtp_write_head(bytes, &sent);
    assert_int_equal(ve_rtp_parse(&got, bytes, sizeof(bytes)), 0);
    assert_int_equal(got.payload_type, 111);
    assert_true(got.marker);
    assert_int_equal(got.seq, 65535);
    assert_int_equal(got.timestamp, 0xfffffff0);
    assert_int_equal(got.ssrc, 0xdeadbeef);
}

static void payload_types_are_configured(void **state)
{
    struct ve_rtp_map map;
    char why[96];
    (void)state;
    ve_rtp_map_default(&map);
    assert_int_equal(map.formats[0].codec, VE_RTP_PCMU);
    assert_int_equal(map.formats[8].codec, VE_RTP_PCMA);
    assert_int_equal(map.formats[10].channels, 2);
    assert_int_equal(map.formats[111].clock, 48000);
    assert_int_equal(map.formats[42].codec, VE_RTP_UNKNOWN);
    assert_int_equal(map.audio, 96);
    struct ve_str text = VE_STR(" 97=L16/16000/2, 0=PCMU 98=telephone-event/16000 101=none");
    assert_int_equal(ve_rtp_map_read(&map, text, why), 0);
    assert_string_equal(why, "");
    assert_int_equal(map.audio, 97);
    assert_int_equal(map.events, 98);
    assert_int_equal(map.formats[97].clock, 16000);
    assert_int_equal(map.formats[97].channels, 2);
    assert_int_equal(map.formats[101].codec, VE_RTP_UNKNOWN);
    assert_int_equal(ve_rtp_map_read(&map, VE_STR("111=OPUS/48000/2"), why), 0);
    assert_int_equal(map.audio, 111);
    assert_int_equal(ve_rtp_map_read(&map, VE_STR(""), why), 0);
    assert_int_equal(map.audio, 111);
}

static void nonsense_in_the_configuration_is_explained(void **state)
{
    static const char *const bad[] = {
        "128=PCMU",      "x=PCMU",        "96",       "=PCMU",           "96=",
        "96=GSM",        "96=L16/4000",   "96=L16/0", "96=L16/16000/3",  "96=L16/16000/1/1",
        "96=PCMU/16000", "96=opus/16000", "72=PCMU",  "96=L16/99999999", "96=none",
    };
    struct ve_rtp_map map;
    char why[96];
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        ve_rtp_map_default(&map);
        assert_int_equal(ve_rtp_map_read(&map, ve_str(bad[i]), why), VE_EPROTO);
        assert_true(strlen(why) > 10);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plain_packet_is_read),
        cmocka_unit_test(sources_extensions_and_padding_are_passed_over),
        cmocka_unit_test(what_is_no_packet_is_refused),
        cmocka_unit_test(what_is_written_can_be_read),
        cmocka_unit_test(payload_types_are_configured),
        cmocka_unit_test(nonsense_in_the_configuration_is_explained),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
