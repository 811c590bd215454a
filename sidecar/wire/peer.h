/* SPDX-License-Identifier: Apache-2.0 */
/* How the exchange sees a client and a server: one stream of one request and one answer, whatever
 * the version.
 *
 *              client ---- body ----> pump ---- sink ----> server
 *   (exchange)        <--- sink ----  pump <--- body ----
 *
 * Bodies move by credit: a pump takes no more from a source than its sink has room for. All calls
 * are on the worker's thread; a peer never calls back but for `wake`, which only posts the
 * exchange. */
#ifndef SIDEGATE_SIDECAR_WIRE_PEER_H
#define SIDEGATE_SIDECAR_WIRE_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rules/base/span.h"
#include "sidecar/http/message.h"

enum source_state {
    SOURCE_OPEN,   /* more may come */
    SOURCE_ENDED,  /* all bytes were consumed and no more come */
    SOURCE_BROKEN, /* cut off, or not what its framing says */
};
struct source;
struct source_ops {
    struct span (*peek)(struct source *source); /* what is here; stays until it is consumed */
    void (*consume)(struct source *source,
                    size_t bytes); /* at most what peek showed; gives the sender credit */
    enum source_state (*state)(const struct source *source);
    const struct fields *(*trailers)(const struct source *source); /* once ENDED; NULL: none */
};
struct source {
    const struct source_ops *ops;
};

struct sink;
struct sink_ops {
    size_t (*room)(const struct sink *sink);             /* how many bytes a write may have now */
    void (*write)(struct sink *sink, struct span bytes); /* at most room; copied */
    void (*end)(struct sink *sink,
                const struct fields *trailers); /* the body is whole; NULL: no trailers */
};
struct sink {
    const struct sink_ops *ops;
};

/* ---- the client's side of an exchange ---- */

struct client;
struct client_ops {
    void (*send_interim)(struct client *client, const struct answer_head *head); /* 1xx */
    /* The final head. body_length tells how the body is framed; `close`: this is the connection's
     * last answer. */
    void (*send_head)(struct client *client, const struct answer_head *head, bool no_body,
                      bool close);
    bool (*is_gone)(const struct client *client); /* reset or broken: nobody reads an answer. A
                                                     half-close is not it. */
    /* All bytes of the answer have been taken by the transport. */
    bool (*is_flushed)(const struct client *client);
    /* The exchange is over and lets go; the client is not touched afterwards. With the answer whole
     * the connection goes on where it may (an unread request body is drained up to 64 KiB and 1 s
     * first), else it is closed or reset. */
    void (*release)(struct client *client, bool answer_is_whole);
};
struct client {
    const struct client_ops *ops;
    void (*wake)(void *exchange); /* bytes came, room came, the peer went */
    void *exchange;
    struct source body; /* must be found by its owner with list_entry-like arithmetic */
    struct sink answer;
    const struct request_head *head; /* lives until release */
    bool head_is_broken;             /* did not parse: answered and logged, but shown to no rule */
    struct refusal refusal; /* status != 0: the head did not parse, or is refused by the codec */
    uint64_t began_us;      /* loop time of the first byte */
    uint64_t head_us;       /* loop time of the whole head */
};

/* ---- the server's side ---- */

enum answer_state {
    ANSWER_NONE,    /* nothing yet */
    ANSWER_INTERIM, /* a 1xx stands in `head`; server_next() goes on */
    ANSWER_HEAD,    /* the final head stands in `head` */
    ANSWER_STALE,  /* the connection was reused and ended before any byte of an answer: may be tried
                      again */
    ANSWER_BROKEN, /* reset, cut off, or no HTTP */
};
struct server;
struct server_ops {
    /* `no_body`: a body_length of 0. The head's fields are sent as they are, plus framing; nothing
     * is kept of it. */
    void (*send_head)(struct server *server, const struct request_head *head);
    enum answer_state (*answer)(struct server *server);
    void (*next)(struct server *server); /* an interim head has been dealt with */
    /* Lets go. Whole both ways: the connection returns to its pool where it may; else it is closed
     * or reset. */
    void (*release)(struct server *server);
};
struct server {
    const struct server_ops *ops;
    void (*wake)(void *exchange);
    void *exchange;
    struct sink request;
    struct source body;
    const struct answer_head *head; /* lives until next() or release() */
    bool reused;                    /* had served another request before */
    uint64_t first_byte_us;         /* loop time; 0: none yet */
};

#endif
