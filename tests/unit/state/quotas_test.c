/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/state/quotas.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "rules/base/map.h"
#include "rules/base/must.h"
#include "sidecar/state/usage_lines.h"
#include "tests/check.h"
#include "tests/unit/state/suites.h"

enum { MOST = 1000, THREADS = 4 };

static const struct quota_key shop = {SPAN_INIT("basic"), SPAN_INIT("k1")};
static const struct quota_key other = {SPAN_INIT("basic"), SPAN_INIT("k2")};

static uint64_t at(const char *date, unsigned second)
{
    int64_t day;
    check(quota_date_parse(span_text(date), &day));
    return (uint64_t)day * QUOTA_SECONDS_OF_DAY + second;
}

static int64_t day_of(const char *date)
{
    return (int64_t)(at(date, 0) / QUOTA_SECONDS_OF_DAY);
}

static void check_date(int64_t day, const char *want)
{
    char text[QUOTA_DATE_LENGTH];
    quota_date_write(text, day);
    check_span(span_make(text, sizeof text), want);
}

/* How many of `asked` pass at that time. */
static unsigned passing(struct quotas *quotas, const struct quota_limit *limit, uint64_t now_s,
                        unsigned asked)
{
    unsigned passed = 0;
    for (unsigned i = 0; i < asked; i++)
        passed += quotas_ask(quotas, &shop, limit, now_s, true).passes;
    return passed;
}

static void check_day(struct quotas *quotas, const struct quota_limit *limit, const char *date,
                      uint64_t used, uint64_t remaining)
{
    struct quota_day day;
    check(quotas_days(quotas, &shop, limit, day_of(date), day_of(date), &day));
    check_number(day.used, used);
    check_number(day.remaining, remaining);
}

/* ---- days ---- */

TEST(weeks_begin_on_sunday_and_months_on_their_first)
{
    check_date(quota_period_begins(QUOTA_WEEK, day_of("2026-11-21")), "2026-11-15"); /* Saturday */
    check_date(quota_period_ends(QUOTA_WEEK, day_of("2026-11-21")), "2026-11-22");
    check_date(quota_period_begins(QUOTA_WEEK, day_of("2026-11-22")), "2026-11-22");
    check_date(quota_period_begins(QUOTA_WEEK, day_of("2027-01-01")), "2026-12-27");
    check_date(quota_period_begins(QUOTA_MONTH, day_of("2028-02-29")), "2028-02-01");
    check_date(quota_period_ends(QUOTA_MONTH, day_of("2028-02-29")), "2028-03-01");
    check_date(quota_period_ends(QUOTA_MONTH, day_of("2026-12-31")), "2027-01-01");
    check_date(quota_period_begins(QUOTA_DAY, day_of("2026-12-31")), "2026-12-31");
    check_date(quota_period_begins(QUOTA_WEEK, 0), "1969-12-28");
}

TEST(every_day_of_four_centuries_is_written_and_read_back)
{
    int64_t before = -1;
    for (int64_t day = day_of("1970-01-01"); day < day_of("2370-01-01"); day++) {
        char text[QUOTA_DATE_LENGTH];
        int64_t again;
        quota_date_write(text, day);
        check(quota_date_parse(span_make(text, sizeof text), &again));
        check_number(again, day);
        check_number(day, before + 1);
        check(quota_period_begins(QUOTA_WEEK, day) <= day &&
              quota_period_ends(QUOTA_WEEK, day) > day);
        check(quota_period_begins(QUOTA_MONTH, day) <= day &&
              quota_period_ends(QUOTA_MONTH, day) > day);
        before = day;
    }
}

TEST(what_is_no_day_is_refused)
{
    static const char *const wrong[] = {"",           "2026-11-31",  "2026-02-29", "2026-13-01",
                                        "2026-00-01", "2026-01-00",  "2026-1-010", "2026-01-1",
                                        "20260101--", "2026-01-01x", "-026-01-01"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        int64_t day;
        check(!quota_date_parse(span_text(wrong[i]), &day));
    }
}

/* ---- quotas ---- */

