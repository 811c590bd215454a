/* SPDX-License-Identifier: Apache-2.0 */
/* Senders push onto a stack without a lock; the one reader takes the whole stack and turns it
 * round, which gives the order of sending. Only who found it empty has to wake the reader. */
#include "sidecar/loop/mailbox.h"

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "rules/base/must.h"

bool mailbox_open(struct mailbox *box)
{
    atomic_init(&box->newest, NULL);
    box->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    return box->fd >= 0;
}

void mailbox_close(struct mailbox *box)
{
    close(box->fd);
}

void mailbox_put(struct mailbox *box, struct mail *mail)
{
    struct mail *newest = atomic_load_explicit(&box->newest, memory_order_relaxed);
    do {
        mail->next = newest;
    } while (!atomic_compare_exchange_weak_explicit(&box->newest, &newest, mail,
                                                    memory_order_release, memory_order_relaxed));
    if (newest != NULL)
        return;
    uint64_t one = 1;
    ssize_t written = write(box->fd, &one, sizeof one);
    must(written == (ssize_t)sizeof one || errno == EAGAIN); /* EAGAIN: rings already */
}

void mailbox_deliver(struct mailbox *box)
{
    /* The bell first: mail that comes after this read rings again. */
    uint64_t rung;
    ssize_t got = read(box->fd, &rung, sizeof rung);
    must(got == (ssize_t)sizeof rung || errno == EAGAIN);
    struct mail *newest = atomic_exchange_explicit(&box->newest, NULL, memory_order_acquire);
    struct mail *oldest = NULL;
    while (newest != NULL) {
        struct mail *next = newest->next;
        newest->next = oldest;
        oldest = newest;
        newest = next;
    }
    while (oldest != NULL) {
        struct mail *mail = oldest;
        oldest = mail->next; /* deliver() may free it, or send it again */
        mail->next = NULL;
        mail->deliver(mail);
    }
}
