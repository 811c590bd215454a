/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/exchange/asked.h"

/* "api.example:8080" and "[::1]:8080" without the port. */
static struct span host_of(struct span authority)
{
    size_t colon = span_find_last_byte(authority, ':');
    bool is_port = colon != SPAN_NONE;
    for (size_t i = is_port ? colon + 1 : 0; is_port && i < authority.len; i++)
        is_port = byte_is_digit(authority.at[i]);
    return is_port ? span_first(authority, colon) : authority;
}

struct asked asked_make(const struct asked_sources *from)
{
    const struct request_head *head = from->head;
    struct asked asked = {
        .address_text = from->client_address,
        .scheme = from->scheme,
        .method = head->method,
        .protocol = head->protocol,
        .host = host_of(head->authority),
        .target = head->target,
        .path = from->choice.path,
        .path_is_doubtful = from->choice.doubtful,
        .raw_path = from->target->path,
        .query = from->target->query,
        .route = from->choice.route != NULL ? from->choice.route->template : SPAN(""),
        .fields = &head->fields,
        .certificate = from->certificate,
        .request_id = from->request_id,
        .wall_us = from->wall_us,
        .ip_sets = from->snapshot->ip_sets,
        .rates = from->snapshot->rates,
        .geo = from->snapshot->geo,
        .geo_unknown_blocks = from->snapshot->settings->geo.unknown_blocks,
        .place = from->place,
        .arena = from->arena,
        .web_acls = from->snapshot->web_acls,
        .body_is_known = head->body_length == 0,
        .changes = from->changes,
        .chunks = from->chunks,
        .scratch = from->scratch,
    };
    asked.has_address = ip_parse(from->client_address, &asked.address);
    return asked;
}
