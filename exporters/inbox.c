/* SPDX-License-Identifier: Apache-2.0 */
/* Two buffers that change places: one is filled while the other is emptied. */
#include "exporters/inbox.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "exporters/queue.h"
#include "rules/base/must.h"

enum { INBOX_BYTES = 16 * 1024 * 1024 };

/* | head | item | head | item | ... */
struct head {
    uint32_t signal, units, bytes;
};

struct inbox {
    pthread_mutex_t lock; /* guards the three */
    struct buf *filling;
    uint64_t lost[OTLP_SIGNALS]; /* units */
    bool any;
    struct buf both[2];
    struct buf item; /* the exporter's thread's own */
};

struct inbox *inbox_new(void)
{
    struct inbox *inbox = must_alloc(sizeof *inbox);
    must(pthread_mutex_init(&inbox->lock, NULL) == 0);
    buf_init(&inbox->both[0], INBOX_BYTES);
    buf_init(&inbox->both[1], INBOX_BYTES);
    buf_init(&inbox->item, QUEUE_LARGEST_BYTES);
    inbox->filling = &inbox->both[0];
    return inbox;
}

void inbox_free(struct inbox *inbox)
{
    if (inbox == NULL)
        return;
    buf_fini(&inbox->both[0]);
    buf_fini(&inbox->both[1]);
    buf_fini(&inbox->item);
    pthread_mutex_destroy(&inbox->lock);
    free(inbox);
}

void inbox_put(struct inbox *inbox, enum otlp_signal signal, struct span item, unsigned units)
{
    const struct head head = {(uint32_t)signal, units, (uint32_t)item.len};
    must(signal < OTLP_SIGNALS && item.len <= QUEUE_LARGEST_BYTES);
    pthread_mutex_lock(&inbox->lock);
    char *room = buf_room(inbox->filling, sizeof head + item.len);
    if (room != NULL) {
        memcpy(room, &head, sizeof head);
        if (item.len > 0)
            memcpy(room + sizeof head, item.at, item.len);
        buf_grew(inbox->filling, sizeof head + item.len);
    } else {
        inbox->lost[signal] += units;
    }
    inbox->any = true;
    pthread_mutex_unlock(&inbox->lock);
}

/* What was filled, and what was lost; NULL: nothing. */
static struct buf *swap(struct inbox *inbox, uint64_t lost[OTLP_SIGNALS])
{
    struct buf *full = NULL;
    pthread_mutex_lock(&inbox->lock);
    if (inbox->any) {
        full = inbox->filling;
        inbox->filling = full == &inbox->both[0] ? &inbox->both[1] : &inbox->both[0];
        memcpy(lost, inbox->lost, sizeof inbox->lost);
        memset(inbox->lost, 0, sizeof inbox->lost);
        inbox->any = false;
    }
    pthread_mutex_unlock(&inbox->lock);
    return full;
}

void inbox_empty(struct inbox *inbox, struct channels *channels)
{
    uint64_t lost[OTLP_SIGNALS];
    struct buf *full = swap(inbox, lost);
    if (full == NULL)
        return;
    for (struct span rest = buf_span(full); rest.len > 0;) {
        struct head head;
        memcpy(&head, rest.at, sizeof head);
        rest = span_from(rest, sizeof head);
        buf_clear(&inbox->item);
        buf_add(&inbox->item, span_first(rest, head.bytes));
        channels_put(channels, (enum otlp_signal)head.signal, &inbox->item, head.units);
        rest = span_from(rest, head.bytes);
    }
    for (unsigned signal = 0; signal < OTLP_SIGNALS; signal++)
        if (lost[signal] > 0)
            channels_lost(channels, (enum otlp_signal)signal, lost[signal], DROP_QUEUE_FULL);
    buf_clear(full);
}
