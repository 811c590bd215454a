/* SPDX-License-Identifier: Apache-2.0 */
/* The table of byte classes against the grammar, spelled out. */
#include "sidecar/http/bytes.h"
#include "tests/check.h"
#include "tests/unit/http/suites.h"

static bool is_one_of(int byte, const char *set)
{
    return byte != 0 && strchr(set, byte) != NULL;
}

static bool is_alnum(int byte)
{
    return byte_is_digit((char)byte) || byte_is_alpha((char)byte);
}

TEST(every_byte_is_in_the_classes_that_the_grammar_gives_it)
{
    for (int byte = 0; byte < 256; byte++) {
        char c = (char)byte;
        bool is_text = byte == '\t' || (byte >= ' ' && byte != 0x7f);
        check_number(http_byte_is(c, HTTP_TOKEN),
                     is_alnum(byte) || is_one_of(byte, "!#$%&'*+-.^_`|~"));
        check_number(http_byte_is(c, HTTP_TARGET), byte > ' ' && byte != 0x7f && byte != '#');
        check_number(http_byte_is(c, HTTP_VALUE), is_text);
        check_number(http_byte_is(c, HTTP_UNRESERVED), is_alnum(byte) || is_one_of(byte, "-._~"));
        check_number(http_byte_is(c, HTTP_HOST),
                     is_alnum(byte) || is_one_of(byte, "-._~!$&'()*+,;="));
        check_number(http_byte_is(c, HTTP_QUOTED), is_text && byte != '"' && byte != '\\');
    }
}

int bytes_suite(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_byte_is_in_the_classes_that_the_grammar_gives_it),
    };
    return cmocka_run_group_tests_name("bytes", tests, NULL, NULL);
}
