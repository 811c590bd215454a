/* SPDX-License-Identifier: Apache-2.0 */
/* Who waits for a connection. All serving happens in one place (pool_serve), which looks at what is
 * there and who waits; everything else only says that it should look again. */
#include "sidecar/upstream/pool.h"

#include <stdlib.h>

#include "rules/base/must.h"
#include "sidecar/upstream/pool_inside.h"

static void ticket_settle(struct pool_ticket *ticket, enum pool_answer answer)
{
    struct pool *pool = ticket->pool;
    list_remove(&ticket->link);
    pool->waiting--;
    ticket->answer = answer;
    if (ticket != pool->asking)
        ticket->wake(ticket->exchange);
}

static void ticket_serve(struct pool_ticket *ticket, struct connection *connection)
{
    ticket->connect_us = connection->has_served ? 0 : connection->connect_us;
    ticket->target = connection->target;
    ticket->server = connection_begin(connection);
    ticket_settle(ticket, POOL_READY);
}

/* What was opened for somebody else, who has another one by now, says nothing of one that came
 * later: it is opened anew. */
static bool has_time(const struct pool *pool, const struct pool_ticket *ticket)
{
    return loop_now_us(pool->loop) - ticket->since_us < pool->options.connect_timeout_us;
}

void pool_failed(struct pool *pool, enum pool_answer answer, const char *error,
                 const struct pool_target *target)
{
    struct list *first = list_first(&pool->tickets);
    struct pool_ticket *ticket = first != NULL ? list_entry(first, struct pool_ticket, link) : NULL;
    if (ticket != NULL && !(answer == POOL_TIMEOUT && has_time(pool, ticket))) {
        ticket->error = error;
        ticket->target = target;
        ticket_settle(ticket, answer);
    }
    pool_look_again(pool);
}

/* The first that may have this connection, or NULL. */
static struct pool_ticket *ticket_for(struct pool *pool, const struct connection *connection)
{
    for (struct list *at = pool->tickets.next; at != &pool->tickets; at = at->next) {
        struct pool_ticket *ticket = list_entry(at, struct pool_ticket, link);
        if (!ticket->fresh || !connection->has_served)
            return ticket;
    }
    return NULL;
}

/* An idle connection and a ticket that may have it; false: there are no two such. */
static bool pool_match(struct pool *pool)
{
    struct list *idle = &pool->connections[CONNECTION_IDLE];
    for (struct list *at = idle->next; at != idle; at = at->next) {
        struct connection *connection = list_entry(at, struct connection, link);
        struct pool_ticket *ticket =
            connection->target != NULL ? ticket_for(pool, connection) : NULL;
        if (ticket != NULL) {
            ticket_serve(ticket, connection);
            return true;
        }
    }
    return false;
}

static unsigned pool_open_connections(const struct pool *pool)
{
    return pool->counts[CONNECTION_CONNECTING] + pool->counts[CONNECTION_IDLE] +
           pool->counts[CONNECTION_BUSY];
}

/* Idle connections that settings, or pool_free, have left over. */
static void pool_tidy(struct pool *pool)
{
    struct list *idle = &pool->connections[CONNECTION_IDLE];
    for (struct list *at = idle->next, *next; at != idle; at = next) {
        struct connection *connection = list_entry(at, struct connection, link);
        next = at->next;
        if (pool->ends || connection->target == NULL)
            connection_close(connection);
    }
    while (pool->counts[CONNECTION_IDLE] > 0 &&
           pool_open_connections(pool) > pool->options.max_connections)
        connection_close(connection_oldest_idle(pool));
}

/* Makes room for one more by closing what is idle: those who wait cannot use it. */
static bool pool_has_room(struct pool *pool)
{
    if (pool_open_connections(pool) < pool->options.max_connections)
        return true;
    struct connection *idle = connection_oldest_idle(pool);
    if (idle != NULL)
        connection_close(idle);
    return idle != NULL;
}

static void pool_serve(struct pool *pool)
{
    pool_tidy(pool);
    while (!pool->ends && pool->waiting > 0) {
        if (pool_match(pool))
            continue;
        if (pool->waiting <= pool->counts[CONNECTION_CONNECTING] || !pool_has_room(pool))
            break;
        connection_start(pool);
    }
}

static void on_work(struct task *task)
{
    pool_serve(list_entry(task, struct pool, work));
}

void pool_look_again(struct pool *pool)
{
    loop_post(pool->loop, &pool->work);
}

