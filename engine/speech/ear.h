/*
 * speech/ear.h - from samples to what the recogniser compares: a vector for every 10 ms.
 *
 * Inside of speech/ only. One ear serves one stream, utterance after utterance; it belongs to
 * whichever thread works on that stream. An utterance is heard whole before it is recognised,
 * because the vectors must be centred on their mean: a mean guessed in advance does not fit a
 * telephone, and costs half of the recognition (tests/bench/bench_recogniser.c measures it).
 */
#ifndef VE_SPEECH_EAR_H
#define VE_SPEECH_EAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VE_EAR_RATE       16000 /* Hz, what the acoustic model was made for */
#define VE_EAR_DIMS       13
#define VE_EAR_FRAMES_MAX 6000 /* of an utterance: 60 s; the rest is ignored */
#define VE_EAR_MARGIN     20   /* frames kept on both sides of the speech */

struct ve_ear;

enum ve_ear_sound {
    VE_EAR_SPEECH,  /* perhaps: the range is worth recognising */
    VE_EAR_SILENCE, /* nothing was loud */
    VE_EAR_NOISE,   /* nothing stood out of it, or not long enough, or it had no voice */
};

/* The part of an utterance that holds its speech; the same however the samples were cut. */
struct ve_ear_range {
    enum ve_ear_sound sound;
    size_t begin; /* frames */
    size_t end;
    size_t loud;   /* frames of it that stand out */
    size_t voiced; /* of these, with a voice in them */
    float cut;     /* c0 from which on a frame stands out */
    float spread;  /* c0 of the loudest frames less that of the softest */
};

/* `rate` is that of the samples: 8000 to 48000 Hz. VE_EINVAL, VE_ENOMEM, VE_EFAILED. */
int ve_ear_new(struct ve_ear **out, uint32_t rate);
/* NULL is allowed. */
void ve_ear_free(struct ve_ear *ear);
/* Forgets everything: the next sample begins an utterance. */
void ve_ear_begin(struct ve_ear *ear);
int ve_ear_hear(struct ve_ear *ear, const int16_t *samples, size_t count);
/* No more samples come. */
int ve_ear_end(struct ve_ear *ear);

size_t ve_ear_frames(const struct ve_ear *ear);
/* VE_ENOMEM. */
int ve_ear_range(const struct ve_ear *ear, struct ve_ear_range *out);
/* Vectors of the range, centred; `out` has room for its frames. */
void ve_ear_vectors(const struct ve_ear *ear, const struct ve_ear_range *range,
                    float (*out)[VE_EAR_DIMS]);

#endif
