/*
 * net/wsc.h - WebSocket clients (ws and wss), on libwebsockets.
 *
 * One ve_wsc per loop holds the library's context. A connection is a ve_conn; until it is open
 * nothing is sent, queued messages wait. Three clocks: connect (name, TCP, TLS and the 101), and
 * the caller's own on first message and progress.
 *
 * Nothing of the library's own timing is used, no extension is offered, no redirect is followed, no
 * proxy is used whatever the environment says. Two things the library hides (4.1.6): it unmasks a
 * masked frame of a server instead of failing the connection, and reports its close codes 1004,
 * 1012 to 1014 and 1016 to 2999 as 1002.
 *
 * Threads: the loop's thread only. Live driver only.
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
    struct ve_str url;    /* ws://host[:port]/path?query or wss://, without user and password */
    const char *protocol; /* subprotocol to offer, or NULL; several as "a, b" */
    const struct ve_wsc_field *fields; /* extra request headers, copied; 8 KiB in all */
    size_t field_count;
    uint64_t connect_timeout; /* ns; 0 means 5 s */
    size_t max_message;       /* bytes; 0 means 1 MiB; a larger one closes with 1009 */
    size_t max_queue;         /* bytes; 0 means 256 KiB */
    const char *address; /* connect to this IP instead of resolving (already checked), or NULL */
    /* Asked about every address before connecting to it, with `arg`; refuse with false. An IPv4
     * address never shows in its IPv6 form. NULL allows all. */
    bool (*allow_address)(void *arg, const char *host, const char *ip);
    bool insecure_tls; /* tests only: accept any certificate */
    /* The 101 came, or it did not: err, HTTP status (0 when there was none) and a reason in words,
     * without URL or secret. After an error nothing follows. */
    void (*opened)(void *arg, int err, int http_status, const char *why);
};

/* Part of the process-wide list: silences the library's own log. */
int ve_wsc_process_init(void);

/* `log` may be NULL. VE_ENOTSUP in the sim driver. */
int ve_wsc_new(struct ve_wsc **out, struct ve_loop *loop, const struct ve_log *log);
/* Reads the system's certificates now (some 20 ms) rather than at the first wss connection. */
int ve_wsc_warm(struct ve_wsc *wsc);
/*
 * To be called while the loop does not run: goes round in it until the library has let go.
 * Connections should have been closed; those that are left end before this returns, with
 * VE_ECANCELED or VE_CLOSE_ABNORMAL. NULL is allowed.
 */
void ve_wsc_free(struct ve_wsc *wsc);
/* Starts connecting. `opened`, then events. ve_conn_close before `opened` cancels: `opened` comes
 * with VE_ECANCELED. VE_EINVAL: a URL or field that must not be sent. */
int ve_wsc_connect(struct ve_wsc *wsc, const struct ve_wsc_options *options,
                   const struct ve_conn_events *events, void *arg, struct ve_conn **conn);

#endif