TEST(a_month_of_a_daily_quota_gives_each_day_its_own)
{
    struct quotas *quotas = quotas_new(MOST);
    struct quota_limit limit = {.limit = 10, .period = QUOTA_DAY};
    for (int64_t day = day_of("2026-11-01"); day < day_of("2026-12-01"); day++) {
        uint64_t midnight = (uint64_t)day * QUOTA_SECONDS_OF_DAY;
        check_number(passing(quotas, &limit, midnight, 6), 6);
        check_number(passing(quotas, &limit, midnight + 86399, 6), 4);
        struct quota_verdict verdict = quotas_ask(quotas, &shop, &limit, midnight + 86399, true);
        check(!verdict.passes && verdict.has_room && verdict.remaining == 0);
        check_number(verdict.resets_s, midnight + QUOTA_SECONDS_OF_DAY);
        check_number(verdict.window_s, QUOTA_SECONDS_OF_DAY);
    }
    struct quota_day days[30];
    check(quotas_days(quotas, &shop, &limit, day_of("2026-11-01"), day_of("2026-11-30"), days));
    for (size_t i = 0; i < 30; i++)
        check(days[i].used == 10 && days[i].remaining == 0);
    quotas_free(quotas);
}

TEST(a_month_of_a_weekly_quota_begins_anew_on_sundays)
{
    struct quotas *quotas = quotas_new(MOST);
    struct quota_limit limit = {.limit = 12, .period = QUOTA_WEEK};
    unsigned passed[30];
    for (int64_t day = day_of("2026-11-01"); day < day_of("2026-12-01"); day++)
        passed[day - day_of("2026-11-01")] =
            passing(quotas, &limit, (uint64_t)day * QUOTA_SECONDS_OF_DAY + 40000, 5);
    for (size_t i = 0; i < 30; i++) { /* the first of November 2026 is a Sunday */
        static const unsigned of_week[] = {5, 5, 2, 0, 0, 0, 0};
        check_number(passed[i], of_week[i % 7]);
    }
    check_day(quotas, &limit, "2026-11-23", 5, 2);
    check_day(quotas, &limit, "2026-11-25", 0, 0);
    check_day(quotas, &limit, "2026-12-06", 0, 12);
    quotas_free(quotas);
}

TEST(a_year_of_a_monthly_quota_begins_anew_on_the_first)
{
    struct quotas *quotas = quotas_new(MOST);
    struct quota_limit limit = {.limit = 100, .period = QUOTA_MONTH};
    unsigned passed = 0;
    for (int64_t day = day_of("2028-01-01"); day < day_of("2029-01-01"); day++) {
        if (day == quota_period_begins(QUOTA_MONTH, day))
            passed = 0;
        passed += passing(quotas, &limit, (uint64_t)day * QUOTA_SECONDS_OF_DAY, 4);
        int64_t of_month = day - quota_period_begins(QUOTA_MONTH, day) + 1;
        check_number(passed, of_month < 25 ? of_month * 4 : 100);
    }
    quotas_free(quotas);
}

TEST(the_offset_is_taken_from_the_first_period_alone)
{
    struct quotas *quotas = quotas_new(MOST);
    struct quota_limit limit = {.limit = 10, .offset = 7, .period = QUOTA_MONTH};
    quotas_know(quotas, shop.plan, at("2026-11-20", 5));
    check_number(passing(quotas, &limit, at("2026-11-21", 0), 20), 3);
    check_day(quotas, &limit, "2026-11-20", 0, 3);
    quotas_know(quotas, shop.plan, at("2026-12-01", 5)); /* known already */
    check_number(passing(quotas, &limit, at("2026-12-01", 0), 20), 10);
    limit.offset = 20;
    check_number(passing(quotas, &limit, at("2027-01-01", 0), 20), 10);
    quotas_free(quotas);
}

TEST(an_offset_beyond_the_limit_lets_nobody_pass_at_first)
{
    struct quotas *quotas = quotas_new(MOST);
    struct quota_limit limit = {.limit = 10, .offset = 70, .period = QUOTA_DAY};
    quotas_know(quotas, shop.plan, at("2026-11-20", 5));
    check_number(passing(quotas, &limit, at("2026-11-20", 9), 20), 0);
    check_number(passing(quotas, &limit, at("2026-11-21", 0), 20), 10);
    quotas_free(quotas);
}

