/* SPDX-License-Identifier: Apache-2.0 */
/* Answers of the DNS, read from their bytes. */
#include <stdlib.h>
#include <string.h>

#include "sidecar/upstream/resolver_inside.h"
#include "tests/check.h"
#include "tests/unit/upstream/suites.h"

#define SECOND                     UINT64_C(1000000)
#define HEAD(answers, authorities) "\0\1\x85\x80\0\1\0" answers "\0" authorities "\0\0"
#define QUESTION                   "\2bl\7example\0\0\1\0\1"
#define ADDRESS(ttl, bytes)        "\xc0\x0c\0\1\0\1" ttl "\0\4" bytes
#define SOA(ttl, minimum)                           \
    "\xc0\x0c\0\6\0\1" ttl "\0\x18\xc0\x0c\xc0\x0c" \
    "1234567890123456" minimum

/* A copy of exactly its size: reading on is seen. */
static struct resolver_answer read_bytes(const char *text, size_t len, bool found)
{
    unsigned char *copy = malloc(len + 1);
    check(copy != NULL);
    copy = realloc(copy, len > 0 ? len : 1);
    memcpy(copy, text, len);
    struct resolver_answer answer = resolver_read(copy, (int)len, found);
    free(copy);
    return answer;
}

#define READ(text, found) read_bytes(text, sizeof(text) - 1, found)

TEST(an_address_is_found_with_its_time)
{
    struct resolver_answer a =
        READ(HEAD("\1", "\0") QUESTION ADDRESS("\0\0\1\x2c", "\x7f\0\0\2"), true);
    check_number(a.resolved, RESOLVED_FOUND);
    check_number(a.address, 0x7f000002);
    check_number(a.ttl_us, 300 * SECOND);
}

TEST(the_least_time_on_the_way_to_an_address_holds)
{
    struct resolver_answer a =
        READ(HEAD("\2", "\0") QUESTION
             "\xc0\x0c\0\5\0\1\0\0\0\x1e\0\2\xc0\x0c" ADDRESS("\0\0\1\x2c", "\x7f\0\0\2"),
             true);
    check_number(a.ttl_us, 30 * SECOND);
}

TEST(that_there_is_none_holds_as_long_as_its_zone_says)
{
    struct resolver_answer a =
        READ(HEAD("\0", "\1") QUESTION SOA("\0\0\4\xb0", "\0\0\2\x58"), false);
    check_number(a.resolved, RESOLVED_NONE);
    check_number(a.ttl_us, 600 * SECOND);
    a = READ(HEAD("\0", "\1") QUESTION SOA("\0\0\0\x64", "\0\0\2\x58"), false);
    check_number(a.ttl_us, 100 * SECOND);
    a = READ(HEAD("\0", "\0") QUESTION, false);
    check_number(a.resolved, RESOLVED_NONE);
    check_number(a.ttl_us, 60 * SECOND);
}

TEST(times_are_taken_within_reason)
{
    struct resolver_answer a =
        READ(HEAD("\1", "\0") QUESTION ADDRESS("\0\0\0\0", "\x7f\0\0\2"), true);
    check_number(a.ttl_us, 5 * SECOND);
    a = READ(HEAD("\1", "\0") QUESTION ADDRESS("\xff\xff\xff\xff", "\x7f\0\0\2"), true);
    check_number(a.ttl_us, 86400 * SECOND);
}

TEST(an_answer_that_is_cut_anywhere_is_a_failure_or_says_none)
{
    static const char whole[] = HEAD("\1", "\1") QUESTION ADDRESS("\0\0\1\x2c", "\x7f\0\0\2")
        SOA("\0\0\4\xb0", "\0\0\2\x58");
    size_t address_end = sizeof(HEAD("\1", "\1") QUESTION ADDRESS("\0\0\1\x2c", "\x7f\0\0\2")) - 1;
    for (size_t len = 0; len < sizeof(whole); len++) {
        check_number(read_bytes(whole, len, true).resolved,
                     len < address_end ? RESOLVED_FAILED : RESOLVED_FOUND);
        check_number(read_bytes(whole, len, false).resolved,
                     len < sizeof(whole) - 1 ? RESOLVED_FAILED : RESOLVED_NONE);
    }
}

int resolver_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_address_is_found_with_its_time),
        cmocka_unit_test(the_least_time_on_the_way_to_an_address_holds),
        cmocka_unit_test(that_there_is_none_holds_as_long_as_its_zone_says),
        cmocka_unit_test(times_are_taken_within_reason),
        cmocka_unit_test(an_answer_that_is_cut_anywhere_is_a_failure_or_says_none),
    };
    return cmocka_run_group_tests_name("resolver", tests, NULL, NULL);
}
