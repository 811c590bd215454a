/* SPDX-License-Identifier: Apache-2.0 */
/* UTF-8 as RFC 3629 defines it.
 *
 *   first byte   second byte      then
 *   00..7f
 *   c2..df       80..bf
 *   e0           a0..bf           80..bf
 *   e1..ef       80..bf           80..bf      (ed: 80..9f, no surrogates)
 *   f0           90..bf           80..bf 80..bf
 *   f1..f3       80..bf           80..bf 80..bf
 *   f4           80..8f           80..bf 80..bf */
#include "rules/base/encode.h"

static size_t length_by_first(unsigned char first)
{
    if (first < 0x80)
        return 1;
    if (first >= 0xc2 && first <= 0xdf)
        return 2;
    if (first >= 0xe0 && first <= 0xef)
        return 3;
    return first >= 0xf0 && first <= 0xf4 ? 4 : 0;
}

static bool second_is_allowed(unsigned char first, unsigned char second)
{
    unsigned char least = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
    unsigned char most = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
    return second >= least && second <= most;
}

size_t utf8_length(struct span text)
{
    if (text.len == 0)
        return 0;
    const unsigned char *at = (const unsigned char *)text.at;
    size_t len = length_by_first(at[0]);
    if (len == 0 || len > text.len)
        return 0;
    if (len > 1 && !second_is_allowed(at[0], at[1]))
        return 0;
    for (size_t i = 2; i < len; i++) {
        if ((at[i] & 0xc0) != 0x80)
            return 0;
    }
    return len;
}

bool utf8_is_valid(struct span text)
{
    while (text.len > 0) {
        size_t len = utf8_length(text);
        if (len == 0)
            return false;
        text = span_from(text, len);
    }
    return true;
}

static char tail_byte(uint32_t character, unsigned shift)
{
    return (char)(0x80 | ((character >> shift) & 0x3f));
}

size_t utf8_write(char *to, uint32_t character)
{
    if (character < 0x80) {
        to[0] = (char)character;
        return 1;
    }
    if (character < 0x800) {
        to[0] = (char)(0xc0 | character >> 6);
        to[1] = tail_byte(character, 0);
        return 2;
    }
    if (character < 0x10000) {
        if (character >= 0xd800 && character <= 0xdfff)
            return 0;
        to[0] = (char)(0xe0 | character >> 12);
        to[1] = tail_byte(character, 6);
        to[2] = tail_byte(character, 0);
        return 3;
    }
    if (character > 0x10ffff)
        return 0;
    to[0] = (char)(0xf0 | character >> 18);
    to[1] = tail_byte(character, 12);
    to[2] = tail_byte(character, 6);
    to[3] = tail_byte(character, 0);
    return 4;
}
