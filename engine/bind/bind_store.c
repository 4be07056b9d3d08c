#include "bind/bind.h"
#include "bind/errand.h"
#include "bind/followups.h"
#include "bind/sender.h"

#include "base/alloc.h"
#include "store/followup.h"
#include "store/kv.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

/* What the store was asked for. The store cannot be called off: a dropped operation leaves this
 * behind, which the store's callback frees. */
struct asked {
    struct store_op *op; /* NULL: it was dropped */
    struct ve_bind *bind;
    void (*then)(struct ve_bind *bind); /* something new is in the store; may be NULL */
};

struct store_op {
    struct ve_op op;
    struct asked *asked; /* NULL once the store has answered */
};

static void store_cancel(struct ve_op *op)
{
    struct store_op *store = (struct store_op *)op;
    if (store->asked)
        store->asked->op = NULL;
    store->asked = NULL;
}

static const struct ve_op_type store_type = {.name = "store", .cancel = store_cancel};

/* A new operation, or NULL when there is no room or no store. */
static struct asked *begin(lua_State *L, struct ve_task *task)
{
    struct ve_bind *bind = ve_bind_of(L);
    struct asked *asked = bind->store ? ve_alloc(sizeof(*asked)) : NULL;
    struct store_op *op = asked ? ve_op_new(task, &store_type, sizeof(*op)) : NULL;
    if (!op) {
        ve_free(asked);
        return NULL;
    }
    *asked = (struct asked){.op = op, .bind = bind};
    op->asked = asked;
    return asked;
}

/* `err` is what the store said to the question. [-0, +1 or 2, m] */
static int begun(lua_State *L, struct asked *asked, int err)
{
    struct store_op *op = asked->op;
    if (!err) {
        lua_pushinteger(L, op->op.id);
        return 1;
    }
    op->asked = NULL;
    ve_free(asked);
    ve_op_drop(&op->op);
    return ve_bind_fail(L, err);
}

/* The operation that waits for the answer, or NULL; `asked` is gone afterwards. */
static struct store_op *answered(struct asked *asked, int err)
{
    struct store_op *op = asked->op;
    if (op)
        op->asked = NULL;
    if (!err && asked->then)
        asked->then(asked->bind);
    ve_free(asked);
    return op;
}

static void finish(struct store_op *op, int err, const char *kind, const struct ve_value *values,
                   size_t count)
{
    struct ve_value why[] = {ve_vstr(ve_str(ve_err_name(err))), {.type = VE_VALUE_NIL}};
    if (!op)
        return;
    if (!err) {
        ve_op_finish(&op->op, kind, values, count);
        return;
    }
    /* The number of what was there already. */
    if (err == VE_EEXIST && count)
        why[1] = values[0];
    ve_op_finish(&op->op, "error", why, 2);
}

static void on_plain(void *arg, int err)
{
    finish(answered(arg, err), err, "done", NULL, 0);
}

static void on_number(void *arg, int err, int64_t number)
{
    struct ve_value values[] = {ve_vint(number)};
    finish(answered(arg, err), err, "number", values, 1);
}

static void on_entry(void *arg, int err, const struct ve_kv_entry *entry)
{
    struct ve_value values[] = {ve_vstr(entry ? entry->value : VE_STR(""))};
    finish(answered(arg, err), err, "value", values, 1);
}

/* --- arguments -------------------------------------------------------------------------------- */

static struct ve_str check_str(lua_State *L, int arg)
{
    size_t len;
    const char *text = luaL_checklstring(L, arg, &len);
    return ve_str_n(text, len);
}

static struct ve_str opt_str(lua_State *L, int arg)
{
    return lua_isnoneornil(L, arg) ? VE_STR("") : check_str(L, arg);
}

static int64_t now_ms(lua_State *L)
{
    return ve_loop_wall_ms(ve_bind_of(L)->loop);
}

