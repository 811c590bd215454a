/* SPDX-License-Identifier: Apache-2.0 */
/* AWS WAF's own log record: what ended it, groups, rates, redaction, the filter. */
#include "exporters/waf_log.h"

#include <stdlib.h>

#include "exporters/queue.h"
#include "exporters/record.h"
#include "rules/base/must.h"
#include "tests/check.h"
#include "tests/unit/exporters/json.h"
#include "tests/unit/exporters/sample.h"

static const struct pair fields[] = {
    {SPAN_INIT("Host"), SPAN_INIT("shop.example")},
    {SPAN_INIT("X-Shop"), SPAN_INIT("till \"7\"")},
    {SPAN_INIT("Authorization"), SPAN_INIT("Bearer opensesame")},
    {SPAN_INIT("Cookie"), SPAN_INIT("sid=s3ssion")},
};
static const struct span labels[] = {SPAN_INIT("awswaf:managed:aws:core-rule-set:NoUserAgent"),
                                     SPAN_INIT("awswaf:1:webacl:shop:robot")};
static const struct pair inserted[] = {{SPAN_INIT("x-amzn-waf-robot"), SPAN_INIT("yes")}};

#define PLAIN .condition = "", .sensitivity = "", .location = "", .limit_key = ""
static const struct report_waf_rule group_rule = {
    .type = "MANAGED_RULE_GROUP",
    .rule = SPAN_INIT("common"),
    .group = SPAN_INIT("AWS#AWSManagedRulesSQLiRuleSet"),
    .inner = SPAN_INIT("SQLi_QUERYARGUMENTS"),
    .condition = "SQL_INJECTION",
    .sensitivity = "LOW",
    .location = "ALL_QUERY_ARGS",
    .data = SPAN_INIT("1\0or\0001=1"),
    .limit_key = "",
};
static const struct report_waf_rule counted_in_group = {
    PLAIN,
    .type = "MANAGED_RULE_GROUP",
    .rule = SPAN_INIT("common"),
    .group = SPAN_INIT("AWS#AWSManagedRulesSQLiRuleSet"),
    .inner = SPAN_INIT("SQLi_COOKIE"),
};
static const struct report_waf_rule rate_rule = {
    .type = "RATE_BASED",
    .rule = SPAN_INIT("logins"),
    .condition = "",
    .sensitivity = "",
    .location = "",
    .limit_key = "IP",
    .limit = 100,
    .window_s = 300,
};
static const struct report_waf_rule plain_rule = {PLAIN, .type = "REGULAR",
                                                  .rule = SPAN_INIT("robots")};

static struct report logged(const struct report_decision *decisions, size_t count)
{
    struct report report = plain_report();
    report.decisions = decisions;
    report.decision_count = count;
    report.client_country = SPAN("DE");
    report.waf_log.wanted = true;
    report.waf_log.web_acl = SPAN("arn:aws:wafv2:eu-west-1:1:regional/webacl/shop/1");
    report.audit.request_fields = fields;
    report.audit.request_field_count = 4;
    return report;
}

struct fixture {
    struct buf out, scratch;
};

static const char *line_of(struct fixture *f, const struct report *report,
                           const struct waf_redaction *redaction)
{
    buf_init(&f->out, QUEUE_LARGEST_BYTES);
    buf_init(&f->scratch, QUEUE_ITEM_BYTES);
    waf_log_add(&f->out, report, redaction, SPAN("shop"), &f->scratch);
    must(f->out.len > 0 && f->out.at[f->out.len - 1] == '\n');
    check(json_is_valid(span_first(buf_span(&f->out), f->out.len - 1)));
    f->out.at[f->out.len - 1] = '\0';
    return f->out.at;
}

static void tear_down(struct fixture *f)
{
    buf_fini(&f->out);
    buf_fini(&f->scratch);
}

static const struct waf_redaction nothing;

#define has(line, text) check(strstr(line, text) != NULL)

