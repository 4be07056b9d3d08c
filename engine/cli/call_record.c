#include "cli/call_session.h"

#include "base/err.h"
#include "base/json.h"

#include <stdio.h>
#include <string.h>

/* The record is complete when the call has ended at the engine's side; asked so often, so long. */
#define RECORD_TRIES 40
#define RECORD_PAUSE (50 * VE_MS)

static bool is_ended(struct ve_str text)
{
    char why[96];
    struct ve_json *json;
    if (ve_json_parse(&json, text, why) != 0)
        return false;
    bool ended = ve_str_eq(ve_json_get_str(json, "state"), VE_STR("ended"));
    ve_json_free(json);
    return ended;
}

static void on_record(void *arg, const struct ve_httpc_result *result)
{
    struct ve_call_session *s = arg;
    bool got = !result->err && result->status == 200;
    if (got && is_ended(ve_buf_str(&s->record))) {
        ve_loop_stop(s->loop);
        return;
    }
    if (++s->tries < RECORD_TRIES) {
        ve_timer_start(&s->again, RECORD_PAUSE);
        return;
    }
    (void)snprintf(s->why, sizeof(s->why), "the engine did not give the call's record");
    s->code = VE_EXIT_FAILED;
    ve_loop_stop(s->loop);
}

static int record_write(void *sink, const void *bytes, size_t len)
{
    int err = ve_buf_add(sink, bytes, len);
    return err ? err : VE_FLOW_MORE;
}

static void record_end(void *sink, int err)
{
    (void)sink;
    (void)err;
}

int ve_call_get_record(struct ve_call_session *s,
                       void (*done)(void *arg, const struct ve_httpc_result *))
{
    static const struct ve_sink_ops ops = {record_write, record_end};
    char url[320];
    char bearer[VE_SECRET_MAX + 16];
    struct ve_httpc_field field = {"Authorization", {NULL, 0}};
    const char *token =
        s->settings.tokens.operate[0] ? s->settings.tokens.operate : s->settings.tokens.read;
    (void)snprintf(url, sizeof(url), "%s/api/v1/calls/%s", s->http_url, s->call_id);
    (void)snprintf(bearer, sizeof(bearer), "Bearer %s", token);
    field.value = ve_str(bearer);
    ve_buf_clear(&s->record);
    struct ve_httpc_options options = {
        .url = ve_str(url),
        .fields = &field,
        .field_count = token[0] ? 1 : 0,
        .sink = {&ops, &s->record},
        .done = done,
        .arg = s,
    };
    struct ve_httpc_request *request;
    return ve_httpc_start(s->http, &options, &request);
}

static void on_again(void *arg)
{
    ve_call_await_record(arg);
}

void ve_call_await_record(struct ve_call_session *s)
{
    ve_timer_stop(&s->again);
    ve_timer_init(&s->again, s->loop, on_again, s);
    if (ve_call_get_record(s, on_record) != 0) {
        s->code = VE_EXIT_FAILED;
        ve_loop_stop(s->loop);
    }
}

/* The media address of a running engine, from its health page. */
static void on_health(void *arg, const struct ve_httpc_result *result)
{
    struct ve_call_session *s = arg;
    char why[96];
    struct ve_json *json;
    if (!result->err && result->status == 200 &&
        ve_json_parse(&json, ve_buf_str(&s->record), why) == 0) {
        ve_str_copy(s->media_url, sizeof(s->media_url),
                    ve_json_get_str(ve_json_get(json, "media"), "url"));
        ve_json_free(json);
    }
    if (!s->media_url[0])
        (void)snprintf(s->why, sizeof(s->why), "%s",
                       result->err ? result->why : "no media address");
    ve_loop_stop(s->loop);
}

int ve_call_find_media(struct ve_call_session *s)
{
    static const struct ve_sink_ops ops = {record_write, record_end};
    char url[320];
    struct ve_httpc_request *request;
    if (s->args.media) {
        ve_str_copy(s->media_url, sizeof(s->media_url), ve_str(s->args.media));
        size_t len = strlen(s->media_url);
        if (len && s->media_url[len - 1] != '/' && len + 1 < sizeof(s->media_url))
            memcpy(s->media_url + len, "/", 2);
        return 0;
    }
    (void)snprintf(url, sizeof(url), "%s/api/v1/health", s->http_url);
    struct ve_httpc_options options = {
        .url = ve_str(url), .sink = {&ops, &s->record}, .done = on_health, .arg = s};
    int err = ve_httpc_start(s->http, &options, &request);
    if (!err)
        ve_loop_run(s->loop);
    return s->media_url[0] ? 0 : VE_ENOENT;
}
