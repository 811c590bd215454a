/* SPDX-License-Identifier: Apache-2.0 */
/* OTLP messages, straight to bytes, field after field: what every request says is written without a
 * tree of messages in between. The bytes are those that protobuf-c would make of the same fields in
 * the order of their numbers. Sticky where a field does not fit into the buffer.
 *
 * Fields that are empty or zero are left out, as proto3 does. */
#ifndef SIDEGATE_EXPORTERS_OTLP_WRITE_H
#define SIDEGATE_EXPORTERS_OTLP_WRITE_H

#include <stddef.h>
#include <stdint.h>

#include "exporters/limits.h"
#include "rules/base/buf.h"

void otlp_put_number(struct buf *to, unsigned field, uint64_t number);
void otlp_put_fixed64(struct buf *to, unsigned field, uint64_t number);
void otlp_put_fixed32(struct buf *to, unsigned field, uint32_t number);
void otlp_put_bytes(struct buf *to, unsigned field, const uint8_t *bytes, size_t len);
/* Valid UTF-8 whatever the text is: broken bytes and NULs become U+FFFD. */
void otlp_put_text(struct buf *to, unsigned field, struct span text);

/* A message in a message: what is put between the two is its fields. Returns what closing it asks
 * for. */
size_t otlp_open(struct buf *to, unsigned field);
void otlp_close(struct buf *to, size_t opened);

/* Attributes: KeyValue messages, the repeated field `field` of the message under construction. */
struct attributes {
    struct buf *to;
    unsigned field;
    const struct attribute_limits *limits; /* borrowed; NULL: none */
    unsigned count, dropped;               /* dropped: beyond the limits */
};

enum { ATTRIBUTE_PIECES = 8 };
/* Empty texts and zero numbers say nothing and are left out. */
void attribute_text(struct attributes *to, struct span key, struct span value);
/* One text of several pieces, ATTRIBUTE_PIECES at most. */
void attribute_pieces(struct attributes *to, struct span key, const struct span *pieces,
                      size_t count);
void attribute_number(struct attributes *to, struct span key, uint64_t value);
void attribute_truth(struct attributes *to, struct span key, bool value);
/* A list of numbers; an empty one is left out. */
void attribute_numbers(struct attributes *to, struct span key, const uint64_t *numbers,
                       size_t count);

#endif
