/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "rules/base/buf.h"
#include "tests/check.h"
#include "tests/unit/body/story.h"
#include "tests/unit/body/suites.h"

#define PART(name, value) \
    "--b\r\nContent-Disposition: form-data; name=\"" name "\"\r\n\r\n" value "\r\n"
#define HEAD(name) "head " name "|Content-Disposition: form-data; name=\"" name "\"\n"
#define ERROR      "Multipart parsing error: Multipart: "

TEST(fields_and_files_are_told_apart)
{
    check_story(MULTIPART(PART("a", "1") "--b\r\n"
                                         "Content-Disposition: form-data; name=\"up\"; "
                                         "filename=\"cat.jpg\"\r\n"
                                         "Content-Type: image/jpeg\r\n\r\nBINARY\r\n--b--\r\n"),
                "arg a=1\n"
                "file up \"cat.jpg\" 6 BINARY\n" HEAD(
                    "a") "head up|Content-Disposition: form-data; name=\"up\"; "
                         "filename=\"cat.jpg\"\n"
                         "head up|Content-Type: image/jpeg\n"
                         "last up \"cat.jpg\"\n"
                         "flag crlf_line\n");
}

TEST(a_value_keeps_its_own_line_ends_and_may_be_empty)
{
    check_story(MULTIPART(PART("a", "1\r\n2\n\r\n") PART("b", "") "--b--\r\n"),
                "arg a=1\r\n2\n\r\n\narg b=\n" HEAD("a") HEAD("b") "last b \"\"\nflag crlf_line\n");
}

TEST(the_final_boundary_needs_no_line_end)
{
    check_story(MULTIPART(PART("a", "1") "--b--"),
                "arg a=1\n" HEAD("a") "last a \"\"\nflag crlf_line\n");
}

TEST(an_empty_body_is_no_fault)
{
    check_story(MULTIPART(""), "");
}

TEST(an_empty_name_is_a_name_and_an_empty_filename_makes_a_file)
{
    check_story_has(MULTIPART("--b\r\nContent-Disposition: form-data; name=\"\"; "
                              "filename=\"\"\r\n\r\nx\r\n--b--\r\n"),
                    "file  \"\" 1 x");
}

#define FILE_PART(rest) \
    MULTIPART("--b\r\nContent-Disposition: form-data; name=a; " rest "\r\n\r\nx\r\n--b--\r\n")

TEST(an_extended_filename_is_decoded_and_flagged_where_it_says_something_of_its_own)
{
    check_story_has(FILE_PART("filename*=utf-8'en'%61b.txt"), "file a \"ab.txt\" 1 x");
    check_story_has(FILE_PART("filename*=utf-8'en'%61b.txt"), "flag invalid_part");
    check_story_has(FILE_PART("filename=\"c\"; filename*=utf-8''d"), "file a \"c\" 1 x");
    check_story_has(FILE_PART("filename=\"c\"; filename*=utf-8''d"), "flag invalid_part");
    check_story_lacks(FILE_PART("filename*=utf-8''%63; filename=\"c\""), "flag invalid_part");
    check_story_lacks(FILE_PART("filename*=utf-8''%63; filename=\"c\""), "why");
}

TEST(names_are_unquoted_and_unescaped)
{
    check_story_has(
        MULTIPART("--b\r\nContent-Disposition: form-data; name=\"a\\\"\\\\b\\c\"\r\n\r\n"
                  "1\r\n--b--\r\n"),
        "arg a\"\\b\\c=1");
    check_story_has(
        MULTIPART("--b\r\nContent-Disposition: form-data;name = a ;\r\n\r\n1\r\n--b--\r\n"),
        "arg a=1");
    check_story_has(
        MULTIPART("--b\r\ncontent-DISPOSITION: form-data; name=a\r\n\r\n1\r\n--b--\r\n"),
        "arg a=1");
}

TEST(a_missing_end_is_told_and_what_came_is_handed_out)
{
    check_story(MULTIPART(PART("a", "1") "--b\r\nContent-Disposition: form-data; "
                                         "name=\"b\"\r\n\r\n<script>"),
                "arg a=1\narg b=<script>\n" HEAD("a") HEAD("b") "last b \"\"\n"
                                                                "flag failed\nflag crlf_line\n"
                                                                "why " ERROR
                                                                "Final boundary missing.\n");
    check_story(MULTIPART("hello\r\n"), "flag failed\nflag data_before\n"
                                        "why " ERROR "No boundaries found in payload.\n");
}

