#include "cli/world.h"

#include "audio/vad.h"
#include "base/alloc.h"
#include "cli/worker.h"
#include "cli/world_net.h"
#include "carrier/ringover_webhook.h"

#include <string.h>

/* A Tuesday morning, so that opening hours are open. */
#define WALL_MS 1790062200000
#define LOG_MAX (1024 * 1024)

static const char world_key[] = "ve.world";

/* One simulated engine with at most one call. */
struct world {
    struct ve_loop *loop;
    struct ve_log log;
    struct ve_buf lines; /* what was logged */
    struct ve_worker worker;
    bool open;
    struct ve_call *call;   /* NULL once its leg was let go */
    struct ve_buf digits;   /* that the agent sent */
    struct ve_buf transfer; /* number of the transfer under way */
    bool closed;            /* the engine closed the media connection */
    uint64_t sent;          /* samples */
    unsigned clears;
    lua_State *L; /* of the spec, while it lets time pass; NULL otherwise */
    struct ve_world_net net;
    int scripted; /* reference to its function that answers for providers, or LUA_NOREF */
};

static struct world *check_world(lua_State *L)
{
    struct world *world = luaL_checkudata(L, 1, world_key);
    luaL_argcheck(L, world->open, 1, "this simulation is closed");
    return world;
}

static void log_write(void *writer, const char *line, size_t len)
{
    struct world *world = writer;
    (void)ve_buf_add(&world->lines, line, len);
}

static int64_t wall_ms(void *clock)
{
    return ve_loop_wall_ms(clock);
}

/* --- the carrier's side of the call ----------------------------------------------------------- */

static int leg_audio(void *arg, const int16_t *samples, size_t count)
{
    struct world *world = arg;
    (void)samples;
    world->sent += count;
    return 0;
}

static void leg_clear(void *arg)
{
    ((struct world *)arg)->clears++;
}

static int leg_digits(void *arg, struct ve_str digits)
{
    return ve_buf_add_str(&((struct world *)arg)->digits, digits);
}

static int leg_transfer(void *arg, struct ve_str number)
{
    struct world *world = arg;
    ve_buf_clear(&world->transfer);
    return ve_buf_add_str(&world->transfer, number);
}

static void leg_close(void *arg, int code)
{
    struct world *world = arg;
    (void)code;
    world->call = NULL;
    world->closed = true;
}

/* --- answers in a provider's place ---------------------------------------------------------------
 */

/* Adds what the spec's function returned: a list of { after, text }. [-0, +0, v] */
static int add_pieces(lua_State *L, struct ve_scripted_answer *to)
{
    int err = 0;
    for (lua_Integer i = 1, n = luaL_len(L, -1); i <= n && !err; i++) {
        size_t len = 0;
        lua_geti(L, -1, i);
        if (!lua_istable(L, -1)) {
            lua_pop(L, 1);
            return VE_EINVAL;
        }
        lua_geti(L, -1, 1);
        lua_geti(L, -2, 2);
        const char *text = lua_tolstring(L, -1, &len);
        err = text ? ve_scripted_add(to, lua_tonumber(L, -2), ve_str_n(text, len)) : VE_EINVAL;
        lua_pop(L, 3);
    }
    return err;
}

static int scripted_ask(void *arg, struct ve_str role, struct ve_str request,
                        struct ve_scripted_answer *to)
{
    struct world *world = arg;
    lua_State *L = world->L;
    if (!L || world->scripted == LUA_NOREF)
        return VE_ENOENT;
    lua_rawgeti(L, LUA_REGISTRYINDEX, world->scripted);
    lua_pushlstring(L, role.ptr, role.len);
    lua_pushlstring(L, request.ptr, request.len);
    if (lua_pcall(L, 2, 1, 0) != LUA_OK) {
        ve_log_event(&world->log, VE_LOG_ERROR, "spec_error",
                     ve_ftext("error", lua_tostring(L, -1) ? lua_tostring(L, -1) : "?"));
        lua_pop(L, 1);
        return VE_EFAILED;
    }
    int err = lua_istable(L, -1) ? add_pieces(L, to) : VE_ENOENT;
    lua_pop(L, 1);
    return err;
}

/* scripted(world, function): answers for providers: function(role, request as JSON text) returns a
 * list of { seconds, text }, or nil for none */
static int l_scripted(lua_State *L)
{
    struct world *world = check_world(L);
    luaL_checktype(L, 2, LUA_TFUNCTION);
    lua_settop(L, 2);
    luaL_unref(L, LUA_REGISTRYINDEX, world->scripted);
    world->scripted = luaL_ref(L, LUA_REGISTRYINDEX);
    return 0;
}

static struct ve_leg leg_of(struct world *world)
{
    return (struct ve_leg){
        .out = {.audio = leg_audio, .clear = leg_clear, .arg = world},
        .digits = leg_digits,
        .transfer = leg_transfer,
        .close = leg_close,
        .arg = world,
    };
}

