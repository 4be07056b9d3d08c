/*
 * What a recogniser is given of a caller in a call: 300 ms from before the speech, the words as the
 * offline voice says them, and the half second after which a turn ends. Between them the line is
 * digital: perfectly silent.
 */
#ifndef VE_TEST_SPEECH_CALLERS_H
#define VE_TEST_SPEECH_CALLERS_H

#include "audio/resample.h"
#include "base/rng.h"
#include "rig.h"
#include "speech/flite_voice.h"

#include <stdlib.h>

struct utterance {
    int16_t *samples; /* owned: free it */
    size_t count;
};

static const struct ve_grammar_phrase caller_phrases[] = {
    {{"sales", 5}, {"[the] sales [department]", 24}},
    {{"billing", 7}, {"billing", 7}},
    {{"hours", 5}, {"opening hours", 13}},
    {{"yes", 3}, {"yes [please]", 12}},
};

static inline struct ve_grammar *caller_grammar(void)
{
    static const struct ve_str leads[] = {{"i would like", 12}};
    static const struct ve_str tails[] = {{"please", 6}};
    const struct ve_grammar_spec spec = {caller_phrases, 4, leads, 1, tails, 1};
    struct ve_grammar *grammar = NULL;
    char why[160];
    assert_int_equal(ve_grammar_new(&grammar, &spec, why), 0);
    return grammar;
}

static inline int caller_chunk(void *arg, const int16_t *samples, size_t count,
                               const struct ve_voice_word *words, size_t word_count)
{
    (void)words;
    (void)word_count;
    return ve_buf_add(arg, samples, count * sizeof(*samples));
}

static inline void caller_speak(struct ve_buf *out, const char *voice, const char *text)
{
    struct ve_spoken spoken;
    atomic_bool stop = false;
    size_t begin = 0;
    size_t end = 0;
    assert_int_equal(ve_spoken_init(&spoken, ve_str(text)), 0);
    while (ve_spoken_next(&spoken, &begin, &end)) {
        const struct ve_flite_piece piece = {.voice = ve_flite_voice(voice),
                                             .spoken = &spoken,
                                             .source = ve_str(text),
                                             .begin = begin,
                                             .end = end,
                                             .stop = &stop,
                                             .chunk = caller_chunk,
                                             .arg = out};
        assert_int_equal(ve_flite_speak(&piece), 0);
    }
    ve_spoken_free(&spoken);
}

/* The 16 kHz samples in `wide` as they are heard at `rate`, silence on both sides. */
static inline struct utterance caller_line(const struct ve_buf *wide, uint32_t rate)
{
    struct ve_resampler *resampler;
    size_t lead = rate * 3 / 10;
    size_t got = 0;
    size_t rest = 0;
    assert_int_equal(ve_resampler_new(&resampler, VE_VOICE_RATE, rate), 0);
    size_t count = wide->len / sizeof(int16_t);
    size_t room = lead + rate / 2 + ve_resample_room(resampler, count);
    struct utterance out = {calloc(room + ve_resample_room(resampler, 0), sizeof(int16_t)), 0};
    assert_non_null(out.samples);
    if (count)
        assert_int_equal(ve_resample(resampler, (const int16_t *)(const void *)wide->ptr, count,
                                     out.samples + lead, &got),
                         0);
    assert_int_equal(ve_resample_flush(resampler, out.samples + lead + got, &rest), 0);
    out.count = lead + got + rest + rate / 2;
    ve_resampler_free(resampler);
    return out;
}

static inline struct utterance caller_says(const char *voice, const char *text, uint32_t rate)
{
    struct ve_buf wide;
    ve_buf_init(&wide, 0);
    caller_speak(&wide, voice, text);
    struct utterance out = caller_line(&wide, rate);
    ve_buf_free(&wide);
    return out;
}

/* Uniform noise, `peak` at most. */
static inline struct utterance caller_noise(uint32_t rate, unsigned ms, int peak)
{
    size_t count = (size_t)rate * ms / 1000;
    struct utterance out = {calloc(count, sizeof(int16_t)), count};
    struct ve_rng rng;
    assert_non_null(out.samples);
    ve_rng_seed(&rng, 5);
    for (size_t i = 0; i < count; i++)
        out.samples[i] = (int16_t)((int)ve_rng_below(&rng, (uint64_t)peak * 2 + 1) - peak);
    return out;
}

#endif
