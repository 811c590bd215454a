/* SPDX-License-Identifier: Apache-2.0 */
/* One rule, link by link and value by value, from the cursor on. */
#ifndef SIDEGATE_RULES_EVALUATE_H
#define SIDEGATE_RULES_EVALUATE_H

#include "rules/transaction.h"

enum evaluation {
    EVALUATION_NO,    /* the rule (some link of it) does not match */
    EVALUATION_YES,   /* every link does; their non-disruptive actions have run */
    EVALUATION_PAUSE, /* the slice is used up, or the arena is full: the cursor stands where to go
                         on */
};

/* Puts the cursor before the first link. */
void evaluation_begin(struct inspection *tx, const struct rule *starter);
enum evaluation evaluation_run(struct inspection *tx);

/* The value after the rule's whole chain of transformations. */
struct span transform_all(struct inspection *tx, const struct rule *rule, struct span value);
/* After one transformation. */
struct span transform_one(struct inspection *tx, const struct transformation *by,
                          struct span value);

/* The text with its variables in place; one that is unset leaves nothing. */
struct span macro_expand(struct inspection *tx, const struct macro *macro);

/* The operator's argument, ready to run. */
struct span argument_expand(struct inspection *tx, const struct operator* operator);

/* The non-disruptive actions of a link that has just matched. */
void actions_run(struct inspection *tx, const struct rule *link);

#endif