/* --- making and closing --------------------------------------------------------------------------
 */

static int close_world(lua_State *L)
{
    struct world *world = luaL_checkudata(L, 1, world_key);
    if (world->open)
        ve_worker_close(&world->worker);
    world->open = false;
    luaL_unref(L, LUA_REGISTRYINDEX, world->scripted);
    world->scripted = LUA_NOREF;
    ve_world_net_free(&world->net, L);
    ve_loop_free(world->loop);
    world->loop = NULL;
    ve_buf_free(&world->lines);
    ve_buf_free(&world->digits);
    ve_buf_free(&world->transfer);
    return 0;
}

static struct ve_worker_options worker_options(struct world *world, lua_State *L,
                                               const uint64_t *seed)
{
    size_t len = 0;
    lua_getfield(L, 1, "source");
    const char *source = lua_tolstring(L, -1, &len);
    lua_getfield(L, 1, "script");
    const char *script = luaL_optstring(L, -1, "main.lua");
    lua_pop(L, 2); /* the table holds both */
    return (struct ve_worker_options){
        .loop = world->loop,
        .log = &world->log,
        .session =
            {
                .playout = {.rate = 16000, .chunk = 2048, .lead = VE_PLAYOUT_LEAD},
                .policy = ve_turn_policy_default(),
                .gate_db = VE_VAD_GATE_DBFS,
            },
        .max_calls = 1000,
        .script = script,
        .source = ve_str_n(source, len),
        .scripted = {scripted_ask, world},
        .outbound = {.script = &world->net.script},
        .text_mode = true,
        .rng_seed = seed,
    };
}

/* net(world, function): what comes back for a request; see lualib/voice/sim.lua */
static int l_net(lua_State *L)
{
    struct world *world = check_world(L);
    luaL_checktype(L, 2, LUA_TFUNCTION);
    lua_settop(L, 2);
    ve_world_net_answer(&world->net, L);
    return 0;
}

/* open{ script = path | source = text, seed = n, settings = { NAME = text } } -> world | nil,
 * message Without settings there are no rules about where requests may lead: nothing is reached. */
static int l_open(lua_State *L)
{
    char why[1024];
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_getfield(L, 1, "seed");
    uint64_t seed = (uint64_t)luaL_optinteger(L, -1, 1);
    lua_pop(L, 1);
    struct world *world = lua_newuserdatauv(L, sizeof(*world), 0);
    memset(world, 0, sizeof(*world));
    world->scripted = LUA_NOREF;
    ve_world_net_init(&world->net);
    ve_buf_init(&world->lines, LOG_MAX);
    ve_buf_init(&world->digits, 4096);
    ve_buf_init(&world->transfer, 256);
    luaL_setmetatable(L, world_key);
    if (ve_loop_new_sim(&world->loop, WALL_MS) != 0)
        return luaL_error(L, "not enough memory");
    world->log = (struct ve_log){
        .level = VE_LOG_INFO,
        .wall_ms = wall_ms,
        .clock = world->loop,
        .write = log_write,
        .writer = world,
    };
    struct ve_worker_options options = worker_options(world, L, &seed);
    struct ve_bind_setting settings[VE_OUTBOUND_SETTINGS_MAX];
    lua_getfield(L, 1, "settings");
    options.outbound.anywhere = !lua_istable(L, -1);
    if (lua_istable(L, -1))
        ve_world_net_settings(L, lua_gettop(L), settings, &options.outbound.count);
    options.outbound.settings = settings;
    lua_pop(L, 1); /* the table at 1 holds it */
    if (ve_worker_open(&world->worker, &options, why) != 0) {
        lua_pushnil(L);
        lua_pushstring(L, why);
        return 2;
    }
    world->worker.options.rng_seed = NULL; /* it was on our stack */
    world->open = true;
    return 1;
}

/* --- what happens in it ----------------------------------------------------------------------- */

/* advance(world, seconds) */
static int l_advance(lua_State *L)
{
    struct world *world = check_world(L);
    double seconds = luaL_checknumber(L, 2);
    luaL_argcheck(L, seconds >= 0 && seconds <= 86400, 2, "0 to 86400 seconds");
    world->L = L;
    world->net.L = L;
    ve_sim_advance(world->loop, (uint64_t)(seconds * 1e9));
    world->L = NULL;
    world->net.L = NULL;
    return 0;
}

/* webhook(world, json): an event as the carrier would send it -> true | nil, message */
static int l_webhook(lua_State *L)
{
    struct world *world = check_world(L);
    struct ve_event *event;
    char why[96];
    size_t len;
    const char *json = luaL_checklstring(L, 2, &len);
    int err = ve_ringover_decode(&event, ve_str_n(json, len), why);
    if (!err)
        err = ve_directory_post(world->worker.calls, event, NULL, NULL);
    if (err) {
        lua_pushnil(L);
        lua_pushstring(L, err == VE_EPROTO ? why : ve_err_name(err));
        return 2;
    }
    lua_pushboolean(L, 1);
    return 1;
}

