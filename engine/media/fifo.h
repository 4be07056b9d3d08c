/*
 * media/fifo.h - a run of samples with absolute positions.
 *
 * Samples are pushed at the end, read anywhere, and dropped at the front; positions count from the
 * first sample ever pushed and never change. Memory is blocks of a pool shared by all calls of a
 * worker, so an idle fifo costs nothing. Bounded by its owner, who drops.
 */
#ifndef VE_MEDIA_FIFO_H
#define VE_MEDIA_FIFO_H

#include "base/pool.h"

#include <stdint.h>

#define VE_FIFO_BLOCK_SAMPLES 1016 /* a block is 2 KiB with its link */
/* From here on a 10 ms window counts as sound: gaps are measured between sounds (dBFS). */
#define VE_AUDIBLE_DB (-50.0f)

struct ve_fifo_block {
    struct ve_fifo_block *next;
    uint64_t reserved; /* keeps the samples aligned and the block at 2 KiB */
    int16_t samples[VE_FIFO_BLOCK_SAMPLES];
};

struct ve_fifo {
    struct ve_pool *pool; /* borrowed, of sizeof(struct ve_fifo_block) */
    struct ve_fifo_block *first;
    struct ve_fifo_block *last;
    uint64_t base;  /* position of the first block's first sample */
    uint64_t begin; /* oldest position still held */
    uint64_t end;   /* position after the newest sample */
};

void ve_fifo_init(struct ve_fifo *fifo, struct ve_pool *pool);
/* Gives all blocks back; positions stay where they are. */
void ve_fifo_clear(struct ve_fifo *fifo);
/* All or nothing. */
int ve_fifo_push(struct ve_fifo *fifo, const int16_t *samples, size_t count);
/* Copies up to `count` samples from position `at`; returns how many are held from there. */
size_t ve_fifo_read(const struct ve_fifo *fifo, uint64_t at, int16_t *out, size_t count);
/* Forgets everything before `position`. */
void ve_fifo_drop(struct ve_fifo *fifo, uint64_t position);

static inline size_t ve_fifo_held(const struct ve_fifo *fifo)
{
    return (size_t)(fifo->end - fifo->begin);
}

#endif
