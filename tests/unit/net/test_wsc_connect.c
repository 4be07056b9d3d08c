/* Where a connection may lead, what may be asked for, and taking it back. */
#include "wsc_run.h"

static void serve_silence(struct server *server)
{
    struct peer peer = peer_accept(server);
    peer_drain(server, &peer);
    peer_free(&peer);
}

/* --- names and addresses --- */

static void test_no_such_host(void **state)
{
    struct run *run = *state;
    static struct user user;
    user_init(&user, run, "/");
    user.options.url = VE_STR("ws://no-such-host.invalid/");
    user.options.connect_timeout = 20 * VE_SECOND;
    user_run(&user);
    assert_int_equal(user.err, VE_ENOENT);
    assert_string_equal(user.why, "the host's name does not resolve");
    user_free(&user);
}

static void test_nobody_listens(void **state)
{
    struct run *run = *state;
    static struct user user;
    assert_true(server_listen(&run->server));
    user_init(&user, run, "/");
    close(run->server.listener);
    user_run(&user);
    assert_int_equal(user.err, VE_EIO);
    user_free(&user);
}

/* Opens, and answers the close frame. */
static void serve_politely(struct server *server)
{
    static struct ws_frame frame;
    struct peer peer = peer_accept(server);
    if (peer.fd >= 0 && ws_upgrade(server, &peer, "") && ws_read(server, &peer, &frame) &&
        frame.opcode == 8)
        (void)ws_send(&peer, 0x88, frame.payload, frame.len);
    if (peer.fd >= 0)
        peer_drain(server, &peer);
    peer_free(&peer);
}

/* "localhost" may well have an IPv6 address first, where nobody listens. */
static void test_the_next_address_is_tried(void **state)
{
    struct run *run = *state;
    static struct user user;
    run_begin(run, &user, serve_politely, NULL);
    (void)snprintf(user.url, sizeof(user.url), "ws://localhost:%u/", run->server.port);
    user.options.url = ve_str(user.url);
    user.options.allow_address = user_allow;
    user.on_open = user_close_normally;
    user_run(&user);
    assert_int_equal(user.err, 0);
    assert_true(user.asked > 0);
    assert_string_equal(user.asked_ip, "127.0.0.1");
    assert_int_equal(user.code, VE_CLOSE_NORMAL);
    run_end(run, &user);
}

static void test_given_address(void **state)
{
    struct run *run = *state;
    static struct user user;
    run_begin(run, &user, serve_politely, NULL);
    (void)snprintf(user.url, sizeof(user.url), "ws://no-such-host.invalid:%u/x", run->server.port);
    user.options.url = ve_str(user.url);
    user.options.address = "127.0.0.1";
    user.on_open = user_close_normally;
    user_run(&user);
    assert_int_equal(user.err, 0);
    run_end(run, &user);
    char host[64];
    (void)snprintf(host, sizeof(host), "\r\nHost: no-such-host.invalid:%u\r\n", run->server.port);
    assert_non_null(strstr(run->server.seen, host));
}

static void test_refused_address_is_not_connected(void **state)
{
    static const char *const hosts[] = {"127.0.0.1", "localhost", "[::ffff:127.0.0.1]"};
    struct run *run = *state;
    for (size_t i = 0; i < 3; i++) {
        static struct user user;
        assert_true(server_listen(&run->server));
        user_init(&user, run, "/");
        (void)snprintf(user.url, sizeof(user.url), "ws://%s:%u/", hosts[i], run->server.port);
        user.options.url = ve_str(user.url);
        user.options.allow_address = user_allow;
        user.deny = true;
        user_run(&user);
        assert_int_equal(user.err, VE_EAUTH);
        assert_string_equal(user.why, "the host's address is not allowed");
        assert_true(strcmp(user.asked_ip, "127.0.0.1") == 0 || strcmp(user.asked_ip, "::1") == 0);
        user_free(&user);
        assert_true(server_unused(&run->server));
    }
}

/* --- taking back --- */

static void close_later(void *arg)
{
    struct user *user = arg;
    user_close(user, VE_CLOSE_NORMAL);
    assert_int_equal(user_say(user, "late"), VE_EGONE);
}

