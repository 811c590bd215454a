/* SPDX-License-Identifier: Apache-2.0 */
/* What the actions do to the rule that they stand at. */
#include <inttypes.h>

#include "rules/base/number.h"
#include "rules/language/action_list.h"
#include "rules/language/choice.h"

static void apply_id(struct action_edit *edit)
{
    uint64_t id;
    if (edit->site == SITE_LINK) {
        fault_add(edit->line->faults, FAULT_WARNING, line_place(edit->line, edit->word->value.at),
                  SPAN(""), "a chain goes by the id of its first rule, so this one means nothing");
        return;
    }
    if (number_read(edit->line, edit->word->value, "id", 1, INT64_MAX, &id))
        edit->draft->rule.id = id;
    edit->draft->id_place = line_place(edit->line, edit->word->value.at);
}

static void apply_nothing(struct action_edit *edit)
{
    (void)edit; /* the phase was read before all others: defaults depend on it */
}

static void apply_msg(struct action_edit *edit)
{
    edit->draft->rule.message = builder_macro(edit->line, edit->word->value);
}

static void apply_logdata(struct action_edit *edit)
{
    edit->draft->rule.data = builder_macro(edit->line, edit->word->value);
}

static void apply_tag(struct action_edit *edit)
{
    struct macro *tag = rows_add(&edit->draft->tags, edit->line->arena, sizeof *tag);
    *tag = builder_macro(edit->line, edit->word->value);
}

static void apply_ver(struct action_edit *edit)
{
    edit->draft->rule.version = edit->word->value;
}

static void apply_rev(struct action_edit *edit)
{
    edit->draft->rule.revision = edit->word->value;
}

static void apply_severity(struct action_edit *edit)
{
    static const struct choice choices[] = {
        {"EMERGENCY", 0}, {"ALERT", 1},  {"CRITICAL", 2}, {"ERROR", 3},
        {"WARNING", 4},   {"NOTICE", 5}, {"INFO", 6},     {"DEBUG", 7},
    };
    struct span value = edit->word->value;
    if (value.len == 1 && value.at[0] >= '0' && value.at[0] <= '7')
        edit->draft->rule.severity = (unsigned)(value.at[0] - '0');
    else
        (void)choice_read(edit->line, value, "severity", choices, 8, &edit->draft->rule.severity);
}

static void apply_maturity(struct action_edit *edit)
{
    uint64_t value;
    if (number_read(edit->line, edit->word->value, "maturity", 1, 9, &value))
        edit->draft->rule.maturity = (unsigned)value;
}

static void apply_accuracy(struct action_edit *edit)
{
    uint64_t value;
    if (number_read(edit->line, edit->word->value, "accuracy", 1, 9, &value))
        edit->draft->rule.accuracy = (unsigned)value;
}

/* t:none drops those before it, SecDefaultAction's too. */
static void apply_t(struct action_edit *edit)
{
    struct span name = edit->word->value;
    if (span_is_nocase(name, SPAN("none"))) {
        edit->draft->transformations = (struct rows){0};
        return;
    }
    const struct transformation *found = transformation_find(name);
    if (found == NULL) {
        size_t count;
        char room[96];
        const char *const *names = transformation_names(&count);
        action_fault(edit, nearest_hint(name, names, count, room, sizeof room),
                     "unknown transformation '" SPAN_FORMAT "'", span_arg(span_first(name, 80)));
        return;
    }
    const struct transformation **row =
        rows_add(&edit->draft->transformations, edit->line->arena, sizeof(void *));
    *row = found;
}

static void apply_capture(struct action_edit *edit)
{
    edit->draft->rule.capture = true;
}

static void apply_multi_match(struct action_edit *edit)
{
    edit->draft->rule.multi_match = true;
}

static void apply_chain(struct action_edit *edit)
{
    edit->draft->has_chain = true;
    edit->draft->chain_place = line_place(edit->line, edit->word->text.at);
}

static void apply_skip(struct action_edit *edit)
{
    (void)number_read(edit->line, edit->word->value, "skip", 1, 1000000, &edit->draft->skip);
}

static void apply_skip_after(struct action_edit *edit)
{
    edit->draft->skip_after = edit->word->value;
    edit->draft->skip_after_place = line_place(edit->line, edit->word->value.at);
}

static void set_disruptive(struct action_edit *edit, enum disruptive disruptive)
{
    edit->draft->rule.disruptive = disruptive;
    edit->draft->rule.was_block = edit->word->name == ACTION_BLOCK;
    edit->draft->has_disruptive = true;
}

static void apply_pass(struct action_edit *edit)
{
    set_disruptive(edit, DISRUPTIVE_PASS);
}

/* What it comes to is settled when all files are read. In SecDefaultAction, which is where it gets
 * its meaning from, it has none. */
static void apply_block(struct action_edit *edit)
{
    if (edit->site == SITE_DEFAULT)
        return;
    set_disruptive(edit, DISRUPTIVE_PASS);
}

static void apply_deny(struct action_edit *edit)
{
    set_disruptive(edit, DISRUPTIVE_DENY);
}

static void apply_drop(struct action_edit *edit)
{
    set_disruptive(edit, DISRUPTIVE_DROP);
}

static void apply_allow(struct action_edit *edit)
{
    static const struct choice choices[] = {{"phase", DISRUPTIVE_ALLOW_PHASE},
                                            {"request", DISRUPTIVE_ALLOW_REQUEST}};
    unsigned value = DISRUPTIVE_ALLOW;
    if (edit->word->value.len == 0 ||
        choice_read(edit->line, edit->word->value, "allow", choices, 2, &value))
        set_disruptive(edit, (enum disruptive)value);
}