TEST(nobody_minded_is_the_default_action)
{
    struct fixture f;
    struct report report = logged(NULL, 0);
    const char *line = line_of(&f, &report, &nothing);
    has(line, "{\"timestamp\":1795254000123,\"formatVersion\":1,"
              "\"webaclId\":\"arn:aws:wafv2:eu-west-1:1:regional/webacl/shop/1\","
              "\"terminatingRuleId\":\"Default_Action\",\"terminatingRuleType\":\"REGULAR\","
              "\"action\":\"ALLOW\",\"terminatingRuleMatchDetails\":[],"
              "\"httpSourceName\":\"APIGW\",\"httpSourceId\":\"shop\",\"ruleGroupList\":[],"
              "\"rateBasedRuleList\":[],\"nonTerminatingMatchingRules\":[],"
              "\"requestHeadersInserted\":null,\"responseCodeSent\":null,"
              "\"httpRequest\":{\"clientIp\":\"203.0.113.9\",\"country\":\"DE\",\"headers\":["
              "{\"name\":\"Host\",\"value\":\"shop.example\"},"
              "{\"name\":\"X-Shop\",\"value\":\"till \\\"7\\\"\"},");
    has(line, "\"uri\":\"/orders/7\",\"args\":\"q=1\",\"httpVersion\":\"HTTP/1.1\","
              "\"httpMethod\":\"GET\",\"requestId\":\"01-abc\",\"scheme\":\"https\","
              "\"host\":\"shop.example:8443\"},\"labels\":[],\"requestBodySize\":0,"
              "\"requestBodySizeInspectedByWAF\":0}");
    tear_down(&f);
}

TEST(a_group_that_blocked_is_listed_with_its_rules)
{
    static const struct report_decision decisions[] = {
        {"inspect_head", "web_acl", "count", SPAN_INIT("shop"), SPAN_INIT("robots"), &plain_rule},
        {"inspect_head", "web_acl", "count", SPAN_INIT("shop"), SPAN_INIT(""), &counted_in_group},
        {"inspect_head", "web_acl", "block", SPAN_INIT("shop"), SPAN_INIT(""), &group_rule},
    };
    struct fixture f;
    struct report report = logged(decisions, 3);
    report.status = 403;
    report.waf_log.labels = labels;
    report.waf_log.label_count = 2;
    report.waf_log.inserted = inserted;
    report.waf_log.inserted_count = 1;
    const char *line = line_of(&f, &report, &nothing);
    has(line, "\"terminatingRuleId\":\"common\",\"terminatingRuleType\":\"MANAGED_RULE_GROUP\","
              "\"action\":\"BLOCK\",\"terminatingRuleMatchDetails\":[{\"conditionType\":"
              "\"SQL_INJECTION\",\"sensitivityLevel\":\"LOW\",\"location\":\"ALL_QUERY_ARGS\","
              "\"matchedData\":[\"1\",\"or\",\"1=1\"],\"matchedFieldName\":\"\"}]");
    has(line, "\"ruleGroupList\":[{\"ruleGroupId\":\"AWS#AWSManagedRulesSQLiRuleSet\","
              "\"terminatingRule\":{\"ruleId\":\"SQLi_QUERYARGUMENTS\",\"action\":\"BLOCK\","
              "\"ruleMatchDetails\":[{");
    has(line, "\"nonTerminatingMatchingRules\":[{\"ruleId\":\"SQLi_COOKIE\",\"action\":\"COUNT\","
              "\"ruleMatchDetails\":[]}],\"excludedRules\":null");
    has(line, "\"nonTerminatingMatchingRules\":[{\"ruleId\":\"robots\",\"action\":\"COUNT\","
              "\"ruleMatchDetails\":[]}],\"requestHeadersInserted\":[{\"name\":"
              "\"x-amzn-waf-robot\",\"value\":\"yes\"}],\"responseCodeSent\":403");
    has(line, "\"labels\":[{\"name\":\"awswaf:managed:aws:core-rule-set:NoUserAgent\"},"
              "{\"name\":\"awswaf:1:webacl:shop:robot\"}]");
    tear_down(&f);
}

