/* SPDX-License-Identifier: Apache-2.0 */
/* The pages that Prometheus reads: its text format 0.0.4, and OpenMetrics 1.0. They differ in the
 * names of counters and in what OpenMetrics adds: units, _created, exemplars, and an end. */
#include <stdio.h>
#include <string.h>

#include "exporters/metrics.h"
#include "exporters/metrics_walk.h"
#include "rules/base/encode.h"
#include "rules/base/must.h"

struct page {
    struct buf *to;
    bool is_open;      /* OpenMetrics */
    char name[96];     /* of the metric as a whole: without _total and _info in OpenMetrics */
    struct buf labels; /* of the figure: a="x",b="y" */
};

/* As both formats have it: backslash, quote and line feed escaped, valid UTF-8, no NUL. */
static void add_label_value(struct buf *to, struct span value)
{
    while (value.len > 0) {
        size_t len = value.at[0] != '\0' ? utf8_length(value) : 0;
        if (value.at[0] == '\\' || value.at[0] == '"')
            buf_add_byte(to, '\\');
        if (value.at[0] == '\n')
            buf_add(to, SPAN("\\n"));
        else
            buf_add(to, len > 0 ? span_first(value, len) : SPAN("\xef\xbf\xbd"));
        value = span_from(value, len > 0 ? len : 1);
    }
}

static void set_labels(struct buf *to, const struct figure *figure)
{
    buf_clear(to);
    for (size_t i = 0; i < figure->label_count; i++) {
        if (i > 0)
            buf_add_byte(to, ',');
        buf_add(to, figure->labels[i].name);
        buf_add(to, SPAN("=\""));
        add_label_value(to, figure->labels[i].value);
        buf_add_byte(to, '"');
    }
}

static void add_seconds(struct buf *to, uint64_t us)
{
    buf_format(to, "%llu.%06llu", (unsigned long long)(us / 1000000),
               (unsigned long long)(us % 1000000));
}

/* name_suffix{labels} and a space; `bound` is the label `le`, or NULL. */
static void add_name(struct page *page, const char *suffix, const char *bound)
{
    struct buf *to = page->to;
    buf_add(to, span_text(page->name));
    buf_add(to, span_text(suffix));
    if (page->labels.len > 0 || bound != NULL) {
        buf_add_byte(to, '{');
        buf_add(to, buf_span(&page->labels));
        if (page->labels.len > 0 && bound != NULL)
            buf_add_byte(to, ',');
        if (bound != NULL)
            buf_format(to, "le=\"%s\"", bound);
        buf_add_byte(to, '}');
    }
    buf_add_byte(to, ' ');
}

static void add_number(struct buf *to, uint64_t value, bool is_us)
{
    if (is_us)
        add_seconds(to, value);
    else
        buf_add_number(to, value <= INT64_MAX ? (int64_t)value : INT64_MAX);
}

/* " # {trace_id="...",span_id="..."} value time"; `exemplar` may be none. */
static void add_exemplar(struct page *page, const struct exemplar *exemplar, bool is_us)
{
    char trace[32], span[16];
    if (!page->is_open || exemplar == NULL || exemplar->wall_us == 0)
        return;
    hex_write(trace, exemplar->trace_id, sizeof exemplar->trace_id);
    hex_write(span, exemplar->span_id, sizeof exemplar->span_id);
    buf_format(page->to, " # {trace_id=\"%.32s\",span_id=\"%.16s\"} ", trace, span);
    add_number(page->to, exemplar->value, is_us);
    buf_add_byte(page->to, ' ');
    add_seconds(page->to, exemplar->wall_us);
}

static void add_created(struct page *page, const struct figure *figure)
{
    if (!page->is_open || figure->start_wall_us == 0)
        return;
    add_name(page, "_created", NULL);
    add_seconds(page->to, figure->start_wall_us);
    buf_add_byte(page->to, '\n');
}

static void add_histogram(struct page *page, const struct figure *figure)
{
    const struct histogram_figures *histogram = figure->histogram;
    uint64_t below = 0;
    for (size_t b = 0; b <= BUCKETS; b++) {
        below += histogram->buckets[b];
        add_name(page, "_bucket", bucket_names[b]);
        add_number(page->to, below, false);
        add_exemplar(page, &histogram->exemplars[b], true);
        buf_add_byte(page->to, '\n');
    }
    add_name(page, "_sum", NULL);
    add_seconds(page->to, histogram->sum_us);
    buf_add_byte(page->to, '\n');
    add_name(page, "_count", NULL);
    add_number(page->to, histogram->count, false);
    buf_add_byte(page->to, '\n');
}

/* What a sample has behind the metric's name, in OpenMetrics. */
static const char *suffix_of(const struct metric *metric)
{
    if (metric->kind == METRIC_COUNTER)
        return "_total";
    return span_ends(span_text(metric->name), SPAN("_info")) ? "_info" : "";
}

static void on_figure(void *context, const struct metric *metric, const struct figure *figure)
{
    struct page *page = context;
    set_labels(&page->labels, figure);
    if (figure->histogram != NULL) {
        add_histogram(page, figure);
    } else {
        add_name(page, page->is_open ? suffix_of(metric) : "", NULL);
        add_number(page->to, figure->value, figure->is_us);
        add_exemplar(page, figure->exemplar, false);
        buf_add_byte(page->to, '\n');
    }
    if (metric->kind != METRIC_GAUGE)
        add_created(page, figure);
}

/* The unit that the name ends with, which OpenMetrics wants to be told; "" where there is none. */
static const char *unit_of(const char *name)
{
    static const char *const units[] = {"seconds", "bytes"};
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (span_ends(span_text(name), span_text(units[i])))
            return units[i];
    return "";
}

/* # HELP, # TYPE, # UNIT. */
static void on_metric(void *context, const struct metric *metric)
{
    static const char *const kinds[] = {
        [METRIC_COUNTER] = "counter", [METRIC_GAUGE] = "gauge", [METRIC_HISTOGRAM] = "histogram"};
    struct page *page = context;
    struct span name = span_text(metric->name), suffix = SPAN("");
    const char *kind = kinds[metric->kind];
    if (page->is_open) {
        suffix = span_text(suffix_of(metric));
        must(span_ends(name, suffix));
        kind = span_is(suffix, SPAN("_info")) ? "info" : kind;
    }
    int len = snprintf(page->name, sizeof page->name, SPAN_FORMAT,
                       span_arg(span_first(name, name.len - suffix.len)));
    must(len > 0 && (size_t)len < sizeof page->name);
    buf_format(page->to, "# HELP %s %s\n# TYPE %s %s\n", page->name, metric->sentence, page->name,
               kind);
    const char *unit = unit_of(page->name);
    if (page->is_open && *unit != '\0')
        buf_format(page->to, "# UNIT %s %s\n", page->name, unit);
}

void metrics_print(const struct metrics *metrics, const struct exporter *exporter,
                   const struct process_facts *facts, enum page_form form, struct buf *to)
{
    struct page page = {.to = to, .is_open = form == PAGE_OPENMETRICS};
    const struct metric_sink sink = {&page, on_metric, on_figure};
    buf_init(&page.labels, (size_t)1 << 16);
    metrics_walk(metrics, exporter, facts, &sink);
    must(!buf_is_full(&page.labels));
    buf_fini(&page.labels);
    if (page.is_open)
        buf_add(to, SPAN("# EOF\n"));
}
