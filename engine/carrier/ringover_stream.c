#include "carrier/carrier.h"

#include "base/alloc.h"
#include "base/err.h"
#include "base/json.h"
#include "crypto/base64.h"

#include <string.h>

/*
 * Ringover's media stream, which speaks as FreeSWITCH's mod_audio_stream does: one optional text
 * frame with metadata, then binary messages of bare s16 little-endian samples of any size; back go
 * JSON messages. Text may come at any time. docs/reference/media-protocol.md has the whole of it.
 */

#define TEXT_MAX      (64 * 1024) /* a text frame that we look at; longer ones are passed over */
#define PIECE         480         /* samples handed on at once */
#define RATE_FALLBACK 16000       /* Hz, when neither metadata nor frame size tells */

static const char audio_head[] = "{\"type\":\"streamAudio\",\"data\":{\"audioDataType\":\"raw\","
                                 "\"sampleRate\":";
static const char audio_middle[] = ",\"audioData\":\"";
static const char audio_tail[] = "\"}}";

struct stream {
    struct ve_carrier base;
    struct ve_carrier_config config;
    const struct ve_carrier_events *events;
    void *arg;
    uint32_t rate;      /* Hz, 0 until known */
    uint32_t channels;  /* 1 or 2 */
    struct ve_buf text; /* the text message being collected */
    bool too_long;      /* it is longer than we look at */
    uint8_t odd[3];     /* bytes of a sample (or pair) that is not complete */
    size_t odd_len;
};

static struct stream *stream_of(struct ve_carrier *carrier)
{
    return (struct stream *)carrier;
}

static int stream_new(struct ve_carrier **out, const struct ve_carrier_config *config,
                      const struct ve_carrier_events *events, void *arg)
{
    struct stream *stream = ve_alloc(sizeof(*stream));
    if (!stream)
        return VE_ENOMEM;
    stream->base.ops = &ve_ringover_stream;
    stream->config = *config;
    stream->events = events;
    stream->arg = arg;
    stream->rate = config->rate_in;
    stream->channels = 1;
    ve_buf_init(&stream->text, TEXT_MAX);
    *out = &stream->base;
    return 0;
}

static void stream_free(struct ve_carrier *carrier)
{
    ve_buf_free(&stream_of(carrier)->text);
    ve_free(carrier);
}

/* --- text: metadata and notices --------------------------------------------------------------- */

static struct ve_str first_of(const struct ve_json *json, const char *const *keys)
{
    struct ve_str text = VE_STR("");
    for (; *keys && !text.len; keys++)
        text = ve_json_get_str(json, *keys);
    return text;
}

/* An id may also come as a number. */
static void copy_id(char *out, size_t size, const struct ve_json *json, const char *const *keys)
{
    for (; *keys; keys++) {
        const struct ve_json *value = ve_json_get(json, *keys);
        struct ve_buf digits;
        uint64_t id;
        if (ve_json_str(value).len) {
            ve_str_copy(out, size, ve_json_str(value));
            return;
        }
        if (ve_json_u64(value, &id) != 0)
            continue;
        ve_buf_init(&digits, 0);
        if (ve_buf_printf(&digits, "%llu", (unsigned long long)id) == 0)
            ve_str_copy(out, size, ve_buf_str(&digits));
        ve_buf_free(&digits);
        return;
    }
}

static uint32_t number_of(const struct ve_json *json, const char *const *keys)
{
    for (; *keys; keys++) {
        const struct ve_json *value = ve_json_get(json, *keys);
        uint64_t n;
        if (ve_json_u64(value, &n) == 0 && n <= 192000)
            return (uint32_t)n;
        if (ve_str_u64(&n, ve_json_str(value), 192000) == 0)
            return (uint32_t)n;
    }
    return 0;
}

static bool is_rate(uint32_t rate)
{
    return rate >= 8000 && rate <= 48000;
}

