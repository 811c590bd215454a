/* SPDX-License-Identifier: Apache-2.0 */
/* A policy from any bytes, and a request: "DOCUMENT\0key=value\n...". It is read or refused with a
 * fault; what is decided is the same each time, and a Deny is never outvoted by further policies.
 */
#include <stdint.h>

#include "rules/base/must.h"
#include "sidecar/guard/policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool value_of(void *context, struct span key, size_t i, struct span *value)
{
    struct span rest = *(const struct span *)context;
    while (rest.at != NULL) {
        *value = span_cut(&rest, '\n');
        if (span_is_nocase(span_cut(value, '='), key) && value->at != NULL && i-- == 0)
            return true;
    }
    return false;
}

static bool is_same(const struct policy_result *a, const struct policy_result *b)
{
    return a->verdict == b->verdict && a->by == b->by && a->statement == b->statement &&
           a->over_limit == b->over_limit && span_is(a->sid, b->sid);
}

static void must_decide(const struct policy *policy, enum policy_kind kind, struct span pairs)
{
    struct policy_request request = {
        .principal = {PRINCIPAL_AWS, SPAN("arn:aws:sts::123456789012:assumed-role/Reader/ann"),
                      SPAN("123456789012")},
        .action = SPAN("execute-api:Invoke"),
        .resource = SPAN("arn:aws:execute-api:eu-west-1:123456789012:abc/prod/GET/pets"),
        .value = value_of,
        .context = &pairs};
    const struct policies attached = {.resource = policy},
                          given = {.identity = &policy, .identity_count = 1};
    const struct policies all = {.identity = &policy,
                                 .identity_count = 1,
                                 .resource = policy,
                                 .boundary = policy,
                                 .session = &policy,
                                 .session_count = 1};
    const struct policies *alone = kind == POLICY_RESOURCE ? &attached : &given;
    for (enum policy_flow flow = POLICY_FLOW_NONE; flow <= POLICY_FLOW_COGNITO; flow++) {
        struct policy_result first = policies_decide(alone, flow, &request);
        struct policy_result second = policies_decide(alone, flow, &request);
        struct policy_result together = policies_decide(&all, flow, &request);
        must(is_same(&first, &second));
        must(!first.over_limit || first.verdict != POLICY_ALLOWED);
        must(first.verdict != POLICY_DENIED_EXPLICITLY ||
             together.verdict == POLICY_DENIED_EXPLICITLY);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span pairs = span_make((const char *)data, size);
    struct span text = span_cut(&pairs, '\0');
    for (enum policy_kind kind = POLICY_IDENTITY; kind <= POLICY_SESSION; kind++) {
        struct faults *faults = faults_new();
        struct policy *policy = policy_read(text, kind, "p.json", faults);
        must((policy != NULL) == (faults_count(faults, FAULT_ERROR) == 0));
        if (policy != NULL)
            must_decide(policy, kind, pairs);
        policy_free(policy);
        faults_free(faults);
    }
    return 0;
}
