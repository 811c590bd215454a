/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/record.h"

#include <stdlib.h>

#include "rules/base/must.h"
#include "tests/check.h"
#include "tests/unit/exporters/sample.h"

/* Folded into memory of exactly its size, so that the sanitizer sees every step beyond. */
static char *fold(const struct report *report, size_t *size)
{
    char *large = must_alloc(RECORD_BYTES);
    *size = record_fold(report, large);
    return must_realloc(large, *size);
}

static void same_span(struct span a, struct span b)
{
    check(span_is(a, b));
}

TEST(a_report_comes_back_as_it_went)
{
    struct report report = sample_report();
    report.authorizer.name = SPAN("custom");
    report.authorizer.cache = SPAN("miss");
    report.authorizer.is_called = true;
    report.authorizer.call = (struct report_attempt){
        .address = SPAN("127.0.0.1:9001"), .status = 200, .span_id = {[7] = 3}};
    static const struct pair members[] = {{SPAN_INIT("sub"), SPAN_INIT("alice")}};
    report.authorizer.members = members;
    report.authorizer.member_count = 1;
    report.route_key = SPAN("ANY /{x}");
    report.caller.account = SPAN("123456789012");
    report.error_message = SPAN("Forbidden");
    report.upstream_extended_id = SPAN("backend");
    report.tls.client_not_after = SPAN("then");
    struct record_view *view = must_alloc(sizeof *view);
    size_t size;
    char *bytes = fold(&report, &size);
    check(record_read(span_make(bytes, size), view));
    const struct report *back = &view->report;
    check_number(back->began_wall_us, report.began_wall_us);
    check_number(back->status, 200);
    check(back->sampled);
    check_number(back->trace_id[0], 0x4b);
    check_number(back->parent_id[7], 9);
    same_span(back->path, report.path);
    same_span(back->trace_state, report.trace_state);
    check_span(back->referer, "");
    check_number(back->attempt_count, 2);
    check_span(back->attempts[0].error, "connection_refused");
    check_number(back->attempts[1].connect_us, 30);
    check_number(back->attempts[1].span_id[3], 2);
    check_number(back->stage_count, 3);
    check_span(back->stages[1].name, "await_answer");
    check_number(back->stages[1].start_us, 100);
    check_number(back->stages[1].duration_us, 700);
    check_number(back->authorizer.member_count, 1);
    check_span(back->authorizer.members[0].name, "sub");
    check_span(back->authorizer.members[0].value, "alice");
    check_span(back->route_key, "ANY /{x}");
    check_span(back->caller.account, "123456789012");
    check_span(back->error_message, "Forbidden");
    check_span(back->upstream_extended_id, "backend");
    check_span(back->tls.client_not_after, "then");
    check_span(back->authorizer.name, "custom");
    check_span(back->authorizer.cache, "miss");
    check(back->authorizer.is_called);
    check_span(back->authorizer.call.address, "127.0.0.1:9001");
    check_number(back->authorizer.call.span_id[7], 3);
    check_number(back->decision_count, 1);
    assert_string_equal(back->decisions[0].stage, "inspect_head");
    assert_string_equal(back->decisions[0].control, "access");
    assert_string_equal(back->decisions[0].word, "would_block");
    check_span(back->decisions[0].name, "abroad");
    check_span(back->decisions[0].reason, "path: /orders/*");
    check_number(back->waf.score, 5);
    check_number(back->waf.decided_by, 949110);
    check_number(back->waf.limits[LIMIT_ARGUMENTS], 1);
    check(back->waf.is_struck);
    check_number(back->waf.struck.kind, LIMIT_CPU_BUDGET);
    check_number(back->waf.struck.rule_id, 942100);
    check_span(back->waf.struck.target, "ARGS:q");
    check_number(back->waf.match_count, 2);
    check_number(back->waf.matches[0].rule_id, 942100);
    assert_string_equal(back->waf.matches[0].file, "/rules/REQUEST-942.conf");
    check_span(back->waf.matches[0].tags[1], "paranoia-level/1");
    check(back->waf.matches[0].audit && !back->waf.matches[0].disruptive);
    check_number(back->waf.matches[1].severity, SEVERITY_NONE);
    check(back->waf.matches[1].disruptive);
    free(bytes);
    free(view);
}

