/* SPDX-License-Identifier: Apache-2.0 */
/* A worker's thread: accepting, its snapshot, its pools, its budget of memory. */
#include "sidecar/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "exporters/sample_store.h"
#include "rules/base/must.h"
#include "sidecar/accept.h"
#include "sidecar/block_lists.h"
#include "sidecar/connections.h"
#include "sidecar/exchange/exchange.h"
#include "sidecar/loop/cpu_clock.h"
#include "sidecar/state/collections.h"
#include "sidecar/worker_pools.h"

enum {
    WARM_CHUNKS = 1024,
    HOUSEKEEPING_US = 100000,
    CONNECTION_BYTES = 32 * 1024, /* both buffers of a busy one */
    TURN_AWAY_US = WORKER_CLOSING_US / 2
};

struct worker {
    struct workers *workers;
    unsigned number;
    pthread_t thread;
    bool started;
    struct loop *loop;
    struct cpu_clock cpu_clock;
    struct surroundings around;
    struct snapshot *snapshot;
    struct connections *connections;
    struct acceptor *acceptor;
    struct worker_pools *pools;
    struct timer housekeeping;
    struct timer closing;              /* from turning away to closed doors */
    _Atomic unsigned connection_count; /* for other workers' eyes */
    _Atomic uint64_t heartbeat_us;
};

/* ---- what the rules ask of the world ---- */

static uint64_t world_wall_us(void *context)
{
    return loop_wall_us(((struct worker *)context)->loop);
}

static uint64_t world_cpu_ns(void *context)
{
    struct worker *worker = context;
    return cpu_clock_ns(&worker->cpu_clock, loop_clock_us(worker->loop));
}

static bool world_store_get(void *context, struct span collection, struct span key,
                            struct span name, struct arena *arena, struct span *value)
{
    struct worker *worker = context;
    struct collection_key at = {collection, key, name};
    return collections_get(worker->workers->collections, &at, loop_wall_us(worker->loop), arena,
                           value);
}

static void world_store_set(void *context, struct span collection, struct span key,
                            struct span name, struct span value, uint64_t timeout_s)
{
    struct worker *worker = context;
    struct collection_key at = {collection, key, name};
    collections_set(worker->workers->collections, &at, loop_wall_us(worker->loop), value,
                    timeout_s * 1000000);
}

static void world_store_each(void *context, struct span collection, struct span key,
                             void (*found)(void *to, struct span name, struct span value), void *to)
{
    struct worker *worker = context;
    collections_each(worker->workers->collections, collection, key, loop_wall_us(worker->loop),
                     found, to);
}

static void world_store_expire(void *context, struct span collection, struct span key,
                               struct span name, uint64_t seconds)
{
    struct worker *worker = context;
    struct collection_key at = {collection, key, name};
    collections_expire(worker->workers->collections, &at, loop_wall_us(worker->loop),
                       seconds * 1000000);
}

static enum lookup world_ask(void *context, struct span name, uint32_t *address)
{
    static const enum worker_counter counters[] = {
        [LOOKUP_UNKNOWN] = COUNTER_LOOKUPS_UNKNOWN,
        [LOOKUP_NOT_LISTED] = COUNTER_LOOKUPS_NOT_LISTED,
        [LOOKUP_LISTED] = COUNTER_LOOKUPS_LISTED,
    };
    struct worker *worker = context;
    enum lookup lookup = LOOKUP_UNKNOWN;
    if (worker->workers->block_lists != NULL)
        lookup =
            block_lists_ask(worker->workers->block_lists, name, loop_now_us(worker->loop), address);
    metrics_add(worker->around.metrics, counters[lookup], 1);
    return lookup;
}

/* ---- memory ---- */

static enum overload overload_at(uint64_t used, uint64_t budget)
{
    static const unsigned char levels[] = {85, 92, 95, 97};
    unsigned level = 0;
    while (level < sizeof(levels) && used * 100 >= budget * levels[level])
        level++;
    return (enum overload)level;
}

