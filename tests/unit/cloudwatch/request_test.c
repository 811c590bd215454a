/* SPDX-License-Identifier: Apache-2.0 */
/* Requests in GetMetricData's and ListMetrics' shape, and their answers: JSON in, JSON out. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exporters/cloudwatch/metric_store.h"
#include "sidecar/metric_request.h"
#include "tests/check.h"
#include "tests/unit/cloudwatch/suites.h"

/* 2026-11-21T09:40:00Z. Three minutes of a route: 4 requests each, of which 0, 1 and 2 failed; and
 * of another one in the second minute alone. */
enum { NOW_S = 1795254000, MINUTE_S = 60, LOTS = 1 << 24 };

static const struct pair pets[] = {{SPAN_INIT("ApiName"), SPAN_INIT("shop")},
                                   {SPAN_INIT("Resource"), SPAN_INIT("/pets")}};
static const struct pair orders[] = {{SPAN_INIT("ApiName"), SPAN_INIT("shop")},
                                     {SPAN_INIT("Resource"), SPAN_INIT("/orders")}};

static void add(struct metric_store *store, const char *name, const struct pair *dimensions,
                int64_t second, double value)
{
    struct metric_id id = {SPAN("Sidegate"), span_text(name), dimensions, 2};
    struct sketch sketch = {0};
    sketch_add(&sketch, value, 1);
    check(metric_store_add(store, &id, second, &sketch));
    sketch_fini(&sketch);
}

static void source_read(void *context, const struct metric_id *id, const struct math_window *window,
                        struct sketch *slots)
{
    int64_t oldest_s;
    metric_store_read(context, id, window, slots, &oldest_s);
}

static void source_each(void *context, metric_store_visit *visit, void *of_visit)
{
    metric_store_each(context, visit, of_visit);
}

static struct metric_store *three_minutes(void)
{
    struct metric_store *store = metric_store_new(100, LOTS);
    for (int minute = 0; minute < 3; minute++)
        for (int i = 0; i < 4; i++) {
            add(store, "Count", pets, NOW_S + minute * MINUTE_S + i * 15, 1);
            add(store, "5XXError", pets, NOW_S + minute * MINUTE_S + i * 15, i < minute);
            add(store, "Latency", pets, NOW_S + minute * MINUTE_S + i * 15, (minute + 1) * 100 + i);
        }
    add(store, "Latency", orders, NOW_S + MINUTE_S, 7.5);
    return store;
}

/* The answer; the caller frees it. */
static char *ask(const char *json, const char *query, unsigned want)
{
    struct metric_store *store = three_minutes();
    const struct metric_source source = {source_read, source_each, store};
    struct buf to;
    buf_init(&to, LOTS);
    unsigned status = metric_request_answer(span_text(json), span_text(query), &source, &to);
    buf_add_byte(&to, '\0');
    if (status != want)
        print_error("%s: %s", json, to.at);
    check_number(status, want);
    metric_store_free(store);
    return to.at;
}

static void check_answer(const char *json, const char *want)
{
    char *got = ask(json, "", 200);
    assert_string_equal(got, want);
    free(got);
}

#define WINDOW "\"StartTime\":\"2026-11-21T09:40:00Z\",\"EndTime\":\"2026-11-21T09:43:00Z\""
#define PETS(metric, period, stat)                                                          \
    "\"MetricStat\":{\"Metric\":{\"Namespace\":\"Sidegate\",\"MetricName\":\"" metric       \
    "\",\"Dimensions\":[{\"Name\":\"Resource\",\"Value\":\"/pets\"},{\"Name\":\"ApiName\"," \
    "\"Value\":\"shop\"}]},\"Period\":" period ",\"Stat\":\"" stat "\"}"
#define RESULT(id, label, times, values)                                                        \
    "{\"Id\":\"" id "\",\"Label\":\"" label "\",\"Timestamps\":[" times "],\"Values\":[" values \
    "],\"StatusCode\":\"Complete\"}"
