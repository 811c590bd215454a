/* SPDX-License-Identifier: Apache-2.0 */
/* Connections of the HTTP/1 codec, a call for each request. */
#include "sidecar/service.h"

#include <stdlib.h>
#include <unistd.h>

#include "rules/base/must.h"
#include "sidecar/accept.h"
#include "sidecar/http/target.h"
#include "sidecar/wire/h1.h"

enum {
    BODY_MOST = 16 * 1024 * 1024,
    REQUEST_MOST = 64 * 1024,
    BUFFER_BYTES = 16 * 1024,
    CONNECTIONS_MOST = 256,
    WARM_CHUNKS = 32,
    PEER_BYTES = 64,
};

struct port {
    struct service *service;
    unsigned number;
    struct acceptor *acceptor;
};

struct service {
    struct loop *loop;
    bool (*answer)(void *context, struct service_call *call);
    void *context;
    struct arena_chunks *chunks;
    struct port ports[SERVICE_PORTS];
    struct list connections, calls;
    unsigned connection_count;
};

struct connection {
    struct list link;
    struct service *service;
    struct h1_server *codec;
    unsigned port;
    char peer[PEER_BYTES];
    size_t peer_len;
};

/* ---- a call ---- */

static void call_over(struct service_call *call, bool whole)
{
    call->client->wake = NULL;
    call->client->ops->release(call->client, whole);
    task_cancel(&call->task);
    list_remove(&call->link);
    list_remove(&call->waits);
    buf_fini(&call->request);
    buf_fini(&call->body);
    free(call);
}

static void send_head(struct service_call *call)
{
    struct pair fields[] = {{SPAN("Content-Type"), call->type},
                            {SPAN("Cache-Control"), SPAN("no-store")}};
    struct answer_head head = {
        .status = call->status, .fields = {fields, 2, 2}, .body_length = (int64_t)call->body.len};
    bool no_body = span_is(call->client->head->method, SPAN("HEAD"));
    call->client->ops->send_head(call->client, &head, no_body, call->last);
    call->head_sent = true;
    pump_start(&call->pump, NULL, &call->client->answer,
               no_body ? (struct span){NULL, 0} : buf_span(&call->body), 0, 0);
}

void service_finish(struct service_call *call)
{
    call->answered = true;
    if (!call->head_sent)
        send_head(call);
    if (pump_move(&call->pump, 0) == PUMP_DONE)
        call_over(call, true);
    else if (call->client->ops->is_gone(call->client))
        call_over(call, false);
}

/* True once the request's body is whole, or too long to care. */
static bool take_request(struct service_call *call)
{
    struct source *source = &call->client->body;
    if (call->client->head_is_broken || call->client->head->body_length == 0)
        return true;
    for (;;) {
        struct span bytes = source->ops->peek(source);
        if (bytes.len == 0)
            return source->ops->state(source) != SOURCE_OPEN;
        if (!buf_add(&call->request, bytes))
            return true;
        source->ops->consume(source, bytes.len);
    }
}

static void go_on(struct service_call *call)
{
    if (call->client->ops->is_gone(call->client)) {
        call_over(call, false);
    } else if (call->head_sent) {
        service_finish(call);
    } else if (!call->answered && take_request(call)) {
        call->answered = true;
        if (call->service->answer(call->service->context, call))
            service_finish(call);
    }
}

static void on_task(struct task *task)
{
    go_on(list_entry(task, struct service_call, task));
}

static void on_wake(void *context)
{
    struct service_call *call = context;
    loop_post(call->service->loop, &call->task);
}

/* ---- connections ---- */

