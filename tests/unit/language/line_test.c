/* SPDX-License-Identifier: Apache-2.0 */
/* Files to words, and back to places. */
#include "rules/language/line.h"
#include "tests/unit/language/desk.h"
#include "tests/unit/language/suites.h"

struct page {
    struct arena *arena;
    struct faults *faults;
    struct line_reader reader;
};

static void page_open(struct page *page, struct span text)
{
    page->arena = arena_new(NULL, 1 << 20);
    page->faults = faults_new();
    line_reader_init(&page->reader, page->arena, page->faults, "p", text);
}

static void page_close(struct page *page)
{
    arena_free(page->arena);
    faults_free(page->faults);
}

static void check_place(const struct line *line, const char *at, unsigned want_line,
                        unsigned want_column)
{
    struct place place = line_place(line, at);
    check_number(place.line, want_line);
    check_number(place.column, want_column);
}

TEST(words_are_cut_at_blanks_and_quotes)
{
    struct page page;
    page_open(&page,
              SPAN("# a comment\n\n  SecRule\tARGS 'it\\'s' \"a \\\"b\\\" \\d\\\\\"\r\nNext\n"));
    struct line *line = line_read(&page.reader);
    check_number(line->words.count, 4);
    check_number(line->number, 3);
    check_span(line_word(line, 0), "SecRule");
    check_span(line_word(line, 1), "ARGS");
    check_span(line_word(line, 2), "it's");
    check_span(line_word(line, 3), "a \"b\" \\d\\\\");
    check_number(line_word(line, 4).len, 0);
    line = line_read(&page.reader);
    check_span(line_word(line, 0), "Next");
    check_number(line->number, 4);
    check(line_read(&page.reader) == NULL);
    check_number(faults_count(page.faults, FAULT_ERROR), 0);
    page_close(&page);
}

TEST(every_byte_of_a_word_knows_where_it_stood)
{
    struct page page;
    page_open(&page, SPAN("A \"one \\\"two\\\\\\\n   three\" \\\r\n four"));
    struct line *line = line_read(&page.reader);
    struct span word = line_word(line, 1);
    check_span(word, "one \"two\\\\   three");
    check_place(line, word.at, 1, 4);
    check_place(line, word.at + 4, 1, 9);  /* the quote, behind its backslash */
    check_place(line, word.at + 5, 1, 10); /* t */
    check_place(line, word.at + 10, 2, 1);
    check_place(line, word.at + 13, 2, 4);
    check_place(line, word.at + word.len, 2, 9); /* right behind it */
    check_span(line_word(line, 2), "four");
    check_place(line, line_word(line, 2).at, 3, 2);
    page_close(&page);
}

TEST(a_copy_without_escapes_keeps_the_places)
{
    struct page page;
    page_open(&page, SPAN("A \"x'a\\'b'\""));
    struct line *line = line_read(&page.reader);
    struct span word = line_word(line, 1);
    struct span inside = line_unescape(line, span_make(word.at + 2, 4), '\'');
    check_span(inside, "a'b");
    check_place(line, inside.at, 1, 6);
    check_place(line, inside.at + 1, 1, 8);
    check_place(line, inside.at + 2, 1, 9);
    page_close(&page);
}

TEST(an_empty_word_has_a_place_too)
{
    struct page page;
    page_open(&page, SPAN("\xef\xbb\xbf"
                          "A \"\""));
    struct line *line = line_read(&page.reader);
    check_number(line->words.count, 2);
    check_place(line, line_word(line, 0).at, 1, 1);
    check_place(line, line_word(line, 1).at, 1, 4);
    page_close(&page);
}

TEST(a_comment_goes_on_behind_a_backslash)
{
    struct page page;
    page_open(&page, SPAN("# SecRule A \\\n  # more \\\n\n# a \\\n  \"b\" \\\n c\nC\\"));
    struct line *line = line_read(&page.reader);
    check_span(line_word(line, 0), "C");
    check_number(line->number, 7);
    check(line_read(&page.reader) == NULL);
    check_number(faults_count(page.faults, FAULT_WARNING), 1);
    check_number(faults_at(page.faults, 0)->place.line, 5);
    check_number(faults_at(page.faults, 0)->place.column, 3);
    page_close(&page);
}

TEST(behind_a_backslash_that_ends_the_file_there_is_no_line)
{
    struct page page;
    page_open(&page, SPAN("'\\"));
    struct line *line = line_read(&page.reader);
    struct place place = line_place(line, line_word(line, 0).at);
    check_number(place.line, 1);
    check_number(place.column, 3);
    page_close(&page);
}

TEST(any_text_comes_to_an_end)
{
    static const char *const texts[] = {"",   "\\",        "\\\n",   " \\\r\n ",
                                        "\"", "'\\",       "\"\\\"", "a\\\n",
                                        "\r", "a \"b\\\n", "#\\\n",  "\\\n\\\n#\\"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct page page;
        unsigned lines = 0;
        page_open(&page, span_text(texts[i]));
        while (line_read(&page.reader) != NULL)
            lines++;
        check(lines <= 1);
        page_close(&page);
    }
}

int line_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_are_cut_at_blanks_and_quotes),
        cmocka_unit_test(every_byte_of_a_word_knows_where_it_stood),
        cmocka_unit_test(a_copy_without_escapes_keeps_the_places),
        cmocka_unit_test(an_empty_word_has_a_place_too),
        cmocka_unit_test(a_comment_goes_on_behind_a_backslash),
        cmocka_unit_test(behind_a_backslash_that_ends_the_file_there_is_no_line),
        cmocka_unit_test(any_text_comes_to_an_end),
    };
    return cmocka_run_group_tests_name("line", tests, NULL, NULL);
}
