#include "carrier/rtp_in.h"

#include "audio/g711.h"
#include "audio/level.h"
#include "audio/mix.h"
#include "audio/opus.h"
#include "audio/resample.h"
#include "audio/shorten.h"
#include "base/err.h"

#include <string.h>

#define MS           1000000ull
#define LATE         (60 * MS) /* without a packet for so long, sound is made up */
#define STEP         (20 * MS)
#define FILL_MAX_MS  2000 /* then it is over: the session copes with nothing at all */
#define AT_ONCE_MS   500  /* made up at most in one step */
#define OTHER_TIME_S 10   /* a timestamp further away belongs to another time line */
#define IDLE         (5000 * MS)
#define QUIET_DB     (-45.0f) /* what is left out first */
#define LOUD_DEBT_MS 100      /* with more than that, speech is shortened too */
#define PIECE_MAX    1024     /* samples, 20 ms at 48 kHz and some */
#define DECODED_MAX  VE_RTP_MAX
#define FADE_MAX     192 /* samples, 4 ms at 48 kHz */
#define ORDER_SURE   3   /* packets that agree */

/* The rate that Opus is decoded to: the one configured for the caller, or what we send. */
static uint32_t opus_rate(const struct ve_carrier_config *config)
{
    if (ve_opus_rate_ok(config->rate_in))
        return config->rate_in;
    return ve_opus_rate_ok(config->rate_out) ? config->rate_out : 16000;
}

static uint64_t samples_of(const struct ve_rtp_in *in, uint64_t ns)
{
    return ns * in->rate / 1000 / MS;
}

static size_t of_ms(const struct ve_rtp_in *in, uint32_t ms)
{
    return (size_t)in->rate * ms / 1000;
}

/* --- handing on ------------------------------------------------------------------------------- */

static void hand_on(struct ve_rtp_in *in, const int16_t *samples, size_t count)
{
    if (count)
        in->events->audio(in->arg, samples, count, in->rate);
}

/* The sound goes on without a step from what was handed on last. */
static void join(struct ve_rtp_in *in, int16_t *samples, size_t count)
{
    int16_t before[FADE_MAX];
    size_t fade = of_ms(in, 4) < FADE_MAX ? of_ms(in, 4) : FADE_MAX;
    if (!in->joint && !in->plc.open)
        return;
    fade = fade < count ? fade : count;
    ve_plc_conceal(&in->plc, before, fade);
    ve_mix_crossfade(before, samples, fade);
    memcpy(samples, before, fade * sizeof(*samples));
    in->joint = false;
}

/* Pays the debt with what is quiet, and a large one with periods of speech as well. */
static size_t shorten(struct ve_rtp_in *in, int16_t *samples, size_t count)
{
    size_t most = of_ms(in, 15);
    if (!in->debt)
        return count;
    if (ve_level_rms(samples, count) > QUIET_DB) {
        if (in->debt <= of_ms(in, LOUD_DEBT_MS))
            return count;
        most = of_ms(in, 5);
    }
    size_t left = ve_shorten(samples, count, in->rate, in->debt < most ? (size_t)in->debt : most);
    in->debt -= count - left;
    in->stats->shortened_ms += (count - left) * 1000 / in->rate;
    return left;
}

static void take_piece(struct ve_rtp_in *in, int16_t *samples, size_t count)
{
    join(in, samples, count);
    count = shorten(in, samples, count);
    ve_plc_heard(&in->plc, samples, count);
    hand_on(in, samples, count);
}

/* What was decoded, in pieces of at most 20 ms, at the rate that we hand on. */
static void take_decoded(struct ve_rtp_in *in, const int16_t *samples, size_t count)
{
    int16_t out[PIECE_MAX];
    size_t step = in->decoded_rate / 50;
    while (count) {
        size_t n = count < step ? count : step;
        size_t made = n;
        if (!in->resample)
            memcpy(out, samples, n * sizeof(*out));
        else if (ve_resample(in->resample, samples, n, out, &made) != 0)
            return;
        take_piece(in, out, made);
        samples += n;
        count -= n;
    }
}

/* --- making up -------------------------------------------------------------------------------- */

