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

struct policy_request;

enum pattern_piece_kind { PIECE_TEXT, PIECE_ANY_RUN, PIECE_ANY_BYTE, PIECE_VARIABLE };
struct pattern_piece {
    enum pattern_piece_kind kind;
    struct span text;     /* TEXT: the bytes; VARIABLE: the key */
    struct span fallback; /* VARIABLE: its default; at == NULL: none */
};

struct pattern {
    const struct pattern_piece *pieces;
    size_t count;
    bool abbreviated; /* "execute-api:/stage/...": only what follows the API's id is compared */
};

enum pattern_reading { /* bits */
                       PATTERN_WILDCARDS = 1 << 0,
                       PATTERN_VARIABLES = 1 << 1,
};
/* `text` has to live as long as the pattern. False: a variable is broken, or the arena is full. */
bool pattern_read(struct span text, unsigned reading, struct arena *arena, struct pattern *out);

/* One evaluation: room for a pattern whose variables are filled in. */
enum { PATTERN_ROOM = 4096 };
struct pattern_run {
    const struct policy_request *request;
    bool over_limit; /* sticky: a pattern did not fit, and matched nothing */
    size_t len;
    uint16_t room[PATTERN_ROOM]; /* bytes, or the two wildcards beyond them */
};

/* The whole text. A variable without value and default: nothing matches. */
bool pattern_matches(struct pattern_run *run, const struct pattern *pattern, struct span text,
                     bool nocase);
/* Each of the six parts by itself, so that no star runs over a colon; in the last one any byte. A
 * text that is no ARN fits nothing but "*". `completed`: parts that the pattern lacks are stars. */
bool pattern_matches_arn(struct pattern_run *run, const struct pattern *pattern, struct span arn,
                         bool completed);

enum { ARN_PARTS = 6 };
/* "arn:partition:service:region:account:resource"; false: fewer parts, or it begins otherwise. */
bool arn_split(struct span arn, struct span parts[ARN_PARTS]);

#endif
