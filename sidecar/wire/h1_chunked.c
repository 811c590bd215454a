/* SPDX-License-Identifier: Apache-2.0 */
/* Chunked bodies, RFC 9112 7.1, without the spaces that older grammars allowed.
 *
 *   SIZE ---;---> EXT_NAME ---=---> EXT_VALUE (token or quoted)
 *    | CR           | CR              | CR
 *    v              v                 v
 *   SIZE_LF  --- size > 0 ---> DATA ---> DATA_CR ---> DATA_LF ---> SIZE
 *      \------- size = 0 ---> TRAILER (line by line) ---> END
 */
#include <string.h>

#include "sidecar/http/bytes.h"
#include "sidecar/wire/h1_parse.h"

enum {
    EXTENSION_BYTES_MOST = 4096, /* over all chunks of a body */
    TRAILER_BYTES_MOST = 8192,
    SIZE_DIGITS_MOST = 16,
};

enum state {
    STATE_SIZE_FIRST, /* at least one digit */
    STATE_SIZE,
    STATE_EXT_NAME_FIRST,
    STATE_EXT_NAME,
    STATE_EXT_VALUE_FIRST,
    STATE_EXT_VALUE,
    STATE_EXT_QUOTED,
    STATE_EXT_ESCAPED, /* the byte after a backslash */
    STATE_EXT_QUOTED_END,
    STATE_SIZE_LF,
    STATE_DATA,
    STATE_DATA_CR,
    STATE_DATA_LF,
    STATE_TRAILER,
    STATE_END,
    STATE_BROKEN,
};
/* While a size is read its digits are counted above the state. */
enum { STATE_BITS = 8, STATE_MASK = (1 << STATE_BITS) - 1 };

void h1_chunked_init(struct h1_chunked *chunked)
{
    *chunked = (struct h1_chunked){.state = STATE_SIZE_FIRST};
}

static unsigned add_digit(struct h1_chunked *chunked, int digit)
{
    unsigned digits = (chunked->state >> STATE_BITS) + 1;
    if (digits > SIZE_DIGITS_MOST || chunked->left > (uint64_t)INT64_MAX >> 4)
        return STATE_BROKEN;
    chunked->left = chunked->left << 4 | (unsigned)digit;
    return digits << STATE_BITS | STATE_SIZE;
}

/* What may follow a size, and a whole extension. */
static unsigned after_part(char byte)
{
    return byte == '\r' ? STATE_SIZE_LF : byte == ';' ? STATE_EXT_NAME_FIRST : STATE_BROKEN;
}

static unsigned in_token(char byte, unsigned token, bool is_first)
{
    if (http_byte_is(byte, HTTP_TOKEN))
        return token;
    return is_first ? (unsigned)STATE_BROKEN : after_part(byte);
}

static unsigned in_quoted(char byte)
{
    return byte == '"'                       ? STATE_EXT_QUOTED_END
           : byte == '\\'                    ? STATE_EXT_ESCAPED
           : http_byte_is(byte, HTTP_QUOTED) ? STATE_EXT_QUOTED
                                             : STATE_BROKEN;
}

/* One byte of a chunk's first line, or of the line end behind its data. */
static unsigned step(struct h1_chunked *chunked, char byte)
{
    int digit;
    switch (chunked->state & STATE_MASK) {
    case STATE_SIZE_FIRST:
    case STATE_SIZE:
        digit = byte_hex(byte);
        if (digit >= 0)
            return add_digit(chunked, digit);
        return chunked->state == STATE_SIZE_FIRST ? (unsigned)STATE_BROKEN : after_part(byte);
    case STATE_EXT_NAME_FIRST: return in_token(byte, STATE_EXT_NAME, true);
    case STATE_EXT_NAME:
        return byte == '=' ? STATE_EXT_VALUE_FIRST : in_token(byte, STATE_EXT_NAME, false);
    case STATE_EXT_VALUE_FIRST:
        return byte == '"' ? STATE_EXT_QUOTED : in_token(byte, STATE_EXT_VALUE, true);
    case STATE_EXT_VALUE: return in_token(byte, STATE_EXT_VALUE, false);
    case STATE_EXT_QUOTED: return in_quoted(byte);
    case STATE_EXT_ESCAPED: return http_byte_is(byte, HTTP_VALUE) ? STATE_EXT_QUOTED : STATE_BROKEN;
    case STATE_EXT_QUOTED_END: return after_part(byte);
    case STATE_SIZE_LF:
        return byte != '\n' ? STATE_BROKEN : chunked->left > 0 ? STATE_DATA : STATE_TRAILER;
    case STATE_DATA_CR: return byte == '\r' ? STATE_DATA_LF : STATE_BROKEN;
    case STATE_DATA_LF: return byte == '\n' ? STATE_SIZE_FIRST : STATE_BROKEN;
    default: return STATE_BROKEN;
    }
}

