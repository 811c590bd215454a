/* SPDX-License-Identifier: Apache-2.0 */
/* Answers as they come in. A backend is not trusted: interim answers are counted, heads are held to
 * limits, and a 101 that nobody asked for is no answer. */
#include "rules/base/must.h"
#include "sidecar/wire/h1_client_inside.h"

enum { INTERIMS_MOST = 32, STATUS_SWITCHING = 101 };

/* ---- heads ---- */

static bool nothing_more_comes(const struct h1_link *link)
{
    return link->stream == NULL || link->read_ended || link->read_broken;
}

/* No byte of an answer is here, and none will come. */
static enum answer_state ended_without_answer(const struct h1_client *client)
{
    return client->server.reused && client->server.first_byte_us == 0 ? ANSWER_STALE
                                                                      : ANSWER_BROKEN;
}

void h1_client_spoil(struct h1_client *client)
{
    if (client->answer == ANSWER_NONE)
        client->answer = ended_without_answer(client);
    client->last = true;
    h1_out_discard(&client->link.out);
    h1_client_wake(client);
}

static enum answer_state head_is_not_whole(struct h1_client *client)
{
    const struct h1_client_options *options = &client->options;
    size_t most = options->limits.head_bytes > options->buffer_bytes ? options->limits.head_bytes
                                                                     : options->buffer_bytes;
    if (nothing_more_comes(&client->link) || !h1_buffer_widen(&client->link.in, most))
        return ANSWER_BROKEN;
    return ANSWER_NONE;
}

static enum answer_state interim_came(struct h1_client *client, size_t used)
{
    if (client->head.status == STATUS_SWITCHING || ++client->interims > INTERIMS_MOST)
        return ANSWER_BROKEN;
    client->interim_bytes = used;
    return ANSWER_INTERIM;
}

static enum answer_state final_came(struct h1_client *client, size_t used)
{
    int64_t length = client->head.body_length;
    struct h1_buffer *in = &client->link.in;
    bool chunked = length == BODY_UNKNOWN &&
                   fields_get(&client->head.fields, SPAN("Transfer-Encoding")).at != NULL;
    enum h1_framed framed = chunked                  ? H1_FRAMED_CHUNKED
                            : length == BODY_UNKNOWN ? H1_FRAMED_UNTIL_CLOSE
                                                     : H1_FRAMED_LENGTH;
    uint64_t left = length > 0 ? (uint64_t)length : 0;
    bool more = length == BODY_UNKNOWN || left > in->end - in->start - used;
    if (!h1_buffer_keep_head(in, used, more))
        return ANSWER_BROKEN;
    h1_body_begin(&client->body, framed, left, client->link.arena);
    return ANSWER_HEAD;
}

static enum answer_state look_for_head(struct h1_client *client)
{
    struct h1_link *link = &client->link;
    struct span bytes = h1_buffer_span(&link->in);
    if (bytes.len == 0)
        return nothing_more_comes(link) || link->write_broken ? ended_without_answer(client)
                                                              : ANSWER_NONE;
    if (client->server.first_byte_us == 0)
        client->server.first_byte_us = loop_now_us(link->loop);
    size_t used;
    bool close;
    enum h1_parse parse =
        h1_parse_answer(bytes, &client->seen, &client->options.limits, client->method, link->arena,
                        &client->head, &used, &close);
    if (parse == H1_MORE)
        return head_is_not_whole(client);
    if (parse == H1_BROKEN)
        return ANSWER_BROKEN;
    client->last = client->last || close;
    return client->head.status < 200 ? interim_came(client, used) : final_came(client, used);
}

enum answer_state h1_client_answer(struct server *server)
{
    return list_entry(server, struct h1_client, server)->answer;
}

void h1_client_next(struct server *server)
{
    struct h1_client *client = list_entry(server, struct h1_client, server);
    must(client->answer == ANSWER_INTERIM);
    client->link.in.start += client->interim_bytes;
    client->answer = ANSWER_NONE;
    client->seen = 0;
    arena_reset(client->link.arena);
    h1_client_advance(client);
    if (client->answer != ANSWER_NONE)
        h1_client_wake(client);
    h1_client_want(client);
}

/* ---- bodies ---- */

/* What lasts until the connection closes is whole only where it closes in order. */
static void fill_body(struct h1_client *client)
{
    struct h1_link *link = &client->link;
    struct h1_body *body = &client->body;
    bool broken = link->read_broken || link->stream == NULL;
    h1_body_fill(body, &link->in, link->read_ended);
    if (broken && body->state == SOURCE_OPEN && body->here == 0)
        body->state = SOURCE_BROKEN;
}

void h1_client_advance(struct h1_client *client)
{
    if (client->answer == ANSWER_NONE) {
        client->answer = look_for_head(client);
        if (client->answer != ANSWER_NONE)
            h1_client_wake(client);
    }
    if (client->answer == ANSWER_HEAD)
        fill_body(client);
}

static struct span source_peek(struct source *source)
{
    const struct h1_client *client = list_entry(source, struct h1_client, server.body);
    return h1_body_peek(&client->body, &client->link.in);
}

static void source_consume(struct source *source, size_t bytes)
{
    struct h1_client *client = list_entry(source, struct h1_client, server.body);
    h1_body_consume(&client->body, &client->link.in, bytes, client->link.read_ended);
    fill_body(client);
    h1_client_want(client);
}

static const struct h1_client *client_of(const struct source *source)
{
    return (const struct h1_client *)(const void *)((const char *)source -
                                                    offsetof(struct h1_client, server.body));
}

static enum source_state source_state(const struct source *source)
{
    const struct h1_client *client = client_of(source);
    return client->answer == ANSWER_HEAD ? client->body.state : SOURCE_OPEN;
}

static const struct fields *source_trailers(const struct source *source)
{
    const struct h1_body *body = &client_of(source)->body;
    return body->state == SOURCE_ENDED && body->trailers.count > 0 ? &body->trailers : NULL;
}

const struct source_ops h1_client_source = {
    .peek = source_peek,
    .consume = source_consume,
    .state = source_state,
    .trailers = source_trailers,
};
