/* SPDX-License-Identifier: Apache-2.0 */
/* OTEL_* to keys of the tree. */
#include "sidecar/config/environment.h"

#include "rules/base/must.h"
#include "sidecar/config/values.h"

static const struct {
    const char *name;
    const char *path;
} rows[] = {
    {"OTEL_SERVICE_NAME", "traces.service_name"}, {"OTEL_EXPORTER_OTLP_ENDPOINT", "otlp.endpoint"},
    {"OTEL_TRACES_SAMPLER", "traces.sampler"},    {"OTEL_TRACES_SAMPLER_ARG", "traces.ratio"},
    {"OTEL_PROPAGATORS", "traces.propagators"},
};

static bool is_word_of(const struct option_type *type, struct span text)
{
    for (unsigned i = 0; i < type->word_count; i++)
        if (span_is(text, span_text(type->words[i])))
            return true;
    return type->word_count == 0;
}

static bool are_words_of(const struct option_type *type, struct span text)
{
    for (bool is_list = type->is_list; is_list && text.at != NULL;)
        if (!is_word_of(type, span_trim(span_cut(&text, ','), " ")))
            return false;
    return type->is_list || is_word_of(type, text);
}

void environment_add(const struct environment *environment, struct node *root, struct arena *arena,
                     struct faults *faults)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct span text = span_text(environment->get(environment->context, rows[i].name));
        struct span path = span_text(rows[i].path), wrong;
        if (text.len == 0 || tree_find_path(root, path) != NULL)
            continue;
        struct place place = {.file = rows[i].name};
        const struct option *option = options_find(path);
        must(option != NULL);
        if (!are_words_of(option->type, text)) {
            fault_add(faults, FAULT_WARNING, place, span_make(NULL, 0),
                      "'" SPAN_FORMAT "' is ignored: expected %s", span_arg(text),
                      option->type->expected);
            continue;
        }
        struct node value = {.kind = NODE_SCALAR, .place = place, .folder = ""};
        value.text = span_text(arena_string(arena, text));
        value.key_place = place;
        tree_set(root, arena, path, &value, &wrong);
    }
}

bool environment_disables_export(const struct environment *environment)
{
    struct span text = span_text(environment->get(environment->context, "OTEL_SDK_DISABLED"));
    return span_is_nocase(text, SPAN("true"));
}
