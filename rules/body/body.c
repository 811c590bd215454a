/* SPDX-License-Identifier: Apache-2.0 */
/* From the four kinds of body to one result. */
#include "rules/body/body.h"

#include <stdio.h>

#include "rules/base/must.h"
#include "rules/body/parser.h"

enum { TEXT_STEP_BYTES = 256, PAIRS_FIRST = 16, WHY_BYTES = 512 };

static const struct body_parser *const parsers[] = {
    [BODY_URLENCODED] = &urlencoded_parser,
    [BODY_MULTIPART] = &multipart_parser,
    [BODY_JSON] = &json_parser,
    [BODY_XML] = &xml_parser,
};

/* The first piece gets exactly its room, since most bodies come whole. Later ones get an eighth
 * more than they need: beyond a chunk the arena grows a text without copying it. */
void text_add(struct text *text, struct arena *arena, struct span bytes)
{
    if (bytes.len > text->room - text->len) {
        size_t more = text->len > 0 ? text->len / 8 + TEXT_STEP_BYTES : 0;
        size_t room = text->len + bytes.len + more;
        char *at = arena_grow(arena, text->at, text->room, room);
        if (at == NULL)
            return;
        text->at = at;
        text->room = room;
    }
    memcpy(text->at + text->len, bytes.at, bytes.len);
    text->len += bytes.len;
}

void pairs_add(struct pairs *pairs, struct arena *arena, struct span name, struct span value)
{
    if (pairs->count == pairs->room) {
        size_t room = pairs->room > 0 ? pairs->room * 2 : PAIRS_FIRST;
        struct pair *at = arena_alloc(arena, room * sizeof *at);
        if (at == NULL)
            return;
        if (pairs->count > 0)
            memcpy(at, pairs->at, pairs->count * sizeof *at);
        pairs->at = at;
        pairs->room = room;
    }
    pairs->at[pairs->count++] = (struct pair){name, value};
}

void body_add_argument(struct body *body, struct span name, struct span value)
{
    if (body_takes_arguments(body))
        pairs_add(&body->arguments, body->arena, name, value);
    else
        body->result.flags.too_many_arguments = true;
}

void body_add_container(struct body *body, struct span name, struct span first)
{
    if (body_takes_containers(body))
        pairs_add(&body->containers, body->arena, name, first);
    else
        body->result.flags.too_many_arguments = true;
}

void body_fail(struct body *body, const char *format, ...)
{
    if (body->result.flags.failed)
        return;
    body->result.flags.failed = true;
    char why[WHY_BYTES];
    va_list list;
    va_start(list, format);
    must(vsnprintf(why, sizeof why, format, list) >= 0);
    va_end(list);
    body->result.why = arena_copy(body->arena, span_text(why));
}

void body_gather(struct body *body, struct span bytes)
{
    text_add(&body->text, body->arena, bytes);
}

struct body *body_begin(enum body_kind kind, struct span content_type,
                        const struct body_limits *limits, struct arena *arena)
{
    struct body *body = arena_alloc(arena, sizeof *body);
    if (body == NULL)
        return NULL;
    body->parser = parsers[kind];
    body->arena = arena;
    body->limits = *limits;
    body->content_type = arena_copy(arena, content_type);
    if (arena_is_full(arena) || (body->parser->begin != NULL && !body->parser->begin(body)))
        return NULL;
    return body;
}

void body_push(struct body *body, struct span bytes)
{
    if (bytes.len > 0)
        body->parser->push(body, bytes);
}

const struct body_result *body_end(struct body *body, bool complete)
{
    struct body_result *result = &body->result;
    body->parser->end(body, complete);
    if (arena_is_full(body->arena)) {
        result->flags.failed = true;
        result->why = SPAN("Request body does not fit into the memory of its request");
    }
    result->arguments = body->arguments.at;
    result->argument_count = body->arguments.count;
    result->containers = body->containers.at;
    result->container_count = body->containers.count;
    result->part_headers = body->part_headers.at;
    result->part_header_count = body->part_headers.count;
    result->xml_attributes = body->xml_attributes.at;
    result->xml_attribute_count = body->xml_attributes.count;
    return result;
}

void body_free(struct body *body)
{
    if (body == NULL)
        return;
    xml_free(body->xml);
    body->xml = NULL;
}
