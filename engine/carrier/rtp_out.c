#include "carrier/rtp_out.h"

#include "audio/g711.h"
#include "audio/mix.h"
#include "audio/opus.h"
#include "audio/resample.h"
#include "base/err.h"
#include "base/rng.h"
#include "carrier/rtp_event.h"

#include <string.h>

#define MS        1000000ull
#define FRAME     (20 * MS)
#define PAUSE     (60 * MS) /* a silence that the timestamps show */
#define FLUSH     (45 * MS) /* a piece of a frame, or a sound that stopped, waits so long for more */
#define IDLE      (5000 * MS) /* then the encoder is freed */
#define FRAME_MAX 960         /* samples, 20 ms at 48 kHz */
#define TAIL_MS   4           /* a sound that stops fades for so long */
#define AUDIBLE   32          /* a last sample below it needs no fading */
#define KEY_STEPS 5           /* packets of a key that is down, 20 ms each */
#define KEY_ENDS  3           /* and of one that is up again */
#define KEY_PAUSE (60 * MS)

void ve_rtp_out_init(struct ve_rtp_out *out, const struct ve_carrier_config *config,
                     const struct ve_rtp_map *map)
{
    struct ve_rng rng;
    memset(out, 0, sizeof(*out));
    ve_rng_seed(&rng, config->seed);
    out->map = map;
    out->rate_in = config->rate_out;
    out->type = map->audio;
    out->little = map->order == VE_RTP_LITTLE;
    out->ssrc = (uint32_t)ve_rng_u64(&rng);
    out->seq = (uint16_t)ve_rng_u64(&rng);
    out->stamp = (uint32_t)ve_rng_u64(&rng);
}

void ve_rtp_out_free(struct ve_rtp_out *out)
{
    ve_resampler_free(out->resample);
    ve_opus_encoder_free(out->opus);
    out->resample = NULL;
    out->opus = NULL;
    out->ready = false;
}

void ve_rtp_out_use(struct ve_rtp_out *out, uint8_t type, bool little)
{
    out->little = little;
    if (type == out->type)
        return;
    ve_rtp_out_free(out);
    out->type = type;
    out->count = 0;
    out->last = 0;
}

static const struct ve_rtp_format *format_of(const struct ve_rtp_out *out)
{
    return &out->map->formats[out->type];
}

/* Makes what the codec needs. */
static int prepare(struct ve_rtp_out *out)
{
    const struct ve_rtp_format *format = format_of(out);
    bool opus = format->codec == VE_RTP_OPUS;
    int err = 0;
    if (!out->ready) {
        out->rate = opus && ve_opus_rate_ok(out->rate_in) ? out->rate_in
                    : opus                                ? 16000
                                                          : format->clock;
        if (out->rate != out->rate_in)
            err = ve_resampler_new(&out->resample, out->rate_in, out->rate);
        out->ready = !err;
    }
    if (!err && opus && !out->opus)
        err = ve_opus_encoder_new(&out->opus, out->rate);
    return err;
}

/* --- packets ---------------------------------------------------------------------------------- */

/* The timestamp goes on through the silence before; true: there was some, or this is the first. */
static bool go_on(struct ve_rtp_out *out, uint64_t now)
{
    bool pause = now > out->ends_at + PAUSE;
    if (pause && out->ends_at)
        out->stamp += (uint32_t)((now - out->ends_at) / 1000 * format_of(out)->clock / 1000000);
    if (pause)
        out->ends_at = now;
    return pause;
}

static void write_head(struct ve_rtp_out *out, uint8_t type, bool marker, uint8_t *bytes)
{
    struct ve_rtp_packet packet = {
        .payload_type = type,
        .marker = marker,
        .seq = out->seq++,
        .timestamp = out->stamp,
        .ssrc = out->ssrc,
    };
    ve_rtp_write_head(bytes, &packet);
}

static size_t encode_l16(const struct ve_rtp_out *out, const int16_t *samples, size_t count,
                         uint8_t *bytes)
{
    uint8_t *at = bytes;
    for (size_t i = 0; i < count; i++) {
        uint16_t x = (uint16_t)samples[i];
        for (uint32_t c = 0; c < format_of(out)->channels; c++) {
            *at++ = (uint8_t)(out->little ? x : x >> 8);
            *at++ = (uint8_t)(out->little ? x >> 8 : x);
        }
    }
    return (size_t)(at - bytes);
}

static size_t encode(struct ve_rtp_out *out, const int16_t *samples, size_t count, uint8_t *bytes)
{
    size_t len = VE_OPUS_PACKET_MAX;
    switch (format_of(out)->codec) {
    case VE_RTP_PCMU:
        ve_ulaw_encode(bytes, samples, count);
        return count;
    case VE_RTP_PCMA:
        ve_alaw_encode(bytes, samples, count);
        return count;
    case VE_RTP_L16:
        return encode_l16(out, samples, count, bytes);
    default:
        return ve_opus_encode(out->opus, samples, count, bytes, &len) == 0 ? len : 0;
    }
}

static size_t frame_of(const struct ve_rtp_out *out)
{
    return out->rate / 50;
}

