/* SPDX-License-Identifier: Apache-2.0 */
/* X-Ray's sampling rules in both shapes, and what is wrong in them. */
#include "sidecar/config/sampling_document.h"

#include "rules/base/must.h"
#include "sidecar/http/sampling.h"
#include "tests/check.h"
#include "tests/unit/config/suites.h"

struct fixture {
    struct sampling_document document;
    struct buf faults;
};

static const struct sampling_rules *read_as(struct fixture *f, const char *text, bool is_answer)
{
    f->document = (struct sampling_document){.arena = arena_new(NULL, (size_t)1 << 22),
                                             .faults = faults_new(),
                                             .file = "rules.json",
                                             .is_answer = is_answer};
    buf_init(&f->faults, 65536);
    const struct sampling_rules *rules = sampling_document_read(&f->document, span_text(text));
    faults_print(f->document.faults, &f->faults);
    return rules;
}

static void drop(struct fixture *f)
{
    arena_free(f->document.arena);
    faults_free(f->document.faults);
    buf_fini(&f->faults);
}

static void check_faults(const char *text, const char *faults)
{
    struct fixture f;
    check(read_as(&f, text, false) == NULL);
    check_span(buf_span(&f.faults), faults);
    drop(&f);
}

TEST(the_local_file_of_the_sdks_is_read_in_its_order)
{
    struct fixture f;
    const struct sampling_rules *rules =
        read_as(&f,
                "{\"version\": 2,\n \"rules\": [\n"
                "  {\"description\": \"Player moves.\", \"host\": \"*\", \"http_method\": \"*\",\n"
                "   \"url_path\": \"/api/move/*\", \"fixed_target\": 0, \"rate\": 0.05},\n"
                "  {\"host\": \"a.?\", \"http_method\": \"GET\", \"url_path\": \"*\",\n"
                "   \"fixed_target\": 7, \"rate\": 1e-1}],\n"
                " \"default\": {\"fixed_target\": 2, \"rate\": 1}}\n",
                false);
    check_span(buf_span(&f.faults), "");
    check(rules != NULL);
    check_number(rules->count, 3);
    check_span(rules->at[0].name, "Player moves.");
    check_span(rules->at[0].path, "/api/move/*");
    check(rules->at[0].host.at == NULL && rules->at[0].method.at == NULL);
    check_number(rules->at[0].rate, SAMPLING_WHOLE / 20);
    check_number(rules->at[0].reservoir, 0);
    check_span(rules->at[1].name, "rule 2");
    check_span(rules->at[1].host, "a.?");
    check_number(rules->at[1].rate, SAMPLING_WHOLE / 10);
    check_span(rules->at[2].name, "Default");
    check_number(rules->at[2].reservoir, 2);
    check_number(rules->at[2].rate, SAMPLING_WHOLE);
    drop(&f);
}

#define RECORD(more)                                                              \
    "{\"SamplingRule\": {\"RuleName\": \"own\", \"Priority\": 5, \"FixedRate\": " \
    "0.5, \"ReservoirSize\": 3, \"Version\": 1" more "}}"

TEST(what_the_service_answers_is_read_by_priority)
{
    struct fixture f;
    const struct sampling_rules *rules = read_as(
        &f,
        "{\"SamplingRuleRecords\": [{\"SamplingRule\": {\"RuleName\": \"Default\", \"RuleARN\": "
        "\"arn:aws:xray:eu-west-1:1:sampling-rule/Default\", \"ResourceARN\": \"*\", \"Priority\": "
        "10000, \"FixedRate\": 0.01, \"ReservoirSize\": 4, \"ServiceName\": \"*\", "
        "\"ServiceType\": \"*\", \"Host\": \"*\", \"HTTPMethod\": \"*\", \"URLPath\": \"*\", "
        "\"Version\": 1, \"Attributes\": {}}, \"CreatedAt\": 0.0, \"ModifiedAt\": 1.5E9},\n" RECORD(
            ", \"ServiceName\": \"orders*\", \"ServiceType\": \"AWS::*\", \"Host\": \"h\", "
            "\"HTTPMethod\": \"POST\", \"URLPath\": \"/p\", \"ResourceARN\": \"arn:*\", "
            "\"Attributes\": {\"x-tenant\": \"a*\"}") "]}",
        false);
    check_span(buf_span(&f.faults), "");
    check(rules != NULL);
    check_number(rules->count, 2);
    check_span(rules->at[0].name, "own");
    check_span(rules->at[0].service_name, "orders*");
    check_span(rules->at[0].service_type, "AWS::*");
    check_span(rules->at[0].host, "h");
    check_span(rules->at[0].method, "POST");
    check_span(rules->at[0].path, "/p");
    check_span(rules->at[0].resource_arn, "arn:*");
    check_number(rules->at[0].attribute_count, 1);
    check_span(rules->at[0].attributes[0].name, "x-tenant");
    check_number(rules->at[0].priority, 5);
    check_number(rules->at[0].rate, SAMPLING_WHOLE / 2);
    check_number(rules->at[0].reservoir, 3);
    check_span(rules->at[1].name, "Default");
    check_number(rules->at[1].reservoir, 4);
    check_number(rules->at[1].rate, SAMPLING_WHOLE / 100);
    drop(&f);
}

