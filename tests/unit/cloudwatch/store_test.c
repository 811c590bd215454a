/* SPDX-License-Identifier: Apache-2.0 */
/* Sketches as bytes, and metrics that are kept by the minute. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "exporters/alarms/statistic.h"
#include "exporters/cloudwatch/metric_store.h"
#include "exporters/cloudwatch/packed.h"
#include "tests/check.h"
#include "tests/unit/cloudwatch/suites.h"

enum { NOW_S = 1795254000, MINUTE_S = 60, LOTS = 1 << 24 };

static double statistic(const struct sketch *sketch, const char *name)
{
    struct statistic what;
    double value = (double)NAN;
    check(statistic_parse(span_text(name), &what, NULL, 0));
    statistic_of(&what, sketch, &value);
    return value;
}

static size_t packed_size(const struct sketch *sketch, struct sketch *back)
{
    struct buf bytes;
    buf_init(&bytes, LOTS);
    check(packed_add(&bytes, sketch));
    struct span text = buf_span(&bytes);
    size_t len = text.len;
    check(packed_read(&text, back) && text.len == 0);
    buf_fini(&bytes);
    return len;
}

TEST(a_sketch_comes_back_from_its_bytes_with_every_statistic)
{
    static const char *const names[] = {"Average", "Sum",  "Minimum", "Maximum",    "SampleCount",
                                        "p50",     "p99",  "tm90",    "TC(10:500)", "PR(:300)",
                                        "IQM",     "wm95", "TS(5:50)"};
    struct sketch sketch = {0}, back = {0};
    for (int i = 0; i < 5000; i++)
        sketch_add(&sketch, (double)(i * i % 7919) / 7, 1);
    sketch_add(&sketch, 0, 17);
    check(packed_size(&sketch, &back) < sketch.bucket_count * 5 + 64);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        double was = statistic(&sketch, names[i]), is = statistic(&back, names[i]);
        check(fabs(was - is) <= fabs(was) * 1e-6);
    }
    check_number(back.zeros, sketch.zeros);
    sketch_fini(&sketch);
    sketch_fini(&back);
}

TEST(samples_of_one_value_take_a_dozen_bytes_and_come_back_exactly)
{
    struct sketch sketch = {0}, back = {0}, negative = {0}, negative_back = {0};
    sketch_add(&sketch, 300, 41);
    check(packed_size(&sketch, &back) <= 12);
    check(statistic(&back, "p10") == 300 && back.count == 41 && back.sum == 41 * 300);
    sketch_add(&negative, -2, 1);
    sketch_add(&negative, 5, 1);
    packed_size(&negative, &negative_back);
    check(negative_back.has_negative && negative_back.least == -2);
    sketch_fini(&sketch);
    sketch_fini(&back);
    sketch_fini(&negative);
    sketch_fini(&negative_back);
}

TEST(bytes_that_are_cut_or_changed_are_refused_or_read_but_never_beyond_their_end)
{
    struct sketch sketch = {0};
    struct buf bytes;
    buf_init(&bytes, LOTS);
    for (int i = 1; i < 400; i++)
        sketch_add(&sketch, i * 1.5, (uint64_t)i);
    check(packed_add(&bytes, &sketch));
    for (size_t len = 0; len < bytes.len; len++) {
        char *copy = malloc(len + 1); /* so that a sanitizer sees a byte too far */
        memcpy(copy, bytes.at, len);
        struct span text = span_make(copy, len);
        struct sketch back = {0};
        check(!packed_read(&text, &back));
        sketch_fini(&back);
        free(copy);
    }
    for (size_t i = 0; i < bytes.len; i++) {
        struct sketch back = {0};
        bytes.at[i] = (char)(bytes.at[i] ^ 0x55);
        struct span text = buf_span(&bytes);
        packed_read(&text, &back);
        bytes.at[i] = (char)(bytes.at[i] ^ 0x55);
        sketch_fini(&back);
    }
    sketch_fini(&sketch);
    buf_fini(&bytes);
}

/* ---- the store ---- */

