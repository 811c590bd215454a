/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/body/inflate.h"

#include <limits.h>

#define ZLIB_CONST
#include <zlib.h>

enum {
    ROUND_BYTES = 16 << 10, /* written before the ratio is looked at again */
    GZIP_WINDOW = 15 + 16,  /* zlib's way to say: with gzip's head and foot */
    ZLIB_WINDOW = 15,
    BARE_WINDOW = -15,
};

/* ---- names ---- */

enum coding coding_of(struct span name)
{
    if (span_is_nocase(name, SPAN("gzip")) || span_is_nocase(name, SPAN("x-gzip")))
        return CODING_GZIP;
    if (span_is_nocase(name, SPAN("deflate")))
        return CODING_DEFLATE;
    return span_is_nocase(name, SPAN("identity")) ? CODING_IDENTITY : CODING_OTHER;
}

void codings_add(struct codings *codings, struct span value)
{
    while (value.len > 0) {
        struct span name = span_trim_ows(span_cut(&value, ','));
        if (name.len == 0 || coding_of(name) == CODING_IDENTITY)
            continue;
        if (codings->count == CODINGS_MOST) {
            codings->too_many = true;
            return;
        }
        codings->at[codings->count++] = coding_of(name);
    }
}

/* ---- one stream ---- */

/* Is there a byte more than the ceiling lets in? */
static enum inflated at_the_ceiling(z_stream *z)
{
    unsigned char one;
    z->next_out = &one;
    z->avail_out = 1;
    int answer = inflate(z, Z_NO_FLUSH);
    if (z->avail_out == 0)
        return INFLATED_OVER;
    if (answer == Z_STREAM_END)
        return INFLATED_WHOLE;
    return answer == Z_OK || answer == Z_BUF_ERROR ? INFLATED_CUT : INFLATED_BROKEN;
}

/* `input`: of all members up to the end of this one. */
static bool is_a_bomb(size_t input, size_t output)
{
    return output > INFLATE_RATIO_FROM && output / INFLATE_RATIO > input;
}

static enum inflated run_stream(z_stream *z, struct span whole, struct buf *to)
{
    for (;;) {
        size_t room = to->ceiling - to->len;
        if (room == 0)
            return at_the_ceiling(z);
        if (room > ROUND_BYTES)
            room = ROUND_BYTES;
        char *out = buf_room(to, room);
        if (out == NULL)
            return INFLATED_OVER;
        z->next_out = (unsigned char *)out;
        z->avail_out = (unsigned)room;
        int answer = inflate(z, Z_NO_FLUSH);
        buf_grew(to, room - z->avail_out);
        if (is_a_bomb(whole.len - z->avail_in, to->len))
            return INFLATED_OVER;
        if (answer == Z_STREAM_END)
            return INFLATED_WHOLE;
        if (answer != Z_OK && answer != Z_BUF_ERROR)
            return INFLATED_BROKEN;
        if (z->avail_in == 0 && z->avail_out > 0)
            return INFLATED_CUT;
    }
}

/* Reads streams of that form until the input ends; only gzip may have more than one. */
static enum inflated run_streams(int window, struct span from, struct buf *to)
{
    z_stream z = {.next_in = (const unsigned char *)from.at, .avail_in = (unsigned)from.len};
    if (inflateInit2(&z, window) != Z_OK)
        return INFLATED_OVER;
    enum inflated answer;
    do
        answer = run_stream(&z, from, to);
    while (answer == INFLATED_WHOLE && z.avail_in > 0 && window == GZIP_WINDOW &&
           inflateReset(&z) == Z_OK);
    if (answer == INFLATED_WHOLE && z.avail_in > 0)
        answer = INFLATED_BROKEN;
    inflateEnd(&z);
    return answer;
}

/* A bare stream may begin like zlib's head by chance, and is told by being readable to its end. */
static enum inflated undo_deflate(struct span from, struct buf *to)
{
    enum inflated as_zlib = run_streams(ZLIB_WINDOW, from, to);
    if (as_zlib != INFLATED_BROKEN || to->len > 0)
        return as_zlib;
    return run_streams(BARE_WINDOW, from, to);
}

static enum inflated undo(enum coding coding, struct span from, struct buf *to)
{
    if (from.len > UINT_MAX)
        return INFLATED_OVER;
    switch (coding) {
    case CODING_GZIP: return run_streams(GZIP_WINDOW, from, to);
    case CODING_DEFLATE: return undo_deflate(from, to);
    case CODING_IDENTITY:
    case CODING_OTHER: break;
    }
    return INFLATED_NOT;
}

/* ---- all of them ---- */

/* The first trouble is the one to tell; a cut inner stream inside a cut outer one is cut, no more.
 */
static enum inflated undo_two(const struct codings *codings, struct span from, struct buf *to)
{
    struct buf between;
    buf_init(&between, to->ceiling);
    enum inflated outer = undo(codings->at[1], from, &between);
    enum inflated inner = outer;
    if (outer != INFLATED_NOT)
        inner = undo(codings->at[0], buf_span(&between), to);
    buf_fini(&between);
    return outer == INFLATED_WHOLE || inner == INFLATED_NOT ? inner : outer;
}

enum inflated codings_undo(const struct codings *codings, struct span from, struct buf *to)
{
    if (codings->too_many || codings->count == 0)
        return INFLATED_NOT;
    return codings->count == 1 ? undo(codings->at[0], from, to) : undo_two(codings, from, to);
}
