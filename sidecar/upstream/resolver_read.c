/* SPDX-License-Identifier: Apache-2.0 */
/* An answer of the DNS, read as far as it is needed: the first address, and how long it holds. */
#include <ares.h>

#include "sidecar/upstream/resolver_inside.h"

enum {
    HEAD_BYTES = 12,
    RECORD_BYTES = 10,       /* type, class, TTL and length, behind the name */
    SOA_NUMBERS_BYTES = 20,  /* behind its two names; the last one is MINIMUM */
    NONE_WITHOUT_SOA_S = 60, /* RFC 2308 5: not to be kept at all; that would ask each time */
    LEAST_S = 5,
    MOST_S = 86400 /* what lists say beyond that is not believed */
};

struct record {
    unsigned type;
    uint32_t ttl_s;
    const unsigned char *data;
    int len;
};

static unsigned two(const unsigned char *at)
{
    return (unsigned)at[0] << 8 | at[1];
}

static uint32_t four(const unsigned char *at)
{
    return (uint32_t)two(at) << 16 | two(at + 2);
}

/* The bytes of the name at `at`, without what a pointer in it leads to; 0: it is broken. */
static int name_bytes(const unsigned char *at, const unsigned char *bytes, int len)
{
    char *text = NULL;
    long used = 0;
    if (at >= bytes + len || ares_expand_name(at, bytes, len, &text, &used) != ARES_SUCCESS)
        return 0;
    ares_free_string(text);
    return (int)used;
}

/* The record at *at, which goes on to the next one. */
static bool next_record(const unsigned char **at, const unsigned char *bytes, int len,
                        struct record *record)
{
    const unsigned char *end = bytes + len;
    int name = name_bytes(*at, bytes, len);
    if (name == 0 || end - *at < name + RECORD_BYTES)
        return false;
    const unsigned char *head = *at + name;
    *record = (struct record){.type = two(head),
                              .ttl_s = four(head + 4),
                              .data = head + RECORD_BYTES,
                              .len = (int)two(head + 8)};
    *at = record->data + (end - record->data >= record->len ? record->len : 0);
    return end - record->data >= record->len;
}

static uint64_t bounded_us(uint32_t seconds)
{
    uint64_t bounded = seconds < LEAST_S ? LEAST_S : seconds > MOST_S ? MOST_S : seconds;
    return bounded * 1000000;
}

/* RFC 2308 5: the lesser one of the record's TTL and MINIMUM. */
static uint64_t negative_us(const struct record *soa)
{
    if (soa->len < SOA_NUMBERS_BYTES)
        return bounded_us(NONE_WITHOUT_SOA_S);
    uint32_t minimum = four(soa->data + soa->len - 4);
    return bounded_us(minimum < soa->ttl_s ? minimum : soa->ttl_s);
}

struct resolver_answer resolver_read(const unsigned char *bytes, int len, bool found)
{
    struct resolver_answer none = {.resolved = RESOLVED_NONE,
                                   .ttl_us = bounded_us(NONE_WITHOUT_SOA_S)};
    struct resolver_answer broken = {.resolved = RESOLVED_FAILED};
    if (len < HEAD_BYTES)
        return broken;
    const unsigned char *at = bytes + HEAD_BYTES;
    for (unsigned i = two(bytes + 4); i > 0; i--) {
        int name = name_bytes(at, bytes, len);
        if (name == 0 || bytes + len - at < name + 4)
            return broken;
        at += name + 4;
    }
    uint32_t ttl_s = UINT32_MAX; /* the least one on the way, aliases included */
    for (unsigned i = two(bytes + 6) + two(bytes + 8); i > 0; i--) {
        struct record record;
        if (!next_record(&at, bytes, len, &record))
            return broken;
        ttl_s = record.ttl_s < ttl_s ? record.ttl_s : ttl_s;
        if (found && record.type == RESOLVER_TYPE_A && record.len == 4)
            return (struct resolver_answer){RESOLVED_FOUND, four(record.data), bounded_us(ttl_s)};
        if (record.type == RESOLVER_TYPE_SOA)
            none.ttl_us = negative_us(&record);
    }
    return none;
}
