/* SPDX-License-Identifier: Apache-2.0 */
/* Each data point is packed by itself and laid behind the others; the metric that they belong to is
 * put around them at the end, so that no tree of all of them is ever built. */
#include "exporters/metrics_otlp.h"

#include <stdlib.h>
#include <string.h>

#include "exporters/attribute_tree.h"
#include "exporters/metric_names.h"
#include "exporters/metrics_walk.h"
#include "exporters/otlp_fields.h"
#include "rules/base/map.h"
#include "rules/base/must.h"
#include "rules/base/number.h"

enum {
    METRICS_FIELD = 2, /* of ScopeMetrics */
    POINTS_FIELD = 1,  /* of Gauge, Sum, Histogram, ExponentialHistogram */
    GAUGE_FIELD = 5,   /* of Metric, and the three that follow */
    SUM_FIELD = 7,
    HISTOGRAM_FIELD = 9,
    EXPONENTIAL_FIELD = 10,
    RUN_BYTES = 384 * 1024, /* then a metric goes on in another run */
    RUN_MOST = 512 * 1024,
    POINT_BYTES = 64 * 1024, /* of the texts of one */
    EXEMPLARS_MOST = BUCKETS + 1,
};

/* What a series had come to at the reading before. */
struct before {
    uint64_t value, sum_us, buckets[BUCKETS + 1];
    struct exponential *exponential; /* NULL: it has none */
};

struct metrics_otlp {
    bool is_delta, has_read;
    uint64_t before_wall_us, now_wall_us;
    const struct metrics_taker *taker; /* of the reading under way */
    struct map *series;                /* name and labels -> struct before; for deltas */
    struct buf key;
    struct metric_name name; /* of the metric whose points lie here */
    struct metric metric;
    unsigned field; /* what kind it is: of Metric */
    unsigned count;
    struct buf points, run;
    struct arena *arena;
    struct attribute_tree attributes;
    Otlp__Exemplar exemplars[EXEMPLARS_MOST], *exemplar_list[EXEMPLARS_MOST];
    struct exemplar kept[EXEMPLARS_MOST];
    size_t exemplar_count;
    double bounds[BUCKETS];
};

struct metrics_otlp *metrics_otlp_new(bool is_delta, uint64_t now_wall_us)
{
    struct metrics_otlp *otlp = must_alloc(sizeof *otlp);
    otlp->is_delta = is_delta;
    otlp->before_wall_us = now_wall_us;
    otlp->series = map_new(NULL, false);
    buf_init(&otlp->key, POINT_BYTES);
    buf_init(&otlp->points, RUN_MOST);
    buf_init(&otlp->run, RUN_MOST);
    otlp->arena = arena_new(NULL, POINT_BYTES);
    must(otlp->arena != NULL);
    for (size_t b = 0; b < BUCKETS; b++)
        otlp->bounds[b] = (double)bucket_bounds_us[b] / 1e6;
    return otlp;
}

void metrics_otlp_free(struct metrics_otlp *otlp)
{
    if (otlp == NULL)
        return;
    size_t cursor = 0;
    struct span name;
    void *before;
    while (map_next(otlp->series, &cursor, &name, &before)) {
        free(((struct before *)before)->exponential);
        free(before);
    }
    map_free(otlp->series);
    buf_fini(&otlp->key);
    buf_fini(&otlp->points);
    buf_fini(&otlp->run);
    arena_free(otlp->arena);
    free(otlp);
}

/* ---- what came since ---- */

/* Of this series; all zero at first. */
static struct before *before_of(struct metrics_otlp *otlp, const struct figure *figure)
{
    buf_clear(&otlp->key);
    buf_add(&otlp->key, span_text(otlp->metric.name));
    for (size_t i = 0; i < figure->label_count; i++) {
        buf_add_byte(&otlp->key, '\0');
        buf_add(&otlp->key, figure->labels[i].name);
        buf_add_byte(&otlp->key, '\0');
        buf_add(&otlp->key, figure->labels[i].value);
    }
    struct before *before = map_find(otlp->series, buf_span(&otlp->key));
    if (before == NULL) {
        before = must_alloc(sizeof *before);
        map_set(otlp->series, buf_span(&otlp->key), before);
    }
    return before;
}

/* A figure that fell has begun anew. */
static uint64_t since(uint64_t now, uint64_t *before)
{
    uint64_t came = now >= *before ? now - *before : now;
    *before = now;
    return came;
}

