#include "bind/bind.h"

#include "call/say.h"

#include <string.h>

static void set_str(lua_State *L, const char *key, struct ve_str text)
{
    if (!text.len)
        return;
    lua_pushlstring(L, text.ptr, text.len);
    lua_setfield(L, -2, key);
}

/* core.call() -> { id, from, to, direction, serial } of the task's call */
static int l_call(lua_State *L)
{
    struct ve_call *call = ve_bind_task_call(L);
    lua_createtable(L, 0, 6);
    set_str(L, "id", ve_call_id(call));
    set_str(L, "from", ve_call_from(call));
    set_str(L, "to", ve_call_to(call));
    set_str(L, "direction", ve_call_direction(call));
    lua_pushinteger(L, (lua_Integer)ve_call_serial(call));
    lua_setfield(L, -2, "serial");
    return 1;
}

/* core.vars() -> the call's vars as JSON text ("" at first) */
static int l_vars(lua_State *L)
{
    struct ve_str vars = ve_call_vars(ve_bind_task_call(L));
    lua_pushlstring(L, vars.ptr ? vars.ptr : "", vars.len);
    return 1;
}

/* core.set_vars(json) -> true | nil, code. Also while the task is being closed. */
static int l_set_vars(lua_State *L)
{
    struct ve_task *task = ve_task_current(L);
    struct ve_call *call = task ? ve_task_owner(task) : NULL;
    size_t len;
    const char *json = luaL_checklstring(L, 1, &len);
    int err = call ? ve_call_set_vars(call, ve_str_n(json, len)) : VE_EGONE;
    if (err)
        return ve_bind_fail(L, err);
    lua_pushboolean(L, 1);
    return 1;
}

/* core.hangup(): the call ends once what is queued has been played */
static int l_hangup(lua_State *L)
{
    ve_call_hangup(ve_bind_effect_call(L));
    return 0;
}

/* core.heard(text): what the caller was understood to say; nil when it was not understood */
static int l_heard(lua_State *L)
{
    size_t len = 0;
    const char *text = luaL_optlstring(L, 1, "", &len);
    ve_call_heard(ve_bind_task_call(L), ve_str_n(text, len));
    return 0;
}

/* core.tool(name, arguments, answer): for the record */
static int l_tool(lua_State *L)
{
    size_t name_len, args_len, answer_len;
    const char *name = luaL_checklstring(L, 1, &name_len);
    const char *args = luaL_checklstring(L, 2, &args_len);
    const char *answer = luaL_checklstring(L, 3, &answer_len);
    ve_call_used(ve_bind_task_call(L), ve_str_n(name, name_len), ve_str_n(args, args_len),
                 ve_str_n(answer, answer_len));
    return 0;
}

/* core.digits(text) -> true | nil, code */
static int l_digits(lua_State *L)
{
    size_t len;
    const char *digits = luaL_checklstring(L, 1, &len);
    luaL_argcheck(L, len > 0 && len <= 64 && strspn(digits, "0123456789*#ABCDabcd") == len, 1,
                  "1 to 64 of 0-9 * # A-D");
    int err = ve_call_digits(ve_bind_effect_call(L), ve_str_n(digits, len));
    if (err)
        return ve_bind_fail(L, err);
    lua_pushboolean(L, 1);
    return 1;
}

/* core.echo(on): samples that come in go straight back */
static int l_echo(lua_State *L)
{
    struct ve_session *session = ve_call_session(ve_bind_task_call(L));
    if (!session)
        return ve_bind_fail(L, VE_EGONE);
    ve_session_echo(session, lua_toboolean(L, 1));
    return 0;
}

/* core.detect_digits(on) */
static int l_detect_digits(lua_State *L)
{
    struct ve_session *session = ve_call_session(ve_bind_task_call(L));
    if (session)
        (void)ve_session_detect_digits(session, lua_toboolean(L, 1));
    return 0;
}

/* --- transfer ------------------------------------------------------------------------------------
 */

struct transfer_op {
    struct ve_op op;
    struct ve_call *call; /* NULL once the outcome is known */
};

static void transfer_cancel(struct ve_op *op)
{
    struct transfer_op *transfer = (struct transfer_op *)op;
    if (transfer->call)
        ve_call_transfer_forget(transfer->call);
}

static const struct ve_op_type transfer_type = {.name = "transfer", .cancel = transfer_cancel};

static void transfer_done(void *arg, const char *outcome)
{
    struct transfer_op *transfer = arg;
    transfer->call = NULL;
    ve_op_finish(&transfer->op, outcome, NULL, 0);
}

/* core.transfer(number, timeout_s) -> id | nil, code; finishes "answered", "no_answer", ... */
static int l_transfer(lua_State *L)
{
    struct ve_call *call = ve_bind_effect_call(L);
    size_t len;
    const char *number = luaL_checklstring(L, 1, &len);
    double timeout = luaL_checknumber(L, 2);
    luaL_argcheck(L, timeout > 0 && timeout <= 600, 2, "1 to 600 seconds");
    struct transfer_op *transfer = ve_op_new(ve_bind_task(L), &transfer_type, sizeof(*transfer));
    if (!transfer)
        return ve_bind_fail(L, VE_EBUSY);
    int err = ve_call_transfer(call, ve_str_n(number, len), (uint64_t)(timeout * 1e9),
                               transfer_done, transfer);
    if (err) {
        ve_op_drop(&transfer->op);
        return ve_bind_fail(L, err);
    }
    transfer->call = call;
    ve_call_waits(call);
    lua_pushinteger(L, transfer->op.id);
    return 1;
}

/* core.waits(): the silence that follows is wanted */
static int l_waits(lua_State *L)
{
    ve_call_waits(ve_bind_task_call(L));
    return 0;
}

/* core.set_fallback(number): where the caller goes when the script fails; "" for nowhere */
static int l_set_fallback(lua_State *L)
{
    size_t len;
    const char *number = luaL_checklstring(L, 1, &len);
    int err = ve_call_set_fallback(ve_bind_task_call(L), ve_str_n(number, len));
    luaL_argcheck(L, !err, 1, "a telephone number is shorter");
    return 0;
}

static const luaL_Reg functions[] = {
    {"waits", l_waits},
    {"set_fallback", l_set_fallback},
    {"call", l_call},
    {"vars", l_vars},
    {"set_vars", l_set_vars},
    {"hangup", l_hangup},
    {"heard", l_heard},
    {"tool", l_tool},
    {"digits", l_digits},
    {"echo", l_echo},
    {"detect_digits", l_detect_digits},
    {"transfer", l_transfer},
    {NULL, NULL},
};

void ve_bind_call(lua_State *L)
{
    luaL_setfuncs(L, functions, 0);
}
