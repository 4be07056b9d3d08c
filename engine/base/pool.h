/*
 * base/pool.h - blocks of one size, handed out and taken back without the heap.
 *
 * For what is made and dropped fifty times a second. Idle blocks are kept up to a bound. One
 * thread.
 */
#ifndef VE_BASE_POOL_H
#define VE_BASE_POOL_H

#include <stddef.h>

struct ve_pool_block;

struct ve_pool {
    size_t block_size;          /* bytes */
    size_t live;                /* blocks handed out */
    size_t idle;                /* blocks kept for later */
    size_t idle_max;            /* blocks kept at most; the rest goes back to the heap */
    struct ve_pool_block *free; /* owned, singly linked */
};

void ve_pool_init(struct ve_pool *pool, size_t block_size, size_t idle_max);
/* Frees the idle blocks; live ones must have come back. */
void ve_pool_free(struct ve_pool *pool);
/* A block with undefined content, or NULL. */
void *ve_pool_get(struct ve_pool *pool);
void ve_pool_put(struct ve_pool *pool, void *block);

#endif
