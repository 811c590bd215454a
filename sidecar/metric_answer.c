/* SPDX-License-Identifier: Apache-2.0 */
/* What metric_request.h answers, as JSON. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "rules/base/encode.h"
#include "rules/base/must.h"
#include "sidecar/http/date.h"
#include "sidecar/metric_request.h"

enum { ARENA_BYTES = 128 << 20, NUMBER_BYTES = 32, SECONDS_LENGTH = 19, SECOND_US = 1000000 };

/* ---- texts ---- */

/* As short as it is still that number. */
static void number_add(struct buf *to, double value)
{
    char text[NUMBER_BYTES];
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, value);
        if (strtod(text, NULL) == value)
            break;
    }
    buf_add(to, span_text(text));
}

static void time_add(struct buf *to, int64_t second)
{
    char text[TIMESTAMP_LENGTH];
    timestamp_write(text, (uint64_t)second * SECOND_US);
    buf_add_byte(to, '"');
    buf_add(to, span_make(text, SECONDS_LENGTH));
    buf_add(to, SPAN("Z\""));
}

/* ---- ListMetrics ---- */

struct listing {
    const struct metric_id *wanted;
    struct buf *to;
    bool any;
};

static bool dimension_fits(const struct metric_id *id, const struct pair *wanted)
{
    for (size_t i = 0; i < id->dimension_count; i++)
        if (span_is(id->dimensions[i].name, wanted->name) &&
            (wanted->value.len == 0 || span_is(id->dimensions[i].value, wanted->value)))
            return true;
    return false;
}

static bool id_fits(const struct metric_id *id, const struct metric_id *wanted)
{
    if ((wanted->namespace.len > 0 && !span_is(wanted->namespace, id->namespace)) ||
        (wanted->name.len > 0 && !span_is(wanted->name, id->name)))
        return false;
    for (size_t i = 0; i < wanted->dimension_count; i++)
        if (!dimension_fits(id, &wanted->dimensions[i]))
            return false;
    return true;
}

static void list_one(void *context, const struct metric_id *id)
{
    struct listing *listing = context;
    struct buf *to = listing->to;
    if (!id_fits(id, listing->wanted))
        return;
    buf_add(to, listing->any ? SPAN(",") : SPAN(""));
    listing->any = true;
    buf_add(to, SPAN("{\"Namespace\":"));
    json_add_string(to, id->namespace);
    buf_add(to, SPAN(",\"MetricName\":"));
    json_add_string(to, id->name);
    buf_add(to, SPAN(",\"Dimensions\":["));
    for (size_t i = 0; i < id->dimension_count; i++) {
        buf_add(to, i > 0 ? SPAN(",{\"Name\":") : SPAN("{\"Name\":"));
        json_add_string(to, id->dimensions[i].name);
        buf_add(to, SPAN(",\"Value\":"));
        json_add_string(to, id->dimensions[i].value);
        buf_add_byte(to, '}');
    }
    buf_add(to, SPAN("]}"));
}

static void list_add(struct buf *to, const struct metric_asked *asked,
                     const struct metric_source *source)
{
    struct listing listing = {&asked->listed, to, false};
    buf_add(to, SPAN("{\"Metrics\":["));
    source->each(source->context, list_one, &listing);
    buf_add(to, SPAN("]}\n"));
}

/* ---- GetMetricData ---- */

/* The i-th place that has a value, in the order asked for; SIZE_MAX: no more. */
static size_t next_point(const struct metric_series *series, bool ascending, size_t *i)
{
    while (*i < series->window.count) {
        size_t at = ascending ? *i : series->window.count - 1 - *i;
        (*i)++;
        if (!isnan(series->values[at]))
            return at;
    }
    return SIZE_MAX;
}

/* Those of a series that an answer has. */
struct part {
    const struct metric_series *series;
    bool ascending;
    size_t skipped, count; /* points */
    bool is_last;          /* nothing comes behind them */
};

