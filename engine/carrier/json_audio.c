#include "audio/g711.h"
#include "audio/resample.h"
#include "base/alloc.h"
#include "base/err.h"
#include "carrier/control.h"
#include "carrier/json_audio.h"
#include "carrier/l16.h"
#include "carrier/notice.h"
#include "carrier/stream_audio.h"
#include "crypto/base64.h"

#include <string.h>

/*
 * Audio as base64 in JSON messages, both ways, in two families:
 *
 *   {"type":"streamAudio","data":{"audioDataType":"raw","sampleRate":16000,"audioData":"..."}}
 *   {"event":"media","streamSid":"...","media":{"payload":"..."}}   mu-law 8 kHz, unless the
 *                                                                   "start" message tells else
 *
 * The answer is in the family that the peer has shown, the first one until then.
 */

#define TEXT_MAX  (256 * 1024) /* bytes of a message; longer ones are passed over */
#define ID_MAX    64
#define FRAME_OUT 8192 /* samples that we are given at once, at most */

enum codec { L16, PCMU, PCMA };

struct json_audio {
    struct ve_carrier base;
    struct ve_carrier_config config;
    const struct ve_carrier_events *events;
    void *arg;
    struct ve_notice text;
    bool media; /* the second family */
    enum codec codec;
    uint32_t rate; /* Hz of what comes */
    struct ve_l16 l16;
    char stream_id[ID_MAX + 1];    /* to be sent back; may be empty */
    const char *id_key;            /* as the peer spells it */
    struct ve_resampler *resample; /* owned; of what goes out in the second family */
    uint32_t resample_to;          /* Hz; 0: none made */
};

static struct json_audio *self_of(struct ve_carrier *carrier)
{
    return (struct json_audio *)carrier;
}

static int json_new(struct ve_carrier **out, const struct ve_carrier_config *config,
                    const struct ve_carrier_events *events, void *arg)
{
    struct json_audio *self = ve_alloc(sizeof(*self));
    if (!self)
        return VE_ENOMEM;
    self->base.ops = &ve_json_audio;
    self->config = *config;
    self->events = events;
    self->arg = arg;
    self->rate = config->rate_in ? config->rate_in : 16000;
    self->id_key = "streamSid";
    ve_l16_init(&self->l16, config->channels_in);
    ve_notice_init(&self->text, TEXT_MAX);
    *out = &self->base;
    return 0;
}

static void json_free(struct ve_carrier *carrier)
{
    struct json_audio *self = self_of(carrier);
    ve_notice_free(&self->text);
    ve_resampler_free(self->resample);
    ve_free(self);
}

/* --- formats ---------------------------------------------------------------------------------- */

/* "audio/x-mulaw", "PCMU", "l16", ...; false: a name that we do not know. */
static bool codec_of(struct ve_str name, enum codec *out)
{
    static const struct {
        const char *name;
        enum codec codec;
    } known[] = {
        {"x-mulaw", PCMU}, {"mulaw", PCMU},   {"ulaw", PCMU},     {"pcmu", PCMU}, {"x-alaw", PCMA},
        {"alaw", PCMA},    {"pcma", PCMA},    {"l16", L16},       {"x-l16", L16}, {"raw", L16},
        {"pcm", L16},      {"linear16", L16}, {"pcm_s16le", L16},
    };
    if (ve_str_starts(name, VE_STR("audio/")))
        name = ve_str_n(name.ptr + 6, name.len - 6);
    name = ve_str_cut(&name, ';');
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (ve_str_ieq(name, ve_str(known[i].name))) {
            *out = known[i].codec;
            return true;
        }
    }
    return false;
}

static void set_rate(struct json_audio *self, uint32_t rate)
{
    if (rate >= VE_CARRIER_RATE_MIN && rate <= VE_CARRIER_RATE_MAX)
        self->rate = rate;
}

