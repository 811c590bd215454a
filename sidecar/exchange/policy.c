/* SPDX-License-Identifier: Apache-2.0 */
/* policy: whom the API's resource policy refuses before anybody is asked who that is. */
#include "sidecar/exchange/inside.h"
#include "sidecar/exchange/policies.h"

enum step policy_refuse(struct exchange *x, const struct policies_refusal *refusal)
{
    const struct authorizer_settings *asked = x->authorizer.settings;
    bool is_answer = asked != NULL && refusal->flow == POLICY_FLOW_LAMBDA;
    if (is_answer)
        x->authorizer.to = DECISION_BLOCK;
    if (is_answer && !authorizer_payload_is_rest(asked->payload))
        return answer_gateway(x, GATEWAY_FORBIDDEN, "access_denied");
    x->own.gateway_body = policies_refusal_body(refusal, x->arena);
    return answer_gateway(x, GATEWAY_ACCESS_DENIED, "access_denied");
}

enum step stage_policy(struct exchange *x)
{
    const struct authorizer_question question = authorizer_question_of(x);
    struct policies_refusal refusal;
    if (policies_phase_one(&question, &x->decisions, &refusal))
        return STEP_NEXT;
    return policy_refuse(x, &refusal);
}
