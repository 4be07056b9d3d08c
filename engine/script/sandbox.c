#include "script/inside.h"

#include "script/generation.h"
#include "script/lualib.h"

#include <lualib.h>
#include <string.h>

/*
 * What a script can reach. Its _ENV is a proxy in front of a table of allowed globals; library
 * tables are proxies too, so nothing shared can be written. There is no load, no io, no debug, no
 * coroutine, no collectgarbage; setmetatable refuses finalizers and weak tables, because they would
 * make a run depend on when memory is collected.
 */

#define REP_MAX (1024 * 1024)

/* --- pcall and xpcall: a killed task stays killed --------------------------------------------- */

static int after_pcall(lua_State *L, int status, lua_KContext ctx)
{
    if (status != LUA_OK && status != LUA_YIELD && ve_task_killed(ve_frame_of(L)->task))
        return lua_error(L);
    if (status != LUA_OK && status != LUA_YIELD) {
        lua_pushboolean(L, 0);
        lua_pushvalue(L, -2);
        return 2;
    }
    return lua_gettop(L) - (int)ctx;
}

int ve_sandbox_pcall(lua_State *L)
{
    luaL_checkany(L, 1);
    lua_pushboolean(L, 1);
    lua_insert(L, 1);
    int status = lua_pcallk(L, lua_gettop(L) - 2, LUA_MULTRET, 0, 0, after_pcall);
    return after_pcall(L, status, 0);
}

int ve_sandbox_xpcall(lua_State *L)
{
    int n = lua_gettop(L);
    luaL_checktype(L, 2, LUA_TFUNCTION);
    lua_pushboolean(L, 1);
    lua_pushvalue(L, 1);
    lua_rotate(L, 3, 2);
    int status = lua_pcallk(L, n - 2, LUA_MULTRET, 2, 2, after_pcall);
    return after_pcall(L, status, 2);
}

/* --- proxies ---------------------------------------------------------------------------------- */

/* upvalues: 1 name, 2 the table behind, 3 the shard when writing is allowed until it is frozen */
static int refuse_write(lua_State *L)
{
    struct ve_shard *shard = lua_touserdata(L, lua_upvalueindex(3));
    const char *name = lua_tostring(L, lua_upvalueindex(1));
    if (shard && !shard->frozen) {
        lua_settop(L, 3);
        lua_rawset(L, lua_upvalueindex(2));
        return 0;
    }
    const char *key = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : luaL_typename(L, 2);
    if (shard)
        return luaL_error(L,
                          "'%s' of %s cannot be set after loading: calls share it; "
                          "use local variables, call.vars or tenant.kv",
                          key, name);
    return luaL_error(L, "'%s' of %s cannot be set: it is read-only", key, name);
}

/* The table behind is an upvalue: as the loop's state, scripts could keep it and write to it. */
static int proxy_next(lua_State *L)
{
    lua_settop(L, 2);
    if (lua_next(L, lua_upvalueindex(1)))
        return 2;
    lua_pushnil(L);
    return 1;
}

static int proxy_pairs(lua_State *L)
{
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_pushcclosure(L, proxy_next, 1);
    return 1;
}

static int proxy_len(lua_State *L)
{
    lua_pushinteger(L, (lua_Integer)lua_rawlen(L, lua_upvalueindex(1)));
    return 1;
}

static void protect(lua_State *L, const char *name, struct ve_shard *until_frozen)
{
    int behind = lua_gettop(L);
    lua_newtable(L);
    lua_createtable(L, 0, 5);
    lua_pushvalue(L, behind);
    lua_setfield(L, -2, "__index");
    lua_pushstring(L, name);
    lua_pushvalue(L, behind);
    lua_pushlightuserdata(L, until_frozen);
    lua_pushcclosure(L, refuse_write, 3);
    lua_setfield(L, -2, "__newindex");
    lua_pushvalue(L, behind);
    lua_pushcclosure(L, proxy_pairs, 1);
    lua_setfield(L, -2, "__pairs");
    lua_pushvalue(L, behind);
    lua_pushcclosure(L, proxy_len, 1);
    lua_setfield(L, -2, "__len");
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    lua_setmetatable(L, -2);
    lua_remove(L, behind);
}

void ve_sandbox_protect(lua_State *L, const char *name)
{
    protect(L, name, NULL);
}

/* core.protect(table, name, call) -> a read-only view of the table; calling it calls `call` */
int ve_sandbox_l_protect(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    const char *name = luaL_checkstring(L, 2);
    lua_settop(L, 3);
    lua_pushvalue(L, 1);
    protect(L, name, NULL);
    if (!lua_isnil(L, 3)) {
        lua_getmetatable(L, -1);
        lua_pushvalue(L, 3);
        lua_setfield(L, -2, "__call");
        lua_pop(L, 1);
    }
    return 1;
}

void ve_sandbox_freeze(lua_State *L)
{
    ve_frame_of(L)->shard->frozen = true;
}

/* --- functions that differ from the stock ones ------------------------------------------------ */

