/* SPDX-License-Identifier: Apache-2.0 */
/* All addresses are 16 bytes, those of IPv4 in their mapped form, so that one sorted array of
 * ranges without overlaps serves both families. */
#include "rules/match/addresses.h"

#include <arpa/inet.h>
#include <stdint.h>
#include <stdlib.h>

#include "rules/base/must.h"
#include "rules/base/number.h"

enum { BYTES = 16, MAPPED = 12, TEXT_MOST = 64 };

struct address {
    uint8_t at[BYTES];
};

struct range {
    struct address first, last;
};

struct addresses {
    struct range *ranges;
    size_t count, room;
    bool sealed;
};

struct addresses *addresses_new(void)
{
    return must_alloc(sizeof(struct addresses));
}

void addresses_free(struct addresses *addresses)
{
    if (addresses == NULL)
        return;
    free(addresses->ranges);
    free(addresses);
}

/* *family_bits: 32 or 128. */
static bool address_parse(struct span text, struct address *out, unsigned *family_bits)
{
    static const uint8_t mapped[MAPPED] = {[10] = 0xff, [11] = 0xff};
    char terminated[TEXT_MOST];

    if (text.len == 0 || text.len >= sizeof(terminated))
        return false;
    memcpy(terminated, text.at, text.len);
    terminated[text.len] = '\0';
    if (inet_pton(AF_INET, terminated, out->at + MAPPED) == 1) {
        memcpy(out->at, mapped, MAPPED);
        *family_bits = 32;
        return true;
    }
    *family_bits = 128;
    return inet_pton(AF_INET6, terminated, out->at) == 1;
}

bool addresses_add(struct addresses *addresses, struct span text)
{
    struct span prefix = text;
    struct span address = span_cut(&prefix, '/');
    struct range range;
    unsigned bits;
    uint64_t fixed;

    must(!addresses->sealed);
    if (!address_parse(address, &range.first, &bits))
        return false;
    fixed = bits;
    if (prefix.at != NULL && (!number_parse(prefix, &fixed) || fixed > bits))
        return false;
    fixed += 128 - bits;
    range.last = range.first;
    for (unsigned i = (unsigned)fixed; i < 128; i++) {
        range.first.at[i / 8] &= (uint8_t) ~(0x80U >> i % 8);
        range.last.at[i / 8] |= (uint8_t)(0x80U >> i % 8);
    }
    if (addresses->count == addresses->room) {
        addresses->room = addresses->room * 2 + 8;
        addresses->ranges =
            must_realloc(addresses->ranges, addresses->room * sizeof(*addresses->ranges));
    }
    addresses->ranges[addresses->count++] = range;
    return true;
}

static int compare(const struct address *a, const struct address *b)
{
    return memcmp(a->at, b->at, BYTES);
}

static int compare_ranges(const void *a, const void *b)
{
    return compare(&((const struct range *)a)->first, &((const struct range *)b)->first);
}

void addresses_seal(struct addresses *addresses)
{
    struct range *r = addresses->ranges;
    size_t kept = 0;

    must(!addresses->sealed);
    addresses->sealed = true;
    if (addresses->count == 0)
        return;
    qsort(r, addresses->count, sizeof(*r), compare_ranges);
    for (size_t i = 1; i < addresses->count; i++)
        if (compare(&r[i].first, &r[kept].last) > 0)
            r[++kept] = r[i];
        else if (compare(&r[i].last, &r[kept].last) > 0)
            r[kept].last = r[i].last;
    addresses->count = kept + 1;
}

bool addresses_has(const struct addresses *addresses, struct span text)
{
    size_t low = 0, high = addresses->count;
    struct address address;
    unsigned bits;

    must(addresses->sealed);
    if (!address_parse(text, &address, &bits))
        return false;
    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (compare(&addresses->ranges[middle].last, &address) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low < addresses->count && compare(&addresses->ranges[low].first, &address) <= 0;
}
