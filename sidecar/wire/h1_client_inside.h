/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of h1_client, shared by its files:
 *
 *   h1_client.c          life: turns, being lent and given back, closing
 *   h1_client_request.c  the request as it goes out
 *   h1_client_answer.c   the answer as it comes in
 *
 *          begin()            release(), whole both ways         next task
 *    IDLE ---------> BUSY ---------------------------> GIVEN_BACK ---------> IDLE, on_idle()
 *      | anything comes | release(), else                | anything comes
 *      v                v                                v
 *    CLOSED <--------------------------------------------+
 */
#ifndef SIDEGATE_SIDECAR_WIRE_H1_CLIENT_INSIDE_H
#define SIDEGATE_SIDECAR_WIRE_H1_CLIENT_INSIDE_H

#include "sidecar/wire/h1_link.h"

enum h1_client_phase {
    H1_CLIENT_IDLE,
    H1_CLIENT_BUSY,       /* a server is lent out */
    H1_CLIENT_GIVEN_BACK, /* it came back in order; the owner has still to be told */
    H1_CLIENT_CLOSED,     /* the stream is gone; the next turn of the task frees us */
};

struct h1_client {
    struct h1_link link;
    struct h1_client_options options;
    void (*on_idle)(void *owner);
    void (*on_closed)(void *owner);
    void *owner;
    enum h1_client_phase phase;

    /* the request under way, and its answer */
    struct server server;
    struct span method; /* static text: as far as an answer's framing depends on it */
    enum answer_state answer;
    struct answer_head head;
    size_t seen;          /* the parser's memory */
    size_t interim_bytes; /* of the interim head that stands in `head` */
    unsigned interims;
    struct h1_body body;
    bool last;             /* the answer said that the connection ends */
    uint64_t began_at_out; /* link.bytes_out when the request began */
};

/* ---- h1_client.c ---- */
void h1_client_wake(struct h1_client *client);
void h1_client_want(struct h1_client *client);
void h1_client_release(struct server *server);

/* ---- h1_client_request.c ---- */
void h1_client_send_head(struct server *server, const struct request_head *head);
extern const struct sink_ops h1_client_sink;

/* ---- h1_client_answer.c ---- */
/* Bytes, or an end, that were here before the request was sent: they answer nothing. */
void h1_client_spoil(struct h1_client *client);
/* Makes what can be made of what was read. */
void h1_client_advance(struct h1_client *client);
enum answer_state h1_client_answer(struct server *server);
void h1_client_next(struct server *server);
extern const struct source_ops h1_client_source;

#endif
