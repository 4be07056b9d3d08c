#include "base/pool.h"

#include "base/alloc.h"

struct ve_pool_block {
    struct ve_pool_block *next;
};

void ve_pool_init(struct ve_pool *pool, size_t block_size, size_t idle_max)
{
    if (block_size < sizeof(struct ve_pool_block))
        block_size = sizeof(struct ve_pool_block);
    *pool = (struct ve_pool){.block_size = block_size, .idle_max = idle_max};
}

void ve_pool_free(struct ve_pool *pool)
{
    while (pool->free) {
        struct ve_pool_block *block = pool->free;
        pool->free = block->next;
        ve_free(block);
    }
    pool->idle = 0;
}

void *ve_pool_get(struct ve_pool *pool)
{
    struct ve_pool_block *block = pool->free;
    if (block) {
        pool->free = block->next;
        pool->idle--;
    } else {
        block = ve_alloc(pool->block_size);
        if (!block)
            return NULL;
    }
    pool->live++;
    return block;
}

void ve_pool_put(struct ve_pool *pool, void *block)
{
    if (!block)
        return;
    pool->live--;
    if (pool->idle >= pool->idle_max) {
        ve_free(block);
        return;
    }
    struct ve_pool_block *idle = block;
    idle->next = pool->free;
    pool->free = idle;
    pool->idle++;
}
