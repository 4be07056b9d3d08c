#include "bind/ask.h"

#include "base/alloc.h"
#include "script/entry.h"

#define ASKS_MAX 1000
#define BODY_MAX ((size_t)64 * 1024)

struct ve_asks {
    struct ve_loop *loop;
    const struct ve_log *log;
    struct ve_dispatch *dispatch;
    struct ve_link runs;
    unsigned count;
};

struct run {
    struct ve_link link;
    struct ve_asks *asks;
    struct ve_shard *shard; /* holds a place in it */
    struct ve_task *task;   /* NULL once it is over */
    ve_ask_fn done;
    void *arg;
    const char *handler;
    int status; /* 0: no answer yet */
    struct ve_buf body;
    struct ve_timer gone; /* frees the run: not inside the task's own end */
};

static void free_run(struct run *run)
{
    ve_timer_stop(&run->gone);
    ve_link_remove(&run->link);
    ve_buf_free(&run->body);
    ve_tenant_give_back(run->shard);
    run->asks->count--;
    ve_free(run);
}

static void on_gone(void *arg)
{
    free_run(arg);
}

static void on_over(void *arg, struct ve_task *task, const struct ve_task_result *result)
{
    struct run *run = arg;
    (void)task;
    run->task = NULL;
    bool answered = result->end == VE_TASK_RETURNED && run->status;
    if (result->end != VE_TASK_RETURNED)
        ve_log_event(run->asks->log, VE_LOG_ERROR, "script_error",
                     ve_ftext("handler", run->handler),
                     ve_fu64("generation", ve_generation_number(run->shard->generation)),
                     ve_ftext("error", result->message ? result->message : "not enough memory"),
                     ve_ftext("traceback", result->traceback ? result->traceback : ""));
    ve_timer_start(&run->gone, 0);
    run->done(run->arg, answered ? 0 : VE_EFAILED, run->status, ve_buf_str(&run->body));
}

static int make_run(struct ve_asks *asks, struct ve_tenant *tenant, struct run **out)
{
    struct run *run = ve_alloc(sizeof(*run));
    if (!run)
        return VE_ENOMEM;
    int err = ve_tenant_take(tenant, &run->shard);
    if (err) {
        ve_free(run);
        return err;
    }
    run->asks = asks;
    ve_buf_init(&run->body, BODY_MAX);
    ve_timer_init(&run->gone, asks->loop, on_gone, run);
    ve_list_push(&asks->runs, &run->link);
    asks->count++;
    *out = run;
    return 0;
}

static int enter(struct run *run, const struct ve_event *event)
{
    struct ve_buf json;
    struct ve_task_options options = {.shard = run->shard, .over = on_over, .arg = run};
    ve_buf_init(&json, 0);
    int err = ve_event_write(event, &json);
    struct ve_value args[] = {ve_vstr(ve_str(run->handler)),
                              ve_vstr(ve_str(ve_event_kind_name(event->kind))),
                              ve_vstr(ve_buf_str(&json))};
    if (!err)
        err = ve_entry_start("answer", args, 3, &options, &run->task);
    ve_buf_free(&json);
    return err;
}

int ve_ask_start(struct ve_asks *asks, const struct ve_event *event, ve_ask_fn done, void *arg,
                 void **out)
{
    struct run *run;
    struct ve_tenant *tenant = ve_dispatch_tenant(asks->dispatch, event);
    const char *handler = ve_event_type(event->kind)->handler;
    if (!tenant || !ve_generation_has(ve_tenant_current(tenant), handler))
        return VE_ENOENT;
    if (asks->count >= ASKS_MAX)
        return VE_EBUSY;
    int err = make_run(asks, tenant, &run);
    if (err)
        return err;
    run->done = done;
    run->arg = arg;
    run->handler = handler;
    err = enter(run, event);
    if (err)
        free_run(run);
    else
        *out = run;
    return err;
}

void ve_ask_cancel(struct ve_asks *asks, void *arg)
{
    struct run *run = arg;
    (void)asks;
    if (run->task)
        ve_task_close(run->task);
    free_run(run);
}

int ve_ask_answer(struct ve_asks *asks, const struct ve_task *task, int status, struct ve_str body)
{
    VE_LIST_EACH(&asks->runs, it)
    {
        struct run *run = VE_CONTAINER(it, struct run, link);
        if (run->task != task)
            continue;
        ve_buf_clear(&run->body);
        int err = ve_buf_add_str(&run->body, body);
        run->status = err ? 0 : status;
        return err;
    }
    return VE_ENOENT;
}

int ve_asks_new(struct ve_asks **out, struct ve_loop *loop, const struct ve_log *log,
                struct ve_dispatch *dispatch)
{
    struct ve_asks *asks = ve_alloc(sizeof(*asks));
    if (!asks)
        return VE_ENOMEM;
    asks->loop = loop;
    asks->log = log;
    asks->dispatch = dispatch;
    ve_link_init(&asks->runs);
    *out = asks;
    return 0;
}

void ve_asks_free(struct ve_asks *asks)
{
    if (!asks)
        return;
    VE_LIST_EACH(&asks->runs, it)
    {
        ve_ask_cancel(asks, VE_CONTAINER(it, struct run, link));
    }
    ve_free(asks);
}