static void set_channels(struct json_audio *self, uint32_t channels)
{
    if (channels >= 1 && channels <= 2 && channels != self->l16.channels)
        ve_l16_init(&self->l16, channels);
}

/* {"encoding":"audio/x-mulaw","sampleRate":8000,"channels":1}, where it tells something. */
static void take_format(struct json_audio *self, const struct ve_json *format)
{
    static const char *const names[] = {"encoding", "audioDataType", NULL};
    static const char *const rates[] = {"sampleRate", "sample_rate", "rate", NULL};
    static const char *const channels[] = {"channels", NULL};
    struct ve_str name = ve_notice_str(format, names);
    if (name.len && !codec_of(name, &self->codec))
        self->base.stats.unknown++;
    set_rate(self, ve_notice_number(format, rates));
    set_channels(self, ve_notice_number(format, channels));
}

/* --- what comes ------------------------------------------------------------------------------- */

static void hand_on(struct json_audio *self, uint8_t *bytes, size_t len)
{
    int16_t samples[480];
    if (self->codec == L16) {
        ve_l16_take(&self->l16, bytes, len, self->rate, self->events, self->arg);
        return;
    }
    while (len) {
        size_t n = len < 480 ? len : 480;
        if (self->codec == PCMU)
            ve_ulaw_decode(samples, bytes, n);
        else
            ve_alaw_decode(samples, bytes, n);
        self->events->audio(self->arg, samples, n, self->rate);
        bytes += n;
        len -= n;
    }
}

static void take_payload(struct json_audio *self, struct ve_str text)
{
    struct ve_buf bytes;
    ve_buf_init(&bytes, TEXT_MAX);
    if (ve_base64_decode_add(&bytes, text, VE_BASE64_STD) == 0) {
        self->base.stats.packets++;
        hand_on(self, (uint8_t *)bytes.ptr, bytes.len);
    } else {
        self->base.stats.broken++;
    }
    ve_buf_free(&bytes);
}

/* What we send back as it came: letters, digits, '_' and '-'. */
static void keep_id(struct json_audio *self, const struct ve_json *json)
{
    static const char *const keys[] = {"streamSid", "stream_id", "streamId"};
    for (size_t i = 0; i < 3 && !self->stream_id[0]; i++) {
        struct ve_str id = ve_json_get_str(json, keys[i]);
        bool plain = id.len > 0 && id.len <= ID_MAX;
        for (size_t k = 0; k < id.len && plain; k++) {
            char c = id.ptr[k];
            plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                    c == '_' || c == '-';
        }
        if (!plain)
            continue;
        ve_str_copy(self->stream_id, sizeof(self->stream_id), id);
        self->id_key = keys[i];
    }
}

static void become_media(struct json_audio *self)
{
    if (self->media)
        return;
    self->media = true;
    self->codec = PCMU;
    self->rate = 8000;
}

/* The carrier's own id only where the script's parameters do not name the call. */
static void take_start(struct json_audio *self, const struct ve_json *json)
{
    static const char *const ids[] = {"callSid", "call_control_id", NULL};
    const struct ve_json *start = ve_json_get(json, "start");
    const struct ve_json *more = ve_json_get(start, "customParameters");
    const struct ve_json *format = ve_json_get(start, "mediaFormat");
    struct ve_carrier_facts facts;
    struct ve_carrier_facts own;
    become_media(self);
    keep_id(self, json);
    keep_id(self, start);
    take_format(self, format ? format : ve_json_get(start, "media_format"));
    ve_notice_facts(start, &facts);
    ve_notice_facts(more, &own);
    if (own.call_id[0])
        memcpy(facts.call_id, own.call_id, sizeof(facts.call_id));
    if (own.from[0])
        memcpy(facts.from, own.from, sizeof(facts.from));
    if (own.to[0])
        memcpy(facts.to, own.to, sizeof(facts.to));
    if (!facts.call_id[0])
        ve_notice_id(facts.call_id, sizeof(facts.call_id), start, ids);
    self->events->facts(self->arg, &facts);
}

