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
    report_sanitise(&report, secret, 1, f->arena);
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

/* ---- what rules carry from elsewhere ---- */

/* What a rule's text comes to, all of which was expanded but `literals`, that matched in that
 * variable of a request with a password, a cookie and a body. */
static void check_carried(const char *variable, const char *value, const char *text,
                          const char *literals, const char *cleaned)
{
    static const struct pair arguments[] = {{SPAN_INIT("password"), SPAN_INIT("Hunter2secret")},
                                            {SPAN_INIT("q"), SPAN_INIT("see token=0123456789")}};
    static const struct pair cookie = {SPAN_INIT("id"), SPAN_INIT("s3ssion-of-ann")};
    static const struct report_brought brought = {
        .arguments = arguments,
        .argument_count = 2,
        .cookies = &cookie,
        .cookie_count = 1,
        .request_body = SPAN_INIT("<password>of-the-body</password>")};
    struct arena *arena = arena_new(NULL, 65536);
    const struct span tag = span_text(text), tag_literals = span_text(literals);
    struct rule_match match = {
        .variable_name = span_text(variable),
        .variable_value = span_text(value),
        .operator_argument = tag,
        .message = tag,
        .data = tag,
        .tags = &tag,
        .tag_count = 1,
        .literals = {tag_literals, tag_literals, tag_literals, &tag_literals}};
    struct report report = {.waf = {.matches = &match, .match_count = 1, .brought = &brought},
                            .audit = {.body_has_secret = true}};
    report_sanitise(&report, NULL, 0, arena);
    const struct rule_match *clean = report.waf.matches;
    check_span(clean->message, cleaned);
    check_span(clean->data, cleaned);
    check_span(clean->operator_argument, cleaned);
    check_span(clean->tags[0], cleaned);
    arena_free(arena);
}

TEST(a_secret_that_a_rule_carried_from_elsewhere_stands_in_none_of_its_texts)
{
    check_carried("ARGS:id", "7", "by hunter2Secret!", "by ", "by REDACTED!");
    check_carried("ARGS:id", "7", "it begins with hunter", "it begins with ",
                  "it begins with REDACTED");
    check_carried("ARGS:id", "7", "s3ssion-of-ann, 23456789", ", ", "REDACTED, REDACTED");
    check_carried("ARGS:id", "7", "f-the-b", "", "REDACTED");
    check_carried("ARGS:id", "7", "a score of 5", "a score of ", "a score of 5");
}

TEST(what_is_said_anyway_is_hidden_in_no_text)
{
    check_carried("ARGS:id", "7", "a secret hunter", "a secret hunter", "a secret hunter");
    check_carried("ARGS:id", "hunter2", "found hunter2", "found ", "found hunter2");
    check_carried("ARGS:hunter", "7", "found in ARGS:hunter", "found in ", "found in ARGS:hunter");
}

TEST(a_value_that_a_rule_has_stored_shows_no_secret)
{
    static const struct pair argument = {SPAN_INIT("pin"), SPAN_INIT("hunter2")};
    static const struct report_brought brought = {.arguments = &argument, .argument_count = 1};
    struct rule_match matches[] = {
        {.variable_name = SPAN("TX:kept"), .variable_value = SPAN("so hunter2")},
        {.variable_name = SPAN("MATCHED_VARS:ip:last"), .variable_value = SPAN("hunter2")},
        {.variable_name = SPAN("ARGS:q"), .variable_value = SPAN("a hunter2")}};
    struct arena *arena = arena_new(NULL, 65536);
    struct report report = {.waf = {.matches = matches, .match_count = 3, .brought = &brought}};
    report_sanitise(&report, NULL, 0, arena);
    check_span(report.waf.matches[0].variable_value, "so REDACTED");
    check_span(report.waf.matches[1].variable_value, "REDACTED");
    check_span(report.waf.matches[2].variable_value, "a hunter2"); /* it may be the attack */
    arena_free(arena);
}

