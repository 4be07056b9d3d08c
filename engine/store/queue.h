/*
 * store/queue.h - inside of store/ only: operations on their way to the store thread and back.
 */
#ifndef VE_STORE_QUEUE_H
#define VE_STORE_QUEUE_H

#include "base/list.h"
#include "store/arena.h"
#include "store/db.h"

/* An operation: one block of memory with its texts behind it, the first member of a struct of the
 * file that makes it. */
struct ve_store_op {
    struct ve_link link;
    /* On the store thread, in a transaction with other operations: 0, or an error. Runs a second
     * time when the first transaction failed: then what the first run found has been dropped. */
    int (*run)(struct ve_db *db, struct ve_store_op *op);
    /* On the loop: tells the caller. The operation is freed afterwards. */
    void (*done)(struct ve_store_op *op);
    int err;               /* for `done` */
    int64_t number;        /* for `done`; 0 before each run */
    struct ve_arena arena; /* what the run found; owned */
    size_t size;           /* of the block */
    size_t used;           /* of the block, up to the next text */
    union {
        ve_store_fn plain;
        ve_store_number_fn number;
    } callback; /* of those whose `done` is ve_store_op_plain or ve_store_op_number */
    void *arg;
};

/* A zeroed block for a struct of `size` bytes and `texts` bytes behind it, or NULL. */
void *ve_store_op_new(size_t size, size_t texts);
/* A copy of a text in the operation's own memory. */
struct ve_str ve_store_op_text(struct ve_store_op *op, struct ve_str text);
void ve_store_op_free(struct ve_store_op *op);
/* `done` of the operations whose callback takes no more. */
void ve_store_op_plain(struct ve_store_op *op);
void ve_store_op_number(struct ve_store_op *op);
/* Gives it to the store, which frees it in any case. */
int ve_store_submit(struct ve_store *store, struct ve_store_op *op);
/* The store's own operations, and the next part of one that was taken: never refused. */
void ve_store_submit_inside(struct ve_store *store, struct ve_store_op *op);
const struct ve_store_limits *ve_store_limits(const struct ve_store *store);

/* Bytes after which a page of rows ends; the row that crosses the line is still in it. */
#define VE_STORE_PAGE_BYTES ((size_t)2 * 1024 * 1024)

/* Runs the operations of a list in one commit and leaves each one's result in it. */
void ve_batch_run(struct ve_db *db, struct ve_link *ops);

/* Clears away what has expired, a part of it; op->number tells how many rows went. */
struct ve_store_op *ve_purge_new(int64_t now_ms);

#endif