static void take_media(struct json_audio *self, const struct ve_json *json)
{
    const struct ve_json *media = ve_json_get(json, "media");
    struct ve_str track = ve_json_get_str(media, "track");
    become_media(self);
    keep_id(self, json);
    if (track.len && !ve_str_starts(track, VE_STR("inbound")))
        return; /* our own voice */
    take_payload(self, ve_json_get_str(media, "payload"));
}

static void take_stream_audio(struct json_audio *self, const struct ve_json *json)
{
    static const char *const keys[] = {"audioData", "audio", "payload", NULL};
    const struct ve_json *data = ve_json_get(json, "data");
    if (ve_json_type(data) != VE_JSON_OBJECT)
        data = json;
    take_format(self, data);
    take_payload(self, ve_notice_str(data, keys));
}

static void take_metadata(struct json_audio *self, const struct ve_json *json)
{
    struct ve_carrier_facts facts;
    ve_notice_facts(json, &facts);
    set_rate(self, facts.rate);
    if (facts.channels == 2)
        set_channels(self, 2);
    self->events->facts(self->arg, &facts);
}

static void take_message(struct json_audio *self, const struct ve_json *json)
{
    enum ve_json_kind kind = ve_json_audio_kind(json);
    switch (kind) {
    case VE_JSON_KIND_START:
        take_start(self, json);
        break;
    case VE_JSON_KIND_MEDIA:
        take_media(self, json);
        break;
    case VE_JSON_KIND_AUDIO:
        take_stream_audio(self, json);
        break;
    case VE_JSON_KIND_STOP:
        self->events->stop(self->arg);
        break;
    default:
        if (!ve_notice_digits(json, self->events, self->arg))
            take_metadata(self, json);
    }
}

enum ve_json_kind ve_json_audio_kind(const struct ve_json *json)
{
    static const char *const names[] = {"event", "type", NULL};
    struct ve_str name = ve_notice_str(json, names);
    if (ve_str_eq(name, VE_STR("media")) && ve_json_get(json, "media"))
        return VE_JSON_KIND_MEDIA;
    if (ve_str_eq(name, VE_STR("start")) && ve_json_get(json, "start"))
        return VE_JSON_KIND_START;
    if (ve_str_eq(name, VE_STR("streamAudio")) || ve_str_eq(name, VE_STR("audio")))
        return VE_JSON_KIND_AUDIO;
    if (ve_str_eq(name, VE_STR("stop")))
        return VE_JSON_KIND_STOP;
    return VE_JSON_KIND_OTHER;
}

static int json_data(struct ve_carrier *carrier, const uint8_t *bytes, size_t len, bool first,
                     bool last, bool text)
{
    struct json_audio *self = self_of(carrier);
    if (!text) {
        if (first && last && len == 0)
            self->events->stop(self->arg);
        else if (last)
            self->base.stats.unknown++; /* it was to be JSON */
        return 0;
    }
    struct ve_json *json = ve_notice_take(&self->text, bytes, len, first, last);
    if (ve_json_type(json) == VE_JSON_OBJECT)
        take_message(self, json);
    else if (last)
        self->base.stats.broken++;
    ve_json_free(json);
    return 0;
}

/* --- what goes -------------------------------------------------------------------------------- */

static const char media_head[] = "{\"event\":\"media\",";
static const char media_middle[] = "\"media\":{\"payload\":\"";
static const char media_tail[] = "\"}}";

static size_t most_samples(const struct json_audio *self, size_t count)
{
    return count * ((size_t)self->rate / self->config.rate_out + 1) + 512;
}

static size_t json_audio_size(const struct ve_carrier *carrier, size_t count)
{
    const struct json_audio *self = (const struct json_audio *)carrier;
    if (!self->media)
        return ve_stream_audio_size(count);
    return sizeof(media_head) + sizeof(media_middle) + sizeof(media_tail) + ID_MAX + 32 +
           ve_base64_size(most_samples(self, count) * 2, VE_BASE64_STD);
}

