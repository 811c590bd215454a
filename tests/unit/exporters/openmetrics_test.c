/* SPDX-License-Identifier: Apache-2.0 */
/* The page in OpenMetrics' form, and the exemplars on it. */
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "exporters/exemplar.h"
#include "exporters/metrics.h"
#include "tests/check.h"
#include "tests/unit/exporters/sample.h"

static const uint64_t BEGAN_US = UINT64_C(1795253000250000);
static const struct process_facts facts = {.version = "1.2.3", .child_restarts = 2};

static struct span page_of(const struct metrics *metrics, enum page_form form, struct buf *to)
{
    buf_init(to, (size_t)64 << 20);
    metrics_print(metrics, NULL, &facts, form, to);
    check(!buf_is_full(to));
    return buf_span(to);
}

static void check_has(struct span page, const char *text)
{
    if (span_find(page, span_text(text)) == SPAN_NONE)
        print_error("missing: %s\n", text);
    check(span_find(page, span_text(text)) != SPAN_NONE);
}

static void check_lacks(struct span page, const char *text)
{
    check(span_find(page, span_text(text)) == SPAN_NONE);
}

TEST(openmetrics_names_the_family_and_its_unit)
{
    struct metrics *metrics = metrics_new(1, BEGAN_US);
    struct report report = sample_report();
    struct buf buf;
    metrics_count(metrics_worker(metrics, 0), &report);
    struct span page = page_of(metrics, PAGE_OPENMETRICS, &buf);
    check_has(page, "# TYPE sidegate_rule_matches counter\n");
    check_has(page, "\nsidegate_rule_matches_total{rule_id=\"942100\",phase=\"2\"} 1");
    check_has(page, "# TYPE http_server_request_duration_seconds histogram\n"
                    "# UNIT http_server_request_duration_seconds seconds\n");
    check_has(page, "# TYPE sidegate_memory_bytes gauge\n# UNIT sidegate_memory_bytes bytes\n");
    check_has(page, "# TYPE sidegate_build info\nsidegate_build_info{version=\"1.2.3\"} 1\n");
    check(span_ends(page, SPAN("\n# EOF\n")));
    check_lacks(page, "# TYPE sidegate_rule_matches_total");
    buf_fini(&buf);
    metrics_free(metrics);
}

TEST(openmetrics_says_since_when_a_figure_counts_where_that_is_known)
{
    struct metrics *metrics = metrics_new(1, BEGAN_US);
    struct report report = sample_report();
    struct buf buf;
    metrics_count(metrics_worker(metrics, 0), &report);
    struct span page = page_of(metrics, PAGE_OPENMETRICS, &buf);
    check_has(page, "\nsidegate_rule_matches_created{rule_id=\"942100\",phase=\"2\"} "
                    "1795253000.250000\n");
    check_has(page, "\nsidegate_stage_duration_seconds_created{stage=\"await_answer\"} "
                    "1795253000.250000\n");
    check_has(page, "\nsidegate_connections_accepted_created 1795253000.250000\n");
    check_lacks(page, "sidegate_child_restarts_created"); /* it outlives the process */
    check_lacks(page, "http_server_active_requests_created");
    buf_fini(&buf);
    metrics_free(metrics);
}

TEST(a_sampled_request_is_the_exemplar_of_its_bucket)
{
    struct metrics *metrics = metrics_new(2, BEGAN_US);
    struct report report = sample_report();
    struct buf buf;
    char want[256];
    report.began_wall_us = UINT64_C(1795254000000000);
    memset(report.trace_id, 0xab, sizeof report.trace_id);
    memset(report.span_id, 0xcd, sizeof report.span_id);
    memset(report.attempts[1].span_id, 0xef, sizeof report.attempts[1].span_id);
    metrics_count(metrics_worker(metrics, 1), &report);
    struct span page = page_of(metrics, PAGE_OPENMETRICS, &buf);
#define TRACE "abababababababababababababababab"
    snprintf(want, sizeof want,
             "url_scheme=\"https\",le=\"0.001\"} 1 # {trace_id=\"%s\",span_id=\"%s\"} 0.001000 "
             "1795254000.001000\n",
             TRACE, "cdcdcdcdcdcdcdcd");
    check_has(page, want);
    check_has(page, "url_scheme=\"https\",le=\"0.0005\"} 0\n");
    check_has(page, "url_scheme=\"https\",le=\"0.0025\"} 1\n"); /* it lies in one bucket alone */
    check_has(page, "{trace_id=\"" TRACE "\",span_id=\"efefefefefefefef\"}"); /* an attempt's own */
    check_has(page, "sidegate_rule_matches_total{rule_id=\"942100\",phase=\"2\"} 1 # {trace_id=");
    buf_fini(&buf);
    page = page_of(metrics, PAGE_PROMETHEUS, &buf);
    check_lacks(page, "trace_id");
    buf_fini(&buf);
    metrics_free(metrics);
}

