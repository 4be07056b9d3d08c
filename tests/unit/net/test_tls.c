#include "net/tls.h"

#include "alloc_fail.h"
#include "base/err.h"
#include "net/httpd.h"

#include <malloc.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "live.h"
#include "ws_client.h"

/* --- certificates, made anew for every run --- */

struct files {
    char dir[64];
    char cert[2][100]; /* two self-signed certificates: "first" and "second" */
    char key[2][100];
    char locked[100]; /* the first key, with a pass phrase */
    char rubbish[100];
};

static X509 *self_signed(EVP_PKEY *key, const char *name)
{
    X509 *cert = X509_new();
    X509_set_version(cert, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
    X509_gmtime_adj(X509_getm_notBefore(cert), -60);
    X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
    X509_set_pubkey(cert, key);
    X509_NAME *subject = X509_get_subject_name(cert);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0);
    X509_set_issuer_name(cert, subject);
    assert_true(X509_sign(cert, key, EVP_sha256()) > 0);
    return cert;
}

static void name_file(struct files *files, char path[static 100], const char *name)
{
    char dir[64];
    strcpy(dir, files->dir);
    (void)snprintf(path, 100, "%.60s/%.30s", dir, name);
}

static void make_files(struct files *files)
{
    static const char *const certs[2] = {"first.pem", "second.pem"};
    static const char *const keys[2] = {"first.key", "second.key"};
    static const char *const names[2] = {"first", "second"};
    strcpy(files->dir, "/tmp/ve-tls-XXXXXX");
    assert_non_null(mkdtemp(files->dir));
    for (int i = 0; i < 2; i++) {
        name_file(files, files->cert[i], certs[i]);
        name_file(files, files->key[i], keys[i]);
        EVP_PKEY *key = EVP_EC_gen("P-256");
        X509 *cert = self_signed(key, names[i]);
        FILE *file = fopen(files->cert[i], "w");
        assert_int_equal(PEM_write_X509(file, cert), 1);
        fclose(file);
        file = fopen(files->key[i], "w");
        assert_int_equal(PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL), 1);
        fclose(file);
        name_file(files, files->locked, "locked.key");
        file = fopen(files->locked, "w");
        assert_int_equal(PEM_write_PrivateKey(file, key, EVP_aes_128_cbc(),
                                              (const unsigned char *)"secret", 6, NULL, NULL),
                         1);
        fclose(file);
        X509_free(cert);
        EVP_PKEY_free(key);
    }
    name_file(files, files->rubbish, "rubbish.pem");
    FILE *file = fopen(files->rubbish, "w");
    fputs("not a certificate\n", file);
    fclose(file);
}

static void remove_files(struct files *files)
{
    for (int i = 0; i < 2; i++) {
        unlink(files->cert[i]);
        unlink(files->key[i]);
    }
    unlink(files->locked);
    unlink(files->rubbish);
    rmdir(files->dir);
}

/* --- the server --- */

struct server {
    struct live live;
    struct ve_log log;
    struct ve_httpd *httpd;
    struct files *files;
    struct ve_conn *conn;
    struct live_flag closed;
    struct ve_out *message;
    int reload_err;
    char why[160];
};

static void on_request(void *arg, struct ve_http_request *request)
{
    (void)arg;
    if (ve_str_eq(ve_http_path(request), VE_STR("/big"))) {
        size_t size = 8 * 1024 * 1024;
        char *bytes = malloc(size);
        for (size_t i = 0; i < size; i++)
            bytes[i] = (char)(i * 31 + i / 1000);
        ve_http_respond(request, 200, "application/octet-stream", ve_str_n(bytes, size), NULL, 0);
        free(bytes);
        return;
    }
    struct ve_str body = ve_http_is_tls(request) ? VE_STR("safe") : VE_STR("plain");
    ve_http_respond(request, 200, "text/plain", body, NULL, 0);
}

static void on_data(void *arg, const uint8_t *bytes, size_t len, bool first, bool last,
                    enum ve_opcode opcode)
{
    struct server *server = arg;
    if (first)
        server->message = ve_out_new(1024 * 1024);
    struct ve_out *message = server->message;
    if (!message)
        return;
    memcpy(ve_out_payload(message) + message->len, bytes, len);
    message->len += len;
    if (last) {
        server->message = NULL;
        (void)ve_conn_send(server->conn, message, opcode);
    }
}

