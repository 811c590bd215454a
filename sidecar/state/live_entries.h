/* SPDX-License-Identifier: Apache-2.0 */
/* What was put into one list of addresses while the program runs, each for its time: addresses and
 * networks beside those of the configuration. Bounded; kept over a reload; shared by all threads.
 *
 *   have(ip):  nothing is in it: one relaxed load, and no more
 *              else under a read lock: for each length of prefix that occurs, one look
 *
 *   203.0.113.9 --mask /120--> 203.0.113.0/24 --hash--> slot: until 10:42
 *               --mask /128--> 203.0.113.9/32 --hash--> none
 *
 * What was put in is there, and what was taken out is gone, for every look that begins after the
 * call has returned. What has expired is not there, whether it was swept away yet or not. */
#ifndef SIDEGATE_SIDECAR_STATE_LIVE_ENTRIES_H
#define SIDEGATE_SIDECAR_STATE_LIVE_ENTRIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rules/base/ip.h"

struct live_entries;

enum { LIVE_ENTRIES_MOST = 10000, LIVE_REASON_BYTES = 200 };
#define LIVE_FOR_EVER UINT64_MAX

struct live_entry {
    struct network network;
    uint64_t until_us;      /* monotonic; LIVE_FOR_EVER: until it is taken out */
    uint64_t added_wall_us; /* since 1970 */
    struct span reason;     /* may be empty; at most LIVE_REASON_BYTES */
};

/* Holds at most so many. */
struct live_entries *live_entries_new(size_t most);
/* Counted, from any thread. */
struct live_entries *live_entries_take(struct live_entries *entries);
void live_entries_give(struct live_entries *entries); /* NULL allowed */

enum live_put {
    LIVE_ADDED,
    LIVE_CHANGED, /* it was there: time and reason are the new ones */
    LIVE_FULL,    /* nothing was changed */
};
/* Any thread. The reason is copied. What has expired makes room first. */
enum live_put live_entries_put(struct live_entries *entries, const struct live_entry *entry,
                               uint64_t now_us);
/* Any thread. False: there is no such entry. Only the same address and length is it. */
bool live_entries_remove(struct live_entries *entries, const struct network *network,
                         uint64_t now_us);

/* Any thread. Networks of IPv6 that hold all mapped addresses say nothing of IPv4. */
bool live_entries_have(struct live_entries *entries, const struct ip *ip, uint64_t now_us);
size_t live_entries_count(const struct live_entries *entries); /* with expired ones not yet swept */

/* Each that has not expired, in no order, under the lock: `see` must not come back here. */
void live_entries_each(struct live_entries *entries, uint64_t now_us,
                       void (*see)(void *context, const struct live_entry *entry), void *context);
/* Takes out what has expired, and shows each (NULL: nobody looks); when to come again, or
 * LIVE_FOR_EVER. */
uint64_t live_entries_sweep(struct live_entries *entries, uint64_t now_us,
                            void (*see)(void *context, const struct live_entry *entry),
                            void *context);

#endif
