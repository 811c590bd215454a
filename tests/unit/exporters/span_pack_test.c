/* SPDX-License-Identifier: Apache-2.0 */
/* What packs spans by hand, beside the library: ten thousand spans of every shape. */
#include "exporters/span_pack.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rules/base/arena.h"
#include "tests/check.h"
#include "tests/unit/exporters/sample.h"

enum { SPANS = 10000, ROOM = 1 << 20, SHORT = 5, DEEP = 3 };

struct maker {
    struct arena *arena;
    uint64_t state;
};

static uint64_t draw(struct maker *maker, uint64_t below)
{
    maker->state ^= maker->state << 13;
    maker->state ^= maker->state >> 7;
    maker->state ^= maker->state << 17;
    return maker->state % below;
}

/* Mostly small, now and then as large as it can be. */
static uint64_t draw_number(struct maker *maker)
{
    switch (draw(maker, 4)) {
    case 0: return 0;
    case 1: return draw(maker, 200);
    case 2: return draw(maker, UINT32_MAX);
    default: return UINT64_MAX - draw(maker, 3);
    }
}

static void *one(struct maker *maker, size_t size)
{
    void *made = arena_alloc(maker->arena, size);
    check(made != NULL);
    return made;
}

static char *draw_text(struct maker *maker)
{
    static const size_t lengths[] = {0, 1, 12, 127, 128, 300};
    size_t len = lengths[draw(maker, sizeof lengths / sizeof *lengths)];
    char *text = one(maker, len + 1);
    for (size_t i = 0; i < len; i++)
        text[i] = (char)('a' + draw(maker, 26));
    return text;
}

static ProtobufCBinaryData draw_bytes(struct maker *maker, size_t len)
{
    uint8_t *bytes = one(maker, len);
    for (size_t i = 0; i < len; i++)
        bytes[i] = (uint8_t)draw(maker, 256);
    return (ProtobufCBinaryData){len, bytes};
}

static Otlp__AnyValue *draw_value(struct maker *maker, unsigned depth);

static Otlp__KeyValue **draw_pairs(struct maker *maker, unsigned depth, size_t *count)
{
    *count = draw(maker, SHORT);
    Otlp__KeyValue **pairs = one(maker, *count * sizeof(void *));
    for (size_t i = 0; i < *count; i++) {
        pairs[i] = one(maker, sizeof *pairs[i]);
        otlp__key_value__init(pairs[i]);
        pairs[i]->key = draw_text(maker);
        pairs[i]->value = draw(maker, 8) > 0 ? draw_value(maker, depth) : NULL;
    }
    return pairs;
}

/* NOLINTNEXTLINE(misc-no-recursion): values lie in values */
static Otlp__AnyValue *draw_value(struct maker *maker, unsigned depth)
{
    Otlp__AnyValue *value = one(maker, sizeof *value);
    otlp__any_value__init(value);
    value->value_case = (Otlp__AnyValue__ValueCase)draw(maker, depth < DEEP ? 8 : 5);
    switch (value->value_case) {
    case OTLP__ANY_VALUE__VALUE_STRING_VALUE: value->string_value = draw_text(maker); break;
    case OTLP__ANY_VALUE__VALUE_BOOL_VALUE: value->bool_value = draw(maker, 2) == 1; break;
    case OTLP__ANY_VALUE__VALUE_INT_VALUE: value->int_value = (int64_t)draw_number(maker); break;
    case OTLP__ANY_VALUE__VALUE_DOUBLE_VALUE:
        value->double_value = (double)draw(maker, 1000) / 8;
        break;
    case OTLP__ANY_VALUE__VALUE_ARRAY_VALUE:
        value->array_value = one(maker, sizeof *value->array_value);
        otlp__array_value__init(value->array_value);
        value->array_value->n_values = draw(maker, SHORT);
        value->array_value->values = one(maker, SHORT * sizeof(void *));
        for (size_t i = 0; i < value->array_value->n_values; i++)
            value->array_value->values[i] = draw_value(maker, depth + 1);
        break;
    case OTLP__ANY_VALUE__VALUE_KVLIST_VALUE:
        value->kvlist_value = one(maker, sizeof *value->kvlist_value);
        otlp__key_value_list__init(value->kvlist_value);
        value->kvlist_value->values = draw_pairs(maker, depth + 1, &value->kvlist_value->n_values);
        break;
    case OTLP__ANY_VALUE__VALUE_BYTES_VALUE:
        value->bytes_value = draw_bytes(maker, draw(maker, 20));
        break;
    case OTLP__ANY_VALUE__VALUE__NOT_SET:
    case _OTLP__ANY_VALUE__VALUE__CASE_IS_INT_SIZE: break;
    }
    return value;
}

