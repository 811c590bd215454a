/* SPDX-License-Identifier: Apache-2.0 */
/* What somebody who looks on is told while rules run: each value that an operator was tried on,
 * each transformation, what became of each link, what was written. Nobody looks on in the traffic
 * of every day; a question then costs one comparison. */
#ifndef SIDEGATE_RULES_WATCH_H
#define SIDEGATE_RULES_WATCH_H

#include <stdbool.h>

#include "rules/base/span.h"

struct rule;

enum watched {
    WATCHED_LINK,        /* `rule` (a link) begins: `name` operator, `value` its argument */
    WATCHED_TRANSFORMED, /* `name` transformation, `value` after it */
    WATCHED_TRIED,       /* `name` variable, `value` as the operator saw it, `yes` it matched */
    WATCHED_RETURNED,    /* the link is over; `yes` it matched */
    WATCHED_REMOVED,     /* the rule was passed over: some ctl:ruleRemove... named it */
    WATCHED_PASSED,      /* the rule was passed over: `name` says by what, skip or allow */
    WATCHED_ACTED,       /* `name` ctl or another action ran, with `value` */
    WATCHED_OPENED,      /* `name` collection was opened under the key `value` */
    WATCHED_DECIDED, /* a rule matched: `name` is its disruptive action, `yes` it is carried out */
    WATCHED_STORED,  /* `name` variable, `value` what a rule wrote; at NULL: removed */
};

struct watched_event {
    enum watched kind;
    const struct rule *rule; /* NULL where no rule is at work */
    struct span name, value;
    bool yes;
    struct span raw;   /* TRIED: the value before its transformations */
    struct span found; /* TRIED: what the operator found in it; at NULL: it does not say */
};

#endif
