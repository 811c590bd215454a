/* SPDX-License-Identifier: Apache-2.0 */
/* Two streams in memory, as unpleasant as TLS over TCP can be:
 *
 *   a: write -> | records in a wire of `capacity` bytes | -> held -> b: read
 *
 * A write becomes a record; a read takes a whole record off the wire and holds what did not fit, so
 * that there is something to read though the wire is empty. Every n-th read has to write a record
 * of its own first. And as with TCP: whoever closes with bytes unread breaks the other end, which
 * then loses what it had not read yet. */
#include <errno.h>
#include <stdlib.h>

#include "rules/base/must.h"
#include "sidecar/wire/stream.h"
#include "sidecar/wire/stream_fault.h"

enum { RECORD_HEAD_BYTES = 2, RECORD_MOST_BYTES = 16384 };

/*  | length, 2 bytes | text | length | text | ...      a length of 0: a handshake's record */
struct memory_wire {
    char *at;
    size_t len, capacity;
    bool ended; /* nothing comes after these */
};

struct memory_stream {
    struct stream stream;       /* first */
    struct memory_stream *peer; /* NULL: closed */
    struct memory_wire in;
    char *held; /* a record that was taken off the wire */
    size_t held_at, held_len;
    struct timer ready; /* armed for the next turn while something may have to be reported */
    unsigned wanted;
    unsigned handshakes, reads;
    bool owes_write; /* a read waits until its record is written */
    bool finished, broken;
    bool hangup_told;
};

static struct memory_stream *memory_of(struct stream *stream)
{
    return (struct memory_stream *)(void *)stream;
}

static size_t wire_room(const struct memory_wire *wire)
{
    size_t room = wire->capacity - wire->len;
    return room > RECORD_HEAD_BYTES ? room - RECORD_HEAD_BYTES : 0;
}

static void wire_put_length(struct memory_wire *wire, size_t length)
{
    wire->at[wire->len++] = (char)(length >> 8);
    wire->at[wire->len++] = (char)(length & 0xff);
}

static size_t wire_length(const struct memory_wire *wire)
{
    return (size_t)(unsigned char)wire->at[0] << 8 | (unsigned char)wire->at[1];
}

static void look_again(struct memory_stream *memory)
{
    if (memory != NULL)
        timer_arm(&memory->ready, 0);
}

static void memory_break(struct memory_stream *memory)
{
    if (memory == NULL)
        return;
    memory->broken = true;
    memory->in.len = 0;
    memory->held_len = memory->held_at = 0;
    look_again(memory);
}

static struct stream_moved memory_broken(void)
{
    errno = ECONNRESET;
    return (struct stream_moved){STREAM_BROKEN, 0};
}

/* True once nothing stands between us and reading. */
static bool memory_pay_write(struct memory_stream *memory)
{
    if (!memory->owes_write)
        return true;
    if (memory->peer != NULL) {
        if (wire_room(&memory->peer->in) == 0)
            return false;
        wire_put_length(&memory->peer->in, 0);
        look_again(memory->peer);
    }
    memory->owes_write = false;
    return true;
}

static void memory_take_record(struct memory_stream *memory)
{
    struct memory_wire *in = &memory->in;
    while (in->len > 0 && memory->held_at == memory->held_len) {
        size_t length = wire_length(in);
        memcpy(memory->held, in->at + RECORD_HEAD_BYTES, length);
        memory->held_at = 0;
        memory->held_len = length;
        in->len -= RECORD_HEAD_BYTES + length;
        memmove(in->at, in->at + RECORD_HEAD_BYTES + length, in->len);
        look_again(memory->peer); /* room */
    }
}

static struct stream_moved memory_read(struct stream *stream, char *to, size_t size)
{
    struct memory_stream *memory = memory_of(stream);
    size_t most;
    must(size > 0);
    if (stream_fault_strikes(&most)) {
        memory_break(memory);
        memory_break(memory->peer);
    }
    if (memory->broken)
        return memory_broken();
    if (memory->handshakes > 0 && ++memory->reads % memory->handshakes == 0)
        memory->owes_write = true;
    if (!memory_pay_write(memory))
        return (struct stream_moved){STREAM_AGAIN, 0};
    memory_take_record(memory);
    size_t here = memory->held_len - memory->held_at;
    if (here == 0)
        return (struct stream_moved){memory->in.ended ? STREAM_END : STREAM_AGAIN, 0};
    size = size < most ? size : most;
    size = size < here ? size : here;
    memcpy(to, memory->held + memory->held_at, size);
    memory->held_at += size;
    return (struct stream_moved){STREAM_DONE, size};
}

