#include "net/httpd.h"

#include "alloc_fail.h"
#include "base/err.h"

#include <stdio.h>
#include <stdlib.h>

#include "live.h"

/* What the handlers do with a request, chosen by its path:
 *   /echo    answers with method, path and body
 *   /later   waits for the test to answer
 *   /big     answers with 8 MiB
 *   others   404 */
struct server {
    struct live live;
    struct ve_log log;
    struct ve_httpd *httpd;
    struct live_flag waiting; /* a request to /later has come */
    struct live_flag aborted;
    struct ve_http_request *later;
    unsigned requests; /* the loop's thread only */
    unsigned seen;     /* copies for the test */
    unsigned connections;
    struct ve_httpd_stats stats;
    char peer[64];
};

static void on_request(void *arg, struct ve_http_request *request)
{
    struct server *server = arg;
    struct ve_str path = ve_http_path(request);
    server->requests++;
    if (ve_str_eq(path, VE_STR("/echo"))) {
        char text[4096];
        struct ve_http_field extra = {"X-Extra", VE_STR("a\r\nX-Forged: b")};
        int n = snprintf(text, sizeof(text), "%.*s %.*s?%.*s [%.*s]",
                         VE_STR_ARG(ve_http_method(request)), VE_STR_ARG(path),
                         VE_STR_ARG(ve_http_query(request)), VE_STR_ARG(ve_http_body(request)));
        ve_str_copy(server->peer, sizeof(server->peer), ve_http_peer(request));
        ve_http_respond(request, 200, "text/plain", ve_str_n(text, (size_t)n), &extra, 1);
    } else if (ve_str_eq(path, VE_STR("/later"))) {
        server->later = request;
        live_flag_set(&server->waiting);
    } else if (ve_str_eq(path, VE_STR("/big"))) {
        size_t size = 8 * 1024 * 1024;
        char *bytes = calloc(1, size);
        ve_http_respond(request, 200, "application/octet-stream", ve_str_n(bytes, size), NULL, 0);
        free(bytes);
    } else if (ve_str_eq(path, VE_STR("/empty"))) {
        ve_http_respond(request, 204, NULL, VE_STR(""), NULL, 0);
    } else {
        struct ve_http_field allow = {"Allow", VE_STR("GET")};
        ve_http_refuse_with(request, 404, "not_found", "no \"such\" thing", allow);
    }
}

static void on_upgrade(void *arg, struct ve_http_request *request)
{
    (void)arg;
    ve_http_refuse(request, 401, "unauthorized", "no token");
}

static void on_aborted(void *arg, struct ve_http_request *request)
{
    struct server *server = arg;
    if (request == server->later)
        server->later = NULL;
    live_flag_set(&server->aborted);
}

static const struct ve_httpd_handlers handlers = {on_request, on_upgrade, on_aborted};

static int server_open(struct server *server, const struct ve_httpd_config *wanted)
{
    char why[160];
    struct ve_httpd_config config = wanted ? *wanted : (struct ve_httpd_config){0};
    *server = (struct server){.log = live_log()};
    live_flag_init(&server->waiting);
    live_flag_init(&server->aborted);
    config.host = "127.0.0.1";
    config.log = &server->log;
    int err = live_open(&server->live);
    if (err)
        return err;
    err = ve_httpd_new(&server->httpd, server->live.loop, &config, &handlers, server, why);
    if (err) {
        ve_loop_free(server->live.loop);
        return err;
    }
    live_run(&server->live);
    return 0;
}

