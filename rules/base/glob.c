/* SPDX-License-Identifier: Apache-2.0 */
/* One place to go back to is enough: what the latest star took may grow, what earlier ones took
 * need not. */
#include "rules/base/glob.h"

static bool same(char a, char b, bool nocase)
{
    return a == b || (nocase && byte_lower(a) == byte_lower(b));
}

static bool matches(struct span pattern, struct span text, bool nocase)
{
    size_t p = 0, t = 0, star = SPAN_NONE, taken = 0;
    while (t < text.len) {
        if (p < pattern.len && pattern.at[p] == '*') {
            star = p++;
            taken = t;
        } else if (p < pattern.len &&
                   (pattern.at[p] == '?' || same(pattern.at[p], text.at[t], nocase))) {
            p++;
            t++;
        } else if (star != SPAN_NONE) {
            p = star + 1;
            t = ++taken;
        } else {
            return false;
        }
    }
    while (p < pattern.len && pattern.at[p] == '*')
        p++;
    return p == pattern.len;
}

bool glob_matches(struct span pattern, struct span text)
{
    return matches(pattern, text, false);
}

bool glob_matches_nocase(struct span pattern, struct span text)
{
    return matches(pattern, text, true);
}
