/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/channels.h"

#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/random.h>

#include "exporters/carrier.h"
#include "exporters/clock.h"
#include "exporters/feed.h"
#include "exporters/hold.h"
#include "exporters/otlp.h"
#include "exporters/queue.h"
#include "exporters/resource.h"
#include "exporters/ring.h"
#include "exporters/say.h"
#include "rules/base/arena.h"
#include "rules/base/must.h"

struct channel {
    char *name; /* of its receiver */
    enum otlp_signal signal;
    uint64_t id; /* of both, the same in the next process */
    atomic_bool on;
    struct queue *queue;
    struct feed *feed;
    struct otlp *otlp; /* NULL: off */
};

struct channels {
    struct ring *ring;
    struct hold *hold;
    int wake;
    struct carrier *carrier; /* NULL until the first channel is on */
    struct channel *all[CHANNELS_MOST];
    atomic_uint count;
    const struct channel_list *list; /* NULL: none yet */
    uint8_t random[16];
    struct arena *arena; /* of what was found out */
    struct pair detected[RESOURCE_MOST];
    size_t detected_count;
};

/* ---- settings ---- */

enum { LIST_BYTES = 1024 * 1024 };

/* NULL stays NULL; the copy is terminated. */
static struct span copy(struct arena *arena, struct span text)
{
    return text.at != NULL ? span_text(arena_string(arena, text)) : text;
}

static const struct pair *copy_pairs(struct arena *arena, const struct pair *from, size_t count)
{
    struct pair *pairs = arena_alloc(arena, (count + 1) * sizeof *pairs);
    for (size_t i = 0; i < count && pairs != NULL; i++)
        pairs[i] = (struct pair){copy(arena, from[i].name), copy(arena, from[i].value)};
    return pairs;
}

struct channel_list *channel_list_new(const struct exporter_settings *settings)
{
    struct channel_list *list = must_alloc(sizeof *list);
    list->arena = arena_new(NULL, LIST_BYTES);
    must(list->arena != NULL);
    list->count = settings->channel_count;
    list->at = arena_alloc(list->arena, (list->count + 1) * sizeof *list->at);
    list->service_name = copy(list->arena, settings->service_name);
    list->environment = copy(list->arena, settings->environment);
    list->resource = copy_pairs(list->arena, settings->resource, settings->resource_count);
    list->resource_count = settings->resource_count;
    list->queue_records = settings->queue_records;
    for (size_t i = 0; i < list->count && list->at != NULL; i++) {
        struct channel_settings *one = &list->at[i];
        *one = settings->channels[i];
        one->name = copy(list->arena, one->name);
        one->url = copy(list->arena, one->url);
        one->spool.path = copy(list->arena, one->spool.path);
        one->ca_file = copy(list->arena, one->ca_file);
        one->cert_file = copy(list->arena, one->cert_file);
        one->key_file = copy(list->arena, one->key_file);
        one->headers = copy_pairs(list->arena, one->headers, one->header_count);
    }
    must(!arena_is_full(list->arena));
    return list;
}

void channel_list_free(struct channel_list *list)
{
    if (list == NULL)
        return;
    for (size_t i = 0; i < list->count; i++) {
        for (size_t h = 0; h < list->at[i].header_count; h++)
            span_wipe(list->at[i].headers[h].value);
    }
    arena_free(list->arena);
    free(list);
}

/* NULL: there is none. */
static const struct channel_settings *find_in(const struct channel_list *list,
                                              const struct channel *channel)
{
    for (size_t i = 0; list != NULL && i < list->count; i++) {
        if (list->at[i].signal == channel->signal &&
            span_is(list->at[i].name, span_text(channel->name)))
            return &list->at[i];
    }
    return NULL;
}

static bool are_same(const struct pair *a, const struct pair *b, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!span_is(a[i].name, b[i].name) || !span_is(a[i].value, b[i].value))
            return false;
    }
    return true;
}

