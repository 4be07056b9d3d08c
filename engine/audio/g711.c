#include "audio/g711.h"

enum {
    ULAW_BIAS = 132,   /* 33 in the law's 14 bits: makes every segment start at a power of two */
    ULAW_CLIP = 32635, /* 8158.75: above it the code stays at the largest */
};

/* The decoders as constant expressions, so that the tables below are computed by the compiler. */
#define ULAW_SIZE(u) (((((u)&15) << 3) + ULAW_BIAS) << ((u) >> 4 & 7))
#define ULAW_OF(u)   ((u)&0x80 ? ULAW_BIAS - ULAW_SIZE(u) : ULAW_SIZE(u) - ULAW_BIAS)
#define ULAW(code)   ULAW_OF((code) ^ 0xff)

#define ALAW_STEP(a) (((a)&15) << 4)
#define ALAW_SIZE(a)                                                                               \
    ((a)&0x70 ? (ALAW_STEP(a) + 0x108) << ((((a) >> 4) & 7) - ((a)&0x70 ? 1 : 0))                  \
              : ALAW_STEP(a) + 8)
#define ALAW_OF(a) ((a)&0x80 ? ALAW_SIZE(a) : -ALAW_SIZE(a))
#define ALAW(code) ALAW_OF((code) ^ 0x55)

#define FOUR(law, c)    law(c), law((c) + 1), law((c) + 2), law((c) + 3)
#define SIXTEEN(law, c) FOUR(law, c), FOUR(law, (c) + 4), FOUR(law, (c) + 8), FOUR(law, (c) + 12)
#define SIXTYFOUR(law, c)                                                                          \
    SIXTEEN(law, c), SIXTEEN(law, (c) + 16), SIXTEEN(law, (c) + 32), SIXTEEN(law, (c) + 48)
#define ALL(law) SIXTYFOUR(law, 0), SIXTYFOUR(law, 64), SIXTYFOUR(law, 128), SIXTYFOUR(law, 192)

static const int16_t ulaw_table[256] = {ALL(ULAW)};
static const int16_t alaw_table[256] = {ALL(ALAW)};

/* Position of the highest bit set, of a number above 0. */
static inline int top_bit(unsigned x)
{
    return 31 - __builtin_clz(x);
}

static inline uint8_t ulaw_code(int sample)
{
    int sign = sample < 0 ? 0x80 : 0;
    int size = sample < 0 ? -sample : sample;
    size = (size > ULAW_CLIP ? ULAW_CLIP : size) + ULAW_BIAS;
    int segment = top_bit((unsigned)size) - 7;
    int step = size >> (segment + 3) & 15;
    return (uint8_t) ~(sign | segment << 4 | step);
}

/* The sign of A-law is a half-open split: -1 ... -8 and 0 ... 7 are the two smallest steps. */
static inline uint8_t alaw_code(int sample)
{
    int sign = sample < 0 ? 0 : 0x80;
    int size = (sample < 0 ? -sample - 1 : sample) >> 3;
    int segment = size < 32 ? 0 : top_bit((unsigned)size) - 4;
    int step = size >> (segment ? segment : 1) & 15;
    return (uint8_t)((sign | segment << 4 | step) ^ 0x55);
}

void ve_ulaw_encode(uint8_t *out, const int16_t *samples, size_t count)
{
    for (size_t i = 0; i < count; i++)
        out[i] = ulaw_code(samples[i]);
}

void ve_ulaw_decode(int16_t *out, const uint8_t *codes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        out[i] = ulaw_table[codes[i]];
}

void ve_alaw_encode(uint8_t *out, const int16_t *samples, size_t count)
{
    for (size_t i = 0; i < count; i++)
        out[i] = alaw_code(samples[i]);
}

void ve_alaw_decode(int16_t *out, const uint8_t *codes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        out[i] = alaw_table[codes[i]];
}
