/* SPDX-License-Identifier: Apache-2.0 */
/* Reading: a lane's next records that are neither settled nor out, whatever became of the bytes.
 *
 * A cursor knows by the frames what place it stands at; where the next frame it finds stands
 * further on, what lies between is lost, and its units are known. */
#include <string.h>

#include "exporters/spool_inside.h"
#include "rules/base/must.h"

/* ---- what is free ---- */

static bool is_within(const struct spool_range *range, struct spool_position at)
{
    return at.sequence >= range->from.sequence && at.sequence < range->to.sequence;
}

struct spool_position spool_free_from(const struct spool *spool, struct spool_position at)
{
    for (;;) {
        struct spool_position before = at;
        at = ledger_skip(&spool->ledger, at);
        for (size_t i = 0; i < spool->out_count; i++) {
            if (is_within(&spool->out[i], at))
                at = spool->out[i].to;
        }
        if (at.sequence == before.sequence)
            return at;
    }
}

struct spool_position spool_free_to(const struct spool *spool, struct spool_position at,
                                    struct spool_position end)
{
    end = ledger_next(&spool->ledger, at, end);
    for (size_t i = 0; i < spool->out_count; i++) {
        struct spool_position from = spool->out[i].from;
        if (from.sequence >= at.sequence && from.sequence < end.sequence)
            end = from;
    }
    return end;
}

/* ---- moving on ---- */

/* The segment that has `at`: the last one that begins there or before; SIZE_MAX: none. */
static size_t segment_of(const struct spool *spool, struct spool_position at)
{
    size_t i = SIZE_MAX;
    while (i + 1 < spool->segment_count && spool->segments[i + 1].first.sequence <= at.sequence)
        i++;
    return i;
}

/* What stands at a place. */
struct seen {
    bool is_shut;              /* nobody knows: the file cannot be read now */
    bool is_gap;               /* up to `gap` nothing can be read; else `frame` is filled */
    struct spool_position gap; /* ahead */
    struct frame frame;
    size_t used; /* bytes of the frame: the cursor has to be moved behind it */
};

/* What a frame says of a place can be true: it lies ahead, within its segment. */
static bool is_ahead(struct spool_position at, struct spool_position from, struct spool_position to)
{
    return at.sequence > from.sequence && at.units >= from.units && at.sequence <= to.sequence &&
           at.units <= to.units;
}

static bool is_here(const struct frame *frame, struct spool_position at, struct spool_position end)
{
    return frame->at.sequence == at.sequence && frame->at.units == at.units &&
           at.sequence < end.sequence && frame->units <= end.units - at.units;
}

/* At `at`, which lies in the i-th segment. */
static struct seen look(struct spool *spool, struct spool_cursor *cursor, size_t i,
                        struct spool_position at)
{
    const struct segment *segment = &spool->segments[i];
    struct spool_position end = spool_segment_end(spool, i);
    struct seen seen = {.is_gap = true, .gap = end};
    if (cursor->named != segment->named || cursor->offset == 0 ||
        cursor->at.sequence > at.sequence) {
        cursor->named = segment->named;
        cursor->offset = SEGMENT_HEAD_BYTES;
    }
    cursor->window.error = 0;
    for (;;) {
        enum frame_found found = segment_read(spool->folder, &cursor->window, segment,
                                              cursor->offset, &seen.frame, &seen.used);
        seen.is_shut = cursor->window.error != 0;
        if (seen.is_shut)
            return seen;
        if (found == FRAME_END || found == FRAME_MORE)
            return seen;
        if (found == FRAME_WHOLE && is_here(&seen.frame, at, end)) {
            seen.is_gap = false;
            return seen;
        }
        if (is_ahead(seen.frame.at, at, end)) {
            if (found == FRAME_SKIPPED)
                cursor->offset += seen.used;
            cursor->at = seen.gap = seen.frame.at;
            return seen;
        }
        cursor->offset += seen.used;
        cursor->at = at; /* nothing before it is looked for again */
    }
}

/* ---- batches ---- */

struct reading {
    struct spool_cursor *cursor;
    struct spool_position at, stop;
    size_t segment; /* of the batch's records; SIZE_MAX: there are none yet */
    unsigned most_units;
    struct buf *to;
    struct spool_batch *batch;
};

static bool is_expired(const struct spool *spool, const struct frame *frame)
{
    uint64_t age = spool->settings.most_age_us;
    return age > 0 && frame->when_us + age < spool->ledger.now_us;
}

