#include "bind/bind.h"

#include <math.h>
#include <string.h>

/* core.wait(timeout, id...) -> id, kind, values... | nil, "timeout"
 * timeout in seconds, nil for none; without ids any operation of the task. */
static int l_wait(lua_State *L)
{
    uint32_t ids[16];
    double timeout = luaL_optnumber(L, 1, -1);
    int count = lua_gettop(L) > 1 ? lua_gettop(L) - 1 : 0;
    luaL_argcheck(L, !isnan(timeout), 1, "not a number");
    luaL_argcheck(L, count <= 16, 2, "too many operations");
    for (int i = 0; i < count; i++)
        ids[i] = (uint32_t)luaL_checkinteger(L, 2 + i);
    (void)ve_bind_task(L);
    lua_settop(L, 0);
    return ve_task_wait(L, timeout, ids, (size_t)count);
}

/* core.cancel(id): ends an operation; one that is over is no error. */
static int l_cancel(lua_State *L)
{
    struct ve_op *op = ve_op_find(ve_bind_task(L), (uint32_t)luaL_checkinteger(L, 1));
    if (op)
        ve_op_drop(op);
    return 0;
}

/* --- spawn: a task that is an operation of the one that started it -------------------------------
 */

struct spawn_op {
    struct ve_op op;
    struct ve_task *child; /* NULL once it is over */
};

static void spawn_cancel(struct ve_op *op)
{
    struct spawn_op *spawn = (struct spawn_op *)op;
    struct ve_task *child = spawn->child;
    spawn->child = NULL;
    if (child)
        ve_task_close(child);
}

static const struct ve_op_type spawn_type = {.name = "spawn", .cancel = spawn_cancel};

static void child_over(void *arg, struct ve_task *task, const struct ve_task_result *result)
{
    struct spawn_op *spawn = arg;
    struct ve_bind *bind = ve_task_shard(task)->context;
    spawn->child = NULL;
    if (result->end == VE_TASK_RETURNED) {
        ve_op_finish(&spawn->op, "done", NULL, 0);
        return;
    }
    struct ve_value values[] = {ve_vstr(ve_str(result->message))};
    ve_log_event(bind->log, VE_LOG_ERROR, "script_error", ve_ftext("error", result->message),
                 ve_ftext("traceback", result->traceback));
    ve_op_finish(&spawn->op, "error", values, 1);
}

/* Spawns the function and arguments on top of the stack. [-all, +1 or 2, v] */
static int spawn(lua_State *L, struct ve_task_take take)
{
    struct ve_task *task = ve_bind_task(L);
    struct spawn_op *spawn = ve_op_new(task, &spawn_type, sizeof(*spawn));
    if (!spawn)
        return ve_bind_fail(L, VE_EBUSY);
    struct ve_task_options options = {
        .shard = ve_task_shard(task),
        .owner = ve_task_owner(task),
        .errand = ve_task_errand(task),
        .take = take,
        .over = child_over,
        .arg = spawn,
    };
    int err = ve_task_start(&options, L, lua_gettop(L) - 1, &spawn->child);
    if (err) {
        ve_op_drop(&spawn->op);
        return ve_bind_fail(L, err);
    }
    lua_pushinteger(L, spawn->op.id);
    return 1;
}

/* core.spawn(fn, ...) -> id; finishes "done" or "error" with its message. What it starts works for
 * the same answer as the task that spawns it. */
static int l_spawn(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TFUNCTION);
    return spawn(L, ve_task_take(ve_bind_task(L)));
}

/* core.spawn_for(turn, take, fn, ...) -> id: as spawn, for the answer of that turn and take */
static int l_spawn_for(lua_State *L)
{
    lua_Integer turn = luaL_checkinteger(L, 1);
    lua_Integer take = luaL_checkinteger(L, 2);
    luaL_argcheck(L, turn > 0 && turn <= UINT32_MAX, 1, "no turn has this number");
    luaL_argcheck(L, take > 0 && take <= UINT32_MAX, 2, "no take has this number");
    luaL_checktype(L, 3, LUA_TFUNCTION);
    lua_rotate(L, 1, -2);
    lua_pop(L, 2);
    return spawn(L, (struct ve_task_take){(uint32_t)turn, (uint32_t)take});
}

/* core.now() -> seconds of the loop's clock */
static int l_now(lua_State *L)
{
    lua_pushnumber(L, (double)ve_loop_now(ve_bind_of(L)->loop) / 1e9);
    return 1;
}

/* core.wall() -> milliseconds since 1970 */
static int l_wall(lua_State *L)
{
    lua_pushinteger(L, ve_loop_wall_ms(ve_bind_of(L)->loop));
    return 1;
}

/* core.random() -> [0, 1) from the call's generator. 0 while loading: a script that draws lots at
 * load would be another script in each state. */
static int l_random(lua_State *L)
{
    struct ve_task *task = ve_task_current(L);
    struct ve_call *call = task ? ve_task_owner(task) : NULL;
    lua_pushnumber(L, call ? ve_rng_unit(ve_call_rng(call)) : 0);
    return 1;
}

static enum ve_log_level log_level(lua_State *L, int arg)
{
    static const char *const names[] = {"debug", "info", "warn", "error", NULL};
    return (enum ve_log_level)luaL_checkoption(L, arg, "info", names);
}

/* core.log(level, message) with the place in the script that called `depth` levels up */
static int l_log(lua_State *L)
{
    struct ve_task *task = ve_task_current(L);
    struct ve_call *call = task ? ve_task_owner(task) : NULL;
    enum ve_log_level level = log_level(L, 1);
    size_t len;
    const char *message = luaL_checklstring(L, 2, &len);
    luaL_where(L, (int)luaL_optinteger(L, 3, 2));
    const char *where = lua_tostring(L, -1);
    size_t where_len = strlen(where);
    /* "main.lua:12: " without what stands behind the line number */
    where_len = where_len > 2 ? where_len - 2 : 0;
    ve_log_event(ve_bind_of(L)->log, level, "script", ve_fstr("msg", ve_str_n(message, len)),
                 ve_fstr("call", call ? ve_call_id(call) : VE_STR("-")),
                 ve_fstr("at", ve_str_n(where, where_len)));
    return 0;
}

/* core.may_act() -> false while loading and while the task is being closed */
static int l_may_act(lua_State *L)
{
    lua_pushboolean(L, ve_task_may_act(ve_task_current(L)));
    return 1;
}

static const luaL_Reg functions[] = {
    {"wait", l_wait},       {"cancel", l_cancel}, {"spawn", l_spawn},   {"spawn_for", l_spawn_for},
    {"now", l_now},         {"wall", l_wall},     {"random", l_random}, {"log", l_log},
    {"may_act", l_may_act}, {NULL, NULL},
};

void ve_bind_core(lua_State *L)
{
    luaL_setfuncs(L, functions, 0);
}
