/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/metrics_otlp.h"

#include <stdio.h>
#include <string.h>

#include "exporters/metric_names.h"
#include "exporters/proto/otlp.pb-c.h"
#include "tests/check.h"
#include "tests/unit/exporters/sample.h"

static const uint64_t BEGAN_US = UINT64_C(1795253000000000), MINUTE_US = 60000000;
static const struct process_facts facts = {.version = "1.2.3", .child_restarts = 2};

/* One reading as its receiver sees it. */
struct reading {
    struct buf bytes;
    unsigned runs, points;
    size_t longest;
    Otlp__ScopeMetrics *scope;
};

static void take(void *context, struct span metrics, unsigned points)
{
    struct reading *reading = context;
    buf_add(&reading->bytes, metrics);
    reading->runs++;
    reading->points += points;
    reading->longest = metrics.len > reading->longest ? metrics.len : reading->longest;
}

static void read_at(struct reading *reading, struct metrics_otlp *otlp,
                    const struct metrics *metrics, uint64_t now_wall_us)
{
    const struct metrics_taker taker = {reading, take};
    *reading = (struct reading){0};
    buf_init(&reading->bytes, (size_t)64 << 20);
    metrics_otlp_read(otlp, metrics, NULL, &facts, now_wall_us, &taker);
    check(!buf_is_full(&reading->bytes));
    reading->scope =
        otlp__scope_metrics__unpack(NULL, reading->bytes.len, (const uint8_t *)reading->bytes.at);
    check(reading->scope != NULL);
}

static void reading_end(struct reading *reading)
{
    otlp__scope_metrics__free_unpacked(reading->scope, NULL);
    buf_fini(&reading->bytes);
}

/* The metric of that name; NULL: it is not there. */
static const Otlp__Metric *metric_find(const struct reading *reading, const char *name)
{
    for (size_t i = 0; i < reading->scope->n_metrics; i++)
        if (strcmp(reading->scope->metrics[i]->name, name) == 0)
            return reading->scope->metrics[i];
    return NULL;
}

/* The same; the test ends here where it is not there. */
static const Otlp__Metric *metric_of(const struct reading *reading, const char *name)
{
    const Otlp__Metric *metric = metric_find(reading, name);
    check(metric != NULL);
    return metric;
}

static const Otlp__AnyValue *attribute_find(Otlp__KeyValue **list, size_t count, const char *key)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(list[i]->key, key) == 0)
            return list[i]->value;
    return NULL;
}

static const Otlp__AnyValue *attribute_of(Otlp__KeyValue **list, size_t count, const char *key)
{
    const Otlp__AnyValue *value = attribute_find(list, count, key);
    check(value != NULL);
    return value;
}

static Otlp__HistogramDataPoint *duration_point(const struct reading *reading)
{
    const Otlp__Metric *metric = metric_of(reading, "http.server.request.duration");
    check(metric->data_case == OTLP__METRIC__DATA_HISTOGRAM);
    check(metric->histogram->n_data_points == 1);
    return metric->histogram->data_points[0];
}

