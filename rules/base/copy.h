/* SPDX-License-Identifier: Apache-2.0 */
/* Copying texts that are mostly a word or two: a call of memcpy() costs more than the copy. */
#ifndef SIDEGATE_RULES_BASE_COPY_H
#define SIDEGATE_RULES_BASE_COPY_H

#include <stddef.h>
#include <string.h>

/* Up to twice N bytes, at least N: the first N and the last N, which may overlap. */
#define COPY_ENDS(N, to, from, len)              \
    do {                                         \
        char first[N], last[N];                  \
        memcpy(first, (from), (N));              \
        memcpy(last, (from) + (len) - (N), (N)); \
        memcpy((to), first, (N));                \
        memcpy((to) + (len) - (N), last, (N));   \
    } while (0)

/* As memcpy(): `to` and `from` do not overlap. */
static inline void copy_short(char *to, const char *from, size_t len)
{
    if (len > 32) {
        memcpy(to, from, len);
    } else if (len >= 16) {
        COPY_ENDS(16, to, from, len);
    } else if (len >= 8) {
        COPY_ENDS(8, to, from, len);
    } else if (len >= 4) {
        COPY_ENDS(4, to, from, len);
    } else if (len > 0) {
        to[0] = from[0];
        to[len / 2] = from[len / 2];
        to[len - 1] = from[len - 1];
    }
}

#undef COPY_ENDS

#endif
