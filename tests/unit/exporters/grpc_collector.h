/* SPDX-License-Identifier: Apache-2.0 */
/* A gRPC receiver of OTLP for tests: HTTP/2 over plain TCP on loopback, in the test's own thread,
 * answering what it is told. */
#ifndef SIDEGATE_TESTS_UNIT_EXPORTERS_GRPC_COLLECTOR_H
#define SIDEGATE_TESTS_UNIT_EXPORTERS_GRPC_COLLECTOR_H

#include "rules/base/buf.h"
#include "rules/base/span.h"

enum { GRPC_CONNECTIONS = 4 };

struct grpc_collector {
    int listener;
    char url[64];
    struct grpc_connection {
        struct grpc_collector *collector;
        int fd; /* -1: free */
        struct nghttp2_session *session;
    } connections[GRPC_CONNECTIONS];
    const char *status, *message, *details; /* trailers; status NULL: none, resets the stream */
    struct span body;                       /* the answer's frame; nothing: trailers alone */
    unsigned requests;
    struct buf head; /* of the last request, "name: value\n" each */
    struct buf last; /* its frame, as it came */
};

void grpc_collector_init(struct grpc_collector *collector);
void grpc_collector_fini(struct grpc_collector *collector);
/* Accepts, reads and answers what can be without waiting. */
void grpc_collector_step(struct grpc_collector *collector);

#endif
