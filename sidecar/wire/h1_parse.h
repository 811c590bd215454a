/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the parsers of HTTP/1 heads and chunked bodies; nobody else includes it. */
#ifndef SIDEGATE_SIDECAR_WIRE_H1_PARSE_H
#define SIDEGATE_SIDECAR_WIRE_H1_PARSE_H

#include "sidecar/wire/h1.h"

/* ---- field lines (h1_fields.c) ---- */

/* Fields that say how the message is framed, gathered while the lines are read. */
struct h1_singular {
    unsigned count;
    struct span value; /* of the first */
};
struct h1_framing {
    struct h1_singular host, length, coding, expect;
    bool wants_close, wants_keep_alive; /* Connection's members */
};

enum h1_line {
    H1_LINE_FIELD,  /* one more field */
    H1_LINE_END,    /* the empty line */
    H1_LINE_BROKEN, /* see `why` */
};
/* Reads the line at *at, which moves behind its end. The caller has seen that a CR LF stands before
 * `end`. */
enum h1_line h1_line_read(const char **at, const char *end, struct pair *field, const char **why);

/* Reads all lines up to the empty one. A refusal's status is 0 where all is well. */
struct refusal h1_fields_read(const char **at, const char *end, const struct h1_limits *limits,
                              struct arena *arena, struct fields *fields,
                              struct h1_framing *framing);

/* The first byte from `at` on that no field value may have, or `end`. */
const char *h1_value_end(const char *at, const char *end);

/* ---- where a head ends (h1_scan.c) ---- */

enum h1_scan {
    H1_SCAN_MORE, /* all bytes were looked at */
    H1_SCAN_LINE, /* the first line is whole; scan again for more */
    H1_SCAN_HEAD, /* the head is whole */
    H1_SCAN_BARE, /* a line feed without carriage return */
};
/* Looks for line ends from `position` on, which moves behind what was found. `start`: where the
 * first line begins. */
enum h1_scan h1_scan_lines(struct span bytes, size_t start, size_t *position, bool *line_is_seen);

/* ---- framing (h1_framing.c) ---- */

/* RFC 9112 6.3, and no more than that: what could be read in two ways is refused. */
struct refusal h1_frame_request(const struct h1_framing *framing, bool reframe,
                                struct request_head *head, bool *close);
/* False: no answer that can be passed on. */
bool h1_frame_answer(const struct h1_framing *framing, struct span method, bool is_http_1_0,
                     struct answer_head *head, bool *close);

#endif
