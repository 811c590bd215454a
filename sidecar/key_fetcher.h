/* SPDX-License-Identifier: Apache-2.0 */
/* Fetches the keys of issuers into their stores when they are due (sidecar/state/key_store.h): by
 * their URL, or in two steps by the issuer's own description. Belongs to the process's loop; nobody
 * waits for it but exchanges that need a key. */
#ifndef SIDEGATE_SIDECAR_KEY_FETCHER_H
#define SIDEGATE_SIDECAR_KEY_FETCHER_H

#include "sidecar/config/snapshot.h"
#include "sidecar/program_log.h"

struct caller;
struct loop;
struct key_fetcher;

struct key_fetcher_options {
    struct loop *loop;
    struct caller *caller;
    struct program_log *log;
    void (*came)(void *context); /* some were fetched, or could not be: who waits looks again */
    void *context;
};

struct key_fetcher *key_fetcher_new(const struct key_fetcher_options *options);
/* Before workers go by the snapshot: its stores are fetched from now on, and others no more. */
void key_fetcher_change(struct key_fetcher *fetcher, const struct snapshot *snapshot);
/* When no worker runs any more; the loop turns once more before it is freed. NULL allowed. */
void key_fetcher_free(struct key_fetcher *fetcher);

#endif
