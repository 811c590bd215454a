/* SPDX-License-Identifier: Apache-2.0 */
/* Reads files and hands their lines to the directives. */
#include "rules/language/builder.h"

#include <stdlib.h>

#include "rules/base/must.h"
#include "rules/language/finish.h"
#include "rules/language/update.h"

enum { DEPTH_MOST = 32, FILE_MOST_BYTES = 64 << 20 };

static const struct span default_types[] = {SPAN_INIT("text/plain"), SPAN_INIT("text/html"),
                                            SPAN_INIT("text/xml")};

static const struct rule_settings default_settings = {
    .engine = ENGINE_ON,
    .request_body_access = true,
    .request_body_limit = 128 << 10,
    .request_body_over = OVER_LIMIT_REJECT,
    .response_body_limit = 512 << 10,
    .response_body_over = OVER_LIMIT_PREFIX,
    .json_depth = 512,
    .arguments_limit = 1000,
    .files_limit = 100,
    .argument_separator = '&',
    .audit = {.engine = AUDIT_OFF, .parts = SPAN_INIT("ABIJDEFHZ")},
};

struct ruleset_builder *ruleset_builder_new(const struct ruleset_source *source,
                                            struct faults *faults)
{
    struct ruleset_builder *builder = must_alloc(sizeof *builder);
    builder->source = source;
    builder->faults = faults;
    builder->settings = default_settings;
    builder->ids = map_new(NULL, false);
    holding_init(&builder->holding);
    for (size_t i = 0; i < sizeof default_types / sizeof default_types[0]; i++) {
        struct span *type = rows_add(&builder->mime_types, builder->holding.arena, sizeof *type);
        *type = default_types[i];
    }
    return builder;
}

void ruleset_builder_free(struct ruleset_builder *builder)
{
    if (builder == NULL)
        return;
    map_free(builder->ids);
    if (builder->holding.arena != NULL) /* else the ruleset has it */
        holding_fini(&builder->holding);
    free(builder);
}

/* The hash so far is the key of the next: order and borders count. */
void builder_hash(struct ruleset_builder *builder, struct span bytes)
{
    uint8_t key[16] = {0};
    memcpy(key, &builder->hash, sizeof builder->hash);
    builder->hash = siphash(key, bytes);
}

const struct pattern *builder_pattern(struct ruleset_builder *builder, struct line *line,
                                      struct span text)
{
    size_t offset = 0;
    char why[160];
    struct pattern *pattern = pattern_new(text, PATTERN_SELECTOR, &offset, why, sizeof why);
    if (pattern == NULL) {
        fault_add(line->faults, FAULT_ERROR, line_place(line, text.at + offset), SPAN(""), "%s",
                  why);
        return NULL;
    }
    struct pattern **row = rows_add(&builder->holding.patterns, line->arena, sizeof(void *));
    *row = pattern;
    return pattern;
}

struct macro builder_macro(struct line *line, struct span text)
{
    struct macro macro;
    size_t offset, count;
    struct span wrong;
    char room[96];
    if (macro_parse(text, line->arena, &macro, &offset, &wrong))
        return macro;
    const char *const *names = variable_names(&count);
    struct span rest = wrong;
    fault_add(line->faults, FAULT_ERROR, line_place(line, text.at + offset),
              nearest_hint(span_cut(&rest, '.'), names, count, room, sizeof room),
              "unknown variable in %%{" SPAN_FORMAT "}", span_arg(span_first(wrong, 80)));
    return (struct macro){.text = text};
}

void builder_close_chain(struct ruleset_builder *builder)
{
    if (builder->open == NULL)
        return;
    fault_add(builder->faults, FAULT_WARNING, builder->open->chain_place, SPAN(""),
              "no rule follows this chain, so it never matches");
    builder->open_starter->removed = true;
    builder->open = NULL;
}

static void read_lines(struct ruleset_builder *builder, const char *name, struct span text)
{
    const char *file = arena_string(builder->holding.arena, span_text(name));
    must(file != NULL);
    struct line_reader reader;
    builder_hash(builder, text);
    line_reader_init(&reader, builder->holding.arena, builder->faults, file, text);
    for (struct line *line = line_read(&reader); line != NULL; line = line_read(&reader))
        directive_run(builder, line);
    builder_close_chain(builder);
}

