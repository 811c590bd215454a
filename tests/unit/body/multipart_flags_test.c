/* SPDX-License-Identifier: Apache-2.0 */
/* One test for each flag that MULTIPART_STRICT_ERROR and its neighbours are made of. */
#include <stdio.h>

#include "tests/check.h"
#include "tests/unit/body/story.h"
#include "tests/unit/body/suites.h"

#define NAMED(name) "Content-Disposition: form-data; name=" name "\r\n"
#define PART(value) "--b\r\n" NAMED("a") "\r\n" value "\r\n"
#define END         "--b--\r\n"

TEST(a_clean_body_has_no_flag_but_that_of_crlf)
{
    check_story(MULTIPART(PART("1") PART("--x") END),
                "arg a=1\narg a=--x\n"
                "head a|Content-Disposition: form-data; name=a\n"
                "head a|Content-Disposition: form-data; name=a\n"
                "last a \"\"\nflag crlf_line\nflag unmatched_boundary 2\n");
    check_story_lacks(MULTIPART(PART("1") END), "flag u");
}

TEST(data_before_the_first_boundary)
{
    check_story_has(MULTIPART("\r\n" PART("1") END), "flag data_before");
    check_story_has(MULTIPART("preamble\r\n" PART("1") END), "arg a=1");
    check_story_lacks(MULTIPART(PART("1") END), "flag data_before");
}

TEST(data_after_the_last_boundary)
{
    check_story_has(MULTIPART(PART("1") END "x"), "flag data_after");
    check_story_has(MULTIPART(PART("1") END PART("2") END), "flag data_after");
    check_story_lacks(MULTIPART(PART("1") END PART("2") END), "arg a=2");
    check_story_lacks(MULTIPART(PART("1") END), "flag data_after");
}

TEST(header_folding)
{
    const struct input *folded =
        MULTIPART("--b\r\nContent-Disposition: form-data;\r\n \tname=a\r\n\r\n1\r\n" END);
    check_story(folded, "arg a=1\nhead a|Content-Disposition: form-data; name=a\nlast a \"\"\n"
                        "flag header_folding\nflag crlf_line\n");
    check_story_lacks(MULTIPART(PART("1") END), "flag header_folding");
}

TEST(invalid_header_folding)
{
    static const struct span odd[] = {SPAN_INIT("\f"), SPAN_INIT("\f\t"), SPAN_INIT(" \v"),
                                      SPAN_INIT("\r")};
    for (size_t i = 0; i < 4; i++) {
        char text[200];
        int len = snprintf(text, sizeof text,
                           "--b\r\nContent-Disposition: form-data;\r\n" SPAN_FORMAT
                           "name=a\r\n\r\n1\r\n" END,
                           span_arg(odd[i]));
        struct input input = {.kind = BODY_MULTIPART, .text = {text, (size_t)len}};
        check_story_has(&input, "flag header_folding");
        check_story_has(&input, "flag invalid_header_folding");
        check_story_has(&input, "arg a=1");
    }
    check_story_has(MULTIPART("--b\r\n" NAMED("a") "  \r\n\r\n1\r\n" END),
                    "flag invalid_header_folding");
}

TEST(lines_that_end_with_lf)
{
    check_story(MULTIPART("--b\nContent-Disposition: form-data; name=a\n\n1\n--b--\n"),
                "arg a=1\nhead a|Content-Disposition: form-data; name=a\nlast a \"\"\n"
                "flag lf_line\n");
    check_story_has(MULTIPART("--b\n" NAMED("a") "\r\n1\r\n" END), "flag lf_line");
    check_story_has(MULTIPART("--b\n" NAMED("a") "\r\n1\r\n" END), "flag crlf_line");
    check_story_has(MULTIPART("--b\r\n" NAMED("a") "\n1\r\n" END), "flag lf_line");
    check_story_has(MULTIPART("--b\r\n" NAMED("a") "\r\n1\n" END), "flag lf_line");
    check_story_has(MULTIPART("--b\r\n" NAMED("a") "\r\n1\n--b--"), "flag lf_line");
    check_story_lacks(MULTIPART("--b\r\n" NAMED("a") "\r\n1\n2\r\n" END), "flag lf_line");
}

