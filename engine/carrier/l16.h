/*
 * carrier/l16.h - bare s16 little-endian samples in pieces of any size.
 *
 * A piece may end inside a sample; its rest begins the next one. Of two interleaved channels the
 * left one is the caller.
 */
#ifndef VE_CARRIER_L16_H
#define VE_CARRIER_L16_H

#include "carrier/carrier.h"

struct ve_l16 {
    uint32_t channels; /* 1 or 2 */
    uint8_t odd[3];    /* bytes of a sample (or pair) that is not complete */
    size_t odd_len;
};

void ve_l16_init(struct ve_l16 *l16, uint32_t channels);
/* Hands whole samples to events->audio. */
void ve_l16_take(struct ve_l16 *l16, const uint8_t *bytes, size_t len, uint32_t rate,
                 const struct ve_carrier_events *events, void *arg);

#endif
