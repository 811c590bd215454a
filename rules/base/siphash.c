/* SPDX-License-Identifier: Apache-2.0 */
/* SipHash-2-4 (Aumasson, Bernstein 2012): a short-input hash that cannot be attacked without its
 * key. */
#include "rules/base/siphash.h"

#include <endian.h>
#include <pthread.h>
#include <string.h>
#include <sys/random.h>

#include "rules/base/must.h"

struct sip {
    uint64_t a, b, c, d;
};

static inline uint64_t rotate(uint64_t x, unsigned bits)
{
    return x << bits | x >> (64 - bits);
}

static inline void sip_round(struct sip *s)
{
    s->a += s->b;
    s->b = rotate(s->b, 13) ^ s->a;
    s->a = rotate(s->a, 32);
    s->c += s->d;
    s->d = rotate(s->d, 16) ^ s->c;
    s->a += s->d;
    s->d = rotate(s->d, 21) ^ s->a;
    s->c += s->b;
    s->b = rotate(s->b, 17) ^ s->c;
    s->c = rotate(s->c, 32);
}

static inline void sip_take(struct sip *s, uint64_t word)
{
    s->d ^= word;
    sip_round(s);
    sip_round(s);
    s->a ^= word;
}

static inline uint64_t load(const void *at)
{
    uint64_t word;
    memcpy(&word, at, sizeof word);
    return le64toh(word);
}

/* Eight bytes to lower case at once: bit 7 of `upper` is set in the bytes from A to Z. The two sums
 * cannot carry into their neighbours, since the high bits are off. */
static inline uint64_t lower(uint64_t word)
{
    const uint64_t ones = UINT64_C(0x0101010101010101), high = ones << 7;
    uint64_t low = word & ~high;
    uint64_t at_least_a = low + ones * (0x80 - 'A');
    uint64_t beyond_z = low + ones * (0x7f - 'Z');
    uint64_t upper = (at_least_a ^ beyond_z) & ~word & high;
    return word | upper >> 2;
}

static inline uint64_t hash(const uint8_t key[16], struct span text, bool nocase)
{
    uint64_t k0 = load(key), k1 = load(key + 8);
    struct sip s = {k0 ^ UINT64_C(0x736f6d6570736575), k1 ^ UINT64_C(0x646f72616e646f6d),
                    k0 ^ UINT64_C(0x6c7967656e657261), k1 ^ UINT64_C(0x7465646279746573)};
    size_t whole = text.len & ~(size_t)7;
    for (size_t i = 0; i < whole; i += 8) {
        uint64_t word = load(text.at + i);
        sip_take(&s, nocase ? lower(word) : word);
    }
    uint64_t last = 0;
    for (size_t i = whole; i < text.len; i++)
        last |= (uint64_t)(uint8_t)text.at[i] << 8 * (i - whole);
    if (nocase)
        last = lower(last);
    sip_take(&s, last | (uint64_t)text.len << 56);
    s.c ^= 0xff;
    for (int i = 0; i < 4; i++)
        sip_round(&s);
    return s.a ^ s.b ^ s.c ^ s.d;
}

uint64_t siphash(const uint8_t key[16], struct span text)
{
    return hash(key, text, false);
}

uint64_t siphash_nocase(const uint8_t key[16], struct span text)
{
    return hash(key, text, true);
}

void siphash_add(uint64_t *hash, struct span text)
{
    static const uint8_t key[16] = "one after other";
    uint64_t both[] = {*hash, siphash(key, text)};
    *hash = siphash(key, span_make((const char *)both, sizeof both));
}

/* The one thing of the process that this library keeps: it is written once, before it is read. */
static uint8_t process_key[16];

static void key_make(void)
{
    must(getrandom(process_key, sizeof process_key, 0) == (ssize_t)sizeof process_key);
}

const uint8_t *hash_key(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    must(pthread_once(&once, key_make) == 0);
    return process_key;
}
