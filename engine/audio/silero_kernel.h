/*
 * audio/silero_kernel.h - the inner products of the network, once in plain C and once for AVX2.
 *
 * Internal to silero*.c, its test and its benchmark. Every kernel adds products in the order of the
 * inputs, one sum per output and no fused multiply-add, so that all of them give the same bits.
 */
#ifndef VE_AUDIO_SILERO_KERNEL_H
#define VE_AUDIO_SILERO_KERNEL_H

#include "audio/silero.h"
#include "audio/silero_layout.h"

#include <string.h>

/* Windowed samples of the four frames, folded for odd [0] and even [1] bins: what meets the cosines
 * of the four frames, then what meets the sines. */
struct ve_silero_folded {
    _Alignas(32) float of[2][VE_SILERO_FOLDED][2 * VE_SILERO_FRAMES];
};

struct ve_silero_kernels {
    const char *name;
    /* Magnitudes from folded samples; turns: see VE_SILERO_AT_TURNS. */
    void (*spectrum)(float bins[VE_SILERO_FRAMES][VE_SILERO_BINS_PAD],
                     const struct ve_silero_folded *folded, const float *turns);
    /* Convolution over 4 frames, stride 1, and ReLU. */
    void (*conv0)(float out[4][VE_SILERO_C0], const float in[4][VE_SILERO_BINS_PAD],
                  const float *bias, const float *weights);
    /* Convolution over 4 frames, stride 2, and ReLU. */
    void (*conv1)(float out[2][VE_SILERO_C1], const float in[4][VE_SILERO_C0], const float *bias,
                  const float *weights);
    /* 64 outputs: bias plus the products of those inputs that `index` lists. */
    void (*dense)(float out[VE_SILERO_DENSE_WIDE], const float *in, const uint8_t *index,
                  unsigned count, const float *bias, const float *weights);
    /* 16 units of the LSTM from their gates i, f, g, o before the nonlinearity. */
    void (*cell)(float hidden[16], float cell[16], const float gates[VE_SILERO_DENSE_WIDE]);
};

extern const struct ve_silero_kernels ve_silero_plain;
/* NULL where the processor has no AVX2. */
const struct ve_silero_kernels *ve_silero_avx2(void);

float ve_silero_run(const struct ve_silero_kernels *kernels, struct ve_silero_state *state,
                    const int16_t samples[VE_SILERO_BLOCK]);

/* e^x = 2^k e^r with k the nearest integer to x / ln 2, and r by its series up to r^7: 2e-7
 * relative. Adding and taking away 1.5 * 2^23 rounds to an integer. */
#define VE_EXP_LIMIT  80.0f
#define VE_EXP_LOG2E  1.44269504f
#define VE_EXP_ROUND  12582912.0f
#define VE_EXP_LN2_HI 0.693359375f
#define VE_EXP_LN2_LO (-2.12194440e-4f)
#define VE_EXP_C2     0.5f
#define VE_EXP_C3     0.166666667f
#define VE_EXP_C4     0.0416666667f
#define VE_EXP_C5     0.00833333333f
#define VE_EXP_C6     0.00138888889f
#define VE_EXP_C7     0.000198412698f

static inline float ve_silero_exp(float x)
{
    x = x > VE_EXP_LIMIT ? VE_EXP_LIMIT : x;
    x = x < -VE_EXP_LIMIT ? -VE_EXP_LIMIT : x;
    float k = (x * VE_EXP_LOG2E + VE_EXP_ROUND) - VE_EXP_ROUND;
    float r = (x - k * VE_EXP_LN2_HI) - k * VE_EXP_LN2_LO;
    float sum = VE_EXP_C7;
    sum = sum * r + VE_EXP_C6;
    sum = sum * r + VE_EXP_C5;
    sum = sum * r + VE_EXP_C4;
    sum = sum * r + VE_EXP_C3;
    sum = sum * r + VE_EXP_C2;
    sum = sum * r + 1.0f;
    sum = sum * r + 1.0f;
    uint32_t bits = (uint32_t)((int32_t)k + 127) << 23;
    float power = 0;
    memcpy(&power, &bits, sizeof(power));
    return sum * power;
}

static inline float ve_silero_sigmoid(float x)
{
    return 1.0f / (1.0f + ve_silero_exp(-x));
}

static inline float ve_silero_tanh(float x)
{
    return 2.0f * ve_silero_sigmoid(2.0f * x) - 1.0f;
}

#endif
