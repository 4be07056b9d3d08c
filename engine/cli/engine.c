#include "cli/engine.h"

#include "admin/api.h"
#include "admin/metrics.h"
#include "audio/vad.h"
#include "base/alloc.h"
#include "base/err.h"
#include "carrier/ringover_webhook.h"
#include "carrier/rtp.h"
#include "cli/worker.h"
#include "crypto/random.h"
#include "door/admit.h"
#include "door/media.h"
#include "door/webhooks.h"
#include "loop/process.h"
#include "net/httpc.h"
#include "net/wsc.h"

#include <stdio.h>
#include <string.h>

struct ve_engine {
    struct ve_engine_options options;
    struct ve_worker worker;
    struct ve_router *http_router;
    struct ve_router *media_router;
    struct ve_answers *answers;
    struct ve_intake *intake;
    struct ve_webhooks *webhooks;
    struct ve_media_door *media_door;
    struct ve_rtp_map rtp;
    struct ve_api *api;
    struct ve_metrics_page *metrics;
    struct ve_admit *admit;
    struct ve_httpd *http;
    struct ve_httpd *media_server;
    struct ve_timer drain_limit;
    char media_url[160];
};

int ve_engine_process_init(const char **failed)
{
    static const struct ve_process_part parts[] = {
        {"libcurl", ve_httpc_process_init},
        {"libwebsockets", ve_wsc_process_init},
        {"the offline voices", ve_speech_process_init},
    };
    return ve_process_init(parts, sizeof(parts) / sizeof(parts[0]), failed);
}

/* --- requests --------------------------------------------------------------------------------- */

static void on_http_request(void *arg, struct ve_http_request *request)
{
    struct ve_engine *engine = arg;
    ve_router_request(engine->http_router, request, false);
}

static void on_http_upgrade(void *arg, struct ve_http_request *request)
{
    struct ve_engine *engine = arg;
    ve_router_request(engine->http_router, request, true);
}

static void on_media_request(void *arg, struct ve_http_request *request)
{
    struct ve_engine *engine = arg;
    ve_router_request(engine->media_router, request, false);
}

static void on_media_upgrade(void *arg, struct ve_http_request *request)
{
    struct ve_engine *engine = arg;
    ve_router_request(engine->media_router, request, true);
}

static void on_aborted(void *arg, struct ve_http_request *request)
{
    (void)arg;
    ve_router_aborted(request);
}

static const struct ve_httpd_handlers http_handlers = {on_http_request, on_http_upgrade,
                                                       on_aborted};
static const struct ve_httpd_handlers media_handlers = {on_media_request, on_media_upgrade,
                                                        on_aborted};

static uint64_t current_generation(void *arg)
{
    struct ve_engine *engine = arg;
    return ve_generation_number(ve_tenant_current(engine->worker.tenant));
}

static const struct ve_httpd *http_server(void *arg)
{
    return ((struct ve_engine *)arg)->http;
}

static const struct ve_httpd *media_server(void *arg)
{
    return ((struct ve_engine *)arg)->media_server;
}

/* --- building --------------------------------------------------------------------------------- */

static struct ve_session_config session_config(const struct ve_settings *settings)
{
    uint32_t chunk = settings->stream_chunk_bytes / 2;
    return (struct ve_session_config){
        .playout = {.rate = settings->stream_rate, .chunk = chunk, .lead = VE_PLAYOUT_LEAD},
        .policy = ve_turn_policy_default(),
        .gate_db = VE_VAD_GATE_DBFS,
    };
}

static int make_intake(struct ve_engine *engine)
{
    struct ve_intake_config config = {
        .loop = engine->options.loop,
        .log = engine->options.log,
        .store = engine->worker.store,
        .calls = engine->worker.calls,
        .decode = ve_ringover_decode,
        .max_age_ms = (int64_t)engine->options.settings->webhooks.max_age_s * 1000,
    };
    int err = ve_intake_new(&engine->intake, &config);
    if (!err)
        ve_dispatch_on_finished(engine->worker.dispatch, ve_intake_finished, engine->intake);
    return err;
}

static int make_admit(struct ve_engine *engine)
{
    struct ve_admit_config config = {
        .loop = engine->options.loop,
        .log = engine->options.log,
        .metrics = engine->worker.metrics,
        .calls = engine->worker.calls,
    };
    int err = ve_admit_new(&engine->admit, &config, &engine->options.settings->rules);
    if (err)
        return err;
    ve_router_guard(engine->http_router, ve_admit_http, engine->admit);
    ve_router_guard(engine->media_router, ve_admit_media, engine->admit);
    return 0;
}

static int ask(void *arg, const struct ve_event *event, ve_answer_fn done, void *done_arg,
               void **run)
{
    return ve_ask_start(arg, event, done, done_arg, run);
}

static void cancel_ask(void *arg, void *run)
{
    ve_ask_cancel(arg, run);
}

