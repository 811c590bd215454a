/* SPDX-License-Identifier: Apache-2.0 */
/* tracestate by the sentences of W3C Trace Context level 2, 3.3, a case or more each. */
#include "sidecar/http/tracestate.h"

#include <stdio.h>
#include <string.h>

#include "tests/check.h"
#include "tests/unit/http/suites.h"

#define TIMES8(text)   text text text text text text text text
#define TIMES32(text)  TIMES8(text) TIMES8(text) TIMES8(text) TIMES8(text)
#define TIMES256(text) TIMES8(TIMES32(text))

static bool read_fields(const char *const *values, size_t count, struct tracestate *to)
{
    struct pair pairs[4];
    struct fields fields = {pairs, count, count};
    for (size_t i = 0; i < count; i++)
        pairs[i] = (struct pair){SPAN("TraceState"), span_text(values[i])};
    return tracestate_read(&fields, to);
}

/* What goes out where `value` comes in; NULL: it is discarded. */
static void check_state(const char *value, const char *out)
{
    struct tracestate state;
    struct arena *arena = arena_new(NULL, 65536);
    bool good = read_fields(&value, 1, &state);
    if (good != (out != NULL))
        printf("tracestate: %s\n", value);
    check(good == (out != NULL));
    check_span(tracestate_write(&state, arena), out == NULL ? "" : out);
    arena_free(arena);
}

static const struct {
    const char *sentence, *in, *out;
} cases[] = {
    {"one member", "a=1", "a=1"},
    {"members are separated by commas", "a=1,b=2,c=3", "a=1,b=2,c=3"},
    {"blanks and tabs around members are optional", " \ta=1 , \tb=2\t ", "a=1,b=2"},
    {"empty members are allowed and not sent on", ",a=1,, ,b=2,", "a=1,b=2"},
    {"an empty field is no state", "", ""},
    {"the order stays", "z=1,a=2", "z=1,a=2"},
    {"a key begins with a lower-case letter or a digit", "0a=1,9=2", "0a=1,9=2"},
    {"a key has letters, digits and _-*/@", "a_-*/@0z=1", "a_-*/@0z=1"},
    {"a tenant stands before @", "0tenant@system=1", "0tenant@system=1"},
    {"a key has no upper case", "A=1", NULL},
    {"a key has no upper case within", "aB=1", NULL},
    {"a key does not begin with a sign", "_a=1", NULL},
    {"a key does not begin with @", "@a=1", NULL},
    {"a key has no blank", "a b=1", NULL},
    {"no blank before the sign", "a =1", NULL},
    {"a key has no other sign", "a.b=1", NULL},
    {"a key has no byte beyond ASCII", "\xc3\xa9=1", NULL},
    {"a member has a key", "=1", NULL},
    {"a member has a sign", "a", NULL},
    {"a member has a value", "a=", NULL},
    {"a member has one sign", "a=1=2", NULL},
    {"a value may hold blanks within", "a=1 2", "a=1 2"},
    {"a value may begin with a blank", "a= 1", "a= 1"},
    {"a value's blank at the end is the list's", "a=1 ,b=2", "a=1,b=2"},
    {"a value has every other sign", "a=!\"#$%&'()*+-./:;<>?@[\\]^_`{|}~",
     "a=!\"#$%&'()*+-./:;<>?@[\\]^_`{|}~"},
    {"a value has no tab", "a=1\t2", NULL},
    {"a value has no control byte", "a=1\x01", NULL},
    {"a value has no DEL", "a=1\x7f", NULL},
    {"a value has no byte beyond ASCII", "a=\xc3\xa9", NULL},
    {"a key comes once", "a=1,b=2,a=3", NULL},
    {"a key comes once, though it says the same", "a=1,a=1", NULL},
    {"one broken member is the end of all", "a=1,B=2,c=3", NULL},
    {"a key of 256 characters", TIMES256("k") "=1", TIMES256("k") "=1"},
    {"a key of 257 characters", "k" TIMES256("k") "=1", NULL},
    {"a value of 256 characters", "a=" TIMES256("v"), "a=" TIMES256("v")},
    {"a value of 257 characters", "a=v" TIMES256("v"), NULL},
};

TEST(every_rule_of_the_grammar_has_its_case)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        printf("%s\n", cases[i].sentence);
        check_state(cases[i].in, cases[i].out);
    }
}

