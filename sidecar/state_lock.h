/* SPDX-License-Identifier: Apache-2.0 */
/* One program a state_dir: two would write over each other's usage, metrics and alarms. The
 * folder's file `lock` is locked (flock) as long as the process lives, and holds the program's pid.
 */
#ifndef SIDEGATE_SIDECAR_STATE_LOCK_H
#define SIDEGATE_SIDECAR_STATE_LOCK_H

#include <stddef.h>

enum state_locked {
    STATE_LOCKED,
    STATE_TAKEN,    /* somebody else has it: `why` names the process */
    STATE_UNLOCKED, /* nothing can be locked there: `why` */
};

/* `pid` is what the other one will be told; *fd: closed at the end, -1: nothing. */
enum state_locked state_lock(const char *folder, int pid, int *fd, char *why, size_t size);

#endif
