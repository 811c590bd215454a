/* SPDX-License-Identifier: Apache-2.0 */
/* Requests on their way to a backend. */
#include "rules/base/must.h"
#include "sidecar/wire/h1_client_inside.h"

/* RFC 9110 8.6: a method that usually brings a body says that there is none. */
static bool says_no_length(struct span method)
{
    static const struct span methods[] = {SPAN_INIT("GET"),    SPAN_INIT("HEAD"),
                                          SPAN_INIT("DELETE"), SPAN_INIT("OPTIONS"),
                                          SPAN_INIT("TRACE"),  SPAN_INIT("CONNECT")};
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++)
        if (span_is(method, methods[i]))
            return true;
    return false;
}

/* Only these change how an answer is framed; the request's own text may not live that long. */
static struct span method_to_remember(struct span method)
{
    if (span_is(method, SPAN("HEAD")))
        return SPAN("HEAD");
    return span_is(method, SPAN("CONNECT")) ? SPAN("CONNECT") : SPAN("GET");
}

void h1_client_send_head(struct server *server, const struct request_head *head)
{
    struct h1_client *client = list_entry(server, struct h1_client, server);
    struct h1_link *link = &client->link;
    must(client->phase == H1_CLIENT_BUSY);
    client->method = method_to_remember(head->method);
    if (link->arena == NULL)
        return; /* no memory: it is broken already */
    enum h1_framed framed = H1_FRAMED_LENGTH;
    int64_t length = head->body_length;
    if (head->body_length == BODY_UNKNOWN) {
        framed = H1_FRAMED_CHUNKED;
    } else if (head->body_length == 0 && says_no_length(head->method)) {
        framed = H1_FRAMED_NONE;
        length = -1;
    }
    struct request_head sent = *head;
    struct buf *to = h1_out_head(&link->out, &sent.fields, link->arena);
    h1_write_request(to, &sent);
    h1_out_frame(&link->out, framed, length, H1_CONNECTION_UNSAID);
    h1_link_post(link);
}

static size_t sink_room(const struct sink *sink)
{
    const struct h1_client *client =
        (const struct h1_client *)(const void *)((const char *)sink -
                                                 offsetof(struct h1_client, server.request));
    return h1_out_room(&client->link.out);
}

static void sink_write(struct sink *sink, struct span bytes)
{
    struct h1_client *client = list_entry(sink, struct h1_client, server.request);
    h1_out_write(&client->link.out, bytes);
    h1_link_post(&client->link);
}

static void sink_end(struct sink *sink, const struct fields *trailers)
{
    struct h1_client *client = list_entry(sink, struct h1_client, server.request);
    h1_out_end(&client->link.out, trailers);
    h1_link_post(&client->link);
}

const struct sink_ops h1_client_sink = {
    .room = sink_room,
    .write = sink_write,
    .end = sink_end,
};
