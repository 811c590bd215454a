/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/match/operator.h"

#include <stdio.h>

#include "tests/check.h"
#include "tests/hearing.h"
#include "tests/unit/match/operators/suites.h"

/* One operator, and what it needs to be run. */
struct bench {
    struct arena *arena;
    struct scratch *scratch;
    struct operator_build build;
    struct operator* op;
    struct operator_run run;
};

/* The files that rules can name here. */
static bool read_file(void *context, struct span name, struct buf *to, char *why, size_t why_size)
{
    (void)context;
    if (span_is(name, SPAN("words")))
        return buf_add(to, SPAN("# words\r\n\r\n  union select \t\r\nabc|int|x\nx|64 65|y\n#"));
    if (span_is(name, SPAN("more")))
        return buf_add(to, SPAN("other\n"));
    if (span_is(name, SPAN("addresses")))
        return buf_add(to, SPAN("# ours\n192.0.2.0/24 # office\n\n2001:db8::1\r\n"));
    if (span_is(name, SPAN("broken")))
        return buf_add(to, SPAN("192.0.2.1\nnonsense\n"));
    snprintf(why, why_size, "there is no " SPAN_FORMAT, span_arg(name));
    return false;
}

static struct bench open_bench(const char *name, const char *argument)
{
    struct bench b = {.arena = arena_new(NULL, 1 << 20), .scratch = scratch_new()};

    b.build = (struct operator_build){.arena = b.arena, .read_file = read_file};
    b.op = operator_compile(span_text(name), false, span_text(argument), &b.build);
    b.run = (struct operator_run){
        .argument = span_text(argument), .scratch = b.scratch, .arena = b.arena};
    return b;
}

static void close_bench(struct bench *b)
{
    operator_free(b->op);
    scratch_free(b->scratch);
    arena_free(b->arena);
}

static enum operator_answer run_bytes(const char *name, const char *argument, struct span value)
{
    struct bench b = open_bench(name, argument);
    enum operator_answer answer;

    check(b.op != NULL);
    b.run.value = value;
    answer = operator_run(b.op, &b.run);
    close_bench(&b);
    return answer;
}

static bool is(const char *name, const char *argument, const char *value)
{
    return run_bytes(name, argument, span_text(value)) == OPERATOR_YES;
}

/* Why an operator is refused; false where it is not. */
static bool refused(const char *name, const char *argument, size_t offset, const char *why)
{
    struct bench b = open_bench(name, argument);
    bool same = b.op == NULL && b.build.offset == offset && strcmp(b.build.why, why) == 0;

    if (!same)
        print_error("got %zu \"%s\"\n", b.build.offset, b.build.why);
    close_bench(&b);
    return same;
}

TEST(an_unknown_operator_is_named)
{
    struct bench b = open_bench("rsub", "s/a/b/");

    check(b.op == NULL);
    check_span(b.build.wrong, "rsub");
    close_bench(&b);
}

TEST(operators_are_found_whatever_their_case)
{
    struct bench b = open_bench("BEGINSWITH", "a");

    check(b.op != NULL && strcmp(operator_name(b.op), "beginsWith") == 0);
    check_span(operator_argument(b.op)->text, "a");
    close_bench(&b);
}

TEST(negation_turns_yes_and_no_but_not_a_limit)
{
    struct bench b = open_bench("streq", "a");
    struct operator* not_a = operator_compile(SPAN("streq"), true, SPAN("a"), &b.build);
    struct operator* slow = operator_compile(SPAN("rx"), true, SPAN("^(a+)+$"), &b.build);

    check(operator_is_negated(not_a) && !operator_is_negated(b.op));
    b.run.value = SPAN("a");
    check(operator_run(b.op, &b.run) == OPERATOR_YES);
    check(operator_run(not_a, &b.run) == OPERATOR_NO);
    b.run.value = SPAN("b");
    check(operator_run(not_a, &b.run) == OPERATOR_YES);
    b.run.value = SPAN("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab");
    check(operator_run(slow, &b.run) == OPERATOR_LIMIT);
    operator_free(not_a);
    operator_free(slow);
    close_bench(&b);
}

