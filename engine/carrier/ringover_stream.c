#include "carrier/carrier.h"

#include "base/alloc.h"
#include "base/err.h"
#include "carrier/control.h"
#include "carrier/l16.h"
#include "carrier/notice.h"
#include "carrier/stream_audio.h"

#include <string.h>

/*
 * Ringover's media stream, which speaks as FreeSWITCH's mod_audio_stream does: one optional text
 * frame with metadata, then binary messages of bare s16 little-endian samples of any size; back go
 * JSON messages. Text may come at any time.
 *
 * Peers that play binary messages get those instead, in steps of 20 ms. They cannot be told to drop
 * what they have: so they are given little ahead, and stopping is not sending.
 */

#define TEXT_MAX      (64 * 1024) /* a text frame that we look at; longer ones are passed over */
#define RATE_FALLBACK 16000       /* Hz, when neither metadata nor frame size tells */

struct stream {
    struct ve_carrier base;
    struct ve_carrier_config config;
    const struct ve_carrier_events *events;
    void *arg;
    uint32_t rate; /* Hz, 0 until known */
    struct ve_l16 l16;
    struct ve_notice text;
};

static struct stream *stream_of(struct ve_carrier *carrier)
{
    return (struct stream *)carrier;
}

static int make(struct ve_carrier **out, const struct ve_carrier_ops *ops,
                const struct ve_carrier_config *config, const struct ve_carrier_events *events,
                void *arg)
{
    struct stream *stream = ve_alloc(sizeof(*stream));
    if (!stream)
        return VE_ENOMEM;
    stream->base.ops = ops;
    stream->config = *config;
    stream->events = events;
    stream->arg = arg;
    stream->rate = config->rate_in;
    ve_l16_init(&stream->l16, config->channels_in);
    ve_notice_init(&stream->text, TEXT_MAX);
    *out = &stream->base;
    return 0;
}

static int stream_new(struct ve_carrier **out, const struct ve_carrier_config *config,
                      const struct ve_carrier_events *events, void *arg)
{
    return make(out, &ve_ringover_stream, config, events, arg);
}

static int binary_new(struct ve_carrier **out, const struct ve_carrier_config *config,
                      const struct ve_carrier_events *events, void *arg)
{
    return make(out, &ve_ringover_binary, config, events, arg);
}

static void stream_free(struct ve_carrier *carrier)
{
    ve_notice_free(&stream_of(carrier)->text);
    ve_free(carrier);
}

/* --- text: metadata and notices --------------------------------------------------------------- */

static void take_metadata(struct stream *stream, const struct ve_json *json)
{
    struct ve_carrier_facts facts;
    ve_notice_facts(json, &facts);
    if (facts.rate)
        stream->rate = facts.rate;
    if (facts.channels == 2 && stream->l16.channels == 1)
        ve_l16_init(&stream->l16, 2);
    stream->events->facts(stream->arg, &facts);
}

static void take_text(struct stream *stream, const uint8_t *bytes, size_t len, bool first,
                      bool last)
{
    struct ve_json *json = ve_notice_take(&stream->text, bytes, len, first, last);
    if (ve_json_type(json) == VE_JSON_OBJECT &&
        !ve_notice_digits(json, stream->events, stream->arg))
        take_metadata(stream, json);
    ve_json_free(json);
}

/* --- binary: samples -------------------------------------------------------------------------- */

/* The first frame gives the rate away if it is 20 ms of mono; longer ones are taken for 16 kHz
 * where that fits, because it is what Ringover recommends. */
static uint32_t infer_rate(size_t message_len, uint32_t channels)
{
    message_len /= channels;
    if (message_len == 960)
        return 24000;
    if (message_len % 640 != 0 && message_len % 320 == 0)
        return 8000;
    return RATE_FALLBACK;
}

static int stream_data(struct ve_carrier *carrier, const uint8_t *bytes, size_t len, bool first,
                       bool last, bool text)
{
    struct stream *stream = stream_of(carrier);
    if (text) {
        take_text(stream, bytes, len, first, last);
        return 0;
    }
    if (first && last && len == 0) {
        stream->events->stop(stream->arg); /* mod_audio_fork's way of ending */
        return 0;
    }
    if (!stream->rate)
        stream->rate = first && last ? infer_rate(len, stream->l16.channels) : RATE_FALLBACK;
    if (len)
        ve_l16_take(&stream->l16, bytes, len, stream->rate, stream->events, stream->arg);
    return 0;
}

/* --- what we send ----------------------------------------------------------------------------- */

static size_t stream_audio_size(const struct ve_carrier *carrier, size_t count)
{
    (void)carrier;
    return ve_stream_audio_size(count);
}

static size_t stream_audio(struct ve_carrier *carrier, const int16_t *samples, size_t count,
                           uint8_t *out, bool *text)
{
    *text = true;
    return ve_stream_audio_write(out, samples, count, stream_of(carrier)->config.rate_out);
}

static size_t binary_audio_size(const struct ve_carrier *carrier, size_t count)
{
    (void)carrier;
    return count * sizeof(int16_t);
}

/* Bare samples, s16 little-endian as this machine has them (carrier/stream_audio.c asserts it). */
static size_t binary_audio(struct ve_carrier *carrier, const int16_t *samples, size_t count,
                           uint8_t *out, bool *text)
{
    (void)carrier;
    *text = false;
    memcpy(out, samples, count * sizeof(*samples));
    return count * sizeof(*samples);
}

static int stream_clear(struct ve_carrier *carrier, struct ve_buf *out)
{
    (void)carrier;
    return ve_stream_audio_break(out);
}

const struct ve_carrier_ops ve_ringover_stream = {
    .name = "ringover",
    .new = stream_new,
    .free = stream_free,
    .data = stream_data,
    .audio_size = stream_audio_size,
    .audio = stream_audio,
    .clear = stream_clear,
    .digits = ve_control_digits,
    .transfer = ve_control_transfer,
    .play_url = ve_control_play_url,
};

const struct ve_carrier_ops ve_ringover_binary = {
    .name = "l16",
    .new = binary_new,
    .free = stream_free,
    .data = stream_data,
    .audio_size = binary_audio_size,
    .audio = binary_audio,
    .digits = ve_control_digits,
    .transfer = ve_control_transfer,
    .play_url = ve_control_play_url,
    .frame_ms = 20,
    .lead_ms = 60,
};
