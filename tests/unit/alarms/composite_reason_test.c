/* SPDX-License-Identifier: Apache-2.0 */
/* Which alarm a composite alarm names as the one that changed it, or that holds it. */
#include <stdio.h>

#include "tests/check.h"
#include "tests/unit/alarms/diary.h"
#include "tests/unit/alarms/suites.h"

TEST(a_composite_alarm_says_which_alarm_changed_it)
{
    const struct alarm_metric errors = metric("5XXError", "Sum");
    struct alarm_settings settings[] = {
        {.name = SPAN("page"), .rule = SPAN("ALARM(inner)")},
        {.name = SPAN("inner"), .rule = SPAN("ALARM(errors)")},
        over("errors", &errors, 60, (struct alarm_test){ALARM_GREATER, 0, 1, 1, ALARM_MISSING})};
    struct alarms *alarms = built(settings, 3);
    static struct diary diary;
    diary = (struct diary){0};
    alarms_sample(alarms, SPAN("5XXError"), start, 0, 1);
    alarms_run(alarms, start + 60, write_down, &diary);
    assert_string_equal(diary.reason, "page was created and its alarm rule evaluates to OK");
    alarms_sample(alarms, SPAN("5XXError"), start + 60, 1, 1);
    alarms_run(alarms, start + 120, write_down, &diary);
    assert_string_equal(diary.reason,
                        "inner transitioned to ALARM at Thursday 01 January, 2026 00:02:00 UTC");
    check_number(diary.count, 6);
    check_number(diary.evaluations[0], 2);
    alarms_run(alarms, start + 180, write_down, &diary);
    check_number(diary.evaluations[0], 2); /* no child has changed */
    alarms_free(alarms);
}

/* Two alarms by a metric each, and one that rings while either does. */
static void two_samples(struct alarms *alarms, int64_t minute, double first, double second)
{
    alarms_sample(alarms, SPAN("5XXError"), start + minute * MINUTE_S, first, 1);
    alarms_sample(alarms, SPAN("4XXError"), start + minute * MINUTE_S, second, 1);
}

static const struct alarm_test any_error = {ALARM_GREATER, 0, 1, 1, ALARM_MISSING};

TEST(a_composite_alarm_whose_state_stays_names_the_alarm_that_holds_it)
{
    const struct alarm_metric errors = metric("5XXError", "Sum"),
                              faults = metric("4XXError", "Sum");
    struct alarm_settings settings[] = {
        over("errors", &errors, 60, any_error),
        over("faults", &faults, 60, any_error),
        {.name = SPAN("page"), .rule = SPAN("ALARM(errors) OR ALARM(faults)")}};
    struct alarms *alarms = built(settings, 3);
    static const struct {
        double errors, faults;
        const char *reason, *triggering; /* of the alarm that pages */
    } minutes[] = {
        {0, 0, "page was created and its alarm rule evaluates to OK",
         "{\"name\":\"errors\",\"state\":{\"value\":\"OK\","
         "\"timestamp\":\"2026-01-01T00:01:00.000+0000\"}},"
         "{\"name\":\"faults\",\"state\":{\"value\":\"OK\","
         "\"timestamp\":\"2026-01-01T00:01:00.000+0000\"}}"},
        {1, 0, "errors transitioned to ALARM at Thursday 01 January, 2026 00:02:00 UTC",
         "{\"name\":\"errors\",\"state\":{\"value\":\"ALARM\","
         "\"timestamp\":\"2026-01-01T00:02:00.000+0000\"}}"},
        {1, 1, "faults transitioned to ALARM at Thursday 01 January, 2026 00:03:00 UTC",
         "{\"name\":\"errors\",\"state\":{\"value\":\"ALARM\","
         "\"timestamp\":\"2026-01-01T00:02:00.000+0000\"}},"
         "{\"name\":\"faults\",\"state\":{\"value\":\"ALARM\","
         "\"timestamp\":\"2026-01-01T00:03:00.000+0000\"}}"},
        {1, 0, "errors transitioned to ALARM at Thursday 01 January, 2026 00:02:00 UTC",
         "{\"name\":\"errors\",\"state\":{\"value\":\"ALARM\","
         "\"timestamp\":\"2026-01-01T00:02:00.000+0000\"}}"},
        /* they change places: both have changed, and one of them holds the state */
        {0, 1, "faults transitioned to ALARM at Thursday 01 January, 2026 00:05:00 UTC",
         "{\"name\":\"faults\",\"state\":{\"value\":\"ALARM\","
         "\"timestamp\":\"2026-01-01T00:05:00.000+0000\"}}"},
        {0, 0, "faults transitioned to OK at Thursday 01 January, 2026 00:06:00 UTC",
         "{\"name\":\"errors\",\"state\":{\"value\":\"OK\","
         "\"timestamp\":\"2026-01-01T00:05:00.000+0000\"}},"
         "{\"name\":\"faults\",\"state\":{\"value\":\"OK\","
         "\"timestamp\":\"2026-01-01T00:06:00.000+0000\"}}"},
    };
    static struct diary diary;
    char data[1024];
    for (int64_t i = 0; i < (int64_t)(sizeof minutes / sizeof *minutes); i++) {
        two_samples(alarms, i, minutes[i].errors, minutes[i].faults);
        alarms_run(alarms, start + (i + 1) * MINUTE_S, write_down, &diary);
        check_span(alarms_reason(alarms, 2), minutes[i].reason);
        snprintf(data, sizeof data, "{\"triggeringAlarms\":[%s]}", minutes[i].triggering);
        check_span(alarms_reason_data(alarms, 2), data);
    }
    alarms_free(alarms);
}

