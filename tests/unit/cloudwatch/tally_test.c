/* SPDX-License-Identifier: Apache-2.0 */
/* What workers count, and what is made of it each second. */
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "exporters/alarms/statistic.h"
#include "exporters/cloudwatch/collector.h"
#include "exporters/tally.h"
#include "tests/check.h"
#include "tests/unit/cloudwatch/suites.h"
#include "tests/unit/exporters/sample.h"

enum { SECOND_US = 1000000, NOW_S = 1795254000, GIVEN_MOST = 64, COUNTED = 200000 };

struct given {
    struct {
        char text[64];
        int64_t second;
        uint64_t count, status_4xx, status_5xx, fates[TALLY_FATES];
        double latency, integration, median;
        bool is_rest;
    } list[GIVEN_MOST];
    size_t count;
    uint64_t total;
};

static void on_requests(void *context, int64_t second, const struct tally_requests *requests)
{
    struct given *given = context;
    static const struct statistic median = {STATISTIC_PERCENTILE, true, 0, 50};
    given->total += requests->count;
    check(given->count < GIVEN_MOST);
    snprintf(given->list[given->count].text, sizeof given->list->text, SPAN_FORMAT " " SPAN_FORMAT,
             span_arg(requests->method), span_arg(requests->route));
    given->list[given->count].second = second;
    given->list[given->count].count = requests->count;
    given->list[given->count].status_4xx = requests->status_4xx;
    given->list[given->count].status_5xx = requests->status_5xx;
    given->list[given->count].latency = requests->latency.sum;
    given->list[given->count].integration = requests->integration.sum;
    given->list[given->count].is_rest = requests->is_rest;
    check(statistic_of(&median, &requests->latency, &given->list[given->count].median));
    check_number(requests->latency.count, requests->count);
    given->count++;
}

static void on_rule(void *context, int64_t second, const struct tally_rule *rule)
{
    struct given *given = context;
    check(given->count < GIVEN_MOST);
    snprintf(given->list[given->count].text, sizeof given->list->text, SPAN_FORMAT,
             span_arg(rule->name));
    given->list[given->count].second = second;
    given->list[given->count].is_rest = rule->is_rest;
    for (size_t i = 0; i < TALLY_FATES; i++)
        given->list[given->count].fates[i] = rule->fates[i];
    given->count++;
}

static void take(struct tally *tally, int64_t now_s, struct given *given)
{
    const struct tally_taker taker = {on_requests, on_rule, given};
    given->count = 0;
    tally_take(tally, now_s, &taker);
}

/* Its place; SIZE_MAX: it was not given. */
static size_t find(const struct given *given, const char *text)
{
    for (size_t i = 0; i < given->count; i++)
        if (span_is(span_text(given->list[i].text), span_text(text)))
            return i;
    return SIZE_MAX;
}

static struct report report_of(unsigned status, const char *method, const char *route,
                               int64_t second, uint64_t duration_us)
{
    struct report report = plain_report();
    report.status = status;
    report.method = span_text(method);
    report.route = span_text(route);
    report.duration_us = duration_us;
    report.began_wall_us = (uint64_t)second * SECOND_US;
    report.waf.action = WAF_OFF;
    return report;
}

static void count(struct tally *tally, unsigned status, const char *method, const char *route,
                  int64_t second, uint64_t duration_us)
{
    struct report report = report_of(status, method, route, second, duration_us);
    tally_count(tally, &report);
}

static struct tally *tally_on(void)
{
    struct tally *tally = tally_new();
    tally_switch(tally, true);
    return tally;
}

TEST(requests_are_counted_by_route_and_method_with_their_errors_and_latencies)
{
    struct tally *tally = tally_on();
    struct given given = {0};
    for (int i = 0; i < 3; i++)
        count(tally, 200, "GET", "/pets", NOW_S, 300000);
    count(tally, 404, "GET", "/pets", NOW_S, 1500);
    count(tally, 503, "POST", "/pets", NOW_S, 0);
    count(tally, 200, "BREW", "", NOW_S, 40);
    count(tally, 200, "STEEP", "", NOW_S, 40);
    take(tally, NOW_S + 1, &given);
    size_t get = find(&given, "GET /pets"), post = find(&given, "POST /pets");
    check(get != SIZE_MAX && post != SIZE_MAX);
    check_number(given.list[get].count, 4);
    check_number(given.list[get].second, NOW_S);
    check_number(given.list[get].status_4xx, 1);
    check_number(given.list[get].status_5xx, 0);
    check(fabs(given.list[get].latency - 901.5) < 1e-9);
    check(given.list[get].median == 300); /* exact where a bucket holds one value */
    check_number(given.list[post].status_5xx, 1);
    check(given.list[post].latency == 0);
    check_number(given.list[find(&given, "_OTHER ")].count, 2);
    check_number(given.count, 3);
    take(tally, NOW_S + 2, &given);
    check_number(given.count, 0);
    tally_free(tally);
}

