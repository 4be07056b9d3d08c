#include "bind/dispatch.h"

#include "base/alloc.h"
#include "script/entry.h"

#include <stdlib.h>
#include <string.h>

/* Handlers about something that has no live call, running at once. */
#define EVENTS_MAX 1000

struct ve_dispatch {
    struct ve_loop *loop;
    const struct ve_log *log;
    struct ve_tenant *tenant; /* borrowed */
    struct ve_link runs;      /* of events */
    unsigned events;
    void (*finished)(void *arg, int64_t inbox_id); /* may be NULL */
    void *finished_arg;
};

/* A handler at work: holds a place in a shard. */
struct run {
    struct ve_link link; /* in dispatch->runs, for events */
    struct ve_dispatch *dispatch;
    struct ve_call *call; /* NULL for events */
    struct ve_task *task; /* NULL once it is over */
    struct ve_shard *shard;
    struct ve_timer gone; /* frees an event's run: not inside the task's own end */
    struct ve_errand errand;
    void (*over)(void *arg, const struct ve_errand *errand); /* of events and the like */
    void *over_arg;
    char handler[32];
    struct ve_task *hook;  /* `endpoint` at work; NULL: it is not */
    struct ve_buf partial; /* its next argument, JSON; the latest wins */
};

static void free_run(struct run *run)
{
    ve_timer_stop(&run->gone);
    ve_buf_free(&run->partial);
    ve_tenant_give_back(run->shard);
    ve_link_remove(&run->link);
    ve_free(run);
}

static void log_end(const struct run *run, const struct ve_task_result *result)
{
    if (result->end == VE_TASK_RETURNED)
        return;
    ve_log_event(run->dispatch->log, VE_LOG_ERROR, "script_error",
                 ve_ftext("handler", run->handler),
                 ve_fstr("call", run->call ? ve_call_id(run->call) : VE_STR("-")),
                 ve_fu64("generation", ve_generation_number(run->shard->generation)),
                 ve_ftext("error", result->message ? result->message : "not enough memory"),
                 ve_ftext("traceback", result->traceback ? result->traceback : ""));
}

static int make_run(struct ve_dispatch *dispatch, struct ve_call *call, const char *handler,
                    struct run **out)
{
    struct run *run = ve_alloc(sizeof(*run));
    if (!run)
        return VE_ENOMEM;
    run->dispatch = dispatch;
    run->call = call;
    ve_link_init(&run->link);
    ve_str_copy(run->handler, sizeof(run->handler), ve_str(handler));
    ve_buf_init(&run->partial, 16 * 1024);
    int err = ve_tenant_take(dispatch->tenant, &run->shard);
    if (err) {
        ve_free(run);
        return err;
    }
    *out = run;
    return 0;
}

/* --- calls ------------------------------------------------------------------------------------ */

static void call_over(void *arg, struct ve_task *task, const struct ve_task_result *result)
{
    struct run *run = arg;
    (void)task;
    run->task = NULL;
    log_end(run, result);
    ve_call_script_done(run->call, result->end != VE_TASK_RETURNED);
}

static int start_call(struct ve_dispatch *dispatch, struct ve_call *call, struct run **out)
{
    struct run *run;
    int err = make_run(dispatch, call, "on_call", &run);
    if (err)
        return err;
    struct ve_task_options options = {
        .shard = run->shard,
        .owner = call,
        .over = call_over,
        .arg = run,
    };
    struct ve_value args[] = {ve_vstr(VE_STR("on_call"))};
    err = ve_entry_start("call", args, 1, &options, &run->task);
    if (err) {
        free_run(run);
        return err;
    }
    *out = run;
    return 0;
}

static void on_started(void *arg, struct ve_call *call)
{
    struct ve_dispatch *dispatch = arg;
    struct run *run = NULL;
    if (!ve_generation_has(ve_tenant_current(dispatch->tenant), "on_call")) {
        ve_log_event(dispatch->log, VE_LOG_WARN, "no_handler",
                     ve_fmsg("The script has no on_call: the call is ended"),
                     ve_fstr("call", ve_call_id(call)));
        ve_call_script_done(call, false);
        return;
    }
    int err = start_call(dispatch, call, &run);
    if (err) {
        ve_log_event(dispatch->log, VE_LOG_ERROR, "call_not_started",
                     ve_fstr("call", ve_call_id(call)), ve_ftext("error", ve_err_name(err)));
        ve_call_script_done(call, true);
        return;
    }
    ve_call_set_task(call, run);
    ve_log_event(dispatch->log, VE_LOG_INFO, "call_started", ve_fstr("call", ve_call_id(call)),
                 ve_fstr("from", ve_call_from(call)), ve_fstr("to", ve_call_to(call)),
                 ve_fu64("generation", ve_generation_number(run->shard->generation)));
}

