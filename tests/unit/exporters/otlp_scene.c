/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/exporters/otlp_scene.h"

#include <stdio.h>

#include "exporters/spans.h"
#include "tests/check.h"
#include "tests/unit/exporters/sample.h"

static bool goes_past;
static const uint8_t some_bytes[16] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};

void otlp_scene_begin(struct otlp_scene *s, struct span base, const char *path)
{
    struct report report = sample_report();
    struct span_maker *maker = span_maker_new();
    snprintf(s->url, sizeof s->url, SPAN_FORMAT "%s", span_arg(base), path);
    s->to = (struct channel_settings){.name = SPAN("otlp"),
                                      .signal = OTLP_TRACES,
                                      .url = span_text(s->url),
                                      .batch = {.units = 512}};
    s->settings = (struct otlp_settings){
        &s->to, {.service_name = SPAN("shop-sidecar"), .environment = SPAN("test")}};
    s->carrier = carrier_new();
    s->now_us = 100 * SECOND;
    buf_init(&s->item, 1 << 16);
    check_number(spans_add(maker, &s->item, &report), SPANS);
    span_maker_free(maker);
}

void otlp_scene_start(struct otlp_scene *s)
{
    s->queue = queue_new(10000);
    s->feed = feed_new(s->queue, -1, "otlp", (struct feed_kind){1, "spans"});
    s->otlp = otlp_new(s->feed, s->carrier, &s->settings, some_bytes);
}

void otlp_scene_end(struct otlp_scene *s)
{
    uint64_t under_way = otlp_scene_figures(s).waiting - queue_units(s->queue);
    uint64_t before = otlp_scene_figures(s).dropped[DROP_SHUTDOWN];
    otlp_free(s->otlp);
    carrier_free(s->carrier);
    check_number(otlp_scene_figures(s).dropped[DROP_SHUTDOWN] - before, under_way);
    feed_stop(s->feed, 0);
    queue_free(s->queue);
    buf_fini(&s->item);
}

int otlp_scene_past_the_queue(void **state)
{
    (void)state;
    goes_past = true;
    return 0;
}

int otlp_scene_by_the_queue(void **state)
{
    (void)state;
    goes_past = false;
    return 0;
}

static bool fill(struct otlp_scene *s)
{
    struct buf *batch = goes_past ? otlp_open_batch(s->otlp) : NULL;
    if (batch == NULL)
        return false;
    size_t from = batch->len;
    check(buf_add(batch, buf_span(&s->item)));
    bool is_in = otlp_filled(s->otlp, from, SPANS);
    if (!is_in)
        buf_cut(batch, from);
    return is_in;
}

void otlp_scene_put(struct otlp_scene *s, unsigned requests)
{
    for (unsigned i = 0; i < requests; i++) {
        if (!fill(s))
            queue_put(s->queue, buf_span(&s->item), SPANS);
    }
}

void otlp_scene_step(struct otlp_scene *s)
{
    carrier_turn(s->carrier, s->now_us);
    otlp_step(s->otlp, s->now_us, s->flush);
    carrier_turn(s->carrier, s->now_us);
}

struct destination_figures otlp_scene_figures(const struct otlp_scene *s)
{
    return queue_adds_up(s->queue);
}
