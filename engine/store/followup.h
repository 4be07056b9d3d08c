/*
 * store/followup.h - what scripts have put off with voice.at.
 *
 * A follow-up names a handler, not a function, so that it finds the newest script. It stays until
 * it is deleted; so one whose handler was cut off by a crash runs again.
 */
#ifndef VE_STORE_FOLLOWUP_H
#define VE_STORE_FOLLOWUP_H

#include "store/store.h"

struct ve_followup {
    int64_t id; /* given by the store */
    struct ve_str tenant;
    struct ve_str handler;
    struct ve_str key;  /* unique within the tenant; empty: it has none */
    struct ve_str data; /* JSON, at most VE_STORE_DATA_MAX bytes; not looked at */
    int64_t due_ms;
};

struct ve_followup_page {
    const struct ve_followup *rows;
    size_t count;
    bool more;
    int64_t next_due_ms; /* of those that are not due yet; INT64_MAX: there are none */
};

/* Calls back with its id. VE_EEXIST: the tenant has one with that key, which stays as it is; its id
 * is called back. VE_EBUSY: the tenant has too many. followup->id is not looked at. */
int ve_followup_put(struct ve_store *store, const struct ve_followup *followup,
                    ve_store_number_fn done, void *arg);
/* Those due at `now_ms`, the longest due first. They stay. */
int ve_followup_due(struct ve_store *store, int64_t now_ms, unsigned limit,
                    void (*done)(void *arg, int err, const struct ve_followup_page *page),
                    void *arg);
/* VE_ENOENT: there was none. What its effects have left in the outbox goes with it. */
int ve_followup_delete(struct ve_store *store, int64_t id, int64_t now_ms, ve_store_fn done,
                       void *arg);
int ve_followup_delete_key(struct ve_store *store, struct ve_str tenant, struct ve_str key,
                           int64_t now_ms, ve_store_fn done, void *arg);

#endif
