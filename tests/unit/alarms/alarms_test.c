/* SPDX-License-Identifier: Apache-2.0 */
/* Sets of alarms by a clock of the test's own: a day passes in no time. */
#include <math.h>
#include <stdio.h>

#include "exporters/alarms/reason_data.h"
#include "tests/check.h"
#include "tests/unit/alarms/diary.h"
#include "tests/unit/alarms/suites.h"

/* Errors in a day: 6:00 to 6:30 all fail, from 12:00 to 12:10 nothing comes, at 18:00 two minutes
 * fail. */
static void day_sample(struct alarms *alarms, int64_t minute)
{
    bool fails = (minute >= 360 && minute < 390) || (minute >= 1080 && minute < 1082);
    if (minute >= 720 && minute < 730)
        return;
    for (int i = 0; i < 20; i++)
        check(alarms_sample(alarms, SPAN("5XXError"), start + minute * MINUTE_S + i, fails, 1));
}

TEST(an_alarm_lives_through_a_day_by_a_clock_that_is_handed_in)
{
    const struct alarm_metric errors = metric("5XXError", "Average");
    const struct alarm_test test = {ALARM_GREATER, 0.05, 5, 3, ALARM_MISSING};
    struct alarm_settings settings[] = {
        over("errors", &errors, 60, test),
        over("strict", &errors, 60, test),
        over("slow", &errors, 300, test),
        {.name = SPAN("page"), .rule = SPAN("ALARM(errors) AND NOT ALARM(slow)")}};
    settings[1].test = (struct alarm_test){ALARM_LESS_OR_EQUAL, 0.05, 1, 1, ALARM_BREACHING};
    settings[2].test.evaluation_periods = settings[2].test.datapoints_to_alarm = 2;
    struct alarms *alarms = built(settings, 4);
    static struct diary diary;
    diary = (struct diary){0};
    check_number(alarms_step_s(alarms), 60);
    for (int64_t minute = 0; minute < 1440; minute++) {
        day_sample(alarms, minute);
        alarms_run(alarms, start + (minute + 1) * MINUTE_S, write_down, &diary);
    }
    static const struct change want[] = {
        {1, 0, ALARM_STATE_OK, true},
        {1, 1, ALARM_STATE_ALARM, true},
        {1, 2, ALARM_STATE_OK, true},
        {1, 3, ALARM_STATE_OK, true},
        {361, 1, ALARM_STATE_OK, true},
        {363, 0, ALARM_STATE_ALARM, true},
        {363, 3, ALARM_STATE_ALARM, true},
        {366, 2, ALARM_STATE_ALARM, true}, /* the older of its two has one minute that failed */
        {366, 3, ALARM_STATE_OK, true},
        {391, 1, ALARM_STATE_ALARM, true},
        {393, 0, ALARM_STATE_OK, true},
        {395, 2, ALARM_STATE_OK, true},
        {727, 0, ALARM_STATE_INSUFFICIENT_DATA, true}, /* seven minutes without a datapoint */
        {731, 0, ALARM_STATE_OK, true},
        {1081, 1, ALARM_STATE_OK, true},
        {1083, 1, ALARM_STATE_ALARM, true},
        {1086, 2, ALARM_STATE_ALARM, true},
        {1087, 2, ALARM_STATE_OK, true},
    };
    check_changes(&diary, want, sizeof want / sizeof *want);
    for (size_t i = 0; i < 3; i++)
        check_number(diary.evaluations[i], 1440);
    alarms_free(alarms);
}

TEST(without_data_each_treatment_goes_its_way_and_data_brings_it_back)
{
    const struct alarm_metric latency = metric("Latency", "Maximum");
    struct alarm_settings settings[4];
    static const char *const names[] = {"missing", "ignore", "breaching", "notBreaching"};
    for (unsigned i = 0; i < 4; i++)
        settings[i] = over(names[i], &latency, 60,
                           (struct alarm_test){ALARM_GREATER, 100, 2, 2, (enum alarm_missing)i});
    struct alarms *alarms = built(settings, 4);
    static struct diary diary;
    diary = (struct diary){0};
    for (int64_t minute = 0; minute < 60; minute++) {
        if (minute < 10 || minute >= 40)
            alarms_sample(alarms, SPAN("Latency"), start + minute * MINUTE_S, 500, 1);
        alarms_run(alarms, start + (minute + 1) * MINUTE_S, write_down, &diary);
    }
    static const struct change want[] = {
        {1, 2, ALARM_STATE_ALARM, true},
        {1, 3, ALARM_STATE_OK, true},
        {2, 0, ALARM_STATE_ALARM, true},
        {2, 1, ALARM_STATE_ALARM, true},
        {2, 3, ALARM_STATE_ALARM, true},
        /* the last datapoint leaves N, then the range */
        {13, 3, ALARM_STATE_OK, true},
        {14, 0, ALARM_STATE_INSUFFICIENT_DATA, true},
        {42, 0, ALARM_STATE_ALARM, true},
        {42, 3, ALARM_STATE_ALARM, true},
    };
    check_changes(&diary, want, sizeof want / sizeof *want);
    alarms_free(alarms);
}

