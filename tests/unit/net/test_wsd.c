#include "net/httpd.h"

#include "alloc_fail.h"
#include "base/err.h"
#include "net/ws_frame.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "live.h"
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

static void check(bool right)
{
    if (!right)
        abort(); /* on the loop's thread cmocka cannot fail a test */
}

static void on_data(void *arg, const uint8_t *bytes, size_t len, bool first, bool last,
                    enum ve_opcode opcode)
{
    struct server *server = arg;
    check(!server->inside && !server->closes);
    check(first == (server->message == NULL));
    if (first)
        server->message = ve_out_new(1024 * 1024);
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

static void on_drained(void *arg)
{
    struct server *server = arg;
    check(!server->inside && !server->closes);
    server->drains++;
    live_flag_set(&server->drained);
}

static void on_closed(void *arg, int code)
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

static void on_request(void *arg, struct ve_http_request *request)
{
    (void)arg;
    ve_http_refuse(request, 404, "not_found", "nothing here");
}

static void upgrade(struct server *server, struct ve_http_request *request)
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

static void on_upgrade(void *arg, struct ve_http_request *request)
{
    struct server *server = arg;
    if (ve_str_eq(ve_http_path(request), VE_STR("/later"))) {
        server->later = request;
        live_flag_set(&server->opened);
    } else {
        upgrade(server, request);
    }
}

static void on_aborted(void *arg, struct ve_http_request *request)
{
    struct server *server = arg;
    (void)request;
    server->later = NULL;
}

static const struct ve_httpd_handlers handlers = {on_request, on_upgrade, on_aborted};

static int server_open(struct server *server, const struct ve_httpd_config *wanted)
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
    free(server->heard);
}

static void server_end(struct server *server)
{
    server_close(server);
    free(server);
}

/* --- what the test makes the server do, and sees of it --- */

static void copy_server(void *arg)
{
    struct server **both = arg;
    uint8_t *heard = both[1]->heard;
    *both[1] = *both[0];
    both[1]->heard = heard;
    if (heard)
        memcpy(heard, both[0]->heard, both[0]->heard_len);
}

/* A copy of the server's counters that does not change while the test looks at it. */
static struct server look(struct server *server)
{
    struct server copy = {.heard = NULL};
    struct server *both[2] = {server, &copy};
    live_call(&server->live, copy_server, both);
    return copy;
}

static void wait_messages(struct server *server, unsigned wanted)
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

static void do_send(void *arg)
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

static int send_bytes(struct server *server, size_t len)
{
    live_call(&server->live, do_send, &(struct action){.server = server, .len = len});
    return look(server).result;
}

static void do_close(void *arg)
{
    struct action *action = arg;
    struct server *server = action->server;
    server->inside = true;
    ve_conn_close(server->conn, action->code);
    ve_conn_close(server->conn, action->code); /* harmless */
    server->inside = false;
}

static void close_with(struct server *server, int code)
{
    live_call(&server->live, do_close, &(struct action){.server = server, .code = code});
}

static void do_resume(void *arg)
{
    struct server *server = arg;
    server->inside = true;
    server->pausing = false;
    ve_conn_pause(server->conn, false);
    server->inside = false;
}

static void do_upgrade(void *arg)
{
    struct server *server = arg;
    struct ve_http_request *request = server->later;
    server->later = NULL;
    upgrade(server, request);
}

/* --- the client --- */

static int dial(struct server *server)
{
    int fd = live_connect(ve_httpd_port(server->httpd));
    assert_true(fd >= 0);
    return fd;
}

