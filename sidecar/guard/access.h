/* SPDX-License-Identifier: Apache-2.0 */
/* The access list: entries in order, and the first allow or block ends it. The rules stand in it
 * like an entry (`rules: all`), or behind it where it does not name them. */
#ifndef SIDEGATE_SIDECAR_GUARD_ACCESS_H
#define SIDEGATE_SIDECAR_GUARD_ACCESS_H

#include <stddef.h>

#include "sidecar/guard/condition.h"
#include "sidecar/guard/decision.h"
#include "sidecar/guard/rate.h"

enum access_action { ACCESS_BLOCK, ACCESS_ALLOW, ACCESS_COUNT };
enum guard_mode { GUARD_OFF, GUARD_DETECTION_ONLY, GUARD_ON };
enum guard_failure { GUARD_FAILURE_DENY, GUARD_FAILURE_ALLOW };

struct access_entry {
    struct span name;
    const struct condition *match; /* NULL: every request */
    struct span match_text;        /* as it was written: the reason that is shown */
    struct rate_settings rate;     /* with a limit: about those that come more often; not counted in
                                      off */
    enum access_action action;
    enum guard_mode mode;
    unsigned status;               /* of a block */
    bool is_rules;                 /* here the rules stand; nothing else is set */
    struct span web_acl;           /* its file; at == NULL: none. It has no match and no action */
    struct place web_acl_place;    /* where that is named */
    enum guard_failure on_failure; /* of a web ACL that ran over a limit */
};

enum access_step {
    ACCESS_END,   /* the list is over: the request goes on */
    ACCESS_RULES, /* the rules' turn; *at is the entry behind them */
    ACCESS_BODY,  /* entry *at wants to see the body first */
    ACCESS_ALLOWED,
    ACCESS_BLOCKED,
};

/* Goes on at entry *at. Every entry that holds leaves a decision; the last one of BLOCKED has the
 * status. */
enum access_step access_run(const struct access_entry *entries, size_t count, size_t *at,
                            const struct asked *asked, struct decisions *decisions);

#endif
