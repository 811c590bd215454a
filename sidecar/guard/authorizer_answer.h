/* SPDX-License-Identifier: Apache-2.0 */
/* What an authorizer answers: a policy, or a simple yes or no, with what the backend is to know
 * (reference aws.md 7.1, 7.2). Read once, frozen and counted, so that answers can be kept. */
#ifndef SIDEGATE_SIDECAR_GUARD_AUTHORIZER_ANSWER_H
#define SIDEGATE_SIDECAR_GUARD_AUTHORIZER_ANSWER_H

#include <stdbool.h>
#include <stddef.h>

#include "rules/base/span.h"
#include "sidecar/guard/authorizer_event.h"
#include "sidecar/state/kept.h"

struct policy;

enum authorizer_form { /* which answers are taken: simple ones exist with payload 2.0 alone */
                       AUTHORIZER_EITHER,
                       AUTHORIZER_SIMPLE,
                       AUTHORIZER_POLICY,
};

enum authorizer_outcome {
    AUTHORIZER_ANSWERED,     /* the answer holds */
    AUTHORIZER_UNAUTHORIZED, /* it says that nobody is there: errorMessage "Unauthorized" */
    AUTHORIZER_DENIED,       /* it says no without a word about it: a server's 403 */
    AUTHORIZER_FAILED,       /* it is away */
    AUTHORIZER_STUMBLED,     /* it is there, and failed over this very request */
    AUTHORIZER_MALFORMED,    /* it is no answer */
};

struct authorizer_answer {
    struct kept kept;            /* counted: kept_take(), kept_give() */
    const struct policy *policy; /* NULL: a simple answer... */
    bool is_authorized;          /* ...and what it says */
    struct span principal;       /* principalId; empty: none */
    struct span usage_key;       /* usageIdentifierKey: a secret; empty: none */
    const struct pair *context;  /* texts; other values as JSON */
    size_t context_count;
};

enum { AUTHORIZER_ANSWER_BYTES = 64 * 1024 }; /* longer ones are malformed */

struct authorizer_verdict {
    enum authorizer_outcome outcome;
    const char *word;                 /* static text: "answered", "no_principal"... */
    struct authorizer_answer *answer; /* of ANSWERED, the caller's to give; else NULL */
};
/* The body of an answer, whatever its bytes. */
struct authorizer_verdict authorizer_answer_read(struct span body, enum authorizer_payload payload,
                                                 enum authorizer_form form);

#endif
