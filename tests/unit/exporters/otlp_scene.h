/* SPDX-License-Identifier: Apache-2.0 */
/* Spans on their way to a receiver, from the queue to the wire, with the clock in the test's hand.
 */
#ifndef SIDEGATE_TESTS_UNIT_EXPORTERS_OTLP_SCENE_H
#define SIDEGATE_TESTS_UNIT_EXPORTERS_OTLP_SCENE_H

#include "exporters/otlp.h"

#define SECOND UINT64_C(1000000)
enum { SPANS = 6 /* of sample_report(): 1 + 3 + 2 */ };

struct otlp_scene {
    struct queue *queue;
    struct feed *feed;
    struct carrier *carrier;
    struct otlp *otlp;
    char url[160];
    struct channel_settings to;
    struct otlp_settings settings;
    uint64_t now_us; /* a hundred seconds at first */
    bool flush;
    struct buf item; /* the spans of one request */
};

/* What the sender is told, which may be changed before it starts. */
void otlp_scene_begin(struct otlp_scene *s, struct span base, const char *path);
/* Queue, feed and sender; once more: those of the next process. */
void otlp_scene_start(struct otlp_scene *s);
/* Whatever was under way is counted as dropped. */
void otlp_scene_end(struct otlp_scene *s);

/* Whether spans go past the queue where they can, as the exporter's do, or all through it: a
 * group's setup and teardown. */
int otlp_scene_past_the_queue(void **state);
int otlp_scene_by_the_queue(void **state);
/* The spans of so many requests. */
void otlp_scene_put(struct otlp_scene *s, unsigned requests);
/* A turn of the sender; the receiver's is the test's. */
void otlp_scene_step(struct otlp_scene *s);
/* The queue's; checked: what was produced was sent, dropped or waits. */
struct destination_figures otlp_scene_figures(const struct otlp_scene *s);

#endif
