/* SPDX-License-Identifier: Apache-2.0 */
/* Days, weeks and months of the proleptic Gregorian calendar, by number since 1970-01-01. */
#include "rules/base/number.h"
#include "sidecar/state/quotas.h"

enum {
    DAYS_OF_WEEK = 7,
    THURSDAY = 4, /* what 1970-01-01 was, counted from Sunday */
    ERA_YEARS = 400,
    ERA_DAYS = 146097,
    EPOCH_DAYS = 719468, /* from 0000-03-01 to 1970-01-01 */
    YEAR_MOST = 9999,
};

struct date {
    int64_t year;
    unsigned month, day; /* from 1 */
};

/* A year begins in March here, so that the leap day is its last. */
static struct date date_of(int64_t number)
{
    int64_t z = number + EPOCH_DAYS;
    int64_t era = (z >= 0 ? z : z - (ERA_DAYS - 1)) / ERA_DAYS;
    int64_t of_era = z - era * ERA_DAYS;
    int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
    int64_t month = (5 * of_year + 2) / 153; /* from March */
    struct date date = {.day = (unsigned)(of_year - (153 * month + 2) / 5 + 1),
                        .month = (unsigned)(month < 10 ? month + 3 : month - 9)};
    date.year = year + era * ERA_YEARS + (date.month <= 2);
    return date;
}

static int64_t number_of(const struct date *date)
{
    int64_t year = date->year - (date->month <= 2);
    int64_t era = (year >= 0 ? year : year - (ERA_YEARS - 1)) / ERA_YEARS;
    int64_t of_era = year - era * ERA_YEARS;
    int64_t month = date->month > 2 ? date->month - 3 : date->month + 9;
    int64_t of_year = (153 * month + 2) / 5 + date->day - 1;
    return era * ERA_DAYS + of_era * 365 + of_era / 4 - of_era / 100 + of_year - EPOCH_DAYS;
}

static int64_t month_begins(int64_t day, unsigned months_on)
{
    struct date date = date_of(day);
    date.day = 1;
    date.month += months_on;
    if (date.month > 12) {
        date.month -= 12;
        date.year++;
    }
    return number_of(&date);
}

int64_t quota_period_begins(enum quota_period period, int64_t day)
{
    switch (period) {
    case QUOTA_DAY: break;
    case QUOTA_WEEK: return day - ((day + THURSDAY) % DAYS_OF_WEEK + DAYS_OF_WEEK) % DAYS_OF_WEEK;
    case QUOTA_MONTH: return month_begins(day, 0);
    }
    return day;
}

int64_t quota_period_ends(enum quota_period period, int64_t day)
{
    switch (period) {
    case QUOTA_DAY: break;
    case QUOTA_WEEK: return quota_period_begins(period, day) + DAYS_OF_WEEK;
    case QUOTA_MONTH: return month_begins(day, 1);
    }
    return day + 1;
}

void quota_date_write(char to[QUOTA_DATE_LENGTH], int64_t day)
{
    struct date date = date_of(day);
    unsigned year = date.year >= 0 && date.year <= YEAR_MOST ? (unsigned)date.year : 0;
    unsigned parts[] = {year / 1000,
                        year / 100 % 10,
                        year / 10 % 10,
                        year % 10,
                        0,
                        date.month / 10,
                        date.month % 10,
                        0,
                        date.day / 10,
                        date.day % 10};
    for (size_t i = 0; i < QUOTA_DATE_LENGTH; i++)
        to[i] = (char)(i == 4 || i == 7 ? '-' : '0' + (int)parts[i]);
}

bool quota_date_parse(struct span text, int64_t *day)
{
    char again[QUOTA_DATE_LENGTH];
    uint64_t year, month, of_month;
    struct span rest = text;
    if (text.len != QUOTA_DATE_LENGTH || !number_parse(span_cut(&rest, '-'), &year) ||
        !number_parse(span_cut(&rest, '-'), &month) || !number_parse(rest, &of_month) ||
        year > YEAR_MOST || month < 1 || month > 12 || of_month < 1 || of_month > 31)
        return false;
    struct date date = {(int64_t)year, (unsigned)month, (unsigned)of_month};
    *day = number_of(&date);
    quota_date_write(again, *day); /* a 31st of June is no day */
    return span_is(span_make(again, sizeof again), text);
}
