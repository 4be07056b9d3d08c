/*
 * net/wsd.h - the server's side of a WebSocket, from the answered upgrade to the end.
 *
 * net/httpd.c makes one of a stream whose upgrade request it has answered. It owns the stream and
 * frees itself after `closed`. The loop's thread only.
 */
#ifndef VE_NET_WSD_H
#define VE_NET_WSD_H

#include "base/log.h"
#include "net/stream.h"

struct ve_wsd_config {
    struct ve_loop *loop;     /* borrowed */
    const struct ve_log *log; /* borrowed */
    size_t max_message;       /* payload bytes */
    size_t max_queue;         /* payload bytes */
    uint64_t closing;         /* ns for the closing handshake */
    uint64_t stalled;         /* ns that a full queue may stand still */
};

/* Takes the stream over. `config` is copied where needed; loop and log must outlive it. On an error
 * the stream stays with its owner. */
int ve_wsd_new(struct ve_conn **out, struct ve_stream *stream, const struct ve_wsd_config *config,
               const struct ve_conn_events *events, void *arg);

#endif
