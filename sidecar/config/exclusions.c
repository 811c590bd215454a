/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/config/exclusions.h"

#include "rules/language/naming.h"
#include "sidecar/http/date.h"

enum { TEXT_BYTES = 16 << 20, DAY_LENGTH = 10 };

/* ---- to SecLang: no text has quotes or control bytes, see exclusion_values.c ---- */

static void ctl_add(const struct exclusion_settings *exclusion, const struct excluded_rules *rules,
                    struct buf *to)
{
    const char *by = rules->tag.at != NULL ? "Tag" : "Id";
    buf_format(to, ",ctl:'ruleRemove%sBy%s=", exclusion->target.at != NULL ? "Target" : "", by);
    if (rules->tag.at != NULL)
        buf_add(to, rules->tag);
    else
        buf_format(to, "%llu", (unsigned long long)rules->first);
    if (rules->tag.at == NULL && rules->last > rules->first)
        buf_format(to, "-%llu", (unsigned long long)rules->last);
    if (exclusion->target.at != NULL)
        buf_format(to, ";" SPAN_FORMAT, span_arg(exclusion->target));
    buf_add_byte(to, '\'');
}

static void head_add(uint64_t id, struct buf *to)
{
    buf_format(to, "\"id:%llu,phase:1,t:none,pass,nolog", (unsigned long long)id);
}

static void rule_add(const struct exclusion_settings *exclusion, uint64_t id, struct buf *to)
{
    bool has_path = exclusion->path.at != NULL;
    struct span path = exclusion->path;
    bool prefix = has_path && span_ends(path, SPAN("*"));
    if (exclusion->expires_s != 0) {
        buf_format(to, "SecRule TIME_EPOCH \"@lt %llu\" ",
                   (unsigned long long)exclusion->expires_s);
        head_add(id, to);
        if (has_path)
            buf_add(to, SPAN(",chain\"\n"));
    }
    if (has_path) {
        buf_format(to, "SecRule TX:sidegate_path \"@%s " SPAN_FORMAT "\" ",
                   prefix ? "beginsWith" : "streq", span_arg(span_first(path, path.len - prefix)));
        if (exclusion->expires_s != 0)
            buf_add(to, SPAN("\"t:none"));
        else
            head_add(id, to);
    }
    if (!has_path && exclusion->expires_s == 0) {
        buf_add(to, SPAN("SecAction "));
        head_add(id, to);
    }
    for (size_t i = 0; i < exclusion->rule_count; i++)
        ctl_add(exclusion, &exclusion->rules[i], to);
    buf_add(to, SPAN("\"\n"));
}

/* Empty lines before it put the rule at the line of the setting. */
void exclusions_add(const struct settings *settings, struct ruleset_builder *builder)
{
    struct buf text;
    buf_init(&text, TEXT_BYTES);
    for (size_t i = 0; i < settings->rules.exclusion_count; i++) {
        const struct exclusion_settings *exclusion = &settings->rules.exclusions[i];
        buf_clear(&text);
        for (unsigned line = 1; line < exclusion->place.line; line++)
            buf_add_byte(&text, '\n');
        rule_add(exclusion, EXCLUSION_FIRST_ID + i, &text);
        ruleset_builder_add_text(builder, exclusion->place.file, buf_span(&text));
    }
    buf_fini(&text);
}

void exclusions_key(const struct settings *settings, struct buf *to)
{
    for (size_t i = 0; i < settings->rules.exclusion_count; i++) {
        const struct exclusion_settings *exclusion = &settings->rules.exclusions[i];
        buf_format(to, "\n%s:%u ", exclusion->place.file, exclusion->place.line);
        rule_add(exclusion, i, to);
    }
}

/* ---- which rules they name ---- */

const struct exclusion_settings *exclusion_of(const struct settings *settings,
                                              const struct rule *rule)
{
    if (rule->id < EXCLUSION_FIRST_ID ||
        rule->id - EXCLUSION_FIRST_ID >= settings->rules.exclusion_count)
        return NULL;
    return &settings->rules.exclusions[rule->id - EXCLUSION_FIRST_ID];
}

/* The actions of the rule that was made from it, one for each of what it names, in order. */
static const struct action *actions_of(const struct settings *settings,
                                       const struct exclusion_settings *exclusion,
                                       const struct ruleset *ruleset)
{
    uint64_t i = (uint64_t)(exclusion - settings->rules.exclusions);
    const struct rule *rule = ruleset_find(ruleset, EXCLUSION_FIRST_ID + i);
    while (rule != NULL && rule->chain != NULL)
        rule = rule->chain;
    return rule != NULL && rule->action_count == exclusion->rule_count ? rule->actions : NULL;
}

static size_t count_named(const struct ruleset *ruleset, const struct action *actions, size_t count)
{
    size_t found = 0;
    for (unsigned phase = 1; phase < PHASE_COUNT; phase++)
        for (size_t i = 0; i < ruleset->phases[phase].count; i++) {
            const struct rule *rule = ruleset->phases[phase].steps[i].rule;
            bool named = false;
            for (size_t k = 0; rule != NULL && k < count && !named; k++)
                named = ctl_names_rule(&actions[k], rule);
            found += named;
        }
    return found;
}

size_t exclusion_rule_count(const struct exclusion_settings *exclusion,
                            const struct settings *settings, const struct ruleset *ruleset)
{
    const struct action *actions = actions_of(settings, exclusion, ruleset);
    return actions != NULL ? count_named(ruleset, actions, exclusion->rule_count) : 0;
}

void exclusions_warn(const struct settings *settings, const struct ruleset *ruleset,
                     struct faults *faults)
{
    for (size_t i = 0; i < settings->rules.exclusion_count; i++) {
        const struct exclusion_settings *exclusion = &settings->rules.exclusions[i];
        const struct action *actions = actions_of(settings, exclusion, ruleset);
        for (size_t k = 0; actions != NULL && k < exclusion->rule_count; k++)
            if (count_named(ruleset, &actions[k], 1) == 0)
                fault_add(
                    faults, FAULT_WARNING, exclusion->rules[k].place, SPAN(""),
                    "rules.exclusions[].rule: no rule that is loaded is meant by '" SPAN_FORMAT "'",
                    span_arg(span_first(exclusion->rules[k].text, 80)));
    }
}

void exclusion_print(const struct exclusion_settings *exclusion, struct buf *to)
{
    for (size_t i = 0; i < exclusion->rule_count; i++)
        buf_format(to, "%s" SPAN_FORMAT, i > 0 ? ", " : "", span_arg(exclusion->rules[i].text));
    if (exclusion->target.at != NULL)
        buf_format(to, " without " SPAN_FORMAT, span_arg(exclusion->target));
    if (exclusion->path.at != NULL)
        buf_format(to, " at " SPAN_FORMAT, span_arg(exclusion->path));
    if (exclusion->expires_s != 0) {
        char day[TIMESTAMP_LENGTH];
        timestamp_write(day, exclusion->expires_s * 1000000);
        buf_format(to, " until %.*s", (int)DAY_LENGTH, day);
    }
    buf_format(to, ": " SPAN_FORMAT, span_arg(exclusion->reason));
}
