/* SPDX-License-Identifier: Apache-2.0 */
/* The logs, as a table: what each is called, what it wants, who makes its items. A new log is a row
 * of destinations.tbl, its two functions in destinations.c and a formatter in a file of its own. */
#ifndef SIDEGATE_EXPORTERS_DESTINATIONS_H
#define SIDEGATE_EXPORTERS_DESTINATIONS_H

#include "exporters/exporter.h"
#include "exporters/writer.h"

struct plan;
struct outlets;

/* What the functions that make items work with. They fill `line` or, for what may be longer,
 * `record`, and say items_put() after each item. */
struct items {
    const struct plan *plan;
    const struct report *report;
    enum destination destination;
    bool again; /* outlets_add() */
    struct outlets *outlets;
    struct buf line;            /* up to QUEUE_ITEM_BYTES */
    struct buf record;          /* up to QUEUE_LARGEST_BYTES */
    struct buf scratch, larger; /* of the same sizes */
};
/* `item`, line or record, is whole and worth `units`: it goes to the log's queues and is cleared.
 * One that ran over its ceiling is counted as rejected. */
void items_put(struct items *items, struct buf *item, unsigned units);
/* The same where what goes elsewhere, `text`, is not what the log's own file gets. */
void items_put_both(struct items *items, struct buf *item, const struct buf *text, unsigned units);

struct log_destination {
    const char *names[SINKS]; /* of the log, and of its receivers elsewhere: "access_log.syslog" */
    const char *unit;
    enum writer_kind kind;
    unsigned (*units)(const struct report *report);
    void (*add)(struct items *items, const struct report *report);
};
const struct log_destination *log_destination(enum destination destination); /* < LOGS */

/* Of its figures: "logs", "traces". */
const char *log_signal(enum destination destination);

/* How much a report is to a destination, in its unit: lines, records, spans. 0: it does not go
 * there. */
unsigned report_units(const struct report *report, enum destination destination);

#endif
