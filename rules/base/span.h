/* SPDX-License-Identifier: Apache-2.0 */
/* Text as {pointer, length}: borrowed, never terminated, any byte. Who lends it says how long it
 * lives. */
#ifndef SIDEGATE_RULES_BASE_SPAN_H
#define SIDEGATE_RULES_BASE_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct span {
    const char *at; /* may be NULL only where len is 0 */
    size_t len;
};

/* A name and its value: a header field, an argument, a cookie. */
struct pair {
    struct span name;
    struct span value;
};

#define SPAN_FORMAT   "%.*s"
#define span_arg(s)   (int)(s).len, (s).at /* for printf-like functions with SPAN_FORMAT */
#define SPAN(literal) ((struct span){(literal), sizeof(literal) - 1})
#define SPAN_INIT(literal)             \
    {                                  \
        (literal), sizeof(literal) - 1 \
    } /* the same for static tables */

static inline struct span span_make(const char *at, size_t len)
{
    return (struct span){at, len};
}

static inline struct span span_text(const char *terminated)
{
    return (struct span){terminated, terminated ? strlen(terminated) : 0};
}

static inline bool span_is(struct span a, struct span b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

/* From `start` on; empty where start is beyond the end. */
static inline struct span span_from(struct span s, size_t start)
{
    return start < s.len ? (struct span){s.at + start, s.len - start} : (struct span){s.at, 0};
}

/* The first `len` bytes, or all where there are fewer. */
static inline struct span span_first(struct span s, size_t len)
{
    return (struct span){s.at, len < s.len ? len : s.len};
}

#define SPAN_NONE ((size_t)-1)

bool span_is_nocase(struct span a, struct span b); /* ASCII letters only */
int span_compare(struct span a, struct span b);    /* by bytes, then by length */
bool span_starts(struct span s, struct span prefix);
bool span_starts_nocase(struct span s, struct span prefix);
bool span_ends(struct span s, struct span suffix);
bool span_ends_nocase(struct span s, struct span suffix);
size_t span_find_byte(struct span s, char byte);      /* index or SPAN_NONE */
size_t span_find_last_byte(struct span s, char byte); /* index or SPAN_NONE */
size_t span_find(struct span s,
                 struct span what); /* index of the first occurrence or SPAN_NONE; empty: 0 */
size_t span_find_nocase(struct span s, struct span what); /* likewise, in linear time */
struct span span_trim(struct span s,
                      const char *bytes); /* without leading and trailing bytes of the given set */
struct span span_trim_ows(struct span s); /* without SP and HTAB at both ends: RFC 9110 5.6.3 */

/* Cuts `rest` at the first `separator`: returns what stands before it and moves `rest` behind it.
 * Without a separator the whole rest is returned and `rest` becomes empty with at == NULL. */
struct span span_cut(struct span *rest, char separator);

/* A terminated copy; the caller frees it. */
char *span_own(struct span text);

static inline char byte_lower(char c)
{
    return (char)(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
}
static inline bool byte_is_digit(char c)
{
    return c >= '0' && c <= '9';
}
static inline bool byte_is_alpha(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
/* Value of a hexadecimal digit, or -1. */
static inline int byte_hex(char c)
{
    return byte_is_digit(c)       ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

#endif
