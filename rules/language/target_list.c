/* SPDX-License-Identifier: Apache-2.0 */
/* Target lists. Their separators are | and, as in ModSecurity 2, the comma; inside quotes and
 * inside a /pattern/ neither separates. */
#include "rules/language/target_list.h"

#include "rules/language/target_check.h"
#include "rules/match/xml_tree.h"

static bool byte_is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static bool byte_separates(char c)
{
    return c == '|' || c == ',';
}

static struct span pass_blanks(struct span text)
{
    while (text.len > 0 && byte_is_blank(text.at[0]))
        text = span_make(text.at + 1, text.len - 1);
    return text;
}

static bool fault_at(struct line *line, struct span at, const char *message)
{
    fault_add(line->faults, FAULT_ERROR, line_place(line, at.at), SPAN(""), "%s", message);
    return false;
}

static struct span span_behind(struct span text, size_t len)
{
    return span_make(text.at + len, text.len - len);
}

/* Length of the selector at the start of `text` up to its closing quote or slash, both counted; 0
 * where it does not close. A slash closes only where the target ends, so that paths need no
 * escapes. */
static size_t closed_length(struct span text)
{
    char mark = text.at[0];
    for (size_t i = 1; i < text.len; i++) {
        if (text.at[i] == '\\' && i + 1 < text.len)
            i++;
        else if (text.at[i] == mark &&
                 (mark != '/' || i + 1 == text.len || byte_separates(text.at[i + 1])))
            return i + 1;
    }
    return 0;
}

static size_t bare_length(struct span text)
{
    size_t len = 0;
    while (len < text.len && !byte_separates(text.at[len]))
        len++;
    while (len > 0 && byte_is_blank(text.at[len - 1]))
        len--;
    return len;
}

static bool set_pattern(struct ruleset_builder *builder, struct line *line, struct span text,
                        struct target *target)
{
    target->selector = SELECTOR_PATTERN;
    target->name = span_make(text.at + 1, text.len - 2);
    target->pattern = builder_pattern(builder, line, target->name);
    return target->pattern != NULL;
}

/* Bodies offer two views of a document as they come; for any other expression a tree is made. */
static bool set_expression(struct line *line, struct span text, struct target *target)
{
    target->selector = SELECTOR_NAME;
    target->name = text;
    target->is_expression = !span_is(text, SPAN("/*")) && !span_is(text, SPAN("//@*"));
    if (!target->is_expression || xml_expression_is_valid(text))
        return true;
    fault_add(line->faults, FAULT_ERROR, line_place(line, text.at), SPAN(""),
              "this is no expression of XPath 1.0: '" SPAN_FORMAT "'",
              span_arg(span_first(text, 80)));
    return false;
}

/* Takes the selector behind the colon and moves `rest` behind it. */
static bool parse_selector(struct ruleset_builder *builder, struct line *line, struct span *rest,
                           struct target *target)
{
    const struct variable_row *row = variable_row(target->variable);
    struct span text = *rest;
    bool quoted = text.len > 0 && text.at[0] == '\'';
    bool slashed = text.len > 0 && text.at[0] == '/' && row->shape != SHAPE_XPATH;
    size_t len = quoted || slashed ? closed_length(text) : bare_length(text);
    if (len == 0)
        return fault_at(line, text,
                        quoted    ? "this quote is not closed"
                        : slashed ? "this pattern has no closing slash"
                                  : "a name is missing behind the colon");
    *rest = span_behind(text, len);
    text = span_first(text, len);
    if (quoted)
        text = line_unescape(line, span_make(text.at + 1, text.len - 2), '\'');
    if (row->shape == SHAPE_XPATH)
        return set_expression(line, text, target);
    if (text.len >= 2 && text.at[0] == '/' && text.at[text.len - 1] == '/')
        return set_pattern(builder, line, text, target);
    target->selector = SELECTOR_NAME;
    target->name = text;
    return true;
}

static bool selector_follows(struct span rest)
{
    return rest.len > 0 && (rest.at[0] == ':' || rest.at[0] == '.');
}

