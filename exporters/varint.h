/* SPDX-License-Identifier: Apache-2.0 */
/* Protobuf's numbers of variable length, and the tags in front of fields. */
#ifndef SIDEGATE_EXPORTERS_VARINT_H
#define SIDEGATE_EXPORTERS_VARINT_H

#include <stddef.h>
#include <stdint.h>

enum { VARINT_BYTES = 10 }; /* at most */
enum wire_type { WIRE_VARINT = 0, WIRE_FIXED64 = 1, WIRE_BYTES = 2, WIRE_FIXED32 = 5 };

static inline uint64_t wire_tag(unsigned field, enum wire_type type)
{
    return (uint64_t)field << 3 | type;
}

/* Seven bits a byte, at least one. */
static inline size_t varint_size(uint64_t number)
{
    unsigned bits = 64 - (unsigned)__builtin_clzll(number | 1);
    return (bits * 9 + 64) / 64; /* (bits + 6) / 7, up to 64 of them */
}

/* Returns where it ends. */
static inline char *varint_write(char *to, uint64_t number)
{
    for (; number >= 0x80; number >>= 7)
        *to++ = (char)(number | 0x80);
    *to++ = (char)number;
    return to;
}

#endif
