/* SPDX-License-Identifier: Apache-2.0 */
/* The access list, on both sides of the rules. */
#include "sidecar/exchange/stages.h"

/* "api.example:8080" and "[::1]:8080" without the port. */
static struct span host_of(struct span authority)
{
    size_t colon = span_find_last_byte(authority, ':');
    bool is_port = colon != SPAN_NONE;
    for (size_t i = is_port ? colon + 1 : 0; is_port && i < authority.len; i++)
        is_port = byte_is_digit(authority.at[i]);
    return is_port ? span_first(authority, colon) : authority;
}

static void asked_fill(struct exchange *x)
{
    const struct request_head *head = x->client->head;
    struct asked *asked = &x->asked;
    *asked = (struct asked){
        .address_text = x->client_address,
        .scheme = x->facts->scheme,
        .method = head->method,
        .protocol = head->protocol,
        .host = host_of(head->authority),
        .target = head->target,
        .path = x->path,
        .raw_path = x->target.path,
        .query = x->target.query,
        .route = x->route != NULL ? x->route->template : SPAN(""),
        .fields = &head->fields,
        .request_id = span_make(x->request_id, UUID_LENGTH),
        .wall_us = x->began_wall_us,
        .ip_sets = x->snapshot->ip_sets,
    };
    asked->has_address = ip_parse(x->client_address, &asked->address);
}

/* Says in which row the decisions since `before` were made. */
static void stamp_decisions(struct exchange *x, size_t before)
{
    for (size_t i = before; i < x->decisions.count; i++)
        x->decisions.at[i].stage = stage_at(x->at)->name;
}

static enum access_step walk(struct exchange *x, bool past_rules)
{
    size_t before = x->decisions.count < DECISIONS_MOST ? x->decisions.count : DECISIONS_MOST - 1;
    enum access_step step;
    do
        step = access_run(x->settings->access, x->settings->access_count, &x->access_at, &x->asked,
                          &x->decisions);
    while (step == ACCESS_RULES && past_rules);
    stamp_decisions(x, before);
    return step;
}

static enum step act_on(struct exchange *x, enum access_step step)
{
    switch (step) {
    case ACCESS_ALLOWED: x->access_allows = true; return STEP_NEXT;
    case ACCESS_BLOCKED:
        return answer_with(x, x->decisions.at[x->decisions.count - 1].status, "access_denied");
    case ACCESS_END:
    case ACCESS_RULES: break;
    }
    return STEP_NEXT;
}

enum step access_before_rules(struct exchange *x)
{
    if (x->settings->access_count == 0)
        return STEP_NEXT;
    asked_fill(x);
    return act_on(x, walk(x, !with_rules(x)));
}

enum step access_behind_rules(struct exchange *x)
{
    if (x->access_allows || x->access_at >= x->settings->access_count)
        return STEP_NEXT;
    return act_on(x, walk(x, true));
}
