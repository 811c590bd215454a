/* SPDX-License-Identifier: Apache-2.0 */
/* The length of a text is known before it is written, so that of an attribute is too. That of an
 * opened message is not: two bytes are left for it, and what is longer or shorter moves by one. */
#include "exporters/otlp_write.h"

#include <endian.h>

#include "exporters/otlp_text.h"
#include "exporters/varint.h"
#include "rules/base/copy.h"
#include "rules/base/must.h"

enum {
    HEAD_BYTES = 2 * VARINT_BYTES, /* a tag and a length */
    OPEN_BYTES = 2,
    SHORT_BYTES = 0x80 - 8, /* of a key and a value: with their heads a length of one byte */
    SHORT_HEAD_BYTES = 6,   /* what stands before such a value, beside the key */
    KEY_FIELD = 1,          /* of KeyValue */
    VALUE_FIELD = 2,
    TEXT_FIELD = 1, /* of AnyValue */
    TRUTH_FIELD = 2,
    NUMBER_FIELD = 3,
    ARRAY_FIELD = 5,
    ITEM_FIELD = 1, /* of ArrayValue */
};

/* A tag below 16 and a length. */
static inline char *put_head(char *at, unsigned field, size_t len)
{
    *at++ = (char)wire_tag(field, WIRE_BYTES);
    return varint_write(at, len);
}

static inline size_t head_size(size_t len)
{
    return 1 + varint_size(len);
}

static inline void grew_to(struct buf *to, const char *end)
{
    buf_grew(to, (size_t)(end - (to->at + to->len)));
}

/* ---- fields ---- */

void otlp_put_number(struct buf *to, unsigned field, uint64_t number)
{
    char *at = number != 0 ? buf_room(to, HEAD_BYTES) : NULL;
    if (at == NULL)
        return;
    at = varint_write(at, wire_tag(field, WIRE_VARINT));
    grew_to(to, varint_write(at, number));
}

void otlp_put_fixed64(struct buf *to, unsigned field, uint64_t number)
{
    uint64_t bytes = htole64(number);
    char *at = number != 0 ? buf_room(to, HEAD_BYTES) : NULL;
    if (at == NULL)
        return;
    at = varint_write(at, wire_tag(field, WIRE_FIXED64));
    memcpy(at, &bytes, sizeof bytes);
    grew_to(to, at + sizeof bytes);
}

void otlp_put_fixed32(struct buf *to, unsigned field, uint32_t number)
{
    uint32_t bytes = htole32(number);
    char *at = number != 0 ? buf_room(to, HEAD_BYTES) : NULL;
    if (at == NULL)
        return;
    at = varint_write(at, wire_tag(field, WIRE_FIXED32));
    memcpy(at, &bytes, sizeof bytes);
    grew_to(to, at + sizeof bytes);
}

void otlp_put_bytes(struct buf *to, unsigned field, const uint8_t *bytes, size_t len)
{
    char *at = len > 0 ? buf_room(to, HEAD_BYTES + len) : NULL;
    if (at == NULL)
        return;
    at = put_head(at, field, len);
    copy_short(at, (const char *)bytes, len);
    grew_to(to, at + len);
}

void otlp_put_text(struct buf *to, unsigned field, struct span text)
{
    char *at = text.len > 0 ? buf_room(to, HEAD_BYTES + text.len + OTLP_TEXT_SPARE_BYTES) : NULL;
    if (at == NULL)
        return;
    char *body = put_head(at, field, text.len);
    if (otlp_text_copy(body, text)) {
        grew_to(to, body + text.len);
        return;
    }
    size_t size = otlp_text_size(text);
    at = buf_room(to, HEAD_BYTES + size);
    if (at != NULL)
        grew_to(to, otlp_text_repair(put_head(at, field, size), text));
}

size_t otlp_open(struct buf *to, unsigned field)
{
    char *at = buf_room(to, 1 + OPEN_BYTES);
    if (at != NULL) {
        *at = (char)wire_tag(field, WIRE_BYTES);
        buf_grew(to, 1 + OPEN_BYTES);
    }
    return to->len;
}