static bool is_locked(lua_State *L, int index)
{
    bool locked = false;
    if (lua_getmetatable(L, index)) {
        lua_pushstring(L, "__metatable");
        lua_rawget(L, -2);
        locked = !lua_isnil(L, -1);
        lua_pop(L, 2);
    }
    return locked;
}

static bool has_raw_field(lua_State *L, int index, const char *field)
{
    lua_pushstring(L, field);
    lua_rawget(L, index);
    bool there = !lua_isnil(L, -1);
    lua_pop(L, 1);
    return there;
}

static int box_setmetatable(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    luaL_argexpected(L, lua_isnil(L, 2) || lua_istable(L, 2), 2, "nil or table");
    if (is_locked(L, 1))
        return luaL_error(L, "cannot change a protected metatable");
    if (lua_istable(L, 2) && has_raw_field(L, 2, "__gc"))
        return luaL_error(L, "__gc is not available: use <close> variables");
    if (lua_istable(L, 2) && has_raw_field(L, 2, "__mode"))
        return luaL_error(L, "weak tables are not available");
    lua_settop(L, 2);
    lua_setmetatable(L, 1);
    return 1;
}

static int box_rawset(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    luaL_checkany(L, 2);
    luaL_checkany(L, 3);
    if (is_locked(L, 1))
        return luaL_error(L, "this table is read-only");
    lua_settop(L, 3);
    lua_rawset(L, 1);
    return 1;
}

static int box_rep(lua_State *L)
{
    size_t len;
    size_t sep_len;
    (void)luaL_checklstring(L, 1, &len);
    lua_Integer n = luaL_checkinteger(L, 2);
    (void)luaL_optlstring(L, 3, "", &sep_len);
    if (n > 0 && (len + sep_len) && (lua_Unsigned)n > REP_MAX / (len + sep_len))
        return luaL_error(L, "string.rep: the result is larger than 1 MiB");
    if (len + sep_len == 0)
        n = 0; /* the stock function would go round n times */
    lua_settop(L, 3);
    lua_pushinteger(L, n);
    lua_replace(L, 2);
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    lua_call(L, 3, 1);
    return 1;
}

/* --- building the environments ---------------------------------------------------------------- */

static void copy_functions(lua_State *L, int from, int to, const char *const *names)
{
    for (; *names; names++) {
        lua_getfield(L, from, *names);
        lua_setfield(L, to, *names);
    }
}

static void add_base(lua_State *L, int globals)
{
    static const char *const names[] = {
        "assert", "error",        "ipairs",   "next",     "pairs", "rawequal", "rawget", "rawlen",
        "select", "getmetatable", "tonumber", "tostring", "type",  "_VERSION", NULL};
    static const luaL_Reg own[] = {
        {"pcall", ve_sandbox_pcall},        {"xpcall", ve_sandbox_xpcall},
        {"setmetatable", box_setmetatable}, {"rawset", box_rawset},
        {"require", ve_sandbox_require},    {NULL, NULL},
    };
    luaL_requiref(L, "_G", luaopen_base, 0);
    copy_functions(L, lua_gettop(L), globals, names);
    lua_pop(L, 1);
    lua_pushvalue(L, globals);
    luaL_setfuncs(L, own, 0);
    lua_pop(L, 1);
}

static void add_library(lua_State *L, int globals, const char *name, lua_CFunction open)
{
    luaL_requiref(L, name, open, 0);
    lua_setfield(L, globals, name);
}

static void bound_string(lua_State *L, int globals)
{
    lua_getfield(L, globals, "string");
    lua_getfield(L, -1, "rep");
    lua_pushcclosure(L, box_rep, 1);
    lua_setfield(L, -2, "rep");
    lua_pushnil(L);
    lua_setfield(L, -2, "dump");
    /* The metatable of strings leads to this very table: it must not be found through it. */
    lua_pushliteral(L, "");
    lua_getmetatable(L, -1);
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    lua_pop(L, 3);
}

static int script_require(lua_State *L);

/* Globals of the scripts: proxies in front of lualib's own tables. */
static void make_script_env(lua_State *L, int lib)
{
    lua_newtable(L);
    int globals = lua_gettop(L);
    lua_pushnil(L);
    while (lua_next(L, lib)) {
        if (lua_type(L, -1) == LUA_TTABLE)
            ve_sandbox_protect(L, lua_tostring(L, -2));
        lua_pushvalue(L, -2);
        lua_insert(L, -2);
        lua_rawset(L, globals);
    }
    lua_pushcfunction(L, script_require);
    lua_setfield(L, globals, "require");
    lua_pushvalue(L, globals);
    lua_setfield(L, LUA_REGISTRYINDEX, VE_REG_GLOBALS);
    protect(L, "the globals", ve_frame_of(L)->shard);
    lua_pushvalue(L, -1);
    lua_setfield(L, globals, "_G");
    lua_setfield(L, LUA_REGISTRYINDEX, VE_REG_ENV);
}

