#include "loop/loop.h"

#include "base/alloc.h"
#include "loop/driver.h"

#include <time.h>

void ve_loop_base_init(struct ve_loop *loop, const struct ve_driver *driver)
{
    loop->driver = driver;
    pthread_mutex_init(&loop->post_lock, NULL);
    loop->post_last = &loop->post_first;
}

void ve_loop_base_free(struct ve_loop *loop)
{
    pthread_mutex_destroy(&loop->post_lock);
    ve_free(loop);
}

void ve_loop_free(struct ve_loop *loop)
{
    if (!loop)
        return;
    loop->freeing = true;
    ve_job_threads_free(loop);
    loop->driver->free(loop);
}

void ve_loop_run(struct ve_loop *loop)
{
    loop->driver->run(loop);
    atomic_store(&loop->stopping, false);
}

void ve_loop_stop(struct ve_loop *loop)
{
    atomic_store(&loop->stopping, true);
    loop->driver->wake(loop);
}

void ve_loop_post(struct ve_loop *loop, struct ve_post *post)
{
    post->next = NULL;
    pthread_mutex_lock(&loop->post_lock);
    *loop->post_last = post;
    loop->post_last = &post->next;
    pthread_mutex_unlock(&loop->post_lock);
    loop->driver->wake(loop);
}

bool ve_loop_run_post(struct ve_loop *loop)
{
    pthread_mutex_lock(&loop->post_lock);
    struct ve_post *post = loop->post_first;
    if (post) {
        loop->post_first = post->next;
        if (!loop->post_first)
            loop->post_last = &loop->post_first;
    }
    pthread_mutex_unlock(&loop->post_lock);
    if (!post)
        return false;
    if (!ve_loop_is_sim(loop))
        ve_loop_step(loop);
    post->fn(post);
    return true;
}

uint64_t ve_loop_now(const struct ve_loop *loop)
{
    return loop->now;
}

int64_t ve_loop_wall_ms(const struct ve_loop *loop)
{
    if (ve_loop_is_sim(loop))
        return loop->wall_offset + (int64_t)(loop->now / VE_MS);
    return ve_wall_ms();
}

int64_t ve_wall_ms(void)
{
    struct timespec ts;
    (void)clock_gettime(CLOCK_REALTIME, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

uint64_t ve_loop_lag(const struct ve_loop *loop)
{
    return loop->lag;
}

uint64_t ve_loop_lag_peak(struct ve_loop *loop)
{
    uint64_t peak = loop->lag_peak;
    loop->lag_peak = 0;
    return peak;
}
