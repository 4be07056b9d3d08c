/*
 * admin/metrics.h - GET /metrics: what the engine counts, for Prometheus.
 *
 * Text format 0.0.4, or OpenMetrics 1.0 when the Accept header asks for it.
 * docs/reference/metrics.md lists every family. Rooms count what they do themselves, into the
 * worker's struct ve_metrics; what is known only by looking (process, loop, ports, running calls)
 * is added here.
 */
#ifndef VE_ADMIN_METRICS_H
#define VE_ADMIN_METRICS_H

#include "admin/access.h"
#include "base/metric.h"
#include "call/call.h"
#include "net/router.h"

struct ve_metrics_page;

#define VE_METRICS_PORTS 2

struct ve_metrics_page_config {
    struct ve_loop *loop;
    struct ve_metrics *metrics;         /* borrowed; outlives the page */
    struct ve_calls *calls;             /* borrowed */
    const struct ve_api_tokens *tokens; /* borrowed */
    uint64_t (*generation)(void *arg);  /* of the scripts that the next call runs */
    /* The server behind a port, NULL while there is none; `name` is its label. */
    struct {
        const char *name;
        const struct ve_httpd *(*server)(void *arg);
    } ports[VE_METRICS_PORTS];
    void *arg;
};

int ve_metrics_page_new(struct ve_metrics_page **out, const struct ve_metrics_page_config *config,
                        struct ve_router *router);
void ve_metrics_page_free(struct ve_metrics_page *page);

#endif
