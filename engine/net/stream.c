#include "net/stream_in.h"

#include "base/alloc.h"
#include "base/err.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Reads that are tried to get at what came before a reset. */
#define LAST_READS 8

static void on_closed(uv_handle_t *handle)
{
    struct ve_stream *stream = VE_CONTAINER(handle, struct ve_stream, poll);
    while (stream->queue) {
        struct ve_out *out = stream->queue;
        stream->queue = out->next;
        ve_out_free(out);
    }
    ve_buf_free(&stream->cipher);
    ve_buf_free(&stream->stash);
    ve_free(stream);
}

/* The struct stays until libuv has let go of it, so whoever is on the stack may still look at its
 * state; all that belongs to the hub goes at once. */
void ve_stream_close(struct ve_stream *stream)
{
    if (stream->state == STREAM_CLOSED)
        return;
    stream->state = STREAM_CLOSED;
    ve_timer_stop(&stream->timer);
    ve_link_remove(&stream->link);
    ve_tls_session_free(stream->tls);
    stream->tls = NULL;
    uv_close((uv_handle_t *)&stream->poll, on_closed);
    (void)close(stream->fd);
    stream->hub->stats.streams--;
    if (stream->hub->config.gone)
        stream->hub->config.gone(stream->hub->config.arg, stream);
}

void ve_stream_fail(struct ve_stream *stream)
{
    if (stream->state == STREAM_FINISHING) {
        ve_stream_close(stream);
    } else if (stream->state == STREAM_OPEN && !stream->broken) {
        stream->broken = true;
        ve_timer_start(&stream->timer, 0);
    }
}

static bool wants_bytes(const struct ve_stream *stream)
{
    if (stream->ended || stream->broken)
        return false;
    return stream->state == STREAM_FINISHING || (!stream->paused && !stream->stash.len);
}

static void on_poll(uv_poll_t *poll, int status, int events);

void ve_stream_arm(struct ve_stream *stream, bool exact)
{
    int mask = (wants_bytes(stream) ? UV_READABLE : 0) | (stream->blocked ? UV_WRITABLE : 0);
    if (stream->state == STREAM_CLOSED || (!exact && (stream->armed & mask) == mask))
        return;
    /* An empty mask would also hide a reset. Urgent data is never sent to us, so waiting for it
     * waits for nothing else. */
    if (!mask)
        mask = stream->ended || stream->hung ? UV_PRIORITIZED : UV_DISCONNECT;
    if (mask == stream->armed)
        return;
    stream->armed = (uint8_t)mask;
    if (uv_poll_start(&stream->poll, mask, on_poll) != 0)
        ve_stream_fail(stream);
}

/* Keeps what the owner has not taken. */
static void keep(struct ve_stream *stream, const uint8_t *bytes, size_t len)
{
    if (stream->state != STREAM_OPEN || !len)
        return;
    if (ve_buf_add(&stream->stash, bytes, len) != 0) {
        ve_stream_fail(stream);
        return;
    }
    if (!stream->paused && !stream->broken)
        ve_timer_start(&stream->timer, 0);
}

static size_t call_read(struct ve_stream *stream, uint8_t *bytes, size_t len)
{
    stream->corked = true;
    size_t used = stream->events->read(stream->arg, bytes, len);
    stream->corked = false;
    if (stream->state != STREAM_CLOSED)
        ve_stream_flush(stream);
    return used;
}

static void give(struct ve_stream *stream, uint8_t *bytes, size_t len)
{
    if (stream->state == STREAM_OPEN && !stream->paused && !stream->stash.len) {
        size_t used = call_read(stream, bytes, len);
        keep(stream, bytes + used, len - used);
    } else {
        keep(stream, bytes, len);
    }
}

static void tell_end(struct ve_stream *stream)
{
    if (stream->told || stream->paused || stream->stash.len || stream->broken)
        return;
    stream->told = true;
    stream->events->ended(stream->arg);
}

static void peer_ended(struct ve_stream *stream)
{
    stream->ended = true;
    if (stream->state == STREAM_FINISHING && stream->shut) {
        ve_stream_close(stream);
        return;
    }
    if (stream->state == STREAM_OPEN)
        tell_end(stream);
    ve_stream_arm(stream, true);
}

