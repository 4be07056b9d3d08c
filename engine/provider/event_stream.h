/*
 * provider/event_stream.h - a request whose answer is a stream of events: server-sent events, or
 * one JSON text a line.
 *
 * Nothing is lost and nothing is merged: the receiver that has enough says VE_FLOW_PAUSE, and the
 * connection waits. The clocks `first` and `progress` count events, not bytes: a server that only
 * sends comments to keep the line open is silent.
 *
 * Some servers ignore the wish for a stream and answer with plain JSON: then there are no events
 * and the body is in the result. A 2xx answer of another kind (a login page) is VE_EPROTO.
 *
 * The loop's thread only. Callbacks are never made inside a call of ours.
 */
#ifndef VE_PROVIDER_EVENT_STREAM_H
#define VE_PROVIDER_EVENT_STREAM_H

#include "net/sse.h"
#include "provider/request.h"

#define VE_EVENT_MAX VE_SSE_EVENT_MAX /* bytes of one event */

enum ve_event_format {
    VE_EVENTS_SSE,   /* text/event-stream */
    VE_EVENTS_LINES, /* one JSON text a line */
};

struct ve_event_stream;

struct ve_event_stream_options {
    enum ve_event_format format;
    /* An event: its name ("message" without one, "line" of lines) and data, borrowed. VE_FLOW_MORE,
     * VE_FLOW_PAUSE (then ve_event_stream_resume), or an error that ends the stream. */
    int (*event)(void *arg, struct ve_str name, struct ve_str data, struct ve_str id);
    void (*done)(void *arg, const struct ve_request_result *result); /* once, last */
    void *arg;
};

/* `request` as for ve_request_start; its sink and callbacks are not used, max_body is of the whole
 * stream (0: 16 MiB). On an error nothing is called. */
int ve_event_stream_start(struct ve_requests *requests, const struct ve_request_options *request,
                          const struct ve_event_stream_options *options,
                          struct ve_event_stream **out, char why[static VE_REQUEST_WHY]);
void ve_event_stream_resume(struct ve_event_stream *stream);
/* Nothing is called any more. */
void ve_event_stream_cancel(struct ve_event_stream *stream);

#endif
