/*
 * A peer that speaks RTP with a dialect: sends a tone in any codec, decodes what it gets.
 */
#ifndef VE_TEST_RTP_PEER_H
#define VE_TEST_RTP_PEER_H

#include "alloc_fail.h"
#include "audio/g711.h"
#include "audio/opus.h"
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

#define MS HEARD_MS

/* A peer that talks to the dialect. */
struct rig {
    struct ve_carrier *carrier;
    struct ve_rtp_map map;
    struct heard heard;
    struct ve_opus_encoder *opus;
    /* what the peer sends */
    uint8_t type;
    uint16_t seq;
    uint32_t stamp;
    uint32_t ssrc;
    double phase; /* of its tone */
    int loudness;
    /* what it got */
    struct ve_rtp_packet got[512]; /* without payloads */
    uint8_t first_bytes[512][4];   /* of the payloads */
    size_t got_count;
    struct heard played; /* what it made of it */
    struct ve_opus_decoder *ear;
    long live; /* blocks of memory before it */
};

static inline void rig_open(struct rig *rig, uint8_t type, uint32_t rate_out)
{
    memset(rig, 0, sizeof(*rig));
    rig->live = test_alloc_live();
    ve_rtp_map_default(&rig->map);
    rig->map.formats[97] = (struct ve_rtp_format){VE_RTP_L16, 16000, 1};
    rig->map.formats[98] = (struct ve_rtp_format){VE_RTP_L16, 48000, 1};
    struct ve_carrier_config config = {.rate_out = rate_out, .rtp = &rig->map, .seed = 5};
    assert_int_equal(ve_rtp_stream.new(&rig->carrier, &config, &heard_events, &rig->heard), 0);
    rig->carrier->now = HEARD_SECOND;
    rig->type = type;
    rig->seq = 65500;
    rig->stamp = 0xfffff000u;
    rig->ssrc = 77;
    rig->loudness = 8000;
}

static inline void rig_close(struct rig *rig)
{
    rig->carrier->ops->free(rig->carrier);
    ve_opus_encoder_free(rig->opus);
    ve_opus_decoder_free(rig->ear);
    assert_int_equal(test_alloc_live(), rig->live);
}

static const struct ve_rtp_format *format_of(const struct rig *rig, uint8_t type)
{
    return &rig->map.formats[type];
}

static inline uint32_t rate_of(const struct rig *rig, uint8_t type)
{
    const struct ve_rtp_format *format = format_of(rig, type);
    return format->codec == VE_RTP_OPUS ? 16000 : format->clock;
}

/* Sends a payload as the next packet. */
static inline void send_payload(struct rig *rig, uint8_t type, bool marker, const void *payload,
                                size_t len)
{
    uint8_t bytes[VE_RTP_MAX];
    struct ve_rtp_packet packet = {type, marker, rig->seq++, rig->stamp, rig->ssrc, NULL, 0};
    ve_rtp_write_head(bytes, &packet);
    memcpy(bytes + VE_RTP_HEAD, payload, len);
    assert_int_equal(heard_send(rig->carrier, bytes, VE_RTP_HEAD + len, false), 0);
}

/* 20 ms of a tone of 200 Hz in the peer's codec. */
static inline size_t make_frame(struct rig *rig, uint8_t *payload)
{
    int16_t frame[960];
    uint32_t rate = rate_of(rig, rig->type);
    size_t count = rate / 50;
    size_t len = VE_OPUS_PACKET_MAX;
    for (size_t i = 0; i < count; i++, rig->phase += 2 * M_PI * 200 / rate)
        frame[i] = (int16_t)lrint(rig->loudness * sin(rig->phase));
    switch (format_of(rig, rig->type)->codec) {
    case VE_RTP_PCMU:
        ve_ulaw_encode(payload, frame, count);
        return count;
    case VE_RTP_PCMA:
        ve_alaw_encode(payload, frame, count);
        return count;
    case VE_RTP_L16:
        for (size_t i = 0; i < count; i++) {
            bool little = rig->map.order == VE_RTP_LITTLE;
            payload[2 * i + little] = (uint8_t)((uint16_t)frame[i] >> 8);
            payload[2 * i + !little] = (uint8_t)frame[i];
        }
        return count * 2;
    default:
        if (!rig->opus)
            assert_int_equal(ve_opus_encoder_new(&rig->opus, rate), 0);
        assert_int_equal(ve_opus_encode(rig->opus, frame, count, payload, &len), 0);
        return len;
    }
}

