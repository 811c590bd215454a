/* SPDX-License-Identifier: Apache-2.0 */
/* explain for people. */
#include "sidecar/explain.h"

#include <string.h>

enum { LINE_BYTES = 4096 };

const struct rule_match *explain_match(const struct explain_report *report,
                                       const struct explained_rule *rule, size_t *next)
{
    const struct offline_answer *answer = report->answer;
    if (!rule->matched || !rule->rule->log || *next >= answer->match_count ||
        answer->matches[*next].rule_id != rule->rule->id)
        return NULL;
    return &answer->matches[(*next)++];
}

/* ---- one rule ---- */

static void print_value(const struct explained_value *value, bool shows_link, struct buf *to)
{
    buf_add(to, SPAN("  "));
    if (shows_link)
        buf_format(to, "link %u: ", value->link_number);
    plain_add(to, value->variable);
    buf_format(to, "\n    %-20s ", "as it came");
    quote_add(to, value->raw, SPAN_NONE, 0);
    buf_add_byte(to, '\n');
    for (size_t i = 0; i < value->stage_count; i++) {
        const struct explained_stage *stage = &value->stages[i];
        struct span before = i > 0 ? value->stages[i - 1].value : value->raw;
        buf_format(to, "    %-20.*s ", span_arg(stage->name));
        if (span_is(before, stage->value))
            buf_add(to, SPAN("(the same)"));
        else
            quote_add(to, stage->value, SPAN_NONE, 0);
        buf_add_byte(to, '\n');
    }
    buf_format(to, "    %-20s ", value->matched ? "matched" : "did not match");
    operator_add(to, value->link);
    buf_add_byte(to, '\n');
    if (value->matched && value->found.at != NULL) {
        bool inside = value->found_start != SPAN_NONE;
        buf_format(to, "    %-20s ", inside ? "in" : "found");
        quote_add(to, inside ? value->value : value->found, value->found_start, value->found.len);
        buf_add_byte(to, '\n');
    }
}

static void print_change(const struct explained_change *change, struct buf *to)
{
    buf_add(to, SPAN("  sets "));
    plain_add(to, change->name);
    buf_add_byte(to, ' ');
    if (change->value.at == NULL) {
        buf_add(to, SPAN("(removed)\n"));
        return;
    }
    if (change->before.at != NULL) {
        quote_add(to, change->before, SPAN_NONE, 0);
        buf_add(to, SPAN(" -> "));
    }
    quote_add(to, change->value, SPAN_NONE, 0);
    buf_add_byte(to, '\n');
}

static void print_title(const struct explained_rule *rule, const struct rule_match *match,
                        struct buf *to)
{
    buf_format(to, "%llu  phase %d", (unsigned long long)rule->rule->id, (int)rule->phase);
    if (rule->rule->severity < SEVERITY_NONE)
        buf_format(to, ", %s", severity_name(rule->rule->severity));
    struct span message = match != NULL ? match->message : rule->rule->message.text;
    if (message.len > 0)
        buf_add(to, SPAN("  "));
    plain_add(to, message);
    buf_format(to, "\n  %s:%u%s\n", rule->rule->file, rule->rule->line,
               rule->matched && match == NULL ? " (not logged)" : "");
}

static void print_rule(const struct explained_rule *rule, const struct rule_match *match,
                       struct buf *to)
{
    print_title(rule, match, to);
    for (const struct explained_value *v = rule->values; v != NULL; v = v->next)
        print_value(v, rule->rule->chain != NULL, to);
    if (match != NULL && match->data.len > 0) {
        buf_add(to, SPAN("  data: "));
        quote_add(to, match->data, SPAN_NONE, 0);
        buf_add_byte(to, '\n');
    }
    for (const struct explained_change *c = rule->changes; c != NULL; c = c->next)
        print_change(c, to);
    if (rule->action.len > 0 && !span_is(rule->action, SPAN("pass")))
        buf_format(to, "  action: " SPAN_FORMAT "%s\n", span_arg(rule->action),
                   rule->carried_out ? "" : " (not carried out: detection only)");
    buf_add_byte(to, '\n');
}

/* ---- the decision ---- */

static void decision_by(const struct offline_answer *answer, struct buf *to)
{
    if (answer->verdict.rule_id != 0)
        buf_format(to, " by rule %llu", (unsigned long long)answer->verdict.rule_id);
}

