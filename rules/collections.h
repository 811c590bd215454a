/* SPDX-License-Identifier: Apache-2.0 */
/* What rules write: TX, ENV, and the persistent collections IP, GLOBAL, SESSION, USER, RESOURCE. */
#ifndef SIDEGATE_RULES_COLLECTIONS_H
#define SIDEGATE_RULES_COLLECTIONS_H

#include "rules/transaction.h"

/* at NULL: unset, or a collection that nobody opened. */
struct span collection_get(struct inspection *tx, enum variable collection, struct span name);
/* The same with its name as it was first written, where that is known. */
struct pair collection_pair(struct inspection *tx, enum variable collection, struct span name);
/* Text is kept as it is given: it must live as long as the inspection. A persistent collection
 * that nobody opened takes nothing; GLOBAL needs nobody to. */
void collection_set(struct inspection *tx, enum variable collection, struct span name,
                    struct span value);
void collection_unset(struct inspection *tx, enum variable collection, struct span name);
/* All of TX or ENV, in the order in which they were first set; of a persistent collection what was
 * stored. A copy: rules may write while it is walked. */
struct values collection_list(struct inspection *tx, enum variable collection);
/* initcol, setsid, setuid, setrsc. */
void collection_open(struct inspection *tx, enum variable collection, struct span key);
/* Seconds since some transaction wrote it; 0: never, or none that is kept. */
uint64_t collection_idle_seconds(struct inspection *tx, enum variable collection);
void collection_expire(struct inspection *tx, enum variable collection, struct span name,
                       uint64_t seconds);
/* TX:0 to TX:9; those beyond the count are unset. */
void captures_set(struct inspection *tx, const struct captures *captures);

#endif
