/* SPDX-License-Identifier: Apache-2.0 */
/* explain for programs: one object on one line, its `waf` as the access log has it. */
#include "rules/base/encode.h"
#include "sidecar/explain.h"

static void add_text(struct buf *to, const char *key, struct span text)
{
    buf_format(to, "\"%s\":", key);
    if (text.at == NULL)
        buf_add(to, SPAN("null"));
    else
        json_add_string(to, text);
}

static void add_value(const struct explained_value *value, struct buf *to)
{
    buf_format(to, "{\"link\":%u,\"matched\":%s,", value->link_number,
               value->matched ? "true" : "false");
    add_text(to, "variable", value->variable);
    buf_add_byte(to, ',');
    add_text(to, "raw", value->raw);
    buf_add(to, SPAN(",\"transformations\":["));
    for (size_t i = 0; i < value->stage_count; i++) {
        buf_add(to, i > 0 ? SPAN(",{") : SPAN("{"));
        add_text(to, "name", value->stages[i].name);
        buf_add_byte(to, ',');
        add_text(to, "value", value->stages[i].value);
        buf_add_byte(to, '}');
    }
    buf_add(to, SPAN("],"));
    add_text(to, "value", value->value);
    buf_add_byte(to, ',');
    add_text(to, "found", value->found);
    if (value->found_start != SPAN_NONE)
        buf_format(to, ",\"found_at\":%zu", value->found_start);
    buf_add_byte(to, '}');
}

static void add_change(const struct explained_change *change, struct buf *to)
{
    buf_add_byte(to, '{');
    add_text(to, "name", change->name);
    buf_add_byte(to, ',');
    add_text(to, "before", change->before);
    buf_add_byte(to, ',');
    add_text(to, "value", change->value);
    buf_add_byte(to, '}');
}

static void add_rule(const struct explained_rule *rule, const struct rule_match *match,
                     struct buf *to)
{
    buf_format(to, "{\"id\":%llu,\"phase\":%d,\"matched\":%s,\"logged\":%s,",
               (unsigned long long)rule->rule->id, (int)rule->phase,
               rule->matched ? "true" : "false", match != NULL ? "true" : "false");
    add_text(to, "file", span_text(rule->rule->file));
    buf_format(to, ",\"line\":%u,\"severity\":\"%s\",", rule->rule->line,
               severity_name(rule->rule->severity));
    add_text(to, "message", match != NULL ? match->message : rule->rule->message.text);
    buf_add_byte(to, ',');
    add_text(to, "action", rule->action);
    buf_add(to, SPAN(",\"values\":["));
    for (const struct explained_value *v = rule->values; v != NULL; v = v->next) {
        if (v != rule->values)
            buf_add_byte(to, ',');
        add_value(v, to);
    }
    buf_add(to, SPAN("],\"changes\":["));
    for (const struct explained_change *c = rule->changes; c != NULL; c = c->next) {
        if (c != rule->changes)
            buf_add_byte(to, ',');
        add_change(c, to);
    }
    buf_add(to, SPAN("]}"));
}

static void add_waf(const struct offline_answer *answer, enum rule_engine mode, struct buf *to)
{
    static const char *const modes[] = {
        [ENGINE_OFF] = "off", [ENGINE_DETECTION_ONLY] = "detection_only", [ENGINE_ON] = "on"};
    const char *action = answer->blocked ? "block" : answer->would_block ? "would_block" : "pass";
    buf_format(to, "{\"action\":\"%s\",\"mode\":\"%s\",\"score\":%lld,\"outbound_score\":%lld,",
               action, modes[mode], (long long)answer->score, (long long)answer->outbound_score);
    buf_format(to, "\"decided_by\":%llu,\"rules\":[", (unsigned long long)answer->verdict.rule_id);
    for (size_t i = 0; i < answer->match_count; i++)
        buf_format(to, "%s%llu", i > 0 ? "," : "", (unsigned long long)answer->matches[i].rule_id);
    buf_add(to, SPAN("]}"));
}

static void add_decisions(const struct decisions *decisions, struct buf *to)
{
    for (size_t i = 0; i < decisions->count; i++) {
        const struct decision *decision = &decisions->at[i];
        buf_add(to, i > 0 ? SPAN(",{") : SPAN("{"));
        add_text(to, "control", span_text(decision->control));
        buf_add_byte(to, ',');
        add_text(to, "name", decision->name);
        buf_add_byte(to, ',');
        add_text(to, "decision", span_text(decision_word(decision->kind)));
        buf_add_byte(to, ',');
        add_text(to, "reason", decision->reason);
        buf_add_byte(to, '}');
    }
}

static void add_fate(const struct explain_report *report, struct buf *to)
{
    struct buf said;
    buf_init(&said, 64 << 10);
    explain_fate(report, &said);
    buf_add_byte(to, ',');
    add_text(to, "rule", span_trim(buf_span(&said), "\n"));
    buf_fini(&said);
}

static void add_unseen(const struct explain_report *report, struct buf *to)
{
    struct buf line;
    buf_init(&line, 4096);
    buf_add(to, SPAN(",\"not_looked_at\":["));
    for (size_t i = 0; explain_unseen(report, i, &line); i++) {
        buf_add(to, i > 0 ? SPAN(",") : SPAN(""));
        json_add_string(to, buf_span(&line));
        buf_clear(&line);
    }
    buf_add_byte(to, ']');
    buf_fini(&line);
}

void explain_json(const struct explain_report *report, struct buf *to)
{
    const struct offline_answer *answer = report->answer;
    size_t next = 0;
    bool first = true;
    buf_add_byte(to, '{');
    add_text(to, "file", span_text(report->file));
    buf_add_byte(to, ',');
    add_text(to, "request", answer->head->line);
    buf_format(to, ",\"status\":%u,", answer->status);
    add_text(to, "error", span_text(answer->error));
    buf_add(to, SPAN(",\"decisions\":["));
    add_decisions(answer->decisions, to);
    buf_add(to, SPAN("],\"waf\":"));
    if (answer->inspection != NULL)
        add_waf(answer, inspection_engine(answer->inspection), to);
    else
        buf_add(to, SPAN("null"));
    if (report->explanation->wanted != 0)
        add_fate(report, to);
    buf_add(to, SPAN(",\"matches\":["));
    for (const struct explained_rule *r = report->explanation->rules; r != NULL; r = r->next) {
        const struct rule_match *match = explain_match(report, r, &next);
        if (match == NULL && r->rule != report->wanted && !(report->silent_too && r->matched))
            continue;
        if (!first)
            buf_add_byte(to, ',');
        first = false;
        add_rule(r, match, to);
    }
    buf_add_byte(to, ']');
    add_unseen(report, to);
    buf_add(to, SPAN("}\n"));
}
