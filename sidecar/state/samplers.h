/* SPDX-License-Identifier: Apache-2.0 */
/* X-Ray's sampling rules at work: which ones hold now, and what of them is spent. Shared by all
 * workers, exact over them: together they spend one reservoir. Outlives reloads; a rule that keeps
 * its name keeps what was counted.
 *
 *   rule  | second : used |  at most the reservoir a second, then the rate
 *         | quota until   |  central: what the service granted; before that and after it one a
 *         | asked, sampled, borrowed |   second is borrowed
 */
#ifndef SIDEGATE_SIDECAR_STATE_SAMPLERS_H
#define SIDEGATE_SIDECAR_STATE_SAMPLERS_H

#include <stdint.h>

#include "sidecar/http/sampling_rules.h"

struct samplers;

enum sampling_source {
    SAMPLING_BUILT_IN, /* the default rule alone: nothing else is known */
    SAMPLING_FILE,
    SAMPLING_SERVICE, /* reservoirs are granted by targets */
};
const char *sampling_source_word(enum sampling_source source);

enum sampling_fate {
    SAMPLING_RESERVOIR,
    SAMPLING_BORROWED,
    SAMPLING_RATE,
    SAMPLING_NOT,
    SAMPLING_FATES
};
const char *sampling_fate_word(enum sampling_fate fate);

/* With the default rule. */
struct samplers *samplers_new(void);
void samplers_free(struct samplers *samplers); /* NULL allowed */

/* The rules that hold from now on: copied. Any thread. */
void samplers_set(struct samplers *samplers, const struct sampling_rules *rules,
                  enum sampling_source source);

struct sampling_verdict {
    enum sampling_fate fate;
    size_t name_length;
    char name[SAMPLING_NAME_MOST]; /* of the rule */
};
/* Any thread. `random` says on its own whether the rate keeps it: 56 bits of the trace's id. */
struct sampling_verdict samplers_ask(struct samplers *samplers,
                                     const struct sampling_request *request,
                                     const uint8_t trace_id[16], uint64_t wall_us);

/* What the service grants a rule: so many a second until then. A rule that nobody knows: nothing.
 */
struct sampling_target {
    struct span name;
    bool has_rate, has_quota;
    unsigned rate, quota;
    uint64_t until_us; /* wall clock */
};
void samplers_grant(struct samplers *samplers, const struct sampling_target *target);

/* What came of a rule since it is known. */
struct sampling_figures {
    size_t name_length;
    char name[SAMPLING_NAME_MOST];
    uint64_t fates[SAMPLING_FATES];
};
/* Rule `i` of those that hold; false: there is none. */
bool samplers_figures(struct samplers *samplers, size_t i, struct sampling_figures *to);
enum sampling_source samplers_source(struct samplers *samplers);

#endif
