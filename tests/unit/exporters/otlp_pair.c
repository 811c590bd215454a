/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/exporters/otlp_pair.h"

#include <stdlib.h>

#include "rules/base/must.h"
#include "tests/check.h"

struct otlp_pair *otlp_pair_new(bool gzip)
{
    struct otlp_pair *pair = must_alloc(sizeof *pair);
    collector_init(&pair->collector);
    otlp_scene_begin(&pair->way, span_text(pair->collector.url), "v1/traces");
    pair->way.to.gzip = gzip;
    otlp_scene_start(&pair->way);
    return pair;
}

void otlp_pair_free(struct otlp_pair *pair)
{
    otlp_scene_end(&pair->way);
    collector_fini(&pair->collector);
    free(pair);
}

void otlp_pair_put(struct otlp_pair *pair, unsigned requests)
{
    otlp_scene_put(&pair->way, requests);
}

struct destination_figures otlp_pair_figures(const struct otlp_pair *pair)
{
    return otlp_scene_figures(&pair->way);
}

void otlp_pair_step(struct otlp_pair *pair)
{
    otlp_scene_step(&pair->way);
    collector_step(&pair->collector);
    otlp_pair_figures(pair);
}

bool otlp_pair_has_come(void *context)
{
    struct otlp_pair *pair = context;
    otlp_pair_step(pair);
    return pair->collector.requests >= pair->wanted;
}

bool otlp_pair_is_settled(void *context)
{
    struct otlp_pair *pair = context;
    otlp_pair_step(pair);
    return otlp_pair_figures(pair).waiting == 0;
}

bool otlp_pair_is_stuck(void *context)
{
    struct otlp_pair *pair = context;
    otlp_pair_step(pair);
    return otlp_is_stuck(pair->way.otlp);
}

void otlp_pair_stands_still(struct otlp_pair *pair)
{
    unsigned requests = pair->collector.requests;
    for (unsigned i = 0; i < 200; i++)
        otlp_pair_step(pair);
    check_number(pair->collector.requests, requests);
}
