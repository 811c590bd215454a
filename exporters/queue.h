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

struct queue *queue_new(size_t records);
void queue_free(struct queue *queue); /* NULL allowed */
void queue_limit(struct queue *queue, size_t records);

void queue_put(struct queue *queue, struct span item, unsigned units);
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
/* Fills the numbers; name, signal and on are the caller's. */
void queue_figures(struct queue *queue, struct destination_figures *out);

/* The largest line or set of spans, and the largest item of all: an audited transaction, whose
 * bytes may take six each in JSON. */
enum { QUEUE_ITEM_BYTES = 512 * 1024, QUEUE_LARGEST_BYTES = 3 * 1024 * 1024 };

#endif
