/* SPDX-License-Identifier: Apache-2.0 */
/* Content codings undone, of any bytes:
 *   - never more than the ceiling comes out, nor more than the ratio of each step allows,
 *   - a lower ceiling gives the beginning of the same text, and "whole" only where it is whole,
 *   - slices of any length come to what one run comes to,
 *   - the beginning of the input gives the beginning of the text,
 *   - what is not undone writes nothing; what is packed here comes back whole.
 *
 *   input:  Content-Encoding LF bytes */
#include <stdlib.h>

#define ZLIB_CONST
#include <zlib.h>

#include "rules/base/must.h"
#include "rules/body/decoder.h"

enum { CEILING = 1 << 20, ROUND_SLACK_BYTES = 64 << 10, AS_GZIP = 15 + 16 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct undone {
    enum decoded answer;
    struct buf text;
};

/* `slice` bytes at a time; 0: all at once. */
static struct undone undo_in_slices(const struct codings *codings, struct span from, size_t ceiling,
                                    size_t slice)
{
    struct undone undone;
    buf_init(&undone.text, ceiling);
    /* A copy of exactly its size: reading on is seen. */
    char *copy = malloc(from.len);
    must(copy != NULL || from.len == 0);
    if (from.len > 0)
        memcpy(copy, from.at, from.len);
    struct decoder *decoder = decoder_new(codings, span_make(copy, from.len), &undone.text);
    do
        undone.answer = decoder_run(decoder, slice);
    while (undone.answer == DECODED_MORE);
    must(decoder_held_bytes(decoder) <= ceiling);
    decoder_free(decoder);
    free(copy);
    must(undone.text.len <= ceiling);
    must(undone.answer != DECODED_NOT || undone.text.len == 0);
    return undone;
}

static struct undone undo(const struct codings *codings, struct span from, size_t ceiling)
{
    return undo_in_slices(codings, from, ceiling, 0);
}

static void try_slices(const struct codings *codings, struct span from, const struct undone *full)
{
    struct undone sliced = undo_in_slices(codings, from, CEILING, 1 + from.len % 40000);
    must(sliced.answer == full->answer);
    must(span_is(buf_span(&sliced.text), buf_span(&full->text)));
    buf_fini(&sliced.text);
}

/* The most that so many bytes may become: each step is bounded by its own input. */
static size_t most_of(const struct codings *codings, size_t len)
{
    for (unsigned i = 0; i < codings->count && len < CEILING; i++)
        len = len * DECODED_RATIO + DECODED_RATIO_FROM + ROUND_SLACK_BYTES;
    return len;
}

static void try_lower(const struct codings *codings, struct span from, const struct undone *full,
                      size_t ceiling)
{
    struct undone low = undo(codings, from, ceiling);
    /* How much is read before a stream breaks depends on the room: zstd takes a frame that fits at
     * once, or not at all. Of two codings the outer one's trouble is told, and hides the inner's.
     */
    bool broken = full->answer == DECODED_BROKEN || low.answer == DECODED_BROKEN ||
                  (codings->count > 1 && full->answer != DECODED_WHOLE);
    must(broken || span_starts(buf_span(&full->text), buf_span(&low.text)));
    must(broken || low.answer != DECODED_WHOLE || full->answer == DECODED_WHOLE);
    must(full->text.len <= ceiling || low.answer != DECODED_WHOLE);
    /* With one coding a ceiling that is high enough changes nothing; with two it bounds the step
     * between them as well. */
    must(broken || codings->count > 1 || full->text.len > ceiling ||
         (low.answer == full->answer && low.text.len == full->text.len));
    buf_fini(&low.text);
}

static void try_beginning(const struct codings *codings, struct span from,
                          const struct undone *full)
{
    struct undone part = undo(codings, span_first(from, from.len / 2), CEILING);
    bool readable = full->answer == DECODED_CUT && codings->count == 1;
    if (full->answer == DECODED_WHOLE || readable)
        must(span_starts(buf_span(&full->text), buf_span(&part.text)));
    buf_fini(&part.text);
}

static void try_round(struct span text)
{
    struct codings gzip = {0};
    z_stream z = {.next_in = (const Bytef *)text.at, .avail_in = (unsigned)text.len};
    must(deflateInit2(&z, 1, Z_DEFLATED, AS_GZIP, 8, Z_DEFAULT_STRATEGY) == Z_OK);
    size_t room = deflateBound(&z, text.len);
    Bytef *packed = malloc(room);
    must(packed != NULL);
    z.next_out = packed;
    z.avail_out = (unsigned)room;
    must(deflate(&z, Z_FINISH) == Z_STREAM_END);
    codings_add(&gzip, SPAN("gzip"));
    struct undone back = undo(&gzip, span_make((const char *)packed, room - z.avail_out), CEILING);
    must(back.answer == DECODED_WHOLE && span_is(buf_span(&back.text), text));
    deflateEnd(&z);
    free(packed);
    buf_fini(&back.text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span bytes = span_make((const char *)data, size);
    struct codings codings = {0};
    codings_add(&codings, span_cut(&bytes, '\n'));
    must(codings.count <= CODINGS_MOST);
    struct undone full = undo(&codings, bytes, CEILING);
    must(full.text.len <= most_of(&codings, bytes.len));
    try_lower(&codings, bytes, &full, 1 + size % 977);
    try_lower(&codings, bytes, &full, full.text.len > 0 ? full.text.len : 1);
    try_slices(&codings, bytes, &full);
    try_beginning(&codings, bytes, &full);
    try_round(bytes);
    buf_fini(&full.text);
    return 0;
}
