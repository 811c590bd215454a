/* SPDX-License-Identifier: Apache-2.0 */
/* Moves a body from its source to its sink, no faster than the sink has room. First goes what was
 * held back for inspection, then what is still to come. */
#ifndef SIDEGATE_SIDECAR_EXCHANGE_PUMP_H
#define SIDEGATE_SIDECAR_EXCHANGE_PUMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sidecar/wire/peer.h"

enum pump_state {
    PUMP_OFF, /* not started */
    PUMP_RUNNING,
    PUMP_DONE,   /* the sink has the whole body, its end too */
    PUMP_BROKEN, /* the source broke off */
    PUMP_OVER,   /* more than `limit` bytes came */
};

enum pump_wait { /* what a running pump stands still for */
                 PUMP_WAITS_FOR_SOURCE,
                 PUMP_WAITS_FOR_SINK,
};

/* The first bytes of a body that somebody wants to see. */
enum { PUMP_TAP_BYTES = 2048 };
struct pump_tap {
    size_t len;
    char at[PUMP_TAP_BYTES];
};

struct pump {
    struct source *from; /* NULL: the held text is all there is */
    struct sink *to;
    struct span held;
    enum pump_state state;
    enum pump_wait wait;
    uint64_t moved;       /* bytes, held ones included */
    uint64_t limit;       /* of bytes; 0: none */
    uint64_t began_us;    /* when it was started */
    uint64_t moved_us;    /* when it last moved something */
    struct pump_tap *tap; /* NULL: nobody wants to; set behind pump_start() */
};

void pump_start(struct pump *pump, struct source *from, struct sink *to, struct span held,
                uint64_t limit, uint64_t now_us);
/* Moves what can be moved now. */
enum pump_state pump_move(struct pump *pump, uint64_t now_us);
/* When it must have moved something, by idle time and by rate (bytes a second, after 5 s; 0: no
 * rate). */
uint64_t pump_deadline(const struct pump *pump, uint64_t idle_us, uint64_t rate);

#endif
