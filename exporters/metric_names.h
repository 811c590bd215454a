/* SPDX-License-Identifier: Apache-2.0 */
/* From Prometheus' spelling to OpenTelemetry's. What metric_names.tbl does not name follows a rule:
 * sidegate_rule_matches_total is sidegate.rule_matches, sidegate_loop_delay_seconds is
 * sidegate.loop_delay in s, the label `stage` is the attribute sidegate.stage. */
#ifndef SIDEGATE_EXPORTERS_METRIC_NAMES_H
#define SIDEGATE_EXPORTERS_METRIC_NAMES_H

#include <stdbool.h>

#include "rules/base/span.h"

struct metric_name {
    char text[96];
    const char *unit;    /* "" where there is none; static text */
    bool is_up_and_down; /* a sum that also falls */
};
void metric_name_of(const char *name, struct metric_name *to);

enum label_type { LABEL_TEXT, LABEL_NUMBER, LABEL_TRUTH };
struct label_name {
    char text[64];
    enum label_type type;
};
void label_name_of(struct span label, struct label_name *to);

#endif