static void take_metadata(struct stream *stream, const struct ve_json *json)
{
    static const char *const ids[] = {"call_id", "callId", "uuid", NULL};
    static const char *const froms[] = {"from", "caller", "from_number", NULL};
    static const char *const tos[] = {"to", "callee", "to_number", NULL};
    static const char *const rates[] = {"sampleRate", "sample_rate", "rate", NULL};
    struct ve_carrier_facts facts = {.channels = 1};
    copy_id(facts.call_id, sizeof(facts.call_id), json, ids);
    ve_str_copy(facts.from, sizeof(facts.from), first_of(json, froms));
    ve_str_copy(facts.to, sizeof(facts.to), first_of(json, tos));
    uint32_t rate = number_of(json, rates);
    if (is_rate(rate))
        facts.rate = stream->rate = rate;
    if (ve_str_eq(ve_json_get_str(json, "mixType"), VE_STR("stereo")))
        facts.channels = stream->channels = 2;
    stream->odd_len = 0;
    stream->events->facts(stream->arg, &facts);
}

/* Switches tell key presses in several spellings. */
static bool take_digit(struct stream *stream, const struct ve_json *json)
{
    static const char *const keys[] = {"digit", "dtmf", "digits", NULL};
    struct ve_str event = ve_json_get_str(json, "event");
    if (!event.len)
        event = ve_json_get_str(json, "type");
    if (!ve_str_ieq(event, VE_STR("dtmf")) && !ve_str_ieq(event, VE_STR("digit")))
        return false;
    struct ve_str digits = first_of(json, keys);
    if (!digits.len)
        digits = first_of(ve_json_get(json, "data"), keys);
    if (!digits.len)
        digits = first_of(ve_json_get(json, "dtmf"), keys);
    for (size_t i = 0; i < digits.len && i < 32; i++) {
        if (strchr("0123456789*#ABCD", digits.ptr[i]) && digits.ptr[i])
            stream->events->digit(stream->arg, digits.ptr[i]);
    }
    return true;
}

static void take_text(struct stream *stream)
{
    char why[96];
    struct ve_json *json;
    /* Metadata may be any text; what is no JSON object says nothing to us. */
    if (ve_json_parse(&json, ve_buf_str(&stream->text), why) != 0)
        return;
    if (!take_digit(stream, json) && ve_json_type(json) == VE_JSON_OBJECT)
        take_metadata(stream, json);
    ve_json_free(json);
}

static void collect_text(struct stream *stream, const uint8_t *bytes, size_t len, bool first,
                         bool last)
{
    if (first) {
        ve_buf_clear(&stream->text);
        stream->too_long = false;
    }
    if (ve_buf_add(&stream->text, bytes, len) != 0)
        stream->too_long = true;
    if (!last)
        return;
    if (!stream->too_long)
        take_text(stream);
    ve_buf_free(&stream->text);
}

/* --- binary: samples -------------------------------------------------------------------------- */

/* The first frame gives the rate away if it is 20 ms of mono; longer ones are taken for 16 kHz
 * where that fits, because it is what Ringover recommends. */
static uint32_t infer_rate(size_t message_len)
{
    if (message_len == 960)
        return 24000;
    if (message_len % 640 != 0 && message_len % 320 == 0)
        return 8000;
    return RATE_FALLBACK;
}

static int16_t sample_at(const uint8_t *p)
{
    return (int16_t)(p[0] | (uint16_t)(p[1] << 8));
}

/* Whole samples; of a pair the left one is the caller. */
static void emit(struct stream *stream, const uint8_t *bytes, size_t len)
{
    int16_t samples[PIECE];
    size_t width = 2 * (size_t)stream->channels;
    while (len >= width) {
        size_t n = len / width < PIECE ? len / width : PIECE;
        for (size_t i = 0; i < n; i++)
            samples[i] = sample_at(bytes + i * width);
        stream->events->audio(stream->arg, samples, n, stream->rate);
        bytes += n * width;
        len -= n * width;
    }
}

/* A message may end inside a sample; its rest begins the next message. */
static void take_samples(struct stream *stream, const uint8_t *bytes, size_t len)
{
    size_t width = 2 * (size_t)stream->channels;
    if (stream->odd_len) {
        uint8_t whole[4];
        size_t missing = width - stream->odd_len;
        if (len < missing) {
            memcpy(stream->odd + stream->odd_len, bytes, len);
            stream->odd_len += len;
            return;
        }
        memcpy(whole, stream->odd, stream->odd_len);
        memcpy(whole + stream->odd_len, bytes, missing);
        stream->odd_len = 0;
        emit(stream, whole, width);
        bytes += missing;
        len -= missing;
    }
    emit(stream, bytes, len);
    stream->odd_len = len % width;
    memcpy(stream->odd, bytes + (len - stream->odd_len), stream->odd_len);
}