/* media(world, call_id, from, to): the media connection opens -> true | nil, code */
static int l_media(lua_State *L)
{
    struct world *world = check_world(L);
    struct ve_leg leg = leg_of(world);
    struct ve_call_facts facts = {
        .call_id = ve_str(luaL_checkstring(L, 2)),
        .session_id = ve_str(luaL_checkstring(L, 2)),
        .from = ve_str(luaL_optstring(L, 3, "")),
        .to = ve_str(luaL_optstring(L, 4, "")),
    };
    world->closed = false;
    int err = ve_call_media_open(world->worker.calls, &facts, &leg, &world->call);
    if (err)
        return ve_bind_fail(L, err);
    lua_pushboolean(L, 1);
    return 1;
}

/* media_closed(world, normal) */
static int l_media_closed(lua_State *L)
{
    struct world *world = check_world(L);
    struct ve_call *call = world->call;
    world->call = NULL;
    if (call)
        ve_call_media_closed(call, world, lua_toboolean(L, 2));
    return 0;
}

/* say(world, text, seconds): the caller speaks -> true | nil, "gone" */
static int l_say(lua_State *L)
{
    struct world *world = check_world(L);
    size_t len;
    const char *text = luaL_checklstring(L, 2, &len);
    double seconds = luaL_checknumber(L, 3);
    if (!world->call)
        return ve_bind_fail(L, VE_EGONE);
    (void)ve_session_say_text(ve_call_session(world->call), ve_str_n(text, len),
                              (uint64_t)(seconds * 1e9));
    lua_pushboolean(L, 1);
    return 1;
}

/* press(world, digits) -> true | nil, "gone" */
static int l_press(lua_State *L)
{
    struct world *world = check_world(L);
    const char *digits = luaL_checkstring(L, 2);
    if (!world->call)
        return ve_bind_fail(L, VE_EGONE);
    for (; *digits && world->call; digits++)
        ve_session_digit(ve_call_session(world->call), *digits);
    lua_pushboolean(L, 1);
    return 1;
}

static void set_text(lua_State *L, const char *key, const struct ve_buf *text)
{
    if (!text->len)
        return;
    lua_pushlstring(L, text->ptr, text->len);
    lua_setfield(L, -2, key);
}

/* state(world) -> { talking, connected, closed, transfer, digits, clears, now } */
static int l_state(lua_State *L)
{
    struct world *world = check_world(L);
    struct ve_session *session = world->call ? ve_call_session(world->call) : NULL;
    bool talking = session && ve_playout_state(ve_session_playout(session)).busy;
    lua_createtable(L, 0, 8);
    lua_pushboolean(L, talking);
    lua_setfield(L, -2, "talking");
    lua_pushboolean(L, world->call != NULL);
    lua_setfield(L, -2, "connected");
    lua_pushboolean(L, world->closed);
    lua_setfield(L, -2, "closed");
    set_text(L, "transfer", &world->transfer);
    set_text(L, "digits", &world->digits);
    lua_pushinteger(L, world->clears);
    lua_setfield(L, -2, "clears");
    lua_pushnumber(L, (double)ve_loop_now(world->loop) / 1e9);
    lua_setfield(L, -2, "now");
    return 1;
}

/* record(world, call_id) -> JSON text | nil, code */
static int l_record(lua_State *L)
{
    struct world *world = check_world(L);
    struct ve_buf out;
    ve_buf_init(&out, 0);
    int err = ve_calls_record(world->worker.calls, ve_str(luaL_checkstring(L, 2)), &out);
    if (err) {
        ve_buf_free(&out);
        return ve_bind_fail(L, err);
    }
    lua_pushlstring(L, out.ptr, out.len);
    ve_buf_free(&out);
    return 1;
}

/* log(world) -> what was logged so far */
static int l_log(lua_State *L)
{
    struct world *world = check_world(L);
    lua_pushlstring(L, world->lines.ptr ? world->lines.ptr : "", world->lines.len);
    return 1;
}

static const luaL_Reg functions[] = {
    {"open", l_open},       {"close", close_world}, {"advance", l_advance},
    {"webhook", l_webhook}, {"media", l_media},     {"media_closed", l_media_closed},
    {"say", l_say},         {"press", l_press},     {"state", l_state},
    {"record", l_record},   {"log", l_log},         {"scripted", l_scripted},
    {"net", l_net},         {NULL, NULL},
};

void ve_world_open(lua_State *L)
{
    luaL_newmetatable(L, world_key);
    lua_pushcfunction(L, close_world);
    lua_setfield(L, -2, "__gc");
    lua_pop(L, 1);
    luaL_newlib(L, functions);
}
