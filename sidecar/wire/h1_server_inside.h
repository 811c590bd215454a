/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of h1_server, shared by its files:
 *
 *   h1_server.c          life: turns, timers, closing
 *   h1_server_request.c  heads in, bodies in, what is left of them
 *   h1_server_answer.c   heads out, bodies out, letting go
 *
 *           first byte        head is whole,          release():
 *                             or refused              answer whole
 *    IDLE -----------> HEAD -----------> BUSY ------------------> DRAIN ---> IDLE
 *      |                                   |                        |
 *      | idle too long                     | last answer            | too much
 *      v                                   v                        v
 *    CLOSED <------------------------------------------------ LINGER
 */
#ifndef SIDEGATE_SIDECAR_WIRE_H1_SERVER_INSIDE_H
#define SIDEGATE_SIDECAR_WIRE_H1_SERVER_INSIDE_H

#include "sidecar/wire/h1_link.h"

enum h1_server_phase {
    H1_SERVER_IDLE,   /* between requests */
    H1_SERVER_HEAD,   /* a part of a head is here */
    H1_SERVER_BUSY,   /* a client has been handed over */
    H1_SERVER_DRAIN,  /* it was released; the rest of its body is read and thrown away */
    H1_SERVER_LINGER, /* the last answer goes out; then reading until the other side closes too */
    H1_SERVER_CLOSED, /* the stream is gone; the next turn of the task frees us */
};

struct h1_server {
    struct h1_link link;
    struct h1_server_options options;
    void (*on_request)(void *owner, struct client *client);
    void (*on_closed)(void *owner);
    void *owner;

    enum h1_server_phase phase;
    struct timer timer; /* of the phase */
    bool timed_out;
    bool last;     /* no request follows the one under way */
    bool draining; /* h1_server_drain() was called */

    /* the request under way */
    struct client client;
    struct request_head head;
    size_t seen; /* the parser's memory */
    struct h1_body body;
    bool continued; /* 100 was sent */

    size_t thrown_bytes; /* while draining and lingering */
    bool finished;       /* our half is closed */
};

/* ---- h1_server.c ---- */
void h1_server_enter(struct h1_server *server, enum h1_server_phase phase, uint64_t timeout_us);
/* The stream goes at once. A client that is handed over finds out and lets go first. */
void h1_server_close(struct h1_server *server, enum h1_link_close how);
void h1_server_linger(struct h1_server *server);
void h1_server_wake(struct h1_server *server);
void h1_server_want(struct h1_server *server);

/* ---- h1_server_request.c ---- */
/* IDLE and HEAD: looks for a head in what was read, and hands it over. */
void h1_server_look(struct h1_server *server);
/* DRAIN: throws away what came of the body, and goes on where that was all. */
void h1_server_throw_away(struct h1_server *server);
/* The next request, please. */
void h1_server_next(struct h1_server *server);
/* So many more bytes were thrown away; false: that was too much. */
bool h1_server_threw(struct h1_server *server, size_t bytes);
/* Bytes that are not here yet will not come. */
static inline bool h1_server_reads_no_more(const struct h1_server *server)
{
    return server->link.read_ended || h1_link_is_gone(&server->link);
}
extern const struct source_ops h1_server_source;

/* ---- h1_server_answer.c ---- */
extern const struct client_ops h1_server_client;
extern const struct sink_ops h1_server_sink;

#endif
