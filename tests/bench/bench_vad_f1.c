/*
 * How well the ear hears, and what the gate costs it: frame F1, recall, delay of onsets and the
 * share of blocks that the detector had to run, over speech with pauses in thirteen conditions.
 *
 *   bench_vad_f1                       flite's voices read some sentences
 *   bench_vad_f1 FILE.wav ...          mono recordings of single utterances, 8 kHz
 *
 * The truth is the level of the clean speech: 10 ms count as speech down to 30 dB below its active
 * level, gaps under 150 ms included, islands under 50 ms not.
 */
#include "audio/g711.h"
#include "audio/level.h"
#include "audio/mix.h"
#include "audio/resample.h"
#include "audio/tone.h"
#include "audio/vad.h"
#include "audio/wav.h"

#include <flite/flite.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    RATE = 8000,
    CLIP = 15 * RATE,
    GRID = 80, /* 10 ms */
    FRAMES = CLIP / GRID,
    BLOCKS = CLIP / VE_VAD_BLOCK,
    CLIPS = 40, /* per condition */
    SOURCES_MAX = 4000,
    BYTES_MAX = 2 << 20, /* of a recording */
};

cst_voice *register_cmu_us_slt(const char *folder);
cst_voice *register_cmu_us_rms(const char *folder);

struct source {
    int16_t *samples; /* owned */
    size_t count;
};

struct condition {
    const char *name;
    float speech_dbfs;
    float noise_dbfs; /* -INFINITY: none */
    enum ve_noise_colour colour;
};

static const struct condition conditions[] = {
    {"clean", -24, -INFINITY, VE_NOISE_PINK}, {"idle -75", -24, -75, VE_NOISE_PINK},
    {"idle -65", -24, -65, VE_NOISE_PINK},    {"idle -55", -24, -55, VE_NOISE_PINK},
    {"hiss -50", -24, -50, VE_NOISE_WHITE},   {"pink 20 dB", -24, -44, VE_NOISE_PINK},
    {"pink 10 dB", -24, -34, VE_NOISE_PINK},  {"pink 5 dB", -24, -29, VE_NOISE_PINK},
    {"pink 0 dB", -24, -24, VE_NOISE_PINK},   {"white 10 dB", -24, -34, VE_NOISE_WHITE},
    {"speech -36", -36, -75, VE_NOISE_PINK},  {"speech -48", -48, -75, VE_NOISE_PINK},
    {"speech -54", -54, -75, VE_NOISE_PINK},
};
enum { CONDITIONS = sizeof(conditions) / sizeof(*conditions) };

struct clip {
    int16_t samples[CLIP];
    bool speech[FRAMES];
};

struct score {
    double hits, false_alarms, misses; /* frames */
    double run, blocks;
    double delay_ms, onsets;
    double lost; /* onsets not heard within a second */
};

struct eval {
    struct source sources[SOURCES_MAX];
    size_t source_count;
    struct clip clips[CONDITIONS][CLIPS];
};

/* --- sources --- */

static void source_add(struct eval *eval, const int16_t *samples, size_t count, uint32_t rate)
{
    struct ve_resampler *resampler = NULL;
    if (eval->source_count == SOURCES_MAX || ve_resampler_new(&resampler, rate, RATE) != 0)
        return;
    struct source *source = &eval->sources[eval->source_count];
    source->samples = malloc((ve_resample_room(resampler, count) + 1) * sizeof(int16_t));
    if (source->samples &&
        ve_resample(resampler, samples, count, source->samples, &source->count) == 0 &&
        source->count > RATE / 2)
        eval->source_count++;
    else
        free(source->samples);
    ve_resampler_free(resampler);
}

static void source_load(struct eval *eval, const char *path)
{
    static uint8_t bytes[BYTES_MAX];
    static int16_t samples[BYTES_MAX];
    struct ve_wav wav;
    FILE *file = fopen(path, "rb");
    if (!file)
        return;
    size_t len = fread(bytes, 1, sizeof(bytes), file);
    (void)fclose(file);
    if (ve_wav_parse(&wav, bytes, len) == 0)
        source_add(eval, samples, ve_wav_read_mono(&wav, 0, samples, BYTES_MAX), wav.rate);
}