static void expect_canceled(struct user *user, uint64_t delay)
{
    assert_int_equal(user_connect(user), 0);
    assert_int_equal(user_say(user, "never sent"), 0);
    ve_timer_init(&user->timer, user->run->loop, close_later, user);
    ve_timer_start(&user->timer, delay);
    run_loop(user->run);
    assert_int_equal(user->opened, 1);
    assert_int_equal(user->err, VE_ECANCELED);
    assert_int_equal(user->closed, 0);
}

static void test_cancel_at_once(void **state)
{
    struct run *run = *state;
    static struct user user;
    long before = test_alloc_live();
    assert_true(server_listen(&run->server));
    user_init(&user, run, "/");
    assert_int_equal(user_connect(&user), 0);
    user_close(&user, VE_CLOSE_NORMAL);
    assert_int_equal(user.opened, 0);
    run_loop(run);
    assert_int_equal(user.err, VE_ECANCELED);
    assert_true(server_unused(&run->server));
    assert_int_equal(test_alloc_live(), before);
}

static void test_cancel_while_resolving(void **state)
{
    struct run *run = *state;
    static struct user user;
    user_init(&user, run, "/");
    user.options.url = VE_STR("ws://no-such-host.invalid/");
    expect_canceled(&user, 0);
}

static void test_cancel_while_shaking_hands(void **state)
{
    struct run *run = *state;
    static struct user user;
    run_begin(run, &user, serve_silence, NULL);
    expect_canceled(&user, 30 * VE_MS);
    run_end(run, &user);
    run_begin(run, &user, serve_silence, NULL);
    (void)snprintf(user.url, sizeof(user.url), "wss://127.0.0.1:%u/", run->server.port);
    user.options.url = ve_str(user.url);
    expect_canceled(&user, 30 * VE_MS);
    run_end(run, &user);
}

static void stop_loop(struct user *user)
{
    ve_loop_stop(user->run->loop);
}

static void test_free_ends_what_is_open(void **state)
{
    struct run *run = *state;
    static struct user open;
    static struct user fresh;
    long before = test_alloc_live();
    run_begin(run, &open, serve_politely, NULL);
    open.on_open = stop_loop;
    user_run(&open);
    user_init(&fresh, run, "/");
    assert_int_equal(user_connect(&fresh), 0);
    assert_int_equal(user_say(&fresh, "never sent"), 0);
    run_end(run, &open);
    assert_int_equal(open.closed, 1);
    assert_int_equal(open.code, VE_CLOSE_ABNORMAL);
    assert_int_equal(fresh.err, VE_ECANCELED);
    assert_int_equal(test_alloc_live(), before);
}

static void test_bad_requests_are_not_sent(void **state)
{
    static const char *const urls[] = {"",
                                       "h",
                                       "http://h/",
                                       "https://h/",
                                       "ws://",
                                       "ws://u:p@h/",
                                       "ws://h:0/",
                                       "ws://h:65536/",
                                       "ws://a b/",
                                       "ws://h/\r\nX: y",
                                       "ws://h/\xc3\xbc",
                                       "file:///etc/passwd"};
    const struct ve_wsc_field fields[] = {{"Good", VE_STR("a\r\nb")},
                                          {"Bad Name", VE_STR("x")},
                                          {"Host", VE_STR("x")},
                                          {"sec-websocket-extensions", VE_STR("x")}};
    struct run *run = *state;
    static struct user user;
    static char large[9000];
    run->server.port = 1;
    long before = test_alloc_live();
    for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
        user_init(&user, run, "/");
        user.options.url = ve_str(urls[i]);
        assert_int_equal(user_connect(&user), VE_EINVAL);
    }
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        user_init(&user, run, "/");
        user.options.fields = &fields[i];
        user.options.field_count = 1;
        assert_int_equal(user_connect(&user), VE_EINVAL);
    }
    memset(large, 'x', sizeof(large) - 1);
    const struct ve_wsc_field field = {"Large", ve_str(large)};
    user_init(&user, run, "/");
    user.options.fields = &field;
    user.options.field_count = 1;
    assert_int_equal(user_connect(&user), VE_ETOOBIG);
    user_init(&user, run, "/");
    memcpy(large, "ws://h/", 7);
    user.options.url = ve_str_n(large, 2200);
    assert_int_equal(user_connect(&user), VE_ETOOBIG);
    memcpy(large + 150, "/", 1);
    memcpy(large, "ws://hxxx", 9);
    large[6] = 'x';
    user.options.url = ve_str_n(large, 160);
    assert_int_equal(user_connect(&user), VE_ETOOBIG);
    user_init(&user, run, "/");
    user.options.address = "localhost";
    assert_int_equal(user_connect(&user), VE_EINVAL);
    user_init(&user, run, "/");
    user.options.protocol = "a\r\nb";
    assert_int_equal(user_connect(&user), VE_EINVAL);
    assert_int_equal(test_alloc_live(), before);
}

