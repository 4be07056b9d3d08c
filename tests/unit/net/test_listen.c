#include "net/listen.h"

#include "base/err.h"
#include "loop/timer.h"

#include <stdlib.h>
#include <sys/resource.h>

#include "live.h"

enum { CLIENTS = 30 };

struct server {
    struct ve_loop *loop;
    struct ve_log log;
    struct ve_listener *listener;
    struct ve_timer guard;
    unsigned accepted, wanted;
    unsigned batch, largest_batch; /* accepted in one step */
    uint64_t step;                 /* ve_loop_now of the batch */
    int fd[CLIENTS];
    char peer[64];
    bool late;
};

static void on_accepted(void *arg, int fd, const char *peer)
{
    struct server *server = arg;
    if (server->step != ve_loop_now(server->loop))
        server->batch = 0;
    server->step = ve_loop_now(server->loop);
    if (++server->batch > server->largest_batch)
        server->largest_batch = server->batch;
    server->fd[server->accepted++] = fd;
    ve_str_copy(server->peer, sizeof(server->peer), ve_str(peer));
    if (server->accepted == server->wanted)
        ve_loop_stop(server->loop);
}

static void on_guard(void *arg)
{
    struct server *server = arg;
    server->late = true;
    ve_loop_stop(server->loop);
}

static int server_open(struct server *server, const char *host)
{
    char why[160];
    *server = (struct server){.log = live_log(), .wanted = 1};
    struct ve_listen_config config = {
        .host = host, .log = &server->log, .accepted = on_accepted, .arg = server};
    assert_int_equal(ve_loop_new_live(&server->loop), 0);
    ve_timer_init(&server->guard, server->loop, on_guard, server);
    return ve_listener_new(&server->listener, server->loop, &config, why);
}

static void run(struct server *server)
{
    ve_timer_start(&server->guard, WAIT_SECONDS * VE_SECOND);
    ve_loop_run(server->loop);
    ve_timer_stop(&server->guard);
    assert_false(server->late);
}

static void server_end(struct server *server)
{
    for (unsigned i = 0; i < server->accepted; i++)
        close(server->fd[i]);
    ve_listener_free(server->listener);
    ve_loop_free(server->loop);
}

static int option(int fd, int level, int name)
{
    int value = -1;
    socklen_t len = sizeof(value);
    assert_int_equal(getsockopt(fd, level, name, &value, &len), 0);
    return value;
}

static void accepted_sockets_have_their_options(void **state)
{
    (void)state;
    struct server server;
    assert_int_equal(server_open(&server, "127.0.0.1"), 0);
    int fd = live_connect(ve_listener_port(server.listener));
    run(&server);
    assert_int_equal(option(server.fd[0], IPPROTO_TCP, TCP_NODELAY), 1);
    assert_int_equal(option(server.fd[0], SOL_SOCKET, SO_KEEPALIVE), 1);
    assert_int_equal(option(server.fd[0], IPPROTO_TCP, TCP_KEEPIDLE), 60);
    assert_int_equal(option(server.fd[0], IPPROTO_TCP, TCP_USER_TIMEOUT), 30000);
    char byte;
    assert_int_equal(recv(server.fd[0], &byte, 1, 0), -1);
    assert_int_equal(errno, EAGAIN); /* non-blocking */
    assert_string_equal(server.peer, "127.0.0.1");
    close(fd);
    server_end(&server);
}

static void a_burst_is_taken_in_small_batches(void **state)
{
    (void)state;
    struct server server;
    int fds[CLIENTS];
    assert_int_equal(server_open(&server, "127.0.0.1"), 0);
    for (int i = 0; i < CLIENTS; i++)
        fds[i] = live_connect(ve_listener_port(server.listener));
    server.wanted = CLIENTS;
    run(&server);
    assert_int_equal(server.largest_batch, 8);
    for (int i = 0; i < CLIENTS; i++)
        close(fds[i]);
    server_end(&server);
}

static void stop_loop(void *arg)
{
    ve_loop_stop(arg);
}

static void without_descriptors_it_waits_and_comes_back(void **state)
{
    (void)state;
    struct server server;
    struct rlimit limit, none;
    assert_int_equal(server_open(&server, "127.0.0.1"), 0);
    int fd = live_connect(ve_listener_port(server.listener));
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    none = limit;
    none.rlim_cur = 3;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    struct ve_timer probe;
    ve_timer_init(&probe, server.loop, stop_loop, server.loop);
    ve_timer_start(&probe, 20 * VE_MS);
    run(&server);
    assert_int_equal(server.accepted, 0);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    /* a second one: valgrind, which keeps the limit itself, has taken and closed the first */
    int second = live_connect(ve_listener_port(server.listener));
    run(&server);
    assert_true(server.accepted >= 1);
    close(fd);
    close(second);
    server_end(&server);
}

static void ipv6_peers_and_ipv4_ones_on_the_same_socket(void **state)
{
    (void)state;
    struct server server;
    if (server_open(&server, "::") != 0) {
        ve_loop_free(server.loop);
        skip(); /* this machine has no IPv6 */
    }
    int fd = live_connect(ve_listener_port(server.listener));
    run(&server);
    assert_string_equal(server.peer, "127.0.0.1");
    close(fd);
    struct sockaddr_in6 address = {.sin6_family = AF_INET6,
                                   .sin6_port = htons(ve_listener_port(server.listener)),
                                   .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0) {
        server.wanted = 2;
        run(&server);
        assert_string_equal(server.peer, "::1");
    }
    close(fd);
    server_end(&server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accepted_sockets_have_their_options),
        cmocka_unit_test(a_burst_is_taken_in_small_batches),
        cmocka_unit_test(without_descriptors_it_waits_and_comes_back),
        cmocka_unit_test(ipv6_peers_and_ipv4_ones_on_the_same_socket),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
