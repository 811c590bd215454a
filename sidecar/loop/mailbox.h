/* SPDX-License-Identifier: Apache-2.0 */
/* Where mail from other threads waits. Private to sidecar/loop. */
#ifndef SIDEGATE_SIDECAR_LOOP_MAILBOX_H
#define SIDEGATE_SIDECAR_LOOP_MAILBOX_H

#include <stdatomic.h>
#include <stdbool.h>

#include "sidecar/loop/loop.h"

struct mailbox {
    _Atomic(struct mail *) newest; /* a stack: the latest first */
    int fd;                        /* an eventfd that is readable while something may lie here */
};

bool mailbox_open(struct mailbox *box);
void mailbox_close(struct mailbox *box); /* mail that still lies there stays its sender's */
void mailbox_put(struct mailbox *box, struct mail *mail); /* any thread */
void mailbox_deliver(struct mailbox *box);                /* on the loop's thread */

#endif
