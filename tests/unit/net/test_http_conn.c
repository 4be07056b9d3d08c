/* What a connection refuses, and how it ends. */
#include "httpd_server.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
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
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
