/* SPDX-License-Identifier: Apache-2.0 */
/* state_cases.txt row by row, and the sentences. */
#include <stdio.h>

#include "exporters/alarms/state.h"
#include "rules/base/number.h"
#include "tests/check.h"
#include "tests/unit/alarms/suites.h"

enum { POINTS_MOST = 32, ROWS_LEAST = 70, CELLS_OF_AWS = 40, REASON_BYTES = 4096 };

static const enum alarm_state states[] = {ALARM_STATE_OK, ALARM_STATE_ALARM,
                                          ALARM_STATE_INSUFFICIENT_DATA};

struct row {
    struct alarm_test test;
    struct datapoint points[POINTS_MOST];
    size_t count;
    unsigned line;
};

/* X: 2, over the threshold of 1; 0: 0. */
static void points_read(struct row *row, struct span text)
{
    for (row->count = 0; text.len > 0; row->count++) {
        struct span word = span_cut(&text, ' ');
        check(row->count < POINTS_MOST && word.len == 1);
        row->points[row->count] = (struct datapoint){.time_s = 1600000000 + 60 * (int)row->count,
                                                     .value = word.at[0] == 'X' ? 2 : 0,
                                                     .is_there = word.at[0] != '-'};
    }
}

static void test_read(struct row *row, struct span text)
{
    uint64_t m = 0, n = 0;
    check(number_parse(span_cut(&text, ' '), &m) && span_is(span_cut(&text, ' '), SPAN("of")) &&
          number_parse(text, &n));
    row->test = (struct alarm_test){.comparison = ALARM_GREATER,
                                    .threshold = 1,
                                    .evaluation_periods = (unsigned)n,
                                    .datapoints_to_alarm = (unsigned)m};
}

static size_t cell_run(struct row *row, enum alarm_missing missing, struct span want)
{
    size_t failed = 0;
    row->test.missing = missing;
    for (size_t i = 0; i < 3; i++) {
        struct alarm_verdict got = alarm_decide(&row->test, row->points, row->count, states[i]);
        bool same = span_is(want, SPAN("keep"))
                        ? got.is_kept && got.state == states[i]
                        : span_is(want, span_text(alarm_state_word(got.state)));
        if (same)
            continue;
        failed++;
        print_error("state_cases.txt:%u: %s from %s: got %s, want " SPAN_FORMAT "\n", row->line,
                    alarm_missing_word(missing), alarm_state_word(states[i]),
                    alarm_state_word(got.state), span_arg(want));
    }
    return failed;
}

static size_t row_run(struct row *row, struct span line)
{
    size_t failed = 0;
    test_read(row, span_trim(span_cut(&line, '|'), " "));
    points_read(row, span_trim(span_cut(&line, '|'), " "));
    check_number(row->count, alarm_range(&row->test));
    line = span_trim(line, " ");
    for (unsigned i = 0; i < 4; i++)
        failed += cell_run(row, (enum alarm_missing)i, span_cut(&line, ' '));
    check_number(line.len, 0);
    return failed;
}

TEST(an_alarm_takes_its_state_by_M_of_N_and_by_what_stands_for_missing_datapoints)
{
    struct span text = cases_read("state_cases.txt");
    struct row row = {0};
    size_t rows = 0, failed = 0, of_aws = 0, sections = 0;
    while (text.len > 0) {
        struct span line = span_cut(&text, '\n');
        row.line++;
        sections += span_starts(line, SPAN("says "));
        if (line.len == 0 || line.at[0] == '#' || span_starts(line, SPAN("says ")))
            continue;
        failed += row_run(&row, line);
        rows++;
        of_aws += sections == 1 ? 4 : 0;
    }
    printf("state_cases: %zu rows, each with 4 treatments from 3 states\n", rows);
    check_number(failed, 0);
    check_number(of_aws, CELLS_OF_AWS);
    check(rows - of_aws / 4 >= ROWS_LEAST);
}

/* ---- operators ---- */

TEST(each_operator_holds_a_datapoint_against_its_side_of_threshold_or_band)
{
    static const struct {
        enum alarm_operator comparison;
        const char *below_at_above; /* of the threshold, or of the band */
    } rows[] = {{ALARM_GREATER_OR_EQUAL, "0XX"},
                {ALARM_GREATER, "00X"},
                {ALARM_LESS, "X00"},
                {ALARM_LESS_OR_EQUAL, "XX0"},
                {ALARM_OUTSIDE, "X0X"},
                {ALARM_BELOW, "X00"},
                {ALARM_ABOVE, "00X"}};
    check_number(sizeof rows / sizeof *rows, ALARM_OPERATORS);
    for (size_t i = 0; i < ALARM_OPERATORS; i++)
        for (int k = 0; k < 3; k++) {
            struct alarm_test test = {.comparison = rows[i].comparison, .threshold = 5};
            struct datapoint point = {.value = 4 + k, .lower = 5, .upper = 5, .is_there = true};
            check(datapoint_breaches(&test, &point) == (rows[i].below_at_above[k] == 'X'));
        }
}