/* The sound of a gap: the codec's own way where it has one, and nothing of it in long ones. */
static void make_up(struct ve_rtp_in *in, int16_t *out, size_t count)
{
    bool own = in->opus && !in->resample && in->filled < of_ms(in, AT_ONCE_MS) &&
               count % (in->rate / 400) == 0;
    if (own && ve_opus_conceal(in->opus, out, count) == 0) {
        ve_plc_heard(&in->plc, out, count);
        return;
    }
    ve_plc_conceal(&in->plc, out, count);
    ve_cn_add(&in->cn, out, count);
}

static void fill(struct ve_rtp_in *in, uint64_t count)
{
    int16_t out[PIECE_MAX];
    size_t step = in->rate / 100;
    in->stats->filled_ms += count * 1000 / in->rate;
    while (count) {
        size_t n = count < step ? (size_t)count : step;
        make_up(in, out, n);
        hand_on(in, out, n);
        in->filled += n;
        count -= n;
    }
}

/* The packet before this one is lost, but a copy of it may have come along. */
static bool recover(struct ve_rtp_in *in, const struct ve_rtp_packet *packet, uint64_t missing)
{
    int16_t out[DECODED_MAX];
    size_t n = ve_opus_samples(packet->payload, packet->len, in->decoded_rate);
    if (!in->lost || !in->opus || in->resample || !n || n > missing || n > DECODED_MAX)
        return false;
    if (missing > n)
        fill(in, missing - n);
    if (ve_opus_recover(in->opus, packet->payload, packet->len, out, n) != 0)
        return false;
    in->stats->filled_ms += n * 1000 / in->rate;
    take_decoded(in, out, n);
    return true;
}

/* --- the sender's time ------------------------------------------------------------------------ */

/* How far (samples) the packet is from where the last one ended; what was made up when there is
 * nothing to compare with. */
static uint64_t gap_before(const struct ve_rtp_in *in, const struct ve_rtp_packet *packet,
                           uint32_t clock)
{
    int64_t units = (int32_t)(packet->timestamp - in->next);
    bool same = in->timed && clock == in->clock && units >= 0;
    if (!same || units > (int64_t)clock * OTHER_TIME_S)
        return in->filled;
    return (uint64_t)units * in->rate / clock;
}

static void owe(struct ve_rtp_in *in, uint64_t count)
{
    uint64_t most = of_ms(in, FILL_MAX_MS);
    in->debt = in->debt + count < most ? in->debt + count : most;
}

static void keep_time(struct ve_rtp_in *in, const struct ve_rtp_packet *packet, uint32_t clock)
{
    uint64_t gap = gap_before(in, packet, clock);
    uint64_t most = samples_of(in, in->now - in->used_at + LATE);
    bool gave_up = in->filled >= of_ms(in, FILL_MAX_MS);
    if (gap < in->filled) {
        owe(in, in->filled - gap);
    } else if (gap > in->filled && !gave_up) {
        /* A gap in the numbers is one in time: more than has passed is not made up. */
        most = most < of_ms(in, AT_ONCE_MS) ? most : of_ms(in, AT_ONCE_MS);
        uint64_t missing = gap - in->filled < most ? gap - in->filled : most;
        if (!recover(in, packet, missing))
            fill(in, missing);
    }
    in->filled = 0;
    in->filling = false;
    in->lost = false;
    in->timed = true;
    in->next = packet->timestamp;
    in->clock = clock;
    in->covered = in->used_at = in->now;
}

/* --- codecs ----------------------------------------------------------------------------------- */

static uint32_t rate_of(const struct ve_rtp_in *in, const struct ve_rtp_format *format)
{
    if (format->codec != VE_RTP_OPUS)
        return format->clock;
    return ve_opus_rate_ok(in->rate) ? in->rate : in->opus_rate;
}

/* Without memory the codec stays unknown, and the packet is lost. */
static int change_codec(struct ve_rtp_in *in, uint8_t type, const struct ve_rtp_format *format)
{
    struct ve_resampler *resampler = NULL;
    struct ve_opus_decoder *opus = NULL;
    uint32_t rate = rate_of(in, format);
    int err = 0;
    if (in->rate && in->rate != rate)
        err = ve_resampler_new(&resampler, rate, in->rate);
    if (!err && format->codec == VE_RTP_OPUS)
        err = ve_opus_decoder_new(&opus, rate);
    if (err) {
        ve_resampler_free(resampler);
        return err;
    }
    ve_resampler_free(in->resample);
    ve_opus_decoder_free(in->opus);
    in->resample = resampler;
    in->opus = opus;
    in->decoded_rate = rate;
    in->joint = in->typed;
    in->type = type;
    in->typed = true;
    if (!in->rate) {
        in->rate = rate;
        ve_plc_init(&in->plc, rate);
    }
    return 0;
}

