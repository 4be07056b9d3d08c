/*
 * store/inbox.h - events that were taken from outside and are not finished yet.
 *
 * An event is answered 2xx once ve_inbox_put has called back, and stays until ve_inbox_done.
 * After a restart ve_inbox_resume hands out what is left, in order.
 *
 * Putting an event also puts its key into the seen-set, in the same commit. A key is remembered for
 * limits.seen_ms and never forgotten early: when the set is full, new events are refused.
 */
#ifndef VE_STORE_INBOX_H
#define VE_STORE_INBOX_H

#include "store/store.h"

struct ve_inbox_event {
    struct ve_str key;    /* tells two events apart; 1 to VE_STORE_KEY_MAX bytes */
    struct ve_str tenant; /* may be empty */
    struct ve_str kind;   /* may be empty */
    struct ve_str body;   /* at most VE_STORE_BODY_MAX bytes of any content */
    int64_t at_ms;        /* of its arrival */
};

/* Calls back with the event's id: never used twice, ascending in order of arrival. VE_EEXIST: its
 * key has been seen, nothing was stored. VE_EBUSY: the inbox or the seen-set is full. */
int ve_inbox_put(struct ve_store *store, const struct ve_inbox_event *event,
                 ve_store_number_fn done, void *arg);
/* Only the key: for events that are answered at once and never handed out again. 0: it is new and
 * remembered now. VE_EEXIST: it has been seen. VE_EBUSY: the seen-set is full. */
int ve_seen_put(struct ve_store *store, struct ve_str key, int64_t at_ms, ve_store_fn done,
                void *arg);
/* The event is finished: it goes, and with it what its effects have left. VE_ENOENT: it was not
 * there. */
int ve_inbox_done(struct ve_store *store, int64_t id, int64_t now_ms, ve_store_fn done, void *arg);

struct ve_inbox_row {
    int64_t id;
    int64_t at_ms;
    uint32_t tries; /* how often it has been handed out after a restart and was counted */
    struct ve_str tenant;
    struct ve_str kind;
    struct ve_str body;
};

struct ve_inbox_page {
    const struct ve_inbox_row *rows;
    size_t count;
    bool more; /* ask again, from behind the last row */
};

/*
 * For the start: hands out unfinished events with an id above `after` and at most `upto`
 * (INT64_MAX: all), oldest first. A page also ends where it has become long. `count` notes for each
 * that it was handed out: an event whose handler ends the process would otherwise do so at every
 * start.
 */
int ve_inbox_resume(struct ve_store *store, int64_t after, int64_t upto, unsigned limit, bool count,
                    void (*done)(void *arg, int err, const struct ve_inbox_page *page), void *arg);

#endif
