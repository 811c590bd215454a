/* SPDX-License-Identifier: Apache-2.0 */
/* Keys in the order in which AWS documents them. */
#include "exporters/waf_log.h"

#include <stdlib.h>
#include <string.h>

#include "exporters/mask.h"
#include "exporters/waf_details.h"
#include "rules/base/encode.h"
#include "rules/base/must.h"

#define SECLANG "seclang" /* the rule group that SecLang's rules are */

static bool word_is(const struct report_decision *decision, const char *word)
{
    return strcmp(decision->word, word) == 0;
}

static bool is_guard(const struct report_decision *decision)
{
    return strcmp(decision->control, "access") == 0 || strcmp(decision->control, "web_acl") == 0;
}

static struct span rule_name(const struct report_decision *decision)
{
    return decision->rule != NULL && decision->rule->rule.len > 0 ? decision->rule->rule
                                                                  : decision->name;
}

static bool is_of_group(const struct report_decision *decision)
{
    return decision->rule != NULL && decision->rule->group.len > 0;
}

static bool is_of_rate(const struct report_decision *decision)
{
    return decision->rule != NULL && decision->rule->limit > 0;
}

/* ---- what it came to ---- */

struct waf_end waf_log_end(const struct report *report)
{
    struct waf_end end = {SPAN("Default_Action"), "REGULAR", "ALLOW", NULL};
    for (size_t i = 0; i < report->decision_count; i++) {
        const struct report_decision *decision = &report->decisions[i];
        bool blocks = word_is(decision, "block");
        if (!is_guard(decision) || (!blocks && !word_is(decision, "allow")))
            continue;
        end = (struct waf_end){rule_name(decision),
                               decision->rule != NULL ? decision->rule->type : "REGULAR",
                               blocks ? "BLOCK" : "ALLOW", decision};
    }
    if (report->waf.action == WAF_BLOCK)
        end = (struct waf_end){SPAN(SECLANG), "GROUP", "BLOCK", NULL};
    return end;
}

static struct span would_have(const struct report_decision *decision)
{
    if (word_is(decision, "would_block"))
        return SPAN("BLOCK");
    return word_is(decision, "would_allow") ? SPAN("ALLOW") : SPAN("");
}

/* Did any rule of it do this? */
static bool has_action(const struct report *report, struct span action)
{
    struct waf_end end = waf_log_end(report);
    bool overridden = report->waf.action == WAF_WOULD_BLOCK, counted = report->waf.match_count > 0;
    if (span_is(action, span_text(end.action)))
        return true;
    for (size_t i = 0; i < report->decision_count; i++) {
        if (!is_guard(&report->decisions[i]) || &report->decisions[i] == end.decision)
            continue;
        counted = true;
        overridden |= would_have(&report->decisions[i]).len > 0;
    }
    return (counted && span_is(action, SPAN("COUNT"))) ||
           (overridden && span_is(action, SPAN("EXCLUDED_AS_COUNT")));
}

static bool has_label(const struct report *report, struct span label)
{
    for (size_t i = 0; i < report->waf_log.label_count; i++)
        if (span_is(report->waf_log.labels[i], label))
            return true;
    return false;
}

static bool fits(const struct waf_filter *filter, const struct report *report)
{
    for (size_t i = 0; i < filter->condition_count; i++) {
        const struct waf_condition *condition = &filter->conditions[i];
        bool met = condition->kind == WAF_CONDITION_LABEL ? has_label(report, condition->text)
                                                          : has_action(report, condition->text);
        if (met != filter->meets_all)
            return met;
    }
    return filter->meets_all;
}

bool waf_log_keeps(const struct waf_filters *filters, const struct report *report)
{
    for (size_t i = 0; i < filters->count; i++)
        if (fits(&filters->at[i], report))
            return filters->at[i].keeps;
    return !filters->drops;
}

/* ---- redaction ---- */

/* One block: itself, the names, their bytes. */
struct waf_redaction *waf_redaction_new(const struct waf_redaction *from)
{
    size_t bytes = sizeof *from + from->header_count * sizeof(struct span);
    for (size_t i = 0; i < from->header_count; i++)
        bytes += from->headers[i].len;
    struct waf_redaction *made = must_alloc(bytes);
    struct span *headers = (struct span *)(void *)(made + 1);
    char *text = (char *)(headers + from->header_count);
    *made = *from;
    made->headers = headers;
    for (size_t i = 0; i < from->header_count; i++) {
        headers[i] = span_make(text, from->headers[i].len);
        memcpy(text, from->headers[i].at, from->headers[i].len);
        text += from->headers[i].len;
    }
    return made;
}

