#include "net/stream.h"

#include "alloc_fail.h"
#include "base/alloc.h"
#include "base/err.h"
#include "loop/timer.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define GUARD (20 * VE_SECOND)

/* One stream over a pair of sockets, whose other end is the test's. The loop runs on the test's own
 * thread until a callback has seen what was waited for. */
struct pair {
    struct ve_loop *loop;
    struct ve_hub *hub;
    struct ve_stream *stream;
    struct ve_timer guard, round;
    int peer;
    /* what to do with bytes */
    size_t take;      /* at most so many at a time */
    bool pause_after; /* pause whenever something has been taken */
    unsigned answers; /* messages sent back per piece */
    bool finish;      /* let go of the stream at the first piece */
    /* what was seen */
    uint8_t heard[70000];
    size_t heard_len, wanted; /* the loop stops at `wanted` */
    unsigned reads, ended, drained, lost, gone;
    bool mark, late;
};

static int send_text(struct pair *pair, const char *text)
{
    struct ve_out *out = ve_out_new(strlen(text));
    if (!out)
        return VE_ENOMEM;
    memcpy(ve_out_payload(out), text, strlen(text));
    out->len = strlen(text);
    return ve_stream_send(pair->stream, out, 0);
}

static size_t on_read(void *arg, uint8_t *bytes, size_t len)
{
    struct pair *pair = arg;
    size_t n = len < pair->take ? len : pair->take;
    memcpy(pair->heard + pair->heard_len, bytes, n);
    pair->heard_len += n;
    pair->reads++;
    for (unsigned i = 0; i < pair->answers; i++)
        (void)send_text(pair, "abc");
    if (pair->pause_after)
        ve_stream_pause(pair->stream, true);
    if (pair->finish)
        ve_stream_finish(pair->stream, GUARD);
    if (pair->heard_len >= pair->wanted || pair->pause_after)
        ve_loop_stop(pair->loop);
    return n;
}

static void on_ended(void *arg)
{
    struct pair *pair = arg;
    pair->ended++;
    ve_loop_stop(pair->loop);
}

static void on_drained(void *arg)
{
    struct pair *pair = arg;
    pair->drained++;
    ve_loop_stop(pair->loop);
}

static void on_lost(void *arg)
{
    struct pair *pair = arg;
    pair->lost++;
    pair->stream = NULL;
    ve_loop_stop(pair->loop);
}

static void on_gone(void *arg, const struct ve_stream *stream)
{
    struct pair *pair = arg;
    pair->gone++;
    pair->mark = ve_stream_mark(stream);
    ve_loop_stop(pair->loop);
}

static const struct ve_stream_events events = {on_read, on_ended, on_drained, on_lost};

static void on_guard(void *arg)
{
    struct pair *pair = arg;
    pair->late = true;
    ve_loop_stop(pair->loop);
}

/* Until a callback stops the loop. */
static void run(struct pair *pair)
{
    ve_timer_start(&pair->guard, GUARD);
    ve_loop_run(pair->loop);
    ve_timer_stop(&pair->guard);
    assert_false(pair->late);
}

static void on_round(void *arg)
{
    struct pair *pair = arg;
    ve_loop_stop(pair->loop);
}

/* One round of the loop. */
static void go_round(struct pair *pair)
{
    ve_timer_start(&pair->round, 0);
    ve_loop_run(pair->loop);
    ve_timer_stop(&pair->round);
}

static int open_pair(struct pair *pair, int type)
{
    int ends[2];
    *pair = (struct pair){.take = SIZE_MAX, .wanted = SIZE_MAX};
    int err = ve_loop_new_live(&pair->loop);
    if (err)
        return err;
    ve_timer_init(&pair->guard, pair->loop, on_guard, pair);
    ve_timer_init(&pair->round, pair->loop, on_round, pair);
    struct ve_hub_config config = {.loop = pair->loop, .gone = on_gone, .arg = pair};
    err = ve_hub_new(&pair->hub, &config);
    if (!err) {
        assert_int_equal(socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, ends), 0);
        pair->peer = ends[1];
        struct timeval wait = {.tv_sec = 20};
        setsockopt(pair->peer, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
        (void)fcntl(ends[0], F_SETFL, O_NONBLOCK);
        err = ve_stream_new(&pair->stream, pair->hub, ends[0], "somebody", &events, pair);
        if (err) {
            close(pair->peer);
            ve_hub_free(pair->hub);
        }
    }
    if (err)
        ve_loop_free(pair->loop);
    return err;
}

static struct pair *new_pair(int type)
{
    struct pair *pair = calloc(1, sizeof(*pair));
    assert_int_equal(open_pair(pair, type), 0);
    return pair;
}

