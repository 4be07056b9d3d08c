#include "bind/bind.h"

#include "base/alloc.h"
#include "loop/timer.h"

#include <string.h>

/* What a spec answers in a provider's place, piece by piece on the virtual clock. */

#define PIECES_MAX 10000
#define AFTER_MAX  86400 /* s */

struct piece {
    struct ve_link link;
    uint64_t after; /* ns */
    size_t len;
    char text[];
};

struct ve_scripted_answer {
    struct ve_link pieces;
    unsigned count;
};

struct scripted_op {
    struct ve_op op;
    struct ve_timer next;
    struct ve_scripted_answer answer;
};

int ve_scripted_add(struct ve_scripted_answer *answer, double after_s, struct ve_str text)
{
    if (!(after_s >= 0 && after_s <= AFTER_MAX) || answer->count >= PIECES_MAX)
        return VE_EINVAL;
    struct piece *piece = ve_alloc(sizeof(*piece) + text.len);
    if (!piece)
        return VE_ENOMEM;
    piece->after = (uint64_t)(after_s * 1e9);
    piece->len = text.len;
    memcpy(piece->text, text.ptr ? text.ptr : "", text.len);
    ve_list_push(&answer->pieces, &piece->link);
    answer->count++;
    return 0;
}

static struct piece *first_piece(struct scripted_op *scripted)
{
    if (ve_list_empty(&scripted->answer.pieces))
        return NULL;
    return VE_CONTAINER(scripted->answer.pieces.next, struct piece, link);
}

static void arm(struct scripted_op *scripted)
{
    struct piece *piece = first_piece(scripted);
    if (piece)
        ve_timer_start(&scripted->next, piece->after);
    else
        ve_op_finish(&scripted->op, "end", NULL, 0);
}

static void on_next(void *arg)
{
    struct scripted_op *scripted = arg;
    struct piece *piece = first_piece(scripted);
    struct ve_value values[] = {ve_vstr(ve_str_n(piece->text, piece->len))};
    ve_op_post(&scripted->op, "piece", values, 1);
    ve_link_remove(&piece->link);
    ve_free(piece);
    arm(scripted);
}

static void scripted_cancel(struct ve_op *op)
{
    struct scripted_op *scripted = (struct scripted_op *)op;
    ve_timer_stop(&scripted->next);
    VE_LIST_EACH(&scripted->answer.pieces, it)
    {
        ve_link_remove(it);
        ve_free(VE_CONTAINER(it, struct piece, link));
    }
}

static const struct ve_op_type scripted_type = {
    .name = "scripted",
    .cancel = scripted_cancel,
    .limit = PIECES_MAX,
};

/* core.scripted(role, request) -> id | nil, "not_found" where no spec answers for that role
 * Posts "piece" text; finishes "end". */
static int l_scripted(lua_State *L)
{
    struct ve_bind *bind = ve_bind_of(L);
    struct ve_task *task = ve_bind_task(L);
    size_t role_len, request_len;
    const char *role = luaL_checklstring(L, 1, &role_len);
    const char *request = luaL_checklstring(L, 2, &request_len);
    if (!bind->scripted.ask)
        return ve_bind_fail(L, VE_ENOENT);
    struct scripted_op *scripted = ve_op_new(task, &scripted_type, sizeof(*scripted));
    if (!scripted)
        return ve_bind_fail(L, VE_EBUSY);
    ve_link_init(&scripted->answer.pieces);
    ve_timer_init(&scripted->next, bind->loop, on_next, scripted);
    int err = bind->scripted.ask(bind->scripted.arg, ve_str_n(role, role_len),
                                 ve_str_n(request, request_len), &scripted->answer);
    if (err) {
        ve_op_drop(&scripted->op);
        return ve_bind_fail(L, err);
    }
    arm(scripted);
    lua_pushinteger(L, scripted->op.id);
    return 1;
}

static const luaL_Reg functions[] = {
    {"scripted", l_scripted},
    {NULL, NULL},
};

void ve_bind_scripted(lua_State *L)
{
    luaL_setfuncs(L, functions, 0);
}
