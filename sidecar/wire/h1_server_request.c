/* SPDX-License-Identifier: Apache-2.0 */
/* Requests as they come in: heads, bodies, and what nobody reads of them. */
#include "rules/base/must.h"
#include "sidecar/wire/h1_server_inside.h"

enum { THROWN_MOST_BYTES = 65536, SHOWN_LINE_BYTES = 256 };

/* ---- heads ---- */

/* Empty lines between requests are no request's first byte: RFC 9112 2.2. */
static void skip_empty_lines(struct h1_buffer *in)
{
    while (in->end - in->start >= 2 && memcmp(in->at + in->start, "\r\n", 2) == 0)
        in->start += 2;
}

static void hand_over(struct h1_server *server)
{
    struct client *client = &server->client;
    server->last = server->last || client->refusal.status != 0;
    client->head = &server->head;
    client->head_us = loop_now_us(server->link.loop);
    h1_server_enter(server, H1_SERVER_BUSY, 0);
    h1_body_fill(&server->body, &server->link.in, h1_server_reads_no_more(server));
    server->on_request(server->owner, client);
}

/* What came is no head. All of it stays where it is, to be logged; nothing more is read as one. */
static void hand_over_broken(struct h1_server *server, struct refusal refusal)
{
    struct h1_buffer *in = &server->link.in;
    server->client.head_is_broken = true;
    server->client.refusal = refusal;
    if (refusal.status == 0)
        server->client.refusal.status = 400;
    must(h1_buffer_keep_head(in, in->end - in->start, false));
    h1_body_begin(&server->body, H1_FRAMED_NONE, 0, server->link.arena);
    hand_over(server);
}

static void refuse_unread(struct h1_server *server, unsigned status, const char *why)
{
    struct span came = h1_buffer_span(&server->link.in);
    struct span line = span_first(came, span_find_byte(came, '\r'));
    server->head = (struct request_head){.line = span_first(line, SHOWN_LINE_BYTES)};
    hand_over_broken(server, (struct refusal){.status = status, .why = why});
}

static void hand_over_whole(struct h1_server *server, size_t used)
{
    const struct request_head *head = &server->head;
    bool chunked = head->body_length == BODY_UNKNOWN;
    uint64_t length = chunked ? 0 : (uint64_t)head->body_length;
    struct h1_buffer *in = &server->link.in;
    bool more = chunked || length > in->end - in->start - used;
    if (!h1_buffer_keep_head(in, used, more)) {
        h1_server_close(server, H1_LINK_RESET);
        return;
    }
    h1_body_begin(&server->body, chunked ? H1_FRAMED_CHUNKED : H1_FRAMED_LENGTH, length,
                  server->link.arena);
    hand_over(server);
}

static void head_is_not_whole(struct h1_server *server)
{
    const struct h1_limits *limits = &server->options.limits;
    size_t most = limits->head_bytes > server->options.buffer_bytes ? limits->head_bytes
                                                                    : server->options.buffer_bytes;
    if (server->link.read_ended)
        refuse_unread(server, 400, "cut_off");
    else if (server->timed_out)
        refuse_unread(server, 408, "request_header_timeout");
    else if (!h1_buffer_widen(&server->link.in, most))
        refuse_unread(server, 431, "header_too_large");
}

static void parse_head(struct h1_server *server)
{
    size_t used;
    bool close;
    struct refusal refusal;
    enum h1_parse parse =
        h1_parse_request(h1_buffer_span(&server->link.in), &server->seen, &server->options.limits,
                         server->link.arena, &server->head, &used, &refusal, &close);
    if (parse == H1_MORE) {
        head_is_not_whole(server);
        return;
    }
    server->last = server->last || close;
    server->client.refusal = refusal;
    server->head.scheme = server->options.scheme;
    if (parse == H1_BROKEN)
        hand_over_broken(server, refusal);
    else
        hand_over_whole(server, used);
}

static bool head_begins(struct h1_server *server)
{
    struct h1_link *link = &server->link;
    if (!h1_link_begin(link))
        return false;
    server->client = (struct client){
        .ops = &h1_server_client,
        .body.ops = &h1_server_source,
        .answer.ops = &h1_server_sink,
        .began_us = loop_now_us(link->loop),
    };
    server->head = (struct request_head){.line = {NULL, 0}};
    server->seen = 0;
    server->continued = false;
    h1_out_next(&link->out);
    h1_server_enter(server, H1_SERVER_HEAD, server->options.timeouts.request_header);
    return true;
}

void h1_server_look(struct h1_server *server)
{
    struct h1_link *link = &server->link;
    if (h1_link_is_gone(link)) {
        h1_server_close(server, H1_LINK_CLOSE);
        return;
    }
    if (server->phase == H1_SERVER_IDLE) {
        skip_empty_lines(&link->in);
        bool nothing = link->in.start == link->in.end;
        if (nothing && (link->read_ended || server->timed_out))
            h1_server_linger(server);
        if (nothing)
            return;
        if (!head_begins(server)) {
            h1_server_close(server, H1_LINK_RESET);
            return;
        }
    }
    parse_head(server);
}

void h1_server_next(struct h1_server *server)
{
    if (server->last) { /* a drain was asked for after the answer's head had gone */
        h1_server_linger(server);
        return;
    }
    h1_buffer_drop_head(&server->link.in);
    server->thrown_bytes = 0;
    h1_server_enter(server, H1_SERVER_IDLE, server->options.timeouts.idle);
    h1_link_rest(&server->link);
    if (server->link.in.start < server->link.in.end || server->link.read_ended)
        h1_link_post(&server->link);
}

/* ---- bodies ---- */

static const struct h1_server *server_of(const struct source *source)
{
    return (const struct h1_server *)(const void *)((const char *)source -
                                                    offsetof(struct h1_server, client.body));
}

static struct span source_peek(struct source *source)
{
    const struct h1_server *server = server_of(source);
    return h1_body_peek(&server->body, &server->link.in);
}

static void source_consume(struct source *source, size_t bytes)
{
    struct h1_server *server = list_entry(source, struct h1_server, client.body);
    h1_body_consume(&server->body, &server->link.in, bytes, h1_server_reads_no_more(server));
    h1_server_want(server);
}

static enum source_state source_state(const struct source *source)
{
    return server_of(source)->body.state;
}

static const struct fields *source_trailers(const struct source *source)
{
    const struct h1_body *body = &server_of(source)->body;
    return body->state == SOURCE_ENDED && body->trailers.count > 0 ? &body->trailers : NULL;
}

const struct source_ops h1_server_source = {
    .peek = source_peek,
    .consume = source_consume,
    .state = source_state,
    .trailers = source_trailers,
};

/* ---- what nobody reads ---- */

bool h1_server_threw(struct h1_server *server, size_t bytes)
{
    server->thrown_bytes += bytes;
    return server->thrown_bytes < THROWN_MOST_BYTES;
}

void h1_server_throw_away(struct h1_server *server)
{
    struct h1_link *link = &server->link;
    struct h1_body *body = &server->body;
    bool within = true;
    bool ended = h1_server_reads_no_more(server);
    h1_body_fill(body, &link->in, ended);
    while (body->here > 0 && within) {
        within = h1_server_threw(server, body->here);
        h1_body_consume(body, &link->in, body->here, ended);
    }
    if (h1_link_is_gone(link))
        h1_server_close(server, H1_LINK_CLOSE);
    else if (body->state == SOURCE_ENDED)
        h1_server_next(server);
    else if (body->state == SOURCE_BROKEN || !within || server->timed_out)
        h1_server_linger(server);
}
