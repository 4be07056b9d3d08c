/* Answers that break, stall or never end, and requests that are taken back. */
#include "httpc_run.h"

/* Silence: reads the request, says what it is told, and waits until the client gives up. */
static void serve_and_wait(struct server *server)
{
    struct peer peer = peer_accept(server);
    if (peer_request(server, &peer) && server->arg)
        (void)peer_say(&peer, server->arg);
    peer_drain(server, &peer);
    peer_free(&peer);
}

static void serve_silence(struct server *server)
{
    struct peer peer = peer_accept(server);
    peer_drain(server, &peer);
    peer_free(&peer);
}

static void serve_and_close(struct server *server)
{
    struct peer peer = peer_accept(server);
    if (peer_request(server, &peer))
        (void)peer_say(&peer, server->arg);
    peer_free(&peer);
}

static void serve_and_reset(struct server *server)
{
    struct peer peer = peer_accept(server);
    if (peer_request(server, &peer) && server->arg)
        (void)peer_say(&peer, server->arg);
    peer_reset(&peer);
}

/* Says the argument again and again until the client has had enough. */
static void serve_endless(struct server *server)
{
    struct peer peer = peer_accept(server);
    if (peer_request(server, &peer) && peer_say(&peer, "HTTP/1.1 200 OK\r\n")) {
        while (peer_say(&peer, server->arg))
            continue;
    }
    peer_free(&peer);
}

static void begin(struct run *run, struct reply *reply, void (*script)(struct server *server),
                  const char *answer)
{
    assert_true(server_start(&run->server, script, (void *)(uintptr_t)answer));
    reply_init(reply, run, "/");
}

static void end(struct run *run, struct reply *reply)
{
    reply_free(reply);
    run_end(run);
}

static void expect(struct run *run, struct reply *reply, int err, const char *why)
{
    reply_run(reply);
    assert_int_equal(reply->done, 1);
    assert_int_equal(reply->result.err, err);
    assert_string_equal(reply->why, why);
    end(run, reply);
}

static void test_no_connection_in_time(void **state)
{
    struct run *run = *state;
    static struct reply reply;
    begin(run, &reply, serve_silence, NULL);
    (void)snprintf(reply.url, sizeof(reply.url), "https://127.0.0.1:%u/", run->server.port);
    reply.options.url = ve_str(reply.url);
    reply.options.connect_timeout = 60 * VE_MS;
    expect(run, &reply, VE_ETIMEDOUT, "no connection in time");
}

static void test_no_byte_in_time(void **state)
{
    static const char *const answers[] = {NULL, "HTTP/1.1 200 OK\r\nContent-Le",
                                          "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"};
    struct run *run = *state;
    for (size_t i = 0; i < 3; i++) {
        static struct reply reply;
        begin(run, &reply, serve_and_wait, answers[i]);
        reply.options.first_timeout = 60 * VE_MS;
        expect(run, &reply, VE_ETIMEDOUT, "no body byte in time");
    }
}

