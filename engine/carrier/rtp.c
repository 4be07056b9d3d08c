#include "carrier/rtp.h"

#include "base/err.h"

#include <stdio.h>
#include <string.h>

#define VERSION     2
#define RTCP_FIRST  192 /* second byte: the range that RFC 5761 keeps for RTCP */
#define RTCP_LAST   223
#define PT_PCMU     0
#define PT_PCMA     8
#define PT_L16_2    10
#define PT_L16      11
#define PT_CN       13
#define PT_FREE     96 /* dynamic from here on */
#define PT_EVENTS   101
#define PT_OPUS     111
#define PT_LAST     127
#define OPUS_CLOCK  48000
#define PHONE_CLOCK 8000

static uint16_t u16_at(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}

static uint32_t u32_at(const uint8_t *p)
{
    return (uint32_t)u16_at(p) << 16 | u16_at(p + 2);
}

/* Where the payload begins behind CSRC list and extension; 0 when the packet ends before. */
static size_t payload_at(const uint8_t *bytes, size_t len)
{
    size_t at = VE_RTP_HEAD + 4u * (bytes[0] & 15u);
    if (!(bytes[0] & 0x10))
        return at <= len ? at : 0;
    if (at + 4 > len)
        return 0;
    at += 4 + 4u * (size_t)u16_at(bytes + at + 2);
    return at <= len ? at : 0;
}

int ve_rtp_parse(struct ve_rtp_packet *out, const uint8_t *bytes, size_t len)
{
    if (len >= 2 && bytes[0] >> 6 == VERSION && bytes[1] >= RTCP_FIRST && bytes[1] <= RTCP_LAST)
        return VE_ENOTSUP;
    if (len < VE_RTP_HEAD || len > VE_RTP_MAX || bytes[0] >> 6 != VERSION)
        return VE_EPROTO;
    size_t at = payload_at(bytes, len);
    if (!at)
        return VE_EPROTO;
    size_t left = len - at;
    if (bytes[0] & 0x20) {
        size_t padding = left ? bytes[len - 1] : 0;
        if (padding == 0 || padding > left)
            return VE_EPROTO;
        left -= padding;
    }
    *out = (struct ve_rtp_packet){
        .payload_type = bytes[1] & 127,
        .marker = bytes[1] >> 7,
        .seq = u16_at(bytes + 2),
        .timestamp = u32_at(bytes + 4),
        .ssrc = u32_at(bytes + 8),
        .payload = bytes + at,
        .len = left,
    };
    return 0;
}

static void put_u32(uint8_t *out, uint32_t value)
{
    out[0] = (uint8_t)(value >> 24);
    out[1] = (uint8_t)(value >> 16);
    out[2] = (uint8_t)(value >> 8);
    out[3] = (uint8_t)value;
}

void ve_rtp_write_head(uint8_t out[static VE_RTP_HEAD], const struct ve_rtp_packet *packet)
{
    out[0] = VERSION << 6;
    out[1] = (uint8_t)(packet->marker << 7 | packet->payload_type);
    out[2] = (uint8_t)(packet->seq >> 8);
    out[3] = (uint8_t)packet->seq;
    put_u32(out + 4, packet->timestamp);
    put_u32(out + 8, packet->ssrc);
}

/* --- payload types ---------------------------------------------------------------------------- */

void ve_rtp_map_default(struct ve_rtp_map *out)
{
    memset(out, 0, sizeof(*out));
    out->formats[PT_PCMU] = (struct ve_rtp_format){VE_RTP_PCMU, PHONE_CLOCK, 1};
    out->formats[PT_PCMA] = (struct ve_rtp_format){VE_RTP_PCMA, PHONE_CLOCK, 1};
    out->formats[PT_L16_2] = (struct ve_rtp_format){VE_RTP_L16, 44100, 2};
    out->formats[PT_L16] = (struct ve_rtp_format){VE_RTP_L16, 44100, 1};
    out->formats[PT_CN] = (struct ve_rtp_format){VE_RTP_CN, PHONE_CLOCK, 1};
    out->formats[PT_FREE] = (struct ve_rtp_format){VE_RTP_L16, PHONE_CLOCK, 1};
    out->formats[PT_EVENTS] = (struct ve_rtp_format){VE_RTP_EVENTS, PHONE_CLOCK, 1};
    out->formats[PT_OPUS] = (struct ve_rtp_format){VE_RTP_OPUS, OPUS_CLOCK, 1};
    out->audio = PT_FREE;
    out->events = PT_EVENTS;
}

