/* SPDX-License-Identifier: Apache-2.0 */
/* Schedules of mutes, minute by minute. */
#include "exporters/alarms/mute.h"

#include <time.h>

#include "tests/check.h"
#include "tests/unit/alarms/suites.h"
#include "tests/unit/zone_file.h"

enum { MINUTE_S = 60, HOUR_S = 3600, DAY_S = 86400 };
static const int64_t new_year_s = 1767225600; /* Thursday 2026-01-01 */

static struct mute_window window_of(const char *schedule, int64_t duration_s)
{
    struct mute_window window = {.duration_s = duration_s};
    if (!mute_schedule_parse(span_text(schedule), &window))
        print_error("%s\n", schedule);
    else
        return window;
    fail();
    return window;
}

TEST(a_window_ends_its_duration_after_it_began)
{
    struct mute_window window = window_of("cron(30 2 * * *)", 2 * HOUR_S);
    int64_t begin_s = new_year_s + 2 * HOUR_S + 30 * MINUTE_S;
    check_number(mute_window_end(&window, begin_s - 1), 0);
    check_number(mute_window_end(&window, begin_s), begin_s + 2 * HOUR_S);
    check_number(mute_window_end(&window, begin_s + 2 * HOUR_S - 1), begin_s + 2 * HOUR_S);
    check_number(mute_window_end(&window, begin_s + 2 * HOUR_S), 0);
    check_number(mute_window_end(&window, begin_s + DAY_S), begin_s + DAY_S + 2 * HOUR_S);
    window = window_of("at(2026-01-01T02:30)", MUTE_SECONDS_MOST);
    check_number(mute_window_end(&window, begin_s - 1), 0);
    check_number(mute_window_end(&window, begin_s), begin_s + MUTE_SECONDS_MOST);
    check_number(mute_window_end(&window, begin_s + MUTE_SECONDS_MOST - 1),
                 begin_s + MUTE_SECONDS_MOST);
    check_number(mute_window_end(&window, begin_s + MUTE_SECONDS_MOST), 0);
    window = window_of("cron(0 23 1 1 *)", 10 * DAY_S); /* over many days */
    check_number(mute_window_end(&window, new_year_s + 23 * HOUR_S + 10 * DAY_S - 1),
                 new_year_s + 23 * HOUR_S + 10 * DAY_S);
    check_number(mute_window_end(&window, new_year_s + 23 * HOUR_S + 10 * DAY_S), 0);
}

/* Minutes of the year 2026 in which a window of a minute is open. */
static int minutes_of_year(const char *schedule)
{
    struct mute_window window = window_of(schedule, MINUTE_S);
    int count = 0;
    for (int64_t s = new_year_s; s < new_year_s + (int64_t)365 * DAY_S; s += MINUTE_S)
        count += mute_window_end(&window, s + 59) == s + MINUTE_S;
    return count;
}

TEST(a_schedule_of_days_that_no_month_has_never_comes)
{
    static const char *const never[] = {"cron(0 0 31 2 *)", "cron(0 0 30-31 FEB *)",
                                        "cron(* * 31 4,6,9,11 *)"};
    static const char *const comes[] = {
        "cron(0 0 29 2 *)", "cron(0 0 31 2,3 *)",  "cron(0 0 30 4 *)",    "cron(0 0 31 2 MON)",
        "cron(0 0 * 2 *)",  "cron(0 0 28-31 2 *)", "at(2020-01-01T00:00)"};
    for (size_t i = 0; i < sizeof never / sizeof *never; i++) {
        struct mute_window window = window_of(never[i], MINUTE_S);
        check(!mute_schedule_comes(&window));
        check_number(minutes_of_year(never[i]), 0);
    }
    for (size_t i = 0; i < sizeof comes / sizeof *comes; i++) {
        struct mute_window window = window_of(comes[i], MINUTE_S);
        check(mute_schedule_comes(&window));
    }
}

TEST(a_schedule_means_what_cron_means_by_it)
{
    check_number(minutes_of_year("cron(* * * * *)"), 365 * 1440);
    check_number(minutes_of_year("cron(0 0 * * *)"), 365);
    check_number(minutes_of_year("cron(*/15 9-17 * * MON-FRI)"), 261 * 36);
    check_number(minutes_of_year("cron(5,10-20/5 0 1 * *)"), 48);
    check_number(minutes_of_year("cron(50/3 0 1 jan *)"), 4);
    check_number(minutes_of_year("cron(0 0 * * 7)"), 52);
    check_number(minutes_of_year("cron(0 0 * * sun)"), 52);
    check_number(minutes_of_year("cron(0 0 31 * *)"), 7);
    check_number(minutes_of_year("cron(0 0 29 2 *)"), 0);
    check_number(minutes_of_year("cron(0 0 13 * FRI)"), 52 + 12 - 3); /* either day will do */
    check_number(minutes_of_year("cron(0  0 13   2 *)"), 1);
}

