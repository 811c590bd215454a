/* SPDX-License-Identifier: Apache-2.0 */
/* What is sanitised appears in no form of the audit log. */
#include "exporters/sanitise.h"

#include <string.h>

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

/* What a body of a request with these fields comes to. */
static struct span cleaned(struct audited_scene *f, const struct pair *fields, size_t count,
                           struct span body, const struct pair *secret)
{
    struct report report = audited("ABCEFHIJKZ");
    report.audit.request_fields = fields;
    report.audit.request_field_count = count;
    report.audit.request_body = body;
    report_sanitise(&report, secret, secret != NULL ? 1 : 0, f->arena);
    return report.audit.request_body;
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
    check_span(cleaned(&f, NULL, 0, SPAN("{\"a\":\"s3cret\"}"), names), "REDACTED");
    audited_end(&f);
}

TEST(a_part_of_a_form_that_another_one_names_is_masked)
{
    static const struct pair field = {SPAN_INIT("Content-Type"),
                                      SPAN_INIT("multipart/form-data; boundary=B")};
    static const char body[] = "--B\r\nContent-Disposition: form-data; name=\"f[value]\"\r\n\r\n"
                               "hunter2\r\n"
                               "--B\r\nContent-Disposition: form-data; name=\"f[name]\"\r\n\r\n"
                               "password\r\n"
                               "--B\r\nContent-Disposition: form-data; name=\"g[value]\"\r\n\r\n"
                               "fine\r\n"
                               "--B\r\nContent-Disposition: form-data; name=\"g[field]\"\r\n\r\n"
                               "code\r\n"
                               "--B\r\nContent-Disposition: form-data; name=\"f[value]\"\r\n\r\n"
                               "hunter3\r\n--B--\r\n";
    struct audited_scene f;
    audited_begin(&f);
    struct span clean = cleaned(&f, &field, 1, SPAN(body), NULL);
    check(!has(clean, "hunter"));
    check(has(clean, "fine") && has(clean, "password"));
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
    check_span(cleaned(&f, fields, 3, SPAN("\x1f\x8b s3cret"), names), "REDACTED");
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
    check_span(cleaned(&f, NULL, 0, SPAN("{\"a\":\"hunter\\u0032\"}"), secrets), "REDACTED");
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

/* Of forms whose escapes are undone, whatever room there is. */
static void check_form_in(size_t ceiling, struct span form, const char *elsewhere)
{
    static const struct pair names[] = {{.name = SPAN_INIT("ARGS:s n")}};
    static const struct pair fields[] = {
        {SPAN_INIT("content-type"), SPAN_INIT("application/x-www-form-urlencoded")}};
    struct arena *arena = arena_new(NULL, ceiling);
    struct rule_match match = {.rule_id = 7, .variable_value = span_text(elsewhere)};
    struct report report = sample_report();
    report.waf.matches = &match;
    report.waf.match_count = 1;
    report.audit = (struct report_audit){
        .wanted = true, .request_fields = fields, .request_field_count = 1, .request_body = form};
    report.referer = span_text(elsewhere);
    report_sanitise(&report, names, 1, arena);
    check(!has(report.audit.request_body, "hunter2") && !has(report.audit.request_body, "hunter%"));
    check(!has(report.referer, "hunter2"));
    check(report.waf.match_count == 0 || !has(report.waf.matches[0].variable_value, "hunter2"));
    arena_free(arena);
}

TEST(a_form_that_fills_the_arena_gives_nothing_away)
{
    struct buf form;
    buf_init(&form, 256UL * 1024);
    for (int i = 0; i < 6000; i++)
        buf_add(&form, SPAN("abc%20efgh=1&"));
    buf_add(&form, SPAN("s%20n=hunter%32"));
    for (size_t ceiling = 8192; ceiling <= 1024UL * 1024; ceiling *= 2)
        check_form_in(ceiling, buf_span(&form), "of hunter2 too");
    for (unsigned n = 1; n < 8; n++) {
        buf_fail_nth(n);
        check_form_in(1024UL * 1024, SPAN("a%20b=1&s+n=hunter%32"), "of hunter2 too");
        buf_fail_nth(0);
    }
    buf_fini(&form);
}

/* Comparing at every place would take an hour. */
TEST(a_form_that_repeats_its_secret_is_cleaned_in_linear_time)
{
    enum { LONG = 512 * 1024 };
    struct buf form;
    buf_init(&form, 2UL * LONG);
    buf_add(&form, SPAN("s+n="));
    memset(buf_room(&form, LONG / 2), 'a', LONG / 2);
    buf_grew(&form, LONG / 2);
    buf_add(&form, SPAN("hunter2&x="));
    memset(buf_room(&form, LONG), 'a', LONG);
    buf_grew(&form, LONG);
    check_form_in(4UL * 1024 * 1024, buf_span(&form), "of others");
    buf_fini(&form);
}

/* ---- pieces of secrets ---- */

/* What the message of a rule comes to that matched in that variable. */
static void check_message(const char *variable, const char *value, const char *message,
                          const char *cleaned)
{
    struct arena *arena = arena_new(NULL, 65536);
    const struct span tag = span_text(message);
    struct rule_match match = {.variable_name = span_text(variable),
                               .variable_value = span_text(value),
                               .message = tag,
                               .tags = &tag,
                               .tag_count = 1};
    struct report report = {.waf = {.matches = &match, .match_count = 1}};
    report_sanitise(&report, NULL, 0, arena);
    check_span(report.waf.matches[0].message, cleaned);
    check_span(report.waf.matches[0].tags[0], cleaned);
    match.is_fixed = true;
    report.waf.matches = &match;
    report_sanitise(&report, NULL, 0, arena);
    check_span(report.waf.matches[0].message, message);
    arena_free(arena);
}

TEST(a_piece_of_a_secret_that_a_rule_captured_stands_in_no_message_and_no_tag)
{
    char text[1024 + 1] = "";
    check_message("REQUEST_HEADERS:Authorization", "Bearer 0123456789abcdef", "by 0123456789abcdef",
                  "by REDACTED");
    check_message("REQUEST_HEADERS:Authorization", "Bearer 0123456789abcdef", "x6789Ay, 12345",
                  "xREDACTEDy, REDACTED");
    check_message("ARGS:q", "see password=hunter2secret", "it begins with hunter2s",
                  "it begins with REDACTED");
    check_message("ARGS:q", "hunter2secret", "it begins with hunter2s", "it begins with hunter2s");
    check_message("REQUEST_HEADERS:Host", "bob:hunter2@x", "of hunter2@x", "of REDACTED");
    memset(text, 'a', sizeof text - 1);
    check_message("REQUEST_HEADERS:X-Api-Key", "0123456789abcdef", text, "REDACTED");
}

/* A rule that found the variable in a request with these cookies: what it says. */
static void check_cookie(const char *cookies, const char *variable, const char *value,
                         const char *variable_said, const char *message_said)
{
    const struct pair field = {SPAN("Cookie"), span_text(cookies)};
    const struct report_brought brought = {.request_fields = &field, .request_field_count = 1};
    struct arena *arena = arena_new(NULL, 65536);
    const struct span tag = SPAN("of 0123456789abcdef");
    struct rule_match match = {.variable_name = span_text(variable),
                               .variable_value = span_text(value),
                               .message = tag,
                               .data = span_text(variable),
                               .tags = &tag,
                               .tag_count = 1};
    struct report report = {.waf = {.matches = &match, .match_count = 1, .brought = &brought}};
    report_sanitise(&report, NULL, 0, arena);
    const struct rule_match *clean = report.waf.matches;
    check_span(clean->variable_name, variable_said);
    check_span(clean->message, message_said);
    check_span(clean->tags[0], message_said);
    check(!has(clean->variable_value, "0123456789abcdef"));
    check(!has(clean->data, "0123456789abcdef"));
    arena_free(arena);
}

TEST(a_cookie_without_a_name_is_no_name)
{
    static const char cookie[] = "0123456789abcdef", *said = "of 0123456789abcdef",
                      *hidden = "of REDACTED";
    check_cookie(cookie, "REQUEST_COOKIES:0123456789abcdef", "", "REQUEST_COOKIES:REDACTED",
                 hidden);
    check_cookie("a=1;\t0123456789abcdef; b", "REQUEST_COOKIES_NAMES:0123456789abcdef", cookie,
                 "REQUEST_COOKIES_NAMES:REDACTED", hidden);
    check_cookie(cookie, "MATCHED_VARS:REQUEST_COOKIES:0123456789ABCDEF", "",
                 "MATCHED_VARS:REQUEST_COOKIES:REDACTED", hidden);
    check_cookie(cookie, "MATCHED_VARS:MATCHED_VARS:REQUEST_COOKIES_NAMES:0123456789abcdef", cookie,
                 "MATCHED_VARS:MATCHED_VARS:REQUEST_COOKIES_NAMES:REDACTED", hidden);
    check_cookie("theme=", "REQUEST_COOKIES:theme", "", "REQUEST_COOKIES:theme", said);
    check_cookie("theme=dark; dark", "REQUEST_COOKIES_NAMES:theme", "theme",
                 "REQUEST_COOKIES_NAMES:theme", said);
    check_cookie("theme", "ARGS:theme", "", "ARGS:theme", said);
}

TEST(what_a_tracestate_an_agent_or_a_forwarded_host_has_of_secrets_is_hidden)
{
    static const struct pair fields[] = {
        {SPAN_INIT("X-Forwarded-Host"), SPAN_INIT("bob:hunter2@x, y")},
        {SPAN_INIT("Forwarded"), SPAN_INIT("for=1.2.3.4; Host=\"bob:hunter2@x\";proto=http")},
        {SPAN_INIT("Forwarded"), SPAN_INIT("for=1.2.3.4;host=x")}};
    struct arena *arena = arena_new(NULL, 65536);
    struct report report = {
        .trace_state = SPAN("a=1,b=ghp_0123456789abcdefghijklmnop"),
        .audit = {.wanted = true, .request_fields = fields, .request_field_count = 3}};
    report_sanitise(&report, NULL, 0, arena);
    check_span(report.trace_state, "a=1,b=REDACTED");
    report.trace_state = SPAN("key00=vvvv,token=abcd");
    report.user_agent = SPAN("curl/1 (password=hunter2hunter)");
    report_sanitise(&report, NULL, 0, arena);
    check_span(report.trace_state, "key00=vvvv,token=abcd"); /* its names are vendors' */
    check_span(report.user_agent, "curl/1 (password=REDACTED)");
    check_span(report.audit.request_fields[0].value, "REDACTED@x, y");
    check_span(report.audit.request_fields[1].value, "for=1.2.3.4; Host=REDACTED@x\";proto=http");
    check_span(report.audit.request_fields[2].value, "for=1.2.3.4;host=x");
    arena_free(arena);
}

static struct span found_in(const char *location, const char *field, struct arena *arena)
{
    static const struct pair fields[] = {
        {SPAN_INIT("X-Note"), SPAN_INIT("Bearer 0123456789abcdef' or 1=1")},
        {SPAN_INIT("X-Other"), SPAN_INIT("0123456789abcdef' or 1=1")}};
    const struct report_waf_rule rule = {
        .location = location, .field = span_text(field), .data = SPAN("0123456789abcdef")};
    struct report_decision decision = {.rule = &rule};
    struct report report = {.decisions = &decision,
                            .decision_count = 1,
                            .audit = {.request_fields = fields, .request_field_count = 2}};
    report_sanitise(&report, NULL, 0, arena);
    return report.decisions[0].rule->data;
}

TEST(what_a_web_acl_found_in_a_header_with_a_secret_is_hidden)
{
    struct arena *arena = arena_new(NULL, 65536);
    check_span(found_in("HEADER", "x-api-key", arena), "REDACTED");
    check_span(found_in("HEADER", "x-note", arena), "REDACTED");
    check_span(found_in("HEADER", "", arena), "REDACTED"); /* nobody knows in which */
    check_span(found_in("HEADER", "x-other", arena), "0123456789abcdef");
    arena_free(arena);
}

/* ---- users of hosts ---- */

TEST(a_password_before_a_host_is_hidden_in_the_authority_the_target_and_the_field)
{
    static const struct pair fields[] = {{SPAN_INIT("Host"), SPAN_INIT("bob:hunter@2@x:80")}};
    struct arena *arena = arena_new(NULL, 65536);
    struct report report = {
        .authority = SPAN("bob:hunter@2@x:80"),
        .target = SPAN("bob:hunter2@h:443"),
        .path = SPAN("bob:hunter2@h:443"),
        .audit = {.wanted = true, .request_fields = fields, .request_field_count = 1}};
    report_sanitise(&report, NULL, 0, arena);
    check_span(report.authority, "REDACTED@x:80");
    check_span(report.target, "REDACTED@h:443");
    check_span(report.path, "REDACTED@h:443");
    check_span(report.audit.request_fields[0].value, "REDACTED@x:80");
    report = (struct report){.authority = SPAN("x:80"), .target = SPAN("/a:b@c")};
    report_sanitise(&report, NULL, 0, arena);
    check_span(report.authority, "x:80");
    check_span(report.target, "/a:b@c");
    arena_free(arena);
}

int sanitise_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_named_argument_never_appears),
        cmocka_unit_test(named_fields_and_cookies_never_appear),
        cmocka_unit_test(what_an_access_line_has_of_answers_and_tokens_is_hidden_too),
        cmocka_unit_test(a_named_argument_hides_a_part_of_a_form_and_any_other_body),
        cmocka_unit_test(a_part_of_a_form_that_another_one_names_is_masked),
        cmocka_unit_test(a_body_with_any_content_coding_is_hidden_whole),
        cmocka_unit_test(a_secret_text_is_found_behind_its_escapes),
        cmocka_unit_test(an_arena_that_is_full_gives_nothing_away),
        cmocka_unit_test(a_form_that_fills_the_arena_gives_nothing_away),
        cmocka_unit_test(a_form_that_repeats_its_secret_is_cleaned_in_linear_time),
        cmocka_unit_test(a_piece_of_a_secret_that_a_rule_captured_stands_in_no_message_and_no_tag),
        cmocka_unit_test(a_cookie_without_a_name_is_no_name),
        cmocka_unit_test(what_a_tracestate_an_agent_or_a_forwarded_host_has_of_secrets_is_hidden),
        cmocka_unit_test(what_a_web_acl_found_in_a_header_with_a_secret_is_hidden),
        cmocka_unit_test(
            a_password_before_a_host_is_hidden_in_the_authority_the_target_and_the_field),
    };
    return cmocka_run_group_tests_name("sanitise", tests, NULL, NULL);
}