TEST(the_last_attempt_at_a_backend_is_the_integration_latency)
{
    struct tally *tally = tally_on();
    struct given given = {0};
    struct report report = sample_report();
    tally_count(tally, &report);
    take(tally, NOW_S + 1000, &given);
    check(fabs(given.list[find(&given, "GET /orders/{id}")].integration - 0.6) < 1e-9);
    tally_free(tally);
}

TEST(seconds_stay_apart_and_one_that_has_not_ended_is_not_given)
{
    struct tally *tally = tally_on();
    struct given given = {0};
    count(tally, 200, "GET", "/", NOW_S, 1);
    take(tally, NOW_S, &given);
    check_number(given.count, 0);
    count(tally, 200, "GET", "/", NOW_S, 1);
    count(tally, 200, "GET", "/", NOW_S + 1, 1);
    take(tally, NOW_S + 1, &given);
    check_number(given.count, 1);
    check_number(given.list[0].count, 2);
    take(tally, NOW_S + 2, &given);
    check_number(given.count, 1);
    check_number(given.list[0].second, NOW_S + 1);
    tally_free(tally);
}

TEST(a_taker_that_is_late_finds_every_request_all_the_same)
{
    struct tally *tally = tally_on();
    struct given given = {0};
    for (int64_t second = 0; second < 5; second++)
        count(tally, 200, "GET", "/", NOW_S + second, 1);
    take(tally, NOW_S + 10, &given);
    check_number(given.count, 2);
    check_number(given.total, 5);
    tally_free(tally);
}

TEST(rules_and_controls_are_counted_once_for_each_request)
{
    struct tally *tally = tally_on();
    struct given given = {0};
    struct report report = sample_report(); /* abroad would block; 942100 and 949110 matched */
    report.began_wall_us = (uint64_t)NOW_S * SECOND_US;
    tally_count(tally, &report);
    report.waf.action = WAF_BLOCK;
    tally_count(tally, &report);
    take(tally, NOW_S + 1, &given);
    size_t all = find(&given, "ALL"), scored = find(&given, "942100");
    size_t decided = find(&given, "949110"), abroad = find(&given, "abroad");
    check(all != SIZE_MAX && scored != SIZE_MAX && decided != SIZE_MAX && abroad != SIZE_MAX);
    check_number(given.list[all].fates[TALLY_ALLOWED], 1);
    check_number(given.list[all].fates[TALLY_BLOCKED], 1);
    check_number(given.list[all].fates[TALLY_COUNTED], 2);
    check_number(given.list[find(&given, "Default_Action")].fates[TALLY_ALLOWED], 1);
    check_number(given.list[scored].fates[TALLY_COUNTED], 2);
    check_number(given.list[decided].fates[TALLY_BLOCKED], 1);
    check_number(given.list[decided].fates[TALLY_COUNTED], 1); /* of the one that passed */
    check_number(given.list[abroad].fates[TALLY_COUNTED], 2);
    tally_free(tally);
}

TEST(what_an_access_list_decides_is_counted_without_any_rules)
{
    static const struct report_decision allow = {"inspect_head",      "access",      "allow",
                                                 SPAN_INIT("office"), SPAN_INIT(""), NULL};
    static const struct report_decision limit = {
        "throttle", "rate_limit", "block", SPAN_INIT("per_user"), SPAN_INIT(""), NULL};
    struct tally *tally = tally_on();
    struct given given = {0};
    struct report report = report_of(200, "GET", "/", NOW_S, 1);
    tally_count(tally, &report); /* no control of a firewall at all */
    report.access_on = true;
    tally_count(tally, &report);
    report.decisions = &limit;
    report.decision_count = 1;
    tally_count(tally, &report);
    report.decisions = &allow;
    tally_count(tally, &report);
    take(tally, NOW_S + 1, &given);
    check_number(given.list[find(&given, "ALL")].fates[TALLY_ALLOWED], 3);
    check_number(given.list[find(&given, "Default_Action")].fates[TALLY_ALLOWED], 2);
    check_number(given.list[find(&given, "office")].fates[TALLY_ALLOWED], 1);
    check_number(find(&given, "per_user"), SIZE_MAX);
    tally_free(tally);
}

