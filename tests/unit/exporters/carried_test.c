/* SPDX-License-Identifier: Apache-2.0 */
/* What rules carry from elsewhere into their texts: secrets go, all else stays. */
#include "exporters/sanitise.h"
#include "tests/check.h"
#include "tests/unit/exporters/sample.h"

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
    check_carried("ARGS:id", "7", "it begins with hunter2s", "it begins with ",
                  "it begins with REDACTED");
    check_carried("ARGS:id", "7", "s3ssion-of-ann, 23456789", ", ", "REDACTED, REDACTED");
    check_carried("ARGS:id", "7", "f-the-bo", "", "REDACTED");
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

TEST(a_match_in_a_field_that_another_one_of_its_form_names_says_nothing_of_it)
{
    static const struct pair arguments[] = {{SPAN_INIT("value"), SPAN_INIT("hunter2")},
                                            {SPAN_INIT("name"), SPAN_INIT("password")},
                                            {SPAN_INIT("a[0][name]"), SPAN_INIT("otp")},
                                            {SPAN_INIT("a[0][values][]"), SPAN_INIT("1234")},
                                            {SPAN_INIT("a[1][name]"), SPAN_INIT("size")},
                                            {SPAN_INIT("a[1][value]"), SPAN_INIT("5678")},
                                            {SPAN_INIT("a[2][id]"), SPAN_INIT("pin")},
                                            {SPAN_INIT("a[2][value]"), SPAN_INIT("9012")},
                                            {SPAN_INIT("eigenvalue"), SPAN_INIT("3")}};
    enum { COUNT = sizeof arguments / sizeof *arguments };
    static const char *const said[COUNT] = {"REDACTED", "password", "otp",  "REDACTED", "size",
                                            "5678",     "pin",      "9012", "3"};
    static const struct report_brought brought = {.arguments = arguments, .argument_count = COUNT};
    struct arena *arena = arena_new(NULL, 65536);
    for (size_t i = 0; i < COUNT; i++) {
        const struct span parts[] = {SPAN("ARGS:"), arguments[i].name};
        struct rule_match match = {.variable_name = arena_join(arena, parts, 2),
                                   .variable_value = arguments[i].value};
        struct report report = {.waf = {.matches = &match, .match_count = 1, .brought = &brought}};
        report_sanitise(&report, NULL, 0, arena);
        check_span(report.waf.matches[0].variable_value, said[i]);
    }
    arena_free(arena);
}

/* Letters that do not repeat. */
static struct span letters(size_t count, struct arena *arena)
{
    char *text = arena_alloc(arena, count + 1);
    uint32_t x = 1;
    for (size_t i = 0; i < count; i++) {
        x = x * 1103515245 + 12345;
        text[i] = (char)(((x >> 24 & 1) == 0 ? 'a' : 'A') + (int)(x >> 16) % 26);
    }
    return span_make(text, count);
}

/* What the data comes to of a rule that says so, with so much of secrets. */
static struct span carried_data(size_t secrets, const char *text, const char *literals,
                                bool is_lost, struct arena *arena)
{
    const struct pair cookie = {SPAN("id"), letters(secrets, arena)};
    const struct report_brought brought = {
        .cookies = &cookie, .cookie_count = 1, .is_lost = is_lost};
    struct rule_match match = {.variable_name = SPAN("ARGS:q"),
                               .variable_value = SPAN("an attack"),
                               .data = span_text(text),
                               .literals = {.data = span_text(literals)}};
    struct report report = {.client_address = SPAN("192.0.2.1"),
                            .waf = {.matches = &match, .match_count = 1, .brought = &brought}};
    report_sanitise(&report, NULL, 0, arena);
    return report.waf.matches[0].data;
}

TEST(where_not_all_secrets_can_be_known_only_what_is_said_anyway_stays)
{
    enum { TOO_MANY = 400 * 1000 };
    struct arena *arena = arena_new(NULL, 16UL * 1024 * 1024);
    check_span(carried_data(8, "a secret", "", true, arena), "REDACTED");
    check_span(carried_data(8, "found a secret", "found ", true, arena), "found REDACTED");
    check_span(carried_data(8, "found attack", "found ", true, arena), "found attack");
    check_span(carried_data(8, "found 192.0.2.1", "found ", true, arena), "found 192.0.2.1");
    check_span(carried_data(TOO_MANY, "found a secret", "found ", false, arena), "found REDACTED");
    check_span(carried_data(TOO_MANY / 4, "found no secret", "found ", false, arena),
               "found no secret");
    buf_fail_nth(1);
    check_span(carried_data(80, "found an attack", "found ", false, arena), "found an attack");
    buf_fail_nth(1);
    check_span(carried_data(80, "found a secret", "found ", false, arena), "found REDACTED");
    buf_fail_nth(0);
    arena_free(arena);
}

