/* SPDX-License-Identifier: Apache-2.0 */
/* Tags and lengths. */
#include "exporters/otlp_fields.h"

enum { LENGTH_DELIMITED = 2, MORE = 0x80, TAG_SHIFT = 3, VARINT_SHIFT = 7 };

static void add_varint(struct buf *to, size_t number)
{
    for (; number >= MORE; number >>= VARINT_SHIFT)
        buf_add_byte(to, (char)(number | MORE));
    buf_add_byte(to, (char)number);
}

static size_t varint_size(size_t number)
{
    size_t bytes = 1;
    for (; number >= MORE; number >>= VARINT_SHIFT)
        bytes++;
    return bytes;
}

void otlp_head_add(struct buf *to, unsigned field, size_t len)
{
    add_varint(to, field << TAG_SHIFT | LENGTH_DELIMITED);
    add_varint(to, len);
}

size_t otlp_head_size(unsigned field, size_t len)
{
    return varint_size(field << TAG_SHIFT) + varint_size(len);
}

/* Measuring costs as much as packing: it is done once. */
static void add_packed(struct buf *to, const ProtobufCMessage *message, size_t len)
{
    uint8_t *room = (uint8_t *)buf_room(to, len);
    if (room != NULL)
        buf_grew(to, protobuf_c_message_pack(message, room));
}

void otlp_message_add(struct buf *to, const ProtobufCMessage *message)
{
    add_packed(to, message, protobuf_c_message_get_packed_size(message));
}

void otlp_field_add(struct buf *to, unsigned field, const ProtobufCMessage *message)
{
    size_t len = protobuf_c_message_get_packed_size(message);
    otlp_head_add(to, field, len);
    add_packed(to, message, len);
}
