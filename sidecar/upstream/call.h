/* SPDX-License-Identifier: Apache-2.0 */
/* One request of ours to a server: for key sets, lists, authorizers, introspection. One thread with
 * a loop of its own and libcurl on it; who asks never waits, and is told on the thread of the loop
 * that it names. Connections are kept and shared by all calls.
 *
 *     asker's thread                       the caller's thread
 *     call_begin ---- mail: begin -------> transfer, with its clock
 *     answered() <--- mail: answer ------- over
 *     call_free  ---- mail: give up -----> (only where it is still under way)
 *
 * A call's memory is let go of by whoever is the last of the two to hold it. */
#ifndef SIDEGATE_SIDECAR_UPSTREAM_CALL_H
#define SIDEGATE_SIDECAR_UPSTREAM_CALL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rules/base/span.h"

struct loop;
struct caller; /* the thread; one a process */
struct call;   /* one request under way, its asker's until call_free() */

struct caller_settings {
    unsigned under_way_most; /* 0: 1024; more are refused */
};

enum call_outcome {
    CALL_ANSWERED,      /* a whole answer, whatever its status */
    CALL_NOT_CONNECTED, /* no address, refused, or no connection in time */
    CALL_NOT_VERIFIED,  /* TLS: the certificate or its name, or ours was not liked */
    CALL_TIMED_OUT,     /* connected, but not over in time */
    CALL_TOO_LARGE,     /* more than answer_most, or more than 64 KiB of fields */
    CALL_BROKEN,        /* not HTTP, cut short, or the program stops */
};
enum { CALL_OUTCOMES = CALL_BROKEN + 1 };
/* "answered", "not_connected"...: for metrics and logs. */
const char *call_outcome_word(enum call_outcome outcome);

/* Does the server say so of what it was asked, and not of itself? 500, and 4xx but those about the
 * address, our right to ask, and too much of it. Whoever writes what is asked can bring it about,
 * again and again. */
bool call_status_is_of_request(unsigned status);
/* Can both be? 502 and 504: who stands before the server says that it broke off or hangs. 503 is
 * said by who has too much to do or is down. */
bool call_status_may_be_of_request(unsigned status);
/* The same of what became of a call: once it is connected, a request may be such that the server
 * hangs, dies or stammers over it. */
bool call_failure_may_be_of_request(enum call_outcome outcome);

struct call_request {
    const char *method;        /* "GET", "POST" */
    const char *url;           /* http:// or https://, without user; redirects are not followed */
    const struct pair *fields; /* Content-Type, Authorization...; no control bytes */
    size_t field_count;
    struct span body;                 /* .at NULL: none */
    uint64_t timeout_us;              /* for all of it, from call_begin() on */
    size_t answer_most;               /* bytes of the answer's body */
    const char *ca_file;              /* the only ones that are trusted; NULL: the system's */
    const char *cert_file, *key_file; /* our own certificate; NULL: none */
};

struct call_answer {
    enum call_outcome outcome;
    unsigned status; /* 0: none was read */
    struct span body;
    const struct pair *fields; /* names in lower case */
    size_t field_count;
    const char *why; /* a sentence where it is not ANSWERED; none of the request's secrets in it */
    uint64_t duration_us;
    struct span peer_address; /* text without port; empty: not connected */
    unsigned peer_port;
};

/* `answer` lives until call_free(). */
typedef void call_answered(void *context, const struct call_answer *answer);

/* The thread is made with the first call. NULL `settings`: as they are by default. */
struct caller *caller_start(const struct caller_settings *settings);
/* Calls under way end as BROKEN. Nobody begins one any more, but loops of askers may turn on.
 * NULL allowed. */
void caller_stop(struct caller *caller);
/* How many are under way; any thread. */
unsigned caller_under_way(const struct caller *caller);

/* On `loop`'s thread. What the request points to is copied. `answered` is called once, on that
 * thread, never from within call_begin(), and not after call_free(). NULL: too many are under way,
 * or no thread could be made. */
struct call *call_begin(struct caller *caller, struct loop *loop,
                        const struct call_request *request, call_answered *answered, void *context);
/* On the same thread, in `answered` too; gives up what is under way, and never waits. Mail for the
 * loop may still lie there: it turns once more before it is freed. NULL allowed. */
void call_free(struct call *call);

#endif
