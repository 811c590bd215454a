/* SPDX-License-Identifier: Apache-2.0 */
/* The canonical path, RFC 3986 6.2.2, in three passes: judge, rewrite escapes, resolve segments.
 * Most paths need only the first. */
#include <string.h>

#include "rules/base/encode.h"
#include "sidecar/http/bytes.h"
#include "sidecar/http/target.h"

static unsigned escape_doubts(int byte)
{
    return byte < 0                      ? PATH_BROKEN_ESCAPE
           : byte == '/' || byte == '\\' ? PATH_ENCODED_SLASH
           : byte == '\0'                ? PATH_NUL
                                         : 0U;
}

static bool is_upper_hex(char byte)
{
    return byte_is_digit(byte) || (byte >= 'A' && byte <= 'F');
}

/* Is the escape at `i` spelled as its canonical form is? */
static bool escape_is_canonical(struct span path, size_t i, int byte)
{
    return !http_byte_is((char)byte, HTTP_UNRESERVED) && is_upper_hex(path.at[i + 1]) &&
           is_upper_hex(path.at[i + 2]);
}

/* Finds what is doubtful in the bytes; returns whether any escape is to be rewritten. */
static bool judge_escapes(struct span path, unsigned *doubts)
{
    bool rewrite = false;
    for (size_t i = 0; i < path.len; i++) {
        if (path.at[i] == '\\')
            *doubts |= PATH_ENCODED_SLASH;
        if (path.at[i] != '%')
            continue;
        int byte = percent_at(path, i);
        *doubts |= escape_doubts(byte);
        if (byte < 0)
            continue;
        rewrite = rewrite || !escape_is_canonical(path, i, byte);
        i += 2;
    }
    return rewrite;
}

/* Unreserved characters without, all others with escapes in upper case; never longer. */
static size_t rewrite_escapes(char *to, struct span path)
{
    static const char digits[] = "0123456789ABCDEF";
    size_t len = 0;
    for (size_t i = 0; i < path.len; i++) {
        int byte = percent_at(path, i);
        if (byte < 0) {
            to[len++] = path.at[i];
            continue;
        }
        i += 2;
        if (http_byte_is((char)byte, HTTP_UNRESERVED)) {
            to[len++] = (char)byte;
            continue;
        }
        to[len++] = '%';
        to[len++] = digits[byte / 16];
        to[len++] = digits[byte % 16];
    }
    return len;
}

/* How many dots a segment is: 1 for ".", 2 for "..", 0 for any other. */
static size_t dots_of(struct span segment)
{
    if (segment.len == 0 || segment.len > 2 || segment.at[0] != '.' ||
        segment.at[segment.len - 1] != '.')
        return 0;
    return segment.len;
}

/* Looks at each segment between slashes; returns whether any is to be resolved: empty, "." or "..".
 * "..;x" is resolved by servers that take path parameters off first: only doubted. */
static bool judge_segments(struct span path, unsigned *doubts)
{
    bool resolve = false;
    struct span rest = span_from(path, 1);
    while (rest.at != NULL) {
        struct span segment = span_cut(&rest, '/');
        struct span bare = segment;
        if (dots_of(span_cut(&bare, ';')) > 0)
            *doubts |= PATH_DOT_SEGMENTS;
        resolve = resolve || dots_of(segment) > 0 || (segment.len == 0 && rest.at != NULL);
    }
    return resolve;
}

/* Without empty segments and dots, in place of what is read (never longer). A trailing slash, or
 * dots at the end, leave a slash at the end. */
static size_t resolve_segments(char *to, struct span path)
{
    size_t len = 0;
    struct span rest = span_from(path, 1);
    while (rest.at != NULL) {
        struct span segment = span_cut(&rest, '/');
        size_t dots = dots_of(segment);
        bool is_last = rest.at == NULL;
        if (dots == 2)
            while (len > 0 && to[--len] != '/')
                continue;
        if (dots > 0 || segment.len == 0) {
            if (is_last)
                to[len++] = '/';
            continue;
        }
        to[len++] = '/';
        memmove(to + len, segment.at, segment.len);
        len += segment.len;
    }
    return len;
}

struct span path_canonical(struct span path, struct arena *arena, unsigned *doubts)
{
    *doubts = 0;
    if (path.len == 0 || path.at[0] != '/')
        return path;
    char *own = NULL;
    if (judge_escapes(path, doubts)) {
        own = arena_text(arena, path.len);
        if (own == NULL)
            return span_make(NULL, 0);
        path = span_make(own, rewrite_escapes(own, path));
    }
    if (!judge_segments(path, doubts))
        return path;
    if (own == NULL)
        own = arena_text(arena, path.len);
    if (own == NULL)
        return span_make(NULL, 0);
    return span_make(own, resolve_segments(own, path));
}
