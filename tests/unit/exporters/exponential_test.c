/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/exponential.h"

#include <math.h>

#include "tests/check.h"
#include "tests/unit/exporters/sample.h"

static struct exponential empty(int scale)
{
    struct exponential histogram;
    exponential_init(&histogram, scale);
    return histogram;
}

TEST(the_index_of_a_value_at_each_scale)
{
    static const struct {
        double value;
        int scale, index;
    } cases[] = {
        /* base 2: (1, 2] is bucket 0 */
        {1, 0, -1},
        {1.0000001, 0, 0},
        {2, 0, 0},
        {2.0000001, 0, 1},
        {4, 0, 1},
        {0.5, 0, -2},
        {0.25, 0, -3},
        {1024, 0, 9},
        {1025, 0, 10},
        {5e-324, 0, -1075},
        {1.7e308, 0, 1023},
        /* base 4 and base 2^1024 */
        {1, -1, -1},
        {2, -1, 0},
        {4, -1, 0},
        {4.1, -1, 1},
        {16, -1, 1},
        {0.25, -1, -2},
        {0.2, -1, -2},
        {0.06, -1, -3},
        {1.7e308, -10, 0},
        {5e-324, -10, -2},
        {0.1, -10, -1},
        /* base sqrt(2): its powers are 1.414..., 2, 2.828..., 4 */
        {1, 1, -1},
        {1.41, 1, 0},
        {1.42, 1, 1},
        {2, 1, 1},
        {2.82, 1, 2},
        {2.83, 1, 3},
        {4, 1, 3},
        {0.7, 1, -2},
        {0.71, 1, -1},
        {0.5, 1, -3},
        /* base 2^(1/16) and the finest */
        {1, 4, -1},
        {1.044, 4, 0},
        {1.045, 4, 1},
        {2, 4, 15},
        {0.001, 4, -160},
        {1000, 4, 159},
        {1, 20, -1},
        {2, 20, 1048575},
        {1.0000001, 20, 0},
        {3, 20, 1661953},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int index = exponential_index(cases[i].value, cases[i].scale);
        if (index != cases[i].index)
            print_error("%.9g at scale %d: %d\n", cases[i].value, cases[i].scale, index);
        check(index == cases[i].index);
    }
}

TEST(every_value_lies_within_the_bounds_of_its_bucket)
{
    for (int scale = -3; scale <= 8; scale++)
        for (int step = -60; step <= 60; step++) {
            double value = pow(1.37, step), base = exp2(exp2(-scale));
            int index = exponential_index(value, scale);
            check(value > pow(base, index) * (1 - 1e-12));
            check(value <= pow(base, index + 1) * (1 + 1e-12));
        }
}

TEST(counts_lie_between_the_first_and_the_last_bucket_met)
{
    struct exponential histogram = empty(0);
    exponential_add(&histogram, 8, 2);   /* bucket 2 */
    exponential_add(&histogram, 1.5, 1); /* bucket 0, below the first one */
    exponential_add(&histogram, 0, 3);
    exponential_add(&histogram, 20, 1); /* bucket 4 */
    check_number(histogram.offset, 0);
    check_number(histogram.used, 5);
    static const uint64_t want[] = {1, 0, 2, 0, 1};
    for (size_t i = 0; i < 5; i++)
        check_number(histogram.counts[i], want[i]);
    check_number(histogram.zero_count, 3);
    check_number(exponential_count(&histogram), 7);
}

TEST(downscaling_joins_neighbours_two_by_two)
{
    struct exponential histogram = empty(1);
    for (int index = -3; index <= 3; index++)
        exponential_add_bucket(&histogram, 1, index, (uint64_t)index + 10);
    /* -3 | -2 -1 | 0 1 | 2 3 */
    exponential_downscale(&histogram, 1);
    check_number(histogram.scale, 0);
    check(histogram.offset == -2);
    check_number(histogram.used, 4);
    static const uint64_t once[] = {7, 8 + 9, 10 + 11, 12 + 13};
    for (size_t i = 0; i < 4; i++)
        check_number(histogram.counts[i], once[i]);
    exponential_downscale(&histogram, 2);
    check(histogram.scale == -2 && histogram.offset == -1);
    check_number(histogram.used, 2);
    check_number(histogram.counts[0], 7 + 8 + 9);
    check_number(histogram.counts[1], 10 + 11 + 12 + 13);
    check_number(histogram.counts[2], 0);
}

