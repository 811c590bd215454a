/* SPDX-License-Identifier: Apache-2.0 */
/* Questions that are put to eight bytes of a text at once. */
#ifndef SIDEGATE_RULES_BASE_EIGHTS_H
#define SIDEGATE_RULES_BASE_EIGHTS_H

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* A question answers 0: none of the eight. */
#define EIGHT_OF(byte) (UINT64_C(0x0101010101010101) * (unsigned char)(byte))
#define EIGHT_HIGH     EIGHT_OF(0x80)

static inline uint64_t eight_below(uint64_t eight, unsigned char byte)
{
    return (eight - EIGHT_OF(byte)) & ~eight & EIGHT_HIGH;
}
static inline uint64_t eight_is(uint64_t eight, unsigned char byte)
{
    return eight_below(eight ^ EIGHT_OF(byte), 1);
}

/* Whether `ask` finds something in the text. Seven bytes behind it can be read, whatever they are.
 */
static inline bool eights_any(const char *at, size_t len, uint64_t (*ask)(uint64_t eight))
{
    uint64_t eight, found = 0;
    for (; len >= sizeof eight; len -= sizeof eight, at += sizeof eight) {
        memcpy(&eight, at, sizeof eight);
        found |= ask(le64toh(eight));
    }
    if (len > 0) {
        uint64_t kept = (UINT64_C(1) << 8 * len) - 1;
        memcpy(&eight, at, sizeof eight);
        found |= ask((le64toh(eight) & kept) | (EIGHT_OF('a') & ~kept));
    }
    return found != 0;
}

#endif
