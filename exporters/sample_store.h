/* SPDX-License-Identifier: Apache-2.0 */
/* Of each rule a few of the requests that it had to do with, chosen by chance, as AWS WAF keeps
 * them for GetSampledRequests. A store is one worker's, and outlives reloads:
 *
 *   rule (web ACL, metric name) --- window of 5 minutes --- seen: 1,204
 *      37 windows, three hours  |                       `-- kept: 100, any choice alike likely
 *                               `-- ...
 *
 * Whether one more is to be kept is decided before anything is made of it. Where the samples of all
 * rules reach the ceiling, the window that has the most of them loses one by chance, the oldest
 * first: what is left of it is as fair a choice as before, each one only stands for more requests.
 *
 * The worker alone changes it. Readers take the lock for one window at a time, or for the figures
 * of one rule, which is as long as the worker may ever wait for them, and only where it has a
 * sample to keep. */
#ifndef SIDEGATE_EXPORTERS_SAMPLE_STORE_H
#define SIDEGATE_EXPORTERS_SAMPLE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rules/base/span.h"

enum {
    SAMPLE_RULES_MOST = 256, /* of a store; requests of further ones are left out */
    SAMPLE_YIELDING_MOST = SAMPLE_RULES_MOST / 2, /* of those that yield */
    SAMPLE_KEPT_MOST = 100,                       /* of a rule in a window */
    SAMPLE_TEXT_MOST = 8 * 1024,
    SAMPLE_NAME_MOST = 512, /* of both names together; longer ones are left out */
    SAMPLE_WINDOW_S = 300,
    SAMPLE_AGE_S = 3 * 60 * 60, /* what is older is not told of */
};

struct sample_rule {
    struct span acl, metric; /* the web ACL's ARN or name; the rule's metric name */
    bool yields; /* one of very many: together they leave half of the places to others */
};
struct sample_store;

/* Nothing is kept until sample_store_limit(). */
struct sample_store *sample_store_new(uint64_t seed);
void sample_store_free(struct sample_store *store); /* NULL allowed */

/* The worker's. Wall clock, in microseconds since 1970. */

/* What samples may take; 0: nothing is counted, and what was kept is let go. Beside it: 3 KiB for
 * each rule that was met. */
void sample_store_limit(struct sample_store *store, size_t bytes);
/* A request of the rule is counted; true: it is to be kept. */
struct sample_place {
    unsigned rule, window;
};
bool sample_store_count(struct sample_store *store, const struct sample_rule *rule,
                        uint64_t wall_us, struct sample_place *place);
/* Once for a place, before the same rule is counted again. `text` is copied; a longer one than
 * SAMPLE_TEXT_MOST is not kept. */
void sample_store_keep(struct sample_store *store, const struct sample_place *place,
                       uint64_t wall_us, struct span text);

/* Any thread. */

struct sample {
    uint64_t wall_us, weight; /* how many requests it stands for */
    struct span text;
    double share; /* the weight, before it is a whole number */
};
/* The samples of a rule from a range of time, by time. */
struct sample_set {
    uint64_t population; /* what they were chosen from: the sum of the weights, if there are any */
    struct sample *at;
    size_t count;
    size_t room;
};
struct sample_range {
    uint64_t from_us, to_us; /* [from, to) */
    uint64_t now_us;
};
/* Out of all stores, at most `most` of them: of too many each is as likely as the requests that it
 * stands for. The population is exact where the range holds windows as a whole, or all requests
 * were kept. */
void sample_set_read(struct sample_set *set, struct sample_store *const *stores, size_t count,
                     const struct sample_rule *rule, const struct sample_range *range, size_t most);
void sample_set_fini(struct sample_set *set);

/* What is kept of a rule: borrowed for the call, within which no lock is held. */
struct sample_figures {
    struct sample_rule rule;
    uint64_t seen, kept; /* of the last three hours */
};
void sample_store_each(struct sample_store *store, uint64_t now_us,
                       void (*visit)(void *context, const struct sample_figures *figures),
                       void *context);
/* Bytes that samples take now. */
size_t sample_store_bytes(struct sample_store *store);

#endif
