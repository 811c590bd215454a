/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of the Embedded Metric Format at its limits: 100 metrics of a directive, 30 dimensions, 100
 * values of a metric; and ours: 1,000 latencies and 10,000 samples a minute, 256 KiB a line. */
#include "exporters/cloudwatch/emf.h"

#include <jansson.h>
#include <stdio.h>

#include "exporters/cloudwatch/collector.h"
#include "rules/base/arena.h"
#include "tests/check.h"
#include "tests/unit/cloudwatch/suites.h"

enum {
    MINUTE = 29920900,
    SECOND = MINUTE * 60,
    LOTS = 64 << 20,
    NAME_BYTES = METRIC_TEXT_MOST,
    LINES_MOST = 400
};

struct lines {
    json_t *at[LINES_MOST];
    size_t count, longest; /* bytes */
};

static void on_line(void *context, struct span line)
{
    struct lines *lines = context;
    json_error_t wrong;
    check(lines->count < LINES_MOST);
    check(span_ends(line, SPAN("}\n")) &&
          span_find_byte(span_first(line, line.len - 1), '\n') == SPAN_NONE);
    json_t *made = json_loadb(line.at, line.len, JSON_REJECT_DUPLICATES, &wrong);
    check(made != NULL);
    lines->at[lines->count++] = made;
    lines->longest = line.len > lines->longest ? line.len : lines->longest;
}

static void lines_of(struct metric_store *store, struct lines *lines)
{
    *lines = (struct lines){0};
    emf_write(store, MINUTE, SPAN("Shop"), on_line, lines);
}

static void lines_end(struct lines *lines)
{
    for (size_t i = 0; i < lines->count; i++)
        json_decref(lines->at[i]);
}

static const json_t *directive(const json_t *line)
{
    const json_t *list = json_object_get(json_object_get(line, "_aws"), "CloudWatchMetrics");
    check(json_array_size(list) == 1);
    return json_array_get(list, 0);
}

/* The limits of the format, which every line keeps. */
static void check_limits(const struct lines *lines)
{
    for (size_t i = 0; i < lines->count; i++) {
        const json_t *metrics = json_object_get(directive(lines->at[i]), "Metrics");
        const json_t *sets = json_object_get(directive(lines->at[i]), "Dimensions");
        check(json_array_size(metrics) > 0 && json_array_size(metrics) <= 100);
        check(json_array_size(sets) == 1 && json_array_size(json_array_get(sets, 0)) <= 30);
        for (size_t k = 0; k < json_array_size(metrics); k++) {
            const char *name =
                json_string_value(json_object_get(json_array_get(metrics, k), "Name"));
            const json_t *values = json_object_get(lines->at[i], name);
            check(json_is_number(values) ||
                  (json_array_size(values) > 0 && json_array_size(values) <= 100));
        }
        for (size_t k = 0; k < json_array_size(json_array_get(sets, 0)); k++) {
            const char *name = json_string_value(json_array_get(json_array_get(sets, 0), k));
            check(json_is_string(json_object_get(lines->at[i], name)));
        }
    }
    check(lines->longest <= 256 << 10);
}

/* How many values a metric has in all lines, and what they come to. */
static size_t values_of(const struct lines *lines, const char *name, double *sum)
{
    size_t count = 0;
    *sum = 0;
    for (size_t i = 0; i < lines->count; i++) {
        const json_t *values = json_object_get(lines->at[i], name);
        for (size_t k = 0; k < json_array_size(values); k++)
            *sum += json_number_value(json_array_get(values, k));
        *sum += json_is_number(values) ? json_number_value(values) : 0;
        count += json_is_number(values) ? 1 : json_array_size(values);
    }
    return count;
}

static void add(struct metric_store *store, const struct metric_id *id,
                const struct sketch *samples)
{
    check(metric_store_add(store, id, SECOND + 7, samples));
}

/* So many samples from 1 up, each once. */
static void add_samples(struct metric_store *store, const char *namespace, const char *name,
                        unsigned count)
{
    const struct metric_id id = {span_text(namespace), span_text(name), NULL, 0};
    struct sketch samples = {0};
    for (unsigned i = 1; i <= count; i++)
        sketch_add(&samples, i, 1);
    add(store, &id, &samples);
    sketch_fini(&samples);
}

TEST(more_metrics_than_a_directive_holds_are_several_lines_and_each_is_there_once)
{
    struct metric_store *store = metric_store_new(1000, LOTS);
    const struct pair dimensions[] = {{SPAN("Method"), SPAN("GET")}};
    struct sketch one = {0};
    struct lines lines;
    char name[16];
    double sum;
    sketch_add(&one, 3, 1);
    for (int i = 0; i < 230; i++) {
        snprintf(name, sizeof name, "m%03d", i);
        add(store, &(struct metric_id){SPAN("Own"), span_text(name), dimensions, 1}, &one);
    }
    lines_of(store, &lines);
    check_limits(&lines);
    check(lines.count >= 3);
    for (int i = 0; i < 230; i++) {
        snprintf(name, sizeof name, "m%03d", i);
        check_number(values_of(&lines, name, &sum), 1);
        check(sum == 3);
    }
    lines_end(&lines);
    sketch_fini(&one);
    metric_store_free(store);
}

