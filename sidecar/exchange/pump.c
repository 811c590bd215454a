/* SPDX-License-Identifier: Apache-2.0 */
/* Source to sink, by credit. */
#include "sidecar/exchange/pump.h"

#include <string.h>

enum { RATE_GRACE_US = 5000000 };

void pump_start(struct pump *pump, struct source *from, struct sink *to, struct span held,
                uint64_t limit, uint64_t now_us)
{
    *pump = (struct pump){.from = from,
                          .to = to,
                          .held = held,
                          .state = PUMP_RUNNING,
                          .limit = limit,
                          .began_us = now_us,
                          .moved_us = now_us};
}

static void tap(struct pump_tap *tap, struct span bytes)
{
    bytes = span_first(bytes, sizeof tap->at - tap->len);
    if (bytes.len > 0)
        memcpy(tap->at + tap->len, bytes.at, bytes.len);
    tap->len += bytes.len;
}

/* One step: held text first, so that the bytes keep their order. False: nothing more moves now. */
static bool move_some(struct pump *pump, uint64_t now_us)
{
    struct span bytes = pump->held.len > 0   ? pump->held
                        : pump->from != NULL ? pump->from->ops->peek(pump->from)
                                             : (struct span){NULL, 0};
    if (bytes.len == 0) {
        pump->wait = PUMP_WAITS_FOR_SOURCE;
        return false;
    }
    size_t room = pump->to->ops->room(pump->to);
    if (room == 0) {
        pump->wait = PUMP_WAITS_FOR_SINK;
        return false;
    }
    bytes = span_first(bytes, room);
    if (pump->limit != 0 && pump->moved + bytes.len > pump->limit) {
        pump->state = PUMP_OVER;
        return false;
    }
    if (pump->tap != NULL)
        tap(pump->tap, bytes);
    pump->to->ops->write(pump->to, bytes);
    if (pump->held.len > 0)
        pump->held = span_from(pump->held, bytes.len);
    else
        pump->from->ops->consume(pump->from, bytes.len);
    pump->moved += bytes.len;
    pump->moved_us = now_us;
    return true;
}

static void look_for_the_end(struct pump *pump)
{
    if (pump->held.len > 0)
        return;
    enum source_state state = pump->from ? pump->from->ops->state(pump->from) : SOURCE_ENDED;
    if (state == SOURCE_BROKEN)
        pump->state = PUMP_BROKEN;
    if (state != SOURCE_ENDED)
        return;
    pump->to->ops->end(pump->to, pump->from ? pump->from->ops->trailers(pump->from) : NULL);
    pump->state = PUMP_DONE;
}

enum pump_state pump_move(struct pump *pump, uint64_t now_us)
{
    if (pump->state != PUMP_RUNNING)
        return pump->state;
    while (move_some(pump, now_us)) {
    }
    if (pump->state == PUMP_RUNNING)
        look_for_the_end(pump);
    return pump->state;
}

uint64_t pump_deadline(const struct pump *pump, uint64_t idle_us, uint64_t rate)
{
    uint64_t deadline = pump->moved_us + idle_us;
    if (rate == 0)
        return deadline;
    /* At `rate`, the bytes moved so far are worth this much time; with the grace that is how long
     * it may have taken. */
    uint64_t earned = pump->began_us + RATE_GRACE_US + pump->moved * 1000000 / rate;
    return earned < deadline ? earned : deadline;
}
