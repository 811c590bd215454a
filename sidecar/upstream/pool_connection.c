/* SPDX-License-Identifier: Apache-2.0 */
/* The life of a pooled connection:
 *
 *   CONNECTING --> IDLE <--> BUSY
 *       |            \        /
 *     (gone)          CLOSING ---> (gone)
 *
 * A connection belongs to no ticket while it is made: whoever waits first gets the first that
 * comes.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "rules/base/must.h"
#include "sidecar/upstream/pool_inside.h"

enum { PASSED_OVER_US = 1000000 }; /* how long a target that refused is not asked */

static void connection_move(struct connection *connection, enum connection_state state)
{
    struct pool *pool = connection->pool;
    pool->counts[connection->state]--;
    list_remove(&connection->link);
    connection->state = state;
    pool->counts[state]++;
    list_add_first(&pool->connections[state], &connection->link);
}

static void connection_free(struct connection *connection)
{
    struct pool *pool = connection->pool;
    pool->counts[connection->state]--;
    list_remove(&connection->link);
    timer_disarm(&connection->timer);
    if (connection->shaking != NULL)
        stream_reset(connection->shaking);
    if (connection->watch.loop != NULL) {
        int fd = connection->watch.fd;
        watch_remove(&connection->watch);
        close(fd);
    }
    free(connection);
}

static void on_closed(void *owner)
{
    struct connection *connection = owner;
    struct pool *pool = connection->pool;
    connection_free(connection);
    pool_look_again(pool);
    if (pool->ends)
        pool_end(pool);
}

/* Called while the last request is being let go of; so the next one is not begun from here. */
static void on_idle(void *owner)
{
    struct connection *connection = owner;
    struct pool *pool = connection->pool;
    if (connection->state != CONNECTION_BUSY)
        return;
    connection_move(connection, CONNECTION_IDLE);
    timer_arm(&connection->timer, loop_now_us(pool->loop) + pool->options.idle_timeout_us);
    if (pool->waiting > 0 || pool->ends || connection->target == NULL)
        pool_look_again(pool);
}

static void connection_connected(struct connection *connection, struct stream *stream)
{
    struct pool *pool = connection->pool;
    connection->client =
        h1_client_new(pool->loop, stream, &pool->options.client, on_idle, on_closed, connection);
    connection->connect_us = loop_clock_us(pool->loop) - connection->began_us;
    connection_move(connection, CONNECTION_IDLE);
    timer_arm(&connection->timer, loop_now_us(pool->loop) + pool->options.idle_timeout_us);
    pool->totals.connects++;
    pool_look_again(pool);
}