TEST(a_request_that_is_not_sampled_is_no_exemplar)
{
    struct metrics *metrics = metrics_new(1, BEGAN_US);
    struct report report = sample_report();
    struct buf buf;
    report.sampled = false;
    metrics_count(metrics_worker(metrics, 0), &report);
    check_lacks(page_of(metrics, PAGE_OPENMETRICS, &buf), "trace_id");
    buf_fini(&buf);
    metrics_free(metrics);
}

TEST(an_exemplar_stands_for_a_second_and_the_latest_worker_wins)
{
    struct exemplar_slot slot = {0};
    struct exemplar exemplar = {.value = 1, .wall_us = BEGAN_US}, found;
    check(!exemplar_get(&slot, &found));
    exemplar_put(&slot, &exemplar, exemplar.value);
    exemplar.value = 2;
    exemplar.wall_us = BEGAN_US + 999999;
    exemplar_put(&slot, &exemplar, exemplar.value);
    check(exemplar_get(&slot, &found));
    check_number(found.value, 1);
    exemplar.wall_us = BEGAN_US + 1000000;
    exemplar_put(&slot, &exemplar, exemplar.value);
    check(exemplar_get(&slot, &found));
    check_number(found.value, 2);
    exemplar.value = 3;
    exemplar.wall_us = BEGAN_US - 5; /* the clock was set back */
    exemplar_put(&slot, &exemplar, exemplar.value);
    check(exemplar_get(&slot, &found));
    check_number(found.value, 3);
}

enum { RACES = 20000 };

static void *put_many(void *context)
{
    struct exemplar exemplar;
    for (uint64_t i = 1; i <= RACES; i++) {
        memset(&exemplar, (int)(i & 0xff), sizeof exemplar);
        exemplar.value = i;
        exemplar.wall_us = i * EXEMPLAR_STANDS_US;
        exemplar_put(context, &exemplar, exemplar.value);
    }
    return NULL;
}

TEST(an_exemplar_is_read_whole_while_it_is_written)
{
    struct exemplar_slot slot = {0};
    struct exemplar found = {.value = 0};
    pthread_t thread;
    check_number(pthread_create(&thread, NULL, put_many, &slot), 0);
    while (found.value < RACES) {
        if (!exemplar_get(&slot, &found) || found.value == 0)
            continue;
        check_number(found.wall_us, found.value * EXEMPLAR_STANDS_US);
        for (size_t i = 0; i < sizeof found.trace_id; i++)
            check_number(found.trace_id[i], found.value & 0xff);
        check_number(found.span_id[7], found.value & 0xff);
    }
    pthread_join(thread, NULL);
}

TEST(the_page_that_is_asked_for_by_accept)
{
    static const struct {
        const char *accept;
        enum page_form form;
    } cases[] = {
        {"", PAGE_PROMETHEUS},
        {"*/*", PAGE_PROMETHEUS},
        {"text/html", PAGE_PROMETHEUS},
        {"application/openmetrics-text", PAGE_OPENMETRICS},
        {"application/openmetrics-text; version=1.0.0; charset=utf-8", PAGE_OPENMETRICS},
        {"Application/OpenMetrics-Text;Version=\"1.0.0\"", PAGE_OPENMETRICS},
        {"application/openmetrics-text;version=0.0.1", PAGE_PROMETHEUS},
        {"application/openmetrics-text;q=0", PAGE_PROMETHEUS},
        {"application/openmetrics-text;q=0.5,text/plain;q=0.6", PAGE_PROMETHEUS},
        {"text/plain;q=0.3, application/openmetrics-text;q=0.30", PAGE_OPENMETRICS},
        {"application/openmetrics-text;q=broken", PAGE_PROMETHEUS},
        {"application/openmetrics-text;q=1.0000", PAGE_PROMETHEUS},
        /* as Prometheus 2 and 3 ask: */
        {"application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;"
         "q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
         PAGE_OPENMETRICS},
        {"application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/"
         "openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,"
         "text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
         PAGE_OPENMETRICS},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (page_form_of(span_text(cases[i].accept)) != cases[i].form)
            print_error("%s\n", cases[i].accept != NULL ? cases[i].accept : "(no Accept)");
        check(page_form_of(span_text(cases[i].accept)) == cases[i].form);
    }
}

int openmetrics_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(openmetrics_names_the_family_and_its_unit),
        cmocka_unit_test(openmetrics_says_since_when_a_figure_counts_where_that_is_known),
        cmocka_unit_test(a_sampled_request_is_the_exemplar_of_its_bucket),
        cmocka_unit_test(a_request_that_is_not_sampled_is_no_exemplar),
        cmocka_unit_test(an_exemplar_stands_for_a_second_and_the_latest_worker_wins),
        cmocka_unit_test(an_exemplar_is_read_whole_while_it_is_written),
        cmocka_unit_test(the_page_that_is_asked_for_by_accept),
    };
    return cmocka_run_group_tests_name("openmetrics", tests, NULL, NULL);
}
