/*
 * audio/dtmf.h - hears keys in 8 kHz sound (ITU-T Q.23, Q.24).
 *
 * Blocks of 102 samples go through eight Goertzel filters. A key is heard from two blocks in a row
 * on (so 40 ms always suffice, 16 ms never do) and is over after three without it (so 40
 * ms of pause always suffice, and a break of 10 ms is bridged). Accepted: -35 dBFS and up, 4 dB
 * more in the column's tone or 8 dB more in the row's, 1.5 % off in frequency. Speech is kept out
 * by what is not a pair of steady sines: the share of all energy in the two tones, second
 * harmonics, and the turn of the phase from block to block.
 *
 * Positions are good to a block (12.75 ms). A plain struct of its owner, ready when all zero.
 */
#ifndef VE_AUDIO_DTMF_H
#define VE_AUDIO_DTMF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VE_DTMF_RATE  8000 /* Hz */
#define VE_DTMF_BLOCK 102  /* samples */

enum ve_dtmf_kind { VE_DTMF_BEGIN, VE_DTMF_END };

struct ve_dtmf_event {
    enum ve_dtmf_kind kind;
    char digit;     /* 0-9 * # A-D */
    uint64_t start; /* first sample of the key, counted from the stream's beginning */
    uint64_t end;   /* VE_DTMF_END: one past its last sample; VE_DTMF_BEGIN: of what was heard */
};

struct ve_dtmf {
    uint64_t position;              /* samples in whole blocks so far */
    uint64_t start;                 /* of `digit`, samples */
    uint64_t end;                   /* of the last block with `digit`, samples */
    char digit;                     /* being heard; 0: none */
    char last;                      /* what the block before looked like; 0: none */
    char queued;                    /* a key whose begin is still to be told; 0: none */
    uint8_t misses;                 /* blocks in a row without `digit` */
    uint8_t pending_count;          /* samples in `pending` */
    float turn[2][2];               /* row and column of the block before: real, imaginary */
    int16_t pending[VE_DTMF_BLOCK]; /* of the block being filled */
};

void ve_dtmf_reset(struct ve_dtmf *dtmf);
/* As ve_vad_push: true for each event, to be called again until false. */
bool ve_dtmf_push(struct ve_dtmf *dtmf, struct ve_dtmf_event *out, const int16_t **samples,
                  size_t *count);
/* The stream is over: ends a key that is still being heard. */
bool ve_dtmf_finish(struct ve_dtmf *dtmf, struct ve_dtmf_event *out);

#endif
