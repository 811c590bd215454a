/* SPDX-License-Identifier: Apache-2.0 */
/* What unit tests say, on top of cmocka. */
#ifndef SIDEGATE_TESTS_CHECK_H
#define SIDEGATE_TESTS_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "rules/base/span.h"

#define check(condition)        check_at((condition), #condition, __FILE__, __LINE__)
#define check_number(got, want) assert_int_equal((got), (want))
/* `got` is a span, `want` a terminated string or a literal without NUL. */
#define check_span(got, want) check_span_at((got), span_text(want), __FILE__, __LINE__)

/* Says to the compiler, too, that a test ends here: what was checked is so. */
static inline void check_at(bool holds, const char *condition, const char *file, int line)
{
    if (holds)
        return;
    _assert_true(0, condition, file, line);
    __builtin_unreachable();
}

static inline void check_span_at(struct span got, struct span want, const char *file, int line)
{
    if (span_is(got, want))
        return;
    print_error("%s:%d: got  \"" SPAN_FORMAT "\"\n", file, line, span_arg(got));
    print_error("%s:%d: want \"" SPAN_FORMAT "\"\n", file, line, span_arg(want));
    fail();
}

/* A test whose name is its sentence: TEST(an_empty_span_equals_an_empty_span) { check(...); } */
#define TEST(sentence) static void sentence(void **state __attribute__((unused)))

#endif
