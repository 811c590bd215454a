/* SPDX-License-Identifier: Apache-2.0 */
/* @rbl: what it asks for, and what it makes of the answers. */
#include <stdio.h>

#include "rules/match/operator.h"

#include "tests/check.h"
#include "tests/unit/match/operators/suites.h"

/* A list that gives one answer, and keeps what it was asked. */
struct list {
    enum lookup answer;
    uint32_t address;
    char asked[256];
    unsigned count;
};

static enum lookup ask(void *context, struct span name, uint32_t *address)
{
    struct list *list = context;
    snprintf(list->asked, sizeof(list->asked), SPAN_FORMAT, span_arg(name));
    list->count++;
    *address = list->address;
    return list->answer;
}

struct bench {
    struct arena *arena;
    struct operator* op;
    struct lookups lookups;
    struct operator_run run;
};

static struct bench *open_bench(struct list *list, const char *argument, bool negated)
{
    struct arena *arena = arena_new(NULL, 1 << 16);
    struct bench *b = arena_alloc(arena, sizeof(*b));
    struct operator_build build = {.arena = arena};
    b->arena = arena;
    b->op = operator_compile(SPAN("rbl"), negated, span_text(argument), &build);
    check(b->op != NULL && build.why[0] == '\0' && operator_asks(b->op));
    b->lookups = (struct lookups){.ask = ask, .context = list};
    b->run = (struct operator_run){.argument = span_text(argument),
                                   .arena = arena,
                                   .lookups = &b->lookups,
                                   .variable = SPAN("REMOTE_ADDR")};
    return b;
}

static void close_bench(struct bench *b)
{
    operator_free(b->op);
    arena_free(b->arena);
}

static enum operator_answer run(struct bench *b, const char *value)
{
    b->run.value = span_text(value);
    return operator_run(b->op, &b->run);
}

TEST(each_kind_of_value_is_asked_for_in_its_form)
{
    static const struct {
        const char *value, *asked;
    } rows[] = {
        {"192.0.2.1", "1.2.0.192.bl.example"},
        {"::ffff:192.0.2.1", "1.2.0.192.bl.example"},
        {"2001:db8::a1",
         "1.a.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.bl.example"},
        {"www.test.example", "www.test.example.bl.example"},
        {"test.example.", "test.example.bl.example"},
    };
    struct list list = {.answer = LOOKUP_NOT_LISTED};
    struct bench *b = open_bench(&list, "bl.example", false);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        check_number(run(b, rows[i].value), OPERATOR_NO);
        assert_string_equal(list.asked, rows[i].asked);
    }
    close_bench(b);
}

TEST(what_is_no_name_is_asked_of_nobody)
{
    static const char *const values[] = {
        "",
        ".",
        "a b",
        "a..b",
        ".a",
        "a/b",
        "\xc3\xa9.example",
        "123456789012345678901234567890123456789012345678901234567890.1234"
        "123456789012345678901234567890123456789012345678901234567890.1234"
        "123456789012345678901234567890123456789012345678901234567890.1234"
        "123456789012345678901234567890123456789012345678901234567890.1234",
        "1234567890123456789012345678901234567890123456789012345678901234"};
    struct list list = {.answer = LOOKUP_LISTED};
    struct bench *b = open_bench(&list, "bl.example", false);
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
        check_number(run(b, values[i]), OPERATOR_NO);
    check_number(list.count, 0);
    close_bench(b);
}

TEST(who_is_listed_matches_and_tx_0_says_where)
{
    struct list list = {.answer = LOOKUP_LISTED, .address = 0x7f000004};
    struct bench *b = open_bench(&list, "bl.example", false);
    check_number(run(b, "192.0.2.1"), OPERATOR_YES);
    check_number(b->run.captures.count, 1);
    check_span(b->run.captures.at[0],
               "RBL lookup of 1.2.0.192.bl.example succeeded at REMOTE_ADDR (127.0.0.4).");
    close_bench(b);
}

TEST(what_nobody_knows_matches_neither_way)
{
    struct list list = {.answer = LOOKUP_UNKNOWN};
    for (int negated = 0; negated < 2; negated++) {
        struct bench *b = open_bench(&list, "bl.example", negated != 0);
        check_number(run(b, "192.0.2.1"), OPERATOR_UNKNOWN);
        b->run.lookups = NULL;
        check_number(run(b, "192.0.2.1"), OPERATOR_UNKNOWN);
        close_bench(b);
    }
    check_number(list.count, 2);
    struct bench *b = open_bench(&list, "bl.example", true);
    list.answer = LOOKUP_NOT_LISTED;
    check_number(run(b, "192.0.2.1"), OPERATOR_YES);
    close_bench(b);
}

TEST(http_bl_is_asked_with_a_key_for_ipv4_and_says_what_it_knows)
{
    struct list list = {.answer = LOOKUP_LISTED, .address = 0x7f0a6401};
    struct bench *b = open_bench(&list, "dnsbl.httpbl.org", false);
    check_number(run(b, "192.0.2.1"), OPERATOR_UNKNOWN);
    check_number(list.count, 0);
    b->lookups.http_bl_key = SPAN("abcdefghijkl");
    check_number(run(b, "2001:db8::1"), OPERATOR_NO);
    check_number(run(b, "test.example"), OPERATOR_NO);
    check_number(list.count, 0);
    check_number(run(b, "192.0.2.1"), OPERATOR_YES);
    assert_string_equal(list.asked, "abcdefghijkl.1.2.0.192.dnsbl.httpbl.org");
    check_span(b->run.captures.at[0],
               "RBL lookup of 1.2.0.192.dnsbl.httpbl.org succeeded at REMOTE_ADDR. Suspicious IP: "
               "10 days since last activity, threat score 100");
    close_bench(b);
}

TEST(a_list_must_be_named)
{
    struct arena *arena = arena_new(NULL, 4096);
    struct operator_build build = {.arena = arena};
    check(operator_compile(SPAN("rbl"), false, SPAN(""), &build) == NULL);
    assert_string_equal(build.why, "@rbl needs the name of a block list");
    arena_free(arena);
}

int rbl_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_kind_of_value_is_asked_for_in_its_form),
        cmocka_unit_test(what_is_no_name_is_asked_of_nobody),
        cmocka_unit_test(who_is_listed_matches_and_tx_0_says_where),
        cmocka_unit_test(what_nobody_knows_matches_neither_way),
        cmocka_unit_test(http_bl_is_asked_with_a_key_for_ipv4_and_says_what_it_knows),
        cmocka_unit_test(a_list_must_be_named),
    };
    return cmocka_run_group_tests_name("rbl", tests, NULL, NULL);
}
