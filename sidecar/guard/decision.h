/* SPDX-License-Identifier: Apache-2.0 */
/* What a guard came to, with the reason that log, span, counters and explain show. A request that
 * nobody minds has none. */
#ifndef SIDEGATE_SIDECAR_GUARD_DECISION_H
#define SIDEGATE_SIDECAR_GUARD_DECISION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rules/base/span.h"

struct rate_settings;

enum decision_kind {
    DECISION_COUNT,       /* noted; the request goes on */
    DECISION_ALLOW,       /* no further entry is asked; of a web ACL: none of its rules */
    DECISION_BLOCK,       /* answered with `status` */
    DECISION_WOULD_ALLOW, /* the same, of a control in detection_only: the request goes on */
    DECISION_WOULD_BLOCK,
};
/* "count", "allow", "block", "would_allow", "would_block". */
const char *decision_word(enum decision_kind kind);

/* What who is blocked is answered, where it is not a page of ours. */
struct guard_answer {
    unsigned status;
    struct span type, body; /* empty: none */
    const struct pair *fields;
    size_t field_count;
};

/* The rule of a web ACL that a decision comes from, as AWS WAF's log tells of it. Texts of type
 * char are static, and "" where there is nothing to say. */
struct decision_rule {
    const char *type;                   /* "REGULAR", "RATE_BASED", "GROUP", "MANAGED_RULE_GROUP" */
    struct span rule;                   /* that stands in the web ACL */
    struct span group, inner;           /* of a group: which, and which of its rules; empty: none */
    const char *condition;              /* "SQL_INJECTION", "XSS", "" */
    const char *sensitivity, *location; /* "LOW"; "QUERY_STRING" */
    struct span field, data;            /* the header's name; what it was found in */
    const char *limit_key;              /* "IP", "FORWARDEDIP", "CUSTOMKEYS", "CONSTANT" */
    uint64_t limit, window_s;           /* of RATE_BASED */
};

struct decision {
    enum decision_kind kind;
    const char *control;               /* "access", ...: static text */
    const char *stage;                 /* the row that it was made in: static text */
    struct span name;                  /* of the entry; borrowed from the settings */
    struct span reason;                /* "ip_set office": no secret, borrowed like the name */
    unsigned status;                   /* BLOCK and WOULD_BLOCK */
    const struct rate_settings *rate;  /* came too often; NULL: it is about something else */
    uint64_t retry_us;                 /* with rate: when to come again */
    const struct decision_rule *rule;  /* of a web ACL; NULL: none, or there was no memory */
    struct span metric;                /* what counts it; empty: nothing; at NULL: its name */
    const struct guard_answer *answer; /* of BLOCK; NULL: a page of ours; borrowed like the name */
};

/* An exchange's decisions, in order. What comes beyond the room is not kept, but the one that
 * ends the request always is. */
enum { DECISIONS_MOST = 16 };
struct decisions {
    struct decision at[DECISIONS_MOST];
    size_t count;
};
void decisions_add(struct decisions *decisions, const struct decision *decision);

#endif
