/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/base/encode.h"

#include "tests/check.h"
#include "tests/unit/base/suites.h"

TEST(hexadecimal_goes_both_ways)
{
    uint8_t bytes[] = {0x00, 0x7f, 0xff, 0xa5};
    char text[8];
    hex_write(text, bytes, sizeof bytes);
    check_span(span_make(text, 8), "007fffa5");
    uint8_t back[4];
    check(hex_read(SPAN("007FfFa5"), back, 4));
    assert_memory_equal(back, bytes, 4);
    check(!hex_read(SPAN("007fffa"), back, 4));
    check(!hex_read(SPAN("007fffa5a"), back, 4));
    check(!hex_read(SPAN("007fffag"), back, 4));
}

TEST(base64url_is_read_in_its_one_spelling)
{
    static const struct {
        const char *text, *bytes;
    } examples[] = {{"", ""},        {"Zg", "f"},        {"Zm8", "fo"},
                    {"Zm9v", "foo"}, {"Zm9vYg", "foob"}, {"_-8", "\xff\xef"}};
    static const char *const wrong[] = {
        "Z", "Zm9vZ", "Zh", "Zm9", "Zg==", "Zg=", "/+8", " Zg", "Zg\n"};
    uint8_t bytes[16];
    size_t len;
    for (size_t i = 0; i < sizeof examples / sizeof *examples; i++) {
        check(base64url_read(span_text(examples[i].text), bytes, &len));
        check_span(span_make((const char *)bytes, len), examples[i].bytes);
    }
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        check(!base64url_read(span_text(wrong[i]), bytes, &len));
}

TEST(base64_is_read_in_its_one_spelling)
{
    static const struct {
        const char *text, *bytes;
    } examples[] = {{"", ""}, {"Zg==", "f"}, {"Zm8=", "fo"}, {"Zm9v", "foo"}, {"/+8=", "\xff\xef"}};
    static const char *const wrong[] = {
        "Zg", "Zg=", "Zh==", "Zm9=", "_-8=", "Zg==Zg==", "=", "Z===", "====", "Zm9v\n"};
    uint8_t bytes[16];
    size_t len;
    for (size_t i = 0; i < sizeof examples / sizeof *examples; i++) {
        check(base64_read(span_text(examples[i].text), bytes, &len));
        check_span(span_make((const char *)bytes, len), examples[i].bytes);
    }
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        check(!base64_read(span_text(wrong[i]), bytes, &len));
}

TEST(base64_gives_the_examples_of_its_rfc)
{
    static const struct {
        const char *text, *encoded;
    } examples[] = {{"", ""},
                    {"f", "Zg=="},
                    {"fo", "Zm8="},
                    {"foo", "Zm9v"},
                    {"foob", "Zm9vYg=="},
                    {"fooba", "Zm9vYmE="},
                    {"foobar", "Zm9vYmFy"}};
    for (size_t i = 0; i < sizeof examples / sizeof *examples; i++) {
        struct buf buf;
        buf_init(&buf, 100);
        check(base64_add(&buf, span_text(examples[i].text)));
        check_span(buf_span(&buf), examples[i].encoded);
        buf_fini(&buf);
    }
    struct buf buf;
    buf_init(&buf, 4);
    check(base64_add(&buf, SPAN("\xff\xff\xfe")));
    check_span(buf_span(&buf), "///+");
    check(!base64_add(&buf, SPAN("a")));
    buf_fini(&buf);
}

static void check_escaped(struct span text, const char *want)
{
    struct buf buf;
    buf_init(&buf, 1000);
    check(json_add_string(&buf, text));
    check_span(buf_span(&buf), want);
    buf_fini(&buf);
}