TEST(what_is_no_schedule_is_refused)
{
    static const char *const wrong[] = {"",
                                        "cron",
                                        "cron()",
                                        "cron(* * * *)",
                                        "cron(* * * * * *)",
                                        "cron(60 * * * *)",
                                        "cron(* 24 * * *)",
                                        "cron(* * 0 * *)",
                                        "cron(* * * 13 *)",
                                        "cron(* * * * 8)",
                                        "cron(5-1 * * * *)",
                                        "cron(*/0 * * * *)",
                                        "cron(1, * * * *)",
                                        "cron(MON * * * *)",
                                        "cron(* * * * *",
                                        "at()",
                                        "at(2026-02-29T00:00)",
                                        "at(2026-01-01T24:00)",
                                        "at(2026-01-01 00:00)",
                                        "at(2026-01-01T00:00:00)",
                                        "rate(5 minutes)"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct mute_window window = {0};
        struct span text = span_text(wrong[i]);
        if (mute_schedule_parse(text, &window))
            print_error(SPAN_FORMAT "\n", span_arg(text));
        check(!mute_schedule_parse(text, &window));
    }
}

static const int64_t spring_s = 1774746000, autumn_s = 1792890000; /* Berlin's changes in 2026 */

TEST(a_schedule_goes_by_the_clocks_of_its_zone_in_winter_and_in_summer)
{
    struct arena *arena = arena_new(NULL, 1 << 16);
    struct mute_window window = window_of("cron(30 2 * * *)", 2 * HOUR_S);
    window.zone = zone_of_footer(arena, "CET-1CEST,M3.5.0,M10.5.0/3");
    int64_t winter_s = new_year_s + HOUR_S + 30 * MINUTE_S; /* 02:30 there */
    int64_t summer_s = new_year_s + 180 * DAY_S + 30 * MINUTE_S;
    check_number(mute_window_end(&window, winter_s - 1), 0);
    check_number(mute_window_end(&window, winter_s), winter_s + 2 * HOUR_S);
    check_number(mute_window_end(&window, winter_s + 2 * HOUR_S), 0);
    check_number(mute_window_end(&window, summer_s - 1), 0);
    check_number(mute_window_end(&window, summer_s), summer_s + 2 * HOUR_S);
    window.duration_s = MUTE_SECONDS_MOST; /* it began before the change and lasts beyond it */
    check_number(mute_window_end(&window, spring_s + 29 * MINUTE_S),
                 spring_s - DAY_S + 30 * MINUTE_S + MUTE_SECONDS_MOST);
    check_number(mute_window_end(&window, spring_s + DAY_S),
                 spring_s + DAY_S - 30 * MINUTE_S + MUTE_SECONDS_MOST);
    window = window_of("at(2026-07-01T12:00)", HOUR_S);
    window.zone = zone_of_footer(arena, "CET-1CEST,M3.5.0,M10.5.0/3");
    int64_t noon_s = 1782900000; /* 10:00Z */
    check_number(mute_window_end(&window, noon_s - 1), 0);
    check_number(mute_window_end(&window, noon_s), noon_s + HOUR_S);
    window = window_of("cron(0 23 * * FRI)", HOUR_S); /* Saturday already, where it is asked */
    window.zone = zone_of_footer(arena, "EST5EDT,M3.2.0,M11.1.0");
    check_number(mute_window_end(&window, 1767412800), 1767412800 + HOUR_S); /* 2026-01-03 04:00Z */
    check_number(mute_window_end(&window, 1767412800 - DAY_S), 0);
    arena_free(arena);
}

/* Minutes of a window of one minute that are open within a day of a change. */
static int minutes_about(struct mute_window *window, int64_t change_s)
{
    int count = 0;
    for (int64_t s = change_s - 12 * HOUR_S; s < change_s + 12 * HOUR_S; s += MINUTE_S)
        count += mute_window_end(window, s + 59) == s + MINUTE_S;
    return count;
}

