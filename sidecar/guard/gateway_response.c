/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/guard/gateway_response.h"

#include <stddef.h>

#include "sidecar/guard/sigv4.h" /* one of the messages */

const struct gateway_response *gateway_response(enum gateway_response_type type)
{
    static const struct gateway_response responses[] = {
#define GATEWAY_RESPONSE(id, status, message, error_type) {#id, status, message, error_type},
#include "sidecar/guard/gateway_responses.tbl"
#undef GATEWAY_RESPONSE
    };
    return &responses[type];
}
