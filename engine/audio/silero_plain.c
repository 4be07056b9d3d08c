/*
 * The kernels in plain C: the reference for the others, and what runs where there is no AVX2.
 */
#include "audio/silero_kernel.h"

#include <math.h>

static void spectrum(float bins[VE_SILERO_FRAMES][VE_SILERO_BINS_PAD],
                     const struct ve_silero_folded *folded, const float *turns)
{
    for (int place = 0; place < VE_SILERO_BINS_PAD; place += 8) {
        const float(*in)[8] = folded->of[place >= VE_SILERO_ODD];
        for (int t = 0; t < VE_SILERO_FRAMES; t++) {
            float re[8] = {0};
            float im[8] = {0};
            const float *row = turns;
            for (int n = 0; n < VE_SILERO_FOLDED; n++, row += 16) {
                for (int lane = 0; lane < 8; lane++) {
                    re[lane] += row[lane] * in[n][t];
                    im[lane] += row[8 + lane] * in[n][4 + t];
                }
            }
            for (int lane = 0; lane < 8; lane++)
                bins[t][place + lane] = sqrtf(re[lane] * re[lane] + im[lane] * im[lane]);
        }
        turns += (size_t)VE_SILERO_FOLDED * 16;
    }
}

/* out += w * x for `wide` outputs. */
static inline void add_products(float *out, const float *weights, float x, size_t wide)
{
    for (size_t o = 0; o < wide; o++)
        out[o] += weights[o] * x;
}

static inline float relu(float x)
{
    return x > 0 ? x : 0;
}

/* A block of outputs at time `t` of a convolution over four frames with three taps. The taps beside
 * the frames meet padding. `in` is [4][in_row]. */
static inline void convolve(float *out, const float *in, size_t in_row, size_t inputs, size_t t,
                            const float *bias, const float *weights, size_t wide)
{
    float sum[VE_SILERO_CONV1_WIDE];
    size_t first = t == 0 ? 1 : 0;
    size_t last = t == VE_SILERO_FRAMES - 1 ? 1 : 2;
    memcpy(sum, bias, wide * sizeof(*sum));
    for (size_t c = 0; c < inputs; c++, weights += 3 * wide) {
        for (size_t tap = first; tap <= last; tap++)
            add_products(sum, weights + tap * wide, in[(t + tap - 1) * in_row + c], wide);
    }
    for (size_t o = 0; o < wide; o++)
        out[o] = relu(sum[o]);
}

static void conv0(float out[4][VE_SILERO_C0], const float in[4][VE_SILERO_BINS_PAD],
                  const float *bias, const float *weights)
{
    enum { WIDE = VE_SILERO_CONV0_WIDE, ROW = VE_SILERO_BINS_PAD, INPUTS = VE_SILERO_BINS };
    for (size_t block = 0; block < VE_SILERO_C0;
         block += WIDE, weights += (size_t)WIDE * INPUTS * 3) {
        for (size_t t = 0; t < 4; t++)
            convolve(&out[t][block], in[0], ROW, INPUTS, t, bias + block, weights, WIDE);
    }
}

static void conv1(float out[2][VE_SILERO_C1], const float in[4][VE_SILERO_C0], const float *bias,
                  const float *weights)
{
    enum { WIDE = VE_SILERO_CONV1_WIDE, ROW = VE_SILERO_C0, INPUTS = VE_SILERO_C0 };
    for (size_t block = 0; block < VE_SILERO_C1;
         block += WIDE, weights += (size_t)WIDE * INPUTS * 3) {
        for (size_t t = 0; t < 2; t++)
            convolve(&out[t][block], in[0], ROW, INPUTS, 2 * t, bias + block, weights, WIDE);
    }
}

static void dense(float out[VE_SILERO_DENSE_WIDE], const float *in, const uint8_t *index,
                  unsigned count, const float *bias, const float *weights)
{
    enum { WIDE = 16 }; /* as many sums as compilers keep in registers */
    for (int block = 0; block < VE_SILERO_DENSE_WIDE; block += WIDE) {
        float sum[WIDE];
        memcpy(sum, bias + block, sizeof(sum));
        for (unsigned i = 0; i < count; i++) {
            const float *row = weights + (size_t)index[i] * VE_SILERO_DENSE_WIDE + block;
            add_products(sum, row, in[index[i]], WIDE);
        }
        memcpy(out + block, sum, sizeof(sum));
    }
}

static void cell(float hidden[16], float cell[16], const float gates[VE_SILERO_DENSE_WIDE])
{
    for (int u = 0; u < 16; u++) {
        float in = ve_silero_sigmoid(gates[u]) * ve_silero_tanh(gates[32 + u]);
        cell[u] = ve_silero_sigmoid(gates[16 + u]) * cell[u] + in;
        hidden[u] = ve_silero_sigmoid(gates[48 + u]) * ve_silero_tanh(cell[u]);
    }
}

const struct ve_silero_kernels ve_silero_plain = {
    .name = "plain",
    .spectrum = spectrum,
    .conv0 = conv0,
    .conv1 = conv1,
    .dense = dense,
    .cell = cell,
};
