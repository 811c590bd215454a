/* SPDX-License-Identifier: Apache-2.0 */
/* A receiver of OTLP for tests: on loopback, in the test's own thread, answering what it is told.
 */
#ifndef SIDEGATE_TESTS_UNIT_EXPORTERS_COLLECTOR_H
#define SIDEGATE_TESTS_UNIT_EXPORTERS_COLLECTOR_H

#include "exporters/proto/otlp.pb-c.h"
#include "rules/base/buf.h"

enum { COLLECTOR_CONNECTIONS = 8 };

struct collector {
    int listener;
    char url[64];
    struct {
        int fd; /* -1: free */
        struct buf in;
    } connections[COLLECTOR_CONNECTIONS];
    bool is_deaf;                  /* accepts, and reads nothing */
    const char *answer;            /* the answer's head; "": hangs up; NULL: never answers */
    struct span body;              /* behind it */
    unsigned arrivals;             /* connections */
    unsigned requests, departures; /* departures: connections that the other side closed */
    struct buf head;               /* of the last request */
    struct buf last;               /* its body */
    uint64_t spans;                /* of all requests whose answer was a 200 */
    uint64_t most_spans;           /* more in one request get a 413; 0: any number will do */
    unsigned refusals;             /* of these */
};

void collector_init(struct collector *collector);
void collector_fini(struct collector *collector);
/* Accepts, reads and answers what can be without waiting. */
void collector_step(struct collector *collector);

#endif
