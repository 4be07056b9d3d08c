#include "loop/loop.h"

#include "alloc_fail.h"
#include "base/err.h"
#include "base/list.h"
#include "loop/timer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct noted {
    struct ve_post post;
    struct ve_timer timer;
    struct ve_loop *loop;
    int *order; /* next number to give */
    int number; /* given when it ran */
    uint64_t at;
};

static void note(struct noted *noted)
{
    noted->number = ++*noted->order;
    noted->at = ve_loop_now(noted->loop);
}

static void note_post(struct ve_post *post)
{
    note(VE_CONTAINER(post, struct noted, post));
}

static void note_timer(void *arg)
{
    note(arg);
}

static void init(struct noted *noted, struct ve_loop *loop, int *order)
{
    *noted = (struct noted){.loop = loop, .order = order, .post.fn = note_post};
    ve_timer_init(&noted->timer, loop, note_timer, noted);
}

static void time_moves_only_between_steps(void **state)
{
    (void)state;
    struct ve_loop *loop;
    struct noted a;
    struct noted b;
    int order = 0;
    assert_int_equal(ve_loop_new_sim(&loop, 1790000000000), 0);
    assert_true(ve_loop_is_sim(loop));
    assert_true(ve_loop_now(loop) == 0);
    assert_true(ve_loop_wall_ms(loop) == 1790000000000);
    init(&a, loop, &order);
    init(&b, loop, &order);
    ve_timer_start(&a.timer, 100 * VE_MS);
    ve_timer_start(&b.timer, 300 * VE_MS);
    assert_false(ve_sim_step(loop, 50 * VE_MS));
    assert_true(ve_loop_now(loop) == 50 * VE_MS);
    assert_true(ve_sim_step(loop, 200 * VE_MS));
    assert_true(ve_loop_now(loop) == 100 * VE_MS);
    assert_true(ve_loop_wall_ms(loop) == 1790000000100);
    ve_sim_advance(loop, 150 * VE_MS);
    assert_true(ve_loop_now(loop) == 250 * VE_MS);
    assert_int_equal(b.number, 0);
    ve_sim_advance(loop, 50 * VE_MS);
    assert_true(b.at == 300 * VE_MS);
    ve_loop_free(loop);
}

static void each_post_is_a_step(void **state)
{
    (void)state;
    struct ve_loop *loop;
    struct noted posted[3];
    struct noted timed;
    int order = 0;
    assert_int_equal(ve_loop_new_sim(&loop, 0), 0);
    init(&timed, loop, &order);
    ve_timer_start(&timed.timer, 0);
    for (int i = 0; i < 3; i++) {
        init(&posted[i], loop, &order);
        ve_loop_post(loop, &posted[i].post);
    }
    assert_int_equal(order, 0);
    for (int i = 0; i < 3; i++) {
        assert_true(ve_sim_step(loop, 0));
        assert_int_equal(order, i + 1);
        assert_int_equal(posted[i].number, i + 1);
    }
    assert_true(ve_sim_step(loop, 0));
    assert_int_equal(timed.number, 4);
    assert_false(ve_sim_step(loop, 0));
    ve_loop_free(loop);
}

static void stop_loop(void *arg)
{
    ve_loop_stop(arg);
}

static void run_ends_with_the_work_or_when_stopped(void **state)
{
    (void)state;
    struct ve_loop *loop;
    struct noted before;
    struct noted after;
    struct ve_timer stop;
    int order = 0;
    assert_int_equal(ve_loop_new_sim(&loop, 0), 0);
    init(&before, loop, &order);
    init(&after, loop, &order);
    ve_timer_init(&stop, loop, stop_loop, loop);
    ve_timer_start(&before.timer, VE_SECOND);
    ve_timer_start(&stop, VE_SECOND);
    ve_timer_start(&after.timer, VE_SECOND);
    ve_loop_run(loop);
    assert_int_equal(before.number, 1);
    assert_int_equal(after.number, 0);
    ve_loop_run(loop);
    assert_int_equal(after.number, 2);
    assert_true(ve_loop_now(loop) == VE_SECOND);
    ve_loop_free(loop);
}

static int make_and_free(void *arg)
{
    (void)arg;
    struct ve_loop *loop;
    int err = ve_loop_new_sim(&loop, 0);
    if (!err)
        ve_loop_free(loop);
    return err;
}

static void without_memory(void **state)
{
    (void)state;
    assert_int_equal(test_alloc_sweep(make_and_free, NULL), 1);
    ve_loop_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(time_moves_only_between_steps),
        cmocka_unit_test(each_post_is_a_step),
        cmocka_unit_test(run_ends_with_the_work_or_when_stopped),
        cmocka_unit_test(without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
