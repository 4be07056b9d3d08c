/*
 * speech/verdict.h - was that really said? Inside of speech/ only.
 *
 * A grammar always finds its best phrase, also in a cough. What tells is how much better "any
 * sounds in a row" explain the same audio, where in the phrase they do, whether they are the
 * phrase's own sounds, and whether words last as long as words do. Each of these is a number; their
 * weighted sum, tuned on spoken sentences in and outside a grammar
 * (tests/bench/bench_recogniser.c), gives the confidence. A pure function.
 */
#ifndef VE_SPEECH_VERDICT_H
#define VE_SPEECH_VERDICT_H

#include "speech/decoder.h"

#define VE_VERDICT_TRAITS 13

struct ve_verdict {
    float confidence;   /* 0..1; from 0.5 on the phrase was said */
    const char *reason; /* NULL when it was; else as in struct ve_recogniser_result */
    float traits[VE_VERDICT_TRAITS];
};

void ve_verdict_judge(const struct ve_evidence *evidence, const struct ve_ear_range *range,
                      struct ve_verdict *out);

#endif
