/* SPDX-License-Identifier: Apache-2.0 */
/* The bytes of a spool's segment: written once, from front to back, and read again whatever became
 * of them. No I/O.
 *
 *   segment  | head | preamble | frame | frame | frame | ...
 *   frame    | head: sequence, units before it, length, checksums | record | tail: the same again |
 *
 * A frame says at both of its ends where it stands in the whole row of records, so that a broken
 * one costs itself alone and what it was worth is known by its neighbours, or by its own other end.
 * Every checksum begins with the segment's salt, which is in no record: what clients send cannot
 * look like a frame. Numbers are the machine's own: a spool does not travel. */
#ifndef SIDEGATE_EXPORTERS_SPOOL_FRAME_H
#define SIDEGATE_EXPORTERS_SPOOL_FRAME_H

#include <stdbool.h>
#include <stdint.h>

#include "rules/base/buf.h"

enum {
    FRAME_RECORD_BYTES = 512 * 1024, /* the longest record */
    FRAME_PREAMBLE_BYTES = 64 * 1024,
    FRAME_EXTRA_BYTES = 72, /* what a frame is longer than its record */
    FRAME_MOST_BYTES = FRAME_RECORD_BYTES + FRAME_EXTRA_BYTES,
    SEGMENT_HEAD_BYTES = 48, /* its preamble follows */
};

/* A place between two records: how many there are before it, and what they are worth. */
struct spool_position {
    uint64_t sequence, units;
};

struct frame {
    struct spool_position at;
    uint32_t units, signal;
    uint64_t when_us;
    struct span record; /* borrowed */
};

struct segment_head {
    struct spool_position first;
    uint64_t began_us;
    struct span preamble; /* borrowed */
};

void segment_head_add(struct buf *to, uint32_t salt, const struct segment_head *head);
/* False: these are not its bytes any more. */
bool segment_head_read(struct span bytes, uint32_t salt, struct segment_head *head);

void frame_add(struct buf *to, uint32_t salt, const struct frame *frame);

enum frame_found {
    FRAME_WHOLE,   /* `frame` is filled */
    FRAME_SKIPPED, /* `used` bytes were none; `frame->at` is where the next one stands if it is
                      known, else its sequence is 0 and its units are 0 */
    FRAME_MORE,    /* longer than `bytes`: call again with more from this place on */
    FRAME_END,     /* nothing more comes, these bytes are the rest of a frame or none at all */
};
/* What stands at the beginning of `bytes`; `is_end`: there are no more behind them. *used is never
 * more than bytes.len, and never 0 with WHOLE or SKIPPED. */
enum frame_found frame_next(struct span bytes, bool is_end, uint32_t salt, struct frame *frame,
                            size_t *used);

#endif
