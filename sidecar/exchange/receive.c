/* SPDX-License-Identifier: Apache-2.0 */
/* read_head, select, admit: what is settled once and for all before anything is decided. */
#include <string.h>

#include "rules/base/number.h"
#include "sidecar/exchange/inside.h"
#include "sidecar/http/forwarded.h"

static void settle_client_address(struct exchange *x)
{
    const struct listener_settings *listener = x->facts->listener;
    struct ip ip;
    x->peer_is_trusted = ip_parse(x->facts->peer_address, &ip) &&
                         network_has(listener->trusted_proxies, listener->trusted_proxy_count, &ip);
    x->client_address = forwarded_client(&x->client->head->fields, x->facts->peer_address,
                                         listener->trusted_proxies, listener->trusted_proxy_count);
}

/* A trusted proxy's id is taken over, so that its log and ours can be joined; anybody else's is
 * not. */
static void settle_request_id(struct exchange *x)
{
    struct span given = fields_get(&x->client->head->fields, SPAN("x-request-id"));
    bool usable = x->peer_is_trusted && given.len == UUID_LENGTH && http_is_token(given);
    if (usable)
        memcpy(x->request_id, given.at, UUID_LENGTH);
    else
        request_id_write(x->around->random, x->request_id);
}

enum step stage_read_head(struct exchange *x)
{
    const struct request_head *head = x->client->head;
    x->began_wall_us = loop_wall_us(x->around->loop) - (loop_now_us(x->around->loop) - x->began_us);
    settle_client_address(x);
    settle_request_id(x);
    timer_arm(&x->whole_clock, x->began_us + x->settings->timeouts.request_us);
    x->target = target_split(head->target, head->method);
    x->path = path_canonical(x->target.path, x->arena, &x->path_doubts);
    trace_settle(x); /* sampling rules look at the path */
    if (!x->client->head_is_broken)
        return arena_is_full(x->arena) ? answer_with(x, 431, "header_too_large") : STEP_NEXT;
    x->own.close = true;
    x->error = x->client->refusal.why;
    if (x->client->refusal.silent)
        return STEP_END;
    return answer_with(x, x->client->refusal.status, x->client->refusal.why);
}

enum step stage_select(struct exchange *x)
{
    x->route = routes_match(x->snapshot->routes, x->client->head->method, x->path);
    if (x->route != NULL && x->route->request_timeout_us != 0)
        timer_arm(&x->whole_clock, x->began_us + x->route->request_timeout_us);
    return STEP_NEXT;
}

enum step stage_admit(struct exchange *x)
{
    x->own.retry_after_s = 1;
    if (x->around->overload >= OVERLOAD_REFUSE)
        return answer_with(x, 503, "overloaded");
    unsigned before = atomic_fetch_add_explicit(x->around->in_flight, 1, memory_order_relaxed);
    x->counted_in_flight = true;
    if (before >= x->settings->limits.requests_in_flight)
        return answer_with(x, 503, "too_many_requests_in_flight");
    x->own.retry_after_s = 0;
    int64_t length = x->client->head->body_length;
    if (length > 0 && (uint64_t)length > x->settings->limits.body_bytes) {
        x->own.close = true;
        return answer_with(x, 413, "body_too_large");
    }
    return STEP_NEXT;
}
