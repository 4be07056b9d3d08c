#include "call/inside.h"

#include "base/alloc.h"
#include "base/err.h"

#define MEDIA_DEADLINE (60 * VE_SECOND)

static void on_drained(void *arg)
{
    struct ve_calls *calls = arg;
    if (calls->drained && calls->count == 0)
        calls->drained(calls->drained_arg);
}

static void make_metrics(struct ve_calls *calls)
{
    static const double seconds[] = {5, 15, 30, 60, 120, 300, 600, 1800, 3600};
    static const double gaps[] = {0.2, 0.4, 0.6, 0.8, 1, 1.5, 2, 3, 4, 6};
    struct ve_metrics *m = calls->config.metrics;
    calls->counted.started = ve_metric_counter(m, "voiceengine_calls_started", "Calls begun.", "");
    calls->counted.ended =
        ve_metric_counter(m, "voiceengine_calls_ended", "Calls ended, by outcome.", "outcome");
    calls->counted.seconds =
        ve_metric_histogram(m, "voiceengine_call_seconds", "How long calls lasted.", "", seconds,
                            sizeof(seconds) / sizeof(seconds[0]));
    calls->counted.gap = ve_metric_histogram(
        m, "voiceengine_gap_seconds",
        "Silence between the caller's last sound and the agent's first, on the audio.", "", gaps,
        sizeof(gaps) / sizeof(gaps[0]));
    calls->counted.interruptions = ve_metric_counter(
        m, "voiceengine_interruptions", "Times that a caller interrupted the agent.", "");
}

int ve_calls_new(struct ve_calls **out, const struct ve_calls_config *config,
                 const struct ve_call_sink *sink)
{
    struct ve_calls *calls = ve_alloc(sizeof(*calls));
    if (!calls)
        return VE_ENOMEM;
    calls->config = *config;
    calls->sink = *sink;
    calls->next_serial = 1;
    if (!calls->config.media_deadline)
        calls->config.media_deadline = MEDIA_DEADLINE;
    ve_map_init(&calls->by_id, config->seed);
    ve_map_init(&calls->records, config->seed);
    ve_link_init(&calls->running);
    ve_link_init(&calls->record_list);
    ve_rng_seed(&calls->rng, config->rng_seed);
    ve_timer_init(&calls->drain_timer, config->loop, on_drained, calls);
    make_metrics(calls);
    *out = calls;
    return 0;
}

/* Ended now, without the steps that would follow: the engine goes down. */
static void cut(struct ve_call *call)
{
    struct ve_calls *calls = call->calls;
    if (call->has_leg && call->session)
        ve_session_attach(call->session, NULL);
    call->has_leg = false;
    call->state = VE_CALL_ENDED;
    if (call->outcome == VE_OUTCOME_NONE)
        call->outcome = VE_OUTCOME_FAILED;
    calls->sink.ended(calls->sink.arg, call);
    ve_call_free(call);
}

void ve_calls_free(struct ve_calls *calls)
{
    if (!calls)
        return;
    VE_LIST_EACH(&calls->running, it)
    {
        cut(VE_CONTAINER(it, struct ve_call, link));
    }
    ve_timer_stop(&calls->drain_timer);
    ve_records_free(calls);
    ve_map_free(&calls->by_id);
    ve_free(calls);
}

void ve_calls_set_phrase(struct ve_calls *calls, enum ve_phrase_kind kind,
                         const struct ve_phrase *phrase)
{
    calls->phrases[kind] = *phrase;
}

unsigned ve_calls_active(const struct ve_calls *calls)
{
    return calls->count;
}

void ve_calls_drain(struct ve_calls *calls, void (*drained)(void *arg), void *arg)
{
    calls->draining = true;
    calls->drained = drained;
    calls->drained_arg = arg;
    if (calls->count == 0)
        ve_timer_start(&calls->drain_timer, 0);
}

void ve_calls_end_all(struct ve_calls *calls)
{
    VE_LIST_EACH(&calls->running, it)
    {
        struct ve_call *call = VE_CONTAINER(it, struct ve_call, link);
        if (call->outcome == VE_OUTCOME_NONE)
            call->outcome = VE_OUTCOME_FAILED;
        /* Whatever state it is in: the caller is told by the carrier, when the media closes. */
        ve_call_input(call, VE_IN_CALLER_GONE);
    }
}

bool ve_calls_draining(const struct ve_calls *calls)
{
    return calls->draining;
}

struct ve_call *ve_calls_find(struct ve_calls *calls, struct ve_str call_id)
{
    return ve_map_find(&calls->by_id, call_id);
}

struct ve_call *ve_calls_find_serial(struct ve_calls *calls, uint64_t serial)
{
    VE_LIST_EACH(&calls->running, it)
    {
        struct ve_call *call = VE_CONTAINER(it, struct ve_call, link);
        if (call->serial == serial)
            return call;
    }
    return NULL;
}
