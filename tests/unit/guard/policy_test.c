/* SPDX-License-Identifier: Apache-2.0 */
/* What is wrong in a policy document is said with its path; what an evaluation may cost is bounded.
 */
#include "sidecar/guard/policy.h"

#include <stdio.h>
#include <stdlib.h>

#include "tests/check.h"
#include "tests/unit/guard/suites.h"

#define STATEMENT(members) "{\"Version\":\"2012-10-17\",\"Statement\":[{" members "}]}"
#define CONDITION(json) \
    STATEMENT("\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":\"*\",\"Condition\":" json)

/* The first fault, "message" or "message (hint)". */
static void check_fault(enum policy_kind kind, const char *text, const char *want)
{
    struct faults *faults = faults_new();
    struct policy *policy = policy_read(span_text(text), kind, "p.json", faults);
    const struct fault *fault = faults_at(faults, 0);
    char got[512] = "";
    if (fault != NULL)
        snprintf(got, sizeof got, "%s%s%s%s", fault->message, fault->hint[0] != '\0' ? " (" : "",
                 fault->hint, fault->hint[0] != '\0' ? ")" : "");
    check_span(span_text(got), want);
    check(policy == NULL);
    faults_free(faults);
}

TEST(an_unknown_member_is_a_fault_with_the_nearest_name)
{
    check_fault(POLICY_IDENTITY, "{\"Statment\":[]}",
                "unknown member 'Statment' (did you mean 'Statement'?)");
    check_fault(
        POLICY_IDENTITY,
        STATEMENT("\"Effect\":\"Allow\",\"Acton\":\"*\",\"Action\":\"*\",\"Resource\":\"*\""),
        "Statement[0]: unknown member 'Acton' (did you mean 'Action'?)");
    check_fault(POLICY_IDENTITY,
                STATEMENT("\"Effect\":\"allow\",\"Action\":\"*\",\"Resource\":\"*\""),
                "Statement[0].Effect: unknown effect 'allow' (did you mean 'Allow'?)");
    check_fault(POLICY_IDENTITY, "{\"Version\":\"2012-10-71\",\"Statement\":[]}",
                "Version: unknown version '2012-10-71' (did you mean '2012-10-17'?)");
}

TEST(an_unknown_operator_is_a_fault_with_its_path_and_the_nearest_name)
{
    check_fault(POLICY_IDENTITY, CONDITION("{\"StringEqual\":{\"a\":\"b\"}}"),
                "Statement[0].Condition.StringEqual: unknown condition operator 'StringEqual' "
                "(did you mean 'StringEquals'?)");
    check_fault(POLICY_IDENTITY, CONDITION("{\"ForAnyValues:Bool\":{\"a\":true}}"),
                "Statement[0].Condition.ForAnyValues:Bool: unknown set prefix 'ForAnyValues' "
                "(did you mean 'ForAnyValue'?)");
    check_fault(
        POLICY_IDENTITY, CONDITION("{\"NullIfExists\":{\"a\":true}}"),
        "Statement[0].Condition.NullIfExists: Null takes neither IfExists nor a set prefix");
}

TEST(a_value_that_its_operator_cannot_read_is_a_fault)
{
    check_fault(POLICY_IDENTITY, CONDITION("{\"NumericEquals\":{\"a\":[\"1\",\"1e3\"]}}"),
                "Statement[0].Condition.NumericEquals.a[1]: expected a number");
    check_fault(POLICY_IDENTITY, CONDITION("{\"Bool\":{\"a\":\"yes\"}}"),
                "Statement[0].Condition.Bool.a: expected true or false");
    check_fault(POLICY_IDENTITY, CONDITION("{\"BinaryEquals\":{\"a\":\"YW5\"}}"),
                "Statement[0].Condition.BinaryEquals.a: expected base64");
    check_fault(POLICY_IDENTITY, CONDITION("{\"DateEquals\":{\"a\":\"2026-02-30\"}}"),
                "Statement[0].Condition.DateEquals.a: expected a date like 2026-11-21T09:30:00Z, "
                "or seconds from 1970");
    check_fault(POLICY_IDENTITY, CONDITION("{\"IpAddress\":{\"a\":\"10.0.0.0/33\"}}"),
                "Statement[0].Condition.IpAddress.a: expected an address or a network like "
                "203.0.113.0/24");
    check_fault(POLICY_IDENTITY, CONDITION("{\"ArnLike\":{\"a\":\"user/ann\"}}"),
                "Statement[0].Condition.ArnLike.a: expected an ARN, "
                "arn:partition:service:region:account:resource");
    check_fault(
        POLICY_IDENTITY, CONDITION("{\"StringLike\":{\"a\":\"${aws:username\"}}"),
        "Statement[0].Condition.StringLike.a: expected a text whose ${variables} are closed");
    check_fault(POLICY_IDENTITY, CONDITION("{\"StringLike\":{\"a\":[]}}"),
                "Statement[0].Condition.StringLike.a: expected at least one value");
}

