/* SPDX-License-Identifier: Apache-2.0 */
/* Attributes and their texts. */
#include "exporters/attributes.h"

#include <string.h>

#include "rules/base/encode.h"

static const char replacement[] = "\xef\xbf\xbd";
enum { REPLACEMENT_BYTES = 3 };

char *otlp_lend(const char *text)
{
    union {
        const char *in;
        char *out;
    } lent = {.in = text};
    return lent.out;
}

static bool is_ascii(struct span text)
{
    for (size_t i = 0; i < text.len; i++) {
        if ((unsigned char)text.at[i] >= 0x80 || text.at[i] == '\0')
            return false;
    }
    return true;
}

/* Length of a good character at the start, or 0. */
static size_t good_length(struct span text)
{
    return text.at[0] != '\0' ? utf8_length(text) : 0;
}

static char *repaired(struct arena *arena, struct span text)
{
    char *copy = arena_text(arena, text.len * REPLACEMENT_BYTES + 1), *at = copy;
    if (copy == NULL)
        return otlp_lend("");
    while (text.len > 0) {
        size_t len = good_length(text);
        size_t bytes = len > 0 ? len : REPLACEMENT_BYTES;
        memcpy(at, len > 0 ? text.at : replacement, bytes);
        at += bytes;
        text = span_from(text, len > 0 ? len : 1);
    }
    *at = '\0';
    arena_trim(arena, copy, (size_t)(at - copy) + 1);
    return copy;
}

char *otlp_text(struct arena *arena, struct span text)
{
    if (!is_ascii(text))
        return repaired(arena, text);
    char *copy = arena_string(arena, text);
    return copy != NULL ? copy : otlp_lend("");
}

void attributes_begin(struct attributes *attributes, struct arena *arena,
                      const struct attribute_limits *limits)
{
    attributes->limits = limits;
    attributes->arena = arena;
    attributes->count = 0;
    attributes->dropped = 0;
}

Otlp__AnyValue *attribute_value(struct attributes *attributes, const char *key)
{
    const struct attribute_limits *limits = attributes->limits;
    if (attributes->count == ATTRIBUTES_MOST ||
        (limits != NULL && attributes->count >= limits->most)) {
        attributes->dropped++;
        return NULL;
    }
    size_t i = attributes->count++;
    otlp__any_value__init(&attributes->values[i]);
    otlp__key_value__init(&attributes->pairs[i]);
    attributes->pairs[i].key = otlp_lend(key);
    attributes->pairs[i].value = &attributes->values[i];
    attributes->list[i] = &attributes->pairs[i];
    return &attributes->values[i];
}

/* Broken bytes count as what they will be: a character each. */
static struct span shortened(struct span text, unsigned characters)
{
    size_t len = 0;
    for (; characters > 0 && len < text.len; characters--) {
        size_t good = good_length(span_from(text, len));
        len += good > 0 ? good : 1;
    }
    return span_first(text, len);
}

void attribute_text(struct attributes *attributes, const char *key, struct span value)
{
    Otlp__AnyValue *to = value.len > 0 ? attribute_value(attributes, key) : NULL;
    if (to == NULL)
        return;
    to->value_case = OTLP__ANY_VALUE__VALUE_STRING_VALUE;
    unsigned length = attributes->limits != NULL ? attributes->limits->length : 0;
    if (length > 0 && value.len > length)
        value = shortened(value, length);
    to->string_value = otlp_text(attributes->arena, value);
}

void attribute_number(struct attributes *attributes, const char *key, uint64_t value)
{
    Otlp__AnyValue *to = value > 0 ? attribute_value(attributes, key) : NULL;
    if (to == NULL)
        return;
    to->value_case = OTLP__ANY_VALUE__VALUE_INT_VALUE;
    to->int_value = value <= INT64_MAX ? (int64_t)value : INT64_MAX;
}
