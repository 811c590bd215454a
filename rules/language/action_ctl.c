/* SPDX-License-Identifier: Apache-2.0 */
/* ctl:OPTION=VALUE, checked when the rules are loaded so that nothing can be wrong when it runs. */
#include "rules/language/action_list.h"
#include "rules/language/choice.h"
#include "rules/language/id_range.h"
#include "rules/language/target_list.h"

static struct span span_behind(struct span text, size_t len)
{
    return span_make(text.at + len, text.len - len);
}

static bool check_engine(struct action_edit *edit, struct span text)
{
    static const struct choice choices[] = {{"On", 0}, {"Off", 0}, {"DetectionOnly", 0}};
    unsigned value;
    return choice_read(edit->line, text, "ruleEngine", choices, 3, &value);
}

static bool check_audit_engine(struct action_edit *edit, struct span text)
{
    static const struct choice choices[] = {{"On", 0}, {"Off", 0}, {"RelevantOnly", 0}};
    unsigned value;
    return choice_read(edit->line, text, "auditEngine", choices, 3, &value);
}

static bool check_processor(struct action_edit *edit, struct span text)
{
    static const struct choice choices[] = {
        {"URLENCODED", 0}, {"MULTIPART", 0}, {"JSON", 0}, {"XML", 0}};
    unsigned value;
    return choice_read(edit->line, text, "requestBodyProcessor", choices, 4, &value);
}

static bool check_xml(struct action_edit *edit, struct span text)
{
    static const struct choice choices[] = {{"On", 0}, {"Off", 0}, {"OnlyArgs", 0}};
    unsigned value;
    return choice_read(edit->line, text, "parseXmlIntoArgs", choices, 3, &value);
}

static bool check_on_off(struct action_edit *edit, struct span text)
{
    bool value;
    return on_off_read(edit->line, text, "the value", &value);
}

static bool check_parts(struct action_edit *edit, struct span text)
{
    bool is_signed = text.len > 0 && (text.at[0] == '+' || text.at[0] == '-');
    for (size_t i = is_signed ? 1 : 0; i < text.len; i++)
        if (span_find_byte(SPAN("ABCDEFGHIJKZ"), text.at[i]) == SPAN_NONE) {
            fault_add(edit->line->faults, FAULT_ERROR, line_place(edit->line, text.at + i),
                      SPAN(""), "auditLogParts is letters from A to K and Z, not '%c'", text.at[i]);
            return false;
        }
    return true;
}

static bool check_bytes(struct action_edit *edit, struct span text)
{
    uint64_t bytes;
    return number_read(edit->line, text, "the limit", 0, UINT32_MAX, &bytes);
}

static struct action *add_ctl(struct action_edit *edit, enum ctl_name name, struct span text)
{
    struct action *action = rows_add(&edit->draft->actions, edit->line->arena, sizeof *action);
    action->name = ACTION_CTL;
    action->ctl.name = name;
    action->ctl.text = text;
    return action;
}

/* One action for each of "1,5-9", which stands in quotes then. */
static bool add_by_ids(struct action_edit *edit, enum ctl_name name, struct span text,
                       const struct target *target)
{
    struct span rest = text;
    while (rest.at != NULL) {
        struct id_range ids;
        if (!id_range_read(edit->line, span_trim_ows(span_cut(&rest, ',')), &ids))
            return false;
        struct action *action = add_ctl(edit, name, text);
        action->ctl.ids = ids;
        if (target != NULL)
            action->ctl.target = *target;
    }
    return true;
}

/* ruleRemoveTarget...=WHICH;TARGET */
static void add_target_removal(struct action_edit *edit, enum ctl_name name, struct span text)
{
    struct target target;
    size_t semicolon = span_find_byte(text, ';');
    if (semicolon == SPAN_NONE) {
        fault_add(edit->line->faults, FAULT_ERROR, line_place(edit->line, text.at + text.len),
                  SPAN(""), "a semicolon and a target are missing");
        return;
    }
    struct span which = span_first(text, semicolon);
    if (!target_parse(edit->builder, edit->line, span_behind(text, semicolon + 1), &target))
        return;
    if (name == CTL_RULE_REMOVE_TARGET_BY_ID) {
        (void)add_by_ids(edit, name, which, &target);
        return;
    }
    struct action *action = add_ctl(edit, name, text);
    action->ctl.tag = which;
    action->ctl.target = target;
}