TEST(any_bytes_make_a_valid_json_string)
{
    check_escaped(SPAN(""), "\"\"");
    check_escaped(SPAN("plain/text"), "\"plain/text\"");
    check_escaped(SPAN("a\"b\\c\n\r\t\b\f"), "\"a\\\"b\\\\c\\n\\r\\t\\b\\f\"");
    check_escaped(SPAN("\x01\x1f\x7f"), "\"\\u0001\\u001f\\u007f\"");
    check_escaped(SPAN("a\0b"), "\"a\\u0000b\"");
    check_escaped(SPAN("\xc3\xa4\xf0\x9f\x98\x80"), "\"\xc3\xa4\xf0\x9f\x98\x80\"");
    check_escaped(SPAN("\xff\xc3"), "\"\\u00ff\\u00c3\"");
    check_escaped(SPAN("\xed\xa0\x80"), "\"\\u00ed\\u00a0\\u0080\"");
    struct buf buf;
    buf_init(&buf, 3);
    check(!json_add_string(&buf, SPAN("ab")));
    buf_fini(&buf);
}

TEST(utf8_has_one_spelling_for_each_character)
{
    check_number(utf8_length(SPAN("a")), 1);
    check_number(utf8_length(SPAN("\xc2\x80")), 2);
    check_number(utf8_length(SPAN("\xe2\x82\xac")), 3);
    check_number(utf8_length(SPAN("\xf4\x8f\xbf\xbf")), 4);
    check_number(utf8_length(SPAN("")), 0);
    check_number(utf8_length(SPAN("\x80")), 0);
    check_number(utf8_length(SPAN("\xc0\xaf")), 0);
    check_number(utf8_length(SPAN("\xe0\x80\xaf")), 0);
    check_number(utf8_length(SPAN("\xf0\x80\x80\xaf")), 0);
    check_number(utf8_length(SPAN("\xed\xa0\x80")), 0);
    check_number(utf8_length(SPAN("\xf4\x90\x80\x80")), 0);
    check_number(utf8_length(SPAN("\xf5\x80\x80\x80")), 0);
    check_number(utf8_length(SPAN("\xe2\x82")), 0);
    check_number(utf8_length(SPAN("\xe2\x82\x41")), 0);
    check(utf8_is_valid(SPAN("gr\xc3\xbc\xc3\x9f")));
    check(utf8_is_valid(SPAN("")));
    check(!utf8_is_valid(SPAN("gr\xfc\xdf")));
}

TEST(every_character_that_is_written_reads_back_as_one)
{
    char to[4];
    for (uint32_t c = 0; c <= 0x110000; c += 61) {
        size_t len = utf8_write(to, c);
        bool is_one = c <= 0x10ffff && (c < 0xd800 || c > 0xdfff);
        check_number(len > 0, is_one);
        if (is_one)
            check_number(utf8_length(span_make(to, len)), len);
    }
    check_number(utf8_write(to, 0xd800), 0);
    check_number(utf8_write(to, 0xdfff), 0);
    check_number(utf8_write(to, 0x110000), 0);
    check_span(span_make(to, utf8_write(to, 0x20ac)), "\xe2\x82\xac");
}

/* The quick way and the slow one, for every byte in every place of a short text. */
TEST(a_json_string_is_the_same_whichever_way_it_goes)
{
    struct buf slow, quick;
    char text[20];
    buf_init(&slow, 256);
    buf_init(&quick, 256);
    for (size_t len = 0; len <= sizeof text; len++) {
        for (size_t i = 0; i < len * 256; i++) {
            memset(text, 'a', sizeof text);
            text[i / 256] = (char)(i % 256);
            buf_clear(&slow);
            buf_add_byte(&slow, '"');
            json_add_escaped(&slow, span_make(text, len));
            buf_add_byte(&slow, '"');
            buf_clear(&quick);
            check(buf_room(&quick, 200) != NULL);
            check(json_add_string(&quick, span_make(text, len)));
            check(span_is(buf_span(&slow), buf_span(&quick)));
        }
    }
    buf_fini(&slow);
    buf_fini(&quick);
}

TEST(controls_of_two_bytes_are_made_visible_and_letters_stay)
{
    struct buf text;
    buf_init(&text, 100);
    check(visible_add(&text, SPAN("a\xc2\x9b"
                                  "31m\xc2\xa0\xc3\xa9\xc2")));
    check_span(buf_span(&text), "a\\xc2\\x9b31m\xc2\xa0\xc3\xa9\xc2");
    buf_fini(&text);
}

