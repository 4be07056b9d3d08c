/*
 * store/outbox.h - effects on the outside world that are to be had once.
 *
 * An entry is known by its origin (the event or follow-up whose handler wants it) and a number: the
 * handler's first effect, its second, ... A handler that runs again after a crash asks for the same
 * ones again and gets those that are there. Its life:
 *
 *   pending -> trying -> done | pending again (retry) | unknown | dead
 *
 * `trying` is on the disk before the attempt begins, so after a crash nobody needs to guess which
 * attempts may have reached their sink: those with an idempotency key become pending again, because
 * the sink will know them; the others become `unknown` and are never sent again by the engine. News
 * from outside may still settle them (ve_outbox_confirm). `unknown` and `dead` entries are the dead
 * letters: a person may send them again or drop them.
 */
#ifndef VE_STORE_OUTBOX_H
#define VE_STORE_OUTBOX_H

#include "store/store.h"

enum ve_outbox_state {
    VE_OUTBOX_PENDING,
    VE_OUTBOX_TRYING,
    VE_OUTBOX_DONE,    /* it arrived; kept only while somebody may still ask for it again */
    VE_OUTBOX_UNKNOWN, /* it may have arrived */
    VE_OUTBOX_DEAD,    /* it did not, and will not be tried again */
    VE_OUTBOX_STATES,
};

const char *ve_outbox_state_name(enum ve_outbox_state state);

#define VE_OUTBOX_WHY_MAX 256 /* bytes; what is longer is cut */

struct ve_effect {
    int64_t origin;  /* id of an event of inbox.h or of a follow-up, 0: a running call, which
                        never asks for an effect a second time */
    uint32_t number; /* the origin's n-th effect, from 1; not looked at without an origin */
    struct ve_str tenant;
    struct ve_str call_id; /* that it is about, for people; may be empty */
    struct ve_str sink;    /* who carries it out, such as "sms"; 1 to VE_STORE_NAME_MAX bytes */
    struct ve_str key;     /* idempotency key that the sink honours; empty: it honours none */
    struct ve_str match;   /* by which news from outside will know it; may be empty */
    struct ve_str payload; /* JSON, at most VE_STORE_DATA_MAX bytes; not looked at */
    int64_t due_ms;
};

/* Stores an effect and calls back with its id. VE_EEXIST: the origin's n-th effect is there already
 * and stays as it is; its id is called back. VE_EBUSY: the outbox, or the tenant's share of it, is
 * full. */
int ve_outbox_put(struct ve_store *store, const struct ve_effect *effect, int64_t now_ms,
                  ve_store_number_fn done, void *arg);

struct ve_outbox_row {
    int64_t id;
    int64_t origin;
    uint32_t number;
    struct ve_str tenant;
    struct ve_str call_id;
    struct ve_str sink;
    struct ve_str key;
    struct ve_str match;
    struct ve_str payload;
    enum ve_outbox_state state;
    int64_t due_ms;
    uint32_t attempts; /* begun since it was put or sent again by a person */
    int64_t created_ms;
    int64_t changed_ms;
    struct ve_str why; /* of the last failed attempt */
};

struct ve_outbox_page {
    const struct ve_outbox_row *rows;
    size_t count;
    bool more;
    int64_t next_due_ms; /* of ve_outbox_due only: when the first of those that are not due yet is;
                            INT64_MAX: there are none */
};

typedef void (*ve_outbox_page_fn)(void *arg, int err, const struct ve_outbox_page *page);

/* Pending entries due at `now_ms`, the longest due first. They stay pending until ve_outbox_begin.
 */
int ve_outbox_due(struct ve_store *store, int64_t now_ms, unsigned limit, ve_outbox_page_fn done,
                  void *arg);
/* One entry: a page of one row, or VE_ENOENT. */
int ve_outbox_get(struct ve_store *store, int64_t id, ve_outbox_page_fn done, void *arg);
/* Entries of the states whose bits (1 << state) are set, newest first, with an id below `before`
 * (0: from the newest). */
int ve_outbox_list(struct ve_store *store, unsigned states, int64_t before, unsigned limit,
                   ve_outbox_page_fn done, void *arg);

/*
 * The steps of an entry's life. Those that its state does not allow call back with VE_EINVAL and
 * change nothing; VE_ENOENT: there is no such entry (any more).
 */
/* pending -> trying. Begin the attempt after the callback, which gets the number of the attempt. */
int ve_outbox_begin(struct ve_store *store, int64_t id, int64_t now_ms, ve_store_number_fn done,
                    void *arg);
/* trying, unknown or dead -> done: it arrived, or a person says that it need not any more. */
int ve_outbox_done(struct ve_store *store, int64_t id, int64_t now_ms, ve_store_fn done, void *arg);
/* trying -> pending: it certainly did not arrive, or the sink honours the key. */
int ve_outbox_retry(struct ve_store *store, int64_t id, int64_t due_ms, struct ve_str why,
                    int64_t now_ms, ve_store_fn done, void *arg);
/* trying -> unknown. */
int ve_outbox_unknown(struct ve_store *store, int64_t id, struct ve_str why, int64_t now_ms,
                      ve_store_fn done, void *arg);
/* pending, trying or unknown -> dead. */
int ve_outbox_dead(struct ve_store *store, int64_t id, struct ve_str why, int64_t now_ms,
                   ve_store_fn done, void *arg);
/* unknown or dead -> pending, due at once: a person wants it sent again. */
int ve_outbox_resend(struct ve_store *store, int64_t id, int64_t now_ms, ve_store_fn done,
                     void *arg);
/*
 * News from outside: an effect with that `match` has arrived. Settles one entry, and calls back
 * with its id, or VE_ENOENT. Entries that are known to have arrived are taken first, each once: one
 * piece of news comes for each, so what is left over speaks of those that nobody knows about.
 */
int ve_outbox_confirm(struct ve_store *store, struct ve_str tenant, struct ve_str match,
                      int64_t now_ms, ve_store_number_fn done, void *arg);

#endif
