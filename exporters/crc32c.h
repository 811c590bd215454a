/* SPDX-License-Identifier: Apache-2.0 */
/* CRC32C (RFC 3720 12.1), with the processor's own instruction where there is one. */
#ifndef SIDEGATE_EXPORTERS_CRC32C_H
#define SIDEGATE_EXPORTERS_CRC32C_H

#include <stdint.h>

#include "rules/base/span.h"

/* `before`: 0, or the checksum of the bytes that stand in front of these. */
uint32_t crc32c(uint32_t before, struct span bytes);

#endif