static void exponential_since(struct exponential *now, struct before *before)
{
    struct exponential all = *now;
    if (before->exponential != NULL)
        exponential_subtract(now, before->exponential);
    else
        before->exponential = must_alloc(sizeof *before->exponential);
    *before->exponential = all;
}

/* Makes what came since the reading before out of what there is in all. */
static void histogram_since(struct histogram_figures *figures, struct before *before)
{
    figures->count = 0;
    figures->least_and_1_us = figures->most_us =
        0; /* of all that there was: nobody knows of this */
    figures->sum_us = since(figures->sum_us, &before->sum_us);
    for (size_t b = 0; b <= BUCKETS; b++) {
        figures->buckets[b] = since(figures->buckets[b], &before->buckets[b]);
        figures->count += figures->buckets[b];
    }
    if (figures->is_exponential)
        exponential_since(&figures->exponential, before);
}

/* ---- points ---- */

static void set_truth(struct attribute_tree *to, const char *key, bool truth)
{
    Otlp__AnyValue *value = attribute_tree_value(to, key);
    if (value == NULL)
        return;
    value->value_case = OTLP__ANY_VALUE__VALUE_BOOL_VALUE;
    value->bool_value = truth;
}

static void set_attributes(struct metrics_otlp *otlp, const struct figure *figure)
{
    arena_reset(otlp->arena);
    attribute_tree_begin(&otlp->attributes, otlp->arena);
    for (size_t i = 0; i < figure->label_count; i++) {
        struct label_name name;
        uint64_t number = 0;
        label_name_of(figure->labels[i].name, &name);
        const char *key = arena_string(otlp->arena, span_text(name.text));
        if (key == NULL)
            break;
        bool is_number =
            name.type == LABEL_NUMBER && number_parse(figure->labels[i].value, &number);
        if (name.type == LABEL_TRUTH)
            set_truth(&otlp->attributes, key, span_is(figure->labels[i].value, SPAN("true")));
        else if (is_number)
            attribute_tree_number(&otlp->attributes, key, number);
        else
            attribute_tree_text(&otlp->attributes, key, figure->labels[i].value);
    }
}

/* Those that were met since the reading before. */
static void add_exemplar(struct metrics_otlp *otlp, const struct exemplar *exemplar, bool is_us)
{
    if (exemplar == NULL || exemplar->wall_us == 0 ||
        (otlp->has_read && exemplar->wall_us <= otlp->before_wall_us))
        return;
    size_t i = otlp->exemplar_count++;
    Otlp__Exemplar *to = otlp->exemplar_list[i] = &otlp->exemplars[i];
    otlp->kept[i] = *exemplar;
    otlp__exemplar__init(to);
    to->time_unix_nano = exemplar->wall_us * 1000;
    to->trace_id = (ProtobufCBinaryData){16, otlp->kept[i].trace_id};
    to->span_id = (ProtobufCBinaryData){8, otlp->kept[i].span_id};
    to->value_case = is_us ? OTLP__EXEMPLAR__VALUE_AS_DOUBLE : OTLP__EXEMPLAR__VALUE_AS_INT;
    if (is_us)
        to->as_double = (double)exemplar->value / 1e6;
    else
        to->as_int = (int64_t)exemplar->value;
}

static void add_exemplars(struct metrics_otlp *otlp, const struct figure *figure)
{
    otlp->exemplar_count = 0;
    for (size_t b = 0; figure->histogram != NULL && b <= BUCKETS; b++)
        add_exemplar(otlp, &figure->histogram->exemplars[b], true);
    if (figure->histogram == NULL)
        add_exemplar(otlp, figure->exemplar, false);
}

/* When the points' time began: 0 where nobody knows, or where it means nothing. */
static uint64_t start_nano(const struct metrics_otlp *otlp, const struct figure *figure)
{
    if (otlp->is_delta && otlp->metric.kind != METRIC_GAUGE)
        return otlp->before_wall_us * 1000;
    if (otlp->field == GAUGE_FIELD)
        return 0;
    return figure->start_wall_us * 1000;
}

