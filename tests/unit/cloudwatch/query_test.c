/* SPDX-License-Identifier: Apache-2.0 */
/* Questions about metrics: what SEARCH finds. */
#include "exporters/cloudwatch/metric_query.h"
#include "exporters/cloudwatch/metric_search.h"
#include "tests/check.h"
#include "tests/unit/cloudwatch/suites.h"

static const struct pair pets[] = {{SPAN_INIT("ApiName"), SPAN_INIT("shop")},
                                   {SPAN_INIT("Method"), SPAN_INIT("GET")},
                                   {SPAN_INIT("Resource"), SPAN_INIT("/pets/{id}")}};

TEST(a_search_matches_by_schema_name_dimension_and_word)
{
    static const struct metric_id id = {SPAN_INIT("Sidegate"), SPAN_INIT("Latency"), pets, 3};
    static const struct {
        const char *text;
        bool fits;
    } rows[] = {
        {"", true},
        {"{}", true},
        {"Latency", true},
        {"latency get", true},
        {"Latency POST", false},
        {"Late", true},
        {"\"Late\"", false},
        {"MetricName=\"Latency\"", true},
        {"MetricName=\"Late\"", false},
        {"MetricName=Late", true},
        {"Method=Latency", false},
        {"Resource=\"/pets/{id}\"", true},
        {"Namespace=Sidegate", true},
        {"{Sidegate,ApiName,Method,Resource}", true},
        {"{Sidegate,Resource,Method,ApiName} Latency", true},
        {"{Sidegate, \"ApiName\", Method, Resource} Latency", true},
        {"{Sidegate,ApiName,Method} Latency", false},
        {"{Sidegate} Latency", false},
        {"{Other,ApiName,Method,Resource}", false},
        {"Latency NOT GET", false},
        {"Latency NOT POST", true},
        {"Count OR Latency", true},
        {"(Count OR Latency) AND POST", false},
        {"Count AND x OR Latency", true},
        {"NOT (Count OR Latency)", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct faults *faults = faults_new();
        struct span text = span_text(rows[i].text);
        if (!metric_search_check(text, (struct place){0}, faults) ||
            metric_search_matches(text, &id) != rows[i].fits)
            fail_msg("%s", rows[i].text);
        faults_free(faults);
    }
}

TEST(a_search_that_is_none_is_refused_where_it_is_wrong)
{
    static const struct {
        const char *text, *said;
        unsigned column;
    } rows[] = {
        {"{Sidegate", "SEARCH: expected '}'", 2},
        {"(Latency", "SEARCH: expected ')'", 9},
        {"Latency)", "SEARCH: a word is expected here", 8},
        {"Latency OR", "SEARCH: a word is expected here", 11},
        {"Method=", "SEARCH: a value is expected here", 8},
        {"\"Late", "SEARCH: a text in quotes that does not end", 1},
        {"a = b", "SEARCH: a word is expected here", 3},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct faults *faults = faults_new();
        struct place at = {"f", 1, 1};
        if (metric_search_check(span_text(rows[i].text), at, faults))
            fail_msg("%s", rows[i].text);
        assert_string_equal(faults_at(faults, 0)->message, rows[i].said);
        check_number(faults_at(faults, 0)->place.column, rows[i].column);
        faults_free(faults);
    }
}

TEST(periods_are_those_of_cloudwatch)
{
    static const unsigned good[] = {1, 5, 10, 20, 30, 60, 120, 300, 86400};
    static const unsigned bad[] = {0, 2, 15, 45, 61, 90, 86460};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        check(metric_period_is_good(good[i]));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        check(!metric_period_is_good(bad[i]));
}

int query_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_search_matches_by_schema_name_dimension_and_word),
        cmocka_unit_test(a_search_that_is_none_is_refused_where_it_is_wrong),
        cmocka_unit_test(periods_are_those_of_cloudwatch),
    };
    return cmocka_run_group_tests_name("questions about metrics", tests, NULL, NULL);
}
