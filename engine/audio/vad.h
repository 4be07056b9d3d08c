/*
 * audio/vad.h - is the caller speaking? A probability and a level for every 32 ms of 8 kHz sound.
 *
 * Two detectors behind one face: Silero's network (audio/silero.h) and, where its weights are not
 * built in, the Gaussian detector of libwebrtc-audio-processing. A gate on the level runs first, so
 * that silence costs next to nothing:
 *
 *   gated  below the gate for some blocks while the detector heard nothing: p = 0
 *   idle   steady noise that the network has just called no speech is looked at in every fourth
 *          block only, until it grows louder; p stays what it was
 *
 * Blocks that are passed over still move the network's context on, but its memory stands still:
 * measured, a memory that is cleared or faded out makes it hear the next word 15 to 20 ms later.
 *
 * The struct is its owner's; one thread at a time. Only VE_VAD_WEBRTC owns memory of its library.
 */
#ifndef VE_AUDIO_VAD_H
#define VE_AUDIO_VAD_H

#include "audio/silero.h"

#include <stddef.h>

#define VE_VAD_RATE      8000 /* Hz */
#define VE_VAD_BLOCK     256  /* samples: 32 ms */
#define VE_VAD_GATE_DBFS (-60.0f)
#define VE_VAD_IDLE_SKIP 3
#define VE_VAD_FRAME     80 /* samples of a decision of WebRTC's detector */

enum ve_vad_kind {
    VE_VAD_SILERO,
    VE_VAD_WEBRTC,
    VE_VAD_OFF, /* levels only; p is always 0 */
};

enum ve_vad_how {
    VE_VAD_RAN,   /* the detector heard this block */
    VE_VAD_IDLE,  /* passed over: as quiet as what it called no speech */
    VE_VAD_GATED, /* passed over: below the gate */
};

struct ve_vad_options {
    enum ve_vad_kind kind;
    float gate_dbfs;    /* RMS of a block; -INFINITY: no gate */
    unsigned idle_skip; /* blocks passed over in a row in steady noise, 0 to 7; 0: none */
};

struct ve_vad_block {
    float probability; /* of speech, 0 to 1 */
    float level_dbfs;  /* RMS of the block */
    uint64_t end;      /* samples since the stream's beginning, this block included */
    enum ve_vad_how how;
};

struct VadInst; /* WebRTC's name for it */

struct ve_vad {
    enum ve_vad_kind kind;
    unsigned idle_skip;            /* blocks */
    uint64_t gate;                 /* sum of squares of a block at the gate */
    uint64_t end;                  /* samples taken in whole blocks */
    uint64_t noise;                /* sum of squares of a block of what is not speech; 0: unknown */
    unsigned quiet;                /* blocks in a row below the gate, saturating */
    unsigned skipped;              /* blocks in a row passed over as idle */
    float probability;             /* of the last block that was heard */
    unsigned pending_count;        /* samples in `pending` */
    unsigned frame_count;          /* samples in `frame` */
    int16_t pending[VE_VAD_BLOCK]; /* of the block being filled */
    int16_t frame[VE_VAD_FRAME];   /* WebRTC: what a block left over */
    struct ve_silero_state silero;
    struct VadInst *webrtc; /* owned; NULL for the other kinds */
};

/* The best detector that was built in, with the gate as measured. */
struct ve_vad_options ve_vad_defaults(void);
/* VE_ENOTSUP: no weights for VE_VAD_SILERO. VE_EINVAL, VE_ENOMEM. */
int ve_vad_init(struct ve_vad *vad, const struct ve_vad_options *options);
/* Back to a new stream with the same options. */
int ve_vad_reset(struct ve_vad *vad);
/* Also after a failed init, and twice. */
void ve_vad_close(struct ve_vad *vad);

/* Takes samples until a block is full: true, and *samples and *count tell what is left; to be
 * called again until false, when everything has been taken. */
bool ve_vad_push(struct ve_vad *vad, struct ve_vad_block *out, const int16_t **samples,
                 size_t *count);

#endif