TEST(where_clocks_change_a_window_comes_once_and_is_neither_lost_nor_doubled)
{
    struct arena *arena = arena_new(NULL, 1 << 16);
    const struct zone *berlin = zone_of_footer(arena, "CET-1CEST,M3.5.0,M10.5.0/3");
    struct mute_window window = window_of("cron(30 2 * * *)", MINUTE_S);
    window.zone = berlin;
    check_number(minutes_about(&window, spring_s), 1);
    check_number(minutes_about(&window, autumn_s), 1);
    check_number(mute_window_end(&window, spring_s + 30 * MINUTE_S), spring_s + 31 * MINUTE_S);
    check_number(mute_window_end(&window, autumn_s - 30 * MINUTE_S), autumn_s - 29 * MINUTE_S);
    window.duration_s = HOUR_S; /* it lasts into the hour that comes twice */
    check_number(mute_window_end(&window, autumn_s + 29 * MINUTE_S), autumn_s + 30 * MINUTE_S);
    check_number(mute_window_end(&window, autumn_s + 30 * MINUTE_S), 0);
    window = window_of("cron(* * * * *)", MINUTE_S);
    window.zone = berlin;
    check_number(minutes_about(&window, spring_s), 24 * 60);
    check_number(minutes_about(&window, autumn_s), 24 * 60); /* each hour means each hour */
    window = window_of("cron(*/30 * * * *)", MINUTE_S);
    window.zone = berlin;
    check_number(minutes_about(&window, spring_s), 48);
    check_number(minutes_about(&window, autumn_s), 48);
    window = window_of("cron(0 1-5 * * *)", MINUTE_S);
    window.zone = berlin;
    check_number(minutes_about(&window, spring_s), 4); /* 02:00 and 03:00 are the same moment */
    check_number(minutes_about(&window, autumn_s), 5);
    window = window_of("cron(15 3 * * *)", MINUTE_S);
    window.zone = berlin;
    check_number(mute_window_end(&window, spring_s + 15 * MINUTE_S), spring_s + 16 * MINUTE_S);
    check_number(minutes_about(&window, spring_s), 1);
    arena_free(arena);
}

/* Asked for each hour about a change, a long window began where the latest short one did. */
static void check_long_windows(const char *schedule, const struct zone *zone, int64_t change_s)
{
    struct mute_window start = window_of(schedule, MINUTE_S),
                       whole = window_of(schedule, 3 * DAY_S);
    int64_t began_s = 0;
    start.zone = whole.zone = zone;
    for (int64_t s = change_s - 6 * DAY_S; s < change_s + 6 * DAY_S; s += MINUTE_S) {
        if (mute_window_end(&start, s) == s + MINUTE_S)
            began_s = s;
        int64_t end_s = began_s + whole.duration_s > s ? began_s + whole.duration_s : 0;
        if (s >= change_s - 3 * DAY_S && s % HOUR_S == 0)
            check_number(mute_window_end(&whole, s), end_s);
    }
}

TEST(where_clocks_change_a_long_window_lasts_from_its_latest_start_whatever_its_days)
{
    static const char *const schedules[] = {"cron(30 2 * * *)",    "cron(30 2 * * SUN)",
                                            "cron(59 23 * * SAT)", "cron(0 0 1,28,29 * *)",
                                            "cron(0 * 26 * *)",    "cron(0 2 1 1 *)"};
    static const char *const zones[] = {"CET-1CEST,M3.5.0,M10.5.0/3", "EST5EDT,M3.5.0,M10.5.0",
                                        "<+13>-13<+14>,M3.5.0,M10.5.0/3"};
    struct arena *arena = arena_new(NULL, 1 << 16);
    for (size_t i = 0; i < sizeof zones / sizeof *zones; i++) {
        const struct zone *zone = zone_of_footer(arena, zones[i]);
        check(zone != NULL);
        for (size_t k = 0; k < sizeof schedules / sizeof *schedules; k++) {
            check_long_windows(schedules[k], zone, spring_s);
            check_long_windows(schedules[k], zone, autumn_s);
        }
    }
    arena_free(arena);
}

int mute_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_window_ends_its_duration_after_it_began),
        cmocka_unit_test(a_schedule_means_what_cron_means_by_it),
        cmocka_unit_test(a_schedule_of_days_that_no_month_has_never_comes),
        cmocka_unit_test(what_is_no_schedule_is_refused),
        cmocka_unit_test(a_schedule_goes_by_the_clocks_of_its_zone_in_winter_and_in_summer),
        cmocka_unit_test(where_clocks_change_a_window_comes_once_and_is_neither_lost_nor_doubled),
        cmocka_unit_test(
            where_clocks_change_a_long_window_lasts_from_its_latest_start_whatever_its_days),
    };
    return cmocka_run_group_tests_name("mutes of alarms", tests, NULL, NULL);
}
