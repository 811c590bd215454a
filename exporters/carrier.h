/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP requests of many senders, under way at once, over one of libcurl's multi handles: nothing
 * here ever blocks. One thread. */
#ifndef SIDEGATE_EXPORTERS_CARRIER_H
#define SIDEGATE_EXPORTERS_CARRIER_H

#include <stdbool.h>
#include <stdint.h>

struct carrier;

/* One request; part of whatever its sender knows about it. */
struct flight {
    void *easy; /* a CURL, made and cleaned up by its sender */
    /* It has landed: `result` is a CURLcode. May send the next one at once. */
    void (*on_done)(struct flight *flight, int result, uint64_t now_us);
    bool is_up; /* the carrier's */
};

void carrier_library(void); /* libcurl is ready from here on; any thread */
struct carrier *carrier_new(void);
void carrier_free(struct carrier *carrier); /* NULL allowed; nothing is under way */

/* `flight` stays where it is until it is done or carrier_cancel() was called. Takes CURLOPT_PRIVATE
 * of its easy handle. */
void carrier_send(struct carrier *carrier, struct flight *flight);
void carrier_cancel(struct carrier *carrier, struct flight *flight); /* on_done() is not called */

/* Moves everything that can be moved; `now_us` of the monotonic clock. */
void carrier_turn(struct carrier *carrier, uint64_t now_us);
/* Waits until a socket or `fd` (-1: none) is ready, at most so long; true: `fd` is. */
bool carrier_wait(struct carrier *carrier, int fd, int timeout_ms);

#endif
