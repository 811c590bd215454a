/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/http/traceparent.h"

#include "tests/check.h"
#include "tests/unit/http/suites.h"

#define TRACE  "0af7651916cd43dd8448eb211c80319c"
#define PARENT "b7ad6b7169203331"

TEST(a_traceparent_goes_in_and_out)
{
    struct trace_context context;
    check(traceparent_parse(SPAN("00-" TRACE "-" PARENT "-03"), &context));
    check_number(context.trace_id[0], 0x0a);
    check_number(context.parent_id[7], 0x31);
    check_number(context.flags, 3);
    static const uint8_t span_id[8] = {1, 2, 3, 4, 5, 6, 7, 0xff};
    char text[TRACEPARENT_LENGTH];
    traceparent_write(text, &context, span_id);
    check_span(span_make(text, sizeof text), "00-" TRACE "-01020304050607ff-03");
}

TEST(a_later_version_is_read_by_what_is_known)
{
    struct trace_context context;
    check(traceparent_parse(SPAN("01-" TRACE "-" PARENT "-01"), &context));
    check(traceparent_parse(SPAN("cc-" TRACE "-" PARENT "-01-more"), &context));
    check(!traceparent_parse(SPAN("cc-" TRACE "-" PARENT "-01.more"), &context));
}

TEST(broken_ones_begin_a_new_trace)
{
    static const char *const bad[] = {
        "",
        "00-" TRACE "-" PARENT "-0",
        "00-" TRACE "-" PARENT "-011",
        "00-" TRACE "-" PARENT "-01-more",
        "ff-" TRACE "-" PARENT "-01",
        "0-" TRACE "-" PARENT "-01x",
        "00-00000000000000000000000000000000-" PARENT "-01",
        "00-" TRACE "-0000000000000000-01",
        "00-0AF7651916CD43DD8448EB211C80319C-" PARENT "-01",
        "00-" TRACE "-B7AD6B7169203331-01",
        "00-" TRACE "-" PARENT "-0A",
        "00_" TRACE "-" PARENT "-01",
        "00-" TRACE "_" PARENT "-01",
        "00-" TRACE "-" PARENT "_01",
        "00-0af7651916cd43dd8448eb211c80319g-" PARENT "-01",
        " 00-" TRACE "-" PARENT "-01",
    };
    struct trace_context context = {.flags = 42};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        check(!traceparent_parse(span_text(bad[i]), &context));
    check_number(context.flags, 42);
}

int traceparent_suite(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_traceparent_goes_in_and_out),
        cmocka_unit_test(a_later_version_is_read_by_what_is_known),
        cmocka_unit_test(broken_ones_begin_a_new_trace),
    };
    return cmocka_run_group_tests_name("traceparent", tests, NULL, NULL);
}