static const char *name_error(int error)
{
    static const struct {
        int error;
        const char *name;
    } names[] = {
        {ECONNREFUSED, "connection_refused"},
        {ENOENT, "connection_refused"},
        {ETIMEDOUT, "connect_timeout"},
        {EHOSTUNREACH, "host_unreachable"},
        {ENETUNREACH, "network_unreachable"},
        {EMFILE, "no_descriptor"},
        {ENFILE, "no_descriptor"},
        {EADDRNOTAVAIL, "no_local_port"},
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (names[i].error == error)
            return names[i].name;
    return "connect_failed";
}

static bool target_is_passed_over(const struct pool *pool, size_t target)
{
    return pool->refused_until_us[target] > loop_now_us(pool->loop);
}

/* The next in turn that has not just refused; all have: the next in turn. */
static size_t target_take(struct pool *pool)
{
    size_t count = pool->options.target_count, first = pool->next_target % count, target = first;
    while (target_is_passed_over(pool, target)) {
        target = (target + 1) % count;
        if (target == first)
            break;
    }
    pool->next_target = (target + 1) % count;
    return target;
}

static void target_pass_over(struct pool *pool, const struct pool_target *target)
{
    if (target != NULL)
        pool->refused_until_us[target - pool->options.targets] =
            loop_now_us(pool->loop) + PASSED_OVER_US;
}

static void on_connect_ready(struct watch *watch, unsigned events);
static void connection_try_targets(struct connection *connection);

/* This target is nothing: the next one, or all have been tried. */
static void connection_failed(struct connection *connection, const char *error)
{
    struct pool *pool = connection->pool;
    pool->totals.connect_failures++;
    target_pass_over(pool, connection->target);
    if (connection->tries < pool->options.target_count) {
        connection_try_targets(connection);
        return;
    }
    const struct pool_target *target = connection->target;
    connection_free(connection);
    pool_failed(pool, POOL_REFUSED, error, target);
}

static void on_shaken(void *context, struct tls_facts *facts, enum tls_failure failure)
{
    static const char *const errors[] = {
#define TLS_FAILURE(id, word, sentence) [TLS_FAILURE_##id] = "upstream_tls_" word,
#include "sidecar/wire/tls_failures.tbl"
    };
    struct connection *connection = context;
    struct stream *stream = connection->shaking;
    connection->shaking = NULL;
    if (facts != NULL) {
        tls_facts_free(facts);
        connection_connected(connection, stream);
        return;
    }
    stream_close(stream);
    connection_failed(connection, errors[failure]);
}

/* The clock of connecting goes on until hands are shaken. */
static void connection_opened(struct connection *connection, struct stream *stream)
{
    struct pool *pool = connection->pool;
    const struct pool_target *target = connection->target;
    if (target->tls == NULL) {
        connection_connected(connection, stream);
        return;
    }
    const struct tls_wait wait = {2 * pool->options.connect_timeout_us, on_shaken, connection};
    connection->shaking =
        stream_tls_client(target->tls, target->server_name, pool->loop, stream, &wait);
}

/* False: refused at once, errno says why. */
static bool connection_try(struct connection *connection)
{
    struct pool *pool = connection->pool;
    if (pool->options.open != NULL) {
        struct stream *stream = pool->options.open(pool->options.context, connection->target);
        errno = ECONNREFUSED;
        if (stream != NULL)
            connection_opened(connection, stream);
        return stream != NULL;
    }
    int fd = address_connect(&connection->target->address);
    if (fd < 0)
        return false;
    if (watch_add(pool->loop, &connection->watch, fd, WATCH_WRITE, on_connect_ready))
        return true;
    close(fd);
    errno = ENFILE;
    return false;
}

/* Goes through the targets until one does not refuse at once. */
static void connection_try_targets(struct connection *connection)
{
    struct pool *pool = connection->pool;
    while (connection->tries++ < pool->options.target_count) {
        connection->target = &pool->options.targets[target_take(pool)];
        if (connection_try(connection))
            return;
        int error = errno;
        pool->totals.connect_failures++;
        target_pass_over(pool, connection->target);
        if (connection->tries == pool->options.target_count) {
            const struct pool_target *target = connection->target;
            connection_free(connection);
            pool_failed(pool, POOL_REFUSED, name_error(error), target);
            return;
        }
    }
}

static void on_connect_ready(struct watch *watch, unsigned events)
{
    (void)events;
    struct connection *connection = list_entry(watch, struct connection, watch);
    struct pool *pool = connection->pool;
    int fd = watch->fd, error = 0;
    socklen_t size = sizeof error;
    watch_remove(watch);
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0)
        error = errno;
    struct stream *stream = error == 0 ? stream_socket(pool->loop, fd) : NULL;
    if (stream != NULL) {
        connection_opened(connection, stream);
        return;
    }
    if (error != 0)
        close(fd);
    connection_failed(connection, name_error(error));
}

static void on_timer(struct timer *timer)
{
    struct connection *connection = list_entry(timer, struct connection, timer);
    struct pool *pool = connection->pool;
    if (connection->state == CONNECTION_CONNECTING) {
        pool->totals.connect_failures++;
        const struct pool_target *target = connection->target;
        target_pass_over(pool, target);
        connection_free(connection);
        pool_failed(pool, POOL_TIMEOUT, "connect_timeout", target);
    } else if (connection->state == CONNECTION_IDLE) {
        connection_close(connection);
    }
}

void connection_start(struct pool *pool)
{
    struct connection *connection = must_alloc(sizeof *connection);
    connection->pool = pool;
    connection->state = CONNECTION_CONNECTING;
    connection->began_us = loop_clock_us(pool->loop);
    list_add(&pool->connections[CONNECTION_CONNECTING], &connection->link);
    pool->counts[CONNECTION_CONNECTING]++;
    timer_init(&connection->timer, pool->loop, on_timer);
    timer_arm(&connection->timer, loop_now_us(pool->loop) + pool->options.connect_timeout_us);
    connection_try_targets(connection);
}

struct server *connection_begin(struct connection *connection)
{
    must(connection->state == CONNECTION_IDLE);
    timer_disarm(&connection->timer);
    connection_move(connection, CONNECTION_BUSY);
    connection->pool->totals.reuses += connection->has_served;
    connection->has_served = true;
    return h1_client_begin(connection->client);
}

void connection_close(struct connection *connection)
{
    if (connection->state == CONNECTION_CONNECTING) {
        connection_free(connection);
        return;
    }
    if (connection->state == CONNECTION_CLOSING)
        return;
    timer_disarm(&connection->timer);
    connection_move(connection, CONNECTION_CLOSING);
    h1_client_close(connection->client);
}

struct connection *connection_oldest_idle(struct pool *pool)
{
    struct list *idle = &pool->connections[CONNECTION_IDLE];
    return list_is_empty(idle) ? NULL : list_entry(idle->previous, struct connection, link);
}
