/* SPDX-License-Identifier: Apache-2.0 */
/* A head of a request, parsed whole and byte by byte; both have to come to the same. */
#ifndef SIDEGATE_TESTS_UNIT_WIRE_H1_READING_H
#define SIDEGATE_TESTS_UNIT_WIRE_H1_READING_H

#include "sidecar/wire/h1.h"
#include "tests/check.h"

struct reading {
    enum h1_parse parse;
    struct request_head head;
    struct refusal refusal;
    size_t used;
    bool close;
    struct arena *arena;
};

static const struct h1_limits reading_limits = {
    .head_bytes = 32768, .field_count = 100, .target_bytes = 8192};

static inline struct reading reading_whole(struct span bytes, const struct h1_limits *limits)
{
    struct reading r = {.arena = arena_new(NULL, 65536)};
    size_t seen = 0;
    r.parse =
        h1_parse_request(bytes, &seen, limits, r.arena, &r.head, &r.used, &r.refusal, &r.close);
    return r;
}

static inline struct reading reading_bytewise(struct span bytes, const struct h1_limits *limits)
{
    struct reading r = {.parse = H1_MORE, .arena = arena_new(NULL, 65536)};
    size_t seen = 0;
    for (size_t len = 0; len <= bytes.len && r.parse == H1_MORE; len++)
        r.parse = h1_parse_request(span_first(bytes, len), &seen, limits, r.arena, &r.head, &r.used,
                                   &r.refusal, &r.close);
    return r;
}

static inline void reading_check_same(const struct reading *a, const struct reading *b)
{
    check_number(a->parse, b->parse);
    check_number(a->used, b->used);
    check_number(a->close, b->close);
    check_number(a->refusal.status, b->refusal.status);
    check_number(a->refusal.silent, b->refusal.silent);
    check(span_is(span_text(a->refusal.why), span_text(b->refusal.why)));
    if (a->parse == H1_MORE)
        return;
    check(span_is(a->head.line, b->head.line));
    check(span_is(a->head.target, b->head.target));
    check_number(a->head.fields.count, b->head.fields.count);
    check_number(a->head.body_length, b->head.body_length);
}

static inline struct reading read_request_within(struct span bytes, const struct h1_limits *limits)
{
    struct reading bytewise = reading_bytewise(bytes, limits);
    struct reading whole = reading_whole(bytes, limits);
    reading_check_same(&whole, &bytewise);
    arena_free(bytewise.arena);
    return whole;
}

static inline struct reading read_request(struct span bytes)
{
    return read_request_within(bytes, &reading_limits);
}

static inline void reading_end(struct reading *reading)
{
    arena_free(reading->arena);
}

#endif
