/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies on their way in: which parser they get, what is kept of them, what was wrong. */
#ifndef SIDEGATE_RULES_BODIES_H
#define SIDEGATE_RULES_BODIES_H

#include "rules/transaction.h"

/* By Content-Type; JSON and XML come by ctl:requestBodyProcessor alone. */
enum processor processor_of(struct span content_type);
/* False: no such processor. */
bool processor_find(struct span name, enum processor *out);
struct span processor_name(enum processor processor);
/* The query's arguments, which count against the same limit as the body's. */
void query_parse(struct inspection *tx);

#endif