TEST(several_fields_are_one_list)
{
    struct tracestate got;
    struct arena *arena = arena_new(NULL, 4096);
    check(read_fields((const char *const[]){"a=1,b=2", "", "c=3"}, 3, &got));
    check_span(tracestate_write(&got, arena), "a=1,b=2,c=3");
    check(!read_fields((const char *const[]){"a=1", "a=2"}, 2, &got));
    check_number(got.count, 0);
    arena_free(arena);
}

enum { TEXT_BYTES = 2048 };

/* k00=VALUE,k01=VALUE and so on. */
static void write_members(char to[TEXT_BYTES], unsigned count, const char *value)
{
    size_t at = 0;
    for (unsigned i = 0; i < count; i++)
        at += (size_t)snprintf(to + at, TEXT_BYTES - at, "%sk%02u=%s", i > 0 ? "," : "", i, value);
}

TEST(there_are_at_most_32_members)
{
    char text[TEXT_BYTES];
    struct tracestate got;
    write_members(text, 32, "1");
    check(read_fields((const char *const[]){text}, 1, &got));
    check_number(got.count, 32);
    write_members(text, 33, "1");
    check(!read_fields((const char *const[]){text}, 1, &got));
    check_number(got.count, 0);
}

TEST(a_changed_member_comes_first)
{
    struct tracestate got;
    struct arena *arena = arena_new(NULL, 65536);
    check(read_fields((const char *const[]){"a=1,ot=th:8,b=2"}, 1, &got));
    check_span(tracestate_get(&got, SPAN("ot")), "th:8");
    check(tracestate_get(&got, SPAN("c")).at == NULL);
    tracestate_set(&got, SPAN("ot"), SPAN("th:c"));
    check_span(tracestate_write(&got, arena), "ot=th:c,a=1,b=2");
    tracestate_set(&got, SPAN("b"), SPAN(""));
    check_span(tracestate_write(&got, arena), "ot=th:c,a=1");
    tracestate_set(&got, SPAN("none"), SPAN(""));
    check_number(got.count, 2);
    arena_free(arena);
}

TEST(a_member_more_than_32_pushes_the_last_one_out)
{
    char text[TEXT_BYTES];
    struct tracestate got;
    write_members(text, 32, "1");
    check(read_fields((const char *const[]){text}, 1, &got));
    tracestate_set(&got, SPAN("ot"), SPAN("th:0"));
    check_number(got.count, 32);
    check_span(got.members[0].name, "ot");
    check_span(got.members[31].name, "k30");
}

TEST(beyond_512_characters_long_members_go_first_then_the_last)
{
    char text[TEXT_BYTES];
    struct tracestate got;
    struct arena *arena = arena_new(NULL, 65536);
    check(read_fields((const char *const[]){"a=1,b=" TIMES256("v") ",c=3,d=" TIMES256("v") ",e=5"},
                      1, &got));
    check_span(tracestate_write(&got, arena), "a=1,b=" TIMES256("v") ",c=3,e=5");
    write_members(text, 32, "fifteen-letters"); /* 32 of 19, and commas: 639 */
    check(read_fields((const char *const[]){text}, 1, &got));
    struct span sent = tracestate_write(&got, arena);
    check_number(sent.len, 25 * 20 - 1);
    check(span_ends(sent, SPAN("k24=fifteen-letters")));
    arena_free(arena);
}

TEST(as_many_as_512_characters_go_on_as_they_came)
{
    struct tracestate got;
    struct arena *arena = arena_new(NULL, 65536);
    const char *text = "a=" TIMES256("v") ",b=" TIMES32("wwwwwww") TIMES8("xxx") "yyy";
    check_number(strlen(text), 512);
    check(read_fields(&text, 1, &got));
    check_span(tracestate_write(&got, arena), text);
    arena_free(arena);
}

int tracestate_suite(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_rule_of_the_grammar_has_its_case),
        cmocka_unit_test(several_fields_are_one_list),
        cmocka_unit_test(there_are_at_most_32_members),
        cmocka_unit_test(a_changed_member_comes_first),
        cmocka_unit_test(a_member_more_than_32_pushes_the_last_one_out),
        cmocka_unit_test(beyond_512_characters_long_members_go_first_then_the_last),
        cmocka_unit_test(as_many_as_512_characters_go_on_as_they_came),
    };
    return cmocka_run_group_tests_name("tracestate", tests, NULL, NULL);
}
