/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/alarms/band.h"

#include <math.h>
#include <stdlib.h>

#include "rules/base/must.h"

enum {
    HOUR_S = 3600,
    DAY_S = 24 * HOUR_S,
    WEEK_HOURS = 168,
    DAY_HOURS = 24,
    DAYS_LEAST = 2,
    VALUES_LEAST = 15,
    MEMORY_MOST = 64,
    DEVIATIONS_LEARNED = 6
};

struct habit {
    double count, mean, variance;
    int64_t day; /* that it learned on last */
    unsigned days;
};

struct band {
    unsigned period_s;
    int64_t learned_s; /* the start of the period learned last */
    struct habit week[WEEK_HOURS], day[DAY_HOURS], all;
};

struct band *band_new(unsigned period_s)
{
    struct band *band = must_alloc(sizeof *band);
    band->period_s = period_s;
    band->learned_s = INT64_MIN / 2;
    return band;
}

void band_free(struct band *band)
{
    free(band);
}

/* The floor keeps a metric that never moved from alarming at a rounding error. */
static double deviation_of(const struct habit *habit)
{
    double deviation = sqrt(habit->variance), floor_of = fabs(habit->mean) / 1000;
    return deviation > floor_of ? deviation : floor_of;
}

static bool is_known(const struct habit *habit, bool is_all)
{
    return is_all ? habit->count >= VALUES_LEAST : habit->days >= DAYS_LEAST;
}

static void habit_learn(struct habit *habit, int64_t day, double value, double memory)
{
    double reach = DEVIATIONS_LEARNED * deviation_of(habit);
    if (habit->count >= VALUES_LEAST && fabs(value - habit->mean) > reach)
        value = habit->mean + copysign(reach, value - habit->mean);
    habit->days += habit->count == 0 || habit->day != day;
    habit->day = day;
    habit->count = habit->count < memory ? habit->count + 1 : memory;
    double weight = 1 / habit->count, off = value - habit->mean;
    habit->mean += weight * off;
    habit->variance = (1 - weight) * (habit->variance + weight * off * off);
}

static unsigned hour_of(int64_t time_s, unsigned hours)
{
    int64_t hour = time_s / HOUR_S - (time_s % HOUR_S < 0);
    return (unsigned)((hour % hours + hours) % hours);
}

/* Two weeks have two hours of a week, fourteen of a day. */
static double memory_of(const struct band *band, double hours)
{
    double values = hours * HOUR_S / band->period_s;
    return values < VALUES_LEAST ? VALUES_LEAST : values > MEMORY_MOST ? MEMORY_MOST : values;
}

void band_learn(struct band *band, int64_t time_s, double value)
{
    int64_t day = time_s / DAY_S;
    if (!isfinite(value) || time_s < band->learned_s + band->period_s)
        return;
    band->learned_s = time_s;
    habit_learn(&band->week[hour_of(time_s, WEEK_HOURS)], day, value, memory_of(band, 2));
    habit_learn(&band->day[hour_of(time_s, DAY_HOURS)], day, value, memory_of(band, 14));
    habit_learn(&band->all, day, value, memory_of(band, 2 * WEEK_HOURS));
}

bool band_at(const struct band *band, int64_t time_s, double deviations, double *lower,
             double *upper)
{
    const struct habit *habit = &band->week[hour_of(time_s, WEEK_HOURS)];
    if (!is_known(habit, false))
        habit = &band->day[hour_of(time_s, DAY_HOURS)];
    if (!is_known(habit, false))
        habit = &band->all;
    if (!is_known(habit, habit == &band->all))
        return false;
    *lower = habit->mean - deviations * deviation_of(habit);
    *upper = habit->mean + deviations * deviation_of(habit);
    return true;
}