void waf_redaction_free(struct waf_redaction *redaction)
{
    free(redaction);
}

/* ---- JSON ---- */

/* `,"key":`; the comma only where something stands before. */
static void add_key(struct buf *to, const char *key)
{
    if (to->len > 0 && to->at[to->len - 1] != '{')
        buf_add_byte(to, ',');
    buf_format(to, "\"%s\":", key);
}

static void add_text(struct buf *to, const char *key, struct span text)
{
    add_key(to, key);
    json_add_string(to, text);
}

static void add_number(struct buf *to, const char *key, uint64_t number)
{
    add_key(to, key);
    buf_format(to, "%llu", (unsigned long long)number);
}

static void add_raw(struct buf *to, const char *key, const char *value)
{
    add_key(to, key);
    buf_add(to, span_text(value));
}

/* Between the items of a list that began at `start`. */
static void next_item(struct buf *to, size_t start)
{
    if (to->len > start)
        buf_add_byte(to, ',');
}

/* ---- rules ---- */

static void add_rule(struct buf *to, struct span rule, const char *action, struct span overridden)
{
    buf_add_byte(to, '{');
    add_text(to, "ruleId", rule);
    add_text(to, "action", span_text(action));
    if (overridden.len > 0)
        add_text(to, "overriddenAction", overridden);
    add_key(to, "ruleMatchDetails");
}

/* One that went on: counted, only detected, or allowed by a web ACL before another one. */
static void add_passed(struct buf *to, const struct report_decision *decision)
{
    add_rule(to, rule_name(decision), word_is(decision, "allow") ? "ALLOW" : "COUNT",
             would_have(decision));
    waf_details_add(to, decision->rule);
    buf_add_byte(to, '}');
}

static void add_passed_rules(struct buf *to, const struct report *report, const struct waf_end *end)
{
    add_key(to, "nonTerminatingMatchingRules");
    buf_add_byte(to, '[');
    size_t start = to->len;
    for (size_t i = 0; i < report->decision_count; i++) {
        const struct report_decision *decision = &report->decisions[i];
        if (!is_guard(decision) || decision == end->decision ||
            (is_of_group(decision) && would_have(decision).len == 0))
            continue;
        next_item(to, start);
        add_passed(to, decision);
    }
    if (report->waf.action == WAF_WOULD_BLOCK && report->waf.decided_by != 0) {
        next_item(to, start);
        add_rule(to, SPAN(SECLANG), "COUNT", SPAN("BLOCK"));
        buf_add(to, SPAN("[]}"));
    }
    buf_add_byte(to, ']');
}

/* ---- groups ---- */

static bool is_terminating(const struct report_decision *decision)
{
    return !word_is(decision, "count");
}

/* All that one group of a web ACL said, at its first decision. */
static void add_group(struct buf *to, const struct report *report, size_t first)
{
    struct span group = report->decisions[first].rule->group;
    const struct report_decision *ended = NULL;
    size_t start = 0;
    buf_add_byte(to, '{');
    add_text(to, "ruleGroupId", group);
    for (size_t i = first; i < report->decision_count; i++)
        if (is_of_group(&report->decisions[i]) &&
            span_is(report->decisions[i].rule->group, group) &&
            is_terminating(&report->decisions[i]))
            ended = &report->decisions[i];
    add_key(to, "terminatingRule");
    if (ended != NULL) {
        add_rule(to, ended->rule->inner, strstr(ended->word, "allow") != NULL ? "ALLOW" : "BLOCK",
                 SPAN(""));
        waf_details_add(to, ended->rule);
        buf_add_byte(to, '}');
    } else {
        buf_add(to, SPAN("null"));
    }
    add_key(to, "nonTerminatingMatchingRules");
    buf_add_byte(to, '[');
    start = to->len;
    for (size_t i = first; i < report->decision_count; i++) {
        const struct report_decision *decision = &report->decisions[i];
        if (!is_of_group(decision) || !span_is(decision->rule->group, group) ||
            is_terminating(decision))
            continue;
        next_item(to, start);
        add_rule(to, decision->rule->inner, "COUNT", SPAN(""));
        waf_details_add(to, decision->rule);
        buf_add_byte(to, '}');
    }
    buf_add(to, SPAN("],\"excludedRules\":null,\"customerConfig\":null}"));
}

