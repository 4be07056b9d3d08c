#include "script/generation.h"

#include "base/alloc.h"
#include "base/err.h"
#include "script/inside.h"
#include "script/sources.h"

#include <stdio.h>
#include <string.h>

struct ve_generation {
    unsigned refs; /* loop's thread only */
    char tenant[64];
    char main_file[256];
    uint64_t number;
    ve_open_core_fn open_core;
    void *context;
    struct ve_scheduler *scheduler; /* borrowed; NULL until adopted */
    struct ve_sources sources;
    struct ve_link shards;
};

/* --- what a refusal says -------------------------------------------------------------------------
 */

/* "main.lua:12: text" -> file and line; the file must be one of ours. */
static void locate(struct ve_load_error *error, const struct ve_sources *sources)
{
    struct ve_str rest = ve_str(error->message);
    struct ve_str file = ve_str_cut(&rest, ':');
    struct ve_str number = rest.ptr ? ve_str_cut(&rest, ':') : VE_STR("");
    uint64_t line;
    if (!ve_str_ends(file, VE_STR(".lua")) || ve_str_u64(&line, number, 1000000) != 0)
        return;
    ve_str_copy(error->file, sizeof(error->file), file);
    error->line = (int)line;
    ve_str_copy(error->source_line, sizeof(error->source_line),
                ve_sources_line(sources, error->file, error->line));
}

static int refuse(struct ve_load_error *error, int err, const char *format, const char *what)
{
    *error = (struct ve_load_error){.line = 0};
    (void)snprintf(error->message, sizeof(error->message), format, what);
    return err;
}

/* --- loading one state ---------------------------------------------------------------------------
 */

struct loading {
    struct ve_generation *generation;
    struct ve_str source;
};

static int load_protected(lua_State *L)
{
    struct loading *loading = lua_touserdata(L, 1);
    char chunk[320];
    (void)snprintf(chunk, sizeof(chunk), "@%s", loading->generation->main_file);
    lua_getfield(L, LUA_REGISTRYINDEX, VE_REG_RUNTIME);
    lua_getfield(L, -1, "install");
    if (luaL_loadbufferx(L, loading->source.ptr, loading->source.len, chunk, "t") != LUA_OK)
        return lua_error(L);
    lua_getfield(L, LUA_REGISTRYINDEX, VE_REG_ENV);
    if (!lua_setupvalue(L, -2, 1))
        lua_pop(L, 1);
    lua_pushstring(L, loading->generation->main_file);
    lua_call(L, 1, 1);
    lua_pushstring(L, loading->generation->main_file);
    lua_call(L, 2, 0); /* runtime.install(handlers, main_file) */
    ve_sandbox_freeze(L);
    return 0;
}

int ve_generation_make_shard(struct ve_generation *generation, struct ve_shard **out,
                             struct ve_load_error *error)
{
    struct loading loading = {generation, {NULL, 0}};
    if (ve_sources_get(&generation->sources, generation->main_file, &loading.source) != 0)
        return refuse(error, VE_ENOENT, "cannot read the script %s", generation->main_file);
    struct ve_shard *shard;
    int err = ve_shard_new(&shard, generation->open_core, generation->context);
    if (err)
        return refuse(error, err, "no Lua state could be made: %s", ve_err_name(err));
    lua_State *L = shard->L;
    shard->generation = generation;
    shard->load_budget = VE_LOAD_BUDGET;
    lua_sethook(L, ve_budget_hook, LUA_MASKCOUNT, VE_BUDGET_STEP);
    lua_pushcfunction(L, load_protected);
    lua_pushlightuserdata(L, &loading);
    if (lua_pcall(L, 1, 0, 0) != LUA_OK) {
        const char *message = lua_tostring(L, -1);
        err = refuse(error, VE_EFAILED, "%s", message ? message : "an error without a message");
        locate(error, &generation->sources);
        ve_shard_free(shard);
        return err;
    }
    lua_sethook(L, NULL, 0, 0);
    *out = shard;
    return 0;
}

/* --- the generation ------------------------------------------------------------------------------
 */