TEST(a_rate_says_its_limit_and_whom_it_counted)
{
    static const struct report_decision decisions[] = {
        {"inspect_head", "access", "block", SPAN_INIT("logins"), SPAN_INIT(""), &rate_rule}};
    struct fixture f;
    struct report report = logged(decisions, 1);
    report.status = 429;
    const char *line = line_of(&f, &report, &nothing);
    has(line, "\"terminatingRuleId\":\"logins\",\"terminatingRuleType\":\"RATE_BASED\"");
    has(line, "\"rateBasedRuleList\":[{\"rateBasedRuleId\":\"logins\",\"rateBasedRuleName\":"
              "\"logins\",\"limitKey\":\"IP\",\"limitValue\":\"203.0.113.9\","
              "\"maxRateAllowed\":100,\"evaluationWindowSec\":300}]");
    has(line, "\"responseCodeSent\":429");
    tear_down(&f);
}

TEST(what_only_detects_counts_and_says_what_it_would_have_done)
{
    static const struct report_decision decisions[] = {
        {"inspect_head", "access", "would_block", SPAN_INIT("abroad"), SPAN_INIT(""), NULL}};
    struct fixture f;
    struct report report = logged(decisions, 1);
    report.waf.action = WAF_WOULD_BLOCK;
    const char *line = line_of(&f, &report, &nothing);
    has(line, "\"action\":\"ALLOW\"");
    has(line, "\"nonTerminatingMatchingRules\":[{\"ruleId\":\"abroad\",\"action\":\"COUNT\","
              "\"overriddenAction\":\"BLOCK\",\"ruleMatchDetails\":[]}]");
    tear_down(&f);
}

TEST(seclang_is_a_rule_group)
{
    struct fixture f;
    struct report report = sample_report();
    report.waf_log.wanted = true;
    report.waf.action = WAF_BLOCK;
    report.status = 403;
    const char *line = line_of(&f, &report, &nothing);
    has(line, "\"webaclId\":\"shop\",\"terminatingRuleId\":\"seclang\","
              "\"terminatingRuleType\":\"GROUP\",\"action\":\"BLOCK\"");
    has(line, "\"ruleGroupList\":[{\"ruleGroupId\":\"seclang\",\"terminatingRule\":{\"ruleId\":"
              "\"949110\",\"action\":\"BLOCK\",\"ruleMatchDetails\":[]},"
              "\"nonTerminatingMatchingRules\":[{\"ruleId\":\"942100\",\"action\":\"COUNT\","
              "\"ruleMatchDetails\":[{\"conditionType\":\"SQL_INJECTION\",\"location\":"
              "\"ALL_QUERY_ARGS\",\"matchedData\":[\"1' or 1=1\"],\"matchedFieldName\":\"q\"}]}]");
    tear_down(&f);
}

TEST(what_is_redacted_says_so_and_credentials_always_are)
{
    static const struct span headers[] = {SPAN_INIT("x-shop")};
    static const struct waf_redaction all = {true, true, true, headers, 1};
    struct fixture f;
    struct report report = logged(NULL, 0);
    report.query = SPAN("q=1&token=hunter2");
    const char *line = line_of(&f, &report, &nothing);
    has(line, "{\"name\":\"Authorization\",\"value\":\"REDACTED\"}");
    has(line, "{\"name\":\"Cookie\",\"value\":\"REDACTED\"}");
    has(line, "\"args\":\"q=1&token=REDACTED\"");
    tear_down(&f);
    line = line_of(&f, &report, &all);
    has(line, "{\"name\":\"X-Shop\",\"value\":\"REDACTED\"}");
    has(line, "\"uri\":\"REDACTED\",\"args\":\"REDACTED\",\"httpVersion\":\"HTTP/1.1\","
              "\"httpMethod\":\"REDACTED\"");
    check(strstr(line, "till") == NULL);
    tear_down(&f);
}

