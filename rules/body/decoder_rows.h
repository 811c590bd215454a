/* SPDX-License-Identifier: Apache-2.0 */
/* What a content coding is for the decoder: three functions, named in codings.tbl. */
#ifndef SIDEGATE_RULES_BODY_DECODER_ROWS_H
#define SIDEGATE_RULES_BODY_DECODER_ROWS_H

#include "rules/base/span.h"

/* One step: reads from the front of `input` and writes to the front of `room`, and leaves in both
 * what is left. */
struct decoder_step {
    struct span input;
    char *room;
    size_t room_bytes;
    struct span whole; /* the input from its first byte, for who has to begin again */
};

/* Counts bytes as read; at the end of the input its pointer stands there, too. */
static inline void decoder_step_read(struct decoder_step *step, size_t bytes)
{
    if (bytes > 0)
        step->input = span_make(step->input.at + bytes, step->input.len - bytes);
}

enum decoder_word {
    DECODER_ON,     /* the room is full, or input is left: call again */
    DECODER_END,    /* of a stream; where they repeat, the next step begins the next one */
    DECODER_HUNGRY, /* all input was read, and it was not the end */
    DECODER_BROKEN,
    DECODER_WINDOW, /* it would have to remember more than DECODED_WINDOW_LOG allows */
};

#define CODING(id, functions, repeats)                                                    \
    void *decoder_##functions##_begin(void); /* NULL: no memory */                        \
    enum decoder_word decoder_##functions##_step(void *state, struct decoder_step *step); \
    void decoder_##functions##_end(void *state);
#include "rules/body/codings.tbl"

#endif