TEST(a_clock_that_jumps_back_gives_nobody_a_second_quota)
{
    struct quotas *quotas = quotas_new(MOST);
    struct quota_limit limit = {.limit = 10, .period = QUOTA_MONTH};
    check_number(passing(quotas, &limit, at("2026-10-31", 86399), 10), 10);
    check_number(passing(quotas, &limit, at("2026-11-01", 0), 4), 4);
    for (unsigned i = 0; i < 5; i++) { /* to and fro over the border, and far back */
        check_number(passing(quotas, &limit, at("2026-10-31", 86399), 1), 1);
        check_number(passing(quotas, &limit, at("1970-01-01", 7), 0), 0);
    }
    check_number(passing(quotas, &limit, at("1970-01-01", 7), 9), 1);
    check_number(passing(quotas, &limit, at("2026-11-01", 5), 9), 0);
    check_day(quotas, &limit, "2026-11-01", 10, 0);
    check_number(passing(quotas, &limit, at("2026-12-01", 5), 19), 10);
    quotas_free(quotas);
}

TEST(a_clock_that_leapt_far_ahead_and_came_back_is_believed_again)
{
    static const enum quota_period periods[] = {QUOTA_DAY, QUOTA_WEEK, QUOTA_MONTH};
    for (size_t i = 0; i < sizeof periods / sizeof *periods; i++) {
        struct quotas *quotas = quotas_new(MOST);
        struct quota_limit limit = {.limit = 10, .period = periods[i]};
        quotas_know(quotas, other.plan, at("2026-11-20", 5));
        check_number(passing(quotas, &limit, at("2026-11-20", 5), 4), 4);
        check_number(passing(quotas, &limit, at("2099-01-01", 0), 20), 10);
        check(quotas_ask(quotas, &other, &limit, at("2099-01-01", 0), true).passes);
        check_number(passing(quotas, &limit, at("2026-11-20", 9), 20), 6);
        check(quotas_ask(quotas, &other, &limit, at("2026-11-20", 9), true).remaining == 9);
        check_day(quotas, &limit, "2026-11-20", 10, 0);
        check_number(passing(quotas, &limit, at("2026-12-27", 0), 20), 10);
        check_day(quotas, &limit, "2099-01-01", 10, 0);
        quotas_free(quotas);
    }
}

TEST(keys_and_plans_are_counted_apart)
{
    struct quotas *quotas = quotas_new(MOST);
    struct quota_limit limit = {.limit = 3, .period = QUOTA_DAY};
    struct quota_key elsewhere = {SPAN("gold"), SPAN("k1")};
    uint64_t now_s = at("2026-11-21", 5);
    check_number(passing(quotas, &limit, now_s, 9), 3);
    check(quotas_ask(quotas, &other, &limit, now_s, true).remaining == 2);
    check(quotas_ask(quotas, &elsewhere, &limit, now_s, true).remaining == 2);
    quotas_free(quotas);
}

TEST(a_limit_that_changes_keeps_what_was_used)
{
    struct quotas *quotas = quotas_new(MOST);
    struct quota_limit limit = {.limit = 5, .period = QUOTA_DAY};
    check_number(passing(quotas, &limit, at("2026-11-20", 5), 9), 5);
    check_number(passing(quotas, &limit, at("2026-11-21", 5), 9), 5);
    limit.limit = 7;
    check_number(passing(quotas, &limit, at("2026-11-21", 5), 9), 2);
    limit = (struct quota_limit){.limit = 15, .period = QUOTA_MONTH};
    check_number(passing(quotas, &limit, at("2026-11-21", 5), 9), 3);
    limit = (struct quota_limit){.limit = 11, .period = QUOTA_DAY};
    check_number(passing(quotas, &limit, at("2026-11-21", 5), 9), 1);
    quotas_free(quotas);
}

TEST(who_is_not_refused_is_counted_all_the_same)
{
    struct quotas *quotas = quotas_new(MOST);
    struct quota_limit limit = {.limit = 2, .period = QUOTA_DAY}, none = {.period = QUOTA_DAY};
    uint64_t now_s = at("2026-11-21", 5);
    for (unsigned i = 0; i < 5; i++)
        check(quotas_ask(quotas, &shop, &limit, now_s, false).passes);
    check_day(quotas, &limit, "2026-11-21", 5, 0);
    check_number(passing(quotas, &none, now_s, 5), 5);
    check_day(quotas, &none, "2026-11-21", 10, UINT64_MAX);
    quotas_free(quotas);
}