TEST(a_body_that_was_cut_has_no_end_to_miss)
{
    struct input input = {.kind = BODY_MULTIPART,
                          .text = SPAN_INIT(PART("a", "1") "--b\r\nContent-Disposition: form-data; "
                                                           "name=\"b\"\r\n\r\n<scr"),
                          .cut = true};
    check_story(&input,
                "arg a=1\narg b=<scr\n" HEAD("a") HEAD("b") "last b \"\"\nflag crlf_line\n");
}

TEST(a_bad_character_in_a_header_name_is_told_in_modsecuritys_words)
{
    static const char *const names[] = {"\016Content-Disposition", "Content-Disposition\016",
                                        "Content- Disposition", "Content\177-Disposition"};
    for (size_t i = 0; i < 4; i++) {
        char text[300];
        int len = snprintf(text, sizeof text,
                           "--b\r\n%s: form-data; name=\"file\"; filename=\"1.php\"\r\n"
                           "Content-Disposition: form-data; name=\"post\"\r\n\r\nx\r\n--b--",
                           names[i]);
        struct input input = {.kind = BODY_MULTIPART, .text = {text, (size_t)len}};
        check_story_has(&input, "why " ERROR "Invalid part header (contains invalid character).");
    }
    check_story_lacks(MULTIPART("--b\r\nX-!~: 1\r\nContent-Disposition: form-data; "
                                "name=\"a\"\r\n\r\n1\r\n--b--\r\n"),
                      "why");
}

/* What stands between the first boundary and the empty line, and what is said about it. */
static const struct {
    const char *headers, *why;
} wrong_headers[] = {
    {"X: 1\r\n", "Part missing Content-Disposition header."},
    {":\r\n", "Invalid part header (header name missing)."},
    {"test\r\n", "Invalid part header (colon missing): test."},
    {" a: 1\r\n", "Invalid part header (folding error)."},
    {"A: 1\r\na: 2\r\n", "Duplicate part header: a."},
    {"Content-Disposition: form-data\r\n", "Content-Disposition header missing name field."},
    {"Content-Disposition: form-data;\r\n", "Content-Disposition header missing name field."},
    {"Content-Disposition: attachment; name=a\r\n",
     "Invalid Content-Disposition header (not form-data): attachment; name=a."},
    {"Content-Disposition: form-data name=a\r\n",
     "Invalid Content-Disposition header (semicolon missing): form-data name=a."},
    {"Content-Disposition: form-data; \t\r\n",
     "Invalid Content-Disposition header (nothing behind a semicolon): form-data; \t."},
    {"Content-Disposition: form-data; name\r\n",
     "Invalid Content-Disposition header (parameter without a value): form-data; name."},
    {"Content-Disposition: form-data; name x\r\n",
     "Invalid Content-Disposition header (parameter without a value): form-data; name x."},
    {"Content-Disposition: form-data; name= \r\n",
     "Invalid Content-Disposition header (parameter without a value): form-data; name= ."},
    {"Content-Disposition: form-data; name=\"a\r\n",
     "Invalid Content-Disposition header (quote not closed): form-data; name=\"a."},
    {"Content-Disposition: form-data; name=\"a\\\r\n",
     "Invalid Content-Disposition header (nothing behind a backslash): form-data; name=\"a\\."},
    {"Content-Disposition: form-data; name=a; size=1\r\n",
     "Invalid Content-Disposition header (unknown parameter): form-data; name=a; size=1."},
    {"Content-Disposition: form-data; filename*=''b\r\n",
     "Invalid Content-Disposition header (filename* without a character set): form-data; "
     "filename*=''b."},
    {"Content-Disposition: form-data; filename*=x'b\r\n",
     "Invalid Content-Disposition header (filename* without a language): form-data; "
     "filename*=x'b."},
    {"Content-Disposition: form-data; filename*=x''%4G\r\n",
     "Invalid Content-Disposition header (filename* with a broken escape): form-data; "
     "filename*=x''%4G."},
    {"Content-Disposition: form-data; name=a; name=b\r\n",
     "Invalid Content-Disposition header (Duplicate Content-Disposition name): form-data; name=a; "
     "name=b."},
    {"Content-Disposition: form-data; name=a; filename=b; filename=c\r\n",
     "Invalid Content-Disposition header (Duplicate Content-Disposition filename): form-data; "
     "name=a; filename=b; filename=c."},
    {"Content-Disposition: form-data; name=a; filename =b\r\n",
     "Invalid Content-Disposition header (filename)."},
};

