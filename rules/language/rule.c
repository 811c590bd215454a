/* SPDX-License-Identifier: Apache-2.0 */
/* SecRule, SecAction, SecMarker and SecDefaultAction become drafts. */
#include <inttypes.h>
#include <stdio.h>

#include "rules/base/must.h"
#include "rules/language/action_list.h"
#include "rules/language/choice.h"
#include "rules/language/rule_operator.h"
#include "rules/language/target_list.h"

static bool read_phase(struct line *line, const struct rows *words, enum rule_phase *phase,
                       bool *given)
{
    static const struct choice choices[] = {
        {"1", PHASE_REQUEST_HEADERS},
        {"2", PHASE_REQUEST_BODY},
        {"3", PHASE_RESPONSE_HEADERS},
        {"4", PHASE_RESPONSE_BODY},
        {"5", PHASE_LOGGING},
        {"request", PHASE_REQUEST_BODY},
        {"response", PHASE_RESPONSE_BODY},
        {"logging", PHASE_LOGGING},
    };
    const struct action_word *word = words->at;
    *phase = PHASE_REQUEST_BODY;
    *given = false;
    for (size_t i = 0; i < words->count; i++) {
        unsigned value;
        if (word[i].name != ACTION_PHASE)
            continue;
        if (!choice_read(line, word[i].value, "phase", choices, 8, &value))
            return false;
        *phase = (enum rule_phase)value;
        *given = true;
    }
    return true;
}

static struct draft *draft_new(struct line *line, enum rule_phase phase)
{
    struct draft *draft = arena_alloc(line->arena, sizeof *draft);
    must(draft != NULL);
    draft->rule = (struct rule){.file = line->file,
                                .line = line->number,
                                .phase = phase,
                                .log = true,
                                .audit = true,
                                .severity = SEVERITY_NONE};
    return draft;
}

/* What SecDefaultAction said stands before the rule's own actions. */
static void draft_inherit(struct draft *draft, const struct draft *defaults, bool is_link,
                          struct arena *arena)
{
    if (defaults == NULL)
        return;
    rows_add_all(&draft->transformations, &defaults->transformations, arena,
                 sizeof(struct transformation *));
    if (is_link)
        return;
    draft->defaults = defaults;
    rows_add_all(&draft->actions, &defaults->actions, arena, sizeof(struct action));
    rows_add_all(&draft->tags, &defaults->tags, arena, sizeof(struct macro));
    draft->rule.log = defaults->rule.log;
    draft->rule.audit = defaults->rule.audit;
    draft->rule.capture = defaults->rule.capture;
    draft->rule.multi_match = defaults->rule.multi_match;
}

/* Reads the list of a rule, a link or a default into a new draft; NULL: its phase or the list
 * itself is wrong. */
static struct draft *read_draft(struct ruleset_builder *builder, struct line *line,
                                struct span list, enum action_site site)
{
    struct rows words = {0};
    enum rule_phase phase;
    bool given;
    if (list.len > 0 && !action_list_cut(line, list, &words))
        return NULL;
    if (!read_phase(line, &words, &phase, &given))
        return NULL;
    if (site == SITE_DEFAULT && !given)
        fault_add(line->faults, FAULT_ERROR, line_place(line, list.at), SPAN(""),
                  "SecDefaultAction names no phase");
    if (site == SITE_LINK)
        phase = builder->open_starter->rule.phase;
    struct draft *draft = draft_new(line, phase);
    if (site != SITE_DEFAULT)
        draft_inherit(draft, builder->defaults[phase], site == SITE_LINK, line->arena);
    struct action_edit edit = {builder, line, draft, site, NULL};
    action_list_apply(&edit, &words);
    return draft;
}

static void register_id(struct ruleset_builder *builder, struct line *line, struct draft *draft)
{
    char name[24];
    int len = snprintf(name, sizeof name, "%" PRIu64, draft->rule.id);
    must(len > 0);
    if (draft->rule.id == 0) {
        bool acts = draft->targets.count == 0 && draft->rule.operator== NULL;
        if (draft->id_place.line == 0 && !builder->lost)
            fault_add(line->faults, acts ? FAULT_WARNING : FAULT_ERROR,
                      line_place(line, line_word(line, 0).at), SPAN(""), "this rule has no id");
        return;
    }
    builder->lost = false;
    struct span key = span_make(name, (size_t)len);
    const struct draft *other = map_find(builder->ids, key);
    if (other != NULL)
        fault_add(line->faults, FAULT_ERROR, draft->id_place, SPAN(""),
                  "the id %s is taken by the rule at %s:%u", name, other->rule.file,
                  other->rule.line);
    else
        (void)map_set(builder->ids, key, draft);
}

