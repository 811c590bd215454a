/* SPDX-License-Identifier: Apache-2.0 */
/* The sentences. A list has the datapoints that speak for the state, newest first. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "exporters/alarms/state.h"

static const char *const phrases[] = {
#define OPERATOR(identifier, name, phrase, kind) phrase,
#include "exporters/alarms/operators.tbl"
#undef OPERATOR
};

/* ---- numbers and times ---- */

enum { DIGITS_LEAST = 1, DIGITS_MOST = 17, NUMBER_BYTES = 40 };

/* The fewest digits that read back as the same, as d.ddde+XX. */
static void shortest(double value, char *to, size_t size)
{
    for (int digits = DIGITS_LEAST; digits <= DIGITS_MOST; digits++) {
        snprintf(to, size, "%.*e", digits - 1, value);
        if (strtod(to, NULL) == value)
            return;
    }
}

static void plain_add(struct buf *to, struct span digits, int exponent)
{
    if (exponent < 0) {
        buf_add(to, SPAN("0."));
        for (int i = exponent + 1; i < 0; i++)
            buf_add_byte(to, '0');
        buf_add(to, digits);
        return;
    }
    buf_add(to, span_first(digits, (size_t)exponent + 1));
    for (size_t i = digits.len; i <= (size_t)exponent; i++)
        buf_add_byte(to, '0');
    struct span fraction = span_from(digits, (size_t)exponent + 1);
    buf_add_byte(to, '.');
    buf_add(to, fraction.len > 0 ? fraction : SPAN("0"));
}

void alarm_number_add(struct buf *to, double value)
{
    char text[NUMBER_BYTES], digits[NUMBER_BYTES];
    size_t count = 0;
    if (!isfinite(value)) {
        buf_add(to, isnan(value) ? SPAN("NaN") : value > 0 ? SPAN("Infinity") : SPAN("-Infinity"));
        return;
    }
    if (signbit(value))
        buf_add_byte(to, '-');
    shortest(fabs(value), text, sizeof text);
    struct span exponent = span_text(text);
    struct span mantissa = span_cut(&exponent, 'e');
    for (size_t i = 0; i < mantissa.len; i++)
        if (mantissa.at[i] != '.')
            digits[count++] = mantissa.at[i];
    int power = (int)strtol(exponent.at, NULL, 10);
    if (value == 0 || (fabs(value) >= 1e-3 && fabs(value) < 1e7)) {
        plain_add(to, span_make(digits, count), power);
        return;
    }
    plain_add(to, span_make(digits, count), 0);
    buf_format(to, "E%d", power);
}

static void time_add(struct buf *to, int64_t time_s)
{
    struct tm tm;
    time_t time = (time_t)time_s;
    if (gmtime_r(&time, &tm) != NULL)
        buf_format(to, "%02d/%02d/%02d %02d:%02d:%02d", tm.tm_mday, tm.tm_mon + 1, tm.tm_year % 100,
                   tm.tm_hour, tm.tm_min, tm.tm_sec);
}

/* ---- lists ---- */

struct speakers { /* of the N newest real datapoints those that speak for the state */
    const struct alarm_test *test;
    const struct datapoint *points; /* where the looking goes on, backwards */
    size_t left;                    /* points before that */
    unsigned room;                  /* of the N */
    bool breaching;
};

static struct speakers speakers_of(const struct alarm_test *test, const struct datapoint *points,
                                   size_t count, enum alarm_state state)
{
    return (struct speakers){test, points, count, test->evaluation_periods,
                             state == ALARM_STATE_ALARM};
}

static const struct datapoint *next_speaker(struct speakers *speakers)
{
    while (speakers->left > 0 && speakers->room > 0) {
        const struct datapoint *point = &speakers->points[--speakers->left];
        if (!point->is_there)
            continue;
        speakers->room--;
        if (datapoint_breaches(speakers->test, point) == speakers->breaching)
            return point;
    }
    return NULL;
}

static void values_add(struct buf *to, struct speakers speakers)
{
    const char *comma = "";
    const struct datapoint *point;
    while ((point = next_speaker(&speakers)) != NULL) {
        buf_format(to, "%s", comma);
        alarm_number_add(to, point->value);
        buf_add(to, SPAN(" ("));
        time_add(to, point->time_s);
        buf_add_byte(to, ')');
        comma = ", ";
    }
}

