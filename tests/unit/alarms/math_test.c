/* SPDX-License-Identifier: Apache-2.0 */
/* math_cases.txt, case by case; and that it leaves no function out. */
#include <math.h>
#include <stdio.h>

#include "exporters/alarms/band.h"
#include "exporters/alarms/math.h"
#include "exporters/alarms/statistic.h"
#include "tests/check.h"
#include "tests/unit/alarms/suites.h"

enum { POINTS = 5, NAMES_MOST = 16, CASES_LEAST = 60, TEXT_BYTES = 4096, ARENA_BYTES = 1 << 22 };

struct scene {
    struct math_name names[NAMES_MOST];
    struct math_value values[NAMES_MOST];
    double series[NAMES_MOST][POINTS];
    const double *pointers[NAMES_MOST];
    size_t count;
    struct arena *arena;
    unsigned line;
    size_t passed, failed, refused;
};

static double value_read(struct span word)
{
    double value = MATH_GAP;
    check(span_is(word, SPAN("-")) || alarm_number_parse(word, &value));
    return value;
}

static void series_read(struct span text, double *to)
{
    for (size_t i = 0; i < POINTS; i++)
        to[i] = value_read(span_cut(&text, ' '));
    check_number(text.len, 0);
}

static void series_add(struct scene *scene, struct span text)
{
    size_t i = scene->count++;
    check(i < NAMES_MOST);
    struct span id = span_trim(span_cut(&text, ':'), " ");
    series_read(span_trim(text, " "), scene->series[i]);
    scene->pointers[i] = scene->series[i];
    scene->names[i] = (struct math_name){id, MATH_SERIES, true};
    scene->values[i] = (struct math_value){MATH_SERIES, MATH_GAP, &scene->pointers[i], 1};
}

static bool is_near(double got, double want)
{
    if (isnan(got) || isnan(want))
        return isnan(got) && isnan(want);
    return fabs(got - want) <= 1e-9 * fabs(want);
}

static bool series_is(const double *got, struct span text)
{
    double want[POINTS];
    bool same = true;
    series_read(span_trim(text, " "), want);
    for (size_t i = 0; i < POINTS; i++)
        same = same && is_near(got[i], want[i]);
    return same;
}

static bool array_is(const struct math_value *got, struct span text)
{
    size_t count = 0;
    text = span_trim(text, " ");
    for (; text.len > 0; count++) {
        struct span one = span_cut(&text, '|');
        if (count >= got->series_count || !series_is(got->series[count], one))
            return false;
    }
    return count == got->series_count;
}

static bool value_is(const struct math_value *got, struct span want)
{
    if (span_starts(want, SPAN("number ")))
        return got->kind == MATH_NUMBER && is_near(got->number, value_read(span_from(want, 7)));
    if (span_starts(want, SPAN("array")))
        return got->kind == MATH_ARRAY && array_is(got, span_from(want, 5));
    return got->kind == MATH_SERIES && got->series_count == 1 && series_is(got->series[0], want);
}

static void fail_print(struct scene *scene, struct span line, const struct math_value *got)
{
    scene->failed++;
    print_error("math_cases.txt:%u: " SPAN_FORMAT "\n  got", scene->line, span_arg(line));
    if (got->kind == MATH_NUMBER)
        print_error(" number %.17g", got->number);
    for (size_t i = 0; got->kind != MATH_NUMBER && i < got->series_count; i++)
        for (size_t k = 0; k < POINTS; k++)
            print_error("%s %.17g", k == 0 && i > 0 ? " |" : "", got->series[i][k]);
    print_error("\n");
}

static void faults_fail(struct scene *scene, struct span line, struct span got)
{
    scene->failed++;
    print_error("math_cases.txt:%u: " SPAN_FORMAT "\n  got " SPAN_FORMAT "\n", scene->line,
                span_arg(line), span_arg(got));
}

/* \n in a case is a line feed. */
static struct span expression_of(struct scene *scene, struct span text)
{
    char *to = arena_text(scene->arena, text.len + 1);
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        bool feeds = text.at[i] == '\\' && i + 1 < text.len && text.at[i + 1] == 'n';
        to[len++] = feeds ? '\n' : text.at[i];
        i += feeds;
    }
    return span_make(to, len);
}

static void case_run(struct scene *scene, struct span line)
{
    size_t arrow = span_find(line, SPAN("=> ")), bang = span_find(line, SPAN("=! "));
    bool refused = arrow == SPAN_NONE;
    if (refused)
        arrow = bang;
    check(arrow != SPAN_NONE);
    struct span want = span_trim(span_from(line, arrow + 3), " ");
    struct span text = expression_of(scene, span_trim(span_first(line, arrow), " "));
    struct faults *faults = faults_new();
    struct buf said;
    buf_init(&said, TEXT_BYTES);
    const struct math_inputs inputs = {{1767229080, 60, POINTS}, scene->values, NULL};
    struct math *math = math_parse(scene->arena, text, (struct place){"e", 1, 1}, scene->names,
                                   scene->count, faults);
    faults_print(faults, &said);
    struct span got = span_trim(span_from(buf_span(&said), 2), "\n");
    scene->refused += refused;
    if (math != NULL && !refused) {
        struct math_value value = math_run(math, &inputs, scene->arena);
        check(value.kind == math_kind(math));
        if (value_is(&value, want))
            scene->passed++;
        else
            fail_print(scene, line, &value);
    } else if (refused && math == NULL && span_is(got, want)) {
        scene->passed++;
    } else {
        faults_fail(scene, line, got);
    }
    buf_fini(&said);
    faults_free(faults);
}

