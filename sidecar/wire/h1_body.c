/* SPDX-License-Identifier: Apache-2.0 */
/* The buffer of an HTTP/1 connection and the body in it. */
#include "sidecar/wire/h1_body.h"

#include <stdlib.h>

#include "rules/base/must.h"

bool h1_buffer_open(struct h1_buffer *buffer, size_t size)
{
    if (buffer->at != NULL)
        return true;
    char *at = malloc(size);
    if (at == NULL)
        return false;
    *buffer = (struct h1_buffer){.at = at, .size = size};
    return true;
}

void h1_buffer_fini(struct h1_buffer *buffer)
{
    free(buffer->at);
    free(buffer->head_at);
    *buffer = (struct h1_buffer){.at = NULL};
}

size_t h1_buffer_room(struct h1_buffer *buffer)
{
    if (buffer->start == buffer->end)
        buffer->start = buffer->end = buffer->floor;
    return buffer->size - buffer->end;
}

/* To the front, as far as what is kept allows. */
static void buffer_move_down(struct h1_buffer *buffer)
{
    size_t len = buffer->end - buffer->start;
    memmove(buffer->at + buffer->floor, buffer->at + buffer->start, len);
    buffer->start = buffer->floor;
    buffer->end = buffer->floor + len;
}

bool h1_buffer_widen(struct h1_buffer *buffer, size_t most)
{
    must(buffer->floor == 0 && buffer->head_at == NULL);
    if (buffer->end < buffer->size)
        return true;
    if (buffer->start > 0) {
        buffer_move_down(buffer);
        return true;
    }
    if (buffer->size >= most)
        return false;
    size_t size = buffer->size * 2 < most ? buffer->size * 2 : most;
    char *at = realloc(buffer->at, size);
    if (at == NULL)
        return false;
    buffer->at = at;
    buffer->size = size;
    return true;
}

bool h1_buffer_keep_head(struct h1_buffer *buffer, size_t used, bool more)
{
    must(used <= buffer->end - buffer->start);
    buffer->start += used;
    buffer->floor = buffer->start;
    if (!more || buffer->size - buffer->floor >= buffer->size / 2)
        return true;
    char *at = malloc(buffer->size);
    if (at == NULL)
        return false;
    size_t rest = buffer->end - buffer->start;
    memcpy(at, buffer->at + buffer->start, rest);
    buffer->head_at = buffer->at;
    buffer->at = at;
    buffer->floor = buffer->start = 0;
    buffer->end = rest;
    return true;
}

void h1_buffer_drop_head(struct h1_buffer *buffer)
{
    free(buffer->head_at);
    buffer->head_at = NULL;
    buffer->floor = 0;
}

void h1_body_begin(struct h1_body *body, enum h1_framed framed, uint64_t length,
                   struct arena *arena)
{
    *body = (struct h1_body){.framed = framed, .left = length, .arena = arena};
    h1_chunked_init(&body->chunked);
    if (framed == H1_FRAMED_NONE || (framed == H1_FRAMED_LENGTH && length == 0))
        body->state = SOURCE_ENDED;
}

/* Takes the next piece off a chunked body; false: nothing more can be told from what is here. */
static bool chunked_step(struct h1_body *body, struct h1_buffer *buffer)
{
    struct span bytes = h1_buffer_span(buffer);
    struct span data = {NULL, 0};
    size_t used = 0;
    enum h1_chunk chunk =
        h1_chunked_next(&body->chunked, bytes, &used, &data, &body->trailers, body->arena);
    must(used <= bytes.len);
    if (chunk == H1_CHUNK_DATA && data.len > 0) {
        size_t before = (size_t)(data.at - bytes.at);
        buffer->start += before;
        body->here = data.len;
        body->behind = used - before - data.len;
        return false;
    }
    buffer->start += used;
    if (chunk == H1_CHUNK_END)
        body->state = arena_is_full(body->arena) ? SOURCE_BROKEN : SOURCE_ENDED;
    else if (chunk == H1_CHUNK_BROKEN)
        body->state = SOURCE_BROKEN;
    return body->state == SOURCE_OPEN && used > 0;
}

static void chunked_fill(struct h1_body *body, struct h1_buffer *buffer, bool ended)
{
    while (body->here == 0 && chunked_step(body, buffer)) {
    }
    if (body->here > 0 || body->state != SOURCE_OPEN)
        return;
    if (ended) {
        body->state = SOURCE_BROKEN;
    } else if (buffer->end == buffer->size && buffer->start < buffer->end) {
        /* Part of a line fills the end of the buffer. Nothing is shown: it may be moved. */
        if (buffer->start == buffer->floor)
            body->state = SOURCE_BROKEN;
        else
            buffer_move_down(buffer);
    }
}

void h1_body_fill(struct h1_body *body, struct h1_buffer *buffer, bool ended)
{
    if (body->state != SOURCE_OPEN)
        return;
    if (body->framed == H1_FRAMED_CHUNKED) {
        chunked_fill(body, buffer, ended);
        return;
    }
    bool until_close = body->framed == H1_FRAMED_UNTIL_CLOSE;
    size_t here = buffer->end - buffer->start;
    body->here = until_close || here < body->left ? here : (size_t)body->left;
    if (body->here > 0)
        return;
    if (!until_close && body->left == 0)
        body->state = SOURCE_ENDED;
    else if (ended)
        body->state = until_close ? SOURCE_ENDED : SOURCE_BROKEN;
}

struct span h1_body_peek(const struct h1_body *body, const struct h1_buffer *buffer)
{
    if (body->here == 0)
        return (struct span){NULL, 0};
    return (struct span){buffer->at + buffer->start, body->here};
}

void h1_body_consume(struct h1_body *body, struct h1_buffer *buffer, size_t bytes, bool ended)
{
    must(bytes <= body->here);
    buffer->start += bytes;
    body->here -= bytes;
    if (body->framed == H1_FRAMED_LENGTH)
        body->left -= bytes;
    if (body->here > 0)
        return;
    buffer->start += body->behind;
    body->behind = 0;
    h1_body_fill(body, buffer, ended);
}
