/* SPDX-License-Identifier: Apache-2.0 */
/* What other systems write of a trace, read and written. */
#include "sidecar/http/propagation.h"

#include <stdio.h>

#include "rules/base/buf.h"
#include "rules/base/encode.h"
#include "tests/check.h"
#include "tests/unit/http/suites.h"

#define TRACE  "0af7651916cd43dd8448eb211c80319c"
#define PARENT "b7ad6b7169203331"
#define ROOT   "1-0af76519-16cd43dd8448eb211c80319c"
#define ZEROS  "0000000000000000"

enum { MOST = 4 };

/* What is read of the fields, as one line: "TRACE PARENT keep"; "-": nothing. */
static void check_read(unsigned propagators, const char *const (*given)[2], const char *want)
{
    static const char *const decisions[] = {"undecided", "drop", "keep"};
    struct pair pairs[MOST];
    struct fields fields = {pairs, 0, MOST};
    struct trace_given got;
    struct arena *arena = arena_new(NULL, 4096);
    for (; fields.count < MOST && given[fields.count][0] != NULL; fields.count++)
        pairs[fields.count] =
            (struct pair){span_text(given[fields.count][0]), span_text(given[fields.count][1])};
    trace_extract(propagators, &fields, &got);
    struct fields out = {NULL, 0, 0};
    check(trace_inject(PROPAGATOR_SET(PROPAGATOR_TRACECONTEXT), &got.context, got.context.parent_id,
                       &out, arena));
    struct span whole = fields_get(&out, SPAN("traceparent"));
    struct span text = got.is_given ? arena_format(arena, "%.*s %.*s %s", 32, whole.at + 3, 16,
                                                   whole.at + 36, decisions[got.decision])
                       : got.decision == TRACE_UNDECIDED ? SPAN("-")
                                                         : span_text(decisions[got.decision]);
    check_span(text, want);
    arena_free(arena);
}

static const struct {
    enum propagator by;
    const char *fields[MOST][2];
    const char *want;
} cases[] = {
    {PROPAGATOR_B3, {{"b3", TRACE "-" PARENT "-1"}}, TRACE " " PARENT " keep"},
    {PROPAGATOR_B3, {{"B3", TRACE "-" PARENT "-0"}}, TRACE " " PARENT " drop"},
    {PROPAGATOR_B3, {{"b3", TRACE "-" PARENT "-d"}}, TRACE " " PARENT " keep"},
    {PROPAGATOR_B3, {{"b3", TRACE "-" PARENT}}, TRACE " " PARENT " undecided"},
    {PROPAGATOR_B3, {{"b3", TRACE "-" PARENT "-1-05e3ac9a4f6e3b90"}}, TRACE " " PARENT " keep"},
    {PROPAGATOR_B3,
     {{"b3", "8448eb211c80319c-" PARENT "-1"}},
     ZEROS "8448eb211c80319c " PARENT " keep"},
    {PROPAGATOR_B3, {{"b3", "0"}}, "drop"},
    {PROPAGATOR_B3, {{"b3", "1"}}, "keep"},
    {PROPAGATOR_B3, {{"b3", "d"}}, "keep"},
    {PROPAGATOR_B3, {{"b3", "2"}}, "-"},
    {PROPAGATOR_B3, {{"b3", ""}}, "-"},
    {PROPAGATOR_B3, {{"b3", TRACE}}, "-"},
    {PROPAGATOR_B3, {{"b3", TRACE "-" ZEROS "-1"}}, "-"},
    {PROPAGATOR_B3, {{"b3", ZEROS ZEROS "-" PARENT "-1"}}, "-"},
    {PROPAGATOR_B3, {{"b3", TRACE "-" PARENT "-x"}}, "-"},
    {PROPAGATOR_B3, {{"b3", TRACE "-" PARENT "-1-x"}}, "-"},
    {PROPAGATOR_B3, {{"b3", "abc-" PARENT "-1"}}, "-"},
    {PROPAGATOR_B3, {{"b3", TRACE "-" PARENT "-1"}, {"b3", TRACE "-" PARENT "-0"}}, "-"},
    {PROPAGATOR_B3MULTI,
     {{"X-B3-TraceId", TRACE}, {"X-B3-SpanId", PARENT}, {"X-B3-Sampled", "1"}},
     TRACE " " PARENT " keep"},
    {PROPAGATOR_B3MULTI,
     {{"x-b3-traceid", TRACE}, {"x-b3-spanid", PARENT}, {"x-b3-sampled", "0"}},
     TRACE " " PARENT " drop"},
    {PROPAGATOR_B3MULTI,
     {{"x-b3-traceid", TRACE}, {"x-b3-spanid", PARENT}, {"x-b3-sampled", "true"}},
     TRACE " " PARENT " keep"},
    {PROPAGATOR_B3MULTI,
     {{"x-b3-traceid", TRACE}, {"x-b3-spanid", PARENT}, {"x-b3-flags", "1"}},
     TRACE " " PARENT " keep"},
    {PROPAGATOR_B3MULTI,
     {{"x-b3-traceid", TRACE}, {"x-b3-spanid", PARENT}},
     TRACE " " PARENT " undecided"},
    {PROPAGATOR_B3MULTI, {{"x-b3-sampled", "0"}}, "drop"},
    {PROPAGATOR_B3MULTI, {{"x-b3-traceid", TRACE}}, "-"},
    {PROPAGATOR_B3MULTI, {{"x-b3-traceid", TRACE}, {"x-b3-spanid", ZEROS}}, "-"},
    {PROPAGATOR_XRAY,
     {{"X-Amzn-Trace-Id", "Root=" ROOT ";Parent=" PARENT ";Sampled=1"}},
     TRACE " " PARENT " keep"},
    {PROPAGATOR_XRAY,
     {{"X-Amzn-Trace-Id", "Root=" ROOT ";Parent=" PARENT ";Sampled=0"}},
     TRACE " " PARENT " drop"},
    {PROPAGATOR_XRAY,
     {{"X-Amzn-Trace-Id", "Root=" ROOT ";Parent=" PARENT ";Sampled=?"}},
     TRACE " " PARENT " undecided"},
    {PROPAGATOR_XRAY,
     {{"X-Amzn-Trace-Id", "Self=" ROOT "; Root=" ROOT "; Parent=" PARENT "; Lineage=a:1|b:2"}},
     TRACE " " PARENT " undecided"},
    {PROPAGATOR_XRAY, {{"X-Amzn-Trace-Id", "Root=" ROOT}}, TRACE " " ZEROS " undecided"},
    {PROPAGATOR_XRAY, {{"X-Amzn-Trace-Id", "Sampled=0"}}, "drop"},
    {PROPAGATOR_XRAY, {{"X-Amzn-Trace-Id", "Root=2-0af76519-16cd43dd8448eb211c80319c"}}, "-"},
    {PROPAGATOR_XRAY, {{"X-Amzn-Trace-Id", "Root=1-0af7651-16cd43dd8448eb211c80319c"}}, "-"},
    {PROPAGATOR_XRAY, {{"X-Amzn-Trace-Id", "Root=" ROOT ";Parent=12"}}, "-"},
    {PROPAGATOR_XRAY, {{"X-Amzn-Trace-Id", "Root=" ROOT ";Sampled=yes"}}, "-"},
    {PROPAGATOR_XRAY, {{"X-Amzn-Trace-Id", ""}}, "-"},
};

