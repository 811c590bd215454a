/* SPDX-License-Identifier: Apache-2.0 */
/* UUIDs of version 4, RFC 9562 5.4. */
#ifndef SIDEGATE_RULES_BASE_UUID_H
#define SIDEGATE_RULES_BASE_UUID_H

#include <stdint.h>

enum { UUID_LENGTH = 36, UUID_BYTES = 16 };

/* In lower case, without a terminator; six bits of what is random give way to the version. */
void uuid_write(char to[UUID_LENGTH], const uint8_t random[UUID_BYTES]);

#endif
