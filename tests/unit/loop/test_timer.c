#include "loop/timer.h"

#include "base/alloc.h"
#include "base/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* What fired, as a text of one letter each. */
struct trace {
    char text[64];
    size_t len;
};

struct named {
    struct ve_timer timer;
    struct trace *trace;
    char name;
    struct ve_timer *stop;  /* stopped when this one fires */
    struct ve_timer *start; /* started with `delay` when this one fires */
    uint64_t delay;
};

static void fire(void *arg)
{
    struct named *named = arg;
    assert_true(named->trace->len < sizeof(named->trace->text) - 1);
    named->trace->text[named->trace->len++] = named->name;
    assert_false(named->timer.active);
    if (named->stop)
        ve_timer_stop(named->stop);
    if (named->start)
        ve_timer_start(named->start, named->delay);
}

struct fixture {
    struct ve_loop *loop;
    struct trace trace;
    struct named a;
    struct named b;
    struct named c;
};

static void name_timer(struct fixture *f, struct named *named, char name)
{
    *named = (struct named){.trace = &f->trace, .name = name};
    ve_timer_init(&named->timer, f->loop, fire, named);
}

static int set_up(void **state)
{
    static struct fixture fixture;
    fixture = (struct fixture){.loop = NULL};
    *state = &fixture;
    if (ve_loop_new_sim(&fixture.loop, 0) != 0)
        return -1;
    name_timer(&fixture, &fixture.a, 'a');
    name_timer(&fixture, &fixture.b, 'b');
    name_timer(&fixture, &fixture.c, 'c');
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    ve_loop_free(f->loop);
    return 0;
}

static void by_due_then_by_starting(void **state)
{
    struct fixture *f = *state;
    ve_timer_start(&f->a.timer, 2 * VE_MS);
    ve_timer_start(&f->b.timer, VE_MS);
    ve_timer_start(&f->c.timer, 2 * VE_MS);
    ve_sim_advance(f->loop, VE_SECOND);
    assert_string_equal(f->trace.text, "bac");
    assert_true(ve_loop_now(f->loop) == VE_SECOND);
}

static void starting_again_goes_to_the_back(void **state)
{
    struct fixture *f = *state;
    ve_timer_start(&f->a.timer, VE_MS);
    ve_timer_start(&f->b.timer, VE_MS);
    ve_timer_start(&f->a.timer, VE_MS);
    ve_sim_advance(f->loop, VE_SECOND);
    assert_string_equal(f->trace.text, "ba");
}

static void delay_zero_is_the_next_step(void **state)
{
    struct fixture *f = *state;
    f->a.start = &f->b.timer;
    ve_timer_start(&f->a.timer, 0);
    assert_string_equal(f->trace.text, "");
    assert_true(ve_sim_step(f->loop, 0));
    assert_string_equal(f->trace.text, "a");
    assert_true(ve_sim_step(f->loop, 0));
    assert_string_equal(f->trace.text, "ab");
    assert_false(ve_sim_step(f->loop, 0));
    assert_true(ve_loop_now(f->loop) == 0);
}

static void a_stopped_timer_does_not_fire(void **state)
{
    struct fixture *f = *state;
    ve_timer_stop(&f->a.timer);
    ve_timer_start(&f->a.timer, VE_MS);
    ve_timer_start(&f->b.timer, VE_MS);
    ve_timer_stop(&f->a.timer);
    ve_timer_stop(&f->a.timer);
    ve_sim_advance(f->loop, VE_SECOND);
    assert_string_equal(f->trace.text, "b");
}

static void stopping_one_that_is_due_too(void **state)
{
    struct fixture *f = *state;
    f->a.stop = &f->b.timer;
    ve_timer_start(&f->a.timer, VE_MS);
    ve_timer_start(&f->b.timer, VE_MS);
    ve_timer_start(&f->c.timer, VE_MS);
    ve_sim_advance(f->loop, VE_SECOND);
    assert_string_equal(f->trace.text, "ac");
}

static void restarting_itself(void **state)
{
    struct fixture *f = *state;
    f->a.start = &f->a.timer;
    f->a.delay = 20 * VE_MS;
    ve_timer_start(&f->a.timer, 20 * VE_MS);
    ve_sim_advance(f->loop, 100 * VE_MS);
    assert_string_equal(f->trace.text, "aaaaa");
    ve_timer_stop(&f->a.timer);
}

/* A timer that is due may be moved by one that fires before it. */
static void restarting_another_that_is_due(void **state)
{
    struct fixture *f = *state;
    f->a.start = &f->b.timer;
    f->a.delay = 5 * VE_MS;
    ve_timer_start(&f->a.timer, VE_MS);
    ve_timer_start(&f->b.timer, VE_MS);
    ve_timer_start(&f->c.timer, 3 * VE_MS);
    ve_sim_advance(f->loop, VE_SECOND);
    assert_string_equal(f->trace.text, "acb");
}

static void a_moment_in_the_past_is_now(void **state)
{
    struct fixture *f = *state;
    ve_sim_advance(f->loop, VE_SECOND);
    ve_timer_start_at(&f->a.timer, 5);
    assert_true(f->a.timer.due == VE_SECOND);
    assert_true(ve_sim_step(f->loop, VE_SECOND));
    assert_string_equal(f->trace.text, "a");
    assert_true(ve_loop_lag(f->loop) == 0);
}

