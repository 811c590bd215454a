/* SPDX-License-Identifier: Apache-2.0 */
/* connect, send, await_answer: the way to the backend. */
#include <string.h>

#include "rules/base/encode.h"
#include "sidecar/exchange/decode.h"
#include "sidecar/exchange/gather.h"
#include "sidecar/http/forwarded.h"
#include "sidecar/wire/tls.h"

enum { ADDED_FIELDS = 12 };

/* ---- connect ---- */

static struct report_attempt *attempt_of(struct exchange *x)
{
    return &x->attempts[x->attempt_count - 1];
}

static void attempt_begin(struct exchange *x)
{
    if (x->attempt_count < REPORT_ATTEMPTS)
        x->attempt_count++;
    else
        x->resends++; /* the last slot is used again; the count is kept */
    struct report_attempt *attempt = attempt_of(x);
    *attempt = (struct report_attempt){.start_us = loop_clock_us(x->around->loop) - x->began_us};
    random_bytes(x->around->random, attempt->span_id, sizeof(attempt->span_id));
}

static void attempt_fail(struct exchange *x, const char *error)
{
    struct report_attempt *attempt = attempt_of(x);
    attempt->error = span_text(error);
    attempt->duration_us = loop_clock_us(x->around->loop) - x->began_us - attempt->start_us;
    if (x->ticket.target != NULL)
        attempt->address = x->ticket.target->name;
}

static enum step connect_failed(struct exchange *x, enum pool_answer answer)
{
    x->ticket.pool = NULL;
    switch (answer) {
    case POOL_FULL:
        metrics_add(x->around->metrics, COUNTER_UPSTREAM_REJECTED, 1);
        x->own.retry_after_s = 1;
        attempt_fail(x, "upstream_queue_full");
        return answer_with(x, 503, "upstream_queue_full");
    case POOL_TIMEOUT:
        attempt_fail(x, "connect_timeout");
        return answer_with(x, 504, "connect_timeout");
    case POOL_REFUSED:
    case POOL_WAIT:
    case POOL_READY: break;
    }
    const char *error = x->ticket.error ? x->ticket.error : "connection_refused";
    attempt_fail(x, error);
    return answer_with(x, 502, error);
}

enum step stage_connect(struct exchange *x)
{
    enum pool_answer answer;
    if (!x->entered) {
        const struct upstream_settings *upstream = &x->settings->upstreams[x->route->upstream];
        attempt_begin(x);
        memset(&x->ticket, 0, sizeof(x->ticket));
        x->ticket.wake = exchange_wake;
        x->ticket.exchange = x;
        x->ticket.fresh = x->second_try;
        x->ticket.pool = x->around->pool(x->around->context, upstream);
        answer = pool_ask(x->ticket.pool, &x->ticket);
    } else {
        answer = pool_poll(&x->ticket);
    }
    if (answer == POOL_WAIT)
        return STEP_WAIT;
    if (answer != POOL_READY)
        return connect_failed(x, answer);
    x->ticket.pool = NULL;
    x->server = x->ticket.server;
    x->server->wake = exchange_wake;
    x->server->exchange = x;
    struct report_attempt *attempt = attempt_of(x);
    attempt->address = x->ticket.target->name;
    attempt->connect_us = x->ticket.connect_us;
    attempt->reused = x->server->reused;
    attempt->tls = x->ticket.target->tls != NULL;
    return STEP_NEXT;
}

/* ---- send ---- */

/* A name with an underscore is read as one with a hyphen by many backends, and so passes for a
 * field that it is not. */
static void drop_underscore_names(struct fields *fields)
{
    size_t kept = 0;
    for (size_t i = 0; i < fields->count; i++)
        if (span_find_byte(fields->at[i].name, '_') == SPAN_NONE)
            fields->at[kept++] = fields->at[i];
    fields->count = kept;
}

/* Fields that say who the client is by its certificate; a backend may read '_' as '-'. */
static bool is_about_certificate(struct span name)
{
    static const struct span prefix = SPAN_INIT("x-client-cert-");
    char plain[sizeof "client-cert-chain"];
    if (name.len < sizeof "client-cert" - 1)
        return false;
    struct span start = span_first(name, sizeof plain);
    for (size_t i = 0; i < start.len; i++)
        plain[i] = (char)(start.at[i] == '_' ? '-' : byte_lower(start.at[i]));
    start.at = plain;
    return span_starts(start, prefix) || span_is(start, SPAN("x-client-cert")) ||
           span_is(start, SPAN("client-cert")) || span_is(start, SPAN("client-cert-chain"));
}

/* Only what was verified here is said, whoever says something else: RFC 9440 2.4. */
static void set_certificate(struct exchange *x, struct fields *fields)
{
    const struct tls_facts *tls = x->facts->tls;
    size_t kept = 0;
    for (size_t i = 0; i < fields->count; i++)
        if (!is_about_certificate(fields->at[i].name))
            fields->at[kept++] = fields->at[i];
    fields->count = kept;
    if (tls == NULL || tls->peer.field.at == NULL)
        return;
    fields_add(fields, x->arena, SPAN("Client-Cert"), tls->peer.field);
    fields_add(fields, x->arena, SPAN("X-Client-Cert-Subject"), tls->peer.subject);
    fields_add(fields, x->arena, SPAN("X-Client-Cert-Fingerprint"), tls->peer.fingerprint);
    if (tls->peer.san_count > 0)
        fields_add(fields, x->arena, SPAN("X-Client-Cert-San"), tls->peer.san_list);
}

static void set_via(struct exchange *x, struct fields *fields)
{
    struct span version =
        x->client->head->version == HTTP_1_0 ? SPAN("1.0 sidegate") : SPAN("1.1 sidegate");
    fields_add(fields, x->arena, SPAN("Via"), version);
}