TEST(a_rule_of_a_web_acl_is_counted_by_its_metric_name_and_one_without_in_the_sum_alone)
{
    static const struct report_decision decisions[] = {
        {"inspect_head", "web_acl", "count", SPAN_INIT("acl"), SPAN_INIT(""), NULL},
        {"inspect_head", "web_acl", "count", SPAN_INIT("acl"), SPAN_INIT(""), NULL},
        {"inspect_head", "access", "count", SPAN_INIT("watched"), SPAN_INIT(""), NULL},
        {"inspect_head", "web_acl", "block", SPAN_INIT("acl"), SPAN_INIT(""), NULL}};
    static const struct span named[] = {
        SPAN_INIT("orders-beta"), SPAN_INIT(""), {NULL, 0}, SPAN_INIT("orders-sqli")};
    static const struct span unnamed[] = {SPAN_INIT(""), SPAN_INIT(""), {NULL, 0}, SPAN_INIT("")};
    struct tally *tally = tally_on();
    struct given given = {0};
    struct report report = report_of(403, "GET", "/", NOW_S, 1);
    report.decisions = decisions;
    report.decision_count = sizeof decisions / sizeof *decisions;
    report.metrics = named;
    tally_count(tally, &report);
    report.metrics = unnamed;
    tally_count(tally, &report);
    take(tally, NOW_S + 1, &given);
    check_number(given.list[find(&given, "ALL")].fates[TALLY_BLOCKED], 2);
    check_number(given.list[find(&given, "ALL")].fates[TALLY_COUNTED], 2);
    check_number(given.list[find(&given, "orders-beta")].fates[TALLY_COUNTED], 1);
    check_number(given.list[find(&given, "watched")].fates[TALLY_COUNTED], 2);
    check_number(given.list[find(&given, "orders-sqli")].fates[TALLY_BLOCKED], 1);
    check_number(find(&given, "acl"), SIZE_MAX);
    check_number(find(&given, ""), SIZE_MAX);
    size_t standard = find(&given, "Default_Action");
    check(standard == SIZE_MAX || given.list[standard].fates[TALLY_BLOCKED] == 0);
    tally_free(tally);
}

static void on_many(void *context, int64_t second, const struct tally_requests *requests)
{
    (void)second;
    struct given *given = context;
    given->count++;
    given->total += requests->count;
    given->list[0].is_rest = given->list[0].is_rest || requests->is_rest;
}

static void on_no_rule(void *context, int64_t second, const struct tally_rule *rule)
{
    (void)context;
    (void)second;
    (void)rule;
}

TEST(what_finds_no_row_is_counted_together)
{
    struct tally *tally = tally_on();
    struct given given = {0};
    char route[32];
    for (int i = 0; i < TALLY_ROWS_MOST + 50; i++) {
        snprintf(route, sizeof route, "/route/%d", i);
        count(tally, 200, "GET", route, NOW_S, 1);
    }
    const struct tally_taker taker = {on_many, on_no_rule, &given};
    tally_take(tally, NOW_S + 1, &taker);
    check_number(given.count, TALLY_ROWS_MOST + 1);
    check_number(given.total, TALLY_ROWS_MOST + 50);
    check(given.list[0].is_rest);
    tally_free(tally);
}

static void *count_many(void *context)
{
    for (int i = 0; i < COUNTED; i++)
        count(context, 200, "GET", i % 2 ? "/a" : "/b", NOW_S + i / 10000, (uint64_t)i);
    return NULL;
}

TEST(a_tally_that_is_taken_while_its_worker_counts_loses_nothing)
{
    struct tally *tally = tally_on();
    struct given given = {0};
    pthread_t thread;
    check(pthread_create(&thread, NULL, count_many, tally) == 0);
    for (int i = 0; i < 2000; i++)
        take(tally, NOW_S + i / 100, &given);
    pthread_join(thread, NULL);
    take(tally, NOW_S + 1000, &given);
    check_number(given.total, COUNTED);
    tally_free(tally);
}

/* ---- the collector ---- */

static double value_of(struct metric_store *store, const char *name, const char *statistic,
                       const struct pair *dimensions, size_t dimension_count)
{
    struct metric_id id = {SPAN(COLLECTOR_NAMESPACE), span_text(name), dimensions, dimension_count};
    struct sketch slot = {0};
    struct statistic what;
    double value = (double)NAN;
    int64_t oldest_s;
    check(statistic_parse(span_text(statistic), &what, NULL, 0));
    metric_store_read(store, &id, &(struct math_window){NOW_S, 60, 1}, &slot, &oldest_s);
    statistic_of(&what, &slot, &value);
    sketch_fini(&slot);
    return value;
}

