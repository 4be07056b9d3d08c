/* What net/conn.h promises, asked of every implementation: the server's end (net/wsd.c) and the
 * client's (net/wsc.c) of one connection, each in turn being the one that is looked at. */
#include "net/conn.h"

#include "base/err.h"
#include "loop/timer.h"
#include "net/httpd.h"
#include "net/wsc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "memory.h"

#define GUARD       (30 * VE_SECOND)
#define HEARD_MAX   (2u << 20)
#define MAX_MESSAGE (1u << 20)
#define MAX_QUEUE   65536

struct end {
    struct run *run;
    struct ve_conn *conn;
    uint8_t *heard; /* payloads one behind the other */
    size_t heard_len;
    unsigned messages, drained, closed;
    int code;
    enum ve_opcode opcode; /* of the latest message */
    bool inside;           /* a message is under way */
    bool pause_at_data;
    bool forget; /* count, but do not keep */
};

struct run {
    struct ve_loop *loop;
    struct ve_httpd *httpd;
    struct ve_wsc *wsc;
    struct ve_log log;
    struct ve_timer guard;
    struct end server, client;
    bool late;
    bool in_call; /* nothing may be called back now */
    bool (*until)(struct run *run);
    struct end *self, *other; /* whom the test looks at */
    size_t max_queue;
};

static void look(struct run *run)
{
    if (run->until && run->until(run))
        ve_loop_stop(run->loop);
}

static void on_data(void *arg, const uint8_t *bytes, size_t len, bool first, bool last,
                    enum ve_opcode opcode)
{
    struct end *end = arg;
    assert_false(end->run->in_call);
    assert_int_equal(end->closed, 0);
    assert_int_equal(first, !end->inside);
    assert_true(first || opcode == end->opcode);
    if (!end->forget) {
        assert_true(end->heard_len + len <= HEARD_MAX);
        memcpy(end->heard + end->heard_len, bytes, len);
        end->heard_len += len;
    }
    end->opcode = opcode;
    end->inside = !last;
    end->messages += last;
    if (end->pause_at_data) {
        end->run->in_call = true;
        ve_conn_pause(end->conn, true);
        end->run->in_call = false;
    }
    look(end->run);
}

static void on_drained(void *arg)
{
    struct end *end = arg;
    assert_false(end->run->in_call);
    assert_int_equal(end->closed, 0);
    assert_int_equal(ve_conn_queued(end->conn), 0);
    end->drained++;
    look(end->run);
}

static void on_closed(void *arg, int code)
{
    struct end *end = arg;
    assert_false(end->run->in_call);
    end->conn = NULL;
    end->code = code;
    end->closed++;
    look(end->run);
}

static const struct ve_conn_events events = {on_data, on_drained, on_closed};

/* --- making the connection --- */

static void on_request(void *arg, struct ve_http_request *request)
{
    (void)arg;
    ve_http_refuse(request, 404, "not_found", "nothing here");
}

static void on_upgrade(void *arg, struct ve_http_request *request)
{
    struct run *run = arg;
    assert_int_equal(ve_http_upgrade(request, NULL, &events, &run->server, &run->server.conn), 0);
}

static void on_aborted(void *arg, struct ve_http_request *request)
{
    (void)arg;
    (void)request;
}

static void on_opened(void *arg, int err, int http_status, const char *why)
{
    struct end *end = arg;
    (void)why;
    assert_int_equal(err, 0);
    assert_int_equal(http_status, 101);
    ve_loop_stop(end->run->loop);
}

static void on_guard(void *arg)
{
    struct run *run = arg;
    run->late = true;
    ve_loop_stop(run->loop);
}

static int64_t no_clock(void *clock)
{
    (void)clock;
    return 0;
}

static void no_write(void *writer, const char *line, size_t len)
{
    (void)writer;
    (void)line;
    (void)len;
}