static struct metric_id id_of(const char *name, const struct pair *dimensions, size_t count)
{
    return (struct metric_id){SPAN("Sidegate"), span_text(name), dimensions, count};
}

static bool add(struct metric_store *store, const char *name, int64_t second, double value)
{
    struct metric_id id = id_of(name, NULL, 0);
    struct sketch sketch = {0};
    sketch_add(&sketch, value, 1);
    bool well = metric_store_add(store, &id, second, &sketch);
    sketch_fini(&sketch);
    return well;
}

/* The sum of each period. */
static void sums(struct metric_store *store, const char *name, int64_t start_s, unsigned period_s,
                 double *to, size_t count)
{
    struct metric_id id = id_of(name, NULL, 0);
    struct sketch slots[8] = {{0}};
    int64_t oldest_s;
    check(count <= 8);
    metric_store_read(store, &id, &(struct math_window){start_s, period_s, count}, slots,
                      &oldest_s);
    for (size_t i = 0; i < count; i++) {
        to[i] = slots[i].sum;
        sketch_fini(&slots[i]);
    }
}

TEST(periods_of_any_length_are_put_together_from_seconds)
{
    struct metric_store *store = metric_store_new(10, LOTS);
    double got[8];
    for (int64_t i = 0; i < 240; i++)
        check(add(store, "m", NOW_S + i, 1));
    check(add(store, "m", NOW_S + 7, 100)); /* once more, and late */
    sums(store, "m", NOW_S + 5, 1, got, 4);
    check(got[0] == 1 && got[2] == 101 && got[3] == 1);
    sums(store, "m", NOW_S - 10, 10, got, 3);
    check(got[0] == 0 && got[1] == 110 && got[2] == 10);
    sums(store, "m", NOW_S, 120, got, 3);
    check(got[0] == 220 && got[1] == 120 && got[2] == 0);
    metric_store_free(store);
}

TEST(a_metric_is_the_same_whatever_the_order_of_its_dimensions)
{
    static const struct pair one[] = {{SPAN_INIT("A"), SPAN_INIT("1")},
                                      {SPAN_INIT("B"), SPAN_INIT("2")}};
    static const struct pair other[] = {{SPAN_INIT("B"), SPAN_INIT("2")},
                                        {SPAN_INIT("A"), SPAN_INIT("1")}};
    static const struct pair third[] = {{SPAN_INIT("A"), SPAN_INIT("12")},
                                        {SPAN_INIT("B"), SPAN_INIT("")}};
    struct metric_store *store = metric_store_new(10, LOTS);
    struct sketch sketch = {0};
    sketch_add(&sketch, 1, 1);
    struct metric_id ids[] = {id_of("m", one, 2), id_of("m", other, 2), id_of("m", third, 2),
                              id_of("m", one, 1)};
    for (size_t i = 0; i < 4; i++)
        check(metric_store_add(store, &ids[i], NOW_S, &sketch));
    check_number(metric_store_figures(store).metrics, 3);
    sketch_fini(&sketch);
    metric_store_free(store);
}

TEST(metrics_beyond_the_most_are_refused_and_counted)
{
    struct metric_store *store = metric_store_new(2, LOTS);
    check(add(store, "a", NOW_S, 1) && add(store, "b", NOW_S, 1));
    check(!add(store, "c", NOW_S, 1) && !add(store, "c", NOW_S, 1));
    check(add(store, "a", NOW_S, 1));
    check_number(metric_store_figures(store).refused, 2);
    metric_store_free(store);
}

TEST(samples_that_find_no_room_in_their_minute_are_counted)
{
    enum { MANY = 20000, TIMES_MOST = 10000 };
    struct metric_store *store = metric_store_new(1, (size_t)1 << 28);
    struct metric_id id = id_of("m", NULL, 0);
    struct sketch sketch = {0};
    unsigned times = 0;
    for (int i = 1; i < MANY; i++)
        sketch_add(&sketch, i * 1.37, 1);
    while (times < TIMES_MOST && metric_store_add(store, &id, NOW_S, &sketch))
        times++;
    check(times > 0 && times < TIMES_MOST);
    check_number(metric_store_figures(store).refused, 1);
    check(add(store, "m", NOW_S + MINUTE_S, 1));
    sketch_fini(&sketch);
    metric_store_free(store);
}