static void read_file(struct ruleset_builder *builder, const char *path, struct place from)
{
    char why[160] = "";
    struct buf text;
    buf_init(&text, FILE_MOST_BYTES);
    if (builder->source->read(builder->source->context, path, &text, why, sizeof why))
        read_lines(builder, path, buf_span(&text));
    else
        fault_add(builder->faults, FAULT_ERROR, from, SPAN(""), "cannot read %s: %s", path, why);
    buf_fini(&text);
}

const char *builder_path(struct ruleset_builder *builder, struct span name, const char *base)
{
    struct arena *arena = builder->holding.arena;
    struct span folder = span_text(base);
    size_t slash = span_find_last_byte(folder, '/');
    bool relative = slash != SPAN_NONE && !span_starts(name, SPAN("/"));
    folder = span_first(folder, relative ? slash + 1 : 0);
    struct span path =
        arena_format(arena, SPAN_FORMAT SPAN_FORMAT, span_arg(folder), span_arg(name));
    const char *terminated = arena_string(arena, path);
    must(terminated != NULL);
    return terminated;
}

struct found_paths {
    struct arena *arena;
    struct rows paths; /* of const char * */
};

static void on_path(void *to, const char *path)
{
    struct found_paths *found = to;
    const char **row = rows_add(&found->paths, found->arena, sizeof *row);
    *row = arena_string(found->arena, span_text(path));
}

void builder_include(struct ruleset_builder *builder, struct span pattern, const char *base,
                     struct place from, bool optional)
{
    const struct ruleset_source *source = builder->source;
    const char *path = builder_path(builder, pattern, base);
    struct found_paths found = {.arena = builder->holding.arena};
    if (builder->depth == DEPTH_MOST) {
        fault_add(builder->faults, FAULT_ERROR, from, SPAN("does a file include itself?"),
                  "files include each other more than %d deep", DEPTH_MOST);
        return;
    }
    size_t (*glob)(void *, const char *, void (*)(void *, const char *), void *) =
        source->glob != NULL ? source->glob : ruleset_disk()->glob;
    /* As in ModSecurity 3: beside the file that names it, else where the process stands. */
    bool there = glob(source->context, path, on_path, &found) > 0;
    if (!there && base != NULL && !span_starts(pattern, SPAN("/")))
        there = glob(source->context, builder_path(builder, pattern, ""), on_path, &found) > 0;
    if (!there && !optional)
        fault_add(builder->faults, FAULT_ERROR, from, SPAN(""), "no file is called %s", path);
    const char **paths = found.paths.at;
    builder->depth++;
    for (size_t i = 0; i < found.paths.count; i++)
        read_file(builder, paths[i], from);
    builder->depth--;
}

void ruleset_builder_add(struct ruleset_builder *builder, const char *path, struct place from)
{
    builder_include(builder, span_text(path), NULL, from, false);
}

void ruleset_builder_add_text(struct ruleset_builder *builder, const char *name, struct span text)
{
    read_lines(builder, name, text);
}

static void include_line(struct ruleset_builder *builder, struct line *line, bool optional)
{
    struct span name = line_word(line, 1);
    builder_include(builder, name, line->file, line_place(line, name.at), optional);
}

DIRECTIVE_FUNCTION(include)
{
    (void)which;
    include_line(builder, line, false);
}

DIRECTIVE_FUNCTION(include_optional)
{
    (void)which;
    include_line(builder, line, true);
}

struct ruleset *ruleset_builder_finish(struct ruleset_builder *builder)
{
    struct loaded *loaded = arena_alloc(builder->holding.arena, sizeof *loaded);
    must(loaded != NULL);
    updates_apply(builder);
    finish_rules(builder, loaded);
    if (faults_count(builder->faults, FAULT_ERROR) > 0)
        return NULL;
    loaded->ruleset.settings = builder->settings;
    loaded->ruleset.settings.response_body_types = builder->mime_types.at;
    loaded->ruleset.settings.response_body_type_count = builder->mime_types.count;
    loaded->ruleset.hash = builder->hash;
    loaded->ruleset.changes = builder->changes.at;
    loaded->ruleset.change_count = builder->changes.count;
    loaded->holding = builder->holding;
    builder->holding.arena = NULL;
    return &loaded->ruleset;
}
