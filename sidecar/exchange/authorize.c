/* SPDX-License-Identifier: Apache-2.0 */
/* authorize: may who that is do this: policies, then one of the route's scopes. */
#include "sidecar/exchange/inside.h"
#include "sidecar/exchange/policies.h"

enum step stage_authorize(struct exchange *x)
{
    const struct authorizer_question question = authorizer_question_of(x);
    const struct authorized *who = &x->authorizer;
    struct policies_refusal denied;
    struct authorizer_refusal refusal;
    if (policies_have_phase_two(x->snapshot, who) &&
        !policies_phase_two(&question, who, &x->decisions, &denied))
        return policy_refuse(x, &denied);
    if (!who->is_known || authorize_scopes(&question, who, &refusal))
        return STEP_NEXT;
    return authorizer_refuse(x, &refusal);
}
