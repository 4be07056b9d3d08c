/*
 * net/httpc.h - HTTP(S) requests on libcurl's multi interface: pooled, streaming, cancellable.
 *
 * One ve_httpc per loop holds the connections; HTTP/2 is used over TLS where the server has it.
 * Every request completes exactly once, by `done`, never inside a call of ours but ve_httpc_free.
 * Three clocks: connect, first body byte, progress between bytes. The progress clock stands still
 * while the sink pauses.
 *
 * The body of a 2xx answer goes to the sink as it arrives; a sink that answers VE_FLOW_PAUSE stops
 * the transfer until ve_httpc_resume. Without a sink, and for every other status (the words of a
 * provider's refusal are no audio), the body is collected: see ve_httpc_body. A sink always gets
 * its `end`, before `done`, unless its own `write` refused; after another status than 2xx that is
 * VE_EFAILED. Compression is offered only for bodies that are collected: it makes servers hold
 * streams back.
 *
 * Redirects are followed here, not by libcurl: when scheme, host or port change, the caller's
 * fields are dropped for good, except Accept and Content-Type. No proxy is used, whatever the
 * environment says: behind one, allow_address would see the proxy.
 *
 * Threads: the loop's thread only. Live driver only.
 */
#ifndef VE_NET_HTTPC_H
#define VE_NET_HTTPC_H

#include "base/buf.h"
#include "base/flow.h"
#include "base/log.h"
#include "loop/loop.h"

struct ve_httpc;
struct ve_httpc_request;

struct ve_httpc_field {
    const char *name;
    struct ve_str value; /* copied */
};

/* One part of a multipart/form-data body. */
struct ve_httpc_part {
    const char *name;
    const char *filename; /* or NULL */
    const char *type;     /* content type or NULL */
    struct ve_str data;   /* copied */
};

struct ve_httpc_result {
    int err;          /* 0 also for 4xx and 5xx: see status */
    int status;       /* HTTP status, 0 when none came */
    const char *why;  /* in words, for logs; never holds a URL or a secret */
    uint64_t connect; /* ns to the connection (0 when reused) */
    uint64_t first;   /* ns to the first body byte, 0 without a body */
    uint64_t total;   /* ns */
    size_t received;  /* body bytes, decoded */
    /* The connection died before anything of an answer came, as pooled ones do: the same request
     * once more may well succeed. */
    bool retry;
};

struct ve_httpc_options {
    const char *method; /* NULL: GET, or POST with a body */
    struct ve_str url;  /* http:// or https:// only, without user and password */
    /* Not Host, Connection, Content-Length and their like, which are the connection's own. */
    const struct ve_httpc_field *fields;
    size_t field_count;
    struct ve_str body;                /* copied */
    const struct ve_httpc_part *parts; /* instead of body */
    size_t part_count;
    uint64_t connect_timeout;  /* ns, for every connection of the request; 0 means 3 s */
    uint64_t first_timeout;    /* ns from the start to the first body byte; 0 means 15 s */
    uint64_t progress_timeout; /* ns between body bytes; 0 means 10 s */
    size_t max_body;           /* decoded bytes; 0 means 16 MiB; more ends with VE_ETOOBIG */
    unsigned max_redirects;    /* 0: a redirect is an answer like any other */
    /* Asked about every address before connecting to it, and about the address of a pooled
     * connection before using it; also after a redirect. Refuse with false. An IPv4 address never
     * shows in its IPv6 form. NULL allows all. */
    bool (*allow_address)(void *arg, const char *host, const char *ip);
    /* Asked about "scheme://host:port", as libcurl reads it, before the request and before every
     * redirect is followed. Refuse with false: VE_EAUTH. NULL allows all. */
    bool (*allow_origin)(void *arg, const char *origin);
    struct ve_sink sink; /* ops NULL: the body is collected */
    /* Status and headers are there; may be NULL. Not called for redirects that are followed. */
    void (*head)(void *arg, struct ve_httpc_request *request, int status);
    void (*done)(void *arg, const struct ve_httpc_result *result);
    void *arg;
    bool insecure_tls;   /* tests only */
    const char *ca_file; /* tests only; NULL: the system's */
};

/* Part of the process-wide list. */
int ve_httpc_process_init(void);
/* `log` may be NULL. VE_ENOTSUP in the sim driver. */
int ve_httpc_new(struct ve_httpc **out, struct ve_loop *loop, const struct ve_log *log);
/* How many connections there may be to one host (0: 32) and to all together (0: 256). Requests
 * beyond that wait, on their connect clock. */
void ve_httpc_limit(struct ve_httpc *httpc, unsigned per_host, unsigned total);
/* Requests under way complete with VE_ECANCELED before this returns; then everything is freed. Not
 * to be called from a callback of a request. NULL is allowed. */
void ve_httpc_free(struct ve_httpc *httpc);
/* On an error nothing is called but allow_origin. VE_EINVAL: a URL, method or field that must not
 * be sent. VE_EAUTH: allow_origin has refused. */
int ve_httpc_start(struct ve_httpc *httpc, const struct ve_httpc_options *options,
                   struct ve_httpc_request **out);
/* Ends it; the sink and `head` hear nothing more but `end`. `done` comes in a later step with
 * VE_ECANCELED. */
void ve_httpc_cancel(struct ve_httpc_request *request);
/* Lets a paused transfer go on, in a later step. */
void ve_httpc_resume(struct ve_httpc_request *request);
/* In head and until done returns: a response header's value, ptr NULL when absent. */
struct ve_str ve_httpc_header(const struct ve_httpc_request *request, const char *name);
/* As long: all header lines of the answer, the status line first, each with its line end. */
struct ve_str ve_httpc_head(const struct ve_httpc_request *request);
/* Until done returns: the collected body. */
struct ve_str ve_httpc_body(const struct ve_httpc_request *request);
/*
 * Opens a connection ahead of need: of the options, url, allow_address, allow_origin, done and
 * their arg, insecure_tls and ca_file count. What libcurl connects without a request it does not
 * pool, so a HEAD of "/" without any of the caller's fields is sent.
 */
int ve_httpc_warm(struct ve_httpc *httpc, const struct ve_httpc_options *options);

#endif
