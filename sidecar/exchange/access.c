/* SPDX-License-Identifier: Apache-2.0 */
/* The access list, on both sides of the rules. */
#include "sidecar/exchange/asked.h"
#include "sidecar/exchange/stages.h"
#include "sidecar/guard/web_acl.h"
#include "sidecar/wire/tls.h"

/* NULL: it showed none. */
static const struct asked_certificate *certificate_of(struct exchange *x)
{
    const struct tls_peer *peer = x->facts->tls != NULL ? &x->facts->tls->peer : NULL;
    if (peer == NULL || peer->field.at == NULL)
        return NULL;
    x->certificate = (struct asked_certificate){.subject = peer->subject,
                                                .issuer = peer->issuer,
                                                .fingerprint = peer->fingerprint,
                                                .sans = peer->sans,
                                                .san_count = peer->san_count};
    return &x->certificate;
}

static void asked_fill(struct exchange *x)
{
    const struct asked_sources sources = {
        .snapshot = x->snapshot,
        .head = x->client->head,
        .target = &x->target,
        .choice = route_choice_of(x),
        .certificate = certificate_of(x),
        .client_address = x->client_address,
        .scheme = x->facts->scheme,
        .request_id = span_make(x->request_id, UUID_LENGTH),
        .wall_us = x->began_wall_us,
        .place = &x->place,
        .arena = x->arena,
        .changes = &x->changes,
        .chunks = x->around->chunks,
        .scratch = x->around->world.scratch,
    };
    x->asked = asked_make(&sources);
}

const struct asked *asked_of(struct exchange *x)
{
    if (x->asked.fields == NULL)
        asked_fill(x);
    x->asked.now_us = loop_now_us(x->around->loop);
    return &x->asked;
}

/* Says in which row the decisions since `before` were made. */
static void stamp_decisions(struct exchange *x, size_t before)
{
    for (size_t i = before; i < x->decisions.count; i++)
        x->decisions.at[i].stage = stage_at(x->at)->name.at;
}

static enum access_step walk(struct exchange *x, bool past_rules)
{
    const struct asked *asked = asked_of(x);
    size_t before = x->decisions.count < DECISIONS_MOST ? x->decisions.count : DECISIONS_MOST - 1;
    enum access_step step;
    do
        step = access_run(x->settings->access, x->settings->access_count, &x->access_at, asked,
                          &x->decisions);
    while (step == ACCESS_RULES && past_rules);
    stamp_decisions(x, before);
    return step;
}

static enum step refuse(struct exchange *x, const struct decision *decision)
{
    x->own.whole = decision->answer;
    if (decision->rate == NULL)
        return answer_with(x, decision->status, "access_denied");
    tell_rate(x, decision);
    return answer_with(x, decision->status, "rate_limited");
}

static enum step act_on(struct exchange *x, enum access_step step)
{
    switch (step) {
    case ACCESS_ALLOWED: x->access_allows = true; return STEP_NEXT;
    case ACCESS_BLOCKED: return refuse(x, &x->decisions.at[x->decisions.count - 1]);
    case ACCESS_BODY: x->access_waits = true; return STEP_NEXT;
    case ACCESS_END:
    case ACCESS_RULES: break;
    }
    return STEP_NEXT;
}

enum step access_before_rules(struct exchange *x)
{
    if (x->settings->access_count == 0)
        return STEP_NEXT;
    return act_on(x, walk(x, !with_rules(x)));
}

uint64_t access_body_bytes(const struct exchange *x)
{
    bool over = x->access_allows || x->access_at >= x->settings->access_count;
    uint64_t wanted = over ? 0 : x->snapshot->web_acl_body_bytes;
    return wanted < x->settings->limits.body_bytes ? wanted : x->settings->limits.body_bytes;
}

void access_tell(const struct exchange *x, struct fields *fields)
{
    const struct settings *settings = x->settings;
    for (size_t i = 0; i < settings->access_count; i++)
        if (x->snapshot->web_acls[i] != NULL && settings->access[i].mode == GUARD_ON)
            web_acl_clean(x->snapshot->web_acls[i], fields);
    for (size_t i = 0; i < x->changes.inserted_count; i++) {
        const struct pair *pair = &x->changes.inserted[i];
        fields_remove(fields, pair->name); /* a later rule's stands */
        fields_add(fields, x->arena, pair->name, pair->value);
    }
}

/* What was gathered is what there is to see. */
static void show_body(struct exchange *x)
{
    x->asked.body_is_known = true;
    x->asked.body = buf_span(&x->prefix);
    x->asked.body_is_cut = x->client->head->body_length != 0 && !x->prefix_is_whole;
}

enum step access_with_body(struct exchange *x)
{
    if (!x->access_waits)
        return STEP_NEXT;
    x->access_waits = false;
    show_body(x);
    enum step step = act_on(x, walk(x, !with_rules(x)));
    x->rules_are_spared = x->access_allows;
    return step;
}

enum step access_behind_rules(struct exchange *x)
{
    if (x->access_allows || x->access_at >= x->settings->access_count)
        return STEP_NEXT;
    show_body(x);
    return act_on(x, walk(x, true));
}