TEST(a_match_in_a_value_that_another_member_of_its_object_names_says_nothing_of_it)
{
    static const struct pair arguments[] = {{SPAN_INIT("json.array_0.name"), SPAN_INIT("note")},
                                            {SPAN_INIT("json.array_0.value"), SPAN_INIT("fine")},
                                            {SPAN_INIT("json.array_1.value"), SPAN_INIT("hunter2")},
                                            {SPAN_INIT("json.array_1.Name"), SPAN_INIT("password")},
                                            {SPAN_INIT("json.value.array_0"), SPAN_INIT("s3cret")},
                                            {SPAN_INIT("json.path"), SPAN_INIT("/a/pin")}};
    static const struct report_brought brought = {.arguments = arguments, .argument_count = 6};
    struct rule_match matches[] = {
        {.variable_name = SPAN("ARGS:json.array_0.value"), .variable_value = SPAN("fine")},
        {.variable_name = SPAN("ARGS:json.array_1.value"), .variable_value = SPAN("hunter2")},
        {.variable_name = SPAN("MATCHED_VARS:ARGS_POST:json.value.array_0"),
         .variable_value = SPAN("s3cret")}};
    struct arena *arena = arena_new(NULL, 65536);
    struct report report = {.waf = {.matches = matches, .match_count = 3, .brought = &brought}};
    report_sanitise(&report, NULL, 0, arena);
    check_span(report.waf.matches[0].variable_value, "fine");
    check_span(report.waf.matches[1].variable_value, "REDACTED");
    check_span(report.waf.matches[2].variable_value, "REDACTED");
    arena_free(arena);
}

/* What the data comes to of a rule that says so much, with so much of secrets. */
static struct span carried_data(size_t secrets, size_t text, bool is_lost, struct arena *arena)
{
    char *long_secret = arena_alloc(arena, secrets + 1), *long_text = arena_alloc(arena, text + 1);
    for (size_t i = 0; i < secrets; i++)
        long_secret[i] = (char)('a' + (i * i / 7 + i / 5) % 26);
    memset(long_text, '#', text);
    const struct pair cookie = {SPAN("id"), span_make(long_secret, secrets)};
    const struct report_brought brought = {
        .cookies = &cookie, .cookie_count = 1, .is_lost = is_lost};
    for (size_t i = 0; i < text && secrets > 0; i++)
        long_text[i] = long_secret[i * 31 % secrets];
    struct rule_match match = {.variable_name = SPAN("ARGS:q"),
                               .data = span_make(long_text, text),
                               .literals = {.data = SPAN("")}};
    struct report report = {.waf = {.matches = &match, .match_count = 1, .brought = &brought}};
    report_sanitise(&report, NULL, 0, arena);
    return report.waf.matches[0].data;
}

TEST(where_not_all_secrets_can_be_known_or_searched_for_no_expanded_text_is_said)
{
    struct arena *arena = arena_new(NULL, 16UL * 1024 * 1024);
    check_span(carried_data(8, 16, true, arena), "REDACTED");
    check_span(carried_data(70000, 16, false, arena), "REDACTED");
    check_span(carried_data(60000, 1000000, false, arena), "REDACTED");
    check_number(carried_data(0, 100, false, arena).len, 100);
    arena_free(arena);
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
        cmocka_unit_test(a_body_with_any_content_coding_is_hidden_whole),
        cmocka_unit_test(a_secret_text_is_found_behind_its_escapes),
        cmocka_unit_test(an_arena_that_is_full_gives_nothing_away),
        cmocka_unit_test(a_form_that_fills_the_arena_gives_nothing_away),
        cmocka_unit_test(a_form_that_repeats_its_secret_is_cleaned_in_linear_time),
        cmocka_unit_test(a_piece_of_a_secret_that_a_rule_captured_stands_in_no_message_and_no_tag),
        cmocka_unit_test(a_secret_that_a_rule_carried_from_elsewhere_stands_in_none_of_its_texts),
        cmocka_unit_test(what_is_said_anyway_is_hidden_in_no_text),
        cmocka_unit_test(a_value_that_a_rule_has_stored_shows_no_secret),
        cmocka_unit_test(
            a_match_in_a_value_that_another_member_of_its_object_names_says_nothing_of_it),
        cmocka_unit_test(
            where_not_all_secrets_can_be_known_or_searched_for_no_expanded_text_is_said),
        cmocka_unit_test(what_a_tracestate_an_agent_or_a_forwarded_host_has_of_secrets_is_hidden),
        cmocka_unit_test(what_a_web_acl_found_in_a_header_with_a_secret_is_hidden),
        cmocka_unit_test(
            a_password_before_a_host_is_hidden_in_the_authority_the_target_and_the_field),
    };
    return cmocka_run_group_tests_name("sanitise", tests, NULL, NULL);
}
