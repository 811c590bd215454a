/* SPDX-License-Identifier: Apache-2.0 */
/* Hexadecimal, base64, escapes of URLs and JSON strings. */
#include "rules/base/encode.h"

#include "rules/base/copy.h"
#include "rules/base/eights.h"

static const char hex_digits[] = "0123456789abcdef";

/* Four bytes as eight: each half a byte of its own, the first byte's high half lowest. */
static uint64_t spread(const uint8_t bytes[4])
{
    uint32_t four;
    memcpy(&four, bytes, sizeof four);
    uint64_t eight = le32toh(four);
    eight = (eight | eight << 16) & UINT64_C(0x0000ffff0000ffff);
    eight = (eight | eight << 8) & UINT64_C(0x00ff00ff00ff00ff);
    return (eight >> 4 & EIGHT_OF(15) & UINT64_C(0x00ff00ff00ff00ff)) |
           (eight & UINT64_C(0x000f000f000f000f)) << 8;
}

void hex_write(char *to, const uint8_t *bytes, size_t len)
{
    for (; len >= 4; len -= 4, bytes += 4, to += 8) {
        uint64_t eight = spread(bytes); /* a digit's value each */
        uint64_t letters = ((eight + EIGHT_OF(6)) >> 4 & EIGHT_OF(1)) * ('a' - '0' - 10);
        eight = htole64(eight + EIGHT_OF('0') + letters);
        memcpy(to, &eight, sizeof eight);
    }
    for (size_t i = 0; i < len; i++) {
        to[2 * i] = hex_digits[bytes[i] >> 4];
        to[2 * i + 1] = hex_digits[bytes[i] & 15];
    }
}

