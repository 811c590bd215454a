/* SPDX-License-Identifier: Apache-2.0 */
/* A sketch as a few bytes, for memory that is kept for hours and for a disk.
 *
 *   flags | count | [zeros]      varints
 *   one value for all:  value                                   8 bytes
 *   else:               sum, least, most                        24 bytes
 *                       buckets, then for each of them          varint
 *                         index (beyond the one before), count  varints
 *                         where in the bucket its mean lies     16 bits
 *
 * Sums of buckets keep 23 bits; all else is exact. Numbers are little-endian. */
#ifndef SIDEGATE_EXPORTERS_CLOUDWATCH_PACKED_H
#define SIDEGATE_EXPORTERS_CLOUDWATCH_PACKED_H

#include "exporters/alarms/sketch.h"
#include "rules/base/buf.h"

/* False: the buffer is full. */
bool packed_add(struct buf *to, const struct sketch *sketch);
/* Merges the sketch that the text begins with, and moves behind it. False: these bytes are none;
 * `into` may then have a part of it. */
bool packed_read(struct span *text, struct sketch *into);

/* A number in as many bytes as it needs, seven bits each, the lowest first. */
bool packed_number_add(struct buf *to, uint64_t number);
bool packed_number_read(struct span *text, uint64_t *number);

#endif
