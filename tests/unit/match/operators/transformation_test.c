/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/match/transformation.h"

#include "tests/check.h"
#include "tests/unit/match/operators/suites.h"

static struct span apply(struct arena *arena, const char *name, struct span in)
{
    const struct transformation *t = transformation_find(span_text(name));

    check(t != NULL);
    return t->apply(in, arena);
}

static void gives_bytes(const char *name, struct span in, struct span want)
{
    struct arena *arena = arena_new(NULL, 1 << 20);

    check_span_at(apply(arena, name, in), want, name, 0);
    arena_free(arena);
}

static void gives(const char *name, const char *in, const char *want)
{
    gives_bytes(name, span_text(in), span_text(want));
}

TEST(a_transformation_is_found_whatever_its_case)
{
    check(transformation_find(SPAN("URLDECODEUNI")) == transformation_find(SPAN("urlDecodeUni")));
    check(transformation_find(SPAN("urlDecode2")) == NULL);
}

/* Those that always give something else (digests, encodings, the length) are left out. */
TEST(what_changes_nothing_returns_the_very_same_text)
{
    static const char *const always[] = {
        "base64Decode", "base64DecodeExt", "base64Encode", "hexDecode",
        "hexEncode",    "length",          "md5",          "sha1",
        "uppercase",    "parityEven7bit",  "parityOdd7bit"};
    struct arena *arena = arena_new(NULL, 1 << 20);
    struct span in = SPAN("plain");
    size_t count, same = 0;
    const char *const *names = transformation_names(&count);

    for (size_t i = 0; i < count; i++) {
        struct span out = apply(arena, names[i], in);
        bool changes = false;

        for (size_t j = 0; j < sizeof(always) / sizeof(always[0]); j++)
            changes = changes || strcmp(names[i], always[j]) == 0;
        if (!changes)
            check(out.at == in.at && out.len == in.len);
        same += !changes;
    }
    check_number(same, count - sizeof(always) / sizeof(always[0]));
    arena_free(arena);
}

TEST(text_that_only_looks_encoded_is_the_very_same_text)
{
    static const struct {
        const char *name, *in;
    } rows[] = {{"urlDecode", "100%zz"},        {"urlDecodeUni", "%u12g4%"},
                {"htmlEntityDecode", "a&foo;"}, {"jsDecode", "a\\"},
                {"normalizePath", "/a/.b"},     {"sqlHexDecode", "0xg"},
                {"compressWhitespace", "a b"},  {"length", "1"}};
    struct arena *arena = arena_new(NULL, 1 << 20);

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        check(apply(arena, rows[i].name, span_text(rows[i].in)).at == rows[i].in);
    arena_free(arena);
}

TEST(an_empty_value_gives_what_it_should)
{
    gives("urlDecode", "", "");
    gives("normalizePath", "", "");
    gives("length", "", "0");
    gives("hexEncode", "", "");
}

TEST(a_full_arena_gives_an_empty_value_and_its_mark)
{
    size_t count;
    const char *const *names = transformation_names(&count);
    static char in[100000];

    memset(in, '%', sizeof(in));
    for (size_t i = 0; i < count; i++) {
        struct arena *arena = arena_new(NULL, 4096);
        struct span out = apply(arena, names[i], span_make(in, sizeof(in)));

        check(out.at == in || out.len < 32 || arena_is_full(arena));
        if (arena_is_full(arena))
            check_number(out.len, 0);
        arena_free(arena);
    }
}

TEST(url_decoding_takes_plus_and_unicode)
{
    gives("urlDecode", "a%2Bb+c%2", "a+b c%2");
    gives("urlDecodeUni", "%u0041%uff41%U0042%41%", "AaBA%");
    gives("urlDecodeUni", "%uFF1Cscript%uff1e", "<script>");
    gives_bytes("urlDecodeUni", SPAN("%00%u0100"), SPAN("\0\0"));
    gives("urlEncode", "a b*<", "a+b*%3c");
}

TEST(characters_beyond_ascii_become_percent_u)
{
    gives("utf8toUnicode", "a\xc3\xa4\xe2\x82\xac", "a%u00e4%u20ac");
    gives("utf8toUnicode", "\xf0\x9f\x98\x80", "%u1f600");
    gives("utf8toUnicode", "\xc0\xaf", "%u002f"); /* overlong: what an attacker writes */
    gives("utf8toUnicode", "x\xff\xe2\x82", "x\xff\xe2\x82");
}

TEST(escapes_are_decoded_as_their_languages_do)
{
    gives("jsDecode", "\\u003cscript\\x3e\\74\\n\\q", "<script><\nq");
    gives("jsDecode", "\\400", " 0");
    gives("cssDecode", "j\\61 v\\000061script\\", "javascript");
    gives("cssDecode", "\\ff41", "a");
    gives("escapeSeqDecode", "\\x41\\101\\n\\z\\", "AA\nz\\");
}

