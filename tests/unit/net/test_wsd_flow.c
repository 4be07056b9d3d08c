/* Pauses, full queues, and memory. */
#include "wsd_server.h"

#include <malloc.h>
#include <sys/resource.h>

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

int main(void)
{
    const struct CMUnitTest tests[] = {
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