TEST(the_first_filter_that_fits_decides_and_else_the_default)
{
    static const struct report_decision counted[] = {
        {"inspect_head", "access", "count", SPAN_INIT("seen"), SPAN_INIT(""), NULL}};
    static const struct report_decision blocked[] = {
        {"inspect_head", "access", "block", SPAN_INIT("out"), SPAN_INIT(""), NULL}};
    static const struct report_decision detected[] = {
        {"inspect_head", "access", "would_block", SPAN_INIT("abroad"), SPAN_INIT(""), NULL}};
    static const struct waf_condition blocks[] = {{WAF_CONDITION_ACTION, SPAN_INIT("BLOCK")}};
    static const struct waf_condition robots[] = {
        {WAF_CONDITION_ACTION, SPAN_INIT("COUNT")},
        {WAF_CONDITION_LABEL, SPAN_INIT("awswaf:1:webacl:shop:robot")}};
    static const struct waf_condition excluded[] = {
        {WAF_CONDITION_ACTION, SPAN_INIT("EXCLUDED_AS_COUNT")}};
    static const struct waf_filter only_blocks = {true, false, blocks, 1};
    static const struct waf_filter both = {true, true, robots, 2},
                                   either = {true, false, robots, 2};
    static const struct waf_filter no_excluded = {false, true, excluded, 1};
    const struct {
        const struct report_decision *decision;
        bool labelled;
        struct waf_filters filters;
        bool kept;
    } rows[] = {
        {NULL, false, {false, NULL, 0}, true},
        {NULL, false, {true, NULL, 0}, false},
        {NULL, false, {true, &only_blocks, 1}, false},
        {blocked, false, {true, &only_blocks, 1}, true},
        {counted, false, {true, &both, 1}, false},
        {counted, true, {true, &both, 1}, true},
        {NULL, true, {true, &both, 1}, false},
        {NULL, true, {true, &either, 1}, true},
        {counted, false, {true, &either, 1}, true},
        {detected, false, {false, &no_excluded, 1}, false},
        {counted, false, {false, &no_excluded, 1}, true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct report report = logged(rows[i].decision, rows[i].decision != NULL);
        report.waf_log.labels = labels;
        report.waf_log.label_count = rows[i].labelled ? 2 : 0;
        if (waf_log_keeps(&rows[i].filters, &report) != rows[i].kept)
            fail_msg("row %zu", i);
    }
}

TEST(a_record_brings_all_of_it_back)
{
    static const struct report_decision decisions[] = {
        {"inspect_head", "web_acl", "block", SPAN_INIT("shop"), SPAN_INIT(""), &group_rule},
        {"inspect_head", "access", "count", SPAN_INIT("logins"), SPAN_INIT(""), &rate_rule},
    };
    struct fixture before, after;
    struct report report = logged(decisions, 2);
    report.waf_log.labels = labels;
    report.waf_log.label_count = 2;
    report.waf_log.inserted = inserted;
    report.waf_log.inserted_count = 1;
    report.waf_log.inspected_bytes = 77;
    char *bytes = must_alloc(record_room(&report));
    struct record_view *view = must_alloc(sizeof *view);
    check(record_read(span_make(bytes, record_fold(&report, bytes)), view));
    assert_string_equal(line_of(&after, &view->report, &nothing),
                        line_of(&before, &report, &nothing));
    free(bytes);
    free(view);
    tear_down(&before);
    tear_down(&after);
}

int waf_log_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_minded_is_the_default_action),
        cmocka_unit_test(a_group_that_blocked_is_listed_with_its_rules),
        cmocka_unit_test(a_rate_says_its_limit_and_whom_it_counted),
        cmocka_unit_test(what_only_detects_counts_and_says_what_it_would_have_done),
        cmocka_unit_test(seclang_is_a_rule_group),
        cmocka_unit_test(what_is_redacted_says_so_and_credentials_always_are),
        cmocka_unit_test(the_first_filter_that_fits_decides_and_else_the_default),
        cmocka_unit_test(a_record_brings_all_of_it_back),
    };
    return cmocka_run_group_tests_name("waf_log", tests, NULL, NULL);
}
