/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/alarms/mute.h"

#include <time.h>

#include "rules/base/number.h"

enum { TWO_DAYS_S = 172800, DAY_S = 86400, HOUR_S = 3600, MINUTE_S = 60, NAME_BYTES = 3 };

/* ---- cron ---- */

struct field {
    unsigned least, most;
    const char *names; /* three letters each, the first is `least`; NULL: none */
};
enum { FIELDS = 5 };
static const struct field fields[FIELDS] = {
    {0, 59, NULL},
    {0, 23, NULL},
    {1, 31, NULL},
    {1, 12, "JANFEBMARAPRMAYJUNJULAUGSEPOCTNOVDEC"},
    {0, 7, "SUNMONTUEWEDTHUFRISAT"},
};

static bool number_of(const struct field *field, struct span text, unsigned *number)
{
    uint64_t value;
    for (unsigned i = 0; field->names != NULL && field->names[(size_t)i * NAME_BYTES] != '\0'; i++)
        if (span_is_nocase(text, span_make(field->names + (size_t)i * NAME_BYTES, NAME_BYTES))) {
            *number = field->least + i;
            return true;
        }
    if (!number_parse(text, &value) || value < field->least || value > field->most)
        return false;
    *number = (unsigned)value;
    return true;
}

/* "*", "5", "1-5", "1-5/2", "5/2" */
static bool part_parse(const struct field *field, struct span part, uint64_t *bits)
{
    struct span step_text = part, range = span_cut(&step_text, '/'), high = range;
    struct span low = span_cut(&high, '-');
    unsigned from = field->least, to = field->most;
    uint64_t step = 1;
    if (step_text.at != NULL &&
        (!number_parse(step_text, &step) || step == 0 || step > field->most))
        return false;
    if (!span_is(range, SPAN("*"))) {
        if (!number_of(field, low, &from))
            return false;
        to = step_text.at != NULL ? field->most : from;
        if (high.at != NULL && (!number_of(field, high, &to) || to < from))
            return false;
    }
    for (unsigned i = from; i <= to; i += (unsigned)step)
        *bits |= UINT64_C(1) << i;
    return true;
}

static bool field_parse(const struct field *field, struct span text, uint64_t *bits)
{
    *bits = 0;
    do {
        if (!part_parse(field, span_cut(&text, ','), bits))
            return false;
    } while (text.at != NULL);
    return true;
}

static bool cron_parse(struct span text, struct mute_window *window)
{
    uint64_t *const bits[FIELDS] = {&window->minutes, &window->hours, &window->days,
                                    &window->months, &window->weekdays};
    struct span words[FIELDS];
    for (size_t i = 0; i < FIELDS; i++) {
        text = span_trim(text, " ");
        words[i] = span_cut(&text, ' ');
        if (words[i].len == 0 || !field_parse(&fields[i], words[i], bits[i]))
            return false;
    }
    if (window->weekdays >> 7 & 1) /* Sunday, too */
        window->weekdays |= 1;
    window->any_day = span_is(words[2], SPAN("*"));
    window->any_weekday = span_is(words[4], SPAN("*"));
    return text.len == 0;
}

/* ---- at ---- */

static bool digits_parse(struct span *text, size_t count, char behind, int *number)
{
    uint64_t value;
    struct span digits = span_first(*text, count);
    if (digits.len < count || !number_parse(digits, &value))
        return false;
    *text = span_from(*text, count);
    *number = (int)value;
    if (behind == '\0')
        return text->len == 0;
    bool well = text->len > 0 && text->at[0] == behind;
    *text = span_from(*text, 1);
    return well;
}

static bool at_parse(struct span text, struct mute_window *window)
{
    struct tm tm = {0}, back;
    if (!digits_parse(&text, 4, '-', &tm.tm_year) || !digits_parse(&text, 2, '-', &tm.tm_mon) ||
        !digits_parse(&text, 2, 'T', &tm.tm_mday) || !digits_parse(&text, 2, ':', &tm.tm_hour) ||
        !digits_parse(&text, 2, '\0', &tm.tm_min))
        return false;
    tm.tm_year -= 1900;
    tm.tm_mon -= 1;
    back = tm;
    time_t time = timegm(&back); /* a day that is none comes back as another */
    window->is_once = true;
    window->at_s = time;
    return time >= 0 && back.tm_mon == tm.tm_mon && back.tm_mday == tm.tm_mday &&
           back.tm_hour == tm.tm_hour && back.tm_min == tm.tm_min;
}

bool mute_schedule_parse(struct span text, struct mute_window *window)
{
    *window = (struct mute_window){.duration_s = window->duration_s, .zone = window->zone};
    if (!span_ends(text, SPAN(")")))
        return false;
    text.len--;
    if (span_starts(text, SPAN("cron(")))
        return cron_parse(span_from(text, SPAN("cron(").len), window);
    return span_starts(text, SPAN("at(")) && at_parse(span_from(text, SPAN("at(").len), window);
}

static bool has(uint64_t bits, int i)
{
    return (bits >> i & 1) != 0;
}

