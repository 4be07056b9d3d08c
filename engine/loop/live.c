#include "base/alloc.h"
#include "base/err.h"
#include "loop/driver.h"

#include <stdlib.h>
#include <uv.h>

/* At most so many of each per round, so that sockets are served between them. */
#define TIMERS_PER_ROUND 64
#define POSTS_PER_ROUND  64

struct live {
    struct ve_loop base;
    uv_loop_t uv;
    uv_timer_t timer; /* for the next timer that is not due yet */
    uv_idle_t idle;   /* while a timer is due: libuv then looks at sockets without waiting */
    uv_async_t async;
    uint64_t origin; /* uv_hrtime at the beginning */
};

static struct live *live_of(struct ve_loop *loop)
{
    return VE_CONTAINER(loop, struct live, base);
}

void ve_loop_step(struct ve_loop *loop)
{
    uint64_t now = uv_hrtime() - live_of(loop)->origin;
    if (now > loop->now)
        loop->now = now;
}

struct uv_loop_s *ve_loop_uv(struct ve_loop *loop)
{
    return &live_of(loop)->uv;
}

static void on_timer(uv_timer_t *timer);
static void on_idle(uv_idle_t *idle);

static void live_arm(struct ve_loop *loop, uint64_t due)
{
    struct live *live = live_of(loop);
    uint64_t now = uv_hrtime() - live->origin;
    uv_timer_stop(&live->timer);
    uv_idle_stop(&live->idle);
    if (due <= now) {
        /* Not the timer: libuv fires one that is due again and again before it polls, so a chain
         * of timers without delay would hold every socket. */
        uv_idle_start(&live->idle, on_idle);
    } else if (due != UINT64_MAX) {
        /* libuv counts from its cached time, in whole milliseconds: refresh it and round up, so
         * that nothing fires before it is due. */
        uv_update_time(&live->uv);
        uv_timer_start(&live->timer, on_timer, (due - now + VE_MS - 1) / VE_MS, 0);
    }
}

static void fire_due(struct ve_loop *loop)
{
    ve_loop_step(loop);
    for (int i = 0; i < TIMERS_PER_ROUND; i++) {
        if (atomic_load(&loop->stopping) || ve_timer_next_due(loop) > loop->now)
            break;
        ve_timer_fire_next(loop);
        ve_loop_step(loop);
    }
    live_arm(loop, ve_timer_next_due(loop));
}

static void on_timer(uv_timer_t *timer)
{
    fire_due(timer->data);
}

static void on_idle(uv_idle_t *idle)
{
    fire_due(idle->data);
}

static void on_async(uv_async_t *async)
{
    struct ve_loop *loop = async->data;
    for (int i = 0; i < POSTS_PER_ROUND && !atomic_load(&loop->stopping); i++) {
        if (!ve_loop_run_post(loop))
            return;
    }
    if (atomic_load(&loop->stopping))
        uv_stop(&live_of(loop)->uv);
    else
        uv_async_send(async); /* there may be more */
}

static void live_run(struct ve_loop *loop)
{
    ve_loop_step(loop);
    (void)uv_async_send(&live_of(loop)->async); /* posts that the last run left behind */
    (void)uv_run(&live_of(loop)->uv, UV_RUN_DEFAULT);
}

static void live_wake(struct ve_loop *loop)
{
    (void)uv_async_send(&live_of(loop)->async);
}

/* Closes what is ours and frees. */
static void live_free(struct ve_loop *loop)
{
    struct live *live = live_of(loop);
    uv_close((uv_handle_t *)&live->timer, NULL);
    uv_close((uv_handle_t *)&live->idle, NULL);
    if (live->async.data)
        uv_close((uv_handle_t *)&live->async, NULL);
    (void)uv_run(&live->uv, UV_RUN_DEFAULT);
    /* A handle left open is a bug of its owner: better seen at once than as a leak report. */
    if (uv_loop_close(&live->uv) != 0)
        abort();
    ve_loop_base_free(loop);
}

static const struct ve_driver live_driver = {live_run, live_arm, live_wake, live_free};

int ve_loop_new_live(struct ve_loop **out)
{
    struct live *live = ve_alloc(sizeof(*live));
    if (!live)
        return VE_ENOMEM;
    if (uv_loop_init(&live->uv) != 0) {
        ve_free(live);
        return VE_EIO;
    }
    ve_loop_base_init(&live->base, &live_driver);
    live->origin = uv_hrtime();
    (void)uv_timer_init(&live->uv, &live->timer);
    (void)uv_idle_init(&live->uv, &live->idle);
    live->timer.data = live->idle.data = &live->base;
    if (uv_async_init(&live->uv, &live->async, on_async) != 0) {
        live_free(&live->base);
        return VE_EIO;
    }
    live->async.data = &live->base;
    *out = &live->base;
    return 0;
}
