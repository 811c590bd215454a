/* SPDX-License-Identifier: Apache-2.0 */
/* A thread that hands the entries of one feed to a receiver elsewhere. While that is away the
 * entries wait, the batch in hand and what the feed has room for; each try comes after a longer
 * pause than the one before.
 *
 *   idle --> gathering --> batch in hand --> settled (sent, or refused by the receiver)
 *    ^                        |     ^          |
 *    |                        +-----+ pause    |
 *    +-----------------------------------------+
 */
#ifndef SIDEGATE_EXPORTERS_SENDER_H
#define SIDEGATE_EXPORTERS_SENDER_H

#include "exporters/entry.h"
#include "exporters/feed.h"
#include "exporters/log_settings.h"
#include "exporters/queue.h"

struct sender;

/* What came of a batch, in entries from its front. Those beyond sent + refused stay in hand. */
struct delivery {
    unsigned sent, refused;
    uint64_t resent;   /* went out a second time, nobody knows what became of the first */
    bool again;        /* the rest is to be tried after a pause, else at once */
    bool is_unsent;    /* and nothing of it can have arrived */
    uint64_t pause_us; /* at least so long; 0: as the sender thinks */
    char why[400];     /* what is wrong, where something is: for the operator */
};

/* One way of handing over; all of it is called on the sender's thread and may block there, as long
 * as it asks sender_wait(). */
struct sender_kind {
    size_t full_bytes;   /* a batch of so many bytes or entries */
    unsigned full_units; /* need not wait for more... */
    uint64_t gather_us;  /* ...which others do so long */
    void *(*begin)(const struct log_settings *settings, const char *log); /* both outlive it */
    void (*deliver)(void *sink, struct sender *sender, struct span entries, struct delivery *out);
    void (*end)(void *sink);
};
const struct sender_kind *sender_kind(enum log_sink sink);

/* Where the entries come from: borrowed. `wake`: the eventfd that the feed tells. */
struct sender_source {
    struct queue *queue;
    struct feed *feed;
    int wake;
};
/* `log`: static text; `settings` are copied. NULL: no thread can be had. */
struct sender *sender_new(const struct sender_source *source, enum log_sink sink, const char *log,
                          const struct log_settings *settings);
void sender_wake(struct sender *sender); /* something is in the queue; cheap */
void sender_change(struct sender *sender, const struct log_settings *settings);
/* As writer_stop(). What is left in hand goes back to the feed; where that is on the disk, and the
 * receiver does not take anything, the deadline is not waited for. */
bool sender_stop(struct sender *sender, uint64_t deadline_us);

/* For kinds. A descriptor that is ready when one should look up, and whether it is over: the
 * deadline of the stop has passed. sender_look() takes the wake away. */
int sender_fd(const struct sender *sender);
bool sender_look(struct sender *sender);
/* Waits for `events` of `fd` (-1: none), at most until `until_us`; true: they are there. */
bool sender_wait(struct sender *sender, int fd, short events, uint64_t until_us);
/* How much time is left for something that takes at most `most_us`. */
uint64_t sender_time(const struct sender *sender, uint64_t most_us);

#endif