TEST(an_alarm_of_ten_seconds_is_evaluated_every_ten_seconds_and_one_of_days_every_hour)
{
    const struct alarm_metric count = metric("Count", "SampleCount");
    struct alarm_settings settings[] = {
        over("fine", &count, 10, (struct alarm_test){ALARM_GREATER, 9, 1, 1, ALARM_MISSING}),
        over("days", &count, 7200, (struct alarm_test){ALARM_LESS, 1, 24, 24, ALARM_MISSING})};
    struct alarms *alarms = built(settings, 2);
    static struct diary diary;
    diary = (struct diary){0};
    check_number(alarms_step_s(alarms), 10);
    for (int64_t s = 0; s < 2 * HOUR_S; s += 10) {
        alarms_sample(alarms, SPAN("Count"), start + s, 1, s == 600 ? 10 : 1);
        alarms_run(alarms, start + s + 10, write_down, &diary);
    }
    check_number(diary.evaluations[0], 720);
    check_number(diary.evaluations[1], 2);
    check(diary.changes[1].state == ALARM_STATE_ALARM && diary.changes[1].minute == 10);
    alarms_free(alarms);
}

TEST(a_percentile_of_too_few_samples_leaves_the_state_where_it_is_told_to)
{
    const struct alarm_metric p99 = metric("Latency", "p99");
    struct alarm_settings settings[] = {
        over("evaluate", &p99, 60, (struct alarm_test){ALARM_GREATER, 5, 1, 1, ALARM_MISSING}),
        over("ignore", &p99, 60, (struct alarm_test){ALARM_GREATER, 5, 1, 1, ALARM_MISSING})};
    settings[1].few_keep_state = true;
    struct alarms *alarms = built(settings, 2);
    static struct diary diary;
    diary = (struct diary){0};
    alarms_sample(alarms, SPAN("Latency"), start, 9, 999);
    alarms_run(alarms, start + 60, write_down, &diary);
    check(alarms_state(alarms, 0) == ALARM_STATE_ALARM);
    check(alarms_state(alarms, 1) == ALARM_STATE_INSUFFICIENT_DATA);
    alarms_sample(alarms, SPAN("Latency"), start + 60, 9, 1000);
    alarms_run(alarms, start + 120, write_down, &diary);
    check(alarms_state(alarms, 1) == ALARM_STATE_ALARM);
    alarms_free(alarms);
}

TEST(an_error_rate_is_metric_math_over_two_metrics)
{
    struct alarm_metric metrics[] = {metric("5XXError", "Sum"),
                                     metric("Count", "SampleCount"),
                                     {.id = SPAN("rate"), .returns = true},
                                     {.id = SPAN("guard")}};
    metrics[0].id = SPAN("errors");
    metrics[1].id = SPAN("requests");
    metrics[0].returns = metrics[1].returns = false;
    metrics[2].expression = SPAN("IF(guard, 100 * FILL(errors, 0) / requests, 0)");
    metrics[3].expression = SPAN("requests > 10");
    struct alarm_settings settings =
        over("rate", metrics, 60, (struct alarm_test){ALARM_GREATER, 5, 1, 1, ALARM_MISSING});
    settings.metric_count = 4;
    struct alarms *alarms = built(&settings, 1);
    static struct diary diary;
    diary = (struct diary){0};
    static const unsigned requests[] = {100, 5, 100, 100}, errors[] = {5, 5, 6, 0};
    for (int64_t minute = 0; minute < 4; minute++) {
        alarms_sample(alarms, SPAN("Count"), start + minute * 60, 1, requests[minute]);
        alarms_sample(alarms, SPAN("5XXError"), start + minute * 60, 1, errors[minute]);
        alarms_run(alarms, start + minute * 60 + 60, write_down, &diary);
    }
    static const struct change want[] = {{1, 0, ALARM_STATE_OK, true},
                                         {3, 0, ALARM_STATE_ALARM, true},
                                         {4, 0, ALARM_STATE_OK, true}};
    check_changes(&diary, want, 3);
    assert_string_equal(diary.reason,
                        "Threshold Crossed: 1 out of the last 1 datapoints [0.0 (01/01/26 "
                        "00:03:00)] was not greater than the threshold (5.0) (minimum 1 datapoint "
                        "for ALARM -> OK transition).");
    alarms_free(alarms);
}

