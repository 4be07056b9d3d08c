#include "script/op.h"

#include "base/alloc.h"
#include "base/err.h"
#include "script/task.h"

#include <lua.h>
#include <string.h>

#define OPS_MAX 64

struct ve_message {
    struct ve_message *next;
    const char *kind; /* a literal */
    size_t count;
    struct ve_value values[VE_OP_VALUES];
    char text[]; /* the strings of the values */
};

void *ve_op_new(struct ve_task *task, const struct ve_op_type *type, size_t size)
{
    if (ve_task_op_count(task) >= OPS_MAX)
        return NULL;
    struct ve_op *op = ve_alloc(size);
    struct ve_message *finish = ve_alloc(sizeof(*finish));
    if (!op || !finish) {
        ve_free(op);
        ve_free(finish);
        return NULL;
    }
    op->type = type;
    op->task = task;
    op->finish = finish;
    ve_link_init(&op->link);
    ve_task_add_op(task, op);
    return op;
}

/* A message with its own copy of the strings. */
static struct ve_message *compose(const char *kind, const struct ve_value *values, size_t count)
{
    size_t bytes = 0;
    for (size_t i = 0; i < count; i++)
        bytes += values[i].type == VE_VALUE_STR ? values[i].str.len : 0;
    struct ve_message *message = ve_alloc(sizeof(*message) + bytes);
    if (!message)
        return NULL;
    message->kind = kind;
    message->count = count;
    char *at = message->text;
    for (size_t i = 0; i < count; i++) {
        message->values[i] = values[i];
        if (values[i].type != VE_VALUE_STR)
            continue;
        if (values[i].str.len)
            memcpy(at, values[i].str.ptr, values[i].str.len);
        message->values[i].str.ptr = at;
        at += values[i].str.len;
    }
    return message;
}

static void append(struct ve_op *op, struct ve_message *message)
{
    if (op->last)
        op->last->next = message;
    else
        op->first = message;
    op->last = message;
    op->waiting++;
    ve_task_notify(op->task, op);
}

static void drop_newest(struct ve_op *op)
{
    struct ve_message **at = &op->first;
    while (*at != op->last)
        at = &(*at)->next;
    struct ve_message *before = NULL;
    for (struct ve_message *m = op->first; m != op->last; m = m->next)
        before = m;
    ve_free(op->last);
    *at = NULL;
    op->last = before;
    op->waiting--;
}

int ve_op_post(struct ve_op *op, const char *kind, const struct ve_value *values, size_t count)
{
    if (op->finished || count > VE_OP_VALUES)
        return VE_EINVAL;
    struct ve_message *message = compose(kind, values, count);
    if (!message)
        return VE_ENOMEM;
    if (op->waiting >= (op->type->limit ? op->type->limit : VE_OP_MESSAGES))
        drop_newest(op);
    append(op, message);
    return 0;
}

void ve_op_finish(struct ve_op *op, const char *kind, const struct ve_value *values, size_t count)
{
    if (op->finished || count > VE_OP_VALUES)
        return;
    struct ve_message *message = compose(kind, values, count);
    if (message) {
        ve_free(op->finish);
    } else {
        message = op->finish;
        message->kind = "failed";
        message->count = 1;
        message->values[0] = ve_vstr(ve_str(ve_err_name(VE_ENOMEM)));
    }
    op->finish = NULL;
    op->finished = true;
    append(op, message);
}

static void free_op(struct ve_op *op)
{
    ve_task_remove_op(op->task, op);
    while (op->first) {
        struct ve_message *message = op->first;
        op->first = message->next;
        ve_free(message);
    }
    ve_free(op->finish);
    ve_free(op);
}

void ve_op_drop(struct ve_op *op)
{
    op->finished = true;
    op->type->cancel(op);
    free_op(op);
}

static void push_value(lua_State *L, const struct ve_value *value)
{
    switch (value->type) {
    case VE_VALUE_NIL:
        lua_pushnil(L);
        break;
    case VE_VALUE_STR:
        lua_pushlstring(L, value->str.ptr, value->str.len);
        break;
    case VE_VALUE_INT:
        lua_pushinteger(L, value->i);
        break;
    case VE_VALUE_NUM:
        lua_pushnumber(L, value->num);
        break;
    case VE_VALUE_BOOL:
        lua_pushboolean(L, value->flag);
        break;
    }
}

int ve_op_take(struct ve_op *op, lua_State *L)
{
    struct ve_message *message = op->first;
    if (!message)
        return 0;
    /* Push first, unlink after: pushing may raise, and then the message is still there. */
    if (!lua_checkstack(L, VE_OP_VALUES + 2))
        return 0;
    lua_pushinteger(L, op->id);
    lua_pushstring(L, message->kind);
    for (size_t i = 0; i < message->count; i++)
        push_value(L, &message->values[i]);
    int pushed = 2 + (int)message->count;
    op->first = message->next;
    if (!op->first)
        op->last = NULL;
    op->waiting--;
    ve_free(message);
    if (op->finished && !op->first) {
        op->type->cancel(op);
        free_op(op);
    } else if (!op->first && op->type->drained) {
        op->type->drained(op);
    }
    return pushed;
}
