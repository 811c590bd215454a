/* SPDX-License-Identifier: Apache-2.0 */
/* PCRE2 as rules use it: 8 bit, JIT, limits always set. A pattern is frozen and shared by threads;
 * a scratch belongs to one. */
#ifndef SIDEGATE_RULES_MATCH_PATTERN_H
#define SIDEGATE_RULES_MATCH_PATTERN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rules/base/arena.h"
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
    PATTERN_LIMIT,  /* ran over a limit: neither yes nor no */
    PATTERN_PAUSED, /* pattern_match_slice() alone: nothing so far, and there is more to look at */
};

/* Who waits: asked every PATTERN_WINDOW bytes of a long subject whether it is enough for now. */
enum { PATTERN_WINDOW = 32 * 1024 };
struct patience {
    bool (*is_over)(void *context); /* NULL: there is no end to it */
    void *context;
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
/* The same from byte `start` on; what stands before it is still seen by \b and look-behind. */
enum pattern_answer pattern_match_from(const struct pattern *pattern, struct span subject,
                                       size_t start, struct scratch *scratch,
                                       struct captures *captures);
/* The same in slices: PAUSED leaves in *start where to go on. The answer is that of the search as a
 * whole, wherever it paused. */
enum pattern_answer pattern_match_slice(const struct pattern *pattern, struct span subject,
                                        size_t *start, const struct patience *patience,
                                        struct scratch *scratch, struct captures *captures);
bool pattern_has_jit(const struct pattern *pattern);

/* `value` with the characters escaped that mean something in a pattern, for macros in the argument
 * of @rx. The bar stays: values such as a|b are lists of alternatives (CRS 3 writes them so; up to
 * 2.9.7 ModSecurity did the same, 2.9.8 does not). The very same span where nothing was to escape.
 */
struct span pattern_escape(struct span value, struct arena *arena);

#endif
