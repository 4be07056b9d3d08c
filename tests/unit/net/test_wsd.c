#include "wsd_server.h"

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
                                  &HANDSHAKE[strlen("GET /echo")]);
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
    for (uint16_t i = 0; i < 1000; i++)
        len += ws_client_frame(wire + len, 0x82, &i, 2);
    assert_true(live_send(fd, wire, len));
    for (uint16_t i = 0; i < 1000; i++)
        expect_frame(fd, 0x82, &i, 2);
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
        TEST(a_ping_is_answered_with_its_payload),
        TEST(a_pong_nobody_asked_for_is_ignored),
        TEST(a_flood_of_pings_gets_few_pongs_and_the_newest),
        TEST(pings_of_a_peer_that_does_not_read_do_not_pile_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
