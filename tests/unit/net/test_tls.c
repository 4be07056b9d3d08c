#include "net/tls.h"

#include "alloc_fail.h"
#include "base/err.h"

#include <malloc.h>
#include <signal.h>

#include "tls_server.h"
#include "ws_client.h"

static void both_versions_are_spoken(void **state)
{
    struct server *server = server_start(state);
    static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
    for (int i = 0; i < 2; i++) {
        struct client client = client_new(server);
        SSL_set_min_proto_version(client.ssl, versions[i]);
        SSL_set_max_proto_version(client.ssl, versions[i]);
        assert_int_equal(SSL_connect(client.ssl), 1);
        assert_int_equal(SSL_version(client.ssl), versions[i]);
        expect_safe(&client);
        expect_safe(&client);
        client_free(&client);
    }
    server_end(server);
}

static void older_versions_are_refused(void **state)
{
    struct server *server = server_start(state);
    struct client client = client_new(server);
    SSL_set_security_level(client.ssl, 0);
    SSL_set_min_proto_version(client.ssl, TLS1_VERSION);
    SSL_set_max_proto_version(client.ssl, TLS1_1_VERSION);
    assert_true(SSL_connect(client.ssl) <= 0);
    client_free(&client);
    server_end(server);
}

static void of_the_protocols_offered_only_http11_is_chosen(void **state)
{
    struct server *server = server_start(state);
    const unsigned char *chosen;
    unsigned int len;
    struct client client = client_new(server);
    SSL_set_alpn_protos(client.ssl, (const unsigned char *)"\x02h2\x08http/1.1", 12);
    assert_int_equal(SSL_connect(client.ssl), 1);
    SSL_get0_alpn_selected(client.ssl, &chosen, &len);
    assert_int_equal(len, 8);
    assert_memory_equal(chosen, "http/1.1", 8);
    expect_safe(&client);
    client_free(&client);
    client = client_new(server);
    SSL_set_alpn_protos(client.ssl, (const unsigned char *)"\x02h2", 3);
    assert_true(SSL_connect(client.ssl) <= 0);
    client_free(&client);
    server_end(server);
}

static void a_session_can_be_taken_up_again(void **state)
{
    struct server *server = server_start(state);
    struct client first = client_new(server);
    SSL_set_max_proto_version(first.ssl, TLS1_2_VERSION);
    assert_int_equal(SSL_connect(first.ssl), 1);
    expect_safe(&first);
    SSL_SESSION *session = SSL_get1_session(first.ssl);
    struct client second = client_new(server);
    SSL_set_max_proto_version(second.ssl, TLS1_2_VERSION);
    SSL_set_session(second.ssl, session);
    assert_int_equal(SSL_connect(second.ssl), 1);
    assert_int_equal(SSL_session_reused(second.ssl), 1);
    expect_safe(&second);
    SSL_SESSION_free(session);
    client_free(&first);
    client_free(&second);
    server_end(server);
}

static void a_large_answer_arrives_whole_and_ends_politely(void **state)
{
    struct server *server = server_start(state);
    struct client client = client_connect(server);
    char head[2000];
    size_t size = 8 * 1024 * 1024;
    char *bytes = malloc(size);
    client_say(&client, "GET /big HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    assert_int_equal(client_head(&client, head), 200);
    assert_true(client_recv(&client, bytes, size));
    for (size_t i = 0; i < size; i++) {
        if (bytes[i] != (char)(i * 31 + i / 1000))
            fail();
    }
    int n = SSL_read(client.ssl, bytes, 1);
    assert_int_equal(SSL_get_error(client.ssl, n), SSL_ERROR_ZERO_RETURN);
    free(bytes);
    client_free(&client);
    server_end(server);
}

static void open_websocket(struct client *client)
{
    char head[2000];
    assert_true(client_say(client, "GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n"
                                   "Connection: upgrade\r\nSec-WebSocket-Version: 13\r\n"
                                   "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"));
    assert_int_equal(client_head(client, head), 101);
}

static void websocket_messages_of_all_sizes_come_back(void **state)
{
    static const size_t sizes[] = {0, 1, 640, 16384, 65536, 200000};
    struct server *server = server_start(state);
    struct client client = client_connect(server);
    uint8_t *payload = malloc(200000);
    uint8_t *wire = malloc(200014);
    memset(payload, 'x', 200000);
    open_websocket(&client);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        uint8_t head[10];
        size_t len = ws_client_frame(wire, 0x82, payload, sizes[i]);
        assert_int_equal(SSL_write(client.ssl, wire, (int)len), len);
        assert_true(client_recv(&client, head, sizes[i] < 126 ? 2 : sizes[i] < 65536 ? 4 : 10));
        assert_true(client_recv(&client, wire, sizes[i]));
        assert_memory_equal(wire, payload, sizes[i]);
    }
    free(payload);
    free(wire);
    client_free(&client);
    assert_true(live_flag_wait(&server->closed));
    server_end(server);
}

