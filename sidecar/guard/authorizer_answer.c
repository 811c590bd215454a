/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/guard/authorizer_answer.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "rules/base/must.h"
#include "sidecar/guard/policy.h"

enum { ARENA_MOST = 4 * AUTHORIZER_ANSWER_BYTES, DEPTH_MOST = 16 };

enum answer_fault {
    HOLDS,
#define ANSWER_FAULT(id, word, sentence) WITH_##id,
#include "sidecar/guard/authorizer_answers.tbl"
#undef ANSWER_FAULT
};

static const char *const fault_words[] = {
    "answered",
#define ANSWER_FAULT(id, word, sentence) word,
#include "sidecar/guard/authorizer_answers.tbl"
#undef ANSWER_FAULT
};

struct answer {
    struct authorizer_answer answer; /* first: what others see */
    struct arena *arena;
    struct policy *policy;
    char *usage_key; /* in the arena: a secret, wiped */
};

static void answer_free(struct kept *kept)
{
    struct answer *own = (struct answer *)(void *)kept;
    if (own->usage_key != NULL)
        explicit_bzero(own->usage_key, own->answer.usage_key.len);
    policy_free(own->policy);
    arena_free(own->arena);
    free(own);
}

static struct answer *answer_new(void)
{
    struct answer *own = must_alloc(sizeof *own);
    own->arena = arena_new(NULL, ARENA_MOST);
    must(own->arena != NULL);
    kept_init(&own->answer.kept, sizeof *own, answer_free);
    return own;
}

static struct span text_of(const json_t *value)
{
    return json_is_string(value) ? span_make(json_string_value(value), json_string_length(value))
                                 : span_make(NULL, 0);
}

/* ---- members ---- */

static bool text_read(struct answer *own, const json_t *value, struct span *to)
{
    if (value == NULL || json_is_null(value))
        return true;
    *to = arena_copy(own->arena, text_of(value));
    return json_is_string(value) && !arena_is_full(own->arena);
}

/* As REST APIs hand it on: 1 is "1", true is "true". Objects and lists as JSON, with 2.0 alone. */
static bool value_read(struct answer *own, const json_t *value, bool any, struct span *to)
{
    if (json_is_string(value)) {
        *to = arena_copy(own->arena, text_of(value));
        return true;
    }
    bool is_scalar = json_is_number(value) || json_is_boolean(value);
    if (!is_scalar && !any)
        return false;
    char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    if (text != NULL)
        *to = arena_copy(own->arena, span_text(text));
    free(text);
    return text != NULL;
}

static bool context_read(struct answer *own, json_t *context, bool any)
{
    if (context == NULL || json_is_null(context))
        return true;
    if (!json_is_object(context))
        return false;
    struct pair *pairs = arena_alloc(own->arena, (json_object_size(context) + 1) * sizeof *pairs);
    size_t count = 0, name_len;
    const char *name;
    json_t *value;
    if (pairs == NULL)
        return false;
    json_object_keylen_foreach(context, name, name_len, value)
    {
        if (json_is_null(value))
            continue;
        pairs[count].name = arena_copy(own->arena, span_make(name, name_len));
        if (!value_read(own, value, any, &pairs[count++].value))
            return false;
    }
    own->answer.context = pairs;
    own->answer.context_count = count;
    return !arena_is_full(own->arena);
}

static bool usage_key_read(struct answer *own, const json_t *value)
{
    struct span text = text_of(value);
    if (value == NULL || json_is_null(value))
        return true;
    own->usage_key = json_is_string(value) ? arena_text(own->arena, text.len + 1) : NULL;
    if (own->usage_key == NULL)
        return false;
    memcpy(own->usage_key, text.at, text.len);
    own->answer.usage_key = span_make(own->usage_key, text.len);
    return true;
}

static bool policy_take(struct answer *own, const json_t *document)
{
    char *text = json_dumps(document, JSON_COMPACT | JSON_ENCODE_ANY);
    struct faults *faults = faults_new();
    own->policy = policy_read(span_text(text), POLICY_IDENTITY, "policyDocument", faults);
    own->answer.policy = own->policy;
    faults_free(faults);
    free(text);
    return own->policy != NULL;
}

/* ---- the two forms ---- */

