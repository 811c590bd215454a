/* SPDX-License-Identifier: Apache-2.0 */
/* `sidegate rules show`: a rule as it was loaded, defaults, updates and removed targets included.
 */
#include <stdio.h>

#include "rules/base/number.h"
#include "rules/language/ruleset.h"
#include "sidecar/arguments.h"
#include "sidecar/command.h"
#include "sidecar/command_rules.h"
#include "sidecar/config/exclusions.h"
#include "sidecar/explain.h"

enum { OUTPUT_BYTES = 4 << 20 };

static const struct argument_row rows[] = {
    ARGUMENT_FILE,
    ARGUMENT_SET,
    {'i', "", "ID", "the rule's id"},
};
static const struct argument_table table = {
    "rules show ID -c FILE... [--set KEY=VALUE]...",
    "Shows a rule as it was loaded: with SecDefaultAction and SecRuleUpdate... carried out, and\n"
    "which rules may remove it or one of its targets while a request is looked at.",
    rows, sizeof rows / sizeof *rows};

/* ---- one link ---- */

static void add_macro(struct buf *to, const char *title, const struct macro *macro)
{
    if (macro->text.len == 0)
        return;
    buf_format(to, "  %-16s ", title);
    quote_add(to, macro->text, SPAN_NONE, 0);
    buf_add_byte(to, '\n');
}

static void add_setvar(struct buf *to, const struct action *action)
{
    static const char *const how[] = {
        [SETVAR_SET] = "=", [SETVAR_ADD] = "=+", [SETVAR_SUBTRACT] = "=-", [SETVAR_UNSET] = ""};
    bool unsets = action->setvar.how == SETVAR_UNSET;
    buf_format(to, ":%s%s.", unsets ? "!" : "", variable_row(action->setvar.collection)->name);
    plain_add(to, action->setvar.key.text);
    buf_add(to, span_text(how[action->setvar.how]));
    if (!unsets)
        plain_add(to, action->setvar.value.text);
}

static void add_action(struct buf *to, const struct action *action)
{
    buf_format(to, "  %-16s ", "does");
    if (action->name == ACTION_CTL)
        ctl_add(to, action);
    else
        buf_add(to, span_text(action_row(action->name)->name));
    if (action->name == ACTION_SETVAR)
        add_setvar(to, action);
    buf_add_byte(to, '\n');
}

static void add_link(struct buf *to, const struct rule *link)
{
    buf_format(to, "  %-16s", "targets");
    for (size_t i = 0; i < link->target_count; i++) {
        buf_add_byte(to, ' ');
        target_add(to, &link->targets[i]);
    }
    buf_format(to, "\n  %-16s", "transformations");
    for (size_t i = 0; i < link->transformation_count; i++)
        buf_format(to, " %s", link->transformations[i]->name);
    buf_format(to, "%s%s%s\n  %-16s ", link->transformation_count == 0 ? " none" : "",
               link->multi_match ? " (multiMatch)" : "", link->capture ? " (capture)" : "",
               "operator");
    operator_add(to, link);
    buf_add_byte(to, '\n');
    for (size_t i = 0; i < link->action_count; i++)
        add_action(to, &link->actions[i]);
}

/* ---- the rule ---- */

static void add_disruptive(struct buf *to, const struct rule *rule)
{
    static const char *const names[] = {
        [DISRUPTIVE_PASS] = "pass",
        [DISRUPTIVE_DENY] = "deny",
        [DISRUPTIVE_DROP] = "drop",
        [DISRUPTIVE_REDIRECT] = "redirect",
        [DISRUPTIVE_ALLOW] = "allow",
        [DISRUPTIVE_ALLOW_PHASE] = "allow:phase",
        [DISRUPTIVE_ALLOW_REQUEST] = "allow:request",
    };
    buf_format(to, "  %-16s %s", "decides", names[rule->disruptive]);
    if (rule->disruptive == DISRUPTIVE_DENY || rule->disruptive == DISRUPTIVE_REDIRECT)
        buf_format(to, " with %u", rule->status);
    buf_format(to, "%s%s%s\n", rule->was_block ? " (written as block)" : "",
               rule->log ? ", logged" : ", not logged", rule->audit ? ", audited" : "");
}

static void add_rule(struct buf *to, const struct rule *rule)
{
    buf_format(to, "%llu  phase %d", (unsigned long long)rule->id, (int)rule->phase);
    if (rule->severity < SEVERITY_NONE)
        buf_format(to, ", %s", severity_name(rule->severity));
    buf_format(to, "\n  %-16s %s:%u\n", "stands in", rule->file, rule->line);
    add_macro(to, "message", &rule->message);
    add_macro(to, "data", &rule->data);
    for (size_t i = 0; i < rule->tag_count; i++)
        add_macro(to, "tag", &rule->tags[i]);
    add_disruptive(to, rule);
    add_link(to, rule);
    for (const struct rule *link = rule->chain; link != NULL; link = link->chain) {
        buf_format(to, "and, %s:%u\n", link->file, link->line);
        add_link(to, link);
    }
}

