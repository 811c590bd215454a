/* SPDX-License-Identifier: Apache-2.0 */
/* Text with the transaction's values in place of its %{...} parts. */
#include "rules/evaluate.h"
#include "rules/values.h"

static struct span part_text(struct inspection *tx, const struct macro_part *part)
{
    return part->is_variable ? value_first(tx, part->variable, part->key) : part->text;
}

static struct span parts_join(struct inspection *tx, const struct span *parts, size_t count)
{
    size_t len = 0;
    for (size_t i = 0; i < count; i++)
        len += parts[i].len;
    char *text = arena_text(tx->arena, len);
    if (text == NULL)
        return (struct span){NULL, 0};
    char *at = text;
    for (size_t i = 0; i < count; i++) {
        if (parts[i].len > 0)
            memcpy(at, parts[i].at, parts[i].len);
        at += parts[i].len;
    }
    return span_make(text, len);
}

/* `escapes`: values become part of a pattern, and mean only themselves there. */
static struct span part_text_for(struct inspection *tx, const struct macro_part *part, bool escapes)
{
    struct span text = part_text(tx, part);
    return escapes && part->is_variable ? pattern_escape(text, tx->arena) : text;
}

static struct span expand(struct inspection *tx, const struct macro *macro, bool escapes)
{
    if (!macro->has_variables)
        return macro->text;
    if (macro->count == 1)
        return part_text_for(tx, &macro->parts[0], escapes);
    struct span *parts = arena_alloc(tx->arena, macro->count * sizeof(*parts));
    if (parts == NULL)
        return (struct span){NULL, 0};
    for (size_t i = 0; i < macro->count; i++)
        parts[i] = part_text_for(tx, &macro->parts[i], escapes);
    return parts_join(tx, parts, macro->count);
}

struct span macro_expand(struct inspection *tx, const struct macro *macro)
{
    return expand(tx, macro, false);
}

struct span argument_expand(struct inspection *tx, const struct operator* operator)
{
    return expand(tx, operator_argument(operator), operator_escapes_values(operator));
}