static int16_t sample_at(const uint8_t *p, bool little)
{
    return (int16_t)(little ? p[0] | p[1] << 8 : p[0] << 8 | p[1]);
}

static uint64_t roughness(const uint8_t *bytes, size_t count, bool little)
{
    uint64_t sum = 0;
    for (size_t i = 1; i < count; i++) {
        int32_t step = sample_at(bytes + 2 * i, little) - sample_at(bytes + 2 * i - 2, little);
        sum += (uint64_t)(step < 0 ? -step : step);
    }
    return sum;
}

static bool guess_order(struct ve_rtp_order_guess *guess, const uint8_t *bytes, size_t count)
{
    if (guess->sure || count < 2)
        return guess->votes > 0;
    uint64_t big = roughness(bytes, count, false);
    uint64_t little = roughness(bytes, count, true);
    if (big > 2 * little)
        guess->votes = guess->votes > 0 ? guess->votes + 1 : 1;
    else if (little > 2 * big)
        guess->votes = guess->votes < 0 ? guess->votes - 1 : -1;
    guess->sure = guess->votes >= ORDER_SURE || guess->votes <= -ORDER_SURE;
    return guess->votes > 0;
}

static size_t decode_l16(struct ve_rtp_in *in, const struct ve_rtp_packet *packet,
                         uint32_t channels, int16_t *out)
{
    size_t width = 2 * (size_t)channels;
    size_t count = packet->len / width;
    bool little = in->map->order == VE_RTP_LITTLE;
    if (in->map->order == VE_RTP_ORDER_AUTO && channels == 1)
        little = guess_order(&in->order, packet->payload, count);
    for (size_t i = 0; i < count; i++)
        out[i] = sample_at(packet->payload + i * width, little);
    return count;
}

/* Samples of the payload, 0: nothing could be read. `out` has room for DECODED_MAX. */
static size_t decode(struct ve_rtp_in *in, const struct ve_rtp_packet *packet,
                     const struct ve_rtp_format *format, int16_t *out)
{
    size_t count = DECODED_MAX;
    switch (format->codec) {
    case VE_RTP_PCMU:
        ve_ulaw_decode(out, packet->payload, packet->len);
        return packet->len;
    case VE_RTP_PCMA:
        ve_alaw_decode(out, packet->payload, packet->len);
        return packet->len;
    case VE_RTP_L16:
        return decode_l16(in, packet, format->channels, out);
    default:
        return ve_opus_decode(in->opus, packet->payload, packet->len, out, &count) == 0 ? count : 0;
    }
}

static void take_audio(struct ve_rtp_in *in, const struct ve_rtp_packet *packet,
                       const struct ve_rtp_format *format)
{
    int16_t out[DECODED_MAX];
    bool other = !in->typed || in->type != packet->payload_type;
    bool idle = format->codec == VE_RTP_OPUS && !in->opus;
    if ((other || idle) && change_codec(in, packet->payload_type, format) != 0)
        return;
    keep_time(in, packet, format->clock);
    in->silent = false;
    size_t count = decode(in, packet, format, out);
    if (!count) {
        in->stats->broken++;
        return;
    }
    in->next += (uint32_t)((uint64_t)count * format->clock / in->decoded_rate);
    take_decoded(in, out, count);
}

/* --- what the jitter buffer says -------------------------------------------------------------- */

static void on_packet(void *arg, const struct ve_rtp_packet *packet)
{
    struct ve_rtp_in *in = arg;
    const struct ve_rtp_format *format = &in->map->formats[packet->payload_type];
    char key;
    if (!packet->len)
        return;
    switch (format->codec) {
    case VE_RTP_UNKNOWN:
        in->stats->unknown++;
        break;
    case VE_RTP_EVENTS:
        key = ve_rtp_keys_take(&in->keys, packet);
        if (key)
            in->events->digit(in->arg, key);
        break;
    case VE_RTP_CN:
        if (in->rate && ve_cn_read(&in->cn, packet->payload, packet->len)) {
            keep_time(in, packet, format->clock);
            in->silent = true;
        }
        break;
    default:
        take_audio(in, packet, format);
    }
}

