/* SPDX-License-Identifier: Apache-2.0 */
/* A server for calls, on loopback: a thread for each connection, which answers by the path. */
#ifndef SIDEGATE_TESTS_UNIT_UPSTREAM_CALL_SERVER_H
#define SIDEGATE_TESTS_UNIT_UPSTREAM_CALL_SERVER_H

#include <stdbool.h>

struct call_server;

struct call_server_options {
    bool tls;            /* a certificate for the name "localhost", signed by itself */
    bool wants_identity; /* a client certificate, signed by the server's own key */
    const char *files;   /* TLS: FILES.crt and FILES.key are written */
};

struct call_server *call_server_open(const struct call_server_options *options);
void call_server_close(struct call_server *server);
unsigned call_server_port(const struct call_server *server);
/* Connections that were accepted. */
unsigned call_server_connections(const struct call_server *server);

#endif
