/* SPDX-License-Identifier: Apache-2.0 */
/* One request through the parser, the access list, the rules, policies and
 * authorizers without a socket: what explain and `rules test` see. The steps and their order are
 * those of the exchange's table; where a backend would be asked, an empty 200 is taken for its
 * answer. */
#ifndef SIDEGATE_SIDECAR_OFFLINE_H
#define SIDEGATE_SIDECAR_OFFLINE_H

#include "rules/inspection.h"
#include "sidecar/config/snapshot.h"
#include "sidecar/http/message.h"

struct offline;

/* Who looks on, and what the request is said to come from. */
struct offline_visit {
    struct span client_address;
    void (*watch)(void *context, const struct watched_event *event); /* NULL: nobody */
    void *context;
};

/* Good until the next run. */
struct offline_answer {
    const struct request_head *head;
    unsigned status;                     /* our own answer's; 0: none leaves */
    const char *error;                   /* the access log's word for it; NULL: it is forwarded */
    const struct decisions *decisions;   /* of the list, policies and authorizers, in order */
    struct span unasked;                 /* the authorizer that has to ask others; empty: none */
    bool blocked, would_block;           /* by the rules */
    const struct inspection *inspection; /* NULL: no rule looked at it */
    struct verdict verdict;
    const struct rule_match *matches;
    size_t match_count;
    int64_t score, outbound_score;
};

/* The snapshot is borrowed. What rules store in collections is kept over runs. */
struct offline *offline_new(const struct snapshot *snapshot);
void offline_free(struct offline *offline); /* NULL allowed */
/* `bytes`: the request as it comes over the wire; they live until the next run. What stands behind
 * the first request is not looked at. */
const struct offline_answer *offline_run(struct offline *offline, struct span bytes,
                                         const struct offline_visit *visit);

#endif
