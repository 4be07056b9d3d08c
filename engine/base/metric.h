/*
 * base/metric.h - counts, levels and distributions, and how Prometheus reads them.
 *
 * A family has a name, a help text and the names of its labels; each combination of label values
 * is a series. Making a family again gives the one that is there, so every room asks for what it
 * counts by name. At most VE_METRIC_SERIES series in a family: label values from outside that would
 * make more are counted together under the value "other". Nothing here fails: without memory a
 * value is not counted.
 *
 * One per worker; the loop's thread only. Names and units follow Prometheus' conventions (base
 * units; a counter's name ends in _total and is given here without that ending).
 */
#ifndef VE_BASE_METRIC_H
#define VE_BASE_METRIC_H

#include "base/buf.h"

#include <stdbool.h>

#define VE_METRIC_LABELS 4
#define VE_METRIC_SERIES 200
#define VE_METRIC_BOUNDS 16

struct ve_metrics;
struct ve_metric;

int ve_metrics_new(struct ve_metrics **out);
/* NULL is allowed. */
void ve_metrics_free(struct ve_metrics *metrics);

/* Families. `labels` are names with commas between them, "" for none. The texts must outlive the
 * metrics. NULL without memory, which every function below takes; `metrics` may be NULL too. */
struct ve_metric *ve_metric_counter(struct ve_metrics *metrics, const char *name, const char *help,
                                    const char *labels);
struct ve_metric *ve_metric_gauge(struct ve_metrics *metrics, const char *name, const char *help,
                                  const char *labels);
/* `bounds`: upper bounds of the buckets, ascending, without infinity; at most VE_METRIC_BOUNDS. */
struct ve_metric *ve_metric_histogram(struct ve_metrics *metrics, const char *name,
                                      const char *help, const char *labels, const double *bounds,
                                      size_t count);

/* `values` has as many texts as the family has labels; NULL for none. */
void ve_metric_add(struct ve_metric *metric, double by, const char *const *values);
void ve_metric_set(struct ve_metric *metric, double value, const char *const *values);
void ve_metric_observe(struct ve_metric *metric, double value, const char *const *values);
/* Forgets the series of a family: for gauges whose series are told anew at every reading. */
void ve_metric_clear(struct ve_metric *metric);

/* Called before every reading: sets what is known only by looking. `collector` is the caller's. */
struct ve_metric_collector {
    void (*collect)(void *arg);
    void *arg;
    struct ve_metric_collector *next;
};
void ve_metrics_on_read(struct ve_metrics *metrics, struct ve_metric_collector *collector);

enum ve_metric_format {
    VE_METRIC_TEXT,        /* Prometheus text format 0.0.4 */
    VE_METRIC_OPENMETRICS, /* OpenMetrics 1.0 */
};
/* Appends all families. VE_ENOMEM, VE_ETOOBIG. */
int ve_metrics_write(struct ve_metrics *metrics, enum ve_metric_format format, struct ve_buf *out);

#endif
