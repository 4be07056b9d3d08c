#include "provider/request_in.h"

#include "base/alloc.h"
#include "base/err.h"

#include <stdio.h>
#include <string.h>

#define BODY_DEFAULT (1024 * 1024)

/* --- rules ------------------------------------------------------------------------------------ */

static bool has_rules(const struct ve_request *request)
{
    const struct ve_requests_options *options = &request->owner->options;
    return request->policy || options->policy || !options->script;
}

static bool is_first(const struct ve_request *request, const struct ve_origin *origin)
{
    return request->origin.tls == origin->tls && request->origin.port == origin->port &&
           strcmp(request->origin.host, origin->host) == 0;
}

enum ve_policy_answer ve_request_ask(const struct ve_request *request,
                                     const struct ve_origin *origin)
{
    const struct ve_requests_options *options = &request->owner->options;
    if (!has_rules(request))
        return VE_POLICY_BASE;
    enum ve_policy_answer best = ve_policy_ask(request->policy, origin);
    enum ve_policy_answer other = ve_policy_ask(options->policy, origin);
    best = other > best ? other : best;
    other = ve_vault_ask(options->vault, origin);
    best = other > best ? other : best;
    /* A base URL may be a server on this machine: no other server sends us there. */
    if (best == VE_POLICY_BASE && request->moved && !is_first(request, origin))
        return VE_POLICY_NO;
    return best;
}

static int check_place(struct ve_request *request, struct ve_str url,
                       char why[static VE_REQUEST_WHY])
{
    if (ve_origin_parse(&request->origin, url) != 0) {
        (void)snprintf(why, VE_REQUEST_WHY,
                       "the URL must begin with https:// and a host name, without user or blanks");
        return VE_EINVAL;
    }
    if (ve_request_ask(request, &request->origin) != VE_POLICY_NO)
        return 0;
    (void)snprintf(
        why, VE_REQUEST_WHY, "%.100s:%u is not allowed over %s; list the host in VE_HTTP_ALLOW",
        request->origin.host, request->origin.port, request->origin.tls ? "https" : "http");
    return VE_EAUTH;
}

/* --- the list --------------------------------------------------------------------------------- */

int ve_requests_new(struct ve_requests **out, const struct ve_requests_options *options)
{
    struct ve_requests *requests = ve_alloc(sizeof(*requests));
    if (!requests)
        return VE_ENOMEM;
    requests->options = *options;
    ve_link_init(&requests->list);
    int err = 0;
    if (!ve_loop_is_sim(options->loop))
        err = ve_httpc_new(&requests->httpc, options->loop, options->log);
    if (err) {
        ve_free(requests);
        return err;
    }
    *out = requests;
    return 0;
}

void ve_requests_free(struct ve_requests *requests)
{
    if (!requests)
        return;
    VE_LIST_EACH(&requests->list, it)
    {
        ve_request_cancel(VE_CONTAINER(it, struct ve_request, link));
    }
    ve_httpc_free(requests->httpc);
    while (!ve_list_empty(&requests->list))
        ve_request_free(VE_CONTAINER(requests->list.next, struct ve_request, link));
    ve_free(requests);
}

struct ve_loop *ve_requests_loop(const struct ve_requests *requests)
{
    return requests->options.loop;
}

unsigned ve_requests_active(const struct ve_requests *requests)
{
    return requests->count;
}

static void on_expired(void *arg, const char *why)
{
    struct ve_request *request = arg;
    request->expired = why;
    if (request->http) {
        ve_httpc_cancel(request->http); /* `done` follows */
        return;
    }
    ve_request_script_fail(request, VE_ETIMEDOUT, why);
}