static void test_body_stalls(void **state)
{
    struct run *run = *state;
    static struct reply reply;
    begin(run, &reply, serve_and_wait, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc");
    reply_use_sink(&reply, SINK_TAKES);
    reply.options.progress_timeout = 60 * VE_MS;
    reply_run(&reply);
    assert_int_equal(reply.result.err, VE_ETIMEDOUT);
    assert_string_equal(reply.why, "the body stopped coming");
    assert_int_equal(reply.result.status, 200);
    assert_false(reply.result.retry);
    assert_int_equal(reply.ends, 1);
    assert_int_equal(reply.end_err, VE_ETIMEDOUT);
    assert_body(&reply, "abc");
    end(run, &reply);
}

static void test_lost_before_an_answer(void **state)
{
    struct run *run = *state;
    static struct reply reply;
    begin(run, &reply, serve_and_close, "");
    reply_run(&reply);
    assert_int_equal(reply.result.err, VE_EIO);
    assert_true(reply.result.retry);
    end(run, &reply);
    begin(run, &reply, serve_and_reset, NULL);
    reply_run(&reply);
    assert_int_equal(reply.result.err, VE_EIO);
    assert_true(reply.result.retry);
    end(run, &reply);
}

static void test_lost_in_the_body(void **state)
{
    struct run *run = *state;
    static struct reply reply;
    begin(run, &reply, serve_and_reset, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc");
    reply_run(&reply);
    assert_int_equal(reply.result.err, VE_EIO);
    assert_false(reply.result.retry);
    end(run, &reply);
    begin(run, &reply, serve_and_close, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc");
    expect(run, &reply, VE_EIO, "the connection was lost in the body");
    begin(run, &reply, serve_and_close,
          "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nab");
    reply_run(&reply);
    assert_int_equal(reply.result.err, VE_EIO);
    end(run, &reply);
}

static void test_not_http(void **state)
{
    static const char *const answers[] = {
        "SSH-2.0-OpenSSH_9.2\r\n", "<html>", "HTTP/9.9 200\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"};
    struct run *run = *state;
    for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
        static struct reply reply;
        begin(run, &reply, serve_and_close, answers[i]);
        reply_run(&reply);
        assert_true(reply.result.err == VE_EPROTO || reply.result.err == VE_EIO);
        assert_int_equal(reply.body.len, 0);
        end(run, &reply);
    }
}

static void test_endless_body(void **state)
{
    struct run *run = *state;
    static struct reply reply;
    for (int sink = 0; sink < 2; sink++) {
        begin(run, &reply, serve_endless, "\r\n0123456789abcdef0123456789abcdef0123456789abcdef");
        if (sink)
            reply_use_sink(&reply, SINK_TAKES);
        reply.options.max_body = 100000;
        reply_run(&reply);
        assert_int_equal(reply.result.err, VE_ETOOBIG);
        assert_string_equal(reply.why, "the body is too big");
        assert_true(reply.result.received <= 100000);
        assert_int_equal(reply.ends, sink);
        end(run, &reply);
    }
}

static void test_endless_header(void **state)
{
    struct run *run = *state;
    static struct reply reply;
    begin(run, &reply, serve_endless,
          "X-Again: 0123456789abcdef0123456789abcdef0123456789abcdef\r\n");
    expect(run, &reply, VE_ETOOBIG, "the answer's header is too big");
}

/* Two hundred and fifty-eight zeros in thirteen bits: a deflate block with fixed codes. */
struct bits {
    uint8_t *out;
    size_t count;
};

static void put_bits(struct bits *bits, const char *text)
{
    for (; *text; text++, bits->count++) {
        if (*text == '1')
            bits->out[bits->count / 8] |= (uint8_t)(1u << (bits->count % 8));
    }
}

static size_t make_bomb(uint8_t *out, unsigned runs)
{
    static const uint8_t head[10] = {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3};
    struct bits bits = {out + sizeof(head), 0};
    memcpy(out, head, sizeof(head));
    put_bits(&bits, "110"        /* the last block, fixed codes (low bit first) */
                    "00110000"); /* a literal 0 */
    for (unsigned i = 0; i < runs; i++)
        put_bits(&bits, "11000101" /* length 258 */
                        "00000");  /* distance 1 */
    put_bits(&bits, "0000000");
    return sizeof(head) + bits.count / 8 + 1;
}

static void serve_bomb(struct server *server)
{
    enum { RUNS = 400000 }; /* 103 MB */
    uint8_t *bomb = calloc(1, RUNS * 13 / 8 + 64);
    size_t len = make_bomb(bomb, RUNS);
    struct peer peer = peer_accept(server);
    char head[128];
    (void)snprintf(head, sizeof(head),
                   "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %zu\r\n\r\n", len);
    if (peer_request(server, &peer) && peer_say(&peer, head))
        (void)peer_send(&peer, bomb, len);
    peer_drain(server, &peer);
    peer_free(&peer);
    free(bomb);
}

static void test_gzip_bomb(void **state)
{
    struct run *run = *state;
    static struct reply reply;
    begin(run, &reply, serve_bomb, NULL);
    reply.options.max_body = 1000000;
    reply_run(&reply);
    assert_int_equal(reply.result.err, VE_ETOOBIG);
    assert_true(reply.result.received > 900000 && reply.result.received <= 1000000);
    for (size_t i = 0; i < reply.body.len; i++)
        assert_int_equal(reply.body.ptr[i], 0);
    assert_non_null(strstr(run->server.seen, "Accept-Encoding: "));
    end(run, &reply);
}

static void test_streams_are_not_compressed(void **state)
{
    struct run *run = *state;
    static struct reply reply;
    begin(run, &reply, serve_and_close, "HTTP/1.1 200 OK\r\n\r\nbody until the end");
    reply_use_sink(&reply, SINK_TAKES);
    reply_run(&reply);
    assert_int_equal(reply.result.err, 0);
    assert_body(&reply, "body until the end");
    assert_null(strstr(run->server.seen, "Accept-Encoding"));
    end(run, &reply);
}

static void test_sink_refuses(void **state)
{
    struct run *run = *state;
    static struct reply reply;
    begin(run, &reply, serve_endless, "\r\nabc");
    reply_use_sink(&reply, SINK_REFUSES);
    reply_run(&reply);
    assert_int_equal(reply.result.err, VE_EPROTO);
    assert_int_equal(reply.writes, 1);
    assert_int_equal(reply.ends, 0);
    end(run, &reply);
}

static void test_no_such_host(void **state)
{
    struct run *run = *state;
    static struct reply reply;
    reply_init(&reply, run, "/");
    reply.options.url = VE_STR("http://no-such-host.invalid/?secret=1");
    reply.options.connect_timeout = 20 * VE_SECOND;
    reply_run(&reply);
    assert_int_equal(reply.result.err, VE_ENOENT);
    assert_string_equal(reply.why, "the host's name does not resolve");
    assert_int_equal(reply.result.status, 0);
    reply_free(&reply);
}

static void test_nobody_listens(void **state)
{
    struct run *run = *state;
    static struct reply reply;
    begin(run, &reply, serve_silence, NULL);
    uint16_t port = run->server.port;
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_port = htons(port)};
    addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM, 0); /* lets the script end */
    assert_int_equal(connect(fd, (const struct sockaddr *)&addr, sizeof(addr)), 0);
    close(fd);
    assert_true(server_stop(&run->server));
    reply_run(&reply);
    assert_int_equal(reply.result.err, VE_EIO);
    assert_string_equal(reply.why, "the host takes no connection");
    reply_free(&reply);
}

