/* Requests over real sockets: where they may lead, what they carry, how they fail. */
#include "request_rig.h"

/* Answers one request with `arg` and waits for the end. */
static void serve_text(struct server *server)
{
    struct peer peer = peer_accept(server);
    if (peer_request(server, &peer))
        (void)peer_say(&peer, server->arg);
    peer_drain(server, &peer);
    peer_free(&peer);
}

static void test_the_secret_is_put_in(void **state)
{
    struct rig *rig = *state;
    struct reply reply;
    rig_serve(rig, serve_text,
              "HTTP/1.1 401 No\r\nX-Echo: " SECRET "\r\nContent-Length: 26\r\n\r\n"
              "bad key " SECRET " here");
    reply_init(&reply, rig, "/v1/models");
    reply_run(&reply);
    rig_end(rig);
    assert_int_equal(reply.err, 0);
    assert_int_equal(reply.status, 401);
    assert_non_null(strstr(rig->server.seen, "\r\nAuthorization: Bearer " SECRET "\r\n"));
    assert_string_equal(reply.body, "bad key ************* here");
    assert_null(strstr(reply.head, SECRET));
    assert_non_null(strstr(reply.head, "X-Echo: *************"));
    assert_null(strstr(rig->logged, SECRET));
    assert_non_null(strstr(rig->logged, "request_failed"));
}

struct refusal {
    const char *url; /* %u: the port of the server that is a base URL */
    const char *header;
    int err;
    const char *why;
};

static void test_what_is_refused_at_once(void **state)
{
    static const struct refusal refusals[] = {
        {"http://127.0.0.1:1/", "x", VE_EAUTH, "127.0.0.1:1 is not allowed over http"},
        {"https://127.0.0.1:%u/", "x", VE_EAUTH, "is not allowed over https"},
        {"http://localhost:%u/", "x", VE_EAUTH, "localhost:"},
        {"http://127.0.0.1:%u@evil.example/", "x", VE_EINVAL, "the URL must begin"},
        {"http://127.0.0.1:%u/a b", "x", VE_EINVAL, "the URL must begin"},
        {"http://127.0.0.1:%u/", "${NO_KEY}", VE_ENOENT, "needs the secret NO_KEY"},
        {"http://127.0.0.1:%u/", "${OTHER_KEY}", VE_EAUTH,
         "OTHER_KEY does not belong to 127.0.0.1"},
        {"http://127.0.0.1:%u/", "${THE_KEY", VE_EINVAL, "a secret is named like"},
        {"http://127.0.0.1:%u/", "a\r\nX: y", VE_EINVAL, "none that may be sent"},
    };
    struct rig *rig = *state;
    struct reply reply;
    assert_true(server_listen(&rig->server));
    char base[64];
    (void)snprintf(base, sizeof(base), "http://127.0.0.1:%u", rig->server.port);
    assert_int_equal(ve_policy_allow_base(&rig->policy, ve_str(base)), 0);
    assert_int_equal(ve_vault_add(&rig->vault, VE_STR("OTHER_KEY"), VE_STR(SECRET)), 0);
    assert_int_equal(ve_vault_allow_host(&rig->vault, VE_STR("OTHER_KEY"), VE_STR("a.example")), 0);
    for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
        reply_init(&reply, rig, "/");
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        (void)snprintf(reply.url, sizeof(reply.url), refusals[i].url, rig->server.port);
#pragma GCC diagnostic pop
        reply.options.url = ve_str(reply.url);
        reply.fields[0].value = ve_str(refusals[i].header);
        print_message("%s %s\n", refusals[i].url, refusals[i].header);
        assert_int_equal(reply_try(&reply), refusals[i].err);
        assert_non_null(strstr(reply.why, refusals[i].why));
        assert_null(strstr(reply.why, SECRET));
    }
    assert_int_equal(ve_requests_active(rig->requests), 0);
    assert_true(server_unused(&rig->server));
}

/* A name that is allowed leads to this machine: the address is what counts. */
static void test_a_private_address_behind_a_name(void **state)
{
    struct rig *rig = *state;
    struct reply reply;
    char place[64];
    assert_true(server_listen(&rig->server));
    (void)snprintf(place, sizeof(place), "localhost:%u", rig->server.port);
    assert_int_equal(ve_policy_allow_host(&rig->policy, ve_str(place)), 0);
    reply_init(&reply, rig, "/");
    (void)snprintf(reply.url, sizeof(reply.url), "https://%s/", place);
    reply.options.url = ve_str(reply.url);
    reply.options.field_count = 0;
    reply_run(&reply);
    assert_int_equal(reply.err, VE_EAUTH);
    assert_true(reply.denied);
    assert_string_equal(reply.why, "the host's address is not allowed");
    assert_true(server_unused(&rig->server));
}