TEST(a_metric_has_thirty_dimensions_at_the_most)
{
    struct metric_store *store = metric_store_new(1000, LOTS);
    struct pair dimensions[METRIC_DIMENSIONS_MOST + 1];
    char names[METRIC_DIMENSIONS_MOST + 1][8];
    struct sketch one = {0};
    struct lines lines;
    sketch_add(&one, 3, 1);
    for (int i = 0; i <= METRIC_DIMENSIONS_MOST; i++) {
        snprintf(names[i], sizeof names[i], "d%02d", i);
        dimensions[i] = (struct pair){span_text(names[i]), SPAN("v")};
    }
    struct metric_id id = {SPAN("Own"), SPAN("m"), dimensions, METRIC_DIMENSIONS_MOST};
    add(store, &id, &one);
    id.dimension_count++;
    check(!metric_store_add(store, &id, SECOND, &one));
    lines_of(store, &lines);
    check_limits(&lines);
    check_number(lines.count, 1);
    check(json_array_size(
              json_array_get(json_object_get(directive(lines.at[0]), "Dimensions"), 0)) == 30);
    lines_end(&lines);
    sketch_fini(&one);
    metric_store_free(store);
}

TEST(latencies_are_all_there_up_to_a_thousand_and_then_so_many_of_them_evenly_apart)
{
    static const unsigned counts[] = {1, 100, 101, 999, 1000, 1001, 25000};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        struct metric_store *store = metric_store_new(1000, LOTS);
        struct lines lines;
        double sum, n = counts[i];
        add_samples(store, COLLECTOR_NAMESPACE, "Latency", counts[i]);
        lines_of(store, &lines);
        check_limits(&lines);
        size_t want = counts[i] < 1000 ? counts[i] : 1000;
        check_number(values_of(&lines, "Latency", &sum), want);
        check_number(lines.count, (want + 99) / 100);
        double average = sum / (double)want;
        check(average > (n + 1) / 2 * 0.99 && average < (n + 1) / 2 * 1.01);
        lines_end(&lines);
        metric_store_free(store);
    }
}

TEST(samples_of_a_filter_are_all_there_up_to_ten_thousand_and_then_their_sum)
{
    static const unsigned counts[] = {1, 100, 10000, 10001};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        struct metric_store *store = metric_store_new(1000, LOTS);
        struct lines lines;
        double sum, n = counts[i];
        add_samples(store, "Own", "Posts", counts[i]);
        lines_of(store, &lines);
        check_limits(&lines);
        check_number(values_of(&lines, "Posts", &sum), counts[i] <= 10000 ? counts[i] : 1);
        check(sum > n * (n + 1) / 2 * 0.99 && sum < n * (n + 1) / 2 * 1.01);
        lines_end(&lines);
        metric_store_free(store);
    }
}

TEST(negative_samples_and_counts_are_their_sum)
{
    struct metric_store *store = metric_store_new(1000, LOTS);
    struct sketch samples = {0};
    struct lines lines;
    double sum;
    sketch_add(&samples, -5, 1);
    sketch_add(&samples, 2, 10);
    add(store, &(struct metric_id){SPAN("Own"), SPAN("Change"), NULL, 0}, &samples);
    sketch_clear(&samples);
    sketch_add(&samples, 1, 12345);
    add(store, &(struct metric_id){SPAN(COLLECTOR_NAMESPACE), SPAN("Count"), NULL, 0}, &samples);
    lines_of(store, &lines);
    check_limits(&lines);
    check_number(values_of(&lines, "Change", &sum), 1);
    check(sum == 15);
    check_number(values_of(&lines, "Count", &sum), 1);
    check(sum == 12345);
    lines_end(&lines);
    sketch_fini(&samples);
    metric_store_free(store);
}

/* Names and values whose every byte is six of JSON's, and a hundred values of many digits each. */
TEST(the_longest_names_and_values_lose_nothing_and_make_no_line_too_long)
{
    struct metric_store *store = metric_store_new(1000, LOTS);
    static char names[120][NAME_BYTES + 1], value[METRIC_TEXT_MOST];
    struct sketch samples = {0};
    struct lines lines;
    double sum;
    memset(value, '\1', sizeof value);
    const struct pair dimensions[] = {{SPAN("a"), span_make(value, sizeof value)},
                                      {SPAN("b"), span_make(value, sizeof value)},
                                      {SPAN("c"), span_make(value, sizeof value)}};
    for (int i = 0; i < 100; i++)
        sketch_add(&samples, 1000.123456789 + i * 7.7777777, 1);
    for (int i = 0; i < 120; i++) {
        memset(names[i], '\2', NAME_BYTES);
        snprintf(names[i], 4, "%03d", i);
        names[i][3] = '\2';
        add(store, &(struct metric_id){SPAN("Own"), span_text(names[i]), dimensions, 3}, &samples);
    }
    lines_of(store, &lines);
    check_limits(&lines);
    for (int i = 0; i < 120; i++)
        check_number(values_of(&lines, names[i], &sum), 100);
    lines_end(&lines);
    sketch_fini(&samples);
    metric_store_free(store);
}

int emf_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            more_metrics_than_a_directive_holds_are_several_lines_and_each_is_there_once),
        cmocka_unit_test(a_metric_has_thirty_dimensions_at_the_most),
        cmocka_unit_test(
            latencies_are_all_there_up_to_a_thousand_and_then_so_many_of_them_evenly_apart),
        cmocka_unit_test(samples_of_a_filter_are_all_there_up_to_ten_thousand_and_then_their_sum),
        cmocka_unit_test(negative_samples_and_counts_are_their_sum),
        cmocka_unit_test(the_longest_names_and_values_lose_nothing_and_make_no_line_too_long),
    };
    return cmocka_run_group_tests_name("embedded metric format", tests, NULL, NULL);
}