/* Seconds from now, nil for never. */
static int64_t check_expiry(lua_State *L, int arg)
{
    if (lua_isnoneornil(L, arg))
        return 0;
    double seconds = luaL_checknumber(L, arg);
    luaL_argcheck(L, seconds > 0 && seconds <= 1e10, arg, "a time above 0 seconds");
    return now_ms(L) + (int64_t)ceil(seconds * 1000);
}

static struct ve_str tenant_of(lua_State *L)
{
    return ve_str(ve_bind_of(L)->tenant);
}

/* The task, which may have effects; of a call, only for an answer that is committed. */
static struct ve_task *effect_task(lua_State *L)
{
    struct ve_task *task = ve_bind_task(L);
    if (ve_task_owner(task))
        (void)ve_bind_effect_call(L);
    return task;
}

/* --- tenant.kv -------------------------------------------------------------------------------- */

/* core.kv_get(key) -> id; finishes "value" text, or "error" code */
static int l_kv_get(lua_State *L)
{
    struct ve_str key = check_str(L, 1);
    struct asked *asked = begin(L, ve_bind_task(L));
    if (!asked)
        return ve_bind_fail(L, VE_EBUSY);
    return begun(L, asked,
                 ve_kv_get(asked->bind->store, tenant_of(L), key, now_ms(L), on_entry, asked));
}

/* core.kv_set(key, value, seconds) -> id; finishes "done" */
static int l_kv_set(lua_State *L)
{
    struct ve_kv_entry entry = {check_str(L, 1), check_str(L, 2), check_expiry(L, 3)};
    struct asked *asked = begin(L, effect_task(L));
    if (!asked)
        return ve_bind_fail(L, VE_EBUSY);
    return begun(L, asked,
                 ve_kv_set(asked->bind->store, tenant_of(L), &entry, now_ms(L), on_plain, asked));
}

/* core.kv_incr(key, by, seconds) -> id; finishes "number" sum. The time counts for a new key. */
static int l_kv_incr(lua_State *L)
{
    struct ve_str key = check_str(L, 1);
    lua_Integer by = luaL_checkinteger(L, 2);
    int64_t expires = check_expiry(L, 3);
    struct asked *asked = begin(L, effect_task(L));
    if (!asked)
        return ve_bind_fail(L, VE_EBUSY);
    return begun(L, asked,
                 ve_kv_incr(asked->bind->store, tenant_of(L), key, by, expires, now_ms(L),
                            on_number, asked));
}

/* core.kv_delete(key) -> id; finishes "done" */
static int l_kv_delete(lua_State *L)
{
    struct ve_str key = check_str(L, 1);
    struct asked *asked = begin(L, effect_task(L));
    if (!asked)
        return ve_bind_fail(L, VE_EBUSY);
    return begun(L, asked,
                 ve_kv_delete(asked->bind->store, tenant_of(L), key, now_ms(L), on_plain, asked));
}

/* --- voice.at --------------------------------------------------------------------------------- */

static void kick_followups(struct ve_bind *bind)
{
    if (bind->followups)
        ve_followups_kick(bind->followups);
}

/* core.at(epoch seconds, handler, data, key) -> id; finishes "number" id, or "error" "exists" id */
static int l_at(lua_State *L)
{
    double due = luaL_checknumber(L, 1);
    luaL_argcheck(L, due >= 0 && due <= 1e11, 1, "not a time");
    struct ve_followup followup = {
        .tenant = tenant_of(L),
        .handler = check_str(L, 2),
        .data = check_str(L, 3),
        .key = opt_str(L, 4),
        .due_ms = (int64_t)(due * 1000),
    };
    struct asked *asked = begin(L, effect_task(L));
    if (!asked)
        return ve_bind_fail(L, VE_EBUSY);
    asked->then = kick_followups;
    return begun(L, asked, ve_followup_put(asked->bind->store, &followup, on_number, asked));
}

/* core.at_cancel(key) -> id; finishes "done" */
static int l_at_cancel(lua_State *L)
{
    struct ve_str key = check_str(L, 1);
    struct asked *asked = begin(L, effect_task(L));
    if (!asked)
        return ve_bind_fail(L, VE_EBUSY);
    return begun(
        L, asked,
        ve_followup_delete_key(asked->bind->store, tenant_of(L), key, now_ms(L), on_plain, asked));
}

