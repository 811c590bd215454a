/* SPDX-License-Identifier: Apache-2.0 */
/* X-Forwarded-*: believed only from proxies that the settings name. */
#include "sidecar/http/forwarded.h"

#include <string.h>

/* "192.0.2.1:80", "[2001:db8::1]:80", "[2001:db8::1]", or an address alone. */
static struct span without_port(struct span entry)
{
    if (entry.len > 0 && entry.at[0] == '[') {
        size_t end = span_find_byte(entry, ']');
        return end == SPAN_NONE ? entry : span_make(entry.at + 1, end - 1);
    }
    size_t colon = span_find_byte(entry, ':');
    if (colon != SPAN_NONE && colon == span_find_last_byte(entry, ':'))
        return span_first(entry, colon);
    return entry;
}

/* Takes the last member off a list. */
static struct span cut_last(struct span *list)
{
    size_t comma = span_find_last_byte(*list, ',');
    struct span last = comma == SPAN_NONE ? *list : span_from(*list, comma + 1);
    *list = comma == SPAN_NONE ? span_make(NULL, 0) : span_first(*list, comma);
    return span_trim_ows(last);
}

struct trust {
    const struct network *networks;
    size_t count;
};

/* Walks one line from its right end. *client becomes the last good address; true: the search is
 * over. */
static bool walk_line(struct span line, struct trust trust, struct span *client)
{
    while (line.at != NULL) {
        struct span address = without_port(cut_last(&line));
        struct ip ip;
        if (!ip_parse(address, &ip))
            return true;
        *client = address;
        if (!network_has(trust.networks, trust.count, &ip))
            return true;
    }
    return false;
}

struct span forwarded_client(const struct fields *fields, struct span peer,
                             const struct network *trusted, size_t count)
{
    struct ip ip;
    if (!ip_parse(peer, &ip) || !network_has(trusted, count, &ip))
        return peer;
    struct span client = peer;
    for (size_t i = fields->count; i > 0; i--) {
        const struct pair *field = &fields->at[i - 1];
        if (span_is_nocase(field->name, SPAN("X-Forwarded-For")) && field->value.len > 0 &&
            walk_line(field->value, (struct trust){trusted, count}, &client))
            break;
    }
    return client;
}

/* All lines of the field and the peer as one list. */
static struct span joined_for(const struct fields *fields, struct arena *arena, struct span peer)
{
    size_t size = peer.len;
    for (size_t i = 0; i < fields->count; i++)
        if (span_is_nocase(fields->at[i].name, SPAN("X-Forwarded-For")))
            size += fields->at[i].value.len + 2;
    char *text = arena_text(arena, size);
    if (text == NULL)
        return span_make(NULL, 0);
    char *to = text;
    for (size_t i = 0; i < fields->count; i++) {
        struct span value = fields->at[i].value;
        if (value.len == 0 || !span_is_nocase(fields->at[i].name, SPAN("X-Forwarded-For")))
            continue;
        memcpy(to, value.at, value.len);
        to += value.len;
        *to++ = ',';
        *to++ = ' ';
    }
    if (peer.len > 0)
        memcpy(to, peer.at, peer.len);
    return span_make(text, (size_t)(to - text) + peer.len);
}

bool forwarded_set(struct fields *fields, struct arena *arena, struct span peer,
                   bool peer_is_trusted, struct span scheme, struct span host)
{
    struct span value = peer_is_trusted ? joined_for(fields, arena, peer) : peer;
    if (value.at == NULL)
        return false;
    if (!peer_is_trusted)
        fields_remove(fields, SPAN("Forwarded"));
    if (!fields_set(fields, arena, SPAN("X-Forwarded-For"), value))
        return false;
    if ((!peer_is_trusted || fields_count(fields, SPAN("X-Forwarded-Proto")) == 0) &&
        !fields_set(fields, arena, SPAN("X-Forwarded-Proto"), scheme))
        return false;
    if (peer_is_trusted && fields_count(fields, SPAN("X-Forwarded-Host")) > 0)
        return true;
    fields_remove(fields, SPAN("X-Forwarded-Host"));
    return host.len == 0 || fields_add(fields, arena, SPAN("X-Forwarded-Host"), host);
}
