#include "call/inside.h"

#include "base/alloc.h"
#include "base/err.h"

#include <stdio.h>
#include <string.h>

/* Tells every watch that listens to `member`; the arguments may name it: `watch`. */
#define SESSION_EACH(call, member, ...)                                                            \
    do {                                                                                           \
        VE_LIST_EACH(&(call)->watches, it_)                                                        \
        {                                                                                          \
            struct ve_call_watch *watch = VE_CONTAINER(it_, struct ve_call_watch, link);           \
            if (watch->events->member)                                                             \
                watch->events->member(__VA_ARGS__);                                                \
        }                                                                                          \
    } while (0)

void ve_call_log(const struct ve_call *call, enum ve_log_level level, const char *event,
                 const char *msg)
{
    char sentence[160];
    (void)snprintf(sentence, sizeof(sentence), "%s %s", msg, call->id);
    ve_log_event(call->calls->config.log, level, event, ve_fmsg(sentence),
                 ve_ftext("call", call->id));
}

/* --- what the session tells: the call's own view, then whoever watches ------------------------ */

static void on_speech(void *arg, bool barge)
{
    SESSION_EACH((struct ve_call *)arg, speech, watch->arg, barge);
}

static void on_speculate(void *arg, uint32_t turn, uint32_t take)
{
    SESSION_EACH((struct ve_call *)arg, speculate, watch->arg, turn, take);
}

static void on_discard(void *arg, uint32_t turn, uint32_t take)
{
    ve_says_discard(arg, turn, take);
    SESSION_EACH((struct ve_call *)arg, discard, watch->arg, turn, take);
}

static void on_commit(void *arg, uint32_t turn, uint32_t take)
{
    struct ve_call *call = arg;
    call->answer_pending = true;
    unsigned slot = call->take_count++ % VE_CALL_TAKES_MAX;
    call->takes[slot].turn = turn;
    call->takes[slot].take = take;
    ve_says_commit(call, turn, take);
    SESSION_EACH(call, commit, watch->arg, turn, take);
}

static void on_heard(void *arg, uint32_t turn)
{
    (void)turn;
    ve_watchdog_owe(arg);
}

static void on_interrupted(void *arg)
{
    struct ve_call *call = arg;
    ve_metric_add(call->calls->counted.interruptions, 1, NULL);
    ve_watchdog_start(call);
    SESSION_EACH(call, interrupted, watch->arg);
}

static void on_digit(void *arg, char digit)
{
    SESSION_EACH((struct ve_call *)arg, digit, watch->arg, digit);
}

static void on_partial(void *arg, uint32_t turn, struct ve_str text, enum ve_turn_shape shape)
{
    struct ve_call *call = arg;
    struct ve_call_sink *sink = &call->calls->sink;
    SESSION_EACH(call, partial, watch->arg, turn, text, shape);
    if (sink->partial && call->script_running)
        sink->partial(sink->arg, call, turn, text, shape);
}

static const struct ve_session_events session_events = {
    .speech = on_speech,
    .speculate = on_speculate,
    .discard = on_discard,
    .commit = on_commit,
    .heard = on_heard,
    .interrupted = on_interrupted,
    .digit = on_digit,
    .partial = on_partial,
};

bool ve_call_committed(const struct ve_call *call, uint32_t turn, uint32_t take)
{
    unsigned count = call->take_count < VE_CALL_TAKES_MAX ? call->take_count : VE_CALL_TAKES_MAX;
    for (unsigned i = 0; i < count; i++) {
        if (call->takes[i].turn == turn && call->takes[i].take == take)
            return true;
    }
    return false;
}

void ve_call_watch(struct ve_call *call, struct ve_call_watch *watch)
{
    ve_list_push(&call->watches, &watch->link);
}

void ve_call_unwatch(struct ve_call_watch *watch)
{
    if (watch->link.next)
        ve_link_remove(&watch->link);
}

/* --- timers -------------------------------------------------------------------------------------
 */

static void on_start(void *arg)
{
    struct ve_call *call = arg;
    call->script_running = true;
    ve_watchdog_start(call);
    call->calls->sink.started(call->calls->sink.arg, call);
}

static void on_deadline(void *arg)
{
    ve_call_input(arg, VE_IN_DEADLINE);
}