static void add_entry(struct ruleset_builder *builder, struct draft *draft, const char *marker)
{
    struct entry *entry = rows_add(&builder->entries, builder->holding.arena, sizeof *entry);
    *entry = (struct entry){draft, marker};
}

/* Puts the draft where it belongs: behind the chain's last link, or as a rule of its own. */
static void place_draft(struct ruleset_builder *builder, struct line *line, struct draft *draft)
{
    if (builder->open != NULL) {
        builder->open->next = draft;
    } else {
        register_id(builder, line, draft);
        add_entry(builder, draft, NULL);
        builder->open_starter = draft;
    }
    builder->open = draft->has_chain ? draft : NULL;
}

/* Does the list seem to hold the action chain? It could not be cut, so this is a guess. */
static bool seems_chained(struct span list)
{
    for (struct span word = SPAN("chain"); list.len >= word.len;
         list = span_make(list.at + 1, list.len - 1)) {
        struct span rest = span_from(list, word.len);
        bool starts = span_starts_nocase(list, word);
        if (starts && (rest.len == 0 || span_find_byte(SPAN(", \t"), rest.at[0]) != SPAN_NONE))
            return true;
    }
    return false;
}

/* A rule that could not be read must not leave its links behind as rules of their own. */
static void forget_draft(struct ruleset_builder *builder, struct line *line, struct span list)
{
    bool more = seems_chained(list);
    struct draft *draft = draft_new(line, PHASE_REQUEST_BODY);
    draft->chain_place = line_place(line, line_word(line, 0).at);
    draft->has_chain = more;
    if (builder->open == NULL)
        builder->open_starter = draft;
    builder->open = more ? draft : NULL;
}

/* Only what is excluded: a rule that looks at nothing. */
static bool looks_at_something(struct line *line, const struct rows *targets)
{
    const struct target *target = targets->at;
    for (size_t i = 0; i < targets->count; i++)
        if (!target[i].excluded)
            return true;
    fault_add(line->faults, FAULT_ERROR, line_place(line, line_word(line, 1).at), SPAN(""),
              "every target is excluded, so this rule looks at nothing");
    return false;
}

DIRECTIVE_FUNCTION(rule)
{
    (void)which;
    struct rows targets = {0};
    struct span list = line_word(line, 3);
    enum action_site site = builder->open != NULL ? SITE_LINK : SITE_RULE;
    bool well = target_list_parse(builder, line, line_word(line, 1), &targets) &&
                looks_at_something(line, &targets);
    const struct operator* op = rule_operator(builder, line, line_word(line, 2));
    struct draft *draft = read_draft(builder, line, list, site);
    if (draft == NULL) {
        forget_draft(builder, line, list);
        return;
    }
    if (well)
        draft->targets = targets;
    draft->rule.operator= op;
    place_draft(builder, line, draft);
}

DIRECTIVE_FUNCTION(action)
{
    (void)which;
    struct span list = line_word(line, 1);
    enum action_site site = builder->open != NULL ? SITE_LINK : SITE_RULE;
    struct draft *draft = read_draft(builder, line, list, site);
    if (draft == NULL)
        forget_draft(builder, line, list);
    else
        place_draft(builder, line, draft);
}

DIRECTIVE_FUNCTION(marker)
{
    (void)which;
    const char *name = arena_string(line->arena, line_word(line, 1));
    must(name != NULL);
    add_entry(builder, NULL, name);
}

DIRECTIVE_FUNCTION(default_action)
{
    (void)which;
    struct span list = line_word(line, 1);
    struct draft *draft = read_draft(builder, line, list, SITE_DEFAULT);
    if (draft == NULL)
        return;
    if (!draft->has_disruptive)
        fault_add(line->faults, FAULT_ERROR, line_place(line, list.at),
                  SPAN("pass, deny, drop, allow or redirect"),
                  "SecDefaultAction says not what becomes of a request");
    builder->defaults[draft->rule.phase] = draft;
}
