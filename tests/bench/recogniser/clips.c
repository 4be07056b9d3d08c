#include "clips.h"

#include "audio/g711.h"
#include "audio/mix.h"
#include "audio/resample.h"
#include "audio/tone.h"

#include <flite/flite.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define WIDE 16000

cst_voice *register_cmu_us_awb(const char *folder);
cst_voice *register_cmu_us_kal16(const char *folder);
cst_voice *register_cmu_us_rms(const char *folder);
cst_voice *register_cmu_us_slt(const char *folder);

static cst_voice *voice_of(const char *name)
{
    static cst_voice *(*const makers[])(const char *) = {register_cmu_us_awb, register_cmu_us_kal16,
                                                         register_cmu_us_rms, register_cmu_us_slt};
    static const char *const names[] = {"awb", "kal", "rms", "slt"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(names[i], name) == 0)
            return makers[i](NULL);
    }
    return NULL;
}

bool clip_voices_init(void)
{
    return flite_init() == 0;
}

bool clip_has_voice(const char *voice)
{
    return voice_of(voice) != NULL;
}

static void *must(void *memory)
{
    if (!memory)
        abort();
    return memory;
}

static struct clip resampled(const int16_t *samples, size_t count, uint32_t from, uint32_t to)
{
    struct clip out = {.rate = to};
    struct ve_resampler *resampler;
    size_t tail = 0;
    if (ve_resampler_new(&resampler, from, to) != 0)
        abort();
    size_t room = ve_resample_room(resampler, count) + ve_resample_room(resampler, 1) + 4096;
    out.samples = must(calloc(room, sizeof(int16_t)));
    if (ve_resample(resampler, samples, count, out.samples, &out.count) != 0 ||
        ve_resample_flush(resampler, out.samples + out.count, &tail) != 0)
        abort();
    out.count += tail;
    ve_resampler_free(resampler);
    return out;
}

struct clip clip_say(const char *voice, const char *text, float stretch)
{
    cst_voice *speaker = must(voice_of(voice));
    feat_set_float(speaker->features, "duration_stretch", stretch);
    cst_wave *wave = must(flite_text_to_wave(text, speaker));
    struct clip out =
        resampled(wave->samples, (size_t)wave->num_samples, (uint32_t)wave->sample_rate, WIDE);
    feat_set_float(speaker->features, "duration_stretch", 1.0f);
    delete_wave(wave);
    return out;
}

void clip_free(struct clip *clip)
{
    free(clip->samples);
    clip->samples = NULL;
}

/* --- levels and lines ------------------------------------------------------------------------- */

static double rms_of(const struct clip *clip)
{
    double sum = 1;
    for (size_t i = 0; i < clip->count; i++)
        sum += (double)clip->samples[i] * clip->samples[i];
    return sqrt(sum / (double)(clip->count ? clip->count : 1));
}

static float dbfs_of(const struct clip *clip)
{
    return (float)(20 * log10(rms_of(clip) / 32768));
}

static void set_level(struct clip *clip, float dbfs)
{
    double gain = pow(10, dbfs / 20) * 32768 / rms_of(clip);
    for (size_t i = 0; i < clip->count; i++) {
        double v = clip->samples[i] * gain;
        clip->samples[i] = (int16_t)(v > 32767 ? 32767 : v < -32768 ? -32768 : v);
    }
}

/* A Butterworth section at `hz`, low- or high-pass (the Audio EQ Cookbook's). */
static void biquad(struct clip *clip, double hz, bool high)
{
    double w = 2 * M_PI * hz / clip->rate;
    double alpha = sin(w) / M_SQRT2;
    double k = cos(w);
    double b1 = high ? -(1 + k) : 1 - k;
    double b0 = high ? (1 + k) / 2 : (1 - k) / 2;
    double z[4] = {0, 0, 0, 0};
    for (size_t i = 0; i < clip->count; i++) {
        double x = clip->samples[i];
        double y = (b0 * x + b1 * z[0] + b0 * z[1] + 2 * k * z[2] - (1 - alpha) * z[3]);
        y /= 1 + alpha;
        z[1] = z[0];
        z[0] = x;
        z[3] = z[2];
        z[2] = y;
        clip->samples[i] = (int16_t)(y > 32767 ? 32767 : y < -32768 ? -32768 : y);
    }
}

static void to_telephone(struct clip *clip)
{
    uint8_t code;
    biquad(clip, 200, true);
    biquad(clip, 3400, false);
    for (size_t i = 0; i < clip->count; i++) {
        ve_ulaw_encode(&code, clip->samples + i, 1);
        ve_ulaw_decode(clip->samples + i, &code, 1);
    }
}

