/*
 * The kernels for AVX2: the same sums as silero_plain.c, eight outputs to a register.
 *
 * No -mfma: a fused multiply-add rounds once where the plain code rounds twice.
 */
#include "audio/silero_kernel.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define AVX2        __attribute__((target("avx2")))
#define AVX2_INLINE static inline __attribute__((target("avx2"), always_inline))

AVX2_INLINE __m256 add_product(__m256 sum, __m256 weights, __m256 x)
{
    return _mm256_add_ps(sum, _mm256_mul_ps(weights, x));
}

AVX2_INLINE void relu_store(float *out, __m256 sum)
{
    _mm256_storeu_ps(out, _mm256_max_ps(sum, _mm256_setzero_ps()));
}

AVX2 static void spectrum(float bins[VE_SILERO_FRAMES][VE_SILERO_BINS_PAD],
                          const struct ve_silero_folded *folded, const float *turns)
{
    for (int place = 0; place < VE_SILERO_BINS_PAD; place += 8) {
        const float(*in)[8] = folded->of[place >= VE_SILERO_ODD];
        __m256 re[4];
        __m256 im[4];
        for (int t = 0; t < 4; t++)
            re[t] = im[t] = _mm256_setzero_ps();
        for (int n = 0; n < VE_SILERO_FOLDED; n++, turns += 16) {
            __m256 cos = _mm256_loadu_ps(turns);
            __m256 sin = _mm256_loadu_ps(turns + 8);
            for (int t = 0; t < 4; t++) {
                re[t] = add_product(re[t], cos, _mm256_broadcast_ss(&in[n][t]));
                im[t] = add_product(im[t], sin, _mm256_broadcast_ss(&in[n][4 + t]));
            }
        }
        for (int t = 0; t < 4; t++) {
            __m256 power = _mm256_add_ps(_mm256_mul_ps(re[t], re[t]), _mm256_mul_ps(im[t], im[t]));
            _mm256_storeu_ps(&bins[t][place], _mm256_sqrt_ps(power));
        }
    }
}

AVX2 static void conv0(float out[4][VE_SILERO_C0], const float in[4][VE_SILERO_BINS_PAD],
                       const float *bias, const float *weights)
{
    for (size_t block = 0; block < VE_SILERO_C0; block += VE_SILERO_CONV0_WIDE) {
        __m256 sum[4][2];
        for (int t = 0; t < 4; t++) {
            sum[t][0] = _mm256_loadu_ps(bias + block);
            sum[t][1] = _mm256_loadu_ps(bias + block + 8);
        }
        for (int c = 0; c < VE_SILERO_BINS; c++, weights += (size_t)3 * VE_SILERO_CONV0_WIDE) {
            __m256 x[4];
            for (int t = 0; t < 4; t++)
                x[t] = _mm256_broadcast_ss(&in[t][c]);
            for (size_t half = 0; half < 2; half++) {
                __m256 first = _mm256_loadu_ps(weights + half * 8);
                __m256 middle = _mm256_loadu_ps(weights + 16 + half * 8);
                __m256 last = _mm256_loadu_ps(weights + 32 + half * 8);
                for (int t = 1; t < 4; t++)
                    sum[t][half] = add_product(sum[t][half], first, x[t - 1]);
                for (int t = 0; t < 4; t++)
                    sum[t][half] = add_product(sum[t][half], middle, x[t]);
                for (int t = 0; t < 3; t++)
                    sum[t][half] = add_product(sum[t][half], last, x[t + 1]);
            }
        }
        for (int t = 0; t < 4; t++) {
            relu_store(&out[t][block], sum[t][0]);
            relu_store(&out[t][block + 8], sum[t][1]);
        }
    }
}

AVX2 static void conv1(float out[2][VE_SILERO_C1], const float in[4][VE_SILERO_C0],
                       const float *bias, const float *weights)
{
    for (size_t block = 0; block < VE_SILERO_C1; block += VE_SILERO_CONV1_WIDE) {
        __m256 sum[2][4];
        for (size_t part = 0; part < 4; part++)
            sum[0][part] = sum[1][part] = _mm256_loadu_ps(bias + block + part * 8);
        for (int c = 0; c < VE_SILERO_C0; c++, weights += (size_t)3 * VE_SILERO_CONV1_WIDE) {
            __m256 x[4];
            for (int t = 0; t < 4; t++)
                x[t] = _mm256_broadcast_ss(&in[t][c]);
            for (size_t part = 0; part < 4; part++) {
                __m256 first = _mm256_loadu_ps(weights + part * 8);
                __m256 middle = _mm256_loadu_ps(weights + 32 + part * 8);
                __m256 last = _mm256_loadu_ps(weights + 64 + part * 8);
                sum[1][part] = add_product(sum[1][part], first, x[1]);
                sum[0][part] = add_product(sum[0][part], middle, x[0]);
                sum[1][part] = add_product(sum[1][part], middle, x[2]);
                sum[0][part] = add_product(sum[0][part], last, x[1]);
                sum[1][part] = add_product(sum[1][part], last, x[3]);
            }
        }
        for (size_t part = 0; part < 4; part++) {
            relu_store(&out[0][block + part * 8], sum[0][part]);
            relu_store(&out[1][block + part * 8], sum[1][part]);
        }
    }
}

