/* SPDX-License-Identifier: Apache-2.0 */
/* Questions to the DNS, behind the requests: one thread with a loop of its own, by c-ares. Who asks
 * is told later, on that thread, and never waits. */
#ifndef SIDEGATE_SIDECAR_UPSTREAM_RESOLVER_H
#define SIDEGATE_SIDECAR_UPSTREAM_RESOLVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rules/base/span.h"

struct resolver;

struct resolver_settings {
    const char *servers; /* "127.0.0.1:5353,[::1]:53"; NULL: as /etc/resolv.conf says */
    uint64_t timeout_us; /* for one question, all attempts */
};

enum resolved {
    RESOLVED_FOUND,  /* `address` */
    RESOLVED_NONE,   /* there is no such name, or it has no IPv4 address */
    RESOLVED_FAILED, /* nobody answered, or not to the question */
};

struct resolver_answer {
    enum resolved resolved;
    uint32_t address; /* the first one: 127.0.0.2 is 0x7f000002 */
    uint64_t ttl_us;  /* how long this holds (RFC 2308 for NONE); FAILED: 0 */
};

/* A question under way. Its owner embeds it, and gets it back with the answer. */
struct resolver_question {
    struct span name; /* at most 253 bytes; stays where it is */
    /* On the resolver's thread; `now_us` is the monotonic time. */
    void (*answered)(struct resolver_question *question, const struct resolver_answer *answer,
                     uint64_t now_us);
};

enum { RESOLVER_QUESTIONS_MOST = 1024 };

/* NULL: no thread, or no loop. */
struct resolver *resolver_start(const struct resolver_settings *settings);
/* Any thread. Every question that was taken is answered once; false: too many are under way. */
bool resolver_ask(struct resolver *resolver, struct resolver_question *question);
/* Any thread, and never beside resolver_stop(): other servers from now on. Questions under way
 * fail. */
void resolver_change(struct resolver *resolver, const struct resolver_settings *settings);
/* Answers what is under way with FAILED, and ends the thread. NULL allowed. */
void resolver_stop(struct resolver *resolver);

#endif
