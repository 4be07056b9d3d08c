/*
 * audio/shorten.h - a little less of a sound, without a click.
 *
 * Leaves out a run of 2.5 to 15 ms at which the sound repeats itself best, by a crossfade of 4 ms
 * from its beginning to its end. The first sample and the last one stay what they were.
 */
#ifndef VE_AUDIO_SHORTEN_H
#define VE_AUDIO_SHORTEN_H

#include <stddef.h>
#include <stdint.h>

/* Returns how many samples are left. At most `most` are left out; none when `count` is too short
 * (below about 20 ms nothing long can be). `rate` in Hz. */
size_t ve_shorten(int16_t *samples, size_t count, uint32_t rate, size_t most);

#endif
