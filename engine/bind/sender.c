#include "bind/sender.h"

#include "base/alloc.h"
#include "base/err.h"
#include "base/json.h"

#include <math.h>

#define ATTEMPTS_AT_ONCE 16
#define ATTEMPTS_MAX     8
#define RETRY_FIRST      1.0    /* s */
#define RETRY_LONGEST    3600.0 /* s */
/* After the store has refused something. */
#define AGAIN VE_SECOND

struct ve_sender {
    struct ve_sender_config config;
    struct ve_link attempts;
    unsigned busy; /* in the list */
    struct ve_timer timer;
    bool looking; /* the store is asked what is due */
    bool kicked;  /* meanwhile something has come */
    bool stopped;
    bool freed; /* only the look is still to come back */
};

struct attempt {
    struct ve_link link;
    struct ve_sender *sender; /* NULL: it has been freed */
    struct ve_timer again;    /* the store refused to take the outcome */
    bool asked;               /* the store will call back */
    int64_t id;
    uint32_t number;
    bool keyed;
    struct ve_buf effect; /* for the sink, JSON; the number of the attempt is missing */
    char name[VE_STORE_NAME_MAX + 1];
    /* the outcome */
    enum ve_outcome_of_effect outcome;
    int64_t due_ms;
    char why[VE_OUTBOX_WHY_MAX + 1];
};

static void look(struct ve_sender *sender);

static void drop(struct attempt *attempt)
{
    if (attempt->sender)
        attempt->sender->busy--;
    ve_timer_stop(&attempt->again);
    ve_link_remove(&attempt->link);
    ve_buf_free(&attempt->effect);
    ve_free(attempt);
}

static int64_t now_ms(const struct ve_sender *sender)
{
    return ve_loop_wall_ms(sender->config.loop);
}

/* --- the end of an attempt -------------------------------------------------------------------- */

static void tell_store(struct attempt *attempt);

static void on_told(void *arg, int err)
{
    struct attempt *attempt = arg;
    struct ve_sender *sender = attempt->sender;
    attempt->asked = false;
    /* VE_EINVAL, VE_ENOENT: somebody else has settled it meanwhile. */
    if (sender && err && err != VE_EINVAL && err != VE_ENOENT) {
        ve_timer_start(&attempt->again, AGAIN);
        return;
    }
    drop(attempt);
    if (sender)
        ve_sender_kick(sender);
}

static void on_again(void *arg)
{
    tell_store(arg);
}

/* Until it is told, the entry is `trying`; that is what a crash would find. */
static void tell_store(struct attempt *attempt)
{
    struct ve_sender *sender = attempt->sender;
    struct ve_store *store = sender->config.store;
    struct ve_str why = ve_str(attempt->why);
    int64_t now = now_ms(sender);
    int err;
    switch (attempt->outcome) {
    case VE_EFFECT_DONE:
        err = ve_outbox_done(store, attempt->id, now, on_told, attempt);
        break;
    case VE_EFFECT_RETRY:
        err = ve_outbox_retry(store, attempt->id, attempt->due_ms, why, now, on_told, attempt);
        break;
    case VE_EFFECT_UNKNOWN:
        err = ve_outbox_unknown(store, attempt->id, why, now, on_told, attempt);
        break;
    default:
        err = ve_outbox_dead(store, attempt->id, why, now, on_told, attempt);
        break;
    }
    attempt->asked = !err;
    if (err)
        ve_timer_start(&attempt->again, AGAIN);
}

static double retry_after(const struct attempt *attempt, double wanted)
{
    if (wanted > 0)
        return fmin(wanted, RETRY_LONGEST);
    return fmin(RETRY_FIRST * (double)(1u << (attempt->number - 1)), RETRY_LONGEST);
}

static void end_attempt(struct attempt *attempt, enum ve_outcome_of_effect outcome, const char *why,
                        double retry_s)
{
    struct ve_sender *sender = attempt->sender;
    attempt->outcome = outcome;
    (void)ve_str_copy(attempt->why, sizeof(attempt->why), ve_str(why));
    if (outcome == VE_EFFECT_RETRY && attempt->number >= ATTEMPTS_MAX)
        attempt->outcome = attempt->keyed ? VE_EFFECT_UNKNOWN : VE_EFFECT_DEAD;
    attempt->due_ms = now_ms(sender) + (int64_t)(retry_after(attempt, retry_s) * 1000);
    if (attempt->outcome != VE_EFFECT_DONE)
        ve_log_event(sender->config.log, VE_LOG_WARN, "effect_failed",
                     ve_ftext("sink", attempt->name), ve_fi64("id", attempt->id),
                     ve_fu64("attempt", attempt->number),
                     ve_ftext("then", attempt->outcome == VE_EFFECT_RETRY  ? "again"
                                      : attempt->outcome == VE_EFFECT_DEAD ? "dead"
                                                                           : "unknown"),
                     ve_ftext("error", why));
    tell_store(attempt);
}

static void on_over(void *arg, const struct ve_errand *errand)
{
    struct attempt *attempt = arg;
    if (errand->told)
        end_attempt(attempt, errand->outcome, errand->why, errand->retry_s);
    else
        end_attempt(attempt, attempt->keyed ? VE_EFFECT_RETRY : VE_EFFECT_UNKNOWN,
                    "the sink ended without an outcome", 0);
}

/* --- an attempt ------------------------------------------------------------------------------- */

