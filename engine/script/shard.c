#include "script/shard.h"

#include "base/alloc.h"
#include "base/err.h"
#include "script/entry.h"
#include "script/inside.h"

#include <stdio.h>
#include <stdlib.h>

/* Lua's allocator, with the quota. */
static void *quota_alloc(void *ud, void *ptr, size_t old_size, size_t new_size)
{
    struct ve_quota *quota = ud;
    size_t old = ptr ? old_size : 0;
    if (new_size == 0) {
        ve_free(ptr);
        quota->used -= old;
        return NULL;
    }
    if (new_size > old && new_size - old > quota->limit - quota->used && !quota->closing)
        return NULL;
    void *grown = ve_realloc(ptr, new_size);
    if (grown)
        quota->used += new_size - old;
    return grown;
}

static int panic(lua_State *L)
{
    (void)L;
    /* Every entry is protected: an error that comes here is a bug of the engine. */
    abort();
}

struct opening {
    ve_open_core_fn open_core;
    void *context;
};

static int open_protected(lua_State *L)
{
    struct opening *opening = lua_touserdata(L, 1);
    ve_sandbox_open(L);
    opening->open_core(L, opening->context);
    /* lualib/voice/runtime.lua sets what scripts see through core.globals. */
    lua_getfield(L, LUA_REGISTRYINDEX, VE_REG_GLOBALS);
    lua_setfield(L, -2, "globals");
    lua_getfield(L, LUA_REGISTRYINDEX, VE_REG_LIBENV);
    lua_setfield(L, -2, "libenv");
    lua_pushcfunction(L, ve_sandbox_l_protect);
    lua_setfield(L, -2, "protect");
    lua_setfield(L, LUA_REGISTRYINDEX, VE_REG_CORE);
    ve_lualib_require(L, "voice.runtime");
    lua_setfield(L, LUA_REGISTRYINDEX, VE_REG_RUNTIME);
    return 0;
}

int ve_shard_new(struct ve_shard **out, ve_open_core_fn open_core, void *context)
{
    /* The main state's frame lies behind the shard: its address must stay. */
    struct ve_shard *shard = ve_alloc(sizeof(*shard) + sizeof(struct ve_frame));
    if (!shard)
        return VE_ENOMEM;
    struct ve_frame *frame = (struct ve_frame *)(void *)(shard + 1);
    ve_link_init(&shard->tasks);
    ve_link_init(&shard->link);
    shard->context = context;
    shard->quota.limit = VE_SHARD_MEMORY;
    shard->load_budget = UINT64_MAX;
    shard->L = lua_newstate(quota_alloc, &shard->quota);
    if (!shard->L) {
        ve_free(shard);
        return VE_ENOMEM;
    }
    lua_atpanic(shard->L, panic);
    frame->shard = shard;
    ve_frame_set(shard->L, frame);
    struct opening opening = {open_core, context};
    lua_pushcfunction(shard->L, open_protected);
    lua_pushlightuserdata(shard->L, &opening);
    int status = lua_pcall(shard->L, 1, 0, 0);
    if (status != LUA_OK) {
        /* The library is ours: anything but lack of memory is a bug that a test must see. */
        if (status != LUA_ERRMEM)
            fprintf(stderr, "voiceengine: lualib: %s\n", lua_tostring(shard->L, -1));
        ve_shard_free(shard);
        return status == LUA_ERRMEM ? VE_ENOMEM : VE_EFAILED;
    }
    *out = shard;
    return 0;
}

void ve_shard_free(struct ve_shard *shard)
{
    if (!shard)
        return;
    /* A spawned task goes with the one that spawned it: begin at the front each time. */
    while (!ve_list_empty(&shard->tasks))
        ve_task_close(ve_task_at(shard->tasks.next));
    shard->quota.closing = true;
    lua_close(shard->L);
    ve_link_remove(&shard->link);
    ve_free(shard);
}

struct ve_shard *ve_shard_of(lua_State *L)
{
    return ve_frame_of(L)->shard;
}

/* --- the way in from C ------------------------------------------------------------------------ */

struct entering {
    struct ve_shard *shard;
    const char *entry;
    const struct ve_value *args;
    size_t count;
    struct ve_task_options *options;
    struct ve_task **out;
    int err;
};

static void push_arg(lua_State *L, const struct ve_value *value)
{
    switch (value->type) {
    case VE_VALUE_STR:
        lua_pushlstring(L, value->str.ptr ? value->str.ptr : "", value->str.len);
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
    default:
        lua_pushnil(L);
    }
}

static int enter_protected(lua_State *L)
{
    struct entering *entering = lua_touserdata(L, 1);
    luaL_checkstack(L, (int)entering->count + 4, NULL);
    lua_getfield(L, LUA_REGISTRYINDEX, VE_REG_RUNTIME);
    lua_getfield(L, -1, entering->entry);
    for (size_t i = 0; i < entering->count; i++)
        push_arg(L, &entering->args[i]);
    entering->err = ve_task_start(entering->options, L, (int)entering->count, entering->out);
    return 0;
}

int ve_entry_start(const char *entry, const struct ve_value *args, size_t count,
                   struct ve_task_options *options, struct ve_task **out)
{
    struct ve_shard *shard = options->shard;
    struct entering entering = {shard, entry, args, count, options, out, VE_ENOMEM};
    if (!lua_checkstack(shard->L, 4))
        return VE_ENOMEM;
    lua_pushcfunction(shard->L, enter_protected);
    lua_pushlightuserdata(shard->L, &entering);
    if (lua_pcall(shard->L, 1, 0, 0) != LUA_OK) {
        lua_pop(shard->L, 1);
        return VE_ENOMEM;
    }
    return entering.err;
}