static void on_closed(void *arg, int code)
{
    struct server *server = arg;
    (void)code;
    ve_out_free(server->message);
    server->message = NULL;
    live_flag_set(&server->closed);
}

static const struct ve_conn_events events = {on_data, NULL, on_closed};

static void on_upgrade(void *arg, struct ve_http_request *request)
{
    struct server *server = arg;
    if (ve_http_upgrade(request, NULL, &events, server, &server->conn) != 0)
        ve_http_refuse(request, 503, "busy", "no memory");
}

static void on_aborted(void *arg, struct ve_http_request *request)
{
    (void)arg;
    (void)request;
}

static const struct ve_httpd_handlers handlers = {on_request, on_upgrade, on_aborted};

static int server_open(struct server *server, struct files *files, uint64_t head_timeout)
{
    *server = (struct server){.log = live_log(), .files = files};
    live_flag_init(&server->closed);
    struct ve_httpd_config config = {.host = "127.0.0.1",
                                     .tls_cert = files->cert[0],
                                     .tls_key = files->key[0],
                                     .clocks = {.head = head_timeout},
                                     .log = &server->log};
    int err = live_open(&server->live);
    if (err)
        return err;
    err = ve_httpd_new(&server->httpd, server->live.loop, &config, &handlers, server, server->why);
    if (err)
        ve_loop_free(server->live.loop);
    else
        live_run(&server->live);
    return err;
}

static struct server *server_start(void **state)
{
    struct server *server = calloc(1, sizeof(*server));
    assert_int_equal(server_open(server, *state, 0), 0);
    return server;
}

static void server_close(struct server *server)
{
    live_stop(&server->live);
    ve_httpd_free(server->httpd);
    ve_loop_free(server->live.loop);
}

static void server_end(struct server *server)
{
    server_close(server);
    free(server);
}

/* --- the client --- */

struct client {
    SSL_CTX *ctx;
    SSL *ssl;
    int fd;
};

static struct client client_new(struct server *server)
{
    struct client client = {.ctx = SSL_CTX_new(TLS_client_method())};
    client.fd = live_connect(ve_httpd_port(server->httpd));
    client.ssl = SSL_new(client.ctx);
    SSL_set_fd(client.ssl, client.fd);
    return client;
}

static void client_free(struct client *client)
{
    SSL_free(client->ssl);
    SSL_CTX_free(client->ctx);
    close(client->fd);
    ERR_clear_error();
}

static struct client client_connect(struct server *server)
{
    struct client client = client_new(server);
    assert_int_equal(SSL_connect(client.ssl), 1);
    return client;
}

static bool client_say(struct client *client, const char *text)
{
    return SSL_write(client->ssl, text, (int)strlen(text)) > 0;
}

static bool client_recv(struct client *client, void *bytes, size_t len)
{
    char *at = bytes;
    while (len) {
        int n = SSL_read(client->ssl, at, (int)len);
        if (n <= 0)
            return false;
        at += n;
        len -= (size_t)n;
    }
    return true;
}

/* Reads until the empty line; returns the status, 0 without an answer. */
static int client_head(struct client *client, char head[static 2000])
{
    size_t len = 0;
    int status = 0;
    while (len < 4 || memcmp(head + len - 4, "\r\n\r\n", 4) != 0) {
        if (len == 1999 || !client_recv(client, head + len, 1))
            return 0;
        len++;
    }
    head[len] = '\0';
    return sscanf(head, "HTTP/1.1 %d ", &status) == 1 ? status : 0;
}

static void expect_safe(struct client *client)
{
    char head[2000], body[4];
    assert_true(client_say(client, "GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
    assert_int_equal(client_head(client, head), 200);
    assert_true(client_recv(client, body, 4));
    assert_memory_equal(body, "safe", 4);
}

static void peer_name(struct client *client, char name[static 100])
{
    X509 *cert = SSL_get1_peer_certificate(client->ssl);
    assert_non_null(cert);
    X509_NAME_get_text_by_NID(X509_get_subject_name(cert), NID_commonName, name, 100);
    X509_free(cert);
}

/* --- tests --- */

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
