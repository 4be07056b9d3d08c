#include "admin/metrics.h"

#include "base/alloc.h"
#include "base/err.h"
#include "loop/usage.h"

#include <string.h>

#define PAGE_MAX (8 * 1024 * 1024)

struct ve_metrics_page {
    struct ve_metrics_page_config config;
    struct ve_metric_collector collector;
    struct ve_metric *calls, *generation, *lag, *cpu, *resident, *virtual_bytes, *fds, *fds_max;
    struct ve_metric *started, *connections, *accepted, *refused, *in, *out;
};

/* Counters that somebody else keeps: the family is told anew from the total. */
static void set_total(struct ve_metric *metric, double total, const char *label)
{
    ve_metric_set(metric, total, label ? (const char *[]){label} : NULL);
}

static void collect_ports(struct ve_metrics_page *page)
{
    for (size_t i = 0; i < VE_METRICS_PORTS; i++) {
        const char *name = page->config.ports[i].name;
        const struct ve_httpd *server =
            name ? page->config.ports[i].server(page->config.arg) : NULL;
        if (!server)
            continue;
        struct ve_httpd_stats stats = ve_httpd_stats(server);
        set_total(page->connections, ve_httpd_connections(server), name);
        set_total(page->accepted, (double)stats.accepted, name);
        set_total(page->refused, (double)stats.refused, name);
        set_total(page->in, (double)stats.bytes_in, name);
        set_total(page->out, (double)stats.bytes_out, name);
    }
}

static void collect(void *arg)
{
    struct ve_metrics_page *page = arg;
    struct ve_usage usage;
    ve_usage_read(&usage);
    set_total(page->calls, ve_calls_active(page->config.calls), NULL);
    set_total(page->generation, (double)page->config.generation(page->config.arg), NULL);
    set_total(page->lag, (double)ve_loop_lag_peak(page->config.loop) / 1e9, NULL);
    set_total(page->cpu, usage.cpu_s, NULL);
    set_total(page->resident, (double)usage.resident, NULL);
    set_total(page->virtual_bytes, (double)usage.virtual_bytes, NULL);
    set_total(page->fds, usage.descriptors, NULL);
    set_total(page->fds_max, (double)usage.descriptors_max, NULL);
    set_total(page->started, usage.started_s, NULL);
    collect_ports(page);
}

static void make_families(struct ve_metrics_page *page)
{
    struct ve_metrics *m = page->config.metrics;
    struct ve_metric *build =
        ve_metric_gauge(m, "voiceengine_build_info", "The version that runs; always 1.", "version");
    ve_metric_set(build, 1, (const char *[]){VE_VERSION});
    page->calls = ve_metric_gauge(m, "voiceengine_calls", "Running calls.", "");
    page->generation = ve_metric_gauge(m, "voiceengine_script_generation",
                                       "Number of the scripts that the next call runs.", "");
    page->lag = ve_metric_gauge(m, "voiceengine_loop_lag_seconds",
                                "The latest a timer was since the last reading.", "");
    page->cpu = ve_metric_counter(m, "process_cpu_seconds", "Processor time, all threads.", "");
    page->resident = ve_metric_gauge(m, "process_resident_memory_bytes", "Memory in use.", "");
    page->virtual_bytes =
        ve_metric_gauge(m, "process_virtual_memory_bytes", "Address space in use.", "");
    page->fds = ve_metric_gauge(m, "process_open_fds", "Open file descriptors.", "");
    page->fds_max = ve_metric_gauge(m, "process_max_fds", "Descriptors that may be open.", "");
    page->started = ve_metric_gauge(m, "process_start_time_seconds",
                                    "When the process began, in seconds since 1970.", "");
    page->connections =
        ve_metric_gauge(m, "voiceengine_connections", "Open connections by port.", "port");
    page->accepted = ve_metric_counter(m, "voiceengine_connections_accepted",
                                       "Connections accepted by port.", "port");
    page->refused = ve_metric_counter(m, "voiceengine_connections_refused",
                                      "Connections refused by port.", "port");
    page->in =
        ve_metric_counter(m, "voiceengine_received_bytes", "Bytes received by port.", "port");
    page->out = ve_metric_counter(m, "voiceengine_sent_bytes", "Bytes sent by port.", "port");
}

static void on_metrics(void *arg, struct ve_http_request *request, const struct ve_str *params)
{
    struct ve_metrics_page *page = arg;
    struct ve_buf body;
    (void)params;
    if (!ve_access_check(page->config.tokens, request, VE_ROLE_READ))
        return;
    struct ve_str accept = ve_http_header(request, "Accept");
    static const char wanted[] = "application/openmetrics-text";
    bool open = accept.len && memmem(accept.ptr, accept.len, wanted, sizeof(wanted) - 1) != NULL;
    ve_buf_init(&body, PAGE_MAX);
    int err = ve_metrics_write(page->config.metrics, open ? VE_METRIC_OPENMETRICS : VE_METRIC_TEXT,
                               &body);
    if (err)
        ve_http_refuse(request, 503, "busy", ve_err_name(err));
    else
        ve_http_respond(request, 200,
                        open ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
                             : "text/plain; version=0.0.4; charset=utf-8",
                        ve_buf_str(&body), NULL, 0);
    ve_buf_free(&body);
}

static const struct ve_route routes[] = {{"GET", "/metrics", on_metrics, NULL}};

int ve_metrics_page_new(struct ve_metrics_page **out, const struct ve_metrics_page_config *config,
                        struct ve_router *router)
{
    struct ve_metrics_page *page = ve_alloc(sizeof(*page));
    if (!page)
        return VE_ENOMEM;
    page->config = *config;
    int err = ve_router_add(router, routes, sizeof(routes) / sizeof(routes[0]), page);
    if (err) {
        ve_free(page);
        return err;
    }
    make_families(page);
    page->collector = (struct ve_metric_collector){.collect = collect, .arg = page};
    ve_metrics_on_read(config->metrics, &page->collector);
    *out = page;
    return 0;
}

void ve_metrics_page_free(struct ve_metrics_page *page)
{
    ve_free(page);
}
