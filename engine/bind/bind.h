/*
 * bind/bind.h - how scripts reach the engine: the table `core` that lualib is given.
 *
 * Bindings are logic-free: read arguments, call the engine, push or raise. What waits is an
 * operation (script/op.h); `core.wait` is the only primitive that suspends. Scripts never see
 * `core`; they see what lualib/voice builds on it.
 *
 * Arguments that make no sense raise; an expected failure returns nil, code.
 */
#ifndef VE_BIND_BIND_H
#define VE_BIND_BIND_H

#include "base/err.h"
#include "call/call.h"
#include "provider/limiter.h"
#include "provider/request.h"
#include "script/shard.h"
#include "script/task.h"
#include "speech/speech.h"

#include <lauxlib.h>
#include <lua.h>

/* What a simulated provider answers, one piece after the other; see ve_scripted_add. */
struct ve_followups;
struct ve_scripted_answer;
struct ve_sender;
struct ve_store;
struct ve_scripted {
    /* Fills the answer to a request (JSON) of a role ("llm"); VE_ENOENT: the spec has none. */
    int (*ask)(void *arg, struct ve_str role, struct ve_str request, struct ve_scripted_answer *to);
    void *arg;
};
/* A piece (any text) that comes `after_s` seconds behind the one before it. VE_ENOMEM, VE_EINVAL.
 */
int ve_scripted_add(struct ve_scripted_answer *answer, double after_s, struct ve_str piece);

/* A setting that provider scripts may see, or the name of one and its secret value. */
struct ve_bind_setting {
    const char *name;
    const char *value;
};

/* The services of a worker, for the bindings. Members are borrowed; NULL: not there. */
struct ve_bind {
    struct ve_loop *loop;
    const struct ve_log *log;
    struct ve_calls *calls;
    struct ve_speech *speech;
    struct ve_asks *asks;                   /* questions of the carrier */
    struct ve_requests *requests;           /* NULL: no way out */
    const struct ve_vault *vault;           /* which secrets there are; NULL: none */
    const struct ve_bind_setting *settings; /* of the providers, no secrets */
    size_t setting_count;
    const struct ve_policy *policy; /* of the tenant: where requests may lead; NULL: the worker's */
    struct ve_limiter *limiter;     /* NULL: no limits are kept */
    const char *data_dir;           /* recordings go below it; NULL: nothing is written */
    struct ve_store *store;
    struct ve_sender *sender;
    struct ve_followups *followups;
    const char *tenant; /* whose scripts run */
    uint64_t key_salt;  /* of idempotency keys: random, or repeatable in simulations */
    uint64_t keys;      /* given so far */
    /* Answers of a spec instead of a provider's, in simulations; `ask` NULL: there are none. */
    struct ve_scripted scripted;
    bool text_mode; /* simulated callers without audio: voices give silence of the right length */
};

/* An ve_open_core_fn; context is the struct ve_bind. */
void ve_bind_open(lua_State *L, void *context);

/* One per file: adds its functions to the table on top. [-0, +0, m] */
void ve_bind_core(lua_State *L);
void ve_bind_json(lua_State *L);
void ve_bind_call(lua_State *L);
void ve_bind_turns(lua_State *L);
void ve_bind_say(lua_State *L);
void ve_bind_listen(lua_State *L);
void ve_bind_grammar(lua_State *L);
void ve_bind_record(lua_State *L);
void ve_bind_store(lua_State *L);
void ve_bind_tone(lua_State *L);
void ve_bind_answer(lua_State *L);
void ve_bind_hear(lua_State *L);
void ve_bind_scripted(lua_State *L);
void ve_bind_http(lua_State *L);
void ve_bind_stream(lua_State *L);
void ve_bind_limit(lua_State *L);

/* The services; every core function has them as its upvalue's context. */
struct ve_bind *ve_bind_of(lua_State *L);
/* The running task; raises while loading or closing. [-0, +0, v] */
struct ve_task *ve_bind_task(lua_State *L);
/* The task's call; raises when it has none. [-0, +0, v] */
struct ve_call *ve_bind_task_call(lua_State *L);
/* As ve_bind_task_call, for what has an effect outside: also raises when the task works for an
 * answer that was begun on trial and not committed. [-0, +0, v] */
struct ve_call *ve_bind_effect_call(lua_State *L);
/* Pushes nil and the code of an error; returns 2. */
int ve_bind_fail(lua_State *L, int err);
/* A table's field: text, number or flag, with a default. [-0, +0, v] */
struct ve_str ve_bind_field_str(lua_State *L, int table, const char *name);
double ve_bind_field_num(lua_State *L, int table, const char *name, double fallback);
bool ve_bind_field_bool(lua_State *L, int table, const char *name, bool fallback);

#endif
