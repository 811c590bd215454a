/* SPDX-License-Identifier: Apache-2.0 */
/* For metrics_walk*.c alone: a walk under way. */
#ifndef SIDEGATE_EXPORTERS_METRICS_WALK_INSIDE_H
#define SIDEGATE_EXPORTERS_METRICS_WALK_INSIDE_H

#include "exporters/metrics_walk.h"

struct walk {
    const struct metric_sink *sink;
    struct metric metric;
    uint64_t start_wall_us; /* of the figures that come */
};

/* A metric begins. Rows of the same name are one: only the first has a sentence. */
void walk_begin(struct walk *walk, const char *name, enum metric_kind kind, const char *sentence);
/* A figure of it; of microseconds. */
void walk_give(struct walk *walk, const struct pair *labels, size_t count, uint64_t value);
void walk_give_us(struct walk *walk, const struct pair *labels, size_t count, uint64_t us);

/* The process as a whole: metrics_walk_process.c */
void walk_process(struct walk *walk, const struct process_facts *facts);

#endif
