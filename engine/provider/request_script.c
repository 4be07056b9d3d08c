#include "provider/request_in.h"

#include "base/alloc.h"
#include "base/err.h"

#include <stdio.h>
#include <string.h>

#define PIECES_MAX 4096
#define BYTES_MAX  (16 * 1024 * 1024)

/* --- answers ---------------------------------------------------------------------------------- */

void ve_net_answer_init(struct ve_net_answer *answer)
{
    *answer = (struct ve_net_answer){.status = 200};
    ve_buf_init(&answer->head, 64 * 1024);
    ve_buf_init(&answer->bytes, BYTES_MAX);
}

void ve_net_answer_free(struct ve_net_answer *answer)
{
    ve_buf_free(&answer->head);
    ve_buf_free(&answer->bytes);
    ve_free(answer->pieces);
    ve_net_answer_init(answer);
}

int ve_net_answer_add(struct ve_net_answer *answer, uint64_t delay, struct ve_str bytes)
{
    if (answer->count >= PIECES_MAX)
        return VE_ETOOBIG;
    struct ve_net_piece *grown = ve_realloc(answer->pieces, (answer->count + 1) * sizeof(*grown));
    if (!grown)
        return VE_ENOMEM;
    answer->pieces = grown;
    int err = ve_buf_add_str(&answer->bytes, bytes);
    if (!err)
        grown[answer->count++] = (struct ve_net_piece){delay, bytes.len};
    return err;
}

/* --- the exchange ----------------------------------------------------------------------------- */

void ve_request_script_fail(struct ve_request *request, int err, const char *why)
{
    const struct ve_net_answer *answer = &request->answer;
    bool connected = request->connected;
    struct ve_request_result result = {
        .err = err,
        .status = connected ? answer->status : 0,
        .why = why,
        .head = connected ? ve_buf_str(&answer->head) : VE_STR(""),
        .body = ve_buf_str(&request->body),
        .first = request->first,
        .received = request->offset,
    };
    bool good = result.status >= 200 && result.status < 300;
    if (request->sink.ops)
        request->sink.ops->end(request->sink.self, err || good ? err : VE_EFAILED);
    ve_request_end(request, &result);
}

static void schedule(struct ve_request *request)
{
    const struct ve_net_answer *answer = &request->answer;
    if (!request->connected)
        ve_timer_start(&request->next, answer->wait);
    else if (request->piece < answer->count)
        ve_timer_start(&request->next, answer->pieces[request->piece].delay);
    else if (!answer->silent)
        ve_timer_start(&request->next, 0);
}

/* VE_FLOW_MORE, VE_FLOW_PAUSE, or an error. */
static int deliver(struct ve_request *request, struct ve_str bytes)
{
    if (request->offset > request->max_body)
        return VE_ETOOBIG;
    bool good = request->answer.status >= 200 && request->answer.status < 300;
    if (request->sink.ops && good)
        return request->sink.ops->write(request->sink.self, bytes.ptr, bytes.len);
    return ve_buf_add_str(&request->body, bytes);
}

static void next_piece(struct ve_request *request)
{
    const struct ve_net_answer *answer = &request->answer;
    size_t len = answer->pieces[request->piece].len;
    struct ve_str bytes = ve_str_n(answer->bytes.ptr + request->offset, len);
    request->piece++;
    request->offset += len;
    int flow = VE_FLOW_MORE;
    if (len) {
        ve_clocks_progress(&request->clocks);
        if (!request->first)
            request->first = ve_loop_now(request->owner->options.loop) - request->started;
        flow = deliver(request, bytes);
    }
    if (request->dead)
        return; /* it has been cancelled meanwhile, and is freed in a step of its own */
    if (flow < 0) {
        ve_request_script_fail(
            request, flow, flow == VE_ETOOBIG ? "the body is too big" : "the receiver stopped it");
        return;
    }
    if (flow == VE_FLOW_PAUSE) {
        request->paused = true;
        ve_clocks_pause(&request->clocks);
    } else {
        schedule(request);
    }
}

static void on_next(void *arg)
{
    struct ve_request *request = arg;
    const struct ve_net_answer *answer = &request->answer;
    if (request->dead) {
        ve_request_free(request);
    } else if (!request->connected) {
        request->connected = true;
        ve_clocks_connected(&request->clocks);
        if (answer->status && request->head)
            request->head(request->arg, request, answer->status);
        if (!request->dead)
            schedule(request);
    } else if (request->piece < answer->count) {
        next_piece(request);
    } else {
        ve_request_script_fail(request, answer->err, answer->err ? "the connection was lost" : "");
    }
}

int ve_request_script_start(struct ve_request *request, const struct ve_request_options *options,
                            char why[static VE_REQUEST_WHY])
{
    const struct ve_net_script *net = request->owner->options.script;
    if (!net || !net->http) {
        (void)snprintf(why, VE_REQUEST_WHY,
                       "a simulated world has no network; answer requests with sim.http");
        return VE_ENOTSUP;
    }
    int err = net->http(net->arg, options, &request->answer, why);
    if (err)
        return err;
    ve_timer_init(&request->next, request->owner->options.loop, on_next, request);
    ve_clocks_start(&request->clocks, &options->limits);
    schedule(request);
    return 0;
}

void ve_request_script_resume(struct ve_request *request)
{
    if (!request->paused)
        return;
    request->paused = false;
    ve_clocks_progress(&request->clocks);
    schedule(request);
}

struct ve_str ve_request_script_header(const struct ve_request *request, const char *name)
{
    struct ve_str rest = ve_buf_str(&request->answer.head);
    while (rest.ptr) {
        struct ve_str line = ve_str_cut(&rest, '\n');
        size_t colon = ve_str_find(line, ':');
        if (colon != SIZE_MAX && ve_str_ieq(ve_str_n(line.ptr, colon), ve_str(name)))
            return ve_str_trim(ve_str_n(line.ptr + colon + 1, line.len - colon - 1));
    }
    return (struct ve_str){NULL, 0};
}
