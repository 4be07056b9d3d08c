#include "store/arena.h"

#include "base/alloc.h"
#include "base/err.h"

#include <stdalign.h>
#include <string.h>

#define BLOCK_BYTES ((size_t)16 * 1024)

struct ve_arena_block {
    struct ve_arena_block *next;
    size_t used; /* bytes of `bytes` */
    alignas(max_align_t) char bytes[];
};

void *ve_arena_get(struct ve_arena *arena, size_t size)
{
    size = (size + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
    if (!arena->blocks || arena->left < size) {
        size_t room = size > BLOCK_BYTES ? size : BLOCK_BYTES;
        struct ve_arena_block *block = ve_alloc(sizeof(*block) + room);
        if (!block)
            return NULL;
        block->next = arena->blocks;
        arena->blocks = block;
        arena->left = room;
    }
    void *ptr = arena->blocks->bytes + arena->blocks->used;
    arena->blocks->used += size;
    arena->left -= size;
    arena->total += size;
    return ptr;
}

int ve_arena_copy(struct ve_arena *arena, struct ve_str *out, struct ve_str text)
{
    *out = ve_str_n("", 0);
    if (!text.len)
        return 0;
    char *bytes = ve_arena_get(arena, text.len);
    if (!bytes)
        return VE_ENOMEM;
    memcpy(bytes, text.ptr, text.len);
    *out = ve_str_n(bytes, text.len);
    return 0;
}

void ve_arena_free(struct ve_arena *arena)
{
    while (arena->blocks) {
        struct ve_arena_block *block = arena->blocks;
        arena->blocks = block->next;
        ve_free(block);
    }
    *arena = (struct ve_arena){.left = 0};
}