/* Until a callback finds what is waited for; at once when it is so already. */
static void run_until(struct run *run, bool (*until)(struct run *run))
{
    if (until && until(run))
        return;
    run->until = until;
    ve_timer_start(&run->guard, GUARD);
    ve_loop_run(run->loop);
    ve_timer_stop(&run->guard);
    run->until = NULL;
    assert_false(run->late);
}

static void connect_ends(struct run *run)
{
    static const struct ve_httpd_handlers handlers = {on_request, on_upgrade, on_aborted};
    char why[160], url[64];
    struct ve_httpd_config config = {.host = "127.0.0.1",
                                     .max_message = MAX_MESSAGE,
                                     .max_queue = run->max_queue,
                                     .log = &run->log};
    assert_int_equal(ve_httpd_new(&run->httpd, run->loop, &config, &handlers, run, why), 0);
    int n = snprintf(url, sizeof(url), "ws://127.0.0.1:%u/x", ve_httpd_port(run->httpd));
    struct ve_wsc_options options = {.url = ve_str_n(url, (size_t)n),
                                     .max_message = MAX_MESSAGE,
                                     .max_queue = run->max_queue,
                                     .opened = on_opened};
    assert_int_equal(ve_wsc_connect(run->wsc, &options, &events, &run->client, &run->client.conn),
                     0);
    run_until(run, NULL);
    assert_non_null(run->server.conn);
}

static struct run *run_start(bool server_is_self, size_t max_queue)
{
    struct run *run = calloc(1, sizeof(*run));
    assert_non_null(run);
    run->max_queue = max_queue;
    run->log = (struct ve_log){.level = VE_LOG_ERROR, .wall_ms = no_clock, .write = no_write};
    run->server = (struct end){.run = run, .heard = malloc(HEARD_MAX)};
    run->client = (struct end){.run = run, .heard = malloc(HEARD_MAX)};
    run->self = server_is_self ? &run->server : &run->client;
    run->other = server_is_self ? &run->client : &run->server;
    assert_int_equal(ve_loop_new_live(&run->loop), 0);
    ve_timer_init(&run->guard, run->loop, on_guard, run);
    assert_int_equal(ve_wsc_new(&run->wsc, run->loop, NULL), 0);
    connect_ends(run);
    return run;
}

static bool both_closed(struct run *run)
{
    return run->server.closed && run->client.closed;
}

static void close_end(struct end *end, int code)
{
    end->run->in_call = true;
    ve_conn_close(end->conn, code);
    ve_conn_close(end->conn, VE_CLOSE_INTERNAL); /* repeating it does nothing */
    end->run->in_call = false;
}

/* Ends what is left, and sees that both heard of it once. */
static void run_end(struct run *run)
{
    if (run->self->conn)
        close_end(run->self, VE_CLOSE_NORMAL);
    run_until(run, both_closed);
    assert_int_equal(run->server.closed, 1);
    assert_int_equal(run->client.closed, 1);
    ve_httpd_free(run->httpd);
    ve_wsc_free(run->wsc);
    ve_loop_free(run->loop);
    free(run->server.heard);
    free(run->client.heard);
    free(run);
}

static int send_bytes(struct end *end, size_t len, enum ve_opcode opcode)
{
    struct ve_out *out = ve_out_new(len);
    assert_non_null(out);
    for (size_t i = 0; i < len; i++)
        ve_out_payload(out)[i] = (uint8_t)('a' + i % 26);
    out->len = len;
    end->run->in_call = true;
    int err = ve_conn_send(end->conn, out, opcode);
    end->run->in_call = false;
    return err;
}

/* Runs a test with each end as the one that is looked at. */
#define BOTH(name) BOTH_WITH(name, MAX_QUEUE)
#define BOTH_WITH(name, max_queue)                                                                 \
    static void name##_server(void **state)                                                        \
    {                                                                                              \
        (void)state;                                                                               \
        struct run *run = run_start(true, max_queue);                                              \
        name(run);                                                                                 \
        run_end(run);                                                                              \
    }                                                                                              \
    static void name##_client(void **state)                                                        \
    {                                                                                              \
        (void)state;                                                                               \
        struct run *run = run_start(false, max_queue);                                             \
        name(run);                                                                                 \
        run_end(run);                                                                              \
    }

