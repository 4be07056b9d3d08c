#include "net/httpc_in.h"

#include "base/alloc.h"
#include "base/err.h"

#include <string.h>

int ve_httpc_process_init(void)
{
    return curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK ? 0 : VE_EFAILED;
}

static void work(struct ve_httpc_request *request)
{
    if (request->mark == VE_HTTPC_ENDING)
        ve_httpc_finish(request);
    else if (request->mark == VE_HTTPC_NEW)
        ve_httpc_begin(request);
    else if (request->resume)
        ve_httpc_go_on(request);
}

/* What is added meanwhile waits for a step of its own: a request that fails at once and is asked
 * again from `done` must not hold the loop. */
static void on_kick(void *arg)
{
    struct ve_httpc *httpc = arg;
    struct ve_link now;
    ve_link_init(&now);
    for (struct ve_link *link = ve_list_shift(&httpc->work); link;
         link = ve_list_shift(&httpc->work))
        ve_list_push(&now, link);
    for (struct ve_link *link = ve_list_shift(&now); link; link = ve_list_shift(&now))
        work(VE_CONTAINER(link, struct ve_httpc_request, work));
}

void ve_httpc_attend(struct ve_httpc_request *request)
{
    struct ve_httpc *httpc = request->httpc;
    if (!ve_list_empty(&request->work))
        return;
    ve_list_push(&httpc->work, &request->work);
    if (!httpc->kick.active)
        ve_timer_start(&httpc->kick, 0);
}

int ve_httpc_new(struct ve_httpc **out, struct ve_loop *loop, const struct ve_log *log)
{
    if (ve_loop_is_sim(loop))
        return VE_ENOTSUP;
    struct ve_httpc *httpc = ve_alloc(sizeof(*httpc));
    if (!httpc)
        return VE_ENOMEM;
    httpc->loop = loop;
    httpc->log = log;
    ve_link_init(&httpc->requests);
    ve_link_init(&httpc->work);
    ve_link_init(&httpc->sockets);
    ve_timer_init(&httpc->kick, loop, on_kick, httpc);
    int err = ve_httpc_loop_init(httpc);
    if (err) {
        ve_free(httpc);
        return err;
    }
    *out = httpc;
    return 0;
}

void ve_httpc_free(struct ve_httpc *httpc)
{
    if (!httpc)
        return;
    while (!ve_list_empty(&httpc->requests)) {
        struct ve_httpc_request *request =
            VE_CONTAINER(httpc->requests.next, struct ve_httpc_request, link);
        ve_httpc_fail(request, VE_ECANCELED, "canceled");
        ve_httpc_finish(request);
    }
    ve_timer_stop(&httpc->kick);
    ve_httpc_loop_close(httpc);
    ve_free(httpc);
}

void ve_httpc_request_free(struct ve_httpc_request *request)
{
    /* The parts belong to the handle: first it, then they. */
    curl_easy_cleanup(request->easy);
    curl_mime_free(request->mime);
    curl_slist_free_all(request->fields);
    curl_slist_free_all(request->plain_fields);
    ve_free(request->body);
    ve_free(request->host);
    ve_free(request->origin);
    ve_buf_free(&request->header);
    ve_buf_free(&request->collected);
    ve_free(request);
}

int ve_httpc_start(struct ve_httpc *httpc, const struct ve_httpc_options *options,
                   struct ve_httpc_request **out)
{
    struct ve_httpc_request *request = ve_alloc(sizeof(*request));
    if (!request)
        return VE_ENOMEM;
    request->httpc = httpc;
    ve_link_init(&request->link);
    ve_link_init(&request->work);
    int err = ve_httpc_setup(request, options);
    if (err) {
        ve_httpc_request_free(request);
        return err;
    }
    ve_list_push(&httpc->requests, &request->link);
    ve_httpc_attend(request);
    if (out)
        *out = request;
    return 0;
}

void ve_httpc_cancel(struct ve_httpc_request *request)
{
    ve_httpc_fail(request, VE_ECANCELED, "canceled");
}

void ve_httpc_resume(struct ve_httpc_request *request)
{
    if (!request->paused || request->mark != VE_HTTPC_RUNNING)
        return;
    request->resume = true;
    ve_httpc_attend(request);
}

struct ve_str ve_httpc_head(const struct ve_httpc_request *request)
{
    return ve_buf_str(&request->header);
}

struct ve_str ve_httpc_body(const struct ve_httpc_request *request)
{
    return ve_buf_str(&request->collected);
}

int ve_httpc_warm(struct ve_httpc *httpc, const struct ve_httpc_options *options)
{
    struct ve_httpc_options head = {
        .method = "HEAD",
        .url = options->url,
        .connect_timeout = options->connect_timeout,
        .allow_address = options->allow_address,
        .allow_origin = options->allow_origin,
        .done = options->done,
        .arg = options->arg,
        .insecure_tls = options->insecure_tls,
        .ca_file = options->ca_file,
    };
    struct ve_httpc_request *request = NULL;
    int err = ve_httpc_start(httpc, &head, &request);
    if (!err && curl_easy_setopt(request->easy, CURLOPT_REQUEST_TARGET, "/"))
        ve_httpc_fail(request, VE_ENOMEM, "out of memory");
    return err;
}
