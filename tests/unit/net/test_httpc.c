/* What a request sends and what comes of an answer. Failures: test_httpc_faults.c. */
#include "httpc_run.h"

static void serve_one(struct server *server)
{
    struct peer peer = peer_accept(server);
    if (peer_request(server, &peer))
        (void)peer_say(&peer, server->arg);
    peer_drain(server, &peer);
    peer_free(&peer);
}

static void begin(struct run *run, struct reply *reply, const char *answer)
{
    assert_true(server_start(&run->server, serve_one, (void *)(uintptr_t)answer));
    reply_init(reply, run, "/v1/thing?key=1");
}

static void test_get(void **state)
{
    struct run *run = *state;
    static struct reply reply;
    begin(run, &reply,
          "HTTP/1.1 200 OK\r\nContent-Type:  application/json \r\nX-Empty:\r\n"
          "Content-Length: 2\r\n\r\n{}");
    const struct ve_httpc_field fields[] = {{"Authorization", VE_STR("Bearer secret")},
                                            {"X-Nothing", VE_STR("")}};
    reply.options.fields = fields;
    reply.options.field_count = 2;
    reply_run(&reply);
    assert_int_equal(reply.done, 1);
    assert_int_equal(reply.heads, 1);
    assert_int_equal(reply.head_status, 200);
    assert_string_equal(reply.type, "application/json");
    assert_int_equal(reply.result.err, 0);
    assert_int_equal(reply.result.status, 200);
    assert_int_equal(reply.result.received, 2);
    assert_true(reply.result.first > 0 && reply.result.first <= reply.result.total);
    assert_body(&reply, "{}");
    reply_free(&reply);
    run_end(run);
    assert_int_equal(strncmp(run->server.seen, "GET /v1/thing?key=1 HTTP/1.1\r\n", 30), 0);
    assert_non_null(strstr(run->server.seen, "\r\nAuthorization: Bearer secret\r\n"));
    assert_non_null(strstr(run->server.seen, "\r\nX-Nothing:\r\n"));
    assert_non_null(strstr(run->server.seen, "\r\nUser-Agent: voiceengine/"));
}

static void test_post_sends_exact_bytes(void **state)
{
    struct run *run = *state;
    static struct reply reply;
    begin(run, &reply, "HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n");
    static char body[100000];
    for (size_t i = 0; i < sizeof(body); i++)
        body[i] = (char)(i * 7);
    reply.options.body = ve_str_n(body, sizeof(body));
    reply_run(&reply);
    assert_int_equal(reply.result.err, 0);
    assert_int_equal(reply.result.status, 201);
    assert_int_equal(reply.result.first, 0);
    reply_free(&reply);
    run_end(run);
    const char *head_end = strstr(run->server.seen, "\r\n\r\n");
    assert_int_equal(strncmp(run->server.seen, "POST ", 5), 0);
    assert_non_null(strstr(run->server.seen, "\r\nContent-Length: 100000\r\n"));
    assert_null(strcasestr(run->server.seen, "\r\nExpect:"));
    assert_null(strcasestr(run->server.seen, "\r\nContent-Type:"));
    assert_memory_equal(head_end + 4, body, sizeof(body));
}

struct method_case {
    const char *method;
    const char *body;
    const char *line;
    const char *length; /* header line that must be there, or NULL: none of it */
};

static void test_methods(void **state)
{
    static const struct method_case cases[] = {
        {NULL, "", "GET /", NULL},
        {NULL, "x", "POST /", "\r\nContent-Length: 1\r\n"},
        {"POST", "", "POST /", "\r\nContent-Length: 0\r\n"},
        {"PUT", "abc", "PUT /", "\r\nContent-Length: 3\r\n"},
        {"PATCH", "", "PATCH /", "\r\nContent-Length: 0\r\n"},
        {"DELETE", "", "DELETE /", NULL},
        {"HEAD", "", "HEAD /", NULL},
        {"GET", "q", "GET /", "\r\nContent-Length: 1\r\n"},
    };
    struct run *run = *state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        static struct reply reply;
        begin(run, &reply, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        reply.options.method = cases[i].method;
        reply.options.body = ve_str(cases[i].body);
        reply_run(&reply);
        assert_int_equal(reply.result.err, 0);
        reply_free(&reply);
        run_end(run);
        assert_int_equal(strncmp(run->server.seen, cases[i].line, strlen(cases[i].line)), 0);
        const char *length = strcasestr(run->server.seen, "\r\nContent-Length:");
        if (cases[i].length)
            assert_ptr_equal(length, strstr(run->server.seen, cases[i].length));
        assert_true(!cases[i].length == !length);
    }
}