static void end_pair(struct pair *pair)
{
    ve_hub_free(pair->hub);
    ve_loop_free(pair->loop);
    close(pair->peer);
    free(pair);
}

static void say(struct pair *pair, const char *text)
{
    assert_int_equal(send(pair->peer, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

static void bytes_come_as_they_are(void **state)
{
    (void)state;
    struct pair *pair = new_pair(SOCK_STREAM);
    pair->wanted = 5;
    say(pair, "hello");
    run(pair);
    assert_memory_equal(pair->heard, "hello", 5);
    assert_int_equal(pair->reads, 1);
    assert_string_equal(ve_stream_peer(pair->stream), "somebody");
    assert_false(ve_stream_is_tls(pair->stream));
    end_pair(pair);
}

static void what_is_not_taken_is_given_again(void **state)
{
    (void)state;
    struct pair *pair = new_pair(SOCK_STREAM);
    pair->take = 2;
    pair->wanted = 7;
    say(pair, "hello");
    say(pair, "!!");
    run(pair);
    assert_memory_equal(pair->heard, "hello!!", 7);
    assert_true(pair->reads >= 4);
    end_pair(pair);
}

static void a_pause_keeps_the_rest(void **state)
{
    (void)state;
    struct pair *pair = new_pair(SOCK_STREAM);
    pair->take = 2;
    pair->pause_after = true;
    say(pair, "hello");
    run(pair);
    assert_int_equal(pair->heard_len, 2);
    say(pair, " you");
    for (int i = 0; i < 4; i++) {
        ve_stream_pause(pair->stream, false);
        run(pair);
    }
    assert_memory_equal(pair->heard, "hello you", 9);
    assert_int_equal(pair->reads, 5);
    end_pair(pair);
}

static void the_end_comes_after_the_bytes_and_after_the_pause(void **state)
{
    (void)state;
    struct pair *pair = new_pair(SOCK_STREAM);
    pair->take = 3;
    pair->pause_after = true;
    say(pair, "hello");
    shutdown(pair->peer, SHUT_WR);
    run(pair);
    assert_int_equal(pair->ended, 0);
    ve_stream_pause(pair->stream, false);
    run(pair);
    assert_int_equal(pair->heard_len, 5);
    assert_int_equal(pair->ended, 0);
    ve_stream_pause(pair->stream, false);
    run(pair);
    assert_int_equal(pair->ended, 1);
    /* writing goes on */
    assert_int_equal(send_text(pair, "bye"), 0);
    char got[10];
    assert_int_equal(recv(pair->peer, got, sizeof(got), 0), 3);
    end_pair(pair);
}

/* With records instead of a stream of bytes the test sees the writes themselves. */
static void messages_of_a_step_go_in_one_write(void **state)
{
    (void)state;
    struct pair *pair = new_pair(SOCK_SEQPACKET);
    char got[100];
    pair->answers = 5;
    pair->wanted = 1;
    say(pair, "x");
    run(pair);
    assert_int_equal(recv(pair->peer, got, sizeof(got), 0), 15);
    assert_memory_equal(got, "abcabcabcabcabc", 15);
    /* outside of a step of this stream nothing is waited for */
    assert_int_equal(send_text(pair, "one"), 0);
    assert_int_equal(send_text(pair, "two"), 0);
    assert_int_equal(recv(pair->peer, got, sizeof(got), 0), 3);
    assert_int_equal(recv(pair->peer, got, sizeof(got), 0), 3);
    end_pair(pair);
}

static int send_block(struct pair *pair, size_t limit)
{
    struct ve_out *out = ve_out_new(10000);
    assert_non_null(out);
    memset(ve_out_payload(out), 'b', 10000);
    out->len = 10000;
    return ve_stream_send(pair->stream, out, limit);
}

static void a_queue_has_a_limit_and_drains(void **state)
{
    (void)state;
    struct pair *pair = new_pair(SOCK_STREAM);
    char got[50000];
    int err = 0;
    size_t sent = 0;
    assert_int_equal(send_block(pair, 9999), VE_ETOOBIG);
    while (!err) {
        err = send_block(pair, 50000);
        sent += err ? 0 : 10000;
    }
    assert_int_equal(err, VE_EBUSY);
    assert_true(ve_stream_is_blocked(pair->stream));
    assert_true(ve_stream_queued(pair->stream) > 40000 && ve_stream_queued(pair->stream) <= 50000);
    assert_int_equal(ve_stream_sent(pair->stream) + ve_stream_queued(pair->stream), sent);
    for (int i = 0; i < 10000 && !pair->drained; i++) {
        while (recv(pair->peer, got, sizeof(got), MSG_DONTWAIT) > 0) {
        }
        go_round(pair);
    }
    assert_int_equal(pair->drained, 1);
    assert_int_equal(ve_stream_queued(pair->stream), 0);
    assert_false(ve_stream_is_blocked(pair->stream));
    end_pair(pair);
}

static void finishing_sends_what_is_queued_then_waits_for_the_peer(void **state)
{
    (void)state;
    struct pair *pair = new_pair(SOCK_STREAM);
    char got[10];
    pair->answers = 1;
    pair->finish = true;
    pair->wanted = 1;
    ve_stream_set_mark(pair->stream, true);
    say(pair, "x");
    run(pair);
    assert_int_equal(recv(pair->peer, got, sizeof(got), 0), 3);
    assert_int_equal(recv(pair->peer, got, sizeof(got), 0), 0);
    say(pair, "nobody hears this");
    assert_int_equal(pair->gone, 0);
    assert_int_equal(ve_hub_stats(pair->hub).streams, 1);
    shutdown(pair->peer, SHUT_RDWR);
    run(pair);
    assert_int_equal(pair->gone, 1);
    assert_true(pair->mark);
    assert_int_equal(pair->reads, 1);
    assert_int_equal(pair->ended + pair->lost, 0);
    assert_int_equal(ve_hub_stats(pair->hub).streams, 0);
    end_pair(pair);
}

static void finishing_does_not_wait_for_ever(void **state)
{
    (void)state;
    struct pair *pair = new_pair(SOCK_STREAM);
    ve_stream_finish(pair->stream, VE_MS);
    run(pair);
    assert_int_equal(pair->gone, 1);
    assert_int_equal(pair->lost, 0);
    end_pair(pair);
}

static void a_broken_connection_is_reported_in_a_step_of_its_own(void **state)
{
    (void)state;
    struct pair *pair = new_pair(SOCK_STREAM);
    close(pair->peer);
    pair->peer = -1;
    (void)send_text(pair, "into the void");
    assert_int_equal(pair->lost, 0);
    assert_int_equal(send_text(pair, "again"), VE_EGONE);
    run(pair);
    while (!pair->lost)
        run(pair);
    assert_int_equal(pair->lost, 1);
    assert_int_equal(pair->gone, 1);
    end_pair(pair);
}

static void closing_reports_nothing(void **state)
{
    (void)state;
    struct pair *pair = new_pair(SOCK_STREAM);
    char got[10];
    ve_stream_close(pair->stream);
    ve_stream_close(pair->stream);
    assert_int_equal(recv(pair->peer, got, sizeof(got), 0), 0);
    end_pair(pair);
}

static void freeing_the_hub_cuts_what_is_left(void **state)
{
    (void)state;
    struct pair *pair = new_pair(SOCK_STREAM);
    char got[10];
    ve_hub_free(pair->hub);
    pair->hub = NULL;
    assert_int_equal(pair->lost, 1);
    assert_int_equal(recv(pair->peer, got, sizeof(got), 0), 0);
    end_pair(pair);
}

static int scenario(void *arg)
{
    struct pair *pair = calloc(1, sizeof(*pair));
    (void)arg;
    int err = open_pair(pair, SOCK_STREAM);
    if (err) {
        free(pair);
        return err;
    }
    pair->take = 2;
    pair->wanted = 5;
    pair->answers = 1;
    say(pair, "hello");
    run(pair);
    bool heard = pair->heard_len == 5;
    /* every piece is answered, so a missing answer tells of a message that could not be made */
    char got[20];
    ssize_t answered = heard ? recv(pair->peer, got, sizeof(got), MSG_DONTWAIT) : 0;
    bool whole = heard && answered == 3 * (ssize_t)pair->reads;
    assert_true(heard || pair->lost);
    end_pair(pair);
    return whole ? 0 : VE_ENOMEM;
}

static void survives_any_failed_allocation(void **state)
{
    (void)state;
    assert_true(test_alloc_sweep(scenario, NULL) > 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_come_as_they_are),
        cmocka_unit_test(what_is_not_taken_is_given_again),
        cmocka_unit_test(a_pause_keeps_the_rest),
        cmocka_unit_test(the_end_comes_after_the_bytes_and_after_the_pause),
        cmocka_unit_test(messages_of_a_step_go_in_one_write),
        cmocka_unit_test(a_queue_has_a_limit_and_drains),
        cmocka_unit_test(finishing_sends_what_is_queued_then_waits_for_the_peer),
        cmocka_unit_test(finishing_does_not_wait_for_ever),
        cmocka_unit_test(a_broken_connection_is_reported_in_a_step_of_its_own),
        cmocka_unit_test(closing_reports_nothing),
        cmocka_unit_test(freeing_the_hub_cuts_what_is_left),
        cmocka_unit_test(survives_any_failed_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
