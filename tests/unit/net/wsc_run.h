/*
 * What the tests of net/wsc share: a live loop, one client context, a scripted server, and a user
 * of a connection who checks the contract while he writes down what he hears.
 */
#ifndef VE_TEST_WSC_RUN_H
#define VE_TEST_WSC_RUN_H

#include "ws_script.h"

#include "alloc_fail.h"
#include "base/err.h"
#include "loop/timer.h"
#include "net/wsc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define RUN_LIMIT (30 * VE_SECOND) /* a test that takes longer has failed */

struct run {
    struct ve_loop *loop;
    struct ve_wsc *wsc;
    struct ve_timer guard;
    bool late;
    bool in_call; /* nothing may be called back now */
    struct server server;
};

struct user {
    struct run *run;
    struct ve_conn *conn;
    struct ve_wsc_options options;
    char url[256];
    unsigned opened;
    int err;
    int status;
    char why[160];
    char *bytes; /* of all messages, one behind the other */
    size_t len;
    unsigned pieces;
    unsigned messages;
    bool inside;           /* a message is under way */
    enum ve_opcode opcode; /* of the latest message */
    unsigned drained;
    unsigned closed;
    int code;
    int wanted;     /* to close with */
    unsigned asked; /* allow_address */
    char asked_ip[64];
    bool deny;
    bool echo; /* send every piece back as a message */
    void (*on_open)(struct user *user);
    void (*on_message)(struct user *user); /* after a last piece */
    struct ve_timer timer;
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
    if (!run || ve_loop_new_live(&run->loop) != 0 || ve_wsc_new(&run->wsc, run->loop, NULL) != 0)
        return -1;
    *state = run;
    return 0;
}

static inline int run_teardown(void **state)
{
    struct run *run = *state;
    ve_wsc_free(run->wsc);
    ve_loop_free(run->loop);
    free(run);
    return 0;
}

static inline int user_send(struct user *user, enum ve_opcode opcode, const void *bytes, size_t len)
{
    struct ve_out *out = ve_out_new(len);
    if (!out)
        return VE_ENOMEM;
    if (len)
        memcpy(ve_out_payload(out), bytes, len);
    out->len = len;
    bool before = user->run->in_call;
    user->run->in_call = true;
    int err = ve_conn_send(user->conn, out, opcode);
    user->run->in_call = before;
    return err;
}

static inline int user_say(struct user *user, const char *text)
{
    return user_send(user, VE_OP_TEXT, text, strlen(text));
}

static inline void user_close(struct user *user, int code)
{
    bool before = user->run->in_call;
    user->run->in_call = true;
    ve_conn_close(user->conn, code);
    ve_conn_close(user->conn, 1002); /* repeating it does nothing */
    user->run->in_call = before;
}

static inline void user_close_normally(struct user *user)
{
    user_close(user, VE_CLOSE_NORMAL);
}

static inline void user_pause(struct user *user, bool paused)
{
    user->run->in_call = true;
    ve_conn_pause(user->conn, paused);
    user->run->in_call = false;
}

static inline void user_opened(void *arg, int err, int http_status, const char *why)
{
    struct user *user = arg;
    assert_false(user->run->in_call);
    assert_int_equal(user->opened, 0);
    user->opened++;
    user->err = err;
    user->status = http_status;
    (void)snprintf(user->why, sizeof(user->why), "%s", why);
    if (err)
        ve_loop_stop(user->run->loop);
    else if (user->on_open)
        user->on_open(user);
}

static inline void user_data(void *arg, const uint8_t *bytes, size_t len, bool first, bool last,
                             enum ve_opcode opcode)
{
    struct user *user = arg;
    assert_false(user->run->in_call);
    assert_int_equal(user->opened, 1);
    assert_int_equal(user->closed, 0);
    assert_int_equal(first, !user->inside);
    user->inside = !last;
    user->opcode = opcode;
    user->pieces++;
    user->bytes = realloc(user->bytes, user->len + len + 1);
    assert_non_null(user->bytes);
    if (len)
        memcpy(user->bytes + user->len, bytes, len);
    user->len += len;
    user->bytes[user->len] = '\0';
    if (user->echo)
        assert_int_equal(user_send(user, opcode, bytes, len), 0);
    if (last) {
        user->messages++;
        if (user->on_message)
            user->on_message(user);
    }
}

static inline void user_drained(void *arg)
{
    struct user *user = arg;
    assert_false(user->run->in_call);
    assert_int_equal(user->closed, 0);
    assert_int_equal(ve_conn_queued(user->conn), 0);
    user->drained++;
}

static inline void user_closed(void *arg, int code)
{
    struct user *user = arg;
    assert_false(user->run->in_call);
    assert_int_equal(user->opened, 1);
    assert_int_equal(user->err, 0);
    assert_int_equal(user->closed, 0);
    user->closed++;
    user->code = code;
    ve_loop_stop(user->run->loop);
}

static const struct ve_conn_events user_events = {user_data, user_drained, user_closed};

static inline bool user_allow(void *arg, const char *host, const char *ip)
{
    struct user *user = arg;
    assert_true(host[0] != '\0');
    user->asked++;
    (void)snprintf(user->asked_ip, sizeof(user->asked_ip), "%s", ip);
    return !user->deny;
}

static inline void user_init(struct user *user, struct run *run, const char *path)
{
    memset(user, 0, sizeof(*user));
    user->run = run;
    (void)snprintf(user->url, sizeof(user->url), "ws://127.0.0.1:%u%s", (unsigned)run->server.port,
                   path);
    user->options.url = ve_str(user->url);
    user->options.opened = user_opened;
}

/* A server with its script, and a user who is about to connect to it. */
static inline void run_begin(struct run *run, struct user *user,
                             void (*script)(struct server *server), const void *arg)
{
    assert_true(server_start(&run->server, script, (void *)(uintptr_t)arg));
    user_init(user, run, "/v1/listen?model=nova");
}

static inline int user_connect(struct user *user)
{
    user->run->in_call = true;
    int err = ve_wsc_connect(user->run->wsc, &user->options, &user_events, user, &user->conn);
    user->run->in_call = false;
    return err;
}

/* Until something stops the loop. */
static inline void run_loop(struct run *run)
{
    ve_timer_init(&run->guard, run->loop, run_late, run);
    ve_timer_start(&run->guard, RUN_LIMIT);
    ve_loop_run(run->loop);
    ve_timer_stop(&run->guard);
    assert_false(run->late);
}

static inline void user_run(struct user *user)
{
    assert_int_equal(user_connect(user), 0);
    run_loop(user->run);
}

static inline void user_free(struct user *user)
{
    free(user->bytes);
    user->bytes = NULL;
}

/* Lets the server see the end of whatever the client still had open. */
static inline void run_end(struct run *run, struct user *user)
{
    user_free(user);
    ve_wsc_free(run->wsc);
    run->wsc = NULL;
    bool good = server_stop(&run->server);
    assert_int_equal(ve_wsc_new(&run->wsc, run->loop, NULL), 0);
    assert_true(good);
}

#endif