static int make_answers(struct ve_engine *engine)
{
    struct ve_answers_config config = {
        .loop = engine->options.loop,
        .log = engine->options.log,
        .store = engine->worker.store,
        .script = {ask, cancel_ask, engine->worker.asks},
    };
    int err = ve_random_bytes(config.seed, sizeof(config.seed));
    return err ? err : ve_answers_new(&engine->answers, &config);
}

static int make_doors(struct ve_engine *engine)
{
    const struct ve_settings *settings = engine->options.settings;
    char why[96]; /* the settings were checked when they were read */
    ve_rtp_map_default(&engine->rtp);
    (void)ve_rtp_map_read(&engine->rtp, ve_str(settings->rtp_types), why);
    engine->rtp.order = (enum ve_rtp_order)settings->rtp_order;
    struct ve_webhooks_config webhooks = {
        .verify = {.loop = engine->options.loop,
                   .log = engine->options.log,
                   .secrets = &settings->secrets,
                   .options = settings->webhooks},
        .answers = engine->answers,
        .intake = engine->intake,
    };
    struct ve_media_door_config media = {
        .loop = engine->options.loop,
        .log = engine->options.log,
        .calls = engine->worker.calls,
        .secrets = &settings->secrets,
        .carrier = ve_carrier_find(ve_str(ve_settings_dialect(settings)), settings->stream_binary),
        .stream = {.rate_in = settings->stream_rate_in,
                   .rate_out = settings->stream_rate,
                   .rtp = &engine->rtp},
        .binary = settings->stream_binary,
        .refuse_unknown = settings->media_unknown_refuse,
    };
    struct ve_api_config api = {
        .calls = engine->worker.calls,
        .tokens = &settings->tokens,
        .media_url = engine->media_url,
        .generation = current_generation,
        .arg = engine,
    };
    struct ve_metrics_page_config metrics = {
        .loop = engine->options.loop,
        .metrics = engine->worker.metrics,
        .calls = engine->worker.calls,
        .tokens = &settings->tokens,
        .generation = current_generation,
        .ports = {{"http", http_server}, {"media", media_server}},
        .arg = engine,
    };
    int err = ve_router_new(&engine->http_router);
    if (!err)
        err = ve_router_new(&engine->media_router);
    if (!err)
        err = make_admit(engine);
    if (!err)
        err = ve_webhooks_new(&engine->webhooks, &webhooks, engine->http_router);
    if (!err)
        err = ve_media_door_new(&engine->media_door, &media);
    if (!err)
        err = ve_media_door_add_stream(engine->media_door, engine->media_router);
    if (!err)
        err = ve_media_door_add_api(engine->media_door, engine->http_router);
    if (!err)
        err = ve_api_new(&engine->api, &api, engine->http_router);
    return err ? err : ve_metrics_page_new(&engine->metrics, &metrics, engine->http_router);
}

static int listen_on(struct ve_engine *engine, struct ve_httpd **out, const char *host,
                     uint16_t port, const struct ve_httpd_handlers *handlers, char why[static 1024])
{
    const struct ve_settings *settings = engine->options.settings;
    struct ve_httpd_config config = {
        .host = host,
        .port = port,
        .tls_cert = settings->tls_cert[0] ? settings->tls_cert : NULL,
        .tls_key = settings->tls_key[0] ? settings->tls_key : NULL,
        .max_connections = settings->max_calls * 2 + 64,
        .max_per_peer = settings->max_connections_per_ip,
        .log = engine->options.log,
    };
    return ve_httpd_new(out, engine->options.loop, &config, handlers, engine, why);
}

static const char *bracket(const char *host, const char *bracket)
{
    return strchr(host, ':') ? bracket : "";
}

static int open_ports(struct ve_engine *engine, char why[static 1024])
{
    const struct ve_settings *settings = engine->options.settings;
    int err = listen_on(engine, &engine->http, settings->http_host, settings->http_port,
                        &http_handlers, why);
    if (!err)
        err = listen_on(engine, &engine->media_server, settings->media_host, settings->media_port,
                        &media_handlers, why);
    if (err)
        return err;
    (void)snprintf(engine->media_url, sizeof(engine->media_url), "%s://%s%s%s:%u/stream/",
                   settings->tls_cert[0] ? "wss" : "ws", bracket(settings->media_host, "["),
                   settings->media_host, bracket(settings->media_host, "]"),
                   ve_httpd_port(engine->media_server));
    char msg[160];
    (void)snprintf(msg, sizeof(msg), "Ringover streaming server started on %s:%u",
                   settings->media_host, ve_httpd_port(engine->media_server));
    ve_log_event(engine->options.log, VE_LOG_INFO, "media_listening", ve_fmsg(msg));
    return 0;
}

static void on_drain_limit(void *arg)
{
    struct ve_engine *engine = arg;
    ve_log_event(engine->options.log, VE_LOG_WARN, "drain_over",
                 ve_fu64("calls", ve_calls_active(engine->worker.calls)));
    ve_calls_end_all(engine->worker.calls);
}

