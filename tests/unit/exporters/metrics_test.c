/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/metrics.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "exporters/exporter.h"
#include "exporters/words.h"
#include "rules/base/number.h"
#include "tests/check.h"
#include "tests/unit/exporters/sample.h"

static const uint64_t BEGAN_US = UINT64_C(1795253000250000);
static const struct rate_figures rates[] = {{"access", SPAN_INIT("a\"\n"), 7}};
static const struct certificate_expiry certificates[] = {
    {SPAN_INIT("door"), SPAN_INIT("a\xff\n"), 1}};
static const struct process_facts facts = {
    .version = "1.2.3",
    .snapshot_number = 4,
    .last_reload_successful = true,
    .last_reload_wall_us = UINT64_C(1795254000000000),
    .child_restarts = 2,
    .waf_effective = true,
    .rates = rates,
    .rate_count = 1,
    .certificates = certificates,
    .certificate_count = 1,
};

static struct span page_of(const struct metrics *metrics, struct buf *to)
{
    buf_init(to, (size_t)64 << 20);
    metrics_print(metrics, NULL, &facts, PAGE_PROMETHEUS, to);
    check(!buf_is_full(to));
    return buf_span(to);
}

/* Is the line on the page, as a whole? */
static void check_line(struct span page, const char *line)
{
    struct buf with_feeds;
    buf_init(&with_feeds, 4096);
    buf_format(&with_feeds, "\n%s\n", line);
    if (span_find(page, buf_span(&with_feeds)) == SPAN_NONE)
        print_error("missing: %s\n", line);
    check(span_find(page, buf_span(&with_feeds)) != SPAN_NONE);
    buf_fini(&with_feeds);
}

static bool is_name(struct span text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];
        if (!byte_is_alpha(c) && c != '_' && (i == 0 || !byte_is_digit(c)))
            return false;
    }
    return text.len > 0;
}

/* {name="value",...} at the start; returns what stands behind. */
static struct span labels_skip(struct span text)
{
    do {
        text = span_from(text, 1);
        size_t equals = span_find_byte(text, '=');
        check(equals != SPAN_NONE && is_name(span_first(text, equals)));
        text = span_from(text, equals + 1);
        check(text.len > 0 && text.at[0] == '"');
        size_t i = 1;
        while (i < text.len && text.at[i] != '"')
            i += text.at[i] == '\\' ? 2 : 1;
        text = span_from(text, i + 1);
    } while (text.len > 0 && text.at[0] == ',');
    check(text.len > 0 && text.at[0] == '}');
    return span_from(text, 1);
}

static void check_sample_line(struct span line)
{
    size_t end = 0;
    while (end < line.len && line.at[end] != '{' && line.at[end] != ' ')
        end++;
    check(is_name(span_first(line, end)));
    line = span_from(line, end);
    if (line.at[0] == '{')
        line = labels_skip(line);
    check(line.len > 1 && line.at[0] == ' ');
    for (size_t i = 1; i < line.len; i++)
        check(byte_is_digit(line.at[i]) || (line.at[i] == '.' && i > 1));
}

/* Every line is a comment or a sample, and the page ends with a line feed. */
static unsigned check_page(struct span page)
{
    unsigned samples = 0;
    check(page.len > 0 && page.at[page.len - 1] == '\n');
    while (page.len > 0) {
        struct span line = span_cut(&page, '\n');
        if (line.len == 0 || span_starts(line, SPAN("# HELP ")) ||
            span_starts(line, SPAN("# TYPE ")))
            continue;
        check_sample_line(line);
        samples++;
    }
    return samples;
}

TEST(a_request_is_found_again_on_the_page)
{
    struct metrics *metrics = metrics_new(2, BEGAN_US);
    struct report report = sample_report();
    struct buf buf;
    metrics_count(metrics_worker(metrics, 0), &report);
    metrics_count(metrics_worker(metrics, 1), &report);
    struct span page = page_of(metrics, &buf);
    check_page(page);
    check_line(page, "# TYPE http_server_request_duration_seconds histogram");
#define SERVER                                                                                   \
    "http_request_method=\"GET\",http_route=\"/orders/{id}\",http_response_status_code=\"200\"," \
    "url_scheme=\"https\""
    check_line(page, "http_server_request_duration_seconds_bucket{" SERVER ",le=\"0.0005\"} 0");
    check_line(page, "http_server_request_duration_seconds_bucket{" SERVER ",le=\"0.001\"} 2");
    check_line(page, "http_server_request_duration_seconds_bucket{" SERVER ",le=\"+Inf\"} 2");
    check_line(page, "http_server_request_duration_seconds_sum{" SERVER "} 0.002000");
    check_line(page, "http_server_request_duration_seconds_count{" SERVER "} 2");
    check_line(page, "http_client_request_duration_seconds_count{http_request_method=\"GET\","
                     "server_address=\"127.0.0.1\",server_port=\"3000\","
                     "error_type=\"connection_refused\"} 2");
    check_line(page, "http_client_request_duration_seconds_count{http_request_method=\"GET\","
                     "server_address=\"127.0.0.1\",server_port=\"3001\","
                     "http_response_status_code=\"200\"} 2");
    check_line(page, "sidegate_stage_duration_seconds_sum{stage=\"await_answer\"} 0.001400");
    check_line(page, "sidegate_decisions_total{stage=\"inspect_head\",control=\"abroad\","
                     "decision=\"would_block\"} 2");
    check_line(page, "sidegate_decisions_total{stage=\"inspect_body\",control=\"rules\","
                     "decision=\"pass\"} 2");
    check_line(page, "sidegate_rule_matches_total{rule_id=\"942100\",phase=\"2\"} 2");
    check_line(page, "sidegate_rule_limits_total{limit=\"arguments\"} 2");
    buf_fini(&buf);
    metrics_free(metrics);
}

