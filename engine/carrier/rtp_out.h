/*
 * carrier/rtp_out.h - what the agent says, and the keys it presses, as RTP packets.
 *
 * A packet holds 20 ms. Timestamps go on with the clock through silence, and the first packet after
 * it has the marker bit. When the sound stops in the middle of a word, a last packet lets it fade,
 * because a peer that is sent packets cannot be told to drop any. Keys are telephone-events of
 * 100 ms with 60 ms between them; sound waits until they are through.
 *
 * Embedded in its dialect; times are ns of the loop.
 */
#ifndef VE_CARRIER_RTP_OUT_H
#define VE_CARRIER_RTP_OUT_H

#include "carrier/carrier.h"
#include "carrier/rtp.h"

#define VE_RTP_OUT_PENDING 4096 /* samples */
#define VE_RTP_OUT_KEYS    64

struct ve_opus_encoder;
struct ve_resampler;

struct ve_rtp_out {
    const struct ve_rtp_map *map;  /* borrowed */
    uint32_t rate_in;              /* Hz of what we are given */
    uint8_t type;                  /* payload type of the sound */
    bool little;                   /* L16 goes out little-endian */
    bool ready;                    /* what follows is made for `type` */
    uint32_t rate;                 /* Hz of what is encoded */
    struct ve_resampler *resample; /* owned; NULL: rate_in is rate */
    struct ve_opus_encoder *opus;  /* owned; made at the first packet, freed when idle */
    int16_t pending[VE_RTP_OUT_PENDING];
    size_t count;     /* samples in `pending` */
    uint64_t at;      /* ns when the first of them came, or the last packet was sent */
    int16_t last;     /* the last sample that was sent */
    uint32_t ssrc;    /* random */
    uint16_t seq;     /* of the next packet */
    uint32_t stamp;   /* of the next packet */
    uint64_t ends_at; /* ns: the peer has played what was sent; 0: nothing was */
    char keys[VE_RTP_OUT_KEYS + 1]; /* still to be pressed, the first one is being pressed */
    unsigned key_step;              /* packets of the first key so far */
    uint64_t key_due;               /* ns */
};

void ve_rtp_out_init(struct ve_rtp_out *out, const struct ve_carrier_config *config,
                     const struct ve_rtp_map *map);
void ve_rtp_out_free(struct ve_rtp_out *out);
/* What the peer sends is what it gets. */
void ve_rtp_out_use(struct ve_rtp_out *out, uint8_t type, bool little);
/* Bytes of a packet at most. */
size_t ve_rtp_out_size(const struct ve_rtp_out *out);
/* Takes samples (at most 40 ms, may be none) and writes one packet; its bytes, or 0: there is none
 * yet. VE_CARRIER_LATER: not taken, a key is being pressed. */
size_t ve_rtp_out_audio(struct ve_rtp_out *out, const int16_t *samples, size_t count,
                        uint8_t *bytes, uint64_t now);
/* VE_EINVAL: not all of them are keys; VE_EBUSY: too many wait; VE_ENOTSUP: no payload type. */
int ve_rtp_out_digits(struct ve_rtp_out *out, struct ve_str digits, uint64_t now);
/* ns at which ve_rtp_out_audio is to be called without samples; 0: never. */
uint64_t ve_rtp_out_due(const struct ve_rtp_out *out);

#endif
