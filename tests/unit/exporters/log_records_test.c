/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/log_records.h"

#include <string.h>

#include "exporters/proto/otlp.pb-c.h"
#include "exporters/sanitise.h"
#include "rules/base/encode.h"
#include "tests/check.h"
#include "tests/unit/exporters/sample.h"

/* The records of a report as their receiver sees them. */
static Otlp__ScopeLogs *records_of(const struct report *report, bool events, unsigned *count)
{
    struct log_maker *maker = log_maker_new();
    struct buf bytes;
    buf_init(&bytes, (size_t)1 << 20);
    *count =
        events ? log_events_add(maker, &bytes, report) : log_request_add(maker, &bytes, report);
    check(!buf_is_full(&bytes));
    Otlp__ScopeLogs *logs = otlp__scope_logs__unpack(NULL, bytes.len, (const uint8_t *)bytes.at);
    check(logs != NULL);
    check_number(logs->n_log_records, *count);
    log_maker_free(maker);
    buf_fini(&bytes);
    return logs;
}

/* The test ends here where it has none of that name. */
static const Otlp__AnyValue *attribute_of(const Otlp__LogRecord *record, const char *key)
{
    const Otlp__AnyValue *value = NULL;
    for (size_t i = 0; i < record->n_attributes; i++)
        if (strcmp(record->attributes[i]->key, key) == 0)
            value = record->attributes[i]->value;
    check(value != NULL);
    return value;
}

static void check_text(const Otlp__LogRecord *record, const char *key, const char *want)
{
    const Otlp__AnyValue *value = attribute_of(record, key);
    check(value->value_case == OTLP__ANY_VALUE__VALUE_STRING_VALUE);
    check_span(span_text(value->string_value), want);
}

TEST(a_request_is_one_record_with_the_ids_of_its_trace)
{
    struct report report = sample_report();
    unsigned count;
    report.began_wall_us = UINT64_C(1795254000000000);
    memset(report.trace_id, 0xab, sizeof report.trace_id);
    memset(report.span_id, 0xcd, sizeof report.span_id);
    Otlp__ScopeLogs *logs = records_of(&report, false, &count);
    const Otlp__LogRecord *record = logs->log_records[0];
    check_number(count, 1);
    check_span(span_text(record->event_name), "sidegate.request");
    check_span(span_text(record->body->string_value), "GET /orders/7?q=1 200");
    check_span(span_text(record->severity_text), "INFO");
    check_number(record->severity_number, 9);
    check_number(record->trace_id.len, 16);
    check_number(record->trace_id.data[15], 0xab);
    check_number(record->span_id.len, 8);
    check_number(record->span_id.data[0], 0xcd);
    check_number(record->flags, 1);
    check_number(record->time_unix_nano, UINT64_C(1795254000001000000));
    check_text(record, "http.request.method", "GET");
    check_text(record, "http.route", "/orders/{id}");
    check_number(attribute_of(record, "http.response.status_code")->int_value, 200);
    check_number(attribute_of(record, "sidegate.duration_us")->int_value, 1000);
    check(attribute_of(record, "waf.rule_ids")->value_case == OTLP__ANY_VALUE__VALUE_ARRAY_VALUE);
    otlp__scope_logs__free_unpacked(logs, NULL);
}

TEST(a_request_that_failed_is_an_error_and_its_secrets_are_masked)
{
    struct report report = plain_report();
    unsigned count;
    report.status = 502;
    report.query = SPAN("q=1&token=abc123");
    struct arena *arena = arena_new(NULL, 1 << 16);
    report_sanitise(&report, NULL, 0, arena);
    memset(report.trace_id, 0, sizeof report.trace_id);
    memset(report.span_id, 0, sizeof report.span_id);
    Otlp__ScopeLogs *logs = records_of(&report, false, &count);
    const Otlp__LogRecord *record = logs->log_records[0];
    check_span(span_text(record->severity_text), "ERROR");
    check(strstr(record->body->string_value, "abc123") == NULL);
    assert_string_equal(attribute_of(record, "url.query")->string_value, "q=1&token=REDACTED");
    check_number(record->trace_id.len, 0); /* there is no trace */
    check_number(record->span_id.len, 0);
    check_number(record->flags, 0);
    otlp__scope_logs__free_unpacked(logs, NULL);
    arena_free(arena);
}

