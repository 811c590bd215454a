/* SPDX-License-Identifier: Apache-2.0 */
/* A small HTTP service on a loop: what the status and admin ports and the demo backend are made of.
 * A request with its body (64 KiB at most) becomes a call; somebody fills its answer in, at once or
 * later. */
#ifndef SIDEGATE_SIDECAR_SERVICE_H
#define SIDEGATE_SIDECAR_SERVICE_H

#include <stdbool.h>

#include "rules/base/buf.h"
#include "rules/base/list.h"
#include "sidecar/exchange/pump.h"
#include "sidecar/loop/loop.h"
#include "sidecar/wire/peer.h"

struct service;

struct service_call {
    struct list waits; /* for who keeps it waiting; alone at first */
    struct service *service;
    struct client *client; /* its head */
    struct span peer;      /* the address of who asks */
    unsigned port;         /* which of the service's ports it came by */
    struct span path, query;
    struct buf request; /* the request's body */
    /* The answer: */
    unsigned status;
    struct span type;
    struct buf body;
    bool last; /* the connection's last answer */
    /* The service's own: */
    struct list link;
    struct task task;
    struct pump pump;
    bool answered, head_sent;
};

/* `answer` fills the call in and returns true, or keeps it and returns false: then service_finish()
 * follows. A call that is kept in a list by `waits` is taken out of it when its client goes. */
struct service *service_new(struct loop *loop,
                            bool (*answer)(void *context, struct service_call *call),
                            void *context);
void service_free(struct service *service); /* calls and connections end; NULL allowed */
enum { SERVICE_PORTS = 2 };
/* Listens on a socket that stays the caller's; -1: closes the port. */
void service_listen(struct service *service, unsigned port, int fd);
void service_finish(struct service_call *call);

#endif
