/* SPDX-License-Identifier: Apache-2.0 */
/* The log of changes: what people changed, who, when, what it was before and what it is now. One
 * JSON line a change, chained by hashes (change_chain.h) over all files that it was rotated into.
 * The running program and commands write the same file, one after the other (flock); each record is
 * on the disk before its change is answered. A new file is its owner's alone. It is the caller who
 * takes secrets out. All of it may block. */
#ifndef SIDEGATE_SIDECAR_CHANGE_LOG_H
#define SIDEGATE_SIDECAR_CHANGE_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rules/base/buf.h"
#include "rules/base/span.h"

enum change_way {
    CHANGE_BY_ADMIN,   /* a request to the admin API */
    CHANGE_BY_SIGNAL,  /* HUP */
    CHANGE_BY_COMMAND, /* a command that changes a file itself */
};

struct change_who {
    enum change_way way;
    struct span address; /* ADMIN: of the peer; empty: a Unix socket */
    struct span says;    /* likewise: the From field, which nobody has verified */
    bool has_token;      /* likewise */
    bool is_known;       /* SIGNAL: the next two are there */
    unsigned uid;        /* SIGNAL, COMMAND: and the user's name is looked up */
    int pid;             /* SIGNAL */
};

struct change {
    uint64_t wall_us;
    const char *event; /* "ReloadConfiguration", "PutIPSetEntry": an operation's name */
    struct change_who who;
    struct span what;          /* "ip_set abusers" */
    struct span before, after; /* JSON of one line; at == NULL: null. Over 64 KiB: only how long */
    const char *error;         /* a word; NULL: it was done */
    struct span message;       /* with an error: why not */
};

/* Why not. */
struct change_fault {
    bool is_full; /* there is no room: a disk, a quota, a limit */
    char why[400];
};

/* When it is renamed to .1, that to .2... */
struct change_rotation {
    uint64_t most_bytes; /* 0: never */
    unsigned keep;       /* of the renamed ones; 0: all */
};

/* How a lock that somebody else holds is waited for: no flock() has a time limit, so it is tried
 * again after each pause. */
struct change_wait {
    bool (*pause)(void *context); /* lets a little time pass; false: it has been long enough */
    void *context;
};
/* A pause of a few ms for who has nothing else to do, until the moment (a uint64_t, monotonic
 * clock) that is the context. */
bool change_pause_until(void *moment_us);

/* The log, with its lock held and room for one record. */
struct change_log;
/* NULL: `fault`; nothing has changed. */
struct change_log *change_log_begin(const char *path, const struct change_rotation *rotation,
                                    const struct change_wait *wait, struct change_fault *fault);
/* False: `fault`; the file is as it was, or its last line is torn, which the next record says. */
bool change_log_put(struct change_log *log, struct span body, struct change_fault *fault);
void change_log_end(struct change_log *log); /* NULL allowed */

/* What change_log_put() takes; does not block. NULL, or what is wrong with it. */
const char *change_write(const struct change *change, struct buf *to);
/* Can it be written? Makes it where it is missing. False: `fault`. */
bool change_log_open(const char *path, struct change_fault *fault);

#endif
