/* SPDX-License-Identifier: Apache-2.0 */
/* Looking at borrowed text. */
#include "rules/base/span.h"

#include "rules/base/must.h"

static bool bytes_are_nocase(const char *a, const char *b, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (byte_lower(a[i]) != byte_lower(b[i]))
            return false;
    }
    return true;
}

bool span_is_nocase(struct span a, struct span b)
{
    return a.len == b.len && bytes_are_nocase(a.at, b.at, a.len);
}

int span_compare(struct span a, struct span b)
{
    size_t common = a.len < b.len ? a.len : b.len;
    int order = common > 0 ? memcmp(a.at, b.at, common) : 0;
    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

bool span_starts(struct span s, struct span prefix)
{
    return s.len >= prefix.len && span_is(span_first(s, prefix.len), prefix);
}

bool span_starts_nocase(struct span s, struct span prefix)
{
    return s.len >= prefix.len && bytes_are_nocase(s.at, prefix.at, prefix.len);
}

bool span_ends(struct span s, struct span suffix)
{
    return s.len >= suffix.len && span_is(span_from(s, s.len - suffix.len), suffix);
}

bool span_ends_nocase(struct span s, struct span suffix)
{
    return s.len >= suffix.len && span_is_nocase(span_from(s, s.len - suffix.len), suffix);
}

size_t span_find_byte(struct span s, char byte)
{
    const char *found = s.len > 0 ? memchr(s.at, byte, s.len) : NULL;
    return found != NULL ? (size_t)(found - s.at) : SPAN_NONE;
}

size_t span_find_last_byte(struct span s, char byte)
{
    const char *found = s.len > 0 ? memrchr(s.at, byte, s.len) : NULL;
    return found != NULL ? (size_t)(found - s.at) : SPAN_NONE;
}

size_t span_find(struct span s, struct span what)
{
    if (what.len == 0)
        return 0;
    const char *found = s.len >= what.len ? memmem(s.at, s.len, what.at, what.len) : NULL;
    return found != NULL ? (size_t)(found - s.at) : SPAN_NONE;
}

struct span span_trim(struct span s, const char *bytes)
{
    struct span set = span_text(bytes);
    while (s.len > 0 && span_find_byte(set, s.at[0]) != SPAN_NONE) {
        s.at++;
        s.len--;
    }
    while (s.len > 0 && span_find_byte(set, s.at[s.len - 1]) != SPAN_NONE)
        s.len--;
    return s;
}

static bool byte_is_ows(char c)
{
    return c == ' ' || c == '\t';
}

struct span span_trim_ows(struct span s)
{
    while (s.len > 0 && byte_is_ows(s.at[0])) {
        s.at++;
        s.len--;
    }
    while (s.len > 0 && byte_is_ows(s.at[s.len - 1]))
        s.len--;
    return s;
}

struct span span_cut(struct span *rest, char separator)
{
    struct span whole = *rest;
    size_t at = span_find_byte(whole, separator);
    if (at == SPAN_NONE) {
        *rest = (struct span){NULL, 0};
        return whole;
    }
    *rest = (struct span){whole.at + at + 1, whole.len - at - 1};
    return (struct span){whole.at, at};
}

char *span_own(struct span text)
{
    char *copy = must_alloc(text.len + 1);
    if (text.len > 0)
        memcpy(copy, text.at, text.len);
    return copy;
}