int ve_generation_build(struct ve_generation **out, const struct ve_generation_options *options,
                        struct ve_load_error *error)
{
    struct ve_generation *generation = ve_alloc(sizeof(*generation));
    if (!generation)
        return refuse(error, VE_ENOMEM, "%s", "not enough memory");
    generation->refs = 1;
    generation->number = options->number;
    generation->open_core = options->open_core;
    generation->context = options->context;
    ve_link_init(&generation->shards);
    ve_str_copy(generation->tenant, sizeof(generation->tenant), ve_str(options->tenant));
    ve_str_copy(generation->main_file, sizeof(generation->main_file), ve_str(options->main_file));
    int err = ve_sources_init(&generation->sources, options->dir);
    if (!err && options->main_source.ptr)
        err = ve_sources_add(&generation->sources, generation->main_file, options->main_source);
    struct ve_shard *shard = NULL;
    if (err)
        (void)refuse(error, err, "cannot keep the script: %s", ve_err_name(err));
    else
        err = ve_generation_make_shard(generation, &shard, error);
    if (err) {
        ve_generation_unref(generation);
        return err;
    }
    generation->sources.sealed = true;
    ve_generation_add_shard(generation, shard);
    *out = generation;
    return 0;
}

void ve_generation_ref(struct ve_generation *generation)
{
    generation->refs++;
}

void ve_generation_unref(struct ve_generation *generation)
{
    if (!generation || --generation->refs)
        return;
    VE_LIST_EACH(&generation->shards, it)
    {
        ve_shard_free(VE_CONTAINER(it, struct ve_shard, link));
    }
    ve_sources_free(&generation->sources);
    ve_free(generation);
}

void ve_generation_add_shard(struct ve_generation *generation, struct ve_shard *shard)
{
    shard->scheduler = generation->scheduler;
    ve_list_push(&generation->shards, &shard->link);
}

void ve_generation_adopt(struct ve_generation *generation, struct ve_scheduler *scheduler)
{
    generation->scheduler = scheduler;
    VE_LIST_EACH(&generation->shards, it)
    {
        VE_CONTAINER(it, struct ve_shard, link)->scheduler = scheduler;
    }
}

struct ve_shard *ve_generation_shard(struct ve_generation *generation)
{
    VE_LIST_EACH(&generation->shards, it)
    {
        struct ve_shard *shard = VE_CONTAINER(it, struct ve_shard, link);
        if (shard->calls < VE_SHARD_CALLS)
            return shard;
    }
    return NULL;
}

unsigned ve_generation_room(const struct ve_generation *generation)
{
    unsigned room = 0;
    VE_LIST_EACH(&generation->shards, it)
    {
        unsigned calls = VE_CONTAINER(it, struct ve_shard, link)->calls;
        room += calls < VE_SHARD_CALLS ? VE_SHARD_CALLS - calls : 0;
    }
    return room;
}

static int has_protected(lua_State *L)
{
    lua_getfield(L, LUA_REGISTRYINDEX, VE_REG_RUNTIME);
    lua_getfield(L, -1, "has");
    lua_pushvalue(L, 1);
    lua_call(L, 1, 1);
    return 1;
}

bool ve_generation_has(const struct ve_generation *generation, const char *handler)
{
    if (ve_list_empty(&generation->shards))
        return false;
    lua_State *L = VE_CONTAINER(generation->shards.next, struct ve_shard, link)->L;
    lua_pushcfunction(L, has_protected);
    lua_pushstring(L, handler);
    bool has = lua_pcall(L, 1, 1, 0) == LUA_OK && lua_toboolean(L, -1);
    lua_pop(L, 1);
    return has;
}

uint64_t ve_generation_number(const struct ve_generation *generation)
{
    return generation->number;
}

const char *ve_generation_tenant(const struct ve_generation *generation)
{
    return generation->tenant;
}

uint64_t ve_generation_hash(const struct ve_generation *generation)
{
    return ve_sources_hash(&generation->sources);
}

int ve_generation_source(struct ve_generation *generation, const char *module,
                         struct ve_str *source, char chunk[static 320])
{
    char path[260];
    size_t n = 0;
    for (; module[n] && n < sizeof(path) - 10; n++)
        path[n] = module[n] == '.' ? '/' : module[n];
    memcpy(path + n, ".lua", 5);
    (void)snprintf(chunk, 320, "@%s", path);
    int err = ve_sources_get(&generation->sources, path, source);
    if (!err)
        return 0;
    /* A folder is a module by its init.lua. */
    char init[280];
    memcpy(path + n, "", 1);
    (void)snprintf(init, sizeof(init), "%s/init.lua", path);
    if (ve_sources_get(&generation->sources, init, source) != 0)
        return err;
    (void)snprintf(chunk, 320, "@%s", init);
    return 0;
}