static void read_101(int fd)
{
    struct live_answer answer;
    char value[256];
    assert_true(live_read_answer(fd, &answer, false));
    assert_int_equal(answer.status, 101);
    assert_string_equal(live_header(&answer, "Sec-WebSocket-Accept", value),
                        "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

static int dial_path(struct server *server, const char *path)
{
    char request[1000];
    (void)snprintf(request, sizeof(request), "GET %s%s", path, HANDSHAKE + strlen("GET /echo"));
    int fd = dial(server);
    assert_true(live_say(fd, request));
    read_101(fd);
    assert_true(live_flag_wait(&server->opened));
    return fd;
}

static bool send_frame(int fd, uint8_t first, const void *payload, size_t len)
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
static bool recv_frame(int fd, struct frame *frame)
{
    uint8_t head[2], extra[8];
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

static void expect_frame(int fd, uint8_t first, const void *bytes, size_t len)
{
    struct frame frame;
    assert_true(recv_frame(fd, &frame));
    assert_int_equal(frame.first, first);
    assert_int_equal(frame.len, len);
    assert_memory_equal(frame.bytes, bytes, len);
    free(frame.bytes);
}

static void expect_close(int fd, int code)
{
    uint8_t bytes[2] = {(uint8_t)(code >> 8), (uint8_t)code};
    expect_frame(fd, 0x88, bytes, code == VE_CLOSE_NONE ? 0 : 2);
}

static void expect_closed(struct server *server, int code)
{
    assert_true(live_flag_wait(&server->closed));
    assert_int_equal(look(server).code, code);
    assert_int_equal(look(server).closes, 1);
}

static void send_close(int fd, int code)
{
    uint8_t bytes[2] = {(uint8_t)(code >> 8), (uint8_t)code};
    assert_true(send_frame(fd, 0x88, bytes, 2));
}

/* --- opening --- */

static void the_answer_to_an_upgrade(void **state)
{
    (void)state;
    struct server *server = server_start(NULL);
    struct live_answer answer;
    char value[256];
    int fd = dial(server);
    live_say(fd, "GET /echo HTTP/1.1\r\nHost:a\r\nUpgrade:websocket\r\nConnection:upgrade\r\n"
                 "Sec-WebSocket-Key:" KEY "\r\nSec-WebSocket-Version:13\r\n"
                 "Sec-WebSocket-Extensions:permessage-deflate; client_max_window_bits=9\r\n"
                 "Origin:http://a\r\n\r\n");
    assert_true(live_read_answer(fd, &answer, false));
    assert_int_equal(answer.status, 101);
    assert_string_equal(live_header(&answer, "Upgrade", value), "websocket");
    assert_string_equal(live_header(&answer, "Connection", value), "Upgrade");
    assert_string_equal(live_header(&answer, "Sec-WebSocket-Extensions", value), "");
    assert_string_equal(live_header(&answer, "Sec-WebSocket-Protocol", value), "");
    assert_true(send_frame(fd, 0x81, "hi", 2));
    expect_frame(fd, 0x81, "hi", 2);
    close(fd);
    expect_closed(server, 1006);
    server_end(server);
}

static void a_subprotocol_is_named(void **state)
{
    (void)state;
    struct server *server = server_start(NULL);
    struct live_answer answer;
    char value[256];
    int fd = dial(server);
    live_say(fd, "GET /proto HTTP/1.1\r\nHost:a\r\nUpgrade:websocket\r\nConnection:upgrade\r\n"
                 "Sec-WebSocket-Key:" KEY "\r\nSec-WebSocket-Version:13\r\n"
                 "Sec-WebSocket-Protocol: one, two\r\n\r\n");
    assert_true(live_read_answer(fd, &answer, false));
    assert_string_equal(live_header(&answer, "Sec-WebSocket-Protocol", value), "two");
    close(fd);
    server_end(server);
}

static void frames_may_follow_the_request_at_once(void **state)
{
    (void)state;
    struct server *server = server_start(NULL);
    uint8_t wire[1000];
    size_t len = strlen(HANDSHAKE);
    memcpy(wire, HANDSHAKE, len);
    len += ws_client_frame(wire + len, 0x81, "metadata", 8);
    len += ws_client_frame(wire + len, 0x82, "audio", 5);
    int fd = dial(server);
    assert_true(live_send(fd, wire, len));
    read_101(fd);
    expect_frame(fd, 0x81, "metadata", 8);
    expect_frame(fd, 0x82, "audio", 5);
    close(fd);
    server_end(server);
}

static void an_upgrade_may_be_answered_later(void **state)
{
    (void)state;
    struct server *server = server_start(NULL);
    uint8_t wire[1000];
    size_t len = (size_t)snprintf((char *)wire, sizeof(wire), "GET /later%s",
                                  HANDSHAKE + strlen("GET /echo"));
    len += ws_client_frame(wire + len, 0x81, "early", 5);
    int fd = dial(server);
    assert_true(live_send(fd, wire, len));
    assert_true(live_flag_wait(&server->opened));
    live_call(&server->live, do_upgrade, server);
    read_101(fd);
    wait_messages(server, 1);
    close(fd);
    expect_closed(server, 1006);
    server_end(server);
}

/* --- messages --- */

static void messages_of_all_sizes_come_back(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 125, 126, 640, 4096, 32768, 65535, 65536, 200000};
    struct server *server = server_start(NULL);
    int fd = dial_path(server, "/echo");
    uint8_t *payload = malloc(200000);
    for (size_t i = 0; i < 200000; i++)
        payload[i] = (uint8_t)(i * 7 + i / 251);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        assert_true(send_frame(fd, 0x82, payload, sizes[i]));
        expect_frame(fd, 0x82, payload, sizes[i]);
    }
    free(payload);
    close(fd);
    server_end(server);
}

static void many_messages_in_one_segment_come_back_in_order(void **state)
{
    (void)state;
    struct server *server = server_start(NULL);
    int fd = dial_path(server, "/echo");
    uint8_t wire[20000];
    size_t len = 0;
    for (uint8_t i = 0; i < 100; i++)
        len += ws_client_frame(wire + len, 0x82, &i, 1);
    assert_true(live_send(fd, wire, len));
    for (uint8_t i = 0; i < 100; i++)
        expect_frame(fd, 0x82, &i, 1);
    close(fd);
    server_end(server);
}

static void a_frame_in_single_bytes_is_understood(void **state)
{
    (void)state;
    struct server *server = server_start(NULL);
    int fd = dial_path(server, "/echo");
    uint8_t wire[200];
    size_t len = ws_client_frame(wire, 0x81, "caf\xC3\xA9", 5);
    for (size_t i = 0; i < len; i++)
        assert_true(live_send(fd, wire + i, 1));
    expect_frame(fd, 0x81, "caf\xC3\xA9", 5);
    close(fd);
    server_end(server);
}

static void fragments_become_one_message(void **state)
{
    (void)state;
    struct server *server = server_start(NULL);
    int fd = dial_path(server, "/echo");
    assert_true(send_frame(fd, 0x01, "one ", 4));
    assert_true(send_frame(fd, 0x89, "ping", 4));
    expect_frame(fd, 0x8A, "ping", 4);
    assert_true(send_frame(fd, 0x00, "", 0));
    assert_true(send_frame(fd, 0x80, "two", 3));
    expect_frame(fd, 0x81, "one two", 7);
    close(fd);
    server_end(server);
}

/* --- breaches --- */

struct breach {
    const char *bytes;
    size_t len;
    int code;
};

#define BREACH(text, code)                                                                         \
    {                                                                                              \
        text, sizeof(text) - 1, code                                                               \
    }

/* One for each rule of the reader: that it reaches the wire as a close frame, and the user as the
 * end of the connection. */
static void breaches_are_answered_with_their_code(void **state)
{
    (void)state;
    static const struct breach breaches[] = {
        BREACH("\x82\x01x", 1002),                          /* not masked */
        BREACH("\xC2\x80\0\0\0\0", 1002),                   /* a reserved bit */
        BREACH("\x83\x80\0\0\0\0", 1002),                   /* an unknown opcode */
        BREACH("\x8B\x80\0\0\0\0", 1002),                   /* an unknown control opcode */
        BREACH("\x09\x80\0\0\0\0", 1002),                   /* a fragmented ping */
        BREACH("\x89\xFE\x00\x7E\0\0\0\0", 1002),           /* a long ping */
        BREACH("\x80\x80\0\0\0\0", 1002),                   /* nothing to continue */
        BREACH("\x01\x80\0\0\0\0\x81\x80\0\0\0\0", 1002),   /* a message in a message */
        BREACH("\x82\xFF\x80\0\0\0\0\0\0\0\0\0\0\0", 1002), /* top bit of the length */
        BREACH("\x82\xFE\x00\x05\0\0\0\0abcde", 1002),      /* a length too long in writing */
        BREACH("\x82\xFF\0\0\0\0\0\x10\0\1", 1009),         /* over the limit, no payload yet */
        BREACH("\x81\x81\0\0\0\0\xFF", 1007),               /* not UTF-8 */
        BREACH("\x81\x81\0\0\0\0\xC3", 1007),               /* half a character */
        BREACH("\x88\x81\0\0\0\0\x03", 1002),               /* half a close code */
        BREACH("\x88\x82\0\0\0\0\x03\xED", 1002),           /* 1005 */
        BREACH("\x88\x82\0\0\0\0\x03\xEE", 1002),           /* 1006 */
        BREACH("\x88\x82\0\0\0\0\x03\xF7", 1002),           /* 1015 */
        BREACH("\x88\x82\0\0\0\0\x03\xE7", 1002),           /* 999 */
        BREACH("\x88\x83\0\0\0\0\x03\xE8\xFF", 1007),       /* a reason that is not UTF-8 */
    };
    for (size_t i = 0; i < sizeof(breaches) / sizeof(breaches[0]); i++) {
        struct server *server = server_start(NULL);
        int fd = dial_path(server, "/echo");
        assert_true(live_send(fd, breaches[i].bytes, breaches[i].len));
        expect_close(fd, breaches[i].code);
        assert_true(live_ended(fd));
        expect_closed(server, 1006);
        close(fd);
        server_end(server);
    }
}

static void the_messages_before_a_breach_count(void **state)
{
    (void)state;
    struct server *server = server_start(NULL);
    int fd = dial_path(server, "/echo");
    uint8_t wire[100];
    size_t len = ws_client_frame(wire, 0x82, "good", 4);
    memcpy(wire + len, "\xFF\xFF", 2);
    assert_true(live_send(fd, wire, len + 2));
    expect_frame(fd, 0x82, "good", 4);
    expect_close(fd, 1002);
    close(fd);
    expect_closed(server, 1006);
    assert_int_equal(look(server).messages, 1);
    server_end(server);
}

/* --- pings --- */

static void a_ping_is_answered_with_its_payload(void **state)
{
    (void)state;
    struct server *server = server_start(NULL);
    int fd = dial_path(server, "/echo");
    uint8_t payload[125];
    memset(payload, 'p', sizeof(payload));
    assert_true(send_frame(fd, 0x89, "", 0));
    expect_frame(fd, 0x8A, "", 0);
    assert_true(send_frame(fd, 0x89, payload, sizeof(payload)));
    expect_frame(fd, 0x8A, payload, sizeof(payload));
    close(fd);
    server_end(server);
}

static void a_pong_nobody_asked_for_is_ignored(void **state)
{
    (void)state;
    struct server *server = server_start(NULL);
    int fd = dial_path(server, "/echo");
    assert_true(send_frame(fd, 0x8A, "what", 4));
    assert_true(send_frame(fd, 0x81, "hi", 2));
    expect_frame(fd, 0x81, "hi", 2);
    close(fd);
    server_end(server);
}

static void a_flood_of_pings_gets_few_pongs_and_the_newest(void **state)
{
    (void)state;
    enum { PINGS = 5000 };
    struct server *server = server_start(NULL);
    int fd = dial_path(server, "/echo");
    uint8_t *wire = malloc(PINGS * 16);
    size_t len = 0;
    for (uint32_t i = 0; i < PINGS; i++)
        len += ws_client_frame(wire + len, 0x89, &i, 4);
    assert_true(live_send(fd, wire, len));
    uint32_t newest = 0;
    unsigned pongs = 0;
    while (newest != PINGS - 1) {
        struct frame frame;
        uint32_t number;
        assert_true(recv_frame(fd, &frame));
        assert_int_equal(frame.first, 0x8A);
        memcpy(&number, frame.bytes, 4);
        free(frame.bytes);
        assert_true(!pongs || number > newest);
        newest = number;
        pongs++;
    }
    assert_true(pongs < PINGS / 4);
    free(wire);
    close(fd);
    server_end(server);
}

/* Fills the kernel's buffers and the queue. Returns what the last send said. */
static int fill_queue(struct server *server)
{
    for (int i = 0; i < 10000; i++) {
        int err = send_bytes(server, 16 * 1024);
        if (err)
            return err;
    }
    return 0;
}

static void pings_of_a_peer_that_does_not_read_do_not_pile_up(void **state)
{
    (void)state;
    struct server *server = server_start(NULL);
    int fd = dial_path(server, "/quiet");
    assert_int_equal(fill_queue(server), VE_EBUSY);
    size_t queued = look(server).queued;
    for (int i = 0; i < 2000; i++)
        assert_true(send_frame(fd, 0x89, "ping", 4));
    assert_true(send_frame(fd, 0x82, "x", 1));
    wait_messages(server, 1);
    assert_int_equal(send_bytes(server, 16 * 1024), VE_EBUSY);
    assert_true(look(server).queued <= queued + 4);
    close(fd);
    expect_closed(server, 1006);
    server_end(server);
}

/* --- closing --- */

static void the_peers_close_is_answered_and_reported(void **state)
{
    (void)state;
    static const int codes[] = {1000, 1001, 1011, 3000, 4999};
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        struct server *server = server_start(NULL);
        int fd = dial_path(server, "/echo");
        assert_true(send_frame(fd, 0x82, "last words", 10));
        send_close(fd, codes[i]);
        expect_frame(fd, 0x82, "last words", 10);
        expect_close(fd, codes[i]);
        assert_true(live_ended(fd));
        expect_closed(server, codes[i]);
        close(fd);
        server_end(server);
    }
}

