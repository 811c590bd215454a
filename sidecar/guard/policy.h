/* SPDX-License-Identifier: Apache-2.0 */
/* IAM policies: a JSON document becomes a frozen list of statements, and statements decide who may
 * do what (reference aws.md 7.7). For AWS signatures, for resource policies of an API, and for what
 * authorizers answer.
 *
 *   request: principal, action, resource, and any condition key by a callback
 *
 *   1  a Deny that fits, in whichever policy ................ DENIED_EXPLICITLY
 *   2  an Allow of an identity policy or the resource policy;
 *      of both where principal and resource are of two accounts
 *   3  and of the boundary, and of the session, where there are such
 *   4  none of it ........................................... DENIED_IMPLICITLY
 *
 * Evaluation allocates nothing, and reads only what is frozen: any thread. */
#ifndef SIDEGATE_SIDECAR_GUARD_POLICY_H
#define SIDEGATE_SIDECAR_GUARD_POLICY_H

#include <stdbool.h>
#include <stddef.h>

#include "rules/base/fault.h"
#include "rules/base/span.h"

enum { POLICY_BYTES_MOST = 64 * 1024 }; /* of a document */

enum policy_kind {
    POLICY_IDENTITY, /* of a user or role, or an authorizer's answer: names no principal */
    POLICY_RESOURCE, /* of an API: names principals */
    POLICY_BOUNDARY, /* the most that identity policies may give */
    POLICY_SESSION,  /* the most that this session may do */
};
/* "identity policy", "resource policy", "permissions boundary", "session policy". */
const char *policy_kind_word(enum policy_kind kind);

struct policy;

/* Reads one document. Every fault names `file` and the path of the member: "Statement[0].Action".
 * NULL: there was one. The text may go afterwards. */
struct policy *policy_read(struct span text, enum policy_kind kind, const char *file,
                           struct faults *faults);
void policy_free(struct policy *policy);          /* NULL allowed */
size_t policy_bytes(const struct policy *policy); /* that it takes; NULL: 0 */

/* Who asks. */
enum principal_kind { PRINCIPAL_ANONYMOUS, PRINCIPAL_AWS, PRINCIPAL_SERVICE, PRINCIPAL_FEDERATED };
struct principal {
    enum principal_kind kind;
    struct span arn;     /* of AWS; the name of a service or provider otherwise */
    struct span account; /* twelve digits; empty where there is none */
};

struct policy_request {
    struct principal principal;
    struct span action;   /* "execute-api:Invoke" */
    struct span resource; /* "arn:aws:execute-api:eu-west-1:123456789012:api/prod/GET/pets" */
    /* The i-th value of a condition key, whose name compares without case; false: there are no
     * more. The same answer for the same question, until the evaluation is over. */
    bool (*value)(void *context, struct span key, size_t i, struct span *value);
    void *context;
};

/* The policies that have a say. No boundary, no session policies: nothing narrows. */
struct policies {
    const struct policy *const *identity;
    size_t identity_count;
    const struct policy *resource; /* NULL: the API has none */
    const struct policy *boundary; /* NULL: none */
    const struct policy *const *session;
    size_t session_count;
};

enum policy_verdict { POLICY_ALLOWED, POLICY_DENIED_EXPLICITLY, POLICY_DENIED_IMPLICITLY };
struct policy_result {
    enum policy_verdict verdict;
    enum policy_kind
        by;           /* the policy that allowed or denied, or the one that an Allow lacks from */
    struct span sid;  /* of the statement; empty: it has none, or none fitted */
    size_t statement; /* its place in its document, from 0; SPAN_NONE: none fitted */
    bool over_limit;  /* denied, since a variable's value was too long to be looked at */
};

/* How the method asks who somebody is, which says whose Allow is needed. */
enum policy_flow {
    POLICY_FLOW_NONE,    /* the resource policy alone; without one everybody may */
    POLICY_FLOW_IAM,     /* the drawing above */
    POLICY_FLOW_LAMBDA,  /* the authorizer's policy is the identity's, of the same account */
    POLICY_FLOW_COGNITO, /* as NONE, after the token was found good */
};
struct policy_result policies_decide(const struct policies *policies, enum policy_flow flow,
                                     const struct policy_request *request);
/* The first of two phases, before an authorizer is called: only a Deny of the resource policy ends
 * it (DENIED_EXPLICITLY); all else is ALLOWED so far. */
struct policy_result policies_refuse_early(const struct policies *policies,
                                           const struct policy_request *request);

#endif
