/* SPDX-License-Identifier: Apache-2.0 */
/* Text in other spellings. */
#ifndef SIDEGATE_RULES_BASE_ENCODE_H
#define SIDEGATE_RULES_BASE_ENCODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rules/base/buf.h"
#include "rules/base/span.h"

/* Lower case, two digits a byte, into `to` (2 * len bytes, no terminator). */
void hex_write(char *to, const uint8_t *bytes, size_t len);
/* False unless the text is exactly 2 * len hexadecimal digits. */
bool hex_read(struct span text, uint8_t *bytes, size_t len);

/* RFC 4648 4, with padding. */
bool base64_add(struct buf *to, struct span bytes);
int base64_digit(char letter); /* its value, or -1 */
/* The same back, in its one spelling: what is missing of the padding, other letters, and bits
 * behind the last byte that are not 0 are refused. `to` has room for text.len / 4 * 3 bytes. */
bool base64_read(struct span text, uint8_t *to, size_t *len);
/* RFC 4648 5 without padding, in its one spelling: padding, other letters, and bits behind the last
 * byte that are not 0 are refused. `to` has room for text.len / 4 * 3 + 2 bytes. */
bool base64url_read(struct span text, uint8_t *to, size_t *len);

/* For a URL's path or query and for forms: %XX for every byte but the unreserved ones (RFC
 * 3986 2.3: letters, digits and -._~) and those of `kept`. */
bool percent_add(struct buf *to, struct span text, const char *kept);
/* The same back: the byte that the escape at `i` (a %) stands for; -1 where it is no whole one. */
static inline int percent_at(struct span text, size_t i)
{
    if (i + 2 >= text.len || text.at[i] != '%')
        return -1;
    int high = byte_hex(text.at[i + 1]), low = byte_hex(text.at[i + 2]);
    return high < 0 || low < 0 ? -1 : high * 16 + low;
}
/* Text without its escapes, as far as it goes into the `size` bytes of `to`; *len: so far. False:
 * there is more, or a % is no whole escape, and stands as it came. In queries and forms a plus may
 * be a space. */
bool percent_read(struct span text, bool plus_is_space, char *to, size_t size, size_t *len);

/* The inside of a JSON string, RFC 8259 7: quotes, backslash and control bytes escaped, bytes that
 * are no valid UTF-8 as \u00xx of the byte, so that any input gives a valid document. */
bool json_add_escaped(struct buf *to, struct span text);
/* The same with the quotes around it; quick where nothing is to be escaped. */
bool json_add_string(struct buf *to, struct span text);

/* Control bytes as \\n, \\t, \\x1b..., so that a text stays one line, on a terminal too. */
bool visible_add(struct buf *to, struct span text);
size_t visible_write(char to[4], char byte); /* one of them; 1, 2 or 4 bytes */

/* Length of the well-formed UTF-8 character at the start (RFC 3629: no overlong forms, no
 * surrogates), or 0. */
size_t utf8_length(struct span text);
bool utf8_is_valid(struct span text);
/* Writes one character; returns 1 to 4, or 0 for a value that is none. */
size_t utf8_write(char *to, uint32_t character);

#endif
