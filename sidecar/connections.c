/* SPDX-License-Identifier: Apache-2.0 */
/* Connections: born when a socket is accepted, gone when the codec says so. */
#include "sidecar/connections.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "rules/base/must.h"
#include "sidecar/wire/h1.h"

enum { BUFFER_BYTES = 16 * 1024, DRAIN_US = 1000000, HOST_BYTES = 64 };

struct connections {
    struct surroundings *around;
    struct snapshot *(*current)(void *context);
    void *context;
    struct list all;
    unsigned count;
};

struct connection {
    struct list link;
    struct connections *owner;
    struct h1_server *codec;
    struct timer age;
    struct connection_facts facts;
    struct listener_settings listener; /* a copy: changed by a reload, where it stands */
    struct snapshot *snapshot;         /* keeps the listener's texts and networks alive */
    char peer[HOST_BYTES], server[HOST_BYTES];
};

struct connections *connections_new(struct surroundings *around,
                                    struct snapshot *(*current)(void *context), void *context)
{
    struct connections *connections = must_alloc(sizeof(*connections));
    connections->around = around;
    connections->current = current;
    connections->context = context;
    list_init(&connections->all);
    return connections;
}

void connections_free(struct connections *connections)
{
    must(connections->count == 0);
    free(connections);
}

unsigned connections_count(const struct connections *connections)
{
    return connections->count;
}

unsigned connections_idle(const struct connections *connections)
{
    unsigned idle = 0;
    for (struct list *l = connections->all.next; l != &connections->all; l = l->next)
        idle += h1_server_is_idle(list_entry(l, struct connection, link)->codec) ? 1 : 0;
    return idle;
}

static void on_request(void *owner, struct client *client)
{
    struct connection *connection = owner;
    struct connections *connections = connection->owner;
    exchange_begin(connections->around, connections->current(connections->context), client,
                   &connection->facts);
}

static void on_closed(void *owner)
{
    struct connection *connection = owner;
    timer_disarm(&connection->age);
    list_remove(&connection->link);
    connection->owner->count--;
    snapshot_give(connection->snapshot);
    free(connection);
}

/* Old enough: long-lived clients spread anew over instances, and nothing is held for ever. */
static void on_age(struct timer *timer)
{
    struct connection *connection = list_entry(timer, struct connection, age);
    connection->facts.last = true;
    h1_server_drain(connection->codec);
}

static void name_ends(struct connection *connection, int fd)
{
    struct address address = {.len = sizeof(address.at)};
    if (getpeername(fd, (struct sockaddr *)&address.at, &address.len) == 0) {
        connection->facts.peer_address =
            span_make(connection->peer, address_write_host(&address, connection->peer));
        connection->facts.peer_port = address_port(&address);
    }
    address = (struct address){.len = sizeof(address.at)};
    if (getsockname(fd, (struct sockaddr *)&address.at, &address.len) == 0) {
        connection->facts.server_address =
            span_make(connection->server, address_write_host(&address, connection->server));
        connection->facts.server_port = address_port(&address);
    }
}

static struct h1_server_options codec_options(const struct settings *settings,
                                              struct arena_chunks *chunks)
{
    return (struct h1_server_options){
        .limits = {.head_bytes = settings->limits.header_bytes,
                   .field_count = settings->limits.header_count,
                   .target_bytes = settings->limits.url_bytes,
                   .reframe_both_lengths = settings->limits.reframe_both_lengths},
        .timeouts = {.request_header = settings->timeouts.request_header_us,
                     .idle = settings->timeouts.idle_us,
                     .drain = DRAIN_US},
        .scheme = SPAN("http"),
        .buffer_bytes = BUFFER_BYTES,
        .chunks = chunks,
    };
}

bool connections_add(struct connections *connections, int fd,
                     const struct listener_settings *listener)
{
    struct surroundings *around = connections->around;
    struct snapshot *snapshot = connections->current(connections->context);
    struct connection *connection = must_alloc(sizeof(*connection));
    connection->owner = connections;
    connection->snapshot = snapshot_take(snapshot);
    connection->listener = *listener;
    connection->facts.listener = &connection->listener;
    connection->facts.scheme = SPAN("http");
    name_ends(connection, fd);
    timer_init(&connection->age, around->loop, on_age);
    list_add(&connections->all, &connection->link);
    connections->count++;
    struct stream *stream = stream_socket(around->loop, fd);
    struct h1_server_options options = codec_options(snapshot->settings, around->chunks);
    if (stream != NULL)
        connection->codec =
            h1_server_new(around->loop, stream, &options, on_request, on_closed, connection);
    if (connection->codec == NULL) {
        on_closed(connection);
        return false;
    }
    /* A tenth of spread, so that connections opened together do not end together. */
    uint64_t age_us = snapshot->settings->timeouts.connection_age_us;
    uint64_t spread_us = age_us / 10;
    if (age_us != 0)
        timer_arm(&connection->age,
                  loop_now_us(around->loop) + age_us - random_spread(around, spread_us));
    return true;
}

static const struct listener_settings *same_listener(const struct settings *settings,
                                                     const struct listener_settings *listener)
{
    for (size_t i = 0; i < settings->listener_count; i++)
        if (span_is(settings->listeners[i].address_text, listener->address_text))
            return &settings->listeners[i];
    return NULL;
}

void connections_change(struct connections *connections)
{
    struct snapshot *now = connections->current(connections->context);
    for (struct list *link = connections->all.next, *next; link != &connections->all; link = next) {
        next = link->next;
        struct connection *connection = list_entry(link, struct connection, link);
        const struct listener_settings *found = same_listener(now->settings, &connection->listener);
        if (found == NULL) {
            connection->facts.last = true;
            h1_server_drain(connection->codec);
            continue;
        }
        struct snapshot *old = connection->snapshot;
        connection->snapshot = snapshot_take(now);
        connection->listener = *found;
        snapshot_give(old);
    }
}

void connections_drain(struct connections *connections)
{
    for (struct list *link = connections->all.next, *next; link != &connections->all; link = next) {
        next = link->next;
        struct connection *connection = list_entry(link, struct connection, link);
        connection->facts.last = true;
        h1_server_drain(connection->codec);
    }
}

void connections_close_idle(struct connections *connections)
{
    for (struct list *link = connections->all.next, *next; link != &connections->all; link = next) {
        next = link->next;
        struct connection *connection = list_entry(link, struct connection, link);
        if (h1_server_is_idle(connection->codec))
            h1_server_drain(connection->codec);
    }
}

void connections_abort(struct connections *connections)
{
    for (struct list *link = connections->all.next, *next; link != &connections->all; link = next) {
        next = link->next;
        h1_server_abort(list_entry(link, struct connection, link)->codec);
    }
}