static int prepare(struct json_audio *self)
{
    if (self->resample_to == self->rate)
        return 0;
    ve_resampler_free(self->resample);
    self->resample = NULL;
    self->resample_to = 0;
    int err = ve_resampler_new(&self->resample, self->config.rate_out, self->rate);
    if (!err)
        self->resample_to = self->rate;
    return err;
}

/* In place: a code is shorter than its sample. */
static size_t encode(const struct json_audio *self, int16_t *samples, size_t count)
{
    uint8_t codes[256];
    uint8_t *out = (uint8_t *)samples;
    if (self->codec == L16)
        return count * 2;
    for (size_t at = 0; at < count;) {
        size_t n = count - at < sizeof(codes) ? count - at : sizeof(codes);
        if (self->codec == PCMU)
            ve_ulaw_encode(codes, samples + at, n);
        else
            ve_alaw_encode(codes, samples + at, n);
        memcpy(out + at, codes, n);
        at += n;
    }
    return count;
}

static uint8_t *append(uint8_t *at, struct ve_str text)
{
    memcpy(at, text.ptr, text.len);
    return at + text.len;
}

static uint8_t *append_id(const struct json_audio *self, uint8_t *at)
{
    if (!self->stream_id[0])
        return at;
    at = append(at, VE_STR("\""));
    at = append(at, ve_str(self->id_key));
    at = append(at, VE_STR("\":\""));
    at = append(at, ve_str(self->stream_id));
    return append(at, VE_STR("\","));
}

static size_t write_media(struct json_audio *self, const int16_t *samples, size_t count,
                          uint8_t *out)
{
    size_t made = 0;
    int16_t *mine = ve_alloc_array(most_samples(self, count), sizeof(*mine));
    if (!mine || prepare(self) != 0 ||
        ve_resample_room(self->resample, count) > most_samples(self, count) ||
        ve_resample(self->resample, samples, count, mine, &made) != 0) {
        ve_free(mine);
        return VE_CARRIER_LATER;
    }
    uint8_t *at = append(out, ve_str(media_head));
    at = append_id(self, at);
    at = append(at, ve_str(media_middle));
    size_t len = encode(self, mine, made);
    at += ve_base64_encode((char *)at, mine, len, VE_BASE64_STD);
    at = append(at, ve_str(media_tail));
    ve_free(mine);
    return made ? (size_t)(at - out) : 0;
}

static size_t json_audio(struct ve_carrier *carrier, const int16_t *samples, size_t count,
                         uint8_t *out, bool *text)
{
    struct json_audio *self = self_of(carrier);
    *text = true;
    if (count > FRAME_OUT)
        return VE_CARRIER_LATER;
    if (!self->media)
        return ve_stream_audio_write(out, samples, count, self->config.rate_out);
    return write_media(self, samples, count, out);
}

static int json_clear(struct ve_carrier *carrier, struct ve_buf *out)
{
    const struct json_audio *self = self_of(carrier);
    struct ve_jsonw w;
    if (!self->media)
        return ve_stream_audio_break(out);
    ve_jsonw_init(&w, out);
    ve_jsonw_object(&w);
    ve_jsonw_kstr(&w, "event", VE_STR("clear"));
    if (self->stream_id[0])
        ve_jsonw_kstr(&w, self->id_key, ve_str(self->stream_id));
    ve_jsonw_object_end(&w);
    return ve_jsonw_end(&w);
}

const struct ve_carrier_ops ve_json_audio = {
    .name = "json",
    .new = json_new,
    .free = json_free,
    .data = json_data,
    .audio_size = json_audio_size,
    .audio = json_audio,
    .clear = json_clear,
    .digits = ve_control_digits,
    .transfer = ve_control_transfer,
    .play_url = ve_control_play_url,
};
