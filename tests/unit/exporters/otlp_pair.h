/* SPDX-License-Identifier: Apache-2.0 */
/* A sender and its receiver in one thread, with the clock in the test's hand. */
#ifndef SIDEGATE_TESTS_UNIT_EXPORTERS_OTLP_PAIR_H
#define SIDEGATE_TESTS_UNIT_EXPORTERS_OTLP_PAIR_H

#include "tests/unit/exporters/collector.h"
#include "tests/unit/exporters/otlp_scene.h"

struct otlp_pair {
    struct collector collector;
    struct otlp_scene way;
    unsigned wanted; /* what a question waits for */
};

struct otlp_pair *otlp_pair_new(bool gzip);
void otlp_pair_free(struct otlp_pair *pair);
/* The spans of so many requests. */
void otlp_pair_put(struct otlp_pair *pair, unsigned requests);
struct destination_figures otlp_pair_figures(const struct otlp_pair *pair);
/* A turn of both. */
void otlp_pair_step(struct otlp_pair *pair);

/* Questions for comes_true(), each behind a turn of both: did `wanted` requests come? */
bool otlp_pair_has_come(void *pair);
bool otlp_pair_is_settled(void *pair); /* nothing waits */
bool otlp_pair_is_stuck(void *pair);
/* The clock stands: whatever is under way has time to arrive, but nothing new may start. */
void otlp_pair_stands_still(struct otlp_pair *pair);

#endif