TEST(a_document_without_a_default_rule_gets_xrays)
{
    struct fixture f;
    const struct sampling_rules *rules =
        read_as(&f, "{\"SamplingRuleRecords\": [" RECORD("") "]}", false);
    check(rules != NULL);
    check_number(rules->count, 2);
    check_number(rules->at[1].reservoir, 1);
    check_number(rules->at[1].rate, SAMPLING_WHOLE / 20);
    drop(&f);
}

TEST(a_service_may_say_more_than_is_known)
{
    struct fixture f;
    const struct sampling_rules *rules =
        read_as(&f,
                "{\"SamplingRuleRecords\": [" RECORD(
                    ", \"Colour\": \"red\"") ", {\"SamplingRule\": "
                                             "{\"RuleName\": \"later\", \"Version\": 2}, "
                                             "\"Owner\": 1}], \"Next\": null}",
                true);
    check_span(buf_span(&f.faults), "");
    check(rules != NULL);
    check_number(rules->count, 2);
    drop(&f);
}

TEST(pages_are_put_together)
{
    struct fixture f;
    struct sampling_rule rules[SAMPLING_RULES_MOST];
    size_t count = 0;
    struct span next;
    (void)read_as(&f, "{\"SamplingRuleRecords\": []}", true);
    check(sampling_document_add(
        &f.document, SPAN("{\"SamplingRuleRecords\": [" RECORD("") "], \"NextToken\": \"t2\"}"),
        rules, &count, &next));
    check_span(next, "t2");
    check(sampling_document_add(&f.document,
                                SPAN("{\"SamplingRuleRecords\": [], \"NextToken\": null}"), rules,
                                &count, &next));
    check(next.at == NULL);
    check_number(count, 1);
    check_number(sampling_rules_close(rules, count, f.document.arena)->count, 2);
    check(!sampling_document_add(&f.document, SPAN("<html>"), rules, &count, &next));
    drop(&f);
}

TEST(what_is_wrong_is_said_where_it_stands)
{
    check_faults("[]", "rules.json:1:1: expected an object\n");
    check_faults("{\"version\": 1, \"default\": {\"fixed_target\": 1, \"rate\": 0.1}}",
                 "rules.json:1:13: version: expected 2\n");
    check_faults("{\"version\": 2,\n \"rule\": [],\n \"default\": {\"fixed_target\": 1, "
                 "\"rate\": 0.1}}",
                 "rules.json:2:2: 'rule' is no member of this object (did you mean "
                 "'rules'?)\n");
    check_faults("{\"version\": 2, \"rules\": [{\"host\": \"*\", \"http_method\": \"*\",\n"
                 " \"url_path\": \"*\", \"fixed_target\": -1, \"rate\": 1.5}]}",
                 "rules.json:2:35: fixed_target: expected a whole number from 0 to "
                 "2147483647\n"
                 "rules.json:2:47: rate: expected a number from 0 to 1\n"
                 "rules.json:1:1: default is missing\n");
    check_faults("{\"SamplingRuleRecords\": [" RECORD("") "," RECORD("") "]}",
                 "rules.json:1:161: RuleName: another rule has this name\n");
    check_faults("{\"SamplingRuleRecords\": [{\"SamplingRule\": {\"RuleName\": \"a\", "
                 "\"Priority\": 10001, \"FixedRate\": \"\", \"ReservoirSize\": 1, \"Version\": 2, "
                 "\"Host\": []}}]}",
                 "rules.json:1:128: Version: expected 1\n");
    check_faults("{\"SamplingRuleRecords\": 3}", "rules.json:1:25: expected a list\n");
}

int sampling_document_suite(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_local_file_of_the_sdks_is_read_in_its_order),
        cmocka_unit_test(what_the_service_answers_is_read_by_priority),
        cmocka_unit_test(a_document_without_a_default_rule_gets_xrays),
        cmocka_unit_test(a_service_may_say_more_than_is_known),
        cmocka_unit_test(pages_are_put_together),
        cmocka_unit_test(what_is_wrong_is_said_where_it_stands),
    };
    return cmocka_run_group_tests_name("sampling_document", tests, NULL, NULL);
}