TEST(a_newest_datapoint_of_too_few_samples_leaves_the_state_as_it_is)
{
    struct row row;
    points_read(&row, SPAN("- - X"));
    row.points[2].is_few = true;
    row.test = (struct alarm_test){ALARM_GREATER, 1, 1, 1, ALARM_MISSING};
    for (size_t i = 0; i < 3; i++) {
        struct alarm_verdict got = alarm_decide(&row.test, row.points, 3, states[i]);
        check(got.is_kept && got.state == states[i]);
    }
    row.points[2].is_few = false;
    check(alarm_decide(&row.test, row.points, 3, ALARM_STATE_OK).state == ALARM_STATE_ALARM);
}

/* ---- sentences ---- */

static void check_reason(const struct alarm_test *test, const struct datapoint *points,
                         size_t count, const char *want)
{
    struct buf text;
    struct alarm_verdict verdict = alarm_decide(test, points, count, ALARM_STATE_OK);
    buf_init(&text, REASON_BYTES);
    check(!verdict.is_kept);
    alarm_reason(test, points, count, verdict.state, &text);
    check_span(buf_span(&text), want);
    buf_fini(&text);
}

TEST(a_reason_is_worded_as_cloudwatch_words_it_for_datapoints)
{
    const struct datapoint one[] = {
        {.time_s = 1570035540, .value = 99.50160229693434, .is_there = true}};
    const struct alarm_test first = {ALARM_GREATER, 50, 1, 1, ALARM_MISSING};
    check_reason(&first, one, 1,
                 "Threshold Crossed: 1 out of the last 1 datapoints [99.50160229693434 (02/10/19 "
                 "16:59:00)] was greater than the threshold (50.0) (minimum 1 datapoint for OK -> "
                 "ALARM transition).");
    const struct alarm_test high = {ALARM_GREATER, 100, 1, 1, ALARM_MISSING};
    check_reason(&high, one, 1,
                 "Threshold Crossed: 1 out of the last 1 datapoints [99.50160229693434 (02/10/19 "
                 "16:59:00)] was not greater than the threshold (100.0) (minimum 1 datapoint for "
                 "ALARM -> OK transition).");
    const struct datapoint three[] = {{.time_s = 1602278040, .value = 1390, .is_there = true},
                                      {.time_s = 1602278340, .value = 1226, .is_there = true},
                                      {.time_s = 1602278640, .value = 1141, .is_there = true}};
    const struct alarm_test all = {ALARM_GREATER_OR_EQUAL, 30, 3, 3, ALARM_MISSING};
    check_reason(&all, three, 3,
                 "Threshold Crossed: 3 out of the last 3 datapoints [1141.0 (09/10/20 21:24:00), "
                 "1226.0 (09/10/20 21:19:00), 1390.0 (09/10/20 21:14:00)] were greater than or "
                 "equal to the threshold (30.0) (minimum 3 datapoints for OK -> ALARM "
                 "transition).");
    const struct datapoint two[] = {{.time_s = 1685708820, .value = 1, .is_there = true},
                                    {.time_s = 1685708880, .value = 0, .is_there = true}};
    const struct alarm_test back = {ALARM_GREATER_OR_EQUAL, 1, 2, 2, ALARM_MISSING};
    check_reason(&back, two, 2,
                 "Threshold Crossed: 1 out of the last 2 datapoints [0.0 (02/06/23 12:28:00)] was "
                 "not greater than or equal to the threshold (1.0) (minimum 1 datapoint for ALARM "
                 "-> OK transition).");
    const struct alarm_test of_three = {ALARM_LESS, 1300, 3, 2, ALARM_MISSING};
    check_reason(&of_three, three, 3,
                 "Threshold Crossed: 2 out of the last 3 datapoints [1141.0 (09/10/20 21:24:00), "
                 "1226.0 (09/10/20 21:19:00)] were less than the threshold (1300.0) (minimum 2 "
                 "datapoints for OK -> ALARM transition).");
    const struct alarm_test or_equal = {ALARM_LESS_OR_EQUAL, 0, 3, 2, ALARM_MISSING};
    check_reason(&or_equal, three, 3,
                 "Threshold Crossed: 3 out of the last 3 datapoints [1141.0 (09/10/20 21:24:00), "
                 "1226.0 (09/10/20 21:19:00), 1390.0 (09/10/20 21:14:00)] were not less than or "
                 "equal to the threshold (0.0) (minimum 2 datapoints for ALARM -> OK transition).");
}