static void a_close_without_code_is_1005(void **state)
{
    (void)state;
    struct server *server = server_start(NULL);
    int fd = dial_path(server, "/echo");
    assert_true(send_frame(fd, 0x88, "", 0));
    expect_close(fd, VE_CLOSE_NONE);
    expect_closed(server, 1005);
    close(fd);
    server_end(server);
}

static void what_follows_a_close_is_not_heard(void **state)
{
    (void)state;
    struct server *server = server_start(NULL);
    uint8_t wire[100];
    size_t len = ws_client_frame(wire, 0x88, "\x03\xE8", 2);
    len += ws_client_frame(wire + len, 0x82, "ghost", 5);
    int fd = dial_path(server, "/echo");
    assert_true(live_send(fd, wire, len));
    expect_close(fd, 1000);
    assert_true(live_ended(fd));
    expect_closed(server, 1000);
    assert_int_equal(look(server).messages, 0);
    close(fd);
    server_end(server);
}

static void our_close_follows_what_is_queued(void **state)
{
    (void)state;
    struct server *server = server_start(NULL);
    int fd = dial_path(server, "/echo");
    uint8_t expected[3000];
    memset(expected, 's', sizeof(expected));
    assert_int_equal(send_bytes(server, sizeof(expected)), 0);
    close_with(server, 1001);
    assert_int_equal(send_bytes(server, 10), VE_EGONE);
    expect_frame(fd, 0x82, expected, sizeof(expected));
    expect_close(fd, 1001);
    /* what the peer had on the way is dropped; its answer ends it */
    assert_true(send_frame(fd, 0x82, "late", 4));
    assert_true(send_frame(fd, 0x89, "late", 4));
    send_close(fd, 1001);
    assert_true(live_ended(fd));
    expect_closed(server, 1001);
    assert_int_equal(look(server).messages, 0);
    close(fd);
    server_end(server);
}