static void serve_chunks(struct server *server)
{
    static const char answer[] =
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        "5\r\nhello\r\n1;ext=1\r\n \r\n5\r\nworld\r\n0\r\nX-Sum: 1\r\n\r\n";
    struct peer peer = peer_accept(server);
    if (peer_request(server, &peer)) {
        for (size_t i = 0; i < sizeof(answer) - 1; i++)
            (void)peer_send(&peer, answer + i, 1);
    }
    peer_drain(server, &peer);
    peer_free(&peer);
}

static void test_chunked(void **state)
{
    struct run *run = *state;
    for (int sink = 0; sink < 2; sink++) {
        static struct reply reply;
        assert_true(server_start(&run->server, serve_chunks, NULL));
        reply_init(&reply, run, "/");
        if (sink)
            reply_use_sink(&reply, SINK_TAKES);
        reply_run(&reply);
        assert_int_equal(reply.result.err, 0);
        assert_body(&reply, "hello world");
        assert_int_equal(reply.heads, 1);
        assert_int_equal(reply.ends, sink);
        assert_int_equal(reply.end_err, 0);
        reply_free(&reply);
        run_end(run);
    }
}

/* 1xx answers announce the real one. */
static void test_interim_answers_do_not_show(void **state)
{
    struct run *run = *state;
    static struct reply reply;
    begin(run, &reply,
          "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nContent-Type: no\r\n\r\n"
          "HTTP/1.1 204 No Content\r\nContent-Type: yes\r\n\r\n");
    reply_run(&reply);
    assert_int_equal(reply.heads, 1);
    assert_int_equal(reply.result.status, 204);
    assert_string_equal(reply.type, "yes");
    assert_int_equal(reply.result.err, 0);
    reply_free(&reply);
    run_end(run);
}

/* A refusal's words are not audio: they are collected, and the sink hears that nothing comes. */
static void test_refusal_does_not_reach_the_sink(void **state)
{
    struct run *run = *state;
    static struct reply reply;
    begin(run, &reply,
          "HTTP/1.1 500 Oops\r\nContent-Length: 14\r\n\r\n{\"error\": true}"
          "HTTP/1.1 200 smuggled\r\n\r\n");
    reply_use_sink(&reply, SINK_TAKES);
    reply_run(&reply);
    assert_int_equal(reply.result.err, 0);
    assert_int_equal(reply.result.status, 500);
    assert_int_equal(reply.writes, 0);
    assert_int_equal(reply.ends, 1);
    assert_int_equal(reply.end_err, VE_EFAILED);
    assert_body(&reply, "{\"error\": true");
    reply_free(&reply);
    run_end(run);
}

