#include "base/metric.h"

#include "base/alloc.h"
#include "base/err.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define LABEL_MAX 64 /* bytes of a label value; the rest is cut off */

enum type { COUNTER, GAUGE, HISTOGRAM };

struct series {
    struct series *next;
    char labels[VE_METRIC_LABELS][LABEL_MAX];
    double value; /* a histogram's sum */
    uint64_t count;
    uint64_t buckets[]; /* of a histogram: each without those below */
};

struct ve_metric {
    struct ve_metric *next;
    enum type type;
    const char *name;
    const char *help;
    const char *labels;
    unsigned label_count;
    double bounds[VE_METRIC_BOUNDS];
    size_t bound_count;
    struct series *first; /* in the order they came */
    struct series *last;
    unsigned series_count;
};

struct ve_metrics {
    struct ve_metric *first;
    struct ve_metric *last;
    struct ve_metric_collector *collectors;
};

/* --- families ------------------------------------------------------------------------------------
 */

int ve_metrics_new(struct ve_metrics **out)
{
    *out = ve_alloc(sizeof(**out));
    return *out ? 0 : VE_ENOMEM;
}

void ve_metric_clear(struct ve_metric *metric)
{
    if (!metric)
        return;
    for (struct series *at = metric->first; at;) {
        struct series *next = at->next;
        ve_free(at);
        at = next;
    }
    metric->first = metric->last = NULL;
    metric->series_count = 0;
}

void ve_metrics_free(struct ve_metrics *metrics)
{
    if (!metrics)
        return;
    for (struct ve_metric *at = metrics->first; at;) {
        struct ve_metric *next = at->next;
        ve_metric_clear(at);
        ve_free(at);
        at = next;
    }
    ve_free(metrics);
}

static unsigned count_labels(const char *labels)
{
    unsigned n = labels[0] ? 1 : 0;
    for (; *labels; labels++)
        n += *labels == ',';
    return n < VE_METRIC_LABELS ? n : VE_METRIC_LABELS;
}

static struct ve_metric *family(struct ve_metrics *metrics, enum type type, const char *name,
                                const char *help, const char *labels)
{
    if (!metrics)
        return NULL;
    for (struct ve_metric *at = metrics->first; at; at = at->next) {
        if (strcmp(at->name, name) == 0)
            return at;
    }
    struct ve_metric *metric = ve_alloc(sizeof(*metric));
    if (!metric)
        return NULL;
    metric->type = type;
    metric->name = name;
    metric->help = help;
    metric->labels = labels;
    metric->label_count = count_labels(labels);
    if (metrics->last)
        metrics->last->next = metric;
    else
        metrics->first = metric;
    metrics->last = metric;
    return metric;
}

struct ve_metric *ve_metric_counter(struct ve_metrics *metrics, const char *name, const char *help,
                                    const char *labels)
{
    return family(metrics, COUNTER, name, help, labels);
}

struct ve_metric *ve_metric_gauge(struct ve_metrics *metrics, const char *name, const char *help,
                                  const char *labels)
{
    return family(metrics, GAUGE, name, help, labels);
}

struct ve_metric *ve_metric_histogram(struct ve_metrics *metrics, const char *name,
                                      const char *help, const char *labels, const double *bounds,
                                      size_t count)
{
    struct ve_metric *metric = family(metrics, HISTOGRAM, name, help, labels);
    if (!metric || metric->bound_count)
        return metric;
    metric->bound_count = count < VE_METRIC_BOUNDS ? count : VE_METRIC_BOUNDS;
    memcpy(metric->bounds, bounds, metric->bound_count * sizeof(*bounds));
    return metric;
}

/* --- series --------------------------------------------------------------------------------------
 */

static bool same(const struct series *series, unsigned count, const char *const *values)
{
    for (unsigned i = 0; i < count; i++) {
        if (strncmp(series->labels[i], values[i], LABEL_MAX - 1) != 0)
            return false;
    }
    return true;
}

static struct series *find(const struct ve_metric *metric, const char *const *values)
{
    for (struct series *at = metric->first; at; at = at->next) {
        if (same(at, metric->label_count, values))
            return at;
    }
    return NULL;
}

/* The series of these label values; made when it is new. */
static struct series *series_of(struct ve_metric *metric, const char *const *values)
{
    static const char *const other[VE_METRIC_LABELS] = {"other", "other", "other", "other"};
    if (!metric || (metric->label_count && !values))
        return NULL;
    struct series *series = find(metric, values);
    if (!series && metric->series_count >= VE_METRIC_SERIES - 1) {
        values = other;
        series = find(metric, values);
    }
    if (series)
        return series;
    series = ve_alloc(sizeof(*series) + metric->bound_count * sizeof(series->buckets[0]));
    if (!series)
        return NULL;
    for (unsigned i = 0; i < metric->label_count; i++)
        ve_str_copy(series->labels[i], LABEL_MAX, ve_str(values[i]));
    if (metric->last)
        metric->last->next = series;
    else
        metric->first = series;
    metric->last = series;
    metric->series_count++;
    return series;
}

void ve_metric_add(struct ve_metric *metric, double by, const char *const *values)
{
    struct series *series = series_of(metric, values);
    if (series && by >= 0)
        series->value += by;
}