#define T0 "\"2026-11-21T09:40:00Z\""
#define T1 "\"2026-11-21T09:41:00Z\""
#define T2 "\"2026-11-21T09:42:00Z\""

TEST(a_statistic_of_a_metric_is_given_with_the_newest_point_first)
{
    check_answer("{\"MetricDataQueries\":[{\"Id\":\"m1\"," PETS("5XXError", "60",
                                                                "Average") "}]," WINDOW "}",
                 "{\"MetricDataResults\":[" RESULT("m1", "5XXError", T2 "," T1 "," T0,
                                                   "0.5,0.25,0") "],\"Messages\":[]}\n");
}

TEST(points_may_be_asked_for_oldest_first_and_a_label_given)
{
    check_answer("{\"MetricDataQueries\":[{\"Id\":\"m1\",\"Label\":\"slow\"," PETS(
                     "Latency", "60", "p99") "}],\"ScanBy\":\"TimestampAscending\"," WINDOW "}",
                 "{\"MetricDataResults\":[" RESULT("m1", "slow", T0 "," T1 "," T2,
                                                   "103,203,303") "],\"Messages\":[]}\n");
}

TEST(every_statistic_of_cloudwatch_is_known)
{
    static const char *const rows[][2] = {
        {"Average", "101.5"}, {"Sum", "406"},   {"Minimum", "100"},     {"Maximum", "103"},
        {"SampleCount", "4"}, {"p50", "101"},   {"tm75", "101"},        {"TM(100:102)", "101.5"},
        {"TC(:101)", "2"},    {"ts50", "201"},  {"TS(101:103)", "205"}, {"WM(:102)", "101.25"},
        {"PR(:101)", "50"},   {"IQM", "101.5"}, {"tc50", "2"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char json[1024], want[256];
        snprintf(json, sizeof json,
                 "{\"MetricDataQueries\":[{\"Id\":\"m1\"," PETS(
                     "Latency", "60", "%s") "}],"
                                            "\"StartTime\":\"2026-11-21T09:40:00Z\",\"EndTime\":"
                                            "\"2026-11-21T09:41:00Z\"}",
                 rows[i][0]);
        snprintf(want, sizeof want,
                 "{\"MetricDataResults\":[" RESULT("m1", "Latency", T0, "%s") "],"
                                                                              "\"Messages\":[]}\n",
                 rows[i][1]);
        check_answer(json, want);
    }
}

TEST(an_expression_is_answered_whatever_the_order_of_the_queries)
{
    check_answer(
        "{\"MetricDataQueries\":[{\"Id\":\"rate\",\"Expression\":\"100*e/r\",\"Label\":\"%\"},"
        "{\"Id\":\"e\",\"ReturnData\":false," PETS(
            "5XXError", "60", "Sum") "},{\"Id\":\"r\",\"ReturnData\":false," PETS("Count", "60",
                                                                                  "Sum") "}]"
                                                                                         "," WINDOW
                                                                                         "}",
        "{\"MetricDataResults\":[" RESULT("rate", "%", T2 "," T1 "," T0,
                                          "50,25,0") "],\"Messages\":[]}\n");
}

TEST(a_search_gives_a_series_for_each_metric_and_may_stand_in_an_expression)
{
    check_answer("{\"MetricDataQueries\":[{\"Id\":\"s\",\"Expression\":\"SEARCH('{Sidegate,ApiName,"
                 "Resource} Latency', 'Maximum', 60)\"}]," WINDOW "}",
                 "{\"MetricDataResults\":[" RESULT(
                     "s", "Latency ApiName=shop Resource=/pets", T2 "," T1 "," T0,
                     "303,203,103") "," RESULT("s", "Latency ApiName=shop Resource=/orders", T1,
                                               "7.5") "],"
                                                      "\"Messages"
                                                      "\":[]}\n");
    check_answer("{\"MetricDataQueries\":[{\"Id\":\"s\",\"Period\":60,\"Expression\":\"SUM(SEARCH("
                 "'Latency','Maximum'))/2\"}]," WINDOW "}",
                 "{\"MetricDataResults\":[" RESULT("s", "s", T2 "," T1 "," T0,
                                                   "151.5,105.25,51.5") "],\"Messages\":[]}\n");
}

TEST(periods_begin_at_their_multiples_and_seconds_are_known)
{
    check_answer(
        "{\"MetricDataQueries\":[{\"Id\":\"m1\"," PETS(
            "Latency", "30", "Sum") "}],\"StartTime\":1795254029.5,\"EndTime\":1795254031}",
        "{\"MetricDataResults\":[" RESULT("m1", "Latency", "\"2026-11-21T09:40:30Z\"," T0,
                                          "205,201") "],\"Messages\":[]}\n");
    check_answer("{\"MetricDataQueries\":[{\"Id\":\"m1\"," PETS("Latency", "300",
                                                                "SampleCount") "}]," WINDOW "}",
                 "{\"MetricDataResults\":[" RESULT("m1", "Latency", T0, "12") "],"
                                                                              "\"Messages\":[]}\n");
}

/* What one series has in an answer, oldest answers first. */
static void values_add(json_t *to, const json_t *answer)
{
    size_t i;
    json_t *result;
    json_array_foreach(json_object_get(answer, "MetricDataResults"), i, result)
    {
        const char *id = json_string_value(json_object_get(result, "Id"));
        if (json_object_get(to, id) == NULL)
            json_object_set_new(to, id, json_array());
        json_array_extend(json_object_get(to, id), json_object_get(result, "Values"));
        bool is_whole = json_array_size(json_object_get(to, id)) == 3;
        assert_string_equal(json_string_value(json_object_get(result, "StatusCode")),
                            is_whole ? "Complete" : "PartialData");
    }
}

TEST(points_beyond_the_most_come_with_the_token_of_the_answer_before)
{
    static const char request[] = "{\"MetricDataQueries\":[{\"Id\":\"m1\"," PETS(
        "Count", "60", "Sum") "},{\"Id\":\"m2\"," PETS("Latency", "60",
                                                       "Minimum") "}],\"MaxDatapoints\":2," WINDOW
                                                                  "}";
    json_t *root = json_loads(request, 0, NULL), *values = json_object();
    unsigned answers = 0;
    for (bool more = true; more; answers++) {
        char *text = json_dumps(root, 0), *got = ask(text, "", 200);
        json_t *answer = json_loads(got, 0, NULL), *token = json_object_get(answer, "NextToken");
        values_add(values, answer);
        more = token != NULL;
        json_object_set(root, "NextToken", more ? token : json_null());
        json_decref(answer);
        free(got);
        free(text);
    }
    check_number(answers, 3);
    json_t *want = json_loads("{\"m1\":[4,4,4],\"m2\":[300,200,100]}", 0, NULL);
    check(json_equal(values, want));
    json_decref(want);
    json_decref(values);
    json_decref(root);
}

TEST(a_token_is_refused_that_another_request_was_given)
{
    static const char *const wrong[] = {"\"0000000a2\"", "\"\"", "2", "\"x\"", "null"};
    char text[1024];
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        snprintf(text, sizeof text,
                 "{\"MetricDataQueries\":[{\"Id\":\"m1\"," PETS(
                     "Count", "60", "Sum") "}],\"NextToken\":%s," WINDOW "}",
                 wrong[i]);
        char *got = ask(text, "", 400);
        check(strstr(got, "NextToken: expected what the answer to the same request gave") != NULL);
        free(got);
    }
}