static void on_lost(void *arg, unsigned count)
{
    struct ve_rtp_in *in = arg;
    in->lost = count > 0;
}

static void on_reset(void *arg)
{
    struct ve_rtp_in *in = arg;
    /* The two packets that it took to be sure are late already. */
    if (in->timed)
        owe(in, in->filled < of_ms(in, 40) ? in->filled : of_ms(in, 40));
    in->timed = false;
    in->lost = false;
    in->joint = in->rate > 0;
    memset(&in->keys, 0, sizeof(in->keys));
    memset(&in->order, 0, sizeof(in->order));
    if (in->opus)
        ve_opus_decoder_reset(in->opus);
}

static const struct ve_jitter_events jitter_events = {on_packet, on_lost, on_reset};

/* --- the interface ---------------------------------------------------------------------------- */

void ve_rtp_in_init(struct ve_rtp_in *in, const struct ve_carrier_config *config,
                    const struct ve_rtp_map *map, const struct ve_carrier_events *events, void *arg,
                    struct ve_carrier_stats *stats)
{
    memset(in, 0, sizeof(*in));
    in->map = map;
    in->events = events;
    in->arg = arg;
    in->stats = stats;
    in->opus_rate = opus_rate(config);
    ve_cn_init(&in->cn, config->seed);
    ve_jitter_init(&in->jitter, &jitter_events, in, stats);
}

void ve_rtp_in_free(struct ve_rtp_in *in)
{
    ve_jitter_free(&in->jitter);
    ve_opus_decoder_free(in->opus);
    ve_resampler_free(in->resample);
    in->opus = NULL;
    in->resample = NULL;
}

bool ve_rtp_in_take(struct ve_rtp_in *in, const uint8_t *bytes, size_t len, uint64_t now)
{
    struct ve_rtp_packet packet;
    int err = ve_rtp_parse(&packet, bytes, len);
    in->now = now;
    if (err == 0)
        ve_jitter_put(&in->jitter, &packet, now);
    else if (err != VE_ENOTSUP)
        in->stats->broken++;
    return err == 0 || err == VE_ENOTSUP;
}

/* Packets that wait for one before them are sound that has come: nothing is made up for them. */
static bool may_fill(const struct ve_rtp_in *in)
{
    return in->rate && in->timed && in->filled < of_ms(in, FILL_MAX_MS) &&
           !ve_jitter_due(&in->jitter);
}

static uint64_t fill_due(const struct ve_rtp_in *in)
{
    return in->covered + (in->filling || in->silent ? STEP : LATE);
}

void ve_rtp_in_tick(struct ve_rtp_in *in, uint64_t now)
{
    in->now = now;
    ve_jitter_tick(&in->jitter, now);
    if (may_fill(in) && fill_due(in) <= now) {
        uint64_t most = of_ms(in, AT_ONCE_MS);
        uint64_t count = samples_of(in, now - in->covered);
        /* whole steps of 10 ms: what the codecs can make up */
        count = (count < most ? count : most) / (in->rate / 100) * (in->rate / 100);
        in->covered = count < most ? in->covered + count * 1000 * MS / in->rate : now;
        in->filling = true;
        fill(in, count);
    }
    if (in->opus && now - in->used_at >= IDLE) {
        ve_opus_decoder_free(in->opus);
        in->opus = NULL;
    }
}

uint64_t ve_rtp_in_due(const struct ve_rtp_in *in)
{
    uint64_t due = ve_jitter_due(&in->jitter);
    if (may_fill(in) && (!due || fill_due(in) < due))
        due = fill_due(in);
    if (!due && in->opus)
        due = in->used_at + IDLE;
    return due;
}

bool ve_rtp_in_little(const struct ve_rtp_in *in)
{
    return in->map->order == VE_RTP_LITTLE ||
           (in->map->order == VE_RTP_ORDER_AUTO && in->order.votes > 0);
}
