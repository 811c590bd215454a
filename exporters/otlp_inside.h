/* SPDX-License-Identifier: Apache-2.0 */
/* The sender's one object: otlp.c sends batches, otlp_filling.c fills them. */
#ifndef SIDEGATE_EXPORTERS_OTLP_INSIDE_H
#define SIDEGATE_EXPORTERS_OTLP_INSIDE_H

#include "exporters/otlp.h"
#include "exporters/otlp_call.h"

enum {
    UNDER_WAY = 3,
    BATCH_BYTES = 2 * 1024 * 1024,
    HEAD_BYTES = 16 * 1024,
};

enum state { STATE_FREE, STATE_FILLING, STATE_FLYING, STATE_RESTING };

struct sending {
    struct otlp_call call; /* first: what lands is its sending */
    struct otlp *otlp;
    enum state state;
    struct feed_batch batch;
    struct buf room;     /* HEAD_BYTES for what a request begins with, and the items */
    struct buf sizes;    /* of the items, while it is filled: uint32_t each */
    struct buf preamble; /* whose they are */
    size_t from, len;    /* of the items: the piece that is sent now; all of them, where no
                            receiver found them too large */
    uint64_t lost;       /* units of the pieces before that were refused */
    bool is_doubtful;    /* the receiver may have it, and did not say so */
};

struct otlp {
    struct feed *feed;
    struct carrier *carrier;
    struct sending sendings[UNDER_WAY];
    struct buf plain; /* a piece on its way into a body */
    struct buf head;  /* what stands before it */

    char *name;
    enum otlp_signal signal;
    struct otlp_way *way;
    struct envelope envelope;
    uint8_t random[16];

    struct sending *filling;   /* what is open to more; NULL: none */
    uint64_t filling_since_us; /* 0: since the step that comes */
    uint64_t waiting_since_us; /* 0: nothing waits */
    uint64_t backlog_at_us;    /* not before then */
    uint64_t quiet_until_us;
    uint64_t delay_us; /* so long the first one waits for others */
    unsigned units;    /* of one batch, and: */
    unsigned most;     /* fewer where the receiver found them too large */
    unsigned taken;    /* batches since then */
    unsigned patience; /* so many of them, and more units are tried */
    bool is_trying;    /* more units than were known to be taken */
    uint64_t jitter;   /* state of the generator */
    unsigned failures; /* in a row */
    bool told;         /* the present trouble has been said on stderr */
    uint64_t now_us;   /* of this step */
};

struct span sending_items(const struct sending *sending);
/* How many of the batch's units these items are. */
uint64_t sending_units(const struct sending *sending, struct span items);
/* It has nothing any more, and is free. */
void sending_land(struct sending *sending);

#endif
