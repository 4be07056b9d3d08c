#include "store/queue.h"

#include "base/err.h"

static struct ve_store_op *op_of(struct ve_link *link)
{
    return VE_CONTAINER(link, struct ve_store_op, link);
}

static void run_op(struct ve_db *db, struct ve_store_op *op)
{
    ve_arena_free(&op->arena);
    op->number = 0;
    op->err = op->run(db, op);
}

/* Whatever happens next, nothing of this batch has been stored. */
static void fail_all(struct ve_link *ops, int err)
{
    VE_LIST_EACH(ops, it)
    {
        struct ve_store_op *op = op_of(it);
        ve_arena_free(&op->arena);
        op->number = 0;
        op->err = err;
    }
}

static int run_together(struct ve_db *db, struct ve_link *ops)
{
    int err = ve_db_begin(db);
    if (err)
        return err;
    VE_LIST_EACH(ops, it)
    {
        run_op(db, op_of(it));
        if (db->failed)
            break;
    }
    return ve_db_commit(db);
}

/* A page that cannot be read, or memory that ran out, is one operation's trouble: the others get a
 * commit without it. */
static void run_singly(struct ve_db *db, struct ve_link *ops)
{
    VE_LIST_EACH(ops, it)
    {
        struct ve_store_op *op = op_of(it);
        int err = ve_db_begin(db);
        if (!err) {
            run_op(db, op);
            err = ve_db_commit(db);
        }
        if (err) {
            ve_arena_free(&op->arena);
            op->number = 0;
            op->err = err;
        }
    }
}

static bool disk_is_to_blame(const struct ve_db *db)
{
    return db->state == VE_STORE_FULL || db->state == VE_STORE_READ_ONLY ||
           db->state == VE_STORE_FAILING;
}

void ve_batch_run(struct ve_db *db, struct ve_link *ops)
{
    int err = run_together(db, ops);
    if (!err)
        return;
    if (disk_is_to_blame(db) || ops->next->next == ops)
        fail_all(ops, err);
    else
        run_singly(db, ops);
}
