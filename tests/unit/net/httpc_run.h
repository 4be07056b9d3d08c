/*
 * What the tests of net/httpc share: a live loop, one client, one scripted server, and replies that
 * check the contract while they collect.
 */
#ifndef VE_TEST_HTTPC_RUN_H
#define VE_TEST_HTTPC_RUN_H

#include "script_server.h"

#include "alloc_fail.h"
#include "base/alloc.h"
#include "base/err.h"
#include "loop/timer.h"
#include "net/httpc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define RUN_LIMIT (30 * VE_SECOND) /* a test that takes longer has failed */

struct run {
    struct ve_loop *loop;
    struct ve_httpc *httpc;
    struct ve_timer guard;
    unsigned pending; /* requests that have not completed */
    bool late;        /* the guard has fired */
    bool in_call;     /* nothing may be called back now */
    struct server server;
    struct server other;
};

/* What the sink does with every piece, or with the first one. */
enum sink_mode { SINK_TAKES, SINK_PAUSES, SINK_PAUSES_ONCE, SINK_REFUSES, SINK_CANCELS };

struct reply {
    struct run *run;
    struct ve_httpc_request *request;
    struct ve_httpc_result result;
    char why[160];
    unsigned done;
    unsigned heads;
    int head_status;
    char type[64]; /* Content-Type at head */
    struct {
        char *ptr;
        size_t len;
    } body; /* collected by httpc, or written into the sink; not of the allocator under test */
    unsigned writes; /* into the sink */
    unsigned ends;   /* of the sink */
    int end_err;
    enum sink_mode mode;
    uint64_t pause; /* ns */
    bool paused;    /* between a pause and its resume */
    bool cancel_in_head;
    struct ve_timer later; /* cancels or resumes */
    unsigned asked;        /* allow_address */
    char asked_host[64];
    char asked_ip[64];
    bool deny;
    unsigned again; /* how often `done` starts the same request once more */
    struct ve_httpc_options options;
    char url[256];
};

static inline void run_late(void *arg)
{
    struct run *run = arg;
    run->late = true;
    ve_loop_stop(run->loop);
}

static inline int run_setup(void **state)
{
    struct run *run = calloc(1, sizeof(*run));
    if (!run || ve_loop_new_live(&run->loop) != 0 ||
        ve_httpc_new(&run->httpc, run->loop, NULL) != 0)
        return -1;
    *state = run;
    return 0;
}

static inline int run_teardown(void **state)
{
    struct run *run = *state;
    ve_httpc_free(run->httpc);
    ve_loop_free(run->loop);
    free(run);
    return 0;
}

static inline void reply_start(struct reply *reply);

static inline void reply_keep(struct reply *reply, const void *bytes, size_t len)
{
    reply->body.ptr = realloc(reply->body.ptr, reply->body.len + len + 1);
    assert_non_null(reply->body.ptr);
    memcpy(reply->body.ptr + reply->body.len, bytes, len);
    reply->body.len += len;
    reply->body.ptr[reply->body.len] = '\0';
}

static inline void reply_head(void *arg, struct ve_httpc_request *request, int status)
{
    struct reply *reply = arg;
    assert_false(reply->run->in_call);
    assert_ptr_equal(request, reply->request);
    assert_int_equal(reply->heads, reply->done);
    reply->heads++;
    reply->head_status = status;
    (void)ve_str_copy(reply->type, sizeof(reply->type), ve_httpc_header(request, "content-type"));
    if (reply->cancel_in_head)
        ve_httpc_cancel(request);
}

static inline void reply_done(void *arg, const struct ve_httpc_result *result)
{
    struct reply *reply = arg;
    assert_false(reply->run->in_call);
    reply->done++;
    reply->result = *result;
    (void)ve_str_copy(reply->why, sizeof(reply->why), ve_str(result->why));
    reply->result.why = reply->why;
    struct ve_str body = ve_httpc_body(reply->request);
    if (body.len)
        reply_keep(reply, body.ptr, body.len);
    ve_timer_stop(&reply->later);
    if (reply->again) {
        reply->again--;
        reply->body.len = 0;
        reply_start(reply);
        return;
    }
    if (--reply->run->pending == 0)
        ve_loop_stop(reply->run->loop);
}

