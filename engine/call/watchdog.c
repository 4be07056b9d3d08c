#include "base/err.h"
#include "call/inside.h"
#include "call/say.h"

/*
 * Dead air: nobody speaks, and the script is not waiting for the caller. One timer per call, begun
 * whenever the agent falls silent or an answer is owed, and stopped by whoever breaks the silence.
 * The first time it fires the caller is asked for patience, the second time the call is given up.
 */

void ve_watchdog_start(struct ve_call *call)
{
    uint32_t ms = call->session ? ve_session_policy(call->session).watchdog_ms : 0;
    if (ms && call->script_running && call->state == VE_CALL_ACTIVE)
        ve_timer_start(&call->watchdog, ms * VE_MS);
    else
        ve_timer_stop(&call->watchdog);
}

void ve_watchdog_owe(struct ve_call *call)
{
    call->owed = true;
    ve_watchdog_start(call);
}

void ve_watchdog_answered(struct ve_call *call, bool filler)
{
    if (!filler)
        call->owed = call->warned = false;
    ve_timer_stop(&call->watchdog);
}

void ve_call_waits(struct ve_call *call)
{
    call->owed = call->warned = false;
    ve_timer_stop(&call->watchdog);
}

bool ve_call_say_phrase(struct ve_call *call, enum ve_phrase_kind kind)
{
    const struct ve_phrase *phrase = &call->calls->phrases[kind];
    struct ve_say_options options = {
        .text = phrase->text,
        .rate = phrase->rate,
        .fixed = kind == VE_PHRASE_APOLOGY,
        .filler = kind == VE_PHRASE_FILLER,
        .urgent = true,
    };
    struct ve_say *say;
    if (!phrase->count || ve_say_begin(call, &options, &say) != 0)
        return false;
    struct ve_sink sink = ve_say_sink(say);
    (void)sink.ops->write(sink.self, phrase->samples, phrase->count * sizeof(phrase->samples[0]));
    sink.ops->end(sink.self, 0);
    return true;
}

/* Does anybody break the silence, or does the script wait for the caller? */
static bool is_in_order(struct ve_call *call)
{
    struct ve_playout_state agent = ve_playout_state(ve_session_playout(call->session));
    struct ve_session_stats caller = ve_session_stats(call->session);
    /* Whoever took the call over keeps talking. */
    bool away = call->transferring || call->outcome == VE_OUTCOME_TRANSFERRED || !call->has_leg;
    if (away || agent.playing || agent.paused || caller.speaking)
        return true;
    return !call->owed && (caller.listening || !ve_list_empty(&call->watches));
}

static void note(struct ve_call *call, const char *event, const char *done)
{
    const struct ve_call_sink *sink = &call->calls->sink;
    char cause[160] = "unknown";
    if (sink->cause)
        sink->cause(sink->arg, call, cause, sizeof(cause));
    ve_log_event(call->calls->config.log, VE_LOG_WARN, event, ve_ftext("call", call->id),
                 ve_fu64("silent_ms", ve_session_policy(call->session).watchdog_ms),
                 ve_ftext("waits_for", cause), ve_ftext("done", done));
}

static void give_up(struct ve_call *call)
{
    const struct ve_call_sink *sink = &call->calls->sink;
    note(call, "dead_air", call->fallback[0] ? "apology, then the fallback number" : "apology");
    if (sink->stop)
        sink->stop(sink->arg, call);
    ve_call_script_done(call, true);
}

void ve_watchdog_fire(void *arg)
{
    struct ve_call *call = arg;
    if (!call->script_running || call->state != VE_CALL_ACTIVE || is_in_order(call))
        return;
    if (call->warned) {
        give_up(call);
        return;
    }
    call->warned = true;
    note(call, "dead_air", "filler");
    (void)ve_call_say_phrase(call, VE_PHRASE_FILLER);
    ve_watchdog_start(call);
}

int ve_call_set_fallback(struct ve_call *call, struct ve_str number)
{
    return ve_str_copy(call->fallback, sizeof(call->fallback), number) ? 0 : VE_ETOOBIG;
}
