/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/base/arena.h"

#include "tests/check.h"
#include "tests/unit/base/suites.h"

enum { KIB = 1024 };

#if defined(__SANITIZE_ADDRESS__)
#define UNDER_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define UNDER_ASAN 1
#endif
#endif
#ifdef UNDER_ASAN
#include <sanitizer/asan_interface.h>
#endif

TEST(memory_is_aligned_and_zeroed)
{
    struct arena *arena = arena_new(NULL, 64 * KIB);
    memset(arena_text(arena, 33), 'x', 33);
    char *a = arena_alloc(arena, 24);
    char *b = arena_alloc(arena, 1);
    check_number((uintptr_t)a % 16, 0);
    check_number((uintptr_t)b % 16, 0);
    check(b >= a + 24);
    for (int i = 0; i < 24; i++)
        check_number(a[i], 0);
    arena_reset(arena);
    char *again = arena_alloc(arena, KIB);
    for (int i = 0; i < KIB; i++)
        check_number(again[i], 0);
    arena_free(arena);
}

TEST(a_full_arena_answers_null_to_everything_and_remembers_it)
{
    struct arena *arena = arena_new(NULL, 8 * KIB);
    check(arena_text(arena, 7 * KIB) == NULL);
    check(arena_is_full(arena));
    check(arena_alloc(arena, 1) == NULL);
    check(arena_text(arena, 1) == NULL);
    check(arena_string(arena, SPAN("a")) == NULL);
    check_number(arena_copy(arena, SPAN("abc")).len, 0);
    check_number(arena_format(arena, "%d", 1).len, 0);
    arena_trim(arena, NULL, 0);
    arena_reset(arena);
    check(!arena_is_full(arena));
    check_span(arena_copy(arena, SPAN("abc")), "abc");
    arena_free(arena);
}

TEST(a_request_for_almost_everything_does_not_overflow)
{
    struct arena *arena = arena_new(NULL, SIZE_MAX);
    check(arena_alloc(arena, SIZE_MAX - 8) == NULL);
    check(arena_is_full(arena));
    arena_free(arena);
}

TEST(the_ceiling_counts_all_chunks)
{
    struct arena *arena = arena_new(NULL, 64 * KIB);
    size_t got = 0;
    while (arena_text(arena, 100) != NULL)
        got += 100;
    check(got > 60 * KIB && got < 64 * KIB);
    check_number(arena_used(arena), 64 * KIB);
    arena_reset(arena);
    check_number(arena_used(arena), 4 * KIB);
    arena_free(arena);
}

TEST(a_large_text_does_not_end_the_use_of_the_current_chunk)
{
    struct arena *arena = arena_new(NULL, 64 * KIB);
    char *before = arena_text(arena, 10);
    char *large = arena_text(arena, 20 * KIB);
    check(large != NULL);
    memset(large, 'x', 20 * KIB);
    check(arena_text(arena, 10) == before + 10);
    arena_free(arena);
}

TEST(what_a_large_text_gives_back_is_used_next)
{
    struct arena *arena = arena_new(NULL, 64 * KIB);
    char *large = arena_text(arena, 20 * KIB);
    arena_trim(arena, large, 5);
    check(arena_text(arena, 10 * KIB) == large + 5);
    arena_free(arena);
}

TEST(trimming_gives_the_tail_back)
{
    struct arena *arena = arena_new(NULL, 64 * KIB);
    char *text = arena_text(arena, 100);
    memcpy(text, "abc", 3);
    arena_trim(arena, text, 3);
    check(arena_text(arena, 1) == text + 3);
    check_span(span_make(text, 3), "abc");
    arena_free(arena);
}

TEST(copies_strings_and_formats_live_in_the_arena)
{
    struct arena *arena = arena_new(NULL, 64 * KIB);
    char source[] = "name";
    struct span copy = arena_copy(arena, span_text(source));
    char *string = arena_string(arena, span_text(source));
    source[0] = 'X';
    check_span(copy, "name");
    check_span(span_text(string), "name");
    check_span(arena_format(arena, "%s=%d", "a", 42), "a=42");
    check_number(arena_copy(arena, SPAN("")).len, 0);
    check_span(span_text(arena_string(arena, (struct span){NULL, 0})), "");
    struct span wide = arena_format(arena, "%*d", 6000, 7);
    check_number(wide.len, 6000);
    check_number(wide.at[5999], '7');
    arena_free(arena);
}

TEST(parts_are_joined_whatever_bytes_they_have)
{
    struct arena *arena = arena_new(NULL, 16 * KIB);
    const struct span parts[] = {SPAN("a\0b"), SPAN("/"), {NULL, 0}, SPAN("\xff\0")};
    check(span_is(arena_join(arena, parts, 4), SPAN("a\0b/\xff\0")));
    check_number(arena_join(arena, parts, 0).len, 0);
    struct span wide = arena_format(arena, "%*d", 6000, 7);
    check_number(wide.len, 6000);
    check(arena_join(arena, (struct span[]){wide, wide}, 2).at == NULL);
    check(arena_is_full(arena));
    arena_free(arena);
}

