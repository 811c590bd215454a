/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/http/sampling.h"

#include <stdlib.h>

#include "rules/base/encode.h"
#include "tests/check.h"
#include "tests/unit/http/suites.h"

static bool keeps(unsigned ratio, const char *trace_digits, const char *ot)
{
    uint8_t trace_id[16];
    check(hex_read(span_text(trace_digits), trace_id, 16));
    return sampling_keeps(sampling_threshold(ratio), trace_id, span_text(ot));
}

TEST(a_ratio_is_a_threshold_of_56_bits)
{
    check_number(sampling_threshold(SAMPLING_WHOLE), 0);
    check_number(sampling_threshold(0), SAMPLING_NOTHING);
    check_number(sampling_threshold(SAMPLING_WHOLE / 2), UINT64_C(0x80000000000000));
    check_number(sampling_threshold(SAMPLING_WHOLE / 4), UINT64_C(0xc0000000000000));
}

TEST(what_reaches_the_threshold_is_kept)
{
    check(keeps(SAMPLING_WHOLE / 4, "000000000000000000c0000000000000", NULL));
    check(!keeps(SAMPLING_WHOLE / 4, "ffffffffffffffffffbfffffffffffff", NULL));
    check(keeps(SAMPLING_WHOLE, "00000000000000000000000000000000", NULL));
    check(!keeps(0, "ffffffffffffffffffffffffffffffff", NULL));
}

TEST(a_random_value_of_the_state_counts_more_than_the_id)
{
    const char *high = "ffffffffffffffffffffffffffffffff";
    check(!keeps(SAMPLING_WHOLE / 4, high, "th:0;rv:bfffffffffffff"));
    check(keeps(SAMPLING_WHOLE / 4, "00000000000000000000000000000000", "rv:c0000000000000"));
    check(keeps(SAMPLING_WHOLE / 4, high, "rv:bffffffffffff")); /* 13 digits are none */
    check(keeps(SAMPLING_WHOLE / 4, high, "rv:"));
}

TEST(who_keeps_fewer_keeps_a_part_of_what_the_others_keep)
{
    unsigned kept[3] = {0, 0, 0};
    static const unsigned ratios[3] = {SAMPLING_WHOLE / 100, SAMPLING_WHOLE / 10,
                                       SAMPLING_WHOLE / 2};
    uint64_t draw = 1;
    for (unsigned i = 0; i < 100000; i++) {
        uint8_t trace_id[16] = {0};
        bool before = false;
        for (unsigned byte = 9; byte < 16; byte++) {
            draw = draw * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
            trace_id[byte] = (uint8_t)(draw >> 56);
        }
        for (unsigned k = 0; k < 3; k++) {
            bool now = sampling_keeps(sampling_threshold(ratios[k]), trace_id, span_make(NULL, 0));
            check(now || !before);
            kept[k] += now;
            before = now;
        }
    }
    check(kept[0] > 900 && kept[0] < 1100);
    check(kept[1] > 9600 && kept[1] < 10400);
    check(kept[2] > 49000 && kept[2] < 51000);
}

static void check_member(const char *ot, unsigned ratio, const char *want)
{
    struct arena *arena = arena_new(NULL, 4096);
    check_span(sampling_member(span_text(ot), sampling_threshold(ratio), arena), want);
    arena_free(arena);
}

TEST(the_threshold_is_written_and_the_rest_is_kept)
{
    check_member(NULL, SAMPLING_WHOLE, "th:0");
    check_member(NULL, SAMPLING_WHOLE / 4, "th:c");
    check_member(NULL, SAMPLING_WHOLE / 10, "th:e6666666666667");
    check_member("th:8;rv:c0000000000000;x:y", SAMPLING_WHOLE / 4, "th:c;rv:c0000000000000;x:y");
    check_member("rv:c0000000000000", 0, "rv:c0000000000000");
    check_member("th:8", 0, "");
    check_member("nonsense;a:1", SAMPLING_WHOLE, "th:0;a:1");
}

int sampling_suite(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_ratio_is_a_threshold_of_56_bits),
        cmocka_unit_test(what_reaches_the_threshold_is_kept),
        cmocka_unit_test(a_random_value_of_the_state_counts_more_than_the_id),
        cmocka_unit_test(who_keeps_fewer_keeps_a_part_of_what_the_others_keep),
        cmocka_unit_test(the_threshold_is_written_and_the_rest_is_kept),
    };
    return cmocka_run_group_tests_name("sampling", tests, NULL, NULL);
}