/* --- effects ---------------------------------------------------------------------------------- */

static void kick_sender(struct ve_bind *bind)
{
    if (bind->sender)
        ve_sender_kick(bind->sender);
}

/* A key that no other effect has, of this store or another. */
static struct ve_str make_key(struct ve_bind *bind, char *out, size_t size)
{
    int len = snprintf(out, size, "ve-%016" PRIx64 "-%" PRIu64, bind->key_salt, ++bind->keys);
    return ve_str_n(out, (size_t)len);
}

/* core.outbox_put(sink, payload, keyed, match, seconds) -> id; finishes "number" id, or "error"
 * "exists" id when the handler had asked for it before a crash. `keyed`: the sink honours an
 * idempotency key. */
static int l_outbox_put(lua_State *L)
{
    char key[48];
    struct ve_task *task = effect_task(L);
    struct ve_call *call = ve_task_owner(task);
    struct ve_errand *errand = ve_task_errand(task);
    double delay = luaL_optnumber(L, 5, 0);
    luaL_argcheck(L, delay >= 0 && delay <= 1e9, 5, "not a time");
    struct ve_effect effect = {
        .tenant = tenant_of(L),
        .call_id = call ? ve_call_id(call) : VE_STR(""),
        .sink = check_str(L, 1),
        .payload = check_str(L, 2),
        .match = opt_str(L, 4),
        .due_ms = now_ms(L) + (int64_t)(delay * 1000),
    };
    if (lua_toboolean(L, 3))
        effect.key = make_key(ve_bind_of(L), key, sizeof(key));
    if (errand && errand->origin) {
        effect.origin = errand->origin;
        effect.number = ++errand->effects;
    }
    struct asked *asked = begin(L, task);
    if (!asked)
        return ve_bind_fail(L, VE_EBUSY);
    asked->then = kick_sender;
    return begun(L, asked, ve_outbox_put(asked->bind->store, &effect, now_ms(L), on_number, asked));
}

/* core.outbox_confirm(match) -> id; finishes "number" id of the entry that it settled */
static int l_outbox_confirm(lua_State *L)
{
    struct ve_str match = check_str(L, 1);
    struct asked *asked = begin(L, ve_bind_task(L));
    if (!asked)
        return ve_bind_fail(L, VE_EBUSY);
    return begun(
        L, asked,
        ve_outbox_confirm(asked->bind->store, tenant_of(L), match, now_ms(L), on_number, asked));
}

/* core.outcome("done" | "retry" | "unknown" | "dead", why, seconds): of the effect that this task
 * carries out */
static int l_outcome(lua_State *L)
{
    static const char *const names[] = {"done", "retry", "unknown", "dead", NULL};
    struct ve_errand *errand = ve_task_errand(ve_bind_task(L));
    int outcome = luaL_checkoption(L, 1, NULL, names);
    struct ve_str why = opt_str(L, 2);
    double seconds = luaL_optnumber(L, 3, 0);
    if (!errand)
        return luaL_error(L, "this task carries out no effect");
    errand->told = true;
    errand->outcome = (enum ve_outcome_of_effect)outcome;
    errand->retry_s = seconds > 0 ? seconds : 0;
    (void)ve_str_copy(errand->why, sizeof(errand->why), why);
    return 0;
}

static const luaL_Reg functions[] = {
    {"kv_get", l_kv_get},
    {"kv_set", l_kv_set},
    {"kv_incr", l_kv_incr},
    {"kv_delete", l_kv_delete},
    {"at", l_at},
    {"at_cancel", l_at_cancel},
    {"outbox_put", l_outbox_put},
    {"outbox_confirm", l_outbox_confirm},
    {"outcome", l_outcome},
    {NULL, NULL},
};

void ve_bind_store(lua_State *L)
{
    luaL_setfuncs(L, functions, 0);
}
