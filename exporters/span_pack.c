/* SPDX-License-Identifier: Apache-2.0 */
/* From the last byte to the first: the length of what is nested is known once it stands there, and
 * goes in front of it. Fields come in the order of their numbers, so the highest is written first.
 * What is empty or zero is left out, but for the member of a oneof. */
#include "exporters/span_pack.h"

#include <endian.h>
#include <stdbool.h>
#include <string.h>

enum wire_type { VARINT = 0, FIXED64 = 1, DELIMITED = 2, FIXED32 = 5 };

struct back {
    uint8_t *at; /* what is written begins here */
};

static void put(struct back *to, const void *bytes, size_t len)
{
    to->at -= len;
    memcpy(to->at, bytes, len);
}

static void put_long(struct back *to, uint64_t number)
{
    uint8_t bytes[10];
    size_t len = 0;
    for (; number >= 0x80; number >>= 7)
        bytes[len++] = (uint8_t)(number | 0x80);
    bytes[len++] = (uint8_t)number;
    put(to, bytes, len);
}

static inline void put_varint(struct back *to, uint64_t number)
{
    if (number < 0x80)
        *--to->at = (uint8_t)number;
    else
        put_long(to, number);
}

static void put_tag(struct back *to, unsigned field, enum wire_type type)
{
    put_varint(to, field << 3 | type);
}

/* In front of what reaches up to `end`. */
static void put_length(struct back *to, unsigned field, const uint8_t *end)
{
    put_varint(to, (uint64_t)(end - to->at));
    put_tag(to, field, DELIMITED);
}

static void put_number(struct back *to, unsigned field, uint64_t number)
{
    if (number == 0)
        return;
    put_varint(to, number);
    put_tag(to, field, VARINT);
}

static void put_fixed64(struct back *to, unsigned field, uint64_t number)
{
    uint64_t bytes = htole64(number);
    if (number == 0)
        return;
    put(to, &bytes, sizeof bytes);
    put_tag(to, field, FIXED64);
}

static void put_fixed32(struct back *to, unsigned field, uint32_t number)
{
    uint32_t bytes = htole32(number);
    if (number == 0)
        return;
    put(to, &bytes, sizeof bytes);
    put_tag(to, field, FIXED32);
}

static void put_all(struct back *to, unsigned field, const void *bytes, size_t len)
{
    const uint8_t *end = to->at;
    put(to, bytes, len);
    put_length(to, field, end);
}

static void put_data(struct back *to, unsigned field, const ProtobufCBinaryData *data)
{
    if (data->len > 0)
        put_all(to, field, data->data, data->len);
}

static void put_text(struct back *to, unsigned field, const char *text)
{
    size_t len = text != NULL ? strlen(text) : 0;
    if (len > 0)
        put_all(to, field, text, len);
}

/* ---- attributes ---- */

static void put_value(struct back *to, unsigned field, const Otlp__AnyValue *value);

static void put_pair(struct back *to, unsigned field, const Otlp__KeyValue *pair)
{
    const uint8_t *end = to->at;
    if (pair->value != NULL)
        put_value(to, 2, pair->value);
    put_text(to, 1, pair->key);
    put_length(to, field, end);
}

static void put_pairs(struct back *to, unsigned field, Otlp__KeyValue *const *pairs, size_t count)
{
    for (size_t i = count; i-- > 0;)
        put_pair(to, field, pairs[i]);
}

static void put_array(struct back *to, unsigned field, const Otlp__ArrayValue *array)
{
    const uint8_t *end = to->at;
    for (size_t i = array->n_values; i-- > 0;)
        put_value(to, 1, array->values[i]);
    put_length(to, field, end);
}

static void put_list(struct back *to, unsigned field, const Otlp__KeyValueList *list)
{
    const uint8_t *end = to->at;
    put_pairs(to, 1, list->values, list->n_values);
    put_length(to, field, end);
}

