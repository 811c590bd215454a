/* SPDX-License-Identifier: Apache-2.0 */
/* A stream with its two buffers. */
#include "sidecar/wire/h1_link.h"

#include "rules/base/must.h"

/* A busy connection keeps its buffers between two requests, an idle one does not. */
enum { REST_AFTER_US = 1000000 };

static void link_on_ready(void *owner, unsigned read_or_write)
{
    struct h1_link *link = owner;
    if (read_or_write & STREAM_READ && !(link->wants & STREAM_READ))
        link->hung_up = true;
    link->ready |= read_or_write;
    loop_post(link->loop, &link->task);
}

static void link_on_rest(struct timer *timer)
{
    struct h1_link *link = list_entry(timer, struct h1_link, rest);
    if (!link->idle)
        return;
    if (loop_now_us(link->loop) < link->idle_since_us + REST_AFTER_US) {
        timer_arm(timer, link->idle_since_us + REST_AFTER_US);
        return;
    }
    if (link->in.start == link->in.end)
        h1_buffer_fini(&link->in);
    if (h1_out_pending(&link->out) == 0)
        h1_out_fini(&link->out);
    arena_free(link->arena);
    link->arena = NULL;
}

void h1_link_init(struct h1_link *link, struct loop *loop, struct stream *stream,
                  void (*run)(struct task *))
{
    link->loop = loop;
    link->stream = stream;
    stream->on_ready = link_on_ready;
    stream->owner = link;
    task_init(&link->task, run);
    timer_init(&link->rest, loop, link_on_rest);
    h1_out_init(&link->out, link->buffer_bytes);
}

void h1_link_fini(struct h1_link *link)
{
    must(link->stream == NULL);
    task_cancel(&link->task);
    timer_disarm(&link->rest);
    h1_buffer_fini(&link->in);
    h1_out_fini(&link->out);
    arena_free(link->arena);
}

void h1_link_close(struct h1_link *link, enum h1_link_close how)
{
    if (link->stream == NULL)
        return;
    if (how == H1_LINK_RESET)
        stream_reset(link->stream);
    else
        stream_close(link->stream);
    link->stream = NULL;
    h1_out_discard(&link->out);
}

bool h1_link_begin(struct h1_link *link)
{
    link->idle = false;
    if (link->arena == NULL)
        link->arena = arena_new(link->chunks, link->arena_bytes);
    else
        arena_reset(link->arena);
    return link->arena != NULL;
}

void h1_link_rest(struct h1_link *link)
{
    link->idle = true;
    link->idle_since_us = loop_now_us(link->loop);
    if (!timer_is_armed(&link->rest)) /* moved when it fires: cheaper than for every request */
        timer_arm(&link->rest, link->idle_since_us + REST_AFTER_US);
}

bool h1_link_read(struct h1_link *link)
{
    if (link->stream == NULL || link->read_ended || link->read_broken)
        return false;
    if (!(link->ready & STREAM_READ) || !(link->wants & STREAM_READ))
        return false;
    link->ready &= ~(unsigned)STREAM_READ;
    if (!h1_buffer_open(&link->in, link->buffer_bytes)) {
        link->read_broken = true;
        return true;
    }
    size_t room = h1_buffer_room(&link->in);
    if (room == 0)
        return false;
    struct stream_moved moved = stream_read(link->stream, link->in.at + link->in.end, room);
    switch (moved.state) {
    case STREAM_DONE:
        link->in.end += moved.bytes;
        link->bytes_in += moved.bytes;
        return true;
    case STREAM_AGAIN: return false;
    case STREAM_END: link->read_ended = true; return true;
    case STREAM_BROKEN: link->read_broken = true; return true;
    }
    return false;
}

static bool write_fails(struct h1_link *link)
{
    link->write_broken = true;
    link->ready |= STREAM_READ; /* what the other side said before it broke may still be here */
    h1_out_discard(&link->out);
    return true;
}

bool h1_link_flush(struct h1_link *link)
{
    struct h1_out *out = &link->out;
    if (link->stream == NULL || link->write_broken)
        return false;
    if (buf_is_full(&out->buf)) /* no memory, or a head beyond all limits */
        return write_fails(link);
    size_t pending = h1_out_pending(out);
    bool waits = link->blocked && !(link->ready & STREAM_WRITE);
    link->ready &= ~(unsigned)STREAM_WRITE;
    if (pending == 0 || waits)
        return false;
    link->blocked = true;
    const struct iovec part = {.iov_base = out->buf.at + out->sent, .iov_len = pending};
    struct stream_moved moved = stream_write(link->stream, &part, 1);
    if (moved.state == STREAM_AGAIN)
        return false;
    if (moved.state != STREAM_DONE)
        return write_fails(link);
    h1_out_took(out, moved.bytes);
    link->blocked = h1_out_pending(out) > 0;
    link->bytes_out += moved.bytes;
    return true;
}

void h1_link_want(struct h1_link *link, bool read)
{
    if (link->stream == NULL)
        return;
    bool reads = read && !link->read_ended && !link->read_broken;
    bool writes = link->blocked && h1_out_pending(&link->out) > 0;
    unsigned wants = (reads ? STREAM_READ : 0U) | (writes ? STREAM_WRITE : 0U);
    if (wants == link->wants)
        return;
    link->wants = wants;
    stream_want(link->stream, wants);
}

void h1_link_post(struct h1_link *link)
{
    loop_post(link->loop, &link->task);
}
