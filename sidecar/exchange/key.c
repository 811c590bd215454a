/* SPDX-License-Identifier: Apache-2.0 */
/* key: whose API key it is, and which usage plan holds for it, refused in API Gateway's words. Of
 * the key itself nothing is kept, and nothing of it is said. */
#include "sidecar/exchange/key.h"

#include "sidecar/exchange/inside.h"
#include "sidecar/exchange/stages.h"

enum answer { GOOD, REFUSED, FAILED };

bool key_is_wanted(const struct snapshot *snapshot, const struct route *route)
{
    return route != NULL && route->needs_api_key && snapshot->settings->api_keys.mode != GUARD_OFF;
}

/* NULL: the request brings one value; else why not. Two fields could be read in two ways by us and
 * by the backend. */
static const char *value_find(const struct authorizer_question *question,
                              const struct authorized *who, struct span *value)
{
    const struct settings *settings = question->snapshot->settings;
    *value = span_make(NULL, 0);
    if (settings->api_keys.source == API_KEY_FROM_AUTHORIZER) {
        struct span claim = settings->api_keys.claim;
        if (who->is_known)
            *value = claim.at != NULL ? authorized_value(who, claim) : who->usage_key;
        return value->len > 0 ? NULL : "key_missing";
    }
    const struct fields *fields = question->asked->fields;
    size_t count = fields_count(fields, settings->api_keys.header);
    *value = fields_get(fields, settings->api_keys.header);
    if (count > 1)
        return "key_twice";
    return value->len > 0 ? NULL : "key_missing";
}

static enum answer find(const struct authorizer_question *question, const struct authorized *who,
                        struct key_found *found, const char **reason)
{
    const struct snapshot *snapshot = question->snapshot;
    const struct api_key *key = NULL;
    struct span value;
    *reason = "keys_unavailable";
    if (snapshot->api_keys == NULL)
        return FAILED;
    *reason = value_find(question, who, &value);
    if (*reason != NULL)
        return REFUSED;
    enum api_key_answer answer = api_keys_find(snapshot->api_keys, value, &key);
    *reason = answer == API_KEY_FAILED ? "key_not_checked" : "key_unknown";
    if (answer != API_KEY_KNOWN)
        return answer == API_KEY_FAILED ? FAILED : REFUSED;
    found->key = key;
    *reason = key->enabled ? "key_in_no_plan" : "key_disabled";
    if (!key->enabled || key->plan == 0)
        return REFUSED;
    found->plan = &snapshot->settings->usage_plans[key->plan - 1];
    return GOOD;
}

bool key_ask(const struct authorizer_question *question, const struct authorized *who,
             const char *stage, struct key_found *found, struct decisions *decisions)
{
    const struct settings *settings = question->snapshot->settings;
    const char *reason;
    *found = (struct key_found){NULL, NULL};
    enum answer answer = find(question, who, found, &reason);
    if (answer == GOOD)
        return true;
    /* keys could not be read, or not be hashed: the settings say what that means */
    bool passes = answer == FAILED && settings->api_keys.on_failure == ON_FAILURE_ALLOW;
    bool is_on = settings->api_keys.mode == GUARD_ON;
    struct decision decision = {
        .kind = passes  ? DECISION_COUNT
                : is_on ? DECISION_BLOCK
                        : DECISION_WOULD_BLOCK,
        .control = "api_key",
        .stage = stage,
        .name = found->key != NULL ? found->key->id : SPAN("api_keys"),
        .reason = span_text(reason),
        .status = gateway_response(GATEWAY_INVALID_API_KEY)->status,
    };
    decisions_add(decisions, &decision);
    return decision.kind != DECISION_BLOCK;
}

enum step stage_key(struct exchange *x)
{
    const struct authorizer_question question = authorizer_question_of(x);
    if (key_ask(&question, &x->authorizer, stage_at(x->at)->name.at, &x->usage, &x->decisions))
        return STEP_NEXT;
    return answer_gateway(x, GATEWAY_INVALID_API_KEY, "invalid_api_key");
}

void key_hide(const struct exchange *x, struct fields *fields)
{
    if (x->settings->api_keys.file.at != NULL && !x->settings->api_keys.forward)
        fields_remove_alike(fields, x->settings->api_keys.header);
}
