#include "base/alloc.h"
#include "base/err.h"
#include "carrier/control.h"
#include "carrier/notice.h"
#include "carrier/rtp_in.h"
#include "carrier/rtp_out.h"

#include <string.h>

/*
 * RTP packets in binary messages, one in each, both ways; text is what it is in every dialect. What
 * goes back has the payload type that the peer sends, and before it has sent any the one that is
 * configured. There is no RTCP: it is passed over.
 */

#define TEXT_MAX (64 * 1024)

struct rtp_stream {
    struct ve_carrier base;
    struct ve_rtp_map map;
    const struct ve_carrier_events *events;
    void *arg;
    struct ve_rtp_in in;
    struct ve_rtp_out out;
    struct ve_notice text;
    struct ve_buf message; /* a packet that came in pieces */
    bool too_long;
};

static struct rtp_stream *stream_of(struct ve_carrier *carrier)
{
    return (struct rtp_stream *)carrier;
}

static int stream_new(struct ve_carrier **out, const struct ve_carrier_config *config,
                      const struct ve_carrier_events *events, void *arg)
{
    struct rtp_stream *stream = ve_alloc(sizeof(*stream));
    if (!stream)
        return VE_ENOMEM;
    stream->base.ops = &ve_rtp_stream;
    stream->events = events;
    stream->arg = arg;
    if (config->rtp)
        stream->map = *config->rtp;
    else
        ve_rtp_map_default(&stream->map);
    ve_rtp_in_init(&stream->in, config, &stream->map, events, arg, &stream->base.stats);
    ve_rtp_out_init(&stream->out, config, &stream->map);
    ve_notice_init(&stream->text, TEXT_MAX);
    ve_buf_init(&stream->message, VE_RTP_MAX);
    *out = &stream->base;
    return 0;
}

static void stream_free(struct ve_carrier *carrier)
{
    struct rtp_stream *stream = stream_of(carrier);
    ve_rtp_in_free(&stream->in);
    ve_rtp_out_free(&stream->out);
    ve_notice_free(&stream->text);
    ve_buf_free(&stream->message);
    ve_free(stream);
}

static void set_due(struct rtp_stream *stream)
{
    uint64_t in = ve_rtp_in_due(&stream->in);
    uint64_t out = ve_rtp_out_due(&stream->out);
    stream->base.due = !in || (out && out < in) ? out : in;
}

/* --- what comes ------------------------------------------------------------------------------- */

static void take_text(struct rtp_stream *stream, const uint8_t *bytes, size_t len, bool first,
                      bool last)
{
    struct ve_json *json = ve_notice_take(&stream->text, bytes, len, first, last);
    struct ve_carrier_facts facts;
    if (ve_json_type(json) == VE_JSON_OBJECT &&
        !ve_notice_digits(json, stream->events, stream->arg)) {
        ve_notice_facts(json, &facts);
        stream->events->facts(stream->arg, &facts);
    }
    ve_json_free(json);
}

static void take_packet(struct rtp_stream *stream, const uint8_t *bytes, size_t len)
{
    struct ve_rtp_in *in = &stream->in;
    if (!ve_rtp_in_take(in, bytes, len, stream->base.now))
        return;
    if (in->typed)
        ve_rtp_out_use(&stream->out, in->type, ve_rtp_in_little(in));
}

/* Packets are small: one that comes in pieces is put together, a long one is none. */
static void take_binary(struct rtp_stream *stream, const uint8_t *bytes, size_t len, bool first,
                        bool last)
{
    struct ve_buf *message = &stream->message;
    if (first && last) {
        take_packet(stream, bytes, len);
        return;
    }
    if (first) {
        ve_buf_clear(message);
        stream->too_long = false;
    }
    if (ve_buf_add(message, bytes, len) != 0)
        stream->too_long = true;
    if (!last)
        return;
    if (stream->too_long)
        stream->base.stats.broken++;
    else
        take_packet(stream, (const uint8_t *)message->ptr, message->len);
    ve_buf_free(message);
}

static int stream_data(struct ve_carrier *carrier, const uint8_t *bytes, size_t len, bool first,
                       bool last, bool text)
{
    struct rtp_stream *stream = stream_of(carrier);
    if (text)
        take_text(stream, bytes, len, first, last);
    else if (first && last && len == 0)
        stream->events->stop(stream->arg);
    else
        take_binary(stream, bytes, len, first, last);
    set_due(stream);
    return 0;
}

/* --- what goes -------------------------------------------------------------------------------- */

static size_t stream_audio_size(const struct ve_carrier *carrier, size_t count)
{
    (void)count;
    return ve_rtp_out_size(&((const struct rtp_stream *)carrier)->out);
}

static size_t stream_audio(struct ve_carrier *carrier, const int16_t *samples, size_t count,
                           uint8_t *out, bool *text)
{
    struct rtp_stream *stream = stream_of(carrier);
    *text = false;
    size_t len = ve_rtp_out_audio(&stream->out, samples, count, out, carrier->now);
    set_due(stream);
    return len;
}

/* The keys go out with the sound: nothing to send at once. */
static int stream_digits(struct ve_carrier *carrier, struct ve_str digits, struct ve_buf *out)
{
    struct rtp_stream *stream = stream_of(carrier);
    (void)out;
    int err = ve_rtp_out_digits(&stream->out, digits, carrier->now);
    set_due(stream);
    return err;
}

static bool stream_tick(struct ve_carrier *carrier)
{
    struct rtp_stream *stream = stream_of(carrier);
    ve_rtp_in_tick(&stream->in, carrier->now);
    uint64_t due = ve_rtp_out_due(&stream->out);
    set_due(stream);
    return due && due <= carrier->now;
}

const struct ve_carrier_ops ve_rtp_stream = {
    .name = "rtp",
    .new = stream_new,
    .free = stream_free,
    .data = stream_data,
    .audio_size = stream_audio_size,
    .audio = stream_audio,
    .digits = stream_digits,
    .transfer = ve_control_transfer,
    .play_url = ve_control_play_url,
    .tick = stream_tick,
    .frame_ms = 20,
    .lead_ms = 60,
};
