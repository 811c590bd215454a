/* SPDX-License-Identifier: Apache-2.0 */
/* Text in text, whatever its case, in time that grows with both lengths alone: Two-Way matching
 * (Crochemore and Perrin, 1991), which needs no memory. The needle is cut in two where no
 * repetition of a shorter length crosses: its right part is compared first, forwards, then its left
 * one. */
#include "rules/base/span.h"

enum { SHORT_NEEDLE = 16 }; /* shorter ones are compared at every place: no more work, no start */

static bool are_same(struct span a, size_t i, struct span b, size_t j)
{
    return byte_lower(a.at[i]) == byte_lower(b.at[j]);
}

static size_t find_short(struct span s, struct span what)
{
    char first = byte_lower(what.at[0]);
    for (size_t at = 0; at <= s.len - what.len; at++)
        if (byte_lower(s.at[at]) == first && span_is_nocase(span_make(s.at + at, what.len), what))
            return at;
    return SPAN_NONE;
}

/* Where the greatest suffix begins, by the order of bytes or the opposite one, and its period. */
static size_t greatest_suffix(struct span text, bool is_opposite, size_t *period)
{
    size_t start = 0, other = 1, same = 0; /* both have `same` bytes in common, so far */
    *period = 1;
    while (other + same < text.len) {
        unsigned char a = (unsigned char)byte_lower(text.at[other + same]);
        unsigned char b = (unsigned char)byte_lower(text.at[start + same]);
        if (a == b) {
            same++;
            if (same == *period) {
                other += same;
                same = 0;
            }
        } else if ((a < b) != is_opposite) {
            other += same + 1;
            same = 0;
            *period = other - start;
        } else {
            start = other++;
            same = 0;
            *period = 1;
        }
    }
    return start;
}

struct needle {
    struct span text;
    size_t cut;      /* where its right part begins */
    size_t step;     /* how far to go on where the right part stands and the left one does not */
    size_t repeated; /* so many of its first bytes stand behind such a step already */
};

static struct needle needle_cut(struct span text)
{
    size_t period, opposite_period;
    size_t cut = greatest_suffix(text, false, &period);
    size_t opposite = greatest_suffix(text, true, &opposite_period);
    if (opposite > cut) {
        cut = opposite;
        period = opposite_period;
    }
    if (span_is_nocase(span_first(text, cut), span_first(span_from(text, period), cut)))
        return (struct needle){text, cut, period, text.len - period};
    size_t longer = cut > text.len - cut ? cut : text.len - cut;
    return (struct needle){text, cut, longer + 1, 0};
}

static size_t find_long(struct span s, struct span what)
{
    struct needle needle = needle_cut(what);
    size_t known = 0; /* bytes of the needle's start that need no second look */
    for (size_t at = 0; at <= s.len - what.len;) {
        size_t right = known > needle.cut ? known : needle.cut, left = needle.cut;
        while (right < what.len && are_same(what, right, s, at + right))
            right++;
        if (right < what.len) {
            at += right - needle.cut + 1;
            known = 0;
            continue;
        }
        while (left > known && are_same(what, left - 1, s, at + left - 1))
            left--;
        if (left <= known)
            return at;
        at += needle.step;
        known = needle.repeated;
    }
    return SPAN_NONE;
}

size_t span_find_nocase(struct span s, struct span what)
{
    if (what.len == 0)
        return 0;
    if (s.len < what.len)
        return SPAN_NONE;
    return what.len < SHORT_NEEDLE ? find_short(s, what) : find_long(s, what);
}