static void our_close_does_not_wait_for_ever(void **state)
{
    (void)state;
    struct server *server =
        server_start(&(struct ve_httpd_config){.clocks = {.closing = 30 * VE_MS}});
    int fd = dial_path(server, "/echo");
    close_with(server, 1000);
    expect_close(fd, 1000);
    expect_closed(server, 1006);
    assert_true(live_ended(fd));
    close(fd);
    server_end(server);
}

static void our_close_ends_a_pause(void **state)
{
    (void)state;
    struct server *server = server_start(NULL);
    int fd = dial_path(server, "/pause");
    assert_true(send_frame(fd, 0x82, "x", 1));
    wait_messages(server, 1);
    close_with(server, 1000);
    expect_close(fd, 1000);
    send_close(fd, 1000);
    expect_closed(server, 1000);
    close(fd);
    server_end(server);
}

static void reset(int fd)
{
    struct linger linger = {.l_onoff = 1, .l_linger = 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
    close(fd);
}

static void losing_the_connection_is_1006_once(void **state)
{
    (void)state;
    struct server *server = server_start(NULL);
    int fd = dial_path(server, "/echo");
    reset(fd);
    expect_closed(server, 1006);
    server_end(server);
    server = server_start(NULL);
    fd = dial_path(server, "/echo");
    shutdown(fd, SHUT_WR);
    expect_closed(server, 1006);
    close(fd);
    server_end(server);
}

static void a_reset_is_seen_while_paused(void **state)
{
    (void)state;
    struct server *server = server_start(NULL);
    int fd = dial_path(server, "/pause");
    assert_true(send_frame(fd, 0x82, "x", 1));
    wait_messages(server, 1);
    assert_true(send_frame(fd, 0x82, "y", 1));
    reset(fd);
    expect_closed(server, 1006);
    server_end(server);
}

static void the_close_frame_before_a_reset_is_read(void **state)
{
    (void)state;
    struct server *server = server_start(NULL);
    int fd = dial_path(server, "/echo");
    assert_int_equal(send_bytes(server, 1000), 0); /* unread by the peer: its close is a reset */
    send_close(fd, 1001);
    close(fd);
    expect_closed(server, 1001);
    server_end(server);
}

static void freeing_the_server_closes_its_sockets(void **state)
{
    (void)state;
    struct server *server = server_start(NULL);
    int fd = dial_path(server, "/echo");
    server_close(server);
    assert_int_equal(server->closes, 1);
    assert_int_equal(server->code, 1006);
    assert_true(live_ended(fd));
    close(fd);
    free(server);
}

/* --- flow --- */

static void a_pause_holds_what_is_already_read(void **state)
{
    (void)state;
    struct server *server = server_start(NULL);
    uint8_t wire[1000];
    size_t len = 0;
    for (uint8_t i = 0; i < 50; i++)
        len += ws_client_frame(wire + len, 0x82, &i, 1);
    int fd = dial_path(server, "/pause");
    assert_true(live_send(fd, wire, len));
    wait_messages(server, 1);
    live_call(&server->live, do_resume, server);
    wait_messages(server, 50);
    uint8_t heard[50];
    struct server copy = {.heard = heard};
    struct server *both[2] = {server, &copy};
    live_call(&server->live, copy_server, both);
    for (uint8_t i = 0; i < 50; i++)
        assert_int_equal(heard[i], i);
    close(fd);
    expect_closed(server, 1006);
    server_end(server);
}

static void a_pause_holds_the_peer_back(void **state)
{
    (void)state;
    struct server *server = server_start(NULL);
    int fd = dial_path(server, "/pause");
    uint8_t payload[16384];
    memset(payload, 'a', sizeof(payload));
    assert_true(send_frame(fd, 0x82, "x", 1));
    wait_messages(server, 1);
    struct timeval wait = {.tv_usec = 200000};
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait));
    size_t taken = 0;
    uint8_t wire[16400];
    size_t len = ws_client_frame(wire, 0x82, payload, sizeof(payload));
    bool full = false;
    while (!full && taken < 256 * 1024 * 1024) {
        ssize_t n = send(fd, wire + taken % len, len - taken % len, MSG_NOSIGNAL);
        full = n <= 0;
        taken += n > 0 ? (size_t)n : 0;
    }
    assert_true(full);
    assert_int_equal(look(server).messages, 1);
    reset(fd);
    expect_closed(server, 1006);
    server_end(server);
}

