/* SPDX-License-Identifier: Apache-2.0 */
/* authorize: may who that is do this: one of the route's scopes. */
#include "sidecar/exchange/inside.h"

enum step stage_authorize(struct exchange *x)
{
    const struct authorizer_question question = authorizer_question_of(x);
    struct authorizer_refusal refusal;
    if (authorize_scopes(&question, &x->authorizer, &refusal))
        return STEP_NEXT;
    return authorizer_refuse(x, &refusal);
}