TEST(the_scale_goes_down_where_160_buckets_are_not_enough)
{
    struct exponential histogram = empty(EXPONENTIAL_SCALE_MOST);
    exponential_add(&histogram, 1, 1);
    check_number(histogram.scale, 20);
    exponential_add(&histogram, 2, 1); /* 2^20 buckets on: 13 steps leave 128 + 1 */
    check_number(histogram.scale, 7);
    check(histogram.offset == -1);
    check_number(histogram.used, 129);
    exponential_add(&histogram, 4, 1);
    check_number(histogram.scale, 6);
    check_number(histogram.used, 129);
    exponential_add(&histogram, 5e-324, 1);
    exponential_add(&histogram, 1.7e308, 1);
    check(histogram.scale == -4); /* 2099 octaves by 16 */
    check(histogram.used <= EXPONENTIAL_BUCKETS);
    check_number(exponential_count(&histogram), 5);
}

TEST(exactly_160_buckets_are_kept_and_161_are_not)
{
    struct exponential histogram = empty(3);
    for (int index = 0; index < 160; index++)
        exponential_add_bucket(&histogram, 3, index, 1);
    check_number(histogram.scale, 3);
    check_number(histogram.used, 160);
    exponential_add_bucket(&histogram, 3, 160, 1);
    check_number(histogram.scale, 2);
    check_number(histogram.used, 81);
    check_number(histogram.counts[0], 2);
    check_number(histogram.counts[80], 1);
}

TEST(merging_takes_the_coarser_scale)
{
    struct exponential fine = empty(2), coarse = empty(0);
    exponential_add(&fine, 1.1, 5); /* scale 2: bucket 0 */
    exponential_add(&fine, 3, 1);   /* bucket 6 */
    exponential_add(&coarse, 3, 10);
    exponential_add(&coarse, 0, 2);
    struct exponential merged = fine;
    exponential_merge(&merged, &coarse);
    check_number(merged.scale, 0);
    check_number(merged.counts[0], 5);
    check_number(merged.counts[1], 11);
    check_number(merged.zero_count, 2);
    exponential_merge(&coarse, &fine); /* the other way round is the same */
    exponential_merge(&coarse, &(struct exponential){.scale = 7});
    check(coarse.scale == merged.scale && coarse.used == 2 && coarse.offset == 0);
    check_number(coarse.counts[0], 5);
    check_number(coarse.counts[1], 11);
}

TEST(what_came_since_is_the_difference_at_the_present_scale)
{
    struct exponential now = empty(4), earlier;
    exponential_add(&now, 1.5, 4);
    exponential_add(&now, 0, 1);
    earlier = now;
    exponential_add(&now, 1.5, 2);
    exponential_add(&now, 4096, 3); /* the scale goes down */
    exponential_subtract(&now, &earlier);
    check(now.scale == 3);
    check_number(now.zero_count, 0);
    check_number(exponential_count(&now), 5);
    check_number(now.counts[0], 2);
    check_number(now.counts[now.used - 1], 3);
    check(now.offset == exponential_index(1.5, 3));
    earlier = now;
    exponential_subtract(&now, &earlier);
    check_number(now.used, 0);
    check_number(exponential_count(&now), 0);
}

TEST(a_duration_is_counted_where_its_seconds_belong)
{
    struct duration_bounds bounds;
    struct duration_buckets buckets = {0};
    struct exponential sum = empty(DURATION_SCALE);
    static const uint64_t cases[] = {1,      2,      3,       1000,    15625,    31250,     125000,
                                     250000, 500000, 1000000, 2000000, 64000000, 3600000000};
    duration_bounds_init(&bounds);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct duration_buckets one = {0};
        struct exponential alone = empty(DURATION_SCALE);
        duration_add(&one, &bounds, cases[i]);
        duration_sum(&one, &alone);
        check_number(alone.used, 1);
        check(alone.offset == exponential_index((double)cases[i] / 1e6, DURATION_SCALE));
        duration_buckets_fini(&one);
    }
    for (unsigned i = 0; i < 1000; i++)
        duration_add(&buckets, &bounds, i % 10);
    duration_sum(&buckets, &sum);
    check_number(sum.zero_count, 100);
    check_number(exponential_count(&sum), 1000);
    duration_buckets_fini(&buckets);
}

int exponential_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_index_of_a_value_at_each_scale),
        cmocka_unit_test(every_value_lies_within_the_bounds_of_its_bucket),
        cmocka_unit_test(counts_lie_between_the_first_and_the_last_bucket_met),
        cmocka_unit_test(downscaling_joins_neighbours_two_by_two),
        cmocka_unit_test(the_scale_goes_down_where_160_buckets_are_not_enough),
        cmocka_unit_test(exactly_160_buckets_are_kept_and_161_are_not),
        cmocka_unit_test(merging_takes_the_coarser_scale),
        cmocka_unit_test(what_came_since_is_the_difference_at_the_present_scale),
        cmocka_unit_test(a_duration_is_counted_where_its_seconds_belong),
    };
    return cmocka_run_group_tests_name("exponential", tests, NULL, NULL);
}