/* The longest path and host that are let through reach the server whole. */
static void test_longest_request(void **state)
{
    struct run *run = *state;
    static struct user user;
    static char url[2100];
    static char value[8100];
    run_begin(run, &user, serve_politely, NULL);
    memset(url, 'p', sizeof(url));
    static const char name[] = "a123456789b123456789c123456789d123456789e123456789."
                               "f123456789g123456789h123456789i123456789j12345678";
    int head = snprintf(url, sizeof(url), "ws://%s:%u/", name, run->server.port);
    assert_int_equal(sizeof(name) - 1, 100);
    url[head] = 'p';
    url[head + 1899] = '\0';
    memset(value, 'v', sizeof(value) - 1);
    const struct ve_wsc_field field = {"X-Long", ve_str(value)};
    user.options.url = ve_str(url);
    user.options.fields = &field;
    user.options.field_count = 1;
    user.options.address = "127.0.0.1";
    user.on_open = user_close_normally;
    user_run(&user);
    assert_int_equal(user.err, 0);
    run_end(run, &user);
    const char *path = strstr(run->server.seen, "GET /ppp");
    assert_non_null(path);
    assert_int_equal(strcspn(path + 4, " "), 1900);
    assert_int_equal(strncmp(path + 1904, " HTTP/1.1\r\n", 11), 0);
    const char *host = strstr(run->server.seen, "\r\nHost: a123");
    assert_non_null(host);
    assert_int_equal(strncmp(host + 8, url + 5, (size_t)head - 6), 0);
    const char *x = strstr(run->server.seen, "\r\nX-Long: v");
    assert_non_null(x);
    assert_int_equal(strcspn(x + 10, "\r"), sizeof(value) - 1);
}

static void test_no_proxy_is_used(void **state)
{
    struct run *run = *state;
    static struct user user;
    assert_int_equal(setenv("http_proxy", "http://127.0.0.1:1", 1), 0);
    ve_wsc_free(run->wsc);
    assert_int_equal(ve_wsc_new(&run->wsc, run->loop, NULL), 0);
    run_begin(run, &user, serve_politely, NULL);
    user.on_open = user_close_normally;
    user_run(&user);
    assert_int_equal(user.err, 0);
    run_end(run, &user);
    assert_int_equal(unsetenv("http_proxy"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_no_such_host, run_setup, run_teardown),
        cmocka_unit_test_setup_teardown(test_nobody_listens, run_setup, run_teardown),
        cmocka_unit_test_setup_teardown(test_the_next_address_is_tried, run_setup, run_teardown),
        cmocka_unit_test_setup_teardown(test_given_address, run_setup, run_teardown),
        cmocka_unit_test_setup_teardown(test_refused_address_is_not_connected, run_setup,
                                        run_teardown),
        cmocka_unit_test_setup_teardown(test_cancel_at_once, run_setup, run_teardown),
        cmocka_unit_test_setup_teardown(test_cancel_while_resolving, run_setup, run_teardown),
        cmocka_unit_test_setup_teardown(test_cancel_while_shaking_hands, run_setup, run_teardown),
        cmocka_unit_test_setup_teardown(test_free_ends_what_is_open, run_setup, run_teardown),
        cmocka_unit_test_setup_teardown(test_bad_requests_are_not_sent, run_setup, run_teardown),
        cmocka_unit_test_setup_teardown(test_longest_request, run_setup, run_teardown),
        cmocka_unit_test_setup_teardown(test_no_proxy_is_used, run_setup, run_teardown),
    };
    if (ve_wsc_process_init() != 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
