/*
 * media/capture.h - the caller's audio: kept for those who listen, measured for the turns.
 *
 * Two clocks meet here. Positions count samples as they came in; the media clock (ms) also counts
 * silence that the session put in when nothing came. `ve_capture_position` goes from the second to
 * the first.
 */
#ifndef VE_MEDIA_CAPTURE_H
#define VE_MEDIA_CAPTURE_H

#include "audio/dtmf.h"
#include "audio/vad.h"
#include "media/fifo.h"

struct ve_resampler;

struct ve_capture {
    struct ve_fifo fifo;       /* at `rate` */
    uint32_t rate;             /* Hz, 0 before the first samples */
    struct ve_resampler *down; /* to 8 kHz; owned */
    struct ve_vad vad;
    struct ve_dtmf *dtmf; /* owned; NULL while not asked for */
    uint64_t origin_pos;  /* position ... */
    uint64_t origin_ms;   /* ... and media clock of the same moment */
    uint64_t window_energy;
    uint32_t window_fill; /* samples in the 10 ms window that is being measured */
    uint64_t audible_ns;  /* loop time at which the last audible 10 ms window ended; 0 = none */
};

struct ve_capture_events {
    /* 32 ms of audio, with the loop time at which its last sample came. */
    void (*block)(void *arg, float p, float level_db, uint64_t at_ns);
    void (*digit)(void *arg, char digit);
};

int ve_capture_init(struct ve_capture *capture, struct ve_pool *blocks, float gate_db);
void ve_capture_free(struct ve_capture *capture);
/* Keeps, measures and reports `count` samples that arrived at `now` (ns). `media_ms` is the media
 * clock before them. */
int ve_capture_push(struct ve_capture *capture, const int16_t *samples, size_t count, uint32_t rate,
                    uint64_t now, uint64_t media_ms, const struct ve_capture_events *events,
                    void *arg);
/* Position of a moment of the media clock, within what is held. */
uint64_t ve_capture_position(const struct ve_capture *capture, uint64_t media_ms);
int ve_capture_detect_digits(struct ve_capture *capture, bool on);

#endif