TEST(what_b3_and_xray_say_is_understood)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        printf("%s: %s\n", cases[i].fields[0][0], cases[i].fields[0][1]);
        check_read(PROPAGATOR_SET(cases[i].by), cases[i].fields, cases[i].want);
    }
}

TEST(nobody_is_heard_who_was_not_named)
{
    static const char *const given[MOST][2] = {{"b3", TRACE "-" PARENT "-1"}};
    check_read(PROPAGATOR_SET(PROPAGATOR_TRACECONTEXT) | PROPAGATOR_SET(PROPAGATOR_XRAY), given,
               "-");
}

TEST(the_first_that_brings_something_whole_counts)
{
    static const char *const both[MOST][2] = {
        {"b3", "11111111111111111111111111111111-2222222222222222-0"},
        {"traceparent", "00-" TRACE "-" PARENT "-01"}};
    static const char *const broken[MOST][2] = {
        {"b3", "11111111111111111111111111111111-2222222222222222-0"},
        {"traceparent", "00-" TRACE "-" ZEROS "-01"}};
    unsigned set = PROPAGATOR_SET(PROPAGATOR_TRACECONTEXT) | PROPAGATOR_SET(PROPAGATOR_B3);
    check_read(set, both, TRACE " " PARENT " keep");
    check_read(set, broken, "11111111111111111111111111111111 2222222222222222 drop");
}

TEST(a_context_goes_out_in_the_words_of_each)
{
    static const uint8_t span_id[8] = {0xb7, 0xad, 0x6b, 0x71, 0x69, 0x20, 0x33, 0x31};
    struct trace_context context = {.flags = 1};
    struct fields fields = {NULL, 0, 0};
    struct arena *arena = arena_new(NULL, 4096);
    for (unsigned i = 0; i < 16; i++)
        context.trace_id[i] = (uint8_t)(i + 1);
    fields_add(&fields, arena, SPAN("X-B3-ParentSpanId"), SPAN("1"));
    fields_add(&fields, arena, SPAN("X-B3-Flags"), SPAN("1"));
    fields_add(&fields, arena, SPAN("B3"), SPAN("0"));
    check(trace_inject(~0U, &context, span_id, &fields, arena));
    check_span(fields_get(&fields, SPAN("traceparent")),
               "00-0102030405060708090a0b0c0d0e0f10-" PARENT "-01");
    check_span(fields_get(&fields, SPAN("b3")), "0102030405060708090a0b0c0d0e0f10-" PARENT "-1");
    check_span(fields_get(&fields, SPAN("X-B3-TraceId")), "0102030405060708090a0b0c0d0e0f10");
    check_span(fields_get(&fields, SPAN("X-B3-SpanId")), PARENT);
    check_span(fields_get(&fields, SPAN("X-B3-Sampled")), "1");
    check_span(fields_get(&fields, SPAN("X-Amzn-Trace-Id")),
               "Root=1-01020304-05060708090a0b0c0d0e0f10;Parent=" PARENT ";Sampled=1");
    check_number(fields_count(&fields, SPAN("X-B3-ParentSpanId")), 0);
    check_number(fields_count(&fields, SPAN("X-B3-Flags")), 0);
    context.flags = 2;
    check(trace_inject(PROPAGATOR_SET(PROPAGATOR_XRAY) | PROPAGATOR_SET(PROPAGATOR_B3MULTI),
                       &context, span_id, &fields, arena));
    check_span(fields_get(&fields, SPAN("X-B3-Sampled")), "0");
    check(span_ends(fields_get(&fields, SPAN("X-Amzn-Trace-Id")), SPAN(";Sampled=0")));
    arena_free(arena);
}

