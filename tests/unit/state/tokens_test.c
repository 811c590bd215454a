/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/state/tokens.h"

#include "tests/check.h"
#include "tests/unit/state/suites.h"

static struct span found(struct tokens *tokens, const char *token, uint64_t now_s,
                         struct arena *arena)
{
    struct span value = {NULL, 0};
    return tokens_find(tokens, span_text(token), now_s, arena, &value) ? value
                                                                       : (struct span){NULL, 0};
}

TEST(a_good_token_is_known_until_it_expires)
{
    struct arena *arena = arena_new(NULL, 1 << 16);
    struct tokens *tokens = tokens_new(100);
    check(found(tokens, "a.b.c", 10, arena).at == NULL);
    tokens_set(tokens, SPAN("a.b.c"), 20, SPAN("alice"));
    check_span(found(tokens, "a.b.c", 19, arena), "alice");
    check(found(tokens, "a.b.c", 20, arena).at == NULL);
    check(found(tokens, "a.b.d", 10, arena).at == NULL);
    check(found(tokens, "a.b.", 10, arena).at == NULL);
    tokens_give(tokens);
    arena_free(arena);
}

TEST(what_was_found_is_the_callers_own_copy)
{
    struct arena *arena = arena_new(NULL, 1 << 16);
    struct tokens *tokens = tokens_new(100);
    tokens_set(tokens, SPAN("a.b.c"), 20, SPAN("alice"));
    struct span first = found(tokens, "a.b.c", 1, arena);
    tokens_set(tokens, SPAN("a.b.c"), 30, SPAN("alice again"));
    check_number(tokens_count(tokens), 1);
    tokens_give(tokens);
    check_span(first, "alice");
    arena_free(arena);
}

TEST(many_tokens_stay_within_the_bound_and_the_used_ones_stay)
{
    struct arena *arena = arena_new(NULL, 1 << 20);
    struct tokens *tokens = tokens_new(160);
    tokens_set(tokens, SPAN("ours"), 20, SPAN("alice"));
    for (unsigned i = 0; i < 5000; i++) {
        char name[] = "token 0000";
        for (unsigned digit = 0, rest = i; digit < 4; digit++, rest /= 10)
            name[9 - digit] = (char)('0' + rest % 10);
        tokens_set(tokens, span_text(name), 20, SPAN("x"));
        check_span(found(tokens, "ours", 1, arena), "alice");
    }
    check(tokens_count(tokens) <= 168);
    tokens_give(tokens);
    arena_free(arena);
}

TEST(values_that_are_too_long_are_not_kept)
{
    static char text[TOKENS_VALUE_BYTES + 1];
    struct tokens *tokens = tokens_new(100);
    tokens_set(tokens, SPAN("a"), 20, span_make(text, TOKENS_VALUE_BYTES + 1));
    check_number(tokens_count(tokens), 0);
    tokens_set(tokens, SPAN("a"), 20, span_make(text, TOKENS_VALUE_BYTES));
    check_number(tokens_count(tokens), 1);
    tokens_give(tokens);
}

int tokens_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_token_is_known_until_it_expires),
        cmocka_unit_test(what_was_found_is_the_callers_own_copy),
        cmocka_unit_test(many_tokens_stay_within_the_bound_and_the_used_ones_stay),
        cmocka_unit_test(values_that_are_too_long_are_not_kept),
    };
    return cmocka_run_group_tests_name("tokens", tests, NULL, NULL);
}
