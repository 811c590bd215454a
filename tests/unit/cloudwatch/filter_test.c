/* SPDX-License-Identifier: Apache-2.0 */
/* Filter patterns of CloudWatch Logs, and what lines come to. */
#include <math.h>

#include "exporters/cloudwatch/filter_pattern.h"
#include "exporters/cloudwatch/metric_filters.h"
#include "tests/check.h"
#include "tests/unit/cloudwatch/suites.h"

enum { NOW_S = 1795254000, LOTS = 1 << 24 };

static const char json[] =
    "{\"status\":503,\"method\":\"GET\",\"path\":\"/a \\\"b\\\"\",\"route\":null,\"bytes\":1.5e3,"
    "\"waf\":{\"action\":\"block\",\"rules\":[942100,949110],\"on\":true},\"off\":false,"
    "\"stages\":[{\"name\":\"read\"},{\"name\":\"send\",\"us\":7}],\"empty\":\"\"}";
static const char clf[] =
    "203.0.113.9 - alice [21/Nov/2026:09:40:00 +0000] \"GET /x?a=1 HTTP/1.1\" "
    "404 1534 \"-\" \"curl 7\"";

static bool matches(struct span pattern, struct span line)
{
    struct filter_regexes *regexes = filter_pattern_regexes(pattern);
    bool matches = filter_pattern_matches(pattern, regexes, line);
    filter_regexes_free(regexes);
    return matches;
}

