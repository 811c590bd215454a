/* SPDX-License-Identifier: Apache-2.0 */
/* A transport: bytes both ways, without blocking. Plain sockets now, TLS next. A TLS stream may
 * have to write in order to read, and may hold bytes that no socket shows; so the owner says what
 * it WANTS (to read, to write) and the stream watches whatever its socket needs for that. */
#ifndef SIDEGATE_SIDECAR_WIRE_STREAM_H
#define SIDEGATE_SIDECAR_WIRE_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "rules/base/span.h"
#include "sidecar/loop/loop.h"

struct stream;

enum stream_state {
    STREAM_DONE,   /* `bytes` were moved */
    STREAM_AGAIN,  /* nothing now: on_ready will say when */
    STREAM_END,    /* read only: the other side closed its half in order */
    STREAM_BROKEN, /* reset, timed out, or a broken record; errno says more */
};
struct stream_moved {
    enum stream_state state;
    size_t bytes;
};

enum { STREAM_READ = 1, STREAM_WRITE = 2 };

/* What a kind of stream does; the first member of each kind's struct is `struct stream`. */
struct stream_ops {
    struct stream_moved (*read)(struct stream *stream, char *to, size_t size);
    struct stream_moved (*write)(struct stream *stream, const struct iovec *parts, int count);
    void (*want)(struct stream *stream, unsigned read_or_write);
    void (*finish)(struct stream *stream); /* half-close our side once everything is written */
    void (*close)(struct stream *stream);  /* lets go of everything, the struct too */
    void (*reset)(struct stream *stream);  /* the same, but the other side sees it as broken */
};
struct stream {
    const struct stream_ops *ops;
    void (*on_ready)(void *owner, unsigned read_or_write); /* only wakes */
    void *owner;
};

static inline struct stream_moved stream_read(struct stream *stream, char *to, size_t size)
{
    return stream->ops->read(stream, to, size);
}
static inline struct stream_moved stream_write(struct stream *stream, const struct iovec *parts,
                                               int count)
{
    return stream->ops->write(stream, parts, count);
}
/* What on_ready is called for from now on. Level-triggered: it is called once a turn as long as it
 * is wanted and possible. A hang-up (reset, or both halves closed) is reported as READ, once even
 * where READ is not wanted: so that is how it is told apart. */
static inline void stream_want(struct stream *stream, unsigned read_or_write)
{
    stream->ops->want(stream, read_or_write);
}
static inline void stream_finish(struct stream *stream)
{
    stream->ops->finish(stream);
}
static inline void stream_close(struct stream *stream)
{
    stream->ops->close(stream);
}
/* For what was cut off: nobody may take what came so far as the whole. */
static inline void stream_reset(struct stream *stream)
{
    stream->ops->reset(stream);
}

/* Takes a connected (or connecting), non-blocking socket; closes it with the stream. NULL: no
 * memory; fd is closed. */
struct stream *stream_socket(struct loop *loop, int fd);

/* Two ends in memory that behave like TLS: each write is a record; a read takes a whole record in,
 * so that bytes are held that no socket shows; with `handshakes` every n-th read wants to write
 * first. For tests. `capacity` bytes lie between them at the most. */
void stream_memory_pair(struct loop *loop, size_t capacity, unsigned handshakes, struct stream **a,
                        struct stream **b);

/* Tests: the n-th read or write from now on (over the thread) is broken, or moves a single byte. 0:
 * none. */
void stream_fail_nth(unsigned n);
void stream_short_nth(unsigned n);

/* ---- addresses and sockets ---- */

struct address { /* "127.0.0.1:80", "[::1]:80", "unix:/run/x.sock" */
    struct sockaddr_storage at;
    socklen_t len;
};
/* Numeric only; false: not of these forms. "localhost" is 127.0.0.1. */
bool address_parse(struct span text, struct address *out);
/* "192.0.2.1", without the port; "unix:" for Unix sockets. Returns the length; `to` has room
 * for 64. */
size_t address_write_host(const struct address *address, char *to);
unsigned address_port(const struct address *address); /* 0 for Unix sockets */
/* Host, colon, port; "unix:/path". `to` has room for 128. */
size_t address_write(const struct address *address, char *to);

/* A listening, non-blocking socket (SO_REUSEPORT where asked), or -1 with errno. A Unix socket's
 * stale file is replaced. */
int address_listen(const struct address *address, int backlog, bool reuse_port);
/* A socket that is connecting, or -1 with errno. TCP_NODELAY. */
int address_connect(const struct address *address);

#endif
