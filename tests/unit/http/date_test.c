/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/http/date.h"

#include <time.h>

#include "tests/check.h"
#include "tests/unit/http/suites.h"

#define SECOND UINT64_C(1000000)

static void check_date(uint64_t seconds, const char *want)
{
    char text[DATE_LENGTH];
    date_write(text, seconds * SECOND + 999999);
    check_span(span_make(text, sizeof text), want);
}

static void check_timestamp(uint64_t wall_us, const char *want)
{
    char text[TIMESTAMP_LENGTH];
    timestamp_write(text, wall_us);
    check_span(span_make(text, sizeof text), want);
}

TEST(dates_are_written_as_imf_fixdate)
{
    check_date(0, "Thu, 01 Jan 1970 00:00:00 GMT");
    check_date(784111777, "Sun, 06 Nov 1994 08:49:37 GMT");
    check_date(951782400, "Tue, 29 Feb 2000 00:00:00 GMT");
    check_date(4107542399, "Sun, 28 Feb 2100 23:59:59 GMT");
    check_date(4107542400, "Mon, 01 Mar 2100 00:00:00 GMT");
}

TEST(timestamps_have_microseconds)
{
    check_timestamp(UINT64_C(1795253400123456), "2026-11-21T09:30:00.123456Z");
    check_timestamp(1, "1970-01-01T00:00:00.000001Z");
}

TEST(a_clock_beyond_the_year_9999_stays_there)
{
    check_timestamp(UINT64_MAX, "9999-12-31T23:59:59.999999Z");
    check_date(UINT64_C(1000000000000), "Fri, 31 Dec 9999 23:59:59 GMT");
}

TEST(every_day_of_four_centuries_agrees_with_the_c_library)
{
    for (uint64_t day = 0; day < 146097; day++) {
        char want[32];
        time_t seconds = (time_t)(day * 86400 + day % 86400);
        struct tm tm;
        check(gmtime_r(&seconds, &tm) != NULL);
        check_number(strftime(want, sizeof want, "%a, %d %b %Y %H:%M:%S GMT", &tm), DATE_LENGTH);
        char got[DATE_LENGTH];
        date_write(got, (uint64_t)seconds * SECOND);
        check(memcmp(got, want, DATE_LENGTH) == 0);
    }
}

TEST(a_date_of_http_is_read_in_its_one_spelling)
{
    static const char *const wrong[] = {
        "",
        "Sun, 06 Nov 1994 08:49:37 UTC",
        "Mon, 06 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 08:60:37 GMT",
        "Sun, 06 nov 1994 08:49:37 GMT",
        "Sun, 06 anF 1994 08:49:37 GMT",
        "Sun, 31 Feb 1994 08:49:37 GMT",
        "Sunday, 06-Nov-94 08:49:37 GMT",
    };
    uint64_t seconds;
    for (uint64_t day = 0; day < 146097; day += 13) {
        char text[DATE_LENGTH];
        date_write(text, (day * 86400 + day % 86400) * SECOND);
        check(date_parse_http(span_make(text, sizeof text), &seconds));
        check_number(seconds, day * 86400 + day % 86400);
    }
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        check(!date_parse_http(span_text(wrong[i]), &seconds));
}

TEST(a_day_is_read_as_it_is_written)
{
    uint64_t seconds = 0;
    for (uint64_t day = 0; day < 146097; day += 13) {
        char text[TIMESTAMP_LENGTH];
        timestamp_write(text, day * 86400 * SECOND);
        check(date_parse(span_make(text, 10), &seconds));
        check_number(seconds, day * 86400);
    }
    check(date_parse(SPAN("2028-02-29"), &seconds));
    check_number(seconds, 1835395200);
    static const char *const wrong[] = {
        "2026-02-29", "2026-13-01", "2026-00-10", "2026-04-31",  "2026-4-3",
        "1969-12-31", "2026/12/31", "31-12-2026", "2026-12-31T", ""};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        check(!date_parse(span_text(wrong[i]), &seconds));
}

int date_suite(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(dates_are_written_as_imf_fixdate),
        cmocka_unit_test(timestamps_have_microseconds),
        cmocka_unit_test(a_clock_beyond_the_year_9999_stays_there),
        cmocka_unit_test(a_date_of_http_is_read_in_its_one_spelling),
        cmocka_unit_test(a_day_is_read_as_it_is_written),
        cmocka_unit_test(every_day_of_four_centuries_agrees_with_the_c_library),
    };
    return cmocka_run_group_tests_name("date", tests, NULL, NULL);
}