static void apply_redirect(struct action_edit *edit)
{
    set_disruptive(edit, DISRUPTIVE_REDIRECT);
    edit->draft->rule.redirect = builder_macro(edit->line, edit->word->value);
}

static void apply_status(struct action_edit *edit)
{
    uint64_t value;
    if (number_read(edit->line, edit->word->value, "status", 100, 599, &value))
        edit->draft->rule.status = (unsigned)value;
}

/* log and nolog speak for the audit log too, unless (no)auditlog behind them says otherwise. */
static void apply_log(struct action_edit *edit)
{
    edit->draft->rule.log = edit->draft->rule.audit = edit->word->name == ACTION_LOG;
}

static void apply_audit_log(struct action_edit *edit)
{
    edit->draft->rule.audit = edit->word->name == ACTION_AUDITLOG;
}

static void (*const apply[ACTION_COUNT])(struct action_edit *) = {
    [ACTION_ID] = apply_id,
    [ACTION_PHASE] = apply_nothing,
    [ACTION_MSG] = apply_msg,
    [ACTION_LOGDATA] = apply_logdata,
    [ACTION_TAG] = apply_tag,
    [ACTION_VER] = apply_ver,
    [ACTION_REV] = apply_rev,
    [ACTION_SEVERITY] = apply_severity,
    [ACTION_MATURITY] = apply_maturity,
    [ACTION_ACCURACY] = apply_accuracy,
    [ACTION_T] = apply_t,
    [ACTION_CAPTURE] = apply_capture,
    [ACTION_MULTI_MATCH] = apply_multi_match,
    [ACTION_CHAIN] = apply_chain,
    [ACTION_SKIP] = apply_skip,
    [ACTION_SKIP_AFTER] = apply_skip_after,
    [ACTION_SETVAR] = action_setvar,
    [ACTION_EXPIREVAR] = action_expirevar,
    [ACTION_INITCOL] = action_initcol,
    [ACTION_SETSID] = action_open,
    [ACTION_SETUID] = action_open,
    [ACTION_SETRSC] = action_open,
    [ACTION_SETENV] = action_setenv,
    [ACTION_XMLNS] = action_xmlns,
    [ACTION_DEPRECATEVAR] = action_deprecatevar,
    [ACTION_SANITISE_ARG] = action_sanitise,
    [ACTION_SANITISE_MATCHED] = action_sanitise,
    [ACTION_SANITISE_MATCHED_BYTES] = action_sanitise,
    [ACTION_SANITISE_REQUEST_HEADER] = action_sanitise,
    [ACTION_SANITISE_RESPONSE_HEADER] = action_sanitise,
    [ACTION_CTL] = action_ctl,
    [ACTION_PASS] = apply_pass,
    [ACTION_BLOCK] = apply_block,
    [ACTION_DENY] = apply_deny,
    [ACTION_DROP] = apply_drop,
    [ACTION_ALLOW] = apply_allow,
    [ACTION_REDIRECT] = apply_redirect,
    [ACTION_STATUS] = apply_status,
    [ACTION_LOG] = apply_log,
    [ACTION_NOLOG] = apply_log,
    [ACTION_AUDITLOG] = apply_audit_log,
    [ACTION_NOAUDITLOG] = apply_audit_log,
};

/* The three of these give NULL where the action may stand there, else why not. log and nolog may
 * stand at links, where they say nothing in ModSecurity either: the CRS has some. */
static const char *why_not_at_link(enum action_name name)
{
    enum action_group group = action_row(name)->group;
    if (name == ACTION_STATUS || name == ACTION_ID)
        return NULL;
    bool of_starter = group == GROUP_DISRUPTIVE || group == GROUP_METADATA || group == GROUP_DATA ||
                      (group == GROUP_FLOW && name != ACTION_CHAIN);
    return of_starter ? "stands at the first rule of a chain only" : NULL;
}

static const char *why_not_in_default(enum action_name name)
{
    enum action_group group = action_row(name)->group;
    if (name == ACTION_PHASE || name == ACTION_TAG || name == ACTION_BLOCK)
        return NULL;
    return group == GROUP_FLOW || group == GROUP_METADATA
               ? "stands at rules, not in SecDefaultAction"
               : NULL;
}

static const char *why_not_in_update(enum action_name name)
{
    bool fixed = name == ACTION_ID || name == ACTION_PHASE || name == ACTION_CHAIN;
    return fixed ? "cannot be changed by an update" : NULL;
}

static const char *why_not(enum action_site site, enum action_name name)
{
    const char *why = NULL;
    if (site == SITE_UPDATE || site == SITE_LINK_UPDATE)
        why = why_not_in_update(name);
    if (why == NULL && (site == SITE_LINK || site == SITE_LINK_UPDATE))
        why = why_not_at_link(name);
    if (site == SITE_DEFAULT)
        why = why_not_in_default(name);
    return why;
}

void action_list_apply(struct action_edit *edit, const struct rows *words)
{
    const struct action_word *word = words->at;
    for (size_t i = 0; i < words->count; i++, word++) {
        const char *why = why_not(edit->site, word->name);
        edit->word = word;
        if (why == NULL)
            apply[word->name](edit);
        else
            fault_add(edit->line->faults, FAULT_ERROR, line_place(edit->line, word->text.at),
                      SPAN(""), "%s %s", action_row(word->name)->name, why);
    }
}