TEST(what_is_older_than_three_hours_goes_and_what_comes_too_late_is_counted)
{
    struct metric_store *store = metric_store_new(2, LOTS);
    double got[1];
    check(add(store, "m", NOW_S, 1));
    check(add(store, "m", NOW_S + 3 * 3600 - 1, 1));
    sums(store, "m", NOW_S, 60, got, 1);
    check(got[0] == 1);
    check(add(store, "m", NOW_S + 3 * 3600, 1));
    sums(store, "m", NOW_S, 60, got, 1);
    check(got[0] == 0);
    check(!add(store, "m", NOW_S + 59, 1));
    check_number(metric_store_figures(store).late, 1);
    check_number(metric_store_figures(store).forgotten, 0);
    metric_store_free(store);
}

TEST(a_clock_that_leaps_ahead_and_back_costs_two_seconds_and_nothing_from_before)
{
    enum { LEAP_S = 5 * 3600 };
    struct metric_store *store = metric_store_new(4, LOTS);
    double got[8];
    check(add(store, "m", NOW_S, 1) && add(store, "m", NOW_S + 1, 2));
    size_t bytes = metric_store_figures(store).bytes;
    check(add(store, "m", NOW_S + LEAP_S, 100) && add(store, "ahead", NOW_S + LEAP_S, 100));
    check(!add(store, "m", NOW_S + 3, 3) && !add(store, "m", NOW_S + 3, 3));
    check(!add(store, "m", NOW_S + 4, 3));
    check(add(store, "m", NOW_S + 5, 4) && add(store, "other", NOW_S + 5, 4));
    check(add(store, "m", NOW_S + 6, 5));
    sums(store, "m", NOW_S, 1, got, 7);
    check(got[0] == 1 && got[1] == 2 && got[3] == 0 && got[5] == 4 && got[6] == 5);
    sums(store, "m", NOW_S + LEAP_S, 60, got, 1);
    check(got[0] == 0);
    check(metric_store_figures(store).bytes < bytes + 4096);
    check_number(metric_store_figures(store).late, 3 + 2);
    metric_store_free(store);
}

TEST(single_samples_of_a_time_that_is_gone_do_not_set_the_clock_back)
{
    struct metric_store *store = metric_store_new(2, LOTS);
    double got[1];
    for (int64_t i = 0; i < 10; i++) {
        check(add(store, "m", NOW_S + i, 1));
        check(!add(store, "m", NOW_S - 4 * 3600 + i, 1));
    }
    sums(store, "m", NOW_S, 60, got, 1);
    check(got[0] == 10);
    check_number(metric_store_figures(store).late, 10);
    metric_store_free(store);
}

TEST(for_want_of_bytes_old_minutes_lose_their_seconds_first_and_go_then)
{
    struct metric_store *store = metric_store_new(2, 40000);
    double got[2];
    for (int64_t i = 0; i < (int64_t)40 * MINUTE_S; i++)
        check(add(store, "m", NOW_S + i, (double)(i % 60 + 1)));
    struct metric_store_figures figures = metric_store_figures(store);
    check(figures.bytes <= 40000 + 4096 && figures.joined > 0 && figures.forgotten == 0);
    sums(store, "m", NOW_S, 60, got, 2);
    check(got[0] == 1830 && got[1] == 1830);
    sums(store, "m", NOW_S, 1, got, 2);
    check(got[0] == 0 && got[1] == 0); /* no longer known by the second */
    check(add(store, "m", NOW_S + 5, 10));
    sums(store, "m", NOW_S, 60, got, 1);
    check(got[0] == 1840);
    metric_store_free(store);
    store = metric_store_new(2, 3000);
    for (int64_t i = 0; i < 90; i++)
        check(add(store, "m", NOW_S + i * MINUTE_S, 1));
    check(metric_store_figures(store).forgotten > 0);
    sums(store, "m", NOW_S + 89 * MINUTE_S, 60, got, 1);
    check(got[0] == 1);
    metric_store_free(store);
}

