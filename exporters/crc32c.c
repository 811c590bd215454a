/* SPDX-License-Identifier: Apache-2.0 */
/* Eight bytes a step where the processor knows how, else half a byte by a table of sixteen. */
#include "exporters/crc32c.h"

#include <string.h>

static uint32_t by_table(uint32_t crc, struct span bytes)
{
    static const uint32_t table[16] = {
        0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1, 0x417b1dbc, 0x5125dad3,
        0x61c69362, 0x7198540d, 0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9,
        0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75,
    };
    for (size_t i = 0; i < bytes.len; i++) {
        crc ^= (unsigned char)bytes.at[i];
        crc = crc >> 4 ^ table[crc & 15];
        crc = crc >> 4 ^ table[crc & 15];
    }
    return crc;
}

#if defined(__x86_64__)
#include <nmmintrin.h>

__attribute__((target("sse4.2"))) static uint32_t by_instruction(uint32_t crc, struct span bytes)
{
    uint64_t wide = crc;
    for (; bytes.len >= 8; bytes = span_from(bytes, 8)) {
        uint64_t eight;
        memcpy(&eight, bytes.at, sizeof eight);
        wide = _mm_crc32_u64(wide, eight);
    }
    crc = (uint32_t)wide;
    for (size_t i = 0; i < bytes.len; i++)
        crc = _mm_crc32_u8(crc, (unsigned char)bytes.at[i]);
    return crc;
}

static uint32_t step(uint32_t crc, struct span bytes)
{
    return __builtin_cpu_supports("sse4.2") ? by_instruction(crc, bytes) : by_table(crc, bytes);
}
#else
static uint32_t step(uint32_t crc, struct span bytes)
{
    return by_table(crc, bytes);
}
#endif

uint32_t crc32c(uint32_t before, struct span bytes)
{
    return ~step(~before, bytes);
}
