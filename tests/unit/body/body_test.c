/* SPDX-License-Identifier: Apache-2.0 */
/* What holds for every kind: memory that ends, and parsers that are let go of early. */
#include "rules/body/body.h"

#include "rules/base/buf.h"
#include "tests/check.h"
#include "tests/unit/body/suites.h"

static const struct body_limits wide = {
    .arguments = 1000, .depth = 100, .files = 10, .separator = '&'};

static const struct {
    enum body_kind kind;
    struct span type, text;
} kinds[] = {
    {BODY_URLENCODED, SPAN_INIT("application/x-www-form-urlencoded"), SPAN_INIT("a=1&b=2&c=3")},
    {BODY_MULTIPART, SPAN_INIT("multipart/form-data; boundary=b"),
     SPAN_INIT("--b\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n--b\r\n"
               "Content-Disposition: form-data;\r\n name=\"\\\"b\"; filename=c\r\n\r\n1\r\n--b--")},
    {BODY_JSON, SPAN_INIT("application/json"), SPAN_INIT("{\"a\":{\"b\":[1,2,3]}}")},
    {BODY_XML, SPAN_INIT("text/xml"), SPAN_INIT("<a b='1'>x<c d='2'>y</c></a>")},
};
enum { KINDS = sizeof kinds / sizeof *kinds };

/* Parses with a filler before, so that the memory runs out at another place each time. */
static bool parse_in(size_t kind, struct arena *arena, size_t filler)
{
    arena_text(arena, filler);
    struct body *body = body_begin(kinds[kind].kind, kinds[kind].type, &wide, arena);
    if (body == NULL)
        return false;
    body_push(body, span_first(kinds[kind].text, 5));
    body_push(body, span_from(kinds[kind].text, 5));
    const struct body_result *result = body_end(body, true);
    check_number(result->flags.failed, arena_is_full(arena));
    check_number(result->why.len > 0, result->flags.failed);
    for (size_t i = 0; i < result->argument_count; i++)
        check(result->arguments[i].name.len < 100);
    body_free(body);
    return !result->flags.failed;
}

TEST(wherever_memory_ends_the_body_has_failed_and_nothing_breaks)
{
    for (size_t kind = 0; kind < KINDS; kind++) {
        size_t good = 0, bad = 0;
        for (size_t filler = 0; filler < 4000; filler += 8) {
            struct arena *arena = arena_new(NULL, 4096);
            *(parse_in(kind, arena, filler) ? &good : &bad) += 1;
            arena_free(arena);
        }
        check(good > 0 && bad > 0);
    }
}

TEST(a_body_may_be_let_go_of_before_its_end)
{
    for (size_t kind = 0; kind < KINDS; kind++) {
        struct arena *arena = arena_new(NULL, 1 << 16);
        struct body *body = body_begin(kinds[kind].kind, kinds[kind].type, &wide, arena);
        body_push(body, span_first(kinds[kind].text, 9));
        body_free(body);
        arena_free(arena);
    }
    body_free(NULL);
}

TEST(a_body_to_which_nothing_was_pushed_is_empty_and_no_fault)
{
    for (size_t kind = 0; kind < KINDS; kind++) {
        struct arena *arena = arena_new(NULL, 1 << 16);
        struct body *body = body_begin(kinds[kind].kind, kinds[kind].type, &wide, arena);
        const struct body_result *result = body_end(body, true);
        check_number(result->argument_count, 0);
        check(!result->flags.failed);
        body_free(body);
        arena_free(arena);
    }
}

TEST(a_large_body_lies_in_the_arena_once)
{
    enum { PIECE = 1000, PIECES = 2000 };
    struct arena *arena = arena_new(NULL, 16 << 20);
    struct body *body = body_begin(BODY_URLENCODED, SPAN(""), &wide, arena);
    char piece[PIECE];
    memset(piece, 'x', sizeof piece);
    body_push(body, SPAN("a="));
    for (int i = 0; i < PIECES; i++)
        body_push(body, span_make(piece, sizeof piece));
    const struct body_result *result = body_end(body, true);
    check_number(result->argument_count, 1);
    check_number(result->arguments[0].value.len, PIECE * PIECES);
    check(arena_used(arena) < PIECE * PIECES / 8 * 9 + (16 << 10));
    body_free(body);
    arena_free(arena);
}

/* A body of about a megabyte: a beginning, ten texts of 100 kB between seams, an end. */
static const struct {
    struct span type;
    enum body_kind kind;
    const char *begin, *seam, *end;
} large[] = {
    {SPAN_INIT("application/x-www-form-urlencoded"), BODY_URLENCODED, "a=", "&b=", ""},
    {SPAN_INIT("multipart/form-data; boundary=b"), BODY_MULTIPART,
     "--b\r\nContent-Disposition: form-data; name=a\r\n\r\n",
     "\r\n--b\r\nContent-Disposition: form-data; name=f; filename=x\r\n\r\n", "\r\n--b--\r\n"},
    {SPAN_INIT("application/json"), BODY_JSON, "[\"", "\",\"", "\"]"},
    {SPAN_INIT("text/xml"), BODY_XML, "<a>", "<b/>", "</a>"},
};

static void add_large(size_t kind, struct buf *to)
{
    buf_add(to, span_text(large[kind].begin));
    for (unsigned i = 0; i < 10; i++) {
        if (i > 0)
            buf_add(to, span_text(large[kind].seam));
        for (unsigned n = 0; n < 10000; n++)
            buf_add(to, SPAN("some text "));
    }
    buf_add(to, span_text(large[kind].end));
}

TEST(a_large_body_of_each_kind_is_held_in_one_copy)
{
    enum { PIECE = 1460, SLACK = 64 << 10 };
    for (size_t kind = 0; kind < sizeof large / sizeof *large; kind++) {
        struct arena *arena = arena_new(NULL, 4 << 20);
        struct buf text;
        buf_init(&text, 2 << 20);
        add_large(kind, &text);
        struct body *body = body_begin(large[kind].kind, large[kind].type, &wide, arena);
        for (size_t at = 0; at < text.len; at += PIECE)
            body_push(body, span_first(span_from(buf_span(&text), at), PIECE));
        const struct body_result *result = body_end(body, true);
        check(!result->flags.failed);
        check(result->argument_count + result->file_count == 10 || result->xml_text.len == 1000000);
        /* a growing text has an eighth of room more than it needs, at the most */
        check(arena_used(arena) <= text.len + text.len / 8 + SLACK);
        body_free(body);
        buf_fini(&text);
        arena_free(arena);
    }
}

int body_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wherever_memory_ends_the_body_has_failed_and_nothing_breaks),
        cmocka_unit_test(a_body_may_be_let_go_of_before_its_end),
        cmocka_unit_test(a_body_to_which_nothing_was_pushed_is_empty_and_no_fault),
        cmocka_unit_test(a_large_body_of_each_kind_is_held_in_one_copy),
        cmocka_unit_test(a_large_body_lies_in_the_arena_once),
    };
    return cmocka_run_group_tests_name("body", tests, NULL, NULL);
}
