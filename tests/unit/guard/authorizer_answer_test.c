/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/guard/authorizer_answer.h"

#include "sidecar/guard/policy.h"
#include "tests/check.h"
#include "tests/unit/guard/suites.h"

#define POLICY(effect)                                                                      \
    "\"policyDocument\":{\"Version\":\"2012-10-17\",\"Statement\":[{\"Action\":"            \
    "\"execute-api:Invoke\",\"Effect\":\"" effect "\",\"Resource\":[\"arn:aws:execute-api:" \
    "local:000000000000:api/prod/GET/orders/*\"]}]}"
#define BY(principal) "\"principalId\":\"" principal "\""

static struct authorizer_verdict ask(const char *body, enum authorizer_payload payload)
{
    return authorizer_answer_read(span_text(body), payload, AUTHORIZER_EITHER);
}

static void check_word(const char *body, enum authorizer_payload payload, const char *word)
{
    struct authorizer_verdict verdict = ask(body, payload);
    check_span(span_text(verdict.word), word);
    check((verdict.answer != NULL) == (verdict.outcome == AUTHORIZER_ANSWERED));
    if (verdict.answer != NULL)
        kept_give(&verdict.answer->kept);
}

static struct span context_of(const struct authorizer_answer *answer, const char *name)
{
    for (size_t i = 0; i < answer->context_count; i++)
        if (span_is(answer->context[i].name, span_text(name)))
            return answer->context[i].value;
    return SPAN("(absent)");
}

TEST(a_policy_says_who_may_do_what_and_the_context_comes_as_texts)
{
    struct authorizer_verdict verdict =
        ask("{" BY("user|a1b2") "," POLICY(
                "Allow") ",\"context\":{\"s\":\"t\",\"n\":1,\"b\":true,"
                         "\"f\":1.5,\"nothing\":null},\"usageIdentifierKey\":\"k-1\"}",
            AUTHORIZER_REQUEST);
    check_number(verdict.outcome, AUTHORIZER_ANSWERED);
    const struct authorizer_answer *answer = verdict.answer;
    check_span(answer->principal, "user|a1b2");
    check_span(answer->usage_key, "k-1");
    check_span(context_of(answer, "s"), "t");
    check_span(context_of(answer, "n"), "1");
    check_span(context_of(answer, "b"), "true");
    check_span(context_of(answer, "f"), "1.5");
    check_span(context_of(answer, "nothing"), "(absent)");
    const struct policies policies = {.identity = &answer->policy, .identity_count = 1};
    struct policy_request request = {
        .action = SPAN("execute-api:Invoke"),
        .resource = SPAN("arn:aws:execute-api:local:000000000000:api/prod/GET/orders/7")};
    check_number(policies_decide(&policies, POLICY_FLOW_LAMBDA, &request).verdict, POLICY_ALLOWED);
    request.resource = SPAN("arn:aws:execute-api:local:000000000000:api/prod/PUT/orders/7");
    check_number(policies_decide(&policies, POLICY_FLOW_LAMBDA, &request).verdict,
                 POLICY_DENIED_IMPLICITLY);
    kept_give(&verdict.answer->kept);
}

TEST(an_answer_knows_what_it_takes)
{
    struct authorizer_verdict simple = ask("{\"isAuthorized\":true}", AUTHORIZER_2_0);
    struct authorizer_verdict with_policy =
        ask("{" BY("u") "," POLICY("Allow") "}", AUTHORIZER_2_0);
    check(simple.answer->kept.bytes > 4096);
    check(with_policy.answer->kept.bytes >=
          simple.answer->kept.bytes + policy_bytes(with_policy.answer->policy));
    print_message("a simple answer takes %zu bytes, one with a policy %zu\n",
                  simple.answer->kept.bytes, with_policy.answer->kept.bytes);
    kept_give(&simple.answer->kept);
    kept_give(&with_policy.answer->kept);
}

TEST(a_simple_answer_is_yes_or_no_with_any_context)
{
    struct authorizer_verdict verdict =
        ask("{\"isAuthorized\":true,\"context\":{\"o\":{\"a\":[1,2]},\"n\":null}}", AUTHORIZER_2_0);
    check_number(verdict.outcome, AUTHORIZER_ANSWERED);
    check(verdict.answer->policy == NULL && verdict.answer->is_authorized);
    check_span(context_of(verdict.answer, "o"), "{\"a\":[1,2]}");
    kept_give(&verdict.answer->kept);
    verdict = ask("{\"isAuthorized\":false}", AUTHORIZER_2_0);
    check_number(verdict.outcome, AUTHORIZER_ANSWERED);
    check(!verdict.answer->is_authorized);
    kept_give(&verdict.answer->kept);
}

TEST(simple_answers_are_taken_with_2_0_alone_and_where_the_form_allows)
{
    static const char simple[] = "{\"isAuthorized\":true}";
    static const char policy[] = "{" BY("u") "," POLICY("Allow") "}";
    for (enum authorizer_payload i = AUTHORIZER_TOKEN; i < AUTHORIZER_2_0; i++)
        check_word(simple, i, "answer_without_verdict");
    struct authorizer_verdict verdict =
        authorizer_answer_read(span_text(simple), AUTHORIZER_2_0, AUTHORIZER_POLICY);
    check_number(verdict.outcome, AUTHORIZER_MALFORMED);
    verdict = authorizer_answer_read(span_text(policy), AUTHORIZER_2_0, AUTHORIZER_SIMPLE);
    check_number(verdict.outcome, AUTHORIZER_MALFORMED);
    check_word(policy, AUTHORIZER_2_0, "answered");
}