static int refuse(char why[static 96], const char *what, struct ve_str text)
{
    (void)snprintf(why, 96, "%s: \"%.*s\"", what, (int)(text.len < 40 ? text.len : 40), text.ptr);
    return VE_EPROTO;
}

/* The number behind a '/', or `fallback` without one; 0: nonsense. */
static uint32_t cut_number(struct ve_str *rest, uint32_t fallback)
{
    uint64_t value;
    if (!rest->ptr)
        return fallback;
    return ve_str_u64(&value, ve_str_cut(rest, '/'), 48000) == 0 ? (uint32_t)value : 0;
}

/* "L16/16000/2" */
static int read_format(struct ve_rtp_format *out, struct ve_str text)
{
    static const struct {
        const char *name;
        struct ve_rtp_format format;
    } known[] = {
        {"PCMU", {VE_RTP_PCMU, PHONE_CLOCK, 1}},
        {"PCMA", {VE_RTP_PCMA, PHONE_CLOCK, 1}},
        {"L16", {VE_RTP_L16, PHONE_CLOCK, 1}},
        {"opus", {VE_RTP_OPUS, OPUS_CLOCK, 1}},
        {"CN", {VE_RTP_CN, PHONE_CLOCK, 1}},
        {"telephone-event", {VE_RTP_EVENTS, PHONE_CLOCK, 1}},
        {"none", {VE_RTP_UNKNOWN, PHONE_CLOCK, 1}},
    };
    struct ve_str name = ve_str_cut(&text, '/');
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (!ve_str_ieq(name, ve_str(known[i].name)))
            continue;
        *out = known[i].format;
        uint32_t clock = cut_number(&text, out->clock);
        uint32_t channels = cut_number(&text, 1);
        bool sane = clock >= PHONE_CLOCK && channels >= 1 && channels <= 2 && !text.ptr;
        /* Opus says 48000/2 in session descriptions whatever it carries. */
        if (out->codec == VE_RTP_OPUS)
            return sane && clock == OPUS_CLOCK ? 0 : VE_EPROTO;
        out->channels = channels;
        if (out->codec == VE_RTP_L16 || out->codec == VE_RTP_EVENTS)
            out->clock = clock;
        return sane && clock == out->clock ? 0 : VE_EPROTO;
    }
    return VE_EPROTO;
}

bool ve_rtp_is_audio(enum ve_rtp_codec codec)
{
    return codec >= VE_RTP_PCMU && codec <= VE_RTP_OPUS;
}

static int read_entry(struct ve_rtp_map *map, struct ve_str entry, bool *named, char why[static 96])
{
    struct ve_rtp_format format;
    struct ve_str rest = entry;
    uint64_t type;
    if (ve_str_u64(&type, ve_str_cut(&rest, '='), PT_LAST) != 0 || !rest.ptr)
        return refuse(why, "not NUMBER=NAME with a number up to 127", entry);
    if (type >= RTCP_FIRST - 128u && type <= RTCP_LAST - 128u)
        return refuse(why, "64 to 95 would look like RTCP", entry);
    if (read_format(&format, rest) != 0)
        return refuse(why, "not PCMU, PCMA, L16/RATE/CHANNELS, opus, CN, telephone-event or none",
                      rest);
    map->formats[type] = format;
    if (ve_rtp_is_audio(format.codec) && !*named) {
        map->audio = (uint8_t)type;
        *named = true;
    }
    if (format.codec == VE_RTP_EVENTS)
        map->events = (uint8_t)type;
    return 0;
}

int ve_rtp_map_read(struct ve_rtp_map *map, struct ve_str text, char why[static 96])
{
    bool named = false;
    int err = 0;
    why[0] = '\0';
    for (size_t i = 0; i < text.len && !err;) {
        size_t end = i;
        while (end < text.len && text.ptr[end] != ' ' && text.ptr[end] != ',')
            end++;
        if (end > i)
            err = read_entry(map, ve_str_n(text.ptr + i, end - i), &named, why);
        i = end + 1;
    }
    if (!err && !ve_rtp_is_audio(map->formats[map->audio].codec))
        err = refuse(why, "no sound left to send: name a type for it first", text);
    return err;
}
