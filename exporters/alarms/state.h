/* SPDX-License-Identifier: Apache-2.0 */
/* What a metric alarm's state is, by the datapoints of its evaluation range, and the sentence that
 * says why, in CloudWatch's words. Pure: datapoints in, verdict out.
 *
 * N is evaluation_periods, M is datapoints_to_alarm. The range is longer than N, so that a gap is
 * bridged by older datapoints:
 *
 *   real datapoints   treatment        state
 *   none              missing          INSUFFICIENT_DATA
 *                     ignore           as it was
 *                     breaching        ALARM
 *                     notBreaching     OK
 *   N or more         any              the N newest: ALARM where M breach, else OK
 *   fewer             breaching        ALARM where those that breach and those that lack make M
 *                     notBreaching     ALARM where M breach
 *                     missing, ignore  M breach: ALARM; one does not breach: OK; all breach, and
 * the oldest is M periods old: ALARM, with ignore as it was; else as it was */
#ifndef SIDEGATE_EXPORTERS_ALARMS_STATE_H
#define SIDEGATE_EXPORTERS_ALARMS_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rules/base/buf.h"
#include "rules/base/span.h"

enum alarm_state { ALARM_STATE_INSUFFICIENT_DATA, ALARM_STATE_OK, ALARM_STATE_ALARM };

enum alarm_operator {
#define OPERATOR(identifier, name, phrase, kind) ALARM_##identifier,
#include "exporters/alarms/operators.tbl"
#undef OPERATOR
    ALARM_OPERATORS
};

enum alarm_missing { ALARM_MISSING, ALARM_IGNORE, ALARM_BREACHING, ALARM_NOT_BREACHING };

/* One period of a metric, or of an expression. */
struct datapoint {
    int64_t time_s;             /* since 1970; the period's start */
    double value, lower, upper; /* the two: of a band */
    bool is_there;
    bool is_few;      /* too few samples for the percentile */
    uint64_t samples; /* of a metric; 0: of an expression */
};

struct alarm_test {
    enum alarm_operator comparison;
    double threshold;
    unsigned evaluation_periods;  /* 1 or more */
    unsigned datapoints_to_alarm; /* 1 to evaluation_periods */
    enum alarm_missing missing;
};

/* Datapoints that an evaluation looks at: N and a third more, at least two. */
size_t alarm_range(const struct alarm_test *test);

struct alarm_verdict {
    enum alarm_state state;
    bool is_kept; /* the datapoints do not say: the state stays, and so does its reason */
};
/* `points` are the whole range, oldest first. A newest datapoint of too few samples keeps the
 * state. */
struct alarm_verdict alarm_decide(const struct alarm_test *test, const struct datapoint *points,
                                  size_t count, enum alarm_state before);
/* The sentence for a verdict that is not kept. */
void alarm_reason(const struct alarm_test *test, const struct datapoint *points, size_t count,
                  enum alarm_state state, struct buf *to);
#define ALARM_REASON_FIRST "Unchecked: Initial alarm creation"

bool alarm_operator_is_band(enum alarm_operator comparison);
bool datapoint_breaches(const struct alarm_test *test, const struct datapoint *point);

/* The words; NULL beyond the last. Their index is the enum. */
const char *alarm_state_word(unsigned i);    /* OK */
const char *alarm_operator_word(unsigned i); /* GreaterThanThreshold */
const char *alarm_missing_word(unsigned i);  /* notBreaching */

/* As Java prints a double: 50.0, 1.0E7; the shortest that reads back as the same. */
void alarm_number_add(struct buf *to, double value);

#endif
