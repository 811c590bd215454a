/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/wire/far_end.h"

#include "tests/check.h"

enum { TURNS = 200, HEARD_MOST_BYTES = 8 << 20, READ_BYTES = 65536 };

static uint64_t now_us(void *context)
{
    return ((struct world *)context)->now_us;
}

void world_open(struct world *world)
{
    *world = (struct world){.clock = {now_us, now_us, world}, .now_us = 1000000000};
    world->loop = loop_new(&world->clock);
    world->chunks = arena_chunks_new(64);
}

void world_close(struct world *world)
{
    loop_free(world->loop);
    arena_chunks_free(world->chunks);
}

void world_turn(struct world *world)
{
    for (int i = 0; i < TURNS; i++)
        loop_turn(world->loop, 0);
}

void world_pass(struct world *world, uint64_t us)
{
    world->now_us += us;
    world_turn(world);
}

static void far_end_want(struct far_end *far)
{
    bool has_more = far->said < far->to_say.len;
    if (far->stream == NULL)
        return;
    if (!has_more && far->finishes && !far->finished) {
        far->finished = true;
        stream_finish(far->stream);
    }
    bool reads = !far->deaf && !far->ended && !far->broken;
    stream_want(far->stream,
                (reads ? STREAM_READ : 0U) | (has_more && !far->broken ? STREAM_WRITE : 0U));
}

static void far_end_read(struct far_end *far)
{
    char *room = buf_room(&far->heard, READ_BYTES);
    check(room != NULL);
    struct stream_moved moved = stream_read(far->stream, room, READ_BYTES);
    buf_grew(&far->heard, moved.bytes);
    far->ended = far->ended || moved.state == STREAM_END;
    far->broken = far->broken || moved.state == STREAM_BROKEN;
}

static void far_end_write(struct far_end *far)
{
    const struct iovec part = {far->to_say.at + far->said, far->to_say.len - far->said};
    struct stream_moved moved = stream_write(far->stream, &part, 1);
    far->said += moved.bytes;
    far->broken = far->broken || moved.state == STREAM_BROKEN;
}

static void far_end_on_ready(void *owner, unsigned read_or_write)
{
    struct far_end *far = owner;
    if (far->stream != NULL && read_or_write & STREAM_READ && !far->deaf)
        far_end_read(far);
    if (far->stream != NULL && read_or_write & STREAM_WRITE && far->said < far->to_say.len)
        far_end_write(far);
    far_end_want(far);
}

void far_end_open(struct far_end *far, struct stream *stream)
{
    *far = (struct far_end){.stream = stream};
    buf_init(&far->heard, HEARD_MOST_BYTES);
    buf_init(&far->to_say, HEARD_MOST_BYTES);
    /* Not to be counted among the allocations of those who are tried. */
    check(buf_room(&far->heard, 4 * READ_BYTES) != NULL);
    check(buf_room(&far->to_say, 4096) != NULL);
    stream->on_ready = far_end_on_ready;
    stream->owner = far;
    far_end_want(far);
}

void far_end_close(struct far_end *far)
{
    if (far->stream != NULL)
        stream_close(far->stream);
    far->stream = NULL;
    buf_fini(&far->heard);
    buf_fini(&far->to_say);
}

void far_end_say(struct far_end *far, const char *text)
{
    check(buf_add(&far->to_say, span_text(text)));
    far_end_want(far);
}

void far_end_say_bytes(struct far_end *far, size_t count)
{
    char *room = buf_room(&far->to_say, count);
    check(room != NULL);
    memset(room, 'x', count);
    buf_grew(&far->to_say, count);
    far_end_want(far);
}

void far_end_finish(struct far_end *far)
{
    far->finishes = true;
    far_end_want(far);
}

void far_end_reset(struct far_end *far)
{
    stream_reset(far->stream);
    far->stream = NULL;
}

void far_end_listen(struct far_end *far, bool listens)
{
    far->deaf = !listens;
    far_end_want(far);
}

bool far_end_heard(const struct far_end *far, const char *text)
{
    return span_find(buf_span(&far->heard), span_text(text)) != SPAN_NONE;
}

void far_end_forget(struct far_end *far)
{
    buf_clear(&far->heard);
}

/* ---- counting ---- */

static struct stream_counts counts;
static const struct stream_ops *counted;
static struct stream_ops counting;

static struct stream_moved count_read(struct stream *stream, char *to, size_t size)
{
    counts.reads++;
    return counted->read(stream, to, size);
}

static struct stream_moved count_write(struct stream *stream, const struct iovec *parts, int count)
{
    counts.writes++;
    return counted->write(stream, parts, count);
}

static void count_want(struct stream *stream, unsigned read_or_write)
{
    counts.waits_to_write += (read_or_write & STREAM_WRITE) != 0;
    counted->want(stream, read_or_write);
}

struct stream_counts *stream_count(struct stream *stream)
{
    if (stream->ops != &counting)
        counted = stream->ops;
    counting = *counted;
    counting.read = count_read;
    counting.write = count_write;
    counting.want = count_want;
    stream->ops = &counting;
    counts = (struct stream_counts){0};
    return &counts;
}
