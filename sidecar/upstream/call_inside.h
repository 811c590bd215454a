/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of calls: call.c (who holds what, and the thread) and call_transfer.c (libcurl). */
#ifndef SIDEGATE_SIDECAR_UPSTREAM_CALL_INSIDE_H
#define SIDEGATE_SIDECAR_UPSTREAM_CALL_INSIDE_H

#include <curl/curl.h>
#include <pthread.h>
#include <stdatomic.h>

#include "rules/base/arena.h"
#include "rules/base/buf.h"
#include "rules/base/list.h"
#include "sidecar/loop/loop.h"
#include "sidecar/upstream/call.h"

struct transfers; /* all that are under way, on the caller's thread */

struct call {
    struct mail begin, cancel; /* to the caller's thread */
    struct mail told;          /* to the asker's */
    struct caller *caller;
    struct loop *asker;
    call_answered *answered;
    void *context;
    uint64_t began_us;
    struct arena *arena; /* of the request's copy, and then of the answer */
    struct call_request request;

    pthread_mutex_t lock; /* of the next two, so that nobody sends mail to a loop that is gone */
    bool freed;           /* by the asker; written on its thread */
    bool done;            /* nothing is under way any more; written on the caller's thread */
    _Atomic unsigned holds;

    /* ---- of the transfer ---- */
    struct list link; /* of transfers */
    CURL *easy;       /* NULL: not begun, or over */
    struct curl_slist *fields;
    struct buf head, body; /* of the answer */
    bool head_is_whole, is_too_large;
    char error[CURL_ERROR_SIZE];
    struct call_answer answer;
};

/* ---- call_transfer.c: on the caller's thread alone ---- */

/* `over` is told of each transfer that has ended by itself; its answer is filled in. NULL: no
 * memory. */
struct transfers *transfers_new(struct loop *loop, void (*over)(struct call *call));
void transfers_free(struct transfers *transfers); /* none is under way */
/* False: it cannot be; its answer says why. */
bool transfer_begin(struct transfers *transfers, struct call *call);
void transfer_end(struct transfers *transfers, struct call *call); /* not begun: nothing */
/* The first that is under way, or NULL. */
struct call *transfers_first(struct transfers *transfers);

#endif
