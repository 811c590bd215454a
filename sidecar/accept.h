/* SPDX-License-Identifier: Apache-2.0 */
/* Accepting: a worker's listening sockets. */
#ifndef SIDEGATE_SIDECAR_ACCEPT_H
#define SIDEGATE_SIDECAR_ACCEPT_H

#include <stdbool.h>
#include <stddef.h>

#include "sidecar/loop/loop.h"
#include "sidecar/worker.h"

struct acceptor;

/* on_accepted takes the socket (non-blocking, close-on-exec, TCP_NODELAY); `listener` is its index.
 */
struct acceptor *acceptor_new(struct loop *loop,
                              void (*on_accepted)(void *context, int fd, size_t listener),
                              void *context);
void acceptor_free(struct acceptor *acceptor);
/* Listens on these from now on; sockets that are not named any more are left alone (they belong to
 * the process). */
void acceptor_set(struct acceptor *acceptor, const struct worker_listener *listeners, size_t count);
/* The first half of closing: who knocks from now on is not heard (and is refused when it knocks
 * again, a second later), while handshakes that have begun still end and are taken in. */
void acceptor_turn_away(struct acceptor *acceptor);
/* For good: whoever waits in the queues is taken in first, then the sockets listen no more, for
 * nobody that shares them. */
void acceptor_finish(struct acceptor *acceptor);
/* Connections wait in the kernel's queue while it is paused. */
void acceptor_pause(struct acceptor *acceptor, bool paused);

#endif