/* --- the promises --- */

static bool other_has_one(struct run *run)
{
    return run->other->messages == 1;
}

static void messages_arrive_as_they_were_sent(struct run *run)
{
    static const size_t sizes[] = {0, 1, 125, 126, 640, 4096, 50000, MAX_QUEUE};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        enum ve_opcode opcode = i % 2 ? VE_OP_TEXT : VE_OP_BINARY;
        run->other->messages = 0;
        run->other->heard_len = 0;
        assert_int_equal(send_bytes(run->self, sizes[i], opcode), 0);
        run_until(run, other_has_one);
        assert_int_equal(run->other->opcode, opcode);
        assert_int_equal(run->other->heard_len, sizes[i]);
        for (size_t k = 0; k < sizes[i]; k++)
            assert_int_equal(run->other->heard[k], 'a' + k % 26);
    }
}
BOTH(messages_arrive_as_they_were_sent)

static void a_large_message_arrives_whole(struct run *run)
{
    assert_int_equal(send_bytes(run->self, MAX_MESSAGE, VE_OP_TEXT), 0);
    run_until(run, other_has_one);
    assert_int_equal(run->other->heard_len, MAX_MESSAGE);
    for (size_t k = 0; k < MAX_MESSAGE; k++)
        assert_int_equal(run->other->heard[k], 'a' + k % 26);
}
BOTH_WITH(a_large_message_arrives_whole, 2 * MAX_MESSAGE)

static bool other_has_hundred(struct run *run)
{
    return run->other->messages == 100;
}

static void messages_keep_their_order(struct run *run)
{
    for (size_t len = 1; len <= 100; len++)
        assert_int_equal(send_bytes(run->self, len, VE_OP_BINARY), 0);
    run_until(run, other_has_hundred);
    size_t at = 0;
    for (size_t len = 1; len <= 100; len++) {
        assert_int_equal(run->other->heard[at], 'a');
        assert_int_equal(run->other->heard[at + len - 1], 'a' + (len - 1) % 26);
        at += len;
    }
    assert_int_equal(run->other->heard_len, at);
}
BOTH(messages_keep_their_order)

static bool self_closed(struct run *run)
{
    return run->self->closed;
}

static void a_close_code_arrives_behind_the_messages(struct run *run)
{
    assert_int_equal(send_bytes(run->self, 5000, VE_OP_BINARY), 0);
    close_end(run->self, 3456);
    assert_int_equal(send_bytes(run->self, 1, VE_OP_BINARY), VE_EGONE);
    run_until(run, both_closed);
    assert_int_equal(run->other->messages, 1);
    assert_int_equal(run->other->code, 3456);
    assert_int_equal(run->self->code, 3456);
}
BOTH(a_close_code_arrives_behind_the_messages)

static bool paused_once(struct run *run)
{
    return run->self->heard_len > 0;
}

static bool self_has_twenty(struct run *run)
{
    return run->self->messages == 20;
}

static void a_pause_holds_the_data_until_it_is_lifted(struct run *run)
{
    run->self->pause_at_data = true;
    for (int i = 0; i < 20; i++)
        assert_int_equal(send_bytes(run->other, 100, VE_OP_BINARY), 0);
    run_until(run, paused_once);
    unsigned held = run->self->messages;
    assert_true(held <= 1);
    /* what the other end sends in the meantime is held as well */
    run->other->messages = 0;
    assert_int_equal(send_bytes(run->self, 1, VE_OP_BINARY), 0);
    run_until(run, other_has_one);
    assert_int_equal(run->self->messages, held);
    run->self->pause_at_data = false;
    run->in_call = true;
    ve_conn_pause(run->self->conn, false);
    run->in_call = false;
    run_until(run, self_has_twenty);
    assert_int_equal(run->self->heard_len, 2000);
}
BOTH(a_pause_holds_the_data_until_it_is_lifted)

