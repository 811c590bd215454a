/* SPDX-License-Identifier: Apache-2.0 */
/* What IAM policies say of a request, in API Gateway's order of two phases: the same for the
 * running program and for explain.
 *
 *   how callers are known     phase one, row policy       phase two, row authorize
 *   nobody asks               the resource policy         -
 *   type sigv4                -                           theirs and the resource policy (policy.h)
 *   a type that answers with
 *   policies (LAMBDA)         only a Deny refuses         the answer's and the resource policy
 *   a token                   -                           the resource policy
 *
 * An authorizer in detection_only counts like none, a resource policy in detection_only like none;
 * what either would have refused leaves a decision. A path that a backend may read in another way
 * has to pass in both. */
#ifndef SIDEGATE_SIDECAR_EXCHANGE_POLICIES_H
#define SIDEGATE_SIDECAR_EXCHANGE_POLICIES_H

#include "sidecar/exchange/authorizer.h"

struct policies_refusal {
    enum policy_flow flow;
    struct span caller;          /* its ARN; empty: nobody that is known */
    struct span resource;        /* the ARN that was asked for, in the arena of `asked` */
    bool is_explicit;            /* by a Deny, and not for want of an Allow */
    struct policy_result result; /* what decided: where nobody is refused, who allowed it */
};
/* "identity", "resource"..., and "the identity policy allows it: Sid": for decisions. */
struct span policies_name(const struct policies_refusal *refusal);
struct span policies_reason(const struct policies_refusal *refusal, struct arena *arena);
/* {"Message":"..."} as API Gateway words it; at == NULL: there is no room for it. */
struct span policies_refusal_body(const struct policies_refusal *refusal, struct arena *arena);

/* Is anybody asked before the route's authorizer (route NULL: none fits), or behind it? */
bool policies_have_phase_one(const struct snapshot *snapshot, const struct route *route);
bool policies_have_phase_two(const struct snapshot *snapshot, const struct authorized *who);

/* False: the request is to be refused, and *refusal says what for (else by whom it is allowed).
 * Whatever a policy minds leaves a decision. */
bool policies_phase_one(const struct authorizer_question *question, struct decisions *decisions,
                        struct policies_refusal *refusal);
bool policies_phase_two(const struct authorizer_question *question, const struct authorized *who,
                        struct decisions *decisions, struct policies_refusal *refusal);

#endif
