/*
 * net/sse.h - server-sent events: bytes in any pieces become events.
 *
 * The rules are those of the WHATWG's EventSource with one difference that providers ask for: what
 * stands before the end of the stream without its blank line is an event too. No I/O; the reader
 * belongs to whoever feeds it, on one thread. An event is bounded: its fields, comments and the
 * line under way together hold at most VE_SSE_EVENT_MAX bytes.
 */
#ifndef VE_NET_SSE_H
#define VE_NET_SSE_H

#include "base/buf.h"

#define VE_SSE_EVENT_MAX (1024 * 1024) /* bytes */

/* Borrowed until the handler returns. */
struct ve_sse_event {
    struct ve_str event; /* "message" when the event has no name */
    struct ve_str data;  /* its lines, joined with LF */
    struct ve_str id;    /* the latest one of the stream; may be empty */
};

struct ve_sse {
    /* Answers as a sink does (base/flow.h): VE_FLOW_MORE, VE_FLOW_PAUSE or a negative ve_err. */
    int (*fn)(void *arg, const struct ve_sse_event *event);
    void *arg;          /* borrowed */
    struct ve_buf line; /* owned; the line under way, when it came in pieces */
    struct ve_buf data; /* owned; every line of it with an LF behind it */
    struct ve_buf name; /* owned */
    struct ve_buf id;   /* owned */
    size_t event_bytes; /* of the event under way, ignored lines included */
    unsigned bom;       /* bytes of a byte order mark seen; more than 3: past the beginning */
    bool after_cr;      /* an LF that comes now ends no line */
    bool has_data;      /* without it a blank line dispatches nothing */
};

void ve_sse_init(struct ve_sse *sse, int (*fn)(void *arg, const struct ve_sse_event *event),
                 void *arg);
void ve_sse_free(struct ve_sse *sse);
/*
 * Takes all the bytes. Returns VE_FLOW_PAUSE when a handler has asked for it (the events of these
 * bytes have all been given), else VE_FLOW_MORE, or an error: VE_ETOOBIG, VE_ENOMEM or what the
 * handler said. After an error the reader is of no more use.
 */
int ve_sse_push(struct ve_sse *sse, const void *bytes, size_t len);
/* The stream is complete: gives out an event that lacks its blank line. Returns as ve_sse_push. */
int ve_sse_end(struct ve_sse *sse);

#endif