static void redirect_to(struct rig *rig, char text[static 256], unsigned port)
{
    (void)rig;
    (void)snprintf(text, 256,
                   "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:%u/inner\r\n"
                   "Content-Length: 0\r\n\r\n",
                   port);
}

static void test_redirects(void **state)
{
    struct rig *rig = *state;
    struct reply reply;
    static char text[256];
    assert_true(server_listen(&rig->other));
    redirect_to(rig, text, rig->other.port);
    for (unsigned follow = 0; follow < 2; follow++) {
        if (follow)
            ve_vault_free(&rig->vault);
        rig_serve(rig, serve_text, text);
        reply_init(&reply, rig, "/v1/x");
        reply.options.max_redirects = follow;
        reply_run(&reply);
        rig_end(rig);
        assert_int_equal(reply.err, follow ? VE_EAUTH : 0);
        assert_int_equal(reply.denied, follow);
        assert_int_equal(reply.status, 302);
    }
    assert_string_equal(reply.why, "the redirect leads to a host that is not allowed");
    /* Not even to another base URL: that may be a server of ours that trusts its neighbours. */
    char base[64];
    (void)snprintf(base, sizeof(base), "http://127.0.0.1:%u", rig->other.port);
    assert_int_equal(ve_policy_allow_base(&rig->policy, ve_str(base)), 0);
    ve_vault_free(&rig->vault);
    rig_serve(rig, serve_text, text);
    reply_init(&reply, rig, "/v1/x");
    reply.options.max_redirects = 1;
    reply_run(&reply);
    rig_end(rig);
    assert_int_equal(reply.err, VE_EAUTH);
    assert_true(reply.denied);
    assert_true(server_unused(&rig->other));
}

/* --- faults of servers ------------------------------------------------------------------------ */

static void serve_nothing(struct server *server)
{
    struct peer peer = peer_accept(server);
    (void)peer_request(server, &peer);
    peer_drain(server, &peer);
    peer_free(&peer);
}