/* Eight sums with names: gcc writes an array of them back to memory in every round. */
AVX2 static void dense(float out[VE_SILERO_DENSE_WIDE], const float *in, const uint8_t *index,
                       unsigned count, const float *bias, const float *weights)
{
    __m256 sum0 = _mm256_loadu_ps(bias);
    __m256 sum1 = _mm256_loadu_ps(bias + 8);
    __m256 sum2 = _mm256_loadu_ps(bias + 16);
    __m256 sum3 = _mm256_loadu_ps(bias + 24);
    __m256 sum4 = _mm256_loadu_ps(bias + 32);
    __m256 sum5 = _mm256_loadu_ps(bias + 40);
    __m256 sum6 = _mm256_loadu_ps(bias + 48);
    __m256 sum7 = _mm256_loadu_ps(bias + 56);
    for (unsigned i = 0; i < count; i++) {
        const float *row = weights + (size_t)index[i] * VE_SILERO_DENSE_WIDE;
        __m256 x = _mm256_broadcast_ss(in + index[i]);
        sum0 = add_product(sum0, _mm256_loadu_ps(row), x);
        sum1 = add_product(sum1, _mm256_loadu_ps(row + 8), x);
        sum2 = add_product(sum2, _mm256_loadu_ps(row + 16), x);
        sum3 = add_product(sum3, _mm256_loadu_ps(row + 24), x);
        sum4 = add_product(sum4, _mm256_loadu_ps(row + 32), x);
        sum5 = add_product(sum5, _mm256_loadu_ps(row + 40), x);
        sum6 = add_product(sum6, _mm256_loadu_ps(row + 48), x);
        sum7 = add_product(sum7, _mm256_loadu_ps(row + 56), x);
    }
    _mm256_storeu_ps(out, sum0);
    _mm256_storeu_ps(out + 8, sum1);
    _mm256_storeu_ps(out + 16, sum2);
    _mm256_storeu_ps(out + 24, sum3);
    _mm256_storeu_ps(out + 32, sum4);
    _mm256_storeu_ps(out + 40, sum5);
    _mm256_storeu_ps(out + 48, sum6);
    _mm256_storeu_ps(out + 56, sum7);
}

/* ve_silero_exp. */
AVX2_INLINE __m256 exp8(__m256 x)
{
    const __m256 limit = _mm256_set1_ps(VE_EXP_LIMIT);
    const __m256 round = _mm256_set1_ps(VE_EXP_ROUND);
    x = _mm256_min_ps(x, limit);
    x = _mm256_max_ps(x, _mm256_set1_ps(-VE_EXP_LIMIT));
    __m256 k = _mm256_mul_ps(x, _mm256_set1_ps(VE_EXP_LOG2E));
    k = _mm256_sub_ps(_mm256_add_ps(k, round), round);
    __m256 r = _mm256_sub_ps(x, _mm256_mul_ps(k, _mm256_set1_ps(VE_EXP_LN2_HI)));
    r = _mm256_sub_ps(r, _mm256_mul_ps(k, _mm256_set1_ps(VE_EXP_LN2_LO)));
    __m256 sum = _mm256_set1_ps(VE_EXP_C7);
    sum = add_product(_mm256_set1_ps(VE_EXP_C6), sum, r);
    sum = add_product(_mm256_set1_ps(VE_EXP_C5), sum, r);
    sum = add_product(_mm256_set1_ps(VE_EXP_C4), sum, r);
    sum = add_product(_mm256_set1_ps(VE_EXP_C3), sum, r);
    sum = add_product(_mm256_set1_ps(VE_EXP_C2), sum, r);
    sum = add_product(_mm256_set1_ps(1.0f), sum, r);
    sum = add_product(_mm256_set1_ps(1.0f), sum, r);
    __m256i exponent = _mm256_add_epi32(_mm256_cvtps_epi32(k), _mm256_set1_epi32(127));
    return _mm256_mul_ps(sum, _mm256_castsi256_ps(_mm256_slli_epi32(exponent, 23)));
}

AVX2_INLINE __m256 sigmoid8(__m256 x)
{
    const __m256 one = _mm256_set1_ps(1.0f);
    __m256 minus = _mm256_xor_ps(x, _mm256_set1_ps(-0.0f));
    return _mm256_div_ps(one, _mm256_add_ps(one, exp8(minus)));
}

AVX2_INLINE __m256 tanh8(__m256 x)
{
    const __m256 two = _mm256_set1_ps(2.0f);
    __m256 y = _mm256_mul_ps(two, sigmoid8(_mm256_mul_ps(two, x)));
    return _mm256_sub_ps(y, _mm256_set1_ps(1.0f));
}

AVX2 static void cell(float hidden[16], float cell[16], const float gates[VE_SILERO_DENSE_WIDE])
{
    for (int u = 0; u < 16; u += 8) {
        __m256 in = _mm256_mul_ps(sigmoid8(_mm256_loadu_ps(gates + u)),
                                  tanh8(_mm256_loadu_ps(gates + 32 + u)));
        __m256 keep = sigmoid8(_mm256_loadu_ps(gates + 16 + u));
        __m256 c = _mm256_add_ps(_mm256_mul_ps(keep, _mm256_loadu_ps(cell + u)), in);
        __m256 out = sigmoid8(_mm256_loadu_ps(gates + 48 + u));
        _mm256_storeu_ps(cell + u, c);
        _mm256_storeu_ps(hidden + u, _mm256_mul_ps(out, tanh8(c)));
    }
}

static const struct ve_silero_kernels kernels = {
    .name = "avx2",
    .spectrum = spectrum,
    .conv0 = conv0,
    .conv1 = conv1,
    .dense = dense,
    .cell = cell,
};

const struct ve_silero_kernels *ve_silero_avx2(void)
{
    return __builtin_cpu_supports("avx2") ? &kernels : NULL;
}

#else

const struct ve_silero_kernels *ve_silero_avx2(void)
{
    return NULL;
}

#endif