static void sources_speak(struct eval *eval)
{
    static const char *texts[] = {
        "Hello, I would like to make an appointment for next week, if that is possible.",
        "Yes, Tuesday afternoon would be fine.",
        "Could you tell me your opening hours, please?",
        "My car makes a strange noise when I turn left, and the brakes are soft.",
        "No, thank you, that was all.",
        "It is about the invoice from last month; the amount does not look right to me.",
        "I have been waiting for more than two weeks now and nobody called me back.",
        "Fifteen, no, sorry, fifty.",
        "Can I speak to somebody from the sales department?",
        "One moment, let me find the paper. Here it is. The number is four zero seven one.",
    };
    flite_init();
    cst_voice *voices[] = {register_cmu_us_slt(NULL), register_cmu_us_rms(NULL)};
    for (size_t i = 0; i < 20; i++) {
        cst_wave *wave = flite_text_to_wave(texts[i % 10], voices[i / 10]);
        if (wave)
            source_add(eval, wave->samples, (size_t)wave->num_samples, (uint32_t)wave->sample_rate);
        delete_wave(wave);
    }
}

/* --- clips --- */

/* Fills gaps (or, with `value` false, removes islands) shorter than `limit` frames. */
static void smooth(bool speech[FRAMES], bool value, size_t limit)
{
    for (size_t at = 0; at < FRAMES;) {
        size_t end = at;
        while (end < FRAMES && speech[end] == speech[at])
            end++;
        if (speech[at] != value && end - at < limit && at > 0 && end < FRAMES)
            memset(speech + at, value, (end - at) * sizeof(*speech));
        at = end;
    }
}

/* Marks the speech of the clean clip, and returns its active mean square. */
static double mark(struct clip *clip)
{
    double sum = 0;
    double active = 1;
    for (size_t f = 0; f < FRAMES; f++) {
        double energy = (double)ve_level_energy(clip->samples + f * GRID, GRID) / GRID;
        sum += energy > 1e4 ? energy : 0;
        active += energy > 1e4;
    }
    for (size_t f = 0; f < FRAMES; f++) {
        double energy = (double)ve_level_energy(clip->samples + f * GRID, GRID) / GRID;
        clip->speech[f] = energy > sum / active / 1000;
    }
    smooth(clip->speech, true, 16);
    smooth(clip->speech, false, 5);
    return sum / active;
}

/* Utterances with pauses of 0.3 to 4 s, at the condition's level, with its noise, through mu-law.
 */
static void clip_make(struct clip *clip, const struct eval *eval, const struct condition *condition,
                      struct ve_rng *rng)
{
    static int16_t noise_samples[CLIP];
    static uint8_t codes[CLIP];
    struct ve_noise noise;
    size_t at = RATE / 2 + ve_rng_below(rng, RATE);
    memset(clip, 0, sizeof(*clip));
    while (at < CLIP - RATE) {
        const struct source *source = &eval->sources[ve_rng_below(rng, eval->source_count)];
        size_t room = CLIP - RATE / 4 - at;
        size_t count = source->count < room ? source->count : room;
        memcpy(clip->samples + at, source->samples, count * sizeof(int16_t));
        at += count + RATE * 3 / 10 + ve_rng_below(rng, 2 * (uint64_t)RATE);
        at += ve_rng_below(rng, 5) == 0 ? 2 * RATE : 0;
    }
    double level = 10 * log10(mark(clip) / 1073741824.0);
    ve_mix_gain(clip->samples, CLIP, ve_gain_of_db(condition->speech_dbfs - (float)level));
    ve_noise_init(&noise, condition->colour, condition->noise_dbfs, ve_rng_u64(rng));
    ve_noise_read(&noise, noise_samples, CLIP);
    ve_mix_add(clip->samples, noise_samples, CLIP);
    ve_ulaw_encode(codes, clip->samples, CLIP);
    ve_ulaw_decode(clip->samples, codes, CLIP);
}