static void bounds_add(struct buf *to, struct speakers speakers, bool upper)
{
    const char *comma = "";
    const struct datapoint *point;
    while ((point = next_speaker(&speakers)) != NULL) {
        buf_format(to, "%s", comma);
        alarm_number_add(to, upper ? point->upper : point->lower);
        comma = ", ";
    }
}

/* ---- sentences ---- */

static const char *plural(size_t count)
{
    return count == 1 ? "" : "s";
}

static void band_add(struct buf *to, struct speakers speakers, const char *negation)
{
    enum alarm_operator comparison = speakers.test->comparison;
    if (comparison != ALARM_ABOVE) {
        buf_format(to, "%sless than the lower thresholds [", negation);
        bounds_add(to, speakers, false);
        buf_add_byte(to, ']');
    }
    if (comparison == ALARM_OUTSIDE)
        buf_add(to, SPAN(" or "));
    if (comparison != ALARM_BELOW) {
        buf_format(to, "%sgreater than the upper thresholds [", negation);
        bounds_add(to, speakers, true);
        buf_add_byte(to, ']');
    }
}

static void compare_add(struct buf *to, struct speakers speakers)
{
    const struct alarm_test *test = speakers.test;
    const char *negation = speakers.breaching ? "" : "not ";
    if (alarm_operator_is_band(test->comparison)) {
        band_add(to, speakers, negation);
        return;
    }
    buf_format(to, "%s%s the threshold (", negation, phrases[test->comparison]);
    alarm_number_add(to, test->threshold);
    buf_add_byte(to, ')');
}

static void without_add(const struct alarm_test *test, struct buf *to)
{
    static const char *const words[] = {"Missing", "Missing", "Breaching", "NonBreaching"};
    unsigned n = test->evaluation_periods;
    buf_format(to,
               "%s: no datapoints were received for %u period%s and %u missing datapoint%s %s "
               "treated as [%s].",
               test->missing == ALARM_MISSING || test->missing == ALARM_IGNORE
                   ? "Insufficient Data"
                   : "Threshold Crossed",
               n, plural(n), n, plural(n), n == 1 ? "was" : "were", words[test->missing]);
}

static void lacking_add(const struct alarm_test *test, size_t lacking, struct buf *to)
{
    buf_format(to, "%zu missing datapoint%s %s treated as [%s]", lacking, plural(lacking),
               lacking == 1 ? "was" : "were",
               test->missing == ALARM_BREACHING ? "Breaching" : "NonBreaching");
}

void alarm_reason(const struct alarm_test *test, const struct datapoint *points, size_t count,
                  enum alarm_state state, struct buf *to)
{
    struct speakers speakers = speakers_of(test, points, count, state), walk = speakers;
    unsigned n = test->evaluation_periods, m = test->datapoints_to_alarm;
    size_t speaking = 0, lacking;
    while (next_speaker(&walk) != NULL)
        speaking++;
    lacking = walk.room;
    if (lacking == n) {
        without_add(test, to);
        return;
    }
    buf_add(to, alarm_operator_is_band(test->comparison) ? SPAN("Thresholds Crossed: ")
                                                         : SPAN("Threshold Crossed: "));
    if (speaking > 0) {
        buf_format(to, "%zu out of the last %u datapoints [", speaking, n);
        values_add(to, speakers);
        buf_format(to, "] %s ", speaking == 1 ? "was" : "were");
        compare_add(to, speakers);
    }
    if (lacking > 0 && (test->missing == ALARM_BREACHING || test->missing == ALARM_NOT_BREACHING)) {
        buf_add(to, speaking > 0 ? SPAN(" and ") : SPAN(""));
        lacking_add(test, lacking, to);
    }
    unsigned least = state == ALARM_STATE_ALARM ? m : n - m + 1;
    buf_format(to, " (minimum %u datapoint%s for %s transition).", least, plural(least),
               state == ALARM_STATE_ALARM ? "OK -> ALARM" : "ALARM -> OK");
}
