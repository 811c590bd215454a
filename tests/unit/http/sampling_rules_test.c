/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/http/sampling_rules.h"

#include "sidecar/http/sampling.h"
#include "tests/check.h"
#include "tests/unit/http/suites.h"

static struct pair client_fields[] = {{SPAN_INIT("X-Tenant"), SPAN_INIT("Acme Ltd")},
                                      {SPAN_INIT("Accept"), SPAN_INIT("*/*")}};
static const struct fields fields = {client_fields, 2, 2};
static const struct sampling_request request = {
    .service_name = SPAN_INIT("orders-sidecar"),
    .service_type = SPAN_INIT("AWS::ApiGateway::Stage"),
    .resource_arn = SPAN_INIT("arn:aws:apigateway:eu-west-1::/restapis/shop/stages/live"),
    .host = SPAN_INIT("shop.example:8443"),
    .method = SPAN_INIT("GET"),
    .path = SPAN_INIT("/orders/7"),
    .fields = &fields,
};

TEST(every_field_of_a_rule_has_to_fit)
{
    struct sampling_rule rule = {
        .service_name = SPAN("Orders-*"),
        .service_type = SPAN("AWS::ApiGateway::*"),
        .resource_arn = SPAN("*stages/live"),
        .host = SPAN("shop.example*"),
        .method = SPAN("get"),
        .path = SPAN("/ORDERS/?"),
        .attributes = {{SPAN("x-tenant"), SPAN("acme*")}},
        .attribute_count = 1,
    };
    check(sampling_rule_fits(&rule, &request));
    struct span *const texts[] = {&rule.service_name,
                                  &rule.service_type,
                                  &rule.resource_arn,
                                  &rule.host,
                                  &rule.method,
                                  &rule.path,
                                  &rule.attributes[0].value,
                                  &rule.attributes[0].name};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct span good = *texts[i];
        *texts[i] = SPAN("other");
        check(!sampling_rule_fits(&rule, &request));
        *texts[i] = good;
    }
}

TEST(what_a_rule_does_not_name_fits)
{
    static const struct sampling_rule anything = {.name = SPAN_INIT("all")};
    check(sampling_rule_fits(&anything, &request));
    check(sampling_rule_fits(&sampling_rule_default, &request));
}

TEST(stars_fit_empty_texts_and_question_marks_one_byte)
{
    static const struct {
        const char *pattern, *text;
        bool fits;
    } cases[] = {
        {"*", "", true},
        {"", "", true},
        {"?", "", false},
        {"?", "a", true},
        {"?", "/", true},
        {"a*c", "abbbc", true},
        {"a*c", "ac", true},
        {"a*c", "abcd", false},
        {"*.html", "/a/b.HTML", true},
        {"/a/*/c", "/a/b/b/c", true},
        {"", "a", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct sampling_rule rule = {.path = span_text(cases[i].pattern)};
        struct sampling_request asked = request;
        asked.path = span_text(cases[i].text);
        check(sampling_rule_fits(&rule, &asked) == cases[i].fits);
    }
}

TEST(the_first_by_priority_and_then_by_name_decides)
{
    struct sampling_rule list[] = {
        sampling_rule_default,
        {.name = SPAN("b"), .priority = 10},
        {.name = SPAN("other"), .priority = 1, .method = SPAN("POST")},
        {.name = SPAN("a"), .priority = 10},
    };
    struct sampling_rules rules = {list, 4};
    sampling_rules_sort(list, 4);
    check_span(list[0].name, "other");
    check_span(list[1].name, "a");
    check_span(list[2].name, "b");
    check_span(list[3].name, "Default");
    check_number(sampling_rules_find(&rules, &request), 1);
    list[1].host = list[2].host = SPAN("elsewhere");
    check_number(sampling_rules_find(&rules, &request), 3);
}

TEST(the_default_is_one_a_second_and_five_percent)
{
    check_number(sampling_rule_default.reservoir, 1);
    check_number(sampling_rule_default.rate, SAMPLING_WHOLE / 100 * 5);
}

int sampling_rules_suite(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_field_of_a_rule_has_to_fit),
        cmocka_unit_test(what_a_rule_does_not_name_fits),
        cmocka_unit_test(stars_fit_empty_texts_and_question_marks_one_byte),
        cmocka_unit_test(the_first_by_priority_and_then_by_name_decides),
        cmocka_unit_test(the_default_is_one_a_second_and_five_percent),
    };
    return cmocka_run_group_tests_name("sampling_rules", tests, NULL, NULL);
}
