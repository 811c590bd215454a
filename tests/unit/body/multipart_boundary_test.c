/* SPDX-License-Identifier: Apache-2.0 */
/* The boundary parameter, in the spellings with which ModSecurity tries its own parser. */
#include "tests/check.h"
#include "tests/unit/body/story.h"
#include "tests/unit/body/suites.h"

#define BODY  "--0000\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--0000--\r\n"
#define ERROR "why Multipart parsing error: Multipart: "

static const struct {
    const char *type, *line;
} spellings[] = {
    {"multipart/form-data; boundary=0000", "arg a=1"},
    {"MULTIPART/Form-Data;boundary=0000", "arg a=1"},
    {"multipart/form-data; boundary=0000; charset=UTF-8", "arg a=1"},
    {"multipart/form-data; boundary=\"0000\"", "arg a=1"},
    {"multipart/form-data; boundary=\"0000\"", "flag boundary_quoted"},
    {"multipart/form-data boundary=0000", "flag missing_semicolon"},
    {"multipart/form-data boundary=0000", "arg a=1"},
    {"multipart/form-data; boundary =0000", "flag boundary_whitespace"},
    {"multipart/form-data; boundary= 0000", "flag boundary_whitespace"},
    {"multipart/form-data; boundary= 0000", ERROR "No boundaries found in payload."},
    {"multipart/form-data; boundary=0000 1111", ERROR "No boundaries found in payload."},
    {"multipart/form-data; boundary=\" 0000\"", ERROR "No boundaries found in payload."},
    {"", ERROR "Content-Type header not available."},
    {"multipart/mixed; boundary=0000", ERROR "Invalid MIME type."},
    {"multipart/form-data", ERROR "Boundary not found in C-T."},
    {"multipart/form-data; charset=utf-8", ERROR "Boundary not found in C-T."},
    {"multipart/form-data, boundary=0000", ERROR "Invalid boundary in C-T (malformed)."},
    {"multipart/form-data; charset=utf-8; boundary=0000",
     ERROR "Invalid boundary in C-T (malformed)."},
    {"multipart/form-data;; boundary=0000", ERROR "Invalid boundary in C-T (malformed)."},
    {"multipart/form-data; boundary", ERROR "Invalid boundary in C-T (malformed)."},
    {"multipart/form-data; bOundAry=0000", ERROR "Invalid boundary in C-T (case sensitivity)."},
    {"multipart/form-data; boundary123=0000", ERROR "Invalid boundary in C-T (parameter name)."},
    {"multipart/form-data; boundary=\"0000\"; boundary=1111",
     ERROR "Multiple boundary parameters in C-T."},
    {"multipart/form-data; boundary=0000, boundary=1111",
     ERROR "Multiple boundary parameters in C-T."},
    {"multipart/form-data; boundary=0000 ", ERROR "Invalid boundary in C-T (characters)."},
    {"multipart/form-data; boundary=0000!1111", ERROR "Invalid boundary in C-T (characters)."},
    {"multipart/form-data; boundary=\"0000 \"", ERROR "Invalid boundary in C-T (characters)."},
    {"multipart/form-data; boundary=\"00\"00\"", ERROR "Invalid boundary in C-T (characters)."},
    {"multipart/form-data; boundary=\"0000", ERROR "Invalid boundary in C-T (quote)."},
    {"multipart/form-data; boundary=0000\"", ERROR "Invalid boundary in C-T (quote)."},
    {"multipart/form-data; boundary=\"", ERROR "Invalid boundary in C-T (quote)."},
    {"multipart/form-data; boundary=\"\"", ERROR "Invalid boundary in C-T (empty)."},
    {"multipart/form-data; boundary=", ERROR "Invalid boundary in C-T (empty)."},
    {"multipart/form-data; boundary=;", ERROR "Invalid boundary in C-T (empty)."},
};

TEST(every_spelling_of_the_boundary_has_its_answer)
{
    for (size_t i = 0; i < sizeof spellings / sizeof *spellings; i++) {
        struct input input = {
            .kind = BODY_MULTIPART, .type = spellings[i].type, .text = SPAN_INIT(BODY)};
        check_story_has(&input, spellings[i].line);
    }
}

TEST(a_plain_boundary_sets_no_flag)
{
    struct input input = {.kind = BODY_MULTIPART,
                          .type = "multipart/form-data; boundary=0000",
                          .text = SPAN_INIT(BODY)};
    check_story_lacks(&input, "flag boundary");
    check_story_lacks(&input, "flag missing");
}

TEST(a_boundary_may_hold_every_character_of_rfc_2046)
{
#define ALL "0123456789AaBbCcDdEeFfGgHhIiJjKkLlMmNnOoPpQqRrSsTtUuVvWwXxYyZz '()+_,-./:=?"
    struct input input = {.kind = BODY_MULTIPART,
                          .type = "multipart/form-data; boundary=" ALL,
                          .text = SPAN_INIT("--" ALL "\r\nContent-Disposition: form-data; "
                                            "name=\"name\"\r\n\r\n1\r\n--" ALL "--\r\n")};
    check_story_has(&input, "arg name=1");
    check_story_lacks(&input, "why");
}

TEST(a_very_long_content_type_is_refused)
{
    char type[1100];
    memset(type, 'x', sizeof type);
    memcpy(type, "multipart/form-data; boundary=", 30);
    type[1025] = '\0';
    struct input input = {.kind = BODY_MULTIPART, .type = type, .text = SPAN_INIT(BODY)};
    check_story_has(&input, ERROR "Invalid boundary in C-T (length).");
}

int multipart_boundary_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_spelling_of_the_boundary_has_its_answer),
        cmocka_unit_test(a_plain_boundary_sets_no_flag),
        cmocka_unit_test(a_boundary_may_hold_every_character_of_rfc_2046),
        cmocka_unit_test(a_very_long_content_type_is_refused),
    };
    return cmocka_run_group_tests_name("multipart boundary", tests, NULL, NULL);
}
