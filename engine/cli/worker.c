#include "cli/worker.h"

#include "base/err.h"
#include "crypto/random.h"

#include <stdio.h>
#include <string.h>

/* --- the store -------------------------------------------------------------------------------- */

struct opening {
    struct ve_worker *worker;
    int err;
    char *why; /* 1024 bytes */
};

static void on_store_opened(void *arg, int err, const struct ve_store_report *report)
{
    struct opening *opening = arg;
    opening->err = err;
    if (err)
        (void)snprintf(opening->why, 1024, "%s", report->why);
    ve_loop_stop(opening->worker->options.loop);
}

static void on_store_closed(void *arg)
{
    ve_loop_stop(arg);
}

static int open_store(struct ve_worker *worker, char why[static 1024])
{
    const struct ve_worker_options *options = &worker->options;
    struct opening opening = {worker, 0, why};
    char dir[600];
    (void)snprintf(dir, sizeof(dir), "%s/%s", options->data_dir ? options->data_dir : "",
                   options->instance ? options->instance : "local");
    struct ve_store_config config = {
        .loop = options->loop,
        .log = options->log,
        .dir = options->data_dir ? dir : NULL,
    };
    int err = ve_store_open(&worker->store, &config, on_store_opened, &opening);
    if (err)
        return err;
    ve_loop_run(options->loop);
    return opening.err;
}

static void close_store(struct ve_worker *worker)
{
    if (!worker->store)
        return;
    ve_store_close(worker->store, on_store_closed, worker->options.loop);
    ve_loop_run(worker->options.loop);
}

/* Before the scripts: they may put things off while they load. */
static int make_pumps(struct ve_worker *worker)
{
    struct ve_sender_config sender = {
        .loop = worker->options.loop,
        .log = worker->options.log,
        .store = worker->store,
        .dispatch = worker->dispatch,
    };
    struct ve_followups_config followups = {
        .loop = worker->options.loop,
        .log = worker->options.log,
        .store = worker->store,
        .dispatch = worker->dispatch,
    };
    int err = ve_sender_new(&worker->sender, &sender);
    return err ? err : ve_followups_new(&worker->followups, &followups);
}

/* --- building --------------------------------------------------------------------------------- */

static int make_calls(struct ve_worker *worker)
{
    struct ve_call_sink sink = ve_dispatch_sink(worker->dispatch);
    struct ve_calls_config config = {
        .loop = worker->options.loop,
        .media = &worker->media,
        .log = worker->options.log,
        .session = worker->options.session,
        .max_calls = worker->options.max_calls,
        .instance = "local",
        .metrics = worker->metrics,
    };
    int err = ve_random_bytes(config.seed, sizeof(config.seed));
    if (!err && worker->options.rng_seed)
        config.rng_seed = *worker->options.rng_seed;
    else if (!err)
        err = ve_random_u64(&config.rng_seed);
    return err ? err : ve_calls_new(&worker->calls, &config, &sink);
}

static int make_key_salt(struct ve_worker *worker)
{
    if (!worker->options.rng_seed)
        return ve_random_u64(&worker->bind.key_salt);
    worker->bind.key_salt = *worker->options.rng_seed;
    return 0;
}

static int make_tenant(struct ve_worker *worker, char why[static 1024])
{
    char dir[512];
    char file[256];
    struct ve_load_error error = {.line = 0};
    ve_split_script(worker->options.script, dir, sizeof(dir), file, sizeof(file));
    struct ve_tenant_options options = {
        .id = "default",
        .dir = dir,
        .main_file = file,
        .main_source = worker->options.source,
        .loop = worker->options.loop,
        .scheduler = &worker->scheduler,
        .log = worker->options.log,
        .open_core = ve_bind_open,
        .context = &worker->bind,
        .quiet_ns = worker->options.reload_quiet,
    };
    int err = ve_tenant_new(&worker->tenant, &options, &error);
    if (err)
        ve_load_error_text(&error, why, 1024);
    else
        ve_dispatch_set_tenant(worker->dispatch, worker->tenant);
    return err;
}

static int open_outbound(struct ve_worker *worker, char why[static 1024])
{
    char text[256];
    struct ve_outbound_options options = worker->options.outbound;
    options.loop = worker->options.loop;
    options.log = worker->options.log;
    int err = ve_outbound_open(&worker->outbound, &options, text);
    if (err)
        (void)snprintf(why, 1024, "%s", text);
    worker->options.outbound.settings = NULL; /* they were borrowed */
    return err;
}

