/*
 * audio/cn.h - comfort noise (RFC 3389): "there is silence now, this loud".
 *
 * Of a payload we take the level; the spectrum behind it is passed over, since nobody but
 * recognisers and recordings hears it here. The noise is white.
 */
#ifndef VE_AUDIO_CN_H
#define VE_AUDIO_CN_H

#include "audio/tone.h"

#include <stdbool.h>

#define VE_CN_QUIET 127 /* -dBov: nothing to be heard */

struct ve_cn {
    struct ve_noise noise;
    uint8_t level; /* -dBov, 0 to 127 */
};

void ve_cn_init(struct ve_cn *cn, uint64_t seed);
/* Takes a payload; false: it is empty, and the level stays. A level above -30 dBov is no comfort
 * and counts as -30. */
bool ve_cn_read(struct ve_cn *cn, const uint8_t *payload, size_t len);
/* Adds the noise to `into`. */
void ve_cn_add(struct ve_cn *cn, int16_t *into, size_t count);
/* The payload, one byte, for silence at this level (dBFS of the RMS). */
uint8_t ve_cn_write(float dbfs);

#endif