static struct stream_moved memory_write(struct stream *stream, const struct iovec *parts, int count)
{
    struct memory_stream *memory = memory_of(stream);
    size_t most;
    must(count > 0 && !memory->finished);
    if (stream_fault_strikes(&most) || memory->peer == NULL) {
        memory_break(memory);
        memory_break(memory->peer);
    }
    if (memory->broken)
        return memory_broken();
    struct memory_wire *out = &memory->peer->in;
    size_t room = wire_room(out);
    if (room == 0)
        return (struct stream_moved){STREAM_AGAIN, 0};
    room = room < RECORD_MOST_BYTES ? room : RECORD_MOST_BYTES;
    room = room < most ? room : most;
    size_t total = 0;
    for (int i = 0; i < count; i++)
        total += parts[i].iov_len;
    size_t moved = total < room ? total : room;
    wire_put_length(out, moved);
    for (size_t left = moved; left > 0; parts++) {
        size_t bytes = parts->iov_len < left ? parts->iov_len : left;
        if (bytes > 0)
            memcpy(out->at + out->len, parts->iov_base, bytes);
        out->len += bytes;
        left -= bytes;
    }
    look_again(memory->peer);
    return (struct stream_moved){STREAM_DONE, moved};
}

static unsigned memory_possible(const struct memory_stream *memory)
{
    bool can_write = memory->peer == NULL || wire_room(&memory->peer->in) > 0;
    bool has_bytes = memory->held_at < memory->held_len || memory->in.len > 0;
    bool can_read = (has_bytes || memory->in.ended) && (!memory->owes_write || can_write);
    if (memory->broken)
        return STREAM_READ | STREAM_WRITE;
    return (can_read ? STREAM_READ : 0U) | (can_write ? STREAM_WRITE : 0U);
}

static void memory_on_turn(struct timer *timer)
{
    struct memory_stream *memory = list_entry(timer, struct memory_stream, ready);
    unsigned told = memory_possible(memory) & memory->wanted;
    bool hung_up = memory->broken || (memory->in.ended && memory->finished);
    if (hung_up && !memory->hangup_told) {
        memory->hangup_told = true;
        told |= STREAM_READ;
    }
    if (told == 0)
        return;
    look_again(memory); /* level-triggered: until nothing of it is wanted or possible */
    memory->stream.on_ready(memory->stream.owner, told);
}

static void memory_want(struct stream *stream, unsigned read_or_write)
{
    memory_of(stream)->wanted = read_or_write;
    look_again(memory_of(stream));
}

static void memory_finish(struct stream *stream)
{
    struct memory_stream *memory = memory_of(stream);
    memory->finished = true;
    look_again(memory);
    if (memory->peer != NULL) {
        memory->peer->in.ended = true;
        look_again(memory->peer);
    }
}

static void memory_free(struct memory_stream *memory)
{
    if (memory->peer != NULL)
        memory->peer->peer = NULL;
    timer_disarm(&memory->ready);
    free(memory->in.at);
    free(memory->held);
    free(memory);
}

static void memory_close(struct stream *stream)
{
    struct memory_stream *memory = memory_of(stream);
    if (memory->in.len > 0 || memory->held_at < memory->held_len)
        memory_break(memory->peer);
    memory_finish(stream);
    memory_free(memory);
}

static void memory_reset(struct stream *stream)
{
    memory_break(memory_of(stream)->peer);
    memory_free(memory_of(stream));
}

static struct memory_stream *memory_new(struct loop *loop, size_t capacity, unsigned handshakes)
{
    static const struct stream_ops ops = {
        .read = memory_read,
        .write = memory_write,
        .want = memory_want,
        .finish = memory_finish,
        .close = memory_close,
        .reset = memory_reset,
    };
    struct memory_stream *memory = must_alloc(sizeof *memory);
    memory->stream.ops = &ops;
    memory->in = (struct memory_wire){.at = must_alloc(capacity), .capacity = capacity};
    memory->held = must_alloc(RECORD_MOST_BYTES);
    memory->handshakes = handshakes;
    timer_init(&memory->ready, loop, memory_on_turn);
    return memory;
}

void stream_memory_pair(struct loop *loop, size_t capacity, unsigned handshakes, struct stream **a,
                        struct stream **b)
{
    must(capacity > RECORD_HEAD_BYTES);
    struct memory_stream *one = memory_new(loop, capacity, handshakes);
    struct memory_stream *other = memory_new(loop, capacity, handshakes);
    one->peer = other;
    other->peer = one;
    *a = &one->stream;
    *b = &other->stream;
}