static void draw_events(struct maker *maker, Otlp__Span *span)
{
    span->n_events = draw(maker, SHORT);
    span->events = one(maker, SHORT * sizeof(void *));
    for (size_t i = 0; i < span->n_events; i++) {
        Otlp__Span__Event *event = span->events[i] = one(maker, sizeof *event);
        otlp__span__event__init(event);
        event->time_unix_nano = draw_number(maker);
        event->name = draw_text(maker);
        event->attributes = draw_pairs(maker, 0, &event->n_attributes);
        event->dropped_attributes_count = (uint32_t)draw_number(maker);
    }
}

static void draw_links(struct maker *maker, Otlp__Span *span)
{
    span->n_links = draw(maker, 3);
    span->links = one(maker, 3 * sizeof(void *));
    for (size_t i = 0; i < span->n_links; i++) {
        Otlp__Span__Link *link = span->links[i] = one(maker, sizeof *link);
        otlp__span__link__init(link);
        link->trace_id = draw_bytes(maker, 16);
        link->span_id = draw_bytes(maker, draw(maker, 2) * 8);
        link->trace_state = draw_text(maker);
        link->attributes = draw_pairs(maker, 0, &link->n_attributes);
        link->dropped_attributes_count = (uint32_t)draw_number(maker);
        link->flags = (uint32_t)draw_number(maker);
    }
}

static void draw_span(struct maker *maker, Otlp__Span *span)
{
    otlp__span__init(span);
    span->trace_id = draw_bytes(maker, 16);
    span->span_id = draw_bytes(maker, 8);
    span->parent_span_id = draw_bytes(maker, draw(maker, 2) * 8);
    span->trace_state = draw_text(maker);
    span->name = draw_text(maker);
    span->kind = (Otlp__Span__SpanKind)draw(maker, 6);
    span->start_time_unix_nano = draw_number(maker);
    span->end_time_unix_nano = draw_number(maker);
    span->attributes = draw_pairs(maker, 0, &span->n_attributes);
    span->dropped_attributes_count = (uint32_t)draw_number(maker);
    draw_events(maker, span);
    span->dropped_events_count = (uint32_t)draw_number(maker);
    draw_links(maker, span);
    span->dropped_links_count = (uint32_t)draw_number(maker);
    span->flags = (uint32_t)draw_number(maker);
    if (draw(maker, 2) == 0)
        return;
    span->status = one(maker, sizeof *span->status);
    otlp__status__init(span->status);
    span->status->message = draw_text(maker);
    span->status->code = (Otlp__Status__StatusCode)draw(maker, 3);
}

TEST(spans_are_packed_as_the_library_packs_them)
{
    uint8_t *ours = malloc(ROOM), *theirs = malloc(ROOM);
    check(ours != NULL && theirs != NULL);
    struct maker maker = {.state = 0x9e3779b97f4a7c15U};
    for (unsigned i = 0; i < SPANS; i++) {
        Otlp__Span span;
        maker.arena = arena_new(NULL, ROOM);
        check(maker.arena != NULL);
        draw_span(&maker, &span);
        size_t want = otlp__span__get_packed_size(&span);
        check(want <= ROOM && otlp__span__pack(&span, theirs) == want);
        check_number(span_pack(&span, ours + ROOM), want);
        check(memcmp(ours + ROOM - want, theirs, want) == 0);
        arena_free(maker.arena);
    }
    free(ours);
    free(theirs);
}

TEST(an_empty_span_is_no_bytes)
{
    uint8_t room[8];
    Otlp__Span span;
    otlp__span__init(&span);
    check_number(span_pack(&span, room + sizeof room), 0);
}

int span_pack_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spans_are_packed_as_the_library_packs_them),
        cmocka_unit_test(an_empty_span_is_no_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
