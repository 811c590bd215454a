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

bool otlp_filled(struct otlp *otlp, size_t from, unsigned units)
{
    struct sending *sending = otlp->filling;
    bool fits = from == HEAD_BYTES || sending->batch.units + units <= otlp->most;
    uint32_t size = (uint32_t)(sending->room.len - from);
    fits = fits && buf_add(&sending->sizes, span_make((const char *)&size, sizeof size));
    if (fits)
        feed_pass(otlp->feed, &sending->batch, units);
    if (sending->batch.units == 0) /* there is no memory for the first: nothing is to be sent */
        buf_clear(&sending->sizes);
    else if (!fits || sending->batch.units >= otlp->most ||
             sending->room.ceiling - sending->room.len < QUEUE_ITEM_BYTES)
        otlp->filling = NULL;
    return fits;
}

static void queue_items(struct sending *sending)
{
    struct span rest = sending_items(sending), ends = buf_span(&sending->sizes);
    for (uint32_t size; ends.len > 0; ends = span_from(ends, sizeof size)) {
        memcpy(&size, ends.at, sizeof size);
        struct span item = span_first(rest, size);
        feed_queue(sending->otlp->feed, item, (unsigned)sending_units(sending, item));
        rest = span_from(rest, size);
    }
}

void otlp_queue_filled(struct otlp *otlp)
{
    for (size_t i = 0; i < UNDER_WAY; i++) {
        struct sending *sending = &otlp->sendings[i];
        if (sending->state != STATE_FILLING)
            continue;
        queue_items(sending);
        sending_land(sending);
    }
    otlp->filling = NULL;
}
