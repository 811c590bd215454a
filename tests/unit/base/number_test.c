/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/base/number.h"

#include <stdio.h>

#include "tests/check.h"
#include "tests/unit/base/suites.h"

TEST(a_number_is_digits_only_and_fits)
{
    uint64_t n = 7;
    check(number_parse(SPAN("0"), &n) && n == 0);
    check(number_parse(SPAN("18446744073709551615"), &n) && n == UINT64_MAX);
    n = 7;
    check(!number_parse(SPAN("18446744073709551616"), &n));
    check(!number_parse(SPAN("99999999999999999999"), &n));
    check(!number_parse(SPAN(""), &n));
    check(!number_parse(SPAN("+1"), &n));
    check(!number_parse(SPAN("-1"), &n));
    check(!number_parse(SPAN(" 1"), &n));
    check(!number_parse(SPAN("1a"), &n));
    check_number(n, 7);
}

TEST(a_hexadecimal_number_takes_both_cases)
{
    uint64_t n = 7;
    check(number_parse_hex(SPAN("fF10"), &n) && n == 0xff10);
    check(number_parse_hex(SPAN("ffffffffffffffff"), &n) && n == UINT64_MAX);
    check(!number_parse_hex(SPAN("10000000000000000"), &n));
    check(!number_parse_hex(SPAN("0x1"), &n));
    check(!number_parse_hex(SPAN(""), &n));
}

TEST(seclang_reads_leading_digits_and_forgives_the_rest)
{
    check_number(number_leading(SPAN("42abc")), 42);
    check_number(number_leading(SPAN(" \t-7x")), -7);
    check_number(number_leading(SPAN("+5")), 5);
    check_number(number_leading(SPAN("abc")), 0);
    check_number(number_leading(SPAN("")), 0);
    check_number(number_leading(SPAN("--1")), 0);
    check(number_leading(SPAN("9223372036854775807")) == INT64_MAX);
    check(number_leading(SPAN("9223372036854775808")) == INT64_MAX);
    check(number_leading(SPAN("99999999999999999999999")) == INT64_MAX);
    check(number_leading(SPAN("-9223372036854775808")) == INT64_MIN);
    check(number_leading(SPAN("-99999999999999999999999")) == INT64_MIN);
}

TEST(a_size_has_a_unit_unless_it_is_none)
{
    uint64_t n = 7;
    check(size_parse(SPAN("128KiB"), &n) && n == 131072);
    check(size_parse(SPAN("10MiB"), &n) && n == 10485760);
    check(size_parse(SPAN("512B"), &n) && n == 512);
    check(size_parse(SPAN("1GiB"), &n) && n == 1073741824);
    check(size_parse(SPAN("0"), &n) && n == 0);
    check(!size_parse(SPAN("128"), &n));
    check(!size_parse(SPAN("KiB"), &n));
    check(!size_parse(SPAN("1 KiB"), &n));
    check(!size_parse(SPAN("1kib"), &n));
    check(!size_parse(SPAN("18446744073709551615KiB"), &n));
    check(!size_parse(SPAN(""), &n));
}

TEST(a_duration_has_a_unit_unless_it_is_none)
{
    uint64_t n = 7;
    check(duration_parse(SPAN("5s"), &n) && n == 5000000);
    check(duration_parse(SPAN("100ms"), &n) && n == 100000);
    check(duration_parse(SPAN("2m"), &n) && n == 120000000);
    check(duration_parse(SPAN("1h"), &n) && n == UINT64_C(3600000000));
    check(duration_parse(SPAN("500us"), &n) && n == 500);
    check(duration_parse(SPAN("1d"), &n) && n == UINT64_C(86400000000));
    check(duration_parse(SPAN("0"), &n) && n == 0);
    check(!duration_parse(SPAN("5"), &n));
    check(!duration_parse(SPAN("5sec"), &n));
    check(!duration_parse(SPAN("300000000000d"), &n));
}

static struct span written(size_t (*write)(char *, uint64_t), char *to, uint64_t n)
{
    return span_make(to, write(to, n));
}

TEST(quantities_are_written_in_the_largest_unit_that_divides)
{
    char to[32];
    check_span(written(size_write, to, 0), "0");
    check_span(written(size_write, to, 1536 * 1024), "1536KiB");
    check_span(written(size_write, to, 10485760), "10MiB");
    check_span(written(size_write, to, 1025), "1025B");
    check_span(written(duration_write, to, 30000000), "30s");
    check_span(written(duration_write, to, UINT64_C(5400000000)), "90m");
    check_span(written(duration_write, to, UINT64_C(172800000000)), "2d");
    check_span(written(duration_write, to, 1500), "1500us");
    check_span(written(size_write, to, UINT64_MAX), "18446744073709551615B");
}

TEST(numbers_are_written_over_their_whole_range)
{
    char to[21];
    check_span(span_make(to, number_write(to, 0)), "0");
    check_span(span_make(to, number_write(to, -1)), "-1");
    check_span(span_make(to, number_write(to, INT64_MAX)), "9223372036854775807");
    check_span(span_make(to, number_write(to, INT64_MIN)), "-9223372036854775808");
    for (int64_t number = 1; number <= INT64_MAX / 10; number *= 10) {
        for (int64_t near = number - 1; near <= number + 1; near++) {
            char want[32];
            snprintf(want, sizeof want, "%lld", (long long)near);
            check_span(span_make(to, number_write(to, near)), want);
        }
    }
}

int number_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_number_is_digits_only_and_fits),
        cmocka_unit_test(a_hexadecimal_number_takes_both_cases),
        cmocka_unit_test(seclang_reads_leading_digits_and_forgives_the_rest),
        cmocka_unit_test(a_size_has_a_unit_unless_it_is_none),
        cmocka_unit_test(a_duration_has_a_unit_unless_it_is_none),
        cmocka_unit_test(quantities_are_written_in_the_largest_unit_that_divides),
        cmocka_unit_test(numbers_are_written_over_their_whole_range),
    };
    return cmocka_run_group_tests_name("number", tests, NULL, NULL);
}