TEST(a_band_alarm_rings_at_what_is_unusual_for_the_hour)
{
    struct alarm_metric metrics[] = {metric("Count", "Sum"), {.id = SPAN("band")}};
    metrics[0].id = SPAN("m");
    metrics[1].expression = SPAN("ANOMALY_DETECTION_BAND(m, 3)");
    struct alarm_settings settings =
        over("odd", metrics, 300, (struct alarm_test){ALARM_OUTSIDE, 0, 1, 1, ALARM_MISSING});
    settings.metric_count = 2;
    settings.band_id = SPAN("band");
    struct alarms *alarms = built(&settings, 1);
    static struct diary diary;
    diary = (struct diary){0};
    for (int64_t t = 0; t < 8 * (int64_t)DAY_S; t += MINUTE_S) {
        int64_t hour = t / HOUR_S % 24;
        double usual = hour >= 8 && hour < 20 ? 1000 : 100;
        bool is_odd = t >= 7 * (int64_t)DAY_S + 3 * HOUR_S && t < 7 * (int64_t)DAY_S + 4 * HOUR_S;
        alarms_sample(alarms, SPAN("Count"), start + t, is_odd ? 1000 : usual, 1);
        if (t < 7 * (int64_t)DAY_S)
            diary.count = 0; /* it is still learning */
        alarms_run(alarms, start + t + MINUTE_S, write_down, &diary);
    }
    check(diary.count >= 2);
    check(diary.changes[0].state == ALARM_STATE_ALARM &&
          diary.changes[0].minute == 7 * 1440 + 180 + 1);
    check(diary.changes[1].state == ALARM_STATE_OK);
    check(strncmp(diary.reason, "Thresholds Crossed: 1 out of the last 1 datapoints [", 52) == 0);
    alarms_free(alarms);
}

/* ---- the reason as figures ---- */

TEST(the_reason_is_there_as_figures_of_the_datapoints_that_were_evaluated)
{
    struct alarm_metric errors = metric("5XXError", "Average");
    errors.statistic_text = SPAN("Average");
    const struct alarm_settings settings =
        over("errors", &errors, 60, (struct alarm_test){ALARM_GREATER, 0.05, 2, 2, ALARM_MISSING});
    struct alarms *alarms = built(&settings, 1);
    static struct diary diary;
    diary = (struct diary){0};
    check_number(alarms_reason_data(alarms, 0).len, 0);
    alarms_run(alarms, start, write_down, &diary);
    check_span(alarms_reason_data(alarms, 0),
               "{\"version\":\"1.0\",\"queryDate\":\"2026-01-01T00:00:00.000+0000\",\"statistic\":"
               "\"Average\",\"period\":60,\"recentDatapoints\":[],\"threshold\":0.05,"
               "\"evaluatedDatapoints\":[]}");
    alarms_sample(alarms, SPAN("5XXError"), start, 0, 3);
    alarms_sample(alarms, SPAN("5XXError"), start, 1, 1);
    alarms_sample(alarms, SPAN("5XXError"), start + 60, 1, 2);
    alarms_run(alarms, start + 120, write_down, &diary);
    check_span(
        alarms_reason_data(alarms, 0),
        "{\"version\":\"1.0\",\"queryDate\":\"2026-01-01T00:02:00.000+0000\",\"startDate\":"
        "\"2026-01-01T00:00:00.000+0000\",\"statistic\":\"Average\",\"period\":60,"
        "\"recentDatapoints\":[0.25,1.0],\"threshold\":0.05,\"evaluatedDatapoints\":["
        "{\"timestamp\":\"2026-01-01T00:01:00.000+0000\",\"sampleCount\":2.0,\"value\":1.0},"
        "{\"timestamp\":\"2026-01-01T00:00:00.000+0000\",\"sampleCount\":4.0,\"value\":0.25}]}");
    alarms_set_state(alarms, 0, ALARM_STATE_OK, SPAN("by hand"));
    check_number(alarms_reason_data(alarms, 0).len, 0);
    alarms_free(alarms);
}

