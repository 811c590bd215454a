/* SPDX-License-Identifier: Apache-2.0 */
/* Cuts lists of actions into names and values. */
#include "rules/language/action_list.h"

/* Actions of other engines that are known and cannot be had here. */
static const struct {
    const char *name, *sentence;
} refused[] = {
    {"append", "answers are not changed by rules"},
    {"exec", "a rule starts no programs"},
    {"pause", "a rule does not hold up a worker"},
    {"prepend", "answers are not changed by rules"},
    {"proxy", "where a request goes is said by routes"},
};

static bool byte_is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static struct span span_behind(struct span text, size_t len)
{
    return span_make(text.at + len, text.len - len);
}

static struct span pass_blanks(struct span text)
{
    while (text.len > 0 && byte_is_blank(text.at[0]))
        text = span_behind(text, 1);
    return text;
}

static bool fault_unknown(struct line *line, struct span name)
{
    size_t count;
    char room[96];
    const char *const *names = action_names(&count);
    struct place place = line_place(line, name.at);
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++)
        if (span_is_nocase(name, span_text(refused[i].name))) {
            fault_add(line->faults, FAULT_ERROR, place, SPAN(""),
                      "the action %s is not supported: %s", refused[i].name, refused[i].sentence);
            return false;
        }
    if (name.len == 0)
        fault_add(line->faults, FAULT_ERROR, place, SPAN(""), "the name of an action is missing");
    else
        fault_add(line->faults, FAULT_ERROR, place,
                  nearest_hint(name, names, count, room, sizeof room),
                  "unknown action '" SPAN_FORMAT "'", span_arg(span_first(name, 80)));
    return false;
}

/* Takes a value in single quotes; `rest` begins with the first of them. */
static bool cut_quoted(struct line *line, struct span *rest, struct action_word *word)
{
    size_t end = 1;
    while (end < rest->len && rest->at[end] != '\'')
        end += rest->at[end] == '\\' && end + 1 < rest->len ? 2 : 1;
    if (end >= rest->len) {
        fault_add(line->faults, FAULT_ERROR, line_place(line, rest->at), SPAN(""),
                  "this quote is not closed");
        return false;
    }
    word->value = line_unescape(line, span_make(rest->at + 1, end - 1), '\'');
    *rest = span_behind(*rest, end + 1);
    return true;
}

static void cut_bare(struct span *rest, struct action_word *word)
{
    size_t len = 0;
    while (len < rest->len && rest->at[len] != ',' && !byte_is_blank(rest->at[len]))
        len++;
    word->value = span_first(*rest, len);
    *rest = span_behind(*rest, len);
}

static bool value_is_right(struct line *line, const struct action_word *word)
{
    const struct action_row *row = action_row(word->name);
    if (row->argument == ARGUMENT_REQUIRED && word->value.len == 0) {
        fault_add(line->faults, FAULT_ERROR, line_place(line, word->text.at), SPAN(""),
                  "%s needs a value: %s", row->name, row->sentence);
        return false;
    }
    if (row->argument == ARGUMENT_NONE && word->has_value) {
        fault_add(line->faults, FAULT_ERROR, line_place(line, word->value.at), SPAN(""),
                  "%s takes no value", row->name);
        return false;
    }
    return true;
}

/* Takes one action from the front of `rest`. */
static bool cut_one(struct line *line, struct span *rest, struct action_word *word)
{
    size_t len = 0;
    while (len < rest->len && rest->at[len] != ':' && rest->at[len] != ',' &&
           !byte_is_blank(rest->at[len]))
        len++;
    *word = (struct action_word){.text = span_first(*rest, len)};
    if (!action_find(word->text, &word->name))
        return fault_unknown(line, word->text);
    *rest = span_behind(*rest, len);
    word->value = span_first(*rest, 0);
    if (rest->len > 0 && rest->at[0] == ':') {
        word->has_value = true;
        *rest = pass_blanks(span_behind(*rest, 1));
        if (rest->len > 0 && rest->at[0] == '\'') {
            if (!cut_quoted(line, rest, word))
                return false;
        } else {
            cut_bare(rest, word);
        }
    }
    return value_is_right(line, word);
}

bool action_list_cut(struct line *line, struct span text, struct rows *words)
{
    struct span rest = pass_blanks(text);
    for (;;) {
        struct action_word word;
        if (!cut_one(line, &rest, &word))
            return false;
        struct action_word *row = rows_add(words, line->arena, sizeof *row);
        *row = word;
        rest = pass_blanks(rest);
        if (rest.len == 0)
            return true;
        if (rest.at[0] != ',') {
            fault_add(line->faults, FAULT_ERROR, line_place(line, rest.at),
                      SPAN("values with spaces or commas stand in single quotes"),
                      "a comma is missing behind %s", action_row(word.name)->name);
            return false;
        }
        rest = pass_blanks(span_behind(rest, 1));
    }
}
