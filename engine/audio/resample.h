/*
 * audio/resample.h - mono s16 from one rate to another, speexdsp behind it (quality 3, for voice).
 *
 * All input is always taken; the output buffer must have ve_resample_room(n) samples. The filter's
 * start delay is left out, so the output begins where the input does; what the filter still holds
 * at the end comes with ve_resample_flush, and then as many samples have come out as the input
 * lasted. Equal rates pass through without any filter. The filter's memory is speexdsp's own.
 */
#ifndef VE_AUDIO_RESAMPLE_H
#define VE_AUDIO_RESAMPLE_H

#include <stddef.h>
#include <stdint.h>

#define VE_RESAMPLE_RATE_MIN 8000 /* Hz */
#define VE_RESAMPLE_RATE_MAX 48000
#define VE_RESAMPLE_MAX      (1u << 20) /* samples of one call */

struct ve_resampler;

/* VE_EINVAL: a rate out of range. VE_ENOMEM. */
int ve_resampler_new(struct ve_resampler **out, uint32_t in_rate, uint32_t out_rate);
/* NULL is allowed. */
void ve_resampler_free(struct ve_resampler *resampler);
/* Forgets the past: the next sample is the first of a new stream. */
int ve_resampler_reset(struct ve_resampler *resampler);

/* The most samples that `count` samples of input can become, and a flush as well (count 0). */
size_t ve_resample_room(const struct ve_resampler *resampler, size_t count);
/* Takes all of `in`; *out_count is what was written. VE_ETOOBIG above VE_RESAMPLE_MAX. */
int ve_resample(struct ve_resampler *resampler, const int16_t *in, size_t count, int16_t *out,
                size_t *out_count);
/* The rest, as if silence followed; then as after a reset. */
int ve_resample_flush(struct ve_resampler *resampler, int16_t *out, size_t *out_count);

#endif
