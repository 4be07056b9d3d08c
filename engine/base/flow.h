/*
 * base/flow.h - bytes in motion: the one shape of a sink.
 *
 * A source writes into a sink without knowing it: provider bytes flow from net/ to media/ this way
 * although neither includes the other. The protocol:
 *
 *   write  gives `len` bytes; the sink takes them all (they are borrowed only during the call) and
 *          answers VE_FLOW_MORE, or VE_FLOW_PAUSE when it wants no more until it calls `resume` of
 *          the source, or a negative ve_err: then the source stops and calls nothing more.
 *   end    is the last call: err is 0 when the source is complete, or says why it stopped.
 */
#ifndef VE_BASE_FLOW_H
#define VE_BASE_FLOW_H

#include <stddef.h>

enum ve_flow { VE_FLOW_MORE = 0, VE_FLOW_PAUSE = 1 };

struct ve_sink_ops {
    int (*write)(void *sink, const void *bytes, size_t len);
    void (*end)(void *sink, int err);
};

struct ve_sink {
    const struct ve_sink_ops *ops;
    void *self; /* borrowed by the source until `end` */
};

/* How a sink that answered VE_FLOW_PAUSE asks for more. */
struct ve_source {
    void (*resume)(void *self);
    void *self;
};

#endif