/* What the sender has to know of; the spool is the feed's. */
static bool is_same(const struct channel_list *a, const struct channel_list *b,
                    const struct channel *channel)
{
    const struct channel_settings *one = find_in(a, channel), *two = find_in(b, channel);
    if (one == NULL || two == NULL || one->header_count != two->header_count)
        return false;
    if (!are_same(one->headers, two->headers, one->header_count))
        return false;
    return span_is(one->url, two->url) && one->protocol == two->protocol &&
           one->timeout_us == two->timeout_us && one->gzip == two->gzip &&
           one->batch.delay_us == two->batch.delay_us && one->batch.units == two->batch.units &&
           span_is(one->ca_file, two->ca_file) && span_is(one->cert_file, two->cert_file) &&
           span_is(one->key_file, two->key_file) && a->resource_count == b->resource_count &&
           are_same(a->resource, b->resource, a->resource_count) &&
           span_is(a->service_name, b->service_name) && span_is(a->environment, b->environment);
}

/* ---- which there are ---- */

/* FNV-1a */
uint64_t channel_id(struct span name, enum otlp_signal signal)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < name.len; i++)
        hash = (hash ^ (unsigned char)name.at[i]) * UINT64_C(0x100000001b3);
    return (hash ^ (unsigned)signal) * UINT64_C(0x100000001b3);
}

static struct channel *find(const struct channels *channels, struct span name,
                            enum otlp_signal signal)
{
    for (unsigned i = 0; i < channels_count(channels); i++) {
        struct channel *channel = channels->all[i];
        if (channel->signal == signal && span_is(span_text(channel->name), name))
            return channel;
    }
    return NULL;
}

/* 0 is no signal's number. */
static struct feed_kind kind_of(enum otlp_signal signal)
{
    return (struct feed_kind){(unsigned)signal + 1, otlp_signal_row(signal)->units};
}

static struct channel *channel_new(struct channels *channels, const struct channel_settings *to)
{
    struct channel *channel = must_alloc(sizeof *channel);
    unsigned count = channels_count(channels);
    must(count < CHANNELS_MOST);
    channel->name = must_strdup(to->name.at);
    channel->signal = to->signal;
    channel->id = channel_id(to->name, to->signal);
    channel->queue = queue_new(channels->list->queue_records);
    channel->feed =
        feed_new(channel->queue, channels->wake, channel->name, kind_of(channel->signal));
    hold_join(channels->hold, channel->id, channel->queue, channel->feed);
    channels->all[count] = channel;
    atomic_store(&channels->count, count + 1);
    return channel;
}

static void channel_off(struct channel *channel)
{
    atomic_store(&channel->on, false);
    otlp_free(channel->otlp);
    channel->otlp = NULL;
    feed_use(channel->feed, &(struct feed_spool){.path = NULL});
    queue_abandon(channel->queue, DROP_SHUTDOWN);
}

static void channel_on(struct channels *channels, struct channel *channel,
                       const struct channel_list *before)
{
    const struct channel_list *list = channels->list;
    const struct channel_settings *to = find_in(list, channel);
    const struct otlp_settings settings = {
        to,
        {list->service_name,
         list->environment,
         {channels->detected, channels->detected_count},
         {list->resource, list->resource_count}},
    };
    const struct feed_spool spool = {
        .path = to->spool.path.at,
        .spool = {to->spool.most_bytes, to->spool.most_age_us, to->spool.fsync},
        .ring = ring_id(channels->ring),
    };
    if (channels->carrier == NULL)
        channels->carrier = carrier_new();
    if (channel->otlp == NULL)
        channel->otlp = otlp_new(channel->feed, channels->carrier, &settings, channels->random);
    else if (!is_same(list, before, channel))
        otlp_change(channel->otlp, &settings);
    queue_limit(channel->queue, list->queue_records);
    queue_limit_units(channel->queue, to->batch.queue_units);
    /* what is pushed is no record of the ring's */
    hold_keep(channels->hold, channel->id,
              spool.path == NULL                ? HOLD_MEMORY
              : channel->signal == OTLP_METRICS ? HOLD_SPOOL
                                                : HOLD_RECORDS);
    feed_use(channel->feed, &spool);
    if (spool.path != NULL)
        otlp_queue_filled(channel->otlp);
    atomic_store(&channel->on, true);
}

static const char *variable(void *context, const char *name)
{
    (void)context;
    return getenv(name); // NOLINT(concurrency-mt-unsafe): nobody here calls setenv
}

