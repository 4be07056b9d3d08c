/*
 * store/history.h - the records of calls.
 *
 * A record is kept until it is too old, the history is full (the oldest go), or somebody erases the
 * calls of a number.
 */
#ifndef VE_STORE_HISTORY_H
#define VE_STORE_HISTORY_H

#include "store/store.h"

struct ve_history_row {
    int64_t id; /* given by the store; ascending in the order in which calls were first put */
    struct ve_str call_id; /* 1 to 64 bytes */
    struct ve_str tenant;
    int64_t began_ms;
    struct ve_str caller; /* the number by which its calls are found and erased; may be empty */
    struct ve_str record; /* JSON, at most VE_STORE_BODY_MAX bytes; not looked at */
};

struct ve_history_page {
    const struct ve_history_row *rows;
    size_t count;
    bool more;
};

/* Stores a call, or replaces what is stored of it. Calls back with its id. row->id is not looked
 * at. */
int ve_history_put(struct ve_store *store, const struct ve_history_row *row,
                   ve_store_number_fn done, void *arg);
/* `row` is NULL on an error; VE_ENOENT: no such call. */
int ve_history_get(struct ve_store *store, struct ve_str call_id,
                   void (*done)(void *arg, int err, const struct ve_history_row *row), void *arg);
/* Newest first, with an id below `before` (0: from the newest), of one tenant or (empty) of all. */
int ve_history_list(struct ve_store *store, struct ve_str tenant, int64_t before, unsigned limit,
                    void (*done)(void *arg, int err, const struct ve_history_page *page),
                    void *arg);
/* Removes the calls of a number so that no copy is left in the store's files, and calls back with
 * how many there were. The copy in the log file is gone at the next pause, at most one commit
 * later. */
int ve_history_erase(struct ve_store *store, struct ve_str caller, ve_store_number_fn done,
                     void *arg);

#endif
