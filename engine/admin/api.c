#include "admin/api.h"

#include "base/alloc.h"
#include "base/err.h"

#include <stdlib.h>

#define LIST_DEFAULT 100
#define LIST_MAX     1000

struct ve_api {
    struct ve_api_config config;
};

static void answer(struct ve_http_request *request, int err, struct ve_buf *body)
{
    if (!err)
        ve_http_respond(request, 200, "application/json", ve_buf_str(body), NULL, 0);
    else if (err == VE_ENOENT)
        ve_http_refuse(request, 404, "call_not_found", "no call with this id is known");
    else
        ve_http_refuse(request, 503, "busy", ve_err_name(err));
    ve_buf_free(body);
}

static void on_healthz(void *arg, struct ve_http_request *request, const struct ve_str *params)
{
    (void)arg;
    (void)params;
    ve_http_respond(request, 200, "application/json", VE_STR("{\"status\":\"ok\"}"), NULL, 0);
}

static void on_readyz(void *arg, struct ve_http_request *request, const struct ve_str *params)
{
    struct ve_api *api = arg;
    (void)params;
    if (ve_calls_draining(api->config.calls))
        ve_http_refuse_with(request, 503, "draining", "the engine takes no new calls",
                            (struct ve_http_field){"Retry-After", VE_STR("5")});
    else
        ve_http_respond(request, 200, "application/json", VE_STR("{\"status\":\"ready\"}"), NULL,
                        0);
}

static void on_health(void *arg, struct ve_http_request *request, const struct ve_str *params)
{
    struct ve_api *api = arg;
    struct ve_buf body;
    struct ve_jsonw w;
    (void)params;
    if (!ve_access_check(api->config.tokens, request, VE_ROLE_READ))
        return;
    bool draining = ve_calls_draining(api->config.calls);
    ve_buf_init(&body, 0);
    ve_jsonw_init(&w, &body);
    ve_jsonw_object(&w);
    ve_jsonw_kstr(&w, "status", draining ? VE_STR("draining") : VE_STR("ok"));
    ve_jsonw_kstr(&w, "version", ve_str(VE_VERSION));
    ve_jsonw_ku64(&w, "calls", ve_calls_active(api->config.calls));
    ve_jsonw_ku64(&w, "generation", api->config.generation(api->config.arg));
    ve_jsonw_key(&w, "media");
    ve_jsonw_object(&w);
    ve_jsonw_kstr(&w, "state", VE_STR("ok"));
    ve_jsonw_kstr(&w, "url", ve_str(api->config.media_url));
    ve_jsonw_object_end(&w);
    ve_jsonw_object_end(&w);
    answer(request, ve_jsonw_end(&w), &body);
}

static void on_calls(void *arg, struct ve_http_request *request, const struct ve_str *params)
{
    struct ve_api *api = arg;
    struct ve_buf body;
    char text[16];
    uint64_t limit = LIST_DEFAULT;
    (void)params;
    if (!ve_access_check(api->config.tokens, request, VE_ROLE_READ))
        return;
    int err = ve_http_query_get(request, "limit", text, sizeof(text));
    if (!err)
        err = ve_str_u64(&limit, ve_str(text), LIST_MAX);
    if (err && err != VE_ENOENT) {
        ve_http_refuse(request, 400, "bad_limit", "limit is a number from 0 to 1000");
        return;
    }
    ve_buf_init(&body, 0);
    err = ve_calls_list(api->config.calls, (size_t)limit, &body);
    answer(request, err, &body);
}

static void on_call(void *arg, struct ve_http_request *request, const struct ve_str *params)
{
    struct ve_api *api = arg;
    struct ve_buf body;
    if (!ve_access_check(api->config.tokens, request, VE_ROLE_READ))
        return;
    ve_buf_init(&body, 0);
    int err = ve_calls_record(api->config.calls, params[0], &body);
    answer(request, err, &body);
}

static const struct ve_route routes[] = {
    {"GET", "/healthz", on_healthz, NULL},        {"GET", "/readyz", on_readyz, NULL},
    {"GET", "/api/v1/health", on_health, NULL},   {"GET", "/api/v1/calls", on_calls, NULL},
    {"GET", "/api/v1/calls/{id}", on_call, NULL},
};

int ve_api_new(struct ve_api **out, const struct ve_api_config *config, struct ve_router *router)
{
    struct ve_api *api = ve_alloc(sizeof(*api));
    if (!api)
        return VE_ENOMEM;
    api->config = *config;
    int err = ve_router_add(router, routes, sizeof(routes) / sizeof(routes[0]), api);
    if (err) {
        ve_free(api);
        return err;
    }
    *out = api;
    return 0;
}

void ve_api_free(struct ve_api *api)
{
    ve_free(api);
}
