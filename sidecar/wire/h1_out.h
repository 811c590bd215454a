/* SPDX-License-Identifier: Apache-2.0 */
/* What goes out on an HTTP/1 connection: heads with their framing, bodies, and the bounded buffer
 * they wait in. Shared by h1_server and h1_client; nobody else includes it. */
#ifndef SIDEGATE_SIDECAR_WIRE_H1_OUT_H
#define SIDEGATE_SIDECAR_WIRE_H1_OUT_H

#include "sidecar/wire/h1_body.h"

enum h1_out_state {
    H1_OUT_NOTHING, /* of the message that is next */
    H1_OUT_BODY,    /* its head is written */
    H1_OUT_WHOLE,
    H1_OUT_SHORT, /* ended before its length was reached: what follows would be misread */
};

struct h1_out {
    struct buf buf;
    size_t sent; /* of buf: taken by the stream */
    size_t most; /* a body fills buf up to here; heads may stand above */
    enum h1_out_state state;
    enum h1_framed framed;
    uint64_t left; /* of a length */
    bool mute;     /* nobody reads any more: bodies are swallowed */
};

void h1_out_init(struct h1_out *out, size_t most);
void h1_out_fini(struct h1_out *out); /* may be used again */
/* Forgets the last message; bytes of it that are still waiting go out. */
void h1_out_next(struct h1_out *out);

/* Where to write a head. `fields` loses what frames a message, for that is settled here: it becomes
 * a copy in `arena`. The empty line that the head was written with is then taken back by
 * h1_out_frame(), which puts the framing fields and the empty line behind it. */
struct buf *h1_out_head(struct h1_out *out, struct fields *fields, struct arena *arena);
enum h1_connection { H1_CONNECTION_UNSAID, H1_CONNECTION_CLOSE, H1_CONNECTION_KEEP_ALIVE };
/* `length`: with H1_FRAMED_LENGTH what follows; with H1_FRAMED_NONE the Content-Length to be said
 * nevertheless (an answer to HEAD), or -1: none is said. */
void h1_out_frame(struct h1_out *out, enum h1_framed framed, int64_t length,
                  enum h1_connection connection);

size_t h1_out_room(const struct h1_out *out);
void h1_out_write(struct h1_out *out, struct span bytes); /* at most room */
void h1_out_end(struct h1_out *out, const struct fields *trailers);

static inline size_t h1_out_pending(const struct h1_out *out)
{
    return out->buf.len - out->sent;
}
/* The stream took that many. */
void h1_out_took(struct h1_out *out, size_t bytes);
/* Nobody will read it. */
void h1_out_discard(struct h1_out *out);

#endif