static void read_tls(struct ve_stream *stream, const uint8_t *bytes, size_t len)
{
    struct ve_hub *hub = stream->hub;
    int n = 1;
    ve_tls_feed(stream->tls, bytes, len);
    while (n > 0 && stream->state == STREAM_OPEN) {
        n = ve_tls_read(stream->tls, hub->plain, VE_HUB_PLAIN_BYTES, &hub->wire);
        if (n > 0)
            give(stream, hub->plain, (size_t)n);
    }
    if (stream->state == STREAM_CLOSED) {
        ve_buf_clear(&hub->wire);
        return;
    }
    ve_stream_push_wire(stream);
    if (n == VE_EGONE && !stream->ended)
        peer_ended(stream);
    else if (n < 0)
        ve_stream_fail(stream);
}

/* At most so many handshake steps per round: each costs as much as a thousand frames. What is not
 * read now makes the poll report again in the next round. */
static bool may_shake_hands(struct ve_stream *stream)
{
    struct ve_hub *hub = stream->hub;
    if (!stream->tls || ve_tls_is_ready(stream->tls))
        return true;
    if (hub->handshakes >= VE_HUB_HANDSHAKES)
        return false;
    if (!hub->handshakes++)
        ve_timer_start(&hub->round, 0);
    return true;
}

static void end_round(void *arg)
{
    struct ve_hub *hub = arg;
    hub->handshakes = 0;
}

