#include "base/rng.h"

static uint64_t rotate(uint64_t x, int bits)
{
    return (x << bits) | (x >> (64 - bits));
}

/* SplitMix64 spreads one word over the state, as the generator's authors advise. */
void ve_rng_seed(struct ve_rng *rng, uint64_t seed)
{
    for (int i = 0; i < 4; i++) {
        seed += 0x9e3779b97f4a7c15u;
        uint64_t z = seed;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
        rng->state[i] = z ^ (z >> 31);
    }
}

uint64_t ve_rng_u64(struct ve_rng *rng)
{
    uint64_t *s = rng->state;
    uint64_t result = rotate(s[1] * 5, 7) * 9;
    uint64_t t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate(s[3], 45);
    return result;
}

uint64_t ve_rng_below(struct ve_rng *rng, uint64_t bound)
{
    if (bound == 0)
        return 0;
    /* Numbers under the threshold would make the low results likelier: draw again. */
    uint64_t threshold = (0 - bound) % bound;
    for (;;) {
        uint64_t x = ve_rng_u64(rng);
        if (x >= threshold)
            return x % bound;
    }
}

double ve_rng_unit(struct ve_rng *rng)
{
    return (double)(ve_rng_u64(rng) >> 11) * 0x1.0p-53;
}
