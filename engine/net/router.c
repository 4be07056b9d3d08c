#include "net/router.h"

#include "base/alloc.h"
#include "base/err.h"

#include <string.h>

#define ROUTES_MAX 128

struct ve_router {
    struct ve_route routes[ROUTES_MAX];
    size_t count;
    bool (*guard)(void *arg, struct ve_http_request *request);
    void *guard_arg;
};

int ve_router_new(struct ve_router **out)
{
    *out = ve_alloc(sizeof(**out));
    return *out ? 0 : VE_ENOMEM;
}

void ve_router_free(struct ve_router *router)
{
    ve_free(router);
}

int ve_router_add(struct ve_router *router, const struct ve_route *routes, size_t count, void *arg)
{
    if (count > ROUTES_MAX - router->count)
        return VE_ETOOBIG;
    for (size_t i = 0; i < count; i++) {
        router->routes[router->count] = routes[i];
        router->routes[router->count++].arg = arg;
    }
    return 0;
}

void ve_router_guard(struct ve_router *router,
                     bool (*guard)(void *arg, struct ve_http_request *request), void *arg)
{
    router->guard = guard;
    router->guard_arg = arg;
}

/* One segment: "calls", "{id}", "call_{id}". */
static bool segment_matches(struct ve_str pattern, struct ve_str segment, struct ve_str *param,
                            bool *has_param)
{
    size_t brace = ve_str_find(pattern, '{');
    *has_param = brace != SIZE_MAX;
    if (!*has_param)
        return ve_str_eq(pattern, segment);
    struct ve_str prefix = ve_str_n(pattern.ptr, brace);
    if (!ve_str_starts(segment, prefix) || segment.len == prefix.len)
        return false;
    *param = ve_str_n(segment.ptr + prefix.len, segment.len - prefix.len);
    return true;
}

bool ve_route_matches(const char *pattern, struct ve_str path,
                      struct ve_str params[static VE_ROUTE_PARAMS])
{
    struct ve_str rest = ve_str(pattern);
    size_t n = 0;
    while (rest.ptr && path.ptr) {
        bool has_param;
        struct ve_str param = {NULL, 0};
        if (!segment_matches(ve_str_cut(&rest, '/'), ve_str_cut(&path, '/'), &param, &has_param))
            return false;
        if (has_param && n < VE_ROUTE_PARAMS)
            params[n++] = param;
    }
    return !rest.ptr && !path.ptr;
}

static bool method_matches(const struct ve_route *route, struct ve_http_request *request,
                           bool upgrade)
{
    if (upgrade || strcmp(route->method, "WS") == 0)
        return upgrade && strcmp(route->method, "WS") == 0;
    struct ve_str method = ve_http_method(request);
    if (ve_str_eq(method, VE_STR("HEAD")))
        method = VE_STR("GET");
    return ve_str_eq(method, ve_str(route->method));
}

/* The path exists, but not so. */
static void refuse_method(struct ve_http_request *request, const struct ve_route *route)
{
    if (strcmp(route->method, "WS") == 0) {
        ve_http_refuse_with(request, 426, "upgrade_required",
                            "this address takes WebSocket connections",
                            (struct ve_http_field){"Upgrade", VE_STR("websocket")});
        return;
    }
    ve_http_refuse_with(request, 405, "method_not_allowed", "this address takes another method",
                        (struct ve_http_field){"Allow", ve_str(route->method)});
}

void ve_router_request(struct ve_router *router, struct ve_http_request *request, bool upgrade)
{
    const struct ve_route *other = NULL;
    if (router->guard && !router->guard(router->guard_arg, request))
        return;
    for (size_t i = 0; i < router->count; i++) {
        const struct ve_route *route = &router->routes[i];
        struct ve_str params[VE_ROUTE_PARAMS] = {{NULL, 0}};
        if (!ve_route_matches(route->pattern, ve_http_path(request), params))
            continue;
        if (method_matches(route, request, upgrade)) {
            route->handle(route->arg, request, params);
            return;
        }
        other = route;
    }
    if (other)
        refuse_method(request, other);
    else
        ve_http_refuse(request, 404, "not_found", "there is nothing at this address");
}

void ve_router_aborted(struct ve_http_request *request)
{
    struct ve_http_hold *hold = ve_http_data(request);
    if (hold)
        hold->gone(hold);
}