static void look_at_memory(struct worker *worker)
{
    uint64_t budget = worker->workers->memory_bytes / worker->workers->count;
    unsigned active =
        connections_count(worker->connections) - connections_idle(worker->connections);
    uint64_t used = arena_chunks_in_use(worker->around.chunks) + worker->around.held_bytes +
                    (uint64_t)active * CONNECTION_BYTES;
    worker->around.overload = overload_at(used, budget);
    if (worker->around.overload >= OVERLOAD_CLOSE_IDLE) {
        connections_close_idle(worker->connections);
        worker_pools_close_idle(worker->pools);
    }
    acceptor_pause(worker->acceptor, worker->around.overload >= OVERLOAD_NO_ACCEPT);
    metrics_gauge(worker->around.metrics, GAUGE_MEMORY_BYTES, used);
    metrics_gauge(worker->around.metrics, GAUGE_OVERLOAD_LEVEL, worker->around.overload);
}

/* For other workers' eyes and for the limit over all. */
static void count_connections(struct worker *worker)
{
    unsigned now = connections_count(worker->connections);
    unsigned before =
        atomic_exchange_explicit(&worker->connection_count, now, memory_order_relaxed);
    atomic_fetch_add_explicit(&worker->workers->connections, now - before, memory_order_relaxed);
}

static void show_gauges(struct worker *worker)
{
    struct worker_metrics *metrics = worker->around.metrics;
    unsigned idle = connections_idle(worker->connections);
    unsigned all = connections_count(worker->connections);
    for (size_t place = 0; place < ACTIVE_PLACES; place++)
        if (worker->around.active[place].met)
            metrics_active(metrics, place, worker->around.active[place].now);
    metrics_gauge(metrics, GAUGE_CONNECTIONS_IDLE, idle);
    metrics_gauge(metrics, GAUGE_CONNECTIONS_ACTIVE, all - idle);
    metrics_gauge(metrics, GAUGE_LOOP_DELAY_US, loop_delay_us(worker->loop));
    worker_pools_count(worker->pools, metrics);
}

static void on_housekeeping(struct timer *timer)
{
    struct worker *worker = list_entry(timer, struct worker, housekeeping);
    look_at_memory(worker);
    count_connections(worker);
    show_gauges(worker);
    if (worker->snapshot->settings->traces.xray.in_progress_us > 0)
        exchanges_say_progress(&worker->around);
    atomic_store_explicit(&worker->heartbeat_us, loop_now_us(worker->loop), memory_order_relaxed);
    timer_arm(timer, loop_now_us(worker->loop) + HOUSEKEEPING_US);
}

/* ---- connections in ---- */

static struct snapshot *current_snapshot(void *context)
{
    return ((struct worker *)context)->snapshot;
}

struct handover {
    struct mail mail;
    struct worker *to;
    int fd;
    size_t listener;
};

static void take_in(struct worker *worker, int fd, size_t listener)
{
    const struct settings *settings = worker->snapshot->settings;
    unsigned all = atomic_load_explicit(&worker->workers->connections, memory_order_relaxed);
    if (listener >= settings->listener_count || all >= settings->limits.connections) {
        metrics_add(worker->around.metrics, COUNTER_CONNECTIONS_REFUSED, 1);
        close(fd);
        return;
    }
    metrics_add(worker->around.metrics, COUNTER_CONNECTIONS, 1);
    connections_add(worker->connections, fd, &settings->listeners[listener]);
    count_connections(worker);
}

static void on_handover(struct mail *mail)
{
    struct handover *handover = list_entry(mail, struct handover, mail);
    take_in(handover->to, handover->fd, handover->listener);
    free(handover);
}

static struct worker *least_loaded(const struct workers *workers)
{
    struct worker *least = workers->at[0];
    for (unsigned i = 1; i < workers->count; i++)
        if (worker_connections(workers->at[i]) < worker_connections(least))
            least = workers->at[i];
    return least;
}

/* The kernel spreads by hash, which leaves one worker idle beside a busy one where connections are
 * few and long. */
static void on_accepted(void *context, int fd, size_t listener)
{
    struct worker *worker = context;
    count_connections(worker);
    struct worker *least = least_loaded(worker->workers);
    if (worker_connections(worker) <= worker_connections(least) + 1) {
        take_in(worker, fd, listener);
        return;
    }
    struct handover *handover = must_alloc(sizeof(*handover));
    *handover =
        (struct handover){.mail.deliver = on_handover, .to = least, .fd = fd, .listener = listener};
    loop_send(least->loop, &handover->mail);
}

