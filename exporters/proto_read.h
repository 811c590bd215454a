/* SPDX-License-Identifier: Apache-2.0 */
/* Protobuf messages read field by field, without being unpacked. */
#ifndef SIDEGATE_EXPORTERS_PROTO_READ_H
#define SIDEGATE_EXPORTERS_PROTO_READ_H

#include <stdbool.h>
#include <stdint.h>

#include "rules/base/span.h"

struct proto_field {
    unsigned number;
    bool is_bytes;     /* a message, a text or bytes: in `bytes`; else `value` */
    struct span bytes; /* borrowed */
    uint64_t value;    /* of a varint, or of 4 or 8 bytes */
};
/* The next one, and `rest` moves behind it. False: the end, or what is no field (rest.len > 0). */
bool proto_next(struct span *rest, struct proto_field *field);
/* The first field of that number that is bytes; at == NULL: there is none. */
struct span proto_find(struct span message, unsigned number);

#endif