bool hex_read(struct span text, uint8_t *bytes, size_t len)
{
    if (text.len / 2 != len || text.len % 2 != 0)
        return false;
    for (size_t i = 0; i < len; i++) {
        int high = byte_hex(text.at[2 * i]), low = byte_hex(text.at[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        bytes[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

bool base64_add(struct buf *to, struct span bytes)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const unsigned char *at = (const unsigned char *)bytes.at;
    size_t groups = bytes.len / 3 + (bytes.len % 3 != 0);
    char *room = groups <= SIZE_MAX / 4 ? buf_room(to, groups * 4) : NULL;
    if (room == NULL)
        return false;
    for (size_t i = 0; i < bytes.len; i += 3) {
        size_t left = bytes.len - i;
        unsigned group = (unsigned)at[i] << 16 | (left > 1 ? (unsigned)at[i + 1] << 8 : 0) |
                         (left > 2 ? at[i + 2] : 0);
        *room++ = digits[group >> 18];
        *room++ = digits[group >> 12 & 63];
        *room++ = (char)(left > 1 ? digits[group >> 6 & 63] : '=');
        *room++ = (char)(left > 2 ? digits[group & 63] : '=');
    }
    buf_grew(to, groups * 4);
    return true;
}

int base64_digit(char letter)
{
    return letter >= 'A' && letter <= 'Z'   ? letter - 'A'
           : letter >= 'a' && letter <= 'z' ? letter - 'a' + 26
           : byte_is_digit(letter)          ? letter - '0' + 52
           : letter == '+'                  ? 62
           : letter == '/'                  ? 63
                                            : -1;
}

static int base64url_digit(char letter)
{
    return letter == '-'                    ? 62
           : letter == '_'                  ? 63
           : letter == '+' || letter == '/' ? -1
                                            : base64_digit(letter);
}

static bool digits_read(struct span text, int (*digit_of)(char letter), uint8_t *to, size_t *len)
{
    unsigned group = 0, bits = 0;
    *len = 0;
    for (size_t i = 0; i < text.len; i++) {
        int digit = digit_of(text.at[i]);
        if (digit < 0)
            return false;
        group = group << 6 | (unsigned)digit;
        bits += 6;
        if (bits < 8)
            continue;
        bits -= 8;
        to[(*len)++] = (uint8_t)(group >> bits);
        group &= (1U << bits) - 1;
    }
    return bits < 6 && group == 0;
}

bool base64_read(struct span text, uint8_t *to, size_t *len)
{
    size_t padding = span_ends(text, SPAN("==")) ? 2 : span_ends(text, SPAN("=")) ? 1 : 0;
    return text.len % 4 == 0 &&
           digits_read(span_first(text, text.len - padding), base64_digit, to, len);
}

bool base64url_read(struct span text, uint8_t *to, size_t *len)
{
    return digits_read(text, base64url_digit, to, len);
}

static bool is_kept(char byte, const char *kept)
{
    return byte_is_alpha(byte) || byte_is_digit(byte) ||
           (byte != '\0' && (strchr("-._~", byte) != NULL || strchr(kept, byte) != NULL));
}

bool percent_add(struct buf *to, struct span text, const char *kept)
{
    static const char digits[] = "0123456789ABCDEF";
    for (size_t i = 0; i < text.len; i++) {
        unsigned byte = (unsigned char)text.at[i];
        char escape[] = {'%', digits[byte >> 4], digits[byte & 15]};
        if (is_kept(text.at[i], kept))
            buf_add_byte(to, text.at[i]);
        else
            buf_add(to, span_make(escape, sizeof escape));
    }
    return !buf_is_full(to);
}

bool percent_read(struct span text, bool plus_is_space, char *to, size_t size, size_t *len)
{
    bool is_whole = true;
    size_t at = 0;
    for (*len = 0; at < text.len && *len < size; at++) {
        int byte = percent_at(text, at);
        char plain = (char)(plus_is_space && text.at[at] == '+' ? ' ' : text.at[at]);
        is_whole = is_whole && (byte >= 0 || plain != '%');
        to[(*len)++] = (char)(byte >= 0 ? byte : plain);
        at += byte >= 0 ? 2 : 0;
    }
    return is_whole && at == text.len;
}

/* The letter of the short escape, or 0. */
static char short_escape(char byte)
{
    switch (byte) {
    case '"': return '"';
    case '\\': return '\\';
    case '\b': return 'b';
    case '\f': return 'f';
    case '\n': return 'n';
    case '\r': return 'r';
    case '\t': return 't';
    default: return 0;
    }
}

static bool add_escape(struct buf *to, char byte)
{
    char letter = short_escape(byte);
    if (letter != 0)
        return buf_add(to, span_make((char[]){'\\', letter}, 2));
    unsigned value = (unsigned char)byte;
    char escape[] = {'\\', 'u', '0', '0', hex_digits[value >> 4], hex_digits[value & 15]};
    return buf_add(to, span_make(escape, sizeof escape));
}

/* How many bytes at the start may stand in a JSON string as they are: 0, or one character. */
static size_t plain_length(struct span text)
{
    char byte = text.at[0];
    if ((unsigned char)byte >= 0x80)
        return utf8_length(text);
    return (unsigned char)byte < 0x20 || byte == '"' || byte == '\\' || byte == 0x7f ? 0 : 1;
}

bool json_add_escaped(struct buf *to, struct span text)
{
    while (text.len > 0) {
        size_t plain = 0, len;
        while (plain < text.len && (len = plain_length(span_from(text, plain))) > 0)
            plain += len;
        buf_add(to, span_first(text, plain));
        if (plain < text.len)
            add_escape(to, text.at[plain++]);
        text = span_from(text, plain);
    }
    return !buf_is_full(to);
}

/* The high bit of what is below a space, a quote, a backslash, DEL or no ASCII. Where all are ASCII
 * nothing but these sets or clears it, and where one is not it is the answer already. */
static uint64_t asks_for_escape(uint64_t eight)
{
    uint64_t quote = (eight ^ EIGHT_OF('"')) - EIGHT_OF(1);
    uint64_t backslash = (eight ^ EIGHT_OF('\\')) - EIGHT_OF(1);
    uint64_t control = eight - EIGHT_OF(0x20), delete = eight + EIGHT_OF(1);
    return (quote | backslash | control | delete | eight) & EIGHT_HIGH;
}

/* Where it fits as it is: copied first, looked at then, in a place that has bytes to spare. */
static bool add_plain_string(struct buf *to, struct span text)
{
    enum { SPARE_BYTES = 8 };
    if (to->at == NULL || to->full || text.len + 2 + SPARE_BYTES > to->size - to->len)
        return false;
    char *room = to->at + to->len;
    copy_short(room + 1, text.at, text.len);
    if (eights_any(room + 1, text.len, asks_for_escape))
        return false;
    room[0] = room[text.len + 1] = '"';
    to->len += text.len + 2;
    return true;
}

size_t visible_write(char to[4], char byte)
{
    static const char hex[] = "0123456789abcdef";
    unsigned char c = (unsigned char)byte;
    size_t len = 2;
    to[0] = '\\';
    switch (c) {
    case '\n': to[1] = 'n'; break;
    case '\r': to[1] = 'r'; break;
    case '\t': to[1] = 't'; break;
    default:
        to[1] = 'x';
        to[2] = hex[c >> 4];
        to[3] = hex[c & 15];
        len = 4;
    }
    if (c >= 0x20 && c != 0x7f) {
        to[0] = byte;
        len = 1;
    }
    return len;
}

/* U+0080 to U+009F, of which terminals obey some as they do ESC. */
static bool is_high_control(struct span text)
{
    return text.len >= 2 && (unsigned char)text.at[0] == 0xc2 && (unsigned char)text.at[1] < 0xa0;
}

bool visible_add(struct buf *to, struct span text)
{
    char bytes[4];
    for (size_t i = 0; i < text.len; i++) {
        if (is_high_control(span_from(text, i)))
            buf_format(to, "\\xc2\\x%02x", (unsigned char)text.at[++i]);
        else
            buf_add(to, span_make(bytes, visible_write(bytes, text.at[i])));
    }
    return !buf_is_full(to);
}

bool json_add_string(struct buf *to, struct span text)
{
    if (add_plain_string(to, text))
        return true;
    buf_add_byte(to, '"');
    json_add_escaped(to, text);
    return buf_add_byte(to, '"');
}