TEST(a_histogram_has_its_bounds_its_attributes_and_its_time)
{
    struct metrics *metrics = metrics_new(2, BEGAN_US);
    struct metrics_otlp *otlp = metrics_otlp_new(false, BEGAN_US);
    struct report report = sample_report();
    struct reading reading;
    metrics_count(metrics_worker(metrics, 0), &report);
    metrics_count(metrics_worker(metrics, 1), &report);
    read_at(&reading, otlp, metrics, BEGAN_US + MINUTE_US);
    const Otlp__Metric *metric = metric_of(&reading, "http.server.request.duration");
    check_span(span_text(metric->unit), "s");
    check(metric->histogram->aggregation_temporality ==
          OTLP__AGGREGATION_TEMPORALITY__AGGREGATION_TEMPORALITY_CUMULATIVE);
    Otlp__HistogramDataPoint *point = duration_point(&reading);
    check_number(point->count, 2);
    check(point->sum_is_case == OTLP__HISTOGRAM_DATA_POINT__SUM_IS_SUM && point->sum == 0.002);
    check_number(point->n_explicit_bounds, 19);
    check_number(point->n_bucket_counts, 20);
    check(point->explicit_bounds[3] == 0.001 && point->explicit_bounds[18] == 10);
    check_number(point->bucket_counts[3], 2);
    check_number(point->start_time_unix_nano, BEGAN_US * 1000);
    check_number(point->time_unix_nano, (BEGAN_US + MINUTE_US) * 1000);
    const Otlp__AnyValue *status =
        attribute_of(point->attributes, point->n_attributes, "http.response.status_code");
    check(status->value_case == OTLP__ANY_VALUE__VALUE_INT_VALUE);
    check_number(status->int_value, 200);
    const Otlp__AnyValue *route =
        attribute_of(point->attributes, point->n_attributes, "http.route");
    check_span(span_text(route->string_value), "/orders/{id}");
    check(attribute_find(point->attributes, point->n_attributes, "error.type") == NULL);
    reading_end(&reading);
    metrics_otlp_free(otlp);
    metrics_free(metrics);
}

TEST(a_cumulative_histogram_has_its_least_and_its_most_value_and_a_delta_has_neither)
{
    struct metrics *metrics = metrics_new(2, BEGAN_US);
    struct metrics_otlp *all = metrics_otlp_new(false, BEGAN_US);
    struct metrics_otlp *came = metrics_otlp_new(true, BEGAN_US);
    struct report report = sample_report();
    struct reading reading;
    read_at(&reading, came, metrics, BEGAN_US + 1);
    reading_end(&reading);
    static const uint64_t us[] = {2000, 750, 3000000};
    for (size_t i = 0; i < sizeof us / sizeof *us; i++) {
        report.duration_us = us[i];
        metrics_count(metrics_worker(metrics, i % 2), &report);
    }
    read_at(&reading, all, metrics, BEGAN_US + MINUTE_US);
    Otlp__HistogramDataPoint *point = duration_point(&reading);
    check(point->min_is_case == OTLP__HISTOGRAM_DATA_POINT__MIN_IS_MIN && point->min == 0.00075);
    check(point->max_is_case == OTLP__HISTOGRAM_DATA_POINT__MAX_IS_MAX && point->max == 3);
    reading_end(&reading);
    report.duration_us = 0;
    metrics_count(metrics_worker(metrics, 0), &report);
    read_at(&reading, all, metrics, BEGAN_US + 2 * MINUTE_US);
    point = duration_point(&reading);
    check(point->min_is_case == OTLP__HISTOGRAM_DATA_POINT__MIN_IS_MIN && point->min == 0);
    check(point->max == 3);
    reading_end(&reading);
    read_at(&reading, came, metrics, BEGAN_US + 2 * MINUTE_US);
    point = duration_point(&reading);
    check_number(point->count, 4);
    check(point->min_is_case == OTLP__HISTOGRAM_DATA_POINT__MIN_IS__NOT_SET);
    check(point->max_is_case == OTLP__HISTOGRAM_DATA_POINT__MAX_IS__NOT_SET);
    reading_end(&reading);
    metrics_otlp_free(came);
    metrics_otlp_free(all);
    metrics_free(metrics);
}