static void plain_http_is_cut(void **state)
{
    struct server *server = server_start(state);
    int fd = live_connect(ve_httpd_port(server->httpd));
    live_say(fd, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_true(live_ended(fd));
    close(fd);
    server_end(server);
}

static void half_a_handshake_is_cut_in_time(void **state)
{
    struct server *server = calloc(1, sizeof(*server));
    assert_int_equal(server_open(server, *state, 30 * VE_MS), 0);
    int fd = live_connect(ve_httpd_port(server->httpd));
    live_send(fd, "\x16\x03\x01\x02", 4);
    assert_true(live_ended(fd));
    close(fd);
    server_end(server);
}

/* More handshakes at once than a round of the loop may make: all get through. */
static void many_handshakes_at_once(void **state)
{
    enum { CLIENTS = 20 };
    struct server *server = server_start(state);
    struct client clients[CLIENTS];
    for (int i = 0; i < CLIENTS; i++)
        clients[i] = client_new(server);
    for (int i = 0; i < CLIENTS; i++)
        assert_int_equal(SSL_connect(clients[i].ssl), 1);
    for (int i = 0; i < CLIENTS; i++) {
        expect_safe(&clients[i]);
        client_free(&clients[i]);
    }
    server_end(server);
}

static void load_second(void *arg)
{
    struct server *server = arg;
    server->reload_err = ve_httpd_reload_tls(server->httpd, server->files->cert[1],
                                             server->files->key[1], server->why);
}

static void load_rubbish(void *arg)
{
    struct server *server = arg;
    server->reload_err = ve_httpd_reload_tls(server->httpd, server->files->rubbish,
                                             server->files->key[1], server->why);
}

static void new_certificates_leave_the_sockets_alone(void **state)
{
    struct server *server = server_start(state);
    char name[100];
    struct client before = client_connect(server);
    peer_name(&before, name);
    assert_string_equal(name, "first");
    live_call(&server->live, load_second, server);
    assert_int_equal(server->reload_err, 0);
    expect_safe(&before);
    struct client after = client_connect(server);
    peer_name(&after, name);
    assert_string_equal(name, "second");
    expect_safe(&after);
    live_call(&server->live, load_rubbish, server);
    assert_int_equal(server->reload_err, VE_EINVAL);
    struct client later = client_connect(server);
    peer_name(&later, name);
    assert_string_equal(name, "second");
    expect_safe(&before);
    client_free(&before);
    client_free(&after);
    client_free(&later);
    server_end(server);
}

static void bad_files_are_explained(void **state)
{
    struct files *files = *state;
    struct ve_tls *tls = NULL;
    char why[160];
    char missing[100];
    name_file(files, missing, "missing.pem");
    assert_int_equal(ve_tls_new(&tls, missing, files->key[0], why), VE_EINVAL);
    assert_non_null(strstr(why, "missing.pem: No such file"));
    assert_int_equal(ve_tls_new(&tls, files->rubbish, files->key[0], why), VE_EINVAL);
    assert_non_null(strstr(why, "cannot read the certificate"));
    assert_int_equal(ve_tls_new(&tls, files->cert[0], missing, why), VE_EINVAL);
    assert_non_null(strstr(why, "cannot use the key"));
    assert_int_equal(ve_tls_new(&tls, files->cert[0], files->key[1], why), VE_EINVAL);
    assert_non_null(strstr(why, "key"));
    assert_int_equal(ve_tls_new(&tls, files->cert[1], files->locked, why), VE_EINVAL);
    assert_non_null(strstr(why, "locked.key"));
    char far[400];
    memset(far, 'd', sizeof(far));
    strcpy(far + 300, "/end.pem");
    assert_int_equal(ve_tls_new(&tls, far, files->key[0], why), VE_EINVAL);
    assert_non_null(strstr(why, "/end.pem: "));
    assert_null(tls);
    assert_int_equal(ERR_peek_error(), 0);
}

static void what_is_not_tls_breaks_a_session(void **state)
{
    struct files *files = *state;
    struct ve_tls *tls;
    struct ve_tls_session *session;
    struct ve_buf wire;
    char why[160];
    uint8_t bytes[100];
    ve_buf_init(&wire, 0);
    assert_int_equal(ve_tls_new(&tls, files->cert[0], files->key[0], why), 0);
    assert_int_equal(ve_tls_accept(&session, tls), 0);
    assert_false(ve_tls_is_ready(session));
    assert_int_equal(ve_tls_read(session, bytes, sizeof(bytes), &wire), 0);
    ve_tls_feed(session, (const uint8_t *)"\x16\x03\x01\x00", 4);
    assert_int_equal(ve_tls_read(session, bytes, sizeof(bytes), &wire), 0);
    ve_tls_feed(session, (const uint8_t *)"\x05hello", 6);
    assert_int_equal(ve_tls_read(session, bytes, sizeof(bytes), &wire), VE_EPROTO);
    assert_int_equal(ERR_peek_error(), 0);
    ve_tls_session_free(session);
    ve_tls_free(tls);
    ve_buf_free(&wire);
}

/* --- memory --- */

static int exchange(void *arg)
{
    static struct server server;
    int err = server_open(&server, arg, 0);
    if (err)
        return err;
    struct client client = client_new(&server);
    char head[2000];
    bool good = SSL_connect(client.ssl) == 1 &&
                client_say(&client, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n") &&
                client_head(&client, head) == 200 && client_recv(&client, head, 4);
    bool ended = live_ended(client.fd);
    client_free(&client);
    server_close(&server);
    assert_true(ended);
    return good ? 0 : VE_ENOMEM;
}

static void survives_any_failed_allocation(void **state)
{
    assert_true(test_alloc_sweep(exchange, *state) > 15);
}

static void read_heap(void *arg)
{
    *(size_t *)arg = mallinfo2().uordblks;
}

/* The clients live in the same process: they are freed before the second look. */
static void idle_connections_with_tls(void **state)
{
    enum { CONNECTIONS = 50 };
    struct server *server = server_start(state);
    struct client clients[CONNECTIONS];
    size_t before = 0;
    size_t after = 0;
    for (int i = 0; i < CONNECTIONS; i++) {
        clients[i] = client_connect(server);
        open_websocket(&clients[i]);
        if (i == 0)
            live_call(&server->live, read_heap, &before);
    }
    for (int i = 1; i < CONNECTIONS; i++) {
        SSL_free(clients[i].ssl);
        SSL_CTX_free(clients[i].ctx);
    }
    live_call(&server->live, read_heap, &after);
    if (after > before)
        print_message("an idle WebSocket with TLS takes about %zu bytes of the heap\n",
                      (after - before) / (CONNECTIONS - 1));
    for (int i = 0; i < CONNECTIONS; i++)
        close(clients[i].fd);
    SSL_free(clients[0].ssl);
    SSL_CTX_free(clients[0].ctx);
    for (int i = 0; i < CONNECTIONS; i++)
        assert_true(live_flag_wait(&server->closed));
    server_end(server);
}

struct fixture {
    struct files files; /* first: what the tests get is a pointer to it */
    long live;
};

static int before(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    make_files(&fixture->files);
    fixture->live = test_alloc_live();
    *state = fixture;
    return 0;
}

static int after(void **state)
{
    struct fixture *fixture = *state;
    int leaked = test_alloc_live() != fixture->live;
    remove_files(&fixture->files);
    free(fixture);
    return leaked;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, before, after)

int main(void)
{
    /* OpenSSL writes with write(): what a broken peer means for a process is process.c's to say. */
    signal(SIGPIPE, SIG_IGN);
    const struct CMUnitTest tests[] = {
        TEST(both_versions_are_spoken),
        TEST(older_versions_are_refused),
        TEST(of_the_protocols_offered_only_http11_is_chosen),
        TEST(a_session_can_be_taken_up_again),
        TEST(a_large_answer_arrives_whole_and_ends_politely),
        TEST(websocket_messages_of_all_sizes_come_back),
        TEST(plain_http_is_cut),
        TEST(half_a_handshake_is_cut_in_time),
        TEST(many_handshakes_at_once),
        TEST(new_certificates_leave_the_sockets_alone),
        TEST(bad_files_are_explained),
        TEST(what_is_not_tls_breaks_a_session),
        TEST(survives_any_failed_allocation),
        TEST(idle_connections_with_tls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
