/* A connection that opens: messages both ways, the queue. The rest: test_wsc_*.c. */
#include "wsc_run.h"

/* Echoes messages until a close frame comes, which it answers. */
static void serve_echo(struct server *server)
{
    static struct ws_frame frame;
    struct peer peer = ws_accept(server);
    while (ws_read(server, &peer, &frame)) {
        if (!frame.masked || !frame.fin)
            atomic_store(&server->broken, true);
        (void)ws_send(&peer, 0x80 | frame.opcode, frame.payload, frame.len);
        if (frame.opcode == 8)
            break;
    }
    peer_drain(server, &peer);
    peer_free(&peer);
}

static void close_after_three(struct user *user)
{
    if (user->messages == 3)
        user_close(user, 4000);
}

static void test_open_and_echo(void **state)
{
    struct run *run = *state;
    static struct user user;
    run_begin(run, &user, serve_echo, NULL);
    const struct ve_wsc_field fields[] = {{"Authorization", VE_STR("Token hush")},
                                          {"X-Thing", VE_STR(" padded ")}};
    user.options.fields = fields;
    user.options.field_count = 2;
    user.options.protocol = "token, v1";
    user.on_message = close_after_three;
    assert_int_equal(user_connect(&user), 0);
    /* What is sent before it is open waits. */
    assert_int_equal(user_say(&user, "h\xc3\xa9llo "), 0);
    assert_int_equal(user_send(&user, VE_OP_BINARY, "", 0), 0);
    assert_int_equal(user_send(&user, VE_OP_BINARY, "wor\0ld", 6), 0);
    assert_int_equal(ve_conn_queued(user.conn), 13);
    run_loop(run);
    assert_int_equal(user.opened, 1);
    assert_int_equal(user.status, 101);
    assert_int_equal(user.messages, 3);
    assert_int_equal(user.len, 13);
    assert_memory_equal(user.bytes, "h\xc3\xa9llo wor\0ld", 13);
    assert_int_equal(user.opcode, VE_OP_BINARY);
    assert_int_equal(user.drained, 1);
    assert_int_equal(user.code, 4000);
    run_end(run, &user);
    const char *seen = run->server.seen;
    char host[64];
    (void)snprintf(host, sizeof(host), "\r\nHost: 127.0.0.1:%u\r\n", run->server.port);
    assert_int_equal(strncmp(seen, "GET /v1/listen?model=nova HTTP/1.1\r\n", 36), 0);
    assert_non_null(strstr(seen, host));
    assert_non_null(strstr(seen, "\r\nAuthorization: Token hush\r\n"));
    assert_non_null(strstr(seen, "\r\nX-Thing: padded\r\n"));
    assert_non_null(strstr(seen, "\r\nSec-WebSocket-Protocol: token, v1\r\n"));
    assert_non_null(strstr(seen, "\r\nSec-WebSocket-Version: 13\r\n"));
    assert_null(strcasestr(seen, "Sec-WebSocket-Extensions"));
}

/* --- large messages, both ways --- */

enum { LARGE = 1000000 };

static void fill(char *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++)
        bytes[i] = (char)(i * 31 + i / 1000);
}

/* Takes large messages in, answers with a large one, in odd pieces. */
static void serve_large(struct server *server)
{
    static struct ws_frame frame;
    char *bytes = malloc(LARGE);
    struct peer peer = ws_accept(server);
    for (int i = 0; i < 10; i++) {
        if (!ws_read(server, &peer, &frame) || frame.len != 100000)
            atomic_store(&server->broken, true);
        fill(bytes, 100000);
        if (memcmp(bytes, frame.payload, 100000) != 0)
            atomic_store(&server->broken, true);
    }
    fill(bytes, LARGE);
    (void)ws_send_head(&peer, 0x82, LARGE);
    for (size_t at = 0; at < LARGE; at += 7777)
        (void)peer_send(&peer, bytes + at, LARGE - at < 7777 ? LARGE - at : 7777);
    if (ws_read(server, &peer, &frame) && frame.opcode == 8)
        (void)ws_send(&peer, 0x88, frame.payload, frame.len);
    peer_drain(server, &peer);
    peer_free(&peer);
    free(bytes);
}

static void send_ten(struct user *user)
{
    static char bytes[100000];
    fill(bytes, sizeof(bytes));
    for (int i = 0; i < 10; i++)
        assert_int_equal(user_send(user, VE_OP_BINARY, bytes, sizeof(bytes)), 0);
}

