/* SPDX-License-Identifier: Apache-2.0 */
/* Authorizers of type introspection: who issued an opaque token is asked about it, RFC 7662. The
 * token goes into the request's body and nowhere else. */
#include "rules/base/encode.h"
#include "sidecar/exchange/authenticate_token.h"
#include "sidecar/exchange/authorizer_call.h"
#include "sidecar/exchange/inside.h"
#include "sidecar/state/pulse.h"
#include "sidecar/upstream/call.h"

enum { ANSWER_BYTES = 64 * 1024, TEXT_BYTES = 64 * 1024, FIELDS_MOST = 4 };
enum { TOKEN_BYTES = 16 * 1024 }; /* encoded, three times as long, it fits into a body */

/* Who we are: RFC 6749 2.3.1, or a token of our own. Nobody: at == NULL. */
static struct span authorization_of(const struct authorizer_settings *settings, struct buf *to)
{
    struct buf pair;
    buf_init(to, TEXT_BYTES);
    if (settings->bearer_token.at != NULL) {
        buf_add(to, SPAN("Bearer "));
        buf_add(to, settings->bearer_token);
    } else if (settings->client_id.at != NULL) {
        buf_init(&pair, TEXT_BYTES);
        percent_add(&pair, settings->client_id, "");
        buf_add_byte(&pair, ':');
        percent_add(&pair, settings->client_secret, "");
        buf_add(to, SPAN("Basic "));
        base64_add(to, buf_span(&pair));
        buf_wipe(&pair);
    }
    return buf_span(to);
}

/* `is_shared`: others who come with this token wait for the same answer. */
static bool begin_call(struct exchange *x, struct span token, bool is_shared)
{
    const struct authorizer_settings *settings = x->authorizer.settings;
    struct buf body, who;
    struct pair fields[FIELDS_MOST] = {
        {SPAN("Content-Type"), SPAN("application/x-www-form-urlencoded")},
        {SPAN("Accept"), SPAN("application/json")},
        {SPAN("X-Request-Id"), span_make(x->request_id, UUID_LENGTH)},
        {SPAN("Authorization"), authorization_of(settings, &who)},
    };
    buf_init(&body, TEXT_BYTES);
    buf_add(&body, SPAN("token_type_hint=access_token&token="));
    percent_add(&body, token, "");
    const struct call_request request = {
        .method = "POST",
        .url = settings->url.at,
        .fields = fields,
        .field_count = FIELDS_MOST - (fields[FIELDS_MOST - 1].value.len == 0),
        .body = buf_span(&body),
        .timeout_us = settings->timeout_us,
        .answer_most = ANSWER_BYTES,
        .ca_file = settings->ca_file.at,
    };
    bool well = !buf_is_full(&body) && !buf_is_full(&who) &&
                authorizer_call_ask(x, &request, is_shared ? token : span_make(NULL, 0));
    buf_wipe(&body);
    buf_wipe(&who);
    return well;
}

/* For log, span and counters, as for other authorizers that are called. */
static void note_end(struct exchange *x, const struct call_answer *answer)
{
    struct report_attempt *attempt = &x->remote.attempt;
    bool is_v6 = span_find_byte(answer->peer_address, ':') != SPAN_NONE;
    attempt->status = answer->status;
    attempt->duration_us = answer->duration_us;
    if (answer->peer_address.len > 0)
        attempt->address =
            arena_format(x->arena, is_v6 ? "[" SPAN_FORMAT "]:%u" : SPAN_FORMAT ":%u",
                         span_arg(answer->peer_address), answer->peer_port);
    if (answer->outcome != CALL_ANSWERED)
        attempt->error = span_text(call_outcome_word(answer->outcome));
}

static enum step known(struct exchange *x, const struct jwt *jwt)
{
    token_tell(jwt, &x->authorizer);
    x->authorizer.is_known = true;
    return STEP_NEXT;
}

static enum step failed(struct exchange *x, const char *word)
{
    struct authorizer_refusal refusal;
    token_fail(word, &refusal);
    return authorizer_refuse(x, &refusal);
}

/* Clients' doing: were it a failure, a flood, or a token that the server stumbles over, would let
 * in where on_failure allows. */
static enum step refuse_by_client(struct exchange *x, const char *word)
{
    struct authorizer_refusal refusal;
    token_fail(word, &refusal);
    refusal.failed = false;
    return authorizer_refuse(x, &refusal);
}

/* As authorizer_call.c has it: what fails now is this token's doing where the server answers
 * others. */
static enum step fail_or_refuse(struct exchange *x, const char *word)
{
    const struct pulse *pulse = &x->snapshot->pulses[x->route->authorizer - 1];
    enum call_outcome outcome = authorizer_call_answer(x->remote.call)->outcome;
    uint64_t began_us = authorizer_call_began_us(x->remote.call);
    bool may_be = outcome == CALL_ANSWERED || call_failure_may_be_of_request(outcome);
    bool is_there = pulse_is_there(pulse, began_us, x->authorizer.settings->timeout_us);
    return may_be && is_there ? refuse_by_client(x, word) : failed(x, word);
}

