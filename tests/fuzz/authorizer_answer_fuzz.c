/* SPDX-License-Identifier: Apache-2.0 */
/* An authorizer's answer from any bytes, behind one that chooses payload and form. It is an answer
 * or has a word for what is wrong, the same each time; nothing that is broken lets in. */
#include <stdint.h>

#include "rules/base/must.h"
#include "sidecar/guard/authorizer_answer.h"
#include "sidecar/guard/policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum policy_verdict decide(const struct authorizer_answer *answer)
{
    const struct policies policies = {.identity = &answer->policy, .identity_count = 1};
    const struct policy_request request = {
        .action = SPAN("execute-api:Invoke"),
        .resource = SPAN("arn:aws:execute-api:local:000000000000:api/prod/GET/orders/7")};
    return answer->policy != NULL ? policies_decide(&policies, POLICY_FLOW_LAMBDA, &request).verdict
           : answer->is_authorized ? POLICY_ALLOWED
                                   : POLICY_DENIED_IMPLICITLY;
}

static void must_be_whole(const struct authorizer_answer *answer, enum authorizer_payload payload)
{
    must(answer->policy != NULL || payload == AUTHORIZER_2_0);
    must(answer->principal.len > 0 || !authorizer_payload_is_rest(payload));
    for (size_t i = 0; i < answer->context_count; i++)
        must(answer->context[i].name.at != NULL && answer->context[i].value.at != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    enum authorizer_payload payload = (enum authorizer_payload)(data[0] % AUTHORIZER_PAYLOADS);
    enum authorizer_form form = (enum authorizer_form)(data[0] / AUTHORIZER_PAYLOADS % 3);
    struct span body = span_make((const char *)data + 1, size - 1);
    struct authorizer_verdict first = authorizer_answer_read(body, payload, form);
    struct authorizer_verdict second = authorizer_answer_read(body, payload, form);
    must(first.outcome == second.outcome && first.word == second.word);
    must((first.answer != NULL) == (first.outcome == AUTHORIZER_ANSWERED));
    if (first.answer == NULL)
        return 0;
    must_be_whole(first.answer, payload);
    must(decide(first.answer) == decide(second.answer));
    kept_give(&first.answer->kept);
    kept_give(&second.answer->kept);
    return 0;
}
