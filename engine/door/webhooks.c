#include "door/webhooks.h"

#include "base/alloc.h"
#include "base/err.h"

#include <stdio.h>

/* /test is open to everybody: so many a second, with a burst of the same size. */
#define TESTS_PER_SECOND 10

struct ve_webhooks {
    struct ve_webhooks_config config;
    uint64_t test_second; /* of the loop's clock */
    unsigned tests;       /* in that second */
};

static void take(struct ve_webhooks *webhooks, struct ve_http_request *request, bool path_ok)
{
    struct ve_event *event = ve_verify_event(&webhooks->config.verify, request, path_ok);
    if (!event)
        return;
    if (ve_event_type(event->kind)->asks)
        ve_answers_take(webhooks->config.answers, request, event);
    else /* what was signed is kept: a token's content, not the body beside it */
        ve_intake_take(webhooks->config.intake, request, event, event->raw);
}

static void on_event(void *arg, struct ve_http_request *request, const struct ve_str *params)
{
    (void)params;
    take(arg, request, false);
}

/* With a secret as the last segment: for IVR codes, which come unsigned. */
static void on_event_with_secret(void *arg, struct ve_http_request *request,
                                 const struct ve_str *params)
{
    struct ve_webhooks *webhooks = arg;
    if (ve_signature_path(webhooks->config.verify.secrets, params[0]))
        take(webhooks, request, true);
    else
        ve_http_refuse(request, 404, "not_found", "there is nothing at this address");
}

static bool may_test(struct ve_webhooks *webhooks)
{
    uint64_t second = ve_loop_now(webhooks->config.verify.loop) / VE_SECOND;
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
    (void)snprintf(body, sizeof(body), "{\"status\":\"ok\",\"signature\":\"%s\"}",
                   ve_verify_verdict(&webhooks->config.verify, request));
    ve_http_respond(request, 200, "application/json", ve_str(body), NULL, 0);
}

static const struct ve_route routes[] = {
    {"POST", VE_WEBHOOK_PATH, on_event, NULL},
    {"POST", VE_WEBHOOK_PATH "/{secret}", on_event_with_secret, NULL},
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
