/* SPDX-License-Identifier: Apache-2.0 */
/* The part of an HTTP/1 connection that is the same on both sides: its stream, what was read, what
 * is to be written, and the one task of a turn that moves them. Shared by h1_server and h1_client;
 * nobody else includes it. */
#ifndef SIDEGATE_SIDECAR_WIRE_H1_LINK_H
#define SIDEGATE_SIDECAR_WIRE_H1_LINK_H

#include "sidecar/wire/h1_out.h"

struct h1_link {
    struct loop *loop;
    struct stream *stream; /* NULL: closed */
    struct task task;
    size_t buffer_bytes;
    unsigned ready; /* what the stream reported since the task ran */
    unsigned wants; /* what the stream was told */
    bool blocked;   /* the latest write was not taken whole: only then writing is waited for */
    struct h1_buffer in;
    struct h1_out out;
    struct arena *arena; /* of the message under way */
    struct arena_chunks *chunks;
    size_t arena_bytes;
    uint64_t bytes_in, bytes_out;

    bool read_ended; /* the other side closed its half, in order */
    bool read_broken, write_broken;
    bool hung_up; /* reported while nobody wanted to read */

    bool idle; /* said by the owner: after a while the memory is given back */
    uint64_t idle_since_us;
    struct timer rest;
};

void h1_link_init(struct h1_link *link, struct loop *loop, struct stream *stream,
                  void (*run)(struct task *));
void h1_link_fini(struct h1_link *link); /* the stream must be closed */

enum h1_link_close { H1_LINK_CLOSE, H1_LINK_RESET };
void h1_link_close(struct h1_link *link, enum h1_link_close how); /* closed already: nothing */

/* Memory for a message; false: there is none. */
bool h1_link_begin(struct h1_link *link);
void h1_link_rest(struct h1_link *link); /* the connection is idle from now on */

/* One read, where the stream said that there is something and the buffer has room. True: bytes
 * came, or the end or a fault. */
bool h1_link_read(struct h1_link *link);
/* One write, where something waits. True: bytes went, or a fault came. */
bool h1_link_flush(struct h1_link *link);
/* Tells the stream what is wanted: writing where something waits, reading where the owner says. */
void h1_link_want(struct h1_link *link, bool read);
void h1_link_post(struct h1_link *link);

static inline bool h1_link_is_gone(const struct h1_link *link)
{
    return link->stream == NULL || link->hung_up || link->read_broken || link->write_broken;
}

#endif
