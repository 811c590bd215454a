/* SPDX-License-Identifier: Apache-2.0 */
/* Rules of composite alarms, and what holds their actions back. */
#include "exporters/alarms/rule.h"
#include "exporters/alarms/suppressor.h"
#include "tests/check.h"
#include "tests/unit/alarms/suites.h"

enum { ARENA_BYTES = 1 << 20, TEXT_BYTES = 4096 };

/* By index: what the rules below see. */
static const char *const names[] = {"down", "slow", "quiet", "a b (c), \"d\"", "errors"};
static const enum alarm_state states[] = {ALARM_STATE_ALARM, ALARM_STATE_OK,
                                          ALARM_STATE_INSUFFICIENT_DATA, ALARM_STATE_ALARM,
                                          ALARM_STATE_OK};
enum { NAMES = sizeof names / sizeof *names };

TEST(a_rule_holds_by_the_states_of_the_alarms_that_it_names)
{
    static const struct {
        const char *rule;
        bool holds;
    } rows[] = {
        {"TRUE", true},
        {"FALSE", false},
        {"ALARM(down)", true},
        {"OK(down)", false},
        {"OK(slow)", true},
        {"INSUFFICIENT_DATA(quiet)", true},
        {"INSUFFICIENT_DATA(down)", false},
        {"ALARM(\"down\")", true},
        {"ALARM(\"a b (c), \\\"d\\\"\")", true},
        {" ALARM ( down ) ", true},
        {"NOT ALARM(down)", false},
        {"NOT NOT ALARM(down)", true},
        {"ALARM(down) AND OK(slow)", true},
        {"ALARM(down) AND ALARM(slow)", false},
        {"ALARM(slow) OR ALARM(down)", true},
        {"ALARM(slow) OR OK(down)", false},
        {"ALARM(down) OR ALARM(down) AND FALSE", true},
        {"(ALARM(down) OR ALARM(down)) AND FALSE", false},
        {"NOT ALARM(slow) AND ALARM(down)", true},
        {"NOT (ALARM(slow) AND ALARM(down))", true},
        {"NOT TRUE OR TRUE", true},
        {"ALARM(down) AND\n  NOT\tOK(errors)", false},
        {"AT_LEAST(1, ALARM, (down, slow, quiet))", true},
        {"AT_LEAST(2, ALARM, (down, slow, quiet))", false},
        {"AT_LEAST(2, NOT ALARM, (down, slow, quiet))", true},
        {"AT_LEAST(2, OK, (down, slow, errors))", true},
        {"AT_LEAST(50%, ALARM, (down, slow))", true},
        {"AT_LEAST(51%, ALARM, (down, slow))", false},
        {"AT_LEAST(100%, NOT OK, (down, quiet))", true},
        {"AT_LEAST(1, NOT INSUFFICIENT_DATA, (quiet))", false},
        {"AT_LEAST(1, OK, (\"down\", slow)) AND NOT FALSE", true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct arena *arena = arena_new(NULL, ARENA_BYTES);
        struct faults *faults = faults_new();
        struct alarm_rule *rule = alarm_rule_parse(arena, span_text(rows[i].rule),
                                                   (struct place){"r", 1, 1}, names, NAMES, faults);
        if (rule == NULL || alarm_rule_holds(rule, states) != rows[i].holds)
            print_error("%s\n", rows[i].rule);
        check(rule != NULL && alarm_rule_holds(rule, states) == rows[i].holds);
        faults_free(faults);
        arena_free(arena);
    }
}

/* down rings, slow and errors are well, quiet is unknown. */
TEST(a_rule_says_which_alarms_speak_for_its_verdict)
{
    static const struct {
        const char *rule, *speak; /* a letter for each of the names: d s q a e */
    } rows[] = {
        {"TRUE", ""},
        {"ALARM(down)", "d"},
        {"OK(down)", "d"},
        {"ALARM(down) OR ALARM(slow)", "d"},
        {"ALARM(slow) OR ALARM(down) OR OK(errors)", "de"},
        {"ALARM(slow) OR ALARM(errors)", "se"},
        {"ALARM(down) AND ALARM(slow)", "s"},
        {"ALARM(down) AND OK(slow)", "ds"},
        {"ALARM(slow) AND ALARM(errors)", "se"},
        {"NOT (ALARM(slow) OR ALARM(errors))", "se"},
        {"NOT (ALARM(down) AND ALARM(slow))", "s"},
        {"ALARM(down) AND (OK(errors) OR OK(down))", "de"},
        {"ALARM(down) OR TRUE", "d"},
        {"FALSE AND ALARM(down)", ""},
        {"AT_LEAST(1, ALARM, (down, slow, quiet))", "d"},
        {"AT_LEAST(2, ALARM, (down, slow, quiet))", "sq"},
        {"AT_LEAST(2, NOT ALARM, (down, slow, quiet))", "sq"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct arena *arena = arena_new(NULL, ARENA_BYTES);
        struct faults *faults = faults_new();
        struct alarm_rule *rule = alarm_rule_parse(arena, span_text(rows[i].rule),
                                                   (struct place){"r", 1, 1}, names, NAMES, faults);
        bool speaks[NAMES] = {false};
        char got[NAMES + 1] = "";
        size_t count = 0;
        check(rule != NULL &&
              alarm_rule_speakers(rule, states, speaks) == alarm_rule_holds(rule, states));
        for (size_t k = 0; k < NAMES; k++)
            if (speaks[k])
                got[count++] = names[k][0];
        if (strcmp(got, rows[i].speak) != 0)
            print_error("%s\n", rows[i].rule);
        assert_string_equal(got, rows[i].speak);
        faults_free(faults);
        arena_free(arena);
    }
}

TEST(a_rule_that_is_not_understood_is_refused_with_its_place)
{
    static const struct {
        const char *rule, *said;
    } rows[] = {
        {"", "r:1:1: expected a condition\n"},
        {"ALARM(dwon)", "r:1:7: there is no alarm 'dwon' (did you mean 'down'?)\n"},
        {"ALARM(down) ALARM(slow)", "r:1:13: expected AND or OR\n"},
        {"ALARM(down) AND", "r:1:16: expected a condition\n"},
        {"ALRAM(down)", "r:1:1: expected a condition, found 'ALRAM' (did you mean 'ALARM'?)\n"},
        {"alarm(down)", "r:1:1: expected a condition, found 'alarm' (did you mean 'ALARM'?)\n"},
        {"(ALARM(down)", "r:1:13: expected ')'\n"},
        {"ALARM(down", "r:1:11: expected ')'\n"},
        {"ALARM()", "r:1:7: an alarm's name is expected here\n"},
        {"ALARM(\"down)", "r:1:7: a name in quotes that does not end\n"},
        {"NOT", "r:1:4: expected a condition\n"},
        {"ALARM(down)\nAND OK(slo)", "r:2:8: there is no alarm 'slo' (did you mean 'slow'?)\n"},
        {"AT_LEAST(0, OK, (down))",
         "r:1:10: AT_LEAST expects a count or a percentage, from 1 to 100\n"},
        {"AT_LEAST(101%, OK, (down))",
         "r:1:10: AT_LEAST expects a count or a percentage, from 1 to 100\n"},
        {"AT_LEAST(1, UP, (down))", "r:1:13: expected ALARM, OK or INSUFFICIENT_DATA\n"},
        {"AT_LEAST(1, OK, down)", "r:1:17: expected '('\n"},
        {"AT_LEAST(1, OK, ())", "r:1:18: an alarm's name is expected here\n"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct arena *arena = arena_new(NULL, ARENA_BYTES);
        struct faults *faults = faults_new();
        struct buf text;
        buf_init(&text, TEXT_BYTES);
        check(alarm_rule_parse(arena, span_text(rows[i].rule), (struct place){"r", 1, 1}, names,
                               NAMES, faults) == NULL);
        faults_print(faults, &text);
        check_span(buf_span(&text), rows[i].said);
        buf_fini(&text);
        faults_free(faults);
        arena_free(arena);
    }
}

TEST(a_rule_is_refused_beyond_its_limits)
{
    static char text[RULE_TEXT_MOST + 2];
    struct arena *arena = arena_new(NULL, ARENA_BYTES);
    struct faults *faults = faults_new();
    memset(text, '(', sizeof text - 1);
    check(alarm_rule_parse(arena, span_text(text), (struct place){"r", 1, 1}, names, NAMES,
                           faults) == NULL);
    check(alarm_rule_parse(arena, span_make(text, 1000), (struct place){"r", 1, 1}, names, NAMES,
                           faults) == NULL);
    for (size_t i = 0; i < 501; i++)
        memcpy(text + 9 * i, "TRUE AND ", 9);
    check(alarm_rule_parse(arena, span_make(text, 9 * 501 - 5), (struct place){"r", 1, 1}, names,
                           NAMES, faults) == NULL);
    check(alarm_rule_parse(arena, span_make(text, 9 * 250 - 5), (struct place){"r", 1, 1}, names,
                           NAMES, faults) != NULL);
    assert_string_equal(faults_at(faults, 0)->message,
                        "the rule is too long: 10,240 bytes at most");
    assert_string_equal(faults_at(faults, 1)->message, "the rule is nested too deep");
    assert_string_equal(faults_at(faults, 2)->message, "a rule has 500 elements at most");
    faults_free(faults);
    arena_free(arena);
}

/* ---- suppression ---- */

/* One step: a time, did the composite alarm change (c), is the suppressor in ALARM (s); and what
 * came of it: r for run, and by whom actions are held back. */
struct step {
    int64_t time_s;
    const char *given;
    bool run;
    enum suppressed_by by;
};

static void walk(const struct step *steps, size_t count)
{
    struct suppressor suppressor = {.wait_s = 60, .extension_s = 120};
    for (size_t i = 0; i < count; i++) {
        bool run =
            suppressor_step(&suppressor, steps[i].time_s, strchr(steps[i].given, 'c') != NULL,
                            strchr(steps[i].given, 's') != NULL);
        if (run != steps[i].run || suppressor.by != steps[i].by)
            print_error("step %zu: run %d, by '%s'\n", i, run, suppressed_by_word(suppressor.by));
        check(run == steps[i].run && suppressor.by == steps[i].by);
    }
}
#define WALK(steps) walk(steps, sizeof(steps) / sizeof *(steps))

TEST(actions_wait_for_the_suppressor_and_run_when_it_does_not_come)
{
    static const struct step steps[] = {
        {0, "", false, SUPPRESSED_BY_NOTHING},      {10, "c", false, SUPPRESSED_BY_WAIT_PERIOD},
        {69, "", false, SUPPRESSED_BY_WAIT_PERIOD}, {70, "", true, SUPPRESSED_BY_NOTHING},
        {80, "", false, SUPPRESSED_BY_NOTHING},     {90, "s", false, SUPPRESSED_BY_NOTHING},
        {300, "", false, SUPPRESSED_BY_NOTHING}};
    WALK(steps);
}

TEST(actions_are_held_back_by_a_suppressor_that_comes_within_the_wait)
{
    static const struct step steps[] = {{0, "c", false, SUPPRESSED_BY_WAIT_PERIOD},
                                        {50, "s", false, SUPPRESSED_BY_ALARM},
                                        {500, "s", false, SUPPRESSED_BY_ALARM},
                                        {510, "", false, SUPPRESSED_BY_EXTENSION_PERIOD},
                                        {629, "", false, SUPPRESSED_BY_EXTENSION_PERIOD},
                                        {630, "", true, SUPPRESSED_BY_NOTHING}};
    WALK(steps);
}

TEST(another_change_begins_the_wait_anew)
{
    static const struct step steps[] = {{0, "c", false, SUPPRESSED_BY_WAIT_PERIOD},
                                        {50, "c", false, SUPPRESSED_BY_WAIT_PERIOD},
                                        {100, "", false, SUPPRESSED_BY_WAIT_PERIOD},
                                        {110, "", true, SUPPRESSED_BY_NOTHING}};
    WALK(steps);
}

TEST(a_change_in_the_extension_ends_it_and_begins_a_wait)
{
    static const struct step steps[] = {{0, "cs", false, SUPPRESSED_BY_ALARM},
                                        {10, "", false, SUPPRESSED_BY_EXTENSION_PERIOD},
                                        {100, "c", false, SUPPRESSED_BY_WAIT_PERIOD},
                                        {135, "", false, SUPPRESSED_BY_WAIT_PERIOD},
                                        {160, "", true, SUPPRESSED_BY_NOTHING}};
    WALK(steps);
}

TEST(a_suppressor_that_comes_back_in_the_extension_holds_on)
{
    static const struct step steps[] = {{0, "cs", false, SUPPRESSED_BY_ALARM},
                                        {10, "", false, SUPPRESSED_BY_EXTENSION_PERIOD},
                                        {50, "s", false, SUPPRESSED_BY_ALARM},
                                        {60, "cs", false, SUPPRESSED_BY_ALARM},
                                        {70, "", false, SUPPRESSED_BY_EXTENSION_PERIOD},
                                        {190, "", true, SUPPRESSED_BY_NOTHING}};
    WALK(steps);
}

int composite_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_rule_holds_by_the_states_of_the_alarms_that_it_names),
        cmocka_unit_test(a_rule_says_which_alarms_speak_for_its_verdict),
        cmocka_unit_test(a_rule_that_is_not_understood_is_refused_with_its_place),
        cmocka_unit_test(a_rule_is_refused_beyond_its_limits),
        cmocka_unit_test(actions_wait_for_the_suppressor_and_run_when_it_does_not_come),
        cmocka_unit_test(actions_are_held_back_by_a_suppressor_that_comes_within_the_wait),
        cmocka_unit_test(another_change_begins_the_wait_anew),
        cmocka_unit_test(a_change_in_the_extension_ends_it_and_begins_a_wait),
        cmocka_unit_test(a_suppressor_that_comes_back_in_the_extension_holds_on),
    };
    return cmocka_run_group_tests_name("composite alarms", tests, NULL, NULL);
}
