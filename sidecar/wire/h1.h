/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP/1.1 and 1.0 on a stream: RFC 9112. */
#ifndef SIDEGATE_SIDECAR_WIRE_H1_H
#define SIDEGATE_SIDECAR_WIRE_H1_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rules/base/arena.h"
#include "rules/base/buf.h"
#include "sidecar/http/message.h"
#include "sidecar/wire/peer.h"
#include "sidecar/wire/stream.h"

/* ---- parsing, without I/O ---- */

struct h1_limits {
    size_t head_bytes;         /* 431 beyond */
    size_t field_count;        /* 431 beyond */
    size_t target_bytes;       /* 414 beyond */
    bool reframe_both_lengths; /* Content-Length with Transfer-Encoding: drop the former and close,
                                  instead of 400 */
};

enum h1_parse {
    H1_MORE, /* the head is not whole yet */
    H1_READY,
    H1_BROKEN, /* see `refusal`; what could be read of the head is filled in all the same */
};
/* Parses one head from the start of `bytes`. Text points into `bytes`; fields lie in `arena`.
 * *used: bytes of the head with its empty line. `seen` is the parser's memory over calls with more
 * bytes of the same head (0 at first), so that a head that comes byte by byte costs no quadratic
 * work. Empty lines before a request line are skipped (RFC 9112 2.2). On READY framing has been
 * decided: body_length, expects_continue. `refusal` may be set with READY: a head that parses but
 * is refused (505; Host; Expect): it still walks through the rules. `scheme` is left empty: the
 * connection knows it. */
enum h1_parse h1_parse_request(struct span bytes, size_t *seen, const struct h1_limits *limits,
                               struct arena *arena, struct request_head *head, size_t *used,
                               struct refusal *refusal, bool *close);
/* `method`: of the request that it answers (HEAD, CONNECT). *close: the connection cannot be used
 * again. */
enum h1_parse h1_parse_answer(struct span bytes, size_t *seen, const struct h1_limits *limits,
                              struct span method, struct arena *arena, struct answer_head *head,
                              size_t *used, bool *close);

/* Takes a chunked body apart: RFC 9112 7.1, strict (no bare LF, sizes below 2^63, extensions at
 * most 4 KiB in all). */
struct h1_chunked {
    uint64_t left;  /* of the current chunk */
    unsigned state; /* private */
    unsigned extension_bytes;
    size_t trailer_bytes;
};
enum h1_chunk {
    H1_CHUNK_MORE, /* needs more bytes; a trailer line that is not whole yet stays (used < len) */
    H1_CHUNK_DATA, /* *data is body text */
    H1_CHUNK_END,  /* the last chunk and the trailers have been read */
    H1_CHUNK_BROKEN,
};
void h1_chunked_init(struct h1_chunked *chunked);
/* Takes from the start of `bytes`; *used were taken (data included). Trailers go to `trailers`
 * (text copied to arena). */
enum h1_chunk h1_chunked_next(struct h1_chunked *chunked, struct span bytes, size_t *used,
                              struct span *data, struct fields *trailers, struct arena *arena);

/* Appends a head in HTTP/1.1's form, framing fields not included; the empty line is. */
void h1_write_request(struct buf *to, const struct request_head *head);
void h1_write_answer(struct buf *to, const struct answer_head *head);

/* ---- a client's connection ---- */

struct h1_server; /* "server": the side we play */

struct h1_timeouts {         /* microseconds */
    uint64_t request_header; /* from the first byte to the whole head: 408 */
    uint64_t idle;           /* between requests: closed */
    uint64_t drain;          /* an unread body after an early answer: 1 s */
};

struct h1_server_options {
    struct h1_limits limits;
    struct h1_timeouts timeouts;
    struct span scheme;
    size_t buffer_bytes; /* of each direction: 16 KiB */
    struct arena_chunks *chunks;
};

/* Reads requests from the stream one after another; each becomes a `struct client` that on_request
 * hands over (a head that does not parse, too: then client->refusal is set). No second one is
 * handed over before the first is released. on_closed: the connection is gone and the h1_server
 * freed; called exactly once, from the loop. */
struct h1_server *h1_server_new(struct loop *loop, struct stream *stream,
                                const struct h1_server_options *options,
                                void (*on_request)(void *owner, struct client *client),
                                void (*on_closed)(void *owner), void *owner);
/* No further request is taken: closes now where idle (a connection that has not asked anything yet
 * may still ask once, for timeouts.drain), else after the answer under way (which says Connection:
 * close). */
void h1_server_drain(struct h1_server *server);
/* At once. */
void h1_server_abort(struct h1_server *server);
bool h1_server_is_idle(const struct h1_server *server);
/* Bytes in and out over the connection's life, for counting. */
uint64_t h1_server_bytes_in(const struct h1_server *server);
uint64_t h1_server_bytes_out(const struct h1_server *server);

/* ---- a connection to a backend ---- */

struct h1_client; /* "client": the side we play */

struct h1_client_options {
    struct h1_limits limits; /* of answers: 64 KiB heads, 502 beyond */
    size_t buffer_bytes;
    struct arena_chunks *chunks;
};
/* `on_idle`: the answer is whole, the connection may be used again; `on_closed`: it is gone and
 * freed, called once. */
struct h1_client *h1_client_new(struct loop *loop, struct stream *stream,
                                const struct h1_client_options *options,
                                void (*on_idle)(void *owner), void (*on_closed)(void *owner),
                                void *owner);
/* The stream of the next request; one at a time. */
struct server *h1_client_begin(struct h1_client *client);
void h1_client_close(struct h1_client *client); /* idle or not; on_closed follows from the loop */

#endif
