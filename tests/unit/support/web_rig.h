/*
 * Routes behind a real HTTP server on loopback, for the tests of what answers requests.
 *
 * web_open, then add routes to `router`, then web_start; from there on everything that lives on
 * the loop belongs to its thread until web_stop. web_stop frees the server and the router; the
 * loop, which other objects may still need, goes with web_close.
 */
#ifndef VE_TEST_WEB_RIG_H
#define VE_TEST_WEB_RIG_H

#include "base/err.h"
#include "net/httpd.h"
#include "net/router.h"

#include "../net/live.h"

struct web {
    struct live live;
    struct ve_log log;
    char lines[16384]; /* what was logged: the loop's thread only, or after web_stop */
    size_t lines_len;
    struct ve_httpd *httpd;
    struct ve_router *router;
};

static inline void web_log(void *writer, const char *line, size_t len)
{
    struct web *web = writer;
    if (web->lines_len + len >= sizeof(web->lines))
        return;
    memcpy(web->lines + web->lines_len, line, len);
    web->lines_len += len;
    web->lines[web->lines_len] = '\0';
}

static inline void web_request(void *arg, struct ve_http_request *request)
{
    ve_router_request(((struct web *)arg)->router, request, false);
}

static inline void web_upgrade(void *arg, struct ve_http_request *request)
{
    ve_router_request(((struct web *)arg)->router, request, true);
}

static inline void web_aborted(void *arg, struct ve_http_request *request)
{
    (void)arg;
    (void)request;
}

static inline void web_open(struct web *web)
{
    memset(web, 0, sizeof(*web));
    web->log = (struct ve_log){
        .level = VE_LOG_DEBUG, .wall_ms = live_wall_ms, .write = web_log, .writer = web};
    assert_int_equal(live_open(&web->live), 0);
    assert_int_equal(ve_router_new(&web->router), 0);
}

static inline void web_start(struct web *web)
{
    static const struct ve_httpd_handlers on = {web_request, web_upgrade, web_aborted};
    struct ve_httpd_config config = {.host = "127.0.0.1", .log = &web->log};
    char why[160];
    assert_int_equal(ve_httpd_new(&web->httpd, web->live.loop, &config, &on, web, why), 0);
    live_run(&web->live);
}

static inline void web_stop(struct web *web)
{
    live_stop(&web->live);
    ve_httpd_free(web->httpd);
    ve_router_free(web->router);
}

static inline void web_close(struct web *web)
{
    ve_loop_free(web->live.loop);
}

/* Sends `bytes` on a new connection and reads one answer. Returns its status. */
static inline int web_ask_bytes(struct web *web, const void *bytes, size_t len,
                                struct live_answer *answer)
{
    int fd = live_connect(ve_httpd_port(web->httpd));
    assert_true(fd >= 0);
    assert_true(live_send(fd, bytes, len));
    assert_true(live_read_answer(fd, answer, true));
    close(fd);
    return answer->status;
}

static inline int web_ask(struct web *web, const char *text, struct live_answer *answer)
{
    return web_ask_bytes(web, text, strlen(text), answer);
}

/* The answer is an error with this code. */
static inline void web_expect_refusal(struct web *web, const char *text, int status,
                                      const char *code)
{
    struct live_answer answer;
    char begin[128];
    char value[256];
    int got = web_ask(web, text, &answer);
    if (got != status)
        fail_msg("%d instead of %d: %s\nto %s", got, status, answer.body, text);
    (void)snprintf(begin, sizeof(begin), "{\"error\":{\"code\":\"%s\",\"message\":\"", code);
    assert_int_equal(strncmp(answer.body, begin, strlen(begin)), 0);
    assert_string_equal(live_header(&answer, "Content-Type", value), "application/json");
}

#endif