/* What the backend gets: the client's head without what concerned only the client's connection,
 * with what it should know about the client. */
static void make_request(struct exchange *x, struct request_head *head)
{
    *head = *x->client->head;
    struct pair *copy = arena_alloc(x->arena, (head->fields.count + ADDED_FIELDS + ASKED_INSERTED) *
                                                  sizeof(struct pair));
    if (copy == NULL)
        return;
    memcpy(copy, head->fields.at, head->fields.count * sizeof(struct pair));
    head->fields.at = copy;
    head->fields.size = head->fields.count + ADDED_FIELDS + ASKED_INSERTED;
    struct fields *fields = &head->fields;
    fields_remove_hop_by_hop(fields, false);
    fields_remove(fields, SPAN("content-length")); /* framing is the codec's */
    if (!x->settings->limits.pass_underscore_names)
        drop_underscore_names(fields);
    if (x->continue_sent || gathered_is_whole(x))
        fields_remove(fields, SPAN("expect"));
    if (x->inspection != NULL && x->snapshot->inspection.response_body_access)
        accept_encoding_reduce(fields, x->arena);
    forwarded_set(fields, x->arena, x->facts->peer_address, x->peer_is_trusted, x->facts->scheme,
                  head->authority);
    fields_set(fields, x->arena, SPAN("X-Request-Id"), span_make(x->request_id, UUID_LENGTH));
    set_certificate(x, fields);
    trace_pass_on(x, fields, attempt_of(x)->span_id);
    authorizer_tell(x, fields);
    key_hide(x, fields);
    set_via(x, fields);
    access_tell(x, fields);
    if (gathered_is_whole(x))
        head->body_length = (int64_t)gathered_bytes(x).len;
    if (x->target.form ==
        TARGET_ABSOLUTE) /* the origin form is for origin servers: RFC 9112 3.2.1 */
        head->target = x->target.query.at == NULL
                           ? x->target.path
                           : arena_format(x->arena, SPAN_FORMAT "?" SPAN_FORMAT,
                                          span_arg(x->target.path), span_arg(x->target.query));
    head->version = HTTP_1_1;
}

enum step stage_send(struct exchange *x)
{
    struct request_head head;
    make_request(x, &head);
    if (arena_is_full(x->arena))
        return answer_with(x, 431, "header_too_large");
    execution_keep_sent(x, &head.fields);
    x->server->ops->send_head(x->server, &head);
    struct source *rest = gathered_is_whole(x) || head.body_length == 0 ? NULL : &x->client->body;
    if (head.body_length != 0)
        pump_start(&x->upload, rest, &x->server->request, gathered_bytes(x),
                   x->settings->limits.body_bytes, loop_now_us(x->around->loop));
    execution_tap(x, &x->upload);
    if (head.body_length != 0)
        pump_move(&x->upload, loop_now_us(x->around->loop));
    return STEP_NEXT;
}

/* ---- await_answer ---- */

static bool is_idempotent(struct span method)
{
    static const struct span methods[] = {SPAN_INIT("GET"),     SPAN_INIT("HEAD"),
                                          SPAN_INIT("OPTIONS"), SPAN_INIT("PUT"),
                                          SPAN_INIT("DELETE"),  SPAN_INIT("TRACE")};
    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
        if (span_is(method, methods[i]))
            return true;
    return false;
}

/* RFC 9110 9.2.2: only what may be repeated, and only while all that was sent is still at hand. */
static bool may_go_again(const struct exchange *x)
{
    bool body_is_at_hand = x->upload.from == NULL || x->upload.moved <= gathered_bytes(x).len;
    return !x->second_try && body_is_at_hand && is_idempotent(x->client->head->method);
}

static enum step go_again(struct exchange *x)
{
    metrics_add(x->around->metrics, COUNTER_UPSTREAM_RETRIES, 1);
    attempt_fail(x, "stale_connection");
    exchange_release_server(x);
    x->upload = (struct pump){0};
    x->second_try = true;
    return STEP_AGAIN;
}

static enum step answer_lost(struct exchange *x, unsigned status, const char *error)
{
    attempt_fail(x, error);
    return answer_with(x, status, error);
}

/* 1xx go to clients that know them; 100 only to one that asked and was not told yet. */
static void forward_interim(struct exchange *x)
{
    const struct answer_head *head = x->server->head;
    bool is_continue = head->status == 100;
    bool wanted = x->client->head->version != HTTP_1_0 &&
                  !(is_continue && (x->continue_sent || !x->client->head->expects_continue));
    if (wanted)
        x->client->ops->send_interim(x->client, head);
    if (is_continue)
        x->continue_sent = true;
    x->server->ops->next(x->server);
}

enum step stage_await_answer(struct exchange *x)
{
    if (!x->entered)
        row_clock_arm(x, x->settings->timeouts.response_header_us);
    for (;;) {
        switch (x->server->ops->answer(x->server)) {
        case ANSWER_INTERIM: forward_interim(x); continue;
        case ANSWER_HEAD: attempt_of(x)->status = x->server->head->status; return STEP_NEXT;
        case ANSWER_STALE:
            return may_go_again(x) ? go_again(x) : answer_lost(x, 502, "upstream_closed");
        case ANSWER_BROKEN: return answer_lost(x, 502, "upstream_broken");
        case ANSWER_NONE: break;
        }
        /* The time that an upload takes is the client's; the backend's begins when it has
         * everything. */
        if (x->row_is_late && x->upload.state == PUMP_RUNNING)
            row_clock_arm(x, x->settings->timeouts.response_header_us);
        return x->row_is_late ? answer_lost(x, 504, "upstream_timeout") : STEP_WAIT;
    }
}
