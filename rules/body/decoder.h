/* SPDX-License-Identifier: Apache-2.0 */
/* Content codings undone, for inspection only: those of codings.tbl, alone or one upon another.
 * What is forwarded stays as it came. A decoder works in slices, so that a long body delays nobody.
 */
#ifndef SIDEGATE_RULES_BODY_DECODER_H
#define SIDEGATE_RULES_BODY_DECODER_H

#include <stdbool.h>
#include <stddef.h>

#include "rules/base/buf.h"
#include "rules/base/span.h"

enum coding {
    CODING_IDENTITY,
#define CODING(id, functions, repeats) CODING_##id,
#include "rules/body/codings.tbl"
    CODING_OTHER, /* one that is not undone */
};
enum coding coding_of(struct span name);

enum { CODINGS_MOST = 2 };

/* What Content-Encoding lists, in the order in which it was applied; identity is left out. */
struct codings {
    enum coding at[CODINGS_MOST];
    unsigned count;
    bool too_many;
};
/* Adds what one line of the field lists; start with {0}. */
void codings_add(struct codings *codings, struct span value);

enum decoded {
    DECODED_MORE,   /* the slice is over: run it again */
    DECODED_WHOLE,  /* to the end */
    DECODED_CUT,    /* the input ends before the stream does */
    DECODED_BROKEN, /* no such stream, or something stands behind it */
    DECODED_OVER,   /* more than the ceiling of `to`, than DECODED_RATIO times the input, or than
                       the window that a decoder keeps */
    DECODED_NOT,    /* one of the codings is not undone: nothing was written */
};

enum {
    DECODED_RATIO = 100, /* bytes for each byte of input... */
    DECODED_RATIO_FROM =
        32 << 10,            /* ...asked once there is so much: small pages repeat themselves */
    DECODED_WINDOW_LOG = 23, /* 8 MiB: what RFC 9659 lets a sender of zstd expect */
    DECODED_ROUND_BYTES = 16 << 10, /* read, and written, at the most before a slice can end */
};

struct decoder;

/* Undoes all codings, the last one first. `from` stays where it is until decoder_free(); `to` is
 * empty, and its ceiling bounds each step. What could be read before the trouble began stands in
 * `to`, unless the answer is DECODED_NOT. */
struct decoder *decoder_new(const struct codings *codings, struct span from, struct buf *to);
/* Goes on until about `most` bytes have been read and written (0: to the end). */
enum decoded decoder_run(struct decoder *decoder, size_t most);
/* Bytes held beside `to`: what one coding left for the next. */
size_t decoder_held_bytes(const struct decoder *decoder);
void decoder_free(struct decoder *decoder); /* NULL allowed */

#endif
