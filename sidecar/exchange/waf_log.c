/* SPDX-License-Identifier: Apache-2.0 */
/* What AWS WAF's log is told of an exchange. */
#include "exporters/waf_log.h"

#include "sidecar/exchange/inside.h"
#include "sidecar/guard/web_acl.h"

static struct report_waf_rule rule_of_web_acl(const struct decision_rule *from)
{
    return (struct report_waf_rule){
        .type = from->type,
        .rule = from->rule,
        .group = from->group,
        .inner = from->inner,
        .condition = from->condition,
        .sensitivity = from->sensitivity,
        .location = from->location,
        .field = from->field,
        .data = from->data,
        .limit_key = from->limit_key,
        .limit = from->limit,
        .window_s = from->window_s,
    };
}

static struct report_waf_rule rule_of_rate(const struct decision *from)
{
    const struct rate_settings *rate = from->rate;
    bool by_address = rate->part_count == 1 && rate->parts[0].kind == RATE_BY_CLIENT_ADDRESS;
    return (struct report_waf_rule){
        .type = "RATE_BASED",
        .rule = from->name,
        .condition = "",
        .sensitivity = "",
        .location = "",
        .limit_key = by_address ? "IP" : "CUSTOMKEYS",
        .limit = rate->how.limit,
        .window_s = rate->how.window_us / 1000000,
        .burst = rate->how.burst,
    };
}

static void say_rules(const struct exchange *x, struct report_decision *decisions,
                      struct report_waf_rule *rules)
{
    for (size_t i = 0; i < x->decisions.count; i++) {
        const struct decision *from = &x->decisions.at[i];
        if (from->rule != NULL)
            rules[i] = rule_of_web_acl(from->rule);
        else if (from->rate != NULL)
            rules[i] = rule_of_rate(from);
        else
            continue;
        decisions[i].rule = &rules[i];
    }
}

static struct span web_acl_of(const struct exchange *x)
{
    for (size_t i = 0; i < x->settings->access_count; i++)
        if (x->snapshot->web_acls[i] != NULL)
            return web_acl_arn(x->snapshot->web_acls[i]);
    return SPAN("");
}

void waf_log_say(const struct exchange *x, struct report *report, struct report_decision *decisions,
                 struct report_waf_rule *rules)
{
    if (x->settings->waf_log.is_on || x->settings->execution_log.is_on) /* of throttles */
        say_rules(x, decisions, rules);
    if (!x->settings->waf_log.is_on || x->client->head_is_broken)
        return; /* nobody was asked about a head that is none */
    report->waf_log.labels = x->changes.labels;
    report->waf_log.label_count = x->changes.label_count;
    report->waf_log.wanted = waf_log_keeps(&x->settings->waf_log.filters, report);
    if (!report->waf_log.wanted)
        return;
    report->waf_log.web_acl = web_acl_of(x);
    report->waf_log.inserted = x->changes.inserted;
    report->waf_log.inserted_count = x->changes.inserted_count;
    report->waf_log.inspected_bytes = x->prefix.len;
}