bool mute_schedule_comes(const struct mute_window *window)
{
    static const int days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (window->is_once || !window->any_weekday) /* a weekday is in every month */
        return true;
    for (int month = 0; month < 12; month++)
        for (int day = 1; has(window->months, month + 1) && day <= days[month]; day++)
            if (has(window->days, day))
                return true;
    return false;
}

/* ---- is it now? ---- */

static bool is_day(const struct mute_window *window, int64_t day_s)
{
    struct tm tm;
    time_t time = (time_t)day_s;
    if (gmtime_r(&time, &tm) == NULL || !has(window->months, tm.tm_mon + 1))
        return false;
    bool day = has(window->days, tm.tm_mday), weekday = has(window->weekdays, tm.tm_wday);
    return window->any_day || window->any_weekday ? day && weekday : day || weekday;
}

/* The latest start of a day up to `most_s` seconds into it; -1: none. */
static int64_t latest_of_day(const struct mute_window *window, int64_t most_s)
{
    for (int hour = (int)(most_s / HOUR_S); hour >= 0; hour--) {
        if (!has(window->hours, hour))
            continue;
        int64_t left_s = most_s - (int64_t)hour * HOUR_S;
        for (int minute = left_s >= HOUR_S ? 59 : (int)(left_s / MINUTE_S); minute >= 0; minute--)
            if (has(window->minutes, minute))
                return (int64_t)hour * HOUR_S + (int64_t)minute * MINUTE_S;
    }
    return -1;
}

/* By clocks that never change. */
static int64_t steady_end(const struct mute_window *window, int64_t now_s)
{
    int64_t from_s = now_s - window->duration_s; /* what began by then is over */
    int64_t day_s = now_s - now_s % DAY_S, most_s = now_s - day_s;
    for (; day_s + most_s > from_s; day_s -= DAY_S, most_s = DAY_S - 1) {
        int64_t start_s = is_day(window, day_s) ? latest_of_day(window, most_s) : -1;
        if (start_s >= 0)
            return day_s + start_s > from_s ? day_s + start_s + window->duration_s : 0;
    }
    return 0;
}

static bool is_start(const struct mute_window *window, int64_t local_s)
{
    int64_t day_s = local_s - local_s % DAY_S, time_s = local_s - day_s;
    return has(window->hours, (int)(time_s / HOUR_S)) &&
           has(window->minutes, (int)(time_s % HOUR_S / MINUTE_S)) && is_day(window, day_s);
}

static bool is_of_every_hour(const struct mute_window *window)
{
    return window->hours == (UINT64_C(1) << 24) - 1;
}

/* By the clocks as they show it, and as they would without a change, so that what they leap over
 * has its turn; of every hour: of those that come twice, too. */
static bool is_start_by_clocks(const struct mute_window *window, int64_t utc_s)
{
    const struct zone *zone = window->zone;
    int64_t shown_s = utc_s + zone_offset(zone, utc_s);
    int64_t without_s = utc_s + zone_offset(zone, utc_s - DAY_S);
    if (is_of_every_hour(window))
        return is_start(window, shown_s);
    return (is_start(window, shown_s) && zone_utc(zone, shown_s) == utc_s) ||
           (is_start(window, without_s) && zone_utc(zone, without_s) == utc_s);
}

/* Any zone's clocks show a day of UTC as that one, the one before or the one after. */
static bool may_start_on(const struct mute_window *window, int64_t day_s)
{
    return is_day(window, day_s - DAY_S) || is_day(window, day_s) || is_day(window, day_s + DAY_S);
}

/* A change of the clocks is near: minute by minute, of days on which something may begin. */
static int64_t changing_end(const struct mute_window *window, int64_t now_s)
{
    int64_t from_s = now_s - window->duration_s, s = now_s - now_s % MINUTE_S;
    while (s > from_s) {
        int64_t day_s = s - s % DAY_S;
        bool may = may_start_on(window, day_s);
        for (; may && s >= day_s && s > from_s; s -= MINUTE_S)
            if (is_start_by_clocks(window, s))
                return s + window->duration_s;
        s = day_s - MINUTE_S;
    }
    return 0;
}

int64_t mute_window_end(const struct mute_window *window, int64_t now_s)
{
    const struct zone *zone = window->zone;
    int64_t from_s = now_s - window->duration_s;
    if (window->is_once) {
        int64_t at_s = zone != NULL ? zone_utc(zone, window->at_s) : window->at_s;
        return at_s > from_s && at_s <= now_s ? at_s + window->duration_s : 0;
    }
    if (zone == NULL)
        return steady_end(window, now_s);
    int32_t offset = zone_offset(zone, now_s);
    if (zone_offset(zone, from_s - TWO_DAYS_S) != offset ||
        zone_offset(zone, now_s + TWO_DAYS_S) != offset)
        return changing_end(window, now_s);
    int64_t end_s = steady_end(window, now_s + offset);
    return end_s > 0 ? end_s - offset : 0;
}
