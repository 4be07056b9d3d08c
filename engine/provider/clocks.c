#include "provider/clocks.h"

#define CONNECT_DEFAULT  (3 * VE_SECOND)
#define FIRST_DEFAULT    (15 * VE_SECOND)
#define PROGRESS_DEFAULT (10 * VE_SECOND)

static void expire(struct ve_clocks *clocks, const char *why)
{
    ve_clocks_stop(clocks);
    clocks->expired(clocks->arg, why);
}

static void on_connect(void *arg)
{
    expire(arg, "no connection in time");
}

static void on_bytes(void *arg)
{
    struct ve_clocks *clocks = arg;
    expire(clocks, clocks->any ? "the answer stopped coming" : "no byte of an answer in time");
}

static void on_total(void *arg)
{
    expire(arg, "not finished in time");
}

void ve_clocks_init(struct ve_clocks *clocks, struct ve_loop *loop,
                    void (*expired)(void *arg, const char *why), void *arg)
{
    ve_timer_init(&clocks->connect, loop, on_connect, clocks);
    ve_timer_init(&clocks->bytes, loop, on_bytes, clocks);
    ve_timer_init(&clocks->total, loop, on_total, clocks);
    clocks->progress = PROGRESS_DEFAULT;
    clocks->any = false;
    clocks->expired = expired;
    clocks->arg = arg;
}

void ve_clocks_start(struct ve_clocks *clocks, const struct ve_clock_limits *limits)
{
    clocks->any = false;
    clocks->progress = limits->progress ? limits->progress : PROGRESS_DEFAULT;
    ve_timer_start(&clocks->connect, limits->connect ? limits->connect : CONNECT_DEFAULT);
    ve_timer_start(&clocks->bytes, limits->first ? limits->first : FIRST_DEFAULT);
    ve_clocks_start_total(clocks, limits->total);
}

void ve_clocks_start_total(struct ve_clocks *clocks, uint64_t total)
{
    if (total)
        ve_timer_start(&clocks->total, total);
}

void ve_clocks_connected(struct ve_clocks *clocks)
{
    ve_timer_stop(&clocks->connect);
}

void ve_clocks_progress(struct ve_clocks *clocks)
{
    ve_timer_stop(&clocks->connect);
    clocks->any = true;
    ve_timer_start(&clocks->bytes, clocks->progress);
}

void ve_clocks_pause(struct ve_clocks *clocks)
{
    ve_timer_stop(&clocks->bytes);
}

void ve_clocks_stop(struct ve_clocks *clocks)
{
    ve_timer_stop(&clocks->connect);
    ve_timer_stop(&clocks->bytes);
    ve_timer_stop(&clocks->total);
}
