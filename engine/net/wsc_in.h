/*
 * net/wsc_in.h - inside of net/wsc*.c only.
 *
 *   wsc.c          the library's context; connecting and freeing
 *   wsc_setup.c    options checked and copied
 *   wsc_connect.c  from a name to the 101: addresses, attempts, the connect clock
 *   wsc_conn.c     an open connection: ve_conn, sending, the closing handshake
 *   wsc_receive.c  an open connection: messages in, pausing
 *   wsc_lws.c      the library's callbacks, as calls of the two above
 *
 * The library is started and stopped only from steps of ours, never from its own callbacks: its
 * read buffer is also where it composes requests.
 */
#ifndef VE_NET_WSC_IN_H
#define VE_NET_WSC_IN_H

#include "base/buf.h"
#include "base/list.h"
#include "loop/timer.h"
#include "net/ws_frame.h"
#include "net/wsc.h"

#include <libwebsockets.h>
#include <netinet/in.h>

#define VE_WSC_ADDRESSES 4 /* of a name, that are tried one after the other */

struct ve_wsc {
    struct ve_loop *loop;        /* borrowed */
    const struct ve_log *log;    /* borrowed, or NULL */
    struct lws_context *context; /* owned */
    struct lws_vhost *vhost;     /* the context's */
    struct ssl_ctx_st *tls;      /* owned; NULL until the first wss */
    struct lws_protocols protocols[2];
    struct ve_link conns; /* owned */
};

enum ve_wsc_state {
    VE_WSC_WAITING,    /* for its turn, or for the name to be resolved */
    VE_WSC_CONNECTING, /* an attempt is under way */
    VE_WSC_FAILED,     /* it has failed; the next address follows in the next step */
    VE_WSC_OPEN,
    VE_WSC_ENDING,  /* the peer has gone; what it said before a pause is still to be given out */
    VE_WSC_CLOSING, /* nothing more is given to the user; the close frames are exchanged */
    VE_WSC_OVER,    /* the outcome is reported in the next step */
};

struct ve_wsc_conn {
    struct ve_conn conn;
    struct ve_link link; /* in ve_wsc.conns */
    struct ve_wsc *wsc;
    struct lws *wsi; /* the library's; NULL when it has none */
    enum ve_wsc_state state;
    struct ve_timer step;  /* what has to wait for a step of its own */
    struct ve_timer clock; /* connecting, then closing */

    /* Connecting. */
    char *host;               /* owned; name or address */
    char *authority;          /* owned; as in the Host field */
    char *path;               /* owned; with the query */
    char *protocol;           /* owned, or NULL */
    struct ve_buf fields;     /* owned; header lines, wiped once sent */
    struct ve_lookup *lookup; /* under way, or NULL */
    char addresses[VE_WSC_ADDRESSES][INET6_ADDRSTRLEN];
    unsigned address_count;
    unsigned address_next;
    uint64_t deadline; /* ns of ve_loop_now */
    uint16_t port;
    bool tls;
    bool insecure;
    bool answered;    /* the server has been sent the request: no other address is tried */
    int verify_error; /* of its certificate, X509_V_... */
    bool (*allow_address)(void *arg, const char *host, const char *ip);
    void (*opened)(void *arg, int err, int http_status, const char *why);
    int err;
    int status; /* HTTP */
    char why[160];

    /* Sending. */
    struct ve_out *queue; /* owned; the opcode in the first byte of the head room */
    struct ve_out **queue_end;
    size_t queued;    /* payload bytes in `queue` */
    size_t in_flight; /* of the message that the library holds because the kernel did not take it */
    size_t max_queue;
    bool owes_drained;

    /* Receiving. */
    size_t max_message;
    size_t message; /* bytes of the message under way */
    enum ve_opcode opcode;
    struct ve_utf8 utf8;
    bool begun;          /* a piece of the message has been given out */
    bool paused;         /* by the user */
    bool deaf;           /* the library does not read */
    struct ve_buf stash; /* owned; pieces that came in spite of a pause, see wsc_receive.c */

    /* Closing. */
    int close_code; /* to be sent */
    int peer_code;  /* to be reported */
    bool breach;    /* the peer broke a rule: what it says does not count any more */
    bool close_sent;
    bool peer_closed; /* its close frame has come; the library answers it */
};

/* wsc_setup.c */
int ve_wsc_setup(struct ve_wsc_conn *c, const struct ve_wsc_options *options);

/* wsc_connect.c */
void ve_wsc_begin(struct ve_wsc_conn *c);
void ve_wsc_next_attempt(struct ve_wsc_conn *c);
/* The attempt under way has failed; `why` in words. */
void ve_wsc_attempt_failed(struct ve_wsc_conn *c, int err, int status, const char *why);
/* The connect clock. */
void ve_wsc_attempt_late(struct ve_wsc_conn *c);
/* The name is not wanted any more. */
void ve_wsc_forget_lookup(struct ve_wsc_conn *c);

/* wsc_conn.c */
void ve_wsc_conn_init(struct ve_wsc_conn *c);
void ve_wsc_conn_free(struct ve_wsc_conn *c);
/* Fails before it is open. */
void ve_wsc_refuse(struct ve_wsc_conn *c, int err, int status, const char *why);
/* Lets go of the library's connection, which ends by itself. */
void ve_wsc_cut(struct ve_wsc_conn *c);
/* Tells the user how it ended, and frees. */
void ve_wsc_report(struct ve_wsc_conn *c);
/* Nothing more comes of it; reported in the next step. */
void ve_wsc_be_over(struct ve_wsc_conn *c);
/* The peer broke a rule: it is told, and not listened to any more. */
void ve_wsc_breach(struct ve_wsc_conn *c, int code);
/* From the library: opened; room to write (false: to be closed now); the peer's close frame (false:
 * to be closed now); gone. */
void ve_wsc_on_open(struct ve_wsc_conn *c);
bool ve_wsc_on_writable(struct ve_wsc_conn *c);
bool ve_wsc_on_close_frame(struct ve_wsc_conn *c, const uint8_t *payload, size_t len);
void ve_wsc_on_gone(struct ve_wsc_conn *c);

/* wsc_receive.c */
/* From the library: a piece of a message. */
void ve_wsc_on_piece(struct ve_wsc_conn *c, const uint8_t *bytes, size_t len);
void ve_wsc_pause(struct ve_conn *conn, bool paused);
/* Brings the library in line with the user's wish, and gives out what has been kept. */
void ve_wsc_catch_up(struct ve_wsc_conn *c);
/* Reads on, whatever the user wishes: the close frame lies behind it all. */
void ve_wsc_read_on(struct ve_wsc_conn *c);

/* wsc_lws.c */
int ve_wsc_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                    size_t len);

#endif
