#include "net/stream_in.h"

#include "base/err.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/uio.h>

#define VECTORS_MAX       16
#define ENCRYPT_AT_A_TIME 32768 /* plaintext bytes per write */

static uint8_t *wire_bytes(struct ve_out *out)
{
    return out->bytes + VE_OUT_HEAD - out->head;
}

/* The payload part of the first `at` bytes of a message. */
static size_t payload_of(const struct ve_out *out, size_t at)
{
    return at > out->head ? at - out->head : 0;
}

static void shift(struct ve_stream *stream)
{
    struct ve_out *out = stream->queue;
    stream->queued -= out->len - payload_of(out, stream->queue_at);
    stream->queue_at = 0;
    stream->queue = out->next;
    if (!stream->queue)
        stream->queue_last = &stream->queue;
    ve_out_free(out);
}

/* `n` bytes of the queue are gone. */
static void advance(struct ve_stream *stream, size_t n)
{
    while (stream->queue) {
        struct ve_out *out = stream->queue;
        size_t left = out->head + out->len - stream->queue_at;
        if (n < left) {
            size_t at = stream->queue_at + n;
            stream->queued -= payload_of(out, at) - payload_of(out, stream->queue_at);
            stream->queue_at = at;
            return;
        }
        n -= left;
        shift(stream);
    }
}

/* Bytes the kernel took; 0 when it takes none, or the connection has failed. */
static size_t write_vector(struct ve_stream *stream, struct iovec *vector, size_t count)
{
    struct msghdr message = {.msg_iov = vector, .msg_iovlen = count};
    ssize_t n;
    do {
        n = count == 1 ? send(stream->fd, vector->iov_base, vector->iov_len, MSG_NOSIGNAL)
                       : sendmsg(stream->fd, &message, MSG_NOSIGNAL);
    } while (n < 0 && errno == EINTR);
    if (n < 0) {
        if (errno == EAGAIN)
            stream->blocked = true;
        else
            ve_stream_fail(stream);
        return 0;
    }
    stream->sent += (uint64_t)n;
    stream->hub->stats.bytes_out += (uint64_t)n;
    return (size_t)n;
}

static void flush_plain(struct ve_stream *stream)
{
    while (stream->queue && !stream->blocked && !stream->broken) {
        struct iovec vector[VECTORS_MAX];
        size_t count = 0;
        size_t total = 0;
        size_t skip = stream->queue_at;
        for (struct ve_out *out = stream->queue; out && count < VECTORS_MAX; out = out->next) {
            size_t len = out->head + out->len - skip;
            vector[count++] = (struct iovec){wire_bytes(out) + skip, len};
            total += len;
            skip = 0;
        }
        size_t n = write_vector(stream, vector, count);
        if (stream->state == STREAM_CLOSED)
            return;
        advance(stream, n);
        if (n < total)
            stream->blocked = true;
    }
}

/* Sends bytes that are already encrypted; what stays goes to stream->cipher. */
static void write_wire(struct ve_stream *stream, const struct ve_buf *wire)
{
    size_t n = 0;
    if (!stream->blocked && !stream->broken) {
        struct iovec vector = {wire->ptr, wire->len};
        n = write_vector(stream, &vector, 1);
    }
    if (stream->state == STREAM_CLOSED || stream->broken || n == wire->len)
        return;
    stream->blocked = true;
    if (ve_buf_add(&stream->cipher, wire->ptr + n, wire->len - n) != 0)
        ve_stream_fail(stream);
}

void ve_stream_push_wire(struct ve_stream *stream)
{
    struct ve_buf *wire = &stream->hub->wire;
    if (wire->len)
        write_wire(stream, wire);
    ve_buf_clear(wire);
    if (stream->blocked && !stream->corked)
        ve_stream_arm(stream, false);
}

