/*
 * store/kv.h - a tenant's own small facts (tenant.kv).
 *
 * Keys are UTF-8 without NUL, 1 to VE_KV_KEY_MAX bytes; values any bytes up to VE_STORE_DATA_MAX.
 * An entry whose time is over is not there any more, whether it has been cleared away or not. No
 * function reaches another tenant's entries.
 */
#ifndef VE_STORE_KV_H
#define VE_STORE_KV_H

#include "store/store.h"

#define VE_KV_KEY_MAX 256 /* bytes */

struct ve_kv_entry {
    struct ve_str key;
    struct ve_str value;
    int64_t expires_ms; /* 0: never */
};

struct ve_kv_page {
    const struct ve_kv_entry *entries;
    size_t count;
    bool more; /* ask again, from behind the last key */
};

/* `entry` is NULL on an error; VE_ENOENT: there is none. */
int ve_kv_get(struct ve_store *store, struct ve_str tenant, struct ve_str key, int64_t now_ms,
              void (*done)(void *arg, int err, const struct ve_kv_entry *entry), void *arg);
/* expires_ms 0: never. VE_EBUSY: the tenant has too many entries or bytes. */
int ve_kv_set(struct ve_store *store, struct ve_str tenant, const struct ve_kv_entry *entry,
              int64_t now_ms, ve_store_fn done, void *arg);
/*
 * Adds to a whole number in decimal digits and calls back with the sum. A key that is not there
 * counts as 0 and gets `expires_ms`; one that is there keeps its time, so a counter with a time
 * limits a rate. VE_EPROTO: the value is no whole number. VE_ETOOBIG: the sum does not fit 64 bits.
 */
int ve_kv_incr(struct ve_store *store, struct ve_str tenant, struct ve_str key, int64_t by,
               int64_t expires_ms, int64_t now_ms, ve_store_number_fn done, void *arg);
/* VE_ENOENT: there was none. */
int ve_kv_delete(struct ve_store *store, struct ve_str tenant, struct ve_str key, int64_t now_ms,
                 ve_store_fn done, void *arg);
/* Entries whose key begins with `prefix` and sorts behind `after` (both may be empty), in the order
 * of their bytes. */
int ve_kv_list(struct ve_store *store, struct ve_str tenant, struct ve_str prefix,
               struct ve_str after, unsigned limit, int64_t now_ms,
               void (*done)(void *arg, int err, const struct ve_kv_page *page), void *arg);

#endif