struct channels *channels_new(struct ring *ring, struct hold *hold, int wake)
{
    struct channels *channels = must_alloc(sizeof *channels);
    channels->ring = ring;
    channels->hold = hold;
    channels->wake = wake;
    channels->arena = arena_new(NULL, LIST_BYTES);
    must(channels->arena != NULL);
    channels->detected_count = resource_detect(&(struct resource_world){"", variable, NULL},
                                               channels->arena, channels->detected);
    must(getrandom(channels->random, sizeof channels->random, 0) ==
         (ssize_t)sizeof channels->random);
    return channels;
}

bool channels_fit(const struct channels *channels, const struct channel_list *list)
{
    unsigned count = channels_count(channels);
    for (size_t i = 0; i < list->count; i++)
        count += find(channels, list->at[i].name, list->at[i].signal) == NULL;
    return count <= CHANNELS_MOST;
}

void channels_use(struct channels *channels, const struct channel_list *list)
{
    const struct channel_list *before = channels->list;
    channels->list = list;
    for (size_t i = 0; i < list->count; i++) {
        if (find(channels, list->at[i].name, list->at[i].signal) == NULL)
            channel_new(channels, &list->at[i]);
    }
    for (unsigned i = 0; i < channels_count(channels); i++) {
        if (find_in(list, channels->all[i]) != NULL)
            channel_on(channels, channels->all[i], before);
        else
            channel_off(channels->all[i]);
    }
}

/* ---- items ---- */

static bool is_on(const struct channel *channel, enum otlp_signal signal)
{
    return channel->signal == signal && atomic_load(&channel->on);
}

static bool takes(const struct channels *channels, const struct channel *channel,
                  enum otlp_signal signal, bool again)
{
    return is_on(channel, signal) && (!again || hold_owes(channels->hold, channel->id));
}

bool channels_want(const struct channels *channels, enum otlp_signal signal)
{
    for (unsigned i = 0; i < channels_count(channels); i++) {
        if (is_on(channels->all[i], signal))
            return true;
    }
    return false;
}

static void lose(struct channels *channels, enum otlp_signal signal, bool again, uint64_t units,
                 enum drop_reason reason)
{
    for (unsigned i = 0; i < channels_count(channels); i++) {
        if (takes(channels, channels->all[i], signal, again))
            queue_lost(channels->all[i]->queue, units, reason);
    }
}

void channels_lost(struct channels *channels, enum otlp_signal signal, uint64_t units,
                   enum drop_reason reason)
{
    lose(channels, signal, false, units, reason);
}

static void put(struct channels *channels, enum otlp_signal signal, bool again,
                const struct buf *item, unsigned units)
{
    if (buf_is_full(item)) {
        lose(channels, signal, again, units, DROP_REJECTED);
        return;
    }
    for (unsigned i = 0; i < channels_count(channels); i++) {
        if (takes(channels, channels->all[i], signal, again))
            queue_put(channels->all[i]->queue, buf_span(item), units);
    }
}

void channels_put(struct channels *channels, enum otlp_signal signal, const struct buf *item,
                  unsigned units)
{
    put(channels, signal, false, item, units);
}

/* The one that takes it; NULL: there are none, or several. */
static struct channel *only_taker(const struct channels *channels, enum otlp_signal signal,
                                  bool again)
{
    struct channel *only = NULL;
    for (unsigned i = 0; i < channels_count(channels); i++) {
        if (!takes(channels, channels->all[i], signal, again))
            continue;
        if (only != NULL)
            return NULL;
        only = channels->all[i];
    }
    return only;
}

struct channel_item channels_begin(struct channels *channels, enum otlp_signal signal, bool again,
                                   struct buf *other)
{
    struct channel *only = only_taker(channels, signal, again);
    struct buf *batch = only != NULL ? otlp_open_batch(only->otlp) : NULL;
    struct buf *to = batch != NULL ? batch : other;
    return (struct channel_item){to, signal, again, to->len, batch != NULL ? only : NULL};
}