static bool is_first_of_group(const struct report *report, size_t i)
{
    if (!is_of_group(&report->decisions[i]))
        return false;
    for (size_t j = 0; j < i; j++)
        if (is_of_group(&report->decisions[j]) &&
            span_is(report->decisions[j].rule->group, report->decisions[i].rule->group))
            return false;
    return true;
}

static void add_match(struct buf *to, const struct report *report, const struct rule_match *match,
                      const char *action)
{
    buf_format(to, "{\"ruleId\":\"%llu\"", (unsigned long long)match->rule_id);
    add_text(to, "action", span_text(action));
    add_key(to, "ruleMatchDetails");
    waf_details_add_match(to, report, match);
    buf_add_byte(to, '}');
}

static const struct rule_match *match_that_decided(const struct report *report)
{
    bool blocks = report->waf.action == WAF_BLOCK || report->waf.action == WAF_WOULD_BLOCK;
    for (size_t i = 0; blocks && i < report->waf.match_count; i++)
        if (report->waf.matches[i].rule_id == report->waf.decided_by)
            return &report->waf.matches[i];
    return NULL;
}

static void add_seclang(struct buf *to, const struct report *report)
{
    const struct rule_match *decided = match_that_decided(report);
    buf_add_byte(to, '{');
    add_text(to, "ruleGroupId", SPAN(SECLANG));
    add_key(to, "terminatingRule");
    if (decided != NULL)
        add_match(to, report, decided, "BLOCK");
    else
        buf_add(to, SPAN("null"));
    add_key(to, "nonTerminatingMatchingRules");
    buf_add_byte(to, '[');
    size_t start = to->len;
    for (size_t i = 0; i < report->waf.match_count; i++) {
        if (&report->waf.matches[i] == decided || report->waf.matches[i].audit_only)
            continue;
        next_item(to, start);
        add_match(to, report, &report->waf.matches[i], "COUNT");
    }
    buf_add(to, SPAN("],\"excludedRules\":null,\"customerConfig\":null}"));
}

static void add_groups(struct buf *to, const struct report *report)
{
    add_key(to, "ruleGroupList");
    buf_add_byte(to, '[');
    size_t start = to->len;
    for (size_t i = 0; i < report->decision_count; i++) {
        if (!is_first_of_group(report, i))
            continue;
        next_item(to, start);
        add_group(to, report, i);
    }
    if (report->waf.match_count > 0) {
        next_item(to, start);
        add_seclang(to, report);
    }
    buf_add_byte(to, ']');
}

static void add_rates(struct buf *to, const struct report *report)
{
    add_key(to, "rateBasedRuleList");
    buf_add_byte(to, '[');
    size_t start = to->len;
    for (size_t i = 0; i < report->decision_count; i++) {
        const struct report_decision *decision = &report->decisions[i];
        if (!is_guard(decision) || !is_of_rate(decision))
            continue;
        bool by_address = strcmp(decision->rule->limit_key, "IP") == 0;
        next_item(to, start);
        buf_add_byte(to, '{');
        add_text(to, "rateBasedRuleId", rule_name(decision));
        add_text(to, "rateBasedRuleName", rule_name(decision));
        add_text(to, "limitKey", span_text(decision->rule->limit_key));
        add_text(to, "limitValue", by_address ? report->client_address : SPAN(""));
        add_number(to, "maxRateAllowed", decision->rule->limit);
        add_number(to, "evaluationWindowSec", decision->rule->window_s);
        buf_add_byte(to, '}');
    }
    buf_add_byte(to, ']');
}

/* ---- the request ---- */

static struct span shown(bool redacted, struct span text)
{
    return redacted ? SPAN(MASK) : text;
}

static bool is_redacted(const struct waf_redaction *redaction, struct span name)
{
    for (size_t i = 0; i < redaction->header_count; i++)
        if (span_is_nocase(redaction->headers[i], name))
            return true;
    return field_is_secret(name);
}

struct span waf_field_shown(const struct waf_redaction *redaction, const struct pair *field,
                            struct buf *scratch)
{
    struct span value = shown(is_redacted(redaction, field->name), field->value);
    return span_is_nocase(field->name, SPAN("referer")) ? url_masked(value, scratch) : value;
}

