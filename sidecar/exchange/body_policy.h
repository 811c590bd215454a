/* SPDX-License-Identifier: Apache-2.0 */
/* What rules are shown of a request's body, and what becomes of one that they cannot be shown
 * whole. One policy for the exchange and for those that take a request through the rules offline.
 */
#ifndef SIDEGATE_SIDECAR_EXCHANGE_BODY_POLICY_H
#define SIDEGATE_SIDECAR_EXCHANGE_BODY_POLICY_H

#include "rules/inspection.h"
#include "sidecar/config/settings.h"
#include "sidecar/exchange/decode.h"
#include "sidecar/http/message.h"

struct body_policy {
    uint64_t inspected_bytes; /* how much rules see */
    uint64_t most_bytes;      /* limits.body */
    enum over_body over; /* what becomes of longer ones, and of those that cannot be read; REJECT
                            is PREFIX to an engine that only looks */
    enum rule_engine engine;
};

/* How much is gathered; a longer body is over one of the two limits. */
uint64_t body_policy_gathers(const struct body_policy *policy);
/* Is a body that says its length not worth gathering? */
bool body_policy_refuses_length(const struct body_policy *policy, int64_t length);
/* The answer to a body longer than body_policy_gathers(); status 0: it goes on in part. */
struct refusal body_policy_over(const struct body_policy *policy);
/* Is a body of that length to be shown at all? `cut`: there is more than was gathered. */
bool body_policy_shows(const struct body_policy *policy, size_t length, bool cut);
/* Gives the rules the body without its content codings, and then its end. One that cannot be read
 * is like one that is too long. *cut becomes true where the rules do not see all of it. status 0:
 * well.
 */
struct refusal body_policy_show(const struct body_policy *policy, enum decoding decoding,
                                struct span text, bool *cut, struct inspection *inspection);

#endif
