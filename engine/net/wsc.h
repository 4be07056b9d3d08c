/*
 * net/wsc.h - WebSocket clients (ws and wss), on libwebsockets.
 *
 * One ve_wsc per loop holds the library's context. A connection is a ve_conn; until it is open
 * nothing is sent, queued messages wait. Three clocks: connect (to the 101), and the caller's own
 * on first message and progress.
 */
#ifndef VE_NET_WSC_H
#define VE_NET_WSC_H

#include "base/log.h"
#include "loop/loop.h"
#include "net/conn.h"

struct ve_wsc;

struct ve_wsc_field {
    const char *name; /* "Authorization" */
    struct ve_str value;
};

struct ve_wsc_options {
    struct ve_str url;                 /* ws://host[:port]/path?query or wss:// */
    const char *protocol;              /* subprotocol to offer, or NULL */
    const struct ve_wsc_field *fields; /* extra request headers */
    size_t field_count;
    uint64_t connect_timeout; /* ns; 0 means 5 s */
    size_t max_message;       /* bytes; 0 means 1 MiB; a larger one closes with 1009 */
    size_t max_queue;         /* bytes; 0 means 256 KiB */
    const char *address;      /* connect to this IP instead of resolving (already checked), or NULL */
    bool insecure_tls;        /* tests only: accept any certificate */
    /* The 101 came, or it did not: err, HTTP status (0 when there was none) and a reason in words.
     * After an error nothing follows. */
    void (*opened)(void *arg, int err, int http_status, const char *why);
};

/* Part of the process-wide list: silences the library's own log. */
int ve_wsc_process_init(void);

int ve_wsc_new(struct ve_wsc **out, struct ve_loop *loop, const struct ve_log *log);
/* Connections must have been closed; waits in the loop until the library has let go. */
void ve_wsc_free(struct ve_wsc *wsc);
/* Starts connecting. `opened`, then events. ve_conn_close before `opened` cancels: `opened` comes
 * with VE_ECANCELED. */
int ve_wsc_connect(struct ve_wsc *wsc, const struct ve_wsc_options *options,
                   const struct ve_conn_events *events, void *arg, struct ve_conn **conn);

#endif
