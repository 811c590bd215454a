/* SPDX-License-Identifier: Apache-2.0 */
/* What a rule that matched leaves behind. */
#include "rules/record.h"

#include "rules/evaluate.h"
#include "rules/values.h"

void record_reset(struct inspection *tx)
{
    tx->matched = (struct pair){{NULL, 0}, {NULL, 0}};
    tx->matched_count = 0;
    tx->matched_link = NULL;
}

void record_value(struct inspection *tx, const struct target *target, const struct pair *value,
                  struct span text, struct span argument)
{
    tx->matched_link = tx->cursor.link;
    tx->matched_argument = argument;
    tx->matched = (struct pair){value_name(tx, target, value), text};
    if (transaction_grow(tx, &tx->matched_list, tx->matched_count, &tx->matched_room,
                         sizeof(struct pair)))
        tx->matched_list[tx->matched_count++] = tx->matched;
}

/* --- the verdict --- */

static void allow(struct inspection *tx, enum disruptive how)
{
    tx->allowed |= how == DISRUPTIVE_ALLOW;
    tx->allowed_phase |= how == DISRUPTIVE_ALLOW_PHASE;
    tx->allowed_request |= how == DISRUPTIVE_ALLOW_REQUEST;
}

static bool status_redirects(unsigned status)
{
    return status >= 300 && status <= 399 && status != 304;
}

static struct span literals_of(const struct macro *macro)
{
    return macro->has_variables ? macro->literals : (struct span){NULL, 0};
}

static void verdict_set(struct inspection *tx, const struct rule *rule, enum verdict_action action)
{
    bool refuses = tx->options.engine == ENGINE_ON;
    unsigned status = rule->status;
    if (action == VERDICT_REDIRECT && !status_redirects(status))
        status = 302;
    tx->verdict = (struct verdict){
        .action = refuses ? action : VERDICT_PASS,
        .would_block = !refuses,
        .status = action == VERDICT_DROP ? 0 : status,
        .redirect =
            action == VERDICT_REDIRECT ? macro_expand(tx, &rule->redirect) : (struct span){NULL, 0},
        .redirect_literals =
            action == VERDICT_REDIRECT ? literals_of(&rule->redirect) : (struct span){NULL, 0},
        .rule_id = rule->id,
    };
    tx->decided = refuses;
}

/* True: this rule settled the request's fate, or would have. In detection_only the first one
 * counts, for the later ones would not have been reached; but one that really refuses (the engine
 * was switched on in between) always does. */
static bool decide(struct inspection *tx, const struct rule *rule)
{
    static const enum verdict_action actions[] = {
        [DISRUPTIVE_PASS] = VERDICT_PASS,          [DISRUPTIVE_DENY] = VERDICT_DENY,
        [DISRUPTIVE_DROP] = VERDICT_DROP,          [DISRUPTIVE_REDIRECT] = VERDICT_REDIRECT,
        [DISRUPTIVE_ALLOW] = VERDICT_PASS,         [DISRUPTIVE_ALLOW_PHASE] = VERDICT_PASS,
        [DISRUPTIVE_ALLOW_REQUEST] = VERDICT_PASS,
    };
    static const struct span names[] = {
        [DISRUPTIVE_PASS] = SPAN_INIT("pass"),
        [DISRUPTIVE_DENY] = SPAN_INIT("deny"),
        [DISRUPTIVE_DROP] = SPAN_INIT("drop"),
        [DISRUPTIVE_REDIRECT] = SPAN_INIT("redirect"),
        [DISRUPTIVE_ALLOW] = SPAN_INIT("allow"),
        [DISRUPTIVE_ALLOW_PHASE] = SPAN_INIT("allow:phase"),
        [DISRUPTIVE_ALLOW_REQUEST] = SPAN_INIT("allow:request"),
    };
    enum verdict_action action = actions[rule->disruptive];
    transaction_tell(tx, WATCHED_DECIDED, names[rule->disruptive], SPAN(""),
                     tx->options.engine == ENGINE_ON);
    if (action == VERDICT_PASS) {
        allow(tx, rule->disruptive);
        return false;
    }
    bool detects = tx->options.engine != ENGINE_ON;
    if (tx->phase == PHASE_LOGGING || (detects && tx->verdict.would_block))
        return false;
    verdict_set(tx, rule, action);
    return true;
}