/* Who skips over it: where a match leads beyond it. */
static void add_skips(struct buf *to, const struct ruleset_phase *phase, const struct rule *rule)
{
    size_t at = 0;
    while (at < phase->count && phase->steps[at].rule != rule)
        at++;
    for (size_t i = 0; i < at; i++) {
        const struct rule *by = phase->steps[i].rule;
        if (by != NULL && by->go_to > at)
            buf_format(to, "skipped where rule %llu matches (%s:%u)\n", (unsigned long long)by->id,
                       by->file, by->line);
    }
}

static void add_remover(struct buf *to, const struct snapshot *snapshot, const struct rule *by,
                        const struct rule *rule)
{
    for (const struct rule *link = by; link != NULL; link = link->chain)
        for (size_t i = 0; i < link->action_count; i++) {
            if (!ctl_names_rule(&link->actions[i], rule))
                continue;
            bool by_settings = exclusion_of(snapshot->settings, by) != NULL;
            buf_format(to, "%s %s ",
                       ctl_removes_rules(&link->actions[i]) ? "removed" : "a target is removed",
                       by_settings ? "by" : "where");
            if (by_settings)
                rule_name_add(to, snapshot->settings, by);
            else
                buf_format(to, "rule %llu matches (%s:%u)", (unsigned long long)by->id, by->file,
                           by->line);
            buf_add(to, SPAN(": "));
            ctl_add(to, &link->actions[i]);
            buf_add_byte(to, '\n');
        }
}

/* What the directives of the files made of it. */
static void add_changes(struct buf *to, const struct ruleset *ruleset, uint64_t id)
{
    for (size_t i = 0; ruleset != NULL && i < ruleset->change_count; i++) {
        if (ruleset->changes[i].rule_id != id)
            continue;
        buf_add(to, ruleset->changes[i].removed ? SPAN("removed by ") : SPAN("changed by "));
        change_add(to, &ruleset->changes[i]);
        buf_add_byte(to, '\n');
    }
}

static void add_others(struct buf *to, const struct snapshot *snapshot, const struct rule *rule)
{
    const struct ruleset *ruleset = snapshot->ruleset;
    add_changes(to, ruleset, rule->id);
    add_skips(to, &ruleset->phases[rule->phase], rule);
    for (unsigned p = 1; p <= (unsigned)rule->phase; p++)
        for (size_t i = 0; i < ruleset->phases[p].count; i++)
            if (ruleset->phases[p].steps[i].rule != NULL)
                add_remover(to, snapshot, ruleset->phases[p].steps[i].rule, rule);
}

static int show(const struct settings_source *source, uint64_t id)
{
    struct snapshot *snapshot = rules_snapshot(source);
    if (snapshot == NULL)
        return EXIT_REFUSED;
    const struct ruleset *ruleset = snapshot->ruleset;
    const struct rule *rule = ruleset != NULL ? ruleset_find(ruleset, id) : NULL;
    struct buf text;
    buf_init(&text, OUTPUT_BYTES);
    if (rule == NULL) {
        fprintf(stderr, "sidegate rules show: rule %llu is not loaded\n", (unsigned long long)id);
        add_changes(&text, ruleset, id);
        fprintf(stderr, SPAN_FORMAT, span_arg(buf_span(&text)));
        buf_fini(&text);
    } else {
        add_rule(&text, rule);
        add_others(&text, snapshot, rule);
        rules_print_out(&text);
    }
    snapshot_give(snapshot);
    return rule != NULL ? 0 : 1;
}

int rules_show(int argc, char **argv)
{
    struct arguments arguments;
    struct argument_sources sources;
    const struct argument_row *row;
    uint64_t id = 0;
    arguments_begin(&arguments, &table, argc, argv);
    argument_sources_init(&sources, argc);
    while ((row = arguments_next(&arguments)) != NULL)
        if (!argument_sources_take(&sources, &arguments, row) &&
            (!number_parse(span_text(arguments.value), &id) || id == 0))
            arguments_refuse(&arguments, "found '%s', expected a rule's id", arguments.value);
    if (argument_sources_finish(&sources, &arguments) && id == 0)
        arguments_refuse(&arguments, "which rule? give its id");
    int code = arguments.code < 0 ? show(&sources.source, id) : arguments.code;
    argument_sources_fini(&sources);
    return code;
}
