/*
 * audio/level.h - how loud, and where sound begins and ends.
 *
 * Levels are dBFS of s16 samples: 0 is a constant 32768, so a full-scale sine is at -3. Sums are
 * integers and the logarithm is our own, so a level has the same bits everywhere.
 */
#ifndef VE_AUDIO_LEVEL_H
#define VE_AUDIO_LEVEL_H

#include <stddef.h>
#include <stdint.h>

#define VE_LEVEL_FLOOR (-120.0f) /* dBFS; what silence is said to be at */

/* Sum of the squares. */
uint64_t ve_level_energy(const int16_t *samples, size_t count);
/* Largest absolute value, 0 to 32768. */
unsigned ve_level_peak(const int16_t *samples, size_t count);

/* RMS in dBFS from a sum of squares over `count` samples; VE_LEVEL_FLOOR at the least. */
float ve_level_dbfs(uint64_t energy, size_t count);
float ve_level_peak_dbfs(unsigned peak);
/* The sum of squares of `count` samples at this level: thresholds without a logarithm per block.
 * -INFINITY gives 0. */
uint64_t ve_level_threshold(float dbfs, size_t count);

float ve_level_rms(const int16_t *samples, size_t count);

/*
 * The first and the last audible sample: windows of 10 ms that reach `dbfs`, and in the outermost
 * one the outermost sample whose absolute value does. SIZE_MAX when nothing is audible. These are
 * the ends between which a gap is measured.
 */
size_t ve_level_first(const int16_t *samples, size_t count, uint32_t rate, float dbfs);
size_t ve_level_last(const int16_t *samples, size_t count, uint32_t rate, float dbfs);

#endif
