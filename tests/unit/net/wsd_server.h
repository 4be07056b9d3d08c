/*
 * A WebSocket server on a loop of its own and its clients, for the tests of net/wsd.c.
 */
#ifndef VE_TEST_WSD_SERVER_H
#define VE_TEST_WSD_SERVER_H

#include "base/err.h"
#include "net/httpd.h"

#include <stdio.h>
#include <stdlib.h>

#include "live.h"
#include "memory.h"
#include "ws_client.h"

#define KEY "dGhlIHNhbXBsZSBub25jZQ=="
#define HANDSHAKE                                                                                  \
    "GET /echo HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"               \
    "Sec-WebSocket-Key: " KEY "\r\nSec-WebSocket-Version: 13\r\n\r\n"
#define HEARD_MAX (4 * 1024 * 1024)

/* One WebSocket at a time is watched. By its path it is
 *   /echo    every message goes back
 *   /quiet   nothing goes back
 *   /pause   reading is paused with every piece of data
 *   /proto   the subprotocol "two" is chosen
 *   /later   the upgrade waits for the test */
struct server {
    struct live live;
    struct ve_log log;
    struct ve_httpd *httpd;
    struct live_flag opened;
    struct live_flag closed;
    struct live_flag drained;
    struct ve_http_request *later;
    struct ve_conn *conn;
    struct ve_out *message; /* being collected for the echo */
    bool echo;
    bool pausing;
    bool inside; /* a function of the connection is being called */
    unsigned messages, pieces, closes, drains;
    int code;
    int result; /* of the last action */
    size_t queued;
    size_t heard_len;
    uint8_t *heard;
};

static inline void check(bool right)
{
    if (!right)
        abort(); /* on the loop's thread cmocka cannot fail a test */
}

static inline void on_data(void *arg, const uint8_t *bytes, size_t len, bool first, bool last,
                           enum ve_opcode opcode)
{
    struct server *server = arg;
    check(!server->inside && !server->closes);
    check(first == (server->message == NULL));
    if (first)
        server->message = ve_out_new(last ? len : 200000);
    struct ve_out *message = server->message;
    if (!message)
        return;
    memcpy(ve_out_payload(message) + message->len, bytes, len);
    message->len += len;
    server->pieces++;
    if (server->pausing)
        ve_conn_pause(server->conn, true);
    if (!last)
        return;
    check(server->heard_len + message->len <= HEARD_MAX);
    memcpy(server->heard + server->heard_len, ve_out_payload(message), message->len);
    server->heard_len += message->len;
    server->messages++;
    server->message = NULL;
    if (!server->echo) {
        ve_out_free(message);
        return;
    }
    server->inside = true;
    server->result = ve_conn_send(server->conn, message, opcode);
    server->inside = false;
}

static inline void on_drained(void *arg)
{
    struct server *server = arg;
    check(!server->inside && !server->closes);
    server->drains++;
    live_flag_set(&server->drained);
}

static inline void on_closed(void *arg, int code)
{
    struct server *server = arg;
    check(!server->inside);
    server->closes++;
    server->code = code;
    server->conn = NULL;
    ve_out_free(server->message);
    server->message = NULL;
    live_flag_set(&server->closed);
}

static const struct ve_conn_events events = {on_data, on_drained, on_closed};

static inline void on_request(void *arg, struct ve_http_request *request)
{
    (void)arg;
    ve_http_refuse(request, 404, "not_found", "nothing here");
}

static inline void upgrade(struct server *server, struct ve_http_request *request)
{
    struct ve_str path = ve_http_path(request);
    const char *protocol = ve_str_eq(path, VE_STR("/proto")) ? "two" : NULL;
    server->echo = ve_str_eq(path, VE_STR("/echo"));
    server->pausing = ve_str_eq(path, VE_STR("/pause"));
    server->inside = true;
    int err = ve_http_upgrade(request, protocol, &events, server, &server->conn);
    server->inside = false;
    if (err)
        ve_http_refuse(request, 503, "busy", "no memory");
    else
        live_flag_set(&server->opened);
}

static inline void on_upgrade(void *arg, struct ve_http_request *request)
{
    struct server *server = arg;
    if (ve_str_eq(ve_http_path(request), VE_STR("/later"))) {
        server->later = request;
        live_flag_set(&server->opened);
    } else {
        upgrade(server, request);
    }
}

static inline void on_aborted(void *arg, struct ve_http_request *request)
{
    struct server *server = arg;
    (void)request;
    server->later = NULL;
}

static const struct ve_httpd_handlers handlers = {on_request, on_upgrade, on_aborted};

static inline int server_open(struct server *server, const struct ve_httpd_config *wanted)
{
    char why[160];
    struct ve_httpd_config config = wanted ? *wanted : (struct ve_httpd_config){0};
    uint8_t *heard = malloc(HEARD_MAX);
    *server = (struct server){.log = live_log(), .heard = heard};
    live_flag_init(&server->opened);
    live_flag_init(&server->closed);
    live_flag_init(&server->drained);
    config.host = "127.0.0.1";
    config.log = &server->log;
    int err = live_open(&server->live);
    if (!err) {
        err = ve_httpd_new(&server->httpd, server->live.loop, &config, &handlers, server, why);
        if (err)
            ve_loop_free(server->live.loop);
    }
    if (err)
        free(heard);
    else
        live_run(&server->live);
    return err;
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
    free(server->heard);
}

static inline void server_end(struct server *server)
{
    server_close(server);
    free(server);
}

/* --- what the test makes the server do, and sees of it --- */

