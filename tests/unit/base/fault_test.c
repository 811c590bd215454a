/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/base/fault.h"

#include "tests/check.h"
#include "tests/unit/base/suites.h"

static const struct span no_hint = {"", 0};

TEST(faults_are_printed_as_people_and_editors_read_them)
{
    struct faults *faults = faults_new();
    char file[] = "gate.yaml";
    fault_add(faults, FAULT_ERROR, (struct place){file, 3, 7}, SPAN("did you mean 'port'?"),
              "unknown option '%s'", "prot");
    fault_add(faults, FAULT_WARNING, (struct place){file, 4, 0}, no_hint, "unused");
    fault_add(faults, FAULT_ERROR, (struct place){file, 0, 0}, no_hint, "cannot be read");
    fault_add(faults, FAULT_ERROR, (struct place){NULL, 0, 0}, no_hint, "no file given");
    file[0] = 'X'; /* the name was copied */
    struct buf buf;
    buf_init(&buf, 4096);
    faults_print(faults, &buf);
    check_span(buf_span(&buf), "gate.yaml:3:7: unknown option 'prot' (did you mean 'port'?)\n"
                               "gate.yaml:4: warning: unused\n"
                               "gate.yaml: cannot be read\n"
                               "no file given\n");
    check_number(faults_count(faults, FAULT_ERROR), 3);
    check_number(faults_count(faults, FAULT_WARNING), 1);
    check_span(span_text(faults_at(faults, 1)->message), "unused");
    check(faults_at(faults, 4) == NULL);
    buf_fini(&buf);
    faults_free(faults);
    faults_free(NULL);
}

TEST(a_place_behind_a_text_counts_its_lines_and_bytes)
{
    const struct place begin = {.file = "a.yaml", .line = 4, .column = 7};
    struct place place = place_behind(begin, SPAN(""));
    check(place.line == 4 && place.column == 7);
    place = place_behind(begin, SPAN("ab"));
    check(place.line == 4 && place.column == 9);
    place = place_behind(begin, SPAN("ab\n\nc"));
    check(place.line == 6 && place.column == 2);
}

TEST(after_a_thousand_faults_only_their_number_is_told)
{
    struct faults *faults = faults_new();
    for (unsigned i = 0; i < 1234; i++)
        fault_add(faults, FAULT_ERROR, (struct place){"f", i + 1, 1}, no_hint, "wrong");
    check_number(faults_count(faults, FAULT_ERROR), 1234);
    check(faults_at(faults, 999) != NULL && faults_at(faults, 1000) == NULL);
    struct buf buf;
    buf_init(&buf, 1 << 20);
    faults_print(faults, &buf);
    check(span_ends(buf_span(&buf), SPAN("f:1000:1: wrong\nand 234 more\n")));
    buf_fini(&buf);
    faults_free(faults);
}

static const char *const names[] = {"listen", "upstream", "timeout", "log_level"};

static const char *near(const char *wrong)
{
    const char *name = nearest_name(span_text(wrong), names, 4);
    return name != NULL ? name : "-";
}

TEST(the_nearest_name_is_found_by_what_fingers_do)
{
    check_span(span_text(near("lsiten")), "listen");
    check_span(span_text(near("LISTEN")), "listen");
    check_span(span_text(near("upsteam")), "upstream");
    check_span(span_text(near("timeouts")), "timeout");
    check_span(span_text(near("loglevel")), "log_level");
    check_span(span_text(near("certificate")), "-");
    check_span(span_text(near("")), "-");
    check_span(span_text(near("xyz")), "-");
    check_span(span_text(near("time")), "timeout");
    check_span(span_text(near("log_levels_of_it")), "log_level");
    check_span(span_text(near("ti")), "-");
}

TEST(a_hint_is_a_question_or_nothing)
{
    char to[64];
    check_span(nearest_hint(SPAN("lisen"), names, 4, to, sizeof to), "did you mean 'listen'?");
    check_number(nearest_hint(SPAN("certificate"), names, 4, to, sizeof to).len, 0);
    check_number(nearest_hint(SPAN("lisen"), names, 4, to, 10).len, 0);
    check_span(span_text(nearest_remark(SPAN("lisen"), names, 4, to, sizeof to)),
               " (did you mean 'listen'?)");
    check_span(span_text(nearest_remark(SPAN("certificate"), names, 4, to, sizeof to)), "");
    check_span(span_text(nearest_remark(SPAN("lisen"), names, 4, to, 10)), "");
}

int fault_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(faults_are_printed_as_people_and_editors_read_them),
        cmocka_unit_test(a_place_behind_a_text_counts_its_lines_and_bytes),
        cmocka_unit_test(after_a_thousand_faults_only_their_number_is_told),
        cmocka_unit_test(the_nearest_name_is_found_by_what_fingers_do),
        cmocka_unit_test(a_hint_is_a_question_or_nothing),
    };
    return cmocka_run_group_tests_name("fault", tests, NULL, NULL);
}
