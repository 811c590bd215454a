/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/proto_read.h"

enum { VARINT = 0, EIGHT_BYTES = 1, LENGTH_DELIMITED = 2, FOUR_BYTES = 5, VARINT_BYTES = 10 };

static bool varint_next(struct span *rest, uint64_t *value)
{
    *value = 0;
    for (size_t i = 0; i < rest->len && i < VARINT_BYTES; i++) {
        uint64_t byte = (unsigned char)rest->at[i];
        *value |= (byte & 0x7f) << (7 * i);
        if (byte < 0x80) {
            *rest = span_from(*rest, i + 1);
            return true;
        }
    }
    return false;
}

static bool fixed_next(struct span *rest, size_t bytes, uint64_t *value)
{
    *value = 0;
    if (rest->len < bytes)
        return false;
    for (size_t i = 0; i < bytes; i++)
        *value |= (uint64_t)(unsigned char)rest->at[i] << (8 * i);
    *rest = span_from(*rest, bytes);
    return true;
}

bool proto_next(struct span *rest, struct proto_field *field)
{
    struct span at = *rest;
    uint64_t tag, len;
    *field = (struct proto_field){.number = 0};
    if (!varint_next(&at, &tag) || tag >> 3 == 0 || tag >> 3 > UINT32_MAX)
        return false;
    field->number = (unsigned)(tag >> 3);
    switch (tag & 7) {
    case VARINT:
        if (!varint_next(&at, &field->value))
            return false;
        break;
    case EIGHT_BYTES:
    case FOUR_BYTES:
        if (!fixed_next(&at, (tag & 7) == EIGHT_BYTES ? 8 : 4, &field->value))
            return false;
        break;
    case LENGTH_DELIMITED:
        if (!varint_next(&at, &len) || len > at.len)
            return false;
        field->is_bytes = true;
        field->bytes = span_first(at, len);
        at = span_from(at, len);
        break;
    default: return false;
    }
    *rest = at;
    return true;
}

struct span proto_find(struct span message, unsigned number)
{
    struct proto_field field;
    while (proto_next(&message, &field)) {
        if (field.number == number && field.is_bytes)
            return field.bytes;
    }
    return (struct span){NULL, 0};
}
