/*
 * store/arena.h - inside of store/ only: what a listing found, kept until its callback has run.
 */
#ifndef VE_STORE_ARENA_H
#define VE_STORE_ARENA_H

#include "base/str.h"

struct ve_arena_block;

struct ve_arena {
    struct ve_arena_block *blocks; /* owned, newest first */
    size_t left;                   /* bytes unused in the newest */
    size_t total;                  /* bytes given out */
};

/* Zeroed and aligned for any type, or NULL. Lives until ve_arena_free. */
void *ve_arena_get(struct ve_arena *arena, size_t size);
/* A copy of a text. VE_ENOMEM. */
int ve_arena_copy(struct ve_arena *arena, struct ve_str *out, struct ve_str text);
void ve_arena_free(struct ve_arena *arena);

#endif
