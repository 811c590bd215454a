/* SPDX-License-Identifier: Apache-2.0 */
/* The ledger's arithmetic and its bytes. */
#include "exporters/spool_ledger.h"

#include <string.h>

#include "exporters/crc32c.h"
#include "rules/base/must.h"

/* A slot: this, and zeros up to its end. */
struct slot {
    char mark[8];
    uint32_t bytes, crc; /* over `ledger` */
    struct ledger ledger;
};
static const char slot_mark[8] = {'S', 'G', 'l', 'e', 'd', 'g', 'r', '1'};
_Static_assert(sizeof(struct slot) <= LEDGER_SLOT_BYTES, "a slot has room");

void ledger_init(struct ledger *ledger)
{
    *ledger = (struct ledger){.range_count = 1};
}

static bool comes_after(struct spool_position a, struct spool_position b)
{
    return a.sequence > b.sequence && a.units >= b.units;
}

/* What every ledger has to be like: arithmetic that holds, ranges in their order. */
static bool adds_up(const struct ledger *ledger)
{
    uint64_t settled = 0, lost = 0;
    if (ledger->range_count < 1 || ledger->range_count > LEDGER_RANGES ||
        ledger->ranges[0].from.sequence != 0 || ledger->ranges[0].from.units != 0)
        return false;
    for (size_t i = 0; i < ledger->range_count; i++) {
        const struct spool_range *range = &ledger->ranges[i];
        struct spool_position end =
            i + 1 < ledger->range_count ? ledger->ranges[i + 1].from : ledger->appended;
        bool last = i + 1 == ledger->range_count;
        if ((i > 0 && !comes_after(range->to, range->from)) ||
            (!comes_after(end, range->to) && !(last && end.sequence == range->to.sequence)))
            return false;
        settled += range->to.units - range->from.units;
    }
    for (size_t i = 0; i < LEDGER_REASONS; i++)
        lost += ledger->lost[i];
    return settled + ledger->outside == ledger->sent + lost;
}

static bool slot_read(struct span bytes, struct ledger *ledger)
{
    struct slot slot;
    if (bytes.len < sizeof slot)
        return false;
    memcpy(&slot, bytes.at, sizeof slot);
    if (memcmp(slot.mark, slot_mark, sizeof slot.mark) != 0 || slot.bytes != sizeof slot.ledger ||
        slot.crc != crc32c(0, span_make((const char *)&slot.ledger, sizeof slot.ledger)) ||
        !adds_up(&slot.ledger))
        return false;
    *ledger = slot.ledger;
    return true;
}

static bool is_empty(struct span bytes)
{
    for (size_t i = 0; i < bytes.len; i++) {
        if (bytes.at[i] != 0)
            return false;
    }
    return true;
}

enum ledger_found ledger_read(struct span file, struct ledger *ledger)
{
    struct ledger slots[2];
    bool sound[2], empty[2];
    for (size_t i = 0; i < 2; i++) {
        struct span bytes = span_first(span_from(file, i * LEDGER_SLOT_BYTES), LEDGER_SLOT_BYTES);
        sound[i] = slot_read(bytes, &slots[i]);
        empty[i] = is_empty(bytes);
    }
    ledger_init(ledger);
    if (!sound[0] && !sound[1])
        return empty[0] && empty[1] ? LEDGER_NONE : LEDGER_BROKEN;
    size_t best = sound[0] && (!sound[1] || slots[0].generation > slots[1].generation) ? 0 : 1;
    *ledger = slots[best];
    bool first = ledger->generation == 1 && empty[1 - best];
    return (sound[0] && sound[1]) || first ? LEDGER_SOUND : LEDGER_MENDED;
}

void ledger_write(struct ledger *ledger, struct buf *to, uint64_t *at)
{
    static const char zeros[LEDGER_SLOT_BYTES];
    ledger->generation++;
    must(adds_up(ledger));
    struct slot slot = {.bytes = sizeof slot.ledger, .ledger = *ledger};
    memcpy(slot.mark, slot_mark, sizeof slot.mark);
    slot.crc = crc32c(0, span_make((const char *)&slot.ledger, sizeof slot.ledger));
    buf_add(to, span_make((const char *)&slot, sizeof slot));
    buf_add(to, span_make(zeros, LEDGER_SLOT_BYTES - sizeof slot));
    *at = ledger->generation % 2 * LEDGER_SLOT_BYTES;
}

static void range_remove(struct ledger *ledger, size_t i)
{
    memmove(&ledger->ranges[i], &ledger->ranges[i + 1],
            (ledger->range_count - i - 1) * sizeof ledger->ranges[0]);
    ledger->range_count--;
}

static void range_insert(struct ledger *ledger, size_t i, struct spool_range range)
{
    must(ledger->range_count < LEDGER_RANGES);
    memmove(&ledger->ranges[i + 1], &ledger->ranges[i],
            (ledger->range_count - i) * sizeof ledger->ranges[0]);
    ledger->ranges[i] = range;
    ledger->range_count++;
}

void ledger_settle(struct ledger *ledger, struct spool_range range)
{
    size_t i = 0;
    while (i + 1 < ledger->range_count && ledger->ranges[i + 1].from.sequence < range.to.sequence)
        i++;
    struct spool_range *before = &ledger->ranges[i];
    must(range.from.sequence >= before->to.sequence && range.to.sequence > range.from.sequence);
    bool touches_next =
        i + 1 < ledger->range_count && ledger->ranges[i + 1].from.sequence == range.to.sequence;
    if (before->to.sequence == range.from.sequence) {
        before->to = range.to;
        if (touches_next) {
            before->to = ledger->ranges[i + 1].to;
            range_remove(ledger, i + 1);
        }
    } else if (touches_next) {
        ledger->ranges[i + 1].from = range.from;
    } else {
        range_insert(ledger, i + 1, range);
    }
}

struct spool_position ledger_skip(const struct ledger *ledger, struct spool_position at)
{
    for (size_t i = 0; i < ledger->range_count; i++) {
        const struct spool_range *range = &ledger->ranges[i];
        if (at.sequence >= range->from.sequence && at.sequence < range->to.sequence)
            return range->to;
    }
    return at;
}

struct spool_position ledger_next(const struct ledger *ledger, struct spool_position at,
                                  struct spool_position end)
{
    for (size_t i = 0; i < ledger->range_count; i++) {
        struct spool_position from = ledger->ranges[i].from;
        if (ledger->ranges[i].to.sequence > at.sequence && from.sequence >= at.sequence)
            return from.sequence < end.sequence ? from : end;
    }
    return end;
}

uint64_t ledger_waiting(const struct ledger *ledger)
{
    uint64_t settled = 0;
    for (size_t i = 0; i < ledger->range_count; i++)
        settled += ledger->ranges[i].to.units - ledger->ranges[i].from.units;
    return ledger->appended.units - settled;
}

uint64_t ledger_waiting_records(const struct ledger *ledger)
{
    uint64_t settled = 0;
    for (size_t i = 0; i < ledger->range_count; i++)
        settled += ledger->ranges[i].to.sequence - ledger->ranges[i].from.sequence;
    return ledger->appended.sequence - settled;
}

void ledger_tick(struct ledger *ledger, const struct spool_time *time)
{
    uint64_t before, now;
    if (memcmp(ledger->time.boot, time->boot, sizeof time->boot) == 0) {
        before = ledger->time.monotonic_us;
        now = time->monotonic_us;
    } else {
        before = ledger->time.wall_us;
        now = time->wall_us;
    }
    if (before > 0 && now > before)
        ledger->now_us += now - before;
    ledger->time = *time;
}
