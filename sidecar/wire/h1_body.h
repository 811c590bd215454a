/* SPDX-License-Identifier: Apache-2.0 */
/* What comes in on an HTTP/1 connection: the buffer it is read into, and a body that is taken apart
 * where it lies. Shared by h1_server and h1_client; nobody else includes it.
 *
 *   |  head's text  | done | body's bytes | framing, next request ... | free |
 *   0               ^floor ^start                                     ^end   ^size
 *
 * Text of a head, and what a source has shown, stay where they are: the buffer is only wound back
 * once all of it has been consumed, and never below `floor`. */
#ifndef SIDEGATE_SIDECAR_WIRE_H1_BODY_H
#define SIDEGATE_SIDECAR_WIRE_H1_BODY_H

#include "sidecar/wire/h1.h"

struct h1_buffer {
    char *at; /* NULL: none is held */
    size_t size, floor, start, end;
    char *head_at; /* where a large head left no room for its body: the buffer it stayed in */
};

/* Holds at least `size` bytes from now on; false: no memory. */
bool h1_buffer_open(struct h1_buffer *buffer, size_t size);
void h1_buffer_fini(struct h1_buffer *buffer); /* may be opened again */
/* How many bytes can be read to at + end now. Winds back where all has been consumed. */
size_t h1_buffer_room(struct h1_buffer *buffer);
/* More room for one piece of text that begins at `start`, up to `most` bytes of it. Moves it. */
bool h1_buffer_widen(struct h1_buffer *buffer, size_t most);
/* The next `used` bytes are a head whose text stays until h1_buffer_drop_head(). `more`: a body is
 * still to come, and needs a good part of the buffer for itself. */
bool h1_buffer_keep_head(struct h1_buffer *buffer, size_t used, bool more);
void h1_buffer_drop_head(struct h1_buffer *buffer);

static inline struct span h1_buffer_span(const struct h1_buffer *buffer)
{
    return (struct span){buffer->at + buffer->start, buffer->end - buffer->start};
}

enum h1_framed {
    H1_FRAMED_NONE,
    H1_FRAMED_LENGTH,
    H1_FRAMED_CHUNKED,
    H1_FRAMED_UNTIL_CLOSE,
};

struct h1_body {
    enum h1_framed framed;
    enum source_state state;
    uint64_t left; /* of a length */
    size_t here;   /* body bytes at the buffer's start */
    size_t behind; /* framing right behind them that has been read already */
    struct h1_chunked chunked;
    struct fields trailers;
    struct arena *arena;
};

void h1_body_begin(struct h1_body *body, enum h1_framed framed, uint64_t length,
                   struct arena *arena);
/* Bytes came, or the stream ended. */
void h1_body_fill(struct h1_body *body, struct h1_buffer *buffer, bool ended);
struct span h1_body_peek(const struct h1_body *body, const struct h1_buffer *buffer);
void h1_body_consume(struct h1_body *body, struct h1_buffer *buffer, size_t bytes, bool ended);

#endif
