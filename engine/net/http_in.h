/*
 * net/http_in.h - inside of net/http*.c only: a connection that speaks HTTP, and its request.
 *
 * A connection owns its stream and the request that is being read or answered. It goes when the
 * stream is handed to a WebSocket, left to finish by itself, or lost.
 */
#ifndef VE_NET_HTTP_IN_H
#define VE_NET_HTTP_IN_H

#include "base/list.h"
#include "base/map.h"
#include "loop/timer.h"
#include "net/http_head.h"
#include "net/httpd.h"
#include "net/listen.h"
#include "net/stream.h"

/* Bodies of all requests together: without it, the limit of one times all connections would be. */
#define VE_HTTP_BODIES_MAX (256ull * 1024 * 1024)
/* Requests handed to the user per round of the loop: a burst of webhooks waits here, the frames of
 * running calls do not. */
#define VE_HTTP_REQUESTS_PER_ROUND 32
/* Connections over a limit that are told so; those over this limit are cut without a word. */
#define VE_HTTP_REFUSED_MAX 64

struct ve_httpd {
    struct ve_loop *loop;          /* borrowed */
    struct ve_httpd_config config; /* with the defaults filled in; its texts are not kept */
    struct ve_httpd_handlers on;
    void *arg;                    /* the user's */
    struct ve_listener *listener; /* owned; NULL: not listening */
    struct ve_tls *tls;           /* owned; NULL: plain */
    struct ve_hub *hub;           /* owned */
    struct ve_map peers;          /* address -> struct peer */
    struct ve_link waiting;       /* connections whose request waits for the next round */
    struct ve_timer round;        /* runs in the next round */
    unsigned handed_over;         /* requests in this round */
    struct ve_buf scratch;        /* heads of answers are written here */
    uint16_t port;
    uint64_t accepted, refused; /* connections */
    unsigned refusing;          /* connections alive only to be told that there is no room */
    uint64_t bodies;            /* bytes of bodies held */
    int64_t date_second;        /* of `date`, since 1970 */
    char date[32];              /* "Sun, 06 Nov 1994 08:49:37 GMT" */
};

enum http_state {
    HTTP_IDLE, /* between requests */
    HTTP_HEAD,
    HTTP_BODY,
    HTTP_WAITING, /* for the next round of the loop */
    HTTP_OPEN,    /* the request is the user's */
    HTTP_OVER,    /* the stream has been let go of */
};

struct http_conn {
    struct ve_httpd *httpd;          /* borrowed */
    struct ve_stream *stream;        /* owned until HTTP_OVER */
    struct ve_http_request *request; /* owned; NULL while idle */
    struct ve_timer timer;           /* deadline of the state */
    struct ve_link link;             /* in httpd->waiting */
    struct ve_http_scan scan;
    uint64_t sent; /* ve_stream_sent when the idle timer was started */
    enum http_state state;
    bool reading; /* bytes are being given: whoever gave them frees */
};

struct ve_http_request {
    struct http_conn *conn; /* borrowed */
    struct ve_http_head head;
    struct ve_buf bytes; /* of the head */
    struct ve_buf body;
    void *data; /* the user's */
};

/* Takes the socket, also when it fails: then nothing of it is left. */
int ve_http_conn_new(struct ve_httpd *httpd, int fd, const char *peer, bool refused);
/* A new round of the loop (argument: the ve_httpd): who waited gets its turn. */
void ve_http_round(void *arg);
/* The request has been answered; `keep` says whether the next one may follow. */
void ve_http_conn_answered(struct http_conn *conn, bool keep);
/* The stream has a new owner, or has been closed: the rest goes. */
void ve_http_conn_over(struct http_conn *conn);
/* The head in httpd->scratch and a body as a message; NULL without memory. */
struct ve_out *ve_http_message(const struct ve_httpd *httpd, struct ve_str body);
/* Answers for the server itself, then closes. */
void ve_http_judge(struct http_conn *conn, const struct ve_http_verdict *verdict);

#endif