static void a_full_queue_refuses_then_drains(void **state)
{
    (void)state;
    struct server *server = server_start(&(struct ve_httpd_config){.max_queue = 64 * 1024});
    int fd = dial_path(server, "/quiet");
    assert_int_equal(send_bytes(server, 64 * 1024 + 1), VE_ETOOBIG);
    assert_int_equal(fill_queue(server), VE_EBUSY);
    size_t queued = look(server).queued;
    assert_true(queued > 48 * 1024 && queued <= 64 * 1024);
    assert_int_equal(look(server).drains, 0);
    uint8_t sink[65536];
    while (!look(server).drains)
        assert_true(recv(fd, sink, sizeof(sink), 0) > 0);
    assert_int_equal(send_bytes(server, 10), 0);
    close(fd);
    expect_closed(server, 1006);
    server_end(server);
}

static void a_peer_that_never_reads_is_cut(void **state)
{
    (void)state;
    struct server *server = server_start(
        &(struct ve_httpd_config){.max_queue = 64 * 1024, .clocks = {.stalled = 50 * VE_MS}});
    int fd = dial_path(server, "/quiet");
    assert_int_equal(fill_queue(server), VE_EBUSY);
    expect_closed(server, 1006);
    close(fd);
    server_end(server);
}

static void a_slow_close_with_a_full_queue_is_cut(void **state)
{
    (void)state;
    struct server *server =
        server_start(&(struct ve_httpd_config){.clocks = {.closing = 30 * VE_MS}});
    int fd = dial_path(server, "/quiet");
    assert_int_equal(fill_queue(server), VE_EBUSY);
    close_with(server, 1000);
    expect_closed(server, 1006);
    close(fd);
    server_end(server);
}