void otlp_close(struct buf *to, size_t opened)
{
    size_t len = to->len - opened, size = varint_size(len);
    if (buf_is_full(to) || buf_room(to, VARINT_BYTES) == NULL)
        return;
    char *head = to->at + opened - OPEN_BYTES;
    if (size != OPEN_BYTES)
        memmove(head + size, head + OPEN_BYTES, len);
    varint_write(head, len);
    to->len = opened - OPEN_BYTES + size + len;
}

/* ---- attributes ---- */

/* Where all lengths are of one byte: most attributes. */
static inline char *put_short_key(char *at, unsigned field, struct span key, size_t value)
{
    at[0] = (char)wire_tag(field, WIRE_BYTES);
    at[1] = (char)(4 + key.len + value);
    at[2] = (char)wire_tag(KEY_FIELD, WIRE_BYTES);
    at[3] = (char)key.len;
    copy_short(at + 4, key.at, key.len);
    at += 4 + key.len;
    at[0] = (char)wire_tag(VALUE_FIELD, WIRE_BYTES);
    at[1] = (char)value;
    return at + 2;
}

/* Everything up to the value's own bytes, where its AnyValue has `value` of them. */
static inline char *put_key(char *at, unsigned field, struct span key, size_t value)
{
    if (key.len + value < 0x80 - 4)
        return put_short_key(at, field, key, value);
    size_t pair = head_size(key.len) + key.len + head_size(value) + value;
    at = put_head(at, field, pair);
    at = put_head(at, KEY_FIELD, key.len);
    copy_short(at, key.at, key.len);
    return put_head(at + key.len, VALUE_FIELD, value);
}

static inline size_t key_room(struct span key)
{
    return (size_t)4 * HEAD_BYTES + key.len;
}

static inline char *put_text_key(char *at, unsigned field, struct span key, size_t len)
{
    at = put_key(at, field, key, head_size(len) + len);
    return put_head(at, TEXT_FIELD, len);
}

static bool copy_pieces(char *at, const struct span *pieces, size_t count)
{
    bool is_good = true;
    for (size_t i = 0; i < count; i++) {
        is_good &= otlp_text_copy(at, pieces[i]);
        at += pieces[i].len;
    }
    return is_good;
}

/* False: it is one too many. */
static inline bool may_add(struct attributes *to)
{
    if (to->limits != NULL && to->count >= to->limits->most) {
        to->dropped++;
        return false;
    }
    to->count++;
    return true;
}

static void add_repaired(struct attributes *to, struct span key, const struct span *pieces,
                         size_t count)
{
    size_t len = 0;
    for (size_t i = 0; i < count; i++)
        len += otlp_text_size(pieces[i]);
    char *at = buf_room(to->to, key_room(key) + len);
    if (at == NULL)
        return;
    at = put_text_key(at, to->field, key, len);
    for (size_t i = 0; i < count; i++)
        at = otlp_text_repair(at, pieces[i]);
    grew_to(to->to, at);
}

static void add_pieces(struct attributes *to, struct span key, const struct span *pieces,
                       size_t count, size_t len)
{
    char *at = buf_room(to->to, key_room(key) + len + OTLP_TEXT_SPARE_BYTES);
    if (at == NULL)
        return;
    at = put_text_key(at, to->field, key, len);
    if (copy_pieces(at, pieces, count))
        grew_to(to->to, at + len);
    else
        add_repaired(to, key, pieces, count);
}

static size_t length_of(const struct span *pieces, size_t count)
{
    size_t len = 0;
    for (size_t i = 0; i < count; i++)
        len += pieces[i].len;
    return len;
}

/* So many characters of them, and no more. */
static void add_cut(struct attributes *to, struct span key, const struct span *pieces, size_t count)
{
    struct span cut[ATTRIBUTE_PIECES];
    size_t left = to->limits->length;
    must(count <= ATTRIBUTE_PIECES);
    for (size_t i = 0; i < count; i++)
        cut[i] = otlp_text_cut(pieces[i], &left);
    add_pieces(to, key, cut, count, length_of(cut, count));
}

void attribute_pieces(struct attributes *to, struct span key, const struct span *pieces,
                      size_t count)
{
    size_t len = length_of(pieces, count);
    if (len == 0 || !may_add(to))
        return;
    if (to->limits != NULL && to->limits->length > 0 && len > to->limits->length)
        add_cut(to, key, pieces, count);
    else
        add_pieces(to, key, pieces, count, len);
}