TEST(gauges_and_counters_are_joined_over_the_workers)
{
    struct metrics *metrics = metrics_new(2, BEGAN_US);
    struct worker_metrics *first = metrics_worker(metrics, 0), *second = metrics_worker(metrics, 1);
    struct buf buf;
    metrics_active(first, active_place(SPAN("GET"), SPAN("http")), 3);
    metrics_active(second, active_place(SPAN("GET"), SPAN("http")), 4);
    metrics_active(second, active_place(SPAN("BREW"), SPAN("https")), 0);
    metrics_gauge(first, GAUGE_LOOP_DELAY_US, 2500);
    metrics_gauge(second, GAUGE_LOOP_DELAY_US, 100);
    metrics_gauge(first, GAUGE_OVERLOAD_LEVEL, 1);
    metrics_gauge(second, GAUGE_CONNECTIONS_IDLE, 9);
    metrics_add(first, COUNTER_UPSTREAM_RETRIES, 1);
    metrics_add(second, COUNTER_UPSTREAM_RETRIES, 5);
    struct span page = page_of(metrics, &buf);
    check_page(page);
    check_line(page,
               "http_server_active_requests{http_request_method=\"GET\",url_scheme=\"http\"} 7");
    check_line(
        page, "http_server_active_requests{http_request_method=\"_OTHER\",url_scheme=\"https\"} 0");
    check(span_find(page, SPAN("active_requests{http_request_method=\"POST\"")) == SPAN_NONE);
    check_line(page, "sidegate_loop_delay_seconds 0.002500");
    check_line(page, "sidegate_overload_level 1");
    check_line(page, "sidegate_connections{state=\"idle\"} 9");
    check_line(page, "sidegate_upstream_retries_total 6");
    check_line(page, "sidegate_child_restarts_total 2");
    check_line(page, "sidegate_waf_effective 1");
    check_line(page, "sidegate_rate_keys_forgotten_total{control=\"access\",name=\"a\\\"\\n\"} 7");
    check_line(page, "sidegate_config_last_reload_successful 1");
    check_line(page, "sidegate_config_last_reload_timestamp_seconds 1795254000.000000");
    check(span_ends(page, SPAN("\nsidegate_build_info{version=\"1.2.3\"} 1\n")));
    buf_fini(&buf);
    metrics_free(metrics);
}

TEST(two_thousand_label_sets_then_one_for_the_rest)
{
    struct metrics *metrics = metrics_new(2, BEGAN_US);
    struct report report = plain_report();
    struct buf buf;
    for (unsigned i = 0; i < 2500; i++) {
        char route[32];
        int len = snprintf(route, sizeof route, "/r%u", i);
        report.route = span_make(route, (size_t)len);
        metrics_count(metrics_worker(metrics, i % 2), &report);
        metrics_count(metrics_worker(metrics, 0), &report);
    }
    struct span page = page_of(metrics, &buf), rest = page;
    unsigned series = 0;
    for (size_t at; (at = span_find(rest, SPAN("\nhttp_server_request_duration_seconds_count"))) !=
                    SPAN_NONE;) {
        series++;
        rest = span_from(rest, at + 1);
    }
    check_number(series, 2001);
    check_page(page);
    check_line(page,
               "http_server_request_duration_seconds_count{otel_metric_overflow=\"true\"} 1000");
    check_line(page,
               "http_server_request_duration_seconds_count{http_request_method=\"GET\","
               "http_route=\"/r1999\",http_response_status_code=\"200\",url_scheme=\"https\"} 2");
    buf_fini(&buf);
    metrics_free(metrics);
}

TEST(methods_that_nobody_knows_are_one)
{
    struct metrics *metrics = metrics_new(1, BEGAN_US);
    struct report report = plain_report();
    struct buf buf;
    report.status = 0;
    report.route = SPAN("");
    report.error = SPAN("client_gone");
    static const char *const methods[] = {"BREW", "get", "", "\xff\""};
    for (size_t i = 0; i < 4; i++) {
        report.method = span_text(methods[i]);
        metrics_count(metrics_worker(metrics, 0), &report);
    }
    struct span page = page_of(metrics, &buf);
    check_line(page, "http_server_request_duration_seconds_count{http_request_method=\"_OTHER\","
                     "error_type=\"client_gone\",url_scheme=\"https\"} 4");
    buf_fini(&buf);
    metrics_free(metrics);
}

