/*
 * audio/tone.h - sounds the engine makes itself: keys, beeps, ring-back, busy, noise.
 *
 * A tone goes on without a seam over any number of reads: the phase is kept, and every sounding
 * part begins and ends with a ramp of 5 ms, so nothing clicks. Sine and noise are computed from
 * integers and exact arithmetic: the same samples everywhere.
 */
#ifndef VE_AUDIO_TONE_H
#define VE_AUDIO_TONE_H

#include "base/rng.h"

#include <stddef.h>

#define VE_TONE_RATE_MIN 8000 /* Hz */
#define VE_TONE_RATE_MAX 48000

struct ve_tone_spec {
    float hz[2];    /* one or two sines; 0: not used. Below half the rate. */
    float dbfs;     /* RMS of each sine; a full-scale sine is -3 */
    uint32_t on_ms; /* the cadence: sound, then silence, again and again; on_ms 0: all sound */
    uint32_t off_ms;
    uint32_t total_ms; /* 0: without end */
};

enum ve_tone_region { VE_TONE_EUROPE, VE_TONE_NORTH_AMERICA };

struct ve_tone {
    uint32_t phase[2];  /* 2^32 is a turn */
    uint32_t step[2];   /* per sample */
    float amplitude[2]; /* of the sines, in sample units */
    uint64_t on;        /* samples; UINT64_MAX: all sound */
    uint64_t off;       /* samples */
    uint64_t at;        /* samples into the cadence */
    uint64_t left;      /* samples until the end; UINT64_MAX: without end */
    uint32_t ramp;      /* samples */
};

/* VE_EINVAL for a rate, frequency or level that makes no sense. */
int ve_tone_init(struct ve_tone *tone, uint32_t rate, const struct ve_tone_spec *spec);
/* How many samples were made: fewer than asked for only at the end. */
size_t ve_tone_read(struct ve_tone *tone, int16_t *out, size_t count);

/* A key's two frequencies, -10 dBFS each, for `ms` (at least 40). VE_EINVAL: not one of
 * 0-9 * # A-D (a-d). */
int ve_tone_dtmf(struct ve_tone_spec *out, char digit, uint32_t ms);
struct ve_tone_spec ve_tone_beep(float hz, uint32_t ms);
struct ve_tone_spec ve_tone_ringback(enum ve_tone_region region);
struct ve_tone_spec ve_tone_busy(enum ve_tone_region region);

enum ve_noise_colour { VE_NOISE_WHITE, VE_NOISE_PINK };

struct ve_noise {
    struct ve_rng rng;
    enum ve_noise_colour colour;
    float amplitude; /* of one source */
    uint32_t turn;   /* samples made */
    float rows[12];  /* pink: sources that change every 2nd, 4th, 8th ... sample */
};

void ve_noise_init(struct ve_noise *noise, enum ve_noise_colour colour, float dbfs, uint64_t seed);
void ve_noise_read(struct ve_noise *noise, int16_t *out, size_t count);

#endif
