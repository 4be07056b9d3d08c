/* Limits, listening and memory of the whole server. */
#include "loop/timer.h"

#include "httpd_server.h"

/* --- limits --- */

static void connections_over_the_limit_are_told_so(void **state)
{
    (void)state;
    struct server *server = server_start(&(struct ve_httpd_config){.max_connections = 2});
    struct live_answer answer;
    char value[256];
    int first = dial(server);
    int second = dial(server);
    wait_connections(server, 2);
    int third = dial(server);
    live_say(third, "GET /echo HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_true(live_read_answer(third, &answer, true));
    assert_int_equal(answer.status, 503);
    assert_string_equal(live_header(&answer, "Retry-After", value), "1");
    assert_true(live_ended(third));
    close(third);
    /* the ones that are there are served, and a place that comes free is given away */
    live_say(first, "GET /echo HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_true(live_read_answer(first, &answer, true));
    assert_int_equal(answer.status, 200);
    close(second);
    wait_connections(server, 1);
    second = dial(server);
    live_say(second, "GET /echo HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_true(live_read_answer(second, &answer, true));
    assert_int_equal(answer.status, 200);
    close(first);
    close(second);
    server_end(server);
}

static void of_too_many_connections_most_are_just_cut(void **state)
{
    (void)state;
    enum { EXTRA = 100 };
    struct server *server = server_start(&(struct ve_httpd_config){.max_connections = 1});
    int fds[EXTRA];
    int one = dial(server);
    wait_connections(server, 1);
    for (int i = 0; i < EXTRA; i++)
        fds[i] = dial(server);
    assert_true(live_ended(fds[EXTRA - 1]));
    wait_connections(server, 1);
    for (int i = 0; i < EXTRA; i++)
        close(fds[i]);
    close(one);
    wait_connections(server, 0);
    server_end(server);
}

static void one_address_may_have_a_limit_of_its_own(void **state)
{
    (void)state;
    struct server *server = server_start(&(struct ve_httpd_config){.max_per_peer = 1});
    int fd = dial(server);
    wait_connections(server, 1);
    expect_refusal(server, "GET /echo HTTP/1.1\r\nHost: a\r\n\r\n", 503, "busy");
    close(fd);
    wait_connections(server, 0);
    struct live_answer answer;
    fd = dial(server);
    live_say(fd, "GET /echo HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_true(live_read_answer(fd, &answer, true));
    assert_int_equal(answer.status, 200);
    close(fd);
    server_end(server);
}

struct rounds {
    struct server *server;
    struct ve_timer timer;
    sem_t held, go;
    unsigned counted;
};

static void on_round(void *arg)
{
    struct rounds *rounds = arg;
    rounds->server->round_requests = 0;
    ve_timer_start(&rounds->timer, 0);
}

static void start_rounds(void *arg)
{
    struct rounds *rounds = arg;
    ve_timer_init(&rounds->timer, rounds->server->live.loop, on_round, rounds);
    ve_timer_start(&rounds->timer, 0);
}

static void stop_rounds(void *arg)
{
    struct rounds *rounds = arg;
    ve_timer_stop(&rounds->timer);
    rounds->counted = rounds->server->largest_round;
}

static void hold_loop(void *arg)
{
    struct rounds *rounds = arg;
    sem_post(&rounds->held);
    sem_wait(&rounds->go);
}

static void *hold_main(void *arg)
{
    struct rounds *rounds = arg;
    live_call(&rounds->server->live, hold_loop, rounds);
    return NULL;
}

/* 200 requests lie ready when the loop comes back from something long. */
static void a_burst_of_requests_is_spread_over_rounds(void **state)
{
    (void)state;
    enum { BURST = 200 };
    struct server *server = server_start(NULL);
    struct rounds rounds = {.server = server};
    pthread_t holder;
    int fds[BURST];
    sem_init(&rounds.held, 0, 0);
    sem_init(&rounds.go, 0, 0);
    for (int i = 0; i < BURST; i++)
        fds[i] = dial(server);
    wait_connections(server, BURST);
    live_call(&server->live, start_rounds, &rounds);
    assert_int_equal(pthread_create(&holder, NULL, hold_main, &rounds), 0);
    sem_wait(&rounds.held);
    for (int i = 0; i < BURST; i++)
        live_say(fds[i], "GET /echo HTTP/1.1\r\nHost: a\r\n\r\n");
    sem_post(&rounds.go);
    pthread_join(holder, NULL);
    for (int i = 0; i < BURST; i++) {
        struct live_answer answer;
        assert_true(live_read_answer(fds[i], &answer, true));
        assert_int_equal(answer.status, 200);
        close(fds[i]);
    }
    live_call(&server->live, stop_rounds, &rounds);
    assert_true(rounds.counted <= 64);
    assert_int_equal(requests(server), BURST);
    server_end(server);
}

static void a_request_that_waits_for_its_round_may_be_lost(void **state)
{
    (void)state;
    enum { BURST = 100 };
    struct server *server = server_start(NULL);
    struct rounds rounds = {.server = server};
    pthread_t holder;
    int fds[BURST];
    sem_init(&rounds.held, 0, 0);
    sem_init(&rounds.go, 0, 0);
    for (int i = 0; i < BURST; i++)
        fds[i] = dial(server);
    wait_connections(server, BURST);
    assert_int_equal(pthread_create(&holder, NULL, hold_main, &rounds), 0);
    sem_wait(&rounds.held);
    for (int i = 0; i < BURST; i++)
        live_say(fds[i], "GET /echo HTTP/1.1\r\nHost: a\r\n\r\n");
    sem_post(&rounds.go);
    for (int i = 0; i < BURST; i++)
        reset(fds[i]);
    pthread_join(holder, NULL);
    wait_connections(server, 0);
    server_end(server);
}

/* --- listening --- */

static void a_taken_port_is_explained(void **state)
{
    (void)state;
    struct server *server = server_start(NULL);
    struct ve_httpd *second;
    struct ve_loop *loop;
    char why[160];
    struct ve_httpd_config config = {
        .host = "127.0.0.1", .port = ve_httpd_port(server->httpd), .log = &server->log};
    assert_int_equal(ve_loop_new_live(&loop), 0);
    assert_int_equal(ve_httpd_new(&second, loop, &config, &handlers, server, why), VE_EIO);
    assert_non_null(strstr(why, "is taken"));
    ve_loop_free(loop);
    server_end(server);
}

static void two_workers_may_share_a_port(void **state)
{
    (void)state;
    struct server *server = server_start(&(struct ve_httpd_config){.shared_port = true});
    struct ve_httpd *second;
    struct ve_loop *loop;
    char why[160];
    struct ve_httpd_config config = {.host = "127.0.0.1",
                                     .port = ve_httpd_port(server->httpd),
                                     .shared_port = true,
                                     .log = &server->log};
    assert_int_equal(ve_loop_new_live(&loop), 0);
    assert_int_equal(ve_httpd_new(&second, loop, &config, &handlers, server, why), 0);
    ve_httpd_free(second);
    ve_loop_free(loop);
    server_end(server);
}

static void addresses_that_are_none_are_explained(void **state)
{
    (void)state;
    struct ve_log log = live_log();
    struct ve_httpd *httpd;
    struct ve_loop *loop;
    char why[160];
    struct ve_httpd_config config = {.host = "not an address", .log = &log};
    assert_int_equal(ve_loop_new_live(&loop), 0);
    assert_int_equal(ve_httpd_new(&httpd, loop, &config, &handlers, NULL, why), VE_EINVAL);
    assert_non_null(strstr(why, "\"not an address\" is not an address"));
    config.host = "192.0.2.1"; /* of RFC 5737: nobody's */
    assert_int_equal(ve_httpd_new(&httpd, loop, &config, &handlers, NULL, why), VE_EIO);
    assert_non_null(strstr(why, "this machine has no address 192.0.2.1"));
    ve_loop_free(loop);
    struct ve_loop *sim;
    config.host = "localhost";
    assert_int_equal(ve_loop_new_sim(&sim, 0), 0);
    assert_int_equal(ve_httpd_new(&httpd, sim, &config, &handlers, NULL, why), VE_EINVAL);
    ve_loop_free(sim);
}

static void stop_listening(void *arg)
{
    struct server *server = arg;
    ve_httpd_stop_listening(server->httpd);
}

static void after_listening_has_stopped_connections_go_on(void **state)
{
    (void)state;
    struct server *server = server_start(NULL);
    struct live_answer answer;
    int fd = dial(server);
    wait_connections(server, 1);
    live_call(&server->live, stop_listening, server);
    assert_int_equal(live_connect(ve_httpd_port(server->httpd)), -1);
    live_say(fd, "GET /echo HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_true(live_read_answer(fd, &answer, true));
    assert_int_equal(answer.status, 200);
    close(fd);
    server_end(server);
}

static void read_stats(void *arg)
{
    struct server *server = arg;
    server->stats = ve_httpd_stats(server->httpd);
}

static void traffic_is_counted(void **state)
{
    (void)state;
    static const char request[] = "GET /echo HTTP/1.1\r\nHost: a\r\n\r\n";
    struct server *server = server_start(NULL);
    struct live_answer answer;
    int fd = dial(server);
    live_say(fd, request);
    assert_true(live_read_answer(fd, &answer, true));
    live_call(&server->live, read_stats, server);
    assert_int_equal(server->stats.accepted, 1);
    assert_int_equal(server->stats.refused, 0);
    assert_int_equal(server->stats.bytes_in, sizeof(request) - 1);
    assert_int_equal(server->stats.bytes_out, strlen(answer.head) + answer.body_len);
    close(fd);
    server_end(server);
}

/* --- out of memory --- */

/* Whatever allocation fails, the client gets an answer or the end of its connection, never a
 * connection that hangs; and nothing is left behind. */
static int exchange(void *arg)
{
    static struct server server;
    (void)arg;
    int err = server_open(&server, &(struct ve_httpd_config){.max_body = 5000});
    if (err)
        return err;
    struct live_answer answer;
    char request[1200] = "POST /echo?x=y HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n";
    memset(request + strlen(request), 'b', 1000);
    int fd = live_connect(ve_httpd_port(server.httpd));
    bool good = false;
    if (live_say(fd, request) && live_read_answer(fd, &answer, true)) {
        good = answer.status == 200;
        live_say(fd, "BAD\r\n\r\n");
        good =
            live_read_answer(fd, &answer, true) && answer.status == 400 && answer.body_len && good;
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
    long failed = test_alloc_sweep(exchange, NULL);
    assert_true(failed > 15);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(connections_over_the_limit_are_told_so),
        TEST(of_too_many_connections_most_are_just_cut),
        TEST(one_address_may_have_a_limit_of_its_own),
        TEST(a_burst_of_requests_is_spread_over_rounds),
        TEST(a_request_that_waits_for_its_round_may_be_lost),
        TEST(a_taken_port_is_explained),
        TEST(two_workers_may_share_a_port),
        TEST(addresses_that_are_none_are_explained),
        TEST(after_listening_has_stopped_connections_go_on),
        TEST(traffic_is_counted),
        TEST(survives_any_failed_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
