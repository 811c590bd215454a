/* SPDX-License-Identifier: Apache-2.0 */
/* Answers as they go out, and the exchange's letting go. */
#include "rules/base/must.h"
#include "rules/base/number.h"
#include "sidecar/wire/h1_server_inside.h"

/* More than this of a request's body is not read only to keep the connection. */
enum { DRAINED_MOST_BYTES = 65536 };

static struct h1_server *server_of(struct client *client)
{
    return list_entry(client, struct h1_server, client);
}

static const struct h1_server *server_of_const(const struct client *client)
{
    return (const struct h1_server *)(const void *)((const char *)client -
                                                    offsetof(struct h1_server, client));
}

/* ---- heads ---- */

static void client_send_interim(struct client *client, const struct answer_head *head)
{
    struct h1_server *server = server_of(client);
    must(server->phase == H1_SERVER_BUSY && head->status >= 100 && head->status < 200);
    if (server->head.version == HTTP_1_0 || h1_link_is_gone(&server->link))
        return; /* RFC 9110 15.2 */
    struct answer_head sent = *head;
    struct buf *to = h1_out_head(&server->link.out, &sent.fields, server->link.arena);
    h1_write_answer(to, &sent);
    server->continued = server->continued || head->status == 100;
    h1_link_post(&server->link);
}

/* The client may or may not send what it did not get a 100 for, and more than the drain takes
 * would cost the connection anyway: so say at once that this answer is the last. */
static bool body_will_not_be_read(const struct h1_server *server)
{
    const struct h1_body *body = &server->body;
    if (body->state != SOURCE_OPEN)
        return body->state == SOURCE_BROKEN;
    bool waits = server->head.expects_continue && !server->continued;
    return waits || body->left > DRAINED_MOST_BYTES;
}

static bool may_have_body(const struct h1_server *server, unsigned status)
{
    return status != 204 && status != 304 && !span_is(server->head.method, SPAN("HEAD"));
}

/* What Content-Length says where no body follows: what the backend said, or what would have been.
 */
static int64_t length_without_body(const struct answer_head *head)
{
    uint64_t said;
    if (head->status == 204)
        return -1;
    if (number_parse(fields_get(&head->fields, SPAN("Content-Length")), &said) && said <= INT64_MAX)
        return (int64_t)said;
    return head->body_length > 0 ? head->body_length : -1;
}

static enum h1_framed frame_body(struct h1_server *server, const struct answer_head *head)
{
    if (head->body_length != BODY_UNKNOWN)
        return H1_FRAMED_LENGTH;
    if (server->head.version != HTTP_1_0)
        return H1_FRAMED_CHUNKED;
    server->last = true;
    return H1_FRAMED_UNTIL_CLOSE;
}

static void client_send_head(struct client *client, const struct answer_head *head, bool no_body,
                             bool close)
{
    struct h1_server *server = server_of(client);
    must(server->phase == H1_SERVER_BUSY && head->status >= 200);
    server->last = server->last || close || body_will_not_be_read(server);
    enum h1_framed framed = H1_FRAMED_NONE;
    int64_t length = length_without_body(head);
    if (!no_body && may_have_body(server, head->status)) {
        framed = frame_body(server, head);
        length = head->body_length;
    }
    enum h1_connection connection = server->last                       ? H1_CONNECTION_CLOSE
                                    : server->head.version == HTTP_1_0 ? H1_CONNECTION_KEEP_ALIVE
                                                                       : H1_CONNECTION_UNSAID;
    struct answer_head sent = *head;
    struct buf *to = h1_out_head(&server->link.out, &sent.fields, server->link.arena);
    h1_write_answer(to, &sent);
    h1_out_frame(&server->link.out, framed, length, connection);
    h1_link_post(&server->link);
}

static bool client_is_gone(const struct client *client)
{
    return h1_link_is_gone(&server_of_const(client)->link);
}

static bool client_is_flushed(const struct client *client)
{
    return h1_out_pending(&server_of_const(client)->link.out) == 0;
}

/* ---- letting go ---- */

static void client_release(struct client *client, bool answer_is_whole)
{
    struct h1_server *server = server_of(client);
    struct h1_link *link = &server->link;
    must(server->phase == H1_SERVER_BUSY);
    client->wake = NULL;
    enum h1_out_state out = link->out.state;
    server->phase = H1_SERVER_DRAIN; /* whatever follows: the client is not touched again */
    server->thrown_bytes = 0;
    bool cut_off = out != H1_OUT_NOTHING && (out != H1_OUT_WHOLE || !answer_is_whole);
    if (h1_link_is_gone(link))
        h1_server_close(server, H1_LINK_CLOSE);
    else if (cut_off)
        h1_server_close(server, H1_LINK_RESET);
    else if (server->last || out == H1_OUT_NOTHING)
        h1_server_linger(server);
    else if (server->body.state == SOURCE_ENDED)
        h1_server_next(server);
    else {
        h1_server_enter(server, H1_SERVER_DRAIN, server->options.timeouts.drain);
        h1_link_post(link);
    }
    h1_server_want(server);
}

const struct client_ops h1_server_client = {
    .send_interim = client_send_interim,
    .send_head = client_send_head,
    .is_gone = client_is_gone,
    .is_flushed = client_is_flushed,
    .release = client_release,
};

/* ---- bodies ---- */

static const struct h1_server *server_of_sink(const struct sink *sink)
{
    return (const struct h1_server *)(const void *)((const char *)sink -
                                                    offsetof(struct h1_server, client.answer));
}

static size_t sink_room(const struct sink *sink)
{
    return h1_out_room(&server_of_sink(sink)->link.out);
}

static void sink_write(struct sink *sink, struct span bytes)
{
    struct h1_server *server = list_entry(sink, struct h1_server, client.answer);
    h1_out_write(&server->link.out, bytes);
    h1_link_post(&server->link);
}

static void sink_end(struct sink *sink, const struct fields *trailers)
{
    struct h1_server *server = list_entry(sink, struct h1_server, client.answer);
    h1_out_end(&server->link.out, trailers);
    h1_link_post(&server->link);
}

const struct sink_ops h1_server_sink = {
    .room = sink_room,
    .write = sink_write,
    .end = sink_end,
};