TEST(what_is_granted_holds_for_the_period_that_runs)
{
    struct quotas *quotas = quotas_new(MOST);
    struct quota_limit limit = {.limit = 5, .offset = 2, .period = QUOTA_WEEK};
    quotas_know(quotas, shop.plan, at("2026-11-16", 5));
    check_number(passing(quotas, &limit, at("2026-11-17", 5), 9), 3);
    check(quotas_grant(quotas, &shop, &limit, at("2026-11-17", 6), 4));
    check_day(quotas, &limit, "2026-11-17", 3, 4);
    check_number(passing(quotas, &limit, at("2026-11-18", 5), 9), 4);
    check(quotas_grant(quotas, &shop, &limit, at("2026-11-18", 6), 1));
    check(quotas_grant(quotas, &shop, &limit, at("2026-11-18", 6), 0));
    check_number(passing(quotas, &limit, at("2026-11-18", 7), 9), 0);
    check_number(passing(quotas, &limit, at("2026-11-22", 5), 9), 5);
    check(quotas_grant(quotas, &other, &limit, at("2026-11-22", 5), 9));
    check(quotas_ask(quotas, &other, &limit, at("2026-11-22", 5), true).remaining == 8);
    quotas_free(quotas);
}

TEST(days_without_requests_have_what_was_left_before)
{
    struct quotas *quotas = quotas_new(MOST);
    struct quota_limit limit = {.limit = 10, .period = QUOTA_MONTH};
    struct quota_day days[6];
    check(!quotas_days(quotas, &shop, &limit, 0, 1, days));
    check_number(passing(quotas, &limit, at("2026-10-31", 5), 3), 3);
    check_number(passing(quotas, &limit, at("2026-11-02", 5), 4), 4);
    check(quotas_days(quotas, &shop, &limit, day_of("2026-10-30"), day_of("2026-11-04"), days));
    static const uint64_t used[] = {0, 3, 0, 4, 0, 0}, left[] = {10, 7, 10, 6, 6, 6};
    for (size_t i = 0; i < 6; i++) {
        check_number(days[i].day, day_of("2026-10-30") + (int64_t)i);
        check_number(days[i].used, used[i]);
        check_number(days[i].remaining, left[i]);
    }
    quotas_free(quotas);
}

TEST(an_entry_keeps_its_latest_days)
{
    struct quotas *quotas = quotas_new(MOST);
    struct quota_limit limit = {.limit = 10, .period = QUOTA_DAY};
    for (int64_t day = day_of("2026-01-01"); day <= day_of("2026-12-31"); day++)
        passing(quotas, &limit, (uint64_t)day * QUOTA_SECONDS_OF_DAY, 2);
    check_day(quotas, &limit, "2026-12-31", 2, 8);
    check_day(quotas, &limit, "2026-09-30", 2, 8); /* 93 days with the last */
    check_day(quotas, &limit, "2026-09-29", 0, 10);
    quotas_free(quotas);
}

TEST(a_new_key_that_finds_no_room_is_said_and_who_is_there_goes_on)
{
    struct quotas *quotas = quotas_new(1);
    struct quota_limit limit = {.limit = 10, .period = QUOTA_DAY};
    uint64_t now_s = at("2026-11-21", 5);
    check(quotas_ask(quotas, &shop, &limit, now_s, true).passes);
    struct quota_verdict verdict = quotas_ask(quotas, &other, &limit, now_s, true);
    check(!verdict.has_room && !verdict.passes);
    check(quotas_ask(quotas, &shop, &limit, now_s, true).remaining == 8);
    quotas_free(quotas);
}

struct run {
    struct quotas *quotas;
    _Atomic unsigned passed;
};

static void *ask_often(void *context)
{
    struct run *run = context;
    struct quota_limit limit = {.limit = 20000, .period = QUOTA_MONTH};
    for (unsigned i = 0; i < 10000; i++)
        if (quotas_ask(run->quotas, &shop, &limit, at("2026-11-21", i % 7), true).passes)
            atomic_fetch_add(&run->passed, 1);
    return NULL;
}