/* --- the log's entry --- */

static const struct span *tags_expand(struct inspection *tx, const struct rule *rule)
{
    struct span *tags = arena_alloc(tx->arena, rule->tag_count * sizeof(*tags));
    for (size_t i = 0; tags != NULL && i < rule->tag_count; i++)
        tags[i] = macro_expand(tx, &rule->tags[i]);
    return tags;
}

/* NULL: no tag has a macro. */
static const struct span *tag_literals(struct inspection *tx, const struct rule *rule)
{
    bool any = false;
    for (size_t i = 0; i < rule->tag_count; i++)
        any = any || rule->tags[i].has_variables;
    struct span *literals = any ? arena_alloc(tx->arena, rule->tag_count * sizeof *literals) : NULL;
    for (size_t i = 0; literals != NULL && i < rule->tag_count; i++)
        literals[i] = literals_of(&rule->tags[i]);
    return literals;
}

static bool texts_are_fixed(const struct rule *rule)
{
    bool are = !rule->message.has_variables;
    for (size_t i = 0; i < rule->tag_count; i++)
        are = are && !rule->tags[i].has_variables;
    return are;
}

/* Of a chain, whose last link may look at what the others found. */
static const struct span *links_matched(struct inspection *tx, const struct rule *rule,
                                        size_t *count)
{
    *count = rule->chain != NULL ? tx->matched_count : 0;
    struct span *links = arena_alloc(tx->arena, *count * sizeof(*links));
    for (size_t i = 0; links != NULL && i < *count; i++)
        links[i] = tx->matched_list[i].name;
    return links;
}

static void log_match(struct inspection *tx, const struct rule *rule, bool disruptive)
{
    if (!transaction_grow(tx, &tx->matches, tx->match_count, &tx->match_room,
                          sizeof(struct rule_match)))
        return;
    const struct operator* operator= tx->matched_link == NULL ? NULL : tx->matched_link->operator;
    struct rule_match match = {
        .rule_id = rule->id,
        .phase = tx->phase,
        .file = rule->file,
        .line = rule->line,
        .operator_text = operator== NULL ? SPAN("unconditionalMatch")
                                         : span_text(operator_name(operator)),
        .operator_argument = tx->matched_argument,
        .negated = operator!= NULL && operator_is_negated(operator),
        .variable_name = tx->matched.name,
        .variable_value = tx->matched.value,
        .message = macro_expand(tx, &rule->message),
        .data = macro_expand(tx, &rule->data),
        .severity = rule->severity,
        .revision = rule->revision,
        .version = rule->version,
        .maturity = rule->maturity,
        .accuracy = rule->accuracy,
        .tags = tags_expand(tx, rule),
        .tag_count = rule->tag_count,
        .is_fixed = texts_are_fixed(rule),
        .literals = {.message = literals_of(&rule->message),
                     .data = literals_of(&rule->data),
                     .tags = tag_literals(tx, rule)},
        .disruptive = disruptive,
        .audit = rule->audit,
        .audit_only = !rule->log,
    };
    if (operator!= NULL)
        match.literals.argument = literals_of(operator_argument(operator));
    match.links = links_matched(tx, rule, &match.link_count);
    if (!arena_is_full(tx->arena))
        tx->matches[tx->match_count++] = match;
}

void record_match(struct inspection *tx, const struct rule *starter)
{
    if (starter->severity < SEVERITY_NONE && starter->severity < tx->highest_severity)
        tx->highest_severity = starter->severity;
    bool disruptive = decide(tx, starter);
    if (starter->log || starter->audit)
        log_match(tx, starter, disruptive);
}
