#include "base/metric.h"

#include "alloc_fail.h"
#include "base/err.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void check(struct ve_metrics *metrics, enum ve_metric_format format, const char *expected)
{
    struct ve_buf out;
    ve_buf_init(&out, 0);
    assert_int_equal(ve_metrics_write(metrics, format, &out), 0);
    assert_string_equal(ve_buf_cstr(&out), expected);
    ve_buf_free(&out);
}

static void counters_and_gauges(void **state)
{
    (void)state;
    struct ve_metrics *metrics;
    assert_int_equal(ve_metrics_new(&metrics), 0);
    struct ve_metric *events = ve_metric_counter(metrics, "ve_events", "Events.", "event,verdict");
    struct ve_metric *calls = ve_metric_gauge(metrics, "ve_calls", "Calls \\ now.", "");
    ve_metric_add(events, 1, (const char *[]){"missed", "ok"});
    ve_metric_add(events, 2, (const char *[]){"missed", "ok"});
    ve_metric_add(events, 1, (const char *[]){"a\"b\\c\nd", "bad"});
    ve_metric_add(events, -5, (const char *[]){"missed", "ok"}); /* a counter never falls */
    ve_metric_set(calls, 2.5, NULL);
    assert_ptr_equal(ve_metric_counter(metrics, "ve_events", "", ""), events);
    check(metrics, VE_METRIC_TEXT,
          "# HELP ve_events_total Events.\n# TYPE ve_events_total counter\n"
          "ve_events_total{event=\"missed\",verdict=\"ok\"} 3\n"
          "ve_events_total{event=\"a\\\"b\\\\c\\nd\",verdict=\"bad\"} 1\n"
          "# HELP ve_calls Calls \\\\ now.\n# TYPE ve_calls gauge\nve_calls 2.5\n");
    check(metrics, VE_METRIC_OPENMETRICS,
          "# HELP ve_events Events.\n# TYPE ve_events counter\n"
          "ve_events_total{event=\"missed\",verdict=\"ok\"} 3\n"
          "ve_events_total{event=\"a\\\"b\\\\c\\nd\",verdict=\"bad\"} 1\n"
          "# HELP ve_calls Calls \\\\ now.\n# TYPE ve_calls gauge\nve_calls 2.5\n# EOF\n");
    ve_metrics_free(metrics);
}

static void histograms(void **state)
{
    (void)state;
    static const double bounds[] = {0.5, 1, 2};
    struct ve_metrics *metrics;
    assert_int_equal(ve_metrics_new(&metrics), 0);
    struct ve_metric *gap = ve_metric_histogram(metrics, "ve_gap_seconds", "Gaps.", "", bounds, 3);
    ve_metric_observe(gap, 0.5, NULL);
    ve_metric_observe(gap, 0.75, NULL);
    ve_metric_observe(gap, 3, NULL);
    ve_metric_observe(gap, NAN, NULL);
    check(metrics, VE_METRIC_TEXT,
          "# HELP ve_gap_seconds Gaps.\n# TYPE ve_gap_seconds histogram\n"
          "ve_gap_seconds_bucket{le=\"0.5\"} 1\nve_gap_seconds_bucket{le=\"1.0\"} 2\n"
          "ve_gap_seconds_bucket{le=\"2.0\"} 2\nve_gap_seconds_bucket{le=\"+Inf\"} 3\n"
          "ve_gap_seconds_sum 4.25\nve_gap_seconds_count 3\n");
    ve_metrics_free(metrics);
}

static void set_calls(void *arg)
{
    ve_metric_set(arg, 7, NULL);
}

static void collectors_are_asked_at_every_reading(void **state)
{
    (void)state;
    struct ve_metrics *metrics;
    assert_int_equal(ve_metrics_new(&metrics), 0);
    struct ve_metric *calls = ve_metric_gauge(metrics, "ve_calls", "Calls.", "");
    struct ve_metric_collector collector = {.collect = set_calls, .arg = calls};
    ve_metrics_on_read(metrics, &collector);
    check(metrics, VE_METRIC_TEXT, "# HELP ve_calls Calls.\n# TYPE ve_calls gauge\nve_calls 7\n");
    ve_metrics_free(metrics);
}

static void labels_from_outside_are_bounded(void **state)
{
    (void)state;
    struct ve_metrics *metrics;
    char name[16];
    assert_int_equal(ve_metrics_new(&metrics), 0);
    struct ve_metric *events = ve_metric_counter(metrics, "ve_events", "Events.", "event");
    for (unsigned i = 0; i < 5000; i++) {
        (void)snprintf(name, sizeof(name), "event%u", i);
        ve_metric_add(events, 1, (const char *[]){name});
    }
    struct ve_buf out;
    ve_buf_init(&out, 0);
    assert_int_equal(ve_metrics_write(metrics, VE_METRIC_TEXT, &out), 0);
    const char *text = ve_buf_cstr(&out);
    unsigned lines = 0;
    for (const char *at = text; (at = strchr(at, '\n')); at++)
        lines++;
    assert_int_equal(lines, VE_METRIC_SERIES + 2);
    (void)snprintf(name, sizeof(name), "\"} %d\n", 5000 - (VE_METRIC_SERIES - 1));
    assert_non_null(strstr(strstr(text, "event=\"other"), name));
    ve_buf_free(&out);
    ve_metrics_free(metrics);
}

static void long_label_values_are_cut(void **state)
{
    (void)state;
    struct ve_metrics *metrics;
    char value[200];
    memset(value, 'x', sizeof(value) - 1);
    value[sizeof(value) - 1] = '\0';
    assert_int_equal(ve_metrics_new(&metrics), 0);
    struct ve_metric *events = ve_metric_counter(metrics, "ve_events", "Events.", "event");
    ve_metric_add(events, 1, (const char *[]){value});
    ve_metric_add(events, 1, (const char *[]){value});
    struct ve_buf out;
    ve_buf_init(&out, 0);
    assert_int_equal(ve_metrics_write(metrics, VE_METRIC_TEXT, &out), 0);
    assert_non_null(strstr(ve_buf_cstr(&out), "x\"} 2\n"));
    ve_buf_free(&out);
    ve_metrics_free(metrics);
}

static void without_memory_nothing_is_counted(void **state)
{
    (void)state;
    struct ve_metrics *metrics;
    assert_int_equal(ve_metrics_new(&metrics), 0);
    test_alloc_fail_at(0);
    assert_null(ve_metric_counter(metrics, "ve_events", "Events.", ""));
    test_alloc_fail_at(-1);
    struct ve_metric *events = ve_metric_counter(metrics, "ve_events", "Events.", "");
    test_alloc_fail_at(0);
    ve_metric_add(events, 1, NULL);
    test_alloc_fail_at(-1);
    ve_metric_add(NULL, 1, NULL);
    ve_metric_add(events, 1, NULL);
    check(metrics, VE_METRIC_TEXT,
          "# HELP ve_events_total Events.\n# TYPE ve_events_total counter\nve_events_total 1\n");
    assert_null(ve_metric_counter(NULL, "ve_events", "", ""));
    ve_metrics_free(metrics);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counters_and_gauges),
        cmocka_unit_test(histograms),
        cmocka_unit_test(collectors_are_asked_at_every_reading),
        cmocka_unit_test(labels_from_outside_are_bounded),
        cmocka_unit_test(long_label_values_are_cut),
        cmocka_unit_test(without_memory_nothing_is_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
