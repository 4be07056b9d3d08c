#include "audio/cn.h"

#include <math.h>

#include "audio/mix.h"

enum {
    LOUDEST = 30, /* -dBov */
    PIECE = 160,
    LEVEL_BITS = 127,
    QUIETEST_HEARD = 90, /* -dBov: below one step of a sample */
};

static void set_level(struct ve_cn *cn, uint8_t level)
{
    uint64_t seed = ve_rng_u64(&cn->noise.rng);
    cn->level = level < LOUDEST ? LOUDEST : level;
    ve_noise_init(&cn->noise, VE_NOISE_WHITE, -(float)cn->level, seed);
}

void ve_cn_init(struct ve_cn *cn, uint64_t seed)
{
    ve_noise_init(&cn->noise, VE_NOISE_WHITE, -(float)VE_CN_QUIET, seed);
    cn->level = VE_CN_QUIET;
}

bool ve_cn_read(struct ve_cn *cn, const uint8_t *payload, size_t len)
{
    if (!len)
        return false;
    uint8_t level = payload[0] & LEVEL_BITS;
    if (level != cn->level)
        set_level(cn, level);
    return true;
}

void ve_cn_add(struct ve_cn *cn, int16_t *into, size_t count)
{
    int16_t piece[PIECE];
    if (cn->level > QUIETEST_HEARD)
        return;
    while (count) {
        size_t n = count < PIECE ? count : PIECE;
        ve_noise_read(&cn->noise, piece, n);
        ve_mix_add(into, piece, n);
        into += n;
        count -= n;
    }
}

uint8_t ve_cn_write(float dbfs)
{
    if (dbfs >= -(float)LOUDEST)
        return LOUDEST;
    return dbfs <= -(float)VE_CN_QUIET ? VE_CN_QUIET : (uint8_t)lroundf(-dbfs);
}
