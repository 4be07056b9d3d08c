#include "bind/bind_request.h"

#include <string.h>

#define URL_MAX      8192
#define BODY_IN_MAX  (4.0 * 1024 * 1024) /* what a script may ask to be given at once */
#define REDIRECT_MAX 5
#define CLOCK_MAX    600.0 /* s */

static const char *text_field(lua_State *L, int table, const char *name, size_t *len)
{
    lua_getfield(L, table, name);
    const char *text = NULL;
    if (!lua_isnil(L, -1)) {
        if (lua_type(L, -1) != LUA_TSTRING)
            luaL_error(L, "http: %s must be a string", name);
        text = lua_tolstring(L, -1, len);
    }
    lua_pop(L, 1); /* the table holds it */
    return text;
}

/* A text that C reads up to its NUL: one inside would hide the rest. */
static const char *name_field(lua_State *L, int table, const char *name)
{
    size_t len = 0;
    const char *text = text_field(L, table, name, &len);
    if (text && strlen(text) != len)
        luaL_error(L, "http: %s holds a NUL", name);
    return text;
}

static uint64_t clock_field(lua_State *L, int table, const char *name)
{
    double seconds = ve_bind_field_num(L, table, name, 0);
    if (!(seconds >= 0 && seconds <= CLOCK_MAX))
        luaL_error(L, "http: the time %s must be between 0 and %d seconds", name, (int)CLOCK_MAX);
    return (uint64_t)(seconds * 1e9);
}

static void read_headers(lua_State *L, int table, struct ve_bind_request *out)
{
    lua_getfield(L, table, "headers");
    if (lua_isnil(L, -1)) {
        lua_pop(L, 1);
        return;
    }
    luaL_checktype(L, -1, LUA_TTABLE);
    lua_Integer count = luaL_len(L, -1);
    if (count > (lua_Integer)VE_BIND_FIELDS_MAX * 2)
        luaL_error(L, "http: at most %d headers", VE_BIND_FIELDS_MAX);
    for (lua_Integer i = 1; i + 1 <= count; i += 2) {
        size_t name_len = 0;
        size_t len = 0;
        lua_rawgeti(L, -1, i);
        lua_rawgeti(L, -2, i + 1);
        if (lua_type(L, -2) != LUA_TSTRING || lua_type(L, -1) != LUA_TSTRING)
            luaL_error(L, "http: headers must be strings");
        const char *name = lua_tolstring(L, -2, &name_len);
        const char *value = lua_tolstring(L, -1, &len);
        if (strlen(name) != name_len)
            luaL_error(L, "http: a header's name holds a NUL");
        out->fields[i / 2] = (struct ve_request_field){name, ve_str_n(value, len)};
        lua_pop(L, 2);
    }
    out->options.fields = out->fields;
    out->options.field_count = (size_t)(count / 2);
    lua_pop(L, 1);
}

static void read_parts(lua_State *L, int table, struct ve_bind_request *out)
{
    lua_getfield(L, table, "parts");
    if (lua_isnil(L, -1)) {
        lua_pop(L, 1);
        return;
    }
    luaL_checktype(L, -1, LUA_TTABLE);
    lua_Integer count = luaL_len(L, -1);
    if (count > VE_BIND_PARTS_MAX)
        luaL_error(L, "http: at most %d parts", VE_BIND_PARTS_MAX);
    for (lua_Integer i = 1; i <= count; i++) {
        lua_rawgeti(L, -1, i);
        luaL_checktype(L, -1, LUA_TTABLE);
        int part = lua_gettop(L);
        size_t len = 0;
        const char *name = name_field(L, part, "name");
        const char *data = text_field(L, part, "data", &len);
        if (!name || !data)
            luaL_error(L, "http: a part needs a name and data");
        out->parts[i - 1] = (struct ve_request_part){
            .name = name,
            .filename = name_field(L, part, "filename"),
            .type = name_field(L, part, "type"),
            .data = ve_str_n(data, len),
        };
        lua_pop(L, 1);
    }
    out->options.parts = out->parts;
    out->options.part_count = (size_t)count;
    lua_pop(L, 1);
}

void ve_bind_request_read(lua_State *L, int index, struct ve_bind_request *out)
{
    size_t url_len = 0;
    size_t body_len = 0;
    luaL_checktype(L, index, LUA_TTABLE);
    memset(out, 0, sizeof(*out));
    const char *url = text_field(L, index, "url", &url_len);
    if (!url || !url_len || url_len > URL_MAX)
        luaL_error(L, "http: a url of 1 to %d bytes is needed", URL_MAX);
    const char *body = text_field(L, index, "body", &body_len);
    double max = ve_bind_field_num(L, index, "max_bytes", 0);
    double redirects = ve_bind_field_num(L, index, "redirects", 0);
    if (!(max >= 0 && max <= BODY_IN_MAX))
        luaL_error(L, "http: max_bytes must be between 1 and %d", (int)BODY_IN_MAX);
    if (!(redirects >= 0 && redirects <= REDIRECT_MAX))
        luaL_error(L, "http: at most %d redirects", REDIRECT_MAX);
    out->options = (struct ve_request_options){
        .method = name_field(L, index, "method"),
        .url = ve_str_n(url, url_len),
        .body = ve_str_n(body, body_len),
        .limits =
            {
                .connect = clock_field(L, index, "connect"),
                .first = clock_field(L, index, "first"),
                .progress = clock_field(L, index, "progress"),
                .total = clock_field(L, index, "total"),
            },
        .max_body = (size_t)max,
        .max_redirects = (unsigned)redirects,
        .policy = ve_bind_of(L)->policy,
    };
    read_headers(L, index, out);
    read_parts(L, index, out);
}

void ve_bind_request_check(lua_State *L, int index)
{
    bool has_call = ve_task_owner(ve_bind_task(L)) != NULL;
    if (has_call && !ve_bind_field_bool(L, index, "trial", false))
        (void)ve_bind_effect_call(L);
}

const char *ve_bind_request_code(int err, bool denied)
{
    return denied ? "not_allowed" : ve_err_name(err);
}

int ve_bind_request_start(lua_State *L, const struct ve_bind_request *request,
                          struct ve_request **out)
{
    char why[VE_REQUEST_WHY] = "this engine has no way out";
    struct ve_requests *requests = ve_bind_of(L)->requests;
    int err = VE_ENOTSUP;
    if (requests)
        err = ve_request_start(requests, &request->options, out, why);
    return err ? ve_bind_refuse(L, err, why) : 0;
}

int ve_bind_refuse(lua_State *L, int err, const char *why)
{
    lua_pushnil(L);
    lua_pushstring(L, ve_bind_request_code(err, err == VE_EAUTH));
    lua_pushstring(L, why);
    return 3;
}

void ve_bind_request_finish(struct ve_op *op, const struct ve_request_result *result)
{
    if (result->err) {
        struct ve_value values[] = {
            ve_vstr(ve_str(ve_bind_request_code(result->err, result->denied))),
            ve_vstr(ve_str(result->why)),
            ve_vint(result->status),
        };
        ve_op_finish(op, "failed", values, 3);
        return;
    }
    struct ve_value values[] = {
        ve_vint(result->status),
        ve_vstr(result->head),
        ve_vstr(result->body),
        ve_vnum((double)result->connect / 1e9),
        ve_vnum((double)result->first / 1e9),
        ve_vnum((double)result->total / 1e9),
    };
    ve_op_finish(op, "done", values, 6);
}