TEST(a_reason_is_worded_as_cloudwatch_words_it_for_missing_datapoints)
{
    struct datapoint points[22] = {{0}};
    struct alarm_test test = {ALARM_GREATER_OR_EQUAL, 1, 2, 2, ALARM_BREACHING};
    check_reason(&test, points, 4,
                 "Threshold Crossed: no datapoints were received for 2 periods and 2 missing "
                 "datapoints were treated as [Breaching].");
    test.missing = ALARM_NOT_BREACHING;
    test.evaluation_periods = test.datapoints_to_alarm = 1;
    check_reason(&test, points, 3,
                 "Threshold Crossed: no datapoints were received for 1 period and 1 missing "
                 "datapoint was treated as [NonBreaching].");
    test.missing = ALARM_MISSING;
    check_reason(&test, points, 3,
                 "Insufficient Data: no datapoints were received for 1 period and 1 missing "
                 "datapoint was treated as [Missing].");
    test = (struct alarm_test){ALARM_GREATER_OR_EQUAL, 1, 20, 1, ALARM_NOT_BREACHING};
    points[21] = (struct datapoint){.time_s = 1710591300, .value = 613, .is_there = true};
    check_reason(&test, points, 22,
                 "Threshold Crossed: 1 out of the last 20 datapoints [613.0 (16/03/24 12:15:00)] "
                 "was greater than or equal to the threshold (1.0) and 19 missing datapoints were "
                 "treated as [NonBreaching] (minimum 1 datapoint for OK -> ALARM transition).");
    test = (struct alarm_test){ALARM_GREATER_OR_EQUAL, 1000, 2, 1, ALARM_BREACHING};
    check_reason(&test, points + 18, 4,
                 "Threshold Crossed: 1 missing datapoint was treated as [Breaching] (minimum 1 "
                 "datapoint for OK -> ALARM transition).");
    points[19] = points[21];
    points[21].is_there = false;
    test = (struct alarm_test){ALARM_GREATER_OR_EQUAL, 1, 3, 3, ALARM_MISSING};
    check_reason(&test, points + 17, 5,
                 "Threshold Crossed: 1 out of the last 3 datapoints [613.0 (16/03/24 12:15:00)] "
                 "was greater than or equal to the threshold (1.0) (minimum 3 datapoints for OK "
                 "-> ALARM transition).");
}

TEST(a_reason_is_worded_as_cloudwatch_words_it_for_bands)
{
    const struct datapoint points[] = {
        {1574383920, 27.035814838199848, 31.317673764600034, 32.68864166862828, true, false, 0},
        {1574384220, 28.244242980188464, 31.723549397187316, 33.09242087209403, true, false, 0}};
    struct alarm_test test = {ALARM_OUTSIDE, 0, 2, 2, ALARM_MISSING};
    check_reason(&test, points, 2,
                 "Thresholds Crossed: 2 out of the last 2 datapoints [28.244242980188464 (22/11/19 "
                 "00:57:00), 27.035814838199848 (22/11/19 00:52:00)] were less than the lower "
                 "thresholds [31.723549397187316, 31.317673764600034] or greater than the upper "
                 "thresholds [33.09242087209403, 32.68864166862828] (minimum 2 datapoints for OK "
                 "-> ALARM transition).");
    const struct datapoint inside[] = {
        {1624801920, 0.46522264287069004, 0.4129373661576242, 0.4700330400585261, true, false, 0}};
    test.evaluation_periods = test.datapoints_to_alarm = 1;
    check_reason(&test, inside, 1,
                 "Thresholds Crossed: 1 out of the last 1 datapoints [0.46522264287069004 "
                 "(27/06/21 13:52:00)] was not less than the lower thresholds "
                 "[0.4129373661576242] or not greater than the upper thresholds "
                 "[0.4700330400585261] (minimum 1 datapoint for ALARM -> OK transition).");
    test.comparison = ALARM_ABOVE;
    check_reason(&test, inside, 1,
                 "Thresholds Crossed: 1 out of the last 1 datapoints [0.46522264287069004 "
                 "(27/06/21 13:52:00)] was not greater than the upper thresholds "
                 "[0.4700330400585261] (minimum 1 datapoint for ALARM -> OK transition).");
}

TEST(a_number_is_printed_as_java_prints_a_double)
{
    static const struct {
        double value;
        const char *want;
    } rows[] = {{0, "0.0"},
                {1, "1.0"},
                {-2.5, "-2.5"},
                {0.05, "0.05"},
                {0.001, "0.001"},
                {0.0001, "1.0E-4"},
                {1234567, "1234567.0"},
                {1e7, "1.0E7"},
                {123456789, "1.23456789E8"},
                {1.0 / 3, "0.3333333333333333"},
                {1e-10, "1.0E-10"},
                {100, "100.0"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct buf text;
        buf_init(&text, 64);
        alarm_number_add(&text, rows[i].value);
        check_span(buf_span(&text), rows[i].want);
        buf_fini(&text);
    }
}

int state_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            an_alarm_takes_its_state_by_M_of_N_and_by_what_stands_for_missing_datapoints),
        cmocka_unit_test(each_operator_holds_a_datapoint_against_its_side_of_threshold_or_band),
        cmocka_unit_test(a_newest_datapoint_of_too_few_samples_leaves_the_state_as_it_is),
        cmocka_unit_test(a_reason_is_worded_as_cloudwatch_words_it_for_datapoints),
        cmocka_unit_test(a_reason_is_worded_as_cloudwatch_words_it_for_missing_datapoints),
        cmocka_unit_test(a_reason_is_worded_as_cloudwatch_words_it_for_bands),
        cmocka_unit_test(a_number_is_printed_as_java_prints_a_double),
    };
    return cmocka_run_group_tests_name("alarm states", tests, NULL, NULL);
}
