/*
 * What the ear costs: microseconds of CPU per block of 32 ms for the network, the gate, the key
 * receiver and the resampler, each beside a limit or a peer measured in the same run.
 *
 *   bench_vad [RUNS]      median of RUNS (default 9)
 */
#include "audio/dtmf.h"
#include "audio/level.h"
#include "audio/resample.h"
#include "audio/silero_kernel.h"
#include "audio/tone.h"
#include "audio/vad.h"
#include "audio/wav.h"

#include <speex/speex_resampler.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    SAMPLES = 80000,
    BLOCKS = SAMPLES / VE_VAD_BLOCK,
    RUNS_MAX = 99,
    COLD_BYTES = 4 << 20, /* more than a core's own caches */
};

/* What the benchmarks work on; filled once. */
struct bench {
    int16_t speech[SAMPLES];
    int16_t silence[SAMPLES];
    int16_t noise[SAMPLES];
    int16_t wide[SAMPLES * 2]; /* noise at 16 kHz */
    unsigned char *cold;       /* owned: read to drive the weights out of the caches */
    volatile float sink;       /* results go here, so that none is optimised away */
    int runs;
};

typedef double bench_fn(struct bench *bench);

static double now_us(void)
{
    struct timespec time;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (double)time.tv_sec * 1e6 + (double)time.tv_nsec * 1e-3;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

static void report(struct bench *bench, const char *what, bench_fn *fn)
{
    double figures[RUNS_MAX];
    for (int i = 0; i < bench->runs; i++)
        figures[i] = fn(bench);
    qsort(figures, (size_t)bench->runs, sizeof(*figures), by_size);
    printf("%-52s %8.3f us  (best %.3f)\n", what, figures[bench->runs / 2], figures[0]);
}

static double run_kernels(struct bench *bench, const struct ve_silero_kernels *kernels)
{
    struct ve_silero_state state = {.hidden = {0}};
    double start = now_us();
    for (size_t b = 0; b < BLOCKS; b++)
        bench->sink = ve_silero_run(kernels, &state, bench->speech + b * VE_VAD_BLOCK);
    return (now_us() - start) / BLOCKS;
}

static double silero_plain(struct bench *bench)
{
    return run_kernels(bench, &ve_silero_plain);
}

static double silero_avx2(struct bench *bench)
{
    return run_kernels(bench, ve_silero_avx2());
}

static double clock_cost(void)
{
    double start = now_us();
    for (int i = 0; i < 1000; i++)
        (void)now_us();
    return (now_us() - start) / 1000;
}

static void cool(struct bench *bench)
{
    unsigned sum = 0;
    for (size_t i = 0; i < COLD_BYTES; i += 64)
        sum += bench->cold[i];
    bench->sink = (float)sum;
}

/* As a call among many: something else has used the caches since its last block. */
static double silero_cold(struct bench *bench)
{
    struct ve_silero_state state = {.hidden = {0}};
    double overhead = clock_cost();
    double spent = 0;
    for (size_t b = 0; b < BLOCKS; b += 4) {
        cool(bench);
        double start = now_us();
        bench->sink = ve_silero_block(&state, bench->speech + b * VE_VAD_BLOCK);
        spent += now_us() - start - overhead;
    }
    return spent * 4 / BLOCKS;
}

/* The limit: looking at as many bytes as the weights have, for one that is not there. */
static double weights_read(struct bench *bench)
{
    double start = now_us();
    for (int round = 0; round < 100; round++) {
        bench->cold[0] = (unsigned char)(round & 1);
        bench->sink = memchr(bench->cold, 0xff, VE_SILERO_FLOATS * sizeof(float)) ? 1 : 0;
    }
    return (now_us() - start) / 100;
}

static double vad_over(struct bench *bench, const int16_t *sound, enum ve_vad_kind kind)
{
    struct ve_vad vad;
    struct ve_vad_block block;
    struct ve_vad_options options = ve_vad_defaults();
    options.kind = kind;
    if (ve_vad_init(&vad, &options) != 0)
        return 0;
    double start = now_us();
    for (int round = 0; round < 10; round++) {
        const int16_t *samples = sound;
        size_t count = SAMPLES;
        while (ve_vad_push(&vad, &block, &samples, &count))
            bench->sink = block.probability;
    }
    double spent = (now_us() - start) / BLOCKS / 10;
    ve_vad_close(&vad);
    return spent;
}

static double vad_speech(struct bench *bench)
{
    return vad_over(bench, bench->speech, ve_vad_defaults().kind);
}

static double vad_noise(struct bench *bench)
{
    return vad_over(bench, bench->noise, ve_vad_defaults().kind);
}

static double vad_silence(struct bench *bench)
{
    return vad_over(bench, bench->silence, ve_vad_defaults().kind);
}

static double vad_webrtc(struct bench *bench)
{
    return vad_over(bench, bench->speech, VE_VAD_WEBRTC);
}

static double level_only(struct bench *bench)
{
    double start = now_us();
    for (int round = 0; round < 10; round++) {
        for (size_t b = 0; b < BLOCKS; b++)
            bench->sink = (float)ve_level_energy(bench->speech + b * VE_VAD_BLOCK, VE_VAD_BLOCK);
    }
    return (now_us() - start) / BLOCKS / 10;
}

static double dtmf(struct bench *bench)
{
    struct ve_dtmf receiver = {.digit = 0};
    struct ve_dtmf_event event;
    const int16_t *samples = bench->speech;
    size_t count = SAMPLES;
    double start = now_us();
    while (ve_dtmf_push(&receiver, &event, &samples, &count))
        bench->sink = event.digit;
    return (now_us() - start) * 160 / SAMPLES;
}

static double resample_ours(struct bench *bench)
{
    struct ve_resampler *resampler = NULL;
    int16_t out[400];
    size_t made = 0;
    if (ve_resampler_new(&resampler, 16000, 8000) != 0)
        return 0;
    double start = now_us();
    for (size_t at = 0; at + 320 <= (size_t)SAMPLES * 2; at += 320) {
        if (ve_resample(resampler, bench->wide + at, 320, out, &made) == 0)
            bench->sink = out[0];
    }
    double spent = (now_us() - start) * 160 / SAMPLES;
    ve_resampler_free(resampler);
    return spent;
}

static double resample_bare(struct bench *bench)
{
    int failed = 0;
    int16_t out[400];
    SpeexResamplerState *speex = speex_resampler_init(1, 16000, 8000, 3, &failed);
    if (!speex)
        return 0;
    double start = now_us();
    for (size_t at = 0; at + 320 <= (size_t)SAMPLES * 2; at += 320) {
        spx_uint32_t in_count = 320;
        spx_uint32_t out_count = 400;
        (void)speex_resampler_process_int(speex, 0, bench->wide + at, &in_count, out, &out_count);
        bench->sink = out[0];
    }
    double spent = (now_us() - start) * 160 / SAMPLES;
    speex_resampler_destroy(speex);
    return spent;
}

static int bench_fill(struct bench *bench)
{
    static uint8_t bytes[SAMPLES * 2 + 1000];
    struct ve_wav wav;
    struct ve_noise noise;
    FILE *file = fopen(TEST_DATA "/vad/reference8k.wav", "rb");
    size_t len = file ? fread(bytes, 1, sizeof(bytes), file) : 0;
    if (file)
        (void)fclose(file);
    if (ve_wav_parse(&wav, bytes, len) != 0 ||
        ve_wav_read(&wav, 0, bench->speech, SAMPLES) != SAMPLES)
        return -1;
    ve_noise_init(&noise, VE_NOISE_PINK, -50, 1);
    ve_noise_read(&noise, bench->noise, SAMPLES);
    ve_noise_read(&noise, bench->wide, (size_t)SAMPLES * 2);
    bench->cold = malloc(COLD_BYTES);
    if (!bench->cold)
        return -1;
    memset(bench->cold, 1, COLD_BYTES);
    return 0;
}

int main(int argc, char **argv)
{
    static struct bench bench;
    long runs = argc > 1 ? strtol(argv[1], NULL, 10) : 9;
    bench.runs = runs < 1 ? 1 : runs > RUNS_MAX ? RUNS_MAX : (int)runs;
    if (bench_fill(&bench) != 0) {
        (void)fprintf(stderr, "bench_vad: no " TEST_DATA "/vad/reference8k.wav\n");
        return 1;
    }
    printf("median of %d runs; CPU time of this thread\n\nper block of 32 ms\n", bench.runs);
    if (ve_silero_available()) {
        report(&bench, "Silero, plain C", silero_plain);
        if (ve_silero_avx2())
            report(&bench, "Silero, AVX2, weights in the cache", silero_avx2);
        report(&bench, "Silero, 4 MB of other data read between blocks", silero_cold);
        report(&bench, "  limit: reading as many bytes as the weights", weights_read);
    }
    report(&bench, "detector over speech (10 s with pauses)", vad_speech);
    report(&bench, "detector over steady noise at -50 dBFS", vad_noise);
    report(&bench, "detector over digital silence", vad_silence);
    report(&bench, "  limit: the level alone", level_only);
    report(&bench, "WebRTC's detector over speech", vad_webrtc);
    printf("\nper 20 ms\n");
    report(&bench, "keys (DTMF) over speech", dtmf);
    report(&bench, "resampler 16 -> 8 kHz", resample_ours);
    report(&bench, "  peer: speexdsp without our wrapper", resample_bare);
    free(bench.cold);
    return 0;
}
