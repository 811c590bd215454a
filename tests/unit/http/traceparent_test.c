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

/* By the sentences of W3C Trace Context level 2, 3.2, a case or more each. */
static const struct {
    const char *sentence, *in;
    bool is_good;
} cases[] = {
    {"version 00, whole", "00-" TRACE "-" PARENT "-01", true},
    {"no value", "", false},
    {"a version is hexadecimal", "0g-" TRACE "-" PARENT "-01", false},
    {"a version has no upper case", "0A-" TRACE "-" PARENT "-01", false},
    {"a version has two digits", "0-" TRACE "-" PARENT "-01x", false},
    {"a version has not three digits", "000-" TRACE "-" PARENT "-01", false},
    {"version ff is invalid", "ff-" TRACE "-" PARENT "-01", false},
    {"version ff is invalid, whatever follows", "ff-" TRACE "-" PARENT "-01-more", false},
    {"a trace id is not all zeros", "00-00000000000000000000000000000000-" PARENT "-01", false},
    {"a trace id has no upper case", "00-0AF7651916CD43DD8448EB211C80319C-" PARENT "-01", false},
    {"a trace id is hexadecimal", "00-0af7651916cd43dd8448eb211c80319g-" PARENT "-01", false},
    {"a trace id is not shorter", "00-0af7651916cd43dd8448eb211c8031-" PARENT "-0100", false},
    {"a trace id is not longer", "00-" TRACE "00-" PARENT "-01", false},
    {"a trace id may begin with zeros", "00-000000000000000000000000000000a1-" PARENT "-01", true},
    {"a parent id is not all zeros", "00-" TRACE "-0000000000000000-01", false},
    {"a parent id has no upper case", "00-" TRACE "-B7AD6B7169203331-01", false},
    {"a parent id is hexadecimal", "00-" TRACE "-b7ad6b716920333x-01", false},
    {"a parent id is not shorter", "00-" TRACE "-b7ad6b71692033-01", false},
    {"a parent id is not longer", "00-" TRACE "-" PARENT "00-01", false},
    {"flags are there", "00-" TRACE "-" PARENT, false},
    {"flags are there behind their dash", "00-" TRACE "-" PARENT "-", false},
    {"flags have two digits", "00-" TRACE "-" PARENT "-0", false},
    {"flags have not three digits", "00-" TRACE "-" PARENT "-011", false},
    {"flags are hexadecimal", "00-" TRACE "-" PARENT "-0x", false},
    {"flags have no upper case", "00-" TRACE "-" PARENT "-0A", false},
    {"flags that nobody knows are no fault", "00-" TRACE "-" PARENT "-fc", true},
    {"not sampled", "00-" TRACE "-" PARENT "-00", true},
    {"random and not sampled", "00-" TRACE "-" PARENT "-02", true},
    {"a dash behind the version", "00_" TRACE "-" PARENT "-01", false},
    {"a dash behind the trace id", "00-" TRACE "_" PARENT "-01", false},
    {"a dash behind the parent id", "00-" TRACE "-" PARENT "_01", false},
    {"version 00 ends behind the flags", "00-" TRACE "-" PARENT "-01-more", false},
    {"version 00 ends without a dash", "00-" TRACE "-" PARENT "-01-", false},
    {"no blank before it", " 00-" TRACE "-" PARENT "-01", false},
    {"no blank behind it", "00-" TRACE "-" PARENT "-01 ", false},
    {"no blank within", "00- " TRACE "-" PARENT "-01", false},
    {"two values in one field", "00-" TRACE "-" PARENT "-01,00-" TRACE "-" PARENT "-01", false},
    {"a later version of this length", "01-" TRACE "-" PARENT "-01", true},
    {"a later version that goes on", "cc-" TRACE "-" PARENT "-01-what-the-future-brings", true},
    {"a later version that goes on with nothing", "cc-" TRACE "-" PARENT "-01-", true},
    {"a later version goes on with a dash", "cc-" TRACE "-" PARENT "-01.more", false},
    {"a later version is not shorter", "cc-" TRACE "-" PARENT "-0", false},
    {"a later version has no zeros for a trace id either",
     "cc-00000000000000000000000000000000-" PARENT "-01", false},
    {"a later version has no zeros for a parent id either", "cc-" TRACE "-0000000000000000-01",
     false},
    {"a later version has no upper case either",
     "cc-0AF7651916CD43DD8448EB211C80319C-" PARENT "-01", false},
    {"the last version", "fe-" TRACE "-" PARENT "-01", true},
};

TEST(every_rule_of_its_grammar_has_a_case)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct trace_context context = {.flags = 42};
        bool is_good = traceparent_parse(span_text(cases[i].in), &context);
        if (is_good != cases[i].is_good)
            print_error("%s: %s\n", cases[i].sentence, cases[i].in);
        check(is_good == cases[i].is_good);
        check(is_good || context.flags == 42); /* what is broken says nothing */
    }
}

TEST(whatever_the_version_what_goes_out_is_version_00)
{
    struct trace_context context;
    static const uint8_t span_id[8] = {0xb7, 0xad, 0x6b, 0x71, 0x69, 0x20, 0x33, 0x31};
    char text[TRACEPARENT_LENGTH];
    check(traceparent_parse(SPAN("cc-" TRACE "-" PARENT "-01-more"), &context));
    traceparent_write(text, &context, span_id);
    check_span(span_make(text, sizeof text), "00-" TRACE "-" PARENT "-01");
}

int traceparent_suite(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_traceparent_goes_in_and_out),
        cmocka_unit_test(every_rule_of_its_grammar_has_a_case),
        cmocka_unit_test(whatever_the_version_what_goes_out_is_version_00),
    };
    return cmocka_run_group_tests_name("traceparent", tests, NULL, NULL);
}
