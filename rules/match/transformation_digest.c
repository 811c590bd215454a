/* SPDX-License-Identifier: Apache-2.0 */
/* md5 (RFC 1321) and sha1 (RFC 3174), as raw bytes. They are here to compare values with digests
 * that rules know; nothing is kept secret with them. */
#include "rules/match/transformation_rows.h"

#include <stdint.h>

enum { BLOCK = 64 };

static uint32_t rotate(uint32_t word, unsigned by)
{
    return word << by | word >> (32 - by);
}

static const uint32_t md5_sines[64] = {
    0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee, 0xf57c0faf, 0x4787c62a, 0xa8304613, 0xfd469501,
    0x698098d8, 0x8b44f7af, 0xffff5bb1, 0x895cd7be, 0x6b901122, 0xfd987193, 0xa679438e, 0x49b40821,
    0xf61e2562, 0xc040b340, 0x265e5a51, 0xe9b6c7aa, 0xd62f105d, 0x02441453, 0xd8a1e681, 0xe7d3fbc8,
    0x21e1cde6, 0xc33707d6, 0xf4d50d87, 0x455a14ed, 0xa9e3e905, 0xfcefa3f8, 0x676f02d9, 0x8d2a4c8a,
    0xfffa3942, 0x8771f681, 0x6d9d6122, 0xfde5380c, 0xa4beea44, 0x4bdecfa9, 0xf6bb4b60, 0xbebfbc70,
    0x289b7ec6, 0xeaa127fa, 0xd4ef3085, 0x04881d05, 0xd9d4d039, 0xe6db99e5, 0x1fa27cf8, 0xc4ac5665,
    0xf4292244, 0x432aff97, 0xab9423a7, 0xfc93a039, 0x655b59c3, 0x8f0ccc92, 0xffeff47d, 0x85845dd1,
    0x6fa87e4f, 0xfe2ce6e0, 0xa3014314, 0x4e0811a1, 0xf7537e82, 0xbd3af235, 0x2ad7d2bb, 0xeb86d391,
};

static uint32_t little_word(const uint8_t *at)
{
    return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static void md5_block(uint32_t state[5], const uint8_t *block)
{
    static const uint8_t shifts[4][4] = {
        {7, 12, 17, 22}, {5, 9, 14, 20}, {4, 11, 16, 23}, {6, 10, 15, 21}};
    uint32_t a = state[0], b = state[1], c = state[2], d = state[3];

    for (unsigned i = 0; i < 64; i++) {
        uint32_t mixed, next;
        unsigned word;

        switch (i / 16) {
        case 0:
            mixed = (b & c) | (~b & d);
            word = i;
            break;
        case 1:
            mixed = (d & b) | (~d & c);
            word = (5 * i + 1) % 16;
            break;
        case 2:
            mixed = b ^ c ^ d;
            word = (3 * i + 5) % 16;
            break;
        default: mixed = c ^ (b | ~d); word = 7 * i % 16;
        }
        next = b + rotate(a + mixed + md5_sines[i] + little_word(block + (size_t)4 * word),
                          shifts[i / 16][i % 4]);
        a = d;
        d = c;
        c = b;
        b = next;
    }
    state[0] += a;
    state[1] += b;
    state[2] += c;
    state[3] += d;
}

static uint32_t big_word(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | (uint32_t)at[3];
}

static uint32_t sha1_mix(unsigned round, uint32_t b, uint32_t c, uint32_t d)
{
    switch (round / 20) {
    case 0: return ((b & c) | (~b & d)) + 0x5a827999;
    case 1: return (b ^ c ^ d) + 0x6ed9eba1;
    case 2: return ((b & c) | (b & d) | (c & d)) + 0x8f1bbcdc;
    default: return (b ^ c ^ d) + 0xca62c1d6;
    }
}

static void sha1_block(uint32_t state[5], const uint8_t *block)
{
    uint32_t w[80];
    uint32_t a = state[0], b = state[1], c = state[2], d = state[3], e = state[4];

    for (unsigned i = 0; i < 80; i++)
        w[i] = i < 16 ? big_word(block + (size_t)4 * i)
                      : rotate(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
    for (unsigned i = 0; i < 80; i++) {
        uint32_t next = rotate(a, 5) + sha1_mix(i, b, c, d) + e + w[i];

        e = d;
        d = c;
        c = rotate(b, 30);
        b = a;
        a = next;
    }
    state[0] += a;
    state[1] += b;
    state[2] += c;
    state[3] += d;
    state[4] += e;
}

/* The whole message: its blocks, then one or two with the padding (a 1 bit, zeros, the length in
 * bits). */
static void digest(uint32_t state[5], struct span in, bool big_endian,
                   void (*block)(uint32_t[5], const uint8_t *))
{
    const uint8_t *at = (const uint8_t *)in.at;
    size_t whole = in.len / BLOCK * BLOCK;
    size_t rest = in.len - whole;
    uint8_t last[2 * BLOCK] = {0};
    size_t size = rest < BLOCK - 8 ? BLOCK : 2 * BLOCK;
    uint64_t bits = (uint64_t)in.len * 8;

    for (size_t i = 0; i < whole; i += BLOCK)
        block(state, at + i);
    if (rest > 0)
        memcpy(last, at + whole, rest);
    last[rest] = 0x80;
    for (unsigned i = 0; i < 8; i++)
        last[size - 8 + i] = (uint8_t)(bits >> (big_endian ? 56 - 8 * i : 8 * i));
    for (size_t i = 0; i < size; i += BLOCK)
        block(state, last + i);
}

struct span transformation_md5(struct span in, struct arena *arena)
{
    uint32_t state[5] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0};
    struct writing to = writing_begin(arena, in, 0, 16);

    if (to.at == NULL)
        return span_make(NULL, 0);
    digest(state, in, false, md5_block);
    for (unsigned i = 0; i < 16; i++)
        writing_add(&to, (char)(uint8_t)(state[i / 4] >> (8 * (i % 4))));
    return writing_end(arena, in, &to);
}

struct span transformation_sha1(struct span in, struct arena *arena)
{
    uint32_t state[5] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
    struct writing to = writing_begin(arena, in, 0, 20);

    if (to.at == NULL)
        return span_make(NULL, 0);
    digest(state, in, true, sha1_block);
    for (unsigned i = 0; i < 20; i++)
        writing_add(&to, (char)(uint8_t)(state[i / 4] >> (24 - 8 * (i % 4))));
    return writing_end(arena, in, &to);
}
