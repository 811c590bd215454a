/* SPDX-License-Identifier: Apache-2.0 */
/* Orders that change something go by here, one after the other: the log of changes is opened and
 * has room before an order is carried out, and holds its records before it is answered. What may
 * block, the lock and the disk, is a thread's; the loop goes on.
 *
 *   take --> log is opened (thread) --> act: carried out, records handed over (loop)
 *                 |                        |
 *                 v                        v
 *           act with a fault:      records on the disk (thread) --> end (loop)
 *           nothing is done, over
 */
#ifndef SIDEGATE_SIDECAR_CHANGE_DESK_H
#define SIDEGATE_SIDECAR_CHANGE_DESK_H

#include "rules/base/list.h"
#include "sidecar/change_log.h"
#include "sidecar/loop/loop.h"

struct change_desk;

/* A log that an order is written down in. */
struct change_place {
    struct span path; /* terminated; at == NULL: none */
    struct change_rotation rotation;
    bool is_optional; /* the order is carried out without it, too */
};
enum { CHANGE_PLACES = 2 };

/* An order; it stays where it is until it is over. All are called on the loop. */
struct change_turn {
    struct list link;
    struct change_place places[CHANGE_PLACES]; /* borrowed until it has come */
    /* It has come: `places` are said now, for a turn before may have moved them. NULL: they stand
     * there. */
    void (*come)(struct change_turn *turn);
    /* `fault` NULL: now; else it must not be, and there is no end. */
    void (*act)(struct change_turn *turn, const struct change_fault *fault);
    /* `fault`: a record is missing, which was told. */
    void (*end)(struct change_turn *turn, const struct change_fault *fault);
};

/* `lacks`: of each record that could not be written, on the loop. */
struct change_desk *change_desk_new(struct loop *loop,
                                    void (*lacks)(void *context, const char *what, const char *why),
                                    void *context);
void change_desk_take(struct change_desk *desk, struct change_turn *turn);
/* Within act: a record for the log of that name. */
void change_desk_write(struct change_desk *desk, struct span path, const struct change *change);
/* Turns the loop until all orders are over, at most until the deadline (monotonic clock). False:
 * the disk hangs; orders stay as they are. */
bool change_desk_finish(struct change_desk *desk, uint64_t deadline_us);
/* After change_desk_finish(). Orders that are not over are over without a word, and their logs are
 * let go of as soon as the disk lets us. The desk then stays in memory for good, for its mail may
 * come yet, and the loop may turn on. NULL allowed. */
void change_desk_free(struct change_desk *desk);

#endif
