/*
 * An HTTP server on a loop of its own, for the tests of net/http*.c.
 */
#ifndef VE_TEST_HTTPD_SERVER_H
#define VE_TEST_HTTPD_SERVER_H

#include "base/err.h"
#include "net/httpd.h"

#include <stdio.h>
#include <stdlib.h>

#include "live.h"
#include "memory.h"

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
    unsigned round_requests, largest_round; /* requests between two rounds of the loop */
};

static inline void on_request(void *arg, struct ve_http_request *request)
{
    struct server *server = arg;
    struct ve_str path = ve_http_path(request);
    server->requests++;
    if (++server->round_requests > server->largest_round)
        server->largest_round = server->round_requests;
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

static inline void on_upgrade(void *arg, struct ve_http_request *request)
{
    (void)arg;
    ve_http_refuse(request, 401, "unauthorized", "no token");
}

static inline void on_aborted(void *arg, struct ve_http_request *request)
{
    struct server *server = arg;
    if (request == server->later)
        server->later = NULL;
    live_flag_set(&server->aborted);
}

static const struct ve_httpd_handlers handlers = {on_request, on_upgrade, on_aborted};

static inline int server_open(struct server *server, const struct ve_httpd_config *wanted)
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

static inline struct server *server_start(const struct ve_httpd_config *config)
{
    struct server *server = calloc(1, sizeof(*server));
    assert_int_equal(server_open(server, config), 0);
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

static inline int dial(struct server *server)
{
    int fd = live_connect(ve_httpd_port(server->httpd));
    assert_true(fd >= 0);
    return fd;
}

static inline void count_requests(void *arg)
{
    struct server *server = arg;
    server->seen = server->requests;
}

static inline unsigned requests(struct server *server)
{
    live_call(&server->live, count_requests, server);
    return server->seen;
}

static inline void wait_requests(struct server *server, unsigned wanted)
{
    time_t until = time(NULL) + WAIT_SECONDS;
    while (requests(server) < wanted && time(NULL) < until) {
    }
    assert_int_equal(server->seen, wanted);
}

static inline void count_connections(void *arg)
{
    struct server *server = arg;
    server->connections = ve_httpd_connections(server->httpd);
}

static inline void wait_connections(struct server *server, unsigned wanted)
{
    time_t until = time(NULL) + WAIT_SECONDS;
    do {
        live_call(&server->live, count_connections, server);
    } while (server->connections != wanted && time(NULL) < until);
    assert_int_equal(server->connections, wanted);
}

static inline void answer_later(void *arg)
{
    struct server *server = arg;
    struct ve_http_request *request = server->later;
    server->later = NULL;
    ve_http_respond(request, 202, "text/plain", VE_STR("late"), NULL, 0);
}

/* Sends bytes on a new connection, expects a status and then the end of the connection. */
static inline void expect_refusal(struct server *server, const char *bytes, int status,
                                  const char *code)
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

/* RST instead of FIN. */
static inline void reset(int fd)
{
    struct linger linger = {.l_onoff = 1, .l_linger = 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
    close(fd);
}

#endif
