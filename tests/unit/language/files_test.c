/* SPDX-License-Identifier: Apache-2.0 */
/* Files that name other files. */
#include <stdio.h>

#include "tests/unit/language/desk.h"
#include "tests/unit/language/suites.h"

/* Reads through ruleset_builder_add, as programs do. */
static void read_file(struct desk *desk, const char *path, struct place from)
{
    struct ruleset_builder *builder = ruleset_builder_new(ruleset_disk(), desk->faults);
    ruleset_builder_add(builder, path, from);
    desk->ruleset = ruleset_builder_finish(builder);
    ruleset_builder_free(builder);
}

TEST(an_include_is_relative_to_its_file_and_takes_patterns)
{
    struct desk desk = {0};
    desk_file(&desk, "/r/all.conf", "Include sub/*.conf\n");
    desk_file(&desk, "/r/sub/1.conf", "SecAction \"id:1\"\n");
    desk_file(&desk, "/r/sub/2.conf", "SecRule ARGS \"@pmFromFile words.data\" \"id:2\"\n");
    desk_file(&desk, "/r/sub/words.data", "one\ntwo\n");
    desk_load(&desk, "Include /r/all.conf\nIncludeOptional /none/*.conf\n");
    check_number(desk.ruleset->rule_count, 2);
    check_span(span_text(ruleset_find(desk.ruleset, 2)->file), "/r/sub/2.conf");
    desk_clear(&desk);
}

TEST(a_file_that_is_missing_is_a_fault_where_it_was_named)
{
    check_faults("SecRuleEngine On\nInclude /none.conf\n",
                 "a.conf:2:9: no file is called /none.conf\n");
    struct desk desk = {0};
    desk.faults = faults_new();
    buf_init(&desk.said, 4096);
    read_file(&desk, "/nonexistent/x.conf", (struct place){"gate.yaml", 7, 3});
    faults_print(desk.faults, &desk.said);
    check(desk.ruleset == NULL);
    check_span(buf_span(&desk.said), "gate.yaml:7:3: no file is called /nonexistent/x.conf\n");
    desk_clear(&desk);
}

TEST(a_phrase_file_that_is_missing_is_a_fault_at_its_name)
{
    struct desk desk = {0};
    desk_read(&desk, "SecRule ARGS \"@pmFromFile none.data\" \"id:1\"\n");
    check(desk.ruleset == NULL);
    check(span_starts(buf_span(&desk.said), SPAN("a.conf:1:27: ")));
    desk_clear(&desk);
}

TEST(a_file_that_includes_itself_comes_to_an_end)
{
    struct desk desk = {0};
    desk_file(&desk, "/r/a.conf", "Include a.conf\n");
    desk_read(&desk, "Include /r/a.conf\n");
    check_span(buf_span(&desk.said), "/r/a.conf:1:9: files include each other more than 32 deep "
                                     "(does a file include itself?)\n");
    desk_clear(&desk);
}

static uint64_t hash_of(const char *text, const char *phrases)
{
    struct desk desk = {0};
    desk_file(&desk, "p.data", phrases);
    desk_load(&desk, text);
    uint64_t hash = desk.ruleset->hash;
    desk_clear(&desk);
    return hash;
}

TEST(the_hash_is_over_every_byte_that_was_read)
{
    static const char text[] = "SecRule ARGS \"@pmFromFile p.data\" \"id:1\"\n";
    uint64_t hash = hash_of(text, "one\n");
    check(hash == hash_of(text, "one\n"));
    check(hash != hash_of(text, "two\n"));
    check(hash != hash_of("SecRule ARGS \"@pmFromFile p.data\" \"id:2\"\n", "one\n"));
    check(hash != hash_of("SecRule ARGS \"@pmFromFile p.data\" \"id:1\"\n#\n", "one\n"));
}

TEST(the_names_of_directives_can_be_listed)
{
    size_t count;
    const char *const *names = directive_names(&count);
    check(count > 80);
    check_span(span_text(names[0]), "SecRule");
}

int files_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_include_is_relative_to_its_file_and_takes_patterns),
        cmocka_unit_test(a_file_that_is_missing_is_a_fault_where_it_was_named),
        cmocka_unit_test(a_phrase_file_that_is_missing_is_a_fault_at_its_name),
        cmocka_unit_test(a_file_that_includes_itself_comes_to_an_end),
        cmocka_unit_test(the_hash_is_over_every_byte_that_was_read),
        cmocka_unit_test(the_names_of_directives_can_be_listed),
    };
    return cmocka_run_group_tests_name("files", tests, NULL, NULL);
}