int ve_worker_open(struct ve_worker *worker, const struct ve_worker_options *options,
                   char why[static 1024])
{
    struct ve_loop *loop = options->loop;
    memset(worker, 0, sizeof(*worker));
    why[0] = '\0';
    worker->options = *options;
    ve_media_init(&worker->media, loop);
    ve_scheduler_init(&worker->scheduler, loop, options->log);
    int err = ve_metrics_new(&worker->metrics);
    if (!err)
        err = ve_limiter_new(&worker->limiter, loop);
    if (!err)
        err = open_store(worker, why);
    if (!err && !options->text_mode)
        err = ve_speech_new(&worker->speech, loop, options->log);
    if (!err)
        err = ve_dispatch_new(&worker->dispatch, loop, options->log);
    if (!err)
        err = ve_asks_new(&worker->asks, loop, options->log, worker->dispatch);
    if (!err)
        err = make_pumps(worker);
    if (!err)
        err = make_calls(worker);
    if (!err)
        err = open_outbound(worker, why);
    worker->bind = (struct ve_bind){
        .loop = loop,
        .log = options->log,
        .calls = worker->calls,
        .limiter = worker->limiter,
        .speech = worker->speech,
        .asks = worker->asks,
        .requests = worker->outbound.requests,
        .vault = &worker->outbound.vault,
        .settings = worker->outbound.plain,
        .setting_count = worker->outbound.plain_count,
        .store = worker->store,
        .sender = worker->sender,
        .followups = worker->followups,
        .tenant = "default",
        .data_dir = options->data_dir,
        .scripted = options->scripted,
        .text_mode = options->text_mode,
    };
    if (!err)
        err = make_key_salt(worker);
    if (!err)
        err = make_tenant(worker, why);
    if (!err) {
        ve_sender_kick(worker->sender);
        ve_followups_kick(worker->followups);
    }
    if (!err)
        ve_phrases_open(&worker->phrases, worker->calls, worker->speech, options->log);
    if (err) {
        if (!why[0])
            (void)snprintf(why, 1024, "the engine cannot start: %s", ve_err_name(err));
        ve_worker_close(worker);
    }
    return err;
}

static void on_speech_drained(void *arg)
{
    ve_loop_stop(arg);
}

/* Cancelled speech still has jobs to come back from: the loop turns until they have. */
static void close_speech(struct ve_worker *worker)
{
    if (!worker->speech)
        return;
    ve_phrases_cancel(&worker->phrases);
    ve_speech_drain(worker->speech, on_speech_drained, worker->options.loop);
    ve_loop_run(worker->options.loop);
    ve_speech_free(worker->speech);
}

void ve_worker_close(struct ve_worker *worker)
{
    /* Calls with their tasks first, then the scripts, then the services. */
    ve_calls_free(worker->calls);
    ve_asks_free(worker->asks);
    ve_sender_free(worker->sender);
    ve_followups_free(worker->followups);
    worker->bind.sender = NULL;
    worker->bind.followups = NULL;
    ve_dispatch_free(worker->dispatch);
    ve_tenant_free(worker->tenant);
    ve_outbound_close(&worker->outbound);
    ve_scheduler_stop(&worker->scheduler);
    close_speech(worker);
    close_store(worker);
    ve_media_free(&worker->media);
    ve_phrases_free(&worker->phrases);
    ve_limiter_free(worker->limiter);
    ve_metrics_free(worker->metrics);
    memset(worker, 0, sizeof(*worker));
}

void ve_load_error_text(const struct ve_load_error *error, char *out, size_t size)
{
    if (error->line)
        (void)snprintf(out, size, "%s\n    %d | %s", error->message, error->line,
                       error->source_line);
    else
        (void)snprintf(out, size, "%s", error->message);
}

void ve_split_script(const char *path, char *dir, size_t dir_size, char *file, size_t file_size)
{
    const char *slash = strrchr(path, '/');
    ve_str_copy(dir, dir_size,
                slash ? ve_str_n(path, slash == path ? 1 : (size_t)(slash - path)) : VE_STR("."));
    ve_str_copy(file, file_size, ve_str(slash ? slash + 1 : path));
}
