/* SPDX-License-Identifier: Apache-2.0 */
/* Types of options of authorizers that are asked elsewhere. */
#include "sidecar/config/values.h"
#include "sidecar/guard/identity_source.h"

enum { HINT_BYTES = 160, FUNCTION_BYTES = 256, NAME_BYTES = 128 };

/* ---- function: a name, name:alias, or an ARN ---- */

static enum value_result function_read(const struct value *value)
{
    struct span text = value->node->text;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];
        if (!byte_is_alpha(c) && !byte_is_digit(c) && strchr("-_:$.", c) == NULL)
            return VALUE_UNFIT;
    }
    if (text.len == 0 || text.len > FUNCTION_BYTES)
        return VALUE_UNFIT;
    *(struct span *)value_at(value) = value_keep(value, text);
    return VALUE_TAKEN;
}

const struct option_type type_lambda_function = {
    .name = "name or ARN of a function",
    .expected = "a function's name, name:alias or ARN",
    .read = function_read,
    .print = value_span_print,
};

/* ---- identity ---- */

static enum value_result refuse_source(const struct value *value, const struct node *item)
{
    static const char *const others[] = {"$request.header.NAME", "$request.querystring.NAME",
                                         "$stageVariables.NAME"};
    const char *names[IDENTITY_CONTEXTS + sizeof others / sizeof *others];
    size_t count = 0;
    char hint[HINT_BYTES];
    for (; identity_context_name(count) != NULL; count++)
        names[count] = identity_context_name(count);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        names[count++] = others[i];
    struct span near = nearest_hint(item->text, names, count, hint, sizeof hint);
    if (near.len == 0)
        near = SPAN("$request.header.NAME, $request.querystring.NAME, $context.NAME, "
                    "$stageVariables.NAME");
    fault_add(value->reading->faults, FAULT_ERROR, item->place, near,
              "%s: '" SPAN_FORMAT "' is no source of an identity", value->option->path,
              span_arg(span_first(item->text, NAME_BYTES)));
    return VALUE_SAID;
}

static bool is_source(struct span text)
{
    struct identity_source source;
    return identity_source_read(text, &source);
}

static enum value_result sources_read(const struct value *value)
{
    const struct node *list = value->node;
    for (const struct node *item = list->first; item != NULL; item = item->next)
        if (item->kind != NODE_SCALAR || !is_source(item->text))
            return refuse_source(value, item);
    if (list->count > IDENTITY_SOURCES_MOST)
        return value_refuse(value, list, "", "there may be 16 sources at the most");
    return value_texts_read(value, is_source, "");
}

const struct option_type type_identity_sources = {
    .name = "list of identity sources",
    .expected = "a list of sources, like [$request.header.authorization]",
    .is_list = true,
    .one_will_do = true,
    .read = sources_read,
    .print = value_texts_print,
};

/* ---- stage_variables ---- */

static bool is_variable_name(struct span text)
{
    for (size_t i = 0; i < text.len; i++)
        if (!byte_is_alpha(text.at[i]) && !byte_is_digit(text.at[i]) && text.at[i] != '_')
            return false;
    return text.len > 0 && text.len <= NAME_BYTES;
}

static enum value_result variables_read(const struct value *value)
{
    const struct node *map = value->node;
    struct pair *pairs = arena_alloc(value->reading->arena, (map->count + 1) * sizeof *pairs);
    size_t *count = value_also(value);
    if (map->kind != NODE_MAP)
        return VALUE_UNFIT;
    for (const struct node *item = map->first; item != NULL && pairs != NULL; item = item->next) {
        if (item->kind != NODE_SCALAR || !is_variable_name(item->key))
            return value_refuse(value, item, "zone: eu",
                                "expected a name of letters, digits and _, and a text");
        pairs[(*count)++] =
            (struct pair){value_keep(value, item->key), value_keep(value, item->text)};
    }
    *(const struct pair **)value_at(value) = pairs;
    return VALUE_TAKEN;
}

const struct option_type type_stage_variables = {
    .name = "names and texts",
    .expected = "names and texts, like { zone: eu }",
    .takes_any = true,
    .read = variables_read,
    .print = value_pairs_print,
};