static struct ve_request *make_request(struct ve_requests *owner,
                                       const struct ve_request_options *options)
{
    struct ve_request *request = ve_alloc(sizeof(*request));
    if (!request)
        return NULL;
    request->owner = owner;
    request->policy = options->policy;
    request->sink = options->sink;
    request->head = options->head;
    request->done = options->done;
    request->arg = options->arg;
    request->max_body = options->max_body ? options->max_body : BODY_DEFAULT;
    request->started = ve_loop_now(owner->options.loop);
    ve_timer_init(&request->next, owner->options.loop, NULL, request);
    ve_clocks_init(&request->clocks, owner->options.loop, on_expired, request);
    ve_net_answer_init(&request->answer);
    ve_buf_init(&request->body, request->max_body);
    ve_list_push(&owner->list, &request->link);
    owner->count++;
    return request;
}

void ve_request_free(struct ve_request *request)
{
    ve_clocks_stop(&request->clocks);
    ve_timer_stop(&request->next);
    ve_link_remove(&request->link);
    request->owner->count--;
    ve_net_answer_free(&request->answer);
    ve_buf_free(&request->body);
    ve_free(request);
}

int ve_request_start(struct ve_requests *requests, const struct ve_request_options *options,
                     struct ve_request **out, char why[static VE_REQUEST_WHY])
{
    why[0] = '\0';
    if (requests->count >= VE_REQUESTS_MAX) {
        (void)snprintf(why, VE_REQUEST_WHY, "too many requests are under way at once");
        return VE_EBUSY;
    }
    struct ve_request *request = make_request(requests, options);
    if (!request)
        return VE_ENOMEM;
    int err = check_place(request, options->url, why);
    if (!err)
        err = requests->httpc ? ve_request_live_start(request, options, why)
                              : ve_request_script_start(request, options, why);
    if (err) {
        if (!why[0])
            (void)snprintf(why, VE_REQUEST_WHY, "the request cannot be sent: %s", ve_err_name(err));
        ve_request_free(request);
        return err;
    }
    *out = request;
    return 0;
}

void ve_request_cancel(struct ve_request *request)
{
    request->dead = true;
    ve_clocks_stop(&request->clocks);
    if (request->http)
        ve_httpc_cancel(request->http); /* it is freed when that has ended */
    else
        ve_timer_start(&request->next, 0); /* freed there: we may be inside of its callbacks */
}

void ve_request_resume(struct ve_request *request)
{
    if (request->http)
        ve_httpc_resume(request->http);
    else if (!request->owner->httpc)
        ve_request_script_resume(request);
}

struct ve_str ve_request_header(const struct ve_request *request, const char *name)
{
    return request->http ? ve_httpc_header(request->http, name)
                         : ve_request_script_header(request, name);
}

void ve_request_scrub(const struct ve_request *request, char *bytes, size_t len)
{
    ve_vault_scrub(request->owner->options.vault, &request->origin, bytes, len);
}

static void log_end(const struct ve_request *request, const struct ve_request_result *result)
{
    const struct ve_log *log = request->owner->options.log;
    if (!log || (!result->err && result->status < 400))
        return;
    ve_log_event(log, VE_LOG_WARN, "request_failed", ve_ftext("host", request->origin.host),
                 ve_fi64("status", result->status),
                 ve_ftext("error", result->err ? ve_err_name(result->err) : "status"),
                 ve_ftext("why", result->why), ve_fu64("ms", result->total / VE_MS));
}

void ve_request_end(struct ve_request *request, struct ve_request_result *result)
{
    if (request->expired) {
        result->err = VE_ETIMEDOUT;
        result->why = request->expired;
    }
    result->denied = request->denied;
    result->total = ve_loop_now(request->owner->options.loop) - request->started;
    ve_clocks_stop(&request->clocks);
    if (!request->dead) {
        log_end(request, result);
        request->dead = true; /* a cancel from `done` comes too late to mean anything */
        request->done(request->arg, result);
    }
    ve_request_free(request);
}

void ve_request_warm(struct ve_requests *requests, struct ve_str url,
                     const struct ve_policy *policy)
{
    char why[VE_REQUEST_WHY];
    struct ve_request_options options = {.policy = policy};
    struct ve_request *request = requests->httpc ? make_request(requests, &options) : NULL;
    if (!request)
        return;
    request->dead = true; /* nobody listens */
    if (check_place(request, url, why) == 0)
        ve_request_live_warm(request, url);
    else
        ve_request_free(request);
}