TEST(figures_of_a_long_range_and_of_long_numbers_fit_into_what_cloudwatch_gives_them)
{
    enum { POINTS = 1440 };
    static struct datapoint points[POINTS];
    struct alarm_metric latency = metric("Latency", "p99");
    latency.statistic_text = SPAN("TM(10.123456789%:98.123456789%)");
    const struct alarm_settings settings =
        over("slow", &latency, 60, (struct alarm_test){ALARM_OUTSIDE, 0, POINTS, 1, ALARM_MISSING});
    struct buf text;
    buf_init(&text, ALARM_REASON_DATA_MOST);
    for (size_t i = 0; i < POINTS; i++)
        points[i] = (struct datapoint){.time_s = start + (int64_t)i * 60,
                                       .value = -1.2345678901234567e-300,
                                       .lower = -1.2345678901234567e-300,
                                       .upper = (double)INFINITY,
                                       .is_there = true,
                                       .samples = UINT64_MAX};
    alarm_reason_data(&settings, points, POINTS, start, &text);
    check(!buf_is_full(&text));
    check(span_ends(buf_span(&text), SPAN("]}")));
    check(span_find(buf_span(&text), SPAN("\"recentUpperThresholds\":[null,null,")) != SPAN_NONE);
    check(span_find(buf_span(&text), SPAN("\"threshold\"")) == SPAN_NONE);
    buf_fini(&text);
}

/* ---- a restart ---- */

/* States by minutes, from a restart at `start` on; each value is a datapoint, NAN: none. */
static void check_restored(enum alarm_state before, enum alarm_missing missing,
                           const double *values, const char *want)
{
    static const char letters[] = {'I', 'O', 'A'};
    const struct alarm_metric errors = metric("5XXError", "Maximum");
    const struct alarm_settings settings =
        over("errors", &errors, 60, (struct alarm_test){ALARM_GREATER, 0, 5, 3, missing});
    struct alarms *alarms = built(&settings, 1);
    static struct diary diary;
    diary = (struct diary){0};
    const struct alarm_restored restored = {before, SPAN("as it was"), start - 1000, false,
                                            SPAN("")};
    alarms_restore(alarms, 0, &restored, start);
    for (int64_t minute = 0; want[minute] != '\0'; minute++) {
        if (values[minute] >= 0)
            alarms_sample(alarms, SPAN("5XXError"), start + minute * MINUTE_S, values[minute], 1);
        alarms_run(alarms, start + (minute + 1) * MINUTE_S, write_down, &diary);
        check_number(letters[alarms_state(alarms, 0)], want[minute]);
    }
    alarms_free(alarms);
}

TEST(what_an_alarm_was_before_a_restart_stays_until_what_came_since_says_enough)
{
    static const double good[] = {0, 0, 0, 0, 0, 0}, bad[] = {1, 1, 1, 1, 1, 1},
                        nothing[] = {-1, -1, -1, -1, -1, -1}, mixed[] = {1, 0, 1, 0, 0, 0};
    /* two of the five are lost after three good ones: less than the three that it takes */
    check_restored(ALARM_STATE_ALARM, ALARM_NOT_BREACHING, good, "AAOOOO");
    check_restored(ALARM_STATE_ALARM, ALARM_MISSING, good, "AAOOOO");
    check_restored(ALARM_STATE_OK, ALARM_NOT_BREACHING, good, "OOOOOO");
    check_restored(ALARM_STATE_OK, ALARM_NOT_BREACHING, bad, "OOAAAA");
    check_restored(ALARM_STATE_OK, ALARM_BREACHING, nothing, "OOOOAA");
    check_restored(ALARM_STATE_ALARM, ALARM_MISSING, nothing, "AAAAII");
    check_restored(ALARM_STATE_ALARM, ALARM_NOT_BREACHING, mixed, "AAAAOO");
}

