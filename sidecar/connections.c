/* SPDX-License-Identifier: Apache-2.0 */
/* Connections: born when a socket is accepted, gone when the codec says so.
 *
 *   (accepted) --> shaking hands, by TLS --> served by its codec --> (closed)
 */
#include "sidecar/connections.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "rules/base/must.h"
#include "sidecar/wire/h1.h"
#include "sidecar/wire/tls.h"

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
    struct stream *shaking;  /* until the handshake is done; NULL: it is the codec's */
    struct h1_server *codec; /* NULL while hands are shaken */
    struct tls_server *door; /* that it came in by; NULL: without TLS */
    struct tls_facts *tls;   /* what the handshake came to */
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

static bool is_idle(const struct connection *connection)
{
    return connection->codec != NULL && h1_server_is_idle(connection->codec);
}

unsigned connections_idle(const struct connections *connections)
{
    unsigned idle = 0;
    for (struct list *l = connections->all.next; l != &connections->all; l = l->next)
        idle += is_idle(list_entry(l, struct connection, link)) ? 1 : 0;
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
    tls_facts_free(connection->tls);
    tls_server_give(connection->door);
    free(connection);
}

/* Whoever is still shaking hands may ask once. */
static void drain(struct connection *connection)
{
    connection->facts.last = true;
    if (connection->codec != NULL)
        h1_server_drain(connection->codec);
}

/* Old enough: long-lived clients spread anew over instances, and nothing is held for ever. */
static void on_age(struct timer *timer)
{
    drain(list_entry(timer, struct connection, age));
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
                                              struct arena_chunks *chunks, struct span scheme)
{
    return (struct h1_server_options){
        .limits = {.head_bytes = settings->limits.header_bytes,
                   .field_count = settings->limits.header_count,
                   .target_bytes = settings->limits.url_bytes,
                   .reframe_both_lengths = settings->limits.reframe_both_lengths},
        .timeouts = {.request_header = settings->timeouts.request_header_us,
                     .idle = settings->timeouts.idle_us,
                     .drain = DRAIN_US},
        .scheme = scheme,
        .buffer_bytes = BUFFER_BYTES,
        .chunks = chunks,
    };
}

/* The transport is ready: requests may come. False: no memory; the connection is gone. */
static bool serve(struct connection *connection, struct stream *stream)
{
    struct surroundings *around = connection->owner->around;
    struct h1_server_options options =
        codec_options(connection->snapshot->settings, around->chunks, connection->facts.scheme);
    connection->codec =
        h1_server_new(around->loop, stream, &options, on_request, on_closed, connection);
    if (connection->codec == NULL) {
        on_closed(connection);
        return false;
    }
    if (connection->facts.last)
        h1_server_drain(connection->codec);
    return true;
}

static void count_handshake(struct connection *connection, const struct tls_facts *facts,
                            enum tls_failure failure)
{
    struct worker_metrics *metrics = connection->owner->around->metrics;
    enum worker_counter counter = COUNTER_TLS_FULL;
    if (facts == NULL)
        counter = COUNTER_TLS_FAILED_TIMEOUT + failure;
    else if (facts->resumed)
        counter = COUNTER_TLS_RESUMED;
    metrics_add(metrics, counter, 1);
}

static_assert(COUNTER_TLS_FAILED_OTHER - COUNTER_TLS_FAILED_TIMEOUT == TLS_FAILURES - 1,
              "a counter for each failure");

static void on_shaken(void *context, struct tls_facts *facts, enum tls_failure failure)
{
    struct connection *connection = context;
    struct stream *stream = connection->shaking;
    connection->shaking = NULL;
    connection->tls = facts;
    connection->facts.tls = facts;
    count_handshake(connection, facts, failure);
    if (facts != NULL) {
        serve(connection, stream);
        return;
    }
    stream_close(stream);
    on_closed(connection);
}

/* A tenth of spread, so that connections opened together do not end together. */
static void begin_age(struct connection *connection)
{
    struct surroundings *around = connection->owner->around;
    uint64_t age_us = connection->snapshot->settings->timeouts.connection_age_us;
    uint64_t spread_us = age_us / 10;
    if (age_us != 0)
        timer_arm(&connection->age,
                  loop_now_us(around->loop) + age_us - random_spread(around, spread_us));
}

bool connections_add(struct connections *connections, int fd,
                     const struct listener_settings *listener)
{
    struct surroundings *around = connections->around;
    struct snapshot *snapshot = connections->current(connections->context);
    struct tls_server *tls = snapshot->tls_servers[listener - snapshot->settings->listeners];
    struct connection *connection = must_alloc(sizeof(*connection));
    connection->owner = connections;
    connection->snapshot = snapshot_take(snapshot);
    connection->listener = *listener;
    connection->facts.listener = &connection->listener;
    connection->facts.scheme = tls != NULL ? SPAN("https") : SPAN("http");
    name_ends(connection, fd);
    timer_init(&connection->age, around->loop, on_age);
    list_add(&connections->all, &connection->link);
    connections->count++;
    begin_age(connection);
    struct stream *stream = stream_socket(around->loop, fd);
    if (stream == NULL) {
        on_closed(connection);
        return false;
    }
    if (tls == NULL)
        return serve(connection, stream);
    connection->door = tls_server_take(tls);
    connection->shaking =
        stream_tls_server(tls, around->loop, stream, snapshot->settings->timeouts.tls_handshake_us,
                          on_shaken, connection);
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
        /* Whom the listener would judge anew now must come again. */
        if (found == NULL ||
            !tls_server_admits_alike(connection->door,
                                     now->tls_servers[found - now->settings->listeners])) {
            drain(connection);
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
        drain(list_entry(link, struct connection, link));
    }
}

void connections_close_idle(struct connections *connections)
{
    for (struct list *link = connections->all.next, *next; link != &connections->all; link = next) {
        next = link->next;
        struct connection *connection = list_entry(link, struct connection, link);
        if (is_idle(connection))
            h1_server_drain(connection->codec);
    }
}

void connections_abort(struct connections *connections)
{
    for (struct list *link = connections->all.next, *next; link != &connections->all; link = next) {
        next = link->next;
        struct connection *connection = list_entry(link, struct connection, link);
        if (connection->codec != NULL) {
            h1_server_abort(connection->codec);
            continue;
        }
        stream_reset(connection->shaking);
        on_closed(connection);
    }
}