TEST(control_bytes_are_made_visible_so_that_a_text_stays_one_line)
{
    struct buf text;
    buf_init(&text, 64);
    check(visible_add(&text, span_make("a\n2026 error:\t\r\x1b[31m\x7f\0\xc3\xa9\\", 25)));
    check_span(buf_span(&text), "a\\n2026 error:\\t\\r\\x1b[31m\\x7f\\x00\xc3\xa9\\");
    buf_fini(&text);
    buf_init(&text, 1);
    check(!visible_add(&text, SPAN("\n")));
    buf_fini(&text);
}

TEST(what_is_not_plain_in_a_url_is_escaped_by_percent)
{
    struct buf text;
    buf_init(&text, 64);
    check(percent_add(&text, SPAN("az-AZ_09.~"), ""));
    check_span(buf_span(&text), "az-AZ_09.~");
    buf_clear(&text);
    check(percent_add(&text, span_make("a b&c=d/%+*\0\x7f\xc3\xa9", 15), ""));
    check_span(buf_span(&text), "a%20b%26c%3Dd%2F%25%2B%2A%00%7F%C3%A9");
    buf_clear(&text);
    check(percent_add(&text, SPAN("/a:b c"), ":/"));
    check_span(buf_span(&text), "/a:b%20c");
    buf_fini(&text);
    buf_init(&text, 2);
    check(!percent_add(&text, SPAN("/"), ""));
    buf_fini(&text);
}

TEST(an_escape_is_a_percent_and_two_digits)
{
    check_number(percent_at(SPAN("%41"), 0), 'A');
    check_number(percent_at(SPAN("a%fF"), 1), 0xff);
    check_number(percent_at(SPAN("%00"), 0), 0);
    check_number(percent_at(SPAN("%4"), 0), -1);
    check_number(percent_at(SPAN("%4g"), 0), -1);
    check_number(percent_at(SPAN("%g4"), 0), -1);
    check_number(percent_at(SPAN("a41"), 0), -1);
    check_number(percent_at(SPAN(""), 0), -1);
}

TEST(escapes_are_read_as_far_as_there_is_room_and_broken_ones_stand_as_they_came)
{
    static const struct {
        const char *text, *read;
        bool plus_is_space, is_whole;
    } examples[] = {{"", "", false, true},
                    {"a%20b%2fc", "a b/c", false, true},
                    {"a+b%2B", "a+b+", false, true},
                    {"a+b%2B", "a b+", true, true},
                    {"%4g%", "%4g%", false, false},
                    {"%%41", "%A", false, false},
                    {"12345678", "12345678", false, true},
                    {"123456789", "12345678", false, false},
                    {"1234567%41", "1234567A", false, true}};
    for (size_t i = 0; i < sizeof examples / sizeof *examples; i++) {
        char to[8];
        size_t len;
        check_number(percent_read(span_text(examples[i].text), examples[i].plus_is_space, to,
                                  sizeof to, &len),
                     examples[i].is_whole);
        check_span(span_make(to, len), examples[i].read);
    }
}

int encode_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hexadecimal_goes_both_ways),
        cmocka_unit_test(base64url_is_read_in_its_one_spelling),
        cmocka_unit_test(base64_is_read_in_its_one_spelling),
        cmocka_unit_test(base64_gives_the_examples_of_its_rfc),
        cmocka_unit_test(any_bytes_make_a_valid_json_string),
        cmocka_unit_test(controls_of_two_bytes_are_made_visible_and_letters_stay),
        cmocka_unit_test(control_bytes_are_made_visible_so_that_a_text_stays_one_line),
        cmocka_unit_test(what_is_not_plain_in_a_url_is_escaped_by_percent),
        cmocka_unit_test(an_escape_is_a_percent_and_two_digits),
        cmocka_unit_test(
            escapes_are_read_as_far_as_there_is_room_and_broken_ones_stand_as_they_came),
        cmocka_unit_test(utf8_has_one_spelling_for_each_character),
        cmocka_unit_test(every_character_that_is_written_reads_back_as_one),
        cmocka_unit_test(a_json_string_is_the_same_whichever_way_it_goes),
    };
    return cmocka_run_group_tests_name("encode", tests, NULL, NULL);
}