TEST(text_is_compared_byte_by_byte)
{
    check(is("streq", "a", "a") && !is("streq", "a", "A"));
    check(is("beginsWith", "ab", "abc") && !is("beginsWith", "ab", "a"));
    check(is("endsWith", "bc", "abc") && !is("endsWith", "bc", "c"));
    check(is("contains", "b", "abc") && is("contains", "", "abc"));
    check(is("within", "GET POST", "POST") && !is("within", "GET POST", "PUT"));
    check(is("strmatch", "b", "abc"));
    check(is("unconditionalMatch", "", "") && !is("noMatch", "", ""));
}

TEST(a_word_has_no_letters_next_to_it)
{
    check(is("containsWord", "or", "a or b") && is("containsWord", "or", "or"));
    check(!is("containsWord", "or", "order for") && is("containsWord", "or", "for or"));
    check(!is("containsWord", "or", "or_") && is("containsWord", "", "x"));
}

TEST(numbers_are_read_leniently_and_never_wrap)
{
    check(is("eq", "5", " 5 apples") && is("eq", "0", "none") && is("eq", "x", "0"));
    check(is("gt", "4294967296", "4294967297") && !is("gt", "9999999999999999999999", "5"));
    check(is("lt", "0", "-1") && is("le", "5", "5") && is("ge", "5", "6"));
    check(!is("eq", "0", "4294967296")); /* what 32 bits would make of it */
}

TEST(an_argument_with_macros_is_taken_from_the_run)
{
    struct bench b = open_bench("gt", "%{tx.limit}");
    struct operator* rx = operator_compile(SPAN("rx"), false, SPAN("^%{tx.limit}$"), &b.build);

    check(b.op != NULL && rx != NULL && operator_argument(b.op)->has_variables);
    check(operator_escapes_values(rx) && !operator_escapes_values(b.op));
    b.run.argument = SPAN("7");
    b.run.value = SPAN("8");
    check(operator_run(b.op, &b.run) == OPERATOR_YES);
    b.run.argument = SPAN("^(?:a|b)$");
    b.run.value = SPAN("b");
    check(operator_run(rx, &b.run) == OPERATOR_YES);
    b.run.argument = SPAN("^(");
    check(operator_run(rx, &b.run) == OPERATOR_LIMIT);
    operator_free(rx);
    close_bench(&b);
}

TEST(an_unknown_macro_is_a_fault_but_in_patterns)
{
    struct bench b = open_bench("streq", "a%{bogus}");

    check(b.op == NULL);
    check_span(b.build.wrong, "bogus");
    close_bench(&b);
    check(is("rx", "a%{b}", "a%{b}"));
    check(is("pm", "%{b} x", "a%{b}"));
}

TEST(a_wrong_pattern_says_where)
{
    struct bench b = open_bench("rx", "a(b");

    check(b.op == NULL && b.build.offset == 3 && b.build.why[0] != '\0');
    close_bench(&b);
}

TEST(rx_captures_groups_and_rx_global_those_of_every_match)
{
    struct bench one = open_bench("rx", "(a)(\\d)");
    struct bench all = open_bench("rxGlobal", "(a)(\\d)");

    one.run.value = all.run.value = SPAN("a1 a2 a3 a4");
    check(operator_run(one.op, &one.run) == OPERATOR_YES);
    check_number(one.run.captures.count, 3);
    check_span(one.run.captures.at[0], "a1");
    check(operator_run(all.op, &all.run) == OPERATOR_YES);
    check_number(all.run.captures.count, CAPTURES);
    check_span(all.run.captures.at[5], "2");
    check_span(all.run.captures.at[9], "a4");
    close_bench(&one);
    close_bench(&all);
}

TEST(pm_takes_words_and_bytes_between_bars)
{
    struct bench b = open_bench("pm", "one Two |41 0a|b a|b");

    b.run.value = SPAN("xTWOx");
    check(operator_run(b.op, &b.run) == OPERATOR_YES);
    check_span(b.run.captures.at[0], "TWO");
    b.run.value = SPAN("a\nb");
    check(operator_run(b.op, &b.run) == OPERATOR_YES);
    b.run.value = SPAN("a|b");
    check(operator_run(b.op, &b.run) == OPERATOR_YES);
    b.run.value = SPAN("41 0a");
    check(operator_run(b.op, &b.run) == OPERATOR_NO);
    close_bench(&b);
}

