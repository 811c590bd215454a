/* SPDX-License-Identifier: Apache-2.0 */
/* Statistics of a sketch beside the exact ones of the same samples. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "exporters/alarms/history.h"
#include "exporters/alarms/statistic.h"
#include "tests/check.h"
#include "tests/unit/alarms/suites.h"

enum { MILLION = 1000000 };

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* A generator of our own, so that every run has the same samples. */
static double uniform(uint64_t *seed)
{
    *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return ((double)(*seed >> 11) + 0.5) * 0x1p-53;
}

static double drawn(const char *shape, uint64_t *seed)
{
    double u = uniform(seed), v = uniform(seed);
    double normal = sqrt(-2 * log(u)) * cos(2 * 3.141592653589793 * v);
    if (shape[0] == 'l') /* latencies in ms: log-normal */
        return exp(3 + 1.2 * normal);
    if (shape[0] == 'u')
        return 1000 * u;
    if (shape[0] == 'w') /* whole ms */
        return floor(exp(4 + normal));
    if (shape[0] == 'e') /* errors: 1 in 20 */
        return u < 0.05 ? 1 : 0;
    return v < 0.9 ? 5 + u : 2000 + 500 * u; /* two humps, three powers of ten apart */
}

/* ---- the exact ones ---- */

struct exact {
    const double *values; /* in order */
    size_t count;
};

static double exact_range(const struct exact *exact, const struct statistic *statistic)
{
    double low = statistic->low, high = statistic->high, n = (double)exact->count;
    double sum = 0, winsorized = 0, count = 0;
    size_t from = 0, to = exact->count;
    while (!statistic->in_percent && from < exact->count && !(exact->values[from] > low))
        from++;
    while (!statistic->in_percent && to > from && exact->values[to - 1] > high)
        to--;
    if (statistic->in_percent) {
        from = (size_t)floor(low * n / 100);
        to = (size_t)ceil(high * n / 100);
    }
    for (size_t i = from; i < to; i++, count++)
        sum += exact->values[i];
    winsorized = sum;
    winsorized += from > 0 ? (double)from * (statistic->in_percent ? exact->values[from] : low) : 0;
    winsorized += to < exact->count
                      ? (n - (double)to) * (statistic->in_percent ? exact->values[to - 1] : high)
                      : 0;
    if (statistic->kind == STATISTIC_TRIMMED_COUNT)
        return count;
    if (statistic->kind == STATISTIC_TRIMMED_SUM)
        return sum;
    if (statistic->kind == STATISTIC_PERCENTILE_RANK)
        return 100 * count / n;
    if (statistic->kind == STATISTIC_WINSORIZED_MEAN)
        return winsorized / n;
    if (statistic->kind == STATISTIC_PERCENTILE)
        return exact->values[to > 0 ? to - 1 : 0];
    return sum / count;
}

static double exact_of(const struct exact *exact, const struct statistic *statistic)
{
    double sum = 0;
    for (size_t i = 0; i < exact->count; i++)
        sum += exact->values[i];
    if (statistic->kind == STATISTIC_AVERAGE)
        return sum / (double)exact->count;
    if (statistic->kind == STATISTIC_SUM)
        return sum;
    if (statistic->kind == STATISTIC_MINIMUM)
        return exact->values[0];
    if (statistic->kind == STATISTIC_MAXIMUM)
        return exact->values[exact->count - 1];
    if (statistic->kind == STATISTIC_SAMPLE_COUNT)
        return (double)exact->count;
    return exact_range(exact, statistic);
}

static double distance(double got, double want)
{
    return want == 0 ? fabs(got) : fabs(got - want) / fabs(want);
}

static const char *const names[] = {
    "Average",    "Sum",         "Minimum",    "Maximum",    "SampleCount", "p0.1",
    "p10",        "p50",         "p90",        "p99",        "p99.9",       "p100",
    "tm99",       "TM(10%:90%)", "TM(20:200)", "TM(:95%)",   "tc90",        "TC(5%:95%)",
    "TC(:100)",   "TC(30:)",     "ts99",       "TS(10%:)",   "TS(10:500)",  "wm98",
    "WM(5%:95%)", "WM(10:300)",  "PR(:300)",   "PR(20:200)", "PR(50:)",     "IQM"};
enum { NAMES = sizeof names / sizeof *names };

static struct statistic parsed(const char *name)
{
    struct statistic statistic;
    check(statistic_parse(span_text(name), &statistic, NULL, 0));
    return statistic;
}

