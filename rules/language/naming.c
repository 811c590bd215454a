/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/language/naming.h"

bool ctl_text_is_pattern(struct span text)
{
    const struct span special = SPAN("^$*+?()[]{}|\\");
    for (size_t i = 0; i < text.len; i++)
        if (span_find_byte(special, text.at[i]) != SPAN_NONE)
            return true;
    return false;
}

static bool pattern_names(struct span wanted, struct span text)
{
    size_t offset;
    char why[128];
    struct pattern *pattern = ctl_text_is_pattern(wanted)
                                  ? pattern_new(wanted, PATTERN_RULE, &offset, why, sizeof why)
                                  : NULL;
    if (pattern == NULL)
        return false;
    struct scratch *scratch = scratch_new();
    bool names = pattern_match(pattern, text, scratch, NULL) == PATTERN_YES;
    scratch_free(scratch);
    pattern_free(pattern);
    return names;
}

static bool text_is_named(struct span wanted, struct span text)
{
    return span_is(wanted, text) || pattern_names(wanted, text);
}

bool ctl_names_rule(const struct action *action, const struct rule *rule)
{
    if (action->name != ACTION_CTL)
        return false;
    enum ctl_name name = action->ctl.name;
    if (name == CTL_RULE_REMOVE_BY_ID || name == CTL_RULE_REMOVE_TARGET_BY_ID)
        return rule->id >= action->ctl.ids.first && rule->id <= action->ctl.ids.last;
    if (name == CTL_RULE_REMOVE_BY_MSG || name == CTL_RULE_REMOVE_TARGET_BY_MSG)
        return text_is_named(action->ctl.tag, rule->message.text);
    bool by_tag = name == CTL_RULE_REMOVE_BY_TAG || name == CTL_RULE_REMOVE_TARGET_BY_TAG;
    for (size_t i = 0; by_tag && i < rule->tag_count; i++)
        if (text_is_named(action->ctl.tag, rule->tags[i].text))
            return true;
    return false;
}

bool ctl_removes_rules(const struct action *action)
{
    return action->name == ACTION_CTL && (action->ctl.name == CTL_RULE_REMOVE_BY_ID ||
                                          action->ctl.name == CTL_RULE_REMOVE_BY_TAG ||
                                          action->ctl.name == CTL_RULE_REMOVE_BY_MSG);
}
