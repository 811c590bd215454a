/* SPDX-License-Identifier: Apache-2.0 */
/* Time zones. */
#include "rules/base/zone.h"

#include "tests/check.h"
#include "tests/unit/base/suites.h"
#include "tests/unit/zone_file.h"

enum { ARENA_BYTES = 1 << 20, HOUR_S = 3600, DAY_S = 86400 };

TEST(a_zone_has_its_changes_and_before_and_behind_them_what_holds_there)
{
    static const struct zone_past past[] = {{-1000, 3600}, {0, 7200}, {5000, -1800}};
    struct arena *arena = arena_new(NULL, ARENA_BYTES);
    struct buf file;
    zone_file_make(&file, 1234, past, 3, "");
    const struct zone *zone = zone_read(arena, buf_span(&file));
    check(zone != NULL);
    check_number(zone_offset(zone, -1001), 1234);
    check_number(zone_offset(zone, -1000), 3600);
    check_number(zone_offset(zone, -1), 3600);
    check_number(zone_offset(zone, 4999), 7200);
    check_number(zone_offset(zone, 5000), -1800);
    check_number(zone_offset(zone, (int64_t)1 << 40), -1800);
    buf_fini(&file);
    zone_file_make(&file, 1234, past, 3, "EST5");
    zone = zone_read(arena, buf_span(&file));
    check(zone != NULL);
    check_number(zone_offset(zone, 4999), 7200);
    check_number(zone_offset(zone, 5000), -5 * HOUR_S);
    buf_fini(&file);
    arena_free(arena);
}

/* Facts of the tz database: what the footers of its files say of the year 2026. */
TEST(summer_begins_and_ends_where_the_footer_says)
{
    static const struct {
        const char *footer;
        int64_t at; /* the first second of what comes behind */
        int32_t before, behind;
    } rows[] = {
        {"CET-1CEST,M3.5.0,M10.5.0/3", 1774746000, 3600, 7200},     /* 2026-03-29 01:00Z */
        {"CET-1CEST,M3.5.0,M10.5.0/3", 1792890000, 7200, 3600},     /* 2026-10-25 01:00Z */
        {"EST5EDT,M3.2.0,M11.1.0", 1772953200, -18000, -14400},     /* 2026-03-08 07:00Z */
        {"EST5EDT,M3.2.0,M11.1.0", 1793512800, -14400, -18000},     /* 2026-11-01 06:00Z */
        {"AEST-10AEDT,M10.1.0,M4.1.0/3", 1775318400, 39600, 36000}, /* 2026-04-04 16:00Z */
        {"AEST-10AEDT,M10.1.0,M4.1.0/3", 1791043200, 36000, 39600}, /* 2026-10-03 16:00Z */
        {"<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", 1775314800, 39600, 37800},
        {"<-02>2<-01>,M3.5.0/-1,M10.5.0/0", 1774746000, -7200, -3600}, /* Nuuk: the day before */
        {"IST-2IDT,M3.4.4/26,M10.5.0", 1774569600, 7200, 10800},       /* 26 hours of Thursday */
        {"AAA0BBB,J60/0,J61/0", 1772323200, 0, 3600},                  /* March 1st, always */
        {"AAA0BBB,59/0,60/0", 1772323200, 0, 3600},
    };
    struct arena *arena = arena_new(NULL, ARENA_BYTES);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct zone *zone = zone_of_footer(arena, rows[i].footer);
        if (zone == NULL || zone_offset(zone, rows[i].at - 1) != rows[i].before ||
            zone_offset(zone, rows[i].at) != rows[i].behind)
            print_error("%s at %lld\n", rows[i].footer, (long long)rows[i].at);
        check(zone != NULL);
        check_number(zone_offset(zone, rows[i].at - 1), rows[i].before);
        check_number(zone_offset(zone, rows[i].at), rows[i].behind);
    }
    const struct zone *always =
        zone_of_footer(arena, "EST5EDT,0/0,J365/25"); /* summer all the year */
    for (int64_t day = 0; day < 800; day++)
        check_number(zone_offset(always, 1767225600 + day * DAY_S / 2), -14400);
    check_number(zone_offset(zone_of_footer(arena, "<+0545>-5:45"), 0), 20700);
    check_number(
        zone_offset(zone_of_footer(arena, "CET-1CEST,M3.5.0,M10.5.0/3"), INT64_C(7098984000)),
        3600);
    arena_free(arena);
}

