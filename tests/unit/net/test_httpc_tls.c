/* Certificates are checked unless a test says otherwise. */
#include "httpc_run.h"
#include "test_cert.h"

#include <signal.h>

static void serve(struct server *server)
{
    struct peer peer = peer_accept(server);
    while (peer.fd >= 0 && peer_request(server, &peer))
        (void)peer_say(&peer, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nsafe");
    peer_close(&peer);
}

/* Asks `host` over TLS; the server's certificate is for `names`. */
static void ask(struct run *run, struct reply *reply, const char *host, const char *names,
                bool trusted, bool insecure)
{
    struct test_cert cert;
    assert_true(test_cert_make(&cert, names));
    run->server.tls = test_cert_server(&cert);
    assert_true(server_start(&run->server, serve, NULL));
    reply_init(reply, run, "/");
    (void)snprintf(reply->url, sizeof(reply->url), "https://%s:%u/", host, run->server.port);
    reply->options.url = ve_str(reply->url);
    reply->options.ca_file = trusted ? cert.ca_path : NULL;
    reply->options.insecure_tls = insecure;
    reply->again = insecure ? 0 : 1; /* the second one finds the pool */
    reply_run(reply);
    reply_free(reply);
    run_end(run);
    SSL_CTX_free(run->server.tls);
    run->server.tls = NULL;
    test_cert_free(&cert);
}

static void test_known_authority(void **state)
{
    struct run *run = *state;
    static struct reply reply;
    ask(run, &reply, "localhost", "DNS:localhost", true, false);
    assert_int_equal(reply.result.err, 0);
    assert_int_equal(reply.result.status, 200);
    assert_int_equal(reply.done, 2);
    assert_int_equal(reply.result.connect, 0);
    assert_int_equal(atomic_load(&run->server.accepts), 1);
}

static void test_address_in_the_certificate(void **state)
{
    struct run *run = *state;
    static struct reply reply;
    ask(run, &reply, "127.0.0.1", "IP:127.0.0.1", true, false);
    assert_int_equal(reply.result.err, 0);
}

static void test_insecure_takes_any(void **state)
{
    struct run *run = *state;
    static struct reply reply;
    ask(run, &reply, "localhost", "DNS:localhost", false, true);
    assert_int_equal(reply.result.err, 0);
    assert_int_equal(reply.result.status, 200);
}

static void refuse(struct run *run, const char *names, bool trusted, const char *why)
{
    static struct reply reply;
    struct test_cert cert;
    assert_true(test_cert_make(&cert, names));
    run->server.tls = test_cert_server(&cert);
    assert_true(server_start(&run->server, serve, NULL));
    reply_init(&reply, run, "/secret");
    (void)snprintf(reply.url, sizeof(reply.url), "https://localhost:%u/", run->server.port);
    reply.options.url = ve_str(reply.url);
    reply.options.ca_file = trusted ? cert.ca_path : NULL;
    reply_run(&reply);
    assert_int_equal(reply.result.err, VE_EAUTH);
    assert_int_equal(reply.result.status, 0);
    assert_false(reply.result.retry);
    assert_string_equal(reply.why, why);
    reply_free(&reply);
    assert_true(server_stop(&run->server));
    assert_int_equal(run->server.seen_len, 0);
    SSL_CTX_free(run->server.tls);
    run->server.tls = NULL;
    test_cert_free(&cert);
}

static void test_bad_certificates(void **state)
{
    struct run *run = *state;
    refuse(run, "DNS:localhost", false,
           "the server's certificate is refused: unable to get local issuer certificate");
    refuse(run, "DNS:other.example", true,
           "the server's certificate is refused: it is for another name");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_known_authority, run_setup, run_teardown),
        cmocka_unit_test_setup_teardown(test_address_in_the_certificate, run_setup, run_teardown),
        cmocka_unit_test_setup_teardown(test_insecure_takes_any, run_setup, run_teardown),
        cmocka_unit_test_setup_teardown(test_bad_certificates, run_setup, run_teardown),
    };
    signal(SIGPIPE, SIG_IGN); /* SSL_write of the scripts */
    if (ve_httpc_process_init() != 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
