#include "audio/silero.h"

#include "audio/silero_kernel.h"

#include <stddef.h>

/* build/silero8k.gen.bin, embedded; empty in a build without the model. */
extern const unsigned char ve_silero8k_weights[];
extern const unsigned long ve_silero8k_weights_size;

enum { FRAME = 128, HOP = 64, SEEN = VE_SILERO_CONTEXT + VE_SILERO_BLOCK, PAD = 32 };

bool ve_silero_available(void)
{
    struct ve_silero_header header;
    if (ve_silero8k_weights_size != sizeof(header) + VE_SILERO_FLOATS * sizeof(float))
        return false;
    memcpy(&header, ve_silero8k_weights, sizeof(header));
    return memcmp(header.magic, VE_SILERO_MAGIC, sizeof(header.magic)) == 0 &&
           header.version == VE_SILERO_VERSION && header.count == VE_SILERO_FLOATS;
}

bool ve_silero_intact(void)
{
    struct ve_silero_header header;
    uint32_t sum = 2166136261u;
    if (!ve_silero_available())
        return false;
    memcpy(&header, ve_silero8k_weights, sizeof(header));
    for (size_t i = sizeof(header); i < ve_silero8k_weights_size; i++)
        sum = (sum ^ ve_silero8k_weights[i]) * 16777619u;
    return sum == header.checksum;
}

void ve_silero_reset(struct ve_silero_state *state)
{
    memset(state, 0, sizeof(*state));
}

void ve_silero_skip(struct ve_silero_state *state, const int16_t samples[VE_SILERO_BLOCK])
{
    memcpy(state->context, samples + VE_SILERO_BLOCK - VE_SILERO_CONTEXT, sizeof(state->context));
}

/* The samples that the network sees: context, block, and the block's end mirrored. */
static void gather(float seen[SEEN + PAD], const struct ve_silero_state *state,
                   const int16_t samples[VE_SILERO_BLOCK])
{
    for (int i = 0; i < VE_SILERO_CONTEXT; i++)
        seen[i] = (float)state->context[i] * (1.0f / 32768.0f);
    for (int i = 0; i < VE_SILERO_BLOCK; i++)
        seen[VE_SILERO_CONTEXT + i] = (float)samples[i] * (1.0f / 32768.0f);
    for (int i = 0; i < PAD; i++)
        seen[SEEN + i] = seen[SEEN - 2 - i];
}

/* Window and fold frame t: see silero_layout.h. sum[n] and diff[n] are the even and odd parts
 * around n = 64; the second fold is around n = 32. */
static void fold(struct ve_silero_folded *out, const float *frame, const float *window, int t)
{
    float sum[HOP + 1];
    float diff[HOP + 1];
    sum[0] = 0; /* the window is 0 there */
    diff[0] = 0;
    for (int n = 1; n < HOP; n++) {
        float early = window[n] * frame[n];
        float late = window[FRAME - n] * frame[FRAME - n];
        sum[n] = early + late;
        diff[n] = early - late;
    }
    sum[HOP] = window[HOP] * frame[HOP];
    diff[HOP] = 0;
    for (int n = 0; n < HOP / 2; n++) {
        out->of[0][n][t] = sum[n] - sum[HOP - n];
        out->of[0][n][4 + t] = diff[n] + diff[HOP - n];
        out->of[1][n][t] = sum[n] + sum[HOP - n];
        out->of[1][n][4 + t] = diff[n] - diff[HOP - n];
    }
    out->of[0][HOP / 2][t] = 0; /* meets cosines of odd multiples of a quarter turn */
    out->of[0][HOP / 2][4 + t] = diff[HOP / 2];
    out->of[1][HOP / 2][t] = sum[HOP / 2];
    out->of[1][HOP / 2][4 + t] = 0;
}

/* ReLU leaves many zeros: their weights need not even be read. */
static unsigned list_nonzero(uint8_t *index, const float *in, unsigned count)
{
    unsigned n = 0;
    for (unsigned i = 0; i < count; i++) {
        index[n] = (uint8_t)i;
        n += in[i] != 0;
    }
    return n;
}

static void relu(float *x, int count)
{
    for (int i = 0; i < count; i++)
        x[i] = x[i] > 0 ? x[i] : 0;
}

