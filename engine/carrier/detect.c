#include "base/alloc.h"
#include "base/err.h"
#include "carrier/control.h"
#include "carrier/json_audio.h"
#include "carrier/notice.h"
#include "carrier/rtp.h"

#include <string.h>

/*
 * Finds out from the first messages which dialect a connection speaks. Until then, and without any
 * sign, it is raw L16.
 *
 *   text     a message that carries audio, or announces it: JSON. Any other is metadata, and says
 *            nothing about what follows.
 *   binary   three RTP packets in a row, of a payload type that is configured and one sender:
 *            RTP. What may be a packet is held until that is clear, at most two of them; the first
 *            message that is none decides for raw L16, and what was held goes there.
 *
 * Detection ends with the second kind of message, so nothing later in a call is guessed again.
 */

#define SURE     3
#define TEXT_MAX (256 * 1024)

struct detect {
    struct ve_carrier base;
    const struct ve_carrier_ops *raw_ops;
    struct ve_carrier *raw; /* owned; NULL once it has taken over */
    struct ve_carrier_config config;
    struct ve_rtp_map map;
    const struct ve_carrier_events *events;
    void *arg;
    struct ve_notice text;
    struct {
        uint8_t *bytes; /* owned */
        size_t len;
    } held[SURE - 1];
    size_t count;
    struct ve_rtp_packet last; /* of those held; its payload is not looked at */
};

static struct detect *detect_of(struct ve_carrier *carrier)
{
    return (struct detect *)carrier;
}

static void drop_held(struct detect *detect)
{
    for (size_t i = 0; i < detect->count; i++)
        ve_free(detect->held[i].bytes);
    detect->count = 0;
}

static void detect_free(struct ve_carrier *carrier)
{
    struct detect *detect = detect_of(carrier);
    drop_held(detect);
    ve_notice_free(&detect->text);
    if (detect->raw)
        detect->raw->ops->free(detect->raw);
    ve_free(detect);
}

static int make(struct ve_carrier **out, const struct ve_carrier_ops *ops,
                const struct ve_carrier_ops *raw_ops, const struct ve_carrier_config *config,
                const struct ve_carrier_events *events, void *arg)
{
    struct detect *detect = ve_alloc(sizeof(*detect));
    if (!detect)
        return VE_ENOMEM;
    detect->base.ops = ops;
    detect->raw_ops = raw_ops;
    detect->config = *config;
    detect->events = events;
    detect->arg = arg;
    if (config->rtp)
        detect->map = *config->rtp;
    else
        ve_rtp_map_default(&detect->map);
    ve_notice_init(&detect->text, TEXT_MAX);
    int err = raw_ops->new (&detect->raw, config, events, arg);
    if (err) {
        detect->raw = NULL;
        detect_free(&detect->base);
        return err;
    }
    *out = &detect->base;
    return 0;
}

static int detect_new(struct ve_carrier **out, const struct ve_carrier_config *config,
                      const struct ve_carrier_events *events, void *arg)
{
    return make(out, &ve_detect_stream, &ve_ringover_stream, config, events, arg);
}

static int detect_binary_new(struct ve_carrier **out, const struct ve_carrier_config *config,
                             const struct ve_carrier_events *events, void *arg)
{
    return make(out, &ve_detect_binary, &ve_ringover_binary, config, events, arg);
}

/* --- deciding --------------------------------------------------------------------------------- */

static int feed(struct detect *detect, struct ve_carrier *to, const uint8_t *bytes, size_t len,
                bool text)
{
    to->now = detect->base.now;
    return to->ops->data(to, bytes, len, true, true, text);
}

static void feed_held(struct detect *detect, struct ve_carrier *to)
{
    for (size_t i = 0; i < detect->count; i++)
        (void)feed(detect, to, detect->held[i].bytes, detect->held[i].len, false);
    drop_held(detect);
}

static void become_raw(struct detect *detect)
{
    feed_held(detect, detect->raw);
    detect->base.next = detect->raw;
    detect->raw = NULL;
}

/* Without memory it stays raw. */
static struct ve_carrier *become(struct detect *detect, const struct ve_carrier_ops *ops)
{
    struct ve_carrier *next;
    if (ops->new (&next, &detect->config, detect->events, detect->arg) != 0) {
        become_raw(detect);
        return NULL;
    }
    detect->base.next = next;
    detect->base.next_is_other = true;
    return next;
}

/* --- binary messages -------------------------------------------------------------------------- */

static bool may_be_rtp(const struct detect *detect, const uint8_t *bytes, size_t len,
                       struct ve_rtp_packet *packet)
{
    if (ve_rtp_parse(packet, bytes, len) != 0 ||
        detect->map.formats[packet->payload_type].codec == VE_RTP_UNKNOWN)
        return false;
    return !detect->count ||
           (packet->ssrc == detect->last.ssrc && packet->seq == (uint16_t)(detect->last.seq + 1));
}

static bool hold(struct detect *detect, const uint8_t *bytes, size_t len)
{
    uint8_t *copy = ve_alloc(len);
    if (!copy)
        return false;
    memcpy(copy, bytes, len);
    detect->held[detect->count].bytes = copy;
    detect->held[detect->count].len = len;
    detect->count++;
    return true;
}

