/*
 * net/httpc_in.h - inside of net/httpc*.c only.
 *
 *   httpc.c           what callers call; the list of requests that something is to be done for
 *   httpc_loop.c      libcurl's sockets and timer on the loop; what has completed
 *   httpc_setup.c     options checked and copied into a handle of libcurl's
 *   httpc_transfer.c  one exchange: clocks, addresses, head, body, redirect, result
 *   httpc_result.c    libcurl's errors in our codes and words
 *
 * libcurl must not be called from its own callbacks, and none of ours may be made inside a call of
 * ours: so calls leave a mark and put the request on the work list, which is gone through in a step
 * of its own.
 */
#ifndef VE_NET_HTTPC_IN_H
#define VE_NET_HTTPC_IN_H

#include "base/list.h"
#include "loop/timer.h"
#include "net/httpc.h"

#include <curl/curl.h>

#define VE_HTTPC_HEAD_MAX (64 * 1024) /* header bytes of all the answers of a request */

struct ve_httpc {
    struct ve_loop *loop;     /* borrowed */
    const struct ve_log *log; /* borrowed, or NULL */
    CURLM *multi;             /* owned */
    struct ve_timer clock;    /* libcurl's one timer */
    struct ve_timer kick;     /* runs when the work list is not empty */
    struct ve_link requests;  /* owned; all that have not completed */
    struct ve_link work;
    struct ve_link sockets; /* owned; those that libcurl watches */
};

enum ve_httpc_mark {
    VE_HTTPC_NEW,     /* to be handed to libcurl */
    VE_HTTPC_RUNNING, /* libcurl has it */
    VE_HTTPC_ENDING,  /* to be completed with `err`; nothing but that is called any more */
};

struct ve_httpc_request {
    struct ve_link link; /* in ve_httpc.requests */
    struct ve_link work; /* in ve_httpc.work when something is to be done */
    struct ve_httpc *httpc;
    enum ve_httpc_mark mark;
    bool resume; /* the sink wants more */

    /* What is asked for. */
    CURL *easy;                      /* owned */
    struct curl_slist *fields;       /* owned; as header lines */
    struct curl_slist *plain_fields; /* owned; those that another server may see */
    curl_mime *mime;                 /* owned, or NULL */
    char *body;                      /* owned, or NULL */
    char *host;                      /* owned; of the present hop */
    char *origin;                    /* owned; scheme, host and port of the present hop */
    char method[16];
    unsigned redirects_left;
    bool follows; /* redirects at all */
    bool strayed; /* another origin has been seen: only the plain fields from now on */

    /* Whom to tell. */
    bool (*allow_address)(void *arg, const char *host, const char *ip);
    bool (*allow_origin)(void *arg, const char *origin);
    struct ve_sink sink;
    void (*head)(void *arg, struct ve_httpc_request *request, int status);
    void (*done)(void *arg, const struct ve_httpc_result *result);
    void *arg;

    /* Clocks: ns. */
    struct ve_timer connect_clock;
    struct ve_timer body_clock; /* to the first byte, then from byte to byte */
    uint64_t connect_timeout;
    uint64_t progress_timeout;
    uint64_t first_due; /* when the first body byte must be there */
    uint64_t started;
    uint64_t hop_started;

    /* What has come. */
    struct ve_buf header;    /* owned; lines of the present answer */
    size_t header_bytes;     /* of all answers */
    bool in_head;            /* its blank line has not come */
    bool redirecting;        /* the present answer is a redirect to be followed */
    bool to_sink;            /* bodies go there, not into `collected` */
    bool paused;             /* the sink wants no more */
    bool sink_refused;       /* it is told nothing more */
    bool refused_address;    /* allow_address has said no */
    struct ve_buf collected; /* owned */
    size_t max_body;         /* bytes */
    struct ve_httpc_result result;
    char why[160];
};

/* httpc.c */
void ve_httpc_attend(struct ve_httpc_request *request);
void ve_httpc_request_free(struct ve_httpc_request *request);

/* httpc_loop.c */
int ve_httpc_loop_init(struct ve_httpc *httpc);
void ve_httpc_loop_close(struct ve_httpc *httpc);

/* httpc_setup.c */
/* Everything that does not change from hop to hop. */
int ve_httpc_setup(struct ve_httpc_request *request, const struct ve_httpc_options *options);
/* Sets the URL of the next hop. VE_EINVAL when it is not one of ours, VE_EAUTH when its origin is
 * refused. */
int ve_httpc_set_url(struct ve_httpc_request *request, const char *url);
/* Method, body and fields of the next hop. */
int ve_httpc_set_message(struct ve_httpc_request *request);

/* httpc_transfer.c */
/* Sets libcurl's callbacks. */
int ve_httpc_set_callbacks(struct ve_httpc_request *request);
void ve_httpc_clocks_init(struct ve_httpc_request *request, const struct ve_httpc_options *options);
/* Hands the request to libcurl. */
void ve_httpc_begin(struct ve_httpc_request *request);
void ve_httpc_go_on(struct ve_httpc_request *request);
/* libcurl is done with it: follows a redirect, or completes. */
void ve_httpc_ended(struct ve_httpc_request *request, CURLcode code);
/* Completes and frees it. Only in a step of ours, never inside of libcurl. */
void ve_httpc_finish(struct ve_httpc_request *request);
/* Marks it to be completed in a later step. The first error counts. */
void ve_httpc_fail(struct ve_httpc_request *request, int err, const char *why);

/* httpc_result.c */
/* Fills err, why and retry from libcurl's result. */
void ve_httpc_explain(struct ve_httpc_request *request, CURLcode code);

#endif
