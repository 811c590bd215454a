/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/exchange/body_policy.h"

#include "sidecar/exchange/decode.h"

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
    return length > 0 && (uint64_t)length > policy->inspected_bytes &&
           policy->over == OVER_BODY_REJECT;
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
    case DECODING_WELL: break;
    }
    return none;
}

static struct refusal show(const struct body_policy *policy, struct gathered_body *body,
                           struct buf *decoded, struct inspection *inspection)
{
    if (body->bytes.len == 0 || (body->cut && policy->over == OVER_BODY_PASS))
        return none;
    struct span text;
    enum decoding decoding = body_decode(body->fields, body->bytes, body->cut, decoded, &text);
    if (decoding != DECODING_WELL) {
        body->cut = true;
        if (policy->over == OVER_BODY_PASS)
            return none;
        if (refuses(policy))
            return refusal_of(decoding);
    }
    inspection_request_body(inspection, text);
    return none;
}

struct refusal body_policy_show(const struct body_policy *policy, struct gathered_body *body,
                                struct buf *decoded, struct inspection *inspection)
{
    buf_init(decoded, (size_t)policy->inspected_bytes);
    struct refusal refusal = show(policy, body, decoded, inspection);
    if (refusal.status == 0)
        inspection_request_body_end(inspection, body->cut);
    return refusal;
}
