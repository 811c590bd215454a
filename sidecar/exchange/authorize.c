/* SPDX-License-Identifier: Apache-2.0 */
/* authorize: may the token's holder do this: one of the route's scopes. */
#include "sidecar/exchange/inside.h"

enum step stage_authorize(struct exchange *x)
{
    if (jwt_has_scope(&x->authorizer.jwt, x->route->scopes, x->route->scope_count))
        return STEP_NEXT;
    struct jwt_verdict verdict = jwt_scope_missing();
    return authorizer_refuse(x, GATEWAY_FORBIDDEN, "insufficient_scope", &verdict);
}