static void on_request(void *owner, struct client *client)
{
    struct connection *connection = owner;
    struct service *service = connection->service;
    struct service_call *call = must_alloc(sizeof(*call));
    call->service = service;
    call->client = client;
    call->port = connection->port;
    call->peer = span_make(connection->peer, connection->peer_len);
    buf_init(&call->request, REQUEST_MOST);
    buf_init(&call->body, BODY_MOST);
    list_init(&call->waits);
    list_add(&service->calls, &call->link);
    task_init(&call->task, on_task);
    client->wake = on_wake;
    client->exchange = call;
    struct target target = target_split(client->head->target, client->head->method);
    call->path = target.path;
    call->query = target.query;
    on_wake(call);
}

static void on_closed(void *owner)
{
    struct connection *connection = owner;
    list_remove(&connection->link);
    connection->service->connection_count--;
    free(connection);
}

/* Idle connections must not shut a probe out: the oldest of them ends. False: none is idle. */
static bool make_room(struct service *service)
{
    for (struct list *l = service->connections.next; l != &service->connections; l = l->next) {
        struct connection *connection = list_entry(l, struct connection, link);
        if (h1_server_is_idle(connection->codec)) {
            h1_server_abort(connection->codec);
            return true;
        }
    }
    return false;
}

static void on_accepted(void *context, int fd, size_t listener)
{
    (void)listener;
    const struct port *port = context;
    struct service *service = port->service;
    unsigned over = service->connection_count / CONNECTIONS_MOST;
    if (over > 1 || (over == 1 && !make_room(service))) {
        close(fd);
        return;
    }
    struct connection *connection = must_alloc(sizeof(*connection));
    connection->service = service;
    connection->port = port->number;
    struct address address = {.len = sizeof(address.at)};
    if (getpeername(fd, (struct sockaddr *)&address.at, &address.len) == 0)
        connection->peer_len = address_write_host(&address, connection->peer);
    list_add(&service->connections, &connection->link);
    service->connection_count++;
    const struct h1_server_options options = {
        .limits = {.head_bytes = BUFFER_BYTES, .field_count = 64, .target_bytes = 4096},
        .timeouts = {.request_header = 10000000, .idle = 60000000, .drain = 1000000},
        .scheme = SPAN("http"),
        .buffer_bytes = BUFFER_BYTES,
        .chunks = service->chunks,
    };
    struct stream *stream = stream_socket(service->loop, fd);
    if (stream != NULL)
        connection->codec =
            h1_server_new(service->loop, stream, &options, on_request, on_closed, connection);
    if (connection->codec == NULL)
        on_closed(connection);
}

/* ---- life ---- */

struct service *service_new(struct loop *loop,
                            bool (*answer)(void *context, struct service_call *call), void *context)
{
    struct service *service = must_alloc(sizeof(*service));
    service->loop = loop;
    service->answer = answer;
    service->context = context;
    service->chunks = arena_chunks_new(WARM_CHUNKS);
    list_init(&service->connections);
    list_init(&service->calls);
    for (unsigned i = 0; i < SERVICE_PORTS; i++) {
        struct port *port = &service->ports[i];
        port->service = service;
        port->number = i;
        port->acceptor = acceptor_new(loop, on_accepted, port);
    }
    return service;
}

void service_listen(struct service *service, unsigned port, int fd)
{
    must(port < SERVICE_PORTS);
    struct worker_listener listener = {.fd = fd};
    acceptor_set(service->ports[port].acceptor, &listener, fd >= 0 ? 1 : 0);
}

void service_free(struct service *service)
{
    if (service == NULL)
        return;
    for (struct list *first; (first = list_first(&service->calls)) != NULL;)
        call_over(list_entry(first, struct service_call, link), false);
    for (struct list *link = service->connections.next, *next; link != &service->connections;
         link = next) {
        next = link->next;
        h1_server_abort(list_entry(link, struct connection, link)->codec);
    }
    for (unsigned turn = 0; turn < 8 && service->connection_count > 0; turn++)
        loop_turn(service->loop, 0); /* the codecs close in their own turn */
    for (unsigned i = 0; i < SERVICE_PORTS; i++)
        acceptor_free(service->ports[i].acceptor);
    arena_chunks_free(service->chunks);
    free(service);
}
