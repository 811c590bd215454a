/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/exchange/authorizer_call.h"

#include <stdio.h>
#include <stdlib.h>

#include "rules/base/must.h"
#include "sidecar/config/authorizer_stores.h"
#include "sidecar/state/pulse.h"
#include "sidecar/upstream/call.h"

enum { ADDRESS_BYTES = 80 };

struct authorizer_call {
    struct list link;    /* of surroundings.authorizer_calls, while it is under way */
    struct list waiting; /* exchanges, by remote.link */
    struct surroundings *around;
    struct snapshot *snapshot;
    const struct remote_authorizer *remote; /* of the snapshot, like the settings */
    const struct authorizer_settings *settings;
    struct pulse *pulse; /* the authorizer's, of the snapshot */
    uint64_t began_us;
    struct results_id id;
    bool is_shared;                   /* it has an id: the answer is kept */
    struct buf token;                 /* of introspection, where it is shared: a secret */
    const struct call_answer *answer; /* of introspection */
    struct call *call;
    bool over;
    struct authorizer_verdict verdict;
    struct report_attempt attempt;
    char address[ADDRESS_BYTES];
};

static void free_call(struct authorizer_call *call)
{
    list_remove(&call->link);
    call_free(call->call);
    if (call->verdict.answer != NULL)
        kept_give(&call->verdict.answer->kept);
    snapshot_give(call->snapshot);
    buf_wipe(&call->token);
    free(call);
}

/* ---- what it came to ---- */

static struct authorizer_verdict plain(enum authorizer_outcome outcome, const char *word)
{
    return (struct authorizer_verdict){outcome, word, NULL};
}

/* A function that threw says so in a field; what it threw is the body. */
static bool has_thrown(const struct call_answer *answer)
{
    for (size_t i = 0; i < answer->field_count; i++)
        if (span_is(answer->fields[i].name, SPAN("x-amz-function-error")))
            return true;
    return false;
}

static struct authorizer_verdict read_answer(const struct authorizer_settings *settings,
                                             const struct call_answer *answer)
{
    struct authorizer_verdict verdict =
        authorizer_answer_read(answer->body, settings->payload, settings->form);
    if (!has_thrown(answer) || settings->type != AUTHORIZER_LAMBDA ||
        verdict.outcome == AUTHORIZER_UNAUTHORIZED)
        return verdict;
    if (verdict.answer != NULL)
        kept_give(&verdict.answer->kept);
    return plain(AUTHORIZER_STUMBLED, "function_error");
}

static struct authorizer_verdict verdict_of(const struct authorizer_settings *settings,
                                            const struct call_answer *answer)
{
    bool is_http = settings->type == AUTHORIZER_HTTP;
    if (answer->outcome == CALL_TOO_LARGE)
        return plain(AUTHORIZER_MALFORMED, "answer_too_long");
    if (answer->outcome != CALL_ANSWERED)
        return plain(AUTHORIZER_FAILED, call_outcome_word(answer->outcome));
    if (is_http && answer->status == 401)
        return plain(AUTHORIZER_UNAUTHORIZED, "unauthorized");
    if (is_http && answer->status == 403)
        return plain(AUTHORIZER_DENIED, "forbidden");
    if (answer->status != 200)
        return plain(call_status_is_of_request(answer->status) ? AUTHORIZER_STUMBLED
                                                               : AUTHORIZER_FAILED,
                     "bad_status");
    return read_answer(settings, answer);
}

static bool may_be_of_request(enum authorizer_outcome outcome, const struct call_answer *answer)
{
    return outcome == AUTHORIZER_MALFORMED || call_failure_may_be_of_request(answer->outcome) ||
           call_status_may_be_of_request(answer->status);
}

/* Where on_failure allows, a server that answers others is not away: that it hangs, breaks off or
 * makes no sense is this request's doing, and lets nobody in. */
