#include "base/json.h"
#include "bind/bind.h"
#include "cli/engine.h"
#include "cli/verbs.h"
#include "cli/world.h"
#include "script/lualib.h"

#include <lualib.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* busted inside the engine. Its runner ends with os.exit; here that is an error value which unwinds
 * to us, so that everything is closed and a leak is seen. */

static const char exit_key[] = "ve.test.exit";

static int l_exit(lua_State *L)
{
    int code = VE_EXIT_OK;
    if (lua_isboolean(L, 1))
        code = lua_toboolean(L, 1) ? VE_EXIT_OK : VE_EXIT_FAILED;
    else
        code = (int)luaL_optinteger(L, 1, 0);
    lua_pushinteger(L, code);
    lua_setfield(L, LUA_REGISTRYINDEX, exit_key);
    lua_pushstring(L, exit_key);
    return lua_error(L);
}

/* Loads a module of lualib as it is loaded in a script's state: with its name and `core`. */
static int l_load_module(lua_State *L)
{
    const struct ve_lualib_file *file = lua_touserdata(L, lua_upvalueindex(1));
    if (luaL_loadbufferx(L, file->source, file->len, file->chunk, "t") != LUA_OK)
        return lua_error(L);
    lua_pushstring(L, file->module);
    lua_getglobal(L, "simcore");
    lua_call(L, 2, 1);
    return 1;
}

static void preload_as(lua_State *L, const struct ve_lualib_file *file, const char *name)
{
    lua_pushlightuserdata(L, (void *)(uintptr_t)file);
    lua_pushcclosure(L, l_load_module, 1);
    lua_setfield(L, -2, name);
}

/* Specs may require any module of lualib; two have names of their own. */
static void preload_lualib(lua_State *L)
{
    lua_getglobal(L, "package");
    lua_getfield(L, -1, "preload");
    for (const struct ve_lualib_file *file = ve_lualib_files; file->module; file++) {
        preload_as(L, file, file->module);
        if (strcmp(file->module, "voice.sim") == 0)
            preload_as(L, file, "sim");
        if (strcmp(file->module, "voice.busted_handler") == 0)
            preload_as(L, file, "busted.outputHandlers.voiceengine");
    }
    lua_pop(L, 2);
}

/* JSON for lualib/voice/sim.lua: the engine's own. */
static void add_core(lua_State *L)
{
    ve_world_open(L);
    ve_bind_json(L);
    lua_setglobal(L, "simcore");
}

static void set_arguments(lua_State *L, int argc, char **argv)
{
    static const char *const defaults[] = {"tests/spec", "spec"};
    struct stat st;
    int n = 0;
    bool handler = false;
    lua_newtable(L);
    lua_pushliteral(L, "voiceengine test");
    lua_rawseti(L, -2, 0);
    for (int i = 1; i < argc; i++) {
        lua_pushstring(L, argv[i]);
        lua_rawseti(L, -2, ++n);
        handler = handler || strcmp(argv[i], "-o") == 0;
    }
    for (size_t i = 0; argc == 1 && i < 2; i++) {
        if (stat(defaults[i], &st) != 0)
            continue;
        lua_pushstring(L, defaults[i]);
        lua_rawseti(L, -2, ++n);
        break;
    }
    if (!handler) {
        lua_pushliteral(L, "-o");
        lua_rawseti(L, -2, ++n);
        lua_pushliteral(L, "voiceengine");
        lua_rawseti(L, -2, ++n);
    }
    lua_setglobal(L, "arg");
}

static int run_protected(lua_State *L)
{
    int argc = (int)lua_tointeger(L, 1);
    char **argv = lua_touserdata(L, 2);
    luaL_openlibs(L);
    add_core(L);
    preload_lualib(L);
    lua_getglobal(L, "os");
    lua_pushcfunction(L, l_exit);
    lua_setfield(L, -2, "exit");
    set_arguments(L, argc, argv);
    lua_getglobal(L, "require");
    lua_pushliteral(L, "busted.runner");
    lua_call(L, 1, 1);
    lua_newtable(L);
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "standalone");
    lua_call(L, 1, 0);
    return 0;
}

static int traceback(lua_State *L)
{
    const char *message = lua_tostring(L, 1);
    if (message && strcmp(message, exit_key) == 0)
        return 1;
    luaL_traceback(L, L, message ? message : "error without a message", 1);
    return 1;
}

static int exit_code(lua_State *L, int status)
{
    if (status == LUA_OK)
        return VE_EXIT_OK;
    const char *message = lua_tostring(L, -1);
    if (message && strcmp(message, exit_key) == 0) {
        lua_getfield(L, LUA_REGISTRYINDEX, exit_key);
        return (int)lua_tointeger(L, -1);
    }
    fprintf(stderr, "voiceengine test: %s\n", message ? message : "failed");
    if (message && strstr(message, "module 'busted.runner' not found"))
        fprintf(stderr, "  FIX   apt-get install lua-busted\n");
    return VE_EXIT_FAILED;
}

int ve_verb_test(int argc, char **argv)
{
    const char *failed = "";
    if (ve_engine_process_init(&failed) != 0) {
        ve_complain(failed, "process start", NULL);
        return VE_EXIT_FAILED;
    }
    lua_State *L = luaL_newstate();
    if (!L)
        return VE_EXIT_FAILED;
    lua_pushcfunction(L, traceback);
    lua_pushcfunction(L, run_protected);
    lua_pushinteger(L, argc);
    lua_pushlightuserdata(L, argv);
    int code = exit_code(L, lua_pcall(L, 2, 0, 1));
    lua_close(L);
    return code;
}