/* False: it belongs to the next batch. */
static bool take_record(const struct spool *spool, struct reading *reading,
                        const struct frame *frame)
{
    struct spool_batch *batch = reading->batch;
    if (is_expired(spool, frame)) {
        batch->expired += frame->units;
        return true;
    }
    if (batch->records > 0 &&
        (batch->units + frame->units > reading->most_units || batch->signal != frame->signal))
        return false;
    if (!buf_add(reading->to, frame->record)) {
        reading->to->full = false;
        if (batch->records > 0)
            return false;
        batch->corrupt += frame->units; /* nobody has room for it */
        return true;
    }
    batch->signal = frame->signal;
    batch->records++;
    batch->units += frame->units;
    return true;
}

/* One record or one gap further; false: the batch ends here. */
static bool read_on(struct spool *spool, struct reading *reading)
{
    size_t i = segment_of(spool, reading->at);
    if (reading->batch->records > 0 && i != reading->segment)
        return false;
    struct seen seen = {.is_gap = true, .gap = spool->ledger.appended};
    if (i != SIZE_MAX)
        seen = look(spool, reading->cursor, i, reading->at);
    else if (spool->segment_count > 0)
        seen.gap = spool->segments[0].first;
    if (seen.is_shut)
        return false;
    if (seen.is_gap) {
        if (seen.gap.sequence > reading->stop.sequence)
            seen.gap = reading->stop;
        reading->batch->corrupt += seen.gap.units - reading->at.units;
        reading->at = seen.gap;
        return true;
    }
    if (!take_record(spool, reading, &seen.frame))
        return false;
    reading->segment = i;
    reading->at.sequence++;
    reading->at.units += seen.frame.units;
    reading->cursor->offset += seen.used;
    reading->cursor->at = reading->at;
    return true;
}

/* False: it cannot be read now. */
static bool preamble_find(struct spool *spool, size_t i)
{
    const struct segment *segment = &spool->segments[i];
    if (spool->batch_preamble_of == segment->named)
        return true;
    bool found = segment_preamble(spool->folder, segment, &spool->batch_preamble);
    spool->batch_preamble_of = found ? segment->named : UINT64_MAX;
    return found;
}

/* Counts what was lost on the way. */
static void settle(struct spool *spool, const struct spool_batch *batch)
{
    ledger_settle(&spool->ledger, batch->range);
    spool->ledger.lost[DROP_CORRUPT] += batch->corrupt;
    spool->ledger.lost[DROP_EXPIRED] += batch->expired;
    spool->dirty = true;
}

bool spool_read(struct spool *spool, enum spool_lane lane, unsigned most_units, struct buf *to,
                struct spool_batch *batch)
{
    struct spool_position from = lane == SPOOL_FRESH ? spool->split : (struct spool_position){0, 0};
    struct spool_position end = lane == SPOOL_FRESH ? spool->ledger.appended : spool->split;
    if (spool->out_count == SPOOL_BATCHES)
        return false;
    for (;;) {
        *batch = (struct spool_batch){.signal = 0};
        struct spool_position at = spool_free_from(spool, from);
        if (at.sequence >= end.sequence)
            return false;
        struct reading reading = {
            .cursor = &spool->cursors[lane],
            .at = at,
            .stop = spool_free_to(spool, at, end),
            .segment = SIZE_MAX,
            .most_units = most_units,
            .to = to,
            .batch = batch,
        };
        while (reading.at.sequence < reading.stop.sequence && batch->units < most_units &&
               read_on(spool, &reading)) {
        }
        batch->range = (struct spool_range){at, reading.at};
        must(reading.at.units - at.units == batch->units + batch->corrupt + batch->expired);
        if (batch->records > 0) {
            if (!preamble_find(spool, reading.segment))
                return false;
            batch->preamble = buf_span(&spool->batch_preamble);
            spool->out[spool->out_count++] = batch->range;
            spool->dirty = true; /* the ledger says what is under way */
            return true;
        }
        if (reading.at.sequence == at.sequence)
            return false; /* it is tried again */
        settle(spool, batch);
    }
}

static void take_back(struct spool *spool, const struct spool_batch *batch)
{
    size_t i = 0;
    while (i < spool->out_count && spool->out[i].from.sequence != batch->range.from.sequence)
        i++;
    must(i < spool->out_count);
    spool->out[i] = spool->out[--spool->out_count];
    spool->dirty = true;
}

void spool_settle(struct spool *spool, const struct spool_batch *batch, uint64_t lost,
                  enum drop_reason reason)
{
    must(lost <= batch->units);
    take_back(spool, batch);
    settle(spool, batch);
    spool->ledger.sent += batch->units - lost;
    spool->ledger.lost[reason] += lost;
}

void spool_return(struct spool *spool, const struct spool_batch *batch)
{
    take_back(spool, batch);
}
