/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/exchange/body_policy.h"

static const struct refusal none = {0};

static bool refuses(const struct body_policy *policy)
{
    return policy->over == OVER_BODY_REJECT && policy->engine != ENGINE_DETECTION_ONLY;
}

uint64_t body_policy_gathers(const struct body_policy *policy)
{
    return policy->inspected_bytes < policy->most_bytes ? policy->inspected_bytes
                                                        : policy->most_bytes;
}

bool body_policy_refuses_length(const struct body_policy *policy, int64_t length)
{
    return length > 0 && (uint64_t)length > policy->inspected_bytes && refuses(policy);
}

struct refusal body_policy_over(const struct body_policy *policy)
{
    if (policy->most_bytes <= policy->inspected_bytes)
        return (struct refusal){.status = 413, .why = "body_too_large"};
    if (refuses(policy))
        return (struct refusal){.status = 413, .why = "body_over_inspection_limit"};
    return none;
}

static struct refusal refusal_of(enum decoding decoding)
{
    switch (decoding) {
    case DECODING_OVER: return (struct refusal){.status = 413, .why = "body_over_inspection_limit"};
    case DECODING_TOO_MANY: return (struct refusal){.status = 415, .why = "body_codings_too_many"};
    case DECODING_BROKEN: return (struct refusal){.status = 400, .why = "body_coding_broken"};
    case DECODING_MORE:
    case DECODING_WELL: break;
    }
    return none;
}

bool body_policy_shows(const struct body_policy *policy, size_t length, bool cut)
{
    return length > 0 && !(cut && policy->over == OVER_BODY_PASS);
}

struct refusal body_policy_show(const struct body_policy *policy, enum decoding decoding,
                                struct span text, bool *cut, struct inspection *inspection)
{
    bool well = decoding == DECODING_WELL;
    *cut = *cut || !well;
    if (!well && refuses(policy))
        return refusal_of(decoding);
    if (well || policy->over != OVER_BODY_PASS)
        inspection_request_body(inspection, text);
    inspection_request_body_end(inspection, *cut);
    return none;
}
