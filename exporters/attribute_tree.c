/* SPDX-License-Identifier: Apache-2.0 */
/* Attributes and their texts. */
#include "exporters/attribute_tree.h"

#include "exporters/otlp_text.h"

char *otlp_lend(const char *text)
{
    union {
        const char *in;
        char *out;
    } lent = {.in = text};
    return lent.out;
}

char *otlp_text(struct arena *arena, struct span text)
{
    char *copy = arena_text(arena, otlp_text_size(text) + 1);
    if (copy == NULL)
        return otlp_lend("");
    *otlp_text_repair(copy, text) = '\0';
    return copy;
}

void attribute_tree_begin(struct attribute_tree *tree, struct arena *arena)
{
    tree->arena = arena;
    tree->count = 0;
}

Otlp__AnyValue *attribute_tree_value(struct attribute_tree *tree, const char *key)
{
    if (tree->count == ATTRIBUTES_MOST)
        return NULL;
    size_t i = tree->count++;
    otlp__any_value__init(&tree->values[i]);
    otlp__key_value__init(&tree->pairs[i]);
    tree->pairs[i].key = otlp_lend(key);
    tree->pairs[i].value = &tree->values[i];
    tree->list[i] = &tree->pairs[i];
    return &tree->values[i];
}

void attribute_tree_text(struct attribute_tree *tree, const char *key, struct span value)
{
    Otlp__AnyValue *to = value.len > 0 ? attribute_tree_value(tree, key) : NULL;
    if (to == NULL)
        return;
    to->value_case = OTLP__ANY_VALUE__VALUE_STRING_VALUE;
    to->string_value = otlp_text(tree->arena, value);
}

void attribute_tree_number(struct attribute_tree *tree, const char *key, uint64_t value)
{
    Otlp__AnyValue *to = value > 0 ? attribute_tree_value(tree, key) : NULL;
    if (to == NULL)
        return;
    to->value_case = OTLP__ANY_VALUE__VALUE_INT_VALUE;
    to->int_value = value <= INT64_MAX ? (int64_t)value : INT64_MAX;
}
