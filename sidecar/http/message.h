/* SPDX-License-Identifier: Apache-2.0 */
/* Heads as every version of HTTP has them: what HTTP/1 puts into a line, HTTP/2 puts into
 * pseudo-fields. */
#ifndef SIDEGATE_SIDECAR_HTTP_MESSAGE_H
#define SIDEGATE_SIDECAR_HTTP_MESSAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "rules/base/span.h"
#include "sidecar/http/fields.h"

enum http_version { HTTP_NONE, HTTP_1_0, HTTP_1_1, HTTP_2, HTTP_OTHER };

enum { BODY_UNKNOWN = -1 }; /* the length of a body that ends with its stream (chunked, closed) */

struct request_head {
    struct span line; /* the line as it came, for rules and logs; HTTP/2: made up */
    struct span method;
    struct span scheme;    /* "http", "https" */
    struct span authority; /* Host or :authority; empty where there is none */
    struct span target;    /* as it came */
    struct span protocol;  /* as it came: "HTTP/1.1" */
    enum http_version version;
    struct fields fields; /* Host included */
    int64_t body_length;  /* 0: none; BODY_UNKNOWN: chunked */
    bool expects_continue;
};

struct answer_head {
    unsigned status;
    struct span reason;   /* as it came; empty: the standard one */
    struct span protocol; /* as it came */
    struct fields fields;
    int64_t body_length; /* what follows: 0, a length, or BODY_UNKNOWN */
};

/* Why a head was not accepted: the answer it gets, and a word for the log. */
struct refusal {
    unsigned status; /* 0: no refusal; 400 where nothing else is said */
    const char *why; /* "bad_request_line", "both_lengths", "header_too_large"...: static text */
    bool silent;     /* close without a status line: what came is not HTTP */
};

#endif
