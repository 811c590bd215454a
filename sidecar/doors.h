/* SPDX-License-Identifier: Apache-2.0 */
/* The listening sockets of the program. The parent holds them, so that a child's death closes none
 * and what waits in their queues is served by the next child; new ones are bound by the parent when
 * a reload names them. */
#ifndef SIDEGATE_SIDECAR_DOORS_H
#define SIDEGATE_SIDECAR_DOORS_H

#include <stdbool.h>
#include <stddef.h>

#include "sidecar/wire/stream.h"

struct doors;

enum { DOOR_SOCKETS = 64 };

struct doors *doors_new(void);
void doors_free(struct doors *doors); /* closes what it holds */

/* Makes sure that `count` sockets listen on the address (1 for a Unix socket) and gives them in
 * `fds`, which stay the doors' own. False: errno says why. */
bool doors_open(struct doors *doors, struct span text, unsigned count, int fds[DOOR_SOCKETS]);

/* All but the `count` addresses of `keep` are given up, here and by the parent: who connects to
 * them is refused. The descriptors stay open, because a worker may still watch one. */
void doors_keep(struct doors *doors, const struct span *keep, size_t count);

/* The way from the child to the parent's doors: a pair of sockets, made before the fork. */
bool doors_channel(int *parents_end, int *childs_end);
/* Parent: answers one request (for sockets, or to give them up) waiting on its end. False: the
 * child closed it. */
bool doors_serve(struct doors *doors, int parents_end);
/* Child: from now on what is not held yet is asked for over this end. */
void doors_ask_by(struct doors *doors, int childs_end);

#endif