static void judge(struct authorizer_call *call, const struct call_answer *answer)
{
    enum authorizer_outcome outcome = call->verdict.outcome;
    if (outcome == AUTHORIZER_ANSWERED || outcome == AUTHORIZER_UNAUTHORIZED ||
        outcome == AUTHORIZER_DENIED)
        pulse_beat(call->pulse, loop_clock_us(call->around->loop));
    else if (call->settings->on_failure == ON_FAILURE_ALLOW && may_be_of_request(outcome, answer) &&
             pulse_is_there(call->pulse, call->began_us, call->settings->timeout_us))
        call->verdict.outcome = AUTHORIZER_STUMBLED;
}

static void note(struct authorizer_call *call, const struct call_answer *answer)
{
    struct report_attempt *attempt = &call->attempt;
    bool is_v6 = span_find_byte(answer->peer_address, ':') != SPAN_NONE;
    int len = 0;
    if (answer->peer_address.len > 0)
        len = snprintf(call->address, sizeof call->address, is_v6 ? "[%.*s]:%u" : "%.*s:%u",
                       span_arg(answer->peer_address), answer->peer_port);
    attempt->address = span_make(call->address, len > 0 ? (size_t)len : 0);
    attempt->status = answer->status;
    attempt->duration_us = answer->duration_us;
    if (call->verdict.outcome == AUTHORIZER_FAILED ||
        call->verdict.outcome == AUTHORIZER_STUMBLED ||
        call->verdict.outcome == AUTHORIZER_MALFORMED)
        attempt->error = span_text(call->verdict.word);
}

/* Errors are not kept: the next one asks again. */
static void keep(const struct authorizer_call *call)
{
    if (!call->is_shared || call->verdict.outcome != AUTHORIZER_ANSWERED)
        return;
    uint64_t until_us = loop_now_us(call->around->loop) + call->settings->ttl_us;
    results_set(call->remote->results, &call->id, until_us, &call->verdict.answer->kept);
}

/* Who comes from now on looks at what is kept. */
static void end(struct authorizer_call *call)
{
    call->over = true;
    list_remove(&call->link);
    if (list_is_empty(&call->waiting)) {
        free_call(call);
        return;
    }
    for (struct list *link = call->waiting.next; link != &call->waiting; link = link->next)
        exchange_wake(list_entry(link, struct exchange, remote.link));
}

static void on_answered(void *context, const struct call_answer *answer)
{
    struct authorizer_call *call = context;
    call->verdict = verdict_of(call->settings, answer);
    judge(call, answer);
    note(call, answer);
    keep(call);
    end(call);
}

static void on_told(void *context, const struct call_answer *answer)
{
    struct authorizer_call *call = context;
    call->answer = answer;
    end(call);
}

/* ---- asking ---- */

static void join(struct exchange *x, struct authorizer_call *call)
{
    x->remote.call = call;
    list_init(&x->remote.link);
    list_add(&call->waiting, &x->remote.link);
}

bool authorizer_call_join(struct exchange *x, const struct remote_authorizer *remote,
                          const struct results_id *id)
{
    struct list *calls = &x->around->authorizer_calls;
    for (struct list *link = calls->next; link != calls; link = link->next) {
        struct authorizer_call *call = list_entry(link, struct authorizer_call, link);
        if (!call->is_shared || call->remote->results != remote->results ||
            call->id.at[0] != id->at[0] || call->id.at[1] != id->at[1])
            continue;
        join(x, call);
        return true;
    }
    return false;
}

/* The function's spans become children of the call's. */
static struct fields fields_of(struct exchange *x, const struct authorizer_call *call)
{
    struct fields fields = {NULL, 0, 0};
    fields_add(&fields, x->arena, SPAN("Content-Type"), SPAN("application/json"));
    fields_add(&fields, x->arena, SPAN("Accept"), SPAN("application/json"));
    fields_add(&fields, x->arena, SPAN("X-Request-Id"), span_make(x->request_id, UUID_LENGTH));
    if (call->settings->type == AUTHORIZER_LAMBDA)
        fields_add(&fields, x->arena, SPAN("X-Amz-Invocation-Type"), SPAN("RequestResponse"));
    trace_tell(x, &fields, call->attempt.span_id);
    return fields;
}

