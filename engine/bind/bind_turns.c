#include "bind/bind.h"

#include <math.h>

/* How turns are taken on a call, and what happens in them. */

/* --- policy --------------------------------------------------------------------------------------
 */

struct setting {
    const char *name;
    size_t offset;
    bool is_float; /* else a uint32_t */
};

#define MS(field)                                                                                  \
    {                                                                                              \
#field, offsetof(struct ve_turn_policy, field), false                                      \
    }
#define NUMBER(field)                                                                              \
    {                                                                                              \
#field, offsetof(struct ve_turn_policy, field), true                                       \
    }

static const struct setting settings[] = {
    NUMBER(start_p), MS(start_ms),        NUMBER(end_p),           MS(speculate_ms),
    MS(endpoint_ms), MS(endpoint_max_ms), MS(endpoint_unheard_ms), MS(talk_max_ms),
    NUMBER(barge_p), MS(barge_ms),        NUMBER(barge_margin_db), NUMBER(return_loss_db),
    MS(confirm_ms),  MS(confirm_words),   MS(backchannel_ms),      MS(resume_ms),
    MS(watchdog_ms),
};

static void set_one(lua_State *L, const struct setting *setting, struct ve_turn_policy *policy)
{
    char *at = (char *)policy + setting->offset;
    if (lua_getfield(L, 1, setting->name) != LUA_TNIL) {
        double value = luaL_checknumber(L, -1);
        if (setting->is_float)
            *(float *)(void *)at = (float)value;
        else
            *(uint32_t *)(void *)at =
                value >= 0 && value <= 1e9 ? (uint32_t)lrint(value) : UINT32_MAX;
    }
    lua_pop(L, 1);
}

/* core.set_policy{ endpoint_ms = ..., ... } -> true | nil, "range", field | nil, "gone": only the
 * named fields change, and none when one of them is out of its range. */
static int l_set_policy(lua_State *L)
{
    struct ve_session *session = ve_call_session(ve_bind_task_call(L));
    const char *field = "";
    luaL_checktype(L, 1, LUA_TTABLE);
    if (!session)
        return ve_bind_fail(L, VE_EGONE);
    struct ve_turn_policy policy = ve_session_policy(session);
    for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++)
        set_one(L, &settings[i], &policy);
    if (ve_turn_policy_check(&policy, &field) != 0) {
        lua_pushnil(L);
        lua_pushliteral(L, "range");
        lua_pushstring(L, field);
        return 3;
    }
    (void)ve_session_set_policy(session, &policy);
    lua_pushboolean(L, 1);
    return 1;
}

/* core.set_shape(language, digits) -> true | nil, "not_found" for a language without lists */
static int l_set_shape(lua_State *L)
{
    struct ve_session *session = ve_call_session(ve_bind_task_call(L));
    if (!session)
        return ve_bind_fail(L, VE_EGONE);
    struct ve_shape_options shape = ve_session_shape(session);
    if (!lua_isnoneornil(L, 1)) {
        size_t len;
        const char *tag = luaL_checklstring(L, 1, &len);
        shape.language = ve_language_find(ve_str_n(tag, len));
        if (!shape.language)
            return ve_bind_fail(L, VE_ENOENT);
    }
    lua_Integer digits = luaL_optinteger(L, 2, shape.digits);
    luaL_argcheck(L, digits >= 0 && digits <= VE_SHAPE_DIGITS_MAX, 2, "0 to 64 digits");
    shape.digits = (uint32_t)digits;
    ve_session_set_shape(session, &shape);
    lua_pushboolean(L, 1);
    return 1;
}

/* core.languages() -> "de en es fr": those that have lists of words */
static int l_languages(lua_State *L)
{
    luaL_Buffer codes;
    luaL_buffinit(L, &codes);
    for (const struct ve_language *it = ve_languages(); it->code; it++) {
        if (it != ve_languages())
            luaL_addchar(&codes, ' ');
        luaL_addstring(&codes, it->code);
    }
    luaL_pushresult(&codes);
    return 1;
}

