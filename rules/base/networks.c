/* SPDX-License-Identifier: Apache-2.0 */
/* A sorted array of ranges for each family: a hundred thousand of IPv4 are 800 kB, which a
 * processor's second cache holds. */
#include "rules/base/networks.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "rules/base/must.h"
#include "rules/base/number.h"

struct range_v4 {
    uint32_t first, last;
};
struct range_v6 {
    struct ip first, last;
};

struct networks {
    struct range_v4 *v4;
    struct range_v6 *v6;
    size_t v4_count, v4_room, v6_count, v6_room;
    bool sealed;
};

struct networks *networks_new(void)
{
    return must_alloc(sizeof(struct networks));
}

void networks_free(struct networks *networks)
{
    if (networks == NULL)
        return;
    free(networks->v4);
    free(networks->v6);
    free(networks);
}

static uint32_t v4_of(const struct ip *ip)
{
    const uint8_t *at = ip->at + IP_MAPPED_BITS / 8;
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

/* Sets or clears the bits behind the first `fixed`. */
static void spread(struct range_v6 *range, unsigned fixed)
{
    for (unsigned i = fixed; i < IP_BYTES * 8; i++) {
        range->first.at[i / 8] &= (uint8_t) ~(0x80U >> i % 8);
        range->last.at[i / 8] |= (uint8_t)(0x80U >> i % 8);
    }
}

static bool range_parse(struct span text, struct range_v6 *range)
{
    size_t dash = span_find_byte(text, '-');
    if (dash != SPAN_NONE) {
        struct span first = span_trim_ows(span_first(text, dash));
        struct span last = span_trim_ows(span_from(text, dash + 1));
        return ip_parse(first, &range->first) && ip_parse(last, &range->last) &&
               ip_is_v4(&range->first) == ip_is_v4(&range->last) &&
               ip_compare(&range->first, &range->last) <= 0;
    }
    struct span prefix = text;
    struct span address = span_cut(&prefix, '/');
    if (!ip_parse(address, &range->first))
        return false;
    unsigned bits = span_find_byte(address, ':') == SPAN_NONE ? 32 : 128;
    uint64_t fixed = bits;
    if (prefix.at != NULL && (!number_parse(prefix, &fixed) || fixed > bits))
        return false;
    range->last = range->first;
    spread(range, (unsigned)fixed + 128 - bits);
    return true;
}

/* Room for one more of `size` bytes; doubles. */
static void *grown(void *at, size_t count, size_t *room, size_t size)
{
    if (count < *room)
        return at;
    *room = *room * 2 + 8;
    return must_realloc(at, *room * size);
}

bool networks_add(struct networks *networks, struct span text)
{
    struct range_v6 range;
    must(!networks->sealed);
    if (!range_parse(text, &range))
        return false;
    if (ip_is_v4(&range.first) && ip_is_v4(&range.last)) {
        networks->v4 =
            grown(networks->v4, networks->v4_count, &networks->v4_room, sizeof(*networks->v4));
        networks->v4[networks->v4_count++] =
            (struct range_v4){v4_of(&range.first), v4_of(&range.last)};
    } else {
        networks->v6 =
            grown(networks->v6, networks->v6_count, &networks->v6_room, sizeof(*networks->v6));
        networks->v6[networks->v6_count++] = range;
    }
    return true;
}

bool networks_add_lines(struct networks *networks, struct span text, size_t *line,
                        struct span *wrong)
{
    for (*line = 1; text.at != NULL; ++*line) {
        struct span rest = span_cut(&text, '\n');
        struct span entry = span_cut(&rest, '#');
        *wrong = span_trim(span_cut(&entry, ';'), " \t\r");
        if (wrong->len > 0 && !networks_add(networks, *wrong))
            return false;
    }
    return true;
}

static int compare_v4(const void *a, const void *b)
{
    uint32_t left = ((const struct range_v4 *)a)->first,
             right = ((const struct range_v4 *)b)->first;
    return (left > right) - (left < right);
}

static int compare_v6(const void *a, const void *b)
{
    return ip_compare(&((const struct range_v6 *)a)->first, &((const struct range_v6 *)b)->first);
}

/* Sorts; ranges that overlap become one. */
static void seal_v4(struct networks *networks)
{
    struct range_v4 *range = networks->v4;
    size_t kept = 0;
    if (networks->v4_count == 0)
        return;
    qsort(range, networks->v4_count, sizeof(*range), compare_v4);
    for (size_t i = 1; i < networks->v4_count; i++)
        if (range[i].first > range[kept].last)
            range[++kept] = range[i];
        else if (range[i].last > range[kept].last)
            range[kept].last = range[i].last;
    networks->v4_count = networks->v4_room = kept + 1;
    networks->v4 = must_realloc(range, networks->v4_room * sizeof(*range));
}

static void seal_v6(struct networks *networks)
{
    struct range_v6 *range = networks->v6;
    size_t kept = 0;
    if (networks->v6_count == 0)
        return;
    qsort(range, networks->v6_count, sizeof(*range), compare_v6);
    for (size_t i = 1; i < networks->v6_count; i++)
        if (ip_compare(&range[i].first, &range[kept].last) > 0)
            range[++kept] = range[i];
        else if (ip_compare(&range[i].last, &range[kept].last) > 0)
            range[kept].last = range[i].last;
    networks->v6_count = networks->v6_room = kept + 1;
    networks->v6 = must_realloc(range, networks->v6_room * sizeof(*range));
}

void networks_seal(struct networks *networks)
{
    must(!networks->sealed);
    networks->sealed = true;
    seal_v4(networks);
    seal_v6(networks);
}

static bool v4_has(const struct networks *networks, uint32_t address)
{
    const struct range_v4 *base = networks->v4;
    for (size_t left = networks->v4_count; left > 0;) {
        size_t half = left / 2;
        bool above = base[half].last < address;
        base = above ? base + half + 1 : base;
        left = above ? left - half - 1 : half;
    }
    return base != networks->v4 + networks->v4_count && base->first <= address;
}

static bool v6_has(const struct networks *networks, const struct ip *ip)
{
    size_t low = 0, high = networks->v6_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (ip_compare(&networks->v6[middle].last, ip) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low < networks->v6_count && ip_compare(&networks->v6[low].first, ip) <= 0;
}

bool networks_have(const struct networks *networks, const struct ip *ip)
{
    must(networks->sealed);
    return ip_is_v4(ip) ? v4_has(networks, v4_of(ip)) : v6_has(networks, ip);
}

bool networks_have_text(const struct networks *networks, struct span text)
{
    struct ip ip;
    if (!ip_parse(text, &ip))
        return false;
    bool in_six = span_find_byte(text, ':') != SPAN_NONE && v6_has(networks, &ip);
    return in_six || networks_have(networks, &ip);
}

size_t networks_count(const struct networks *networks)
{
    return networks->v4_count + networks->v6_count;
}

size_t networks_bytes(const struct networks *networks)
{
    return sizeof(*networks) + networks->v4_count * sizeof(*networks->v4) +
           networks->v6_count * sizeof(*networks->v6);
}