TEST(threads_together_let_exactly_the_limit_pass)
{
    struct run run = {.quotas = quotas_new(MOST)};
    pthread_t threads[THREADS];
    for (size_t i = 0; i < THREADS; i++)
        must(pthread_create(&threads[i], NULL, ask_often, &run) == 0);
    for (size_t i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    check_number(run.passed, 20000);
    quotas_free(run.quotas);
}

/* ---- what is kept ---- */

static void add_line(void *to, const struct quota_row *row)
{
    usage_line_add(to, row);
}

static struct quotas *restored(struct span lines)
{
    struct quotas *quotas = quotas_new(MOST);
    while (lines.len > 0) {
        struct quota_row row;
        check(usage_line_read(span_cut(&lines, '\n'), &row));
        quotas_restore(quotas, &row);
    }
    return quotas;
}

static size_t count_lines(const struct buf *text)
{
    size_t count = 0;
    for (size_t i = 0; i < text->len; i++)
        count += text->at[i] == '\n';
    return count;
}

TEST(what_was_written_is_what_is_there_after_a_restart)
{
    struct buf lines;
    struct quotas *quotas = quotas_new(MOST);
    struct quota_limit limit = {.limit = 20, .offset = 3, .period = QUOTA_MONTH};
    buf_init(&lines, 1 << 20);
    quotas_know(quotas, shop.plan, at("2026-11-10", 0));
    passing(quotas, &limit, at("2026-11-20", 5), 6);
    quotas_collect(quotas, false, add_line, &lines);
    passing(quotas, &limit, at("2026-11-20", 86399), 2); /* either side of midnight */
    passing(quotas, &limit, at("2026-11-21", 0), 3);
    quotas_grant(quotas, &shop, &limit, at("2026-11-21", 1), 11);
    quotas_collect(quotas, false, add_line, &lines);
    check_number(count_lines(&lines), 4);
    quotas_collect(quotas, false, add_line, &lines);
    check_number(count_lines(&lines), 4); /* nothing changed */
    struct quotas *again = restored(buf_span(&lines));
    check_day(again, &limit, "2026-11-20", 8, 9);
    check_day(again, &limit, "2026-11-21", 3, 11);
    check_number(passing(again, &limit, at("2026-11-22", 5), 20), 11);
    buf_clear(&lines);
    quotas_collect(again, true, add_line, &lines);
    check_number(count_lines(&lines), 4); /* the plan and three days */
    quotas_free(again);
    quotas_free(quotas);
    buf_fini(&lines);
}

TEST(a_leap_of_the_clock_is_survived_with_all_days_taken_and_over_a_restart)
{
    struct buf lines;
    struct quotas *quotas = quotas_new(MOST);
    struct quota_limit limit = {.limit = 10, .period = QUOTA_DAY};
    buf_init(&lines, 1 << 20);
    for (int64_t day = day_of("2026-01-01"); day <= day_of("2026-06-30"); day++)
        passing(quotas, &limit, (uint64_t)day * QUOTA_SECONDS_OF_DAY, 2);
    check_number(passing(quotas, &limit, at("2099-01-01", 0), 20), 10);
    for (int64_t day = day_of("2026-07-01"); day <= day_of("2026-12-31"); day++)
        check_number(passing(quotas, &limit, (uint64_t)day * QUOTA_SECONDS_OF_DAY, 20), 10);
    quotas_collect(quotas, true, add_line, &lines);
    struct quotas *again = restored(buf_span(&lines));
    check_number(passing(again, &limit, at("2026-12-31", 5), 20), 0);
    check_day(again, &limit, "2026-12-30", 10, 0);
    check_number(passing(again, &limit, at("2027-01-01", 5), 20), 10);
    quotas_free(again);
    quotas_free(quotas);
    buf_fini(&lines);
}

static void join_row(void *to, const struct quota_row *row)
{
    quotas_join(to, row);
}

TEST(what_two_have_counted_is_joined)
{
    struct quotas *one = quotas_new(MOST), *two = quotas_new(MOST);
    struct quota_limit limit = {.limit = 20, .offset = 2, .period = QUOTA_MONTH};
    quotas_know(one, shop.plan, at("2026-11-10", 0));
    quotas_know(two, shop.plan, at("2026-11-21", 0));
    passing(one, &limit, at("2026-11-20", 5), 6);
    passing(one, &limit, at("2026-11-21", 5), 2);
    check(quotas_ask(one, &other, &limit, at("2026-11-20", 5), true).passes);
    passing(two, &limit, at("2026-11-21", 7), 3);
    quotas_collect(one, true, join_row, two);
    check_day(two, &limit, "2026-11-20", 6, 12);
    check_day(two, &limit, "2026-11-21", 5, 7);
    check(quotas_ask(two, &other, &limit, at("2026-11-21", 7), true).remaining == 16);
    check_number(passing(two, &limit, at("2026-11-22", 7), 20), 7);
    check_number(passing(two, &limit, at("2026-12-22", 7), 30), 20); /* known since November */
    quotas_free(one);
    quotas_free(two);
}

TEST(a_line_with_any_byte_changed_is_none)
{
    struct buf line;
    struct quota_row row = {SPAN("basic"),         SPAN("k1"), QUOTA_WEEK, 20778, 17, -5,
                            {20780, 3, UINT64_MAX}},
                     read;
    buf_init(&line, USAGE_LINE_MOST);
    usage_line_add(&line, &row);
    struct span text = span_make(line.at, line.len - 1);
    check(usage_line_read(text, &read));
    check_span(read.plan, "basic");
    check_span(read.key, "k1");
    check(read.period == QUOTA_WEEK && read.begins == 20778 && read.used == 17);
    check(read.granted == -5 && read.day.day == 20780 && read.day.remaining == UINT64_MAX);
    for (size_t i = 0; i < text.len; i++) {
        line.at[i] ^= 1;
        check(!usage_line_read(text, &read));
        line.at[i] ^= 1;
        check(!usage_line_read(span_first(text, i), &read));
    }
    buf_fini(&line);
}

TEST(a_name_that_nobody_could_have_makes_no_line)
{
    static const char names[] = {'\0', '\t', '\x7f', '\x80'};
    for (size_t i = 0; i < sizeof names; i++) {
        char name[] = {'k', names[i], '1'};
        char text[128];
        struct buf line;
        struct quota_row row = {.plan = SPAN("basic"), .key = SPAN("kx1")}, read;
        buf_init(&line, USAGE_LINE_MOST);
        usage_line_add(&line, &row);
        size_t at = span_find(buf_span(&line), SPAN("kx1"));
        memcpy(line.at + at, name, sizeof name);
        struct span rest = span_make(line.at + 17, line.len - 18);
        static const uint8_t key[16] = "lines of usage..";
        int len = snprintf(text, sizeof text, "%016llx", (unsigned long long)siphash(key, rest));
        memcpy(line.at, text, (size_t)len);
        check(!usage_line_read(span_make(line.at, line.len - 1), &read));
        buf_fini(&line);
    }
}

int quotas_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(weeks_begin_on_sunday_and_months_on_their_first),
        cmocka_unit_test(every_day_of_four_centuries_is_written_and_read_back),
        cmocka_unit_test(what_is_no_day_is_refused),
        cmocka_unit_test(a_month_of_a_daily_quota_gives_each_day_its_own),
        cmocka_unit_test(a_month_of_a_weekly_quota_begins_anew_on_sundays),
        cmocka_unit_test(a_year_of_a_monthly_quota_begins_anew_on_the_first),
        cmocka_unit_test(the_offset_is_taken_from_the_first_period_alone),
        cmocka_unit_test(an_offset_beyond_the_limit_lets_nobody_pass_at_first),
        cmocka_unit_test(a_clock_that_jumps_back_gives_nobody_a_second_quota),
        cmocka_unit_test(a_clock_that_leapt_far_ahead_and_came_back_is_believed_again),
        cmocka_unit_test(keys_and_plans_are_counted_apart),
        cmocka_unit_test(a_limit_that_changes_keeps_what_was_used),
        cmocka_unit_test(who_is_not_refused_is_counted_all_the_same),
        cmocka_unit_test(what_is_granted_holds_for_the_period_that_runs),
        cmocka_unit_test(days_without_requests_have_what_was_left_before),
        cmocka_unit_test(an_entry_keeps_its_latest_days),
        cmocka_unit_test(a_new_key_that_finds_no_room_is_said_and_who_is_there_goes_on),
        cmocka_unit_test(threads_together_let_exactly_the_limit_pass),
        cmocka_unit_test(what_was_written_is_what_is_there_after_a_restart),
        cmocka_unit_test(a_leap_of_the_clock_is_survived_with_all_days_taken_and_over_a_restart),
        cmocka_unit_test(what_two_have_counted_is_joined),
        cmocka_unit_test(a_line_with_any_byte_changed_is_none),
        cmocka_unit_test(a_name_that_nobody_could_have_makes_no_line),
    };
    return cmocka_run_group_tests_name("quotas", tests, NULL, NULL);
}
