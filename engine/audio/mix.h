/*
 * audio/mix.h - adding and fading s16 samples, saturating instead of wrapping around.
 *
 * Gains are Q12: VE_GAIN_ONE leaves the samples as they are, 8 * VE_GAIN_ONE is the largest.
 */
#ifndef VE_AUDIO_MIX_H
#define VE_AUDIO_MIX_H

#include <stddef.h>
#include <stdint.h>

#define VE_GAIN_ONE 4096
#define VE_GAIN_MAX (8 * VE_GAIN_ONE)

/* The gain of this many dB; -INFINITY is silence, above +18 dB is VE_GAIN_MAX. */
int32_t ve_gain_of_db(float db);

/* into += samples. */
void ve_mix_add(int16_t *into, const int16_t *samples, size_t count);
/* samples *= gain, rounded. */
void ve_mix_gain(int16_t *samples, size_t count, int32_t gain);
/* The gain goes in a straight line from `from` (before the first sample) to `to` (reached by the
 * last one), so that ramps put side by side have no step. */
void ve_mix_ramp(int16_t *samples, size_t count, int32_t from, int32_t to);
/* `into` fades out while `samples` fades in over the whole run: the sum of the gains is one. */
void ve_mix_crossfade(int16_t *into, const int16_t *samples, size_t count);

#endif
