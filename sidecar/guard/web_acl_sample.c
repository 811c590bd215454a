/* SPDX-License-Identifier: Apache-2.0 */
/* VisibilityConfig: under which metric names the requests of rules are counted and sampled. */
#include "rules/base/arena.h"
#include "sidecar/guard/web_acl_reader.h"

enum { METRIC_MOST = 255 };

/* ---- reading ---- */

static void check_metric(struct web_acl_reader *r, struct span metric)
{
    bool well = metric.len > 0 && metric.len <= METRIC_MOST;
    for (size_t i = 0; i < metric.len; i++)
        well &= byte_is_alpha(metric.at[i]) || byte_is_digit(metric.at[i]) ||
                span_find_byte(SPAN("_-#:./"), metric.at[i]) != SPAN_NONE;
    if (metric.at != NULL && !well)
        reader_refuse(r, SPAN(""), "'MetricName' has 1 to 255 of letters, digits and _ - # : . /");
}

struct web_acl_visibility reader_visibility(struct web_acl_reader *r, const json_t *object)
{
    struct web_acl_visibility read = {.is_sampled = false};
    const json_t *value = json_object_get(object, "VisibilityConfig");
    if (value == NULL)
        return read;
    size_t mark = reader_enter(r, "VisibilityConfig");
    if (READER_MEMBERS(r, value, "SampledRequestsEnabled", "CloudWatchMetricsEnabled",
                       "MetricName")) {
        const json_t *sampled = json_object_get(value, "SampledRequestsEnabled");
        const json_t *metered = json_object_get(value, "CloudWatchMetricsEnabled");
        read.metric = reader_text(r, value, "MetricName", true);
        check_metric(r, read.metric);
        if (sampled != NULL && !json_is_boolean(sampled))
            reader_refuse(r, SPAN(""), "'SampledRequestsEnabled' is true or false");
        if (metered != NULL && !json_is_boolean(metered))
            reader_refuse(r, SPAN(""), "'CloudWatchMetricsEnabled' is true or false");
        read.is_unmetered = json_is_false(metered);
        read.is_sampled = json_is_true(sampled) && read.metric.at != NULL;
    }
    reader_leave(r, mark);
    return read;
}

/* ---- asking ---- */

static void note(const struct web_acl *acl, const struct web_acl_visibility *visibility,
                 struct asked_sample sample, const struct asked *asked)
{
    struct asked_changes *changes = asked->changes;
    if (!visibility->is_sampled)
        return;
    if (changes->samples == NULL)
        changes->samples = arena_alloc(asked->arena, ASKED_SAMPLES * sizeof *changes->samples);
    if (changes->samples == NULL || changes->sample_count == ASKED_SAMPLES)
        return;
    sample.acl = web_acl_arn(acl);
    sample.metric = visibility->metric;
    changes->samples[changes->sample_count++] = sample;
}

/* The rule of the web ACL that names the group which this rule is one of; NULL: it is of none. */
static const struct web_acl_rule *outer_of(const struct web_acl *acl, struct span name)
{
    struct span outer = span_cut(&name, '/');
    for (size_t i = 0; i < acl->top.rule_count && name.at != NULL; i++)
        if (span_is(acl->top.rules[i].name, outer))
            return &acl->top.rules[i];
    return NULL;
}

/* "group#rule", "AWS#group#rule": as the API calls it. */
static struct span inner_of(const struct web_acl_group *group, struct span name,
                            struct arena *arena)
{
    span_cut(&name, '/');
    return arena_format(arena, "%s" SPAN_FORMAT "#" SPAN_FORMAT, group->is_managed ? "AWS#" : "",
                        span_arg(group->name), span_arg(name));
}

/* Of a group's rule: under the name of the rule that names the group, and under its own. */
static void note_rule(const struct web_acl *acl, const struct web_acl_rule *rule,
                      struct asked_sample sample, const struct asked *asked)
{
    const struct web_acl_rule *outer = outer_of(acl, rule->name);
    if (outer != NULL && (outer->visibility.is_sampled || rule->visibility.is_sampled)) {
        sample.inner = inner_of(outer->statement.group, rule->name, asked->arena);
        note(acl, &outer->visibility, sample, asked);
        if (span_is(outer->visibility.metric, rule->visibility.metric))
            return;
    }
    note(acl, &rule->visibility, sample, asked);
}

/* What was done by whom ended it; action NULL: nothing. */
static struct asked_sample end_of(const struct web_acl_outcome *outcome, enum web_acl_use use)
{
    static const char *const actions[] = {[WEB_ACL_ALLOWED] = "ALLOW",
                                          [WEB_ACL_BLOCKED] = "BLOCK",
                                          [WEB_ACL_PASSED] = "ALLOW",
                                          [WEB_ACL_FAILED] = "BLOCK"};
    struct asked_sample sample = {.action = actions[outcome->end], .overridden = ""};
    if (use == WEB_ACL_DETECTS && outcome->end != WEB_ACL_PASSED) {
        sample.overridden = sample.action;
        sample.action = "COUNT";
    }
    if (outcome->end == WEB_ACL_FAILED &&
        (use == WEB_ACL_LETS_ON || outcome->ended_by.rule == NULL))
        sample.action = NULL;
    return sample;
}

void web_acl_note_samples(const struct web_acl *acl, const struct web_acl_outcome *outcome,
                          enum web_acl_use use, const struct asked *asked)
{
    if (!acl->is_sampled || asked->changes == NULL || asked->arena == NULL)
        return;
    struct asked_sample counted = {.action = "COUNT", .overridden = ""};
    for (size_t i = 0; i < outcome->counted_count; i++)
        note_rule(acl, outcome->counted_by[i].rule, counted, asked);
    struct asked_sample end = end_of(outcome, use);
    if (end.action == NULL)
        return;
    if (outcome->ended_by.rule != NULL)
        note_rule(acl, outcome->ended_by.rule, end, asked);
    else
        note(acl, &acl->visibility, end, asked);
}

/* ---- counting ---- */

struct span web_acl_metric_name(const struct web_acl *acl, const struct web_acl_matched *matched)
{
    if (matched->rule == NULL)
        return SPAN("Default_Action");
    const struct web_acl_rule *outer = outer_of(acl, matched->rule->name);
    const struct web_acl_rule *rule = outer != NULL ? outer : matched->rule;
    if (rule->visibility.is_unmetered)
        return SPAN("");
    return rule->visibility.metric.at != NULL ? rule->visibility.metric : rule->name;
}

/* ---- which there are ---- */

static bool metric_in(const struct web_acl_group *group, size_t *i, struct web_acl_metric *metric)
{
    for (size_t r = 0; r < group->rule_count; r++) {
        const struct web_acl_rule *rule = &group->rules[r];
        if (rule->visibility.metric.at != NULL && (*i)-- == 0) {
            *metric = (struct web_acl_metric){rule->visibility.metric, rule->name,
                                              rule->visibility.is_sampled};
            return true;
        }
        if (rule->statement.group != NULL && metric_in(rule->statement.group, i, metric))
            return true;
    }
    return false;
}

bool web_acl_metric_at(const struct web_acl *acl, size_t i, struct web_acl_metric *metric)
{
    if (metric_in(&acl->top, &i, metric))
        return true;
    *metric = (struct web_acl_metric){acl->visibility.metric, SPAN("Default_Action"),
                                      acl->visibility.is_sampled};
    return i == 0 && metric->metric.at != NULL;
}