static void close_leg(struct ve_call *call, int code)
{
    if (!call->has_leg)
        return;
    call->has_leg = false;
    if (call->session)
        ve_session_attach(call->session, NULL);
    if (call->leg.close)
        call->leg.close(call->leg.arg, code);
}

/* The call is over: tells everybody once and frees it. */
static void on_finish(void *arg)
{
    struct ve_call *call = arg;
    struct ve_calls *calls = call->calls;
    call->ended_wall_ms = ve_loop_wall_ms(calls->config.loop);
    uint64_t lasted = ve_loop_now(calls->config.loop) - call->began_ns;
    const char *outcome = ve_call_outcome_name(call->outcome);
    ve_metric_add(calls->counted.ended, 1, (const char *[]){outcome});
    ve_metric_observe(calls->counted.seconds, (double)lasted / 1e9, NULL);
    ve_says_record(call);
    close_leg(call, 1000);
    calls->sink.ended(calls->sink.arg, call);
    ve_log_event(calls->config.log, VE_LOG_INFO, "call_ended", ve_ftext("call", call->id),
                 ve_ftext("outcome", outcome), ve_fu64("seconds", lasted / VE_SECOND),
                 ve_fu64("turns", call->turn_count));
    ve_record_keep(call);
    ve_call_free(call);
    if (calls->draining && calls->count == 0)
        ve_timer_start(&calls->drain_timer, 0);
}

static void finish_transfer(struct ve_call *call, const char *outcome)
{
    void (*done)(void *arg, const char *outcome) = call->transfer_done;
    ve_timer_stop(&call->transfer_timer);
    call->transferring = false;
    call->transfer_done = NULL;
    if (strcmp(outcome, "answered") == 0)
        call->outcome = VE_OUTCOME_TRANSFERRED;
    if (done)
        done(call->transfer_arg, outcome);
}

static void on_transfer_timeout(void *arg)
{
    finish_transfer(arg, "no_answer");
}

/* --- making and freeing -------------------------------------------------------------------------
 */

int ve_call_new(struct ve_calls *calls, struct ve_str id, struct ve_call **out)
{
    if (calls->draining || calls->count >= calls->config.max_calls)
        return VE_EBUSY;
    if (!id.len || id.len > VE_CALL_ID_MAX)
        return VE_EINVAL;
    struct ve_call *call = ve_alloc(sizeof(*call));
    if (!call)
        return VE_ENOMEM;
    struct ve_loop *loop = calls->config.loop;
    call->calls = calls;
    call->serial = calls->next_serial++;
    ve_str_copy(call->id, sizeof(call->id), id);
    call->began_wall_ms = ve_loop_wall_ms(loop);
    call->began_ns = ve_loop_now(loop);
    ve_rng_seed(&call->rng, ve_rng_u64(&calls->rng));
    ve_buf_init(&call->vars, 64 * 1024);
    ve_link_init(&call->watches);
    ve_link_init(&call->says);
    ve_timer_init(&call->start, loop, on_start, call);
    ve_timer_init(&call->deadline, loop, on_deadline, call);
    ve_timer_init(&call->finish, loop, on_finish, call);
    ve_timer_init(&call->flush, loop, ve_call_flush_look, call);
    ve_timer_init(&call->watchdog, loop, ve_watchdog_fire, call);
    ve_timer_init(&call->transfer_timer, loop, on_transfer_timeout, call);
    int err = ve_map_add(&calls->by_id, id, call);
    if (err) {
        ve_free(call);
        return err;
    }
    ve_list_push(&calls->running, &call->link);
    calls->count++;
    ve_timer_start(&call->deadline, calls->config.media_deadline);
    ve_metric_add(calls->counted.started, 1, NULL);
    *out = call;
    return 0;
}

void ve_call_free(struct ve_call *call)
{
    struct ve_calls *calls = call->calls;
    ve_map_remove(&calls->by_id, ve_str(call->id));
    ve_link_remove(&call->link);
    calls->count--;
    ve_timer_stop(&call->start);
    ve_timer_stop(&call->deadline);
    ve_timer_stop(&call->finish);
    ve_timer_stop(&call->flush);
    ve_timer_stop(&call->transfer_timer);
    ve_timer_stop(&call->watchdog);
    VE_LIST_EACH(&call->watches, it)
    {
        ve_link_remove(it);
    }
    ve_says_free(call);
    ve_session_free(call->session);
    ve_transcript_free(call);
    ve_buf_free(&call->vars);
    ve_free(call);
}