static void on_stop(void *arg, struct ve_call *call)
{
    struct run *run = ve_call_task(call);
    (void)arg;
    if (!run)
        return;
    if (run->hook)
        ve_task_close(run->hook);
    if (run->task)
        ve_task_close(run->task);
    run->hook = run->task = NULL;
}

static void on_cause(void *arg, struct ve_call *call, char *out, size_t size)
{
    struct run *run = ve_call_task(call);
    (void)arg;
    if (run && run->task)
        ve_task_waits_for(run->task, out, size);
}

static void on_ended(void *arg, struct ve_call *call)
{
    struct run *run = ve_call_task(call);
    if (!run)
        return;
    on_stop(arg, call);
    ve_call_set_task(call, NULL);
    free_run(run);
}

/* --- the script's own endpoint: one at a time, always with the latest words --------------------
 */

static void start_hook(struct run *run);

static void hook_over(void *arg, struct ve_task *task, const struct ve_task_result *result)
{
    struct run *run = arg;
    (void)task;
    run->hook = NULL;
    log_end(run, result);
    if (result->end == VE_TASK_RETURNED && run->partial.len)
        start_hook(run);
}

static void start_hook(struct run *run)
{
    struct ve_task_options options = {
        .shard = run->shard, .owner = run->call, .over = hook_over, .arg = run};
    struct ve_value args[] = {ve_vstr(ve_buf_str(&run->partial))};
    if (ve_entry_start("endpoint", args, 1, &options, &run->hook) != 0)
        run->hook = NULL; /* no room: the engine's own rule stands */
    ve_buf_clear(&run->partial);
}

static void on_partial(void *arg, struct ve_call *call, uint32_t turn, struct ve_str text,
                       enum ve_turn_shape shape)
{
    struct run *run = ve_call_task(call);
    struct ve_jsonw w;
    (void)arg;
    if (!run || !ve_generation_has(run->shard->generation, "endpoint"))
        return;
    ve_buf_clear(&run->partial);
    ve_jsonw_init(&w, &run->partial);
    ve_jsonw_object(&w);
    ve_jsonw_ku64(&w, "number", turn);
    ve_jsonw_kstr(&w, "text", text);
    ve_jsonw_kstr(&w, "shape", ve_str(ve_turn_shape_name(shape)));
    ve_jsonw_ku64(&w, "default_ms", ve_session_endpoint_ms(ve_call_session(call)));
    ve_jsonw_object_end(&w);
    if (ve_jsonw_end(&w) != 0)
        ve_buf_clear(&run->partial); /* longer than any turn: the engine's own rule stands */
    else if (!run->hook)
        start_hook(run);
}

/* --- what has no call ------------------------------------------------------------------------- */

static void errand_over(void *arg, struct ve_task *task, const struct ve_task_result *result)
{
    struct run *run = arg;
    (void)task;
    run->task = NULL;
    log_end(run, result);
    run->dispatch->events--;
    run->errand.failed = result->end != VE_TASK_RETURNED;
    run->over(run->over_arg, &run->errand);
    ve_timer_start(&run->gone, 0);
}

static void on_gone(void *arg)
{
    free_run(arg);
}

int ve_dispatch_run(struct ve_dispatch *dispatch, const char *entry, const char *handler,
                    const struct ve_value *args, size_t count, int64_t origin,
                    void (*over)(void *arg, const struct ve_errand *errand), void *arg)
{
    struct run *run;
    if (dispatch->events >= EVENTS_MAX)
        return VE_EBUSY;
    int err = make_run(dispatch, NULL, handler, &run);
    if (err)
        return err;
    run->errand.origin = origin;
    run->over = over;
    run->over_arg = arg;
    ve_timer_init(&run->gone, dispatch->loop, on_gone, run);
    struct ve_task_options options = {
        .shard = run->shard,
        .errand = &run->errand,
        .over = errand_over,
        .arg = run,
    };
    err = ve_entry_start(entry, args, count, &options, &run->task);
    if (err) {
        free_run(run);
        return err;
    }
    ve_list_push(&dispatch->runs, &run->link);
    dispatch->events++;
    return 0;
}