static int take_binary(struct detect *detect, const uint8_t *bytes, size_t len, bool first,
                       bool last)
{
    struct ve_rtp_packet packet;
    if (first && last && may_be_rtp(detect, bytes, len, &packet)) {
        detect->last = packet;
        if (detect->count < SURE - 1 && hold(detect, bytes, len))
            return 0;
        struct ve_carrier *rtp = detect->count == SURE - 1 ? become(detect, &ve_rtp_stream) : NULL;
        if (rtp) {
            feed_held(detect, rtp);
            return feed(detect, rtp, bytes, len, false);
        }
    }
    if (!detect->base.next)
        become_raw(detect);
    struct ve_carrier *raw = detect->base.next;
    raw->now = detect->base.now;
    return raw->ops->data(raw, bytes, len, first, last, false);
}

/* --- text messages ---------------------------------------------------------------------------- */

/* Only whole messages are looked at: a peer that sends audio in JSON sends it in small ones. */
static int take_text(struct detect *detect, const uint8_t *bytes, size_t len, bool first, bool last)
{
    struct ve_json *json = NULL;
    if (first && last)
        json = ve_notice_take(&detect->text, bytes, len, true, true);
    enum ve_json_kind kind =
        ve_json_type(json) == VE_JSON_OBJECT ? ve_json_audio_kind(json) : VE_JSON_KIND_OTHER;
    ve_json_free(json);
    bool known =
        kind == VE_JSON_KIND_START || kind == VE_JSON_KIND_MEDIA || kind == VE_JSON_KIND_AUDIO;
    struct ve_carrier *next = known && !detect->count ? become(detect, &ve_json_audio) : NULL;
    if (next) {
        /* What was sent so far, the first family understands. */
        if (kind == VE_JSON_KIND_AUDIO && detect->raw_ops == &ve_ringover_stream)
            detect->base.next_is_other = false;
        return feed(detect, next, bytes, len, true);
    }
    struct ve_carrier *to = detect->base.next ? detect->base.next : detect->raw;
    if (!to)
        return VE_EINVAL; /* there is always one of the two */
    to->now = detect->base.now;
    return to->ops->data(to, bytes, len, first, last, true);
}

static int detect_data(struct ve_carrier *carrier, const uint8_t *bytes, size_t len, bool first,
                       bool last, bool text)
{
    struct detect *detect = detect_of(carrier);
    if (text)
        return take_text(detect, bytes, len, first, last);
    if (first && last && len == 0) {
        detect->events->stop(detect->arg);
        return 0;
    }
    return take_binary(detect, bytes, len, first, last);
}

/* --- what goes: as raw L16 is answered, until it is clear ------------------------------------- */

/* What is heard may be answered at once: then the one that takes over is not yet in our place. */
static struct ve_carrier *speaker(const struct detect *detect)
{
    struct ve_carrier *carrier = detect->base.next ? detect->base.next : detect->raw;
    carrier->now = detect->base.now;
    return carrier;
}

static size_t detect_audio_size(const struct ve_carrier *carrier, size_t count)
{
    struct ve_carrier *to = speaker((const struct detect *)carrier);
    return to->ops->audio_size(to, count);
}

static size_t detect_audio(struct ve_carrier *carrier, const int16_t *samples, size_t count,
                           uint8_t *out, bool *text)
{
    struct ve_carrier *to = speaker(detect_of(carrier));
    return to->ops->audio(to, samples, count, out, text);
}

static int detect_clear(struct ve_carrier *carrier, struct ve_buf *out)
{
    struct ve_carrier *to = speaker(detect_of(carrier));
    return to->ops->clear ? to->ops->clear(to, out) : VE_ENOTSUP;
}

static int detect_digits(struct ve_carrier *carrier, struct ve_str digits, struct ve_buf *out)
{
    struct ve_carrier *to = speaker(detect_of(carrier));
    return to->ops->digits(to, digits, out);
}

#define DETECT_COMMON                                                                              \
    .free = detect_free, .data = detect_data, .audio_size = detect_audio_size,                     \
    .audio = detect_audio, .digits = detect_digits, .transfer = ve_control_transfer,               \
    .play_url = ve_control_play_url

const struct ve_carrier_ops ve_detect_stream = {
    .name = "auto",
    .new = detect_new,
    .clear = detect_clear,
    DETECT_COMMON,
};

const struct ve_carrier_ops ve_detect_binary = {
    .name = "auto",
    .new = detect_binary_new,
    DETECT_COMMON,
    .frame_ms = 20,
    .lead_ms = 60,
};

const struct ve_carrier_ops *ve_carrier_find(struct ve_str name, bool binary)
{
    if (ve_str_eq(name, VE_STR("auto")))
        return binary ? &ve_detect_binary : &ve_detect_stream;
    if (ve_str_eq(name, VE_STR("l16")))
        return binary ? &ve_ringover_binary : &ve_ringover_stream;
    if (ve_str_eq(name, VE_STR("rtp")))
        return &ve_rtp_stream;
    return ve_str_eq(name, VE_STR("json")) ? &ve_json_audio : NULL;
}
