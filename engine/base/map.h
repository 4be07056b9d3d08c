/*
 * base/map.h - text keys to pointers.
 *
 * Keys come from outside (call ids, header names), so the hash is SipHash-2-4 with a secret seed:
 * nobody can choose keys that collide. The map copies its keys and does not own its values.
 */
#ifndef VE_BASE_MAP_H
#define VE_BASE_MAP_H

#include "base/str.h"

struct ve_map_slot;

struct ve_map {
    struct ve_map_slot *slots; /* owned, open addressing, power of two */
    size_t cap;
    size_t count; /* live keys */
    size_t used;  /* live keys and tombstones */
    uint64_t seed[2];
};

void ve_map_init(struct ve_map *map, const uint64_t seed[2]);
void ve_map_free(struct ve_map *map);
/* Adds a key; VE_EEXIST when it is there already. `value` must not be NULL. */
int ve_map_add(struct ve_map *map, struct ve_str key, void *value);
/* The value of a key, or NULL. */
void *ve_map_find(const struct ve_map *map, struct ve_str key);
/* Takes a key out and returns its value, or NULL. */
void *ve_map_remove(struct ve_map *map, struct ve_str key);
/* Walks the map: start with *at = 0; returns NULL at the end. The map must not change meanwhile. */
void *ve_map_next(const struct ve_map *map, size_t *at, struct ve_str *key);

uint64_t ve_siphash(const uint64_t seed[2], struct ve_str bytes);

#endif