/* --- the media connection ------------------------------------------------------------------------
 */

static void learn(char *dst, size_t size, struct ve_str value)
{
    if (value.len && !dst[0])
        ve_str_copy(dst, size, value);
}

static int make_session(struct ve_call *call)
{
    struct ve_session_config config = call->calls->config.session;
    config.events = &session_events;
    config.arg = call;
    return ve_session_new(&call->session, call->calls->config.media, &config);
}

int ve_call_media_open(struct ve_calls *calls, const struct ve_call_facts *facts,
                       const struct ve_leg *leg, struct ve_call **out)
{
    struct ve_str id = facts->call_id.len ? facts->call_id : facts->session_id;
    struct ve_call *call = ve_calls_find(calls, id);
    int err = 0;
    if (call && call->state == VE_CALL_ENDED)
        return VE_EGONE;
    bool made = !call;
    if (made)
        err = ve_call_new(calls, id, &call);
    if (err)
        return err;
    if (!call->session) {
        err = make_session(call);
        if (err) {
            if (made)
                ve_call_free(call);
            return err;
        }
    }
    close_leg(call, 1000); /* a second connection takes over */
    learn(call->session_id, sizeof(call->session_id), facts->session_id);
    learn(call->from, sizeof(call->from), facts->from);
    learn(call->to, sizeof(call->to), facts->to);
    call->leg = *leg;
    call->has_leg = true;
    ve_session_attach(call->session, &leg->out);
    ve_call_log(call, VE_LOG_INFO, "media_connected",
                "Real-time audio streaming started for call ID");
    ve_call_input(call, VE_IN_MEDIA);
    *out = call;
    return 0;
}

void ve_call_media_closed(struct ve_call *call, void *leg_arg, bool normal)
{
    if (!call->has_leg || call->leg.arg != leg_arg)
        return;
    call->has_leg = false;
    ve_session_attach(call->session, NULL);
    if (call->transferring && normal)
        finish_transfer(call, "answered"); /* the carrier took the call away from us */
    ve_call_input(call, normal ? VE_IN_MEDIA_CLOSED : VE_IN_MEDIA_LOST);
}

/* --- events --------------------------------------------------------------------------------------
 */

static void take_facts(struct ve_call *call, const struct ve_event *event)
{
    learn(call->from, sizeof(call->from), ve_str(event->from));
    learn(call->to, sizeof(call->to), ve_str(event->to));
    learn(call->direction, sizeof(call->direction), ve_str(event->direction));
    if (event->kind == VE_EVENT_RINGING || event->kind == VE_EVENT_ANSWERED)
        learn(call->channel_id, sizeof(call->channel_id), ve_str(event->channel_id));
}

/* Somebody else picked up on another channel of this call: our transfer went through. */
static bool is_transfer_answer(const struct ve_call *call, const struct ve_event *event)
{
    return call->transferring && event->kind == VE_EVENT_ANSWERED && event->channel_id[0] &&
           strcmp(event->channel_id, call->channel_id) != 0;
}

static enum ve_call_input input_of(const struct ve_call *call, enum ve_event_kind kind)
{
    if (kind == VE_EVENT_HANGUP)
        return VE_IN_CALLER_GONE;
    /* While we talk to the caller, "missed" is about another phone that rang. */
    bool missed = kind == VE_EVENT_MISSED || kind == VE_EVENT_VOICEMAIL;
    return missed && call->state == VE_CALL_ANNOUNCED ? VE_IN_CALLER_GONE : VE_IN_WEBHOOK;
}

static int deliver(struct ve_call *call, const struct ve_event *event)
{
    struct ve_call_sink *sink = &call->calls->sink;
    take_facts(call, event);
    if (is_transfer_answer(call, event))
        finish_transfer(call, "answered");
    if (event->kind == VE_EVENT_RINGING && !call->ringing_told && sink->ringing) {
        call->ringing_told = true;
        sink->ringing(sink->arg, call);
    }
    int err = sink->event ? sink->event(sink->arg, call, event) : 0;
    ve_call_input(call, input_of(call, event->kind));
    return err;
}

