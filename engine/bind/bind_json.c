#include "bind/bind.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * JSON for scripts, on the engine's own strict reader: the same texts are accepted and refused as
 * everywhere else (tests/data/json). docs/decisions/0002-one-json.md says why not lua-cjson.
 *
 *   integers of up to 15 digits are Lua integers; longer ones are the text of their digits, so that
 *   a call id is always a string; null members are absent, null elements are json.null; arrays
 * carry a metatable, so that an empty one stays an array.
 */

#define JSON_MAX (1024 * 1024)
#define KEYS_MAX 10000
static const char array_key[] = "ve.json.array";
static const char tree_key[] = "ve.json.tree";
static const char text_key[] = "ve.json.text";

static void mark_array(lua_State *L)
{
    luaL_getmetatable(L, array_key);
    lua_setmetatable(L, -2);
}

/* --- decode --------------------------------------------------------------------------------------
 */

static void push_json(lua_State *L, const struct ve_json *json);

static void push_integer(lua_State *L, const struct ve_json *json)
{
    int64_t i = 0;
    uint64_t u = 0;
    const int64_t exact = 1000000000000000; /* 16 digits */
    bool is_signed = ve_json_i64(json, &i) == 0;
    if (is_signed && i > -exact && i < exact) {
        lua_pushinteger(L, i);
    } else if (is_signed) {
        lua_pushfstring(L, "%I", (LUAI_UACINT)i);
    } else {
        char digits[24];
        (void)ve_json_u64(json, &u);
        (void)snprintf(digits, sizeof(digits), "%llu", (unsigned long long)u);
        lua_pushstring(L, digits);
    }
}

static void push_object(lua_State *L, const struct ve_json *json)
{
    void *at = NULL;
    const char *key;
    const struct ve_json *value;
    size_t count = ve_json_count(json);
    lua_createtable(L, 0, count < KEYS_MAX ? (int)count : KEYS_MAX);
    while (ve_json_each(json, &at, &key, &value)) {
        if (ve_json_type(value) == VE_JSON_NULL)
            continue;
        push_json(L, value);
        lua_setfield(L, -2, key);
    }
}

static void push_array(lua_State *L, const struct ve_json *json)
{
    size_t count = ve_json_count(json);
    lua_createtable(L, count < KEYS_MAX ? (int)count : KEYS_MAX, 0);
    for (size_t i = 0; i < count; i++) {
        push_json(L, ve_json_at(json, i));
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    mark_array(L);
}

static void push_json(lua_State *L, const struct ve_json *json)
{
    double number = 0;
    luaL_checkstack(L, 4, "JSON is nested too deeply");
    switch (ve_json_type(json)) {
    case VE_JSON_NULL:
        lua_pushlightuserdata(L, NULL);
        break;
    case VE_JSON_BOOL:
        lua_pushboolean(L, ve_json_bool(json, false));
        break;
    case VE_JSON_INT:
        push_integer(L, json);
        break;
    case VE_JSON_DOUBLE:
        (void)ve_json_double(json, &number);
        lua_pushnumber(L, number);
        break;
    case VE_JSON_STRING:
        lua_pushlstring(L, ve_json_str(json).ptr, ve_json_str(json).len);
        break;
    case VE_JSON_ARRAY:
        push_array(L, json);
        break;
    case VE_JSON_OBJECT:
        push_object(L, json);
        break;
    }
}

/* The tree and the text belong to boxes, so that they are freed however the work ends. */
static int tree_close(lua_State *L)
{
    struct ve_json **box = lua_touserdata(L, 1);
    ve_json_free(*box);
    *box = NULL;
    return 0;
}

static int text_close(lua_State *L)
{
    ve_buf_free(lua_touserdata(L, 1));
    return 0;
}

/* core.json_decode(text) -> value | nil, message */
static int l_decode(lua_State *L)
{
    char why[96];
    size_t len;
    const char *text = luaL_checklstring(L, 1, &len);
    luaL_argcheck(L, len <= JSON_MAX, 1, "JSON text over 1 MiB");
    struct ve_json **box = lua_newuserdatauv(L, sizeof(void *), 0);
    *box = NULL;
    luaL_setmetatable(L, tree_key);
    lua_toclose(L, -1);
    int err = ve_json_parse(box, ve_str_n(text, len), why);
    if (err) {
        lua_pushnil(L);
        lua_pushstring(L, err == VE_EPROTO ? why : ve_err_name(err));
        return 2;
    }
    push_json(L, *box);
    return 1;
}

/* --- encode --------------------------------------------------------------------------------------
 */

static void write_value(lua_State *L, struct ve_jsonw *w, int index, int depth);

static void write_number(lua_State *L, struct ve_jsonw *w, int index)
{
    char text[40];
    if (lua_isinteger(L, index)) {
        ve_jsonw_i64(w, lua_tointeger(L, index));
        return;
    }
    double number = lua_tonumber(L, index);
    if (!isfinite(number))
        luaL_error(L, "JSON has no NaN and no infinity");
    /* The shorter of the two if it reads back as the same number. */
    (void)snprintf(text, sizeof(text), "%.15g", number);
    if (strtod(text, NULL) != number)
        (void)snprintf(text, sizeof(text), "%.17g", number);
    ve_jsonw_raw(w, ve_str(text));
}

/* A table marked as an array, or a sequence without holes and other keys. */
static bool is_array(lua_State *L, int index, size_t *count)
{
    *count = lua_rawlen(L, index);
    if (lua_getmetatable(L, index)) {
        luaL_getmetatable(L, array_key);
        bool marked = lua_rawequal(L, -1, -2);
        lua_pop(L, 2);
        if (marked)
            return true;
    }
    size_t keys = 0;
    lua_pushnil(L);
    while (lua_next(L, index)) {
        lua_pop(L, 1);
        if (++keys > *count) {
            lua_pop(L, 1);
            return false;
        }
    }
    return keys > 0 && keys == *count;
}

static void write_array(lua_State *L, struct ve_jsonw *w, int index, size_t count, int depth)
{
    ve_jsonw_array(w);
    for (size_t i = 1; i <= count; i++) {
        lua_rawgeti(L, index, (lua_Integer)i);
        write_value(L, w, lua_gettop(L), depth + 1);
        lua_pop(L, 1);
    }
    ve_jsonw_array_end(w);
}

static int compare_keys(const void *a, const void *b)
{
    const struct ve_str *x = a;
    const struct ve_str *y = b;
    size_t len = x->len < y->len ? x->len : y->len;
    int order = len ? memcmp(x->ptr, y->ptr, len) : 0;
    return order ? order : (x->len > y->len) - (x->len < y->len);
}

/* The keys, sorted: equal tables give equal texts. They stay valid while the table holds them. */
static struct ve_str *sorted_keys(lua_State *L, int index, size_t *count)
{
    size_t n = 0;
    for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) {
        if (lua_type(L, -2) != LUA_TSTRING)
            luaL_error(L, "a key of a JSON object must be text, not a %s", luaL_typename(L, -2));
        if (++n > KEYS_MAX)
            luaL_error(L, "a JSON object with more than %d keys", KEYS_MAX);
    }
    struct ve_str *keys = lua_newuserdatauv(L, (n + 1) * sizeof(*keys), 0);
    size_t i = 0;
    for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1), i++)
        keys[i].ptr = lua_tolstring(L, -2, &keys[i].len);
    qsort(keys, n, sizeof(*keys), compare_keys);
    *count = n;
    return keys;
}

