/* SPDX-License-Identifier: Apache-2.0 */
/* Why a rule matched or did not: where on its way it ended. */
#include "sidecar/explain.h"

static const struct explained_rule *wanted_rule(const struct explain_report *report)
{
    const struct explained_rule *found = NULL;
    for (const struct explained_rule *r = report->explanation->rules; r != NULL; r = r->next)
        if (r->rule == report->wanted)
            found = r;
    return found;
}

static void say_by(const struct explain_report *report, const struct rule *by, struct buf *to)
{
    if (by == NULL)
        return;
    buf_add(to, SPAN(" ("));
    rule_name_add(to, report->snapshot->settings, by);
    buf_add_byte(to, ')');
}

/* The CRS's way to leave a paranoia level out: a rule on its TX number that skips to a marker. */
static bool is_paranoia_gate(const struct rule *by)
{
    if (by == NULL)
        return false;
    for (size_t i = 0; i < by->target_count; i++)
        if (span_find_nocase(by->targets[i].name, SPAN("paranoia_level")) != SPAN_NONE)
            return true;
    return false;
}

static void say_skipped(const struct explain_report *report, struct buf *to)
{
    const struct explanation *explanation = report->explanation;
    buf_add(to, SPAN("was not run: skipped"));
    if (is_paranoia_gate(explanation->by)) {
        buf_add(to, SPAN(", for its paranoia level is not on:"));
        for (size_t i = 0; i < explanation->by->target_count; i++) {
            buf_add_byte(to, ' ');
            target_add(to, &explanation->by->targets[i]);
        }
        buf_add_byte(to, ' ');
        operator_add(to, explanation->by);
    }
    say_by(report, explanation->by, to);
}

static void say_removed(const struct explain_report *report, struct buf *to)
{
    const struct explanation *explanation = report->explanation;
    buf_add(to, SPAN("was not run: removed for this request"));
    if (explanation->ctl != NULL) {
        buf_add(to, SPAN(" by "));
        ctl_add(to, explanation->ctl);
    }
    say_by(report, explanation->by, to);
}

static void say_not_reached(const struct explain_report *report, struct buf *to)
{
    const struct offline_answer *answer = report->answer;
    buf_add(to, SPAN("was not reached: "));
    if (answer->blocked)
        buf_format(to, "rule %llu had refused the request before it",
                   (unsigned long long)answer->verdict.rule_id);
    else if (answer->error != NULL)
        buf_format(to, "the request was answered before it (%s)", answer->error);
    else if (report->wanted->phase >= PHASE_RESPONSE_HEADERS)
        buf_format(to, "phase %d is not run for this answer", (int)report->wanted->phase);
    else
        buf_add(to, SPAN("its phase ended before it"));
}

static unsigned link_number(const struct explained_rule *rule)
{
    unsigned number = 1;
    for (const struct rule *l = rule->rule; l != NULL && l != rule->ended; l = l->chain)
        number++;
    return number;
}

/* The link at which it ended had no value at all, or none that the operator took. */
static void say_tried(const struct explained_rule *rule, struct buf *to)
{
    size_t tried = 0;
    for (const struct explained_value *v = rule->values; v != NULL; v = v->next)
        tried += v->link == rule->ended;
    buf_add(to, SPAN("did not match: "));
    if (rule->rule->chain != NULL)
        buf_format(to, "link %u of its chain failed: ", link_number(rule));
    if (tried == 0)
        buf_add(to, SPAN("none of its targets is in the request, or all are excluded:"));
    else if (operator_asks(rule->ended->operator))
        buf_add(to, SPAN("what a block list says is unknown here, for nobody is asked:"));
    else if (tried == 1)
        buf_add(to, SPAN("the operator did not match the only value:"));
    else
        buf_format(to, "the operator did not match any of %zu values:", tried);
    for (size_t i = 0; i < rule->ended->target_count; i++) {
        buf_add_byte(to, ' ');
        target_add(to, &rule->ended->targets[i]);
    }
}

/* ctl:ruleRemoveTarget... that ran and name it. */
static void say_taken_targets(const struct explain_report *report, struct buf *to)
{
    const struct explanation *explanation = report->explanation;
    for (size_t i = 0; i < explanation->remover_count; i++)
        for (const struct rule *l = explanation->removers[i]; l != NULL; l = l->chain)
            for (size_t k = 0; k < l->action_count; k++) {
                const struct action *action = &l->actions[k];
                if (ctl_removes_rules(action) || !ctl_names_rule(action, report->wanted))
                    continue;
                buf_add(to, SPAN("; "));
                ctl_add(to, action);
                buf_add(to, SPAN(" took a target away"));
                say_by(report, explanation->removers[i], to);
            }
}

/* SecRuleRemove... and SecRuleUpdate... that named it when the files were read. */
static void say_changes(const struct explain_report *report, struct buf *to)
{
    const struct ruleset *ruleset = report->snapshot->ruleset;
    for (size_t i = 0; ruleset != NULL && i < ruleset->change_count; i++) {
        const struct ruleset_change *change = &ruleset->changes[i];
        if (change->rule_id != report->explanation->wanted)
            continue;
        buf_add(to, SPAN("; "));
        change_add(to, change);
        buf_add(to, change->removed ? SPAN(" removed it") : SPAN(" changed it"));
    }
}

void explain_fate(const struct explain_report *report, struct buf *to)
{
    const struct explanation *explanation = report->explanation;
    buf_format(to, "rule %llu ", (unsigned long long)explanation->wanted);
    if (report->wanted == NULL) {
        buf_add(to, SPAN("is not loaded"));
        say_changes(report, to);
        buf_add_byte(to, '\n');
        return;
    }
    const struct explained_rule *rule = wanted_rule(report);
    switch (explanation->fate) {
    case FATE_NOT_REACHED: say_not_reached(report, to); break;
    case FATE_REMOVED: say_removed(report, to); break;
    case FATE_SKIPPED: say_skipped(report, to); break;
    case FATE_ALLOWED: buf_add(to, SPAN("was not run: an allow ended its phase")); break;
    case FATE_TRIED:
        if (rule != NULL && rule->matched)
            buf_add(to, SPAN("matched"));
        else if (rule != NULL)
            say_tried(rule, to);
        say_taken_targets(report, to);
        break;
    }
    say_changes(report, to);
    buf_add_byte(to, '\n');
}
