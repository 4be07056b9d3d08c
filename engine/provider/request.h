/*
 * provider/request.h - HTTP requests of scripts: where they may lead, what secrets they carry, how
 * long they may take.
 *
 * One ve_requests per worker. Under the live driver requests go through net/httpc; under the sim
 * driver there is no network and a script of answers stands in for it (provider/net_script.h), with
 * the same clocks on the virtual time.
 *
 * A request leads to a place that the tenant's policy allows, that the settings name as a base URL,
 * or that a secret belongs to; anything else is refused before a name is looked up, and again for
 * every redirect. The address is checked when it is known, and that very address is connected to.
 *
 * The loop's thread only. Callbacks are never made inside a call of ours.
 */
#ifndef VE_PROVIDER_REQUEST_H
#define VE_PROVIDER_REQUEST_H

#include "base/flow.h"
#include "base/log.h"
#include "provider/clocks.h"
#include "provider/vault.h"

#define VE_REQUEST_WHY  200  /* bytes of a reason, with the NUL */
#define VE_REQUESTS_MAX 1024 /* under way at once in a worker */

struct ve_requests;
struct ve_request;
struct ve_net_script;

struct ve_requests_options {
    struct ve_loop *loop;
    const struct ve_log *log;           /* or NULL */
    const struct ve_vault *vault;       /* borrowed */
    const struct ve_policy *policy;     /* of the worker: base URLs, hosts for all; borrowed */
    const struct ve_net_script *script; /* sim driver: who answers; borrowed, or NULL */
};

struct ve_request_field {
    const char *name;
    struct ve_str value; /* may name secrets: "Bearer ${OPENAI_API_KEY}" */
};

/* One part of a multipart/form-data body. */
struct ve_request_part {
    const char *name;
    const char *filename; /* or NULL */
    const char *type;     /* content type or NULL */
    struct ve_str data;
};

struct ve_request_result {
    int err;            /* 0 for every status; then `status` says how it went */
    bool denied;        /* with VE_EAUTH: our own rules have refused it */
    int status;         /* 0 when none came */
    const char *why;    /* in words; never holds a URL or a secret */
    struct ve_str head; /* header lines, status line first */
    struct ve_str body; /* collected; secrets in it are overwritten */
    uint64_t connect;   /* ns to the connection, 0 when a warm one was used */
    uint64_t first;     /* ns to the first body byte, 0 without a body */
    uint64_t total;     /* ns */
    size_t received;    /* body bytes */
    bool retry;         /* a pooled connection was dead: once more may well succeed */
};

/* Everything is copied but the sink's object. */
struct ve_request_options {
    const char *method; /* NULL: GET, or POST with a body */
    struct ve_str url;
    const struct ve_request_field *fields;
    size_t field_count;
    struct ve_str body;
    const struct ve_request_part *parts; /* instead of body */
    size_t part_count;
    struct ve_clock_limits limits;
    size_t max_body;                /* decoded bytes of the answer; 0: 1 MiB */
    unsigned max_redirects;         /* 0: a redirect is an answer like any other */
    const struct ve_policy *policy; /* of the tenant; NULL: only the worker's */
    /* Takes the body of a 2xx answer as it comes; ops NULL: it is collected, as that of every other
     * status is. After VE_FLOW_PAUSE: ve_request_resume. */
    struct ve_sink sink;
    void (*head)(void *arg, struct ve_request *request, int status); /* or NULL */
    void (*done)(void *arg, const struct ve_request_result *result); /* once, last */
    void *arg;
};

/* VE_ENOMEM, and what net/httpc says. */
int ve_requests_new(struct ve_requests **out, const struct ve_requests_options *options);
/* Requests under way are dropped without a call. Not inside a callback. NULL is allowed. */
void ve_requests_free(struct ve_requests *requests);

/* On an error nothing is called and `why` tells what to do. VE_EAUTH: our rules refuse it.
 * VE_EBUSY: too many at once. */
int ve_request_start(struct ve_requests *requests, const struct ve_request_options *options,
                     struct ve_request **out, char why[static VE_REQUEST_WHY]);
/* Ends it at once: the connection is given up, nothing is called any more. */
void ve_request_cancel(struct ve_request *request);
void ve_request_resume(struct ve_request *request);
/* In `head` and until `done` returns: a header's value, ptr NULL when absent. */
struct ve_str ve_request_header(const struct ve_request *request, const char *name);
/* Overwrites in bytes of the answer the secrets that the request may have carried. */
void ve_request_scrub(const struct ve_request *request, char *bytes, size_t len);
/* Opens a connection to where the URL leads, so that the next request finds it warm. Errors are of
 * no consequence; the rules of requests hold. */
void ve_request_warm(struct ve_requests *requests, struct ve_str url,
                     const struct ve_policy *policy);
struct ve_loop *ve_requests_loop(const struct ve_requests *requests);
/* Those that have not ended. */
unsigned ve_requests_active(const struct ve_requests *requests);

#endif