TEST(a_text_grows_where_it_stands_or_moves_with_its_bytes)
{
    struct arena *arena = arena_new(NULL, 64 * KIB);
    char *text = arena_grow(arena, NULL, 0, 3);
    memcpy(text, "abc", 3);
    check(arena_grow(arena, text, 3, 6) == text);
    memcpy(text + 3, "def", 3);
    struct span between = arena_copy(arena, SPAN("between"));
    text = arena_grow(arena, text, 6, 9);
    memcpy(text + 6, "ghi", 3);
    for (size_t size = 9; size < 40 * KIB; size += 5 * KIB)
        text = arena_grow(arena, text, size, size + 5 * KIB);
    check_span(span_make(text, 9), "abcdefghi");
    check_span(between, "between");
    check(arena_used(arena) < 64 * KIB); /* growing left no old copies behind */
    check(arena_grow(arena, text, 45 * KIB + 9, 70 * KIB) == NULL);
    check(arena_is_full(arena));
    check_span(span_make(text, 9), "abcdefghi");
    arena_free(arena);
}

TEST(a_text_that_gave_its_rest_away_moves_when_it_grows)
{
    struct arena *arena = arena_new(NULL, 64 * KIB);
    char *large = arena_text(arena, 20 * KIB);
    memcpy(large, "abc", 3);
    arena_trim(arena, large, 3);
    struct span next = arena_copy(arena, SPAN("next"));
    arena_text(arena, 19 * KIB);
    char *grown = arena_grow(arena, large, 3, 4 * KIB);
    check(grown != large);
    check_span(span_make(grown, 3), "abc");
    check_span(next, "next");
    arena_free(arena);
}

TEST(chunks_are_shared_and_used_again)
{
    struct arena_chunks *chunks = arena_chunks_new(2);
    struct arena *a = arena_new(chunks, 64 * KIB);
    for (int i = 0; i < 4; i++)
        arena_text(a, 3 * KIB);
    arena_free(a); /* two of its chunks are kept, the others go to the heap */
    struct arena *b = arena_new(chunks, 64 * KIB);
    struct arena *c = arena_new(chunks, 64 * KIB);
    check(b == a || c == a || b != c);
    memset(arena_alloc(b, KIB), 'x', KIB);
    memset(arena_alloc(c, KIB), 'y', KIB);
    arena_free(b);
    arena_free(c);
    arena_chunks_free(chunks);
    arena_chunks_free(NULL);
    arena_free(NULL);
}

TEST(what_is_wiped_is_in_no_chunk_that_is_used_again)
{
    enum { TEXT = 3 * KIB };
    struct arena_chunks *chunks = arena_chunks_new(4);
    struct arena *a = arena_new(chunks, 64 * KIB);
    for (int i = 0; i < 3; i++)
        memset(arena_text(a, TEXT), 's', TEXT); /* in three chunks */
    arena_wipe(a);
    a = arena_new(chunks, 64 * KIB);
    for (int i = 0; i < 3; i++) {
        const char *text = arena_text(a, TEXT);
        check(memchr(text, 's', TEXT) == NULL);
    }
    arena_free(a);
    a = arena_new(NULL, 64 * KIB);
    arena_text(a, 2 * (size_t)TEXT); /* a chunk of its own */
    arena_wipe(a);
    arena_wipe(NULL);
    arena_chunks_free(chunks);
}

TEST(the_chunk_that_a_test_refuses_makes_the_arena_full)
{
    arena_fail_nth(1);
    check(arena_new(NULL, 64 * KIB) == NULL);
    arena_fail_nth(2);
    struct arena *arena = arena_new(NULL, 64 * KIB);
    check(arena != NULL);
    check(arena_text(arena, 8 * KIB) == NULL);
    check(arena_is_full(arena));
    arena_fail_nth(0);
    arena_reset(arena);
    check(arena_text(arena, 8 * KIB) != NULL);
    arena_free(arena);
}

TEST(what_is_not_handed_out_is_poisoned_under_asan)
{
#ifdef UNDER_ASAN
    struct arena *arena = arena_new(NULL, 64 * KIB);
    char *text = arena_text(arena, 16);
    check(__asan_region_is_poisoned(text, 16) == NULL);
    check(__asan_region_is_poisoned(text, 17) == text + 16);
    arena_trim(arena, text, 5);
    check(__asan_region_is_poisoned(text, 16) == text + 5);
    char *large = arena_text(arena, 8 * KIB);
    arena_trim(arena, large, 3);
    check(__asan_region_is_poisoned(large, 4) == large + 3);
    arena_reset(arena);
    check(__asan_address_is_poisoned(text));
    arena_free(arena);
#else
    skip();
#endif
}

int arena_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_is_aligned_and_zeroed),
        cmocka_unit_test(a_full_arena_answers_null_to_everything_and_remembers_it),
        cmocka_unit_test(a_request_for_almost_everything_does_not_overflow),
        cmocka_unit_test(the_ceiling_counts_all_chunks),
        cmocka_unit_test(a_large_text_does_not_end_the_use_of_the_current_chunk),
        cmocka_unit_test(what_a_large_text_gives_back_is_used_next),
        cmocka_unit_test(trimming_gives_the_tail_back),
        cmocka_unit_test(copies_strings_and_formats_live_in_the_arena),
        cmocka_unit_test(parts_are_joined_whatever_bytes_they_have),
        cmocka_unit_test(a_text_grows_where_it_stands_or_moves_with_its_bytes),
        cmocka_unit_test(a_text_that_gave_its_rest_away_moves_when_it_grows),
        cmocka_unit_test(chunks_are_shared_and_used_again),
        cmocka_unit_test(what_is_wiped_is_in_no_chunk_that_is_used_again),
        cmocka_unit_test(the_chunk_that_a_test_refuses_makes_the_arena_full),
        cmocka_unit_test(what_is_not_handed_out_is_poisoned_under_asan),
    };
    return cmocka_run_group_tests_name("arena", tests, NULL, NULL);
}