/* Handshakes that had begun are through: now the doors close. */
static void on_closing(struct timer *timer)
{
    struct worker *worker = list_entry(timer, struct worker, closing);
    acceptor_finish(worker->acceptor);
    connections_drain(worker->connections);
    count_connections(worker);
}

/* ---- orders from the process ---- */

enum order_kind { ORDER_SWAP, ORDER_KEYS, ORDER_DRAIN, ORDER_STOP_ACCEPTING, ORDER_STOP };

struct order {
    struct mail mail;
    struct worker *worker;
    enum order_kind kind;
    struct snapshot *snapshot;
    struct worker_listener *listeners;
    size_t count;
};

/* Each worker has its share. */
static void limit_samples(struct worker *worker)
{
    const struct settings *settings = worker->snapshot->settings;
    uint64_t bytes = settings->sampled_requests.memory_bytes / worker->workers->count;
    bool is_on = settings->sampled_requests.of != SAMPLES_OFF;
    sample_store_limit(worker->around.samples, is_on ? (size_t)bytes : 0);
}

static void swap(struct worker *worker, struct order *order)
{
    struct snapshot *old = worker->snapshot;
    worker->snapshot = order->snapshot;
    acceptor_set(worker->acceptor, order->listeners, order->count);
    /* a list that was read again says nothing about backends: their pools keep what they know */
    bool same_backends = old->settings->upstreams == order->snapshot->settings->upstreams &&
                         old->tls_clients == order->snapshot->tls_clients;
    if (!same_backends)
        worker_pools_change(worker->pools, order->snapshot);
    connections_change(worker->connections);
    limit_samples(worker);
    snapshot_give(old);
}

static void on_order(struct mail *mail)
{
    struct order *order = list_entry(mail, struct order, mail);
    struct worker *worker = order->worker;
    switch (order->kind) {
    case ORDER_SWAP: swap(worker, order); break;
    case ORDER_KEYS: exchanges_keys_came(&worker->around); break;
    case ORDER_DRAIN: worker->around.draining = true; break;
    case ORDER_STOP_ACCEPTING:
        worker->around.draining = true;
        acceptor_turn_away(worker->acceptor);
        timer_arm(&worker->closing, loop_now_us(worker->loop) + TURN_AWAY_US);
        break;
    case ORDER_STOP: loop_stop(worker->loop); break;
    }
    free(order->listeners);
    free(order);
}

static void send_order(struct worker *worker, enum order_kind kind, struct snapshot *snapshot,
                       const struct worker_listener *listeners, size_t count)
{
    struct order *order = must_alloc(sizeof(*order));
    *order =
        (struct order){.mail.deliver = on_order, .worker = worker, .kind = kind, .count = count};
    order->snapshot = snapshot ? snapshot_take(snapshot) : NULL;
    if (count > 0) {
        order->listeners = must_alloc(count * sizeof(*listeners));
        memcpy(order->listeners, listeners, count * sizeof(*listeners));
    }
    loop_send(worker->loop, &order->mail);
}

void worker_swap(struct worker *worker, struct snapshot *snapshot,
                 const struct worker_listener *listeners, size_t count)
{
    send_order(worker, ORDER_SWAP, snapshot, listeners, count);
}

void worker_keys_came(struct worker *worker)
{
    send_order(worker, ORDER_KEYS, NULL, NULL, 0);
}

void worker_begin_drain(struct worker *worker)
{
    send_order(worker, ORDER_DRAIN, NULL, NULL, 0);
}

void worker_stop_accepting(struct worker *worker)
{
    send_order(worker, ORDER_STOP_ACCEPTING, NULL, NULL, 0);
}

unsigned worker_connections(const struct worker *worker)
{
    return atomic_load_explicit(&worker->connection_count, memory_order_relaxed);
}

uint64_t worker_heartbeat_us(const struct worker *worker)
{
    return atomic_load_explicit(&worker->heartbeat_us, memory_order_relaxed);
}

