/* SPDX-License-Identifier: Apache-2.0 */
/* A house for exchanges in memory: a loop with a clock that is turned by hand, clients that behave
 * like streams of one HTTP/2 connection (credit given byte by byte, resets anywhere), and a
 * scripted backend behind streams that behave like TLS. */
#ifndef SIDEGATE_TESTS_UNIT_EXCHANGE_PEERS_H
#define SIDEGATE_TESTS_UNIT_EXCHANGE_PEERS_H

#include "rules/base/buf.h"
#include "sidecar/exchange/exchange.h"

enum { STORY_STREAMS = 8, STORY_STAGES = 32, STORY_TURNS = 400 };

/* What the last record said. */
struct told {
    unsigned count;
    unsigned status;
    char error[64];
    char stages[STORY_STAGES * 24]; /* "read_head select ..." */
    uint64_t duration_us, stages_us;
    size_t attempts;
    char attempt_error[64]; /* of the last one */
    uint64_t bytes_in, bytes_out;
};

struct story_client {
    struct client client; /* the peer */
    struct request_head head;
    struct pair fields[8];
    /* what the test lets happen */
    struct span upload; /* what of the body has come and was not consumed */
    bool upload_ended, upload_broken, gone;
    size_t window; /* of the answer, in bytes */
    /* what the exchange did */
    unsigned status, interims;
    struct buf answer;
    bool answer_ended, released, released_whole;
};

/* A backend's connection; scripts look at `heard` and write. */
struct story_backend {
    struct stream *stream;
    struct buf heard;
    struct story *story;
    unsigned answered; /* requests on this connection */
};

struct story {
    uint64_t now_us;
    struct clock clock;
    struct loop *loop;
    struct surroundings around;
    struct snapshot *snapshot;
    struct pool *pool;
    struct connection_facts facts;
    struct metrics *metrics;
    _Atomic unsigned in_flight;
    struct told told;
    struct story_client clients[STORY_STREAMS];
    struct story_backend backends[STORY_STREAMS];
    unsigned backend_count;
    /* Called when a backend has heard something; NULL: it only listens. */
    void (*script)(struct story_backend *backend);
    unsigned handshakes; /* every n-th read of the backend's stream wants to write first */
    bool refuse;         /* no connection can be made */
    uint64_t cpu_ns;     /* what inspections are measured with */
    uint64_t look_ns;    /* how much of it each look costs */
};

/* `yaml`: what the configuration has beside a listener and an upstream. */
struct story *story_new(const char *yaml, unsigned max_connections);
void story_free(struct story *story);
/* Turns the loop until nothing moves any more, or as often as it is told. */
void story_turn(struct story *story, unsigned turns);
/* Time passes. */
void story_later(struct story *story, uint64_t us);

/* A request of the i-th stream; begins its exchange. body_length: 0, a length or BODY_UNKNOWN. */
struct story_client *story_ask(struct story *story, unsigned i, const char *method,
                               const char *target, int64_t body_length);
/* The same with one more field. */
struct story_client *story_ask_with(struct story *story, unsigned i, const char *method,
                                    const char *target, struct pair field);
void story_credit(struct story_client *client, size_t bytes);
void story_upload(struct story_client *client, const char *bytes, bool ended);
void story_reset(struct story_client *client);

void backend_say(struct story_backend *backend, const char *bytes);
bool backend_heard(const struct story_backend *backend, const char *text);
/* A script: each whole head is answered with "hello". */
void backend_hello(struct story_backend *backend);

#endif
