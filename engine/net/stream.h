/*
 * net/stream.h - accepted TCP connections as streams of bytes, with or without TLS.
 *
 * A hub holds what the connections of one listener share: the buffers that are read into and
 * encrypted into, so that an idle connection has none; the certificate; the counters. A stream is
 * one connection, bound to an owner by its events. It belongs to the owner until `lost`, or until
 * the owner lets go of it with ve_stream_close or ve_stream_finish; then it ends by itself.
 *
 * Per frame in and frame out there is one read and one write: the poll is armed once and changed
 * only when the peer takes nothing or sends more than is wanted; what is sent while bytes are being
 * handed out goes in one vectored write afterwards.
 *
 * Threads: the loop's thread only. Events come as steps of the loop, never inside a call of these
 * functions, except that ve_hub_free reports `lost` before it returns.
 */
#ifndef VE_NET_STREAM_H
#define VE_NET_STREAM_H

#include "loop/loop.h"
#include "net/conn.h"
#include "net/tls.h"

#define VE_PEER_TEXT 46 /* bytes for an address as text */

struct ve_hub;
struct ve_stream;

struct ve_stream_events {
    /* Bytes from the peer; they may be changed in place. Returns how many are done with. The rest
     * is kept and given again in a later step, after ve_stream_pause has been taken back. */
    size_t (*read)(void *arg, uint8_t *bytes, size_t len);
    /* The peer has closed its side: no more bytes follow. Writing may still be possible. */
    void (*ended)(void *arg);
    /* What the kernel would not take at once has gone. */
    void (*drained)(void *arg);
    /* The connection broke. Last call; the stream is gone. */
    void (*lost)(void *arg);
};

struct ve_hub_stats {
    unsigned streams;             /* alive, finishing ones included */
    uint64_t bytes_in, bytes_out; /* on the wire */
};

struct ve_hub_config {
    struct ve_loop *loop; /* borrowed */
    struct ve_tls *tls;   /* borrowed; NULL: the streams are plain */
    /* A stream has ended, whoever owned it; may be NULL. */
    void (*gone)(void *arg, const struct ve_stream *stream);
    void *arg;
};

int ve_hub_new(struct ve_hub **out, const struct ve_hub_config *config);
/* Cuts every stream, then frees. */
void ve_hub_free(struct ve_hub *hub);
struct ve_hub_stats ve_hub_stats(const struct ve_hub *hub);

/* Takes a connected, non-blocking socket; also when it fails. `peer` is copied. */
int ve_stream_new(struct ve_stream **out, struct ve_hub *hub, int fd, const char *peer,
                  const struct ve_stream_events *events, void *arg);
/* Another owner takes over. */
void ve_stream_own(struct ve_stream *stream, const struct ve_stream_events *events, void *arg);
/* Queues a message, its head included; `out` belongs to the stream, also when an error is returned.
 * VE_ETOOBIG or VE_EBUSY when it alone, or with what is queued, is over `limit` payload bytes (0:
 * no limit), VE_EGONE when nothing can be sent any more. */
int ve_stream_send(struct ve_stream *stream, struct ve_out *out, size_t limit);
/* Payload bytes that the kernel has not taken yet. */
size_t ve_stream_queued(const struct ve_stream *stream);
/* Is that because the peer does not read? Sending still queues; `drained` follows. */
bool ve_stream_is_blocked(const struct ve_stream *stream);
/* Bytes that it has taken, ever: to see whether there is progress. */
uint64_t ve_stream_sent(const struct ve_stream *stream);
/* Stops and resumes reading. What has been read already is kept. */
void ve_stream_pause(struct ve_stream *stream, bool paused);
/* Cuts. No event follows. */
void ve_stream_close(struct ve_stream *stream);
/* Sends what is queued, ends the output, then reads and drops until the peer has closed, so that it
 * can read the last of our answer. Cuts when for `limit` ns nothing could be sent. No event
 * follows. */
void ve_stream_finish(struct ve_stream *stream, uint64_t limit);
/* A mark for `gone`. */
void ve_stream_set_mark(struct ve_stream *stream, bool mark);
bool ve_stream_mark(const struct ve_stream *stream);
const char *ve_stream_peer(const struct ve_stream *stream);
bool ve_stream_is_tls(const struct ve_stream *stream);

#endif
