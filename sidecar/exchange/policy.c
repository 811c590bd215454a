/* SPDX-License-Identifier: Apache-2.0 */
/* policy: whom the API's resource policy does not allow is refused in API Gateway's words. */
#include "rules/base/encode.h"
#include "sidecar/exchange/inside.h"
#include "sidecar/exchange/resource_policy.h"
#include "sidecar/guard/arn.h"

enum { BODY_MOST = 64 * 1024, ACCOUNT_SHOWN = 4 };

/* The account with all but its last four digits masked. */
static void add_masked(struct buf *to, struct span resource)
{
    struct span parts[ARN_PARTS];
    if (!arn_split(resource, parts))
        return;
    struct span account = parts[4];
    size_t hidden = account.len > ACCOUNT_SHOWN ? account.len - ACCOUNT_SHOWN : 0;
    json_add_escaped(to, span_first(resource, (size_t)(account.at - resource.at)));
    for (size_t i = 0; i < hidden; i++)
        buf_add_byte(to, '*');
    json_add_escaped(to, span_from(resource, (size_t)(account.at - resource.at) + hidden));
}

static struct span body_of(struct exchange *x, const struct resource_refusal *refusal)
{
    struct buf body;
    buf_init(&body, BODY_MOST);
    buf_add(&body, SPAN("{\"Message\":\"User: anonymous is not authorized to perform: "
                        "execute-api:Invoke on resource: "));
    add_masked(&body, refusal->resource);
    if (refusal->is_explicit)
        buf_add(&body, SPAN(" with an explicit deny"));
    buf_add(&body, SPAN("\"}"));
    struct span copy = {0};
    if (!buf_is_full(&body))
        copy = arena_copy(x->arena, buf_span(&body));
    buf_fini(&body);
    return copy;
}

enum step stage_policy(struct exchange *x)
{
    struct resource_refusal refusal;
    if (resource_policy_allows(x->snapshot, asked_of(x), &x->decisions, &refusal))
        return STEP_NEXT;
    x->own.gateway_body = body_of(x, &refusal);
    return answer_gateway(x, GATEWAY_ACCESS_DENIED, "access_denied");
}