/* --- taking back --- */

static void expect_canceled(struct run *run, struct reply *reply, unsigned heads)
{
    run_until_done(run, 1);
    assert_int_equal(reply->done, 1);
    assert_int_equal(reply->result.err, VE_ECANCELED);
    assert_int_equal(reply->heads, heads);
    end(run, reply);
}

/* Cancels `delay` after the start. */
static void cancel_after(struct reply *reply, uint64_t delay)
{
    ve_timer_init(&reply->later, reply->run->loop, reply_cancel, reply);
    reply_start(reply);
    ve_timer_start(&reply->later, delay);
}

static void test_cancel_at_once(void **state)
{
    struct run *run = *state;
    static struct reply reply;
    long before = test_alloc_live();
    reply_init(&reply, run, "/");
    reply_start(&reply);
    reply_cancel(&reply);
    assert_int_equal(reply.done, 0);
    run_until_done(run, 1);
    assert_int_equal(reply.result.err, VE_ECANCELED);
    assert_int_equal(test_alloc_live(), before);
}

static void test_cancel_while_connecting(void **state)
{
    struct run *run = *state;
    static struct reply reply;
    begin(run, &reply, serve_silence, NULL);
    (void)snprintf(reply.url, sizeof(reply.url), "https://127.0.0.1:%u/", run->server.port);
    reply.options.url = ve_str(reply.url);
    cancel_after(&reply, 30 * VE_MS);
    expect_canceled(run, &reply, 0);
}

static void test_cancel_while_waiting(void **state)
{
    struct run *run = *state;
    static struct reply reply;
    begin(run, &reply, serve_and_wait, NULL);
    cancel_after(&reply, 30 * VE_MS);
    expect_canceled(run, &reply, 0);
}

