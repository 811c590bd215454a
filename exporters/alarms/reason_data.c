/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/alarms/reason_data.h"

#include <math.h>
#include <time.h>

#include "rules/base/encode.h"

/* The longest numbers are 24 bytes, a datapoint of the second list is at most 116. */
enum { POINTS_MOST = 18 };

struct chosen {
    const struct datapoint *list[POINTS_MOST]; /* newest first */
    size_t count;
};

void alarm_date_add(struct buf *to, int64_t time_s)
{
    struct tm tm;
    time_t time = (time_t)time_s;
    if (gmtime_r(&time, &tm) != NULL)
        buf_format(to, "\"%04d-%02d-%02dT%02d:%02d:%02d.000+0000\"", tm.tm_year + 1900,
                   tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

/* JSON has neither infinity nor NaN; a band may have such a bound. */
static void number_add(struct buf *to, double value)
{
    if (isfinite(value))
        alarm_number_add(to, value);
    else
        buf_add(to, SPAN("null"));
}

static struct chosen choose(const struct alarm_settings *settings, const struct datapoint *points,
                            size_t count)
{
    struct chosen chosen = {.count = 0};
    size_t most = settings->test.evaluation_periods;
    if (most > POINTS_MOST)
        most = POINTS_MOST;
    for (size_t i = count; i > 0 && chosen.count < most; i--)
        if (points[i - 1].is_there)
            chosen.list[chosen.count++] = &points[i - 1];
    return chosen;
}

enum figure { FIGURE_VALUE, FIGURE_LOWER, FIGURE_UPPER };

/* The oldest first. */
static void list_add(struct buf *to, const char *name, const struct chosen *chosen,
                     enum figure figure)
{
    buf_format(to, ",\"%s\":[", name);
    for (size_t i = chosen->count; i > 0; i--) {
        const struct datapoint *point = chosen->list[i - 1];
        number_add(to, figure == FIGURE_VALUE   ? point->value
                       : figure == FIGURE_LOWER ? point->lower
                                                : point->upper);
        buf_add(to, i > 1 ? SPAN(",") : SPAN(""));
    }
    buf_add_byte(to, ']');
}

static void evaluated_add(struct buf *to, const struct chosen *chosen, bool has_samples)
{
    buf_add(to, SPAN(",\"evaluatedDatapoints\":["));
    for (size_t i = 0; i < chosen->count; i++) {
        const struct datapoint *point = chosen->list[i];
        buf_add(to, i > 0 ? SPAN(",{\"timestamp\":") : SPAN("{\"timestamp\":"));
        alarm_date_add(to, point->time_s);
        if (has_samples) {
            buf_add(to, SPAN(",\"sampleCount\":"));
            alarm_number_add(to, (double)point->samples);
        }
        buf_add(to, SPAN(",\"value\":"));
        number_add(to, point->value);
        buf_add_byte(to, '}');
    }
    buf_add_byte(to, ']');
}

void alarm_reason_data(const struct alarm_settings *settings, const struct datapoint *points,
                       size_t count, int64_t now_s, struct buf *to)
{
    const struct alarm_metric *metric = &settings->metrics[0];
    const struct alarm_test *test = &settings->test;
    struct chosen chosen = choose(settings, points, count);
    bool is_plain = settings->metric_count == 1 && metric->expression.len == 0;
    buf_add(to, SPAN("{\"version\":\"1.0\",\"queryDate\":"));
    alarm_date_add(to, now_s);
    if (chosen.count > 0) {
        buf_add(to, SPAN(",\"startDate\":"));
        alarm_date_add(to, chosen.list[chosen.count - 1]->time_s);
    }
    if (is_plain) {
        buf_add(to, SPAN(",\"statistic\":"));
        json_add_string(to, metric->statistic_text);
    }
    buf_format(to, ",\"period\":%u", settings->period_s);
    list_add(to, "recentDatapoints", &chosen, FIGURE_VALUE);
    if (alarm_operator_is_band(test->comparison)) {
        list_add(to, "recentLowerThresholds", &chosen, FIGURE_LOWER);
        list_add(to, "recentUpperThresholds", &chosen, FIGURE_UPPER);
    } else {
        buf_add(to, SPAN(",\"threshold\":"));
        number_add(to, test->threshold);
    }
    evaluated_add(to, &chosen, is_plain);
    buf_add_byte(to, '}');
}
