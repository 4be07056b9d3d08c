#include "bind/bind_grammar.h"

#include "bind/bind.h"

#define LISTS_MAX 64

static const char grammar_key[] = "ve.grammar";

/* A grammar is shared by the script's table and the recognisers that use it. */
struct grammar_box {
    struct ve_shared_grammar *shared; /* NULL once closed */
};

void ve_shared_grammar_ref(struct ve_shared_grammar *shared)
{
    shared->refs++;
}

void ve_shared_grammar_unref(struct ve_shared_grammar *shared)
{
    if (!shared || --shared->refs)
        return;
    ve_grammar_free(shared->grammar);
    ve_free(shared);
}

struct ve_shared_grammar *ve_bind_grammar_of(lua_State *L, int arg)
{
    struct grammar_box *box = luaL_checkudata(L, arg, grammar_key);
    luaL_argcheck(L, box->shared, arg, "the grammar is closed");
    return box->shared;
}

static int l_gc(lua_State *L)
{
    struct grammar_box *box = luaL_checkudata(L, 1, grammar_key);
    ve_shared_grammar_unref(box->shared);
    box->shared = NULL;
    return 0;
}

static size_t read_list(lua_State *L, int table, const char *field, struct ve_str *out)
{
    size_t n = 0;
    lua_getfield(L, table, field);
    if (lua_istable(L, -1)) {
        size_t count = lua_rawlen(L, -1);
        luaL_argcheck(L, count <= LISTS_MAX, table, "too many leads or tails");
        for (; n < count; n++) {
            lua_rawgeti(L, -1, (lua_Integer)n + 1);
            out[n].ptr = luaL_checklstring(L, -1, &out[n].len);
            lua_pop(L, 1);
        }
    }
    lua_pop(L, 1);
    return n;
}

/* core.grammar{ {tag, phrase}, ..., leads = {...}, tails = {...} } -> grammar | nil, message */
static int l_grammar(lua_State *L)
{
    struct ve_grammar_phrase phrases[VE_GRAMMAR_PHRASES_MAX];
    struct ve_str leads[LISTS_MAX];
    struct ve_str tails[LISTS_MAX];
    char why[160];
    luaL_checktype(L, 1, LUA_TTABLE);
    size_t count = lua_rawlen(L, 1);
    luaL_argcheck(L, count > 0 && count <= VE_GRAMMAR_PHRASES_MAX, 1, "1 to 256 phrases");
    for (size_t i = 0; i < count; i++) {
        lua_rawgeti(L, 1, (lua_Integer)i + 1);
        luaL_checktype(L, -1, LUA_TTABLE);
        lua_rawgeti(L, -1, 1);
        lua_rawgeti(L, -2, 2);
        phrases[i].tag.ptr = luaL_checklstring(L, -2, &phrases[i].tag.len);
        phrases[i].text.ptr = luaL_checklstring(L, -1, &phrases[i].text.len);
        lua_pop(L, 3); /* the table holds the strings */
    }
    struct ve_grammar_spec spec = {phrases, count, leads, 0, tails, 0};
    spec.lead_count = read_list(L, 1, "leads", leads);
    spec.tail_count = read_list(L, 1, "tails", tails);
    struct grammar_box *box = lua_newuserdatauv(L, sizeof(*box), 0);
    box->shared = NULL;
    luaL_setmetatable(L, grammar_key);
    struct ve_shared_grammar *shared = ve_alloc(sizeof(*shared));
    if (!shared)
        return ve_bind_fail(L, VE_ENOMEM);
    int err = ve_grammar_new(&shared->grammar, &spec, why);
    if (err) {
        ve_free(shared);
        lua_pushnil(L);
        lua_pushstring(L, err == VE_ENOMEM ? ve_err_name(err) : why);
        return 2;
    }
    shared->refs = 1;
    box->shared = shared;
    return 1;
}

/* core.grammar_match(grammar, text) -> tag, index | nil */
static int l_match(lua_State *L)
{
    struct ve_shared_grammar *shared = ve_bind_grammar_of(L, 1);
    size_t len;
    const char *text = luaL_checklstring(L, 2, &len);
    int phrase = ve_grammar_match(shared->grammar, ve_str_n(text, len));
    if (phrase < 0)
        return 0;
    struct ve_str tag = ve_grammar_tag(shared->grammar, phrase);
    lua_pushlstring(L, tag.ptr, tag.len);
    lua_pushinteger(L, phrase + 1);
    return 2;
}

static const luaL_Reg functions[] = {
    {"grammar", l_grammar},
    {"grammar_match", l_match},
    {NULL, NULL},
};

void ve_bind_grammar(lua_State *L)
{
    luaL_newmetatable(L, grammar_key);
    lua_pushcfunction(L, l_gc);
    lua_setfield(L, -2, "__gc");
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    lua_pop(L, 1);
    luaL_setfuncs(L, functions, 0);
}