TEST(invalid_quoting)
{
    check_story_has(MULTIPART("--b\r\n" NAMED("'a'") "\r\n1\r\n" END), "flag invalid_quoting");
    check_story_has(MULTIPART("--b\r\n" NAMED("'a'") "\r\n1\r\n" END), "arg a=1");
    check_story_has(MULTIPART("--b\r\n" NAMED("a'b") "\r\n1\r\n" END), "flag invalid_quoting");
    check_story_has(MULTIPART("--b\r\n" NAMED("\"a\"b") "\r\n1\r\n" END), "flag invalid_quoting");
    check_story_has(MULTIPART("--b\r\n" NAMED("\"a\"b") "\r\n1\r\n" END), "flag failed");
    check_story_has(MULTIPART("--b\r\n" NAMED("';filename=\"x';name=b;\"") "\r\n1\r\n" END),
                    "flag invalid_quoting");
    check_story_lacks(MULTIPART("--b\r\n" NAMED("\"a'b\"") "\r\n1\r\n" END),
                      "flag invalid_quoting");
}

TEST(invalid_part)
{
    /* The boundary stands where the data should begin. */
    const struct input *early = MULTIPART("--b\r\n" NAMED("a") "\r\n" PART("1") END);
    check_story_has(early, "flag invalid_part");
    check_story_has(early, "arg a=--b\r");
    check_story_has(MULTIPART("--b\r\n" NAMED("a") "\r\n--b--"), "flag invalid_part");
    check_story_has(MULTIPART("--b\r\n--b\r\n\r\n1\r\n" END), "flag invalid_part");
    check_story_lacks(MULTIPART(PART("") END), "flag invalid_part");
}

TEST(unmatched_boundary)
{
    check_story_has(MULTIPART(PART("1\r\n--c") END), "flag unmatched_boundary 2");
    check_story_has(MULTIPART(PART("1\r\n--c") "--b--"), "flag unmatched_boundary 2");
    check_story_has(MULTIPART(PART("x--b") END), "flag unmatched_boundary 2");
    check_story_has(MULTIPART("--c\r\n" PART("1") END), "flag unmatched_boundary 2");
    check_story_has(MULTIPART(PART("1") "--c--\r\n"), "flag unmatched_boundary 1");
    check_story_has(MULTIPART("b\r\n" NAMED("a") "\r\n1\r\n--c\r\n"), "flag unmatched_boundary 1");
    check_story_lacks(MULTIPART(PART("1\r\n--\n-c\r\n") END), "flag unmatched_boundary");
}

TEST(a_delimiter_with_more_behind_it_fails)
{
    check_story_has(MULTIPART(PART("1") "--b--x\r\n"),
                    "why Multipart parsing error: Multipart: Invalid boundary: --b--x");
    check_story_has(MULTIPART(PART("1") "--b \r\n" END),
                    "why Multipart parsing error: Multipart: Invalid boundary: --b ");
    check_story_has(MULTIPART(PART("1") "-- b\r\n" END),
                    "why Multipart parsing error: Multipart: Invalid boundary (whitespace).");
    struct input input = {.kind = BODY_MULTIPART,
                          .type = "multipart/form-data; boundary=\"b\"",
                          .text = SPAN_INIT(PART("1") "--\"b\"\r\n" END)};
    check_story_has(&input, "why Multipart parsing error: Multipart: Invalid boundary (quotes).");
}

int multipart_flags_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_clean_body_has_no_flag_but_that_of_crlf),
        cmocka_unit_test(data_before_the_first_boundary),
        cmocka_unit_test(data_after_the_last_boundary),
        cmocka_unit_test(header_folding),
        cmocka_unit_test(invalid_header_folding),
        cmocka_unit_test(lines_that_end_with_lf),
        cmocka_unit_test(invalid_quoting),
        cmocka_unit_test(invalid_part),
        cmocka_unit_test(unmatched_boundary),
        cmocka_unit_test(a_delimiter_with_more_behind_it_fails),
    };
    return cmocka_run_group_tests_name("multipart flags", tests, NULL, NULL);
}