static enum answer_fault simple_read(struct answer *own, json_t *root)
{
    const json_t *verdict = json_object_get(root, "isAuthorized");
    if (!json_is_boolean(verdict))
        return WITH_NO_BOOLEAN;
    own->answer.is_authorized = json_is_true(verdict);
    return HOLDS;
}

static enum answer_fault policy_form_read(struct answer *own, json_t *root,
                                          enum authorizer_payload payload)
{
    if (!text_read(own, json_object_get(root, "principalId"), &own->answer.principal) ||
        (authorizer_payload_is_rest(payload) && own->answer.principal.len == 0))
        return WITH_NO_PRINCIPAL;
    if (!usage_key_read(own, json_object_get(root, "usageIdentifierKey")))
        return WITH_BAD_USAGE_KEY;
    return policy_take(own, json_object_get(root, "policyDocument")) ? HOLDS : WITH_BAD_POLICY;
}

static enum answer_fault read_forms(struct answer *own, json_t *root,
                                    enum authorizer_payload payload, enum authorizer_form form)
{
    bool has_policy = json_object_get(root, "policyDocument") != NULL;
    bool has_simple = payload == AUTHORIZER_2_0 && json_object_get(root, "isAuthorized") != NULL;
    if (has_policy && has_simple)
        return WITH_TWO_FORMS;
    enum answer_fault fault = WITH_NO_FORM;
    if (has_simple && form != AUTHORIZER_POLICY)
        fault = simple_read(own, root);
    else if (has_policy && (form != AUTHORIZER_SIMPLE || payload != AUTHORIZER_2_0))
        fault = policy_form_read(own, root, payload);
    if (fault == HOLDS &&
        !context_read(own, json_object_get(root, "context"), payload == AUTHORIZER_2_0))
        fault = WITH_BAD_CONTEXT;
    return fault;
}

/* ---- the whole ---- */

static struct authorizer_verdict malformed(enum answer_fault fault)
{
    return (struct authorizer_verdict){AUTHORIZER_MALFORMED, fault_words[fault], NULL};
}

static struct authorizer_verdict verdict_of(json_t *root, enum authorizer_payload payload,
                                            enum authorizer_form form)
{
    const json_t *error = json_object_get(root, "errorMessage");
    if (error != NULL && span_is(text_of(error), SPAN("Unauthorized")))
        return (struct authorizer_verdict){AUTHORIZER_UNAUTHORIZED, "unauthorized", NULL};
    if (error != NULL)
        return (struct authorizer_verdict){AUTHORIZER_STUMBLED, "function_error", NULL};
    struct answer *own = answer_new();
    enum answer_fault fault = read_forms(own, root, payload, form);
    own->answer.kept.bytes += arena_used(own->arena) + policy_bytes(own->policy);
    if (fault == HOLDS)
        return (struct authorizer_verdict){AUTHORIZER_ANSWERED, fault_words[HOLDS], &own->answer};
    answer_free(&own->answer.kept);
    return malformed(fault);
}

/* jansson reads to a depth of 2048 by calling itself: no answer needs it. */
static bool is_too_deep(struct span text)
{
    unsigned depth = 0;
    bool quoted = false;
    for (size_t i = 0; i < text.len && depth <= DEPTH_MOST; i++) {
        if (quoted && text.at[i] == '\\')
            i++;
        else if (text.at[i] == '"')
            quoted = !quoted;
        else if (!quoted && (text.at[i] == '{' || text.at[i] == '['))
            depth++;
        else if (!quoted && (text.at[i] == '}' || text.at[i] == ']') && depth > 0)
            depth--;
    }
    return depth > DEPTH_MOST;
}

struct authorizer_verdict authorizer_answer_read(struct span body, enum authorizer_payload payload,
                                                 enum authorizer_form form)
{
    if (body.len > AUTHORIZER_ANSWER_BYTES)
        return malformed(WITH_TOO_LONG);
    if (body.len == 0 || is_too_deep(body))
        return malformed(WITH_NO_JSON);
    json_t *root = json_loadb(body.at, body.len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
    struct authorizer_verdict verdict = malformed(WITH_NO_JSON);
    if (json_is_object(root))
        verdict = verdict_of(root, payload, form);
    span_wipe(text_of(json_object_get(root, "usageIdentifierKey")));
    json_decref(root);
    return verdict;
}
