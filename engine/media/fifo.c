#include "media/fifo.h"

#include "base/err.h"

#include <string.h>

void ve_fifo_init(struct ve_fifo *fifo, struct ve_pool *pool)
{
    *fifo = (struct ve_fifo){.pool = pool};
}

void ve_fifo_clear(struct ve_fifo *fifo)
{
    while (fifo->first) {
        struct ve_fifo_block *block = fifo->first;
        fifo->first = block->next;
        ve_pool_put(fifo->pool, block);
    }
    fifo->last = NULL;
    fifo->base = fifo->begin = fifo->end;
}

/* Blocks for `count` more samples, linked behind the last one. */
static int reserve(struct ve_fifo *fifo, size_t count)
{
    size_t used = (size_t)(fifo->end - fifo->base);
    size_t have = 0;
    for (struct ve_fifo_block *block = fifo->first; block && block != fifo->last;
         block = block->next)
        have += VE_FIFO_BLOCK_SAMPLES;
    if (fifo->last)
        have += VE_FIFO_BLOCK_SAMPLES;
    struct ve_fifo_block *added = NULL;
    struct ve_fifo_block **tail = &added;
    while (have < used + count) {
        *tail = ve_pool_get(fifo->pool);
        if (!*tail)
            break;
        (*tail)->next = NULL;
        tail = &(*tail)->next;
        have += VE_FIFO_BLOCK_SAMPLES;
    }
    if (have < used + count) {
        while (added) {
            struct ve_fifo_block *block = added;
            added = block->next;
            ve_pool_put(fifo->pool, block);
        }
        return VE_ENOMEM;
    }
    if (!fifo->first || !fifo->last)
        fifo->first = added;
    else if (added)
        fifo->last->next = added;
    return 0;
}

int ve_fifo_push(struct ve_fifo *fifo, const int16_t *samples, size_t count)
{
    if (count == 0)
        return 0;
    size_t used = (size_t)(fifo->end - fifo->base);
    size_t offset = fifo->last ? used % VE_FIFO_BLOCK_SAMPLES : 0;
    /* A full last block: the next sample opens a new one. */
    struct ve_fifo_block *block = fifo->last;
    int err = reserve(fifo, count);
    if (err)
        return err;
    if (!block)
        block = fifo->first;
    else if (offset == 0)
        block = block->next;
    size_t left = count;
    while (block) { /* there is one: it was reserved */
        size_t n = VE_FIFO_BLOCK_SAMPLES - offset;
        if (n > left)
            n = left;
        memcpy(block->samples + offset, samples, n * sizeof(*samples));
        samples += n;
        left -= n;
        if (!left)
            break;
        block = block->next;
        offset = 0;
    }
    fifo->last = block;
    fifo->end += count;
    return 0;
}

size_t ve_fifo_read(const struct ve_fifo *fifo, uint64_t at, int16_t *out, size_t count)
{
    if (at < fifo->begin || at >= fifo->end)
        return 0;
    size_t held = (size_t)(fifo->end - at);
    if (count > held)
        count = held;
    size_t offset = (size_t)(at - fifo->base);
    const struct ve_fifo_block *block = fifo->first;
    for (; offset >= VE_FIFO_BLOCK_SAMPLES; offset -= VE_FIFO_BLOCK_SAMPLES)
        block = block->next;
    for (size_t left = count; left;) {
        size_t n = VE_FIFO_BLOCK_SAMPLES - offset;
        if (n > left)
            n = left;
        memcpy(out, block->samples + offset, n * sizeof(*out));
        out += n;
        left -= n;
        offset = 0;
        block = block->next;
    }
    return count;
}

void ve_fifo_drop(struct ve_fifo *fifo, uint64_t position)
{
    if (position >= fifo->end) {
        ve_fifo_clear(fifo);
        return;
    }
    if (position <= fifo->begin)
        return;
    fifo->begin = position;
    while (fifo->begin - fifo->base >= VE_FIFO_BLOCK_SAMPLES) {
        struct ve_fifo_block *block = fifo->first;
        fifo->first = block->next;
        fifo->base += VE_FIFO_BLOCK_SAMPLES;
        ve_pool_put(fifo->pool, block);
    }
}