/* ---- life ---- */

static void last_words(void *context)
{
    struct worker *worker = context;
    surroundings_last_words(&worker->around);
}

static void end_all(struct worker *worker)
{
    exchanges_abort(&worker->around);
    connections_abort(worker->connections);
    /* What the codecs still have to say (their sockets' ends) is said in their own turn. */
    for (unsigned turn = 0; turn < 8 && connections_count(worker->connections) > 0; turn++)
        loop_turn(worker->loop, 0);
    loop_turn(worker->loop, 0); /* mail of calls that were given up */
}

static void *thread_main(void *context)
{
    struct worker *worker = context;
    must_last_words(last_words, worker);
    loop_run(worker->loop);
    end_all(worker);
    must_last_words(NULL, NULL);
    return NULL;
}

static struct pool *pool_of(void *context, const struct upstream_settings *upstream)
{
    return worker_pools_find(((struct worker *)context)->pools, upstream);
}

static void surround(struct worker *worker)
{
    struct surroundings *around = &worker->around;
    surroundings_init(around, worker->loop);
    cpu_clock_init(&worker->cpu_clock, NULL, NULL);
    around->chunks = arena_chunks_new(WARM_CHUNKS);
    around->metrics = metrics_worker(worker->workers->metrics, worker->number);
    around->ring = worker->workers->ring;
    around->exporter = worker->workers->exporter;
    around->caller = worker->workers->caller;
    around->quotas = worker->workers->quotas;
    around->samplers = worker->workers->samplers;
    around->samples = worker->workers->samples[worker->number];
    limit_samples(worker);
    around->worker = worker->number;
    around->in_flight = &worker->workers->in_flight;
    around->pool = pool_of;
    around->context = worker;
    around->world = (struct inspection_world){
        .wall_us = world_wall_us,
        .cpu_ns = world_cpu_ns,
        .store_get = world_store_get,
        .store_set = world_store_set,
        .store_expire = world_store_expire,
        .store_each = world_store_each,
        .lookups = {.ask = world_ask, .context = worker},
        .context = worker,
        .scratch = scratch_new(),
        .environment = worker->workers->environment,
        .environment_count = worker->workers->environment_count,
    };
}

struct worker *worker_new(struct workers *workers, unsigned number, struct snapshot *snapshot,
                          const struct worker_listener *listeners, size_t count)
{
    struct worker *worker = must_alloc(sizeof(*worker));
    worker->workers = workers;
    worker->number = number;
    worker->loop = loop_new(NULL);
    must(worker->loop != NULL);
    worker->snapshot = snapshot_take(snapshot);
    surround(worker);
    worker->connections = connections_new(&worker->around, current_snapshot, worker);
    worker->pools = worker_pools_new(worker->loop, workers->count, worker->around.chunks, snapshot);
    worker->acceptor = acceptor_new(worker->loop, on_accepted, worker);
    acceptor_set(worker->acceptor, listeners, count);
    timer_init(&worker->closing, worker->loop, on_closing);
    timer_init(&worker->housekeeping, worker->loop, on_housekeeping);
    timer_arm(&worker->housekeeping, loop_now_us(worker->loop));
    workers->at[number] = worker;
    return worker;
}

bool worker_start(struct worker *worker)
{
    worker->started = pthread_create(&worker->thread, NULL, thread_main, worker) == 0;
    return worker->started;
}

void worker_stop(struct worker *worker)
{
    if (!worker->started)
        return;
    send_order(worker, ORDER_STOP, NULL, NULL, 0);
    must(pthread_join(worker->thread, NULL) == 0);
    worker->started = false;
}

void worker_free(struct worker *worker)
{
    /* What another worker handed over at the last moment is taken in, and ended. */
    loop_turn(worker->loop, 0);
    end_all(worker);
    timer_disarm(&worker->housekeeping);
    timer_disarm(&worker->closing);
    acceptor_free(worker->acceptor);
    worker_pools_free(worker->pools);
    connections_free(worker->connections);
    scratch_free(worker->around.world.scratch);
    snapshot_give(worker->snapshot);
    loop_free(worker->loop);
    arena_chunks_free(worker->around.chunks);
    free(worker);
}