static void test_cancel_in_head(void **state)
{
    struct run *run = *state;
    static struct reply reply;
    begin(run, &reply, serve_and_wait, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc");
    reply_use_sink(&reply, SINK_TAKES);
    reply.cancel_in_head = true;
    reply_start(&reply);
    expect_canceled(run, &reply, 1);
    assert_int_equal(reply.writes, 0);
    assert_int_equal(reply.ends, 1);
    assert_int_equal(reply.end_err, VE_ECANCELED);
}

static void test_cancel_in_the_sink(void **state)
{
    struct run *run = *state;
    static struct reply reply;
    begin(run, &reply, serve_endless, "\r\nabc");
    reply_use_sink(&reply, SINK_CANCELS);
    reply_start(&reply);
    expect_canceled(run, &reply, 1);
    assert_int_equal(reply.writes, 1);
    assert_int_equal(reply.ends, 1);
}

static void test_cancel_while_paused(void **state)
{
    struct run *run = *state;
    static struct reply reply;
    begin(run, &reply, serve_endless, "\r\nabc");
    reply_use_sink(&reply, SINK_PAUSES_ONCE);
    ve_timer_init(&reply.later, run->loop, reply_cancel, &reply);
    reply.pause = 30 * VE_MS;
    reply_start(&reply);
    expect_canceled(run, &reply, 1);
    assert_int_equal(reply.writes, 1);
    assert_int_equal(reply.end_err, VE_ECANCELED);
}

static void stop_soon(void *arg)
{
    struct run *run = arg;
    ve_loop_stop(run->loop);
}

static void test_free_completes_what_is_under_way(void **state)
{
    struct run *run = *state;
    static struct reply reply;
    static struct reply fresh;
    struct ve_timer timer;
    begin(run, &reply, serve_and_wait, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc");
    reply_use_sink(&reply, SINK_PAUSES_ONCE);
    reply.pause = RUN_LIMIT;
    reply_start(&reply);
    ve_timer_init(&timer, run->loop, stop_soon, run);
    ve_timer_start(&timer, 50 * VE_MS);
    ve_loop_run(run->loop);
    reply_init(&fresh, run, "/");
    reply_start(&fresh);
    run->pending = 2;
    end(run, &reply);
    assert_int_equal(reply.done, 1);
    assert_int_equal(reply.result.err, VE_ECANCELED);
    assert_int_equal(reply.ends, 1);
    assert_int_equal(fresh.done, 1);
    assert_int_equal(fresh.result.err, VE_ECANCELED);
}

/* --- out of memory --- */

static int scenario(void *arg)
{
    struct run *run = arg;
    static struct reply reply;
    const struct ve_httpc_field field = {"Accept", VE_STR("text/plain")};
    reply_init(&reply, run, "/a");
    reply.options.body = VE_STR("question");
    reply.options.fields = &field;
    reply.options.field_count = 1;
    struct ve_loop *loop = NULL;
    struct ve_httpc *httpc = run->httpc;
    int err = ve_loop_new_live(&loop);
    if (err)
        return err;
    struct ve_loop *outer = run->loop;
    run->loop = loop;
    err = ve_httpc_new(&run->httpc, loop, NULL);
    if (!err) {
        ve_timer_init(&reply.later, loop, reply_resume, &reply);
        err = reply_try(&reply);
        if (!err) {
            run_until_done(run, 1);
            err = reply.result.err;
        }
        ve_httpc_free(run->httpc);
    }
    ve_loop_free(loop);
    run->loop = outer;
    run->httpc = httpc;
    assert_true(err == 0 || err == VE_ENOMEM);
    if (!err)
        assert_int_equal(reply.result.received, 6);
    reply_free(&reply);
    return err;
}

static void serve_for_ever(struct server *server)
{
    for (bool go = true; go;) {
        struct peer peer = peer_accept(server);
        while (peer_request(server, &peer))
            (void)peer_say(&peer, "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nanswer");
        go = peer.fd >= 0 && !strstr(server->seen, "GET /stop");
        server->seen_len = 0;
        peer_free(&peer);
    }
}

static void test_out_of_memory(void **state)
{
    struct run *run = *state;
    static struct reply reply;
    assert_true(server_start(&run->server, serve_for_ever, NULL));
    assert_true(test_alloc_sweep(scenario, run) >= 8);
    reply_init(&reply, run, "/stop");
    reply_run(&reply);
    assert_int_equal(reply.result.err, 0);
    end(run, &reply);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_no_connection_in_time, run_setup, run_teardown),
        cmocka_unit_test_setup_teardown(test_no_byte_in_time, run_setup, run_teardown),
        cmocka_unit_test_setup_teardown(test_body_stalls, run_setup, run_teardown),
        cmocka_unit_test_setup_teardown(test_lost_before_an_answer, run_setup, run_teardown),
        cmocka_unit_test_setup_teardown(test_lost_in_the_body, run_setup, run_teardown),
        cmocka_unit_test_setup_teardown(test_not_http, run_setup, run_teardown),
        cmocka_unit_test_setup_teardown(test_endless_body, run_setup, run_teardown),
        cmocka_unit_test_setup_teardown(test_endless_header, run_setup, run_teardown),
        cmocka_unit_test_setup_teardown(test_gzip_bomb, run_setup, run_teardown),
        cmocka_unit_test_setup_teardown(test_streams_are_not_compressed, run_setup, run_teardown),
        cmocka_unit_test_setup_teardown(test_sink_refuses, run_setup, run_teardown),
        cmocka_unit_test_setup_teardown(test_no_such_host, run_setup, run_teardown),
        cmocka_unit_test_setup_teardown(test_nobody_listens, run_setup, run_teardown),
        cmocka_unit_test_setup_teardown(test_cancel_at_once, run_setup, run_teardown),
        cmocka_unit_test_setup_teardown(test_cancel_while_connecting, run_setup, run_teardown),
        cmocka_unit_test_setup_teardown(test_cancel_while_waiting, run_setup, run_teardown),
        cmocka_unit_test_setup_teardown(test_cancel_in_head, run_setup, run_teardown),
        cmocka_unit_test_setup_teardown(test_cancel_in_the_sink, run_setup, run_teardown),
        cmocka_unit_test_setup_teardown(test_cancel_while_paused, run_setup, run_teardown),
        cmocka_unit_test_setup_teardown(test_free_completes_what_is_under_way, run_setup,
                                        run_teardown),
        cmocka_unit_test_setup_teardown(test_out_of_memory, run_setup, run_teardown),
    };
    if (ve_httpc_process_init() != 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
