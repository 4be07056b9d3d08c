#include "audio/mix.h"

#include "audio/level.h"

#include <math.h>

enum { GAIN_SHIFT = 12, RAMP_SHIFT = 16 };

static inline int16_t saturate(int32_t x)
{
    x = x > INT16_MAX ? INT16_MAX : x;
    return (int16_t)(x < INT16_MIN ? INT16_MIN : x);
}

/* |sample * gain| is at most 2^15 * 2^15, so 32 bits hold it with the rounding. */
static inline int32_t scaled(int16_t sample, int32_t gain)
{
    return (sample * gain + (1 << (GAIN_SHIFT - 1))) >> GAIN_SHIFT;
}

static int32_t clamp_gain(int32_t gain)
{
    gain = gain < 0 ? 0 : gain;
    return gain > VE_GAIN_MAX ? VE_GAIN_MAX : gain;
}

int32_t ve_gain_of_db(float db)
{
    /* A level's sum of squares is 2^30 times the power ratio. */
    double power = (double)ve_level_threshold(db, 1024) / (1024.0 * 1073741824.0);
    double gain = sqrt(power) * VE_GAIN_ONE + 0.5;
    return gain < VE_GAIN_MAX ? (int32_t)gain : VE_GAIN_MAX;
}

void ve_mix_add(int16_t *into, const int16_t *samples, size_t count)
{
    for (size_t i = 0; i < count; i++)
        into[i] = saturate((int32_t)into[i] + samples[i]);
}

void ve_mix_gain(int16_t *samples, size_t count, int32_t gain)
{
    gain = clamp_gain(gain);
    for (size_t i = 0; i < count; i++)
        samples[i] = saturate(scaled(samples[i], gain));
}

void ve_mix_ramp(int16_t *samples, size_t count, int32_t from, int32_t to)
{
    if (count == 0)
        return;
    int64_t now = (int64_t)clamp_gain(from) << RAMP_SHIFT;
    int64_t end = (int64_t)clamp_gain(to) << RAMP_SHIFT;
    int64_t step = (end - now) / (int64_t)count;
    for (size_t i = 0; i + 1 < count; i++) {
        now += step;
        samples[i] = saturate(scaled(samples[i], (int32_t)(now >> RAMP_SHIFT)));
    }
    samples[count - 1] = saturate(scaled(samples[count - 1], clamp_gain(to)));
}

void ve_mix_crossfade(int16_t *into, const int16_t *samples, size_t count)
{
    int64_t step = ((int64_t)VE_GAIN_ONE << RAMP_SHIFT) / (int64_t)(count ? count : 1);
    for (size_t i = 0; i < count; i++) {
        int32_t in =
            i + 1 == count ? VE_GAIN_ONE : (int32_t)((int64_t)(i + 1) * step >> RAMP_SHIFT);
        int32_t sum = samples[i] * in + into[i] * (VE_GAIN_ONE - in);
        into[i] = saturate((sum + (1 << (GAIN_SHIFT - 1))) >> GAIN_SHIFT);
    }
}