TEST(what_an_earlier_record_had_is_not_in_the_next)
{
    struct report report = plain_report();
    report.caller.user = SPAN("AIDA1");
    report.error_type = SPAN("ACCESS_DENIED");
    report.authorizer.name = SPAN("custom");
    report.authorizer.is_called = report.waf.is_struck = report.sampled = true;
    report.authorizer.call.address = SPAN("127.0.0.1:9001");
    report.waf.struck.rule_id = 942100;
    report.referer = SPAN("http://shop.example/");
    struct record_view *view = must_alloc(sizeof *view);
    size_t size;
    char *bytes = fold(&report, &size);
    check(record_read(span_make(bytes, size), view));
    check_span(view->report.caller.user, "AIDA1");
    check_span(view->report.caller.arn, "");
    check_span(view->report.authorizer.call.address, "127.0.0.1:9001");
    check_number(view->report.waf.struck.rule_id, 942100);
    free(bytes);
    report = plain_report();
    bytes = fold(&report, &size);
    check(record_read(span_make(bytes, size), view));
    check_span(view->report.caller.user, "");
    check_span(view->report.error_type, "");
    check_span(view->report.authorizer.name, "");
    check_span(view->report.authorizer.call.address, "");
    check_span(view->report.referer, "");
    check(!view->report.sampled && !view->report.waf.is_struck &&
          !view->report.authorizer.is_called);
    check_number(view->report.waf.struck.rule_id, 0);
    free(bytes);
    free(view);
}

TEST(a_negative_score_stays_negative)
{
    struct report report = plain_report();
    struct record_view *view = must_alloc(sizeof *view);
    report.waf.score = -3;
    size_t size;
    char *bytes = fold(&report, &size);
    check(record_read(span_make(bytes, size), view));
    check_number(view->report.waf.score, -3);
    free(bytes);
    free(view);
}

TEST(no_part_of_a_record_is_a_record)
{
    struct report report = sample_report();
    struct record_view *view = must_alloc(sizeof *view);
    size_t size;
    char *bytes = fold(&report, &size);
    for (size_t part = 0; part < size; part++) {
        char *copy = must_alloc(part + 1);
        memcpy(copy, bytes, part);
        check(!record_read(span_make(copy, part), view));
        free(copy);
    }
    free(bytes);
    free(view);
}

TEST(a_flipped_bit_does_no_harm)
{
    struct report report = sample_report();
    struct record_view *view = must_alloc(sizeof *view);
    size_t size, refused = 0;
    char *bytes = fold(&report, &size);
    for (size_t i = 0; i < size; i++) {
        bytes[i] = (char)(bytes[i] ^ 0x80);
        refused += !record_read(span_make(bytes, size), view);
        bytes[i] = (char)(bytes[i] ^ 0x80);
    }
    check(refused > size / 20); /* lengths and counts; in texts and numbers anything goes */
    check(record_read(span_make(bytes, size), view));
    free(bytes);
    free(view);
}

TEST(the_largest_request_makes_a_record_and_keeps_all_its_ids)
{
    struct report report = sample_report();
    struct record_view *view = must_alloc(sizeof *view);
    char *text = must_alloc(100000);
    memset(text, 'a', 100000);
    struct span long_text = span_make(text, 100000);
    struct rule_match matches[RECORD_MATCHES + 1];
    struct span tags[RECORD_TAGS + 1];
    for (size_t i = 0; i <= RECORD_TAGS; i++)
        tags[i] = long_text;
    for (size_t i = 0; i <= RECORD_MATCHES; i++) {
        matches[i] = report.waf.matches[0];
        matches[i].rule_id = i + 1;
        matches[i].data = matches[i].variable_value = matches[i].message = long_text;
        matches[i].tags = tags;
        matches[i].tag_count = RECORD_TAGS + 1;
    }
    report.path = report.query = report.target = report.user_agent = long_text;
    report.waf.matches = matches;
    report.waf.match_count = RECORD_MATCHES + 1;
    size_t size;
    char *bytes = fold(&report, &size);
    check(record_read(span_make(bytes, size), view));
    check_number(view->report.path.len, 8192);
    check_number(view->report.waf.match_count, RECORD_MATCHES);
    for (size_t i = 0; i < RECORD_MATCHES; i++)
        check_number(view->report.waf.matches[i].rule_id, i + 1);
    check_number(view->report.waf.matches[0].data.len, 512);
    free(bytes);
    free(text);
    free(view);
}

int record_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_report_comes_back_as_it_went),
        cmocka_unit_test(what_an_earlier_record_had_is_not_in_the_next),
        cmocka_unit_test(a_negative_score_stays_negative),
        cmocka_unit_test(no_part_of_a_record_is_a_record),
        cmocka_unit_test(a_flipped_bit_does_no_harm),
        cmocka_unit_test(the_largest_request_makes_a_record_and_keeps_all_its_ids),
    };
    return cmocka_run_group_tests_name("record", tests, NULL, NULL);
}