/* Anybody can send one. */
TEST(a_long_cookie_takes_nothing_out_of_what_rules_say)
{
    enum { MATCHES = 20, LONG = 4096 };
    static const char *data =
        "Matched Data: <script found within ARGS:q: <script>alert(1)</script>";
    struct arena *arena = arena_new(NULL, 4UL * 1024 * 1024);
    const struct pair cookie = {SPAN("session"), letters(LONG, arena)};
    const struct report_brought brought = {.cookies = &cookie, .cookie_count = 1};
    struct rule_match matches[MATCHES];
    for (size_t i = 0; i < MATCHES; i++)
        matches[i] = (struct rule_match){
            .variable_name = SPAN("ARGS:q"),
            .variable_value = SPAN("<script>alert(1)</script>"),
            .message = SPAN("Inbound Anomaly Score Exceeded (Total Score: 15)"),
            .data = i % 2 == 0 ? span_text(data) : cookie.value,
            .literals = {.message = SPAN("Inbound Anomaly Score Exceeded (Total Score: \0)"),
                         .data = SPAN("Matched Data: \0 found within \0: ")}};
    struct report report = {
        .waf = {.matches = matches, .match_count = MATCHES, .brought = &brought}};
    report_sanitise(&report, NULL, 0, arena);
    for (size_t i = 0; i < MATCHES; i++) {
        check_span(report.waf.matches[i].data, i % 2 == 0 ? data : "REDACTED");
        check_span(report.waf.matches[i].message,
                   "Inbound Anomaly Score Exceeded (Total Score: 15)");
    }
    arena_free(arena);
}

/* What logdata comes to of a request with that cookie and that argument. */
static void check_beside(struct pair cookie, struct pair argument, const char *text,
                         const char *cleaned)
{
    const struct report_brought brought = {
        .cookies = &cookie, .cookie_count = 1, .arguments = &argument, .argument_count = 1};
    struct arena *arena = arena_new(NULL, 65536);
    struct rule_match match = {.rule_id = 9421001234,
                               .version = SPAN("OWASP_CRS/4.7.0"),
                               .variable_name = SPAN("ARGS:q"),
                               .variable_value = SPAN("x"),
                               .data = span_text(text),
                               .literals = {.data = SPAN("by \0")}};
    struct report report = {.began_wall_us = UINT64_C(1700000000) * 1000000,
                            .client_address = SPAN("127.0.0.1"),
                            .server_port = 8443,
                            .method = SPAN("POST"),
                            .protocol = SPAN("HTTP/1.1"),
                            .request_id = SPAN("0123456789abcdef"),
                            .waf = {.matches = &match, .match_count = 1, .brought = &brought}};
    report_sanitise(&report, NULL, 0, arena);
    check_span(report.waf.matches[0].data, cleaned);
    arena_free(arena);
}

static void check_cookie(const char *value, const char *text, const char *cleaned)
{
    check_beside((struct pair){SPAN("a"), span_text(value)}, (struct pair){SPAN("q"), SPAN("x")},
                 text, cleaned);
}

static void check_token(const char *value, const char *text, const char *cleaned)
{
    check_beside((struct pair){SPAN("a"), SPAN("x")},
                 (struct pair){SPAN("token"), span_text(value)}, text, cleaned);
}

TEST(a_short_secret_goes_out_of_a_rules_texts_only_as_a_word_and_by_its_name)
{
    check_cookie("http", "by http", "by http");
    check_cookie("dark-it", "by dark-it", "by dark-it");
    check_cookie("dark-ish", "by a dark-ish", "by a REDACTED");
    check_token("then", "and then, authenticate", "and REDACTED, authenticate");
    check_token("then", "thenx xthen 1then then1", "thenx xthen 1then then1");
    check_token("the", "by the", "by the");
    check_token("a-pin-7", "by a-pin-7", "by REDACTED");
}