TEST(entities_are_decoded_with_and_without_their_semicolon)
{
    gives("htmlEntityDecode", "&lt;&LT&#60;&#x3c&#X3C;", "<<<<<");
    gives("htmlEntityDecode", "&&#;&#x;&bogus;&", "&&#;&#x;&bogus;&");
    gives_bytes("htmlEntityDecode", SPAN("&#99999999999999999999;"), SPAN("\xff"));
}

TEST(paths_lose_their_detours)
{
    gives("normalizePath", "/a/./b//../c/", "/a/c/");
    gives("normalizePath", "/../../etc/passwd", "/etc/passwd");
    gives("normalizePath", "../../x/..", "../..");
    gives("normalizePath", "/a/..", "/");
    gives("normalizePath", "/a../b", "/a../b");
    gives("normalizePathWin", "c:\\a\\..\\b", "c:/b");
}

TEST(comments_and_command_lines)
{
    gives("replaceComments", "a/**/b/*", "a b ");
    gives("removeComments", "a/* x */ b -- c", "a b ");
    gives("removeComments", "a<!-- x --> b#c", "a b");
    gives("removeCommentsChar", "a/*b*/c--d#e", "abcde");
    gives("cmdLine", "C^MD.\"eXe\"  ,; /c  (dir)", "cmd.exe/c(dir)");
}

TEST(base64_and_hexadecimal)
{
    gives("base64Decode", "YWJj", "abc");
    gives("base64Decode", "YWI!Yw==", "ab");
    gives("base64DecodeExt", "YW.J\nj", "abc");
    gives_bytes("base64DecodeExt", SPAN("\0Y\0WJj"), SPAN("abc")); /* PHP reads past a NUL */
    gives("base64Encode", "ab", "YWI=");
    gives("hexEncode", "a\xff", "61ff");
    gives("hexDecode", "61fF0", "a\xff");
    gives("sqlHexDecode", "x=0x414243 0x4 0X44", "x=ABC 0x4 D");
}

TEST(digests_are_raw_bytes_of_any_length_of_text)
{
    struct arena *arena = arena_new(NULL, 1 << 20);
    static char in[130];

    memset(in, 'a', sizeof(in));
    check_span(apply(arena, "hexEncode", apply(arena, "md5", SPAN("abc"))),
               "900150983cd24fb0d6963f7d28e17f72");
    check_span(apply(arena, "hexEncode", apply(arena, "sha1", SPAN("abc"))),
               "a9993e364706816aba3e25717850c26c9cd0d89d");
    check_span(apply(arena, "hexEncode", apply(arena, "sha1", span_make(in, 64))),
               "0098ba824b5c16427bd7a1122a5a442a25ec644d");
    check_span(apply(arena, "hexEncode", apply(arena, "md5", span_make(in, 56))),
               "3b0c8ac703f828b04c6c197006d17218");
    arena_free(arena);
}

TEST(letters_and_white_space)
{
    gives("lowercase", "ABC\xc4 this is LONGER than one block of bytes, Z",
          "abc\xc4 this is longer than one block of bytes, z");
    gives("uppercase", "abcz{", "ABCZ{");
    gives("trim", " \t\r\n\v\fa b ", "a b");
    gives("trimLeft", " a ", "a ");
    gives("trimRight", " a ", " a");
    gives("removeWhitespace",
          "a \t\xa0"
          "b",
          "ab");
    gives("compressWhitespace", "a \t\n b", "a b");
    gives_bytes("removeNulls", SPAN("a\0b"), SPAN("ab"));
    gives_bytes("replaceNulls", SPAN("a\0b"), SPAN("a b"));
}

int transformation_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_transformation_is_found_whatever_its_case),
        cmocka_unit_test(what_changes_nothing_returns_the_very_same_text),
        cmocka_unit_test(text_that_only_looks_encoded_is_the_very_same_text),
        cmocka_unit_test(an_empty_value_gives_what_it_should),
        cmocka_unit_test(a_full_arena_gives_an_empty_value_and_its_mark),
        cmocka_unit_test(url_decoding_takes_plus_and_unicode),
        cmocka_unit_test(characters_beyond_ascii_become_percent_u),
        cmocka_unit_test(escapes_are_decoded_as_their_languages_do),
        cmocka_unit_test(entities_are_decoded_with_and_without_their_semicolon),
        cmocka_unit_test(paths_lose_their_detours),
        cmocka_unit_test(comments_and_command_lines),
        cmocka_unit_test(base64_and_hexadecimal),
        cmocka_unit_test(digests_are_raw_bytes_of_any_length_of_text),
        cmocka_unit_test(letters_and_white_space),
    };
    return cmocka_run_group_tests_name("transformation", tests, NULL, NULL);
}
