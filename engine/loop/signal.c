#include "loop/signal.h"

#include "base/alloc.h"
#include "base/err.h"
#include "base/list.h"

#include <uv.h>

struct ve_signal {
    uv_signal_t handle;
    struct ve_loop *loop; /* borrowed */
    void (*fn)(void *arg, int signum);
    void *arg;
};

static void on_signal(uv_signal_t *handle, int signum)
{
    struct ve_signal *signal = VE_CONTAINER(handle, struct ve_signal, handle);
    ve_loop_step(signal->loop);
    signal->fn(signal->arg, signum);
}

static void on_closed(uv_handle_t *handle)
{
    ve_free(VE_CONTAINER(handle, struct ve_signal, handle));
}

int ve_signal_new(struct ve_signal **out, struct ve_loop *loop, int signum,
                  void (*fn)(void *arg, int signum), void *arg)
{
    struct ve_signal *signal = ve_alloc(sizeof(*signal));
    if (!signal)
        return VE_ENOMEM;
    signal->loop = loop;
    signal->fn = fn;
    signal->arg = arg;
    if (uv_signal_init(ve_loop_uv(loop), &signal->handle) != 0) {
        ve_free(signal);
        return VE_EIO;
    }
    if (uv_signal_start(&signal->handle, on_signal, signum) != 0) {
        ve_signal_free(signal);
        return VE_EIO;
    }
    *out = signal;
    return 0;
}

void ve_signal_free(struct ve_signal *signal)
{
    if (signal)
        uv_close((uv_handle_t *)&signal->handle, on_closed);
}
