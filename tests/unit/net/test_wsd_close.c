/* How a WebSocket ends: by a breach, by a handshake, by accident. */
#include "wsd_server.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(breaches_are_answered_with_their_code),    TEST(the_messages_before_a_breach_count),
        TEST(the_peers_close_is_answered_and_reported), TEST(a_close_without_code_is_1005),
        TEST(what_follows_a_close_is_not_heard),        TEST(our_close_follows_what_is_queued),
        TEST(our_close_does_not_wait_for_ever),         TEST(our_close_ends_a_pause),
        TEST(losing_the_connection_is_1006_once),       TEST(a_reset_is_seen_while_paused),
        TEST(the_close_frame_before_a_reset_is_read),   TEST(freeing_the_server_closes_its_sockets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
