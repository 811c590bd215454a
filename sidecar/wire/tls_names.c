/* SPDX-License-Identifier: Apache-2.0 */
/* Whom a ClientHello asks for, by bytes:
 *
 *   server_name   | list, 2 | type, 1 | length, 2 | host name | ...
 */
#include "sidecar/wire/tls.h"

enum { HOST_NAME = 0, NAME_MOST = 253 };

static bool take_number(struct span *rest, size_t bytes, size_t *number)
{
    if (rest->len < bytes)
        return false;
    *number = 0;
    for (size_t i = 0; i < bytes; i++)
        *number = *number << 8 | (unsigned char)rest->at[i];
    *rest = span_from(*rest, bytes);
    return true;
}

/* A text behind its length. */
static bool take_text(struct span *rest, size_t bytes, struct span *text)
{
    size_t len;
    if (!take_number(rest, bytes, &len) || rest->len < len)
        return false;
    *text = span_first(*rest, len);
    *rest = span_from(*rest, len);
    return true;
}

/* Letters, digits, hyphens, dots and the underscore that some use: nothing that a log or a header
 * could trip over. */
static bool is_host(struct span name)
{
    bool fits = name.len > 0 && name.len <= NAME_MOST && name.at[0] != '.';
    for (size_t i = 0; i < name.len && fits; i++) {
        char c = name.at[i];
        fits = byte_is_alpha(c) || byte_is_digit(c) || c == '-' || c == '_' || c == '.';
    }
    return fits;
}

/* The only host name of a list; false: broken. */
static bool take_host(struct span list, struct span *name)
{
    while (list.len > 0) {
        struct span text;
        size_t type;
        if (!take_number(&list, 1, &type) || !take_text(&list, 2, &text))
            return false;
        if (type != HOST_NAME)
            continue;
        if (name->at != NULL || text.len == 0)
            return false; /* two of a type: RFC 6066 3 */
        *name = text;
    }
    return true;
}

bool tls_server_name_parse(struct span extension, struct span *name)
{
    struct span list, host = {NULL, 0};
    bool well = take_text(&extension, 2, &list) && extension.len == 0 && list.len > 0 &&
                take_host(list, &host);
    *name = well && is_host(host) ? host : span_make(NULL, 0);
    return well;
}