static void add_number(struct metrics_otlp *otlp, const struct figure *figure, uint64_t value)
{
    Otlp__NumberDataPoint point = OTLP__NUMBER_DATA_POINT__INIT;
    point.n_attributes = otlp->attributes.count;
    point.attributes = otlp->attributes.list;
    point.start_time_unix_nano = start_nano(otlp, figure);
    point.time_unix_nano = otlp->now_wall_us * 1000;
    point.n_exemplars = otlp->exemplar_count;
    point.exemplars = otlp->exemplar_list;
    if (figure->is_us) {
        point.value_case = OTLP__NUMBER_DATA_POINT__VALUE_AS_DOUBLE;
        point.as_double = (double)value / 1e6;
    } else {
        point.value_case = OTLP__NUMBER_DATA_POINT__VALUE_AS_INT;
        point.as_int = value <= INT64_MAX ? (int64_t)value : INT64_MAX;
    }
    otlp_field_add(&otlp->points, POINTS_FIELD, &point.base);
    otlp->count++;
}

static void add_explicit(struct metrics_otlp *otlp, const struct figure *figure,
                         struct histogram_figures *histogram)
{
    Otlp__HistogramDataPoint point = OTLP__HISTOGRAM_DATA_POINT__INIT;
    point.n_attributes = otlp->attributes.count;
    point.attributes = otlp->attributes.list;
    point.start_time_unix_nano = start_nano(otlp, figure);
    point.time_unix_nano = otlp->now_wall_us * 1000;
    point.count = histogram->count;
    point.sum_is_case = OTLP__HISTOGRAM_DATA_POINT__SUM_IS_SUM;
    point.sum = (double)histogram->sum_us / 1e6;
    if (histogram->least_and_1_us > 0) {
        point.min_is_case = OTLP__HISTOGRAM_DATA_POINT__MIN_IS_MIN;
        point.min = (double)(histogram->least_and_1_us - 1) / 1e6;
        point.max_is_case = OTLP__HISTOGRAM_DATA_POINT__MAX_IS_MAX;
        point.max = (double)histogram->most_us / 1e6;
    }
    point.n_bucket_counts = BUCKETS + 1;
    point.bucket_counts = histogram->buckets;
    point.n_explicit_bounds = BUCKETS;
    point.explicit_bounds = otlp->bounds;
    point.n_exemplars = otlp->exemplar_count;
    point.exemplars = otlp->exemplar_list;
    otlp_field_add(&otlp->points, POINTS_FIELD, &point.base);
    otlp->count++;
}

static void add_exponential(struct metrics_otlp *otlp, const struct figure *figure,
                            struct histogram_figures *histogram)
{
    struct exponential *exponential = &histogram->exponential;
    Otlp__ExponentialHistogramDataPoint point = OTLP__EXPONENTIAL_HISTOGRAM_DATA_POINT__INIT;
    Otlp__ExponentialHistogramDataPoint__Buckets positive =
        OTLP__EXPONENTIAL_HISTOGRAM_DATA_POINT__BUCKETS__INIT;
    positive.offset = exponential->offset;
    positive.n_bucket_counts = exponential->used;
    positive.bucket_counts = exponential->counts;
    point.n_attributes = otlp->attributes.count;
    point.attributes = otlp->attributes.list;
    point.start_time_unix_nano = start_nano(otlp, figure);
    point.time_unix_nano = otlp->now_wall_us * 1000;
    point.count = exponential_count(exponential);
    point.sum_is_case = OTLP__EXPONENTIAL_HISTOGRAM_DATA_POINT__SUM_IS_SUM;
    point.sum = (double)histogram->sum_us / 1e6;
    if (histogram->least_and_1_us > 0) {
        point.min_is_case = OTLP__EXPONENTIAL_HISTOGRAM_DATA_POINT__MIN_IS_MIN;
        point.min = (double)(histogram->least_and_1_us - 1) / 1e6;
        point.max_is_case = OTLP__EXPONENTIAL_HISTOGRAM_DATA_POINT__MAX_IS_MAX;
        point.max = (double)histogram->most_us / 1e6;
    }
    point.scale = exponential->scale;
    point.zero_count = exponential->zero_count;
    point.positive = &positive;
    point.n_exemplars = otlp->exemplar_count;
    point.exemplars = otlp->exemplar_list;
    otlp_field_add(&otlp->points, POINTS_FIELD, &point.base);
    otlp->count++;
}

/* ---- the metric around them ---- */

