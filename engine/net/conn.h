/*
 * net/conn.h - all that the rest of the engine sees of a WebSocket connection.
 *
 * Implementations: net/wsd.c (server, on net/stream.h) and net/wsc.c (client, on libwebsockets).
 * tests/unit/net/test_conn.c runs one conformance suite over both.
 *
 * Threads: the loop's thread only. Callbacks are never made inside a call of ours: what happens at
 * once is reported in a later step. After `closed` nothing more is called and the struct is gone.
 */
#ifndef VE_NET_CONN_H
#define VE_NET_CONN_H

#include "base/str.h"

enum ve_opcode { VE_OP_TEXT = 1, VE_OP_BINARY = 2 };

/* Close codes of RFC 6455 section 7.4.1 that we send or report. */
enum ve_close {
    VE_CLOSE_NORMAL = 1000,
    VE_CLOSE_GOING_AWAY = 1001,
    VE_CLOSE_PROTOCOL = 1002,
    VE_CLOSE_UNACCEPTABLE = 1003,
    VE_CLOSE_NONE = 1005,     /* reported: the close frame had no code */
    VE_CLOSE_ABNORMAL = 1006, /* reported: no close frame at all */
    VE_CLOSE_BAD_DATA = 1007,
    VE_CLOSE_POLICY = 1008,
    VE_CLOSE_TOO_BIG = 1009,
    VE_CLOSE_INTERNAL = 1011,
    VE_CLOSE_TRY_LATER = 1013,
};

/* Room before the payload for a frame header, so that sending copies nothing (LWS_PRE is 16). */
#define VE_OUT_HEAD 16

/* A message to send. Made with ve_out_new, filled, given away with ve_conn_send. */
struct ve_out {
    struct ve_out *next;
    size_t len;      /* payload bytes */
    size_t cap;      /* payload bytes that fit */
    size_t head;     /* bytes of the head room in use, at its end; the connection's */
    uint8_t bytes[]; /* VE_OUT_HEAD bytes of head room, then the payload */
};

/* A message with room for `cap` bytes, len 0; NULL without memory. */
struct ve_out *ve_out_new(size_t cap);
void ve_out_free(struct ve_out *out);
static inline uint8_t *ve_out_payload(struct ve_out *out)
{
    return out->bytes + VE_OUT_HEAD;
}

struct ve_conn_events {
    /* A piece of a message, in order. `first` and `last` mark its ends; control frames never show.
     * Text is valid UTF-8 as a whole message (a piece may end inside a character). A message of no
     * bytes is one call with len 0. */
    void (*data)(void *arg, const uint8_t *bytes, size_t len, bool first, bool last,
                 enum ve_opcode opcode);
    /* The queue is empty again after having held something; may be NULL. */
    void (*drained)(void *arg);
    /* Once, last. `code` is a close code as received, VE_CLOSE_ABNORMAL without one: that is also
     * what is reported when the peer broke the protocol and was told so. */
    void (*closed)(void *arg, int code);
};

struct ve_conn;

struct ve_conn_ops {
    int (*send)(struct ve_conn *conn, struct ve_out *out, enum ve_opcode opcode);
    size_t (*queued)(const struct ve_conn *conn);
    void (*pause)(struct ve_conn *conn, bool paused);
    void (*close)(struct ve_conn *conn, int code);
};

/* The head of every implementation. */
struct ve_conn {
    const struct ve_conn_ops *ops;
    const struct ve_conn_events *events; /* set by the user before the first step */
    void *arg;                           /* the user's */
};

/* Gives a whole message away: `out` belongs to the connection, also when an error is returned.
 * VE_EBUSY when the queue would pass its limit (256 KiB unless configured), VE_ETOOBIG when the
 * message alone is over it, VE_EGONE after close began. */
static inline int ve_conn_send(struct ve_conn *conn, struct ve_out *out, enum ve_opcode opcode)
{
    return conn->ops->send(conn, out, opcode);
}

/* Payload bytes accepted and not yet given to the kernel. */
static inline size_t ve_conn_queued(const struct ve_conn *conn)
{
    return conn->ops->queued(conn);
}

/* Stops and resumes reading. The kernel's buffers then hold the peer back. */
static inline void ve_conn_pause(struct ve_conn *conn, bool paused)
{
    conn->ops->pause(conn, paused);
}

/* Starts the closing handshake after what is queued (at most 2 s, then it cuts). Repeating it does
 * nothing. `closed` still follows. */
static inline void ve_conn_close(struct ve_conn *conn, int code)
{
    conn->ops->close(conn, code);
}

#endif