/* What a walk has told so far, by "NAME MINUTE". */
struct told {
    struct buf text;
    size_t count, bytes;
};

static void on_changed(void *context, const struct metric_id *id, int64_t minute, struct span bytes)
{
    struct told *told = context;
    buf_format(&told->text, "<" SPAN_FORMAT " %d>", span_arg(id->name),
               (int)(minute - NOW_S / MINUTE_S));
    told->count++;
    told->bytes += bytes.len;
}

static bool was_told(const struct told *told, const char *what)
{
    return span_find(buf_span(&told->text), span_text(what)) != SPAN_NONE;
}

/* a, b, c with a sample in each of three minutes. */
static struct metric_store *three_by_three(struct told *told)
{
    struct metric_store *store = metric_store_new(3, LOTS);
    for (int minute = 0; minute < 3; minute++)
        check(add(store, "a", NOW_S + minute * MINUTE_S, 1) &&
              add(store, "b", NOW_S + minute * MINUTE_S, 1) &&
              add(store, "c", NOW_S + minute * MINUTE_S, 1));
    *told = (struct told){.count = 0};
    buf_init(&told->text, LOTS);
    return store;
}

TEST(changes_are_told_in_parts_that_hold_the_store_up_for_a_few_bytes)
{
    struct told told;
    struct metric_store *store = three_by_three(&told);
    struct metric_changes all = {.since = 0}, parts = {.since = 0};
    check(!metric_store_changes(store, &all, LOTS, on_changed, &told));
    check_number(told.count, 9);
    size_t most = told.bytes / 9 + 1, rounds = 1;
    told.count = told.bytes = 0;
    buf_clear(&told.text);
    while (metric_store_changes(store, &parts, most, on_changed, &told)) {
        check(told.bytes <= 2 * most * rounds);
        rounds++;
    }
    check(rounds > 4);
    check_number(told.count, 9);
    check(was_told(&told, "<a 0>") && was_told(&told, "<b 1>") && was_told(&told, "<c 2>"));
    check_number(parts.until, all.until);
    struct metric_changes next = {.since = parts.until};
    told.count = 0;
    check(!metric_store_changes(store, &next, LOTS, on_changed, &told));
    check_number(told.count, 0);
    buf_fini(&told.text);
    metric_store_free(store);
}

TEST(what_changes_between_two_parts_comes_with_the_next_walk)
{
    struct told told;
    struct metric_store *store = three_by_three(&told);
    struct metric_changes parts = {.since = 0};
    check(metric_store_changes(store, &parts, 1, on_changed, &told));
    check_number(told.count, 1);
    check(was_told(&told, "<a 0>") && add(store, "a", NOW_S, 5)); /* told already */
    while (metric_store_changes(store, &parts, 1, on_changed, &told)) {
    }
    check_number(told.count, 9);
    struct metric_changes next = {.since = parts.until};
    buf_clear(&told.text);
    check(!metric_store_changes(store, &next, LOTS, on_changed, &told));
    check(was_told(&told, "<a 0>"));
    check_number(told.count, 10);
    buf_fini(&told.text);
    metric_store_free(store);
}

TEST(no_change_is_missed_where_metrics_are_given_up_between_two_parts)
{
    struct told told;
    struct metric_store *store = metric_store_new(3, LOTS);
    struct metric_changes parts = {.since = 0};
    told = (struct told){.count = 0};
    buf_init(&told.text, LOTS);
    check(add(store, "old", NOW_S, 1));
    int64_t later_s = NOW_S + (int64_t)(METRIC_MINUTES_KEPT + 60) * MINUTE_S;
    for (int second = 0; second < 2 * MINUTE_S + 2; second++) /* time goes on, and is believed */
        check(add(store, "a", later_s + second, 1) && add(store, "b", later_s + second, 1));
    check(metric_store_changes(store, &parts, 1, on_changed, &told));
    check(was_told(&told, "<a 240>"));
    check(add(store, "new", later_s + (int64_t)2 * MINUTE_S + 2,
              1)); /* in the place of the old one */
    while (metric_store_changes(store, &parts, 1, on_changed, &told)) {
    }
    check(was_told(&told, "<a 242>") && was_told(&told, "<b 240>") && was_told(&told, "<b 242>"));
    check_number(told.count, 6);
    struct metric_changes next = {.since = parts.until};
    check(!metric_store_changes(store, &next, LOTS, on_changed, &told));
    check(was_told(&told, "<new 242>"));
    check_number(told.count, 7);
    buf_fini(&told.text);
    metric_store_free(store);
}

