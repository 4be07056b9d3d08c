#include "store/outbox.h"

#include "base/err.h"
#include "store/effects.h"
#include "store/queue.h"
#include "store/usage.h"

/* In the columns `state` of the statements: enum ve_outbox_state. */
static const char SQL_FIND[] = "SELECT id FROM outbox WHERE origin = ?1 AND number = ?2";
static const char SQL_PUT[] =
    "INSERT INTO outbox(id, origin, number, tenant, call_id, sink, key, match, payload, state, due,"
    " attempts, created, changed, why, heard)"
    " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 0, ?10, 0, ?11, ?11, '', 0)";
static const char SQL_ENTRY[] =
    "SELECT state, attempts, origin, match <> '', heard, length(payload), tenant "
    "FROM outbox WHERE id = ?1";
static const char SQL_MOVE[] =
    "UPDATE outbox SET state = ?2, due = ?3, attempts = ?4, changed = ?5,"
    " why = ?6, heard = 0 WHERE id = ?1";
/* What arrived needs no payload any more. */
static const char SQL_ARRIVED[] = "UPDATE outbox SET state = 2, due = ?2, changed = ?3, why = '',"
                                  " payload = '' WHERE id = ?1";
static const char SQL_HEARD[] = "UPDATE outbox SET heard = 1 WHERE id = ?1";
static const char SQL_CONFIRMED[] = "UPDATE outbox SET match = '' WHERE id = ?1";
static const char SQL_DELETE[] = "DELETE FROM outbox WHERE id = ?1";
static const char SQL_ALIVE[] = "SELECT 1 FROM inbox WHERE id = ?1 "
                                "UNION ALL SELECT 1 FROM followup WHERE id = ?1";
static const char SQL_OVER[] = "DELETE FROM outbox WHERE origin = ?1 AND state = 2 AND match = ''";
static const char SQL_KEEP[] = "UPDATE outbox SET due = ?2 WHERE origin = ?1 AND state = 2";
static const char SQL_MATCH[] =
    "SELECT id FROM outbox WHERE match = ?1 AND tenant = ?2 AND state IN (1, 2, 3) AND heard = 0"
    " ORDER BY state = 2 DESC, state = 1 DESC, id LIMIT 1";

static const enum ve_count count_of[VE_OUTBOX_STATES] = {
    VE_COUNT_PENDING, VE_COUNT_TRYING, VE_COUNT_DONE, VE_COUNT_UNKNOWN, VE_COUNT_DEAD,
};

const char *ve_outbox_state_name(enum ve_outbox_state state)
{
    static const char *const names[VE_OUTBOX_STATES] = {"pending", "trying", "done", "unknown",
                                                        "dead"};
    return state < VE_OUTBOX_STATES ? names[state] : "";
}

/* --- putting ---------------------------------------------------------------------------------- */

struct put_op {
    struct ve_store_op op;
    struct ve_effect effect;
    int64_t now_ms;
};

static int room_for(struct ve_db *db, const struct ve_effect *effect)
{
    const struct ve_store_limits *limits = &db->limits;
    int64_t rows = 0;
    for (int i = 0; i < VE_OUTBOX_STATES; i++)
        rows += db->count[count_of[i]];
    if (rows >= (int64_t)limits->outbox_rows ||
        db->count[VE_COUNT_OUTBOX_BYTES] + (int64_t)effect->payload.len >
            (int64_t)limits->outbox_bytes)
        return VE_EBUSY;
    struct ve_usage_bound bound = {.rows = limits->outbox_tenant};
    return ve_usage_check(db, effect->tenant, VE_USAGE_OUTBOX, 1, 0, bound);
}

static int put_run(struct ve_db *db, struct ve_store_op *op)
{
    struct put_op *put = (struct put_op *)op;
    const struct ve_effect *effect = &put->effect;
    int64_t number = effect->number;
    int err = effect->origin ? ve_db_number(db, &op->number, SQL_FIND, ve_bint(effect->origin),
                                            ve_bint(number))
                             : VE_ENOENT;
    if (err != VE_ENOENT)
        return err ? err : VE_EEXIST;
    err = room_for(db, effect);
    if (err)
        return err;
    int64_t id = ve_db_serial(db);
    /* A call asks once: its effects need only be told apart. */
    if (!effect->origin)
        number = id;
    err = ve_db_run(db, SQL_PUT, ve_bint(id), ve_bint(effect->origin), ve_bint(number),
                    ve_btext(effect->tenant), ve_btext(effect->call_id), ve_btext(effect->sink),
                    ve_btext(effect->key), ve_btext(effect->match), ve_bblob(effect->payload),
                    ve_bint(effect->due_ms), ve_bint(put->now_ms));
    if (!err)
        err = ve_usage_add(db, effect->tenant, VE_USAGE_OUTBOX, 1, (int64_t)effect->payload.len);
    if (err)
        return err;
    ve_db_count(db, VE_COUNT_PENDING, 1);
    ve_db_count(db, VE_COUNT_OUTBOX_BYTES, (int64_t)effect->payload.len);
    op->number = id;
    return 0;
}

