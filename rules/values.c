/* SPDX-License-Identifier: Apache-2.0 */
/* From a target to its values: what the variable has, which of it the selector names, and what it
 * is called in the log. Lists are kept until a body or a response comes. */
#include "rules/values.h"

#include "rules/base/number.h"
#include "rules/collections.h"
#include "rules/match/variable.h"
#include "rules/providers.h"

void values_forget(struct inspection *tx)
{
    memset(tx->cache, 0, sizeof(tx->cache));
}

struct span number_text(struct inspection *tx, uint64_t number)
{
    static const char digits[] = "0123456789";
    if (number < 10)
        return span_make(&digits[number], 1);
    char *text = arena_text(tx->arena, 21);
    if (text == NULL)
        return (struct span){NULL, 0};
    size_t len = number_write(text, number > INT64_MAX ? INT64_MAX : (int64_t)number);
    arena_trim(tx->arena, text, len);
    return span_make(text, len);
}

struct values values_kept(struct inspection *tx, enum variable variable)
{
    if (tx->cache[variable] == NULL) {
        struct values *kept = arena_alloc(tx->arena, sizeof(*kept));
        if (kept == NULL)
            return (struct values){NULL, 0};
        *kept = provider_of(variable)->list(tx, variable);
        tx->cache[variable] = kept;
    }
    return *tx->cache[variable];
}

/* A name is looked up; all of them, or those that a pattern selects, are listed. */
static struct values values_stored(struct inspection *tx, const struct target *target,
                                   struct pair *slot)
{
    if (target->selector != SELECTOR_NAME)
        return collection_list(tx, target->variable);
    *slot = collection_pair(tx, target->variable, target->name);
    return (struct values){slot, slot->value.at != NULL};
}

static struct span scalar_text(struct inspection *tx, enum variable variable)
{
    const struct provider *provider = provider_of(variable);
    const void *at = (const char *)tx + provider->offset;
    switch (provider->source) {
    case SOURCE_SPAN: return *(const struct span *)at;
    case SOURCE_NUMBER: return number_text(tx, *(const uint64_t *)at);
    case SOURCE_FLAG: return *(const bool *)at ? SPAN("1") : SPAN("0");
    case SOURCE_TEXT: return provider->text(tx, variable);
    case SOURCE_NOTHING:
    case SOURCE_LIST:
    case SOURCE_LIVE:
    case SOURCE_STORE: break;
    }
    return (struct span){NULL, 0};
}

struct values values_of(struct inspection *tx, const struct target *target, struct pair *slot)
{
    if (target->is_expression)
        return list_expression(tx, target);
    const struct operator* operator= tx->cursor.link == NULL ? NULL : tx->cursor.link->operator;
    if (target->variable == VARIABLE_XML && operator!= NULL && operator_reads_document(operator)) {
        *slot = (struct pair){{NULL, 0}, SPAN("[XML document tree]")};
        return (struct values){slot, tx->request.processor == PROCESSOR_XML};
    }
    switch (provider_of(target->variable)->source) {
    case SOURCE_LIST: return values_kept(tx, target->variable);
    case SOURCE_LIVE: return provider_of(target->variable)->list(tx, target->variable);
    case SOURCE_STORE: return values_stored(tx, target, slot);
    case SOURCE_NOTHING:
    case SOURCE_SPAN:
    case SOURCE_NUMBER:
    case SOURCE_FLAG:
    case SOURCE_TEXT: break;
    }
    *slot = (struct pair){{NULL, 0}, scalar_text(tx, target->variable)};
    return (struct values){slot, slot->value.at != NULL};
}

bool target_selects(struct inspection *tx, const struct target *target, const struct pair *value)
{
    switch (target->selector) {
    case SELECTOR_ALL: return true;
    case SELECTOR_NAME: return span_is_nocase(target->name, value->name);
    case SELECTOR_PATTERN:
        return pattern_match(target->pattern, value->name, tx->world.scratch, NULL) == PATTERN_YES;
    }
    return false;
}

static struct span name_join(struct inspection *tx, bool counted, const char *variable,
                             struct span key)
{
    struct span name = span_text(variable);
    char *text = arena_text(tx->arena, name.len + key.len + 2);
    if (text == NULL)
        return (struct span){NULL, 0};
    size_t len = 0;
    if (counted)
        text[len++] = '&';
    memcpy(text + len, name.at, name.len);
    len += name.len;
    if (key.at != NULL) {
        text[len++] = ':';
        if (key.len > 0)
            memcpy(text + len, key.at, key.len);
        len += key.len;
    }
    arena_trim(tx->arena, text, len);
    return span_make(text, len);
}

struct span value_name(struct inspection *tx, const struct target *target, const struct pair *value)
{
    const char *variable = variable_row(target->variable)->name;
    if (target->counted)
        return name_join(tx, true, variable,
                         target->selector == SELECTOR_ALL ? (struct span){NULL, 0} : target->name);
    if (value->name.at == NULL)
        return span_text(variable);
    return name_join(tx, false, variable, value->name);
}

static struct span first_selected(struct inspection *tx, const struct target *target)
{
    struct pair slot;
    struct values values = values_of(tx, target, &slot);
    for (size_t i = 0; i < values.count; i++)
        if (target_selects(tx, target, &values.at[i]))
            return values.at[i].value;
    return (struct span){NULL, 0};
}

/* %{ARGS:/^id/}: so rare that the pattern is compiled when it is wanted. */
static struct span first_like(struct inspection *tx, struct target *target)
{
    size_t offset;
    char why[128];
    struct pattern *pattern = pattern_new(span_make(target->name.at + 1, target->name.len - 2),
                                          PATTERN_SELECTOR, &offset, why, sizeof(why));
    if (pattern == NULL)
        return (struct span){NULL, 0};
    target->selector = SELECTOR_PATTERN;
    target->pattern = pattern;
    struct span value = first_selected(tx, target);
    pattern_free(pattern);
    return value;
}

struct span value_first(struct inspection *tx, enum variable variable, struct span key)
{
    struct target target = {
        .variable = variable,
        .selector = key.len > 0 ? SELECTOR_NAME : SELECTOR_ALL,
        .name = key,
    };
    if (key.len > 2 && key.at[0] == '/' && key.at[key.len - 1] == '/')
        return first_like(tx, &target);
    return first_selected(tx, &target);
}
