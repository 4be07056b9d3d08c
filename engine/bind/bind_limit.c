#include "bind/bind.h"

#include "provider/limiter.h"

/* A place in the queue of a limit that all calls share. */
struct limit_op {
    struct ve_op op;
    struct ve_limiter_wait wait;
};

static void on_go(void *arg)
{
    struct limit_op *limit = arg;
    ve_op_finish(&limit->op, "go", NULL, 0);
}

static void limit_cancel(struct ve_op *op)
{
    ve_limiter_cancel(&((struct limit_op *)op)->wait);
}

static const struct ve_op_type limit_type = {.name = "limit", .cancel = limit_cancel};

/* core.limit(name, rate, burst, max_wait_s) -> id | nil, code ("busy": too many wait)
 * Finishes "go" when a token of that bucket is ours. */
static int l_limit(lua_State *L)
{
    struct ve_bind *bind = ve_bind_of(L);
    size_t len;
    const char *name = luaL_checklstring(L, 1, &len);
    double rate = luaL_checknumber(L, 2);
    double burst = luaL_checknumber(L, 3);
    double wait = luaL_checknumber(L, 4);
    luaL_argcheck(L, wait >= 0 && wait <= 3600, 4, "0 to 3600 seconds");
    if (!bind->limiter)
        return ve_bind_fail(L, VE_ENOTSUP);
    struct limit_op *limit = ve_op_new(ve_bind_task(L), &limit_type, sizeof(*limit));
    if (!limit)
        return ve_bind_fail(L, VE_EBUSY);
    limit->wait.go = on_go;
    limit->wait.arg = limit;
    int err = ve_limiter_ask(bind->limiter, ve_str_n(name, len), rate, burst,
                             (uint64_t)(wait * 1e9), &limit->wait);
    if (err) {
        ve_op_drop(&limit->op);
        return ve_bind_fail(L, err);
    }
    lua_pushinteger(L, limit->op.id);
    return 1;
}

static const luaL_Reg functions[] = {
    {"limit", l_limit},
    {NULL, NULL},
};

void ve_bind_limit(lua_State *L)
{
    luaL_setfuncs(L, functions, 0);
}