static void never_is_never(void **state)
{
    struct fixture *f = *state;
    ve_sim_advance(f->loop, VE_SECOND);
    ve_timer_start(&f->a.timer, UINT64_MAX);
    ve_timer_start(&f->b.timer, UINT64_MAX - VE_MS);
    ve_sim_advance(f->loop, 1000 * VE_SECOND);
    assert_string_equal(f->trace.text, "");
    assert_true(f->a.timer.active && f->b.timer.active);
    ve_timer_stop(&f->a.timer);
    ve_timer_stop(&f->b.timer);
}

/* --- against a model: an array that is searched from end to end --------------------------------
 */

#define TIMERS 40

struct model {
    struct ve_loop *loop;
    struct ve_rng rng;
    struct ve_timer timer[TIMERS];
    uint64_t due[TIMERS];
    uint64_t started[TIMERS];
    bool active[TIMERS];
    uint64_t starts;
    int fired;
};

struct modelled {
    struct model *model;
    int index;
};

static int first_in(const struct model *model)
{
    int first = -1;
    for (int i = 0; i < TIMERS; i++) {
        if (!model->active[i])
            continue;
        if (first < 0 || model->due[i] < model->due[first] ||
            (model->due[i] == model->due[first] && model->started[i] < model->started[first]))
            first = i;
    }
    return first;
}

static void do_something(struct model *model)
{
    int i = (int)ve_rng_below(&model->rng, TIMERS);
    /* few different delays, so that many are due together */
    uint64_t delay = ve_rng_below(&model->rng, 8);
    switch (ve_rng_below(&model->rng, 4)) {
    case 0:
        ve_timer_stop(&model->timer[i]);
        model->active[i] = false;
        return;
    case 1:
        ve_timer_start_at(&model->timer[i], delay);
        model->due[i] = ve_loop_now(model->loop) > delay ? ve_loop_now(model->loop) : delay;
        break;
    default:
        ve_timer_start(&model->timer[i], delay);
        model->due[i] = ve_loop_now(model->loop) + delay;
    }
    model->started[i] = model->starts++;
    model->active[i] = true;
}

static void model_fire(void *arg)
{
    struct modelled *modelled = arg;
    struct model *model = modelled->model;
    assert_int_equal(modelled->index, first_in(model));
    assert_true(ve_loop_now(model->loop) == model->due[modelled->index]);
    model->active[modelled->index] = false;
    model->fired++;
    for (uint64_t n = ve_rng_below(&model->rng, 3); n; n--)
        do_something(model);
}

static void against_a_model(void **state)
{
    struct fixture *f = *state;
    struct model model = {.loop = f->loop};
    struct modelled modelled[TIMERS];
    ve_rng_seed(&model.rng, 2026);
    for (int i = 0; i < TIMERS; i++) {
        modelled[i] = (struct modelled){&model, i};
        ve_timer_init(&model.timer[i], f->loop, model_fire, &modelled[i]);
    }
    for (int n = 0; n < 10000; n++) {
        do_something(&model);
        if (ve_rng_below(&model.rng, 3) == 0)
            (void)ve_sim_step(f->loop, ve_loop_now(f->loop) + ve_rng_below(&model.rng, 4));
        for (int i = 0; i < TIMERS; i++)
            assert_int_equal(model.timer[i].active, model.active[i]);
    }
    assert_true(model.fired > 1000);
    for (int i = 0; i < TIMERS; i++)
        ve_timer_stop(&model.timer[i]);
    assert_false(ve_sim_step(f->loop, UINT64_MAX));
}

#define MANY 10000

struct counted {
    struct ve_timer timer;
    struct counter *counter;
};

struct counter {
    int fired;
    uint64_t last_due;
};

static void count_fire(void *arg)
{
    struct counted *counted = arg;
    assert_true(counted->timer.due >= counted->counter->last_due);
    counted->counter->last_due = counted->timer.due;
    counted->counter->fired++;
}

/* The heap is deep and wide here: taking from it must neither lose one nor recurse. */
static void many_timers(void **state)
{
    struct fixture *f = *state;
    struct counter counter = {0, 0};
    struct counted *timers = ve_alloc_array(MANY, sizeof(*timers));
    assert_non_null(timers);
    for (uint64_t i = 0; i < MANY; i++) {
        timers[i].counter = &counter;
        ve_timer_init(&timers[i].timer, f->loop, count_fire, &timers[i]);
        ve_timer_start(&timers[i].timer, i * 7919 % MANY);
    }
    for (uint64_t i = 0; i < MANY; i += 2)
        ve_timer_stop(&timers[i].timer);
    ve_sim_advance(f->loop, MANY);
    assert_int_equal(counter.fired, MANY / 2);
    ve_free(timers);
}

#define EACH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        EACH(by_due_then_by_starting),
        EACH(starting_again_goes_to_the_back),
        EACH(delay_zero_is_the_next_step),
        EACH(a_stopped_timer_does_not_fire),
        EACH(stopping_one_that_is_due_too),
        EACH(restarting_itself),
        EACH(restarting_another_that_is_due),
        EACH(a_moment_in_the_past_is_now),
        EACH(never_is_never),
        EACH(against_a_model),
        EACH(many_timers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
