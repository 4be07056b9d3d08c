#include "bind/bind_request.h"

/* An HTTP request of a script whose answer is wanted whole. */
struct http_op {
    struct ve_op op;
    struct ve_request *request; /* NULL once it is over */
};

static void on_done(void *arg, const struct ve_request_result *result)
{
    struct http_op *http = arg;
    http->request = NULL;
    ve_bind_request_finish(&http->op, result);
}

static void http_cancel(struct ve_op *op)
{
    struct http_op *http = (struct http_op *)op;
    if (http->request)
        ve_request_cancel(http->request);
    http->request = NULL;
}

static const struct ve_op_type http_type = {.name = "http", .cancel = http_cancel};

/* core.http(request) -> id | nil, code, message
 * Finishes "done" status headers body connect first total (seconds), or "failed" code message
 * status. bind_request.h says what the request may hold. Raises for an answer on trial, unless the
 * request is marked `trial`. */
static int l_http(lua_State *L)
{
    struct ve_bind_request request;
    struct ve_task *task = ve_bind_task(L);
    ve_bind_request_read(L, 1, &request);
    ve_bind_request_check(L, 1);
    struct http_op *http = ve_op_new(task, &http_type, sizeof(*http));
    if (!http)
        return ve_bind_fail(L, VE_EBUSY);
    request.options.done = on_done;
    request.options.arg = http;
    int pushed = ve_bind_request_start(L, &request, &http->request);
    if (pushed) {
        ve_op_drop(&http->op);
        return pushed;
    }
    lua_pushinteger(L, http->op.id);
    return 1;
}

/* core.warm(url): opens a connection ahead of need; nothing comes of it when that is not allowed */
static int l_warm(lua_State *L)
{
    struct ve_bind *bind = ve_bind_of(L);
    size_t len;
    const char *url = luaL_checklstring(L, 1, &len);
    (void)ve_bind_task(L);
    if (bind->requests)
        ve_request_warm(bind->requests, ve_str_n(url, len), bind->policy);
    return 0;
}

/* core.settings() -> { name = value }: what the settings say about providers, without secrets */
static int l_settings(lua_State *L)
{
    struct ve_bind *bind = ve_bind_of(L);
    lua_createtable(L, 0, (int)bind->setting_count);
    for (size_t i = 0; i < bind->setting_count; i++) {
        lua_pushstring(L, bind->settings[i].value);
        lua_setfield(L, -2, bind->settings[i].name);
    }
    return 1;
}

/* core.has_secret(name) -> is it set? */
static int l_has_secret(lua_State *L)
{
    struct ve_bind *bind = ve_bind_of(L);
    size_t len;
    const char *name = luaL_checklstring(L, 1, &len);
    lua_pushboolean(L, bind->vault && ve_vault_has(bind->vault, ve_str_n(name, len)));
    return 1;
}

static const luaL_Reg functions[] = {
    {"http", l_http}, {"warm", l_warm}, {"settings", l_settings}, {"has_secret", l_has_secret},
    {NULL, NULL},
};

void ve_bind_http(lua_State *L)
{
    luaL_setfuncs(L, functions, 0);
}