/* X-Amzn-Trace-Id as it goes on where `given` came. */
static void check_xray_sent(const char *given, const char *want)
{
    static const uint8_t span_id[8] = {0xb7, 0xad, 0x6b, 0x71, 0x69, 0x20, 0x33, 0x31};
    struct trace_context context = {.flags = 1};
    struct fields fields = {NULL, 0, 0};
    struct arena *arena = arena_new(NULL, 16384);
    check(hex_read(SPAN(TRACE), context.trace_id, 16));
    fields_add(&fields, arena, SPAN("x-amzn-trace-id"), span_text(given));
    check(trace_inject(PROPAGATOR_SET(PROPAGATOR_XRAY), &context, span_id, &fields, arena));
    check_number(fields_count(&fields, SPAN("X-Amzn-Trace-Id")), 1);
    check_span(fields_get(&fields, SPAN("X-Amzn-Trace-Id")), want);
    arena_free(arena);
}

TEST(what_else_an_xray_field_says_of_the_same_trace_goes_on)
{
    char given[1024], want[1024];
    check_xray_sent("Self=1-11111111-111111111111111111111111;Root=" ROOT
                    "; Lineage=a87bd80c:1|68fd508a:5 ;Parent=" PARENT ";Sampled=0;new=a=b",
                    "Root=" ROOT ";Parent=" PARENT
                    ";Sampled=1;Lineage=a87bd80c:1|68fd508a:5;new=a=b");
    check_xray_sent("Lineage=a:1;Root=1-11111111-111111111111111111111111",
                    "Root=" ROOT ";Parent=" PARENT ";Sampled=1");
    check_xray_sent("Lineage=a:1", "Root=" ROOT ";Parent=" PARENT ";Sampled=1");
    snprintf(given, sizeof given, "Root=" ROOT ";a=%0500u;b=%020u;c=1", 1, 2);
    snprintf(want, sizeof want, "Root=" ROOT ";Parent=" PARENT ";Sampled=1;a=%0500u;c=1", 1);
    check_xray_sent(given, want);
}

TEST(baggage_goes_by_within_its_limits)
{
    struct buf many, large;
    buf_init(&many, 16384);
    buf_init(&large, 16384);
    for (unsigned i = 0; i < 60; i++)
        buf_format(&many, "%skey%u=value;property", i > 0 ? "," : "", i);
    struct pair pairs[] = {{SPAN("Baggage"), buf_span(&many)},
                           {SPAN("Host"), SPAN("a")},
                           {SPAN("baggage"), SPAN("a=1, b=2, c=3, d=4, e=5, f=6")},
                           {SPAN("baggage"), SPAN("z=1")}};
    struct fields fields = {pairs, 4, 4};
    baggage_limit(&fields);
    check_number(fields.count, 3);
    check_span(fields.at[1].name, "Host");
    check_span(fields.at[2].value, "a=1, b=2, c=3, d=4");
    for (unsigned i = 0; i < 9; i++)
        buf_format(&large, "%skey%u=%01000u", i > 0 ? "," : "", i, i);
    struct pair long_ones[] = {{SPAN("baggage"), buf_span(&large)}};
    fields = (struct fields){long_ones, 1, 1};
    baggage_limit(&fields);
    check_number(fields.at[0].value.len, 8 * 1006 - 1); /* eight members and seven commas */
    buf_fini(&many);
    buf_fini(&large);
}

int propagation_suite(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_b3_and_xray_say_is_understood),
        cmocka_unit_test(nobody_is_heard_who_was_not_named),
        cmocka_unit_test(the_first_that_brings_something_whole_counts),
        cmocka_unit_test(a_context_goes_out_in_the_words_of_each),
        cmocka_unit_test(what_else_an_xray_field_says_of_the_same_trace_goes_on),
        cmocka_unit_test(baggage_goes_by_within_its_limits),
    };
    return cmocka_run_group_tests_name("propagation", tests, NULL, NULL);
}
