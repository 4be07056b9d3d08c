/*
 * net/stream_in.h - inside of net/stream*.c only: the structs that reading and writing share.
 */
#ifndef VE_NET_STREAM_IN_H
#define VE_NET_STREAM_IN_H

#include "base/list.h"
#include "loop/timer.h"
#include "net/stream.h"

#include <uv.h>

#define VE_HUB_READ_BYTES  32768 /* of one read; bounds what a paused stream keeps */
#define VE_HUB_PLAIN_BYTES 16384 /* a TLS record */
/* Ciphertext that waits for a peer who does not read: a batch, and what the protocol adds. */
#define VE_STREAM_CIPHER_MAX 131072
#define VE_HUB_HANDSHAKES    2 /* TLS handshake steps per round of the loop */

struct ve_hub {
    struct ve_hub_config config;
    struct ve_link all;    /* streams not closed */
    struct ve_timer round; /* runs in the next round of the loop: gives the handshakes back */
    unsigned handshakes;   /* made in this round */
    struct ve_hub_stats stats;
    struct ve_buf wire; /* ciphertext on its way out; empty between events */
    uint8_t *in;        /* owned, VE_HUB_READ_BYTES */
    uint8_t *plain;     /* owned, VE_HUB_PLAIN_BYTES; NULL without TLS */
};

enum stream_state {
    STREAM_OPEN,
    STREAM_FINISHING, /* without an owner: output, then lingering */
    STREAM_CLOSED,    /* waits for libuv to let go of the handle */
};

struct ve_stream {
    uv_poll_t poll;
    struct ve_hub *hub; /* borrowed */
    struct ve_link link;
    const struct ve_stream_events *events;
    void *arg;                  /* the owner's */
    struct ve_tls_session *tls; /* owned; NULL: plain */
    struct ve_timer timer;      /* open: something to do in the next step; finishing: the limit */
    struct ve_out *queue;       /* owned; messages not wholly sent, in order */
    struct ve_out **queue_last; /* where the next one is linked */
    size_t queue_at;            /* bytes of the first message, head included, that are gone */
    size_t queued;              /* payload bytes in the queue */
    struct ve_buf cipher;       /* TLS: encrypted, and not yet taken by the kernel */
    struct ve_buf stash;        /* read, and not yet taken by the owner */
    uint64_t sent;              /* bytes taken by the kernel */
    uint64_t limit;             /* ns; finishing: how long may nothing be sent */
    uint64_t sent_before;       /* finishing: `sent` when the timer was started */
    int fd;                     /* owned */
    uint8_t state;              /* enum stream_state */
    uint8_t armed;              /* what libuv watches for: UV_READABLE ... */
    bool paused;                /* by the owner */
    bool corked;                /* the owner is being given bytes: sending waits for its return */
    bool blocked;               /* the kernel takes nothing: waiting for UV_WRITABLE */
    bool broken;                /* `lost` is due */
    bool ended;                 /* the peer has closed its side */
    bool told;                  /* ... and the owner knows */
    bool hung;                  /* ... which was seen while reading was paused */
    bool said_bye;              /* TLS: close_notify has been queued */
    bool shut;                  /* our side is closed */
    bool mark;                  /* the user's */
    char peer[VE_PEER_TEXT];
};

/* The connection is of no use any more: `lost` follows in the next step. */
void ve_stream_fail(struct ve_stream *stream);
/* Makes libuv watch for what is needed now. Without `exact` it may watch for more than that: every
 * change costs system calls, and most pauses are over before the peer sends again. */
void ve_stream_arm(struct ve_stream *stream, bool exact);
/* Writes as much of the queue as the kernel takes. */
void ve_stream_flush(struct ve_stream *stream);
/* Finishing: starts or restarts the clock. */
void ve_stream_start_limit(struct ve_stream *stream);
/* Sends what TLS has left in hub->wire, or keeps it for later. */
void ve_stream_push_wire(struct ve_stream *stream);
/* libuv says that the kernel takes bytes again. */
void ve_stream_writable(struct ve_stream *stream);

#endif