/* Options of other engines that are known and do nothing here, or cannot be had. */
static const struct {
    const char *name, *sentence;
    enum fault_kind kind;
} others[] = {
    {"debugLogLevel", "there is no debug log: explain says what rules did", FAULT_WARNING},
    {"forceResponseBodyVariable", "RESPONSE_BODY is set wherever the body is read", FAULT_WARNING},
    {"responseBodyProcessor", "answers are not taken apart", FAULT_ERROR},
    {"hashEngine", "links are not signed here", FAULT_ERROR},
    {"hashEnforcement", "links are not signed here", FAULT_ERROR},
};

static bool fault_other(struct action_edit *edit, struct span name)
{
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        if (!span_is_nocase(name, span_text(others[i].name)))
            continue;
        fault_add(edit->line->faults, others[i].kind, line_place(edit->line, name.at), SPAN(""),
                  "ctl:%s %s: %s", others[i].name,
                  others[i].kind == FAULT_ERROR ? "is not supported" : "has no effect",
                  others[i].sentence);
        return true;
    }
    return false;
}

static bool find_option(struct action_edit *edit, struct span name, enum ctl_name *option)
{
    if (ctl_find(name, option))
        return true;
    if (fault_other(edit, name))
        return false;
    size_t count;
    char room[96];
    const char *const *names = ctl_names(&count);
    fault_add(edit->line->faults, FAULT_ERROR, line_place(edit->line, name.at),
              nearest_hint(name, names, count, room, sizeof room),
              "unknown option '" SPAN_FORMAT "' of ctl", span_arg(span_first(name, 80)));
    return false;
}

static void add_checked(struct action_edit *edit, enum ctl_name option, struct span text, bool well)
{
    if (well)
        (void)add_ctl(edit, option, text);
}

static void add_option(struct action_edit *edit, enum ctl_name option, struct span text)
{
    switch (option) {
    case CTL_RULE_REMOVE_BY_ID: (void)add_by_ids(edit, option, text, NULL); break;
    case CTL_RULE_REMOVE_BY_TAG:
    case CTL_RULE_REMOVE_BY_MSG: add_ctl(edit, option, text)->ctl.tag = text; break;
    case CTL_RULE_REMOVE_TARGET_BY_ID:
    case CTL_RULE_REMOVE_TARGET_BY_TAG:
    case CTL_RULE_REMOVE_TARGET_BY_MSG: add_target_removal(edit, option, text); break;
    case CTL_RULE_ENGINE: add_checked(edit, option, text, check_engine(edit, text)); break;
    case CTL_AUDIT_ENGINE: add_checked(edit, option, text, check_audit_engine(edit, text)); break;
    case CTL_AUDIT_LOG_PARTS: add_checked(edit, option, text, check_parts(edit, text)); break;
    case CTL_REQUEST_BODY_PROCESSOR:
        add_checked(edit, option, text, check_processor(edit, text));
        break;
    case CTL_PARSE_XML_INTO_ARGS: add_checked(edit, option, text, check_xml(edit, text)); break;
    case CTL_REQUEST_BODY_ACCESS:
    case CTL_FORCE_REQUEST_BODY_VARIABLE:
    case CTL_RESPONSE_BODY_ACCESS: add_checked(edit, option, text, check_on_off(edit, text)); break;
    case CTL_REQUEST_BODY_LIMIT:
    case CTL_RESPONSE_BODY_LIMIT: add_checked(edit, option, text, check_bytes(edit, text)); break;
    case CTL_COUNT: break;
    }
}

void action_ctl(struct action_edit *edit)
{
    enum ctl_name option;
    struct span text = edit->word->value;
    size_t equals = span_find_byte(text, '=');
    if (!find_option(edit, span_first(text, equals), &option))
        return;
    if (equals == SPAN_NONE || equals + 1 == text.len) {
        fault_add(edit->line->faults, FAULT_ERROR, line_place(edit->line, text.at + text.len),
                  SPAN(""), "ctl needs OPTION=VALUE");
        return;
    }
    add_option(edit, option, span_behind(text, equals + 1));
}
