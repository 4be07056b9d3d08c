#include "bind/ask.h"
#include "bind/bind.h"

/* core.answer(status, json) -> true | nil, code */
static int l_answer(lua_State *L)
{
    size_t len;
    struct ve_bind *bind = ve_bind_of(L);
    lua_Integer status = luaL_checkinteger(L, 1);
    const char *json = luaL_checklstring(L, 2, &len);
    luaL_argcheck(L, status >= 200 && status <= 599, 1, "a status is from 200 to 599");
    int err = bind->asks
                  ? ve_ask_answer(bind->asks, ve_bind_task(L), (int)status, ve_str_n(json, len))
                  : VE_ENOENT;
    if (err)
        return ve_bind_fail(L, err);
    lua_pushboolean(L, true);
    return 1;
}

static const luaL_Reg functions[] = {{"answer", l_answer}, {NULL, NULL}};

void ve_bind_answer(lua_State *L)
{
    luaL_setfuncs(L, functions, 0);
}