TEST(counters_are_monotonic_sums_and_gauges_are_gauges)
{
    struct metrics *metrics = metrics_new(1, BEGAN_US);
    struct metrics_otlp *otlp = metrics_otlp_new(false, BEGAN_US);
    struct report report = sample_report();
    struct reading reading;
    metrics_count(metrics_worker(metrics, 0), &report);
    metrics_gauge(metrics_worker(metrics, 0), GAUGE_LOOP_DELAY_US, 2500);
    metrics_active(metrics_worker(metrics, 0), active_place(SPAN("PUT"), SPAN("https")), 7);
    read_at(&reading, otlp, metrics, BEGAN_US + MINUTE_US);
    const Otlp__Metric *matches = metric_of(&reading, "sidegate.rule_matches");
    check(matches->data_case == OTLP__METRIC__DATA_SUM && matches->sum->is_monotonic);
    check_span(span_text(matches->unit), "{match}");
    const Otlp__NumberDataPoint *point = matches->sum->data_points[0];
    check(point->value_case == OTLP__NUMBER_DATA_POINT__VALUE_AS_INT);
    check_number(point->as_int, 1);
    check_number(attribute_of(point->attributes, point->n_attributes, "waf.rule_id")->int_value,
                 942100);
    const Otlp__Metric *delay = metric_of(&reading, "sidegate.loop_delay");
    check(delay->data_case == OTLP__METRIC__DATA_GAUGE);
    check(delay->gauge->data_points[0]->as_double == 0.0025);
    check_number(delay->gauge->data_points[0]->start_time_unix_nano, 0);
    const Otlp__Metric *active = metric_of(&reading, "http.server.active_requests");
    check(active->data_case == OTLP__METRIC__DATA_SUM && !active->sum->is_monotonic);
    const Otlp__NumberDataPoint *puts = active->sum->data_points[0];
    check(active->sum->n_data_points == 1 && puts->as_int == 7);
    check_span(span_text(attribute_of(puts->attributes, puts->n_attributes, "http.request.method")
                             ->string_value),
               "PUT");
    check_span(
        span_text(attribute_of(puts->attributes, puts->n_attributes, "url.scheme")->string_value),
        "https");
    const Otlp__Metric *restarts = metric_of(&reading, "sidegate.child_restarts");
    check_number(restarts->sum->data_points[0]->start_time_unix_nano, 0); /* nobody knows */
    reading_end(&reading);
    metrics_otlp_free(otlp);
    metrics_free(metrics);
}

TEST(a_delta_is_what_came_since_the_reading_before)
{
    struct metrics *metrics = metrics_new(1, BEGAN_US);
    struct metrics_otlp *otlp = metrics_otlp_new(true, BEGAN_US);
    struct report report = sample_report();
    struct reading reading;
    metrics_active(metrics_worker(metrics, 0), 0, 1);
    read_at(&reading, otlp, metrics, BEGAN_US + 1); /* the first one only remembers */
    check_number(reading.points, 0);
    reading_end(&reading);
    metrics_count(metrics_worker(metrics, 0), &report);
    metrics_count(metrics_worker(metrics, 0), &report);
    read_at(&reading, otlp, metrics, BEGAN_US + MINUTE_US);
    Otlp__HistogramDataPoint *point = duration_point(&reading);
    check_number(point->count, 2);
    check_number(point->start_time_unix_nano, (BEGAN_US + 1) * 1000);
    check(metric_find(&reading, "sidegate.connections_accepted") == NULL); /* nothing came */
    check(metric_find(&reading, "sidegate.child_restarts") == NULL); /* they were before our time */
    reading_end(&reading);
    metrics_count(metrics_worker(metrics, 0), &report);
    read_at(&reading, otlp, metrics, BEGAN_US + 2 * MINUTE_US);
    point = duration_point(&reading);
    check_number(point->count, 1);
    check(point->sum == 0.001);
    check_number(point->bucket_counts[3], 1);
    check_number(point->start_time_unix_nano, (BEGAN_US + MINUTE_US) * 1000);
    const Otlp__Metric *matches = metric_of(&reading, "sidegate.rule_matches");
    check(matches->sum->aggregation_temporality ==
          OTLP__AGGREGATION_TEMPORALITY__AGGREGATION_TEMPORALITY_DELTA);
    check_number(matches->sum->data_points[0]->as_int, 1);
    const Otlp__Metric *active = metric_of(&reading, "http.server.active_requests");
    check(active->sum->aggregation_temporality ==
          OTLP__AGGREGATION_TEMPORALITY__AGGREGATION_TEMPORALITY_CUMULATIVE);
    reading_end(&reading);
    read_at(&reading, otlp, metrics, BEGAN_US + 3 * MINUTE_US);
    check(metric_find(&reading, "http.server.request.duration") == NULL);
    reading_end(&reading);
    metrics_otlp_free(otlp);
    metrics_free(metrics);
}