static inline void copy_server(void *arg)
{
    struct server **both = arg;
    uint8_t *heard = both[1]->heard;
    *both[1] = *both[0];
    both[1]->heard = heard;
    if (heard)
        memcpy(heard, both[0]->heard, both[0]->heard_len);
}

/* A copy of the server's counters that does not change while the test looks at it. */
static inline struct server look(struct server *server)
{
    struct server copy = {.heard = NULL};
    struct server *both[2] = {server, &copy};
    live_call(&server->live, copy_server, both);
    return copy;
}

static inline void wait_messages(struct server *server, unsigned wanted)
{
    time_t until = time(NULL) + WAIT_SECONDS;
    while (look(server).messages < wanted && time(NULL) < until) {
    }
    assert_int_equal(look(server).messages, wanted);
}

struct action {
    struct server *server;
    size_t len;
    int code;
};

static inline void do_send(void *arg)
{
    struct action *action = arg;
    struct server *server = action->server;
    struct ve_out *out = ve_out_new(action->len);
    memset(ve_out_payload(out), 's', action->len);
    out->len = action->len;
    server->inside = true;
    server->result = ve_conn_send(server->conn, out, VE_OP_BINARY);
    server->queued = ve_conn_queued(server->conn);
    server->inside = false;
}

static inline int send_bytes(struct server *server, size_t len)
{
    live_call(&server->live, do_send, &(struct action){.server = server, .len = len});
    return look(server).result;
}

static inline void do_close(void *arg)
{
    struct action *action = arg;
    struct server *server = action->server;
    server->inside = true;
    ve_conn_close(server->conn, action->code);
    ve_conn_close(server->conn, action->code); /* harmless */
    server->inside = false;
}

static inline void close_with(struct server *server, int code)
{
    live_call(&server->live, do_close, &(struct action){.server = server, .code = code});
}

static inline void do_resume(void *arg)
{
    struct server *server = arg;
    server->inside = true;
    server->pausing = false;
    ve_conn_pause(server->conn, false);
    server->inside = false;
}

static inline void do_upgrade(void *arg)
{
    struct server *server = arg;
    struct ve_http_request *request = server->later;
    server->later = NULL;
    upgrade(server, request);
}

/* --- the client --- */

static inline int dial(struct server *server)
{
    int fd = live_connect(ve_httpd_port(server->httpd));
    assert_true(fd >= 0);
    return fd;
}

static inline void read_101(int fd)
{
    struct live_answer answer;
    char value[256];
    assert_true(live_read_answer(fd, &answer, false));
    assert_int_equal(answer.status, 101);
    assert_string_equal(live_header(&answer, "Sec-WebSocket-Accept", value),
                        "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

static inline int dial_path(struct server *server, const char *path)
{
    char request[1000];
    (void)snprintf(request, sizeof(request), "GET %s%s", path, &HANDSHAKE[strlen("GET /echo")]);
    int fd = dial(server);
    assert_true(live_say(fd, request));
    read_101(fd);
    assert_true(live_flag_wait(&server->opened));
    return fd;
}

static inline bool send_frame(int fd, uint8_t first, const void *payload, size_t len)
{
    uint8_t *wire = malloc(len + 14);
    bool sent = live_send(fd, wire, ws_client_frame(wire, first, payload, len));
    free(wire);
    return sent;
}

struct frame {
    uint8_t first;
    size_t len;
    uint8_t *bytes;
};

/* Reads a frame; it must be whole, unmasked and in the shortest form. */
static inline bool recv_frame(int fd, struct frame *frame)
{
    uint8_t head[2], extra[8];
    *frame = (struct frame){0};
    if (!live_recv(fd, head, 2))
        return false;
    assert_int_equal(head[1] & 0x80, 0);
    frame->first = head[0];
    frame->len = head[1];
    unsigned more = head[1] == 126 ? 2 : head[1] == 127 ? 8 : 0;
    if (more) {
        assert_true(live_recv(fd, extra, more));
        frame->len = 0;
        for (unsigned i = 0; i < more; i++)
            frame->len = frame->len << 8 | extra[i];
        assert_true(frame->len > (more == 2 ? 125 : 65535));
    }
    frame->bytes = malloc(frame->len + 1);
    bool whole = live_recv(fd, frame->bytes, frame->len);
    if (!whole)
        free(frame->bytes);
    return whole;
}

static inline void expect_frame(int fd, uint8_t first, const void *bytes, size_t len)
{
    struct frame frame;
    assert_true(recv_frame(fd, &frame));
    assert_int_equal(frame.first, first);
    assert_int_equal(frame.len, len);
    assert_memory_equal(frame.bytes, bytes, len);
    free(frame.bytes);
}

static inline void expect_close(int fd, int code)
{
    uint8_t bytes[2] = {(uint8_t)(code >> 8), (uint8_t)code};
    expect_frame(fd, 0x88, bytes, code == VE_CLOSE_NONE ? 0 : 2);
}

static inline void expect_closed(struct server *server, int code)
{
    assert_true(live_flag_wait(&server->closed));
    assert_int_equal(look(server).code, code);
    assert_int_equal(look(server).closes, 1);
}

static inline void send_close(int fd, int code)
{
    uint8_t bytes[2] = {(uint8_t)(code >> 8), (uint8_t)code};
    assert_true(send_frame(fd, 0x88, bytes, 2));
}

/* Fills the kernel's buffers and the queue. Returns what the last send said. */
static inline int fill_queue(struct server *server)
{
    for (int i = 0; i < 10000; i++) {
        int err = send_bytes(server, 16 * 1024);
        if (err)
            return err;
    }
    return 0;
}

static inline void reset(int fd)
{
    struct linger linger = {.l_onoff = 1, .l_linger = 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
    close(fd);
}

#endif