TEST(a_composite_alarm_that_does_not_ring_names_the_alarm_that_does_not)
{
    const struct alarm_metric errors = metric("5XXError", "Sum"),
                              faults = metric("4XXError", "Sum");
    struct alarm_settings settings[] = {
        over("errors", &errors, 60, any_error),
        over("faults", &faults, 60, any_error),
        {.name = SPAN("page"), .rule = SPAN("ALARM(errors) AND NOT ALARM(faults)")}};
    struct alarms *alarms = built(settings, 3);
    static struct diary diary;
    static const double given[][2] = {{0, 0}, {0, 1}, {1, 1}, {1, 0}};
    static const char *const reasons[] = {
        "page was created and its alarm rule evaluates to OK",
        "faults transitioned to ALARM at Thursday 01 January, 2026 00:02:00 UTC",
        "faults transitioned to ALARM at Thursday 01 January, 2026 00:02:00 UTC",
        "faults transitioned to OK at Thursday 01 January, 2026 00:04:00 UTC"};
    for (int64_t i = 0; i < 4; i++) {
        two_samples(alarms, i, given[i][0], given[i][1]);
        alarms_run(alarms, start + (i + 1) * MINUTE_S, write_down, &diary);
        check_span(alarms_reason(alarms, 2), reasons[i]);
    }
    check(alarms_state(alarms, 2) == ALARM_STATE_ALARM);
    alarms_free(alarms);
}

TEST(after_a_restart_a_composite_alarm_names_the_alarm_that_still_holds_it)
{
    const struct alarm_metric errors = metric("5XXError", "Sum"),
                              faults = metric("4XXError", "Sum");
    const struct alarm_test ignore = {ALARM_GREATER, 0, 1, 1, ALARM_IGNORE};
    struct alarm_settings settings[] = {
        over("errors", &errors, 60, ignore),
        over("faults", &faults, 60, ignore),
        {.name = SPAN("page"), .rule = SPAN("ALARM(errors) OR ALARM(faults)")}};
    struct alarms *alarms = built(settings, 3);
    static struct diary diary;
    const struct alarm_restored left = {ALARM_STATE_OK, SPAN("-"), start + 40, false, SPAN("")};
    const struct alarm_restored holds = {ALARM_STATE_ALARM, SPAN("-"), start + 30, false, SPAN("")};
    const struct alarm_restored page = {ALARM_STATE_ALARM, SPAN("errors transitioned"), start + 20,
                                        false, SPAN("")};
    alarms_restore(alarms, 0, &left, start + 50);
    alarms_restore(alarms, 1, &holds, start + 50);
    alarms_restore(alarms, 2, &page, start + 50);
    alarms_run(alarms, start + 60, write_down, &diary);
    check_span(alarms_reason(alarms, 2),
               "faults transitioned to ALARM at Thursday 01 January, 2026 00:00:30 UTC");
    alarms_free(alarms);
}

TEST(a_composite_alarm_follows_a_child_that_settings_have_made_anew_even_without_samples)
{
    const struct alarm_metric errors = metric("5XXError", "Sum");
    struct alarm_settings before[] = {over("errors", &errors, 60, any_error),
                                      {.name = SPAN("page"), .rule = SPAN("ALARM(errors)")}};
    struct alarm_settings after[] = {over("errors", &errors, 60, any_error),
                                     {.name = SPAN("page"), .rule = SPAN("ALARM(errors)")}};
    before[0].text = SPAN("one");
    after[0].text = SPAN("another");
    before[1].text = after[1].text = SPAN("page");
    struct alarms *earlier = built(before, 2);
    static struct diary diary;
    diary = (struct diary){0};
    alarms_sample(earlier, SPAN("5XXError"), start, 1, 1);
    alarms_run(earlier, start + 60, write_down, &diary);
    check(alarms_state(earlier, 1) == ALARM_STATE_ALARM);
    struct alarms *alarms = built(after, 2);
    alarms_inherit(alarms, earlier, false);
    alarms_free(earlier);
    alarms_run(alarms, start + 110, write_down, &diary); /* the child is not looked at yet */
    check(alarms_state(alarms, 1) == ALARM_STATE_ALARM);
    diary = (struct diary){0};
    alarms_run(alarms, start + 120, write_down, &diary);
    static const struct change want[] = {{2, 1, ALARM_STATE_OK, true}};
    check_changes(&diary, want, 1);
    check_span(alarms_reason(alarms, 1), "page was created and its alarm rule evaluates to OK");
    alarms_run(alarms, start + 180, write_down, &diary);
    check_number(diary.evaluations[1], 1);
    alarms_free(alarms);
}

int composite_reason_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_composite_alarm_says_which_alarm_changed_it),
        cmocka_unit_test(a_composite_alarm_whose_state_stays_names_the_alarm_that_holds_it),
        cmocka_unit_test(a_composite_alarm_that_does_not_ring_names_the_alarm_that_does_not),
        cmocka_unit_test(
            a_composite_alarm_follows_a_child_that_settings_have_made_anew_even_without_samples),
        cmocka_unit_test(after_a_restart_a_composite_alarm_names_the_alarm_that_still_holds_it),
    };
    return cmocka_run_group_tests_name("reasons of composite alarms", tests, NULL, NULL);
}