TEST(a_statement_says_what_and_on_what_and_only_a_resource_policy_says_who)
{
    check_fault(POLICY_IDENTITY, STATEMENT("\"Effect\":\"Allow\",\"Resource\":\"*\""),
                "Statement[0]: expected Action or NotAction");
    check_fault(
        POLICY_IDENTITY,
        STATEMENT("\"Effect\":\"Deny\",\"Action\":\"*\",\"Resource\":\"*\",\"NotResource\":\"*\""),
        "Statement[0]: expected Resource or NotResource, not both");
    check_fault(
        POLICY_IDENTITY,
        STATEMENT("\"Effect\":\"Deny\",\"Action\":\"*\",\"Resource\":\"*\",\"Principal\":\"*\""),
        "Statement[0]: only a resource policy names principals");
    check_fault(POLICY_RESOURCE,
                STATEMENT("\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":\"*\""),
                "Statement[0]: expected Principal or NotPrincipal");
    check_fault(POLICY_IDENTITY,
                STATEMENT("\"Effect\":\"Allow\",\"Action\":\"Invoke\",\"Resource\":\"*\""),
                "Statement[0].Action: expected an action like execute-api:Invoke, or *");
    check_fault(POLICY_IDENTITY,
                STATEMENT("\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":[\"*\",\"/prod\"]"),
                "Statement[0].Resource[1]: expected an ARN, execute-api:/stage/VERB/path, or *");
}

TEST(a_principal_is_whole)
{
#define WHO(json) \
    STATEMENT("\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":\"*\",\"Principal\":" json)
    check_fault(POLICY_RESOURCE, WHO("{\"AWS\":\"arn:aws:iam::123456789012:user/*\"}"),
                "Statement[0].Principal.AWS: expected *, an account, or an ARN without wildcards");
    check_fault(
        POLICY_RESOURCE, WHO("{\"AWS\":[\"123456789012\",\"12345\"]}"),
        "Statement[0].Principal.AWS[1]: expected *, an account, or an ARN without wildcards");
    check_fault(
        POLICY_RESOURCE, WHO("{\"Aws\":\"*\"}"),
        "Statement[0].Principal.Aws: unknown kind of principal 'Aws' (did you mean 'AWS'?)");
    check_fault(POLICY_RESOURCE, WHO("\"ann\""),
                "Statement[0].Principal: expected \"*\" or an object like {\"AWS\": \"...\"}");
    check_fault(POLICY_RESOURCE, WHO("{}"),
                "Statement[0].Principal: expected \"*\" or an object like {\"AWS\": \"...\"}");
}

TEST(what_is_no_policy_is_a_fault)
{
    check_fault(POLICY_IDENTITY, "[]", "expected a policy, an object");
    check_fault(POLICY_IDENTITY, "{}", "Statement: expected at least one statement");
    check_fault(POLICY_IDENTITY, "{\"Statement\":[1]}",
                "Statement[0]: expected a statement, an object");
    check_fault(
        POLICY_IDENTITY,
        "{\"Statement\":[{\"Sid\":\"A\",\"Effect\":\"Deny\",\"Action\":\"*\",\"Resource\":\"*\"},"
        "{\"Sid\":\"A\",\"Effect\":\"Deny\",\"Action\":\"*\",\"Resource\":\"*\"}]}",
        "Statement[1]: another statement has this Sid");
}

TEST(json_that_is_broken_is_a_fault_with_line_and_column)
{
    struct faults *faults = faults_new();
    check(policy_read(SPAN("{\n \"Version\" 1}"), POLICY_IDENTITY, "p.json", faults) == NULL);
    check_number(faults_at(faults, 0)->place.line, 2);
    check(faults_at(faults, 0)->place.column > 0);
    faults_free(faults);
    faults = faults_new();
    check(policy_read(SPAN("{\"Id\":\"a\",\"Id\":\"b\"}"), POLICY_IDENTITY, "p.json", faults) ==
          NULL);
    faults_free(faults);
}

TEST(a_policy_has_a_greatest_length)
{
    struct faults *faults = faults_new();
    char *text = calloc(1, POLICY_BYTES_MOST + 1);
    memset(text, ' ', POLICY_BYTES_MOST + 1);
    check(policy_read(span_make(text, POLICY_BYTES_MOST + 1), POLICY_IDENTITY, "p.json", faults) ==
          NULL);
    check_span(span_text(faults_at(faults, 0)->message), "the policy is longer than 65536 bytes");
    free(text);
    faults_free(faults);
}

static bool long_value(void *context, struct span key, size_t i, struct span *value)
{
    (void)key;
    *value = *(const struct span *)context;
    return i == 0;
}

/* What could not be looked at may have been what a Deny names. */
TEST(a_variable_whose_value_is_too_long_denies)
{
    static char bytes[8192];
    memset(bytes, 'a', sizeof bytes);
    struct span value = span_make(bytes, sizeof bytes);
    struct faults *faults = faults_new();
    struct policy *policy =
        policy_read(SPAN("{\"Version\":\"2012-10-17\",\"Statement\":["
                         "{\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":\"*\"},"
                         "{\"Effect\":\"Deny\",\"Action\":\"*\",\"Resource\":\"*\","
                         "\"Condition\":{\"StringEquals\":{\"b\":\"${a}\"}}}]}"),
                    POLICY_IDENTITY, "p.json", faults);
    check(policy != NULL);
    const struct policy *one = policy;
    const struct policies policies = {.identity = &one, .identity_count = 1};
    struct policy_request request = {
        .action = SPAN("a:b"), .resource = SPAN("*"), .value = long_value, .context = &value};
    struct policy_result result = policies_decide(&policies, POLICY_FLOW_LAMBDA, &request);
    check(result.verdict == POLICY_DENIED_IMPLICITLY && result.over_limit);
    value = SPAN("short");
    result = policies_decide(&policies, POLICY_FLOW_LAMBDA, &request);
    check(result.verdict == POLICY_DENIED_EXPLICITLY && !result.over_limit);
    policy_free(policy);
    faults_free(faults);
}

TEST(kinds_of_policies_have_words_for_logs)
{
    check_span(span_text(policy_kind_word(POLICY_IDENTITY)), "identity policy");
    check_span(span_text(policy_kind_word(POLICY_RESOURCE)), "resource policy");
    check_span(span_text(policy_kind_word(POLICY_BOUNDARY)), "permissions boundary");
    check_span(span_text(policy_kind_word(POLICY_SESSION)), "session policy");
}

int policy_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_unknown_member_is_a_fault_with_the_nearest_name),
        cmocka_unit_test(an_unknown_operator_is_a_fault_with_its_path_and_the_nearest_name),
        cmocka_unit_test(a_value_that_its_operator_cannot_read_is_a_fault),
        cmocka_unit_test(a_statement_says_what_and_on_what_and_only_a_resource_policy_says_who),
        cmocka_unit_test(a_principal_is_whole),
        cmocka_unit_test(what_is_no_policy_is_a_fault),
        cmocka_unit_test(json_that_is_broken_is_a_fault_with_line_and_column),
        cmocka_unit_test(a_policy_has_a_greatest_length),
        cmocka_unit_test(a_variable_whose_value_is_too_long_denies),
        cmocka_unit_test(kinds_of_policies_have_words_for_logs),
    };
    return cmocka_run_group_tests_name("policy", tests, NULL, NULL);
}
