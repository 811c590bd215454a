/* SPDX-License-Identifier: Apache-2.0 */
/* One place to go back to is enough: what the latest star took may grow, what earlier ones took
 * need not. */
#include "rules/base/glob.h"

bool glob_walk(const void *pattern, size_t len, glob_at *at, struct span text)
{
    size_t p = 0, t = 0, star = SPAN_NONE, taken = 0;
    while (t < text.len) {
        enum glob_place place = p < len ? at(pattern, p, text.at[t]) : GLOB_DIFFERS;
        if (place == GLOB_STAR) {
            star = p++;
            taken = t;
        } else if (place == GLOB_FITS) {
            p++;
            t++;
        } else if (star != SPAN_NONE) {
            p = star + 1;
            t = ++taken;
        } else {
            return false;
        }
    }
    while (p < len && at(pattern, p, '\0') == GLOB_STAR)
        p++;
    return p == len;
}

static enum glob_place at_byte(const void *pattern, size_t p, char byte)
{
    char is = ((const char *)pattern)[p];
    if (is == '*')
        return GLOB_STAR;
    return is == '?' || is == byte ? GLOB_FITS : GLOB_DIFFERS;
}

static enum glob_place at_letter(const void *pattern, size_t p, char byte)
{
    char is = ((const char *)pattern)[p];
    if (is == '*')
        return GLOB_STAR;
    return is == '?' || byte_lower(is) == byte_lower(byte) ? GLOB_FITS : GLOB_DIFFERS;
}

bool glob_matches(struct span pattern, struct span text)
{
    return glob_walk(pattern.at, pattern.len, at_byte, text);
}

bool glob_matches_nocase(struct span pattern, struct span text)
{
    return glob_walk(pattern.at, pattern.len, at_letter, text);
}