/* core.set_wait(turn, ms): the script's own endpoint for the open turn; late ones do nothing */
static int l_set_wait(lua_State *L)
{
    struct ve_session *session = ve_call_session(ve_bind_task_call(L));
    lua_Integer turn = luaL_checkinteger(L, 1);
    double ms = luaL_checknumber(L, 2);
    luaL_argcheck(L, turn > 0 && turn <= UINT32_MAX, 1, "no turn has this number");
    luaL_argcheck(L, ms >= 0 && ms <= 20000, 2, "0 to 20000 ms");
    if (session)
        (void)ve_session_wait(session, (uint32_t)turn, (uint32_t)lrint(ms));
    return 0;
}

/* core.partial(text, expected): what a recogniser in the script has of the open utterance */
static int l_partial(lua_State *L)
{
    struct ve_session *session = ve_call_session(ve_bind_task_call(L));
    size_t len;
    const char *text = luaL_checklstring(L, 1, &len);
    if (session)
        (void)ve_session_partial(session, ve_str_n(text, len), lua_toboolean(L, 2));
    return 0;
}

/* core.end_turn(): the caller's open turn is over now */
static int l_end_turn(lua_State *L)
{
    struct ve_session *session = ve_call_session(ve_bind_task_call(L));
    if (session)
        ve_session_end_turn(session);
    return 0;
}

/* --- what happens on the call ----------------------------------------------------------------- */

struct watch_op {
    struct ve_op op;
    struct ve_call_watch watch;
};

static void watch_cancel(struct ve_op *op)
{
    ve_call_unwatch(&((struct watch_op *)op)->watch);
}

static const struct ve_op_type watch_type = {.name = "turns", .cancel = watch_cancel};

static void on_speech(void *arg, bool barge)
{
    struct ve_value values[] = {ve_vbool(barge)};
    ve_op_post(arg, "speech", values, 1);
}

static void post_take(void *arg, const char *kind, uint32_t turn, uint32_t take)
{
    struct ve_value values[] = {ve_vint(turn), ve_vint(take)};
    ve_op_post(arg, kind, values, 2);
}

static void on_speculate(void *arg, uint32_t turn, uint32_t take)
{
    post_take(arg, "speculate", turn, take);
}

static void on_discard(void *arg, uint32_t turn, uint32_t take)
{
    post_take(arg, "discard", turn, take);
}

static void on_commit(void *arg, uint32_t turn, uint32_t take)
{
    post_take(arg, "commit", turn, take);
}

static void on_interrupted(void *arg)
{
    ve_op_post(arg, "interrupted", NULL, 0);
}

static void on_digit(void *arg, char digit)
{
    struct ve_value values[] = {ve_vstr(ve_str_n(&digit, 1))};
    ve_op_post(arg, "digit", values, 1);
}

static const struct ve_session_events watch_events = {
    .speech = on_speech,
    .speculate = on_speculate,
    .discard = on_discard,
    .commit = on_commit,
    .interrupted = on_interrupted,
    .digit = on_digit,
};

/* core.turns() -> id; posts "speech" barge, "speculate" turn take, "discard" turn take, "commit"
 * turn take, "interrupted", "digit" d. Never finishes. */
static int l_turns(lua_State *L)
{
    struct ve_call *call = ve_bind_task_call(L);
    struct watch_op *watch = ve_op_new(ve_bind_task(L), &watch_type, sizeof(*watch));
    if (!watch)
        return ve_bind_fail(L, VE_EBUSY);
    watch->watch.events = &watch_events;
    watch->watch.arg = watch;
    ve_call_watch(call, &watch->watch);
    lua_pushinteger(L, watch->op.id);
    return 1;
}

static const luaL_Reg functions[] = {
    {"set_policy", l_set_policy}, {"set_shape", l_set_shape},
    {"languages", l_languages},   {"set_wait", l_set_wait},
    {"partial", l_partial},       {"end_turn", l_end_turn},
    {"turns", l_turns},           {NULL, NULL},
};

void ve_bind_turns(lua_State *L)
{
    luaL_setfuncs(L, functions, 0);
}