static bool effect_ok(const struct ve_effect *effect)
{
    return effect->tenant.len <= VE_STORE_TENANT_MAX && effect->call_id.len <= VE_STORE_NAME_MAX &&
           effect->sink.len > 0 && effect->sink.len <= VE_STORE_NAME_MAX &&
           effect->key.len <= VE_STORE_KEY_MAX && effect->match.len <= VE_STORE_KEY_MAX &&
           (effect->origin == 0 || effect->number > 0);
}

int ve_outbox_put(struct ve_store *store, const struct ve_effect *effect, int64_t now_ms,
                  ve_store_number_fn done, void *arg)
{
    if (!effect_ok(effect))
        return VE_EINVAL;
    if (effect->payload.len > VE_STORE_DATA_MAX)
        return VE_ETOOBIG;
    struct put_op *put = ve_store_op_new(sizeof(*put), effect->tenant.len + effect->call_id.len +
                                                           effect->sink.len + effect->key.len +
                                                           effect->match.len + effect->payload.len);
    if (!put)
        return VE_ENOMEM;
    put->op.run = put_run;
    put->op.done = ve_store_op_number;
    put->op.callback.number = done;
    put->op.arg = arg;
    put->now_ms = now_ms;
    put->effect = *effect;
    put->effect.tenant = ve_store_op_text(&put->op, effect->tenant);
    put->effect.call_id = ve_store_op_text(&put->op, effect->call_id);
    put->effect.sink = ve_store_op_text(&put->op, effect->sink);
    put->effect.key = ve_store_op_text(&put->op, effect->key);
    put->effect.match = ve_store_op_text(&put->op, effect->match);
    put->effect.payload = ve_store_op_text(&put->op, effect->payload);
    return ve_store_submit(store, &put->op);
}

/* --- one entry -------------------------------------------------------------------------------- */

struct entry {
    int64_t id;
    enum ve_outbox_state state;
    int64_t attempts;
    int64_t origin;
    bool matched; /* news of it may come */
    bool heard;   /* it came, in the middle of the attempt */
    int64_t bytes;
    char tenant[VE_STORE_TENANT_MAX + 1];
};

static int read_entry(struct ve_db *db, int64_t id, struct entry *entry)
{
    sqlite3_stmt *stmt;
    int err = ve_db_query(db, &stmt, SQL_ENTRY, ve_bint(id));
    if (err)
        return err;
    err = ve_db_next(db, stmt);
    if (err != 1)
        return err ? err : VE_ENOENT;
    *entry = (struct entry){
        .id = id,
        .state = (enum ve_outbox_state)ve_db_int(stmt, 0),
        .attempts = ve_db_int(stmt, 1),
        .origin = ve_db_int(stmt, 2),
        .matched = ve_db_int(stmt, 3) != 0,
        .heard = ve_db_int(stmt, 4) != 0,
        .bytes = ve_db_int(stmt, 5),
    };
    (void)ve_str_copy(entry->tenant, sizeof(entry->tenant), ve_db_text(stmt, 6));
    ve_db_finish(stmt);
    return entry->state < VE_OUTBOX_STATES ? 0 : ve_db_fail(db, SQLITE_CORRUPT);
}

/* Its handler may still run again and ask for it. */
static int origin_alive(struct ve_db *db, const struct entry *entry, bool *alive)
{
    int64_t one;
    int err = entry->origin ? ve_db_number(db, &one, SQL_ALIVE, ve_bint(entry->origin)) : VE_ENOENT;
    *alive = err == 0;
    return err == VE_ENOENT ? 0 : err;
}

/* Those that are done take no room of the tenant's any more. */
static int give_room_back(struct ve_db *db, const struct entry *entry)
{
    ve_db_count(db, count_of[entry->state], -1);
    if (entry->state == VE_OUTBOX_DONE)
        return 0;
    ve_db_count(db, VE_COUNT_OUTBOX_BYTES, -entry->bytes);
    return ve_usage_add(db, ve_str(entry->tenant), VE_USAGE_OUTBOX, -1, -entry->bytes);
}