static void serve_half(struct server *server)
{
    struct peer peer = peer_accept(server);
    if (peer_request(server, &peer))
        (void)peer_say(&peer, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
    peer_drain(server, &peer);
    peer_free(&peer);
}

static void serve_reset(struct server *server)
{
    struct peer peer = peer_accept(server);
    if (peer_request(server, &peer))
        (void)peer_say(&peer, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
    peer_reset(&peer);
}

static void serve_endless(struct server *server)
{
    static const char block[8192] = {'x'};
    struct peer peer = peer_accept(server);
    if (peer_request(server, &peer))
        (void)peer_say(&peer, "HTTP/1.1 200 OK\r\n\r\n");
    while (peer_send(&peer, block, sizeof(block))) {
    }
    peer_free(&peer);
}

/* Drips a byte often enough for the progress clock. */
static void serve_drip(struct server *server)
{
    struct peer peer = peer_accept(server);
    if (peer_request(server, &peer))
        (void)peer_say(&peer, "HTTP/1.1 200 OK\r\n\r\n");
    while (peer_say(&peer, "x"))
        usleep(20000);
    peer_free(&peer);
}

/* A few thousand bytes that become ten million. */
static void serve_bomb(struct server *server)
{
    const struct ve_str *bomb = server->arg;
    char head[128];
    struct peer peer = peer_accept(server);
    if (peer_request(server, &peer)) {
        (void)snprintf(head, sizeof(head),
                       "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %zu\r\n\r\n",
                       bomb->len);
        (void)peer_say(&peer, head);
        (void)peer_send(&peer, bomb->ptr, bomb->len);
    }
    peer_drain(server, &peer);
    peer_free(&peer);
}

struct fault {
    const char *name;
    void (*script)(struct server *server);
    const char *text;
    int err;
    const char *why;
};

static void test_faults(void **state)
{
    static const struct fault faults[] = {
        {"silent", serve_nothing, NULL, VE_ETIMEDOUT, "no body byte in time"},
        {"stalls", serve_half, NULL, VE_ETIMEDOUT, "the body stopped coming"},
        {"reset", serve_reset, NULL, VE_EIO, "the connection was lost"},
        {"endless", serve_endless, NULL, VE_ETOOBIG, "the body is too big"},
        {"drips", serve_drip, NULL, VE_ETIMEDOUT, "not finished in time"},
        {"garbage", serve_text, "\x01\x02\x03 no http\r\n\r\n", VE_EPROTO, "is not HTTP"},
        {"bad gzip", serve_text,
         "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nnope", VE_EPROTO,
         "compression is broken"},
        {"bad chunks", serve_text,
         "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nx\r\n", VE_EIO,
         "the connection was lost while receiving"},
    };
    struct rig *rig = *state;
    struct reply reply;
    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
        print_message("%s\n", faults[i].name);
        ve_vault_free(&rig->vault);
        rig_serve(rig, faults[i].script, faults[i].text);
        reply_init(&reply, rig, "/v1/x");
        reply.options.limits.total = VE_SECOND / 2;
        reply.options.max_body = 100000;
        reply_run(&reply);
        rig_end(rig);
        print_message("   %s\n", reply.why);
        assert_int_equal(reply.err, faults[i].err);
        assert_non_null(strstr(reply.why, faults[i].why));
        assert_false(reply.denied);
    }
}

static void test_gzip_bomb(void **state)
{

    struct rig *rig = *state;
    struct reply reply;
    static char bytes[64 * 1024];
    FILE *file = fopen(TEST_DATA "/net/zeros-10m.gz", "rb");
    assert_non_null(file);
    struct ve_str bomb = {bytes, fread(bytes, 1, sizeof(bytes), file)};
    (void)fclose(file);
    assert_in_range(bomb.len, 5000, sizeof(bytes));
    rig_serve(rig, serve_bomb, &bomb);
    reply_init(&reply, rig, "/v1/x");
    reply.options.max_body = 1000000;
    reply_run(&reply);
    rig_end(rig);
    assert_int_equal(reply.err, VE_ETOOBIG);
    assert_in_range(reply.received, 1, 1000000);
}

static void cancel_later(void *arg)
{
    struct reply *reply = arg;
    ve_request_cancel(reply->request);
    ve_loop_stop(reply->rig->loop);
}

static void test_cancel_is_the_end(void **state)
{
    struct rig *rig = *state;
    struct reply reply;
    struct ve_timer later;
    rig_serve(rig, serve_nothing, NULL);
    reply_init(&reply, rig, "/v1/x");
    reply.options.limits.first = 20 * VE_SECOND;
    ve_timer_init(&later, rig->loop, cancel_later, &reply);
    ve_timer_start(&later, 50 * VE_MS);
    assert_int_equal(reply_try(&reply), 0);
    rig_run(rig);
    rig_end(rig); /* the server has seen the connection end */
    assert_int_equal(reply.done, 0);
}

static void test_too_many(void **state)
{
    struct rig *rig = *state;
    static struct reply replies[VE_REQUESTS_MAX + 1];
    assert_true(server_listen(&rig->server));
    char base[64];
    (void)snprintf(base, sizeof(base), "http://127.0.0.1:%u", rig->server.port);
    assert_int_equal(ve_policy_allow_base(&rig->policy, ve_str(base)), 0);
    for (size_t i = 0; i <= VE_REQUESTS_MAX; i++) {
        reply_init(&replies[i], rig, "/");
        replies[i].options.field_count = 0;
        assert_int_equal(reply_try(&replies[i]), i < VE_REQUESTS_MAX ? 0 : VE_EBUSY);
    }
    assert_string_equal(replies[VE_REQUESTS_MAX].why, "too many requests are under way at once");
    assert_int_equal(ve_requests_active(rig->requests), VE_REQUESTS_MAX);
    ve_requests_free(rig->requests);
    rig->requests = NULL;
    close(rig->server.listener);
    assert_int_equal(replies[0].done, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_the_secret_is_put_in, rig_open, rig_close),
        cmocka_unit_test_setup_teardown(test_what_is_refused_at_once, rig_open, rig_close),
        cmocka_unit_test_setup_teardown(test_a_private_address_behind_a_name, rig_open, rig_close),
        cmocka_unit_test_setup_teardown(test_redirects, rig_open, rig_close),
        cmocka_unit_test_setup_teardown(test_faults, rig_open, rig_close),
        cmocka_unit_test_setup_teardown(test_gzip_bomb, rig_open, rig_close),
        cmocka_unit_test_setup_teardown(test_cancel_is_the_end, rig_open, rig_close),
        cmocka_unit_test_setup_teardown(test_too_many, rig_open, rig_close),
    };
    if (ve_httpc_process_init() != 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
