/*
 * What the tests of provider/request over real sockets share: a live loop, one ve_requests whose
 * rules allow a scripted server as a base URL, and replies.
 */
#ifndef VE_TEST_REQUEST_RIG_H
#define VE_TEST_REQUEST_RIG_H

#include "../net/script_server.h"

#include "alloc_fail.h"
#include "base/err.h"
#include "net/httpc.h"
#include "provider/request.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define SECRET "sk-0123456789"

struct rig {
    struct ve_loop *loop;
    struct ve_vault vault;
    struct ve_policy policy;
    struct ve_requests *requests;
    struct server server;
    struct server other; /* no base URL */
    struct ve_timer guard;
    struct ve_log log;
    char logged[8192];
    bool late;
};

struct reply {
    struct rig *rig;
    struct ve_request *request;
    struct ve_request_options options;
    struct ve_request_field fields[2];
    char url[128];
    unsigned done;
    int err;
    int status;
    bool denied;
    char why[VE_REQUEST_WHY];
    char head[2048];
    char body[4096];
    size_t received;
};

static inline int64_t rig_wall(void *clock)
{
    (void)clock;
    return 0;
}

static inline void rig_log(void *writer, const char *line, size_t len)
{
    struct rig *rig = writer;
    size_t used = strlen(rig->logged);
    if (used + len < sizeof(rig->logged))
        memcpy(rig->logged + used, line, len);
}

static inline void rig_late(void *arg)
{
    struct rig *rig = arg;
    rig->late = true;
    ve_loop_stop(rig->loop);
}

static inline int rig_open(void **state)
{
    struct rig *rig = calloc(1, sizeof(*rig));
    if (!rig || ve_loop_new_live(&rig->loop) != 0)
        return -1;
    rig->log = (struct ve_log){
        .level = VE_LOG_DEBUG, .wall_ms = rig_wall, .write = rig_log, .writer = rig};
    ve_vault_init(&rig->vault);
    ve_policy_init(&rig->policy, NULL);
    struct ve_requests_options options = {
        .loop = rig->loop, .log = &rig->log, .vault = &rig->vault, .policy = &rig->policy};
    *state = rig;
    return ve_requests_new(&rig->requests, &options);
}

static inline int rig_close(void **state)
{
    struct rig *rig = *state;
    ve_requests_free(rig->requests);
    ve_policy_free(&rig->policy);
    ve_vault_free(&rig->vault);
    ve_loop_free(rig->loop);
    free(rig);
    return 0;
}

/* The first server becomes a base URL, with a secret of its own. */
static inline void rig_serve(struct rig *rig, void (*script)(struct server *server),
                             const void *arg)
{
    char base[64];
    assert_true(server_start(&rig->server, script, (void *)(uintptr_t)arg));
    (void)snprintf(base, sizeof(base), "http://127.0.0.1:%u/v1", rig->server.port);
    assert_int_equal(ve_policy_allow_base(&rig->policy, ve_str(base)), 0);
    assert_int_equal(ve_vault_add(&rig->vault, VE_STR("THE_KEY"), VE_STR(SECRET)), 0);
    assert_int_equal(ve_vault_allow_base(&rig->vault, VE_STR("THE_KEY"), ve_str(base)), 0);
}

static inline void reply_done(void *arg, const struct ve_request_result *result)
{
    struct reply *reply = arg;
    reply->done++;
    reply->err = result->err;
    reply->status = result->status;
    reply->denied = result->denied;
    reply->received = result->received;
    (void)ve_str_copy(reply->why, sizeof(reply->why), ve_str(result->why));
    (void)ve_str_copy(reply->head, sizeof(reply->head), result->head);
    (void)ve_str_copy(reply->body, sizeof(reply->body), result->body);
    ve_loop_stop(reply->rig->loop);
}

static inline void reply_init(struct reply *reply, struct rig *rig, const char *path)
{
    memset(reply, 0, sizeof(*reply));
    reply->rig = rig;
    (void)snprintf(reply->url, sizeof(reply->url), "http://127.0.0.1:%u%s", rig->server.port, path);
    reply->fields[0] = (struct ve_request_field){"Authorization", VE_STR("Bearer ${THE_KEY}")};
    reply->options = (struct ve_request_options){
        .url = ve_str(reply->url),
        .fields = reply->fields,
        .field_count = 1,
        /* All clocks cut: a fault is seen after a tenth of a second. */
        .limits = {.connect = 2 * VE_SECOND, .first = 100 * VE_MS, .progress = 100 * VE_MS},
        .done = reply_done,
        .arg = reply,
    };
}

static inline int reply_try(struct reply *reply)
{
    return ve_request_start(reply->rig->requests, &reply->options, &reply->request, reply->why);
}

static inline void rig_run(struct rig *rig)
{
    ve_timer_init(&rig->guard, rig->loop, rig_late, rig);
    ve_timer_start(&rig->guard, 30 * VE_SECOND);
    ve_loop_run(rig->loop);
    ve_timer_stop(&rig->guard);
    assert_false(rig->late);
}

static inline void reply_run(struct reply *reply)
{
    assert_int_equal(reply_try(reply), 0);
    rig_run(reply->rig);
    assert_int_equal(reply->done, 1);
}

/* Closes the client's connections and waits for the server's script. */
static inline void rig_end(struct rig *rig)
{
    struct ve_requests_options options = {
        .loop = rig->loop, .log = &rig->log, .vault = &rig->vault, .policy = &rig->policy};
    ve_requests_free(rig->requests);
    rig->requests = NULL;
    bool good = server_stop(&rig->server);
    assert_int_equal(ve_requests_new(&rig->requests, &options), 0);
    assert_true(good);
}

#endif
