/*
 * provider/request_in.h - inside of provider/request*.c only.
 *
 *   request.c           rules, secrets, the list of requests, the end
 *   request_live.c      through net/httpc
 *   request_script.c  through a script of answers, on the virtual clock
 *
 * Owned by the worker's ve_requests; the loop's thread only.
 */
#ifndef VE_PROVIDER_REQUEST_IN_H
#define VE_PROVIDER_REQUEST_IN_H

#include "base/list.h"
#include "net/httpc.h"
#include "provider/net_script.h"

struct ve_requests {
    struct ve_requests_options options;
    struct ve_httpc *httpc; /* owned; NULL under the sim driver */
    struct ve_link list;
    unsigned count;
};

struct ve_request {
    struct ve_link link;
    struct ve_requests *owner;
    const struct ve_policy *policy; /* borrowed */
    struct ve_origin origin;        /* of the first hop */
    bool moved;                     /* past the first hop */
    bool base;                      /* the present hop leads to a base URL: any address */
    bool denied;
    bool dead; /* cancelled: nothing is called any more */
    struct ve_sink sink;
    void (*head)(void *arg, struct ve_request *request, int status);
    void (*done)(void *arg, const struct ve_request_result *result);
    void *arg;
    struct ve_clocks clocks;
    const char *expired;           /* why a clock of ours ended it, or NULL */
    struct ve_httpc_request *http; /* live; NULL once it has ended */
    /* scripted */
    struct ve_net_answer answer;
    struct ve_timer next;
    size_t piece;
    size_t offset; /* of the next piece in answer.bytes */
    bool connected;
    bool paused;
    size_t max_body;
    uint64_t started;
    uint64_t first;
    struct ve_buf body; /* collected */
};

/* request.c */
enum ve_policy_answer ve_request_ask(const struct ve_request *request,
                                     const struct ve_origin *origin);
/* Fills in what is ours in the result, calls `done` unless dead, and frees. */
void ve_request_end(struct ve_request *request, struct ve_request_result *result);
void ve_request_free(struct ve_request *request);

/* request_live.c */
int ve_request_live_start(struct ve_request *request, const struct ve_request_options *options,
                          char why[static VE_REQUEST_WHY]);
void ve_request_live_warm(struct ve_request *request, struct ve_str url);

/* request_script.c */
int ve_request_script_start(struct ve_request *request, const struct ve_request_options *options,
                            char why[static VE_REQUEST_WHY]);
/* Ends the exchange; err may be 0. */
void ve_request_script_fail(struct ve_request *request, int err, const char *why);
void ve_request_script_resume(struct ve_request *request);
struct ve_str ve_request_script_header(const struct ve_request *request, const char *name);

#endif
