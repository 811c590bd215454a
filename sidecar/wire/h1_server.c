/* SPDX-License-Identifier: Apache-2.0 */
/* The life of a client's connection: its turns, its timer, its end. */
#include "sidecar/wire/h1_server_inside.h"

#include <stdlib.h>

#include "rules/base/must.h"

/* Beside the field list, which the parser holds to its limit, the arena has the trailers' text. */
static size_t arena_bytes(const struct h1_limits *limits)
{
    return (size_t)65536 + 2 * limits->head_bytes + 8 * limits->field_count * sizeof(struct pair);
}

void h1_server_enter(struct h1_server *server, enum h1_server_phase phase, uint64_t timeout_us)
{
    server->phase = phase;
    server->timed_out = false;
    if (timeout_us > 0)
        timer_arm(&server->timer, loop_now_us(server->link.loop) + timeout_us);
    else
        timer_disarm(&server->timer);
}

void h1_server_wake(struct h1_server *server)
{
    if (server->phase == H1_SERVER_BUSY && server->client.wake != NULL)
        server->client.wake(server->client.exchange);
}

void h1_server_close(struct h1_server *server, enum h1_link_close how)
{
    h1_link_close(&server->link, how);
    if (server->phase == H1_SERVER_BUSY)
        h1_server_wake(server);
    else
        h1_server_enter(server, H1_SERVER_CLOSED, 0);
    h1_link_post(&server->link);
}

/* Closing with bytes unread would make the kernel send a reset, and that may reach the client
 * before it has read the answer. RFC 9112 9.6 */
void h1_server_linger(struct h1_server *server)
{
    h1_buffer_drop_head(&server->link.in);
    h1_server_enter(server, H1_SERVER_LINGER, server->options.timeouts.idle);
    h1_link_post(&server->link);
}

static void run_linger(struct h1_server *server)
{
    struct h1_link *link = &server->link;
    bool within = h1_server_threw(server, link->in.end - link->in.start);
    bool flushed = h1_out_pending(&link->out) == 0;
    link->in.start = link->in.end;
    if (h1_link_is_gone(link) || server->timed_out) {
        h1_server_close(server, flushed ? H1_LINK_CLOSE : H1_LINK_RESET);
        return;
    }
    if (!flushed)
        return;
    if (!server->finished) {
        server->finished = true;
        stream_finish(link->stream);
        h1_server_enter(server, H1_SERVER_LINGER, server->options.timeouts.drain);
    }
    if (link->read_ended || !within)
        h1_server_close(server, H1_LINK_CLOSE);
}

/* Reading: for a head, for a body that is not whole, and for the end. */
void h1_server_want(struct h1_server *server)
{
    struct h1_link *link = &server->link;
    bool read = true;
    if (server->phase == H1_SERVER_BUSY)
        read = server->body.state == SOURCE_OPEN;
    else if (server->phase == H1_SERVER_LINGER)
        read = h1_server_threw(server, 0);
    h1_link_want(link, read && (link->in.at == NULL || h1_buffer_room(&link->in) > 0));
}

static void run_busy(struct h1_server *server, bool moved)
{
    struct h1_link *link = &server->link;
    h1_body_fill(&server->body, &link->in, h1_server_reads_no_more(server));
    if (moved || h1_link_is_gone(link))
        h1_server_wake(server);
}

static void server_free(struct h1_server *server)
{
    void (*on_closed)(void *) = server->on_closed;
    void *owner = server->owner;
    timer_disarm(&server->timer);
    h1_link_fini(&server->link);
    free(server);
    on_closed(owner);
}

static void server_run(struct task *task)
{
    struct h1_server *server = list_entry(task, struct h1_server, link.task);
    bool read = h1_link_read(&server->link);
    bool written = h1_link_flush(&server->link);
    switch (server->phase) {
    case H1_SERVER_IDLE:
    case H1_SERVER_HEAD: h1_server_look(server); break;
    case H1_SERVER_BUSY: run_busy(server, read || written); break;
    case H1_SERVER_DRAIN: h1_server_throw_away(server); break;
    case H1_SERVER_LINGER: run_linger(server); break;
    case H1_SERVER_CLOSED: server_free(server); return;
    }
    h1_server_want(server);
}

static void server_on_timer(struct timer *timer)
{
    struct h1_server *server = list_entry(timer, struct h1_server, timer);
    server->timed_out = true;
    h1_link_post(&server->link);
}

struct h1_server *h1_server_new(struct loop *loop, struct stream *stream,
                                const struct h1_server_options *options,
                                void (*on_request)(void *owner, struct client *client),
                                void (*on_closed)(void *owner), void *owner)
{
    struct h1_server *server = must_alloc(sizeof *server);
    server->options = *options;
    server->on_request = on_request;
    server->on_closed = on_closed;
    server->owner = owner;
    server->link.buffer_bytes = options->buffer_bytes;
    server->link.chunks = options->chunks;
    server->link.arena_bytes = arena_bytes(&options->limits);
    h1_link_init(&server->link, loop, stream, server_run);
    timer_init(&server->timer, loop, server_on_timer);
    h1_server_enter(server, H1_SERVER_IDLE, options->timeouts.request_header);
    h1_server_want(server);
    return server;
}

void h1_server_drain(struct h1_server *server)
{
    server->draining = true;
    server->last = true;
    if (server->phase != H1_SERVER_IDLE)
        return;
    /* Who has just connected is about to ask: it is not turned away, but does not wait for long
     * either. */
    if (server->link.bytes_in == 0)
        h1_server_enter(server, H1_SERVER_IDLE, server->options.timeouts.drain);
    else
        h1_server_linger(server);
}

void h1_server_abort(struct h1_server *server)
{
    if (server->phase != H1_SERVER_CLOSED)
        h1_server_close(server, H1_LINK_RESET);
}

bool h1_server_is_idle(const struct h1_server *server)
{
    return server->phase == H1_SERVER_IDLE;
}

uint64_t h1_server_bytes_in(const struct h1_server *server)
{
    return server->link.bytes_in;
}

uint64_t h1_server_bytes_out(const struct h1_server *server)
{
    return server->link.bytes_out;
}