/* What the points' parent says beside them. */
static void add_tail(const struct metrics_otlp *otlp, struct buf *to)
{
    Otlp__Sum sum = OTLP__SUM__INIT; /* the others have no more than it, under the same numbers */
    bool is_delta = otlp->is_delta && !otlp->name.is_up_and_down;
    sum.aggregation_temporality =
        is_delta ? OTLP__AGGREGATION_TEMPORALITY__AGGREGATION_TEMPORALITY_DELTA
                 : OTLP__AGGREGATION_TEMPORALITY__AGGREGATION_TEMPORALITY_CUMULATIVE;
    sum.is_monotonic = otlp->field == SUM_FIELD && !otlp->name.is_up_and_down;
    if (otlp->field != GAUGE_FIELD)
        otlp_message_add(to, &sum.base);
}

static void end_run(struct metrics_otlp *otlp)
{
    Otlp__Metric metric;
    char bytes[64];
    struct buf tail = {.at = bytes, .size = sizeof bytes, .ceiling = sizeof bytes};
    otlp__metric__init(&metric);
    if (otlp->count == 0)
        return;
    must(!buf_is_full(&otlp->points));
    metric.name = otlp->name.text;
    metric.description = otlp_lend(otlp->metric.sentence);
    metric.unit = otlp_lend(otlp->name.unit);
    add_tail(otlp, &tail);
    size_t inside = otlp->points.len + tail.len;
    size_t len = protobuf_c_message_get_packed_size(&metric.base) +
                 otlp_head_size(otlp->field, inside) + inside;
    buf_clear(&otlp->run);
    otlp_head_add(&otlp->run, METRICS_FIELD, len);
    otlp_message_add(&otlp->run, &metric.base);
    otlp_head_add(&otlp->run, otlp->field, inside);
    buf_add(&otlp->run, buf_span(&otlp->points));
    buf_add(&otlp->run, buf_span(&tail));
    must(!buf_is_full(&otlp->run));
    otlp->taker->take(otlp->taker->context, buf_span(&otlp->run), otlp->count);
    buf_clear(&otlp->points);
    otlp->count = 0;
}

static void on_metric(void *context, const struct metric *metric)
{
    struct metrics_otlp *otlp = context;
    end_run(otlp);
    otlp->metric = *metric;
    metric_name_of(metric->name, &otlp->name);
    otlp->field = metric->kind == METRIC_HISTOGRAM                              ? HISTOGRAM_FIELD
                  : metric->kind == METRIC_COUNTER || otlp->name.is_up_and_down ? SUM_FIELD
                                                                                : GAUGE_FIELD;
}

static void on_histogram(struct metrics_otlp *otlp, const struct figure *figure)
{
    struct histogram_figures histogram = *figure->histogram;
    if (otlp->is_delta)
        histogram_since(&histogram, before_of(otlp, figure));
    if (otlp->is_delta && (!otlp->has_read || histogram.count == 0))
        return;
    set_attributes(otlp, figure);
    add_exemplars(otlp, figure);
    otlp->field = histogram.is_exponential ? EXPONENTIAL_FIELD : HISTOGRAM_FIELD;
    if (histogram.is_exponential)
        add_exponential(otlp, figure, &histogram);
    else
        add_explicit(otlp, figure, &histogram);
}

static void on_number(struct metrics_otlp *otlp, const struct figure *figure)
{
    uint64_t value = figure->value;
    bool is_delta = otlp->is_delta && otlp->metric.kind == METRIC_COUNTER;
    if (is_delta)
        value = since(value, &before_of(otlp, figure)->value);
    if (otlp->is_delta && (!otlp->has_read || (is_delta && value == 0)))
        return;
    set_attributes(otlp, figure);
    add_exemplars(otlp, figure);
    add_number(otlp, figure, value);
}

static void on_figure(void *context, const struct metric *metric, const struct figure *figure)
{
    struct metrics_otlp *otlp = context;
    must(metric->name == otlp->metric.name);
    if (figure->histogram != NULL)
        on_histogram(otlp, figure);
    else
        on_number(otlp, figure);
    if (otlp->points.len > RUN_BYTES)
        end_run(otlp);
}

void metrics_otlp_read(struct metrics_otlp *otlp, const struct metrics *metrics,
                       const struct exporter *exporter, const struct process_facts *facts,
                       uint64_t now_wall_us, const struct metrics_taker *taker)
{
    const struct metric_sink sink = {otlp, on_metric, on_figure};
    bool is_back = now_wall_us < otlp->before_wall_us; /* the clock was set back */
    otlp->now_wall_us = is_back ? otlp->before_wall_us : now_wall_us;
    otlp->taker = taker;
    metrics_walk(metrics, exporter, facts, &sink);
    end_run(otlp);
    otlp->has_read = true;
    otlp->before_wall_us = now_wall_us;
}
