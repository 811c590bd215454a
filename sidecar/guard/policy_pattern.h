/* SPDX-License-Identifier: Apache-2.0 */
/* A text of a policy with wildcards and variables: "arn:aws:s3:::home-${aws:username}-*".
 *
 *   text 'a'.. | * | ? | variable aws:username, default 'x'
 *
 * A variable's value is text: a star in it stands for a star. ${*} ${?} ${$} are these bytes. */
#ifndef SIDEGATE_SIDECAR_GUARD_POLICY_PATTERN_H
#define SIDEGATE_SIDECAR_GUARD_POLICY_PATTERN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rules/base/arena.h"
#include "rules/base/span.h"
#include "sidecar/guard/arn.h"

struct policy_request;

enum policy_piece_kind { PIECE_TEXT, PIECE_ANY_RUN, PIECE_ANY_BYTE, PIECE_VARIABLE };
struct policy_piece {
    enum policy_piece_kind kind;
    struct span text;     /* TEXT: the bytes; VARIABLE: the key */
    struct span fallback; /* VARIABLE: its default; at == NULL: none */
};

struct policy_pattern {
    const struct policy_piece *pieces;
    size_t count;
    bool abbreviated; /* "execute-api:/stage/...": only what follows the API's id is compared */
};

enum policy_reading { /* bits */
                      POLICY_WILDCARDS = 1 << 0,
                      POLICY_VARIABLES = 1 << 1,
};
/* `text` has to live as long as the pattern. False: a variable is broken, or the arena is full. */
bool policy_pattern_read(struct span text, unsigned reading, struct arena *arena,
                         struct policy_pattern *out);

/* One evaluation: room for a pattern whose variables are filled in. */
enum { POLICY_ROOM = 4096 };
struct policy_run {
    const struct policy_request *request;
    bool over_limit; /* sticky: a pattern did not fit, and matched nothing */
    size_t len;
    uint16_t room[POLICY_ROOM]; /* bytes, or the two wildcards beyond them */
};

/* The whole text. A variable without value and default: nothing matches. */
bool policy_pattern_matches(struct policy_run *run, const struct policy_pattern *pattern,
                            struct span text, bool nocase);
/* Each of the six parts by itself, so that no star runs over a colon; in the last one any byte. A
 * text that is no ARN fits nothing but "*". `completed`: parts that the pattern lacks are stars. */
bool policy_pattern_matches_arn(struct policy_run *run, const struct policy_pattern *pattern,
                                struct span arn, bool completed);

#endif