static void stop(void *arg)
{
    struct run *run = arg;
    ve_loop_stop(run->loop);
}

/* Lets the loop carry away what it can. */
static void go_round(struct run *run)
{
    struct ve_timer timer;
    ve_timer_init(&timer, run->loop, stop, run);
    ve_timer_start(&timer, VE_MS);
    run_until(run, NULL);
    ve_timer_stop(&timer);
}

static bool self_has_three(struct run *run)
{
    return run->self->messages == 3;
}

static void a_paused_user_hears_all_before_the_end(struct run *run)
{
    run->self->pause_at_data = true;
    for (int i = 0; i < 3; i++)
        assert_int_equal(send_bytes(run->other, 100, VE_OP_BINARY), 0);
    close_end(run->other, 3456);
    run_until(run, paused_once);
    go_round(run);
    assert_int_equal(run->self->messages, 1);
    assert_int_equal(run->self->closed, 0);
    run->self->pause_at_data = false;
    ve_conn_pause(run->self->conn, false);
    run_until(run, self_has_three);
    run_until(run, both_closed);
    assert_int_equal(run->self->heard_len, 300);
    assert_int_equal(run->self->code, 3456);
}
BOTH(a_paused_user_hears_all_before_the_end)

static bool self_drained(struct run *run)
{
    return run->self->drained > 0;
}

static void a_full_queue_says_so_and_drains(struct run *run)
{
    int err = 0;
    run->other->forget = true;
    run->in_call = true;
    ve_conn_pause(run->other->conn, true);
    run->in_call = false;
    for (int i = 0; i < 5000 && !err; i++) {
        err = send_bytes(run->self, 8192, VE_OP_BINARY);
        /* an implementation that writes only when the loop says so gets the chance */
        for (int k = 0; err == VE_EBUSY && k < 3; k++) {
            go_round(run);
            err = send_bytes(run->self, 8192, VE_OP_BINARY);
        }
    }
    assert_int_equal(err, VE_EBUSY);
    assert_true(ve_conn_queued(run->self->conn) > MAX_QUEUE / 2);
    assert_true(ve_conn_queued(run->self->conn) <= MAX_QUEUE);
    run->self->drained = 0;
    ve_conn_pause(run->other->conn, false);
    for (int i = 0; i < 5000 && !run->self->drained; i++)
        go_round(run);
    assert_true(self_drained(run));
    assert_int_equal(ve_conn_queued(run->self->conn), 0);
    assert_int_equal(send_bytes(run->self, 1, VE_OP_BINARY), 0);
}
BOTH(a_full_queue_says_so_and_drains)

static void a_close_from_the_other_side_is_reported(struct run *run)
{
    close_end(run->other, VE_CLOSE_GOING_AWAY);
    run_until(run, self_closed);
    assert_int_equal(run->self->code, VE_CLOSE_GOING_AWAY);
    run_until(run, both_closed);
    assert_int_equal(run->other->code, VE_CLOSE_GOING_AWAY);
}
BOTH(a_close_from_the_other_side_is_reported)

static void both_may_close_at_once(struct run *run)
{
    close_end(run->self, 4000);
    close_end(run->other, 4001);
    run_until(run, both_closed);
    assert_int_equal(run->self->code, 4001);
    assert_int_equal(run->other->code, 4000);
}
BOTH(both_may_close_at_once)

#define EACH(name) TEST(name##_server), TEST(name##_client)

int main(void)
{
    const struct CMUnitTest tests[] = {
        EACH(messages_arrive_as_they_were_sent),
        EACH(a_large_message_arrives_whole),
        EACH(messages_keep_their_order),
        EACH(a_close_code_arrives_behind_the_messages),
        EACH(a_pause_holds_the_data_until_it_is_lifted),
        EACH(a_paused_user_hears_all_before_the_end),
        EACH(a_full_queue_says_so_and_drains),
        EACH(a_close_from_the_other_side_is_reported),
        EACH(both_may_close_at_once),
    };
    return ve_wsc_process_init() ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
