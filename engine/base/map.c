#include "base/map.h"

#include "base/alloc.h"
#include "base/err.h"

#include <string.h>

struct ve_map_slot {
    char *key; /* owned; NULL when the slot was never used */
    size_t key_len;
    uint64_t hash;
    void *value; /* borrowed; NULL in a tombstone */
};

static uint64_t rotate(uint64_t x, int bits)
{
    return (x << bits) | (x >> (64 - bits));
}

struct sip {
    uint64_t v0, v1, v2, v3;
};

static void sip_round(struct sip *s)
{
    s->v0 += s->v1;
    s->v1 = rotate(s->v1, 13) ^ s->v0;
    s->v0 = rotate(s->v0, 32);
    s->v2 += s->v3;
    s->v3 = rotate(s->v3, 16) ^ s->v2;
    s->v0 += s->v3;
    s->v3 = rotate(s->v3, 21) ^ s->v0;
    s->v2 += s->v1;
    s->v1 = rotate(s->v1, 17) ^ s->v2;
    s->v2 = rotate(s->v2, 32);
}

static void sip_word(struct sip *s, uint64_t word)
{
    s->v3 ^= word;
    sip_round(s);
    sip_round(s);
    s->v0 ^= word;
}

static uint64_t little_endian(const unsigned char *p, size_t n)
{
    uint64_t word = 0;
    for (size_t i = 0; i < n; i++)
        word |= (uint64_t)p[i] << (8 * i);
    return word;
}

/* SipHash-2-4 (Aumasson and Bernstein, 2012). */
uint64_t ve_siphash(const uint64_t seed[2], struct ve_str bytes)
{
    struct sip s = {seed[0] ^ 0x736f6d6570736575u, seed[1] ^ 0x646f72616e646f6du,
                    seed[0] ^ 0x6c7967656e657261u, seed[1] ^ 0x7465646279746573u};
    const unsigned char *p = (const unsigned char *)bytes.ptr;
    size_t left = bytes.len;
    for (; left >= 8; left -= 8, p += 8)
        sip_word(&s, little_endian(p, 8));
    uint64_t tail = left ? little_endian(p, left) : 0;
    sip_word(&s, tail | ((uint64_t)bytes.len << 56));
    s.v2 ^= 0xff;
    for (int i = 0; i < 4; i++)
        sip_round(&s);
    return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

void ve_map_init(struct ve_map *map, const uint64_t seed[2])
{
    *map = (struct ve_map){.seed = {seed[0], seed[1]}};
}

void ve_map_free(struct ve_map *map)
{
    for (size_t i = 0; i < map->cap; i++)
        ve_free(map->slots[i].key);
    ve_free(map->slots);
    ve_map_init(map, map->seed);
}

/* The slot of the key, or the first free one on its path. The table is never full. */
static struct ve_map_slot *probe(const struct ve_map *map, struct ve_str key, uint64_t hash)
{
    size_t mask = map->cap - 1;
    for (size_t i = hash & mask;; i = (i + 1) & mask) {
        struct ve_map_slot *slot = &map->slots[i];
        if (!slot->key)
            return slot;
        if (slot->value && slot->hash == hash && ve_str_eq(ve_str_n(slot->key, slot->key_len), key))
            return slot;
    }
}

static int grow(struct ve_map *map)
{
    size_t cap = 8;
    while (cap < map->count * 2 + 2)
        cap *= 2;
    struct ve_map bigger = *map;
    bigger.slots = ve_alloc_array(cap, sizeof(*bigger.slots));
    if (!bigger.slots)
        return VE_ENOMEM;
    bigger.cap = cap;
    bigger.used = map->count;
    for (size_t i = 0; i < map->cap; i++) {
        struct ve_map_slot *old = &map->slots[i];
        if (old->value)
            *probe(&bigger, ve_str_n(old->key, old->key_len), old->hash) = *old;
        else
            ve_free(old->key);
    }
    ve_free(map->slots);
    *map = bigger;
    return 0;
}

int ve_map_add(struct ve_map *map, struct ve_str key, void *value)
{
    if (!value)
        return VE_EINVAL;
    if (ve_map_find(map, key))
        return VE_EEXIST;
    if ((map->used + 1) * 4 > map->cap * 3) {
        int err = grow(map);
        if (err)
            return err;
    }
    char *copy = ve_strndup(key.ptr, key.len);
    if (!copy)
        return VE_ENOMEM;
    uint64_t hash = ve_siphash(map->seed, key);
    *probe(map, key, hash) = (struct ve_map_slot){copy, key.len, hash, value};
    map->count++;
    map->used++;
    return 0;
}

void *ve_map_find(const struct ve_map *map, struct ve_str key)
{
    if (map->cap == 0)
        return NULL;
    return probe(map, key, ve_siphash(map->seed, key))->value;
}

void *ve_map_remove(struct ve_map *map, struct ve_str key)
{
    if (map->cap == 0)
        return NULL;
    struct ve_map_slot *slot = probe(map, key, ve_siphash(map->seed, key));
    void *value = slot->value;
    if (value) {
        slot->value = NULL;
        map->count--;
    }
    return value;
}

void *ve_map_next(const struct ve_map *map, size_t *at, struct ve_str *key)
{
    while (*at < map->cap) {
        const struct ve_map_slot *slot = &map->slots[(*at)++];
        if (!slot->value)
            continue;
        if (key)
            *key = ve_str_n(slot->key, slot->key_len);
        return slot->value;
    }
    return NULL;
}