static const Otlp__ExponentialHistogramDataPoint *exponential_point(const struct reading *reading)
{
    const Otlp__Metric *metric = metric_of(reading, "http.server.request.duration");
    check(metric->data_case == OTLP__METRIC__DATA_EXPONENTIAL_HISTOGRAM);
    return metric->exponential_histogram->data_points[0];
}

TEST(exponential_buckets_have_what_all_workers_counted)
{
    struct metrics *metrics = metrics_new(2, BEGAN_US);
    struct metrics_otlp *otlp = metrics_otlp_new(true, BEGAN_US);
    struct report report = plain_report();
    struct reading reading;
    metrics_use_exponential(metrics);
    read_at(&reading, otlp, metrics, BEGAN_US + 1);
    reading_end(&reading);
    static const uint64_t durations[] = {0, 1000000, 1000000, 2000000, 4000000};
    for (size_t i = 0; i < sizeof durations / sizeof *durations; i++) {
        report.duration_us = durations[i];
        metrics_count(metrics_worker(metrics, i % 2), &report);
    }
    read_at(&reading, otlp, metrics, BEGAN_US + MINUTE_US);
    const Otlp__ExponentialHistogramDataPoint *point = exponential_point(&reading);
    check_number(point->count, 5);
    check_number(point->zero_count, 1);
    check(point->scale == 4 && point->sum == 8);
    check(point->positive->offset == -1); /* 1 s is the end of bucket -1 */
    check_number(point->positive->n_bucket_counts, 33);
    check_number(point->positive->bucket_counts[0], 2);
    check_number(point->positive->bucket_counts[16], 1);
    check_number(point->positive->bucket_counts[32], 1);
    reading_end(&reading);
    report.duration_us = 2000000;
    metrics_count(metrics_worker(metrics, 0), &report);
    read_at(&reading, otlp, metrics, BEGAN_US + 2 * MINUTE_US);
    point = exponential_point(&reading);
    check_number(point->count, 1);
    check(point->positive->offset == 15 && point->positive->n_bucket_counts == 1);
    reading_end(&reading);
    metrics_otlp_free(otlp);
    metrics_free(metrics);
}

TEST(exemplars_are_those_since_the_reading_before)
{
    struct metrics *metrics = metrics_new(1, BEGAN_US);
    struct metrics_otlp *otlp = metrics_otlp_new(false, BEGAN_US);
    struct report report = sample_report();
    struct reading reading;
    report.began_wall_us = BEGAN_US + 5000000;
    memset(report.trace_id, 0xab, sizeof report.trace_id);
    memset(report.span_id, 0xcd, sizeof report.span_id);
    metrics_count(metrics_worker(metrics, 0), &report);
    read_at(&reading, otlp, metrics, BEGAN_US + MINUTE_US);
    Otlp__HistogramDataPoint *point = duration_point(&reading);
    check_number(point->n_exemplars, 1);
    check_number(point->exemplars[0]->trace_id.len, 16);
    check_number(point->exemplars[0]->trace_id.data[15], 0xab);
    check_number(point->exemplars[0]->span_id.data[0], 0xcd);
    check(point->exemplars[0]->as_double == 0.001);
    check_number(point->exemplars[0]->time_unix_nano, (BEGAN_US + 5001000) * 1000);
    const Otlp__Metric *matches = metric_of(&reading, "sidegate.rule_matches");
    check_number(matches->sum->data_points[0]->n_exemplars, 1);
    reading_end(&reading);
    read_at(&reading, otlp, metrics, BEGAN_US + 2 * MINUTE_US);
    check_number(duration_point(&reading)->n_exemplars, 0);
    reading_end(&reading);
    metrics_otlp_free(otlp);
    metrics_free(metrics);
}