void ve_sandbox_open(lua_State *L)
{
    lua_newtable(L);
    int lib = lua_gettop(L);
    add_library(L, lib, LUA_STRLIBNAME, luaopen_string);
    add_library(L, lib, LUA_TABLIBNAME, luaopen_table);
    add_library(L, lib, LUA_MATHLIBNAME, luaopen_math);
    add_library(L, lib, LUA_UTF8LIBNAME, luaopen_utf8);
    bound_string(L, lib);
    add_base(L, lib);
    lua_pushvalue(L, lib);
    lua_setfield(L, LUA_REGISTRYINDEX, VE_REG_LIBENV);
    lua_newtable(L);
    lua_setfield(L, LUA_REGISTRYINDEX, VE_REG_LOADED);
    make_script_env(L, lib);
    lua_settop(L, lib - 1);
}

/* --- require ---------------------------------------------------------------------------------- */

static const struct ve_lualib_file *find_lualib(const char *name)
{
    for (const struct ve_lualib_file *file = ve_lualib_files; file->module; file++) {
        if (strcmp(file->module, name) == 0)
            return file;
    }
    return NULL;
}

/* The value of a module that was loaded before, if any. [-0, +1 or 0, m] */
static bool push_loaded(lua_State *L, const char *name)
{
    lua_getfield(L, LUA_REGISTRYINDEX, VE_REG_LOADED);
    lua_getfield(L, -1, name);
    lua_remove(L, -2);
    if (!lua_isnil(L, -1))
        return true;
    lua_pop(L, 1);
    return false;
}

static void keep_loaded(lua_State *L, const char *name)
{
    lua_getfield(L, LUA_REGISTRYINDEX, VE_REG_LOADED);
    lua_pushvalue(L, -2);
    lua_setfield(L, -2, name);
    lua_pop(L, 1);
}

/* Sets the first upvalue (_ENV) of the function on top. */
static void set_env(lua_State *L, const char *registry_key)
{
    lua_getfield(L, LUA_REGISTRYINDEX, registry_key);
    if (!lua_setupvalue(L, -2, 1))
        lua_pop(L, 1);
}

void ve_lualib_require(lua_State *L, const char *name)
{
    if (push_loaded(L, name))
        return;
    const struct ve_lualib_file *file = find_lualib(name);
    if (!file) {
        luaL_error(L, "module '%s' is not part of the library", name);
        return;
    }
    if (luaL_loadbufferx(L, file->source, file->len, file->chunk, "t") != LUA_OK)
        lua_error(L);
    set_env(L, VE_REG_LIBENV);
    lua_pushstring(L, name);
    lua_getfield(L, LUA_REGISTRYINDEX, VE_REG_CORE);
    lua_call(L, 2, 1);
    keep_loaded(L, name);
}

static bool is_module_name(const char *name)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.";
    size_t len = strlen(name);
    return len > 0 && len < 128 && strspn(name, allowed) == len && name[0] != '.' &&
           name[len - 1] != '.' && !strstr(name, "..");
}

int ve_sandbox_require(lua_State *L)
{
    const char *name = luaL_checkstring(L, 1);
    struct ve_shard *shard = ve_frame_of(L)->shard;
    if (push_loaded(L, name)) {
        if (lua_islightuserdata(L, -1))
            return luaL_error(L, "module '%s' requires itself", name);
        return 1;
    }
    if (find_lualib(name)) {
        ve_lualib_require(L, name);
        return 1;
    }
    if (!is_module_name(name))
        return luaL_error(L, "'%s' is not a module name: letters, digits, '_', '-' and dots", name);
    if (shard->frozen)
        return luaL_error(L,
                          "module '%s' is required for the first time during a call: "
                          "require it at the top of the file",
                          name);
    struct ve_str source = {NULL, 0};
    char chunk[320];
    if (ve_generation_source(shard->generation, name, &source, chunk) != 0)
        return luaL_error(L, "module '%s' not found: no file '%s' in the scripts folder", name,
                          chunk + 1);
    if (luaL_loadbufferx(L, source.ptr, source.len, chunk, "t") != LUA_OK)
        return lua_error(L);
    set_env(L, VE_REG_ENV);
    lua_pushlightuserdata(L, shard); /* marks that it is being loaded */
    keep_loaded(L, name);
    lua_pop(L, 1);
    lua_pushstring(L, name);
    lua_call(L, 1, 1);
    if (lua_isnil(L, -1)) {
        lua_pop(L, 1);
        lua_pushboolean(L, 1);
    }
    if (lua_type(L, -1) == LUA_TTABLE)
        protect(L, name, shard);
    keep_loaded(L, name);
    return 1;
}

/* `require` of scripts. Modules below "voice." are the library's inside, shared by all calls. */
static int script_require(lua_State *L)
{
    const char *name = luaL_checkstring(L, 1);
    if (strncmp(name, "voice.", 6) == 0 && find_lualib(name))
        return luaL_error(L, "module '%s' is the library's own: require(\"voice\") has it all",
                          name);
    return ve_sandbox_require(L);
}