static void check_no_function_is_left_out(struct span text)
{
    char call[64];
    for (size_t i = 0; math_function_name(i) != NULL; i++) {
        snprintf(call, sizeof call, "%s(", math_function_name(i));
        if (span_find(text, span_text(call)) == SPAN_NONE)
            print_error("no case has %s\n", call);
        check(span_find(text, span_text(call)) != SPAN_NONE);
    }
}

TEST(metric_math_gives_what_cloudwatch_documents_case_by_case)
{
    struct span all = cases_read("math_cases.txt"), text = all;
    struct scene scene = {.arena = arena_new(NULL, ARENA_BYTES)};
    check(scene.arena != NULL);
    while (text.len > 0) {
        struct span line = span_cut(&text, '\n');
        scene.line++;
        if (line.len == 0 || line.at[0] == '#')
            continue;
        if (span_starts(line, SPAN("series ")))
            series_add(&scene, span_from(line, 7));
        else
            case_run(&scene, line);
    }
    arena_free(scene.arena);
    printf("math_cases: %zu passed, %zu of them refused expressions\n", scene.passed,
           scene.refused);
    check_number(scene.failed, 0);
    check(scene.passed - scene.refused >= CASES_LEAST);
    check_no_function_is_left_out(all);
}

TEST(an_expression_that_is_nested_without_end_is_refused)
{
    struct arena *arena = arena_new(NULL, ARENA_BYTES);
    char text[2000];
    static const char bytes[] = {'(', '-', '['};
    check(arena != NULL);
    for (size_t i = 0; i < sizeof bytes; i++) {
        struct faults *faults = faults_new();
        memset(text, bytes[i], sizeof text);
        check(math_parse(arena, span_make(text, sizeof text), (struct place){"e", 1, 1}, NULL, 0,
                         faults) == NULL);
        assert_string_equal(faults_at(faults, 0)->message, "the expression is nested too deep");
        faults_free(faults);
    }
    arena_free(arena);
}

TEST(a_run_whose_memory_is_full_gives_no_series_and_does_not_fall)
{
    struct arena *arena = arena_new(NULL, ARENA_BYTES);
    struct faults *faults = faults_new();
    check(arena != NULL);
    struct math *math =
        math_parse(arena, SPAN("SUM(SORT([1, 2, TIME_SERIES(3)] * [1, 2], AVG, ASC))"),
                   (struct place){"e", 1, 1}, NULL, 0, faults);
    check(math != NULL);
    const struct math_inputs inputs = {{0, 60, 1000}, NULL, NULL};
    size_t empty = 0;
    for (size_t bytes = 4096; bytes < 128 << 10; bytes += 4096) {
        struct arena *small = arena_new(NULL, bytes);
        empty += math_run(math, &inputs, small).series_count == 0;
        arena_free(small);
    }
    check(empty > 0 && empty < 31);
    faults_free(faults);
    arena_free(arena);
}

/* ---- bands ---- */

enum { HOUR_S = 3600, DAY_S = 86400 };

/* Busy by day, quiet by night and on Sundays. */
static double usual(int64_t time_s)
{
    int64_t hour = time_s / HOUR_S % 24, day = (time_s / DAY_S + 4) % 7;
    double base = hour >= 8 && hour < 20 ? 1000 : 100;
    return (day == 0 ? base / 10 : base) + (double)(time_s / 300 % 7) - 3;
}

TEST(a_band_knows_the_hours_of_day_and_week_after_it_has_seen_them_twice)
{
    struct band *band = band_new(300);
    double low, high;
    int64_t start = 1767225600; /* Thursday, midnight */
    for (int64_t t = start; t < start + 15 * DAY_S; t += 300)
        band_learn(band, t, usual(t));
    for (int64_t t = start + 15 * DAY_S; t < start + 22 * DAY_S; t += 300) {
        check(band_at(band, t, 3, &low, &high));
        check(low <= usual(t) && usual(t) <= high);
        check(high - low < 30);
    }
    band_free(band);
}

TEST(a_band_is_there_only_once_enough_was_learned)
{
    struct band *band = band_new(60);
    double low, high;
    for (int64_t t = 0; t < 15; t++) {
        check(!band_at(band, t * 60, 2, &low, &high));
        band_learn(band, t * 60, 5);
        band_learn(band, t * 60 + 30, 500); /* overlaps: not learned */
    }
    check(band_at(band, 900, 2, &low, &high));
    check(fabs(low - 4.99) < 1e-9 && fabs(high - 5.01) < 1e-9);
    band_free(band);
}

TEST(an_outage_does_not_become_what_a_band_takes_for_usual)
{
    struct band *band = band_new(60);
    double low, high, before;
    for (int64_t t = 0; t < 2000; t++)
        band_learn(band, t * 60, 100 + (double)(t % 5));
    check(band_at(band, 120000, 3, &low, &before));
    for (int64_t t = 2000; t < 2010; t++)
        band_learn(band, t * 60, 100000);
    check(band_at(band, 2010 * 60, 3, &low, &high));
    check(high < 2 * before && low < 103 && 100 < high);
    band_free(band);
}

int math_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(metric_math_gives_what_cloudwatch_documents_case_by_case),
        cmocka_unit_test(an_expression_that_is_nested_without_end_is_refused),
        cmocka_unit_test(a_run_whose_memory_is_full_gives_no_series_and_does_not_fall),
        cmocka_unit_test(a_band_knows_the_hours_of_day_and_week_after_it_has_seen_them_twice),
        cmocka_unit_test(a_band_is_there_only_once_enough_was_learned),
        cmocka_unit_test(an_outage_does_not_become_what_a_band_takes_for_usual),
    };
    return cmocka_run_group_tests_name("metric math", tests, NULL, NULL);
}
