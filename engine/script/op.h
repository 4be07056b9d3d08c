/*
 * script/op.h - something a task has started and will hear from.
 *
 * An operation (a synthesis, a recogniser, a request, a timer) belongs to one task. It posts any
 * number of messages and then finishes, exactly once; the task takes the messages with `wait`. When
 * the task ends or cancels it, `cancel` is called once and nothing may be posted any more.
 *
 * Room for the finish is set aside when the operation is made, so a completion is always delivered;
 * at most VE_OP_MESSAGES messages wait before it, then the newest takes the place of the one before
 * it (partial results are latest-wins).
 */
#ifndef VE_SCRIPT_OP_H
#define VE_SCRIPT_OP_H

#include "base/list.h"
#include "base/str.h"

#define VE_OP_MESSAGES 32
#define VE_OP_VALUES   6

struct lua_State;
struct ve_task;
struct ve_op;

enum ve_value_type { VE_VALUE_NIL, VE_VALUE_STR, VE_VALUE_INT, VE_VALUE_NUM, VE_VALUE_BOOL };

struct ve_value {
    enum ve_value_type type;
    struct ve_str str; /* copied by post and finish */
    int64_t i;
    double num;
    bool flag;
};

static inline struct ve_value ve_vstr(struct ve_str str)
{
    return (struct ve_value){.type = VE_VALUE_STR, .str = str};
}

static inline struct ve_value ve_vint(int64_t i)
{
    return (struct ve_value){.type = VE_VALUE_INT, .i = i};
}

static inline struct ve_value ve_vnum(double num)
{
    return (struct ve_value){.type = VE_VALUE_NUM, .num = num};
}

static inline struct ve_value ve_vbool(bool flag)
{
    return (struct ve_value){.type = VE_VALUE_BOOL, .flag = flag};
}

struct ve_op_type {
    const char *name;
    /* Stop: the task does not want it any more. May be called before or after the finish. Frees
     * what the operation holds in the engine, not the operation itself. */
    void (*cancel)(struct ve_op *op);
    /* The task has taken the last waiting message: a paused source may go on. May be NULL. */
    void (*drained)(struct ve_op *op);
    /* Messages that may wait before the newest takes the place of the one before it; 0 means
     * VE_OP_MESSAGES. For sources that pause themselves and must lose nothing. */
    unsigned limit;
};

struct ve_message;

/* Embedded as the first member of the operation's own struct. */
struct ve_op {
    const struct ve_op_type *type;
    struct ve_task *task; /* borrowed */
    struct ve_link link;  /* in the task's list */
    uint32_t id;          /* unique within the task, from 1 */
    bool finished;
    unsigned waiting;         /* messages */
    struct ve_message *first; /* owned */
    struct ve_message *last;
    struct ve_message *finish; /* set aside */
};

/* A zeroed struct of `size` bytes that begins with a struct ve_op. NULL without memory or when the
 * task has too many (64). */
void *ve_op_new(struct ve_task *task, const struct ve_op_type *type, size_t size);
/* Posts a message; without memory the message is lost (finishes never are): VE_ENOMEM. */
int ve_op_post(struct ve_op *op, const char *kind, const struct ve_value *values, size_t count);
/* The last message. */
void ve_op_finish(struct ve_op *op, const char *kind, const struct ve_value *values, size_t count);
/* The operation of the task with that id, or NULL. */
struct ve_op *ve_op_find(struct ve_task *task, uint32_t id);
/* Cancels and frees. */
void ve_op_drop(struct ve_op *op);
/* Pushes [id, kind, values...] of the oldest message; returns how many, 0 when there is none. A
 * finished operation whose last message was taken is freed. [-0, +n, m] */
int ve_op_take(struct ve_op *op, struct lua_State *L);

#endif
