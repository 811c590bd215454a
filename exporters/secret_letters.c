/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/secret_letters.h"

enum { ENTITY_LONGEST = 8, ESCAPE_BYTES = 6 };

static struct letter letter_of(char c, size_t len)
{
    return (struct letter){.c = c, .len = len};
}

/* %2F, %252F. */
static struct letter percent_read(struct span text)
{
    struct letter letter = {.c = '%', .len = 1};
    size_t at = 1;
    unsigned depth = 1;
    for (; span_starts(span_from(text, at), SPAN("25")); at += 2)
        depth++;
    int high = at < text.len ? byte_hex(text.at[at]) : -1;
    int low = at + 1 < text.len ? byte_hex(text.at[at + 1]) : -1;
    if (high >= 0 && low >= 0)
        letter = (struct letter){(char)((unsigned)high << 4 | (unsigned)low), at + 2, depth};
    return letter;
}

/* So many digits of a base; -1: there are others. */
static long number_of(struct span digits, int base)
{
    long number = 0;
    for (size_t i = 0; i < digits.len; i++) {
        int digit = byte_hex(digits.at[i]);
        if (digit < 0 || digit >= base)
            return -1;
        number = number * base + digit;
    }
    return digits.len > 0 ? number : -1;
}

static char byte_of(long number)
{
    return (char)(number > 0 && number < 0x80 ? number : 0);
}

/* \/, \u002F, \x2F. */
static struct letter backslash_read(struct span text)
{
    int kind = text.len > 1 ? text.at[1] : 0;
    size_t digits = kind == 'u' ? 4 : kind == 'x' ? 2 : 0;
    if (kind == '/')
        return letter_of('/', 2);
    struct span number = span_first(span_from(text, 2), digits);
    long value = number.len == digits ? number_of(number, 16) : -1;
    return value < 0 ? letter_of('\\', 1) : letter_of(byte_of(value), 2 + digits);
}

static const struct {
    struct span name;
    char c;
} entities[] = {{SPAN_INIT("lt"), '<'},
                {SPAN_INIT("gt"), '>'},
                {SPAN_INIT("amp"), '&'},
                {SPAN_INIT("quot"), '"'},
                {SPAN_INIT("apos"), '\''}};

/* &#47;, &#x2f;, &lt;. */
static struct letter entity_read(struct span text)
{
    struct span name = span_from(span_first(text, ENTITY_LONGEST), 1);
    size_t end = span_find_byte(name, ';');
    if (end == SPAN_NONE)
        return letter_of('&', 1);
    name = span_first(name, end);
    for (size_t i = 0; i < sizeof entities / sizeof *entities; i++)
        if (span_is(name, entities[i].name))
            return letter_of(entities[i].c, end + 2);
    bool is_hex = span_starts_nocase(name, SPAN("#x"));
    struct span digits = span_from(name, is_hex ? 2 : 1);
    long number = span_starts(name, SPAN("#")) ? number_of(digits, is_hex ? 16 : 10) : -1;
    return number < 0 ? letter_of('&', 1) : letter_of(byte_of(number), end + 2);
}

struct letter letter_read(struct span text)
{
    if (text.len == 0)
        return letter_of('\0', 0);
    switch (text.at[0]) {
    case '%': return percent_read(text);
    case '\\': return backslash_read(text);
    case '&': return entity_read(text);
    default: return letter_of(text.at[0], 1);
    }
}

struct letter letter_before(struct span text)
{
    bool is_entity = span_ends(text, SPAN(";"));
    size_t longest = is_entity ? ENTITY_LONGEST : ESCAPE_BYTES;
    for (size_t len = 4; len <= longest && len <= text.len; len++) {
        struct span tail = span_from(text, text.len - len);
        if (tail.at[0] != (is_entity ? '&' : '\\'))
            continue;
        struct letter letter = letter_read(tail);
        return letter.len == len ? letter : letter_of('\0', 0);
    }
    return letter_of('\0', 0);
}
