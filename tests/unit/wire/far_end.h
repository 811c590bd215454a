/* SPDX-License-Identifier: Apache-2.0 */
/* What tests of connections are made of: a loop with a clock turned by hand, and the other end of a
 * memory stream, which says prepared text and keeps all it hears. */
#ifndef SIDEGATE_TESTS_UNIT_WIRE_FAR_END_H
#define SIDEGATE_TESTS_UNIT_WIRE_FAR_END_H

#include "rules/base/arena.h"
#include "rules/base/buf.h"
#include "sidecar/loop/loop.h"
#include "sidecar/wire/stream.h"

struct world {
    struct clock clock;
    uint64_t now_us;
    struct loop *loop;
    struct arena_chunks *chunks;
};
void world_open(struct world *world);
void world_close(struct world *world);
void world_turn(struct world *world); /* many turns, the clock standing still */
void world_pass(struct world *world, uint64_t us);

struct far_end {
    struct stream *stream; /* NULL: closed */
    struct buf heard;
    struct buf to_say;
    size_t said;
    bool deaf;     /* does not read */
    bool finishes; /* closes its half after what is to be said */
    bool finished, ended, broken;
};
void far_end_open(struct far_end *far, struct stream *stream);
void far_end_close(struct far_end *far);
void far_end_say(struct far_end *far, const char *text);
void far_end_say_bytes(struct far_end *far, size_t count); /* 'x', many times */
void far_end_finish(struct far_end *far);
void far_end_reset(struct far_end *far);
void far_end_listen(struct far_end *far, bool listens);
bool far_end_heard(const struct far_end *far, const char *text); /* somewhere in it */
void far_end_forget(struct far_end *far);

/* Counts what is asked of a stream from now on. One at a time. */
struct stream_counts {
    unsigned reads, writes, waits_to_write;
};
struct stream_counts *stream_count(struct stream *stream);

#endif
