#include "httpd_server.h"

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
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