TEST(many_series_come_in_runs_of_at_most_half_a_megabyte)
{
    struct metrics *metrics = metrics_new(1, BEGAN_US);
    struct metrics_otlp *otlp = metrics_otlp_new(false, BEGAN_US);
    struct report report = plain_report();
    struct reading reading;
    for (unsigned i = 0; i < 2500; i++) {
        char route[200];
        int len = snprintf(route, sizeof route, "/%0150u", i);
        report.route = span_make(route, (size_t)len);
        metrics_count(metrics_worker(metrics, 0), &report);
    }
    read_at(&reading, otlp, metrics, BEGAN_US + MINUTE_US);
    check(reading.longest <= (size_t)512 * 1024);
    size_t points = 0, overflows = 0;
    for (size_t i = 0; i < reading.scope->n_metrics; i++) {
        const Otlp__Metric *metric = reading.scope->metrics[i];
        if (strcmp(metric->name, "http.server.request.duration") != 0)
            continue;
        for (size_t p = 0; p < metric->histogram->n_data_points; p++, points++) {
            const Otlp__HistogramDataPoint *point = metric->histogram->data_points[p];
            const Otlp__AnyValue *rest =
                attribute_find(point->attributes, point->n_attributes, "otel.metric.overflow");
            if (rest == NULL)
                continue;
            overflows++;
            check(rest->value_case == OTLP__ANY_VALUE__VALUE_BOOL_VALUE && rest->bool_value);
            check_number(point->count, 500);
        }
    }
    check_number(points, 2001);
    check_number(overflows, 1);
    reading_end(&reading);
    metrics_otlp_free(otlp);
    metrics_free(metrics);
}

TEST(a_clock_that_was_set_back_gives_no_point_that_ends_before_it_begins)
{
    struct metrics *metrics = metrics_new(1, BEGAN_US);
    struct metrics_otlp *otlp = metrics_otlp_new(true, BEGAN_US);
    struct report report = sample_report();
    struct reading reading;
    read_at(&reading, otlp, metrics, BEGAN_US);
    reading_end(&reading);
    metrics_count(metrics_worker(metrics, 0), &report);
    read_at(&reading, otlp, metrics, BEGAN_US - MINUTE_US);
    Otlp__HistogramDataPoint *point = duration_point(&reading);
    check(point->time_unix_nano >= point->start_time_unix_nano);
    reading_end(&reading);
    metrics_otlp_free(otlp);
    metrics_free(metrics);
}

TEST(names_follow_the_rule_or_the_table)
{
    static const struct {
        const char *name, *otlp, *unit;
    } cases[] = {
        {"http_server_active_requests", "http.server.active_requests", "{request}"},
        {"sidegate_stage_duration_seconds", "sidegate.stage_duration", "s"},
        {"sidegate_memory_bytes", "sidegate.memory", "By"},
        {"sidegate_decisions_total", "sidegate.decisions", "{decision}"},
        {"sidegate_overload_level", "sidegate.overload_level", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct metric_name name;
        metric_name_of(cases[i].name, &name);
        check_span(span_text(name.text), cases[i].otlp);
        check_span(span_text(name.unit), cases[i].unit);
    }
    struct label_name label;
    label_name_of(SPAN("stage"), &label);
    check_span(span_text(label.text), "sidegate.stage");
    label_name_of(SPAN("server_port"), &label);
    check(label.type == LABEL_NUMBER);
}

int metrics_otlp_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_histogram_has_its_bounds_its_attributes_and_its_time),
        cmocka_unit_test(counters_are_monotonic_sums_and_gauges_are_gauges),
        cmocka_unit_test(
            a_cumulative_histogram_has_its_least_and_its_most_value_and_a_delta_has_neither),
        cmocka_unit_test(a_delta_is_what_came_since_the_reading_before),
        cmocka_unit_test(exponential_buckets_have_what_all_workers_counted),
        cmocka_unit_test(exemplars_are_those_since_the_reading_before),
        cmocka_unit_test(many_series_come_in_runs_of_at_most_half_a_megabyte),
        cmocka_unit_test(a_clock_that_was_set_back_gives_no_point_that_ends_before_it_begins),
        cmocka_unit_test(names_follow_the_rule_or_the_table),
    };
    return cmocka_run_group_tests_name("metrics_otlp", tests, NULL, NULL);
}
