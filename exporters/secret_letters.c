/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/secret_letters.h"

enum { NAME_LONGEST = 4, DIGITS_LONGEST = 7, ESCAPE_BYTES = 6 };

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

/* &#47;, &#x2f;, with any number of zeros before the digits. */
static struct letter number_read(struct span text)
{
    bool is_hex = span_starts_nocase(text, SPAN("&#x"));
    size_t at = is_hex ? 3 : 2;
    while (at < text.len && text.at[at] == '0')
        at++;
    struct span digits = span_first(span_from(text, at), DIGITS_LONGEST + 1);
    size_t end = span_find_byte(digits, ';');
    long number = end != SPAN_NONE ? number_of(span_first(digits, end), is_hex ? 16 : 10) : -1;
    return number < 0 ? letter_of('&', 1) : letter_of(byte_of(number), at + end + 1);
}

/* &lt;. */
static struct letter entity_read(struct span text)
{
    if (span_starts(text, SPAN("&#")))
        return number_read(text);
    struct span name = span_first(span_from(text, 1), NAME_LONGEST + 1);
    size_t end = span_find_byte(name, ';');
    for (size_t i = 0; i < sizeof entities / sizeof *entities && end != SPAN_NONE; i++)
        if (span_is(span_first(name, end), entities[i].name))
            return letter_of(entities[i].c, end + 2);
    return letter_of('&', 1);
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

/* The entity that a text with a ';' at its end ends with. */
static struct letter entity_before(struct span text)
{
    size_t start = text.len - 1;
    while (start > 0 && (byte_is_alpha(text.at[start - 1]) || byte_is_digit(text.at[start - 1]) ||
                         text.at[start - 1] == '#'))
        start--;
    if (start == 0 || text.at[start - 1] != '&')
        return letter_of('\0', 0);
    struct span tail = span_from(text, start - 1);
    struct letter letter = letter_read(tail);
    return letter.len == tail.len ? letter : letter_of('\0', 0);
}

struct letter letter_before(struct span text)
{
    if (span_ends(text, SPAN(";")))
        return entity_before(text);
    for (size_t len = 4; len <= ESCAPE_BYTES && len <= text.len; len++) {
        struct span tail = span_from(text, text.len - len);
        if (tail.at[0] != '\\')
            continue;
        struct letter letter = letter_read(tail);
        return letter.len == len ? letter : letter_of('\0', 0);
    }
    return letter_of('\0', 0);
}