TEST(a_state_that_is_set_by_hand_lasts_until_the_next_evaluation_and_composite_alarms_follow)
{
    const struct alarm_metric errors = metric("5XXError", "Sum");
    struct alarm_settings settings[] = {
        {.name = SPAN("page"), .rule = SPAN("ALARM(errors)")},
        over("errors", &errors, 60, (struct alarm_test){ALARM_GREATER, 0, 1, 1, ALARM_MISSING})};
    struct alarms *alarms = built(settings, 2);
    static struct diary diary;
    diary = (struct diary){0};
    alarms_sample(alarms, SPAN("5XXError"), start, 0, 1);
    alarms_run(alarms, start + 60, write_down, &diary);
    diary = (struct diary){0};
    const struct alarm_restored to = {ALARM_STATE_ALARM, SPAN("a test"), start + 75, false,
                                      SPAN("")};
    alarms_force(alarms, 1, &to, write_down, &diary);
    static const struct change want[] = {{1, 1, ALARM_STATE_ALARM, true},
                                         {1, 0, ALARM_STATE_ALARM, true}};
    check_changes(&diary, want, 2);
    check_span(alarms_reason(alarms, 1), "a test");
    alarms_force(alarms, 1, &to, write_down, &diary);
    check_number(diary.count, 2); /* it is so already */
    alarms_sample(alarms, SPAN("5XXError"), start + 60, 0, 1);
    alarms_run(alarms, start + 120, write_down, &diary);
    static const struct change after[] = {{1, 1, ALARM_STATE_ALARM, true},
                                          {1, 0, ALARM_STATE_ALARM, true},
                                          {2, 1, ALARM_STATE_OK, true},
                                          {2, 0, ALARM_STATE_OK, true}};
    check_changes(&diary, after, 4);
    alarms_free(alarms);
}

TEST(a_composite_alarm_that_was_held_back_waits_again_after_a_restart)
{
    const struct alarm_metric errors = metric("5XXError", "Sum");
    const struct alarm_test test = {ALARM_GREATER, 0, 1, 1, ALARM_IGNORE};
    struct alarm_settings settings[] = {over("errors", &errors, 60, test),
                                        over("deploy", &errors, 60, test),
                                        {.name = SPAN("page"),
                                         .rule = SPAN("ALARM(errors)"),
                                         .suppressor = SPAN("deploy"),
                                         .wait_s = 120,
                                         .extension_s = 60}};
    struct alarms *alarms = built(settings, 3);
    static struct diary diary;
    diary = (struct diary){0};
    struct alarm_restored restored = {ALARM_STATE_ALARM, SPAN("as it was"), start, true, SPAN("")};
    alarms_restore(alarms, 0, &restored, start + 30);
    alarms_restore(alarms, 2, &restored, start + 30);
    alarms_run(alarms, start + 60, write_down, &diary);
    check_number(diary.count, 0);
    check_span(alarms_reason(alarms, 2), "as it was");
    alarms_run(alarms, start + 120, write_down, &diary);
    static const struct change want[] = {{2, 2, ALARM_STATE_ALARM, true}};
    check_changes(&diary, want, 1);
    alarms_free(alarms);
}

/* ---- what is refused ---- */

static void check_refused(const struct alarm_settings *settings, size_t count, const char *want)
{
    struct faults *faults = faults_new();
    check(alarms_new(settings, count, faults) == NULL);
    check(faults_at(faults, 0) != NULL);
    assert_string_equal(faults_at(faults, 0)->message, want);
    faults_free(faults);
}