struct clip clip_over(const struct clip *clip, const struct line *line, uint32_t before,
                      uint32_t after, uint64_t seed)
{
    size_t lead = (size_t)clip->rate * before / 1000;
    size_t count = lead + clip->count + (size_t)clip->rate * after / 1000;
    struct clip wide = {must(calloc(count, sizeof(int16_t))), count, clip->rate};
    if (isfinite(line->noise_db)) {
        struct ve_noise noise;
        ve_noise_init(&noise, VE_NOISE_PINK, dbfs_of(clip) + line->noise_db, seed);
        ve_noise_read(&noise, wide.samples, count);
    }
    ve_mix_add(wide.samples + lead, clip->samples, clip->count);
    if (line->rate == clip->rate)
        return wide;
    struct clip out = resampled(wide.samples, wide.count, wide.rate, line->rate);
    clip_free(&wide);
    if (line->rate == 8000)
        to_telephone(&out);
    return out;
}

/* --- sounds ----------------------------------------------------------------------------------- */

const char *sound_name(enum sound sound)
{
    static const char *const names[SOUNDS] = {"white", "pink", "babble", "hum", "cough", "clicks"};
    return names[sound];
}

/* Eight people who talk at once. */
static void babble(struct clip *clip, struct ve_rng *rng)
{
    static const char *const voices[] = {"rms", "slt", "awb", "kal"};
    static const char *const texts[] = {
        "so what i told them was that nobody had ever asked us about the old garden wall",
        "in the end we took the last bus and walked the rest of the way along the canal",
        "they said it would be ready by monday but of course the parts have not arrived",
        "could you pass me the salt and then tell your sister that dinner is on the table",
    };
    for (unsigned i = 0; i < 8; i++) {
        struct clip one = clip_say(voices[i % 4], texts[ve_rng_below(rng, 4)], 1.0f);
        set_level(&one, -24);
        size_t from = ve_rng_below(rng, (uint32_t)(one.count / 2));
        size_t n = one.count - from < clip->count ? one.count - from : clip->count;
        ve_mix_add(clip->samples, one.samples + from, n);
        ve_mix_add(clip->samples + n, one.samples, clip->count - n);
        clip_free(&one);
    }
}

static void hum(struct clip *clip)
{
    for (size_t i = 0; i < clip->count; i++) {
        double t = (double)i / clip->rate;
        double v = 0;
        for (int k = 1; k <= 9; k += 2)
            v += sin(2 * M_PI * 50 * k * t) / k;
        clip->samples[i] = (int16_t)(8000 * v);
    }
}

/* Bursts of noise through the mouth's first resonances: sharp, then fading; `decay` in s. */
static void bursts(struct clip *clip, struct ve_rng *rng, double decay, double gap)
{
    double at = 0.5 + 0.2 * ve_rng_unit(rng);
    double age = 0;
    double f1 = 500 + 400 * ve_rng_unit(rng);
    for (size_t i = 0; i < clip->count; i++) {
        double t = (double)i / clip->rate;
        if (t < at || t > at + 3 * gap + 0.001)
            continue;
        age = fmod(t - at, gap);
        double envelope = (age < 0.01 ? age / 0.01 : exp(-(age - 0.01) / decay));
        clip->samples[i] = (int16_t)(12000 * envelope * (2 * ve_rng_unit(rng) - 1));
    }
    biquad(clip, f1, true);
    biquad(clip, 2.5 * f1, false);
}

struct clip clip_sound(enum sound sound, float dbfs, uint64_t seed)
{
    size_t count = 3 * WIDE;
    struct clip out = {must(calloc(count, sizeof(int16_t))), count, WIDE};
    struct ve_rng rng;
    struct ve_noise noise;
    ve_rng_seed(&rng, seed);
    if (sound == SOUND_WHITE || sound == SOUND_PINK) {
        ve_noise_init(&noise, sound == SOUND_PINK ? VE_NOISE_PINK : VE_NOISE_WHITE, dbfs, seed);
        ve_noise_read(&noise, out.samples, count);
    } else if (sound == SOUND_BABBLE) {
        babble(&out, &rng);
    } else if (sound == SOUND_HUM) {
        hum(&out);
    } else if (sound == SOUND_COUGH) {
        bursts(&out, &rng, 0.08, 0.35);
    } else {
        bursts(&out, &rng, 0.004, 0.15);
    }
    set_level(&out, dbfs);
    return out;
}
