/* SPDX-License-Identifier: Apache-2.0 */
/* The operator of a SecRule: without @ it is @rx. */
#include "rules/language/rule_operator.h"

#include <stdio.h>

struct reading {
    struct ruleset_builder *builder;
    const char *file; /* that the rule stands in */
};

static bool read_file(void *context, struct span name, struct buf *to, char *why, size_t why_size)
{
    const struct reading *reading = context;
    struct ruleset_builder *builder = reading->builder;
    const char *path = builder_path(builder, name, reading->file);
    size_t before = to->len;
    char reason[128];
    if (!builder->source->read(builder->source->context, path, to, reason, sizeof reason)) {
        (void)snprintf(why, why_size, "cannot read '%s': %s", path, reason);
        return false;
    }
    builder_hash(builder, span_make(to->at + before, to->len - before));
    return true;
}

static bool byte_is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static struct span pass_blanks(struct span text)
{
    while (text.len > 0 && byte_is_blank(text.at[0]))
        text = span_make(text.at + 1, text.len - 1);
    return text;
}

/* Cuts "!@name argument". */
static void cut_operator(struct span text, bool *negated, struct span *name, struct span *argument)
{
    text = pass_blanks(text);
    *negated = text.len > 0 && text.at[0] == '!';
    if (*negated)
        text = pass_blanks(span_make(text.at + 1, text.len - 1));
    *name = SPAN("rx");
    *argument = text;
    if (text.len == 0 || text.at[0] != '@')
        return;
    size_t len = 1;
    while (len < text.len && !byte_is_blank(text.at[len]))
        len++;
    *name = span_make(text.at + 1, len - 1);
    *argument = pass_blanks(span_make(text.at + len, text.len - len));
}

/* Unknown names are the operator's own, or of a variable in the argument. */
static void fault_operator(struct line *line, struct span name, struct span argument,
                           const struct operator_build *build)
{
    size_t count;
    char room[96];
    struct span hint = SPAN("");
    struct place place = line_place(line, argument.at + build->offset);
    if (build->wrong.at == name.at) {
        const char *const *names = operator_names(&count);
        place = line_place(line, name.at);
        hint = nearest_hint(name, names, count, room, sizeof room);
    } else if (build->wrong.len > 0) {
        const char *const *names = variable_names(&count);
        struct span wrong = build->wrong;
        hint = nearest_hint(span_cut(&wrong, '.'), names, count, room, sizeof room);
    }
    fault_add(line->faults, FAULT_ERROR, place, hint, "%s", build->why);
}

const struct operator*
    rule_operator(struct ruleset_builder *builder, struct line *line, struct span text)
{
    bool negated;
    struct span name, argument;
    struct reading reading = {builder, line->file};
    struct operator_build build = {
        .arena = line->arena, .read_file = read_file, .context = &reading};
    cut_operator(text, &negated, &name, &argument);
    struct operator* op = operator_compile(name, negated, argument, &build);
    if (op == NULL) {
        fault_operator(line, name, argument, &build);
        return NULL;
    }
    struct operator** row = rows_add(&builder->holding.operators, line->arena, sizeof(void *));
    *row = op;
    if (operator_asks_place(op) && builder->settings.geo_lookup_place.file == NULL)
        builder->settings.geo_lookup_place = line_place(line, name.at);
    if (build.why[0] != '\0')
        fault_add(line->faults, FAULT_WARNING, line_place(line, argument.at + build.offset),
                  SPAN(""), "%s", build.why);
    return op;
}