void ve_metric_set(struct ve_metric *metric, double value, const char *const *values)
{
    struct series *series = series_of(metric, values);
    if (series)
        series->value = value;
}

void ve_metric_observe(struct ve_metric *metric, double value, const char *const *values)
{
    struct series *series = isfinite(value) ? series_of(metric, values) : NULL;
    if (!series)
        return;
    series->value += value;
    series->count++;
    for (size_t i = 0; i < metric->bound_count; i++) {
        if (value <= metric->bounds[i]) {
            series->buckets[i]++;
            break;
        }
    }
}

void ve_metrics_on_read(struct ve_metrics *metrics, struct ve_metric_collector *collector)
{
    if (!metrics)
        return;
    collector->next = metrics->collectors;
    metrics->collectors = collector;
}

/* --- writing -------------------------------------------------------------------------------------
 */

static int add_escaped(struct ve_buf *out, const char *text, bool quotes)
{
    int err = 0;
    for (; *text && !err; text++) {
        if (*text == '\n')
            err = ve_buf_add(out, "\\n", 2);
        else if (*text == '\\' || (*text == '"' && quotes))
            err = ve_buf_printf(out, "\\%c", *text);
        else
            err = ve_buf_add_char(out, *text);
    }
    return err;
}

/* {a="1",b="2",le="0.5"}; `le` NULL for none */
static int add_labels(struct ve_buf *out, const struct ve_metric *metric,
                      const struct series *series, const char *le)
{
    struct ve_str names = ve_str(metric->labels);
    int err = 0;
    if (!metric->label_count && !le)
        return 0;
    err = ve_buf_add_char(out, '{');
    for (unsigned i = 0; i < metric->label_count && !err; i++) {
        struct ve_str name = ve_str_cut(&names, ',');
        err = ve_buf_printf(out, "%s%.*s=\"", i ? "," : "", (int)name.len, name.ptr);
        if (!err)
            err = add_escaped(out, series->labels[i], true);
        if (!err)
            err = ve_buf_add_char(out, '"');
    }
    if (le && !err)
        err = ve_buf_printf(out, "%sle=\"%s\"", metric->label_count ? "," : "", le);
    return err ? err : ve_buf_add_char(out, '}');
}

static int add_sample(struct ve_buf *out, const struct ve_metric *metric, const char *suffix,
                      const struct series *series, const char *le, double value)
{
    int err = ve_buf_printf(out, "%s%s", metric->name, suffix);
    if (!err)
        err = add_labels(out, metric, series, le);
    return err ? err : ve_buf_printf(out, " %.15g\n", value);
}

static int add_histogram(struct ve_buf *out, const struct ve_metric *metric,
                         const struct series *series)
{
    char le[32];
    uint64_t below = 0;
    int err = 0;
    for (size_t i = 0; i < metric->bound_count && !err; i++) {
        below += series->buckets[i];
        (void)snprintf(le, sizeof(le), "%g%s", metric->bounds[i],
                       metric->bounds[i] == floor(metric->bounds[i]) ? ".0" : "");
        err = add_sample(out, metric, "_bucket", series, le, (double)below);
    }
    if (!err)
        err = add_sample(out, metric, "_bucket", series, "+Inf", (double)series->count);
    if (!err)
        err = add_sample(out, metric, "_sum", series, NULL, series->value);
    return err ? err : add_sample(out, metric, "_count", series, NULL, (double)series->count);
}

static int add_head(struct ve_buf *out, const struct ve_metric *metric,
                    enum ve_metric_format format)
{
    static const char *const types[] = {"counter", "gauge", "histogram"};
    /* OpenMetrics names the family, the older format the sample. */
    const char *suffix = metric->type == COUNTER && format == VE_METRIC_TEXT ? "_total" : "";
    int err = ve_buf_printf(out, "# HELP %s%s ", metric->name, suffix);
    if (!err)
        err = add_escaped(out, metric->help, format == VE_METRIC_OPENMETRICS);
    return err ? err
               : ve_buf_printf(out, "\n# TYPE %s%s %s\n", metric->name, suffix,
                               types[metric->type]);
}

static int add_family(struct ve_buf *out, const struct ve_metric *metric,
                      enum ve_metric_format format)
{
    if (!metric->first)
        return 0;
    int err = add_head(out, metric, format);
    for (const struct series *series = metric->first; series && !err; series = series->next) {
        if (metric->type == HISTOGRAM)
            err = add_histogram(out, metric, series);
        else
            err = add_sample(out, metric, metric->type == COUNTER ? "_total" : "", series, NULL,
                             series->value);
    }
    return err;
}

int ve_metrics_write(struct ve_metrics *metrics, enum ve_metric_format format, struct ve_buf *out)
{
    int err = 0;
    for (struct ve_metric_collector *at = metrics->collectors; at; at = at->next)
        at->collect(at->arg);
    for (const struct ve_metric *at = metrics->first; at && !err; at = at->next)
        err = add_family(out, at, format);
    if (!err && format == VE_METRIC_OPENMETRICS)
        err = ve_buf_add_str(out, VE_STR("# EOF\n"));
    return err;
}
