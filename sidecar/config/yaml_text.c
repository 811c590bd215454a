/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/config/yaml_text.h"

#include <string.h>

#include "rules/base/encode.h"

static bool is_plain_byte(char c)
{
    return byte_is_alpha(c) || byte_is_digit(c) || (c != '\0' && strchr("_./+=@%-", c) != NULL);
}

static bool is_plain(struct span text)
{
    bool plain = text.len > 0 && strchr("-%@=", text.at[0]) == NULL;
    for (size_t i = 0; i < text.len && plain; i++)
        plain = is_plain_byte(text.at[i]);
    return plain;
}

/* The character at the start if it may not stand in YAML as it is though it may in JSON: what ends
 * a line, marks the order of bytes, or is no printable one (YAML 1.2.2, 5.1 to 5.4). Else 0. */
static unsigned unprintable_at(struct span text)
{
    const unsigned char *at = (const unsigned char *)text.at;
    if (text.len >= 2 && at[0] == 0xc2 && at[1] >= 0x80 && at[1] < 0xa0)
        return at[1];
    switch (text.len >= 3 ? (unsigned)at[0] << 16 | (unsigned)at[1] << 8 | at[2] : 0) {
    case 0xe280a8: return 0x2028;
    case 0xe280a9: return 0x2029;
    case 0xefbbbf: return 0xfeff;
    case 0xefbfbe: return 0xfffe;
    case 0xefbfbf: return 0xffff;
    default: return 0;
    }
}

void yaml_add_inside(struct buf *to, struct span text)
{
    size_t done = 0;
    for (size_t i = 0; i < text.len; i++) {
        unsigned character = unprintable_at(span_from(text, i));
        if (character == 0)
            continue;
        json_add_escaped(to, span_make(text.at + done, i - done));
        buf_format(to, "\\u%04x", character);
        done = i + (character < 0x100 ? 2 : 3);
    }
    json_add_escaped(to, span_from(text, done));
}

void yaml_add_text(struct buf *to, struct span text)
{
    if (is_plain(text)) {
        buf_add(to, text);
        return;
    }
    buf_add_byte(to, '"');
    yaml_add_inside(to, text);
    buf_add_byte(to, '"');
}