TEST(what_no_client_writes_is_hidden_for_no_cookie_and_no_argument)
{
    check_cookie("127.0.0.1", "by 127.0.0.1", "by 127.0.0.1");
    check_token("127.0.0.1", "by 127.0.0.1", "by 127.0.0.1");
    check_token("POST", "by POST", "by POST");
    check_token("8443", "by 8443", "by 8443");
    check_token("HTTP/1.1", "by HTTP/1.1", "by HTTP/1.1");
    check_token("0123456789abcdef", "by 0123456789abcdef", "by 0123456789abcdef");
    check_token("9421001234", "by 9421001234", "by 9421001234");
    check_token("OWASP_CRS/4.7.0", "by OWASP_CRS/4.7.0", "by OWASP_CRS/4.7.0");
    check_token("1700000001", "by 1700000001", "by 1700000001");
    check_token("22:13:20", "by 22:13:20", "by 22:13:20");
}

static struct span sent_to(const char *location, struct span literals, struct arena *arena)
{
    const struct pair cookie = {SPAN("return_to"), SPAN("https://shop.example.com/cart")};
    const struct pair field = {SPAN("Location"), span_text(location)};
    const struct report_brought brought = {.cookies = &cookie, .cookie_count = 1};
    struct rule_match match = {.variable_name = SPAN("ARGS:q"), .variable_value = SPAN("x")};
    struct report report = {
        .waf = {.action = WAF_BLOCK,
                .matches = &match,
                .match_count = 1,
                .brought = &brought,
                .redirect_literals = literals},
        .audit = {.wanted = true, .response_fields = &field, .response_field_count = 1}};
    report_sanitise(&report, NULL, 0, arena);
    return report.audit.response_fields[0].value;
}

TEST(of_a_redirect_only_what_its_macros_carried_is_hidden)
{
    struct arena *arena = arena_new(NULL, 65536);
    check_span(sent_to("https://shop.example.com/blocked", (struct span){NULL, 0}, arena),
               "https://shop.example.com/blocked");
    check_span(sent_to("https://shop.example.com/?was=e.com/cart",
                       SPAN("https://shop.example.com/?was=\0"), arena),
               "https://shop.example.com/?was=REDACTED");
    arena_free(arena);
}

/* Looking at all names for each match would take minutes. */
TEST(what_names_a_value_is_found_once_and_read_no_further_than_a_name_goes)
{
    enum { ARGUMENTS = 33, MATCHES = 4000, LONG = 60 * 1000 };
    struct arena *arena = arena_new(NULL, 64UL * 1024 * 1024);
    char *name = arena_alloc(arena, LONG);
    for (size_t i = 0; i < LONG; i++)
        name[i] = (i + 6 < LONG ? SPAN("/tokex") : SPAN("/token")).at[i % 6];
    struct pair arguments[ARGUMENTS];
    for (size_t i = 0; i < ARGUMENTS; i++)
        arguments[i] = (struct pair){SPAN("a.value"), SPAN("x")};
    arguments[ARGUMENTS / 2] = (struct pair){SPAN("a.id"), span_make(name, LONG)};
    const struct report_brought brought = {.arguments = arguments, .argument_count = ARGUMENTS};
    struct rule_match *matches = arena_alloc(arena, MATCHES * sizeof *matches);
    for (size_t i = 0; i < MATCHES; i++)
        matches[i] = (struct rule_match){
            .variable_name = SPAN("ARGS:a.value"), .variable_value = SPAN("1"), .is_fixed = true};
    struct report report = {
        .waf = {.matches = matches, .match_count = MATCHES, .brought = &brought}};
    report_sanitise(&report, NULL, 0, arena);
    check_span(report.waf.matches[MATCHES - 1].variable_value, "1");
    arena_free(arena);
}

int carried_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_secret_that_a_rule_carried_from_elsewhere_stands_in_none_of_its_texts),
        cmocka_unit_test(what_is_said_anyway_is_hidden_in_no_text),
        cmocka_unit_test(a_value_that_a_rule_has_stored_shows_no_secret),
        cmocka_unit_test(
            a_match_in_a_value_that_another_member_of_its_object_names_says_nothing_of_it),
        cmocka_unit_test(a_match_in_a_field_that_another_one_of_its_form_names_says_nothing_of_it),
        cmocka_unit_test(where_not_all_secrets_can_be_known_only_what_is_said_anyway_stays),
        cmocka_unit_test(a_long_cookie_takes_nothing_out_of_what_rules_say),
        cmocka_unit_test(a_short_secret_goes_out_of_a_rules_texts_only_as_a_word_and_by_its_name),
        cmocka_unit_test(what_no_client_writes_is_hidden_for_no_cookie_and_no_argument),
        cmocka_unit_test(of_a_redirect_only_what_its_macros_carried_is_hidden),
        cmocka_unit_test(what_names_a_value_is_found_once_and_read_no_further_than_a_name_goes),
    };
    return cmocka_run_group_tests_name("carried", tests, NULL, NULL);
}
