/*
 * carrier/rtp_event.h - key presses in RTP (telephone-event, RFC 4733).
 *
 * An event is many packets with one timestamp: they say for how long the key has been down, and at
 * the end three times that it is up. Any of them may be missing, so the first one that comes tells
 * the key, and an end is never waited for. A key that is held for longer than a duration can say
 * (8 s) goes on as another event, one whole duration later.
 */
#ifndef VE_CARRIER_RTP_EVENT_H
#define VE_CARRIER_RTP_EVENT_H

#include "carrier/rtp.h"

#define VE_RTP_EVENT_SIZE 4 /* bytes of a payload */

/* What was heard, of one sender; all zero at first and after a change of sender. */
struct ve_rtp_keys {
    struct ve_rtp_key {
        uint32_t timestamp;
        uint8_t event;
        bool known;
        bool ended;
    } now, before;
};

/* The key that this packet tells first, or 0: it is told already, or it is none of 0-9 * # A-D. */
char ve_rtp_keys_take(struct ve_rtp_keys *keys, const struct ve_rtp_packet *packet);

/* The event of a key; -1: it is none. */
int ve_rtp_event_of(char key);
void ve_rtp_event_write(uint8_t out[static VE_RTP_EVENT_SIZE], uint8_t event, bool end,
                        uint16_t duration);

#endif