TEST(any_bytes_in_a_label_leave_the_page_whole)
{
    struct metrics *metrics = metrics_new(1, BEGAN_US);
    struct report report = plain_report();
    struct buf buf;
    for (unsigned byte = 0; byte < 256; byte++) {
        char text[] = {'/', (char)byte};
        report.route = report.error = report.scheme = span_make(text, 2);
        metrics_count(metrics_worker(metrics, 0), &report);
    }
    report = plain_report();
    report.route = SPAN("a\"b\\c\nd\xff");
    metrics_count(metrics_worker(metrics, 0), &report);
    struct span page = page_of(metrics, &buf);
    check_page(page);
    check_line(page, "sidegate_certificate_expiry_timestamp_seconds{listener=\"door\","
                     "name=\"a\xef\xbf\xbd\\n\"} 1");
    check(span_find(page, SPAN("http_route=\"a\\\"b\\\\c\\nd\xef\xbf\xbd\"")) != SPAN_NONE);
    buf_fini(&buf);
    metrics_free(metrics);
}

TEST(a_block_is_a_decision_of_its_phase)
{
    struct metrics *metrics = metrics_new(1, BEGAN_US);
    struct report report = sample_report();
    struct rule_match match = report.waf.matches[1];
    struct buf buf;
    match.phase = PHASE_REQUEST_HEADERS;
    report.waf.matches = &match;
    report.waf.match_count = 1;
    report.waf.action = WAF_BLOCK;
    metrics_count(metrics_worker(metrics, 0), &report);
    report.waf.action = WAF_OFF;
    metrics_count(metrics_worker(metrics, 0), &report);
    struct span page = page_of(metrics, &buf);
    check_line(page, "sidegate_decisions_total{stage=\"inspect_head\",control=\"rules\","
                     "decision=\"block\"} 1");
    check(span_find(page, SPAN("decision=\"pass\"")) == SPAN_NONE);
    buf_fini(&buf);
    metrics_free(metrics);
}

enum { RACING_REQUESTS = 5000 };

static void *count_many(void *context)
{
    struct report report = sample_report();
    for (unsigned i = 0; i < RACING_REQUESTS; i++) {
        char route[32];
        int len = snprintf(route, sizeof route, "/r%u", i % 100);
        report.route = span_make(route, (size_t)len);
        metrics_count(context, &report);
    }
    return NULL;
}

TEST(a_page_may_be_read_while_workers_count)
{
    struct metrics *metrics = metrics_new(2, BEGAN_US);
    pthread_t threads[2];
    struct buf buf;
    for (unsigned w = 0; w < 2; w++)
        check_number(pthread_create(&threads[w], NULL, count_many, metrics_worker(metrics, w)), 0);
    for (unsigned i = 0; i < 20; i++) {
        check_page(page_of(metrics, &buf));
        buf_fini(&buf);
    }
    for (unsigned w = 0; w < 2; w++)
        pthread_join(threads[w], NULL);
    struct span page = page_of(metrics, &buf);
    check_line(page,
               "http_server_request_duration_seconds_count{http_request_method=\"GET\","
               "http_route=\"/r42\",http_response_status_code=\"200\",url_scheme=\"https\"} 100");
    buf_fini(&buf);
    metrics_free(metrics);
}

TEST(an_address_falls_apart_into_host_and_port)
{
    static const struct {
        const char *address, *host, *port;
    } cases[] = {{"127.0.0.1:3000", "127.0.0.1", "3000"},
                 {"[2001:db8::1]:80", "2001:db8::1", "80"},
                 {"[::1]", "::1", ""},
                 {"app.local", "app.local", ""},
                 {"unix:/run/app.sock", "unix:/run/app.sock", ""},
                 {"", "", ""}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct span host, port;
        address_split(span_text(cases[i].address), &host, &port);
        check_span(host, cases[i].host);
        check_span(port, cases[i].port);
    }
}

int metrics_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_is_found_again_on_the_page),
        cmocka_unit_test(gauges_and_counters_are_joined_over_the_workers),
        cmocka_unit_test(two_thousand_label_sets_then_one_for_the_rest),
        cmocka_unit_test(methods_that_nobody_knows_are_one),
        cmocka_unit_test(any_bytes_in_a_label_leave_the_page_whole),
        cmocka_unit_test(a_block_is_a_decision_of_its_phase),
        cmocka_unit_test(a_page_may_be_read_while_workers_count),
        cmocka_unit_test(an_address_falls_apart_into_host_and_port),
    };
    return cmocka_run_group_tests_name("metrics", tests, NULL, NULL);
}