static void serve_many(struct server *server)
{
    struct peer peer = peer_accept(server);
    while (peer_request(server, &peer))
        (void)peer_say(&peer, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc");
    peer_free(&peer);
}

static void test_connection_is_reused(void **state)
{
    struct run *run = *state;
    static struct reply reply;
    assert_true(server_start(&run->server, serve_many, NULL));
    reply_init(&reply, run, "/");
    reply.again = 4; /* each started from `done` of the one before */
    reply_run(&reply);
    assert_int_equal(reply.done, 5);
    assert_int_equal(reply.result.connect, 0);
    assert_body(&reply, "abc");
    reply_free(&reply);
    run_end(run);
    assert_int_equal(atomic_load(&run->server.accepts), 1);
}

static void test_connections_are_limited(void **state)
{
    struct run *run = *state;
    static struct reply replies[8];
    assert_true(server_start(&run->server, serve_many, NULL));
    ve_httpc_limit(run->httpc, 1, 1);
    for (size_t i = 0; i < 8; i++) {
        reply_init(&replies[i], run, "/");
        reply_start(&replies[i]);
    }
    run_until_done(run, 8);
    for (size_t i = 0; i < 8; i++) {
        assert_int_equal(replies[i].result.err, 0);
        assert_body(&replies[i], "abc");
        reply_free(&replies[i]);
    }
    run_end(run);
    assert_int_equal(atomic_load(&run->server.accepts), 1);
}

static void on_warmed(void *arg, const struct ve_httpc_result *result)
{
    *(int *)arg = result->status;
}

static void test_warm_connection_is_used(void **state)
{
    struct run *run = *state;
    static struct reply reply;
    int warmed = 0;
    const struct ve_httpc_field field = {"Authorization", VE_STR("secret")};
    assert_true(server_start(&run->server, serve_many, NULL));
    reply_init(&reply, run, "/later?token=1");
    reply.options.fields = &field;
    reply.options.field_count = 1;
    ve_httpc_limit(run->httpc, 1, 1); /* the request waits for the warm connection */
    struct ve_httpc_options warm = reply.options;
    warm.done = on_warmed;
    warm.arg = &warmed;
    assert_int_equal(ve_httpc_warm(run->httpc, &warm), 0);
    reply_run(&reply);
    assert_int_equal(warmed, 200);
    assert_int_equal(reply.result.err, 0);
    assert_int_equal(reply.result.connect, 0);
    reply_free(&reply);
    run_end(run);
    assert_int_equal(atomic_load(&run->server.accepts), 1);
    assert_int_equal(strncmp(run->server.seen, "HEAD / HTTP/1.1\r\n", 17), 0);
    const char *second = strstr(run->server.seen, "GET /later?token=1 ");
    assert_non_null(second);
    assert_true(strstr(run->server.seen, "Authorization") > second);
}

static void serve_big(struct server *server)
{
    static char block[4096];
    struct peer peer = peer_accept(server);
    if (peer_request(server, &peer)) {
        (void)peer_say(&peer, "HTTP/1.1 200 OK\r\nContent-Length: 409600\r\n\r\n");
        for (int i = 0; i < 100; i++) {
            memset(block, 'a' + i % 26, sizeof(block));
            (void)peer_send(&peer, block, sizeof(block));
        }
    }
    peer_drain(server, &peer);
    peer_free(&peer);
}

/* The sink pauses after every piece; reply_write checks that nothing comes before the resume. */
static void test_pause_and_resume(void **state)
{
    struct run *run = *state;
    static struct reply reply;
    assert_true(server_start(&run->server, serve_big, NULL));
    reply_init(&reply, run, "/");
    reply_use_sink(&reply, SINK_PAUSES);
    reply_run(&reply);
    assert_int_equal(reply.result.err, 0);
    assert_true(reply.writes > 4);
    assert_int_equal(reply.body.len, 409600);
    for (size_t i = 0; i < reply.body.len; i++)
        assert_int_equal(reply.body.ptr[i], 'a' + (int)(i / 4096 % 26));
    reply_free(&reply);
    run_end(run);
}

/* A pause may last longer than the clock of progress allows. */
static void test_pause_stops_the_clock(void **state)
{
    struct run *run = *state;
    static struct reply reply;
    assert_true(server_start(&run->server, serve_big, NULL));
    reply_init(&reply, run, "/");
    reply_use_sink(&reply, SINK_PAUSES_ONCE);
    reply.options.progress_timeout = 300 * VE_MS;
    reply.pause = 700 * VE_MS;
    reply_run(&reply);
    assert_int_equal(reply.result.err, 0);
    assert_int_equal(reply.body.len, 409600);
    reply_free(&reply);
    run_end(run);
}

static void test_multipart(void **state)
{
    struct run *run = *state;
    static struct reply reply;
    begin(run, &reply, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    static const char audio[] = "RIFF\0\0\r\n--x\0\xff";
    const struct ve_httpc_part parts[] = {
        {"model", NULL, NULL, VE_STR("whisper-1")},
        {"file", "a.wav", "audio/wav", {audio, sizeof(audio) - 1}},
        {"empty", NULL, NULL, {NULL, 0}},
    };
    reply.options.parts = parts;
    reply.options.part_count = 3;
    reply_run(&reply);
    assert_int_equal(reply.result.status, 200);
    reply_free(&reply);
    run_end(run);
    char want[1024];
    char boundary[128];
    const char *at = strstr(run->server.seen, "multipart/form-data; boundary=");
    assert_non_null(at);
    assert_int_equal(sscanf(at, "multipart/form-data; boundary=%100s", boundary), 1);
    int n = snprintf(want, sizeof(want),
                     "\r\n\r\n--%s\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\n"
                     "whisper-1\r\n--%s\r\nContent-Disposition: form-data; name=\"file\"; "
                     "filename=\"a.wav\"\r\nContent-Type: audio/wav\r\n\r\n",
                     boundary, boundary);
    memcpy(want + n, audio, sizeof(audio) - 1);
    n += (int)sizeof(audio) - 1;
    n +=
        snprintf(want + n, sizeof(want) - (size_t)n,
                 "\r\n--%s\r\nContent-Disposition: form-data; name=\"empty\"\r\n\r\n\r\n--%s--\r\n",
                 boundary, boundary);
    const char *body = strstr(run->server.seen, "\r\n\r\n");
    assert_int_equal(run->server.seen_len - (size_t)(body - run->server.seen), n);
    assert_memory_equal(body, want, (size_t)n);
}

static void test_bad_requests_are_not_sent(void **state)
{
    struct run *run = *state;
    static const char *const urls[] = {"",
                                       "ftp://h/",
                                       "file:///etc/passwd",
                                       "http://",
                                       "h",
                                       "//h/",
                                       "http://u@h/",
                                       "http://u:p@h/",
                                       "http://a b/",
                                       "http://h/\r\nX: y",
                                       "http://h\t",
                                       "http://h/\xc3\xbc",
                                       "gopher://h/",
                                       "http://h:99999/"};
    const struct ve_httpc_field bad_fields[] = {
        {"Good", VE_STR("evil\r\nHost: x")},
        {"Good", VE_STR("nul\0")},
        {"Bad Name", VE_STR("x")},
        {"", VE_STR("x")},
        {"Host", VE_STR("x")},
        {"content-length", VE_STR("1")},
        {"Transfer-Encoding", VE_STR("x")},
        {"Bad:", VE_STR("x")},
        {"Connection", VE_STR("x")},
    };
    long before = test_alloc_live();
    static struct reply reply;
    for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
        reply_init(&reply, run, "/");
        reply.options.url = ve_str(urls[i]);
        assert_int_equal(reply_try(&reply), VE_EINVAL);
    }
    for (size_t i = 0; i < sizeof(bad_fields) / sizeof(bad_fields[0]); i++) {
        reply_init(&reply, run, "/");
        reply.options.fields = &bad_fields[i];
        reply.options.field_count = 1;
        assert_int_equal(reply_try(&reply), VE_EINVAL);
    }
    reply_init(&reply, run, "/");
    reply.options.method = "GET / HTTP/1.1\r\nX:";
    assert_int_equal(reply_try(&reply), VE_EINVAL);
    reply.options.method = "CONNECT";
    assert_int_equal(reply_try(&reply), VE_EINVAL);
    reply.options.method = NULL;
    reply.options.url = ve_str_n("http://h/\0x", 11);
    assert_int_equal(reply_try(&reply), VE_EINVAL);
    assert_int_equal(test_alloc_live(), before);
}

static void test_sim_loop_is_refused(void **state)
{
    struct ve_loop *loop = NULL;
    struct ve_httpc *httpc = NULL;
    (void)state;
    assert_int_equal(ve_loop_new_sim(&loop, 0), 0);
    assert_int_equal(ve_httpc_new(&httpc, loop, NULL), VE_ENOTSUP);
    ve_loop_free(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_get, run_setup, run_teardown),
        cmocka_unit_test_setup_teardown(test_post_sends_exact_bytes, run_setup, run_teardown),
        cmocka_unit_test_setup_teardown(test_methods, run_setup, run_teardown),
        cmocka_unit_test_setup_teardown(test_chunked, run_setup, run_teardown),
        cmocka_unit_test_setup_teardown(test_interim_answers_do_not_show, run_setup, run_teardown),
        cmocka_unit_test_setup_teardown(test_refusal_does_not_reach_the_sink, run_setup,
                                        run_teardown),
        cmocka_unit_test_setup_teardown(test_connection_is_reused, run_setup, run_teardown),
        cmocka_unit_test_setup_teardown(test_connections_are_limited, run_setup, run_teardown),
        cmocka_unit_test_setup_teardown(test_warm_connection_is_used, run_setup, run_teardown),
        cmocka_unit_test_setup_teardown(test_pause_and_resume, run_setup, run_teardown),
        cmocka_unit_test_setup_teardown(test_pause_stops_the_clock, run_setup, run_teardown),
        cmocka_unit_test_setup_teardown(test_multipart, run_setup, run_teardown),
        cmocka_unit_test_setup_teardown(test_bad_requests_are_not_sent, run_setup, run_teardown),
        cmocka_unit_test(test_sim_loop_is_refused),
    };
    if (ve_httpc_process_init() != 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
