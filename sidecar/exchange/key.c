/* SPDX-License-Identifier: Apache-2.0 */
/* key: whose API key it is, and which usage plan holds for it, refused in API Gateway's words. Of
 * the key itself nothing is kept, and nothing of it is said. */
#include "sidecar/exchange/inside.h"
#include "sidecar/exchange/stages.h"

static enum step say(struct exchange *x, enum decision_kind kind, struct span name,
                     const char *reason)
{
    const struct gateway_response *response = gateway_response(GATEWAY_INVALID_API_KEY);
    struct decision decision = {.kind = kind,
                                .control = "api_key",
                                .stage = stage_at(x->at)->name,
                                .name = name,
                                .reason = span_text(reason),
                                .status = response->status};
    decisions_add(&x->decisions, &decision);
    if (kind != DECISION_BLOCK)
        return STEP_NEXT;
    return answer_gateway(x, GATEWAY_INVALID_API_KEY, "invalid_api_key");
}

static enum step refuse(struct exchange *x, struct span name, const char *reason)
{
    bool is_on = x->settings->api_keys.mode == GUARD_ON;
    return say(x, is_on ? DECISION_BLOCK : DECISION_WOULD_BLOCK, name, reason);
}

/* Keys could not be read, or not be hashed: the settings say what that means. */
static enum step fail(struct exchange *x, const char *reason)
{
    if (x->settings->api_keys.on_failure == ON_FAILURE_DENY)
        return refuse(x, SPAN("api_keys"), reason);
    return say(x, DECISION_COUNT, SPAN("api_keys"), reason);
}

/* NULL: the request brings one value; else why not. Two fields could be read in two ways by us and
 * by the backend. */
static const char *value_find(const struct exchange *x, struct span *value)
{
    if (x->settings->api_keys.source == API_KEY_FROM_AUTHORIZER) {
        struct span claim = x->settings->api_keys.claim;
        if (x->authorizer.is_known)
            *value = claim.at != NULL ? authorized_value(&x->authorizer, claim)
                                      : x->authorizer.usage_key;
        return value->len > 0 ? NULL : "key_missing";
    }
    const struct fields *fields = &x->client->head->fields;
    size_t count = fields_count(fields, x->settings->api_keys.header);
    *value = fields_get(fields, x->settings->api_keys.header);
    if (count > 1)
        return "key_twice";
    return value->len > 0 ? NULL : "key_missing";
}

enum step stage_key(struct exchange *x)
{
    const struct api_key *key = NULL;
    struct span value = {NULL, 0}, nobody = SPAN("api_keys");
    if (x->snapshot->api_keys == NULL)
        return fail(x, "keys_unavailable");
    const char *wrong = value_find(x, &value);
    if (wrong != NULL)
        return refuse(x, nobody, wrong);
    switch (api_keys_find(x->snapshot->api_keys, value, &key)) {
    case API_KEY_KNOWN: break;
    case API_KEY_UNKNOWN: return refuse(x, nobody, "key_unknown");
    case API_KEY_FAILED: return fail(x, "key_not_checked");
    }
    x->usage.key = key;
    if (!key->enabled)
        return refuse(x, key->id, "key_disabled");
    if (key->plan == 0)
        return refuse(x, key->id, "key_in_no_plan");
    x->usage.plan = &x->settings->usage_plans[key->plan - 1];
    return STEP_NEXT;
}

void key_hide(const struct exchange *x, struct fields *fields)
{
    if (x->settings->api_keys.file.at != NULL && !x->settings->api_keys.forward)
        fields_remove_alike(fields, x->settings->api_keys.header);
}