static void encrypt_some(struct ve_stream *stream)
{
    size_t room = ENCRYPT_AT_A_TIME;
    while (stream->queue && room) {
        struct ve_out *out = stream->queue;
        size_t len = out->head + out->len - stream->queue_at;
        if (len > room)
            len = room;
        const uint8_t *bytes = wire_bytes(out) + stream->queue_at;
        if (ve_tls_write(stream->tls, bytes, len, &stream->hub->wire) != 0) {
            ve_buf_clear(&stream->hub->wire);
            ve_stream_fail(stream);
            return;
        }
        advance(stream, len);
        room -= len;
    }
    ve_stream_push_wire(stream);
}

static void flush_cipher(struct ve_stream *stream)
{
    struct iovec vector = {stream->cipher.ptr, stream->cipher.len};
    size_t n = write_vector(stream, &vector, 1);
    if (stream->state == STREAM_CLOSED)
        return;
    ve_buf_consume(&stream->cipher, n);
    if (stream->cipher.len)
        stream->blocked = true;
    else
        ve_buf_free(&stream->cipher);
}

static void flush_tls(struct ve_stream *stream)
{
    while (!stream->blocked && !stream->broken && stream->state != STREAM_CLOSED) {
        if (stream->cipher.len)
            flush_cipher(stream);
        else if (stream->queue)
            encrypt_some(stream);
        else
            return;
    }
}

static bool all_gone(const struct ve_stream *stream)
{
    return !stream->queue && !stream->cipher.len;
}

/* Everything has been sent: our side ends, and the peer's is waited for. */
static void end_output(struct ve_stream *stream)
{
    if (stream->tls && all_gone(stream) && !stream->said_bye) {
        stream->said_bye = true;
        ve_tls_end(stream->tls, &stream->hub->wire);
        ve_stream_push_wire(stream);
    }
    if (stream->state == STREAM_CLOSED || stream->shut || !all_gone(stream))
        return;
    stream->shut = true;
    (void)shutdown(stream->fd, SHUT_WR);
    if (stream->ended)
        ve_stream_close(stream);
    else
        ve_stream_start_limit(stream);
}

void ve_stream_flush(struct ve_stream *stream)
{
    if (stream->tls)
        flush_tls(stream);
    else
        flush_plain(stream);
    if (stream->state == STREAM_CLOSED || stream->broken)
        return;
    if (stream->blocked)
        ve_stream_arm(stream, false);
    else if (stream->state == STREAM_FINISHING)
        end_output(stream);
}

void ve_stream_writable(struct ve_stream *stream)
{
    stream->blocked = false;
    ve_stream_flush(stream);
    if (stream->state == STREAM_CLOSED || stream->broken || stream->blocked)
        return;
    ve_stream_arm(stream, true);
    if (stream->state == STREAM_OPEN)
        stream->events->drained(stream->arg);
}

int ve_stream_send(struct ve_stream *stream, struct ve_out *out, size_t limit)
{
    int err = 0;
    if (limit && out->len > limit)
        err = VE_ETOOBIG;
    else if (stream->state != STREAM_OPEN || stream->broken ||
             (stream->tls && !ve_tls_is_ready(stream->tls)))
        err = VE_EGONE;
    if (!err && limit && ve_stream_queued(stream) + out->len > limit) {
        /* What only waits for the end of this step may be gone yet. */
        ve_stream_flush(stream);
        if (stream->broken)
            err = VE_EGONE;
        else if (ve_stream_queued(stream) + out->len > limit)
            err = VE_EBUSY;
    }
    if (err) {
        ve_out_free(out);
        return err;
    }
    out->next = NULL;
    *stream->queue_last = out;
    stream->queue_last = &out->next;
    stream->queued += out->len;
    if (!stream->corked && !stream->blocked)
        ve_stream_flush(stream);
    return 0;
}

size_t ve_stream_queued(const struct ve_stream *stream)
{
    return stream->queued + stream->cipher.len;
}

bool ve_stream_is_blocked(const struct ve_stream *stream)
{
    return stream->blocked;
}

uint64_t ve_stream_sent(const struct ve_stream *stream)
{
    return stream->sent;
}
