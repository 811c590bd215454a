/* SPDX-License-Identifier: Apache-2.0 */
/* What rules are shown of a body that came in a content coding. The bytes that are forwarded are
 * not touched. */
#ifndef SIDEGATE_SIDECAR_EXCHANGE_DECODE_H
#define SIDEGATE_SIDECAR_EXCHANGE_DECODE_H

#include "rules/base/buf.h"
#include "sidecar/http/fields.h"

struct decoder;

enum decoding {
    DECODING_MORE,     /* the slice is over: run it again */
    DECODING_WELL,     /* all of it, or all of what was gathered */
    DECODING_BROKEN,   /* no such stream, or one without its end */
    DECODING_OVER,     /* more than is inspected, or blown up beyond reason */
    DECODING_TOO_MANY, /* codings upon codings */
};

/* One body at work. Zeroed: none. */
struct body_decoding {
    struct decoder *decoder; /* NULL: not begun */
    struct span body;
    struct buf text; /* the body without its codings */
    bool cut, too_many;
};

/* Begins to undo what Content-Encoding names; at most `ceiling` bytes of text. `cut`: `body`, which
 * stays where it is, is only a beginning. */
void body_decoding_begin(struct body_decoding *decoding, const struct fields *fields,
                         struct span body, bool cut, size_t ceiling);
bool body_decoding_has_begun(const struct body_decoding *decoding);
/* Goes on for about `most` bytes of text (0: to the end), and shows in *text what can be shown: the
 * bytes as they came where nothing was undone. */
enum decoding body_decoding_run(struct body_decoding *decoding, size_t most, struct span *text);
size_t body_decoding_held_bytes(const struct body_decoding *decoding);
void body_decoding_fini(struct body_decoding *decoding);

/* Leaves of Accept-Encoding what is undone here: rules read answers, so they must come in a form
 * that can be read. False: the arena is full. */
bool accept_encoding_reduce(struct fields *fields, struct arena *arena);

#endif
