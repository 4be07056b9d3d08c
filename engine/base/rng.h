/*
 * base/rng.h - repeatable random numbers: xoshiro256** (Blackman and Vigna, 2018).
 *
 * Seeded per call, so that a replay draws the same numbers. Not for secrets: crypto/random.h.
 */
#ifndef VE_BASE_RNG_H
#define VE_BASE_RNG_H

#include <stdint.h>

struct ve_rng {
    uint64_t state[4];
};

void ve_rng_seed(struct ve_rng *rng, uint64_t seed);
uint64_t ve_rng_u64(struct ve_rng *rng);
/* Uniform in [0, bound); 0 when bound is 0. */
uint64_t ve_rng_below(struct ve_rng *rng, uint64_t bound);
/* Uniform in [0, 1) with 53 bits. */
double ve_rng_unit(struct ve_rng *rng);

#endif
