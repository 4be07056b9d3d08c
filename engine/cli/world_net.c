#include "cli/world_net.h"

#include "base/err.h"

#include <lauxlib.h>
#include <lua.h>
#include <stdio.h>

static void set_str(lua_State *L, const char *key, struct ve_str text)
{
    lua_pushlstring(L, text.ptr ? text.ptr : "", text.len);
    lua_setfield(L, -2, key);
}

/* { method, url, headers = { name, value, ... }, body, parts = { { name, filename, type, data } } }
 */
static void push_request(lua_State *L, const struct ve_request_options *request)
{
    bool has_body = request->body.len || request->part_count;
    lua_createtable(L, 0, 6);
    set_str(L, "method", ve_str(request->method ? request->method : has_body ? "POST" : "GET"));
    set_str(L, "url", request->url);
    set_str(L, "body", request->body);
    lua_createtable(L, (int)request->field_count * 2, 0);
    for (size_t i = 0; i < request->field_count; i++) {
        struct ve_str value = request->fields[i].value;
        lua_pushstring(L, request->fields[i].name);
        lua_rawseti(L, -2, (lua_Integer)i * 2 + 1);
        lua_pushlstring(L, value.ptr ? value.ptr : "", value.len);
        lua_rawseti(L, -2, (lua_Integer)i * 2 + 2);
    }
    lua_setfield(L, -2, "headers");
    lua_createtable(L, (int)request->part_count, 0);
    for (size_t i = 0; i < request->part_count; i++) {
        const struct ve_request_part *part = &request->parts[i];
        lua_createtable(L, 0, 4);
        set_str(L, "name", ve_str(part->name));
        set_str(L, "filename", ve_str(part->filename));
        set_str(L, "type", ve_str(part->type));
        set_str(L, "data", part->data);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    lua_setfield(L, -2, "parts");
}

static int err_named(const char *name)
{
    for (int err = VE_ENOMEM; err >= VE_EFAILED; err--) {
        if (ve_str_eq(ve_str(ve_err_name(err)), ve_str(name)))
            return err;
    }
    return VE_EFAILED;
}

static uint64_t ns_field(lua_State *L, const char *key)
{
    lua_getfield(L, -1, key);
    double seconds = lua_tonumber(L, -1);
    lua_pop(L, 1);
    return seconds > 0 && seconds < 86400 ? (uint64_t)(seconds * 1e9) : 0;
}

static int read_pieces(lua_State *L, struct ve_net_answer *answer)
{
    int err = 0;
    lua_getfield(L, -1, "pieces");
    for (lua_Integer i = 1, n = lua_istable(L, -1) ? luaL_len(L, -1) : 0; i <= n && !err; i++) {
        size_t len = 0;
        lua_geti(L, -1, i);
        lua_getfield(L, -1, "text");
        const char *text = lua_tolstring(L, -1, &len);
        lua_pop(L, 1); /* the piece holds it */
        err = ve_net_answer_add(answer, ns_field(L, "after"), ve_str_n(text, len));
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
    return err;
}

/* { status, head, error, silent, wait, pieces = { { after, text } } } on top of the stack */
static int read_answer(lua_State *L, struct ve_net_answer *answer)
{
    size_t len = 0;
    lua_getfield(L, -1, "status");
    answer->status = lua_isinteger(L, -1) ? (int)lua_tointeger(L, -1) : 200;
    lua_getfield(L, -2, "head");
    const char *head = lua_tolstring(L, -1, &len);
    int err = ve_buf_add_str(&answer->head, ve_str_n(head, len));
    lua_getfield(L, -3, "error");
    if (lua_isstring(L, -1))
        answer->err = err_named(lua_tostring(L, -1));
    lua_getfield(L, -4, "silent");
    answer->silent = lua_toboolean(L, -1);
    lua_pop(L, 4);
    answer->wait = ns_field(L, "wait");
    return err ? err : read_pieces(L, answer);
}

/* Protected: function, request -> whatever the function says, read into the answer. */
static int ask_protected(lua_State *L)
{
    const struct ve_world_net *net = lua_touserdata(L, 1);
    const struct ve_request_options *request = lua_touserdata(L, 2);
    struct ve_net_answer *answer = lua_touserdata(L, 3);
    lua_rawgeti(L, LUA_REGISTRYINDEX, net->http);
    push_request(L, request);
    lua_call(L, 1, 1);
    int err = lua_istable(L, -1) ? read_answer(L, answer) : VE_ENOENT;
    lua_pushinteger(L, err);
    return 1;
}

static int on_http(void *arg, const struct ve_request_options *request,
                   struct ve_net_answer *answer, char why[static VE_REQUEST_WHY])
{
    struct ve_world_net *net = arg;
    lua_State *L = net->L;
    if (!L || net->http == LUA_NOREF || !lua_checkstack(L, 8)) {
        (void)snprintf(why, VE_REQUEST_WHY,
                       "a simulated world has no network; answer requests with sim.http");
        return VE_ENOTSUP;
    }
    lua_pushcfunction(L, ask_protected);
    lua_pushlightuserdata(L, net);
    lua_pushlightuserdata(L, (void *)(uintptr_t)request);
    lua_pushlightuserdata(L, answer);
    int err = VE_EFAILED;
    if (lua_pcall(L, 3, 1, 0) == LUA_OK)
        err = (int)lua_tointeger(L, -1);
    else
        (void)snprintf(why, VE_REQUEST_WHY, "the spec's answer: %s",
                       lua_tostring(L, -1) ? lua_tostring(L, -1) : "?");
    if (err == VE_ENOENT)
        (void)snprintf(why, VE_REQUEST_WHY, "the spec has no answer to %.120s",
                       request->url.ptr ? request->url.ptr : "");
    lua_pop(L, 1);
    return err;
}

void ve_world_net_init(struct ve_world_net *net)
{
    *net = (struct ve_world_net){.script = {on_http, net}, .http = LUA_NOREF};
}

void ve_world_net_answer(struct ve_world_net *net, lua_State *L)
{
    luaL_unref(L, LUA_REGISTRYINDEX, net->http);
    net->http = luaL_ref(L, LUA_REGISTRYINDEX);
}

void ve_world_net_settings(lua_State *L, int index,
                           struct ve_bind_setting out[static VE_OUTBOUND_SETTINGS_MAX],
                           size_t *count)
{
    *count = 0;
    lua_pushnil(L);
    while (lua_next(L, index)) {
        if (lua_type(L, -2) != LUA_TSTRING || lua_type(L, -1) != LUA_TSTRING ||
            *count >= VE_OUTBOUND_SETTINGS_MAX)
            luaL_error(L, "settings is a table of at most %d names and texts",
                       VE_OUTBOUND_SETTINGS_MAX);
        out[(*count)++] = (struct ve_bind_setting){lua_tostring(L, -2), lua_tostring(L, -1)};
        lua_pop(L, 1);
    }
}

void ve_world_net_free(struct ve_world_net *net, lua_State *L)
{
    luaL_unref(L, LUA_REGISTRYINDEX, net->http);
    net->http = LUA_NOREF;
}