/* --- scores --- */

static void score_onsets(struct score *score, const struct clip *clip, const bool heard[BLOCKS])
{
    size_t silent = 0;
    for (size_t f = 0; f < FRAMES - 100; f++) {
        if (clip->speech[f] && silent >= 30) {
            size_t first = f * GRID / VE_VAD_BLOCK;
            size_t block = first;
            while (block < first + 32 && block < BLOCKS && !heard[block])
                block++;
            bool found = block < first + 32 && block < BLOCKS;
            score->lost += !found;
            score->onsets += found;
            score->delay_ms += found ? (double)(block + 1) * 32 - (double)f * 10 : 0;
        }
        silent = clip->speech[f] ? 0 : silent + 1;
    }
}

static void score_clip(struct score *score, const struct clip *clip,
                       const struct ve_vad_options *options)
{
    struct ve_vad vad;
    struct ve_vad_block block;
    bool heard[BLOCKS + 1] = {false};
    const int16_t *samples = clip->samples;
    size_t count = CLIP;
    if (ve_vad_init(&vad, options) != 0)
        return;
    for (size_t b = 0; ve_vad_push(&vad, &block, &samples, &count); b++) {
        heard[b] = block.probability >= 0.5f;
        score->run += block.how == VE_VAD_RAN;
        score->blocks++;
    }
    ve_vad_close(&vad);
    for (size_t f = 0; f < (size_t)BLOCKS * VE_VAD_BLOCK / GRID; f++) {
        bool yes = heard[f * GRID / VE_VAD_BLOCK];
        score->hits += yes && clip->speech[f];
        score->false_alarms += yes && !clip->speech[f];
        score->misses += !yes && clip->speech[f];
    }
    score_onsets(score, clip, heard);
}

static void score_print(const char *name, const struct score *score)
{
    double frames = 2 * score->hits + score->false_alarms + score->misses;
    printf("  %-12s F1 %.4f  recall %.3f  onset %5.1f ms  lost %3.0f  run %3.0f %%\n", name,
           2 * score->hits / frames, score->hits / (score->hits + score->misses),
           score->delay_ms / (score->onsets > 0 ? score->onsets : 1), score->lost,
           100 * score->run / score->blocks);
}

static void score_all(const struct eval *eval, const char *name, struct ve_vad_options options)
{
    struct score total = {.hits = 0};
    printf("%s\n", name);
    for (size_t c = 0; c < CONDITIONS; c++) {
        struct score score = {.hits = 0};
        for (size_t i = 0; i < CLIPS; i++) {
            score_clip(&score, &eval->clips[c][i], &options);
            score_clip(&total, &eval->clips[c][i], &options);
        }
        score_print(conditions[c].name, &score);
    }
    score_print("all", &total);
}

int main(int argc, char **argv)
{
    static struct eval eval;
    struct ve_rng rng;
    struct ve_vad_options options = ve_vad_defaults();
    ve_rng_seed(&rng, 7);
    for (int i = 1; i < argc; i++)
        source_load(&eval, argv[i]);
    if (argc == 1)
        sources_speak(&eval);
    if (eval.source_count == 0) {
        (void)fprintf(stderr, "bench_vad_f1: no speech\n");
        return 1;
    }
    for (size_t c = 0; c < CONDITIONS; c++) {
        for (size_t i = 0; i < CLIPS; i++)
            clip_make(&eval.clips[c][i], &eval, &conditions[c], &rng);
    }
    printf("%zu utterances, %d s\n", eval.source_count, CONDITIONS * CLIPS * 15);
    score_all(&eval, "as it ships", options);
    options.idle_skip = 0;
    score_all(&eval, "gate, but every block of noise heard", options);
    options.gate_dbfs = -INFINITY;
    score_all(&eval, "no gate", options);
    options = ve_vad_defaults();
    options.kind = VE_VAD_WEBRTC;
    score_all(&eval, "WebRTC's detector", options);
    for (size_t i = 0; i < eval.source_count; i++)
        free(eval.sources[i].samples);
    return 0;
}
