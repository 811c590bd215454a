/* SPDX-License-Identifier: Apache-2.0 */
/* The exchange's part in tests of h1_server: takes clients, and answers them by hand or by itself.
 */
#ifndef SIDEGATE_TESTS_UNIT_WIRE_VISITOR_H
#define SIDEGATE_TESTS_UNIT_WIRE_VISITOR_H

#include "sidecar/wire/h1.h"
#include "tests/unit/wire/far_end.h"

struct visitor {
    struct world *world;
    struct h1_server *server; /* NULL: closed */
    struct client *client;    /* NULL: none is handed over */
    struct task task;
    struct stream *near; /* the server's: for counting */
    struct far_end far;
    unsigned clients, wakes, closes;
    struct buf body;  /* of the request */
    struct buf trace; /* a line for each request: method, target, status, body */
    bool answers;     /* by itself: "200", the body repeated in chunks */
    bool head_sent, body_done;
    size_t answered; /* bytes of `body` that were repeated */
};

struct visitor_options {
    size_t capacity;     /* of the wire; 0: 64 KiB */
    unsigned handshakes; /* as stream_memory_pair() */
    size_t buffer_bytes; /* 0: 16 KiB */
    bool answers;
};

void visitor_open(struct visitor *visitor, struct world *world,
                  const struct visitor_options *options);
/* Aborts what is left, checks that all is gone. */
void visitor_close(struct visitor *visitor);

void visitor_take_body(struct visitor *visitor); /* as much as is here */
/* A head with a Content-Length body, sent whole; not released. */
void visitor_answer(struct visitor *visitor, unsigned status, const char *body);
void visitor_release(struct visitor *visitor, bool answer_is_whole);

#endif