static void put_double(struct back *to, unsigned field, double number)
{
    uint64_t bits;
    memcpy(&bits, &number, sizeof bits);
    bits = htole64(bits);
    put(to, &bits, sizeof bits);
    put_tag(to, field, FIXED64);
}

/* The arrows of AnyValue, ArrayValue and KeyValueList lead back here: as deep as who made them
 * went.
 */
static void put_value(struct back *to, unsigned field, const Otlp__AnyValue *value)
{
    const uint8_t *end = to->at;
    switch (value->value_case) {
    case OTLP__ANY_VALUE__VALUE_STRING_VALUE:
        put_all(to, 1, value->string_value, strlen(value->string_value));
        break;
    case OTLP__ANY_VALUE__VALUE_BOOL_VALUE:
        put_varint(to, value->bool_value != 0);
        put_tag(to, 2, VARINT);
        break;
    case OTLP__ANY_VALUE__VALUE_INT_VALUE:
        put_varint(to, (uint64_t)value->int_value);
        put_tag(to, 3, VARINT);
        break;
    case OTLP__ANY_VALUE__VALUE_DOUBLE_VALUE: put_double(to, 4, value->double_value); break;
    case OTLP__ANY_VALUE__VALUE_ARRAY_VALUE: put_array(to, 5, value->array_value); break;
    case OTLP__ANY_VALUE__VALUE_KVLIST_VALUE: put_list(to, 6, value->kvlist_value); break;
    case OTLP__ANY_VALUE__VALUE_BYTES_VALUE:
        put_all(to, 7, value->bytes_value.data, value->bytes_value.len);
        break;
    case OTLP__ANY_VALUE__VALUE__NOT_SET:
    case _OTLP__ANY_VALUE__VALUE__CASE_IS_INT_SIZE: break;
    }
    put_length(to, field, end);
}

/* ---- the span ---- */

static void put_event(struct back *to, unsigned field, const Otlp__Span__Event *event)
{
    const uint8_t *end = to->at;
    put_number(to, 4, event->dropped_attributes_count);
    put_pairs(to, 3, event->attributes, event->n_attributes);
    put_text(to, 2, event->name);
    put_fixed64(to, 1, event->time_unix_nano);
    put_length(to, field, end);
}

static void put_link(struct back *to, unsigned field, const Otlp__Span__Link *link)
{
    const uint8_t *end = to->at;
    put_fixed32(to, 6, link->flags);
    put_number(to, 5, link->dropped_attributes_count);
    put_pairs(to, 4, link->attributes, link->n_attributes);
    put_text(to, 3, link->trace_state);
    put_data(to, 2, &link->span_id);
    put_data(to, 1, &link->trace_id);
    put_length(to, field, end);
}

static void put_status(struct back *to, unsigned field, const Otlp__Status *status)
{
    const uint8_t *end = to->at;
    put_number(to, 3, (uint64_t)status->code);
    put_text(to, 2, status->message);
    put_length(to, field, end);
}

size_t span_pack(const Otlp__Span *span, uint8_t *end)
{
    struct back to = {end};
    put_fixed32(&to, 16, span->flags);
    if (span->status != NULL)
        put_status(&to, 15, span->status);
    put_number(&to, 14, span->dropped_links_count);
    for (size_t i = span->n_links; i-- > 0;)
        put_link(&to, 13, span->links[i]);
    put_number(&to, 12, span->dropped_events_count);
    for (size_t i = span->n_events; i-- > 0;)
        put_event(&to, 11, span->events[i]);
    put_number(&to, 10, span->dropped_attributes_count);
    put_pairs(&to, 9, span->attributes, span->n_attributes);
    put_fixed64(&to, 8, span->end_time_unix_nano);
    put_fixed64(&to, 7, span->start_time_unix_nano);
    put_number(&to, 6, (uint64_t)span->kind);
    put_text(&to, 5, span->name);
    put_data(&to, 4, &span->parent_span_id);
    put_text(&to, 3, span->trace_state);
    put_data(&to, 2, &span->span_id);
    put_data(&to, 1, &span->trace_id);
    return (size_t)(end - to.at);
}