TEST(pm_from_file_takes_lines)
{
    check(is("pmFromFile", "words", "1 UNION SELECT 2") && !is("pmFromFile", "words", "union"));
    check(is("pmf", "words", "abc|int|x") && is("pmf", "words", "xdey"));
    check(!is("pmf", "words", "# words") && !is("pmf", "words", "other"));
    check(is("pmf", "words more", "other"));
    check(refused("pmf", "none", 0, "there is no none"));
    check(refused("pmf", "", 0, "the name of a file is missing"));
}

TEST(a_list_without_phrases_warns)
{
    struct bench b = open_bench("pm", " ");

    check(b.op != NULL && strcmp(b.build.why, "no phrase to look for: it never matches") == 0);
    close_bench(&b);
}

TEST(addresses_come_from_the_argument_or_a_file)
{
    check(is("ipMatch", "192.0.2.1, 2001:db8::/32", "2001:db8::9"));
    check(!is("ipMatch", "192.0.2.1", "no address"));
    check(is("ipMatchFromFile", "addresses", "192.0.2.200") &&
          is("ipMatchF", "addresses", "2001:db8::1"));
    check(refused("ipMatch", "192.0.2.1,192.0.2", 10, "no address and no network: 192.0.2"));
    check(refused("ipMatchF", "broken", 0, "broken, line 2: no address and no network: nonsense"));
}

TEST(bytes_outside_of_the_ranges_match)
{
    check(!is("validateByteRange", "9, 10,32-126", "a\tb") &&
          is("validateByteRange", "32-126", "\x7f"));
    check(run_bytes("validateByteRange", "1-255", SPAN("a\0")) == OPERATOR_YES);
    check(run_bytes("validateByteRange", "0-255", SPAN("\xff\0")) == OPERATOR_NO);
    check(refused("validateByteRange", "1-255,256", 6,
                  "no byte and no range of bytes from 0 to 255: 256"));
    check(
        refused("validateByteRange", "9-1", 0, "no byte and no range of bytes from 0 to 255: 9-1"));
}

TEST(broken_encodings_match)
{
    check(is("validateUrlEncoding", "", "%4") && is("validateUrlEncoding", "", "%zz"));
    check(!is("validateUrlEncoding", "", "a%41%2fb"));
    check(is("validateUtf8Encoding", "", "\xc0\xaf") &&
          is("validateUtf8Encoding", "", "\xed\xa0\x80"));
    check(!is("validateUtf8Encoding", "", "\xc3\xa4\xf0\x9f\x98\x80"));
}

TEST(check_digits_tell_numbers_from_digits)
{
    check(is("verifyCC", "\\d{4}-?\\d{4}-?\\d{4}-?\\d{4}", "card 4012-8888-8888-1881!"));
    check(!is("verifyCC", "\\d{16}", "4012888888881882"));
    check(is("verifyCPF", "[\\d.-]+", "010.817.514-60") && !is("verifyCPF", "\\d+", "11111111111"));
    check(is("verifySSN", "\\d{3}-\\d{2}-\\d{4}", "574-57-8065"));
    check(!is("verifySSN", "\\d{3}-\\d{2}-\\d{4}", "666-57-8065"));
    check(is("verifySVNR", "\\d{10}", "1237010180") && !is("verifySVNR", "\\d{10}", "1237010181"));
}

TEST(a_number_may_begin_inside_of_a_wrong_one)
{
    struct bench b = open_bench("verifyCC", "\\d{13,16}");

    b.run.value = SPAN("94012888888881881");
    check(operator_run(b.op, &b.run) == OPERATOR_YES);
    check_span(b.run.captures.at[0], "4012888888881881");
    close_bench(&b);
}

static size_t place_of(const void *places, const struct ip *ip, struct arena *arena,
                       struct pair members[PLACE_MEMBERS])
{
    (void)arena;
    members[0] = (struct pair){SPAN("COUNTRY_CODE"), *(const struct span *)places};
    return ip_is_v4(ip);
}

