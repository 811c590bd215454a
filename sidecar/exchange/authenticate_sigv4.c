/* SPDX-License-Identifier: Apache-2.0 */
/* Authorizers of type sigv4: an AWS Signature by one of aws_keys. A body whose hash is said is held
 * against it in gather_rest; one whose hash is signed without being said has to be known here. */
#include "rules/base/encode.h"
#include "rules/base/must.h"
#include "sidecar/config/aws_keys.h"
#include "sidecar/exchange/authorizer.h"

enum { BODY_MOST = 32 * 1024 };

static enum gateway_response_type response_of(enum sigv4_answer answer)
{
    switch (answer) {
    case SIGV4_ABSENT: return GATEWAY_MISSING_AUTHENTICATION_TOKEN;
    case SIGV4_INCOMPLETE: return GATEWAY_INCOMPLETE_SIGNATURE;
    case SIGV4_UNKNOWN_KEY: return GATEWAY_UNRECOGNIZED_CLIENT;
    case SIGV4_GOOD:
    case SIGV4_STALE:
    case SIGV4_MISMATCH:
    case SIGV4_SCOPE:
    case SIGV4_WANTS_PAYLOAD:
    case SIGV4_NO_ROOM: break;
    }
    return GATEWAY_INVALID_SIGNATURE;
}

/* What AWS says repeats what the client sent; the log's reason does not. */
static struct span body_of(struct span message, struct arena *arena)
{
    struct buf body;
    struct span copy = {0};
    buf_init(&body, BODY_MOST);
    buf_add(&body, SPAN("{\"message\":\""));
    json_add_escaped(&body, message);
    buf_add(&body, SPAN("\"}"));
    if (!buf_is_full(&body))
        copy = arena_copy(arena, buf_span(&body));
    buf_fini(&body);
    return copy;
}

static struct sigv4_rules rules_of(const struct authorizer_settings *settings)
{
    return (struct sigv4_rules){
        .region = settings->region,
        .service = settings->service,
        .skew_us = settings->skew_us,
        .normalize = true,
        .unsigned_payload = settings->unsigned_payload,
        .elliptic = settings->v4a,
        .payload_later = true,
    };
}

static void fill(struct authorized *to, const struct aws_key *key)
{
    to->principal = key->principal.arn;
    to->context = key->context;
    to->context_count = key->context_count;
    to->caller = key->principal;
    to->policies = key->policies;
    to->keys = key->condition_keys;
    to->key_count = key->condition_key_count;
}

/* What is still to be proven of the body; false: there is no room to remember it. */
static bool claim_body(struct authorized *to, const struct sigv4_claim *claim,
                       const struct aws_key *key, struct arena *arena)
{
    must(key != NULL); /* nobody's signature is good */
    if (claim->payload.at == NULL || claim->payload_kind == SIGV4_UNSIGNED)
        return true; /* nothing is */
    struct sigv4_claim *copy = arena_alloc(arena, sizeof *copy);
    if (copy == NULL)
        return false;
    *copy = *claim;
    to->signature.claim = copy;
    to->signature.key = key->key;
    return true;
}

enum authenticated authenticate_sigv4(const struct authorizer_question *question,
                                      struct authorized *to, struct authorizer_refusal *refusal)
{
    const struct asked *asked = question->asked;
    const struct sigv4_rules rules = rules_of(to->settings);
    const struct sigv4_request request = {.method = asked->method,
                                          .path = asked->raw_path,
                                          .query = asked->query,
                                          .fields = asked->fields,
                                          .payload = question->payload};
    struct sigv4 sigv4 = {
        .rules = &rules, .request = &request, .now_us = question->wall_us, .arena = asked->arena};
    const struct aws_key *key = NULL;
    enum sigv4_answer answer = sigv4_read(&sigv4);
    if (answer == SIGV4_GOOD) {
        key = aws_keys_find(question->snapshot->aws_keys, sigv4.claim.key_id);
        answer = sigv4_verify(&sigv4, key != NULL ? key->key : NULL);
    }
    if (answer == SIGV4_WANTS_PAYLOAD)
        return AUTHENTICATED_BY_BODY;
    if (answer == SIGV4_GOOD && claim_body(to, &sigv4.claim, key, asked->arena)) {
        fill(to, key);
        return AUTHENTICATED;
    }
    if (answer == SIGV4_GOOD)
        answer = SIGV4_NO_ROOM;
    *refusal = (struct authorizer_refusal){
        .type = response_of(answer),
        .reason = span_text(sigv4_word(answer)),
        .gateway_body = body_of(sigv4.message, asked->arena),
    };
    return AUTHENTICATED_NOT;
}
