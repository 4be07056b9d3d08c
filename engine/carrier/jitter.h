/*
 * carrier/jitter.h - RTP packets back in order.
 *
 * A WebSocket neither loses nor reorders, so nothing is held back to smooth the arrival: a packet
 * that is next in line is handed on at once, and a burst as it comes. That is why there is no
 * backlog, and why a sender whose clock is off adds no delay. Only behind a gap packets wait, for
 * one that was overtaken by at most two others or 60 ms; then it counts as lost.
 *
 * Another SSRC takes over when the old one has been silent for 60 ms and the new one has shown two
 * packets in a row; while the old one flows it is dropped and counted. Sequence numbers that jump
 * by more than 3000 forward or 100 back (RFC 3550 A.1) begin a new stream after two in a row; so do
 * smaller steps back when nothing else has come for 60 ms.
 *
 * Time is an argument (ns). Owned by one dialect; packets are borrowed by the handlers.
 */
#ifndef VE_CARRIER_JITTER_H
#define VE_CARRIER_JITTER_H

#include "carrier/carrier.h"
#include "carrier/rtp.h"

#define VE_JITTER_WINDOW 2                 /* packets that may overtake one */
#define VE_JITTER_WAIT   (60 * 1000000ull) /* ns */
#define VE_JITTER_SILENT VE_JITTER_WAIT    /* ns of silence that make a sender replaceable */

/* A packet that is kept. */
struct ve_jitter_slot {
    struct ve_rtp_packet packet;
    uint8_t *bytes; /* owned, the payload; NULL: the slot is free */
    uint64_t at;    /* ns of its arrival */
};

struct ve_jitter_events {
    /* In order. */
    void (*packet)(void *arg, const struct ve_rtp_packet *packet);
    /* So many packets before the next one never came. */
    void (*lost)(void *arg, unsigned count);
    /* What follows belongs to another stream: timestamps, decoders and keys begin anew. */
    void (*reset)(void *arg);
};

struct ve_jitter {
    const struct ve_jitter_events *events;
    void *arg;
    struct ve_carrier_stats *stats; /* borrowed */
    bool started;
    uint32_t ssrc;
    uint16_t next;                                /* sequence number that is due */
    uint64_t heard_at;                            /* ns: the sender's last packet came */
    struct ve_jitter_slot held[VE_JITTER_WINDOW]; /* [i]: number next + 1 + i, come too early */
    struct ve_jitter_slot candidate;              /* last packet of who may take over */
};

void ve_jitter_init(struct ve_jitter *jitter, const struct ve_jitter_events *events, void *arg,
                    struct ve_carrier_stats *stats);
void ve_jitter_free(struct ve_jitter *jitter);
void ve_jitter_put(struct ve_jitter *jitter, const struct ve_rtp_packet *packet, uint64_t now);
/* Gives up on what is overdue. */
void ve_jitter_tick(struct ve_jitter *jitter, uint64_t now);
/* When ve_jitter_tick has something to do (ns); 0: never. */
uint64_t ve_jitter_due(const struct ve_jitter *jitter);

#endif