static int stream_data(struct ve_carrier *carrier, const uint8_t *bytes, size_t len, bool first,
                       bool last, bool text)
{
    struct stream *stream = stream_of(carrier);
    if (text) {
        collect_text(stream, bytes, len, first, last);
        return 0;
    }
    if (first && last && len == 0) {
        stream->events->stop(stream->arg); /* mod_audio_fork's way of ending */
        return 0;
    }
    if (!stream->rate)
        stream->rate = first && last ? infer_rate(len) : RATE_FALLBACK;
    if (len)
        take_samples(stream, bytes, len);
    return 0;
}

/* --- what we send ----------------------------------------------------------------------------- */

static size_t stream_audio_size(const struct ve_carrier *carrier, size_t count)
{
    (void)carrier;
    return sizeof(audio_head) + 5 + sizeof(audio_middle) +
           ve_base64_size(count * 2, VE_BASE64_STD) + sizeof(audio_tail);
}

static uint8_t *append(uint8_t *at, const char *text, size_t len)
{
    memcpy(at, text, len);
    return at + len;
}

static size_t stream_audio(struct ve_carrier *carrier, const int16_t *samples, size_t count,
                           uint8_t *out, bool *text)
{
    struct stream *stream = stream_of(carrier);
    char digits[8];
    size_t n = 0;
    for (uint32_t rate = stream->config.rate_out; rate; rate /= 10)
        digits[n++] = (char)('0' + rate % 10);
    uint8_t *at = append(out, audio_head, sizeof(audio_head) - 1);
    while (n)
        *at++ = (uint8_t)digits[--n];
    at = append(at, audio_middle, sizeof(audio_middle) - 1);
    /* s16 little-endian: this machine's own order, see the assertion below */
    at += ve_base64_encode((char *)at, samples, count * 2, VE_BASE64_STD);
    at = append(at, audio_tail, sizeof(audio_tail) - 1);
    *text = true;
    return (size_t)(at - out);
}

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "stream_audio sends samples in the machine's byte order, which must be little-endian"
#endif

static int stream_clear(struct ve_carrier *carrier, struct ve_buf *out)
{
    (void)carrier;
    return ve_buf_add_str(out, VE_STR("{\"event\":\"break\"}"));
}

static int write_event(struct ve_buf *out, const char *event, const char *key, struct ve_str value)
{
    struct ve_jsonw w;
    ve_jsonw_init(&w, out);
    ve_jsonw_object(&w);
    ve_jsonw_kstr(&w, "event", ve_str(event));
    ve_jsonw_kstr(&w, key, value);
    ve_jsonw_object_end(&w);
    return ve_jsonw_end(&w);
}

/* Ringover's sample shows a bare number; text is needed for '*', '#' and leading zeros. */
static int stream_digits(struct ve_carrier *carrier, struct ve_str digits, struct ve_buf *out)
{
    uint64_t number;
    (void)carrier;
    if (digits.len && digits.len < 16 && digits.ptr[0] != '0' &&
        ve_str_u64(&number, digits, UINT64_MAX) == 0)
        return ve_buf_printf(out, "{\"event\":\"digits\",\"data\":%llu}",
                             (unsigned long long)number);
    return write_event(out, "digits", "data", digits);
}

/* Numbers travel without '+'. */
static int stream_transfer(struct ve_carrier *carrier, struct ve_str number, struct ve_buf *out)
{
    (void)carrier;
    if (number.len && number.ptr[0] == '+') {
        number.ptr++;
        number.len--;
    }
    return write_event(out, "transfer", "data", number);
}

static int stream_play_url(struct ve_carrier *carrier, struct ve_str url, struct ve_buf *out)
{
    (void)carrier;
    return write_event(out, "play", "file", url);
}

const struct ve_carrier_ops ve_ringover_stream = {
    .name = "ringover",
    .new = stream_new,
    .free = stream_free,
    .data = stream_data,
    .audio_size = stream_audio_size,
    .audio = stream_audio,
    .clear = stream_clear,
    .digits = stream_digits,
    .transfer = stream_transfer,
    .play_url = stream_play_url,
};
