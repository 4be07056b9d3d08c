/*
 * A server with TLS on a loop of its own, certificates for it, and its clients: for the tests of
 * net/tls.c.
 */
#ifndef VE_TEST_TLS_SERVER_H
#define VE_TEST_TLS_SERVER_H

#include "net/httpd.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>

#include "live.h"

/* --- certificates, made anew for every run --- */

struct files {
    char dir[64];
    char cert[2][100]; /* two self-signed certificates: "first" and "second" */
    char key[2][100];
    char locked[100]; /* the first key, with a pass phrase */
    char rubbish[100];
};

static inline X509 *self_signed(EVP_PKEY *key, const char *name)
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

static inline void name_file(struct files *files, char path[static 100], const char *name)
{
    char dir[64];
    strcpy(dir, files->dir);
    (void)snprintf(path, 100, "%.60s/%.30s", dir, name);
}

static inline void make_files(struct files *files)
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

static inline void remove_files(struct files *files)
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

static inline void on_request(void *arg, struct ve_http_request *request)
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

static inline void on_data(void *arg, const uint8_t *bytes, size_t len, bool first, bool last,
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

static inline void on_closed(void *arg, int code)
{
    struct server *server = arg;
    (void)code;
    ve_out_free(server->message);
    server->message = NULL;
    live_flag_set(&server->closed);
}

static const struct ve_conn_events events = {on_data, NULL, on_closed};

static inline void on_upgrade(void *arg, struct ve_http_request *request)
{
    struct server *server = arg;
    if (ve_http_upgrade(request, NULL, &events, server, &server->conn) != 0)
        ve_http_refuse(request, 503, "busy", "no memory");
}

static inline void on_aborted(void *arg, struct ve_http_request *request)
{
    (void)arg;
    (void)request;
}

static const struct ve_httpd_handlers handlers = {on_request, on_upgrade, on_aborted};

static inline int server_open(struct server *server, struct files *files, uint64_t head_timeout)
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

static inline struct server *server_start(void **state)
{
    struct server *server = calloc(1, sizeof(*server));
    assert_int_equal(server_open(server, *state, 0), 0);
    return server;
}

static inline void server_close(struct server *server)
{
    live_stop(&server->live);
    ve_httpd_free(server->httpd);
    ve_loop_free(server->live.loop);
}

static inline void server_end(struct server *server)
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

static inline struct client client_new(struct server *server)
{
    struct client client = {.ctx = SSL_CTX_new(TLS_client_method())};
    client.fd = live_connect(ve_httpd_port(server->httpd));
    client.ssl = SSL_new(client.ctx);
    SSL_set_fd(client.ssl, client.fd);
    return client;
}

static inline void client_free(struct client *client)
{
    SSL_free(client->ssl);
    SSL_CTX_free(client->ctx);
    close(client->fd);
    ERR_clear_error();
}

static inline struct client client_connect(struct server *server)
{
    struct client client = client_new(server);
    assert_int_equal(SSL_connect(client.ssl), 1);
    return client;
}

static inline bool client_say(struct client *client, const char *text)
{
    return SSL_write(client->ssl, text, (int)strlen(text)) > 0;
}

static inline bool client_recv(struct client *client, void *bytes, size_t len)
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
static inline int client_head(struct client *client, char head[static 2000])
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

static inline void expect_safe(struct client *client)
{
    char head[2000], body[4];
    assert_true(client_say(client, "GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
    assert_int_equal(client_head(client, head), 200);
    assert_true(client_recv(client, body, 4));
    assert_memory_equal(body, "safe", 4);
}

static inline void peer_name(struct client *client, char name[static 100])
{
    X509 *cert = SSL_get1_peer_certificate(client->ssl);
    assert_non_null(cert);
    X509_NAME_get_text_by_NID(X509_get_subject_name(cert), NID_commonName, name, 100);
    X509_free(cert);
}

#endif