/* Those that are set. */
static size_t outbound_settings(const struct ve_settings *settings,
                                struct ve_bind_setting out[static VE_SETTINGS_OUTBOUND])
{
    size_t count = 0;
    struct ve_bind_setting one;
    for (size_t i = 0; ve_settings_outbound(settings, i, &one.name, &one.value); i++) {
        if (one.value[0])
            out[count++] = one;
    }
    return count;
}

static int build(struct ve_engine *engine, char why[static 1024])
{
    struct ve_bind_setting outbound[VE_SETTINGS_OUTBOUND];
    struct ve_worker_options options = {
        .loop = engine->options.loop,
        .log = engine->options.log,
        .session = session_config(engine->options.settings),
        .max_calls = engine->options.settings->max_calls,
        .script = engine->options.script,
        .reload_quiet = engine->options.reload_quiet,
        .data_dir = engine->options.settings->data_dir,
        .outbound = {.settings = outbound,
                     .count = outbound_settings(engine->options.settings, outbound)},
    };
    int err = ve_worker_open(&engine->worker, &options, why);
    if (!err)
        err = make_intake(engine);
    if (!err)
        err = make_answers(engine);
    if (!err)
        err = make_doors(engine);
    if (!err)
        err = open_ports(engine, why);
    if (!err)
        ve_intake_resume(engine->intake);
    return err;
}

int ve_engine_new(struct ve_engine **out, const struct ve_engine_options *options,
                  char why[static 1024])
{
    struct ve_engine *engine = ve_alloc(sizeof(*engine));
    why[0] = '\0';
    if (!engine)
        return VE_ENOMEM;
    engine->options = *options;
    ve_timer_init(&engine->drain_limit, options->loop, on_drain_limit, engine);
    int err = build(engine, why);
    if (err) {
        if (!why[0])
            (void)snprintf(why, 1024, "the engine cannot start: %s", ve_err_name(err));
        ve_engine_free(engine);
        return err;
    }
    *out = engine;
    return 0;
}

void ve_engine_free(struct ve_engine *engine)
{
    if (!engine)
        return;
    ve_timer_stop(&engine->drain_limit);
    /* From the outside in: connections, what answers them, calls and scripts. */
    if (engine->media_server)
        ve_httpd_free(engine->media_server);
    if (engine->http)
        ve_httpd_free(engine->http);
    ve_api_free(engine->api);
    ve_metrics_page_free(engine->metrics);
    ve_webhooks_free(engine->webhooks);
    if (engine->worker.dispatch)
        ve_dispatch_on_finished(engine->worker.dispatch, NULL, NULL);
    ve_answers_free(engine->answers);
    ve_intake_free(engine->intake);
    ve_media_door_free(engine->media_door);
    ve_admit_free(engine->admit);
    ve_router_free(engine->http_router);
    ve_router_free(engine->media_router);
    ve_worker_close(&engine->worker);
    ve_free(engine);
}

uint16_t ve_engine_http_port(const struct ve_engine *engine)
{
    return ve_httpd_port(engine->http);
}

uint16_t ve_engine_media_port(const struct ve_engine *engine)
{
    return ve_httpd_port(engine->media_server);
}

static void on_drained(void *arg)
{
    struct ve_engine *engine = arg;
    ve_timer_stop(&engine->drain_limit);
    ve_loop_stop(engine->options.loop);
}

void ve_engine_drain(struct ve_engine *engine, uint64_t limit)
{
    ve_log_event(engine->options.log, VE_LOG_INFO, "draining",
                 ve_fu64("calls", ve_calls_active(engine->worker.calls)));
    ve_timer_start(&engine->drain_limit, limit);
    ve_calls_drain(engine->worker.calls, on_drained, engine);
}

static void reload_tls(struct ve_engine *engine, struct ve_httpd *httpd, const char *port)
{
    const struct ve_settings *settings = engine->options.settings;
    char why[160];
    if (!settings->tls_cert[0])
        return;
    if (ve_httpd_reload_tls(httpd, settings->tls_cert, settings->tls_key, why) != 0)
        ve_log_event(engine->options.log, VE_LOG_ERROR, "tls_not_reloaded",
                     ve_fmsg("The certificate was not reloaded; the one before stays"),
                     ve_ftext("port", port), ve_ftext("error", why));
    else
        ve_log_event(engine->options.log, VE_LOG_INFO, "tls_reloaded", ve_ftext("port", port));
}

void ve_engine_settings_changed(struct ve_engine *engine)
{
    ve_admit_set_rules(engine->admit, &engine->options.settings->rules);
    reload_tls(engine, engine->http, "http");
    reload_tls(engine, engine->media_server, "media");
}

void ve_engine_reload(struct ve_engine *engine)
{
    ve_tenant_reload(engine->worker.tenant, NULL, NULL);
}