TEST(a_walk_over_changes_ends_though_a_full_store_refuses_samples_all_the_while)
{
    struct told told;
    struct metric_store *store = three_by_three(&told);
    struct metric_changes parts = {.since = 0};
    unsigned rounds = 1;
    for (; metric_store_changes(store, &parts, 1, on_changed, &told) && rounds < 100; rounds++)
        check(!add(store, "one too many", NOW_S + 2 * MINUTE_S, 1));
    check_number(rounds, 9);
    check_number(told.count, 9);
    check(was_told(&told, "<c 2>"));
    buf_fini(&told.text);
    metric_store_free(store);
}

TEST(a_walk_over_changes_ends_though_metrics_come_and_go_all_the_while)
{
    struct told told = {.count = 0};
    struct metric_store *store = metric_store_new(1, LOTS);
    struct metric_changes parts = {.since = 0};
    unsigned rounds = 1;
    char name[] = "a";
    int64_t second = NOW_S;
    buf_init(&told.text, LOTS);
    for (int minute = 0; minute < 3; minute++)
        check(add(store, name, NOW_S + minute * MINUTE_S, 1));
    for (; metric_store_changes(store, &parts, 1, on_changed, &told) && rounds < 20; rounds++) {
        name[0]++;                  /* in the place of the one before */
        for (int i = 0; i < 2; i++) /* time goes on, and is believed */
            add(store, name, second += (int64_t)(METRIC_MINUTES_KEPT - 1) * MINUTE_S, 1);
        check(add(store, name, second + MINUTE_S, 1) &&
              add(store, name, second + (int64_t)2 * MINUTE_S, 1));
    }
    check_number(rounds, 2);
    check_number(told.count, 1);
    buf_fini(&told.text);
    metric_store_free(store);
}

int store_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sketch_comes_back_from_its_bytes_with_every_statistic),
        cmocka_unit_test(samples_of_one_value_take_a_dozen_bytes_and_come_back_exactly),
        cmocka_unit_test(
            bytes_that_are_cut_or_changed_are_refused_or_read_but_never_beyond_their_end),
        cmocka_unit_test(periods_of_any_length_are_put_together_from_seconds),
        cmocka_unit_test(a_metric_is_the_same_whatever_the_order_of_its_dimensions),
        cmocka_unit_test(metrics_beyond_the_most_are_refused_and_counted),
        cmocka_unit_test(samples_that_find_no_room_in_their_minute_are_counted),
        cmocka_unit_test(what_is_older_than_three_hours_goes_and_what_comes_too_late_is_counted),
        cmocka_unit_test(
            a_clock_that_leaps_ahead_and_back_costs_two_seconds_and_nothing_from_before),
        cmocka_unit_test(single_samples_of_a_time_that_is_gone_do_not_set_the_clock_back),
        cmocka_unit_test(for_want_of_bytes_old_minutes_lose_their_seconds_first_and_go_then),
        cmocka_unit_test(changes_are_told_in_parts_that_hold_the_store_up_for_a_few_bytes),
        cmocka_unit_test(what_changes_between_two_parts_comes_with_the_next_walk),
        cmocka_unit_test(no_change_is_missed_where_metrics_are_given_up_between_two_parts),
        cmocka_unit_test(
            a_walk_over_changes_ends_though_a_full_store_refuses_samples_all_the_while),
        cmocka_unit_test(a_walk_over_changes_ends_though_metrics_come_and_go_all_the_while),
    };
    return cmocka_run_group_tests_name("metrics that are kept", tests, NULL, NULL);
}
