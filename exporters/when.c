/* SPDX-License-Identifier: Apache-2.0 */
/* Calendar by hand: a line a request must not pay for gmtime() and strftime(). */
#include "exporters/when.h"

#include "rules/base/span.h"

struct when {
    unsigned year, month, day, weekday; /* month and day from 1, weekday 0: Sunday */
    unsigned hour, minute, second, microsecond;
};

/* Days are counted in eras of 400 years that begin on 1 March, so that the leap day comes last. */
static struct when when_of(uint64_t wall_us)
{
    uint64_t seconds = wall_us / 1000000, days = seconds / 86400;
    unsigned of_day = (unsigned)(seconds % 86400);
    uint64_t since = days + 719468; /* since 0000-03-01 */
    unsigned era_day = (unsigned)(since % 146097);
    unsigned era_year = (era_day - era_day / 1460 + era_day / 36524 - era_day / 146096) / 365;
    unsigned year_day = era_day - (365 * era_year + era_year / 4 - era_year / 100);
    unsigned month = (5 * year_day + 2) / 153; /* from March */
    unsigned year = (unsigned)(since / 146097) * 400 + era_year;
    return (struct when){
        .year = month < 10 ? year : year + 1,
        .month = month < 10 ? month + 3 : month - 9,
        .day = year_day - (153 * month + 2) / 5 + 1,
        .weekday = (unsigned)((days + 4) % 7),
        .hour = of_day / 3600,
        .minute = of_day / 60 % 60,
        .second = of_day % 60,
        .microsecond = (unsigned)(wall_us % 1000000),
    };
}

static char *digits(char *to, unsigned number, unsigned count)
{
    for (unsigned i = count; i > 0; i--) {
        to[i - 1] = (char)('0' + number % 10);
        number /= 10;
    }
    return to + count;
}

static char *clock_digits(char *to, const struct when *when)
{
    to = digits(to, when->hour, 2);
    *to++ = ':';
    to = digits(to, when->minute, 2);
    *to++ = ':';
    to = digits(to, when->second, 2);
    *to++ = '.';
    return digits(to, when->microsecond, 6);
}

void when_add_rfc3339(struct buf *to, uint64_t wall_us)
{
    struct when when = when_of(wall_us);
    char text[32], *at = digits(text, when.year, 4);
    *at++ = '-';
    at = digits(at, when.month, 2);
    *at++ = '-';
    at = digits(at, when.day, 2);
    *at++ = 'T';
    at = clock_digits(at, &when);
    *at++ = 'Z';
    buf_add(to, span_make(text, (size_t)(at - text)));
}

static const char weekdays[] = "SunMonTueWedThuFriSat";
static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

void when_add_apache(struct buf *to, uint64_t wall_us)
{
    struct when when = when_of(wall_us);
    char text[40], *at = text;
    memcpy(at, weekdays + (size_t)3 * when.weekday, 3);
    at[3] = ' ';
    memcpy(at + 4, months + (size_t)3 * (when.month - 1), 3);
    at[7] = ' ';
    at = digits(at + 8, when.day, 2);
    *at++ = ' ';
    at = clock_digits(at, &when);
    *at++ = ' ';
    at = digits(at, when.year, 4);
    buf_add(to, span_make(text, (size_t)(at - text)));
}

static struct span month_name(const struct when *when)
{
    return span_make(months + (size_t)3 * (when->month - 1), 3);
}

void when_add_asctime(struct buf *to, uint64_t wall_us)
{
    struct when when = when_of(wall_us);
    buf_add(to, span_make(weekdays + (size_t)3 * when.weekday, 3));
    buf_add_byte(to, ' ');
    buf_add(to, month_name(&when));
    buf_format(to, " %2u %02u:%02u:%02u %04u", when.day, when.hour, when.minute, when.second,
               when.year);
}

void when_add_clf(struct buf *to, uint64_t wall_us)
{
    struct when when = when_of(wall_us);
    buf_format(to, "%02u/", when.day);
    buf_add(to, month_name(&when));
    buf_format(to, "/%04u:%02u:%02u:%02u +0000", when.year, when.hour, when.minute, when.second);
}

void when_add_digits(struct buf *to, uint64_t wall_us)
{
    struct when when = when_of(wall_us);
    buf_format(to, "%04u%02u%02u-%02u%02u%02u", when.year, when.month, when.day, when.hour,
               when.minute, when.second);
}