static void write_object(lua_State *L, struct ve_jsonw *w, int index, int depth)
{
    size_t count;
    struct ve_str *keys = sorted_keys(L, index, &count);
    ve_jsonw_object(w);
    for (size_t i = 0; i < count; i++) {
        ve_jsonw_str(w, keys[i]);
        ve_jsonw_colon(w);
        lua_pushlstring(L, keys[i].ptr, keys[i].len);
        lua_rawget(L, index);
        write_value(L, w, lua_gettop(L), depth + 1);
        lua_pop(L, 1);
    }
    ve_jsonw_object_end(w);
    lua_pop(L, 1);
}

static void write_table(lua_State *L, struct ve_jsonw *w, int index, int depth)
{
    size_t count;
    if (depth >= VE_JSON_DEPTH)
        luaL_error(L, "JSON is nested deeper than %d (or a table contains itself)", VE_JSON_DEPTH);
    luaL_checkstack(L, 8, "JSON is nested too deeply");
    if (is_array(L, index, &count))
        write_array(L, w, index, count, depth);
    else
        write_object(L, w, index, depth);
}

static void write_value(lua_State *L, struct ve_jsonw *w, int index, int depth)
{
    size_t len;
    switch (lua_type(L, index)) {
    case LUA_TNIL:
        ve_jsonw_null(w);
        break;
    case LUA_TLIGHTUSERDATA:
        if (lua_touserdata(L, index))
            luaL_error(L, "a userdata cannot be JSON");
        ve_jsonw_null(w);
        break;
    case LUA_TBOOLEAN:
        ve_jsonw_bool(w, lua_toboolean(L, index));
        break;
    case LUA_TNUMBER:
        write_number(L, w, index);
        break;
    case LUA_TSTRING: {
        const char *text = lua_tolstring(L, index, &len);
        ve_jsonw_str(w, ve_str_n(text, len));
        break;
    }
    case LUA_TTABLE:
        write_table(L, w, index, depth);
        break;
    default:
        luaL_error(L, "a %s cannot be JSON", luaL_typename(L, index));
    }
    if (w->err)
        luaL_error(L, "JSON text: %s", w->err == VE_ETOOBIG ? "over 1 MiB" : ve_err_name(w->err));
}

/* core.json_encode(value) -> text; raises on what JSON cannot say */
static int l_encode(lua_State *L)
{
    struct ve_jsonw w;
    luaL_checkany(L, 1);
    lua_settop(L, 1);
    struct ve_buf *box = lua_newuserdatauv(L, sizeof(*box), 0);
    ve_buf_init(box, JSON_MAX);
    luaL_setmetatable(L, text_key);
    lua_toclose(L, 2);
    ve_jsonw_init(&w, box);
    write_value(L, &w, 1, 0);
    lua_pushlstring(L, box->ptr, box->len);
    return 1;
}

/* core.json_array(table) -> the same table, marked: empty, it is [] and not {} */
static int l_array(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    mark_array(L);
    return 1;
}

static const luaL_Reg functions[] = {
    {"json_decode", l_decode},
    {"json_encode", l_encode},
    {"json_array", l_array},
    {NULL, NULL},
};

static void make_box(lua_State *L, const char *key, lua_CFunction close)
{
    luaL_newmetatable(L, key);
    lua_pushcfunction(L, close);
    lua_setfield(L, -2, "__gc");
    lua_pushcfunction(L, close);
    lua_setfield(L, -2, "__close");
    lua_pop(L, 1);
}

void ve_bind_json(lua_State *L)
{
    make_box(L, tree_key, tree_close);
    make_box(L, text_key, text_close);
    luaL_newmetatable(L, array_key);
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    lua_pop(L, 1);
    luaL_setfuncs(L, functions, 0);
    lua_pushlightuserdata(L, NULL);
    lua_setfield(L, -2, "json_null");
}
