/* wss: certificates are checked, and bytes that lie in the TLS layer are not forgotten. */
#include "wsc_run.h"

#include "test_cert.h"

#include <signal.h>

static struct test_cert cert;

static void begin(struct run *run, struct user *user, const char *names, bool trusted,
                  void (*script)(struct server *server))
{
    assert_true(test_cert_make(&cert, names));
    /* The system's certificates, as far as OpenSSL knows. */
    assert_int_equal(setenv("SSL_CERT_FILE", trusted ? cert.ca_path : "/dev/null", 1), 0);
    run->server.tls = test_cert_server(&cert);
    assert_true(server_start(&run->server, script, NULL));
    user_init(user, run, "/");
    (void)snprintf(user->url, sizeof(user->url), "wss://localhost:%u/secure", run->server.port);
    user->options.url = ve_str(user->url);
    user->options.address = "127.0.0.1";
}

static void end(struct run *run, struct user *user)
{
    run_end(run, user);
    SSL_CTX_free(run->server.tls);
    run->server.tls = NULL;
    test_cert_free(&cert);
}

/* Echoes, in the pieces of the client's frames, and answers the close frame. */
static void serve_echo(struct server *server)
{
    static struct ws_frame frame;
    struct peer peer = peer_accept(server);
    if (peer.fd >= 0 && ws_upgrade(server, &peer, "")) {
        while (ws_read(server, &peer, &frame)) {
            (void)ws_send(&peer, 0x80 | frame.opcode, frame.payload, frame.len);
            if (frame.opcode == 8)
                break;
        }
        peer_drain(server, &peer);
    }
    peer_close(&peer);
}

static void send_large(struct user *user)
{
    static char bytes[100000];
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (char)(i * 7 + i / 300);
    for (int i = 0; i < 5; i++)
        assert_int_equal(user_send(user, VE_OP_BINARY, bytes, sizeof(bytes)), 0);
}

static void close_after_five(struct user *user)
{
    if (user->messages == 5)
        user_close(user, VE_CLOSE_NORMAL);
}

static void test_known_authority(void **state)
{
    struct run *run = *state;
    static struct user user;
    begin(run, &user, "DNS:localhost", true, serve_echo);
    user.options.max_queue = 600000;
    user.on_open = send_large;
    user.on_message = close_after_five;
    user_run(&user);
    assert_int_equal(user.err, 0);
    assert_int_equal(user.messages, 5);
    assert_int_equal(user.len, 500000);
    for (size_t i = 0; i < user.len; i++)
        assert_int_equal(user.bytes[i], (char)(i % 100000 * 7 + i % 100000 / 300));
    assert_int_equal(user.code, VE_CLOSE_NORMAL);
    end(run, &user);
    assert_non_null(strstr(run->server.seen, "GET /secure HTTP/1.1\r\n"));
}

static void refuse(struct run *run, const char *names, bool trusted, const char *why)
{
    static struct user user;
    begin(run, &user, names, trusted, serve_echo);
    user_run(&user);
    assert_int_equal(user.err, VE_EAUTH);
    assert_int_equal(user.status, 0);
    assert_string_equal(user.why, why);
    end(run, &user);
    assert_int_equal(run->server.seen_len, 0);
}

static void test_bad_certificates(void **state)
{
    struct run *run = *state;
    refuse(run, "DNS:localhost", false,
           "the server's certificate is refused: unable to get local issuer certificate");
    refuse(run, "DNS:other.example,IP:127.0.0.1", true,
           "the server's certificate is refused: hostname mismatch");
}

static void test_insecure_takes_any(void **state)
{
    struct run *run = *state;
    static struct user user;
    begin(run, &user, "DNS:other.example", false, serve_echo);
    user.options.insecure_tls = true;
    user.on_open = user_close_normally;
    user_run(&user);
    assert_int_equal(user.err, 0);
    assert_int_equal(user.code, VE_CLOSE_NORMAL);
    end(run, &user);
}

static void serve_plain(struct server *server)
{
    struct peer peer = peer_accept(server);
    if (peer_more(server, &peer))
        (void)peer_say(&peer, "HTTP/1.1 400 Bad Request\r\n\r\n");
    peer_drain(server, &peer);
    peer_free(&peer);
}

static void test_plain_server(void **state)
{
    struct run *run = *state;
    static struct user user;
    assert_true(server_start(&run->server, serve_plain, NULL));
    user_init(&user, run, "/");
    (void)snprintf(user.url, sizeof(user.url), "wss://127.0.0.1:%u/", run->server.port);
    user.options.url = ve_str(user.url);
    user_run(&user);
    assert_int_equal(user.err, VE_EIO);
    run_end(run, &user);
}

/* --- a burst in one record, taken in piece by piece --- */

static void serve_burst(struct server *server)
{
    static char burst[100 * 127];
    struct peer peer = peer_accept(server);
    if (peer.fd < 0 || !ws_upgrade(server, &peer, ""))
        atomic_store(&server->broken, true);
    for (size_t i = 0; i < 100; i++) {
        burst[i * 127] = (char)0x82;
        burst[i * 127 + 1] = 125;
        memset(burst + i * 127 + 2, (int)('0' + i % 10), 125);
    }
    (void)peer_send(&peer, burst, sizeof(burst));
    peer_drain(server, &peer);
    peer_close(&peer);
}

static void resume(void *arg)
{
    struct user *user = arg;
    user->inside = false;
    user_pause(user, false);
}

/* Nothing more comes over the wire: what is left must come out of the layers in between. */
static void pause_a_little(struct user *user)
{
    if (user->messages == 100) {
        ve_loop_stop(user->run->loop);
        return;
    }
    user_pause(user, true);
    user->inside = true;
    ve_timer_init(&user->timer, user->run->loop, resume, user);
    ve_timer_start(&user->timer, VE_MS / 10);
}

static void test_pause_and_resume(void **state)
{
    struct run *run = *state;
    static struct user user;
    begin(run, &user, "DNS:localhost", true, serve_burst);
    user.on_message = pause_a_little;
    user_run(&user);
    assert_int_equal(user.messages, 100);
    assert_int_equal(user.len, 12500);
    for (size_t i = 0; i < user.len; i++)
        assert_int_equal(user.bytes[i], '0' + (int)(i / 125 % 10));
    end(run, &user);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_known_authority, run_setup, run_teardown),
        cmocka_unit_test_setup_teardown(test_bad_certificates, run_setup, run_teardown),
        cmocka_unit_test_setup_teardown(test_insecure_takes_any, run_setup, run_teardown),
        cmocka_unit_test_setup_teardown(test_plain_server, run_setup, run_teardown),
        cmocka_unit_test_setup_teardown(test_pause_and_resume, run_setup, run_teardown),
    };
    signal(SIGPIPE, SIG_IGN); /* SSL_write of the scripts */
    if (ve_wsc_process_init() != 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
