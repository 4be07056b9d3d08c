/*
 * The live driver: what must hold whatever the machine's clock does. No time is measured here; the
 * only limit is the test's own.
 */
#include "alloc_fail.h"
#include "base/err.h"
#include "base/list.h"
#include "loop/loop.h"
#include "loop/timer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <pthread.h>

#include <cmocka.h>

#define THREADS 4
#define POSTS   1000

struct sender {
    pthread_t thread;
    struct ve_loop *loop;
    struct receiver *receiver;
    int next; /* number of the post that must come next */
    struct sent {
        struct ve_post post;
        struct sender *sender;
        int number;
    } sent[POSTS];
};

struct receiver {
    int received;
    bool in_order;
    struct sender sender[THREADS];
};

static void receive(struct ve_post *post)
{
    struct sent *sent = VE_CONTAINER(post, struct sent, post);
    struct receiver *receiver = sent->sender->receiver;
    if (sent->number != sent->sender->next++)
        receiver->in_order = false;
    if (++receiver->received == THREADS * POSTS)
        ve_loop_stop(sent->sender->loop);
}

static void *send_all(void *arg)
{
    struct sender *sender = arg;
    for (int i = 0; i < POSTS; i++) {
        sender->sent[i] = (struct sent){.post.fn = receive, .sender = sender, .number = i};
        ve_loop_post(sender->loop, &sender->sent[i].post);
    }
    return NULL;
}

static void posts_of_many_threads(void **state)
{
    (void)state;
    static struct receiver receiver;
    struct ve_loop *loop;
    receiver.in_order = true;
    assert_int_equal(ve_loop_new_live(&loop), 0);
    for (int i = 0; i < THREADS; i++) {
        receiver.sender[i].loop = loop;
        receiver.sender[i].receiver = &receiver;
        assert_int_equal(
            pthread_create(&receiver.sender[i].thread, NULL, send_all, &receiver.sender[i]), 0);
    }
    ve_loop_run(loop);
    for (int i = 0; i < THREADS; i++)
        pthread_join(receiver.sender[i].thread, NULL);
    assert_int_equal(receiver.received, THREADS * POSTS);
    assert_true(receiver.in_order);
    ve_loop_free(loop);
}

struct spinner {
    struct ve_timer timer;
    struct ve_post post;
    struct ve_loop *loop;
    unsigned long rounds;
    bool posted;
};

#define ROUNDS_MAX 5000000

static void spin(void *arg)
{
    struct spinner *spinner = arg;
    if (++spinner->rounds == ROUNDS_MAX)
        ve_loop_stop(spinner->loop); /* better a failed test than an endless one */
    else if (!spinner->posted)
        ve_timer_start(&spinner->timer, 0);
}

static void end_spin(struct ve_post *post)
{
    struct spinner *spinner = VE_CONTAINER(post, struct spinner, post);
    spinner->posted = true;
    ve_loop_stop(spinner->loop);
}

static void *post_once(void *arg)
{
    struct spinner *spinner = arg;
    ve_loop_post(spinner->loop, &spinner->post);
    return NULL;
}

/* Timers that are always due must leave room for sockets and posts. */
static void timers_do_not_starve_the_rest(void **state)
{
    (void)state;
    struct spinner spinner = {.post.fn = end_spin};
    pthread_t thread;
    assert_int_equal(ve_loop_new_live(&spinner.loop), 0);
    ve_timer_init(&spinner.timer, spinner.loop, spin, &spinner);
    ve_timer_start(&spinner.timer, 0);
    assert_int_equal(pthread_create(&thread, NULL, post_once, &spinner), 0);
    ve_loop_run(spinner.loop);
    pthread_join(thread, NULL);
    assert_true(spinner.posted);
    assert_true(spinner.rounds < ROUNDS_MAX);
    ve_timer_stop(&spinner.timer);
    ve_loop_free(spinner.loop);
}

static void repost(struct ve_post *post)
{
    struct spinner *spinner = VE_CONTAINER(post, struct spinner, post);
    if (++spinner->rounds == ROUNDS_MAX)
        ve_loop_stop(spinner->loop);
    else if (!spinner->posted)
        ve_loop_post(spinner->loop, post);
}

static void end_repost(void *arg)
{
    struct spinner *spinner = arg;
    spinner->posted = true;
    ve_loop_stop(spinner->loop);
}

static void posts_do_not_starve_timers(void **state)
{
    (void)state;
    struct spinner spinner = {.post.fn = repost};
    assert_int_equal(ve_loop_new_live(&spinner.loop), 0);
    ve_timer_init(&spinner.timer, spinner.loop, end_repost, &spinner);
    ve_timer_start(&spinner.timer, VE_MS);
    ve_loop_post(spinner.loop, &spinner.post);
    ve_loop_run(spinner.loop);
    assert_true(spinner.posted);
    assert_true(spinner.rounds < ROUNDS_MAX);
    /* the last one posted is still waiting: it belongs to this test, the loop only forgets it */
    ve_loop_free(spinner.loop);
}

struct ordered {
    struct ve_timer timer;
    struct ve_post post;
    struct ve_loop *loop;
    int *order;
    int number;
    uint64_t now_at_start;
    bool stop;
};