/* --- events ----------------------------------------------------------------------------------- */

static void finish(struct ve_dispatch *dispatch, int64_t inbox_id)
{
    if (inbox_id && dispatch->finished)
        dispatch->finished(dispatch->finished_arg, inbox_id);
}

static void event_over(void *arg, const struct ve_errand *errand)
{
    finish(arg, errand->origin);
}

/* Where an event goes: to its own handler, else to the one for everything; NULL: nowhere. */
static const char *handler_of(struct ve_dispatch *dispatch, enum ve_event_kind kind)
{
    const char *own = ve_event_type(kind)->handler;
    struct ve_generation *generation = ve_tenant_current(dispatch->tenant);
    if (ve_generation_has(generation, own))
        return own;
    return ve_generation_has(generation, "on_event") ? "on_event" : NULL;
}

static int run_event(struct ve_dispatch *dispatch, const char *handler, struct ve_str json,
                     int64_t inbox_id)
{
    struct ve_value args[] = {ve_vstr(ve_str(handler)), ve_vstr(json)};
    return ve_dispatch_run(dispatch, "event", handler, args, 2, inbox_id, event_over, dispatch);
}

/* VE_EBUSY and VE_ENOMEM: a stored event stays where it is, and comes again. */
static int on_event(void *arg, struct ve_call *call, const struct ve_event *event)
{
    struct ve_dispatch *dispatch = arg;
    const char *handler = handler_of(dispatch, event->kind);
    (void)call;
    if (!handler) {
        finish(dispatch, event->inbox_id);
        return 0;
    }
    struct ve_buf json;
    ve_buf_init(&json, 0);
    int err = ve_event_write(event, &json);
    if (!err)
        err = run_event(dispatch, handler, ve_buf_str(&json), event->inbox_id);
    ve_buf_free(&json);
    if (err)
        ve_log_event(dispatch->log, VE_LOG_ERROR, "event_not_handled", ve_ftext("handler", handler),
                     ve_ftext("call", event->call_id), ve_ftext("error", ve_err_name(err)));
    return err;
}

/* --- the dispatcher --------------------------------------------------------------------------- */

int ve_dispatch_new(struct ve_dispatch **out, struct ve_loop *loop, const struct ve_log *log)
{
    struct ve_dispatch *dispatch = ve_alloc(sizeof(*dispatch));
    if (!dispatch)
        return VE_ENOMEM;
    dispatch->loop = loop;
    dispatch->log = log;
    ve_link_init(&dispatch->runs);
    *out = dispatch;
    return 0;
}

void ve_dispatch_free(struct ve_dispatch *dispatch)
{
    if (!dispatch)
        return;
    VE_LIST_EACH(&dispatch->runs, it)
    {
        struct run *run = VE_CONTAINER(it, struct run, link);
        if (run->task)
            ve_task_close(run->task);
        free_run(run);
    }
    ve_free(dispatch);
}

void ve_dispatch_set_tenant(struct ve_dispatch *dispatch, struct ve_tenant *tenant)
{
    dispatch->tenant = tenant;
}

struct ve_tenant *ve_dispatch_tenant(struct ve_dispatch *dispatch, const struct ve_event *event)
{
    (void)event; /* routing by number comes with several tenants */
    return dispatch->tenant;
}

struct ve_call_sink ve_dispatch_sink(struct ve_dispatch *dispatch)
{
    return (struct ve_call_sink){
        .started = on_started,
        .event = on_event,
        .partial = on_partial,
        .stop = on_stop,
        .cause = on_cause,
        .ended = on_ended,
        .arg = dispatch,
    };
}

void ve_dispatch_on_finished(struct ve_dispatch *dispatch,
                             void (*finished)(void *arg, int64_t inbox_id), void *arg)
{
    dispatch->finished = finished;
    dispatch->finished_arg = arg;
}

unsigned ve_dispatch_events(const struct ve_dispatch *dispatch)
{
    return dispatch->events;
}
