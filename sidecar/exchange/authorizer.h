/* SPDX-License-Identifier: Apache-2.0 */
/* What a route's authorizer came to know of a request, and how each type of authorizer is asked.
 *
 *   authenticate.c         the row, refusing, and the table by type
 *      `-- authenticate_<type>.c   one look at the credentials, the same for the running program
 *                                  and for explain; a type that calls others walks the row itself
 *   authorize.c            may who that is do this
 *
 * Nothing lets in that was not found good. */
#ifndef SIDEGATE_SIDECAR_EXCHANGE_AUTHORIZER_H
#define SIDEGATE_SIDECAR_EXCHANGE_AUTHORIZER_H

#include "sidecar/config/snapshot.h"
#include "sidecar/guard/asked.h"
#include "sidecar/guard/decision.h"
#include "sidecar/guard/gateway_response.h"
#include "sidecar/guard/policy.h"
#include "sidecar/guard/sigv4.h"

/* All of it lives as long as the exchange; names and texts are borrowed from its arena. */
struct authorized {
    const struct authorizer_settings *settings; /* NULL: none was asked */
    enum decision_kind to;                      /* what it came to: ALLOW, BLOCK, WOULD_BLOCK */
    bool is_known;                              /* the credentials are good: what follows holds */
    struct span principal;                      /* who: for log and rates; empty: nobody says */
    const struct pair
        *context; /* $context.authorizer.NAME, fields for the backend, keys of rates */
    size_t context_count;
    const struct span *scopes; /* what a token was given */
    size_t scope_count;
    struct span usage_key; /* the API key that it names; at == NULL: none */

    /* what policies.h asks */
    enum policy_flow flow; /* whose Allow is needed: the type's, unless its answer has no policy */
    struct principal caller;  /* whom statements name; ANONYMOUS but of type sigv4 */
    struct policies policies; /* that it brings; the resource policy is not among them */
    const struct pair *keys;  /* condition keys: aws:PrincipalArn...; a name twice: two values */
    size_t key_count;

    struct {                             /* what gather_rest has to hold the body against */
        const struct sigv4_claim *claim; /* NULL: nothing */
        const struct sigv4_key *key;
    } signature;
};

struct authorizer_question {
    const struct snapshot *snapshot;
    const struct route *route; /* its authorizer is asked; NULL: none fits */
    const struct asked *asked;
    uint64_t wall_us;    /* now, since 1970 */
    struct span payload; /* SHA-256 of the body, in hexadecimal; at == NULL: not known yet */
};

/* Why somebody is not let in. */
struct authorizer_refusal {
    enum gateway_response_type type;
    const char *error;        /* the access log's word: static text; NULL: that of the type */
    struct span reason;       /* of the decision; no secret */
    struct span challenge;    /* WWW-Authenticate; at == NULL: none */
    struct span gateway_body; /* instead of the response's own; at == NULL: its own */
    bool failed;              /* what it depends on is not to be had: on_failure decides */
    struct key_store *keys;   /* others of these might do: worth waiting for; NULL: nothing is */
    uint64_t keys_version;    /* that were looked at */
};
/* The access log's word for it. */
const char *authorizer_error(const struct authorizer_refusal *refusal);
/* Behind everything else: the body that came is another one. */
extern const struct authorizer_refusal authorizer_body_changed;

/* The URL that has to be asked; at == NULL: none, authenticate() says all. */
struct span authorizer_needs(const struct authorizer_settings *settings);
/* How a route's requests are authorized; NONE: nobody asks. */
enum policy_flow authorizer_flow(const struct snapshot *snapshot, const struct route *route);

enum authenticated {
    AUTHENTICATED,         /* the credentials are good, and *to says of whom */
    AUTHENTICATED_NOT,     /* *refusal says why; of what they said nothing is left in *to */
    AUTHENTICATED_BY_BODY, /* to be asked again with the payload */
};
typedef enum authenticated authenticate_function(const struct authorizer_question *question,
                                                 struct authorized *to,
                                                 struct authorizer_refusal *refusal);
authenticate_function authenticate_jwt, authenticate_mtls, authenticate_sigv4;

/* Asks the authorizer of the question's route, which needs nobody else. */
authenticate_function authenticate;
/* Has who that is one of the route's scopes? None: nothing is asked. */
bool authorize_scopes(const struct authorizer_question *question, const struct authorized *who,
                      struct authorizer_refusal *refusal);
/* Adds the decision that a refusal comes to; `stage`: static text. True: the request is refused;
 * false: its mode is detection_only, or it failed and may. */
bool authorizer_refuses(struct authorized *who, const char *stage,
                        const struct authorizer_refusal *refusal, struct decisions *decisions);
/* The value of a member of the context; at == NULL: there is none. */
struct span authorized_value(const struct authorized *who, struct span name);

#endif