static struct server *server_start(const struct ve_httpd_config *config)
{
    struct server *server = calloc(1, sizeof(*server));
    assert_int_equal(server_open(server, config), 0);
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

static int dial(struct server *server)
{
    int fd = live_connect(ve_httpd_port(server->httpd));
    assert_true(fd >= 0);
    return fd;
}

static void count_requests(void *arg)
{
    struct server *server = arg;
    server->seen = server->requests;
}

static unsigned requests(struct server *server)
{
    live_call(&server->live, count_requests, server);
    return server->seen;
}

static void wait_requests(struct server *server, unsigned wanted)
{
    time_t until = time(NULL) + WAIT_SECONDS;
    while (requests(server) < wanted && time(NULL) < until) {
    }
    assert_int_equal(server->seen, wanted);
}

static void count_connections(void *arg)
{
    struct server *server = arg;
    server->connections = ve_httpd_connections(server->httpd);
}

static void wait_connections(struct server *server, unsigned wanted)
{
    time_t until = time(NULL) + WAIT_SECONDS;
    do {
        live_call(&server->live, count_connections, server);
    } while (server->connections != wanted && time(NULL) < until);
    assert_int_equal(server->connections, wanted);
}

static void answer_later(void *arg)
{
    struct server *server = arg;
    struct ve_http_request *request = server->later;
    server->later = NULL;
    ve_http_respond(request, 202, "text/plain", VE_STR("late"), NULL, 0);
}

/* Sends bytes on a new connection, expects a status and then the end of the connection. */
static void expect_refusal(struct server *server, const char *bytes, int status, const char *code)
{
    struct live_answer answer;
    char value[256], body[256];
    int fd = dial(server);
    assert_true(live_say(fd, bytes));
    assert_true(live_read_answer(fd, &answer, true));
    assert_int_equal(answer.status, status);
    (void)snprintf(body, sizeof(body), "{\"error\":{\"code\":\"%s\",", code);
    assert_int_equal(strncmp(answer.body, body, strlen(body)), 0);
    assert_string_equal(live_header(&answer, "Content-Type", value), "application/json");
    assert_non_null(strstr(live_header(&answer, "Connection", value), "close"));
    assert_true(live_ended(fd));
    close(fd);
}

static void answers_requests_on_one_connection(void **state)
{
    (void)state;
    struct server *server = server_start(NULL);
    struct live_answer answer;
    char value[256];
    int fd = dial(server);
    for (int i = 0; i < 3; i++) {
        assert_true(live_say(fd, "POST /echo?q=1 HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n"
                                 "hello"));
        assert_true(live_read_answer(fd, &answer, true));
        assert_int_equal(answer.status, 200);
        assert_string_equal(answer.body, "POST /echo?q=1 [hello]");
        assert_string_equal(live_header(&answer, "Connection", value), "");
    }
    assert_int_equal(requests(server), 3);
    assert_string_equal(server->peer, "127.0.0.1");
    close(fd);
    server_end(server);
}

static void every_answer_has_the_security_headers(void **state)
{
    (void)state;
    static const char *const requests[] = {"GET /echo HTTP/1.1\r\nHost: a\r\n\r\n",
                                           "GET /nothing HTTP/1.1\r\nHost: a\r\n\r\n",
                                           "GET / HTTP/1.1\r\n\r\n", "rubbish\r\n\r\n"};
    struct server *server = server_start(NULL);
    for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
        struct live_answer answer;
        char value[256];
        int fd = dial(server);
        live_say(fd, requests[i]);
        assert_true(live_read_answer(fd, &answer, true));
        assert_string_equal(live_header(&answer, "X-Content-Type-Options", value), "nosniff");
        assert_string_equal(live_header(&answer, "Cache-Control", value), "no-store");
        assert_string_equal(live_header(&answer, "X-Frame-Options", value), "DENY");
        assert_true(strlen(live_header(&answer, "Date", value)) == 29);
        close(fd);
    }
    server_end(server);
}