TEST(every_wrong_part_header_has_its_sentence)
{
    for (size_t i = 0; i < sizeof wrong_headers / sizeof *wrong_headers; i++) {
        char text[400], want[400];
        int len =
            snprintf(text, sizeof text, "--b\r\n%s\r\n1\r\n--b--\r\n", wrong_headers[i].headers);
        snprintf(want, sizeof want, "why " ERROR "%s", wrong_headers[i].why);
        struct input input = {.kind = BODY_MULTIPART, .text = {text, (size_t)len}};
        check_story_has(&input, want);
    }
}

TEST(a_nul_byte_in_a_header_fails)
{
    check_story_has(MULTIPART("--b\r\nX: a\0b\r\n\r\n1\r\n--b--\r\n"),
                    "why " ERROR "Nul byte in part headers.");
}

TEST(a_header_line_has_a_limit)
{
    char text[5000];
    memset(text, 'x', sizeof text);
    memcpy(text, "--b\r\nX:", 7);
    text[sizeof text - 1] = '\n';
    struct input input = {.kind = BODY_MULTIPART, .text = {text, sizeof text}};
    check_story_has(&input, "why " ERROR "Part header line over 4096 bytes long.");
    memcpy(text + 3000, "\n y", 3); /* folded, each line is short enough but not both */
    memcpy(text + 4095, "\n\n", 2);
    check_story_has(&input, "why " ERROR "Part missing Content-Disposition header.");
    memcpy(text + 4095, "xx", 2);
    check_story_has(&input, "why " ERROR "Part header too long.");
}

TEST(a_part_has_at_most_a_hundred_headers)
{
    struct buf text;
    buf_init(&text, 1 << 16);
    buf_add(&text, SPAN("--b\r\n"));
    for (int i = 0; i < 101; i++)
        buf_format(&text, "X%d: 1\r\n", i);
    struct input input = {.kind = BODY_MULTIPART, .text = buf_span(&text)};
    check_story_has(&input, "why " ERROR "Too many part headers.");
    buf_fini(&text);
}

TEST(too_many_fields_are_counted_out_and_too_many_files_flagged)
{
    struct input input = {.kind = BODY_MULTIPART,
                          .text = SPAN_INIT(PART("a", "1") PART("c", "2") PART("c", "3") "--b--"),
                          .limits = {.arguments = 2, .files = 0}};
    check_story_has(&input, "flag too_many_arguments");
    check_story_lacks(&input, "arg c=3");
    input.text =
        SPAN("--b\r\nContent-Disposition: form-data; name=a; filename=x\r\n\r\n1\r\n"
             "--b\r\nContent-Disposition: form-data; name=a; filename=y\r\n\r\n2\r\n--b--");
    input.limits = (struct body_limits){.arguments = 1, .files = 1};
    check_story_has(&input, "flag file_limit_exceeded");
    check_story_has(&input, "file a \"y\" 1 2"); /* it is looked at all the same */
    input.limits.files = 2;
    check_story_lacks(&input, "flag file_limit_exceeded");
}

int multipart_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_and_files_are_told_apart),
        cmocka_unit_test(a_value_keeps_its_own_line_ends_and_may_be_empty),
        cmocka_unit_test(the_final_boundary_needs_no_line_end),
        cmocka_unit_test(an_empty_body_is_no_fault),
        cmocka_unit_test(an_empty_name_is_a_name_and_an_empty_filename_makes_a_file),
        cmocka_unit_test(
            an_extended_filename_is_decoded_and_flagged_where_it_says_something_of_its_own),
        cmocka_unit_test(names_are_unquoted_and_unescaped),
        cmocka_unit_test(a_missing_end_is_told_and_what_came_is_handed_out),
        cmocka_unit_test(a_body_that_was_cut_has_no_end_to_miss),
        cmocka_unit_test(a_bad_character_in_a_header_name_is_told_in_modsecuritys_words),
        cmocka_unit_test(every_wrong_part_header_has_its_sentence),
        cmocka_unit_test(a_nul_byte_in_a_header_fails),
        cmocka_unit_test(a_header_line_has_a_limit),
        cmocka_unit_test(a_part_has_at_most_a_hundred_headers),
        cmocka_unit_test(too_many_fields_are_counted_out_and_too_many_files_flagged),
    };
    return cmocka_run_group_tests_name("multipart", tests, NULL, NULL);
}
