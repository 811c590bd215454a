/* SPDX-License-Identifier: Apache-2.0 */
/* Errors in the words of API Gateway: status, {"message":"..."} and the field x-amzn-ErrorType. */
#ifndef SIDEGATE_SIDECAR_GUARD_GATEWAY_RESPONSE_H
#define SIDEGATE_SIDECAR_GUARD_GATEWAY_RESPONSE_H

enum gateway_response_type {
#define GATEWAY_RESPONSE(id, status, message, error_type) GATEWAY_##id,
#include "sidecar/guard/gateway_responses.tbl"
#undef GATEWAY_RESPONSE
};

struct gateway_response {
    const char *name; /* of the type: "ACCESS_DENIED" */
    unsigned status;
    const char *message; /* NULL: null */
    const char *error_type;
};

const struct gateway_response *gateway_response(enum gateway_response_type type);

#endif
