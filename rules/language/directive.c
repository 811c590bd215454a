/* SPDX-License-Identifier: Apache-2.0 */
/* From a line to the row of its directive. */
#include "rules/language/directive.h"

#include "rules/base/must.h"
#include "rules/language/builder.h"

static const struct directive_row rows[DIRECTIVE_COUNT] = {
#define DIRECTIVE(name, least, most, arguments, function, sentence) \
    [DIRECTIVE_##name] = {#name, least, most, arguments, directive_##function, sentence},
#include "rules/language/directives.tbl"
#undef DIRECTIVE
};

static const char *const names[DIRECTIVE_COUNT] = {
#define DIRECTIVE(name, least, most, arguments, function, sentence) [DIRECTIVE_##name] = #name,
#include "rules/language/directives.tbl"
#undef DIRECTIVE
};

const char *const *directive_names(size_t *count)
{
    *count = DIRECTIVE_COUNT;
    return names;
}

const struct directive_row *directive_row(enum directive which)
{
    must(which < DIRECTIVE_COUNT);
    return &rows[which];
}

static bool directive_find(struct span name, enum directive *which)
{
    for (unsigned i = 0; i < DIRECTIVE_COUNT; i++)
        if (span_is_nocase(name, span_text(names[i]))) {
            *which = (enum directive)i;
            return true;
        }
    return false;
}

static void fault_unknown(struct line *line, struct span name)
{
    char room[96];
    struct span hint = nearest_hint(name, names, DIRECTIVE_COUNT, room, sizeof room);
    if (hint.len == 0 && span_starts(name, SPAN("<")))
        hint = SPAN("sections of Apache are not understood here");
    fault_add(line->faults, FAULT_ERROR, line_place(line, name.at), hint,
              "unknown directive '" SPAN_FORMAT "'", span_arg(span_first(name, 80)));
}

/* Too few or too many words: the fault is at the first that is too many, or at the name. */
static bool count_is_right(struct line *line, const struct directive_row *row)
{
    size_t count = line->words.count - 1;
    if (count < row->least) {
        fault_add(line->faults, FAULT_ERROR, line_place(line, line_word(line, 0).at), SPAN(""),
                  "%s needs %s", row->name, row->arguments);
        return false;
    }
    bool any_number = row->most == 0 && row->least > 0;
    if (any_number || count <= row->most)
        return true;
    struct span word = line_word(line, row->most + 1);
    struct span hint = row->most > 0 ? SPAN("words with spaces stand in double quotes") : SPAN("");
    fault_add(line->faults, FAULT_ERROR, line_place(line, word.at), hint,
              "%s takes %s; '" SPAN_FORMAT "' is too many", row->name,
              row->most > 0 ? row->arguments : "nothing", span_arg(span_first(word, 80)));
    return false;
}

static bool continues_chain(enum directive which)
{
    return which == DIRECTIVE_SecRule || which == DIRECTIVE_SecAction;
}

void directive_run(struct ruleset_builder *builder, struct line *line)
{
    enum directive which;
    if (line->broken) {
        builder->open = NULL;
        builder->lost = true;
        return;
    }
    struct span name = line_word(line, 0);
    if (!directive_find(name, &which)) {
        fault_unknown(line, name);
        return;
    }
    if (!continues_chain(which))
        builder_close_chain(builder);
    if (count_is_right(line, &rows[which]))
        rows[which].run(builder, line, which);
}

void directive_without_effect(struct ruleset_builder *builder, struct line *line,
                              enum directive which)
{
    if (builder->warned[which])
        return;
    builder->warned[which] = true;
    fault_add(line->faults, FAULT_WARNING, line_place(line, line_word(line, 0).at), SPAN(""),
              "%s has no effect: %s", rows[which].name, rows[which].sentence);
}

void directive_refused(struct ruleset_builder *builder, struct line *line, enum directive which)
{
    (void)builder;
    fault_add(line->faults, FAULT_ERROR, line_place(line, line_word(line, 0).at), SPAN(""),
              "%s is not supported: %s", rows[which].name, rows[which].sentence);
}

static bool says_off(const struct line *line)
{
    return span_is_nocase(line_word(line, 1), SPAN("off"));
}

void directive_off_or_without_effect(struct ruleset_builder *builder, struct line *line,
                                     enum directive which)
{
    if (!says_off(line))
        directive_without_effect(builder, line, which);
}

void directive_off_or_refused(struct ruleset_builder *builder, struct line *line,
                              enum directive which)
{
    if (!says_off(line))
        directive_refused(builder, line, which);
}
