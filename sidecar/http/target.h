/* SPDX-License-Identifier: Apache-2.0 */
/* The request target: its forms (RFC 9112 3.2) and the one canonical path that everything decides
 * by. */
#ifndef SIDEGATE_SIDECAR_HTTP_TARGET_H
#define SIDEGATE_SIDECAR_HTTP_TARGET_H

#include <stdbool.h>

#include "rules/base/arena.h"
#include "rules/base/span.h"

enum target_form {
    TARGET_ORIGIN,    /* /path?query */
    TARGET_ABSOLUTE,  /* http://host/path?query */
    TARGET_AUTHORITY, /* host:port, CONNECT only */
    TARGET_ASTERISK,  /* *, OPTIONS only */
    TARGET_WRONG,
};

struct target {
    enum target_form form;
    struct span scheme, authority; /* of the absolute and authority forms */
    struct span path;              /* as it came; "/" where an absolute form has none */
    struct span query;             /* without the question mark; at == NULL: there is none */
};
/* Parts point into `text`. Bytes from 0x80 up pass; control bytes, space, DEL and '#' make it
 * TARGET_WRONG. */
struct target target_split(struct span text, struct span method);

enum path_doubt { /* bits: where a common backend would read the path differently */
                  PATH_ENCODED_SLASH = 1 << 0, /* %2f, %5c, a backslash */
                  PATH_DOT_SEGMENTS = 1 << 1,  /* "." or ".." segments, plain or encoded */
                  PATH_NUL = 1 << 2,           /* %00 */
                  PATH_BROKEN_ESCAPE = 1 << 3, /* % without two hexadecimal digits */
};
/* Decodes escapes of unreserved characters, merges slashes, resolves dot segments: the bytes that
 * routes, guards and logs use. RFC 3986 6.2.2. Unchanged: the same span. */
struct span path_canonical(struct span path, struct arena *arena, unsigned *doubts);

/* RFC 9110 7.2, RFC 3986 3.2.2: host[:port] without user part; "" is allowed where the target has
 * no authority. */
bool authority_is_valid(struct span authority);

#endif
