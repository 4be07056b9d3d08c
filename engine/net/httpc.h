/*
 * net/httpc.h - HTTP(S) requests on libcurl's multi interface: pooled, streaming, cancellable.
 *
 * Every request completes exactly once, by `done`, never inside a call of ours. Body bytes go to
 * the sink as they arrive; a sink that answers VE_FLOW_PAUSE stops the transfer until
 * ve_httpc_resume. Three clocks: connect, first body byte, progress between bytes.
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
    const char *why;  /* in words, for logs; never holds a secret */
    uint64_t connect; /* ns to the connection (0 when reused) */
    uint64_t first;   /* ns to the first body byte, 0 without a body */
    uint64_t total;   /* ns */
    size_t received;  /* body bytes */
};

struct ve_httpc_options {
    const char *method; /* NULL: GET, or POST with a body */
    struct ve_str url;  /* http:// or https:// only */
    const struct ve_httpc_field *fields;
    size_t field_count;
    struct ve_str body; /* copied */
    const struct ve_httpc_part *parts; /* instead of body */
    size_t part_count;
    uint64_t connect_timeout; /* ns; 0 means 3 s */
    uint64_t first_timeout;   /* ns from the start to the first body byte; 0 means 15 s */
    uint64_t progress_timeout; /* ns between body bytes; 0 means 10 s */
    size_t max_body;           /* decoded bytes; 0 means 16 MiB; more ends with VE_ETOOBIG */
    unsigned max_redirects;    /* 0: a redirect is an answer like any other */
    /* Called for every address before connecting, also after a redirect: refuse with false. */
    bool (*allow_address)(void *arg, const char *host, const char *ip);
    struct ve_sink sink; /* ops NULL: the body is collected, see ve_httpc_body */
    /* Status and headers are there; may be NULL. */
    void (*head)(void *arg, struct ve_httpc_request *request, int status);
    void (*done)(void *arg, const struct ve_httpc_result *result);
    void *arg;
    bool insecure_tls;   /* tests only */
    const char *ca_file; /* tests only; NULL: the system's */
};

int ve_httpc_process_init(void);
int ve_httpc_new(struct ve_httpc **out, struct ve_loop *loop, const struct ve_log *log);
/* Requests under way complete with VE_ECANCELED, then everything is freed. */
void ve_httpc_free(struct ve_httpc *httpc);
int ve_httpc_start(struct ve_httpc *httpc, const struct ve_httpc_options *options,
                   struct ve_httpc_request **out);
/* Ends it now; `done` comes in a later step with VE_ECANCELED. */
void ve_httpc_cancel(struct ve_httpc_request *request);
void ve_httpc_resume(struct ve_httpc_request *request);
/* Inside head and done: a response header's value, ptr NULL when absent; the collected body. */
struct ve_str ve_httpc_header(const struct ve_httpc_request *request, const char *name);
struct ve_str ve_httpc_body(const struct ve_httpc_request *request);
/* Opens a connection to a URL's host ahead of need (HEAD-less connect); failures are ignored. */
int ve_httpc_warm(struct ve_httpc *httpc, struct ve_str url);

#endif
