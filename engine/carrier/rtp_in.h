/*
 * carrier/rtp_in.h - a caller's RTP packets become samples.
 *
 * The sound keeps the time of the wall: where packets are missing or late it goes on, made up from
 * what was heard and fading out (Opus does that itself), with comfort noise when the sender told
 * some; after 2 s it stops. What was made up for packets that come after all is left out again, in
 * silence first, so that a stall is no delay for ever.
 *
 * The rate is that of the first packet and stays: recognisers and recordings see no change when the
 * sender changes its codec. Opus decodes straight to the rate of the session.
 *
 * Embedded in its dialect; times are ns of the loop.
 */
#ifndef VE_CARRIER_RTP_IN_H
#define VE_CARRIER_RTP_IN_H

#include "audio/cn.h"
#include "audio/plc.h"
#include "carrier/jitter.h"
#include "carrier/rtp_event.h"

struct ve_opus_decoder;
struct ve_resampler;

/* Finds out which byte order a sender of L16 means: sound is smooth, its bytes swapped are not. */
struct ve_rtp_order_guess {
    int votes; /* above 0: little-endian */
    bool sure;
};

struct ve_rtp_in {
    const struct ve_rtp_map *map; /* borrowed */
    const struct ve_carrier_events *events;
    void *arg;
    struct ve_carrier_stats *stats; /* borrowed */
    uint64_t now;                   /* ns, of the present call */
    uint32_t opus_rate;             /* Hz */
    uint32_t rate;                  /* Hz of what is handed on; 0 before the first packet */
    struct ve_jitter jitter;
    struct ve_rtp_keys keys;
    struct ve_rtp_order_guess order;
    /* the sender's present codec */
    uint8_t type;
    bool typed;                    /* `type` is known */
    uint32_t decoded_rate;         /* Hz */
    struct ve_opus_decoder *opus;  /* owned; made at the first packet, freed when idle */
    struct ve_resampler *resample; /* owned; NULL: decoded_rate is rate */
    /* the sender's time */
    bool timed;       /* `next` is known */
    uint32_t next;    /* timestamp that is due */
    uint32_t clock;   /* Hz of it */
    bool lost;        /* numbers were left out before the present packet */
    uint64_t covered; /* ns: sound was handed on up to here */
    uint64_t used_at; /* ns of the last packet */
    uint64_t filled;  /* samples made up since the last packet */
    uint64_t debt;    /* samples made up for what came after all */
    bool filling;
    bool silent; /* the sender has said that it falls silent */
    bool joint;  /* the next sound does not go on from the last one */
    struct ve_plc plc;
    struct ve_cn cn;
};

/* `map`, `events` and `stats` are borrowed. */
void ve_rtp_in_init(struct ve_rtp_in *in, const struct ve_carrier_config *config,
                    const struct ve_rtp_map *map, const struct ve_carrier_events *events, void *arg,
                    struct ve_carrier_stats *stats);
void ve_rtp_in_free(struct ve_rtp_in *in);
/* One message. True: it was a packet (of RTCP as well); false: none, and it is counted as broken.
 */
bool ve_rtp_in_take(struct ve_rtp_in *in, const uint8_t *bytes, size_t len, uint64_t now);
void ve_rtp_in_tick(struct ve_rtp_in *in, uint64_t now);
/* ns at which ve_rtp_in_tick has something to do; 0: never. */
uint64_t ve_rtp_in_due(const struct ve_rtp_in *in);
/* L16 comes little-endian, as far as is known. */
bool ve_rtp_in_little(const struct ve_rtp_in *in);

#endif
