/* SPDX-License-Identifier: Apache-2.0 */
/* Which name was meant: the edit distance in which a swap of neighbours counts one (Damerau, in the
 * restricted form of optimal string alignment). */
#include <stdio.h>

#include "rules/base/fault.h"

enum {
    NAME_MOST = 64,     /* longer names are never near */
    BEGINNING_LEAST = 3 /* bytes that a name and its short form have in common */
};

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* One row of the table: the distances of wrong's first `i` bytes to every beginning of `name`. */
static void fill_row(size_t rows[3][NAME_MOST + 1], struct span wrong, struct span name, size_t i)
{
    size_t *row = rows[i % 3], *above = rows[(i - 1) % 3], *twice = rows[(i + 1) % 3];
    char byte = byte_lower(wrong.at[i - 1]);
    row[0] = i;
    for (size_t j = 1; j <= name.len; j++) {
        char other = byte_lower(name.at[j - 1]);
        row[j] = least(least(above[j], row[j - 1]) + 1, above[j - 1] + (byte != other));
        bool swapped = i > 1 && j > 1 && byte == byte_lower(name.at[j - 2]) &&
                       byte_lower(wrong.at[i - 2]) == other;
        if (swapped)
            row[j] = least(row[j], twice[j - 2] + 1);
    }
}

static size_t distance(struct span wrong, struct span name)
{
    size_t rows[3][NAME_MOST + 1] = {{0}};
    for (size_t j = 0; j <= name.len; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= wrong.len; i++)
        fill_row(rows, wrong, name, i);
    return rows[wrong.len % 3][name.len];
}

const char *nearest_within(struct span wrong, const char *const *names, size_t count, size_t most)
{
    if (wrong.len == 0 || wrong.len > NAME_MOST)
        return NULL;
    size_t best = most;
    const char *nearest = NULL;
    for (size_t i = 0; i < count; i++) {
        struct span name = span_text(names[i]);
        if (name.len > NAME_MOST)
            continue;
        size_t far = distance(wrong, name);
        if (far < best || (far == best && nearest == NULL)) {
            best = far;
            nearest = names[i];
        }
    }
    return nearest;
}

/* "warn" for "warning", and the reverse. */
static const char *longer_or_shorter(struct span wrong, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct span name = span_text(names[i]);
        size_t len = least(name.len, wrong.len);
        if (len >= BEGINNING_LEAST && span_is_nocase(span_first(name, len), span_first(wrong, len)))
            return names[i];
    }
    return NULL;
}

const char *nearest_name(struct span wrong, const char *const *names, size_t count)
{
    size_t most = wrong.len / 3 > 1 ? wrong.len / 3 : 1;
    const char *near = nearest_within(wrong, names, count, most);
    return near != NULL ? near : longer_or_shorter(wrong, names, count);
}

struct span nearest_hint(struct span wrong, const char *const *names, size_t count, char *to,
                         size_t size)
{
    const char *name = nearest_name(wrong, names, count);
    int len = name != NULL ? snprintf(to, size, "did you mean '%s'?", name) : 0;
    if (len <= 0 || (size_t)len >= size)
        return span_make(to, 0);
    return span_make(to, (size_t)len);
}

const char *nearest_remark(struct span wrong, const char *const *names, size_t count, char *to,
                           size_t size)
{
    const char *name = nearest_name(wrong, names, count);
    int len = name != NULL ? snprintf(to, size, " (did you mean '%s'?)", name) : 0;
    if (len <= 0 || (size_t)len >= size)
        to[0] = '\0';
    return to;
}