/* --- memory --- */

static int exchange(void *arg)
{
    static struct server server;
    (void)arg;
    int err = server_open(&server, NULL);
    if (err)
        return err;
    struct live_answer answer;
    struct frame frame;
    bool good = false;
    int fd = live_connect(ve_httpd_port(server.httpd));
    if (live_say(fd, HANDSHAKE) && live_read_answer(fd, &answer, false) && answer.status == 101) {
        (void)send_frame(fd, 0x89, "ping", 4);
        (void)send_frame(fd, 0x82, "data", 4);
        send_close(fd, 1000);
        unsigned seen = 0;
        while (recv_frame(fd, &frame)) {
            seen |= 1u << (frame.first & 0x0F);
            free(frame.bytes);
        }
        good = seen == (1u << 8 | 1u << 10 | 1u << 2);
        assert_true(live_flag_wait(&server.closed));
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
    assert_true(test_alloc_sweep(exchange, NULL) > 15);
}

static void read_heap(void *arg)
{
    *(size_t *)arg = mallinfo2().uordblks;
}

static void idle_connections_are_small(void **state)
{
    (void)state;
    enum { CONNECTIONS = 1000 };
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    if (limit.rlim_cur < 2 * CONNECTIONS + 100) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
    if (limit.rlim_cur < 2 * CONNECTIONS + 100)
        skip();
    struct server *server = server_start(NULL);
    int *fds = calloc(CONNECTIONS, sizeof(int));
    size_t before = 0;
    size_t after = 0;
    fds[0] = dial_path(server, "/quiet"); /* what is made once is made now */
    live_call(&server->live, read_heap, &before);
    for (int i = 1; i < CONNECTIONS; i++)
        fds[i] = dial_path(server, "/quiet");
    live_call(&server->live, read_heap, &after);
    size_t each = (after - before) / (CONNECTIONS - 1);
    if (each) /* a sanitizer's heap does not tell */
        print_message("an idle WebSocket takes %zu bytes of the heap\n", each);
    assert_true(each < 4096);
    for (int i = 0; i < CONNECTIONS; i++) {
        close(fds[i]);
        assert_true(live_flag_wait(&server->closed));
    }
    free(fds);
    server_end(server);
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
        TEST(the_answer_to_an_upgrade),
        TEST(a_subprotocol_is_named),
        TEST(frames_may_follow_the_request_at_once),
        TEST(an_upgrade_may_be_answered_later),
        TEST(messages_of_all_sizes_come_back),
        TEST(many_messages_in_one_segment_come_back_in_order),
        TEST(a_frame_in_single_bytes_is_understood),
        TEST(fragments_become_one_message),
        TEST(breaches_are_answered_with_their_code),
        TEST(the_messages_before_a_breach_count),
        TEST(a_ping_is_answered_with_its_payload),
        TEST(a_pong_nobody_asked_for_is_ignored),
        TEST(a_flood_of_pings_gets_few_pongs_and_the_newest),
        TEST(pings_of_a_peer_that_does_not_read_do_not_pile_up),
        TEST(the_peers_close_is_answered_and_reported),
        TEST(a_close_without_code_is_1005),
        TEST(what_follows_a_close_is_not_heard),
        TEST(our_close_follows_what_is_queued),
        TEST(our_close_does_not_wait_for_ever),
        TEST(our_close_ends_a_pause),
        TEST(losing_the_connection_is_1006_once),
        TEST(a_reset_is_seen_while_paused),
        TEST(the_close_frame_before_a_reset_is_read),
        TEST(freeing_the_server_closes_its_sockets),
        TEST(a_pause_holds_what_is_already_read),
        TEST(a_pause_holds_the_peer_back),
        TEST(a_full_queue_refuses_then_drains),
        TEST(a_peer_that_never_reads_is_cut),
        TEST(a_slow_close_with_a_full_queue_is_cut),
        TEST(survives_any_failed_allocation),
        TEST(idle_connections_are_small),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
