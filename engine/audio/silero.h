/*
 * audio/silero.h - speech probability of 32 ms of telephone sound: Silero's 8 kHz network.
 *
 * The network is run by our own C: a spectrum, four small convolutions, one LSTM cell, one output.
 * The weights are embedded by the build (host/onnx2bin.c); a build without them says so through
 * ve_silero_available, and audio/vad falls back to another detector.
 *
 * The state is a plain struct of its owner, one per stream; nothing is allocated. Any thread may
 * run any stream, one at a time. The result is the same to the bit on every processor: see
 * silero_layout.h for why.
 */
#ifndef VE_AUDIO_SILERO_H
#define VE_AUDIO_SILERO_H

#include <stdbool.h>
#include <stdint.h>

#define VE_SILERO_RATE    8000 /* Hz */
#define VE_SILERO_BLOCK   256  /* samples of one decision */
#define VE_SILERO_CONTEXT 32   /* samples before the block that the network sees again */

struct ve_silero_state {
    float hidden[128];                  /* the LSTM's output */
    float cell[128];                    /* the LSTM's memory */
    int16_t context[VE_SILERO_CONTEXT]; /* end of the block before */
};

/* Were the weights built in? */
bool ve_silero_available(void);
/* Do the embedded weights have the checksum that the build tool gave them? Reads all of them. */
bool ve_silero_intact(void);

/* The state before the first block: also all zero bytes. */
void ve_silero_reset(struct ve_silero_state *state);
/* Probability of speech in the block, 0 to 1; 0 without weights. */
float ve_silero_block(struct ve_silero_state *state, const int16_t samples[VE_SILERO_BLOCK]);
/* Passes over a block without running the network: only the context moves on. */
void ve_silero_skip(struct ve_silero_state *state, const int16_t samples[VE_SILERO_BLOCK]);

#endif