TEST(statistics_of_a_million_samples_are_within_one_percent_of_the_exact_ones)
{
    static const char *const shapes[] = {"latencies", "uniform", "whole numbers", "errors",
                                         "humps"};
    double *values = malloc(MILLION * sizeof *values), worst = 0;
    check(values != NULL);
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
        struct sketch sketch;
        uint64_t seed = s + 1;
        sketch_init(&sketch);
        for (size_t i = 0; i < MILLION; i++) {
            values[i] = drawn(shapes[s], &seed);
            sketch_add(&sketch, values[i], 1);
        }
        qsort(values, MILLION, sizeof *values, by_value);
        for (size_t i = 0; i < NAMES; i++) {
            struct statistic statistic = parsed(names[i]);
            double want = exact_of(&(struct exact){values, MILLION}, &statistic), got = (double)NAN;
            bool is_there = statistic_of(&statistic, &sketch, &got);
            if (isnan(want)) { /* the mean of a range that has no samples */
                check(!is_there);
                continue;
            }
            double off = distance(got, want);
            worst = off > worst ? off : worst;
            if (!is_there || off > 0.01)
                print_error("%s: %s: got %.9g, exactly %.9g\n", shapes[s], names[i], got, want);
            check(is_there && off <= 0.01);
        }
        printf("%s: %zu buckets\n", shapes[s], sketch.bucket_count);
        sketch_fini(&sketch);
    }
    printf("of %zu statistics the worst is %.3f %% off\n", (size_t)NAMES * 5, 100 * worst);
    free(values);
}

TEST(statistics_of_a_few_samples_are_exact)
{
    static const double samples[] = {4, 1, 3, 2, 100};
    static const struct {
        const char *name;
        double want;
    } rows[] = {{"Average", 22},    {"Sum", 110},       {"Minimum", 1},     {"Maximum", 100},
                {"SampleCount", 5}, {"p50", 3},         {"p99", 100},       {"p20", 1},
                {"p20.1", 2},       {"tm80", 2.5},      {"TM(20%:80%)", 3}, {"TM(1:4)", 3},
                {"TC(1:4)", 3},     {"TS(1:4)", 9},     {"TC(:1)", 1},      {"TS(4:)", 100},
                {"wm80", 2.8},      {"WM(20%:80%)", 3}, {"WM(2:4)", 3},     {"PR(:3)", 60},
                {"PR(3:)", 40},     {"PR(3:4)", 20},    {"IQM", 3}};
    struct sketch sketch;
    sketch_init(&sketch);
    for (size_t i = 0; i < 5; i++)
        sketch_add(&sketch, samples[i], 1);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct statistic statistic = parsed(rows[i].name);
        double got = (double)NAN;
        check(statistic_of(&statistic, &sketch, &got));
        if (distance(got, rows[i].want) > 1e-12)
            print_error("%s: got %.17g\n", rows[i].name, got);
        check(distance(got, rows[i].want) <= 1e-12);
    }
    sketch_fini(&sketch);
}

TEST(without_samples_or_with_negative_ones_there_is_no_percentile)
{
    struct sketch sketch;
    double value;
    struct statistic average = parsed("Average"), p50 = parsed("p50"), tm = parsed("tm99");
    sketch_init(&sketch);
    check(!statistic_of(&average, &sketch, &value) && !statistic_of(&p50, &sketch, &value));
    sketch_add(&sketch, -2, 1);
    sketch_add(&sketch, 4, 1);
    check(statistic_of(&average, &sketch, &value) && value == 1);
    check(!statistic_of(&p50, &sketch, &value) && !statistic_of(&tm, &sketch, &value));
    sketch_add(&sketch, (double)NAN, 1);
    sketch_add(&sketch, (double)INFINITY, 1);
    check_number(sketch.count, 2);
    sketch_fini(&sketch);
}

TEST(a_sketch_takes_no_more_memory_than_its_buckets)
{
    struct sketch sketch;
    uint64_t seed = 9;
    sketch_init(&sketch);
    for (size_t i = 0; i < MILLION; i++)
        sketch_add(&sketch, exp2(-80 + 200 * uniform(&seed)), 1);
    check(sketch.bucket_count <= 96 * 128 && sketch.bucket_room <= 16384);
    printf("from 2^-80 to 2^120: %zu buckets\n", sketch.bucket_count);
    sketch_fini(&sketch);
}