TEST(metrics_are_listed_by_namespace_name_and_dimensions)
{
    check_answer("{\"MetricName\":\"Latency\",\"Dimensions\":[{\"Name\":\"Resource\",\"Value\":"
                 "\"/orders\"}]}",
                 "{\"Metrics\":[{\"Namespace\":\"Sidegate\",\"MetricName\":\"Latency\","
                 "\"Dimensions\":[{\"Name\":\"ApiName\",\"Value\":\"shop\"},{\"Name\":\"Resource\","
                 "\"Value\":\"/orders\"}]}]}\n");
    check_answer("{\"Namespace\":\"Nobody\"}", "{\"Metrics\":[]}\n");
    char *all = ask("", "", 200), *some = ask("",
                                              "Namespace=AWS%2FApiGateway&Dimensions="
                                              "[%7B%22Name%22:%22Resource%22%7D]",
                                              200);
    assert_string_equal(all, some);
    check(strlen(all) > 300);
    free(all);
    free(some);
}

TEST(a_query_of_a_uri_asks_the_same_as_a_body)
{
    char *got = ask("",
                    "MetricDataQueries=[%7B%22Id%22:%22e1%22,%22Expression%22:%22SEARCH('Count',+'"
                    "Sum',+60)%22%7D]&StartTime=2026-11-21T09:40:00Z&EndTime=1795254060",
                    200);
    check(span_find(span_text(got), SPAN("\"Values\":[4]")) != SPAN_NONE);
    free(got);
}