static void values_cannot_forge_headers(void **state)
{
    (void)state;
    struct server *server = server_start(NULL);
    struct live_answer answer;
    char value[256];
    int fd = dial(server);
    live_say(fd, "GET /echo HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_true(live_read_answer(fd, &answer, true));
    assert_string_equal(live_header(&answer, "X-Forged", value), "");
    assert_string_equal(live_header(&answer, "X-Extra", value), "a  X-Forged: b");
    close(fd);
    server_end(server);
}

static void an_error_is_json_with_its_header(void **state)
{
    (void)state;
    struct server *server = server_start(NULL);
    struct live_answer answer;
    char value[256];
    int fd = dial(server);
    live_say(fd, "GET /nothing HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_true(live_read_answer(fd, &answer, true));
    assert_int_equal(answer.status, 404);
    assert_string_equal(
        answer.body, "{\"error\":{\"code\":\"not_found\",\"message\":\"no \\\"such\\\" thing\"}}");
    assert_string_equal(live_header(&answer, "Allow", value), "GET");
    close(fd);
    server_end(server);
}

static void head_gets_no_body(void **state)
{
    (void)state;
    struct server *server = server_start(NULL);
    struct live_answer answer;
    char value[256];
    int fd = dial(server);
    live_say(fd, "HEAD /echo HTTP/1.1\r\nHost: a\r\n\r\nGET /echo HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_true(live_read_answer(fd, &answer, false));
    assert_string_equal(live_header(&answer, "Content-Length", value), "14");
    assert_true(live_read_answer(fd, &answer, true));
    assert_string_equal(answer.body, "GET /echo? []");
    close(fd);
    server_end(server);
}

static void an_answer_without_content_says_no_length(void **state)
{
    (void)state;
    struct server *server = server_start(NULL);
    struct live_answer answer;
    char value[256];
    int fd = dial(server);
    live_say(fd, "GET /empty HTTP/1.1\r\nHost: a\r\n\r\nGET /echo HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_true(live_read_answer(fd, &answer, true));
    assert_int_equal(answer.status, 204);
    assert_string_equal(live_header(&answer, "Content-Length", value), "");
    assert_true(live_read_answer(fd, &answer, true));
    assert_int_equal(answer.status, 200);
    close(fd);
    server_end(server);
}

static void pipelined_requests_are_answered_in_order(void **state)
{
    (void)state;
    struct server *server = server_start(NULL);
    char *wire = malloc(200 * 100);
    size_t len = 0;
    for (int i = 0; i < 200; i++)
        len += (size_t)snprintf(
            wire + len, 100, "POST /echo?n=%d HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc",
            i);
    int fd = dial(server);
    assert_true(live_send(fd, wire, len));
    for (int i = 0; i < 200; i++) {
        struct live_answer answer;
        char expected[100];
        (void)snprintf(expected, sizeof(expected), "POST /echo?n=%d [abc]", i);
        assert_true(live_read_answer(fd, &answer, true));
        assert_string_equal(answer.body, expected);
    }
    close(fd);
    free(wire);
    server_end(server);
}

static void one_request_is_open_at_a_time(void **state)
{
    (void)state;
    struct server *server = server_start(NULL);
    struct live_answer answer;
    int fd = dial(server);
    live_say(fd, "GET /later HTTP/1.1\r\nHost: a\r\n\r\nGET /echo HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_true(live_flag_wait(&server->waiting));
    assert_int_equal(requests(server), 1);
    live_call(&server->live, answer_later, server);
    assert_true(live_read_answer(fd, &answer, true));
    assert_string_equal(answer.body, "late");
    assert_true(live_read_answer(fd, &answer, true));
    assert_string_equal(answer.body, "GET /echo? []");
    close(fd);
    server_end(server);
}

static void a_request_in_single_bytes_is_understood(void **state)
{
    (void)state;
    static const char text[] = "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody";
    struct server *server = server_start(NULL);
    struct live_answer answer;
    int fd = dial(server);
    for (size_t i = 0; i + 1 < sizeof(text); i++)
        assert_true(live_send(fd, text + i, 1));
    assert_true(live_read_answer(fd, &answer, true));
    assert_string_equal(answer.body, "POST /echo? [body]");
    close(fd);
    server_end(server);
}

static void http_10_is_answered_and_closed(void **state)
{
    (void)state;
    struct server *server = server_start(NULL);
    struct live_answer answer;
    char value[256];
    int fd = dial(server);
    live_say(fd, "GET /echo HTTP/1.0\r\n\r\n");
    assert_true(live_read_answer(fd, &answer, true));
    assert_int_equal(answer.status, 200);
    assert_string_equal(live_header(&answer, "Connection", value), "close");
    assert_true(live_ended(fd));
    close(fd);
    fd = dial(server);
    live_say(fd, "GET /echo HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    assert_true(live_read_answer(fd, &answer, true));
    assert_string_equal(live_header(&answer, "Connection", value), "keep-alive");
    live_say(fd, "GET /echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    assert_true(live_read_answer(fd, &answer, true));
    assert_true(live_ended(fd));
    close(fd);
    server_end(server);
}

static void a_peer_that_only_stopped_sending_is_answered(void **state)
{
    (void)state;
    struct server *server = server_start(NULL);
    struct live_answer answer;
    int fd = dial(server);
    live_say(fd, "GET /later HTTP/1.1\r\nHost: a\r\n\r\n");
    shutdown(fd, SHUT_WR);
    assert_true(live_flag_wait(&server->waiting));
    live_call(&server->live, answer_later, server);
    assert_true(live_read_answer(fd, &answer, true));
    assert_string_equal(answer.body, "late");
    assert_true(live_ended(fd));
    close(fd);
    server_end(server);
}

/* RST instead of FIN. */
static void reset(int fd)
{
    struct linger linger = {.l_onoff = 1, .l_linger = 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
    close(fd);
}

static void a_reset_aborts_the_open_request(void **state)
{
    (void)state;
    struct server *server = server_start(NULL);
    int fd = dial(server);
    live_say(fd, "GET /later HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_true(live_flag_wait(&server->waiting));
    reset(fd);
    assert_true(live_flag_wait(&server->aborted));
    assert_null(server->later);
    server_end(server);
}

static void a_reset_after_a_half_close_aborts_too(void **state)
{
    (void)state;
    struct server *server = server_start(NULL);
    int fd = dial(server);
    live_say(fd, "GET /later HTTP/1.1\r\nHost: a\r\n\r\nmore");
    shutdown(fd, SHUT_WR);
    assert_true(live_flag_wait(&server->waiting));
    reset(fd);
    assert_true(live_flag_wait(&server->aborted));
    server_end(server);
}

static void freeing_the_server_aborts_open_requests(void **state)
{
    (void)state;
    struct server *server = server_start(NULL);
    int fd = dial(server);
    live_say(fd, "GET /later HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_true(live_flag_wait(&server->waiting));
    server_close(server);
    assert_null(server->later);
    assert_true(live_ended(fd));
    close(fd);
    free(server);
}

static void expect_100_is_met(void **state)
{
    (void)state;
    struct server *server = server_start(NULL);
    struct live_answer answer;
    char interim[64] = "";
    int fd = dial(server);
    live_say(fd, "PUT /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n"
                 "Expect: 100-continue\r\n\r\n");
    assert_true(live_recv(fd, interim, strlen("HTTP/1.1 100 Continue\r\n\r\n")));
    assert_string_equal(interim, "HTTP/1.1 100 Continue\r\n\r\n");
    live_say(fd, "ok");
    assert_true(live_read_answer(fd, &answer, true));
    assert_string_equal(answer.body, "PUT /echo? [ok]");
    close(fd);
    server_end(server);
}

static void too_large_a_body_is_refused_before_it_comes(void **state)
{
    (void)state;
    struct server *server = server_start(&(struct ve_httpd_config){.max_body = 100});
    expect_refusal(server,
                   "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 101\r\n"
                   "Expect: 100-continue\r\n\r\n",
                   413, "body_too_large");
    server_end(server);
}

/* The answer must reach a client that goes on sending: a close with unread bytes would reset the
 * connection and take the answer with it. */
static void a_client_in_the_middle_of_its_body_reads_the_refusal(void **state)
{
    (void)state;
    struct server *server = server_start(&(struct ve_httpd_config){.max_body = 100});
    struct live_answer answer;
    char *body = calloc(1, 1000000);
    int fd = dial(server);
    live_say(fd, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n");
    assert_true(live_send(fd, body, 1000000));
    assert_true(live_read_answer(fd, &answer, true));
    assert_int_equal(answer.status, 413);
    assert_true(live_ended(fd));
    close(fd);
    free(body);
    server_end(server);
}

static void refusals_on_the_wire(void **state)
{
    (void)state;
    struct server *server = server_start(NULL);
    char *large = malloc(20000);
    memset(large, 'a', 20000);
    memcpy(large, "GET / HTTP/1.1\r\nX: ", 19);
    large[19999] = '\0';
    expect_refusal(server, "GET / HTTP/1.1\r\n\r\n", 400, "bad_request");
    expect_refusal(server, "GET / HTTP/1.1\nHost: a\n\n", 400, "bad_request");
    expect_refusal(server, "\x16\x03\x01\x02", 400, "bad_request");
    expect_refusal(server,
                   "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 411,
                   "length_required");
    expect_refusal(server,
                   "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n"
                   "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                   400, "bad_request");
    expect_refusal(server, large, 431, "headers_too_large");
    expect_refusal(server, "GET / HTTP/3.0\r\nHost: a\r\n\r\n", 505, "version");
    expect_refusal(server, "BREW / HTTP/1.1\r\nHost: a\r\n\r\n", 501, "method");
    expect_refusal(server, "GET / HTTP/1.1\r\nHost: a\r\nExpect: x\r\n\r\n", 417, "expectation");
    assert_int_equal(requests(server), 0);
    free(large);
    server_end(server);
}

static void slow_heads_and_bodies_are_408(void **state)
{
    (void)state;
    struct server *server = server_start(&(struct ve_httpd_config){
        .clocks = {.head = 30 * VE_MS, .body = 30 * VE_MS, .idle = 30 * VE_MS}});
    expect_refusal(server, "GET / HT", 408, "request_timeout");
    expect_refusal(server, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf", 408,
                   "request_timeout");
    server_end(server);
}

static void silent_connections_are_closed_silently(void **state)
{
    (void)state;
    struct server *server =
        server_start(&(struct ve_httpd_config){.clocks = {.head = 30 * VE_MS, .idle = 30 * VE_MS}});
    struct live_answer answer;
    char byte;
    int fd = dial(server);
    assert_int_equal(recv(fd, &byte, 1, 0), 0);
    close(fd);
    fd = dial(server);
    live_say(fd, "GET /echo HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_true(live_read_answer(fd, &answer, true));
    assert_int_equal(recv(fd, &byte, 1, 0), 0);
    close(fd);
    server_end(server);
}

static void an_open_request_has_no_deadline_of_ours(void **state)
{
    (void)state;
    struct server *server = server_start(&(struct ve_httpd_config){
        .clocks = {.head = 10 * VE_MS, .body = 10 * VE_MS, .idle = 10 * VE_MS}});
    struct live_answer answer;
    int other, fd = dial(server);
    live_say(fd, "GET /later HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_true(live_flag_wait(&server->waiting));
    /* another connection, opened later, dies of every one of these clocks in the meantime */
    other = dial(server);
    assert_true(live_ended(other));
    close(other);
    live_call(&server->live, answer_later, server);
    assert_true(live_read_answer(fd, &answer, true));
    assert_string_equal(answer.body, "late");
    close(fd);
    server_end(server);
}

static void a_large_answer_arrives_whole(void **state)
{
    (void)state;
    struct server *server = server_start(NULL);
    int fd = dial(server);
    live_say(fd, "GET /big HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    size_t total = 0;
    char *bytes = malloc(65536);
    for (;;) {
        ssize_t n = recv(fd, bytes, 65536, 0);
        if (n <= 0)
            break;
        total += (size_t)n;
    }
    assert_true(total > 8 * 1024 * 1024 && total < 8 * 1024 * 1024 + 1000);
    free(bytes);
    close(fd);
    server_end(server);
}

static void a_peer_that_does_not_take_its_answer_is_cut(void **state)
{
    (void)state;
    struct server *server = server_start(
        &(struct ve_httpd_config){.clocks = {.idle = 50 * VE_MS, .linger = 50 * VE_MS}});
    int fd = dial(server);
    /* the second request must not be worked on while the first answer is not taken */
    live_say(fd, "GET /big HTTP/1.1\r\nHost: a\r\n\r\nGET /big HTTP/1.1\r\nHost: a\r\n\r\n");
    wait_requests(server, 1);
    wait_connections(server, 0);
    assert_int_equal(requests(server), 1);
    close(fd);
    server_end(server);
}

/* --- upgrades, as far as HTTP goes --- */

#define UPGRADE                                                                                    \
    "GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"                 \
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"

static void an_upgrade_can_be_refused_by_the_user(void **state)
{
    (void)state;
    struct server *server = server_start(NULL);
    expect_refusal(server, UPGRADE "Sec-WebSocket-Version: 13\r\n\r\n", 401, "unauthorized");
    server_end(server);
}

static void upgrades_are_judged_before_the_user_sees_them(void **state)
{
    (void)state;
    struct server *server = server_start(NULL);
    expect_refusal(server, UPGRADE "Sec-WebSocket-Version: 13\r\nOrigin: https://evil\r\n\r\n", 403,
                   "origin");
    expect_refusal(server, UPGRADE "Sec-WebSocket-Version: 12\r\n\r\n", 426, "websocket_version");
    expect_refusal(server,
                   "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: upgrade\r\n"
                   "Sec-WebSocket-Version: 13\r\n\r\n",
                   400, "upgrade");
    server_end(server);
}

static void a_wrong_version_is_told_the_right_one(void **state)
{
    (void)state;
    struct server *server = server_start(NULL);
    struct live_answer answer;
    char value[256];
    int fd = dial(server);
    live_say(fd, UPGRADE "Sec-WebSocket-Version: 7\r\n\r\n");
    assert_true(live_read_answer(fd, &answer, true));
    assert_int_equal(answer.status, 426);
    assert_string_equal(live_header(&answer, "Sec-WebSocket-Version", value), "13");
    assert_string_equal(live_header(&answer, "Upgrade", value), "websocket");
    close(fd);
    server_end(server);
}

/* --- limits --- */

static void connections_over_the_limit_are_told_so(void **state)
{
    (void)state;
    struct server *server = server_start(&(struct ve_httpd_config){.max_connections = 2});
    struct live_answer answer;
    char value[256];
    int first = dial(server);
    int second = dial(server);
    wait_connections(server, 2);
    int third = dial(server);
    live_say(third, "GET /echo HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_true(live_read_answer(third, &answer, true));
    assert_int_equal(answer.status, 503);
    assert_string_equal(live_header(&answer, "Retry-After", value), "1");
    assert_true(live_ended(third));
    close(third);
    /* the ones that are there are served, and a place that comes free is given away */
    live_say(first, "GET /echo HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_true(live_read_answer(first, &answer, true));
    assert_int_equal(answer.status, 200);
    close(second);
    wait_connections(server, 1);
    second = dial(server);
    live_say(second, "GET /echo HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_true(live_read_answer(second, &answer, true));
    assert_int_equal(answer.status, 200);
    close(first);
    close(second);
    server_end(server);
}

static void of_too_many_connections_most_are_just_cut(void **state)
{
    (void)state;
    enum { EXTRA = 100 };
    struct server *server = server_start(&(struct ve_httpd_config){.max_connections = 1});
    int fds[EXTRA];
    int one = dial(server);
    wait_connections(server, 1);
    for (int i = 0; i < EXTRA; i++)
        fds[i] = dial(server);
    assert_true(live_ended(fds[EXTRA - 1]));
    wait_connections(server, 1);
    for (int i = 0; i < EXTRA; i++)
        close(fds[i]);
    close(one);
    wait_connections(server, 0);
    server_end(server);
}

static void one_address_may_have_a_limit_of_its_own(void **state)
{
    (void)state;
    struct server *server = server_start(&(struct ve_httpd_config){.max_per_peer = 1});
    int fd = dial(server);
    wait_connections(server, 1);
    expect_refusal(server, "GET /echo HTTP/1.1\r\nHost: a\r\n\r\n", 503, "busy");
    close(fd);
    wait_connections(server, 0);
    struct live_answer answer;
    fd = dial(server);
    live_say(fd, "GET /echo HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_true(live_read_answer(fd, &answer, true));
    assert_int_equal(answer.status, 200);
    close(fd);
    server_end(server);
}

/* --- listening --- */

static void a_taken_port_is_explained(void **state)
{
    (void)state;
    struct server *server = server_start(NULL);
    struct ve_httpd *second;
    struct ve_loop *loop;
    char why[160];
    struct ve_httpd_config config = {
        .host = "127.0.0.1", .port = ve_httpd_port(server->httpd), .log = &server->log};
    assert_int_equal(ve_loop_new_live(&loop), 0);
    assert_int_equal(ve_httpd_new(&second, loop, &config, &handlers, server, why), VE_EIO);
    assert_non_null(strstr(why, "is taken"));
    ve_loop_free(loop);
    server_end(server);
}

static void two_workers_may_share_a_port(void **state)
{
    (void)state;
    struct server *server = server_start(&(struct ve_httpd_config){.shared_port = true});
    struct ve_httpd *second;
    struct ve_loop *loop;
    char why[160];
    struct ve_httpd_config config = {.host = "127.0.0.1",
                                     .port = ve_httpd_port(server->httpd),
                                     .shared_port = true,
                                     .log = &server->log};
    assert_int_equal(ve_loop_new_live(&loop), 0);
    assert_int_equal(ve_httpd_new(&second, loop, &config, &handlers, server, why), 0);
    ve_httpd_free(second);
    ve_loop_free(loop);
    server_end(server);
}

static void addresses_that_are_none_are_explained(void **state)
{
    (void)state;
    struct ve_log log = live_log();
    struct ve_httpd *httpd;
    struct ve_loop *loop;
    char why[160];
    struct ve_httpd_config config = {.host = "not an address", .log = &log};
    assert_int_equal(ve_loop_new_live(&loop), 0);
    assert_int_equal(ve_httpd_new(&httpd, loop, &config, &handlers, NULL, why), VE_EINVAL);
    assert_non_null(strstr(why, "\"not an address\" is not an address"));
    config.host = "192.0.2.1"; /* of RFC 5737: nobody's */
    assert_int_equal(ve_httpd_new(&httpd, loop, &config, &handlers, NULL, why), VE_EIO);
    assert_non_null(strstr(why, "this machine has no address 192.0.2.1"));
    ve_loop_free(loop);
    struct ve_loop *sim;
    config.host = "localhost";
    assert_int_equal(ve_loop_new_sim(&sim, 0), 0);
    assert_int_equal(ve_httpd_new(&httpd, sim, &config, &handlers, NULL, why), VE_EINVAL);
    ve_loop_free(sim);
}

static void stop_listening(void *arg)
{
    struct server *server = arg;
    ve_httpd_stop_listening(server->httpd);
}

static void after_listening_has_stopped_connections_go_on(void **state)
{
    (void)state;
    struct server *server = server_start(NULL);
    struct live_answer answer;
    int fd = dial(server);
    wait_connections(server, 1);
    live_call(&server->live, stop_listening, server);
    assert_int_equal(live_connect(ve_httpd_port(server->httpd)), -1);
    live_say(fd, "GET /echo HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_true(live_read_answer(fd, &answer, true));
    assert_int_equal(answer.status, 200);
    close(fd);
    server_end(server);
}

static void read_stats(void *arg)
{
    struct server *server = arg;
    server->stats = ve_httpd_stats(server->httpd);
}

static void traffic_is_counted(void **state)
{
    (void)state;
    static const char request[] = "GET /echo HTTP/1.1\r\nHost: a\r\n\r\n";
    struct server *server = server_start(NULL);
    struct live_answer answer;
    int fd = dial(server);
    live_say(fd, request);
    assert_true(live_read_answer(fd, &answer, true));
    live_call(&server->live, read_stats, server);
    assert_int_equal(server->stats.accepted, 1);
    assert_int_equal(server->stats.refused, 0);
    assert_int_equal(server->stats.bytes_in, sizeof(request) - 1);
    assert_int_equal(server->stats.bytes_out, strlen(answer.head) + answer.body_len);
    close(fd);
    server_end(server);
}

/* --- out of memory --- */

/* Whatever allocation fails, the client gets an answer or the end of its connection, never a
 * connection that hangs; and nothing is left behind. */
static int exchange(void *arg)
{
    static struct server server;
    (void)arg;
    int err = server_open(&server, &(struct ve_httpd_config){.max_body = 5000});
    if (err)
        return err;
    struct live_answer answer;
    char request[1200] = "POST /echo?x=y HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n";
    memset(request + strlen(request), 'b', 1000);
    int fd = live_connect(ve_httpd_port(server.httpd));
    bool good = false;
    if (live_say(fd, request) && live_read_answer(fd, &answer, true)) {
        good = answer.status == 200;
        live_say(fd, "BAD\r\n\r\n");
        good =
            live_read_answer(fd, &answer, true) && answer.status == 400 && answer.body_len && good;
    }
    bool ended = live_ended(fd);
    close(fd);
    server_close(&server);
    assert_true(ended);
    return good ? 0 : VE_ENOMEM;
}

static void survives_any_failed_allocation(void **state)
{
    (void)state;
    long failed = test_alloc_sweep(exchange, NULL);
    assert_true(failed > 15);
}

static int memory_before(void **state)
{
    static long live;
    live = test_alloc_live();
    *state = &live;
    return 0;
}

static int memory_after(void **state)
{
    return test_alloc_live() == *(long *)*state ? 0 : 1;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, memory_before, memory_after)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(answers_requests_on_one_connection),
        TEST(every_answer_has_the_security_headers),
        TEST(values_cannot_forge_headers),
        TEST(an_error_is_json_with_its_header),
        TEST(head_gets_no_body),
        TEST(an_answer_without_content_says_no_length),
        TEST(pipelined_requests_are_answered_in_order),
        TEST(one_request_is_open_at_a_time),
        TEST(a_request_in_single_bytes_is_understood),
        TEST(http_10_is_answered_and_closed),
        TEST(a_peer_that_only_stopped_sending_is_answered),
        TEST(a_reset_aborts_the_open_request),
        TEST(a_reset_after_a_half_close_aborts_too),
        TEST(freeing_the_server_aborts_open_requests),
        TEST(expect_100_is_met),
        TEST(too_large_a_body_is_refused_before_it_comes),
        TEST(a_client_in_the_middle_of_its_body_reads_the_refusal),
        TEST(refusals_on_the_wire),
        TEST(slow_heads_and_bodies_are_408),
        TEST(silent_connections_are_closed_silently),
        TEST(an_open_request_has_no_deadline_of_ours),
        TEST(a_large_answer_arrives_whole),
        TEST(a_peer_that_does_not_take_its_answer_is_cut),
        TEST(an_upgrade_can_be_refused_by_the_user),
        TEST(upgrades_are_judged_before_the_user_sees_them),
        TEST(a_wrong_version_is_told_the_right_one),
        TEST(connections_over_the_limit_are_told_so),
        TEST(of_too_many_connections_most_are_just_cut),
        TEST(one_address_may_have_a_limit_of_its_own),
        TEST(a_taken_port_is_explained),
        TEST(two_workers_may_share_a_port),
        TEST(addresses_that_are_none_are_explained),
        TEST(after_listening_has_stopped_connections_go_on),
        TEST(traffic_is_counted),
        TEST(survives_any_failed_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