TEST(an_address_is_looked_up_where_there_is_a_database)
{
    struct bench geo = open_bench("geoLookup", "");
    const struct span country = SPAN("DE");
    const struct lookups lookups = {.place = place_of, .places = &country};
    geo.run.value = SPAN("192.0.2.1");
    check(operator_asks_place(geo.op) && operator_asks(geo.op));
    check_number(operator_run(geo.op, &geo.run), OPERATOR_UNKNOWN);
    geo.run.lookups = &lookups;
    check_number(operator_run(geo.op, &geo.run), OPERATOR_YES);
    check_number(geo.run.member_count, 1);
    check_span(geo.run.members[0].value, "DE");
    geo.run.value = SPAN("2001:db8::1");
    check_number(operator_run(geo.op, &geo.run), OPERATOR_NO);
    geo.run.value = SPAN("a.example");
    check_number(operator_run(geo.op, &geo.run), OPERATOR_NO);
    close_bench(&geo);
}

TEST(a_file_that_is_no_schema_is_refused_in_silence)
{
    struct hearing hearing = hearing_begin();
    struct bench b = open_bench("validateSchema", "words");
    check_number(hearing_end(&hearing), 0);
    check(b.op == NULL);
    check_span(span_text(b.build.why), "the file is no XML Schema: words");
    close_bench(&b);
}

TEST(detectors_capture_what_they_found)
{
    struct bench sqli = open_bench("detectSQLi", "");
    struct bench xss = open_bench("detectXSS", "");

    sqli.run.value = SPAN("1 union select 2");
    check(operator_run(sqli.op, &sqli.run) == OPERATOR_YES);
    check_number(sqli.run.captures.count, 1);
    check_span(sqli.run.captures.at[0], "1UE1");
    xss.run.value = SPAN("x <svg onload=a()>");
    check(operator_run(xss.op, &xss.run) == OPERATOR_YES);
    check_span(xss.run.captures.at[0], "x <svg onload=a()>");
    check_span(xss.run.found, "svg");
    close_bench(&sqli);
    close_bench(&xss);
}

TEST(captures_of_the_last_run_do_not_stay)
{
    struct bench b = open_bench("rx", "a");

    b.run.value = SPAN("a");
    check(operator_run(b.op, &b.run) == OPERATOR_YES && b.run.captures.count == 1);
    b.run.value = SPAN("b");
    check(operator_run(b.op, &b.run) == OPERATOR_NO && b.run.captures.count == 0);
    close_bench(&b);
}

int operator_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_unknown_operator_is_named),
        cmocka_unit_test(operators_are_found_whatever_their_case),
        cmocka_unit_test(negation_turns_yes_and_no_but_not_a_limit),
        cmocka_unit_test(text_is_compared_byte_by_byte),
        cmocka_unit_test(a_word_has_no_letters_next_to_it),
        cmocka_unit_test(numbers_are_read_leniently_and_never_wrap),
        cmocka_unit_test(an_argument_with_macros_is_taken_from_the_run),
        cmocka_unit_test(an_unknown_macro_is_a_fault_but_in_patterns),
        cmocka_unit_test(a_wrong_pattern_says_where),
        cmocka_unit_test(rx_captures_groups_and_rx_global_those_of_every_match),
        cmocka_unit_test(pm_takes_words_and_bytes_between_bars),
        cmocka_unit_test(pm_from_file_takes_lines),
        cmocka_unit_test(a_list_without_phrases_warns),
        cmocka_unit_test(addresses_come_from_the_argument_or_a_file),
        cmocka_unit_test(bytes_outside_of_the_ranges_match),
        cmocka_unit_test(broken_encodings_match),
        cmocka_unit_test(check_digits_tell_numbers_from_digits),
        cmocka_unit_test(a_number_may_begin_inside_of_a_wrong_one),
        cmocka_unit_test(an_address_is_looked_up_where_there_is_a_database),
        cmocka_unit_test(a_file_that_is_no_schema_is_refused_in_silence),
        cmocka_unit_test(detectors_capture_what_they_found),
        cmocka_unit_test(captures_of_the_last_run_do_not_stay),
    };
    return cmocka_run_group_tests_name("operator", tests, NULL, NULL);
}