/* Variables of other engines that are known and cannot be had here, by how their names begin. */
static const struct {
    const char *start, *sentence;
} refused[] = {
    {"PERF_", "the metrics measure what rules cost"},
    {"STREAM_", "bodies are not changed by rules"},
    {"SCRIPT_", "there are no scripts here"},
    {"SDBM_DELETE_ERROR", "collections are kept in memory"},
    {"WEBSERVER_ERROR_LOG", "there is no web server around"},
    {"ARGS_PATH", "paths are taken apart by routes"},
    {"JSON", "the values of a JSON body are ARGS_POST:json..."},
    {"REQUEST_XML", "its name is XML"},
    {"RESPONSE_ARGS", "answers are not taken apart"},
    {"RESPONSE_XML", "answers are not taken apart"},
    {"RES_BODY_", "answers are not taken apart"},
};

static bool fault_unknown(struct line *line, struct span name)
{
    struct place place = line_place(line, name.at);
    struct span shown = span_first(name, 80);
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++)
        if (span_starts_nocase(name, span_text(refused[i].start))) {
            fault_add(line->faults, FAULT_ERROR, place, SPAN(""),
                      "the variable " SPAN_FORMAT " is not supported: %s", span_arg(shown),
                      refused[i].sentence);
            return false;
        }
    size_t count;
    char room[96];
    const char *const *names = variable_names(&count);
    fault_add(line->faults, FAULT_ERROR, place, nearest_hint(name, names, count, room, sizeof room),
              "unknown variable '" SPAN_FORMAT "'", span_arg(shown));
    return false;
}

static bool parse_name(struct line *line, struct span *rest, struct target *target)
{
    size_t len = 0;
    while (len < rest->len && rest->at[len] != ':' && !byte_separates(rest->at[len]) &&
           !byte_is_blank(rest->at[len]))
        len++;
    struct span name = span_first(*rest, len);
    /* TX.score is TX:score. */
    size_t dot = span_find_byte(name, '.');
    if (dot != SPAN_NONE && variable_find(span_first(name, dot), &target->variable))
        name = span_first(name, len = dot);
    if (len == 0)
        return fault_at(line, name, "the name of a variable is missing");
    if (!variable_find(name, &target->variable))
        return fault_unknown(line, name);
    *rest = span_behind(*rest, len);
    if (!selector_follows(*rest))
        return true;
    if (variable_row(target->variable)->shape == SHAPE_SCALAR) {
        fault_add(line->faults, FAULT_ERROR, line_place(line, rest->at), SPAN(""),
                  "%s is one value and has no names to select",
                  variable_row(target->variable)->name);
        return false;
    }
    return true;
}

/* A variable and its selector; `rest` moves behind them. */
static bool parse_one(struct ruleset_builder *builder, struct line *line, struct span *rest,
                      struct target *target)
{
    if (!parse_name(line, rest, target))
        return false;
    if (!selector_follows(*rest))
        return true;
    *rest = span_behind(*rest, 1);
    return parse_selector(builder, line, rest, target);
}

static bool parse_prefixed(struct ruleset_builder *builder, struct line *line, struct span *rest,
                           struct target *target)
{
    *target = (struct target){.selector = SELECTOR_ALL};
    if (rest->len > 0 && (rest->at[0] == '!' || rest->at[0] == '&')) {
        target->excluded = rest->at[0] == '!';
        target->counted = rest->at[0] == '&';
        *rest = span_behind(*rest, 1);
    }
    return parse_one(builder, line, rest, target);
}

bool target_list_parse(struct ruleset_builder *builder, struct line *line, struct span text,
                       struct rows *targets)
{
    struct span rest = pass_blanks(text);
    for (;;) {
        struct target target;
        if (!parse_prefixed(builder, line, &rest, &target))
            return false;
        struct target *row = rows_add(targets, line->arena, sizeof *row);
        *row = target;
        rest = pass_blanks(rest);
        if (rest.len == 0)
            return true;
        if (!byte_separates(rest.at[0]))
            return fault_at(line, rest, "between two targets stands |");
        rest = pass_blanks(span_behind(rest, 1));
    }
}

bool target_parse(struct ruleset_builder *builder, struct line *line, struct span text,
                  struct target *target)
{
    *target = (struct target){.selector = SELECTOR_ALL};
    struct span rest = text;
    if (!parse_one(builder, line, &rest, target))
        return false;
    return rest.len == 0 || fault_at(line, rest, "ctl names one target only");
}

bool target_is_valid(struct span text, struct place place, struct faults *faults)
{
    struct target target;
    struct ruleset_builder *builder = ruleset_builder_new(ruleset_disk(), faults);
    struct line *line = line_of_word(builder->holding.arena, faults, place, text);
    bool valid = target_parse(builder, line, line_word(line, 0), &target);
    ruleset_builder_free(builder);
    return valid;
}