static struct call *begin(struct exchange *x, struct authorizer_call *call, struct span event)
{
    const struct fields fields = fields_of(x, call);
    const struct call_request request = {
        .method = "POST",
        .url = call->remote->url.at,
        .fields = fields.at,
        .field_count = fields.count,
        .body = event,
        .timeout_us = call->settings->timeout_us,
        .answer_most = AUTHORIZER_ANSWER_BYTES,
        .ca_file = call->settings->ca_file.at,
    };
    if (x->around->caller == NULL)
        return NULL;
    return call_begin(x->around->caller, x->around->loop, &request, on_answered, call);
}

static struct authorizer_call *call_new(struct exchange *x,
                                        const struct authorizer_settings *settings)
{
    struct authorizer_call *call = must_alloc(sizeof *call);
    *call = (struct authorizer_call){
        .around = x->around,
        .snapshot = snapshot_take(x->snapshot),
        .settings = settings,
        .pulse = &x->snapshot->pulses[x->route->authorizer - 1],
        .began_us = loop_clock_us(x->around->loop),
    };
    call->attempt.start_us = call->began_us - x->began_us;
    list_init(&call->link);
    list_init(&call->waiting);
    random_bytes(x->around->random, call->attempt.span_id, sizeof call->attempt.span_id);
    return call;
}

/* False: none was begun, and it is gone. */
static bool go(struct exchange *x, struct authorizer_call *call, struct call *begun)
{
    call->call = begun;
    if (begun == NULL) {
        free_call(call);
        return false;
    }
    list_add(&x->around->authorizer_calls, &call->link);
    join(x, call);
    return true;
}

bool authorizer_call_begin(struct exchange *x, const struct authorizer_call_request *request)
{
    struct authorizer_call *call = call_new(x, request->settings);
    call->remote = request->remote;
    call->is_shared = request->id != NULL;
    if (request->id != NULL)
        call->id = *request->id;
    return go(x, call, begin(x, call, request->event));
}

/* ---- introspection ---- */

bool authorizer_call_join_token(struct exchange *x, struct span token)
{
    struct list *calls = &x->around->authorizer_calls;
    for (struct list *link = calls->next; link != calls; link = link->next) {
        struct authorizer_call *call = list_entry(link, struct authorizer_call, link);
        if (call->settings != x->authorizer.settings || call->token.len == 0 ||
            !span_is(buf_span(&call->token), token))
            continue;
        join(x, call);
        return true;
    }
    return false;
}

bool authorizer_call_ask(struct exchange *x, const struct call_request *request, struct span token)
{
    struct authorizer_call *call = call_new(x, x->authorizer.settings);
    buf_init(&call->token, token.len);
    if (token.at != NULL)
        buf_add(&call->token, token);
    struct call *begun = x->around->caller != NULL ? call_begin(x->around->caller, x->around->loop,
                                                                request, on_told, call)
                                                   : NULL;
    return go(x, call, begun);
}

const struct call_answer *authorizer_call_answer(const struct authorizer_call *call)
{
    return call->answer;
}

uint64_t authorizer_call_began_us(const struct authorizer_call *call)
{
    return call->began_us;
}

/* ---- looking at it, leaving it ---- */

const struct authorizer_verdict *authorizer_call_verdict(const struct authorizer_call *call)
{
    return call->over ? &call->verdict : NULL;
}

struct report_attempt authorizer_call_attempt(const struct authorizer_call *call)
{
    return call->attempt;
}

void authorizer_call_leave(struct exchange *x)
{
    struct authorizer_call *call = x->remote.call;
    if (call == NULL)
        return;
    x->remote.call = NULL;
    list_remove(&x->remote.link);
    bool is_wanted = !call->over && call->is_shared;
    if (list_is_empty(&call->waiting) && !is_wanted)
        free_call(call);
}

void authorizer_calls_abort(struct surroundings *around)
{
    struct list *first;
    while ((first = list_first(&around->authorizer_calls)) != NULL)
        free_call(list_entry(first, struct authorizer_call, link));
}