TEST(a_pattern_of_json_compares_selectors_and_joins_conditions)
{
    static const struct {
        const char *text;
        bool fits;
    } rows[] = {
        {"{ $.status = 503 }", true},
        {"{ $.status = 503.0 }", true},
        {"{ $.status = 5* }", true},
        {"{ $.status = 4* }", false},
        {"{ $.status != 503 }", false},
        {"{ $.status > 500 }", true},
        {"{ $.status >= 503 && $.status <= 503 }", true},
        {"{ $.status < 503 }", false},
        {"{$.method=\"GET\"}", true},
        {"{ $.method = GET }", true},
        {"{ $.method = get }", false},
        {"{ $.method = \"G*T\" }", true},
        {"{ $.method = \"*E*\" }", true},
        {"{ $.method != POST }", true},
        {"{ $.nothing != POST }", false},
        {"{ $.waf.action = block }", true},
        {"{ $.waf.rules[1] = 949110 }", true},
        {"{ $.waf.rules[2] = 949110 }", false},
        {"{ $.stages[1].us = 7 }", true},
        {"{ $.route IS NULL }", true},
        {"{ $.method IS NULL }", false},
        {"{ $.waf.on IS TRUE }", true},
        {"{ $.off IS FALSE }", true},
        {"{ $.nothing NOT EXISTS }", true},
        {"{ $.route NOT EXISTS }", false},
        {"{ $.route EXISTS }", true},
        {"{ $.bytes = 1500 }", true},
        {"{ $.empty = \"\" }", true},
        {"{ $.status = 4* || $.method = GET }", true},
        {"{ $.status = 4* || $.method = GET && $.off IS TRUE }", false},
        {"{ ($.status = 4* || $.method = GET) && $.off IS FALSE }", true},
        {"{ $.method > 3 }", false},
        {"{ $.status = %^5\\d\\d$% }", true},
        {"{ $.status = %^4% }", false},
        {"{ $.status != %^4% && $.method = %G.T% }", true},
        {"{ $.nothing != %x% }", false},
        {"{ $.method = %^(GET|PUT)$% || $.status = %[&|(){}=,]% }", true},
        {"{ ($.waf.action = %^bl% && $.bytes >= 1500) }", true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct faults *faults = faults_new();
        if (!filter_pattern_check(span_text(rows[i].text), (struct place){0}, faults))
            fail_msg("%s: %s", rows[i].text, faults_at(faults, 0)->message);
        if (matches(span_text(rows[i].text), span_text(json)) != rows[i].fits)
            fail_msg("%s", rows[i].text);
        faults_free(faults);
    }
    check(!matches(SPAN("{ $.status = 503 }"), SPAN("no JSON")));
    for (size_t len = 0; len + 1 < sizeof json; len++) /* cut anywhere */
        check(!matches(SPAN("{ $.empty = x }"), span_make(json, len)));
}

TEST(a_pattern_of_fields_takes_quotes_and_brackets_as_one)
{
    static const struct {
        const char *text;
        bool fits;
    } rows[] = {
        {"[ip, id, user, time, request, status, bytes, referer, agent]", true},
        {"[ip, id, user, time, request, status, bytes, referer]", false},
        {"[ip, id, user, time, request, status=4*, bytes, referer, agent]", true},
        {"[ip, id, user, time, request, status=5*, bytes, referer, agent]", false},
        {"[ip, id, user = alice, ...]", true},
        {"[ip, id, user = bob, ...]", false},
        {"[..., status = 404, bytes, referer, agent]", true},
        {"[ip, ..., bytes > 1500, referer, agent]", true},
        {"[ip, ..., bytes > 1534, referer, agent]", false},
        {"[ip, id, user, time, request = \"GET */x*\", ...]", true},
        {"[ip, id, user, time, request, status = 5* || status = 404, ...]", true},
        {"[ip, id, user, time, request, status > 400 && status < 404, ...]", false},
        {"[ip = \"203.0.113.*\", ...]", true},
        {"[...]", true},
        {"[ip = %^203\\.0\\.113\\.[0-9]{1,3}$%, id, user, time, request, status, bytes, referer, "
         "agent]",
         true},
        {"[ip, id, user, ..., status = %^4.{2,2}$% && status != %^5%, bytes, referer, agent]",
         true},
        {"[ip, id, user = %^(bob|carol),?$%, ...]", false},
        {"[ip, id, user = \"a,b\" || user = alice, ...]", true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct faults *faults = faults_new();
        if (!filter_pattern_check(span_text(rows[i].text), (struct place){0}, faults))
            fail_msg("%s: %s", rows[i].text, faults_at(faults, 0)->message);
        if (matches(span_text(rows[i].text), span_text(clf)) != rows[i].fits)
            fail_msg("%s", rows[i].text);
        faults_free(faults);
    }
}

TEST(a_pattern_of_words_asks_for_all_for_none_and_for_one_of_them)
{
    static const struct {
        const char *text;
        bool fits;
    } rows[] = {{"", true},
                {"alice", true},
                {"alice bob", false},
                {"alice -bob", true},
                {"alice -curl", false},
                {"\"GET /x\"", true},
                {"-\"GET /y\"", true},
                {"?bob ?alice", true},
                {"?bob ?carol", false},
                {"404 ?bob ?alice", true},
                {"%\"GET /x\\?% -%curl [89]%", true},
                {"%GET /y%", false},
                {"-%curl \\d%", false},
                {"?%^bob% ?%^203%", true},
                {"100%", false}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (matches(span_text(rows[i].text), span_text(clf)) != rows[i].fits)
            fail_msg("%s", rows[i].text);
}

TEST(a_pattern_that_is_none_is_refused_where_it_is_wrong)
{
    static const struct {
        const char *text, *said;
        unsigned column;
    } rows[] = {
        {"{ $.status = }", "pattern: a value is expected here", 14},
        {"{ status = 5 }", "pattern: a selector like $.status is expected here", 3},
        {"{ $.status 5 }", "pattern: expected =, !=, <, >, <= or >=", 12},
        {"{ $.status = 5", "pattern: expected '}'", 15},
        {"{ ($.status = 5 }", "pattern: expected ')'", 17},
        {"{ $.status > x }", "pattern: a number is expected here", 14},
        {"{ $.status IS 5 }", "pattern: expected NULL, TRUE or FALSE", 15},
        {"{ $.a = \"x }", "pattern: a text in quotes that does not end", 9},
        {"{ $.a = %(x% }", "pattern: missing closing parenthesis", 12},
        {"{ $.a = %x }", "pattern: a regular expression that does not end: %...%", 9},
        {"{ $.a = %% }", "pattern: a regular expression is expected between the two %", 9},
        {"{ $.a > %x% }", "pattern: a number is expected here", 9},
        {"[a, b = %[%]", "pattern: missing terminating ] for character class", 11},
        {"%a% %b% %c% %d% %e% %f% %g% %h% %i%",
         "pattern: there are 8 regular expressions at the most", 34},
        {"{ $.a = 1 } more", "pattern: this is more than a pattern", 13},
        {"[a, ..., b, ...]", "pattern: ... may stand once", 16},
        {"[a, b = 1 || c = 2]", "pattern: a field's conditions are about that field alone", 14},
        {"[a, , b]", "pattern: a field's name is expected here", 5},
        {"[a, b", "pattern: expected ']'", 6},
        {"a ? b", "pattern: a word is expected here", 4},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct faults *faults = faults_new();
        if (filter_pattern_check(span_text(rows[i].text), (struct place){"f", 1, 1}, faults))
            fail_msg("%s", rows[i].text);
        if (strcmp(faults_at(faults, 0)->message, rows[i].said) != 0 ||
            faults_at(faults, 0)->place.column != rows[i].column)
            fail_msg("%s: %s at %u", rows[i].text, faults_at(faults, 0)->message,
                     faults_at(faults, 0)->place.column);
        faults_free(faults);
    }
}

TEST(a_regular_expression_that_runs_over_its_limit_does_not_match_and_is_counted)
{
    struct filter_regexes *regexes = filter_pattern_regexes(SPAN("{ $.a = %^(a|aa|a*)*$% }"));
    const struct span line =
        SPAN("{\"a\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab\"}");
    check(!filter_pattern_matches(SPAN("{ $.a = %^(a|aa|a*)*$% }"), regexes, line));
    check_number(filter_regexes_overruns(regexes), 1);
    check_number(filter_regexes_overruns(regexes), 0);
    filter_regexes_free(regexes);
    check(filter_pattern_regexes(SPAN("{ $.a = 100% }")) == NULL);
}

TEST(values_are_found_by_selectors_of_both_kinds)
{
    struct span value;
    struct span fields = SPAN("[ip, id, user, ..., status=4*, bytes, referer, agent]");
    check(filter_selector_find(SPAN("{}"), SPAN("$.waf.action"), span_text(json), &value));
    check_span(value, "block");
    check(filter_selector_find(SPAN("{}"), SPAN("$.bytes"), span_text(json), &value));
    check_span(value, "1.5e3");
    check(!filter_selector_find(SPAN("{}"), SPAN("$.route"), span_text(json), &value));
    check(!filter_selector_find(SPAN("{}"), SPAN("$.waf"), span_text(json), &value));
    check(filter_selector_find(fields, SPAN("$user"), span_text(clf), &value));
    check_span(value, "alice");
    check(filter_selector_find(fields, SPAN("$status"), span_text(clf), &value));
    check_span(value, "404");
    check(filter_selector_find(fields, SPAN("$agent"), span_text(clf), &value));
    check_span(value, "curl 7");
    check(!filter_selector_find(fields, SPAN("$nobody"), span_text(clf), &value));
}

/* ---- what lines come to ---- */

static struct sketch samples_of(struct metric_store *store, const char *name,
                                const struct pair *dimension)
{
    struct metric_id id = {SPAN("Shop"), span_text(name), dimension, dimension != NULL};
    struct sketch slot = {0};
    int64_t oldest_s;
    metric_store_read(store, &id, &(struct math_window){NOW_S, 60, 1}, &slot, &oldest_s);
    return slot;
}

static void check_samples(struct metric_store *store, const char *name,
                          const struct pair *dimension, uint64_t count, double sum)
{
    struct sketch slot = samples_of(store, name, dimension);
    if (slot.count != count || fabs(slot.sum - sum) > 1e-9)
        fail_msg("%s: %llu samples, %g", name, (unsigned long long)slot.count, slot.sum);
    sketch_fini(&slot);
}

TEST(lines_become_samples_with_values_defaults_and_dimensions)
{
    static const struct pair selector = {SPAN_INIT("Method"), SPAN_INIT("$.m")};
    static const struct pair get = {SPAN_INIT("Method"), SPAN_INIT("GET")};
    static const struct pair post = {SPAN_INIT("Method"), SPAN_INIT("POST")};
    static const struct metric_filter list[] = {
        {SPAN_INIT("{ $.s = 5* }"), SPAN_INIT("Shop"), SPAN_INIT("Broken"), SPAN_INIT("1"), true, 0,
         NULL, 0},
        {SPAN_INIT("{ $.s = * }"), SPAN_INIT("Shop"), SPAN_INIT("Took"), SPAN_INIT("$.us"), false,
         0, &selector, 1}};
    static const char *const lines[] = {
        "{\"s\":200,\"m\":\"GET\",\"us\":10}\n", "{\"s\":503,\"m\":\"GET\",\"us\":20}\n",
        "{\"s\":200,\"m\":\"POST\",\"us\":5}\n", "{\"s\":200,\"m\":null,\"us\":5}\n",
        "{\"s\":200,\"m\":\"GET\",\"us\":\"many\"}\n"};
    struct metric_filters *filters = metric_filters_new();
    struct metric_store *store = metric_store_new(100, LOTS);
    metric_filters_line(filters, NOW_S, span_text(lines[0])); /* nobody asks yet */
    metric_filters_change(filters, list, 2);
    for (size_t i = 0; i < 5; i++)
        metric_filters_line(filters, NOW_S, span_text(lines[i]));
    metric_filters_line(filters, NOW_S + 1, span_text(lines[0]));
    metric_filters_line(filters, NOW_S + 2, span_text(lines[0]));
    metric_filters_take(filters, store, NOW_S + 10);
    check_samples(store, "Broken", NULL, 3, 1); /* two seconds without one */
    check_samples(store, "Took", &get, 4, 50);
    check_samples(store, "Took", &post, 1, 5);
    check_number(metric_filters_lost(filters), 1); /* many is no number */
    metric_filters_take(filters, store, NOW_S + 10);
    check_samples(store, "Broken", NULL, 3, 1);
    metric_filters_change(filters, NULL, 0);
    metric_filters_line(filters, NOW_S, span_text(lines[1]));
    metric_filters_take(filters, store, NOW_S + 10);
    check_samples(store, "Broken", NULL, 3, 1);
    metric_filters_free(filters);
    metric_store_free(store);
}

TEST(a_default_value_is_given_once_for_each_second_in_which_nothing_fitted)
{
    static const struct metric_filter filter = {SPAN_INIT("fits"),
                                                SPAN_INIT("Shop"),
                                                SPAN_INIT("Broken"),
                                                SPAN_INIT("1"),
                                                true,
                                                0,
                                                NULL,
                                                0};
    static const int64_t seconds[] = {0, 1, 0, 2, 1, 0, 2}; /* as workers' lines come */
    struct metric_filters *filters = metric_filters_new();
    struct metric_store *store = metric_store_new(100, LOTS);
    metric_filters_change(filters, &filter, 1);
    for (size_t i = 0; i < sizeof seconds / sizeof *seconds; i++) {
        metric_filters_line(filters, NOW_S + seconds[i], SPAN("other"));
        metric_filters_take(filters, store, NOW_S + 1); /* too early for any */
    }
    check_samples(store, "Broken", NULL, 0, 0);
    metric_filters_line(filters, NOW_S + 1, SPAN("it fits"));
    metric_filters_take(filters, store, NOW_S + 2);
    check_samples(store, "Broken", NULL, 2, 1); /* the first second's default, the second's line */
    metric_filters_line(filters, NOW_S, SPAN("other"));
    metric_filters_take(filters, store, NOW_S + 3);
    check_samples(store, "Broken", NULL, 2, 1);
    metric_filters_line(filters, NOW_S + 2 + 16, SPAN("other"));
    metric_filters_take(filters, store, NOW_S + 4);
    check_samples(store, "Broken", NULL, 3, 1);
    metric_filters_take(filters, store, INT64_MAX);
    check_samples(store, "Broken", NULL, 4, 1);
    metric_filters_free(filters);
    metric_store_free(store);
}

TEST(samples_beyond_what_is_gathered_between_two_takes_are_counted)
{
    enum { GATHERED = 10000, MORE = 7 };
    static const struct metric_filter filter = {.pattern = SPAN_INIT(""),
                                                .namespace = SPAN_INIT("Shop"),
                                                .metric = SPAN_INIT("Lines"),
                                                .value = SPAN_INIT("1")};
    struct metric_filters *filters = metric_filters_new();
    metric_filters_change(filters, &filter, 1);
    for (int64_t i = 0; i < GATHERED + MORE; i++)
        metric_filters_line(filters, NOW_S + i, SPAN("a line"));
    metric_filters_line(filters, NOW_S, SPAN("a line")); /* there is one already */
    check_number(metric_filters_lost(filters), MORE);
    metric_filters_free(filters);
}

int filter_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pattern_of_json_compares_selectors_and_joins_conditions),
        cmocka_unit_test(a_pattern_of_fields_takes_quotes_and_brackets_as_one),
        cmocka_unit_test(a_pattern_of_words_asks_for_all_for_none_and_for_one_of_them),
        cmocka_unit_test(a_pattern_that_is_none_is_refused_where_it_is_wrong),
        cmocka_unit_test(
            a_regular_expression_that_runs_over_its_limit_does_not_match_and_is_counted),
        cmocka_unit_test(values_are_found_by_selectors_of_both_kinds),
        cmocka_unit_test(lines_become_samples_with_values_defaults_and_dimensions),
        cmocka_unit_test(a_default_value_is_given_once_for_each_second_in_which_nothing_fitted),
        cmocka_unit_test(samples_beyond_what_is_gathered_between_two_takes_are_counted),
    };
    return cmocka_run_group_tests_name("metric filters", tests, NULL, NULL);
}
