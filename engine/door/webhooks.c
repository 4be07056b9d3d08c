#include "door/webhooks.h"

#include "base/alloc.h"
#include "base/err.h"
#include "carrier/ringover_webhook.h"

#include <stdio.h>

/* /test is open to everybody: so many a second, with a burst of the same size. */
#define TESTS_PER_SECOND 10

struct ve_webhooks {
    struct ve_webhooks_config config;
    uint64_t test_second; /* of the loop's clock */
    unsigned tests;       /* in that second */
};

static void answer_ok(struct ve_http_request *request)
{
    ve_http_respond(request, 200, "application/json", VE_STR("{\"status\":\"ok\"}"), NULL, 0);
}

static void refuse_signature(struct ve_webhooks *webhooks, struct ve_http_request *request,
                             enum ve_verdict verdict)
{
    bool missing = verdict == VE_VERDICT_MISSING;
    ve_log_event(webhooks->config.log, VE_LOG_WARN, "webhook_refused",
                 ve_fmsg(missing ? "Webhook without a signature refused"
                                 : "Webhook with a wrong signature refused"),
                 ve_fstr("peer", ve_http_peer(request)));
    ve_http_refuse(request, 401, missing ? "signature_missing" : "signature_bad",
                   missing ? "the X-Ringover-Signature header is missing"
                           : "the signature does not match the body and the configured secret");
}

static void log_verified(struct ve_webhooks *webhooks, const struct ve_event *event)
{
    char msg[128];
    (void)snprintf(msg, sizeof(msg), "Webhook signature verified for call ID %s",
                   event->call_id[0] ? event->call_id : "-");
    ve_log_event(webhooks->config.log, VE_LOG_INFO, "webhook_verified", ve_fmsg(msg),
                 ve_ftext("call", event->call_id), ve_ftext("name", event->name));
}

static void on_posted(void *arg, int err)
{
    struct ve_http_request *request = arg;
    if (!err)
        answer_ok(request);
    else if (err == VE_EBUSY)
        ve_http_refuse_with(request, 503, "busy", "too many calls at once",
                            (struct ve_http_field){"Retry-After", VE_STR("2")});
    else
        ve_http_refuse_with(request, 503, "not_stored", "the event could not be taken",
                            (struct ve_http_field){"Retry-After", VE_STR("5")});
}

static void on_event(void *arg, struct ve_http_request *request, const struct ve_str *params)
{
    struct ve_webhooks *webhooks = arg;
    struct ve_event *event;
    char why[96];
    (void)params;
    enum ve_verdict verdict = ve_auth_webhook(webhooks->config.secrets, request);
    if (verdict != VE_VERDICT_VALID) {
        refuse_signature(webhooks, request, verdict);
        return;
    }
    int err = ve_ringover_decode(&event, ve_http_body(request), why);
    if (err) {
        ve_http_refuse(request, err == VE_EPROTO ? 400 : 503,
                       err == VE_EPROTO ? "bad_json" : "not_stored",
                       err == VE_EPROTO ? why : ve_err_name(err));
        return;
    }
    log_verified(webhooks, event);
    err = ve_directory_post(webhooks->config.calls, event, on_posted, request);
    if (err)
        on_posted(request, err);
}

static bool may_test(struct ve_webhooks *webhooks)
{
    uint64_t second = ve_loop_now(webhooks->config.loop) / VE_SECOND;
    if (second != webhooks->test_second) {
        webhooks->test_second = second;
        webhooks->tests = 0;
    }
    return webhooks->tests++ < TESTS_PER_SECOND;
}

static void on_test(void *arg, struct ve_http_request *request, const struct ve_str *params)
{
    struct ve_webhooks *webhooks = arg;
    char body[64];
    (void)params;
    if (!may_test(webhooks)) {
        ve_http_refuse_with(request, 429, "too_many", "at most 10 tests a second",
                            (struct ve_http_field){"Retry-After", VE_STR("1")});
        return;
    }
    enum ve_verdict verdict = ve_auth_webhook(webhooks->config.secrets, request);
    (void)snprintf(body, sizeof(body), "{\"status\":\"ok\",\"signature\":\"%s\"}",
                   ve_verdict_name(verdict));
    ve_http_respond(request, 200, "application/json", ve_str(body), NULL, 0);
}

static const struct ve_route routes[] = {
    {"POST", "/api/v1/webhooks/ringover/event", on_event, NULL},
    {"POST", "/api/v1/webhooks/ringover/test", on_test, NULL},
};

int ve_webhooks_new(struct ve_webhooks **out, const struct ve_webhooks_config *config,
                    struct ve_router *router)
{
    struct ve_webhooks *webhooks = ve_alloc(sizeof(*webhooks));
    if (!webhooks)
        return VE_ENOMEM;
    webhooks->config = *config;
    int err = ve_router_add(router, routes, sizeof(routes) / sizeof(routes[0]), webhooks);
    if (err) {
        ve_free(webhooks);
        return err;
    }
    *out = webhooks;
    return 0;
}

void ve_webhooks_free(struct ve_webhooks *webhooks)
{
    ve_free(webhooks);
}
