/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/alarms/state.h"

#include <math.h>

enum operator_kind { THRESHOLD, BAND };

static const struct {
    const char *name;
    enum operator_kind kind;
} operators[] = {
#define OPERATOR(identifier, name, phrase, kind) {name, kind},
#include "exporters/alarms/operators.tbl"
#undef OPERATOR
};

const char *alarm_state_word(unsigned i)
{
    static const char *const words[] = {"INSUFFICIENT_DATA", "OK", "ALARM"};
    return i <= ALARM_STATE_ALARM ? words[i] : NULL;
}

const char *alarm_operator_word(unsigned i)
{
    return i < ALARM_OPERATORS ? operators[i].name : NULL;
}

const char *alarm_missing_word(unsigned i)
{
    static const char *const words[] = {"missing", "ignore", "breaching", "notBreaching"};
    return i <= ALARM_NOT_BREACHING ? words[i] : NULL;
}

bool alarm_operator_is_band(enum alarm_operator comparison)
{
    return operators[comparison].kind == BAND;
}

size_t alarm_range(const struct alarm_test *test)
{
    unsigned third = test->evaluation_periods / 3;
    return test->evaluation_periods + (third > 2 ? third : 2);
}

bool datapoint_breaches(const struct alarm_test *test, const struct datapoint *point)
{
    double value = point->value;
    switch (test->comparison) {
    case ALARM_GREATER_OR_EQUAL: return value >= test->threshold;
    case ALARM_GREATER: return value > test->threshold;
    case ALARM_LESS: return value < test->threshold;
    case ALARM_LESS_OR_EQUAL: return value <= test->threshold;
    case ALARM_OUTSIDE: return value < point->lower || value > point->upper;
    case ALARM_BELOW: return value < point->lower;
    case ALARM_ABOVE: return value > point->upper;
    case ALARM_OPERATORS: break;
    }
    return false;
}

/* What the range has, as far as it is looked at. */
struct tally {
    size_t real, breaching; /* of the N newest real ones */
    size_t oldest;          /* how old the oldest of them is; the newest period is 1 */
};

static struct tally tally_of(const struct alarm_test *test, const struct datapoint *points,
                             size_t count)
{
    struct tally tally = {0};
    for (size_t age = 1; age <= count && tally.real < test->evaluation_periods; age++) {
        const struct datapoint *point = &points[count - age];
        if (!point->is_there)
            continue;
        tally.real++;
        tally.breaching += datapoint_breaches(test, point);
        tally.oldest = age;
    }
    return tally;
}

static struct alarm_verdict decide_without(enum alarm_missing missing, enum alarm_state before)
{
    switch (missing) {
    case ALARM_IGNORE: return (struct alarm_verdict){before, true};
    case ALARM_BREACHING: return (struct alarm_verdict){ALARM_STATE_ALARM, false};
    case ALARM_NOT_BREACHING: return (struct alarm_verdict){ALARM_STATE_OK, false};
    case ALARM_MISSING: break;
    }
    return (struct alarm_verdict){ALARM_STATE_INSUFFICIENT_DATA, false};
}

/* Fewer than N, and fewer than M of them breach. */
static struct alarm_verdict decide_early(const struct alarm_test *test, struct tally tally,
                                         enum alarm_state before)
{
    if (tally.breaching < tally.real)
        return (struct alarm_verdict){ALARM_STATE_OK, false};
    if (tally.oldest >= test->datapoints_to_alarm && test->missing == ALARM_MISSING)
        return (struct alarm_verdict){ALARM_STATE_ALARM, false};
    return (struct alarm_verdict){before, true};
}

struct alarm_verdict alarm_decide(const struct alarm_test *test, const struct datapoint *points,
                                  size_t count, enum alarm_state before)
{
    struct tally tally = tally_of(test, points, count);
    if (count > 0 && points[count - 1].is_there && points[count - 1].is_few)
        return (struct alarm_verdict){before, true};
    if (tally.real == 0)
        return decide_without(test->missing, before);
    size_t lacking = test->evaluation_periods - tally.real;
    size_t breaching = tally.breaching + (test->missing == ALARM_BREACHING ? lacking : 0);
    if (breaching >= test->datapoints_to_alarm)
        return (struct alarm_verdict){ALARM_STATE_ALARM, false};
    if (lacking > 0 && (test->missing == ALARM_MISSING || test->missing == ALARM_IGNORE))
        return decide_early(test, tally, before);
    return (struct alarm_verdict){ALARM_STATE_OK, false};
}
