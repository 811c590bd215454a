/* SPDX-License-Identifier: Apache-2.0 */
/* What each byte may be part of: one look into a table where a parser would compare ten times. */
#ifndef SIDEGATE_SIDECAR_HTTP_BYTES_H
#define SIDEGATE_SIDECAR_HTTP_BYTES_H

#include <stdbool.h>
#include <stdint.h>

#include "rules/base/span.h"

enum http_byte {
    HTTP_TOKEN = 1 << 0,      /* tchar, RFC 9110 5.6.2 */
    HTTP_TARGET = 1 << 1,     /* a request target: all but control bytes, space, DEL and '#' */
    HTTP_VALUE = 1 << 2,      /* a field value: HTAB, SP, VCHAR, obs-text, RFC 9110 5.5 */
    HTTP_HOST = 1 << 3,       /* reg-name without escapes, RFC 3986 3.2.2 */
    HTTP_UNRESERVED = 1 << 4, /* RFC 3986 2.3 */
    HTTP_QUOTED = 1 << 5,     /* qdtext, RFC 9110 5.6.4 */
};

extern const uint8_t http_byte_classes[256];

static inline bool http_byte_is(char byte, enum http_byte classes)
{
    return (http_byte_classes[(uint8_t)byte] & (unsigned)classes) != 0;
}

#endif
