#include "base/alloc.h"
#include "base/err.h"
#include "loop/driver.h"

/* The virtual driver: nothing happens but timers, and time moves only from one to the next. What
 * jobs and tests post becomes a timer too, so one queue orders everything. */

struct delayed_post {
    struct ve_timer timer;
    struct ve_post *post;
};

static void run_delayed(void *arg)
{
    struct delayed_post *delayed = arg;
    struct ve_post *post = delayed->post;
    ve_free(delayed);
    post->fn(post);
}

void ve_sim_post_after(struct ve_loop *loop, struct ve_post *post, uint64_t delay)
{
    struct delayed_post *delayed = ve_alloc(sizeof(*delayed));
    if (!delayed) {
        /* A completion must not get lost: without memory it comes at once. */
        ve_loop_post(loop, post);
        return;
    }
    delayed->post = post;
    ve_timer_init(&delayed->timer, loop, run_delayed, delayed);
    ve_timer_start(&delayed->timer, delay);
}

bool ve_sim_step(struct ve_loop *loop, uint64_t until)
{
    if (ve_loop_run_post(loop))
        return true;
    uint64_t due = ve_timer_next_due(loop);
    if (due > until || due == UINT64_MAX) {
        if (until != UINT64_MAX && until > loop->now)
            loop->now = until;
        return false;
    }
    if (due > loop->now)
        loop->now = due;
    ve_timer_fire_next(loop);
    return true;
}

void ve_sim_advance(struct ve_loop *loop, uint64_t ns)
{
    uint64_t until = loop->now + ns;
    while (ve_sim_step(loop, until)) {
    }
}

static void sim_run(struct ve_loop *loop)
{
    while (!loop->stopping && ve_sim_step(loop, UINT64_MAX)) {
    }
}

static void sim_arm(struct ve_loop *loop, uint64_t due)
{
    (void)loop;
    (void)due;
}

static void sim_wake(struct ve_loop *loop)
{
    (void)loop;
}

static void sim_free(struct ve_loop *loop)
{
    /* Posts still delayed complete now: their owners wait for them to free themselves. */
    while (ve_loop_run_post(loop)) {
    }
    while (loop->timers && loop->timers->fn == run_delayed) {
        if (loop->timers->due > loop->now)
            loop->now = loop->timers->due;
        ve_timer_fire_next(loop);
    }
    ve_loop_base_free(loop);
}

static const struct ve_driver sim_driver = {sim_run, sim_arm, sim_wake, sim_free};

int ve_loop_new_sim(struct ve_loop **out, int64_t wall_ms)
{
    struct ve_loop *loop = ve_alloc(sizeof(*loop));
    if (!loop)
        return VE_ENOMEM;
    ve_loop_base_init(loop, &sim_driver);
    loop->wall_offset = wall_ms;
    *out = loop;
    return 0;
}

bool ve_loop_is_sim(const struct ve_loop *loop)
{
    return loop->driver == &sim_driver;
}