void channels_end(struct channels *channels, const struct channel_item *item, unsigned units)
{
    struct span text = span_from(buf_span(item->to), item->from);
    if (buf_is_full(item->to) || text.len > QUEUE_ITEM_BYTES)
        lose(channels, item->signal, item->again, units, DROP_REJECTED);
    else if (item->channel == NULL && units > 0)
        put(channels, item->signal, item->again, item->to, units);
    else if (units > 0 && otlp_filled(item->channel->otlp, item->from, units))
        return;
    else if (units > 0)
        queue_put(item->channel->queue, text, units);
    buf_cut(item->to, item->from);
}

/* ---- sending ---- */

void channels_step(struct channels *channels, bool flush)
{
    if (channels->carrier == NULL)
        return;
    uint64_t now_us = clock_monotonic_us();
    carrier_turn(channels->carrier, now_us);
    for (unsigned i = 0; i < channels_count(channels); i++) {
        if (channels->all[i]->otlp != NULL)
            otlp_step(channels->all[i]->otlp, now_us, flush);
    }
    carrier_turn(channels->carrier, now_us);
}

bool channels_wait(struct channels *channels, int fd, int timeout_ms)
{
    if (channels->carrier != NULL)
        return carrier_wait(channels->carrier, fd, timeout_ms);
    struct pollfd one = {.fd = fd, .events = POLLIN};
    return poll(&one, 1, timeout_ms) > 0;
}

void channels_hurry(struct channels *channels)
{
    for (unsigned i = 0; i < channels_count(channels); i++) {
        if (channels->all[i]->otlp != NULL)
            otlp_hurry(channels->all[i]->otlp);
    }
}

static bool is_done(struct channel *channel)
{
    bool waits_on_disk = feed_is_on_disk(channel->feed) && feed_is_settled(channel->feed) &&
                         otlp_is_stuck(channel->otlp);
    return waits_on_disk || otlp_is_idle(channel->otlp);
}

bool channels_are_done(struct channels *channels)
{
    for (unsigned i = 0; i < channels_count(channels); i++) {
        if (channels->all[i]->otlp != NULL && !is_done(channels->all[i]))
            return false;
    }
    return true;
}

void channels_land(struct channels *channels)
{
    for (unsigned i = 0; i < channels_count(channels); i++) {
        otlp_free(channels->all[i]->otlp);
        channels->all[i]->otlp = NULL;
    }
    carrier_free(channels->carrier);
    channels->carrier = NULL;
}

static void tell_end(struct channel *channel, enum feed_end end)
{
    const char *units = otlp_signal_row(channel->signal)->units;
    uint64_t lost = queue_dropped_here(channel->queue, DROP_SHUTDOWN);
    struct destination_figures figures;
    queue_figures(channel->queue, &figures);
    if (lost > 0)
        say("%s: %llu %s given up at the end", channel->name, (unsigned long long)lost, units);
    if (end == FEED_WAITS)
        say("%s: %llu %s wait in the spool for the next start", channel->name,
            (unsigned long long)figures.waiting, units);
}

void channels_stop(struct channels *channels, uint64_t deadline_us)
{
    if (channels == NULL)
        return;
    channels_land(channels);
    for (unsigned i = 0; i < channels_count(channels); i++) {
        struct channel *channel = channels->all[i];
        enum feed_end end = feed_stop(channel->feed, deadline_us);
        tell_end(channel, end);
        hold_leave(channels->hold, channel->id, end);
        if (end != FEED_HANGS) /* else its thread still uses the queue */
            queue_free(channel->queue);
    }
    for (unsigned i = 0; i < channels_count(channels); i++) {
        free(channels->all[i]->name);
        free(channels->all[i]);
    }
    arena_free(channels->arena);
    free(channels);
}

/* ---- figures ---- */

unsigned channels_count(const struct channels *channels)
{
    return atomic_load(&channels->count);
}

void channels_figures(const struct channels *channels, unsigned which,
                      struct destination_figures *figures, struct spool_state *spool)
{
    must(which < channels_count(channels));
    struct channel *channel = channels->all[which];
    *figures = (struct destination_figures){.name = channel->name,
                                            .signal = otlp_signal_row(channel->signal)->name,
                                            .on = atomic_load(&channel->on)};
    queue_figures(channel->queue, figures);
    feed_state(channel->feed, spool);
}