/* One packet of 20 ms; what is missing is silence, reached without a step. */
static size_t write_frame(struct ve_rtp_out *out, uint8_t *bytes, uint64_t now)
{
    int16_t frame[FRAME_MAX] = {0};
    size_t size = frame_of(out);
    size_t have = out->count < size ? out->count : size;
    memcpy(frame, out->pending, have * sizeof(*frame));
    memmove(out->pending, out->pending + have, (out->count - have) * sizeof(*frame));
    out->count -= have;
    if (have < size) {
        size_t tail = (size_t)out->rate / 1000 * TAIL_MS;
        tail = tail < size - have ? tail : size - have;
        int16_t from = have ? frame[have - 1] : out->last;
        for (size_t i = 0; i < tail; i++)
            frame[have + i] = from;
        ve_mix_ramp(frame + have, tail, VE_GAIN_ONE, 0);
    }
    out->last = frame[size - 1];
    bool marker = go_on(out, now);
    size_t len = encode(out, frame, size, bytes + VE_RTP_HEAD);
    if (!len)
        return 0;
    write_head(out, out->type, marker, bytes);
    out->stamp += format_of(out)->clock / 50;
    out->ends_at += FRAME;
    out->at = now;
    return VE_RTP_HEAD + len;
}

/* --- keys ------------------------------------------------------------------------------------- */

static void next_key(struct ve_rtp_out *out, uint64_t now)
{
    memmove(out->keys, out->keys + 1, sizeof(out->keys) - 1);
    out->key_step = 0;
    out->key_due = now + KEY_PAUSE;
    out->stamp += format_of(out)->clock / 50 * KEY_STEPS;
}

static size_t write_key(struct ve_rtp_out *out, uint8_t *bytes, uint64_t now)
{
    unsigned step = out->key_step++;
    bool end = step >= KEY_STEPS;
    uint32_t units = format_of(out)->clock / 50 * (end ? KEY_STEPS : step + 1);
    if (step == 0) {
        (void)go_on(out, now);
        out->last = 0; /* the key's tone takes over from the sound */
    }
    write_head(out, out->map->events, step == 0, bytes);
    ve_rtp_event_write(bytes + VE_RTP_HEAD, (uint8_t)ve_rtp_event_of(out->keys[0]), end,
                       (uint16_t)units);
    out->key_due = end ? now : now + FRAME;
    if (step + 1 == KEY_STEPS + KEY_ENDS)
        next_key(out, now);
    out->ends_at = now;
    return VE_RTP_HEAD + VE_RTP_EVENT_SIZE;
}

int ve_rtp_out_digits(struct ve_rtp_out *out, struct ve_str digits, uint64_t now)
{
    size_t waiting = strlen(out->keys);
    if (out->map->formats[out->map->events].codec != VE_RTP_EVENTS)
        return VE_ENOTSUP;
    for (size_t i = 0; i < digits.len; i++) {
        if (ve_rtp_event_of(digits.ptr[i]) < 0)
            return VE_EINVAL;
    }
    if (digits.len > VE_RTP_OUT_KEYS - waiting)
        return VE_EBUSY;
    memcpy(out->keys + waiting, digits.ptr, digits.len);
    out->keys[waiting + digits.len] = '\0';
    if (!waiting && out->key_due < now)
        out->key_due = now;
    return 0;
}

/* --- the interface ---------------------------------------------------------------------------- */

size_t ve_rtp_out_size(const struct ve_rtp_out *out)
{
    (void)out;
    return VE_RTP_HEAD + FRAME_MAX * sizeof(int16_t) * 2;
}

static uint64_t frame_due(const struct ve_rtp_out *out)
{
    if (out->ready && out->count >= frame_of(out))
        return out->at;
    bool stopped = out->last > AUDIBLE || out->last < -AUDIBLE;
    if (out->count || stopped)
        return out->at + FLUSH;
    return 0;
}

uint64_t ve_rtp_out_due(const struct ve_rtp_out *out)
{
    uint64_t due = frame_due(out);
    if (out->keys[0])
        return out->key_due;
    if (due)
        return due > out->key_due ? due : out->key_due;
    return out->opus ? out->at + IDLE : 0;
}

static int take(struct ve_rtp_out *out, const int16_t *samples, size_t count, uint64_t now)
{
    size_t made = count;
    int err = 0;
    if (!out->count)
        out->at = now;
    if (!out->resample)
        memcpy(out->pending + out->count, samples, count * sizeof(*samples));
    else
        err = ve_resample(out->resample, samples, count, out->pending + out->count, &made);
    if (!err)
        out->count += made;
    return err;
}

size_t ve_rtp_out_audio(struct ve_rtp_out *out, const int16_t *samples, size_t count,
                        uint8_t *bytes, uint64_t now)
{
    if (out->keys[0] || out->key_due > now) {
        if (count)
            return VE_CARRIER_LATER;
        return out->keys[0] && out->key_due <= now ? write_key(out, bytes, now) : 0;
    }
    if ((count || frame_due(out)) && prepare(out) != 0) {
        out->count = 0;
        out->last = 0;
        return VE_CARRIER_LATER;
    }
    size_t room = out->resample ? ve_resample_room(out->resample, count) : count;
    if (count && (room > VE_RTP_OUT_PENDING - out->count || take(out, samples, count, now) != 0))
        return VE_CARRIER_LATER;
    uint64_t due = frame_due(out);
    if (due && due <= now && (out->count >= frame_of(out) || !count))
        return write_frame(out, bytes, now);
    if (!count && out->opus && !due && now - out->at >= IDLE) {
        ve_opus_encoder_free(out->opus);
        out->opus = NULL;
    }
    return 0;
}
