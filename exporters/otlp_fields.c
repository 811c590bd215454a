/* SPDX-License-Identifier: Apache-2.0 */
/* Tags and lengths. */
#include "exporters/otlp_fields.h"

#include "exporters/varint.h"

void otlp_head_add(struct buf *to, unsigned field, size_t len)
{
    char *at = buf_room(to, (size_t)2 * VARINT_BYTES);
    if (at == NULL)
        return;
    char *end = varint_write(varint_write(at, wire_tag(field, WIRE_BYTES)), len);
    buf_grew(to, (size_t)(end - at));
}

size_t otlp_head_size(unsigned field, size_t len)
{
    return varint_size(wire_tag(field, WIRE_BYTES)) + varint_size(len);
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
