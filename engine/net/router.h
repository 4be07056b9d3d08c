/*
 * net/router.h - which function answers which request.
 *
 * A pattern is a path whose segments may be "{name}", or end in one: "/stream/call_{call_id}". A
 * path that no pattern has is 404, one that has another method 405 with Allow. Literal patterns are
 * asked in the order in which they were added.
 */
#ifndef VE_NET_ROUTER_H
#define VE_NET_ROUTER_H

#include "net/httpd.h"

#define VE_ROUTE_PARAMS 4

struct ve_route {
    const char *method;  /* "GET", "POST"; "WS": an upgrade */
    const char *pattern; /* borrowed */
    /* `params` are the values of the braces, in order, borrowed from the request. */
    void (*handle)(void *arg, struct ve_http_request *request, const struct ve_str *params);
    void *arg;
};

struct ve_router;

int ve_router_new(struct ve_router **out);
void ve_router_free(struct ve_router *router);
/* Copies the table; every route gets this `arg`. */
int ve_router_add(struct ve_router *router, const struct ve_route *routes, size_t count, void *arg);
/* Asked before any route: answers and returns false to stop the request. May be NULL. */
void ve_router_guard(struct ve_router *router,
                     bool (*guard)(void *arg, struct ve_http_request *request), void *arg);
/* Hands a request (or an upgrade) to its route, or refuses it. */
void ve_router_request(struct ve_router *router, struct ve_http_request *request, bool upgrade);
/* For a route that answers later: the owner of the request's data (ve_http_set_data), until it has
 * answered. */
struct ve_http_hold {
    /* The peer has left: the request must not be touched any more. */
    void (*gone)(struct ve_http_hold *hold);
};
/* For `aborted` of the server: tells the holder, if there is one. */
void ve_router_aborted(struct ve_http_request *request);
/* Does a path have this pattern? */
bool ve_route_matches(const char *pattern, struct ve_str path,
                      struct ve_str params[static VE_ROUTE_PARAMS]);

#endif
