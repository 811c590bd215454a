/* SPDX-License-Identifier: Apache-2.0 */
/* The life of a connection to a backend. */
#include "sidecar/wire/h1_client_inside.h"

#include <stdlib.h>

#include "rules/base/must.h"

/* Beside the field list, which the parser holds to its limit, the arena has the trailers' text. */
static size_t arena_bytes(const struct h1_limits *limits)
{
    return (size_t)65536 + 2 * limits->head_bytes + 8 * limits->field_count * sizeof(struct pair);
}

void h1_client_wake(struct h1_client *client)
{
    if (client->phase == H1_CLIENT_BUSY && client->server.wake != NULL)
        client->server.wake(client->server.exchange);
}

/* Reading: for the answer, as long as there is room; and while idle, to see the connection end. */
void h1_client_want(struct h1_client *client)
{
    struct h1_link *link = &client->link;
    bool read = true;
    if (client->phase == H1_CLIENT_BUSY && client->answer != ANSWER_NONE)
        read = client->answer == ANSWER_HEAD && client->body.state == SOURCE_OPEN;
    h1_link_want(link, read && (link->in.at == NULL || h1_buffer_room(&link->in) > 0));
}

static void client_end(struct h1_client *client, enum h1_link_close how)
{
    h1_link_close(&client->link, how);
    client->phase = H1_CLIENT_CLOSED;
    h1_link_post(&client->link);
}

static void client_free(struct h1_client *client)
{
    void (*on_closed)(void *) = client->on_closed;
    void *owner = client->owner;
    h1_link_fini(&client->link);
    free(client);
    on_closed(owner);
}

static void client_run(struct task *task)
{
    struct h1_client *client = list_entry(task, struct h1_client, link.task);
    bool unsent = client->link.bytes_out == client->began_at_out;
    if (client->phase == H1_CLIENT_BUSY && unsent && h1_link_read(&client->link))
        h1_client_spoil(client);
    bool written = h1_link_flush(&client->link);
    bool read = h1_link_read(&client->link);
    switch (client->phase) {
    case H1_CLIENT_CLOSED: client_free(client); return;
    case H1_CLIENT_BUSY:
        h1_client_advance(client);
        if (read || written)
            h1_client_wake(client);
        break;
    case H1_CLIENT_IDLE:
    case H1_CLIENT_GIVEN_BACK:
        if (read || h1_link_is_gone(&client->link)) { /* its end, or an answer to no request */
            client_end(client, H1_LINK_CLOSE);
        } else if (client->phase == H1_CLIENT_GIVEN_BACK) {
            client->phase = H1_CLIENT_IDLE;
            client->on_idle(client->owner);
        }
        break;
    }
    h1_client_want(client);
}

struct h1_client *h1_client_new(struct loop *loop, struct stream *stream,
                                const struct h1_client_options *options,
                                void (*on_idle)(void *owner), void (*on_closed)(void *owner),
                                void *owner)
{
    struct h1_client *client = must_alloc(sizeof *client);
    client->options = *options;
    client->on_idle = on_idle;
    client->on_closed = on_closed;
    client->owner = owner;
    client->link.buffer_bytes = options->buffer_bytes;
    client->link.chunks = options->chunks;
    client->link.arena_bytes = arena_bytes(&options->limits);
    h1_link_init(&client->link, loop, stream, client_run);
    h1_client_want(client);
    return client;
}

struct server *h1_client_begin(struct h1_client *client)
{
    static const struct server_ops ops = {
        .send_head = h1_client_send_head,
        .answer = h1_client_answer,
        .next = h1_client_next,
        .release = h1_client_release,
    };
    must(client->phase == H1_CLIENT_IDLE);
    bool reused = client->server.ops != NULL;
    client->server = (struct server){
        .ops = &ops,
        .request.ops = &h1_client_sink,
        .body.ops = &h1_client_source,
        .head = &client->head,
        .reused = reused,
    };
    client->phase = H1_CLIENT_BUSY;
    client->answer = ANSWER_NONE;
    client->head = (struct answer_head){.status = 0};
    client->seen = 0;
    client->interims = 0;
    client->last = false;
    client->began_at_out = client->link.bytes_out;
    h1_out_next(&client->link.out);
    h1_body_begin(&client->body, H1_FRAMED_NONE, 0, NULL);
    if (!h1_link_begin(&client->link))
        client->answer = ANSWER_BROKEN;
    return &client->server;
}

/* Nothing is left of the one message and of the other. */
static bool may_be_reused(const struct h1_client *client)
{
    const struct h1_link *link = &client->link;
    bool sent = link->out.state == H1_OUT_WHOLE && h1_out_pending(&link->out) == 0;
    bool got = client->answer == ANSWER_HEAD && client->body.state == SOURCE_ENDED &&
               link->in.start == link->in.end;
    return sent && got && !client->last && !link->read_ended && !h1_link_is_gone(link);
}

void h1_client_release(struct server *server)
{
    struct h1_client *client = list_entry(server, struct h1_client, server);
    must(client->phase == H1_CLIENT_BUSY);
    server->wake = NULL;
    if (!may_be_reused(client)) {
        bool whole = client->body.state == SOURCE_ENDED && client->answer == ANSWER_HEAD;
        client_end(client, whole ? H1_LINK_CLOSE : H1_LINK_RESET);
        return;
    }
    client->phase = H1_CLIENT_GIVEN_BACK;
    h1_buffer_drop_head(&client->link.in);
    h1_link_rest(&client->link);
    h1_link_post(&client->link);
}

void h1_client_close(struct h1_client *client)
{
    if (client->phase == H1_CLIENT_BUSY) {
        h1_link_close(&client->link, H1_LINK_RESET);
        h1_link_post(&client->link);
        h1_client_advance(client);
        h1_client_wake(client);
    } else if (client->phase != H1_CLIENT_CLOSED) {
        client_end(client, H1_LINK_CLOSE);
    }
}