/* One read. Returns whether there may be more. */
static bool read_once(struct ve_stream *stream)
{
    struct ve_hub *hub = stream->hub;
    size_t room = stream->tls ? VE_HUB_PLAIN_BYTES : VE_HUB_READ_BYTES;
    ssize_t n = recv(stream->fd, hub->in, room, 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return false;
    if (n < 0) {
        ve_stream_fail(stream);
        return false;
    }
    if (n == 0) {
        peer_ended(stream);
        return false;
    }
    hub->stats.bytes_in += (uint64_t)n;
    if (stream->state == STREAM_FINISHING)
        return true; /* dropped */
    if (stream->tls)
        read_tls(stream, hub->in, (size_t)n);
    else
        give(stream, hub->in, (size_t)n);
    return true;
}

/* A reset. The kernel still has what came before it, and a last message is worth having. */
static void on_error(struct ve_stream *stream)
{
    stream->armed = 0;
    for (int i = 0; i < LAST_READS && stream->state == STREAM_OPEN && wants_bytes(stream); i++) {
        if (!read_once(stream))
            break;
    }
    ve_stream_fail(stream);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct ve_stream *stream = VE_CONTAINER(poll, struct ve_stream, poll);
    ve_loop_step(stream->hub->config.loop);
    if (status < 0) {
        on_error(stream);
        return;
    }
    if (events & UV_DISCONNECT)
        stream->hung = true;
    if (events & UV_WRITABLE)
        ve_stream_writable(stream);
    if (stream->state == STREAM_CLOSED)
        return;
    if ((events & UV_READABLE) && wants_bytes(stream)) {
        if (may_shake_hands(stream))
            (void)read_once(stream);
        return;
    }
    ve_stream_arm(stream, true);
}

static void give_stash(struct ve_stream *stream)
{
    if (!stream->stash.len || stream->paused)
        return;
    size_t used = call_read(stream, (uint8_t *)stream->stash.ptr, stream->stash.len);
    ve_buf_consume(&stream->stash, used);
    if (!stream->stash.len)
        ve_buf_free(&stream->stash);
    else if (stream->state == STREAM_OPEN && !stream->paused)
        ve_timer_start(&stream->timer, 0);
}

void ve_stream_start_limit(struct ve_stream *stream)
{
    stream->sent_before = stream->sent;
    ve_timer_start(&stream->timer, stream->limit);
}

static void on_timer(void *arg)
{
    struct ve_stream *stream = arg;
    if (stream->state == STREAM_FINISHING) {
        if (stream->sent == stream->sent_before)
            ve_stream_close(stream);
        else
            ve_stream_start_limit(stream);
        return;
    }
    if (!stream->broken)
        give_stash(stream);
    if (stream->state == STREAM_OPEN && stream->ended)
        tell_end(stream);
    if (stream->state == STREAM_OPEN && stream->broken) {
        ve_stream_close(stream);
        stream->events->lost(stream->arg);
        return;
    }
    ve_stream_arm(stream, false);
}

int ve_stream_new(struct ve_stream **out, struct ve_hub *hub, int fd, const char *peer,
                  const struct ve_stream_events *events, void *arg)
{
    struct ve_stream *stream = ve_alloc(sizeof(*stream));
    int err = stream ? 0 : VE_ENOMEM;
    if (!err && hub->config.tls)
        err = ve_tls_accept(&stream->tls, hub->config.tls);
    if (!err && uv_poll_init(ve_loop_uv(hub->config.loop), &stream->poll, fd) != 0)
        err = VE_EIO;
    if (err) {
        if (stream)
            ve_tls_session_free(stream->tls);
        ve_free(stream);
        (void)close(fd);
        return err;
    }
    stream->hub = hub;
    stream->fd = fd;
    stream->queue_last = &stream->queue;
    ve_buf_init(&stream->cipher, VE_STREAM_CIPHER_MAX);
    ve_str_copy(stream->peer, sizeof(stream->peer), ve_str(peer));
    ve_timer_init(&stream->timer, hub->config.loop, on_timer, stream);
    ve_list_push(&hub->all, &stream->link);
    hub->stats.streams++;
    ve_stream_own(stream, events, arg);
    ve_stream_arm(stream, true);
    *out = stream;
    return 0;
}

void ve_stream_own(struct ve_stream *stream, const struct ve_stream_events *events, void *arg)
{
    stream->events = events;
    stream->arg = arg;
}

void ve_stream_pause(struct ve_stream *stream, bool paused)
{
    if (stream->paused == paused || stream->state != STREAM_OPEN)
        return;
    stream->paused = paused;
    if (paused || stream->broken)
        return;
    if (stream->stash.len || (stream->ended && !stream->told))
        ve_timer_start(&stream->timer, 0);
    else
        ve_stream_arm(stream, false);
}

void ve_stream_finish(struct ve_stream *stream, uint64_t limit)
{
    if (stream->state != STREAM_OPEN)
        return;
    stream->state = STREAM_FINISHING;
    if (stream->broken) {
        ve_stream_close(stream);
        return;
    }
    stream->limit = limit;
    ve_stream_start_limit(stream);
    if (!stream->corked)
        ve_stream_flush(stream);
    ve_stream_arm(stream, false);
}

void ve_stream_set_mark(struct ve_stream *stream, bool mark)
{
    stream->mark = mark;
}

bool ve_stream_mark(const struct ve_stream *stream)
{
    return stream->mark;
}

const char *ve_stream_peer(const struct ve_stream *stream)
{
    return stream->peer;
}

bool ve_stream_is_tls(const struct ve_stream *stream)
{
    return stream->hub->config.tls != NULL;
}

int ve_hub_new(struct ve_hub **out, const struct ve_hub_config *config)
{
    struct ve_hub *hub = ve_alloc(sizeof(*hub));
    if (!hub)
        return VE_ENOMEM;
    hub->config = *config;
    ve_link_init(&hub->all);
    ve_timer_init(&hub->round, config->loop, end_round, hub);
    hub->in = ve_alloc(VE_HUB_READ_BYTES);
    hub->plain = config->tls ? ve_alloc(VE_HUB_PLAIN_BYTES) : NULL;
    if (!hub->in || (config->tls && !hub->plain)) {
        ve_hub_free(hub);
        return VE_ENOMEM;
    }
    *out = hub;
    return 0;
}

void ve_hub_free(struct ve_hub *hub)
{
    if (!hub)
        return;
    while (!ve_list_empty(&hub->all)) {
        struct ve_stream *stream = VE_CONTAINER(hub->all.next, struct ve_stream, link);
        bool owned = stream->state == STREAM_OPEN;
        ve_stream_close(stream);
        if (owned)
            stream->events->lost(stream->arg);
    }
    ve_timer_stop(&hub->round);
    ve_buf_free(&hub->wire);
    ve_free(hub->in);
    ve_free(hub->plain);
    ve_free(hub);
}

struct ve_hub_stats ve_hub_stats(const struct ve_hub *hub)
{
    return hub->stats;
}