static inline void move_on(struct rig *rig)
{
    rig->stamp += format_of(rig, rig->type)->clock / 50;
}

static inline void send_frame(struct rig *rig)
{
    uint8_t payload[4096];
    size_t len = make_frame(rig, payload);
    send_payload(rig, rig->type, false, payload, len);
    move_on(rig);
}

/* The peer makes a frame that never comes. */
static inline void lose_frame(struct rig *rig)
{
    uint8_t payload[4096];
    (void)make_frame(rig, payload);
    rig->seq++;
    move_on(rig);
}

static inline void got_packet(void *arg, const uint8_t *bytes, size_t len);

static inline void pass(struct rig *rig, unsigned ms)
{
    heard_wait(rig->carrier, rig->carrier->now + ms * MS, got_packet, rig);
}

static inline void talk(struct rig *rig, unsigned frames)
{
    for (unsigned i = 0; i < frames; i++) {
        send_frame(rig);
        pass(rig, 20);
    }
}

/* What the peer hears of a packet that came. */
static inline void got_packet(void *arg, const uint8_t *bytes, size_t len)
{
    struct rig *rig = arg;
    struct ve_rtp_packet packet;
    int16_t out[VE_OPUS_FRAME_MAX];
    size_t n = VE_OPUS_FRAME_MAX;
    assert_int_equal(ve_rtp_parse(&packet, bytes, len), 0);
    assert_in_range(rig->got_count, 0, 511);
    memcpy(rig->first_bytes[rig->got_count], packet.payload, 4);
    rig->got[rig->got_count++] = packet;
    switch (format_of(rig, packet.payload_type)->codec) {
    case VE_RTP_PCMU:
        ve_ulaw_decode(out, packet.payload, packet.len);
        n = packet.len;
        break;
    case VE_RTP_PCMA:
        ve_alaw_decode(out, packet.payload, packet.len);
        n = packet.len;
        break;
    case VE_RTP_L16:
        n = packet.len / 2;
        for (size_t i = 0; i < n; i++) {
            const uint8_t *p = packet.payload + 2 * i;
            out[i] =
                (int16_t)(rig->map.order == VE_RTP_LITTLE ? p[0] | p[1] << 8 : p[0] << 8 | p[1]);
        }
        break;
    case VE_RTP_OPUS:
        if (!rig->ear)
            assert_int_equal(ve_opus_decoder_new(&rig->ear, 16000), 0);
        assert_int_equal(ve_opus_decode(rig->ear, packet.payload, packet.len, out, &n), 0);
        break;
    default:
        return;
    }
    heard_audio(&rig->played, out, n, rate_of(rig, packet.payload_type));
}

/* The agent says `count` samples of a tone at the engine's rate; in frames of 20 ms. */
static inline void say(struct rig *rig, uint32_t rate, size_t frames, bool real_time)
{
    uint8_t bytes[8192];
    int16_t frame[480];
    bool text = true;
    for (size_t f = 0; f < frames; f++) {
        for (size_t i = 0; i < rate / 50; i++)
            frame[i] =
                (int16_t)lrint(8000 * sin(2 * M_PI * 200 * (double)(f * rate / 50 + i) / rate + 1));
        assert_true(rig->carrier->ops->audio_size(rig->carrier, rate / 50) <= sizeof(bytes));
        size_t len = rig->carrier->ops->audio(rig->carrier, frame, rate / 50, bytes, &text);
        assert_int_not_equal(len, VE_CARRIER_LATER);
        assert_false(text);
        if (len)
            got_packet(rig, bytes, len);
        if (real_time)
            pass(rig, 20);
    }
}

#endif
