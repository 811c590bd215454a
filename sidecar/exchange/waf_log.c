/* SPDX-License-Identifier: Apache-2.0 */
/* What AWS WAF's log is told of an exchange. */
#include "exporters/waf_log.h"

#include <string.h>

#include "rules/match/sqli.h"
#include "rules/match/xss.h"
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

/* ---- what was found ---- */

enum { DATA_BYTES = 256, PARTS_MOST = SQLI_FINGERPRINT };

/* The pieces that make it an attack; 0: as it stands there, nobody knows. */
static size_t parts_of(const struct report_waf_rule *rule, struct span parts[PARTS_MOST])
{
    struct sqli_finding sql = {.part_count = 0};
    struct xss_finding script = {.decision = NULL};
    if (strcmp(rule->condition, "SQL_INJECTION") == 0) {
        sqli_detect(rule->data, &sql);
        memcpy(parts, sql.parts, sql.part_count * sizeof *parts);
        return sql.part_count;
    }
    if (strcmp(rule->condition, "XSS") != 0 || !xss_detect(rule->data, &script) ||
        script.part.len == 0)
        return 0;
    bool is_tag = strcmp(script.decision, "tag") == 0;
    parts[0] = is_tag ? SPAN("<") : script.part;
    parts[1] = script.part;
    return is_tag ? 2 : 1;
}

/* A copy whose data are the pieces, a NUL between them; NULL: as it is. */
static const struct report_waf_rule *split(const struct report_waf_rule *rule, struct arena *arena)
{
    struct span parts[PARTS_MOST];
    size_t count = parts_of(rule, parts), len = 0;
    struct report_waf_rule *copy = count > 0 ? arena_alloc(arena, sizeof *copy) : NULL;
    char *text = copy != NULL ? arena_text(arena, DATA_BYTES) : NULL;
    if (text == NULL)
        return NULL;
    for (size_t i = 0; i < count && len + parts[i].len + 1 < DATA_BYTES; i++) {
        if (i > 0)
            text[len++] = '\0';
        memcpy(text + len, parts[i].at, parts[i].len);
        len += parts[i].len;
    }
    *copy = *rule;
    copy->data = span_make(text, len);
    return copy;
}

void waf_log_split(const struct exchange *x, struct report *report)
{
    size_t count = report->decision_count;
    struct report_decision *copy =
        report->waf_log.wanted ? arena_alloc(x->arena, count * sizeof *copy) : NULL;
    for (size_t i = 0; copy != NULL && i < count; i++) {
        copy[i] = report->decisions[i];
        const struct report_waf_rule *pieces =
            copy[i].rule != NULL ? split(copy[i].rule, x->arena) : NULL;
        if (pieces != NULL)
            copy[i].rule = pieces;
    }
    if (copy != NULL)
        report->decisions = copy;
}

/* ---- the whole ---- */

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