static void points_add(struct buf *to, const struct part *part, bool values)
{
    const struct metric_series *series = part->series;
    size_t i = 0, at, count = 0;
    while (count < part->skipped + part->count &&
           (at = next_point(series, part->ascending, &i)) != SIZE_MAX) {
        if (count++ < part->skipped)
            continue;
        buf_add(to, count > part->skipped + 1 ? SPAN(",") : SPAN(""));
        if (values)
            number_add(to, series->values[at]);
        else
            time_add(to, series->window.start_s + (int64_t)at * series->window.period_s);
    }
}

static size_t points_of(const struct metric_series *series)
{
    size_t i = 0, count = 0;
    while (next_point(series, true, &i) != SIZE_MAX)
        count++;
    return count;
}

static void part_add(struct buf *to, const struct part *part)
{
    const struct metric_series *series = part->series;
    buf_add(to, SPAN("{\"Id\":"));
    json_add_string(to, series->id);
    buf_add(to, SPAN(",\"Label\":"));
    json_add_string(to, series->label);
    buf_add(to, SPAN(",\"Timestamps\":["));
    points_add(to, part, false);
    buf_add(to, SPAN("],\"Values\":["));
    points_add(to, part, true);
    buf_add(to, part->is_last ? SPAN("],\"StatusCode\":\"Complete\"}")
                              : SPAN("],\"StatusCode\":\"PartialData\"}"));
}

/* Where an answer begins and ends among the points of all series, one series after the other. A
 * series that earlier answers have given whole is not named again. */
static void parts_add(struct buf *to, const struct metric_asked *asked,
                      const struct metric_answer *answer, uint64_t *behind)
{
    uint64_t skip = asked->skipped, left = asked->most;
    bool any = false;
    *behind = 0;
    for (size_t i = 0; i < answer->count; i++) {
        size_t points = points_of(&answer->list[i]);
        size_t skipped = points < skip ? points : (size_t)skip, rest = points - skipped;
        size_t count = rest < left ? rest : (size_t)left;
        const struct part part = {&answer->list[i], asked->ascending, skipped, count,
                                  count == rest};
        skip -= skipped;
        left -= count;
        *behind += rest - count;
        if (rest == 0 && asked->skipped > 0)
            continue;
        buf_add(to, any ? SPAN(",") : SPAN(""));
        part_add(to, &part);
        any = true;
    }
}

static void messages_add(struct buf *to, const struct metric_answer *answer)
{
    if (answer->found_too_many)
        buf_format(to,
                   "{\"Code\":\"MaxMetricsExceeded\",\"Value\":\"a SEARCH found more than %d "
                   "metrics: the first of them are here\"}",
                   METRIC_SEARCH_MOST);
    if (answer->found_empty)
        buf_format(to,
                   "%s{\"Code\":\"" METRIC_NO_SAMPLES "\",\"Value\":\"a SEARCH found metrics that "
                   "have no samples in this time\"}",
                   answer->found_too_many ? "," : "");
}

static void data_add(struct buf *to, const struct metric_asked *asked,
                     const struct metric_answer *answer)
{
    uint64_t behind, given = asked->skipped + asked->most;
    buf_add(to, SPAN("{\"MetricDataResults\":["));
    parts_add(to, asked, answer, &behind);
    buf_add(to, SPAN("],\"Messages\":["));
    messages_add(to, answer);
    buf_add_byte(to, ']');
    if (behind > 0)
        buf_format(to, ",\"NextToken\":\"%08lx%llu\"", (unsigned long)asked->identity,
                   (unsigned long long)given);
    buf_add(to, SPAN("}\n"));
}

/* ---- the whole ---- */

unsigned metric_request_answer(struct span json, struct span query,
                               const struct metric_source *source, struct buf *to)
{
    struct arena *arena = arena_new(NULL, ARENA_BYTES);
    struct faults *faults = faults_new();
    struct metric_asked asked;
    struct metric_answer answer;
    must(arena != NULL);
    bool well = metric_request_read(json, query, arena, &asked, faults);
    if (well && asked.is_list)
        list_add(to, &asked, source);
    else if (well && (well = metric_query_run(&asked.data, source, arena, &answer, faults)))
        data_add(to, &asked, &answer);
    if (!well)
        faults_print(faults, to);
    faults_free(faults);
    arena_free(arena);
    return well ? 200 : 400;
}
