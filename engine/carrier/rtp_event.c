#include "carrier/rtp_event.h"

#include <string.h>

#define END      0x80
#define VOLUME   0x3f
#define TOO_SOFT 55           /* -dBm0: below it the key was not meant (RFC 4733 section 2.3.4) */
#define OUR_TONE 10           /* -dBm0 */
#define WHOLE    0xffff       /* the longest duration; a longer event goes on behind it */
#define OLD      (48000 * 10) /* timestamp units; further back is another time line */

static const char keypad[] = "0123456789*#ABCD";

static bool matches(const struct ve_rtp_key *key, uint32_t timestamp, uint8_t event)
{
    return key->known && key->timestamp == timestamp && key->event == event;
}

/* Is it an event that we know, or the continuation of the last one? */
static bool is_known(struct ve_rtp_keys *keys, const struct ve_rtp_packet *packet, uint8_t event)
{
    struct ve_rtp_key *now = &keys->now;
    uint32_t at = packet->timestamp;
    if (matches(now, at, event) || matches(&keys->before, at, event))
        return true;
    if (!now->known)
        return false;
    uint32_t behind = now->timestamp - at;
    if (behind && behind < OLD)
        return true; /* a late repetition of one before the last */
    if (event != now->event || now->ended || packet->marker || at - now->timestamp != WHOLE)
        return false;
    now->timestamp = at;
    return true;
}

char ve_rtp_keys_take(struct ve_rtp_keys *keys, const struct ve_rtp_packet *packet)
{
    if (packet->len < VE_RTP_EVENT_SIZE)
        return '\0';
    uint8_t event = packet->payload[0];
    if (event >= sizeof(keypad) - 1 || (packet->payload[1] & VOLUME) > TOO_SOFT)
        return '\0';
    bool end = packet->payload[1] & END;
    if (is_known(keys, packet, event)) {
        if (packet->timestamp == keys->now.timestamp)
            keys->now.ended |= end;
        return '\0';
    }
    keys->before = keys->now;
    keys->now = (struct ve_rtp_key){packet->timestamp, event, true, end};
    return keypad[event];
}

int ve_rtp_event_of(char key)
{
    const char *at = key ? strchr(keypad, key) : NULL;
    return at ? (int)(at - keypad) : -1;
}

void ve_rtp_event_write(uint8_t out[static VE_RTP_EVENT_SIZE], uint8_t event, bool end,
                        uint16_t duration)
{
    out[0] = event;
    out[1] = (uint8_t)((end ? END : 0) | OUR_TONE);
    out[2] = (uint8_t)(duration >> 8);
    out[3] = (uint8_t)duration;
}
