#include "loop/input.h"

#include "base/alloc.h"
#include "base/err.h"
#include "base/list.h"
#include "loop/timer.h"

#include <string.h>
#include <unistd.h>
#include <uv.h>

struct ve_input {
    uv_poll_t poll;
    bool polling;         /* not for files: they are always readable, and epoll refuses them */
    struct ve_timer soon; /* reads a file piece by piece */
    struct ve_loop *loop;
    int fd;
    void (*line)(void *arg, const char *line, size_t len);
    void *arg;
    size_t held;
    char buffer[VE_INPUT_LINE_MAX];
};

static void stop(struct ve_input *input)
{
    if (input->polling)
        (void)uv_poll_stop(&input->poll);
    ve_timer_stop(&input->soon);
}

static void give_lines(struct ve_input *input)
{
    for (;;) {
        char *end = memchr(input->buffer, '\n', input->held);
        bool full = input->held == sizeof(input->buffer);
        if (!end && !full)
            return;
        size_t len = end ? (size_t)(end - input->buffer) : input->held;
        size_t used = end ? len + 1 : len;
        char line[VE_INPUT_LINE_MAX];
        memcpy(line, input->buffer, len);
        memmove(input->buffer, input->buffer + used, input->held - used);
        input->held -= used;
        input->line(input->arg, line, len);
    }
}

static void read_some(struct ve_input *input)
{
    ssize_t n = read(input->fd, input->buffer + input->held, sizeof(input->buffer) - input->held);
    if (n > 0) {
        input->held += (size_t)n;
        if (!input->polling)
            ve_timer_start(&input->soon, 0);
        give_lines(input);
        return;
    }
    stop(input);
    if (input->held)
        input->line(input->arg, input->buffer, input->held);
    input->held = 0;
    input->line(input->arg, NULL, 0);
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    struct ve_input *input = VE_CONTAINER(poll, struct ve_input, poll);
    (void)status;
    (void)events;
    ve_loop_step(input->loop);
    read_some(input);
}

static void on_soon(void *arg)
{
    read_some(arg);
}

static void on_closed(uv_handle_t *handle)
{
    ve_free(VE_CONTAINER(handle, struct ve_input, poll));
}

int ve_input_new(struct ve_input **out, struct ve_loop *loop, int fd,
                 void (*line)(void *arg, const char *line, size_t len), void *arg)
{
    struct ve_input *input = ve_alloc(sizeof(*input));
    if (!input)
        return VE_ENOMEM;
    input->loop = loop;
    input->fd = fd;
    input->line = line;
    input->arg = arg;
    ve_timer_init(&input->soon, loop, on_soon, input);
    input->polling = uv_poll_init(ve_loop_uv(loop), &input->poll, fd) == 0;
    if (input->polling)
        (void)uv_poll_start(&input->poll, UV_READABLE, on_readable);
    else
        ve_timer_start(&input->soon, 0);
    *out = input;
    return 0;
}

void ve_input_free(struct ve_input *input)
{
    if (!input)
        return;
    stop(input);
    if (input->polling)
        uv_close((uv_handle_t *)&input->poll, on_closed);
    else
        ve_free(input);
}