static bool opens_call(enum ve_event_kind kind)
{
    return kind == VE_EVENT_RINGING || kind == VE_EVENT_ANSWERED;
}

bool ve_directory_has_room(const struct ve_calls *calls, const struct ve_event *event)
{
    return !opens_call(event->kind) || !event->call_id[0] ||
           (!calls->draining && calls->count < calls->config.max_calls) ||
           ve_map_find(&calls->by_id, ve_str(event->call_id));
}

int ve_directory_post(struct ve_calls *calls, struct ve_event *event,
                      void (*done)(void *arg, int err), void *arg)
{
    struct ve_call *call = event->call_id[0] ? ve_calls_find(calls, ve_str(event->call_id)) : NULL;
    int err = 0;
    if (!call && event->call_id[0] && opens_call(event->kind))
        err = ve_call_new(calls, ve_str(event->call_id), &call);
    if (call)
        err = deliver(call, event);
    else if (!err && calls->sink.event)
        err = calls->sink.event(calls->sink.arg, NULL,
                                event); /* about a call that is over, or none */
    ve_free(event);
    if (done)
        done(arg, err);
    return 0;
}

/* --- what the script does ------------------------------------------------------------------------
 */

void ve_call_hangup(struct ve_call *call)
{
    ve_call_input(call, VE_IN_HANGUP);
}

void ve_call_script_done(struct ve_call *call, bool failed)
{
    call->script_running = false;
    ve_timer_stop(&call->watchdog);
    ve_call_input(call, failed ? VE_IN_FAILED : VE_IN_HANGUP);
}

int ve_call_digits(struct ve_call *call, struct ve_str digits)
{
    if (!call->has_leg)
        return VE_EGONE;
    if (!call->leg.digits)
        return VE_ENOTSUP;
    return call->leg.digits(call->leg.arg, digits);
}

int ve_call_transfer(struct ve_call *call, struct ve_str number, uint64_t timeout_ns,
                     void (*done)(void *arg, const char *outcome), void *arg)
{
    if (!call->has_leg)
        return VE_EGONE;
    if (!call->leg.transfer)
        return VE_ENOTSUP;
    if (call->transferring)
        return VE_EBUSY;
    int err = call->leg.transfer(call->leg.arg, number);
    if (err)
        return err;
    call->transferring = true;
    call->transfer_done = done;
    call->transfer_arg = arg;
    ve_timer_start(&call->transfer_timer, timeout_ns);
    return 0;
}

void ve_call_transfer_forget(struct ve_call *call)
{
    call->transfer_done = NULL;
}

/* --- facts ---------------------------------------------------------------------------------------
 */

uint64_t ve_call_serial(const struct ve_call *call)
{
    return call->serial;
}

struct ve_str ve_call_id(const struct ve_call *call)
{
    return ve_str(call->id);
}

struct ve_str ve_call_from(const struct ve_call *call)
{
    return ve_str(call->from);
}

struct ve_str ve_call_to(const struct ve_call *call)
{
    return ve_str(call->to);
}

struct ve_str ve_call_direction(const struct ve_call *call)
{
    return ve_str(call->direction[0] ? call->direction : "inbound");
}

enum ve_call_state ve_call_state(const struct ve_call *call)
{
    return call->state;
}

struct ve_session *ve_call_session(struct ve_call *call)
{
    return call->session;
}

struct ve_calls *ve_call_owner(struct ve_call *call)
{
    return call->calls;
}

struct ve_rng *ve_call_rng(struct ve_call *call)
{
    return &call->rng;
}

void ve_call_set_task(struct ve_call *call, void *task)
{
    call->task = task;
}

void *ve_call_task(const struct ve_call *call)
{
    return call->task;
}

struct ve_str ve_call_vars(const struct ve_call *call)
{
    return ve_buf_str(&call->vars);
}

int ve_call_set_vars(struct ve_call *call, struct ve_str json)
{
    size_t more = json.len > call->vars.len ? json.len - call->vars.len : 0;
    int err = ve_buf_reserve(&call->vars, more);
    if (err)
        return err;
    ve_buf_clear(&call->vars);
    return ve_buf_add_str(&call->vars, json);
}