TEST(alarms_that_cannot_be_are_refused)
{
    const struct alarm_metric errors = metric("5XXError", "Sum");
    const struct alarm_test test = {ALARM_GREATER, 0, 2, 2, ALARM_MISSING};
    struct alarm_settings s = over("a", &errors, 45, test);
    check_refused(&s, 1, "period: expected 10s, 20s, 30s or a number of minutes, up to a day");
    s = over("a", &errors, 60, (struct alarm_test){ALARM_GREATER, 0, 2, 3, ALARM_MISSING});
    check_refused(&s, 1, "datapoints_to_alarm: expected 1 to evaluation_periods");
    s = over("a", &errors, 60, (struct alarm_test){ALARM_GREATER, 0, 0, 0, ALARM_MISSING});
    check_refused(&s, 1, "evaluation_periods: expected 1 or more");
    s = over("a", &errors, 1800, (struct alarm_test){ALARM_GREATER, 0, 49, 1, ALARM_MISSING});
    check_refused(&s, 1,
                  "evaluation_periods times period: a day at most, a week where a period has an "
                  "hour or more");
    s = over("a", &errors, 60, (struct alarm_test){ALARM_OUTSIDE, 0, 1, 1, ALARM_MISSING});
    check_refused(&s, 1, "threshold_metric_id: expected the id of an ANOMALY_DETECTION_BAND");
    s = over("", &errors, 60, test);
    check_refused(&s, 1, "name: expected 1 to 255 bytes");
    const struct alarm_settings twice[] = {over("a", &errors, 60, test),
                                           over("a", &errors, 60, test)};
    check_refused(twice, 2, "name: another alarm is called so");
    const struct alarm_settings ring[] = {{.name = SPAN("a"), .rule = SPAN("ALARM(b)")},
                                          {.name = SPAN("b"), .rule = SPAN("OK(a)")}};
    check_refused(ring, 2, "the rule asks for its own alarm, at once or by others");
    const struct alarm_settings lonely = {
        .name = SPAN("a"), .rule = SPAN("TRUE"), .suppressor = SPAN("b")};
    check_refused(&lonely, 1, "actions_suppressor: there is no alarm 'b'");
}

TEST(expressions_that_no_alarm_can_look_at_are_refused)
{
    const struct alarm_test test = {ALARM_GREATER, 0, 1, 1, ALARM_MISSING};
    static const struct {
        const char *first, *second, *want;
    } rows[] = {
        {"AVG(m)", NULL, "the result is one number, not a series: TIME_SERIES(...) makes it one"},
        {"[m, m]", NULL, "the result is several series; an alarm looks at one"},
        {"other + 1", "e + 1", "the expression names itself, at once or by others"},
        {"e", NULL, "the expression names itself, at once or by others"},
        {"mm", NULL, "there is no id 'mm'"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct alarm_metric metrics[] = {
            metric("5XXError", "Sum"), {.id = SPAN("e"), .returns = true}, {.id = SPAN("other")}};
        metrics[0].id = SPAN("m");
        metrics[0].returns = false;
        metrics[1].expression = span_text(rows[i].first);
        metrics[2].expression = span_text(rows[i].second);
        struct alarm_settings s = over("a", metrics, 60, test);
        s.metric_count = rows[i].second != NULL ? 3 : 2;
        check_refused(&s, 1, rows[i].want);
        metrics[1].id = SPAN("Upper");
        check_refused(&s, 1, "id: expected a lower-case letter, then letters, digits and _");
        metrics[1].id = SPAN("m");
        check_refused(&s, 1, "id: it stands twice");
    }
    struct alarm_metric two[] = {metric("a", "Sum"), metric("b", "Sum")};
    two[0].id = SPAN("a");
    two[1].id = SPAN("b");
    struct alarm_settings s = over("a", two, 60, test);
    s.metric_count = 2;
    check_refused(&s, 1, "metrics: exactly one has `return_data: true`");
}

int alarms_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_alarm_lives_through_a_day_by_a_clock_that_is_handed_in),
        cmocka_unit_test(without_data_each_treatment_goes_its_way_and_data_brings_it_back),
        cmocka_unit_test(
            an_alarm_of_ten_seconds_is_evaluated_every_ten_seconds_and_one_of_days_every_hour),
        cmocka_unit_test(a_percentile_of_too_few_samples_leaves_the_state_where_it_is_told_to),
        cmocka_unit_test(an_error_rate_is_metric_math_over_two_metrics),
        cmocka_unit_test(a_band_alarm_rings_at_what_is_unusual_for_the_hour),
        cmocka_unit_test(the_reason_is_there_as_figures_of_the_datapoints_that_were_evaluated),
        cmocka_unit_test(
            figures_of_a_long_range_and_of_long_numbers_fit_into_what_cloudwatch_gives_them),
        cmocka_unit_test(
            what_an_alarm_was_before_a_restart_stays_until_what_came_since_says_enough),
        cmocka_unit_test(
            a_state_that_is_set_by_hand_lasts_until_the_next_evaluation_and_composite_alarms_follow),
        cmocka_unit_test(a_composite_alarm_that_was_held_back_waits_again_after_a_restart),
        cmocka_unit_test(alarms_that_cannot_be_are_refused),
        cmocka_unit_test(expressions_that_no_alarm_can_look_at_are_refused),
    };
    return cmocka_run_group_tests_name("alarms", tests, NULL, NULL);
}
