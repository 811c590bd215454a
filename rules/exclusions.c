/* SPDX-License-Identifier: Apache-2.0 */
/* ctl:ruleRemove... A removed rule is a bit in a map over rule.index, settled when the ctl runs.
 * Which rules a removed target belongs to is asked only when a value of it comes up: most
 * exclusions of the CRS name variables that a request does not have. */
#include "rules/exclusions.h"

#include "rules/evaluate.h"
#include "rules/language/naming.h"
#include "rules/values.h"

static size_t bitmap_words(const struct inspection *tx)
{
    return (tx->ruleset->rule_count + 63u) / 64u;
}

static bool bit_is_set(const uint64_t *bits, unsigned index)
{
    return (bits[index / 64] >> (index % 64) & 1) != 0;
}

/* What a ctl names rules by. */
struct naming {
    enum ctl_name how;
    struct id_range ids;
    struct span text;        /* a tag or a message */
    struct pattern *pattern; /* of the text, where it reads like one */
};

static bool text_is_named(struct inspection *tx, const struct naming *naming, struct span text)
{
    if (span_is(text, naming->text))
        return true;
    return naming->pattern != NULL &&
           pattern_match(naming->pattern, text, tx->world.scratch, NULL) == PATTERN_YES;
}

static bool tag_is_named(struct inspection *tx, const struct naming *naming,
                         const struct rule *rule)
{
    for (size_t i = 0; i < rule->tag_count; i++)
        if (text_is_named(tx, naming, macro_expand(tx, &rule->tags[i])))
            return true;
    return false;
}

static bool rule_is_named(struct inspection *tx, const struct naming *naming,
                          const struct rule *rule)
{
    if (naming->how == CTL_RULE_REMOVE_BY_ID || naming->how == CTL_RULE_REMOVE_TARGET_BY_ID)
        return rule->id >= naming->ids.first && rule->id <= naming->ids.last;
    if (naming->how == CTL_RULE_REMOVE_BY_TAG || naming->how == CTL_RULE_REMOVE_TARGET_BY_TAG)
        return tag_is_named(tx, naming, rule);
    return text_is_named(tx, naming, rule->message.text);
}

static void rules_mark(struct inspection *tx, const struct naming *naming, uint64_t *bits)
{
    for (unsigned phase = 1; phase < PHASE_COUNT; phase++) {
        const struct ruleset_phase *steps = &tx->ruleset->phases[phase];
        for (size_t i = 0; i < steps->count; i++) {
            const struct rule *rule = steps->steps[i].rule;
            if (rule != NULL && rule_is_named(tx, naming, rule))
                bits[rule->index / 64] |= UINT64_C(1) << (rule->index % 64);
        }
    }
}

static struct naming naming_of(const struct action *action)
{
    return (struct naming){
        .how = action->ctl.name,
        .ids = action->ctl.ids,
        .text = action->ctl.tag,
    };
}

/* Sets the bits of the rules that the ctl names; NULL: `bits` is to be made. */
static uint64_t *rules_named(struct inspection *tx, const struct action *action, uint64_t *bits)
{
    if (bits == NULL)
        bits = arena_alloc(tx->arena, bitmap_words(tx) * sizeof(*bits));
    if (bits == NULL)
        return NULL;
    struct naming naming = naming_of(action);
    size_t offset;
    char why[128];
    if (ctl_text_is_pattern(naming.text))
        naming.pattern = pattern_new(naming.text, PATTERN_RULE, &offset, why, sizeof(why));
    rules_mark(tx, &naming, bits);
    pattern_free(naming.pattern);
    return bits;
}

/* The same ctl runs once for each value that its rule matched. */
static bool target_is_excluded(const struct inspection *tx, const struct action *action)
{
    for (const struct exclusion *e = tx->exclusions; e != NULL; e = e->next)
        if (e->action == action)
            return true;
    return false;
}

static void target_exclude(struct inspection *tx, const struct action *action)
{
    if (target_is_excluded(tx, action))
        return;
    struct exclusion *exclusion = arena_alloc(tx->arena, sizeof(*exclusion));
    if (exclusion == NULL)
        return;
    exclusion->action = action;
    exclusion->next = tx->exclusions;
    /* A pattern is compiled once, here, and not for each value. */
    if (ctl_text_is_pattern(action->ctl.tag))
        exclusion->rules = rules_named(tx, action, NULL);
    tx->exclusions = exclusion;
}

void exclusion_add(struct inspection *tx, const struct action *action)
{
    enum ctl_name name = action->ctl.name;
    if (name == CTL_RULE_REMOVE_TARGET_BY_ID || name == CTL_RULE_REMOVE_TARGET_BY_TAG ||
        name == CTL_RULE_REMOVE_TARGET_BY_MSG)
        target_exclude(tx, action);
    else
        tx->removed = rules_named(tx, action, tx->removed);
}

bool exclusion_is_removed(const struct inspection *tx, const struct rule *rule)
{
    return tx->removed != NULL && bit_is_set(tx->removed, rule->index);
}

static bool exclusion_names(struct inspection *tx, const struct exclusion *exclusion,
                            const struct rule *rule)
{
    if (exclusion->rules != NULL)
        return bit_is_set(exclusion->rules, rule->index);
    struct naming naming = naming_of(exclusion->action);
    return rule_is_named(tx, &naming, rule);
}

bool exclusions_touch(const struct inspection *tx, const struct rule *link, enum variable variable)
{
    for (size_t i = 0; i < link->target_count; i++)
        if (link->targets[i].excluded && link->targets[i].variable == variable)
            return true;
    for (const struct exclusion *e = tx->exclusions; e != NULL; e = e->next)
        if (e->action->ctl.target.variable == variable)
            return true;
    return false;
}

/* ModSecurity 3 has no names of containers: who excluded there what stands first in one
 * (json.a.array_0) means the container's (json.a) as well, of which that name is made. */
static bool target_excludes(struct inspection *tx, const struct target *target,
                            const struct pair *value)
{
    if (target_selects(tx, target, value))
        return true;
    const struct pair *container = container_of(tx, target->variable, value);
    return container != NULL &&
           target_selects(tx, target, &(struct pair){container->value, container->value});
}

bool exclusion_holds(struct inspection *tx, const struct rule *link, enum variable variable,
                     const struct pair *value)
{
    for (size_t i = 0; i < link->target_count; i++) {
        const struct target *target = &link->targets[i];
        if (target->excluded && target->variable == variable && target_excludes(tx, target, value))
            return true;
    }
    for (const struct exclusion *e = tx->exclusions; e != NULL; e = e->next) {
        const struct target *target = &e->action->ctl.target;
        if (target->variable == variable && target_excludes(tx, target, value) &&
            exclusion_names(tx, e, tx->cursor.starter))
            return true;
    }
    return false;
}
