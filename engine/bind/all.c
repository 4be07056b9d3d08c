#include "bind/bind.h"

void ve_bind_open(lua_State *L, void *context)
{
    (void)context; /* found through the shard, see ve_bind_of */
    lua_newtable(L);
    ve_bind_core(L);
    ve_bind_json(L);
    ve_bind_call(L);
    ve_bind_turns(L);
    ve_bind_say(L);
    ve_bind_listen(L);
    ve_bind_grammar(L);
    ve_bind_record(L);
    ve_bind_store(L);
    ve_bind_tone(L);
    ve_bind_answer(L);
    ve_bind_hear(L);
    ve_bind_scripted(L);
    ve_bind_http(L);
    ve_bind_stream(L);
    ve_bind_limit(L);
}

struct ve_bind *ve_bind_of(lua_State *L)
{
    return ve_shard_of(L)->context;
}

struct ve_task *ve_bind_task(lua_State *L)
{
    struct ve_task *task = ve_task_current(L);
    if (!task)
        luaL_error(L, "this can only be used in a handler, not while the script is loaded");
    if (!ve_task_may_act(task))
        luaL_error(L, "this cannot be used while the call is being closed");
    return task;
}

struct ve_call *ve_bind_task_call(lua_State *L)
{
    struct ve_call *call = ve_task_owner(ve_bind_task(L));
    if (!call)
        luaL_error(L, "this needs a call, and this handler has none");
    return call;
}

struct ve_call *ve_bind_effect_call(lua_State *L)
{
    struct ve_call *call = ve_bind_task_call(L);
    struct ve_task_take work = ve_task_take(ve_bind_task(L));
    if (work.turn && !ve_call_committed(call, work.turn, work.take))
        luaL_error(L,
                   "nothing with an effect may run for turn %d, take %d: that answer was begun on "
                   "trial and is not committed",
                   (int)work.turn, (int)work.take);
    return call;
}

int ve_bind_fail(lua_State *L, int err)
{
    lua_pushnil(L);
    lua_pushstring(L, ve_err_name(err));
    return 2;
}

struct ve_str ve_bind_field_str(lua_State *L, int table, const char *name)
{
    size_t len = 0;
    lua_getfield(L, table, name);
    const char *text = lua_isstring(L, -1) ? lua_tolstring(L, -1, &len) : NULL;
    lua_pop(L, 1); /* the table still holds it */
    return ve_str_n(text, len);
}

double ve_bind_field_num(lua_State *L, int table, const char *name, double fallback)
{
    lua_getfield(L, table, name);
    double value = lua_isnumber(L, -1) ? lua_tonumber(L, -1) : fallback;
    lua_pop(L, 1);
    return value;
}

bool ve_bind_field_bool(lua_State *L, int table, const char *name, bool fallback)
{
    lua_getfield(L, table, name);
    bool value = lua_isnil(L, -1) ? fallback : lua_toboolean(L, -1);
    lua_pop(L, 1);
    return value;
}
