/* SPDX-License-Identifier: Apache-2.0 */
/* What waits for one destination: items (a log line, the spans of a request) in the order they
 * came, bounded in number and in bytes. Where there is no room the oldest are dropped. Every item
 * is worth some units (lines, spans), and at every moment
 *
 *      produced = sent + dropped + waiting          (waiting: queued, or in a sender's hand)
 *
 * Any thread. */
#ifndef SIDEGATE_EXPORTERS_QUEUE_H
#define SIDEGATE_EXPORTERS_QUEUE_H

#include "exporters/exporter.h"

struct queue;

/* Where an account may stand, so that it outlives the process: zeroed at first. */
struct queue_account {
    _Atomic uint64_t produced, sent, resent, dropped[DROP_REASONS];
};

struct queue *queue_new(size_t records);
void queue_free(struct queue *queue); /* NULL allowed */
void queue_limit(struct queue *queue, size_t records);
void queue_limit_units(struct queue *queue, uint64_t units); /* one item fits; 0: any number */
/* To be called before anything is put: the account stands there (borrowed; no other queue has it)
 * and goes on from what an earlier owner left: what that had neither sent nor dropped is lost, for
 * `reason`. */
void queue_keep(struct queue *queue, struct queue_account *at, enum drop_reason reason);
/* Right behind that, where the process is still to be told of all that its ring ever lost: what an
 * earlier one was told is taken out. */
void queue_forget_ring_full(struct queue *queue);
/* The account goes on in the queue; what stands there stays, for the next owner. */
void queue_let_go(struct queue *queue);
/* Likewise, and nothing stands there: somewhere else has it for the next owner. */
void queue_take_back(struct queue *queue);

void queue_put(struct queue *queue, struct span item, unsigned units);
/* Units that went past it, straight into a sender's hand: as if they had been put and taken. */
void queue_pass(struct queue *queue, uint64_t units);
/* An item in hand that is to wait after all, behind what is queued; produced stays what it is. */
void queue_requeue(struct queue *queue, struct span item, unsigned units);
/* Units that were lost before they came here. */
void queue_lost(struct queue *queue, uint64_t units, enum drop_reason reason);

/* Moves whole items to the end of `to`, as many as keep within its ceiling and within `most`
 * units, but at least one; returns their units, 0 where nothing is queued. They are in the
 * caller's hand until queue_sent() or queue_dropped(). */
unsigned queue_take(struct queue *queue, struct buf *to, unsigned most);
void queue_sent(struct queue *queue, uint64_t units);
void queue_dropped(struct queue *queue, uint64_t units, enum drop_reason reason);
/* Everything queued is given up; returns its units. */
uint64_t queue_abandon(struct queue *queue, enum drop_reason reason);

uint64_t queue_units(struct queue *queue); /* queued, not in hand */
size_t queue_bytes(struct queue *queue);   /* likewise */
/* From now on it holds so many bytes, at least two of the largest items, and any number of them. */
void queue_resize(struct queue *queue, size_t bytes);
/* How many items were ever put and what they were worth, and the number (from 0) of the oldest that
 * is still queued; the same where none is. */
uint64_t queue_put_count(struct queue *queue);
uint64_t queue_put_units(struct queue *queue);
uint64_t queue_oldest(struct queue *queue);
/* What an earlier process left: it counts as if it had come through here, `waiting` in hand. */
void queue_carry(struct queue *queue, const struct destination_figures *earlier);
/* Units that were dropped here: without what an earlier process had dropped. */
uint64_t queue_dropped_here(struct queue *queue, enum drop_reason reason);
/* Units in hand are somebody else's affair from now on: as if they had never been produced. */
void queue_leave(struct queue *queue, uint64_t units);
/* What nobody who takes from this queue had in hand: units that were dropped before, since it was
 * made, and what the account that it goes on with (queue_keep()) had already. */
struct queue_early {
    uint64_t sent, resent, dropped[DROP_REASONS];
};
void queue_early(struct queue *queue, struct queue_early *early);
/* Units that were sent once more without anybody knowing what became of the first time. */
void queue_resent(struct queue *queue, uint64_t units);
/* Fills the numbers; name, signal and on are the caller's. */
void queue_figures(struct queue *queue, struct destination_figures *out);

/* The largest line or set of spans, and the largest item of all: an audited transaction, whose
 * bytes may take six each in JSON. */
enum { QUEUE_ITEM_BYTES = 512 * 1024, QUEUE_LARGEST_BYTES = 3 * 1024 * 1024 };

#endif
