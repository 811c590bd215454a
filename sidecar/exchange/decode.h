/* SPDX-License-Identifier: Apache-2.0 */
/* What rules are shown of a body that came in a content coding. The bytes that are forwarded are
 * not touched. */
#ifndef SIDEGATE_SIDECAR_EXCHANGE_DECODE_H
#define SIDEGATE_SIDECAR_EXCHANGE_DECODE_H

#include "rules/base/buf.h"
#include "sidecar/http/fields.h"

enum decoding {
    DECODING_WELL,     /* all of it, or all of what was gathered */
    DECODING_BROKEN,   /* no such stream, or one without its end */
    DECODING_OVER,     /* more than is inspected, or blown up beyond reason */
    DECODING_TOO_MANY, /* codings upon codings */
};

/* Undoes what Content-Encoding names into `to` (its ceiling bounds it) and shows in *text what can
 * be shown: the bytes as they came where nothing was undone. `cut`: `body` is only a beginning. */
enum decoding body_decode(const struct fields *fields, struct span body, bool cut, struct buf *to,
                          struct span *text);

/* Leaves of Accept-Encoding what body_decode() undoes: rules read answers, so they must come in a
 * form that can be read. False: the arena is full. */
bool accept_encoding_reduce(struct fields *fields, struct arena *arena);

#endif
