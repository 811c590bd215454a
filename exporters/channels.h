/* SPDX-License-Identifier: Apache-2.0 */
/* The ways of OTLP: each signal to each receiver is a channel, with a queue, a feed (and a spool),
 * a sender and an account of its own, so that a receiver that is away delays no other.
 *
 *   put(traces)  --+--> otlp, traces     queue --> feed --> otlp --+
 *                  +--> second, traces   queue --> feed --> otlp --+--> carrier --> receivers
 *   put(metrics) -----> otlp, metrics    queue --> feed --> otlp --+
 *
 * A channel is known by its receiver's name and its signal. Once there it stays until the end, off
 * where no settings speak of it any more, so that what it has counted stands. One thread, but for
 * channels_count() and channels_figures(). */
#ifndef SIDEGATE_EXPORTERS_CHANNELS_H
#define SIDEGATE_EXPORTERS_CHANNELS_H

#include "exporters/exporter.h"

/* Channels' settings with texts of their own. */
struct channel_list {
    struct arena *arena;
    struct channel_settings *at;
    size_t count;
    struct span service_name, environment;
    const struct pair *resource;
    size_t resource_count;
    size_t queue_records;
};
struct channel_list *channel_list_new(const struct exporter_settings *settings);
void channel_list_free(struct channel_list *list); /* NULL allowed */

/* Of a channel, the same in each process. */
uint64_t channel_id(struct span name, enum otlp_signal signal);

struct channels;
struct hold;

/* `wake`: an eventfd that is written when a spool has something; `ring`: what items are made of. */
struct channels *channels_new(struct ring *ring, struct hold *hold, int wake);
/* There is room for all of them beside those that are there. */
bool channels_fit(const struct channels *channels, const struct channel_list *list);
/* From now on these are on and no others. `list` is borrowed until the next call. */
void channels_use(struct channels *channels, const struct channel_list *list);

bool channels_want(const struct channels *channels, enum otlp_signal signal); /* one is on */
/* An item on its way to every channel of this signal that is on: what is appended to `to`, which
 * may have others in it already. Without another destination that is the batch that it leaves with.
 * `again`: a process that died has had it. It goes where it may be missing on a disk alone: in
 * memory it was sent, or is counted as lost. */
struct channel_item {
    struct buf *to;
    enum otlp_signal signal;
    bool again;
    size_t from;
    struct channel *channel; /* whose batch it is; NULL: nobody's */
};
/* `other` is empty, and empty again behind channels_end(). */
struct channel_item channels_begin(struct channels *channels, enum otlp_signal signal, bool again,
                                   struct buf *other);
/* As channels_put(), to those that take it; without units it was nothing. */
void channels_end(struct channels *channels, const struct channel_item *item, unsigned units);
/* To every channel of this signal that is on; items are what otlp_new() wants, units are counted.
 * An item that its buf had no room for is counted as rejected. */
void channels_put(struct channels *channels, enum otlp_signal signal, const struct buf *item,
                  unsigned units);
void channels_lost(struct channels *channels, enum otlp_signal signal, uint64_t units,
                   enum drop_reason reason);
/* Moves everything that can be moved. `flush`: batches need not wait to be full. */
void channels_step(struct channels *channels, bool flush);
/* Waits until a socket or `fd` (-1: none) is ready, at most so long; true: `fd` is. */
bool channels_wait(struct channels *channels, int fd, int timeout_ms);
void channels_hurry(struct channels *channels); /* what rests is tried at once */
/* Nothing is left to be sent, or all that is left is safe on a disk and cannot be sent now. */
bool channels_are_done(struct channels *channels);
/* What is under way is returned; from now on nothing is sent. */
void channels_land(struct channels *channels);
/* What is queued is written to spools or given up, and that is said. Frees; NULL allowed. */
void channels_stop(struct channels *channels, uint64_t deadline_us);

unsigned channels_count(const struct channels *channels);
void channels_figures(const struct channels *channels, unsigned which,
                      struct destination_figures *figures, struct spool_state *spool);

#endif
