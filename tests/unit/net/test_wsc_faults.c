/* Connections that do not open, and what else a hostile server can do. */
#include "wsc_run.h"

static void serve_answer(struct server *server)
{
    struct peer peer = peer_accept(server);
    if (peer_request(server, &peer))
        (void)peer_say(&peer, server->arg);
    peer_drain(server, &peer);
    peer_free(&peer);
}

static void serve_and_close(struct server *server)
{
    struct peer peer = peer_accept(server);
    (void)peer_request(server, &peer);
    peer_free(&peer);
}

static void serve_silence(struct server *server)
{
    struct peer peer = peer_accept(server);
    peer_drain(server, &peer);
    peer_free(&peer);
}

/* --- answers that are no upgrade --- */

struct refusal {
    const char *answer;
    int err;
    int status;
    const char *why;
};

#define NO_UPGRADE   "the server does not upgrade"
#define NO_WEBSOCKET "the server's handshake is not a WebSocket's"

static void test_refused_upgrades(void **state)
{
    static const struct refusal cases[] = {
        {"HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\nno", VE_EAUTH, 401,
         "the server refuses the credentials"},
        {"HTTP/1.1 403 Forbidden\r\n\r\n", VE_EAUTH, 403, "the server refuses the credentials"},
        {"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", VE_EFAILED, 404, NO_UPGRADE},
        {"HTTP/1.1 429 Slow\r\nContent-Length: 0\r\n\r\n", VE_EFAILED, 429, NO_UPGRADE},
        {"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n", VE_EFAILED, 503, NO_UPGRADE},
        {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", VE_EFAILED, 200, NO_UPGRADE},
        {"HTTP/1.1 302 Found\r\nLocation: ws://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
         VE_EFAILED, 302, NO_UPGRADE},
        {"HTTP/1.1 101 Yes\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
         "Sec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n\r\n",
         VE_EPROTO, 101, NO_WEBSOCKET},
        {"HTTP/1.1 101 Yes\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n", VE_EPROTO, 101,
         NO_WEBSOCKET},
        {"HTTP/1.1 101 Yes\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n"
         "Sec-WebSocket-Accept: x\r\n\r\n",
         VE_EPROTO, 101, NO_WEBSOCKET},
    };
    struct run *run = *state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        static struct user user;
        run_begin(run, &user, serve_answer, cases[i].answer);
        user_run(&user);
        assert_int_equal(user.opened, 1);
        assert_int_equal(user.err, cases[i].err);
        assert_int_equal(user.status, cases[i].status);
        assert_string_equal(user.why, cases[i].why);
        assert_int_equal(user.closed, 0);
        run_end(run, &user);
        assert_int_equal(atomic_load(&run->server.accepts), 1);
    }
}

static void serve_extra(struct server *server)
{
    struct peer peer = peer_accept(server);
    (void)ws_upgrade(server, &peer, server->arg);
    peer_drain(server, &peer);
    peer_free(&peer);
}

/* The server may not choose what was not offered. */
static void test_upgrades_with_something_extra(void **state)
{
    static const char *const extras[] = {"Sec-WebSocket-Protocol: other\r\n",
                                         "Sec-WebSocket-Extensions: permessage-deflate\r\n"};
    struct run *run = *state;
    for (size_t i = 0; i < 2; i++) {
        static struct user user;
        run_begin(run, &user, serve_extra, extras[i]);
        user.options.protocol = "mine";
        user_run(&user);
        assert_int_equal(user.err, VE_EPROTO);
        assert_string_equal(user.why, NO_WEBSOCKET);
        run_end(run, &user);
    }
}

static void serve_large_header(struct server *server)
{
    struct peer peer = peer_accept(server);
    if (peer_request(server, &peer)) {
        (void)peer_say(&peer, "HTTP/1.1 101 Yes\r\n");
        while (peer_say(&peer, "X-Again: 0123456789abcdef0123456789abcdef0123456789abcdef\r\n"))
            continue;
    }
    peer_free(&peer);
}

static void test_answers_that_are_not_http(void **state)
{
    struct run *run = *state;
    static struct user user;
    run_begin(run, &user, serve_answer, "SSH-2.0-OpenSSH_9.2\r\n\r\n");
    user.options.connect_timeout = 200 * VE_MS; /* the library waits for more */
    user_run(&user);
    assert_int_not_equal(user.err, 0);
    assert_int_equal(user.status, 0);
    run_end(run, &user);
    run_begin(run, &user, serve_large_header, NULL);
    user_run(&user);
    assert_int_equal(user.err, VE_EPROTO);
    run_end(run, &user);
    run_begin(run, &user, serve_and_close, NULL);
    user_run(&user);
    assert_int_equal(user.err, VE_EIO);
    assert_string_equal(user.why, "the connection was closed without an answer");
    run_end(run, &user);
}

/* The library unmasks it (wsc.h): it must at least do so without harm. */
static void serve_masked(struct server *server)
{
    static struct ws_frame frame;
    struct peer peer = ws_accept(server);
    (void)peer_send(&peer, "\x82\x85\1\2\3\4abcde\x82\x85\4\3\2\1abcde", 22);
    (void)ws_close(&peer, 1000);
    while (ws_read(server, &peer, &frame) && frame.opcode != 8)
        continue;
    peer_free(&peer);
}

static void test_masked_frames_do_no_harm(void **state)
{
    struct run *run = *state;
    static struct user user;
    run_begin(run, &user, serve_masked, NULL);
    user_run(&user);
    assert_int_equal(user.err, 0);
    assert_true(user.messages <= 2);
    assert_true(user.len <= 10);
    assert_int_equal(user.closed, 1);
    run_end(run, &user);
}