TEST(what_clocks_show_twice_is_the_first_and_what_they_leap_over_comes_after_the_leap)
{
    struct arena *arena = arena_new(NULL, ARENA_BYTES);
    const struct zone *berlin = zone_of_footer(arena, "CET-1CEST,M3.5.0,M10.5.0/3");
    const int64_t spring = 1774746000 + 3600; /* 02:00 by winter's clock, which shows 03:00 */
    const int64_t autumn = 1792890000 + 7200; /* 03:00 by summer's clock, which shows 02:00 */
    check_number(zone_utc(berlin, spring - 1), 1774746000 - 1);
    check_number(zone_utc(berlin, spring), 1774746000);
    check_number(zone_utc(berlin, spring + 1800), 1774746000 + 1800); /* shown as 03:30 */
    check_number(zone_utc(berlin, spring + 3600), 1774746000);
    check_number(zone_utc(berlin, spring + 5400), 1774746000 + 1800);
    check_number(zone_utc(berlin, autumn - 3600), 1792890000 - 3600);
    check_number(zone_utc(berlin, autumn - 1800), 1792890000 - 1800);
    check_number(zone_utc(berlin, autumn), 1792890000 + 3600);
    check_number(zone_utc(berlin, autumn - 3601), 1792890000 - 3601);
    for (int64_t local = spring - INT64_C(20) * DAY_S; local < spring + INT64_C(300) * DAY_S;
         local += 1799) {
        int64_t utc = zone_utc(berlin, local);
        bool is_left_out = local >= spring && local < spring + HOUR_S;
        check(is_left_out || utc + zone_offset(berlin, utc) == local);
    }
    arena_free(arena);
}

TEST(what_is_no_zone_is_refused)
{
    static const char *const footers[] = {"CET",
                                          "CET-1CEST",
                                          "C-1",
                                          "CET-25",
                                          "CET-1CEST,M3",
                                          "CET-1CEST,M13.1.0,M1.1.0",
                                          "CET-1CEST,M3.6.0,M1.1.0",
                                          "CET-1CEST,M3.5.7,M1.1.0",
                                          "CET-1CEST,M3.5.0,M10.5.0/168",
                                          "CET-1CEST,J0,J5",
                                          "CET-1CEST,J366,J5",
                                          "<CET-1",
                                          "CET-1CEST,M3.5.0,M10.5.0 ",
                                          "CET-1:60"};
    struct arena *arena = arena_new(NULL, ARENA_BYTES);
    for (size_t i = 0; i < sizeof footers / sizeof *footers; i++) {
        if (zone_of_footer(arena, footers[i]) != NULL)
            print_error("%s\n", footers[i]);
        check(zone_of_footer(arena, footers[i]) == NULL);
    }
    static const struct zone_past twice[] = {{5, 1}, {5, 2}}, far[] = {{5, 26 * HOUR_S}};
    struct buf file;
    zone_file_make(&file, 0, twice, 2, "");
    check(zone_read(arena, buf_span(&file)) == NULL);
    buf_fini(&file);
    zone_file_make(&file, 0, far, 1, "");
    check(zone_read(arena, buf_span(&file)) == NULL);
    buf_fini(&file);
    zone_file_make(&file, 0, twice, 1, "");
    check(zone_read(arena, buf_span(&file)) != NULL);
    file.at[4] = '\0'; /* the first version has 32 bits alone */
    check(zone_read(arena, buf_span(&file)) == NULL);
    file.at[4] = '2';
    file.at[44 + 15 + 20 + 11] = 1; /* a leap second */
    check(zone_read(arena, buf_span(&file)) == NULL);
    buf_fini(&file);
    check(zone_read(arena, SPAN("")) == NULL);
    arena_free(arena);
}

TEST(no_cut_and_no_changed_byte_of_a_file_leads_out_of_it)
{
    static const struct zone_past past[] = {{-1000, 3600}, {0, 7200}, {5000, -1800}};
    struct buf file;
    size_t taken = 0;
    zone_file_make(&file, 1234, past, 3, "CET-1CEST,M3.5.0,M10.5.0/3");
    for (size_t len = 0; len < file.len; len++) {
        struct arena *arena = arena_new(NULL, ARENA_BYTES);
        char *copy = arena_text(arena, len + 1); /* whose end is watched */
        memcpy(copy, file.at, len);
        check(zone_read(arena, span_make(copy, len)) == NULL);
        arena_free(arena);
    }
    for (size_t i = 0; i < file.len * 256; i++) {
        struct arena *arena = arena_new(NULL, ARENA_BYTES);
        char *copy = arena_text(arena, file.len);
        memcpy(copy, file.at, file.len);
        copy[i / 256] = (char)(i % 256);
        const struct zone *zone = zone_read(arena, span_make(copy, file.len));
        taken += zone != NULL;
        for (int64_t time = -4000; zone != NULL && time < (int64_t)1 << 41; time = 3 * time + 9001)
            check(zone_offset(zone, zone_utc(zone, time)) < 26 * HOUR_S);
        arena_free(arena);
    }
    check(taken > 0);
    buf_fini(&file);
}

int zone_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_zone_has_its_changes_and_before_and_behind_them_what_holds_there),
        cmocka_unit_test(summer_begins_and_ends_where_the_footer_says),
        cmocka_unit_test(
            what_clocks_show_twice_is_the_first_and_what_they_leap_over_comes_after_the_leap),
        cmocka_unit_test(what_is_no_zone_is_refused),
        cmocka_unit_test(no_cut_and_no_changed_byte_of_a_file_leads_out_of_it),
    };
    return cmocka_run_group_tests_name("time zones", tests, NULL, NULL);
}