static enum step bad_status(struct exchange *x, unsigned status)
{
    static const char word[] = "bad_status";
    if (call_status_is_of_request(status))
        return refuse_by_client(x, word);
    return call_status_may_be_of_request(status) ? fail_or_refuse(x, word) : failed(x, word);
}

/* RFC 6749 A.12. */
static bool is_visible(struct span token)
{
    for (size_t i = 0; i < token.len; i++)
        if (token.at[i] < 0x21 || token.at[i] > 0x7e)
            return false;
    return true;
}

/* What no server is asked about. That is the client's doing: were it a failure, where on_failure
 * allows anybody could choose to be let in. */
static enum step refuse_unasked(struct exchange *x, const struct authorizer_question *question,
                                bool is_long)
{
    static const struct jwt_verdict too_long = {JWT_REFUSED, "token_too_long",
                                                "the token is too long"};
    static const struct jwt_verdict malformed = {JWT_REFUSED, "token_malformed",
                                                 "the token has bytes that no token has"};
    const struct jwt_verdict verdict = is_long ? too_long : malformed;
    struct authorizer_refusal refusal;
    token_refuse(question, &verdict, &refusal);
    return authorizer_refuse(x, &refusal);
}

static enum step begin(struct exchange *x, const struct authorizer_question *question)
{
    struct authorizer_refusal refusal;
    struct jwt jwt;
    struct span token;
    x->authorizer = (struct authorized){
        .settings = &x->settings->authorizers[x->route->authorizer - 1],
        .to = DECISION_ALLOW,
        .flow = POLICY_FLOW_COGNITO,
    };
    if (!token_find(question, &token, &refusal))
        return authorizer_refuse(x, &refusal);
    if (token.len > TOKEN_BYTES || !is_visible(token))
        return refuse_unasked(x, question, token.len > TOKEN_BYTES);
    bool is_kept = x->authorizer.settings->ttl_us > 0;
    if (is_kept && token_known(question, token, &jwt)) {
        x->remote.cache = "hit";
        return known(x, &jwt);
    }
    if (is_kept && authorizer_call_join_token(x, token)) {
        x->remote.cache = "shared";
        return STEP_WAIT;
    }
    x->remote.cache = is_kept ? "miss" : NULL;
    if (!begin_call(x, token, is_kept))
        return refuse_by_client(x, "too_many_calls");
    x->remote.is_asker = true;
    x->remote.attempt = authorizer_call_attempt(x->remote.call);
    return STEP_WAIT;
}

/* Only what is good is kept, and not beyond its end. */
static void keep(const struct exchange *x, const struct authorizer_question *question,
                 const struct jwt *jwt)
{
    uint64_t until_s = (question->wall_us + x->authorizer.settings->ttl_us) / 1000000;
    struct authorizer_refusal refusal;
    struct span token;
    if (x->authorizer.settings->ttl_us > 0 && token_find(question, &token, &refusal))
        token_keep(question, token, jwt, until_s < jwt->good_until_s ? until_s : jwt->good_until_s);
}

static enum step settle(struct exchange *x, const struct authorizer_question *question,
                        const struct call_answer *answer)
{
    struct authorizer_refusal refusal;
    struct jwt jwt;
    if (x->remote.is_asker)
        note_end(x, answer);
    if (answer->outcome != CALL_ANSWERED)
        return fail_or_refuse(x, call_outcome_word(answer->outcome));
    if (answer->status != 200)
        return bad_status(x, answer->status);
    struct jwt_rules rules = token_rules(question);
    struct jwt_verdict verdict =
        jwt_introspected(answer->body, &rules, question->wall_us / 1000000, x->arena, &jwt);
    if (verdict.outcome == JWT_FAILED)
        return fail_or_refuse(x, verdict.word);
    pulse_beat(&x->snapshot->pulses[x->route->authorizer - 1], loop_clock_us(x->around->loop));
    if (verdict.outcome != JWT_HOLDS) {
        token_refuse(question, &verdict, &refusal);
        return authorizer_refuse(x, &refusal);
    }
    keep(x, question, &jwt);
    return known(x, &jwt);
}

enum step authenticate_by_introspection(struct exchange *x)
{
    const struct authorizer_question question = authorizer_question_of(x);
    if (!x->entered)
        return begin(x, &question);
    const struct call_answer *answer = authorizer_call_answer(x->remote.call);
    if (answer == NULL)
        return STEP_WAIT;
    enum step step = settle(x, &question, answer);
    authorizer_call_leave(x);
    return step;
}