static void serve_reset(struct server *server)
{
    static struct ws_frame frame;
    struct peer peer = ws_accept(server);
    (void)ws_send_head(&peer, 0x82, 1000);
    (void)ws_read(server, &peer, &frame); /* so that it has opened */
    peer_reset(&peer);
}

static void say_hello(struct user *user)
{
    assert_int_equal(user_say(user, "hello"), 0);
}

static void test_reset_in_a_message(void **state)
{
    struct run *run = *state;
    static struct user user;
    run_begin(run, &user, serve_reset, NULL);
    user.on_open = say_hello;
    user_run(&user);
    assert_int_equal(user.err, 0);
    assert_int_equal(user.code, VE_CLOSE_ABNORMAL);
    run_end(run, &user);
}

/* --- the connect clock --- */

static void test_nothing_in_time(void **state)
{
    static const char *const answers[] = {NULL, "HTTP/1.1 101 Swit"};
    struct run *run = *state;
    for (size_t i = 0; i < 2; i++) {
        static struct user user;
        run_begin(run, &user, answers[i] ? serve_answer : serve_silence, answers[i]);
        user.options.connect_timeout = 60 * VE_MS;
        user_run(&user);
        assert_int_equal(user.err, VE_ETIMEDOUT);
        assert_string_equal(user.why, "no connection in time");
        run_end(run, &user);
    }
}

static void test_no_tls_in_time(void **state)
{
    struct run *run = *state;
    static struct user user;
    run_begin(run, &user, serve_silence, NULL);
    (void)snprintf(user.url, sizeof(user.url), "wss://127.0.0.1:%u/", run->server.port);
    user.options.url = ve_str(user.url);
    user.options.connect_timeout = 60 * VE_MS;
    user_run(&user);
    assert_int_equal(user.err, VE_ETIMEDOUT);
    run_end(run, &user);
}

/* --- out of memory --- */

static void serve_for_ever(struct server *server)
{
    static struct ws_frame frame;
    while (!strstr(server->seen, "/stop")) {
        struct peer peer = peer_accept(server);
        if (peer.fd < 0)
            return;
        server->seen_len = 0;
        if (ws_upgrade(server, &peer, "")) {
            while (ws_read(server, &peer, &frame)) {
                (void)ws_send(&peer, 0x80 | frame.opcode, frame.payload, frame.len);
                if (frame.opcode == 8)
                    break;
            }
        }
        peer_drain(server, &peer);
        peer_free(&peer);
    }
}

static int scenario(void *arg)
{
    struct run *outer = arg;
    struct run run = *outer;
    static struct user user;
    run.loop = NULL;
    run.wsc = NULL;
    int err = ve_loop_new_live(&run.loop);
    if (err)
        return err;
    err = ve_wsc_new(&run.wsc, run.loop, NULL);
    if (err)
        goto out;
    user_init(&user, &run, "/echo?x=1");
    (void)snprintf(user.url, sizeof(user.url), "ws://localhost:%u/echo?x=1", run.server.port);
    user.options.url = ve_str(user.url);
    const struct ve_wsc_field field = {"X-Thing", VE_STR("thing")};
    user.options.fields = &field;
    user.options.field_count = 1;
    user.options.protocol = "p";
    user.on_message = user_close_normally;
    err = user_connect(&user);
    if (err)
        goto out;
    err = user_say(&user, "hello");
    if (err)
        user_close(&user, VE_CLOSE_NORMAL);
    run_loop(&run);
    if (!err)
        err = user.err;
    if (!err) {
        assert_int_equal(user.messages, 1);
        assert_int_equal(user.code, VE_CLOSE_NORMAL);
    }
    user_free(&user);
out:
    ve_wsc_free(run.wsc);
    ve_loop_free(run.loop);
    assert_true(err == 0 || err == VE_ENOMEM);
    return err;
}

static void test_out_of_memory(void **state)
{
    struct run *run = *state;
    static struct user user;
    assert_true(server_start(&run->server, serve_for_ever, NULL));
    assert_true(test_alloc_sweep(scenario, run) >= 10);
    user_init(&user, run, "/stop");
    user.on_open = user_close_normally;
    user_run(&user);
    assert_int_equal(user.err, 0);
    run_end(run, &user);
}

static void test_sim_loop_is_refused(void **state)
{
    struct ve_loop *loop = NULL;
    struct ve_wsc *wsc = NULL;
    (void)state;
    assert_int_equal(ve_loop_new_sim(&loop, 0), 0);
    assert_int_equal(ve_wsc_new(&wsc, loop, NULL), VE_ENOTSUP);
    ve_loop_free(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_refused_upgrades, run_setup, run_teardown),
        cmocka_unit_test_setup_teardown(test_upgrades_with_something_extra, run_setup,
                                        run_teardown),
        cmocka_unit_test_setup_teardown(test_answers_that_are_not_http, run_setup, run_teardown),
        cmocka_unit_test_setup_teardown(test_masked_frames_do_no_harm, run_setup, run_teardown),
        cmocka_unit_test_setup_teardown(test_reset_in_a_message, run_setup, run_teardown),
        cmocka_unit_test_setup_teardown(test_nothing_in_time, run_setup, run_teardown),
        cmocka_unit_test_setup_teardown(test_no_tls_in_time, run_setup, run_teardown),
        cmocka_unit_test_setup_teardown(test_out_of_memory, run_setup, run_teardown),
        cmocka_unit_test(test_sim_loop_is_refused),
    };
    if (ve_wsc_process_init() != 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
