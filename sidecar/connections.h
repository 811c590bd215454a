/* SPDX-License-Identifier: Apache-2.0 */
/* The client connections of one worker: a connection owns its transport and codec and the facts
 * about its peer; its requests become exchanges. */
#ifndef SIDEGATE_SIDECAR_CONNECTIONS_H
#define SIDEGATE_SIDECAR_CONNECTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "sidecar/exchange/exchange.h"

struct connections;

/* `current` is asked for the snapshot that a new request goes by. */
struct connections *connections_new(struct surroundings *around,
                                    struct snapshot *(*current)(void *context), void *context);
/* All must be gone. */
void connections_free(struct connections *connections);

/* Takes an accepted, non-blocking socket. False: no memory; the socket is closed. */
bool connections_add(struct connections *connections, int fd,
                     const struct listener_settings *listener);
/* There is a new snapshot: none holds an older one any longer, but for those of a listener that is
 * gone, which are drained. */
void connections_change(struct connections *connections);
/* Idle ones close now, the others at the end of their answer. */
void connections_drain(struct connections *connections);
/* Idle ones close: memory is short. */
void connections_close_idle(struct connections *connections);
/* Every one ends now. Its exchanges must have been ended before. */
void connections_abort(struct connections *connections);
unsigned connections_count(const struct connections *connections);
unsigned connections_idle(const struct connections *connections);

#endif