enum pool_answer pool_ask(struct pool *pool, struct pool_ticket *ticket)
{
    must(!pool->ends);
    ticket->pool = pool;
    ticket->server = NULL;
    ticket->target = NULL;
    ticket->error = NULL;
    ticket->connect_us = 0;
    ticket->since_us = loop_now_us(pool->loop);
    ticket->answer = POOL_WAIT;
    pool->totals.stale += ticket->fresh;
    list_add(&pool->tickets, &ticket->link);
    pool->waiting++;
    pool->asking = ticket;
    pool_serve(pool);
    /* Who has a connection on its way does not count as waiting in the queue. */
    if (ticket->answer == POOL_WAIT &&
        pool->waiting > pool->counts[CONNECTION_CONNECTING] + pool->options.max_pending) {
        pool->totals.rejected++;
        ticket->error = "queue_full";
        ticket_settle(ticket, POOL_FULL);
    }
    pool->asking = NULL;
    return ticket->answer;
}

enum pool_answer pool_poll(struct pool_ticket *ticket)
{
    return ticket->answer;
}

void pool_drop(struct pool_ticket *ticket)
{
    if (ticket->answer == POOL_WAIT) {
        list_remove(&ticket->link);
        ticket->pool->waiting--;
    } else if (ticket->answer == POOL_READY && ticket->server != NULL) {
        ticket->server->ops->release(ticket->server); /* it had come, but nobody had looked */
        ticket->server = NULL;
    }
}

struct pool *pool_new(struct loop *loop, const struct pool_options *options)
{
    must(options->target_count > 0 && options->max_connections > 0);
    struct pool *pool = must_alloc(sizeof *pool);
    pool->loop = loop;
    pool->options = *options;
    pool->refused_until_us = must_alloc(options->target_count * sizeof *pool->refused_until_us);
    list_init(&pool->tickets);
    for (size_t i = 0; i < CONNECTION_STATES; i++)
        list_init(&pool->connections[i]);
    task_init(&pool->work, on_work);
    return pool;
}

static const struct pool_target *target_find(const struct pool_options *options,
                                             const struct pool_target *wanted)
{
    struct span bytes = span_make((const char *)&wanted->address.at, wanted->address.len);
    for (size_t i = 0; i < options->target_count; i++) {
        const struct address *address = &options->targets[i].address;
        bool same = options->targets[i].tls == wanted->tls &&
                    span_is(options->targets[i].server_name, wanted->server_name);
        if (same && span_is(span_make((const char *)&address->at, address->len), bytes))
            return &options->targets[i];
    }
    return NULL;
}

void pool_change(struct pool *pool, const struct pool_options *options)
{
    must(options->target_count > 0 && options->max_connections > 0);
    for (size_t state = 0; state < CONNECTION_STATES; state++) {
        struct list *all = &pool->connections[state], *next;
        for (struct list *at = all->next; at != all; at = next) {
            struct connection *connection = list_entry(at, struct connection, link);
            next = at->next;
            if (connection->target != NULL)
                connection->target = target_find(options, connection->target);
            /* Another is made in its place: nobody's request is on it yet. */
            if (connection->target == NULL && state == CONNECTION_CONNECTING)
                connection_close(connection);
        }
    }
    free(pool->refused_until_us);
    pool->refused_until_us = must_alloc(options->target_count * sizeof *pool->refused_until_us);
    pool->options = *options;
    pool->next_target = 0;
    pool_look_again(pool);
}

void pool_end(struct pool *pool)
{
    if (pool_open_connections(pool) + pool->counts[CONNECTION_CLOSING] > 0)
        return;
    task_cancel(&pool->work);
    free(pool->refused_until_us);
    free(pool);
}

void pool_free(struct pool *pool)
{
    pool->ends = true;
    struct list *link;
    while ((link = list_first(&pool->connections[CONNECTION_CONNECTING])) != NULL)
        connection_close(list_entry(link, struct connection, link));
    while ((link = list_first(&pool->tickets)) != NULL) {
        struct pool_ticket *ticket = list_entry(link, struct pool_ticket, link);
        ticket->error = "pool_closed";
        ticket_settle(ticket, POOL_REFUSED);
    }
    pool_tidy(pool);
    pool_end(pool);
}

struct pool_figures pool_figures(const struct pool *pool)
{
    struct pool_figures figures = pool->totals;
    figures.idle = pool->counts[CONNECTION_IDLE];
    figures.busy = pool->counts[CONNECTION_BUSY];
    figures.connecting = pool->counts[CONNECTION_CONNECTING];
    figures.pending = pool->waiting;
    return figures;
}

void pool_close_idle(struct pool *pool)
{
    struct connection *idle;
    while ((idle = connection_oldest_idle(pool)) != NULL)
        connection_close(idle);
}
