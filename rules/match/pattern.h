/* SPDX-License-Identifier: Apache-2.0 */
/* PCRE2 as rules use it: 8 bit, JIT, limits always set. A pattern is frozen and shared by threads;
 * a scratch belongs to one. */
#ifndef SIDEGATE_RULES_MATCH_PATTERN_H
#define SIDEGATE_RULES_MATCH_PATTERN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rules/base/span.h"

struct pattern;
struct scratch; /* match data, match context and JIT stack of one worker */

enum pattern_flags {
    PATTERN_RULE = 0,          /* DOTALL | DOLLAR_ENDONLY, as ModSecurity 2 */
    PATTERN_SELECTOR = 1 << 0, /* the same and caseless: /regex/ selectors */
};

/* NULL on a wrong pattern; then *offset is the byte in `text` and `why` (`size` bytes) says what is
 * wrong. */
struct pattern *pattern_new(struct span text, unsigned flags, size_t *offset, char *why,
                            size_t size);
void pattern_free(struct pattern *pattern);

struct scratch *scratch_new(void);
void scratch_free(struct scratch *scratch);
/* PCRE2's match limit for the matches that follow; 0: the default (500,000). */
void scratch_set_match_limit(struct scratch *scratch, uint32_t limit);

enum pattern_answer {
    PATTERN_NO,
    PATTERN_YES,
    PATTERN_LIMIT, /* ran over a limit: neither yes nor no */
};

enum { CAPTURES = 10 };

struct captures {
    struct span at[CAPTURES]; /* parts of the subject (detectors: text of their own); 0 is the whole
                                 match */
    unsigned count;           /* how many are set */
};

/* `captures` may be NULL. */
enum pattern_answer pattern_match(const struct pattern *pattern, struct span subject,
                                  struct scratch *scratch, struct captures *captures);
/* The same from a place on, for @rxGlobal; *end is where the match ends. */
bool pattern_has_jit(const struct pattern *pattern);

#endif