static inline bool is_within(const struct attributes *to, struct span value)
{
    const struct attribute_limits *limits = to->limits;
    return limits == NULL ||
           (to->count < limits->most && (limits->length == 0 || value.len <= limits->length));
}

/* Where all lengths are of one byte and there is nothing to leave out or to repair; false: there
 * is. */
static bool add_short_text(struct attributes *to, struct span key, struct span value)
{
    struct buf *bytes = to->to;
    if (key.len + value.len > SHORT_BYTES || !is_within(to, value) || buf_is_full(bytes) ||
        bytes->size - bytes->len < SHORT_BYTES + HEAD_BYTES)
        return false;
    char *at = put_short_key(bytes->at + bytes->len, to->field, key, 2 + value.len);
    at[0] = (char)wire_tag(TEXT_FIELD, WIRE_BYTES);
    at[1] = (char)value.len;
    if (!otlp_text_copy(at + 2, value))
        return false;
    bytes->len = (size_t)(at + 2 + value.len - bytes->at);
    to->count++;
    return true;
}

void attribute_text(struct attributes *to, struct span key, struct span value)
{
    if (value.len > 0 && !add_short_text(to, key, value))
        attribute_pieces(to, key, &value, 1);
}

/* Of an AnyValue that is one. */
static inline size_t number_size(uint64_t value)
{
    return 1 + varint_size(value);
}

/* As add_short_text(). The number is written first: where it ends says what its lengths are. */
static bool add_short_number(struct attributes *to, struct span key, uint64_t value)
{
    struct buf *bytes = to->to;
    if (key.len + 1 + VARINT_BYTES > SHORT_BYTES || !is_within(to, SPAN("")) ||
        buf_is_full(bytes) || bytes->size - bytes->len < SHORT_BYTES + HEAD_BYTES)
        return false;
    char *at = bytes->at + bytes->len, *number = at + SHORT_HEAD_BYTES + key.len;
    *number = (char)wire_tag(NUMBER_FIELD, WIRE_VARINT);
    char *end = varint_write(number + 1, value);
    put_short_key(at, to->field, key, (size_t)(end - number));
    bytes->len = (size_t)(end - bytes->at);
    to->count++;
    return true;
}

void attribute_number(struct attributes *to, struct span key, uint64_t value)
{
    if (value > INT64_MAX)
        value = INT64_MAX;
    if (value == 0 || add_short_number(to, key, value) || !may_add(to))
        return;
    char *at = buf_room(to->to, key_room(key));
    if (at == NULL)
        return;
    at = put_key(at, to->field, key, number_size(value));
    *at++ = (char)wire_tag(NUMBER_FIELD, WIRE_VARINT);
    grew_to(to->to, varint_write(at, value));
}

void attribute_truth(struct attributes *to, struct span key, bool value)
{
    char *at = may_add(to) ? buf_room(to->to, key_room(key)) : NULL;
    if (at == NULL)
        return;
    at = put_key(at, to->field, key, 2);
    *at++ = (char)wire_tag(TRUTH_FIELD, WIRE_VARINT);
    *at++ = value ? 1 : 0;
    grew_to(to->to, at);
}

void attribute_numbers(struct attributes *to, struct span key, const uint64_t *numbers,
                       size_t count)
{
    size_t items = 0;
    for (size_t i = 0; i < count; i++)
        items += 1 + number_size(numbers[i]) + varint_size(number_size(numbers[i]));
    if (count == 0 || !may_add(to))
        return;
    char *at = buf_room(to->to, key_room(key) + HEAD_BYTES + items);
    if (at == NULL)
        return;
    at = put_key(at, to->field, key, head_size(items) + items);
    at = put_head(at, ARRAY_FIELD, items);
    for (size_t i = 0; i < count; i++) {
        at = put_head(at, ITEM_FIELD, number_size(numbers[i]));
        *at++ = (char)wire_tag(NUMBER_FIELD, WIRE_VARINT);
        at = varint_write(at, numbers[i]);
    }
    grew_to(to->to, at);
}