static void test_large_messages(void **state)
{
    struct run *run = *state;
    static struct user user;
    run_begin(run, &user, serve_large, NULL);
    user.options.max_queue = LARGE;
    user.on_open = send_ten;
    user.on_message = user_close_normally;
    user_run(&user);
    assert_int_equal(user.messages, 1);
    assert_true(user.pieces > 10);
    assert_int_equal(user.len, LARGE);
    char *want = malloc(LARGE);
    fill(want, LARGE);
    assert_memory_equal(user.bytes, want, LARGE);
    free(want);
    assert_int_equal(user.drained, 1);
    assert_int_equal(user.code, VE_CLOSE_NORMAL);
    run_end(run, &user);
}

/* --- the queue --- */

/* Opens, and reads nothing until the test says so. */
static void serve_deaf(struct server *server)
{
    atomic_bool *listen_now = server->arg;
    int small = 4096;
    (void)setsockopt(server->listener, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
    struct peer peer = ws_accept(server);
    for (int i = 0; i < SCRIPT_WAIT_MS && !atomic_load(listen_now); i++)
        (void)poll(NULL, 0, 1);
    peer_drain(server, &peer);
    peer_free(&peer);
}

static void flood(void *arg)
{
    struct user *user = arg;
    static char block[60000];
    int err = 0;
    while (!err)
        err = user_send(user, VE_OP_BINARY, block, sizeof(block));
    assert_int_equal(err, VE_EBUSY);
    assert_true(ve_conn_queued(user->conn) <= 200000);
    assert_true(ve_conn_queued(user->conn) > 140000);
    if (++user->pieces < 20) { /* the kernel takes some of it */
        ve_timer_start(&user->timer, 10 * VE_MS);
        return;
    }
    assert_int_equal(user_send(user, VE_OP_BINARY, block, sizeof(block)), VE_EBUSY);
    user_close(user, VE_CLOSE_NORMAL); /* it will never be read: cut after 2 s */
    assert_int_equal(user_say(user, "x"), VE_EGONE);
}

static void start_flood(struct user *user)
{
    ve_timer_init(&user->timer, user->run->loop, flood, user);
    ve_timer_start(&user->timer, 0);
}

static void test_queue_is_bounded(void **state)
{
    struct run *run = *state;
    static struct user user;
    static char block[200001];
    long before = test_alloc_live();
    atomic_bool listen_now = false;
    run_begin(run, &user, serve_deaf, &listen_now);
    user.options.max_queue = 200000;
    user.on_open = start_flood;
    assert_int_equal(user_connect(&user), 0);
    assert_int_equal(user_send(&user, VE_OP_BINARY, block, sizeof(block)), VE_ETOOBIG);
    run_loop(run);
    assert_int_equal(user.closed, 1);
    assert_int_equal(user.code, VE_CLOSE_ABNORMAL);
    assert_int_equal(test_alloc_live(), before);
    atomic_store(&listen_now, true);
    run_end(run, &user);
}

/* --- pings --- */

static void serve_pings(struct server *server)
{
    static struct ws_frame frame;
    static char payload[125];
    struct peer peer = ws_accept(server);
    memset(payload, 'p', sizeof(payload));
    for (size_t len = 0; len <= 125; len += 25) {
        (void)ws_send(&peer, 0x89, payload, len);
        if (!ws_read(server, &peer, &frame) || frame.opcode != 10 || !frame.masked ||
            frame.len != len || memcmp(frame.payload, payload, len) != 0)
            atomic_store(&server->broken, true);
    }
    for (int i = 0; i < 1000; i++) /* a flood: as many answers as there is time for */
        (void)ws_send(&peer, 0x89, payload, 125);
    (void)ws_close(&peer, 1000);
    peer_drain(server, &peer);
    peer_free(&peer);
}

static void test_pings_are_answered(void **state)
{
    struct run *run = *state;
    static struct user user;
    run_begin(run, &user, serve_pings, NULL);
    user_run(&user);
    assert_int_equal(user.pieces, 0);
    assert_int_equal(user.code, VE_CLOSE_NORMAL);
    run_end(run, &user);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_open_and_echo, run_setup, run_teardown),
        cmocka_unit_test_setup_teardown(test_large_messages, run_setup, run_teardown),
        cmocka_unit_test_setup_teardown(test_queue_is_bounded, run_setup, run_teardown),
        cmocka_unit_test_setup_teardown(test_pings_are_answered, run_setup, run_teardown),
    };
    if (ve_wsc_process_init() != 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
