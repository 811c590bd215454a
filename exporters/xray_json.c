/* SPDX-License-Identifier: Apache-2.0 */
/* Most texts are short and plain: they are copied as they are, and only the others looked at
 * character by character. */
#include "exporters/xray_json.h"

#include <string.h>

#include "rules/base/encode.h"
#include "rules/base/number.h"

enum { NUMBER_BYTES = 21, MICRO_DIGITS = 6, SECOND_US = 1000000 };

/* No text ends with a bracket: its quote does. */
static bool needs_comma(const struct buf *to)
{
    return to->len > 0 && to->at[to->len - 1] != '{' && to->at[to->len - 1] != '[';
}

void xray_comma(struct buf *to)
{
    if (needs_comma(to))
        buf_add_byte(to, ',');
}

/* Room for `more` bytes behind `"key":`, which is written; NULL: there is none. `*len` is what was
 * written. */
static char *key_room(struct buf *to, const char *key, size_t more, size_t *len)
{
    struct span name = span_text(key);
    bool comma = needs_comma(to);
    char *room = buf_room(to, name.len + 4 + more), *at = room;
    if (room == NULL)
        return NULL;
    if (comma)
        *at++ = ',';
    *at++ = '"';
    memcpy(at, name.at, name.len);
    at += name.len;
    *at++ = '"';
    *at++ = ':';
    *len = (size_t)(at - room);
    return room;
}

void xray_key(struct buf *to, const char *key)
{
    size_t len;
    if (key_room(to, key, 0, &len) != NULL)
        buf_grew(to, len);
}

void xray_open(struct buf *to, const char *key, char bracket)
{
    size_t len;
    char *room = key_room(to, key, 1, &len);
    if (room == NULL)
        return;
    room[len] = bracket;
    buf_grew(to, len + 1);
}

/* The first characters, whole ones; a byte that is none counts as one. */
static struct span first_characters(struct span text, size_t most)
{
    size_t bytes = 0;
    for (size_t i = 0; i < most && bytes < text.len; i++) {
        size_t len = utf8_length(span_from(text, bytes));
        bytes += len > 0 ? len : 1;
    }
    return span_first(text, bytes);
}

static bool is_plain(struct span text)
{
    if (text.len > XRAY_TEXT_CHARACTERS)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        unsigned char byte = (unsigned char)text.at[i];
        if (byte < 0x20 || byte > 0x7e || byte == '"' || byte == '\\')
            return false;
    }
    return true;
}

static void add_plain(struct buf *to, const char *key, struct span text)
{
    size_t len;
    char *room = key_room(to, key, text.len + 2, &len);
    if (room == NULL)
        return;
    room[len] = '"';
    memcpy(room + len + 1, text.at, text.len);
    room[len + 1 + text.len] = '"';
    buf_grew(to, len + text.len + 2);
}

void xray_text(struct buf *to, const char *key, struct span text)
{
    if (text.len == 0)
        return;
    if (is_plain(text)) {
        add_plain(to, key, text);
        return;
    }
    xray_key(to, key);
    json_add_string(to, first_characters(text, XRAY_TEXT_CHARACTERS));
}

void xray_number(struct buf *to, const char *key, uint64_t number)
{
    size_t len;
    char *room = key_room(to, key, NUMBER_BYTES, &len);
    if (room != NULL)
        buf_grew(to,
                 len + number_write(room + len, number <= INT64_MAX ? (int64_t)number : INT64_MAX));
}

void xray_true(struct buf *to, const char *key, bool holds)
{
    if (!holds)
        return;
    xray_key(to, key);
    buf_add(to, SPAN("true"));
}

void xray_id(struct buf *to, const char *key, const uint8_t id[8])
{
    char digits[16];
    hex_write(digits, id, 8);
    add_plain(to, key, span_make(digits, sizeof digits));
}

void xray_trace_id(struct buf *to, const char *key, const uint8_t id[16])
{
    char text[2 + 8 + 1 + 24] = "1-";
    hex_write(text + 2, id, 4);
    text[2 + 8] = '-';
    hex_write(text + 2 + 8 + 1, id + 4, 12);
    add_plain(to, key, span_make(text, sizeof text));
}

static void add_time(struct buf *to, const char *key, uint64_t time_us)
{
    size_t len;
    char *room = key_room(to, key, NUMBER_BYTES + 1 + MICRO_DIGITS, &len);
    if (room == NULL)
        return;
    len += number_write(room + len, (int64_t)(time_us / SECOND_US));
    room[len++] = '.';
    uint64_t rest = time_us % SECOND_US;
    for (size_t i = MICRO_DIGITS; i-- > 0; rest /= 10)
        room[len + i] = (char)('0' + rest % 10);
    buf_grew(to, len + MICRO_DIGITS);
}

void xray_times(struct buf *to, struct period period)
{
    add_time(to, "start_time", period.start / 1000);
    add_time(to, "end_time", period.end / 1000);
}

void xray_since(struct buf *to, uint64_t start_nano)
{
    add_time(to, "start_time", start_nano / 1000);
    xray_true(to, "in_progress", true);
}

/* ---- names ---- */

static bool fits_name(char byte)
{
    return byte_is_alpha(byte) || byte == '_' || byte_is_digit(byte) ||
           span_find_byte(SPAN(" .:/%&#=+\\-@"), byte) != SPAN_NONE;
}

static bool is_plain_name(struct span text)
{
    if (text.len == 0 || text.len > XRAY_NAME_CHARACTERS)
        return false;
    for (size_t i = 0; i < text.len; i++)
        if (!fits_name(text.at[i]) || text.at[i] == '\\')
            return false;
    return true;
}

void xray_name(struct buf *to, struct span text)
{
    char name[XRAY_NAME_CHARACTERS * XRAY_CHARACTER_BYTES];
    size_t len = 0, characters = 0;
    if (is_plain_name(text)) {
        add_plain(to, "name", text);
        return;
    }
    while (text.len > 0 && characters < XRAY_NAME_CHARACTERS) {
        size_t bytes = utf8_length(text);
        if (bytes > 1 || (bytes == 1 && fits_name(text.at[0]))) {
            memcpy(name + len, text.at, bytes);
            len += bytes;
            characters++;
        }
        text = span_from(text, bytes > 0 ? bytes : 1);
    }
    xray_key(to, "name");
    json_add_string(to, len > 0 ? span_make(name, len) : SPAN("unknown"));
}
