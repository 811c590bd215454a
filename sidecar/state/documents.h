/* SPDX-License-Identifier: Apache-2.0 */
/* What was fetched from servers, by where it came from: the last good one of each, and one that
 * came since and that nobody has judged yet. Shared by the thread that fetches and the one that
 * reads; outlives snapshots.
 *
 *              offer                 judge: good
 *   fetched ----------> unjudged --------------------> good (and into a file, where there is a
 * folder) |        judge: bad
 *                          `----------------> forgotten but for its hash and the reason: the good
 *                                             one stands
 *
 * The folder's files have the good ones over a restart; a file that is not whole is not there. What
 * nobody holds any more is forgotten, its file too. */
#ifndef SIDEGATE_SIDECAR_STATE_DOCUMENTS_H
#define SIDEGATE_SIDECAR_STATE_DOCUMENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rules/base/span.h"

struct documents;

/* Frozen and counted. */
struct document {
    struct span bytes;
    uint64_t hash;
    struct span etag, last_modified; /* as the server said; empty: it did not */
    uint64_t fetched_wall_us;        /* since 1970 */
};
struct document *document_take(struct document *document);
void document_give(struct document *document); /* NULL allowed */

struct documents *documents_new(void);
void documents_free(struct documents *documents); /* NULL allowed */
/* From now on good ones are written into this folder, and what is not known yet is looked for
 * there. at == NULL: none. */
void documents_keep_in(struct documents *documents, struct span folder);

/* Whoever needs what comes from there says so; the last one that leaves takes it along: what is
 * known of it, and, once files were swept, its file. */
void documents_hold(struct documents *documents, struct span from);
void documents_leave(struct documents *documents, struct span from);
/* A configuration is in force: files go that nobody holds, of an earlier one or an earlier process;
 * a folder is one process's. */
void documents_sweep(struct documents *documents);

enum documents_offer {
    OFFER_NEW,  /* to be judged */
    OFFER_SAME, /* it is what the good one is */
    OFFER_BAD,  /* it was judged bad before */
};
/* Copies. A later one takes the place of an unjudged one. */
enum documents_offer documents_offer(struct documents *documents, struct span from,
                                     const struct document *fetched);
/* The server says that the good one is what it has (a 304). */
void documents_confirm(struct documents *documents, struct span from);

/* Counted; NULL: there is none. */
struct document *documents_unjudged(struct documents *documents, struct span from);
struct document *documents_good(struct documents *documents, struct span from);
/* Of what documents_unjudged() gave. `bad`: why it is; NULL: it is good. */
void documents_judge(struct documents *documents, struct span from, struct document *document,
                     const char *bad);
/* Whether what came last was judged bad, and why. */
bool documents_is_bad(struct documents *documents, struct span from, char *why, size_t size);

/* How long until it is asked for again: after so many failures in a row sooner; by chance up to a
 * tenth less, so that not all who began together ask together. */
uint64_t documents_wait_us(uint64_t refresh_us, unsigned failures, uint64_t chance);

/* Changes whenever there is something to be judged. */
uint64_t documents_generation(const struct documents *documents);

#endif