/* It is on the disk that it begins. */
static void on_begun(void *arg, int err, int64_t number)
{
    struct attempt *attempt = arg;
    struct ve_sender *sender = attempt->sender;
    attempt->asked = false;
    if (!sender || err) {
        drop(attempt);
        if (sender && err != VE_EINVAL && err != VE_ENOENT)
            ve_timer_start(&sender->timer, AGAIN);
        return;
    }
    attempt->number = (uint32_t)number;
    struct ve_value args[] = {ve_vstr(ve_buf_str(&attempt->effect)), ve_vint(number)};
    err = ve_dispatch_run(sender->config.dispatch, "effect", attempt->name, args, 2, 0, on_over,
                          attempt);
    if (err)
        end_attempt(attempt, VE_EFFECT_RETRY, ve_err_name(err), 0);
}

/* What the sink is given. */
static int write_effect(struct ve_buf *out, const struct ve_outbox_row *row)
{
    struct ve_jsonw w;
    ve_jsonw_init(&w, out);
    ve_jsonw_object(&w);
    ve_jsonw_ku64(&w, "id", (uint64_t)row->id);
    ve_jsonw_kstr(&w, "sink", row->sink);
    if (row->key.len)
        ve_jsonw_kstr(&w, "key", row->key);
    if (row->call_id.len)
        ve_jsonw_kstr(&w, "call_id", row->call_id);
    ve_jsonw_key(&w, "payload");
    ve_jsonw_raw(&w, row->payload);
    ve_jsonw_object_end(&w);
    return ve_jsonw_end(&w);
}

static bool under_way(struct ve_sender *sender, int64_t id)
{
    VE_LIST_EACH(&sender->attempts, it)
    {
        if (VE_CONTAINER(it, struct attempt, link)->id == id)
            return true;
    }
    return false;
}

static int begin(struct ve_sender *sender, const struct ve_outbox_row *row)
{
    if (under_way(sender, row->id))
        return 0;
    struct attempt *attempt = ve_alloc(sizeof(*attempt));
    if (!attempt)
        return VE_ENOMEM;
    attempt->sender = sender;
    attempt->id = row->id;
    attempt->keyed = row->key.len > 0;
    (void)ve_str_copy(attempt->name, sizeof(attempt->name), row->sink);
    ve_buf_init(&attempt->effect, 0);
    ve_timer_init(&attempt->again, sender->config.loop, on_again, attempt);
    ve_list_push(&sender->attempts, &attempt->link);
    sender->busy++;
    int err = write_effect(&attempt->effect, row);
    if (!err)
        err = ve_outbox_begin(sender->config.store, row->id, now_ms(sender), on_begun, attempt);
    attempt->asked = !err;
    if (err)
        drop(attempt);
    return err;
}

/* --- what is due ------------------------------------------------------------------------------ */

static uint64_t until(const struct ve_sender *sender, int64_t due_ms)
{
    int64_t now = now_ms(sender);
    if (due_ms <= now)
        return 0;
    /* The wall clock may be set: it is looked at again after a minute. */
    int64_t wait = due_ms - now;
    return (uint64_t)(wait > 60000 ? 60000 : wait) * VE_MS;
}

static void on_due(void *arg, int err, const struct ve_outbox_page *page)
{
    struct ve_sender *sender = arg;
    sender->looking = false;
    if (sender->freed) {
        ve_free(sender);
        return;
    }
    for (size_t i = 0; i < page->count && !err && !sender->stopped; i++)
        err = begin(sender, &page->rows[i]);
    if (sender->stopped)
        return;
    if (err)
        ve_timer_start(&sender->timer, AGAIN);
    else if (sender->kicked)
        look(sender);
    else if (page->next_due_ms != INT64_MAX)
        ve_timer_start(&sender->timer, until(sender, page->next_due_ms));
    /* With more that is due now: the end of an attempt kicks. */
}

static void look(struct ve_sender *sender)
{
    if (sender->stopped)
        return;
    if (sender->looking || sender->busy >= ATTEMPTS_AT_ONCE) {
        sender->kicked = true;
        return;
    }
    sender->kicked = false;
    int err = ve_outbox_due(sender->config.store, now_ms(sender), ATTEMPTS_AT_ONCE, on_due, sender);
    sender->looking = !err;
    if (err)
        ve_timer_start(&sender->timer, AGAIN);
}

static void on_timer(void *arg)
{
    look(arg);
}

/* --- the sender ------------------------------------------------------------------------------- */

int ve_sender_new(struct ve_sender **out, const struct ve_sender_config *config)
{
    struct ve_sender *sender = ve_alloc(sizeof(*sender));
    if (!sender)
        return VE_ENOMEM;
    sender->config = *config;
    ve_link_init(&sender->attempts);
    ve_timer_init(&sender->timer, config->loop, on_timer, sender);
    *out = sender;
    return 0;
}

void ve_sender_free(struct ve_sender *sender)
{
    if (!sender)
        return;
    ve_sender_stop(sender);
    VE_LIST_EACH(&sender->attempts, it)
    {
        struct attempt *attempt = VE_CONTAINER(it, struct attempt, link);
        ve_link_remove(&attempt->link);
        attempt->sender = NULL;
        if (!attempt->asked)
            drop(attempt);
    }
    if (sender->looking)
        sender->freed = true;
    else
        ve_free(sender);
}

void ve_sender_kick(struct ve_sender *sender)
{
    look(sender);
}

void ve_sender_stop(struct ve_sender *sender)
{
    sender->stopped = true;
    ve_timer_stop(&sender->timer);
}

unsigned ve_sender_busy(const struct ve_sender *sender)
{
    return sender->busy;
}
