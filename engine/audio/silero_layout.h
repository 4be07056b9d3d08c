/*
 * audio/silero_layout.h - how the converted weights of Silero's 8 kHz branch lie in memory.
 *
 * The contract between the build tool that writes them (host/onnx2bin.c) and the code that runs
 * them (silero*.c): a header of 64 bytes, then VE_SILERO_FLOATS little-endian float32. Nothing
 * here is code.
 *
 * Every product is laid out as [block of outputs][input][output in the block]. A kernel then walks
 * the weights once, front to back, and keeps one sum per output: the order of the sums is that of
 * the inputs whatever the width of the vectors, so all kernels give the same bits.
 *
 * The model's "STFT" rows are a Hann window times a 128-point Fourier transform (the build tool
 * checks it). cos(pi k n / 64) is even around n = 64 and, by the parity of k, even or odd around
 * n = 32; sin likewise. Folding the windowed samples twice leaves a quarter of the products. The
 * bins are kept in the order: odd 1, 3 ... 63, then even 0, 2 ... 64, then seven that are always 0.
 *
 * Taps that meet only padding (the first of encoder 2, both outer ones of encoder 3) are left out.
 */
#ifndef VE_AUDIO_SILERO_LAYOUT_H
#define VE_AUDIO_SILERO_LAYOUT_H

#include <stdint.h>

#define VE_SILERO_MAGIC   "VESIL8K"
#define VE_SILERO_VERSION 1u

struct ve_silero_header {
    char magic[8];     /* VE_SILERO_MAGIC with its NUL */
    uint32_t version;  /* VE_SILERO_VERSION */
    uint32_t count;    /* floats behind the header: VE_SILERO_FLOATS */
    uint32_t checksum; /* FNV-1a of their bytes */
    uint32_t reserved[11];
};

enum ve_silero_size {
    VE_SILERO_FRAMES = 4,    /* spectra per block */
    VE_SILERO_FOLDED = 33,   /* samples of a frame after folding: n = 0 ... 32 */
    VE_SILERO_ODD = 32,      /* odd bins */
    VE_SILERO_BINS = 65,     /* all bins */
    VE_SILERO_BINS_PAD = 72, /* in blocks of eight */
    VE_SILERO_C0 = 128,      /* outputs of the four encoders */
    VE_SILERO_C1 = 64,
    VE_SILERO_C2 = 64,
    VE_SILERO_C3 = 128,
    VE_SILERO_UNITS = 128, /* of the LSTM */
    VE_SILERO_CONV0_WIDE = 16,
    VE_SILERO_CONV1_WIDE = 32,
    VE_SILERO_DENSE_WIDE = 64,
};

/* Offsets in floats. */
enum ve_silero_at {
    VE_SILERO_AT_WINDOW = 0, /* [128] */
    /* [block of 8 bins][n][cos 8, sin 8] */
    VE_SILERO_AT_TURNS = VE_SILERO_AT_WINDOW + 128,
    /* [block][channel][tap][wide] */
    VE_SILERO_AT_BIAS0 = VE_SILERO_AT_TURNS + VE_SILERO_BINS_PAD * VE_SILERO_FOLDED * 2,
    VE_SILERO_AT_CONV0 = VE_SILERO_AT_BIAS0 + VE_SILERO_C0,
    VE_SILERO_AT_BIAS1 = VE_SILERO_AT_CONV0 + VE_SILERO_C0 * VE_SILERO_BINS * 3,
    VE_SILERO_AT_CONV1 = VE_SILERO_AT_BIAS1 + VE_SILERO_C1,
    /* [time * 64 + channel][64] */
    VE_SILERO_AT_BIAS2 = VE_SILERO_AT_CONV1 + VE_SILERO_C1 * VE_SILERO_C0 * 3,
    VE_SILERO_AT_CONV2 = VE_SILERO_AT_BIAS2 + VE_SILERO_C2,
    /* [block][channel][64] */
    VE_SILERO_AT_BIAS3 = VE_SILERO_AT_CONV2 + VE_SILERO_C2 * VE_SILERO_C1 * 2,
    VE_SILERO_AT_CONV3 = VE_SILERO_AT_BIAS3 + VE_SILERO_C3,
    /* [block of 16 units][x 0..127, h 0..127][i 16, f 16, g 16, o 16]; the two biases are added */
    VE_SILERO_AT_BIAS_LSTM = VE_SILERO_AT_CONV3 + VE_SILERO_C3 * VE_SILERO_C2,
    VE_SILERO_AT_LSTM = VE_SILERO_AT_BIAS_LSTM + 4 * VE_SILERO_UNITS,
    VE_SILERO_AT_OUT = VE_SILERO_AT_LSTM + 4 * VE_SILERO_UNITS * (VE_SILERO_C3 + VE_SILERO_UNITS),
    VE_SILERO_AT_BIAS_OUT = VE_SILERO_AT_OUT + VE_SILERO_UNITS,
    VE_SILERO_FLOATS = VE_SILERO_AT_BIAS_OUT + 1,
};

/* Which bin of the model stands at a place of ours. */
static inline int ve_silero_bin(int place)
{
    return place < VE_SILERO_ODD ? 2 * place + 1 : 2 * (place - VE_SILERO_ODD);
}

#endif
