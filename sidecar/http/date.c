/* SPDX-License-Identifier: Apache-2.0 */
/* Dates without the C library: no locale, no time zone, no lock, a handful of divisions. */
#include "sidecar/http/date.h"

#include <string.h>

enum { DAYS_IN_ERA = 146097, DAYS_BEFORE_1970 = 719468 };
#define LAST_US UINT64_C(253402300799999999) /* 9999-12-31T23:59:59.999999: four digits hold it */

static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

struct moment {
    unsigned year, month, day, weekday; /* month and day from 1, weekday 0: Sunday */
    unsigned hour, minute, second, microsecond;
};

/* The civil calendar counts best from 1 March of the year 0: the leap day is then a year's last,
 * and 400 years are always as many days. */
static void moment_set_date(struct moment *moment, unsigned days_since_1970)
{
    unsigned days = days_since_1970 + DAYS_BEFORE_1970;
    unsigned era = days / DAYS_IN_ERA;
    unsigned day_of_era = days % DAYS_IN_ERA;
    unsigned year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    unsigned day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    unsigned month = (5 * day_of_year + 2) / 153; /* 0: March */
    moment->day = day_of_year - (153 * month + 2) / 5 + 1;
    moment->month = month < 10 ? month + 3 : month - 9;
    moment->year = year_of_era + era * 400 + (moment->month <= 2);
    moment->weekday = (days_since_1970 + 4) % 7;
}

static struct moment moment_of(uint64_t wall_us)
{
    if (wall_us > LAST_US)
        wall_us = LAST_US;
    uint64_t seconds = wall_us / 1000000;
    unsigned of_day = (unsigned)(seconds % 86400);
    struct moment moment = {
        .hour = of_day / 3600,
        .minute = of_day / 60 % 60,
        .second = of_day % 60,
        .microsecond = (unsigned)(wall_us % 1000000),
    };
    moment_set_date(&moment, (unsigned)(seconds / 86400));
    return moment;
}

/* Digits with leading zeros; returns what follows. */
static char *write_digits(char *to, unsigned number, unsigned digits)
{
    for (unsigned i = digits; i > 0; i--) {
        to[i - 1] = (char)('0' + number % 10);
        number /= 10;
    }
    return to + digits;
}

static char *write_text(char *to, const char *text, size_t len)
{
    memcpy(to, text, len);
    return to + len;
}

static char *write_month(char *to, unsigned month)
{
    return write_text(to, &"JanFebMarAprMayJunJulAugSepOctNovDec"[(size_t)(month - 1) * 3], 3);
}

void date_write(char to[DATE_LENGTH], uint64_t wall_us)
{
    struct moment moment = moment_of(wall_us);
    to = write_text(to, &"SunMonTueWedThuFriSat"[(size_t)moment.weekday * 3], 3);
    to = write_text(to, ", ", 2);
    to = write_digits(to, moment.day, 2);
    *to++ = ' ';
    to = write_text(to, &months[(size_t)(moment.month - 1) * 3], 3);
    *to++ = ' ';
    to = write_digits(to, moment.year, 4);
    *to++ = ' ';
    to = write_digits(to, moment.hour, 2);
    *to++ = ':';
    to = write_digits(to, moment.minute, 2);
    *to++ = ':';
    to = write_digits(to, moment.second, 2);
    write_text(to, " GMT", 4);
}

void timestamp_write(char to[TIMESTAMP_LENGTH], uint64_t wall_us)
{
    struct moment moment = moment_of(wall_us);
    to = write_digits(to, moment.year, 4);
    *to++ = '-';
    to = write_digits(to, moment.month, 2);
    *to++ = '-';
    to = write_digits(to, moment.day, 2);
    *to++ = 'T';
    to = write_digits(to, moment.hour, 2);
    *to++ = ':';
    to = write_digits(to, moment.minute, 2);
    *to++ = ':';
    to = write_digits(to, moment.second, 2);
    *to++ = '.';
    to = write_digits(to, moment.microsecond, 6);
    *to = 'Z';
}

void clf_write(char to[CLF_LENGTH], uint64_t wall_us)
{
    struct moment moment = moment_of(wall_us);
    to = write_digits(to, moment.day, 2);
    *to++ = '/';
    to = write_month(to, moment.month);
    *to++ = '/';
    to = write_digits(to, moment.year, 4);
    *to++ = ':';
    to = write_digits(to, moment.hour, 2);
    *to++ = ':';
    to = write_digits(to, moment.minute, 2);
    *to++ = ':';
    to = write_digits(to, moment.second, 2);
    write_text(to, " +0000", 6);
}

static unsigned digits_of(struct span text, size_t at, size_t count)
{
    unsigned number = 0;
    for (size_t i = at; i < at + count; i++)
        number = number * 10 + (unsigned)(text.at[i] - '0');
    return number;
}

bool date_parse(struct span text, uint64_t *seconds)
{
    static const char shape[] = "dddd-dd-dd";
    if (text.len != sizeof shape - 1)
        return false;
    for (size_t i = 0; i < text.len; i++)
        if (shape[i] == 'd' ? !byte_is_digit(text.at[i]) : text.at[i] != shape[i])
            return false;
    unsigned year = digits_of(text, 0, 4), month = digits_of(text, 5, 2),
             day = digits_of(text, 8, 2);
    if (year < 1970 || month < 1 || month > 12 || day < 1)
        return false;
    unsigned from_march = month > 2 ? month - 3 : month + 9;
    unsigned years = year - (month <= 2), of_era = years % 400;
    unsigned day_of_year = (153 * from_march + 2) / 5 + day - 1;
    unsigned days = years / 400 * DAYS_IN_ERA + of_era * 365 + of_era / 4 - of_era / 100 +
                    day_of_year - DAYS_BEFORE_1970;
    struct moment moment = {0};
    moment_set_date(&moment, days);
    *seconds = (uint64_t)days * 86400;
    return moment.month == month && moment.day == day; /* else no such day */
}

bool date_parse_http(struct span text, uint64_t *seconds)
{
    static const char shape[] = "aaa, dd aaa dddd dd:dd:dd GMT";
    char day[] = "yyyy-mm-dd", again[DATE_LENGTH];
    if (text.len != DATE_LENGTH)
        return false;
    for (size_t i = 0; i < text.len; i++)
        if (shape[i] == 'd' && !byte_is_digit(text.at[i]))
            return false;
    size_t month = span_find(span_text(months), span_make(text.at + 8, 3));
    if (month == SPAN_NONE)
        return false;
    memcpy(day, text.at + 12, 4);
    write_digits(day + 5, (unsigned)month / 3 + 1, 2);
    memcpy(day + 8, text.at + 5, 2);
    if (!date_parse(span_text(day), seconds))
        return false;
    *seconds +=
        (digits_of(text, 17, 2) * 60 + digits_of(text, 20, 2)) * 60 + digits_of(text, 23, 2);
    date_write(again, *seconds * 1000000);
    return span_is(text, span_make(again, sizeof again)); /* else there is another spelling of it */
}