TEST(what_rules_matched_and_controls_decided_are_events)
{
    struct report report = sample_report();
    unsigned count;
    report.waf.action = WAF_WOULD_BLOCK;
    Otlp__ScopeLogs *logs = records_of(&report, true, &count);
    check_number(count, log_events_count(&report));
    check(count >= 3);
    unsigned matches = 0, decisions = 0, verdicts = 0;
    for (size_t i = 0; i < logs->n_log_records; i++) {
        const Otlp__LogRecord *record = logs->log_records[i];
        struct span name = span_text(record->event_name);
        matches += span_is(name, SPAN("waf.rule_match"));
        decisions += span_is(name, SPAN("sidegate.decision"));
        verdicts += span_is(name, SPAN("waf.decision"));
        check_span(span_text(record->severity_text), "INFO"); /* nothing was refused */
        attribute_of(record, "sidegate.request_id");
        check(record->body->string_value[0] != '\0');
    }
    check_number(decisions, report.decision_count);
    check_number(verdicts, 1);
    check_number(matches, count - decisions - verdicts);
    otlp__scope_logs__free_unpacked(logs, NULL);
}

TEST(an_event_that_refused_the_request_is_a_warning)
{
    struct report report = sample_report();
    struct rule_match match = report.waf.matches[1];
    unsigned count;
    match.disruptive = true;
    match.audit_only = false;
    report.waf.matches = &match;
    report.waf.match_count = 1;
    report.waf.action = WAF_BLOCK;
    report.decision_count = 0;
    Otlp__ScopeLogs *logs = records_of(&report, true, &count);
    check_number(count, 2);
    check_span(span_text(logs->log_records[0]->event_name), "waf.rule_match");
    check_number(logs->log_records[0]->severity_number, 13);
    check_span(span_text(logs->log_records[1]->event_name), "waf.decision");
    check_number(logs->log_records[1]->severity_number, 13);
    check_text(logs->log_records[1], "waf.action", "block");
    otlp__scope_logs__free_unpacked(logs, NULL);
}

TEST(any_bytes_of_a_request_leave_records_whose_texts_are_utf8)
{
    struct report report = sample_report();
    unsigned count;
    for (unsigned byte = 0; byte < 256; byte++) {
        char text[] = {'/', (char)byte, 'x'};
        report.path = report.query = report.user_agent = report.method = span_make(text, 3);
        Otlp__ScopeLogs *logs = records_of(&report, false, &count);
        const Otlp__LogRecord *record = logs->log_records[0];
        check(utf8_is_valid(span_text(record->body->string_value)));
        for (size_t i = 0; i < record->n_attributes; i++) {
            const Otlp__AnyValue *value = record->attributes[i]->value;
            if (value->value_case == OTLP__ANY_VALUE__VALUE_STRING_VALUE)
                check(utf8_is_valid(span_text(value->string_value)));
        }
        check_text(record, "http.request.method", "_OTHER");
        otlp__scope_logs__free_unpacked(logs, NULL);
    }
}

TEST(a_plain_request_has_no_events)
{
    struct report report = plain_report();
    unsigned count;
    Otlp__ScopeLogs *logs = records_of(&report, true, &count);
    check_number(count, 0);
    otlp__scope_logs__free_unpacked(logs, NULL);
}

int log_records_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_is_one_record_with_the_ids_of_its_trace),
        cmocka_unit_test(a_request_that_failed_is_an_error_and_its_secrets_are_masked),
        cmocka_unit_test(what_rules_matched_and_controls_decided_are_events),
        cmocka_unit_test(an_event_that_refused_the_request_is_a_warning),
        cmocka_unit_test(any_bytes_of_a_request_leave_records_whose_texts_are_utf8),
        cmocka_unit_test(a_plain_request_has_no_events),
    };
    return cmocka_run_group_tests_name("log_records", tests, NULL, NULL);
}
