#include "audio/tone.h"

#include "audio/level.h"
#include "base/err.h"

#include <math.h>
#include <string.h>

enum { RAMP_MS = 5, NOISE_ROWS = 12, DTMF_MS_MIN = 40 };

static const char dtmf_digits[] = "123A456B789C*0#D";
static const float dtmf_rows[4] = {697, 770, 852, 941};
static const float dtmf_columns[4] = {1209, 1336, 1477, 1633};

/* RMS in sample units. */
static float rms_of(float dbfs)
{
    return (float)sqrt((double)ve_level_threshold(dbfs, 1 << 20) / (1 << 20));
}

/* sin(2 pi phase / 2^32): folded to a quarter turn, then the series up to x^11 (1e-7). */
static float sine(uint32_t phase)
{
    double turn = (int32_t)phase / 1073741824.0; /* quarter turns, -2 to 2 */
    if (turn > 1)
        turn = 2 - turn;
    else if (turn < -1)
        turn = -2 - turn;
    double x = turn * 1.57079632679489662;
    double square = x * x;
    double sum = 1;
    for (int n = 11; n >= 3; n -= 2)
        sum = 1 - sum * square / (n * (n - 1));
    return (float)(x * sum);
}

int ve_tone_init(struct ve_tone *tone, uint32_t rate, const struct ve_tone_spec *spec)
{
    memset(tone, 0, sizeof(*tone));
    if (rate < VE_TONE_RATE_MIN || rate > VE_TONE_RATE_MAX || !(spec->dbfs <= 0))
        return VE_EINVAL;
    for (int i = 0; i < 2; i++) {
        if (!(spec->hz[i] >= 0 && spec->hz[i] < (float)rate / 2))
            return VE_EINVAL;
        tone->step[i] = (uint32_t)((double)spec->hz[i] / rate * 4294967296.0);
        tone->amplitude[i] = spec->hz[i] > 0 ? rms_of(spec->dbfs) * 1.41421356f : 0;
    }
    tone->on = spec->on_ms ? (uint64_t)spec->on_ms * rate / 1000 : UINT64_MAX;
    tone->off = (uint64_t)spec->off_ms * rate / 1000;
    tone->left = spec->total_ms ? (uint64_t)spec->total_ms * rate / 1000 : UINT64_MAX;
    tone->ramp = rate * RAMP_MS / 1000;
    return 0;
}

/* 0 to 1: the ramps at the edges of the sounding part that `at` lies in. */
static float envelope(const struct ve_tone *tone)
{
    uint64_t before = tone->at + 1;
    uint64_t after = tone->on - tone->at;
    uint64_t edge = before < after ? before : after;
    if (tone->at >= tone->on)
        return 0;
    edge = tone->left < edge ? tone->left : edge;
    return edge >= tone->ramp ? 1 : (float)edge / (float)tone->ramp;
}

static int16_t round_sample(float x)
{
    if (x > 32767)
        return 32767;
    if (x < -32768)
        return -32768;
    return (int16_t)(x < 0 ? x - 0.5f : x + 0.5f);
}

static int16_t tone_next(struct ve_tone *tone)
{
    float gain = envelope(tone);
    float sum = 0;
    for (int i = 0; i < 2 && gain > 0; i++) {
        if (tone->amplitude[i] > 0)
            sum += tone->amplitude[i] * sine(tone->phase[i]);
    }
    for (int i = 0; i < 2; i++)
        tone->phase[i] += tone->step[i];
    if (tone->left != UINT64_MAX)
        tone->left--;
    tone->at++;
    if (tone->on != UINT64_MAX && tone->at >= tone->on + tone->off)
        tone->at = 0;
    return round_sample(sum * gain);
}

size_t ve_tone_read(struct ve_tone *tone, int16_t *out, size_t count)
{
    size_t n = 0;
    while (n < count && tone->left > 0)
        out[n++] = tone_next(tone);
    return n;
}

int ve_tone_dtmf(struct ve_tone_spec *out, char digit, uint32_t ms)
{
    char upper = (char)(digit >= 'a' && digit <= 'd' ? digit - 'a' + 'A' : digit);
    const char *place = upper ? strchr(dtmf_digits, upper) : NULL;
    if (!place)
        return VE_EINVAL;
    size_t index = (size_t)(place - dtmf_digits);
    *out = (struct ve_tone_spec){
        .hz = {dtmf_rows[index / 4], dtmf_columns[index % 4]},
        .dbfs = -10,
        .total_ms = ms < DTMF_MS_MIN ? DTMF_MS_MIN : ms,
    };
    return 0;
}

struct ve_tone_spec ve_tone_beep(float hz, uint32_t ms)
{
    return (struct ve_tone_spec){.hz = {hz, 0}, .dbfs = -12, .total_ms = ms};
}

struct ve_tone_spec ve_tone_ringback(enum ve_tone_region region)
{
    if (region == VE_TONE_NORTH_AMERICA)
        return (struct ve_tone_spec){.hz = {440, 480}, .dbfs = -22, .on_ms = 2000, .off_ms = 4000};
    return (struct ve_tone_spec){.hz = {425, 0}, .dbfs = -19, .on_ms = 1500, .off_ms = 3500};
}

struct ve_tone_spec ve_tone_busy(enum ve_tone_region region)
{
    if (region == VE_TONE_NORTH_AMERICA)
        return (struct ve_tone_spec){.hz = {480, 620}, .dbfs = -22, .on_ms = 500, .off_ms = 500};
    return (struct ve_tone_spec){.hz = {425, 0}, .dbfs = -19, .on_ms = 500, .off_ms = 500};
}

void ve_noise_init(struct ve_noise *noise, enum ve_noise_colour colour, float dbfs, uint64_t seed)
{
    /* A source is uniform in [-1, 1): a third of a full square; pink adds up all of them. */
    int sources = colour == VE_NOISE_PINK ? NOISE_ROWS + 1 : 1;
    memset(noise, 0, sizeof(*noise));
    ve_rng_seed(&noise->rng, seed);
    noise->colour = colour;
    noise->amplitude = rms_of(dbfs) * (float)sqrt(3.0 / sources);
    for (int i = 0; i < NOISE_ROWS && colour == VE_NOISE_PINK; i++)
        noise->rows[i] = (float)(2 * ve_rng_unit(&noise->rng) - 1);
}

void ve_noise_read(struct ve_noise *noise, int16_t *out, size_t count)
{
    for (size_t n = 0; n < count; n++) {
        float sum = (float)(2 * ve_rng_unit(&noise->rng) - 1);
        noise->turn++;
        if (noise->colour == VE_NOISE_PINK) {
            int row = noise->turn ? __builtin_ctz(noise->turn) : NOISE_ROWS;
            if (row < NOISE_ROWS)
                noise->rows[row] = (float)(2 * ve_rng_unit(&noise->rng) - 1);
            for (int i = 0; i < NOISE_ROWS; i++)
                sum += noise->rows[i];
        }
        out[n] = round_sample(sum * noise->amplitude);
    }
}