static inline void reply_resume(void *arg)
{
    struct reply *reply = arg;
    reply->paused = false;
    reply->run->in_call = true;
    ve_httpc_resume(reply->request);
    reply->run->in_call = false;
}

static inline void reply_cancel(void *arg)
{
    struct reply *reply = arg;
    reply->run->in_call = true;
    ve_httpc_cancel(reply->request);
    ve_httpc_cancel(reply->request);
    reply->run->in_call = false;
}

static inline int reply_write(void *sink, const void *bytes, size_t len)
{
    struct reply *reply = sink;
    assert_false(reply->run->in_call);
    assert_false(reply->paused);
    assert_int_equal(reply->ends, 0);
    assert_true(len > 0);
    reply->writes++;
    if (reply->mode == SINK_REFUSES)
        return VE_EPROTO;
    reply_keep(reply, bytes, len);
    if (reply->mode == SINK_CANCELS)
        ve_httpc_cancel(reply->request);
    if (reply->mode != SINK_PAUSES && (reply->mode != SINK_PAUSES_ONCE || reply->writes > 1))
        return VE_FLOW_MORE;
    reply->paused = true;
    ve_timer_start(&reply->later, reply->pause);
    return VE_FLOW_PAUSE;
}

static inline void reply_end(void *sink, int err)
{
    struct reply *reply = sink;
    assert_false(reply->run->in_call);
    assert_int_equal(reply->ends, reply->done);
    reply->ends++;
    reply->end_err = err;
}

static inline bool reply_allow(void *arg, const char *host, const char *ip)
{
    struct reply *reply = arg;
    reply->asked++;
    (void)ve_str_copy(reply->asked_host, sizeof(reply->asked_host), ve_str(host));
    (void)ve_str_copy(reply->asked_ip, sizeof(reply->asked_ip), ve_str(ip));
    return !reply->deny;
}

static const struct ve_sink_ops reply_sink_ops = {reply_write, reply_end};

/* Fills in a GET of `path` at the first server; the test changes what it wants before the start. */
static inline void reply_init(struct reply *reply, struct run *run, const char *path)
{
    memset(reply, 0, sizeof(*reply));
    reply->run = run;
    reply->pause = VE_MS;
    (void)snprintf(reply->url, sizeof(reply->url), "http://127.0.0.1:%u%s",
                   (unsigned)run->server.port, path);
    reply->options.url = ve_str(reply->url);
    reply->options.head = reply_head;
    reply->options.done = reply_done;
    reply->options.arg = reply;
    ve_timer_init(&reply->later, run->loop, reply_resume, reply);
}

static inline void reply_use_sink(struct reply *reply, enum sink_mode mode)
{
    reply->mode = mode;
    reply->options.sink = (struct ve_sink){&reply_sink_ops, reply};
}

static inline int reply_try(struct reply *reply)
{
    reply->run->in_call = true;
    int err = ve_httpc_start(reply->run->httpc, &reply->options, &reply->request);
    reply->run->in_call = false;
    return err;
}

static inline void reply_start(struct reply *reply)
{
    assert_int_equal(reply_try(reply), 0);
}

/* Runs the loop until every request that was started has completed. */
static inline void run_until_done(struct run *run, unsigned pending)
{
    run->pending = pending;
    ve_timer_init(&run->guard, run->loop, run_late, run);
    ve_timer_start(&run->guard, RUN_LIMIT);
    ve_loop_run(run->loop);
    ve_timer_stop(&run->guard);
    assert_false(run->late);
}

static inline void reply_run(struct reply *reply)
{
    reply_start(reply);
    run_until_done(reply->run, 1);
}

static inline void reply_free(struct reply *reply)
{
    free(reply->body.ptr);
    reply->body.ptr = NULL;
    reply->body.len = 0;
}

/* Ends the client's pool, so that the script sees the end of its connections, and the server. */
static inline void run_end(struct run *run)
{
    ve_httpc_free(run->httpc);
    run->httpc = NULL;
    bool good = server_stop(&run->server);
    assert_int_equal(ve_httpc_new(&run->httpc, run->loop, NULL), 0);
    assert_true(good);
}

static inline void assert_body(const struct reply *reply, const char *want)
{
    assert_non_null(reply->body.ptr);
    assert_int_equal(reply->body.len, strlen(want));
    assert_string_equal(reply->body.ptr, want);
}

#endif