static bool is_extension(unsigned state)
{
    return state >= STATE_EXT_NAME_FIRST && state <= STATE_EXT_QUOTED_END;
}

/* States in which a byte is no part of a line. */
static bool is_resting(unsigned state)
{
    return state == STATE_DATA || state == STATE_TRAILER || state == STATE_END ||
           state == STATE_BROKEN;
}

/* Walks up to data, trailers or the end of the bytes. */
static void walk_lines(struct h1_chunked *chunked, struct span bytes, size_t *used)
{
    while (*used < bytes.len && !is_resting(chunked->state)) {
        chunked->state = step(chunked, bytes.at[(*used)++]);
        if (is_extension(chunked->state) && ++chunked->extension_bytes > EXTENSION_BYTES_MOST)
            chunked->state = STATE_BROKEN;
    }
}

/* RFC 9110 6.5.1: what would change how the message is read, or whom it is for, is dropped. */
static bool may_trail(struct span name)
{
    static const struct span never[] = {
        SPAN_INIT("Content-Length"), SPAN_INIT("Transfer-Encoding"),
        SPAN_INIT("Host"),           SPAN_INIT("Connection"),
        SPAN_INIT("Trailer"),        SPAN_INIT("TE"),
        SPAN_INIT("Upgrade"),        SPAN_INIT("Expect"),
        SPAN_INIT("Authorization"),  SPAN_INIT("Cookie"),
        SPAN_INIT("Set-Cookie"),     SPAN_INIT("Content-Encoding"),
    };
    for (size_t i = 0; i < sizeof never / sizeof *never; i++)
        if (span_is_nocase(name, never[i]))
            return false;
    return true;
}

static bool keep_trailer(const struct pair *field, struct fields *trailers, struct arena *arena)
{
    if (trailers == NULL || !may_trail(field->name))
        return true;
    struct span name = arena_copy(arena, field->name);
    struct span value = arena_copy(arena, field->value);
    return !arena_is_full(arena) && fields_add(trailers, arena, name, value);
}

/* Takes one line, once it is whole. */
static enum h1_chunk read_trailer(struct h1_chunked *chunked, struct span bytes, size_t *used,
                                  struct fields *trailers, struct arena *arena)
{
    size_t most = TRAILER_BYTES_MOST - chunked->trailer_bytes;
    struct span window = span_first(span_from(bytes, *used), most);
    size_t feed = span_find_byte(window, '\n');
    if (feed == SPAN_NONE)
        return window.len == most ? H1_CHUNK_BROKEN : H1_CHUNK_MORE;
    const char *at = window.at, *end = window.at + feed + 1, *why;
    struct pair field;
    if (feed == 0 || end[-2] != '\r')
        return H1_CHUNK_BROKEN;
    enum h1_line line = h1_line_read(&at, end, &field, &why);
    *used += feed + 1;
    chunked->trailer_bytes += feed + 1;
    if (line == H1_LINE_END)
        return H1_CHUNK_END;
    if (line == H1_LINE_BROKEN || at != end || !keep_trailer(&field, trailers, arena))
        return H1_CHUNK_BROKEN;
    return H1_CHUNK_DATA; /* one more was read; the caller goes on */
}

static enum h1_chunk read_trailers(struct h1_chunked *chunked, struct span bytes, size_t *used,
                                   struct fields *trailers, struct arena *arena)
{
    enum h1_chunk chunk;
    do
        chunk = read_trailer(chunked, bytes, used, trailers, arena);
    while (chunk == H1_CHUNK_DATA);
    if (chunk == H1_CHUNK_END)
        chunked->state = STATE_END;
    if (chunk == H1_CHUNK_BROKEN)
        chunked->state = STATE_BROKEN;
    return chunk;
}

enum h1_chunk h1_chunked_next(struct h1_chunked *chunked, struct span bytes, size_t *used,
                              struct span *data, struct fields *trailers, struct arena *arena)
{
    *used = 0;
    *data = span_make(NULL, 0);
    walk_lines(chunked, bytes, used);
    switch (chunked->state) {
    case STATE_BROKEN: return H1_CHUNK_BROKEN;
    case STATE_END: return H1_CHUNK_END;
    case STATE_TRAILER: return read_trailers(chunked, bytes, used, trailers, arena);
    case STATE_DATA: break;
    default: return H1_CHUNK_MORE;
    }
    if (*used == bytes.len)
        return H1_CHUNK_MORE;
    *data = span_from(bytes, *used);
    if (data->len > chunked->left)
        data->len = (size_t)chunked->left;
    *used += data->len;
    chunked->left -= data->len;
    if (chunked->left == 0)
        chunked->state = STATE_DATA_CR;
    return H1_CHUNK_DATA;
}
