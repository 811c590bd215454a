/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/base/zone.h"

#include <stdbool.h>
#include <stddef.h>

#include "rules/base/number.h"

enum { TWO_DAYS_S = 172800, DAY_S = 86400, HOUR_S = 3600, MINUTE_S = 60 };

/* When the year's summer time begins or ends. */
struct turn {
    char kind;            /* M: Mmonth.week.day; J: day of the year without February 29; 0: with */
    int month, week, day; /* week 5: the last; day of the week 0: Sunday */
    int32_t time_s;       /* of that day, by the clocks before the turn; any sign, up to a week */
};

/* What holds from the last change on. */
struct yearly {
    int32_t standard, summer; /* offsets */
    bool has_summer;
    struct turn begins, ends;
};

struct zone {
    size_t count;
    const int64_t *at;      /* ascending */
    const int32_t *offsets; /* from then on */
    int32_t first;          /* before */
    bool has_yearly;
    struct yearly yearly;
};

/* ---- days and years ---- */

static bool is_leap_year(int64_t year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

/* Of January 1st, since 1970. */
static int64_t days_before_year(int64_t year)
{
    int64_t before = year - 1;
    int64_t fours = before >= 0 ? before / 4 : -((3 - before) / 4);
    int64_t hundreds = before >= 0 ? before / 100 : -((99 - before) / 100);
    int64_t four_hundreds = before >= 0 ? before / 400 : -((399 - before) / 400);
    return before * 365 + fours - hundreds + four_hundreds - 719162;
}

static int64_t day_of(int64_t time_s)
{
    return time_s / DAY_S - (time_s % DAY_S < 0);
}

static int64_t year_of(int64_t time_s)
{
    int64_t day = day_of(time_s), year = 1970 + day * 400 / 146097;
    while (days_before_year(year) > day)
        year--;
    while (days_before_year(year + 1) <= day)
        year++;
    return year;
}

static int days_before_month(int64_t year, int month)
{
    static const int days[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365};
    return days[month - 1] + (month > 2 && is_leap_year(year));
}

/* Of the year, from 0. */
static int turn_day(const struct turn *turn, int64_t year)
{
    if (turn->kind != 'M')
        return turn->kind == 'J' ? turn->day - 1 + (turn->day > 59 && is_leap_year(year))
                                 : turn->day;
    int first = days_before_month(year, turn->month);
    int behind =
        turn->month < 12 ? days_before_month(year, turn->month + 1) : 365 + is_leap_year(year);
    int weekday =
        (int)(((days_before_year(year) + first + 4) % 7 + 7) % 7); /* of the month's 1st */
    int day = first + (turn->day - weekday + 7) % 7 + 7 * (turn->week - 1);
    while (day >= behind)
        day -= 7;
    return day;
}

static int64_t turn_at(const struct turn *turn, int64_t year, int32_t offset_before)
{
    return (days_before_year(year) + turn_day(turn, year)) * DAY_S + turn->time_s - offset_before;
}

static int32_t yearly_offset(const struct yearly *yearly, int64_t utc_s)
{
    if (!yearly->has_summer)
        return yearly->standard;
    int64_t year = year_of(utc_s + yearly->standard);
    int64_t begins = turn_at(&yearly->begins, year, yearly->standard);
    int64_t ends = turn_at(&yearly->ends, year, yearly->summer);
    bool is_summer = begins < ends ? utc_s >= begins && utc_s < ends
                                   : utc_s >= begins || utc_s < ends; /* over the new year */
    return is_summer ? yearly->summer : yearly->standard;
}

/* ---- the footer ---- */

static bool take_byte(struct span *rest, char c)
{
    if (rest->len == 0 || rest->at[0] != c)
        return false;
    *rest = span_from(*rest, 1);
    return true;
}

static bool take_number(struct span *rest, int least, int most, int *number)
{
    uint64_t value;
    size_t len = 0;
    while (len < rest->len && byte_is_digit(rest->at[len]))
        len++;
    if (len == 0 || len > 3 || !number_parse(span_first(*rest, len), &value))
        return false;
    *rest = span_from(*rest, len);
    *number = (int)value;
    return *number >= least && *number <= most;
}

/* CET, or <+0330> */
static bool take_name(struct span *rest)
{
    size_t len = 0;
    bool is_quoted = take_byte(rest, '<');
    while (len < rest->len && (byte_is_alpha(rest->at[len]) ||
                               (is_quoted && (byte_is_digit(rest->at[len]) ||
                                              rest->at[len] == '+' || rest->at[len] == '-'))))
        len++;
    *rest = span_from(*rest, len);
    return len >= 3 && (!is_quoted || take_byte(rest, '>'));
}

/* [+-]hours[:minutes[:seconds]] */
static bool take_time(struct span *rest, int hours_most, int32_t *seconds)
{
    int hours, minutes = 0, rest_s = 0;
    bool is_negative = take_byte(rest, '-');
    if (!is_negative)
        (void)take_byte(rest, '+');
    if (!take_number(rest, 0, hours_most, &hours))
        return false;
    if (take_byte(rest, ':') && !take_number(rest, 0, 59, &minutes))
        return false;
    if (take_byte(rest, ':') && !take_number(rest, 0, 59, &rest_s))
        return false;
    *seconds = hours * HOUR_S + minutes * MINUTE_S + rest_s;
    *seconds = is_negative ? -*seconds : *seconds;
    return true;
}

/* ",M3.5.0/2", ",J60", ",59" */
static bool take_turn(struct span *rest, struct turn *turn)
{
    bool well;
    *turn = (struct turn){.kind = '0', .time_s = 2 * HOUR_S};
    if (!take_byte(rest, ','))
        return false;
    if (take_byte(rest, 'M')) {
        turn->kind = 'M';
        well = take_number(rest, 1, 12, &turn->month) && take_byte(rest, '.') &&
               take_number(rest, 1, 5, &turn->week) && take_byte(rest, '.') &&
               take_number(rest, 0, 6, &turn->day);
    } else {
        turn->kind = take_byte(rest, 'J') ? 'J' : '0';
        well = take_number(rest, turn->kind == 'J', 365, &turn->day);
    }
    return well && (!take_byte(rest, '/') || take_time(rest, 167, &turn->time_s));
}

/* As POSIX has TZ, where west is positive. */
static bool yearly_read(struct span text, struct yearly *yearly)
{
    int32_t west;
    if (!take_name(&text) || !take_time(&text, 24, &west))
        return false;
    *yearly = (struct yearly){.standard = -west, .summer = -west + HOUR_S};
    if (text.len == 0)
        return true;
    if (!take_name(&text))
        return false;
    if (text.len > 0 && text.at[0] != ',') {
        if (!take_time(&text, 24, &west))
            return false;
        yearly->summer = -west;
    }
    yearly->has_summer = true;
    return take_turn(&text, &yearly->begins) && take_turn(&text, &yearly->ends) && text.len == 0;
}

/* ---- the file ---- */

enum { HEADER_BYTES = 44, COUNTS_AT = 20, COUNTS = 6, TYPE_BYTES = 6, CHANGES_MOST = 10000 };

/* In their order in the header. */
enum { UT_FLAGS, STANDARD_FLAGS, LEAPS, CHANGES, TYPES, LETTERS };

static uint64_t big_endian(const char *at, size_t bytes)
{
    uint64_t number = 0;
    for (size_t i = 0; i < bytes; i++)
        number = number << 8 | (unsigned char)at[i];
    return number;
}

/* Cuts a header off. */
static bool take_header(struct span *rest, uint32_t counts[COUNTS])
{
    if (rest->len < HEADER_BYTES || !span_starts(*rest, SPAN("TZif")) || rest->at[4] < '2')
        return false;
    for (size_t i = 0; i < COUNTS; i++)
        counts[i] = (uint32_t)big_endian(rest->at + COUNTS_AT + 4 * i, 4);
    *rest = span_from(*rest, HEADER_BYTES);
    return true;
}

static uint64_t data_bytes(const uint32_t counts[COUNTS], size_t time_bytes)
{
    return (uint64_t)counts[CHANGES] * (time_bytes + 1) + (uint64_t)counts[TYPES] * TYPE_BYTES +
           counts[LETTERS] + (uint64_t)counts[LEAPS] * (time_bytes + 4) + counts[STANDARD_FLAGS] +
           counts[UT_FLAGS];
}

/* False: there is no such type, or no such offset. */
static bool type_offset(const char *types, uint32_t count, size_t type, int32_t *offset)
{
    if (type >= count)
        return false;
    *offset = (int32_t)(uint32_t)big_endian(types + type * TYPE_BYTES, 4);
    return *offset > -26 * HOUR_S && *offset < 26 * HOUR_S;
}

static bool changes_read(struct zone *zone, struct arena *arena, const char *data,
                         const uint32_t counts[COUNTS])
{
    size_t count = zone->count = counts[CHANGES];
    const char *which = data + 8 * count, *types = which + count;
    int64_t *at = arena_alloc(arena, count * sizeof *at + 1);
    int32_t *offsets = arena_alloc(arena, count * sizeof *offsets + 1);
    if (at == NULL || offsets == NULL || !type_offset(types, counts[TYPES], 0, &zone->first))
        return false;
    for (size_t i = 0; i < count; i++) {
        at[i] = (int64_t)big_endian(data + 8 * i, 8);
        if ((i > 0 && at[i] <= at[i - 1]) ||
            !type_offset(types, counts[TYPES], (unsigned char)which[i], &offsets[i]))
            return false;
    }
    zone->at = at;
    zone->offsets = offsets;
    return true;
}

const struct zone *zone_read(struct arena *arena, struct span bytes)
{
    uint32_t counts[COUNTS];
    struct zone *zone = arena_alloc(arena, sizeof *zone);
    if (zone == NULL || bytes.len > ZONE_BYTES_MOST || !take_header(&bytes, counts) ||
        data_bytes(counts, 4) > bytes.len)
        return NULL;
    bytes = span_from(bytes, (size_t)data_bytes(counts, 4));
    if (!take_header(&bytes, counts) || counts[LEAPS] > 0 || counts[CHANGES] > CHANGES_MOST ||
        data_bytes(counts, 8) > bytes.len)
        return NULL;
    *zone = (struct zone){.count = 0};
    struct span footer = span_from(bytes, (size_t)data_bytes(counts, 8));
    if (!changes_read(zone, arena, bytes.at, counts) || !take_byte(&footer, '\n') ||
        !span_ends(footer, SPAN("\n")))
        return NULL;
    footer.len--;
    zone->has_yearly = footer.len > 0;
    return !zone->has_yearly || yearly_read(footer, &zone->yearly) ? zone : NULL;
}

/* ---- what time it is ---- */

int32_t zone_offset(const struct zone *zone, int64_t utc_s)
{
    size_t low = 0, high = zone->count; /* how many changes are behind */
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (zone->at[middle] <= utc_s)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == zone->count && zone->has_yearly)
        return yearly_offset(&zone->yearly, utc_s);
    return low > 0 ? zone->offsets[low - 1] : zone->first;
}

int64_t zone_utc(const struct zone *zone, int64_t local_s)
{
    int32_t before = zone_offset(zone, local_s - TWO_DAYS_S);
    int32_t after = zone_offset(zone, local_s + TWO_DAYS_S);
    if (zone_offset(zone, local_s - before) != before &&
        zone_offset(zone, local_s - after) == after)
        return local_s - after;
    return local_s - before;
}