/* The four encoders: 65 bins of 4 frames become 128 features. */
static void encode(const struct ve_silero_kernels *kernels, const float *weights,
                   float bins[VE_SILERO_FRAMES][VE_SILERO_BINS_PAD], float *features)
{
    float out0[4][VE_SILERO_C0];
    float out1[2][VE_SILERO_C1];
    float out2[VE_SILERO_C2];
    uint8_t index[2 * VE_SILERO_C1];
    kernels->conv0(out0, (const float(*)[VE_SILERO_BINS_PAD])bins, weights + VE_SILERO_AT_BIAS0,
                   weights + VE_SILERO_AT_CONV0);
    kernels->conv1(out1, (const float(*)[VE_SILERO_C0])out0, weights + VE_SILERO_AT_BIAS1,
                   weights + VE_SILERO_AT_CONV1);
    unsigned count = list_nonzero(index, out1[0], 2 * VE_SILERO_C1);
    kernels->dense(out2, out1[0], index, count, weights + VE_SILERO_AT_BIAS2,
                   weights + VE_SILERO_AT_CONV2);
    relu(out2, VE_SILERO_C2);
    count = list_nonzero(index, out2, VE_SILERO_C2);
    for (size_t block = 0; block < VE_SILERO_C3; block += VE_SILERO_DENSE_WIDE)
        kernels->dense(features + block, out2, index, count, weights + VE_SILERO_AT_BIAS3 + block,
                       weights + VE_SILERO_AT_CONV3 + block * VE_SILERO_C2);
    relu(features, VE_SILERO_C3);
}

/* One step of the LSTM; `in` is the features and, behind them, the hidden values of before. */
static void remember(const struct ve_silero_kernels *kernels, const float *weights,
                     struct ve_silero_state *state, const float in[VE_SILERO_C3 + VE_SILERO_UNITS])
{
    enum { INPUTS = VE_SILERO_C3 + VE_SILERO_UNITS };
    uint8_t index[INPUTS];
    unsigned count = list_nonzero(index, in, INPUTS);
    for (size_t block = 0; block < VE_SILERO_UNITS / 16; block++) {
        float gates[VE_SILERO_DENSE_WIDE];
        size_t first = block * VE_SILERO_DENSE_WIDE;
        kernels->dense(gates, in, index, count, weights + VE_SILERO_AT_BIAS_LSTM + first,
                       weights + VE_SILERO_AT_LSTM + first * INPUTS);
        kernels->cell(state->hidden + block * 16, state->cell + block * 16, gates);
    }
}

static float decide(const float *weights, const float hidden[VE_SILERO_UNITS])
{
    float lanes[8] = {0};
    float sum = weights[VE_SILERO_AT_BIAS_OUT];
    for (int i = 0; i < VE_SILERO_UNITS; i++)
        lanes[i % 8] += weights[VE_SILERO_AT_OUT + i] * (hidden[i] > 0 ? hidden[i] : 0);
    for (int i = 0; i < 8; i++)
        sum += lanes[i];
    return ve_silero_sigmoid(sum);
}

float ve_silero_run(const struct ve_silero_kernels *kernels, struct ve_silero_state *state,
                    const int16_t samples[VE_SILERO_BLOCK])
{
    const float *weights =
        (const float *)(const void *)(ve_silero8k_weights + sizeof(struct ve_silero_header));
    float seen[SEEN + PAD];
    struct ve_silero_folded folded;
    float bins[VE_SILERO_FRAMES][VE_SILERO_BINS_PAD];
    float in[VE_SILERO_C3 + VE_SILERO_UNITS];
    gather(seen, state, samples);
    for (int t = 0; t < VE_SILERO_FRAMES; t++)
        fold(&folded, seen + (ptrdiff_t)t * HOP, weights + VE_SILERO_AT_WINDOW, t);
    kernels->spectrum(bins, &folded, weights + VE_SILERO_AT_TURNS);
    encode(kernels, weights, bins, in);
    memcpy(in + VE_SILERO_C3, state->hidden, sizeof(state->hidden));
    remember(kernels, weights, state, in);
    ve_silero_skip(state, samples);
    return decide(weights, state->hidden);
}

float ve_silero_block(struct ve_silero_state *state, const int16_t samples[VE_SILERO_BLOCK])
{
    const struct ve_silero_kernels *kernels = ve_silero_avx2();
    if (!ve_silero_available())
        return 0;
    return ve_silero_run(kernels ? kernels : &ve_silero_plain, state, samples);
}