static void run_ordered(struct ordered *ordered)
{
    ordered->number = ++*ordered->order;
    ordered->now_at_start = ve_loop_now(ordered->loop);
    for (volatile int i = 0; i < 100000; i++) {
    }
    /* the clock stands still during a step */
    assert_true(ve_loop_now(ordered->loop) == ordered->now_at_start);
    if (ordered->stop)
        ve_loop_stop(ordered->loop);
}

static void ordered_timer(void *arg)
{
    run_ordered(arg);
}

static void ordered_post(struct ve_post *post)
{
    run_ordered(VE_CONTAINER(post, struct ordered, post));
}

static void make_ordered(struct ordered *ordered, size_t count, struct ve_loop *loop, int *order)
{
    for (size_t i = 0; i < count; i++) {
        ordered[i] = (struct ordered){.loop = loop, .order = order, .post.fn = ordered_post};
        ve_timer_init(&ordered[i].timer, loop, ordered_timer, &ordered[i]);
    }
}

static void timers_fire_in_their_order(void **state)
{
    (void)state;
    struct ve_loop *loop;
    struct ordered ordered[4];
    int order = 0;
    assert_int_equal(ve_loop_new_live(&loop), 0);
    make_ordered(ordered, 4, loop, &order);
    ve_timer_start(&ordered[3].timer, 3 * VE_MS);
    ve_timer_start(&ordered[2].timer, 2 * VE_MS);
    ve_timer_start(&ordered[0].timer, 0);
    ve_timer_start(&ordered[1].timer, 0);
    ordered[3].stop = true;
    ve_loop_run(loop);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(ordered[i].number, i + 1);
        assert_true(ordered[i].now_at_start >= ordered[i].timer.due);
    }
    ve_loop_free(loop);
}

/* "The run in progress returns after this step": the rest is there for the next run. */
static void stop_ends_after_the_step(void **state)
{
    (void)state;
    struct ve_loop *loop;
    struct ordered timed[3];
    struct ordered posted[3];
    int order = 0;
    assert_int_equal(ve_loop_new_live(&loop), 0);
    make_ordered(timed, 3, loop, &order);
    make_ordered(posted, 3, loop, &order);
    for (int i = 0; i < 3; i++)
        ve_timer_start(&timed[i].timer, 0);
    timed[1].stop = true;
    ve_loop_run(loop);
    assert_int_equal(order, 2);
    assert_int_equal(timed[2].number, 0);

    ve_timer_stop(&timed[2].timer);
    for (int i = 0; i < 3; i++)
        ve_loop_post(loop, &posted[i].post);
    posted[1].stop = true;
    ve_loop_run(loop);
    assert_int_equal(order, 4);
    posted[2].stop = true;
    ve_loop_run(loop);
    assert_int_equal(posted[2].number, 5);
    ve_loop_free(loop);
}

static void stop_before_run_ends_it_at_once(void **state)
{
    (void)state;
    struct ve_loop *loop;
    struct ordered timed;
    int order = 0;
    assert_int_equal(ve_loop_new_live(&loop), 0);
    make_ordered(&timed, 1, loop, &order);
    ve_timer_start(&timed.timer, 0);
    ve_loop_stop(loop);
    ve_loop_run(loop);
    assert_int_equal(order, 0);
    timed.stop = true;
    ve_loop_run(loop);
    assert_int_equal(order, 1);
    ve_loop_free(loop);
}

static void *run_one_loop(void *arg)
{
    struct spinner *spinner = arg;
    ve_loop_run(spinner->loop);
    return NULL;
}

static void two_loops_in_one_process(void **state)
{
    (void)state;
    struct spinner spinner[2];
    pthread_t thread[2];
    for (int i = 0; i < 2; i++) {
        spinner[i] = (struct spinner){.rounds = ROUNDS_MAX - 1000};
        assert_int_equal(ve_loop_new_live(&spinner[i].loop), 0);
        ve_timer_init(&spinner[i].timer, spinner[i].loop, spin, &spinner[i]);
        ve_timer_start(&spinner[i].timer, 0);
    }
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&thread[i], NULL, run_one_loop, &spinner[i]), 0);
    for (int i = 0; i < 2; i++) {
        pthread_join(thread[i], NULL);
        assert_int_equal(spinner[i].rounds, ROUNDS_MAX);
        ve_loop_free(spinner[i].loop);
    }
}

static int make_and_free(void *arg)
{
    (void)arg;
    struct ve_loop *loop;
    int err = ve_loop_new_live(&loop);
    if (!err)
        ve_loop_free(loop);
    return err;
}

static void without_memory(void **state)
{
    (void)state;
    assert_int_equal(test_alloc_sweep(make_and_free, NULL), 1);
}

static void the_wall_clock_is_the_machines(void **state)
{
    (void)state;
    struct ve_loop *loop;
    assert_int_equal(ve_loop_new_live(&loop), 0);
    assert_false(ve_loop_is_sim(loop));
    assert_true(ve_loop_wall_ms(loop) > 1700000000000);
    ve_loop_free(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(posts_of_many_threads),
        cmocka_unit_test(timers_do_not_starve_the_rest),
        cmocka_unit_test(posts_do_not_starve_timers),
        cmocka_unit_test(timers_fire_in_their_order),
        cmocka_unit_test(stop_ends_after_the_step),
        cmocka_unit_test(stop_before_run_ends_it_at_once),
        cmocka_unit_test(two_loops_in_one_process),
        cmocka_unit_test(without_memory),
        cmocka_unit_test(the_wall_clock_is_the_machines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
