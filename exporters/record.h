/* SPDX-License-Identifier: Apache-2.0 */
/* A report as bytes that another thread, or the next child, can read: numbers and texts one after
 * the other, lengths before the texts, no pointer.
 *
 *   | version | numbers of report | ids  | given | texts | attempts | stages | decisions | ...
 *     8 bytes   as wide as each is  56 B   |       |
 *                                          |       +-- length (4 bytes), bytes, NUL
 *                                          +-- 8 bytes: bits of flags, and of texts that follow
 *
 * Texts have a longest size each and a budget together, so that the worst request still makes a
 * record: what is too long is cut, and ids and counts are always whole. */
#ifndef SIDEGATE_EXPORTERS_RECORD_H
#define SIDEGATE_EXPORTERS_RECORD_H

#include <stdbool.h>
#include <stddef.h>

#include "exporters/report.h"

enum {
    RECORD_VERSION = 14,
    RECORD_STAGES = 64, /* what a record holds of each; beyond: cut */
    RECORD_MATCHES = 256,
    RECORD_TAGS = 16, /* of one match */
    RECORD_FIXED_BYTES = 64 * 1024,
    RECORD_TEXT_BYTES = 64 * 1024,
    RECORD_BYTES = RECORD_FIXED_BYTES + RECORD_TEXT_BYTES, /* without what is audited */

    RECORD_FIELDS = 256, /* of a head */
    RECORD_FILES = 64,
    RECORD_AUDIT_FIXED_BYTES = 8 * 1024,
    RECORD_AUDIT_TEXT_BYTES = 320 * 1024, /* heads and bodies; what is beyond is cut */
    RECORD_HEADS_TEXT_BYTES = 64 * 1024,  /* heads without bodies: for AWS WAF's log */
    RECORD_LARGEST_BYTES = RECORD_BYTES + RECORD_AUDIT_FIXED_BYTES + RECORD_AUDIT_TEXT_BYTES,
};

/* The room that folding may take: RECORD_BYTES, or more where heads or bodies are wanted. */
size_t record_room(const struct report *report);
/* `to` has record_room(). Returns the size. */
size_t record_fold(const struct report *report, char *to);

/* A record seen as a report again. Its spans borrow from the bytes, its arrays lie here. */
struct record_view {
    struct report report;
    struct report_stage stages[RECORD_STAGES];
    struct report_decision decisions[REPORT_DECISIONS];
    struct report_waf_rule rules[REPORT_DECISIONS];
    struct span labels[REPORT_LABELS];
    struct pair inserted[REPORT_INSERTED];
    struct pair members[REPORT_MEMBERS];
    struct rule_match matches[RECORD_MATCHES];
    struct span tags[RECORD_MATCHES * RECORD_TAGS];
    struct pair request_fields[RECORD_FIELDS], response_fields[RECORD_FIELDS];
    struct report_file files[RECORD_FILES];
};

/* False: not a whole record of this version; nothing in `view` may be used then. */
bool record_read(struct span record, struct record_view *view);

#endif