static void add_pairs(struct buf *to, const char *key, const struct pair *pairs, size_t count,
                      const struct waf_redaction *redaction, struct buf *scratch)
{
    add_key(to, key);
    buf_add_byte(to, '[');
    for (size_t i = 0; i < count; i++) {
        buf_add(to, i > 0 ? SPAN(",{") : SPAN("{"));
        add_text(to, "name", pairs[i].name);
        add_text(to, "value", waf_field_shown(redaction, &pairs[i], scratch));
        buf_clear(scratch);
        buf_add_byte(to, '}');
    }
    buf_add_byte(to, ']');
}

static void add_request(struct buf *to, const struct report *report,
                        const struct waf_redaction *redaction, struct buf *scratch)
{
    struct span uri = report->target;
    uri = span_cut(&uri, '?');
    add_key(to, "httpRequest");
    buf_add_byte(to, '{');
    add_text(to, "clientIp", report->client_address);
    add_text(to, "country", report->client_country.len > 0 ? report->client_country : SPAN("-"));
    add_pairs(to, "headers", report->audit.request_fields, report->audit.request_field_count,
              redaction, scratch);
    add_text(to, "uri", shown(redaction->uri_path, uri));
    add_text(to, "args", shown(redaction->query_string, query_masked(report->query, scratch)));
    add_text(to, "httpVersion", report->protocol);
    add_text(to, "httpMethod", shown(redaction->method, report->method));
    add_text(to, "requestId", report->request_id);
    add_text(to, "scheme", report->scheme);
    add_text(to, "host", report->authority);
    buf_add_byte(to, '}');
    buf_clear(scratch);
}

static void add_labels(struct buf *to, const struct report *report)
{
    add_key(to, "labels");
    buf_add_byte(to, '[');
    for (size_t i = 0; i < report->waf_log.label_count; i++) {
        buf_add(to, i > 0 ? SPAN(",{\"name\":") : SPAN("{\"name\":"));
        json_add_string(to, report->waf_log.labels[i]);
        buf_add_byte(to, '}');
    }
    buf_add_byte(to, ']');
}

/* ---- the whole ---- */

static void add_end(struct buf *to, const struct report *report, const struct waf_end *end)
{
    add_text(to, "terminatingRuleId", end->rule);
    add_text(to, "terminatingRuleType", span_text(end->type));
    add_text(to, "action", span_text(end->action));
    add_key(to, "terminatingRuleMatchDetails");
    const struct rule_match *decided = match_that_decided(report);
    if (end->decision != NULL)
        waf_details_add(to, end->decision->rule);
    else if (report->waf.action == WAF_BLOCK && decided != NULL)
        waf_details_add_match(to, report, decided);
    else
        buf_add(to, SPAN("[]"));
}

static void add_body(struct buf *to, const struct report *report)
{
    if (report->waf.limits[LIMIT_REQUEST_BODY] > 0)
        add_raw(to, "oversizeFields", "[\"REQUEST_BODY\"]");
    add_number(to, "requestBodySize", report->bytes_in);
    add_number(to, "requestBodySizeInspectedByWAF", report->waf_log.inspected_bytes);
    if (report->client_asn > 0)
        add_number(to, "clientAsn", report->client_asn);
}

void waf_log_add(struct buf *to, const struct report *report, const struct waf_redaction *redaction,
                 struct span source, struct buf *scratch)
{
    static const struct waf_redaction nothing;
    struct waf_end end = waf_log_end(report);
    bool blocks = strcmp(end.action, "BLOCK") == 0;
    buf_add_byte(to, '{');
    add_number(to, "timestamp", report->began_wall_us / 1000);
    add_raw(to, "formatVersion", "1");
    add_text(to, "webaclId", report->waf_log.web_acl.len > 0 ? report->waf_log.web_acl : source);
    add_end(to, report, &end);
    add_text(to, "httpSourceName", SPAN("APIGW"));
    add_text(to, "httpSourceId", source);
    add_groups(to, report);
    add_rates(to, report);
    add_passed_rules(to, report, &end);
    if (report->waf_log.inserted_count > 0)
        add_pairs(to, "requestHeadersInserted", report->waf_log.inserted,
                  report->waf_log.inserted_count, &nothing, scratch);
    else
        add_raw(to, "requestHeadersInserted", "null");
    if (blocks && report->status > 0)
        add_number(to, "responseCodeSent", report->status);
    else
        add_raw(to, "responseCodeSent", "null");
    add_request(to, report, redaction, scratch);
    add_labels(to, report);
    add_body(to, report);
    buf_add(to, SPAN("}\n"));
}