TEST(a_collector_gives_the_metrics_of_the_service_its_stage_its_routes_and_its_rules)
{
    static const struct pair route[] = {{SPAN_INIT("Method"), SPAN_INIT("GET")},
                                        {SPAN_INIT("Resource"), SPAN_INIT("/pets")},
                                        {SPAN_INIT("Stage"), SPAN_INIT("prod")},
                                        {SPAN_INIT("ApiName"), SPAN_INIT("shop")}};
    static const struct pair rule[] = {{SPAN_INIT("WebACL"), SPAN_INIT("shop")},
                                       {SPAN_INIT("Rule"), SPAN_INIT("ALL")}};
    struct metrics *metrics = metrics_new(2, 0);
    struct metric_store *store = metric_store_new(100, 1 << 20);
    struct collector *collector = collector_new(store, metrics, 2, NULL, NULL);
    const struct collector_names names = {SPAN("shop"), SPAN("prod"), SPAN("")};
    collector_change(collector, &names, true);
    count(metrics_tally(metrics, 0), 200, "GET", "/pets", NOW_S, 10000);
    count(metrics_tally(metrics, 1), 502, "GET", "/pets", NOW_S, 20000);
    count(metrics_tally(metrics, 1), 404, "GET", "", NOW_S + 1, 30000);
    struct report report = report_of(403, "GET", "/", NOW_S, 1);
    report.waf.action = WAF_BLOCK;
    tally_count(metrics_tally(metrics, 0), &report);
    collector_turn(collector, NOW_S + 2);
    check(value_of(store, "Count", "Sum", route + 3, 1) == 4);
    check(value_of(store, "Count", "SampleCount", route + 2, 2) == 4);
    check(value_of(store, "Count", "Sum", route, 4) == 2);
    check(value_of(store, "5XXError", "Average", route, 4) == 0.5);
    check(value_of(store, "4XXError", "Sum", route + 3, 1) == 2);
    check(value_of(store, "Latency", "Maximum", route, 4) == 20);
    check(value_of(store, "Latency", "p50", route, 4) == 10);
    check(isnan(value_of(store, "IntegrationLatency", "Average", route, 4)));
    check(value_of(store, "BlockedRequests", "Sum", rule, 2) == 1);
    check(isnan(value_of(store, "AllowedRequests", "Sum", rule, 2)));
    collector_free(collector);
    metric_store_free(store);
    metrics_free(metrics);
}

TEST(a_collector_that_runs_by_itself_takes_what_is_left_when_it_ends)
{
    static const struct pair service = {SPAN_INIT("ApiName"), SPAN_INIT("shop")};
    struct metrics *metrics = metrics_new(1, 0);
    struct metric_store *store = metric_store_new(100, 1 << 20);
    struct collector *collector = collector_new(store, metrics, 1, NULL, NULL);
    const struct collector_names names = {SPAN("shop"), SPAN(""), SPAN("")};
    collector_change(collector, &names, true);
    check(collector_start(collector));
    for (int i = 0; i < 1000; i++)
        count(metrics_tally(metrics, 0), 200, "GET", "/", NOW_S, 1);
    collector_free(collector);
    check(value_of(store, "Count", "Sum", &service, 1) == 1000);
    metric_store_free(store);
    metrics_free(metrics);
}

TEST(what_a_collector_counts_is_known_before_anything_has_come)
{
    bool has_blocked = false;
    size_t i = 0;
    for (; collector_metric_name(i) != NULL; i++) {
        const struct metric_id id = {.namespace = SPAN(COLLECTOR_NAMESPACE),
                                     .name = span_text(collector_metric_name(i))};
        check(collector_unit(&id).len > 0);
        has_blocked = has_blocked || span_is(id.name, SPAN("BlockedRequests"));
    }
    check(i == 8 && has_blocked);
}

int tally_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_are_counted_by_route_and_method_with_their_errors_and_latencies),
        cmocka_unit_test(the_last_attempt_at_a_backend_is_the_integration_latency),
        cmocka_unit_test(seconds_stay_apart_and_one_that_has_not_ended_is_not_given),
        cmocka_unit_test(a_taker_that_is_late_finds_every_request_all_the_same),
        cmocka_unit_test(rules_and_controls_are_counted_once_for_each_request),
        cmocka_unit_test(what_an_access_list_decides_is_counted_without_any_rules),
        cmocka_unit_test(
            a_rule_of_a_web_acl_is_counted_by_its_metric_name_and_one_without_in_the_sum_alone),
        cmocka_unit_test(what_finds_no_row_is_counted_together),
        cmocka_unit_test(a_tally_that_is_taken_while_its_worker_counts_loses_nothing),
        cmocka_unit_test(
            a_collector_gives_the_metrics_of_the_service_its_stage_its_routes_and_its_rules),
        cmocka_unit_test(a_collector_that_runs_by_itself_takes_what_is_left_when_it_ends),
        cmocka_unit_test(what_a_collector_counts_is_known_before_anything_has_come),
    };
    return cmocka_run_group_tests_name("tallies", tests, NULL, NULL);
}
