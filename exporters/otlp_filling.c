/* SPDX-License-Identifier: Apache-2.0 */
/* Items that nothing waits before are written straight into the batch that they leave with. */
#include <string.h>

#include "exporters/otlp_inside.h"

static struct sending *begin_filling(struct otlp *otlp)
{
    if (otlp->failures > 0 || !feed_is_direct(otlp->feed))
        return NULL;
    for (size_t i = 0; i < UNDER_WAY; i++) {
        struct sending *sending = &otlp->sendings[i];
        if (sending->state != STATE_FREE || buf_room(&sending->room, HEAD_BYTES) == NULL)
            continue;
        sending->room.len = HEAD_BYTES;
        sending->state = STATE_FILLING;
        otlp->filling_since_us = 0;
        return sending;
    }
    return NULL;
}

struct buf *otlp_open_batch(struct otlp *otlp)
{
    if (otlp->filling == NULL)
        otlp->filling = begin_filling(otlp);
    return otlp->filling != NULL ? &otlp->filling->room : NULL;
}

/* What is one too many for a batch is the first of the next. False: there is none. */
static bool move_to_next(struct otlp *otlp, struct sending *full, size_t from)
{
    struct sending *next = otlp->filling = begin_filling(otlp);
    bool is_moved = next != NULL && buf_add(&next->room, span_from(buf_span(&full->room), from));
    if (next != NULL && !is_moved)
        buf_cut(&next->room, HEAD_BYTES);
    buf_cut(&full->room, from);
    return is_moved;
}

/* False: no memory for its size. */
static bool take_in(struct sending *sending, size_t from, unsigned units)
{
    uint32_t size = (uint32_t)(sending->room.len - from);
    if (!buf_add(&sending->sizes, span_make((const char *)&size, sizeof size))) {
        buf_cut(&sending->room, from);
        return false;
    }
    feed_pass(sending->otlp->feed, &sending->batch, units);
    return true;
}

bool otlp_filled(struct otlp *otlp, size_t from, unsigned units)
{
    struct sending *sending = otlp->filling;
    if (from > HEAD_BYTES && sending->batch.units + units > otlp->most) {
        if (!move_to_next(otlp, sending, from))
            return false;
        sending = otlp->filling;
        from = HEAD_BYTES;
    }
    bool is_in = take_in(sending, from, units);
    if (sending->batch.units == 0) /* there is no memory for the first: nothing is to be sent */
        buf_clear(&sending->sizes);
    else if (!is_in || sending->batch.units >= otlp->most ||
             sending->room.ceiling - sending->room.len < QUEUE_ITEM_BYTES)
        otlp->filling = NULL;
    return is_in;
}

static void queue_batch(struct sending *sending)
{
    struct span rest = sending_items(sending), ends = buf_span(&sending->sizes);
    for (uint32_t size; ends.len > 0; ends = span_from(ends, sizeof size)) {
        memcpy(&size, ends.at, sizeof size);
        struct span item = span_first(rest, size);
        feed_queue(sending->otlp->feed, item, (unsigned)sending_units(sending, item));
        rest = span_from(rest, size);
    }
    sending_land(sending);
}

void otlp_queue_filled(struct otlp *otlp)
{
    for (size_t i = 0; i < UNDER_WAY; i++) {
        struct sending *sending = &otlp->sendings[i];
        if (sending->state == STATE_FILLING && sending != otlp->filling)
            queue_batch(sending);
    }
    if (otlp->filling != NULL) /* the newest */
        queue_batch(otlp->filling);
    otlp->filling = NULL;
}
