/*
 * media/recorder.h - audio to a WAV file, off the loop.
 *
 * Samples are gathered into blocks of half a second; each block is a job on the disk lane, in
 * order. The header is written last, so a file that was cut short still says "length unknown" and
 * plays. A disk that does not keep up loses blocks (counted) rather than holding the call.
 */
#ifndef VE_MEDIA_RECORDER_H
#define VE_MEDIA_RECORDER_H

#include "base/str.h"
#include "loop/loop.h"

#include <stddef.h>

struct ve_recorder;

struct ve_recorder_result {
    int err;         /* 0, or why the file is not complete */
    uint64_t frames; /* written */
    uint64_t lost;   /* frames that the disk could not take in time */
};

/* A new file (0600; the folder must be there; an existing one is replaced). `rate` in Hz, 1 or 2
 * channels, s16. */
int ve_recorder_new(struct ve_recorder **out, struct ve_loop *loop, const char *path, uint32_t rate,
                    unsigned channels);
/* Interleaved frames; copied. */
int ve_recorder_write(struct ve_recorder *recorder, const int16_t *frames, size_t count);
/* Writes what is left and the header; `done` (may be NULL) comes once, in a later step, and the
 * recorder is gone. */
void ve_recorder_close(struct ve_recorder *recorder,
                       void (*done)(void *arg, const struct ve_recorder_result *result), void *arg);
/* After close: `done` is not wanted any more. */
void ve_recorder_forget(struct ve_recorder *recorder);

#endif