TEST(where_nobody_asks_for_an_order_a_slot_keeps_no_histogram)
{
    struct history *history = history_new(60, 3, false);
    struct sketch sketch;
    double value;
    struct statistic average = parsed("Average");
    sketch_init(&sketch);
    for (int i = 0; i < 1000; i++)
        check(history_add(history, 60, i, 1));
    history_fold(history, 60, 120, &sketch);
    check_number(sketch.bucket_count, 0);
    check(statistic_of(&average, &sketch, &value) && value == 499.5 && sketch.most == 999);
    sketch_fini(&sketch);
    history_free(history);
    static const char *const totals[] = {"Average", "Sum", "Minimum", "Maximum", "SampleCount"};
    for (size_t i = 0; i < NAMES; i++) {
        bool is_total = false;
        for (size_t k = 0; k < 5; k++)
            is_total = is_total || strcmp(names[i], totals[k]) == 0;
        struct statistic statistic = parsed(names[i]);
        check(statistic_asks_order(&statistic) == !is_total);
    }
}

TEST(words_that_are_no_statistic_are_refused_with_the_nearest_one)
{
    static const struct {
        const char *text, *hint;
    } rows[] = {{"Averge", "did you mean 'Average'?"},
                {"average", "did you mean 'Average'?"},
                {"p101", NULL},
                {"p0", NULL},
                {"p", NULL},
                {"p99.12345678901", NULL},
                {"P99", "did you mean 'p99'?"},
                {"TM99", "did you mean 'tm99'?"},
                {"TM()", NULL},
                {"TM(:)", NULL},
                {"TM(10%:5)", NULL},
                {"TM(90%:10%)", NULL},
                {"PR(10%:20%)", NULL},
                {"pr99", NULL},
                {"IQM5", NULL},
                {"TM(a:b)", NULL},
                {"", NULL},
                {"tm", NULL},
                {"PR(300)", NULL},
                {"p1e1", NULL},
                {"TC(inf:1)", NULL}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct statistic statistic;
        char hint[64];
        check(!statistic_parse(span_text(rows[i].text), &statistic, hint, sizeof hint));
        if (rows[i].hint != NULL)
            assert_string_equal(hint, rows[i].hint);
    }
}

TEST(a_percentile_says_how_many_samples_it_needs)
{
    struct statistic p99 = parsed("p99"), p50 = parsed("p50"), p10 = parsed("p10"),
                     average = parsed("Average");
    check(fabs(statistic_samples_needed(&p99) - 1000) < 1e-6);
    check(statistic_samples_needed(&p50) == 20 && statistic_samples_needed(&p10) == 100);
    check(statistic_samples_needed(&average) == 0);
}

TEST(a_period_of_any_length_is_put_together_from_what_is_kept)
{
    static const struct {
        unsigned resolution, period;
    } rows[] = {{1, 1}, {1, 5}, {5, 10}, {10, 10}, {10, 30}, {60, 60}, {60, 300}, {60, 3600}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int64_t start = 1600000200, period = rows[i].period;
        struct history *history = history_new(rows[i].resolution, 5 * rows[i].period, true);
        for (int64_t t = 0; t < 4 * period; t++)
            check(history_add(history, start + t, (double)(t / period), 1));
        for (int64_t k = 0; k < 4; k++) {
            struct sketch sketch;
            sketch_init(&sketch);
            history_fold(history, start + k * period, start + (k + 1) * period, &sketch);
            check_number(sketch.count, period);
            check(sketch.least == (double)k && sketch.most == (double)k);
            sketch_fini(&sketch);
        }
        history_free(history);
    }
}

TEST(what_falls_out_of_a_history_is_forgotten_and_never_counted_again)
{
    struct history *history = history_new(60, 3, true);
    struct sketch sketch;
    sketch_init(&sketch);
    check(history_add(history, 0, 1, 1) && history_add(history, 180, 2, 1));
    check(!history_add(history, 59, 1, 1));
    history_fold(history, 0, 180, &sketch);
    check_number(sketch.count, 0);
    history_fold(history, 180, 360, &sketch);
    check(sketch.count == 1 && sketch.sum == 2);
    sketch_fini(&sketch);
    history_free(history);
}

int sketch_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(statistics_of_a_million_samples_are_within_one_percent_of_the_exact_ones),
        cmocka_unit_test(statistics_of_a_few_samples_are_exact),
        cmocka_unit_test(without_samples_or_with_negative_ones_there_is_no_percentile),
        cmocka_unit_test(a_sketch_takes_no_more_memory_than_its_buckets),
        cmocka_unit_test(where_nobody_asks_for_an_order_a_slot_keeps_no_histogram),
        cmocka_unit_test(words_that_are_no_statistic_are_refused_with_the_nearest_one),
        cmocka_unit_test(a_percentile_says_how_many_samples_it_needs),
        cmocka_unit_test(a_period_of_any_length_is_put_together_from_what_is_kept),
        cmocka_unit_test(what_falls_out_of_a_history_is_forgotten_and_never_counted_again),
    };
    return cmocka_run_group_tests_name("alarm statistics", tests, NULL, NULL);
}
