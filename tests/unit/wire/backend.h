/* SPDX-License-Identifier: Apache-2.0 */
/* The exchange's part in tests of h1_client, with a backend at the far end. */
#ifndef SIDEGATE_TESTS_UNIT_WIRE_BACKEND_H
#define SIDEGATE_TESTS_UNIT_WIRE_BACKEND_H

#include "sidecar/wire/h1.h"
#include "tests/unit/wire/far_end.h"

struct backend {
    struct world *world;
    struct stream *near;      /* the client's: for counting */
    struct h1_client *client; /* NULL: closed */
    struct server *server;    /* NULL: none is lent */
    struct far_end far;
    unsigned wakes, idles, closes;
    struct buf body; /* of the answer */
};

struct backend_options {
    size_t capacity; /* of the wire; 0: 64 KiB */
    unsigned handshakes;
    size_t buffer_bytes; /* 0: 16 KiB */
};

void backend_open(struct backend *backend, struct world *world,
                  const struct backend_options *options);
void backend_close(struct backend *backend); /* checks that all is gone */

/* A request for /path with a field "Host: b". `length` as in the head. */
void backend_ask(struct backend *backend, const char *method, int64_t length);
/* Reads the body as far as it is here, turn by turn, until it has ended or nothing moves. */
enum source_state backend_take_body(struct backend *backend);
void backend_release(struct backend *backend);
enum answer_state backend_answer(const struct backend *backend);

#endif