static const struct decision *last_decision(const struct offline_answer *answer)
{
    return &answer->decisions->at[answer->decisions->count - 1];
}

/* The last one ends the request, or nothing of the list and the guards does. */
static bool a_guard_blocks(const struct offline_answer *answer)
{
    return answer->error != NULL && answer->decisions->count > 0 &&
           last_decision(answer)->kind == DECISION_BLOCK;
}

static void blocked_by_guard(const struct offline_answer *answer, struct buf *to)
{
    const struct decision *decision = last_decision(answer);
    bool is_entry = strcmp(decision->control, "access") == 0;
    buf_format(to, "blocked with %u by %s ", answer->status,
               is_entry ? "access entry" : decision->control);
    plain_add(to, decision->name);
}

/* What the access list and the guards behind it came to, a line each. */
static void print_decisions(const struct offline_answer *answer, struct buf *to)
{
    for (size_t i = 0; i < answer->decisions->count; i++) {
        const struct decision *decision = &answer->decisions->at[i];
        buf_format(to, "%s %-20.*s %s", decision->control, span_arg(decision->name),
                   decision_word(decision->kind));
        if (decision->reason.len > 0)
            buf_add(to, SPAN(": "));
        plain_add(to, decision->reason);
        buf_add_byte(to, '\n');
    }
    if (answer->decisions->count > 0)
        buf_add_byte(to, '\n');
}

static void passes(const struct offline_answer *answer, struct buf *to)
{
    buf_add(to, SPAN("passes"));
    if (answer->unasked.len == 0)
        return;
    buf_add(to, SPAN(" if authorizer "));
    plain_add(to, answer->unasked);
    buf_add(to, SPAN(" lets it"));
}

void explain_decision(const struct explain_report *report, struct buf *to)
{
    const struct offline_answer *answer = report->answer;
    if (answer->blocked && answer->status != 0)
        buf_format(to, "blocked with %u", answer->status);
    else if (answer->blocked)
        buf_add(to, SPAN("blocked, the connection is closed"));
    else if (a_guard_blocks(answer))
        blocked_by_guard(answer, to);
    else if (answer->error != NULL && answer->status != 0)
        buf_format(to, "answered %u (%s), not by a rule", answer->status, answer->error);
    else if (answer->error != NULL)
        buf_format(to, "closed without an answer (%s)", answer->error);
    else if (answer->would_block)
        buf_add(to, SPAN("would be blocked (detection only)"));
    else
        passes(answer, to);
    if (answer->blocked || answer->would_block)
        decision_by(answer, to);
    if (answer->inspection == NULL)
        buf_add(to, SPAN("; no rule looked at it"));
    else
        buf_format(to, "; score %lld, outbound %lld, %zu logged", (long long)answer->score,
                   (long long)answer->outbound_score, answer->match_count);
}

/* ---- the whole ---- */

static void print_request(const struct explain_report *report, struct buf *to)
{
    buf_format(to, "%s: ", report->file);
    quote_add(to, report->answer->head->line, SPAN_NONE, 0);
    buf_add_byte(to, '\n');
    if (report->bare_lines)
        buf_add(to, SPAN("its lines end with LF alone; HTTP's end with CR LF (--crlf makes them "
                         "so)\n"));
    buf_add_byte(to, '\n');
}

static void print_unseen(const struct explain_report *report, struct buf *to)
{
    struct buf line;
    buf_init(&line, LINE_BYTES);
    for (size_t i = 0; explain_unseen(report, i, &line); i++) {
        buf_add(to, SPAN("not looked at: "));
        plain_add(to, buf_span(&line));
        buf_add_byte(to, '\n');
        buf_clear(&line);
    }
    buf_fini(&line);
}

void explain_text(const struct explain_report *report, struct buf *to)
{
    size_t next = 0;
    uint64_t wanted = report->explanation->wanted;
    print_request(report, to);
    print_decisions(report->answer, to);
    for (const struct explained_rule *r = report->explanation->rules; r != NULL; r = r->next) {
        const struct rule_match *match = explain_match(report, r, &next);
        bool shown = wanted != 0 ? r->rule->id == wanted
                                 : match != NULL || (report->silent_too && r->matched);
        if (shown)
            print_rule(r, match, to);
    }
    if (wanted != 0)
        explain_fate(report, to);
    print_unseen(report, to);
    buf_add(to, SPAN("decision: "));
    explain_decision(report, to);
    buf_add_byte(to, '\n');
}
