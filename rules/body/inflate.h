/* SPDX-License-Identifier: Apache-2.0 */
/* Content codings undone, for inspection only: gzip (RFC 1952, any number of members) and deflate
 * (RFC 9110 8.4.1.2: zlib's form, and the bare one that some senders mean by it). What is forwarded
 * stays as it came. */
#ifndef SIDEGATE_RULES_BODY_INFLATE_H
#define SIDEGATE_RULES_BODY_INFLATE_H

#include <stdbool.h>

#include "rules/base/buf.h"
#include "rules/base/span.h"

enum coding {
    CODING_IDENTITY,
    CODING_GZIP, /* x-gzip as well */
    CODING_DEFLATE,
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

enum inflated {
    INFLATED_WHOLE,
    INFLATED_CUT,    /* the input ends before the stream does */
    INFLATED_BROKEN, /* no such stream, or something stands behind it */
    INFLATED_OVER,   /* more than the ceiling of `to`, or than INFLATE_RATIO times the input */
    INFLATED_NOT,    /* the coding is not undone: nothing was written */
};

enum {
    INFLATE_RATIO = 100, /* bytes for each byte of input... */
    INFLATE_RATIO_FROM =
        32 << 10, /* ...asked once there is so much: small pages repeat themselves */
};

/* Undoes all codings, the last one first. `to` is empty, and its ceiling bounds each step. What
 * could be read before the trouble began stands in `to` unless the answer is INFLATED_NOT. */
enum inflated codings_undo(const struct codings *codings, struct span from, struct buf *to);

#endif
