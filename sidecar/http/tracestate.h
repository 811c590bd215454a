/* SPDX-License-Identifier: Apache-2.0 */
/* tracestate: what tracing systems keep of a trace, the latest writer's member first. W3C Trace
 * Context level 2, 3.3. Texts are borrowed from the fields. */
#ifndef SIDEGATE_SIDECAR_HTTP_TRACESTATE_H
#define SIDEGATE_SIDECAR_HTTP_TRACESTATE_H

#include "sidecar/http/fields.h"

enum {
    TRACESTATE_MEMBERS = 32,
    TRACESTATE_KEY = 256,    /* characters at most; of a value too */
    TRACESTATE_LENGTH = 512, /* that are passed on at least, and here at most */
    TRACESTATE_LONG = 128,   /* members beyond are the first that go where there is no room */
};

struct tracestate {
    struct pair members[TRACESTATE_MEMBERS];
    size_t count;
};

/* All fields of that name, joined in their order; empty members are none. False: one is broken, a
 * key comes twice, or there are more than 32: then nothing of it may be passed on, and `to` is
 * empty. */
bool tracestate_read(const struct fields *fields, struct tracestate *to);
/* at == NULL: there is no such member. */
struct span tracestate_get(const struct tracestate *state, struct span key);
/* The member comes first from now on, with this value; where 32 are there the last one goes. An
 * empty value takes it out. */
void tracestate_set(struct tracestate *state, struct span key, struct span value);
/* As one field's value; empty: there is nothing to send. at == NULL: the arena is full. */
struct span tracestate_write(const struct tracestate *state, struct arena *arena);

#endif