static int delete_entry(struct ve_db *db, const struct entry *entry)
{
    int err = ve_db_run(db, SQL_DELETE, ve_bint(entry->id));
    return err ? err : give_room_back(db, entry);
}

int ve_effects_delete(struct ve_db *db, int64_t id)
{
    struct entry entry;
    int err = read_entry(db, id, &entry);
    return err ? err : delete_entry(db, &entry);
}

int ve_effects_origin_over(struct ve_db *db, int64_t origin, int64_t now_ms)
{
    if (db->count[VE_COUNT_DONE] == 0)
        return 0;
    int err = ve_db_run(db, SQL_OVER, ve_bint(origin));
    if (err)
        return err;
    ve_db_count(db, VE_COUNT_DONE, -ve_db_changed(db));
    return ve_db_run(db, SQL_KEEP, ve_bint(origin), ve_bint(now_ms + VE_EFFECTS_MATCH_MS));
}

/* --- the steps -------------------------------------------------------------------------------- */

struct step_op {
    struct ve_store_op op;
    int64_t id;
    unsigned from; /* bits of the states that allow it */
    enum ve_outbox_state to;
    int64_t due_ms;
    int64_t now_ms;
    struct ve_str why;
};

/* It arrived. Kept only for a handler that may ask again, or for the news that will come of it. */
static int arrive(struct ve_db *db, const struct entry *entry, int64_t now_ms)
{
    bool alive;
    int err = origin_alive(db, entry, &alive);
    if (!err && !alive && (!entry->matched || entry->heard))
        return delete_entry(db, entry);
    int64_t until = now_ms + VE_EFFECTS_MATCH_MS + (alive ? db->limits.inbox_ms : 0);
    if (!err)
        err = ve_db_run(db, SQL_ARRIVED, ve_bint(entry->id), ve_bint(until), ve_bint(now_ms));
    if (!err)
        err = give_room_back(db, entry);
    if (err)
        return err;
    ve_db_count(db, VE_COUNT_DONE, 1);
    return 0;
}

static int move(struct ve_db *db, const struct entry *entry, const struct step_op *step)
{
    int64_t attempts = entry->attempts;
    if (step->to == VE_OUTBOX_DONE || (step->to == VE_OUTBOX_UNKNOWN && entry->heard))
        return arrive(db, entry, step->now_ms);
    if (step->to == VE_OUTBOX_TRYING)
        attempts++;
    else if (entry->state >= VE_OUTBOX_UNKNOWN && step->to == VE_OUTBOX_PENDING)
        attempts = 0;
    int err = ve_db_run(db, SQL_MOVE, ve_bint(entry->id), ve_bint(step->to), ve_bint(step->due_ms),
                        ve_bint(attempts), ve_bint(step->now_ms), ve_btext(step->why));
    if (err)
        return err;
    ve_db_count(db, count_of[entry->state], -1);
    ve_db_count(db, count_of[step->to], 1);
    return 0;
}

static int step_run(struct ve_db *db, struct ve_store_op *op)
{
    const struct step_op *step = (const struct step_op *)op;
    struct entry entry;
    int err = read_entry(db, step->id, &entry);
    if (err)
        return err;
    if (!(step->from & (1U << entry.state)))
        return VE_EINVAL;
    op->number = step->to == VE_OUTBOX_TRYING ? entry.attempts + 1 : step->id;
    return move(db, &entry, step);
}

static struct step_op *new_step(int64_t id, unsigned from, enum ve_outbox_state to, int64_t now_ms,
                                struct ve_str why)
{
    why.len = why.len > VE_OUTBOX_WHY_MAX ? VE_OUTBOX_WHY_MAX : why.len;
    struct step_op *step = ve_store_op_new(sizeof(*step), why.len);
    if (!step)
        return NULL;
    step->op.run = step_run;
    step->id = id;
    step->from = from;
    step->to = to;
    step->now_ms = now_ms;
    step->due_ms = now_ms;
    step->why = ve_store_op_text(&step->op, why);
    return step;
}

static int submit_plain(struct ve_store *store, struct step_op *step, ve_store_fn done, void *arg)
{
    if (!step)
        return VE_ENOMEM;
    step->op.done = ve_store_op_plain;
    step->op.callback.plain = done;
    step->op.arg = arg;
    return ve_store_submit(store, &step->op);
}

#define BIT(state) (1U << VE_OUTBOX_##state)