TEST(an_objects_context_is_refused_but_with_2_0)
{
    static const char body[] = "{" BY("u") "," POLICY("Allow") ",\"context\":{\"o\":{}}}";
    check_word(body, AUTHORIZER_TOKEN, "context_malformed");
    check_word(body, AUTHORIZER_REQUEST, "context_malformed");
    check_word(body, AUTHORIZER_1_0, "context_malformed");
    check_word(body, AUTHORIZER_2_0, "answered");
    check_word("{" BY("u") "," POLICY("Allow") ",\"context\":[]}", AUTHORIZER_2_0,
               "context_malformed");
    check_word("{" BY("u") "," POLICY("Allow") ",\"context\":{\"l\":[1]}}", AUTHORIZER_TOKEN,
               "context_malformed");
}

TEST(only_the_very_word_unauthorized_says_that_nobody_is_there)
{
    check_number(ask("{\"errorMessage\":\"Unauthorized\"}", AUTHORIZER_TOKEN).outcome,
                 AUTHORIZER_UNAUTHORIZED);
    check_number(
        ask("{\"errorMessage\":\"Unauthorized\",\"errorType\":\"Exception\"}", AUTHORIZER_2_0)
            .outcome,
        AUTHORIZER_UNAUTHORIZED);
    check_number(ask("{\"errorMessage\":\"unauthorized\"}", AUTHORIZER_TOKEN).outcome,
                 AUTHORIZER_STUMBLED);
    check_number(ask("{\"errorMessage\":\"Unauthorized \"}", AUTHORIZER_TOKEN).outcome,
                 AUTHORIZER_STUMBLED);
    check_number(ask("{\"errorMessage\":7}", AUTHORIZER_2_0).outcome, AUTHORIZER_STUMBLED);
    check_number(
        ask("{\"errorMessage\":\"Unauthorized\",\"isAuthorized\":true}", AUTHORIZER_2_0).outcome,
        AUTHORIZER_UNAUTHORIZED);
}

TEST(what_is_no_answer_is_malformed_and_says_why)
{
    static const struct {
        const char *body, *word;
    } cases[] = {
        {"", "answer_no_json"},
        {"null", "answer_no_json"},
        {"\"Unauthorized\"", "answer_no_json"},
        {"[]", "answer_no_json"},
        {"{", "answer_no_json"},
        {"{\"isAuthorized\":false,\"isAuthorized\":true}", "answer_no_json"},
        {"[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]", "answer_no_json"},
        {"{}", "answer_without_verdict"},
        {"{" BY("u") "}", "answer_without_verdict"},
        {"{\"isAuthorized\":\"true\"}", "is_authorized_no_boolean"},
        {"{\"isAuthorized\":1}", "is_authorized_no_boolean"},
        {"{\"isAuthorized\":null}", "is_authorized_no_boolean"},
        {"{\"isAuthorized\":true,\"context\":\"x\"}", "context_malformed"},
        {"{\"isAuthorized\":true," POLICY("Allow") "}", "answer_in_two_forms"},
        {"{\"principalId\":7," POLICY("Allow") "}", "principal_missing"},
        {"{" BY("u") ",\"policyDocument\":null}", "policy_malformed"},
        {"{" BY("u") ",\"policyDocument\":\"x\"}", "policy_malformed"},
        {"{" BY("u") ",\"policyDocument\":{}}", "policy_malformed"},
        {"{" BY("u") "," POLICY("Allow|Deny") "}", "policy_malformed"},
        {"{" BY("u") "," POLICY("Allow") ",\"usageIdentifierKey\":7}", "usage_key_malformed"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        check_word(cases[i].body, AUTHORIZER_2_0, cases[i].word);
}

TEST(rest_apis_want_a_principal)
{
    check_word("{" POLICY("Allow") "}", AUTHORIZER_TOKEN, "principal_missing");
    check_word("{" BY("") "," POLICY("Allow") "}", AUTHORIZER_REQUEST, "principal_missing");
    check_word("{" POLICY("Allow") "}", AUTHORIZER_1_0, "answered");
    check_word("{" POLICY("Allow") "}", AUTHORIZER_2_0, "answered");
}

int authorizer_answer_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_policy_says_who_may_do_what_and_the_context_comes_as_texts),
        cmocka_unit_test(an_answer_knows_what_it_takes),
        cmocka_unit_test(a_simple_answer_is_yes_or_no_with_any_context),
        cmocka_unit_test(simple_answers_are_taken_with_2_0_alone_and_where_the_form_allows),
        cmocka_unit_test(an_objects_context_is_refused_but_with_2_0),
        cmocka_unit_test(only_the_very_word_unauthorized_says_that_nobody_is_there),
        cmocka_unit_test(what_is_no_answer_is_malformed_and_says_why),
        cmocka_unit_test(rest_apis_want_a_principal),
    };
    return cmocka_run_group_tests_name("authorizers' answers", tests, NULL, NULL);
}
