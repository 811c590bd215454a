/* SPDX-License-Identifier: Apache-2.0 */
/* A span as protobuf bytes: what otlp__span__pack() makes of it, bit for bit, for a fifth of the
 * instructions. Spans are what every request packs; all else is left to the library. */
#ifndef SIDEGATE_EXPORTERS_SPAN_PACK_H
#define SIDEGATE_EXPORTERS_SPAN_PACK_H

#include <stddef.h>
#include <stdint.h>

#include "exporters/proto/otlp.pb-c.h"

/* Writes backwards, so that it ends at `end`; there is room for it. Returns its length. */
size_t span_pack(const Otlp__Span *span, uint8_t *end);

#endif