TEST(what_is_wrong_is_said_with_its_place_and_the_nearest_name)
{
    static const char *const rows[][2] = {
        {"[]", "the request: expected a JSON map"},
        {"{\"MetricNam\":\"x\"}", "the request: there is no member 'MetricNam' (did you mean "
                                  "'MetricName'?)"},
        {"{\"MetricDataQueries\":[]," WINDOW "}", "MetricDataQueries: expected a list of 1 to 500"},
        {"{\"MetricDataQueries\":[{\"Id\":\"a\"," PETS("Count", "45", "Sum") "}]," WINDOW "}",
         "MetricDataQueries[0].MetricStat.Period: expected 1, 5, 10, 20, 30, or a multiple of 60"},
        {"{\"MetricDataQueries\":[{\"Id\":\"a\"," PETS(
             "Count", "60", "Sum") "}],\"LabelOptions\":{\"Timezone\":\"+0130\"}," WINDOW "}",
         "LabelOptions: expected none: no time stands in a label"},
        {"{\"MetricDataQueries\":[{\"Id\":\"a\",\"Label\":\"Peak ${MAX} at ${MAX_TIME}\"," PETS(
             "Count", "60", "Sum") "}]," WINDOW "}",
         "MetricDataQueries[0].Label: expected a text without ${...}, which is not filled in"},
        {"{\"MetricDataQueries\":[{\"Id\":\"a\"," PETS("Count", "60", "Summ") "}]," WINDOW "}",
         "MetricDataQueries[0].MetricStat.Stat: found 'Summ', expected Average"},
        {"{\"MetricDataQueries\":[{\"Id\":\"A\"," PETS("Count", "60", "Sum") "}]," WINDOW "}",
         "MetricDataQueries[0]: Id: expected a lower-case letter"},
        {"{\"MetricDataQueries\":[{\"Id\":\"a\",\"Expression\":\"AVG(b)\"}]," WINDOW "}",
         "MetricDataQueries[0].Expression"},
        {"{\"MetricDataQueries\":[{\"Id\":\"a\",\"Period\":60,\"Expression\":\"AVGG(1)\"}]," WINDOW
         "}",
         "MetricDataQueries[0].Expression:1:1: there is no function 'AVGG' (did you mean 'AVG'?)"},
        {"{\"MetricDataQueries\":[{\"Id\":\"a\",\"Expression\":\"b\"},{\"Id\":\"b\",\"Expression\":"
         "\"a\"}]," WINDOW "}",
         "this expression asks for itself"},
        {"{\"MetricDataQueries\":[{\"Id\":\"a\"," PETS(
             "Count", "60", "Sum") "},{\"Id\":\"b\"," PETS("Count", "300",
                                                           "Sum") "},{\"Id\":\"c\",\"Expression\":"
                                                                  "\"a+b\"}]," WINDOW "}",
         "MetricDataQueries[2].Expression:1:1: what an expression is made of has to have one "
         "period"},
        {"{\"MetricDataQueries\":[{\"Id\":\"a\"," PETS(
             "Count", "60", "Sum") "},{\"Id\":\"c\",\"Expression\":\"SUM(a)\"}]," WINDOW "}",
         "TIME_SERIES() makes one of it"},
        {"{\"MetricDataQueries\":[{\"Id\":\"a\",\"Expression\":\"SEARCH('(x', 'Sum', "
         "60)\"}]," WINDOW "}",
         "SEARCH: expected ')'"},
        {"{\"MetricDataQueries\":[{\"Id\":\"a\"," PETS(
             "Count", "1", "Sum") "}],\"StartTime\":0,\"EndTime\":\"2026-11-21T09:40:00Z\"}",
         "this asks for too many points"},
        {"{\"MetricDataQueries\":[{\"Id\":\"a\"," PETS(
             "Count", "60", "Sum") "}],\"StartTime\":\"yesterday\",\"EndTime\":5}",
         "StartTime: expected a time, like 2026-11-21T20:00:00Z"},
        {"{\"MetricDataQueries\":[{\"Id\":\"a\"," PETS("Count", "60",
                                                       "Sum") "}],\"StartTime\":10,\"EndTime\":5}",
         "EndTime has to be later than StartTime"},
        {"{\"MetricDataQueries\":[{\"Id\":\"a\",\"MetricStat\":{\"Metric\":{\"MetricName\":"
         "\"Latency\"},\"Period\":60,\"Stat\":\"Sum\",\"Unit\":\"Seconds\"}}]," WINDOW "}",
         "Unit: Latency is in Milliseconds"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char *got = ask(rows[i][0], "", 400);
        if (span_find(span_text(got), span_text(rows[i][1])) == SPAN_NONE)
            fail_msg("%s\n%s\n%s", rows[i][0], got, rows[i][1]);
        free(got);
    }
}

TEST(times_are_read_as_text_or_seconds)
{
    static const struct {
        const char *text;
        int64_t seconds;
    } rows[] = {
        {"2026-11-21T09:40:00Z", NOW_S},
        {"2026-11-21T09:40:00.123Z", NOW_S},
        {"2026-11-21T09:40:00+00:00", NOW_S},
        {"2026-11-21 09:40:00", NOW_S},
        {"1795254000", NOW_S},
        {"2026-11-21", -1},
        {"2026-11-21T25:40:00Z", -1},
        {"2026-02-30T09:40:00Z", -1},
        {"2026-11-21T09:40:00+01:00", -1},
        {"now", -1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int64_t seconds = -1;
        bool well = metric_time_parse(span_text(rows[i].text), &seconds);
        if (well != (rows[i].seconds >= 0) || (well && seconds != rows[i].seconds))
            fail_msg("%s", rows[i].text);
    }
}

int request_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_statistic_of_a_metric_is_given_with_the_newest_point_first),
        cmocka_unit_test(points_may_be_asked_for_oldest_first_and_a_label_given),
        cmocka_unit_test(every_statistic_of_cloudwatch_is_known),
        cmocka_unit_test(an_expression_is_answered_whatever_the_order_of_the_queries),
        cmocka_unit_test(a_search_gives_a_series_for_each_metric_and_may_stand_in_an_expression),
        cmocka_unit_test(periods_begin_at_their_multiples_and_seconds_are_known),
        cmocka_unit_test(points_beyond_the_most_come_with_the_token_of_the_answer_before),
        cmocka_unit_test(a_token_is_refused_that_another_request_was_given),
        cmocka_unit_test(metrics_are_listed_by_namespace_name_and_dimensions),
        cmocka_unit_test(a_query_of_a_uri_asks_the_same_as_a_body),
        cmocka_unit_test(what_is_wrong_is_said_with_its_place_and_the_nearest_name),
        cmocka_unit_test(times_are_read_as_text_or_seconds),
    };
    return cmocka_run_group_tests_name("requests for metrics", tests, NULL, NULL);
}
