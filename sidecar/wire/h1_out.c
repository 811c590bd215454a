/* SPDX-License-Identifier: Apache-2.0 */
/* Heads and bodies on their way out. */
#include "sidecar/wire/h1_out.h"

#include "rules/base/must.h"
#include "rules/base/number.h"

enum {
    CHUNK_FRAME_BYTES = 24,       /* size line and line end of a chunk */
    HEAD_MOST_BYTES = 256 * 1024, /* over `most`: heads have been held to their limits before */
};

void h1_out_init(struct h1_out *out, size_t most)
{
    *out = (struct h1_out){.most = most};
    buf_init(&out->buf, most + HEAD_MOST_BYTES);
}

void h1_out_fini(struct h1_out *out)
{
    buf_fini(&out->buf);
    out->sent = 0;
}

void h1_out_next(struct h1_out *out)
{
    out->state = H1_OUT_NOTHING;
    out->framed = H1_FRAMED_NONE;
    out->left = 0;
}

/* The whole buffer at once instead of doubling up to it; and no byte is moved while it fits. */
static void out_make_room(struct h1_out *out, size_t bytes)
{
    if (out->buf.at == NULL) {
        buf_room(&out->buf, out->most > bytes ? out->most : bytes);
    } else if (out->sent > 0 && bytes > out->buf.size - out->buf.len) {
        buf_drop(&out->buf, out->sent);
        out->sent = 0;
    }
}

static bool frames(struct span name)
{
    switch (name.len) {
    case 10: return span_is_nocase(name, SPAN("Connection"));
    case 14: return span_is_nocase(name, SPAN("Content-Length"));
    case 17: return span_is_nocase(name, SPAN("Transfer-Encoding"));
    default: return false;
    }
}

static bool without_framing(struct fields *fields, struct arena *arena)
{
    struct pair *kept = arena_alloc(arena, fields->count * sizeof *kept);
    size_t count = 0;
    if (kept == NULL)
        return false;
    for (size_t i = 0; i < fields->count; i++)
        if (!frames(fields->at[i].name))
            kept[count++] = fields->at[i];
    *fields = (struct fields){.at = kept, .count = count, .size = fields->count};
    return true;
}

struct buf *h1_out_head(struct h1_out *out, struct fields *fields, struct arena *arena)
{
    must(out->state == H1_OUT_NOTHING);
    out_make_room(out, out->most / 2);
    if (!without_framing(fields, arena))
        out->buf.full = true; /* nothing more is written: the connection breaks */
    return &out->buf;
}

static void add_field(struct buf *to, struct span name, struct span value)
{
    buf_add(to, name);
    buf_add(to, SPAN(": "));
    buf_add(to, value);
    buf_add(to, SPAN("\r\n"));
}

static void add_length(struct buf *to, int64_t length)
{
    char digits[24];
    add_field(to, SPAN("Content-Length"), span_make(digits, number_write(digits, length)));
}

void h1_out_frame(struct h1_out *out, enum h1_framed framed, int64_t length,
                  enum h1_connection connection)
{
    struct buf *to = &out->buf;
    if (to->full) {
        out->state = H1_OUT_SHORT;
        return;
    }
    must(span_ends(buf_span(to), SPAN("\r\n\r\n")));
    to->len -= 2;
    if (framed == H1_FRAMED_CHUNKED)
        add_field(to, SPAN("Transfer-Encoding"), SPAN("chunked"));
    else if (framed != H1_FRAMED_UNTIL_CLOSE && length >= 0)
        add_length(to, length);
    if (connection == H1_CONNECTION_CLOSE)
        add_field(to, SPAN("Connection"), SPAN("close"));
    else if (connection == H1_CONNECTION_KEEP_ALIVE)
        add_field(to, SPAN("Connection"), SPAN("keep-alive"));
    buf_add(to, SPAN("\r\n"));
    bool has_body = framed != H1_FRAMED_NONE && !(framed == H1_FRAMED_LENGTH && length == 0);
    out->framed = framed;
    out->left = framed == H1_FRAMED_LENGTH ? (uint64_t)length : 0;
    out->state = has_body ? H1_OUT_BODY : H1_OUT_WHOLE;
}

size_t h1_out_room(const struct h1_out *out)
{
    size_t taken = h1_out_pending(out);
    size_t room = out->most > taken ? out->most - taken : 0;
    if (out->framed == H1_FRAMED_CHUNKED)
        room = room > CHUNK_FRAME_BYTES ? room - CHUNK_FRAME_BYTES : 0;
    if (out->framed == H1_FRAMED_LENGTH && room > out->left)
        room = (size_t)out->left;
    return out->state == H1_OUT_NOTHING ? 0 : room;
}

static void add_chunk_size(struct buf *to, size_t size)
{
    char digits[sizeof size * 2 + 2];
    size_t at = sizeof digits;
    digits[--at] = '\n';
    digits[--at] = '\r';
    for (; size > 0; size >>= 4)
        digits[--at] = "0123456789abcdef"[size & 15];
    buf_add(to, span_make(digits + at, sizeof digits - at));
}

void h1_out_write(struct h1_out *out, struct span bytes)
{
    must(bytes.len <= h1_out_room(out));
    if (bytes.len == 0 || out->state != H1_OUT_BODY)
        return; /* of an answer without a body nothing goes out */
    if (out->framed == H1_FRAMED_LENGTH) {
        out->left -= bytes.len;
        out->state = out->left > 0 ? H1_OUT_BODY : H1_OUT_WHOLE;
    }
    if (out->mute)
        return;
    out_make_room(out, bytes.len + CHUNK_FRAME_BYTES);
    bool chunked = out->framed == H1_FRAMED_CHUNKED;
    if (chunked)
        add_chunk_size(&out->buf, bytes.len);
    buf_add(&out->buf, bytes);
    if (chunked)
        buf_add(&out->buf, SPAN("\r\n"));
}

void h1_out_end(struct h1_out *out, const struct fields *trailers)
{
    if (out->state != H1_OUT_BODY)
        return;
    out->state = out->framed == H1_FRAMED_LENGTH ? H1_OUT_SHORT : H1_OUT_WHOLE;
    if (out->framed != H1_FRAMED_CHUNKED || out->mute)
        return;
    buf_add(&out->buf, SPAN("0\r\n"));
    for (size_t i = 0; trailers != NULL && i < trailers->count; i++)
        add_field(&out->buf, trailers->at[i].name, trailers->at[i].value);
    buf_add(&out->buf, SPAN("\r\n"));
}

void h1_out_took(struct h1_out *out, size_t bytes)
{
    must(bytes <= h1_out_pending(out));
    out->sent += bytes;
    if (out->sent < out->buf.len || out->buf.full)
        return;
    buf_clear(&out->buf);
    out->sent = 0;
}

void h1_out_discard(struct h1_out *out)
{
    buf_clear(&out->buf);
    out->sent = 0;
    out->mute = true;
}
