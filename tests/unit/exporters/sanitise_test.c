/* SPDX-License-Identifier: Apache-2.0 */
/* What is sanitised appears in no form of the audit log. */
#include "exporters/sanitise.h"

#include "exporters/form.h"
#include "tests/check.h"
#include "tests/unit/exporters/audited.h"

static void check_hidden(struct audited_scene *f, const struct report *report, const char *secret)
{
    check(!has(audited_written(f, report, AUDIT_JSON), secret));
    check(!has(audited_written(f, report, AUDIT_NATIVE), secret));
}

TEST(a_named_argument_never_appears)
{
    static const struct pair names[] = {{.name = SPAN_INIT("ARGS:password")}};
    struct audited_scene f;
    audited_begin(&f);
    struct rule_match match = {.rule_id = 7,
                               .phase = PHASE_REQUEST_BODY,
                               .file = "x",
                               .operator_text = SPAN("rx"),
                               .variable_name = SPAN("ARGS_POST:password"),
                               .variable_value = SPAN("hunter2"),
                               .message = SPAN("found hunter2"),
                               .data = SPAN("Matched Data: unter found within hunter2"),
                               .audit = true};
    struct report report = audited("ABCEFHIJKZ");
    report.target = SPAN("/a?PASSWORD=hunter2&q=h%75nter2");
    report.query = SPAN("PASSWORD=hunter2&q=h%75nter2");
    report.referer = SPAN("http://x/?HUNTER2");
    const struct span tag = SPAN("saw hunter2");
    match.tags = &tag;
    match.tag_count = 1;
    report.waf.matches = &match;
    report.waf.match_count = 1;
    report_sanitise(&report, names, 1, f.arena);
    check_span(report.waf.matches[0].tags[0], "saw REDACTED");
    form_fill(&report.audit, f.arena);
    check_span(report.target, "/a?PASSWORD=REDACTED&q=REDACTED");
    check_span(report.query, "PASSWORD=REDACTED&q=REDACTED");
    check_span(report.audit.request_body, "q=1&password=REDACTED");
    check_span(report.waf.matches[0].message, "found REDACTED");
    check_span(report.referer, "http://x/?REDACTED");
    check_hidden(&f, &report, "unter");
    check_hidden(&f, &report, "HUNTER2");
    audited_end(&f);
}

TEST(named_fields_and_cookies_never_appear)
{
    static const struct pair names[] = {{.name = SPAN_INIT("REQUEST_COOKIES:sid")},
                                        {.name = SPAN_INIT("RESPONSE_HEADERS:Set-Cookie")},
                                        {.name = SPAN_INIT("REQUEST_HEADERS:host")}};
    struct audited_scene f;
    audited_begin(&f);
    struct report report = audited("ABCEFHIJKZ");
    report_sanitise(&report, names, 3, f.arena);
    check_span(report.audit.request_fields[0].value, "REDACTED");
    check_span(report.audit.request_fields[2].value, "sid=REDACTED; theme=REDACTED");
    check_span(report.audit.response_fields[1].value, "REDACTED");
    check_span(report.audit.response_fields[2].value, "REDACTED");
    check_hidden(&f, &report, "s3ssion");
    check_hidden(&f, &report, "shop.example:8443");
    audited_end(&f);
}

TEST(what_an_access_line_has_of_answers_and_tokens_is_hidden_too)
{
    static const struct pair names[] = {{.name = SPAN_INIT("RESPONSE_HEADERS:X-Amzn-RequestId")},
                                        {SPAN_INIT("ARGS:password"), SPAN_INIT("hunter2")}};
    static const struct pair members[] = {{SPAN_INIT("note"), SPAN_INIT("of hunter2")}};
    struct audited_scene f;
    audited_begin(&f);
    struct report report = audited("AZ");
    report.upstream_request_id = SPAN("id-7");
    report.upstream_extended_id = SPAN("of hunter2");
    report.authorizer.members = members;
    report.authorizer.member_count = 1;
    report_sanitise(&report, names, 2, f.arena);
    check_span(report.upstream_request_id, "REDACTED");
    check_span(report.upstream_extended_id, "of REDACTED");
    check_span(report.authorizer.members[0].value, "of REDACTED");
    audited_end(&f);
}

