/* SPDX-License-Identifier: Apache-2.0 */
/* Fields of protobuf messages, one behind the other: what is packed already need not be packed
 * again with what stands around it. */
#ifndef SIDEGATE_EXPORTERS_OTLP_FIELDS_H
#define SIDEGATE_EXPORTERS_OTLP_FIELDS_H

#include <stddef.h>

#include <protobuf-c/protobuf-c.h>

#include "rules/base/buf.h"

/* In front of `len` bytes that follow: of a message, a text, bytes. */
void otlp_head_add(struct buf *to, unsigned field, size_t len);
size_t otlp_head_size(unsigned field, size_t len);
/* A whole message without and with a head. Sticky where it does not fit. */
void otlp_message_add(struct buf *to, const ProtobufCMessage *message);
void otlp_field_add(struct buf *to, unsigned field, const ProtobufCMessage *message);

#endif
