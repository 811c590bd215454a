/* SPDX-License-Identifier: Apache-2.0 */
/* What an authorizer is asked: the events that API Gateway sends to Lambda functions, key by key
 * (reference aws.md 7.1, 7.2, 9.8).
 *
 *   TOKEN      REST      type, authorizationToken, methodArn
 *   REQUEST    REST      the request, every name with its last value and with all of them
 *   1.0        HTTP API  the same with `version` and the identity; null stands for what is not
 * known 2.0        HTTP API  names of fields in small letters, values joined by commas; what is not
 *                        there is left out
 *
 * The ARN has the canonical path, which policies are asked about; `path` and `rawPath` are as the
 * request came. */
#ifndef SIDEGATE_SIDECAR_GUARD_AUTHORIZER_EVENT_H
#define SIDEGATE_SIDECAR_GUARD_AUTHORIZER_EVENT_H

#include "sidecar/guard/asked.h"

enum authorizer_payload {
    AUTHORIZER_TOKEN,
    AUTHORIZER_REQUEST,
    AUTHORIZER_1_0,
    AUTHORIZER_2_0,
    AUTHORIZER_PAYLOADS,
};
/* "token", "request", "1.0", "2.0". */
const char *authorizer_payload_word(enum authorizer_payload payload);
/* Is it one of a REST API: answers and refusals are worded in that way. */
bool authorizer_payload_is_rest(enum authorizer_payload payload);

/* A client's certificate that was verified. */
struct authorizer_certificate {
    struct span pem, subject, issuer, serial, not_before, not_after;
};

/* Whom an authorizer is asked about. */
struct authorizer_request {
    const struct asked *asked;          /* with its arena */
    struct span api;                    /* "arn:aws:execute-api:REGION:ACCOUNT:API/STAGE" */
    struct span route_key;              /* "GET /orders/{id}", "$default" */
    const struct pair *path_parameters; /* by the route's template */
    size_t path_parameter_count;
    const struct pair *stage_variables;
    size_t stage_variable_count;
    struct span api_key;                              /* at == NULL: none came */
    const struct authorizer_certificate *certificate; /* NULL: none was shown */
    const struct span *identity; /* the values of the identity sources, in order */
    size_t identity_count;
};

/* "arn:...:api/stage/GET/orders/7": what policies are asked about. In the arena. */
struct span authorizer_resource(const struct authorizer_request *request);
/* What the ARN says of account, API and stage; empty where it says nothing. */
struct authorizer_names {
    struct span account, api, stage;
};
struct authorizer_names authorizer_names(struct span api);

enum { AUTHORIZER_EVENT_BYTES = 256 * 1024 };
/* The event as JSON, in the arena; empty: there is no room. */
struct span authorizer_event(enum authorizer_payload payload,
                             const struct authorizer_request *request);

#endif
