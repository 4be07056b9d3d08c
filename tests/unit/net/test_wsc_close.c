/* Pausing, and the closing handshake. */
#include "wsc_run.h"

/* --- pausing --- */

/* Many messages in few packets, then the close frame. */
static void serve_burst(struct server *server)
{
    static char burst[100 * 102];
    struct peer peer = ws_accept(server);
    for (size_t i = 0; i < 100; i++) {
        burst[i * 102] = (char)0x82;
        burst[i * 102 + 1] = 100;
        memset(burst + i * 102 + 2, (int)('0' + i % 10), 100);
    }
    (void)peer_send(&peer, burst, sizeof(burst));
    (void)ws_close(&peer, 1001);
    peer_drain(server, &peer);
    peer_free(&peer);
}

static void resume(void *arg)
{
    struct user *user = arg;
    user->inside = false;
    user_pause(user, false);
}

/* user_data fails when something comes between pause and resume: `inside` says so. */
static void pause_a_little(struct user *user)
{
    user_pause(user, true);
    user->inside = true;
    ve_timer_init(&user->timer, user->run->loop, resume, user);
    ve_timer_start(&user->timer, VE_MS / 10);
}

static void check_burst(const struct user *user)
{
    assert_int_equal(user->messages, 100);
    assert_int_equal(user->len, 10000);
    for (size_t i = 0; i < user->len; i++)
        assert_int_equal(user->bytes[i], '0' + (int)(i / 100 % 10));
    assert_int_equal(user->code, VE_CLOSE_GOING_AWAY);
}

static void test_pause_and_resume(void **state)
{
    struct run *run = *state;
    static struct user user;
    run_begin(run, &user, serve_burst, NULL);
    user.on_message = pause_a_little;
    user_run(&user);
    check_burst(&user);
    run_end(run, &user);
}

static void test_pause_before_it_opens(void **state)
{
    struct run *run = *state;
    static struct user user;
    run_begin(run, &user, serve_burst, NULL);
    assert_int_equal(user_connect(&user), 0);
    user_pause(&user, true);
    user.on_open = pause_a_little;
    run_loop(run);
    check_burst(&user);
    run_end(run, &user);
}

static void pause_and_close(struct user *user)
{
    user_pause(user, true);
    user_close(user, VE_CLOSE_NORMAL);
}

/* The server's close frame lies behind a burst that nobody wants any more. */
static void test_close_while_paused(void **state)
{
    struct run *run = *state;
    static struct user user;
    run_begin(run, &user, serve_burst, NULL);
    user.on_message = pause_and_close;
    user_run(&user);
    assert_int_equal(user.messages, 1);
    assert_int_equal(user.code, VE_CLOSE_GOING_AWAY);
    run_end(run, &user);
}

/* --- closing --- */

struct goodbye {
    int sent;     /* by the server, -1: an empty close frame, 0: none, just the end */
    int reported; /* to the user */
};

static void serve_goodbye(struct server *server)
{
    static struct ws_frame frame;
    const struct goodbye *goodbye = server->arg;
    struct peer peer = ws_accept(server);
    if (goodbye->sent > 0)
        (void)ws_close(&peer, (unsigned)goodbye->sent);
    else if (goodbye->sent < 0)
        (void)ws_send(&peer, 0x88, "", 0);
    if (goodbye->sent && (!ws_read(server, &peer, &frame) || frame.opcode != 8 || !frame.masked))
        atomic_store(&server->broken, true);
    peer_free(&peer);
}

static void test_server_closes(void **state)
{
    static const struct goodbye cases[] = {
        {1000, 1000},
        {1001, 1001},
        {1002, 1002},
        {1003, 1003},
        {1007, 1007},
        {1008, 1008},
        {1009, 1009},
        {1011, 1011},
        {3000, 3000},
        {4999, 4999},
        {-1, VE_CLOSE_NONE},
        {0, VE_CLOSE_ABNORMAL},
        /* what the library does not know, it shows as a breach of the protocol */
        {1012, 1002},
        {1013, 1002},
    };
    struct run *run = *state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        static struct user user;
        run_begin(run, &user, serve_goodbye, &cases[i]);
        user_run(&user);
        assert_int_equal(user.opened, 1);
        assert_int_equal(user.code, cases[i].reported);
        run_end(run, &user);
    }
}

/* Says nothing more, not even goodbye. */
static void serve_stubborn(struct server *server)
{
    struct peer peer = ws_accept(server);
    peer_drain(server, &peer);
    peer_free(&peer);
}

static void test_close_is_cut_after_two_seconds(void **state)
{
    struct run *run = *state;
    static struct user user;
    run_begin(run, &user, serve_stubborn, NULL);
    user.on_open = user_close_normally;
    user_run(&user);
    assert_int_equal(user.code, VE_CLOSE_ABNORMAL);
    run_end(run, &user);
}

static void say_and_close(struct user *user)
{
    for (int i = 0; i < 3; i++)
        assert_int_equal(user_say(user, "queued before the close"), 0);
    user_close(user, VE_CLOSE_NORMAL);
    assert_int_equal(user_say(user, "too late"), VE_EGONE);
}

static void serve_count(struct server *server)
{
    static struct ws_frame frame;
    struct peer peer = ws_accept(server);
    unsigned texts = 0;
    while (ws_read(server, &peer, &frame) && frame.opcode == 1 &&
           memcmp(frame.payload, "queued before the close", frame.len) == 0)
        texts++;
    if (texts != 3 || frame.opcode != 8)
        atomic_store(&server->broken, true);
    (void)ws_send(&peer, 0x88, frame.payload, frame.len);
    peer_drain(server, &peer);
    peer_free(&peer);
}

static void test_close_sends_what_is_queued(void **state)
{
    struct run *run = *state;
    static struct user user;
    run_begin(run, &user, serve_count, NULL);
    user.on_open = say_and_close;
    user_run(&user);
    assert_int_equal(user.code, VE_CLOSE_NORMAL);
    run_end(run, &user);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_pause_and_resume, run_setup, run_teardown),
        cmocka_unit_test_setup_teardown(test_pause_before_it_opens, run_setup, run_teardown),
        cmocka_unit_test_setup_teardown(test_close_while_paused, run_setup, run_teardown),
        cmocka_unit_test_setup_teardown(test_server_closes, run_setup, run_teardown),
        cmocka_unit_test_setup_teardown(test_close_is_cut_after_two_seconds, run_setup,
                                        run_teardown),
        cmocka_unit_test_setup_teardown(test_close_sends_what_is_queued, run_setup, run_teardown),
    };
    if (ve_wsc_process_init() != 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