int ve_outbox_begin(struct ve_store *store, int64_t id, int64_t now_ms, ve_store_number_fn done,
                    void *arg)
{
    struct step_op *step = new_step(id, BIT(PENDING), VE_OUTBOX_TRYING, now_ms, VE_STR(""));
    if (!step)
        return VE_ENOMEM;
    step->op.done = ve_store_op_number;
    step->op.callback.number = done;
    step->op.arg = arg;
    return ve_store_submit(store, &step->op);
}

int ve_outbox_done(struct ve_store *store, int64_t id, int64_t now_ms, ve_store_fn done, void *arg)
{
    return submit_plain(
        store,
        new_step(id, BIT(TRYING) | BIT(UNKNOWN) | BIT(DEAD), VE_OUTBOX_DONE, now_ms, VE_STR("")),
        done, arg);
}

int ve_outbox_retry(struct ve_store *store, int64_t id, int64_t due_ms, struct ve_str why,
                    int64_t now_ms, ve_store_fn done, void *arg)
{
    struct step_op *step = new_step(id, BIT(TRYING), VE_OUTBOX_PENDING, now_ms, why);
    if (step)
        step->due_ms = due_ms;
    return submit_plain(store, step, done, arg);
}

int ve_outbox_unknown(struct ve_store *store, int64_t id, struct ve_str why, int64_t now_ms,
                      ve_store_fn done, void *arg)
{
    return submit_plain(store, new_step(id, BIT(TRYING), VE_OUTBOX_UNKNOWN, now_ms, why), done,
                        arg);
}

int ve_outbox_dead(struct ve_store *store, int64_t id, struct ve_str why, int64_t now_ms,
                   ve_store_fn done, void *arg)
{
    return submit_plain(
        store, new_step(id, BIT(PENDING) | BIT(TRYING) | BIT(UNKNOWN), VE_OUTBOX_DEAD, now_ms, why),
        done, arg);
}

int ve_outbox_resend(struct ve_store *store, int64_t id, int64_t now_ms, ve_store_fn done,
                     void *arg)
{
    return submit_plain(
        store, new_step(id, BIT(UNKNOWN) | BIT(DEAD), VE_OUTBOX_PENDING, now_ms, VE_STR("")), done,
        arg);
}

/* --- news from outside ------------------------------------------------------------------------ */

struct confirm_op {
    struct ve_store_op op;
    struct ve_str tenant;
    struct ve_str match;
    int64_t now_ms;
};

/* A piece of news is used once: it may not settle another entry as well. */
static int use_news(struct ve_db *db, const struct entry *entry, int64_t now_ms)
{
    bool alive;
    if (entry->state == VE_OUTBOX_TRYING)
        return ve_db_run(db, SQL_HEARD, ve_bint(entry->id));
    int err = origin_alive(db, entry, &alive);
    if (err)
        return err;
    if (!alive)
        return delete_entry(db, entry);
    err = ve_db_run(db, SQL_CONFIRMED, ve_bint(entry->id));
    return err || entry->state == VE_OUTBOX_DONE ? err : arrive(db, entry, now_ms);
}

static int confirm_run(struct ve_db *db, struct ve_store_op *op)
{
    struct confirm_op *confirm = (struct confirm_op *)op;
    struct entry entry;
    int64_t id;
    int err = ve_db_number(db, &id, SQL_MATCH, ve_btext(confirm->match), ve_btext(confirm->tenant));
    if (!err)
        err = read_entry(db, id, &entry);
    if (err)
        return err;
    op->number = id;
    return use_news(db, &entry, confirm->now_ms);
}

int ve_outbox_confirm(struct ve_store *store, struct ve_str tenant, struct ve_str match,
                      int64_t now_ms, ve_store_number_fn done, void *arg)
{
    if (!match.len || match.len > VE_STORE_KEY_MAX || tenant.len > VE_STORE_TENANT_MAX)
        return VE_EINVAL;
    struct confirm_op *confirm = ve_store_op_new(sizeof(*confirm), tenant.len + match.len);
    if (!confirm)
        return VE_ENOMEM;
    confirm->op.run = confirm_run;
    confirm->op.done = ve_store_op_number;
    confirm->op.callback.number = done;
    confirm->op.arg = arg;
    confirm->tenant = ve_store_op_text(&confirm->op, tenant);
    confirm->match = ve_store_op_text(&confirm->op, match);
    confirm->now_ms = now_ms;
    return ve_store_submit(store, &confirm->op);
}
