/*
 * carrier/rtp.h - one RTP packet (RFC 3550 section 5.1) and what its payload types mean.
 *
 * Pure; the bytes are hostile. A parsed packet borrows its payload from them.
 */
#ifndef VE_CARRIER_RTP_H
#define VE_CARRIER_RTP_H

#include "base/str.h"

#define VE_RTP_HEAD 12   /* bytes of a header without extras, as we write it */
#define VE_RTP_MAX  8192 /* bytes of a packet; longer messages are none */

struct ve_rtp_packet {
    uint8_t payload_type; /* 0 to 127 */
    bool marker;
    uint16_t seq;
    uint32_t timestamp; /* in the clock of the payload type */
    uint32_t ssrc;
    const uint8_t *payload; /* borrowed */
    size_t len;             /* bytes; may be 0 */
};

/* VE_EPROTO: no packet. VE_ENOTSUP: RTCP, by the second byte (RFC 5761), to be passed over. */
int ve_rtp_parse(struct ve_rtp_packet *out, const uint8_t *bytes, size_t len);
void ve_rtp_write_head(uint8_t out[static VE_RTP_HEAD], const struct ve_rtp_packet *packet);

enum ve_rtp_codec {
    VE_RTP_UNKNOWN,
    VE_RTP_PCMU,
    VE_RTP_PCMA,
    VE_RTP_L16,
    VE_RTP_OPUS,
    VE_RTP_CN,     /* comfort noise, RFC 3389 */
    VE_RTP_EVENTS, /* key presses, RFC 4733 */
};

bool ve_rtp_is_audio(enum ve_rtp_codec codec);

struct ve_rtp_format {
    enum ve_rtp_codec codec;
    uint32_t clock;    /* Hz of the timestamps; of Opus always 48000 */
    uint32_t channels; /* of L16: 1, or 2 with the caller left */
};

/* RFC 3551 wants L16 in network order; some peers send it as their machine has it. */
enum ve_rtp_order { VE_RTP_BIG, VE_RTP_LITTLE, VE_RTP_ORDER_AUTO };

struct ve_rtp_map {
    struct ve_rtp_format formats[128]; /* by payload type */
    enum ve_rtp_order order;           /* of L16 */
    uint8_t audio;                     /* payload type that is sent before the peer has shown its */
    uint8_t events;                    /* payload type of the keys we send */
};

/*
 * 0 PCMU, 8 PCMA, 10 and 11 L16/44100 in stereo and mono, 13 CN, 96 L16/8000, 101 telephone-event,
 * 111 Opus; L16 in network order. Sent first: 96.
 */
void ve_rtp_map_default(struct ve_rtp_map *out);
/* Changes it by "96=L16/16000 111=opus 101=telephone-event 0=PCMU 97=L16/8000/2 100=none", divided
 * by blanks or commas; the first audio type that is named is the one sent first. VE_EPROTO with a
 * sentence in `why`. */
int ve_rtp_map_read(struct ve_rtp_map *map, struct ve_str text, char why[static 96]);

#endif