TEST(a_named_argument_hides_a_part_of_a_form_and_any_other_body)
{
    static const struct pair names[] = {{.name = SPAN_INIT("ARGS:a")}};
    struct audited_scene f;
    audited_begin(&f);
    struct report report = audited("ABCEFHIJKZ");
    report.audit.request_fields = audited_multipart_fields;
    report.audit.request_field_count = 1;
    report.audit.request_body = audited_multipart;
    report_sanitise(&report, names, 1, f.arena);
    form_fill(&report.audit, f.arena);
    check_hidden(&f, &report, "one & 2");
    check_span(report.audit.fields_of_form, "a=REDACTED");
    check_number(report.audit.file_count, 1);
    report = audited("ABCEFHIJKZ");
    report.audit.request_field_count = 0;
    report.audit.request_body = SPAN("{\"a\":\"s3cret\"}");
    report_sanitise(&report, names, 1, f.arena);
    check_span(report.audit.request_body, "REDACTED");
    audited_end(&f);
}

TEST(a_body_with_any_content_coding_is_hidden_whole)
{
    static const struct pair names[] = {{.name = SPAN_INIT("ARGS:a")}};
    const struct pair fields[] = {audited_request_fields[1],
                                  {SPAN_INIT("Content-Encoding"), SPAN_INIT("identity")},
                                  {SPAN_INIT("content-encoding"), SPAN_INIT("gzip")}};
    struct audited_scene f;
    audited_begin(&f);
    struct report report = audited("ABCEFHIJKZ");
    report.audit.request_fields = fields;
    report.audit.request_field_count = 3;
    report.audit.request_body = SPAN("\x1f\x8b s3cret");
    report_sanitise(&report, names, 1, f.arena);
    check_span(report.audit.request_body, "REDACTED");
    audited_end(&f);
}

TEST(a_secret_text_is_found_behind_its_escapes)
{
    static const struct pair secrets[] = {{.value = SPAN_INIT("hunter2")}};
    struct audited_scene f;
    audited_begin(&f);
    struct report report = audited("ABCEFHIJKZ");
    report.target = SPAN("/a?x=%48unter2&y=2");
    report_sanitise(&report, secrets, 1, f.arena);
    check_span(report.target, "/a?x=REDACTED&y=2");
    check_span(report.audit.request_body, "q=1&password=REDACTED");
    report = audited("ABCEFHIJKZ");
    report.audit.request_field_count = 0;
    report.audit.request_body = SPAN("{\"a\":\"hunter\\u0032\"}");
    report_sanitise(&report, secrets, 1, f.arena);
    check_span(report.audit.request_body, "REDACTED");
    audited_end(&f);
}

TEST(an_arena_that_is_full_gives_nothing_away)
{
    static const struct pair names[] = {{.name = SPAN_INIT("ARGS:password")}};
    for (unsigned n = 1; n < 4; n++) {
        struct audited_scene f;
        audited_begin(&f);
        arena_fail_nth(n);
        struct report report = audited("ABCEFHIJKZ");
        report.target = SPAN("/a?password=hunter2");
        report_sanitise(&report, names, 1, f.arena);
        arena_fail_nth(0);
        check_hidden(&f, &report, "hunter2");
        audited_end(&f);
    }
}

int sanitise_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_named_argument_never_appears),
        cmocka_unit_test(named_fields_and_cookies_never_appear),
        cmocka_unit_test(what_an_access_line_has_of_answers_and_tokens_is_hidden_too),
        cmocka_unit_test(a_named_argument_hides_a_part_of_a_form_and_any_other_body),
        cmocka_unit_test(a_body_with_any_content_coding_is_hidden_whole),
        cmocka_unit_test(a_secret_text_is_found_behind_its_escapes),
        cmocka_unit_test(an_arena_that_is_full_gives_nothing_away),
    };
    return cmocka_run_group_tests_name("sanitise", tests, NULL, NULL);
}
