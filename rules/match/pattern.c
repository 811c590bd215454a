/* SPDX-License-Identifier: Apache-2.0 */
/* PCRE2 behind a small door. */
#include "rules/match/pattern.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdlib.h>

#include "rules/base/must.h"

enum {
    DEFAULT_MATCH_LIMIT = 500000,
    DEPTH_LIMIT = 250000,
    HEAP_LIMIT_KIB = 20000,
    JIT_STACK_MIN = 32 * 1024,
    JIT_STACK_MAX = 1024 * 1024,
};

struct pattern {
    pcre2_code *code;
    bool jit;
    bool is_divisible; /* a search may go on where another one ended */
};

struct scratch {
    pcre2_match_data *data;
    pcre2_match_context *context;
    pcre2_jit_stack *stack;
};

/* Not where all is tried from the first byte (that is one try), and not where the pattern asks
 * where the search began, or ends it itself (\G, verbs). */
static bool is_divisible(const pcre2_code *code, struct span text)
{
    uint32_t options = 0;
    pcre2_pattern_info(code, PCRE2_INFO_ALLOPTIONS, &options);
    return (options & PCRE2_ANCHORED) == 0 && span_find(text, SPAN("\\G")) == SPAN_NONE &&
           span_find(text, SPAN("(*")) == SPAN_NONE;
}

struct pattern *pattern_new(struct span text, unsigned flags, size_t *offset, char *why,
                            size_t size)
{
    uint32_t options =
        PCRE2_DOTALL | PCRE2_DOLLAR_ENDONLY | PCRE2_NEVER_UTF | PCRE2_USE_OFFSET_LIMIT;
    struct pattern *pattern;
    pcre2_code *code;
    int fault;

    if ((flags & PATTERN_SELECTOR) != 0)
        options |= PCRE2_CASELESS;
    code = pcre2_compile((PCRE2_SPTR)(text.len > 0 ? text.at : ""), text.len, options, &fault,
                         offset, NULL);
    if (code == NULL) {
        pcre2_get_error_message(fault, (PCRE2_UCHAR *)why, size);
        return NULL;
    }
    pattern = must_alloc(sizeof(*pattern));
    pattern->code = code;
    pattern->jit = pcre2_jit_compile(code, PCRE2_JIT_COMPLETE) == 0;
    pattern->is_divisible = is_divisible(code, text);
    return pattern;
}

void pattern_free(struct pattern *pattern)
{
    if (pattern == NULL)
        return;
    pcre2_code_free(pattern->code);
    free(pattern);
}

bool pattern_has_jit(const struct pattern *pattern)
{
    return pattern->jit;
}

struct scratch *scratch_new(void)
{
    struct scratch *scratch = must_alloc(sizeof(*scratch));

    scratch->data = pcre2_match_data_create(CAPTURES, NULL);
    scratch->context = pcre2_match_context_create(NULL);
    scratch->stack = pcre2_jit_stack_create(JIT_STACK_MIN, JIT_STACK_MAX, NULL);
    must(scratch->data != NULL && scratch->context != NULL);
    pcre2_set_depth_limit(scratch->context, DEPTH_LIMIT);
    pcre2_set_heap_limit(scratch->context, HEAP_LIMIT_KIB);
    /* Without a stack of its own the machine code uses 32 KiB of the thread's. */
    if (scratch->stack != NULL)
        pcre2_jit_stack_assign(scratch->context, NULL, scratch->stack);
    scratch_set_match_limit(scratch, 0);
    return scratch;
}

void scratch_free(struct scratch *scratch)
{
    if (scratch == NULL)
        return;
    pcre2_match_data_free(scratch->data);
    pcre2_match_context_free(scratch->context);
    pcre2_jit_stack_free(scratch->stack);
    free(scratch);
}

void scratch_set_match_limit(struct scratch *scratch, uint32_t limit)
{
    pcre2_set_match_limit(scratch->context, limit == 0 ? DEFAULT_MATCH_LIMIT : limit);
}

/* Groups that took no part are empty, those behind the last one that did are not counted. */
static void fill_captures(struct captures *captures, struct span subject,
                          const struct scratch *scratch, int groups)
{
    const PCRE2_SIZE *at = pcre2_get_ovector_pointer(scratch->data);

    captures->count = groups > 0 ? (unsigned)groups : CAPTURES; /* 0: more than there is room for */
    for (size_t i = 0; i < captures->count; i++) {
        bool set = at[2 * i] != PCRE2_UNSET && at[2 * i + 1] >= at[2 * i];

        captures->at[i] =
            set ? span_make(subject.at + at[2 * i], at[2 * i + 1] - at[2 * i]) : span_make("", 0);
    }
}

/* The short way into the machine code leaves out checks of the arguments that always hold here. */
enum pattern_answer pattern_match_from(const struct pattern *pattern, struct span subject,
                                       size_t start, struct scratch *scratch,
                                       struct captures *captures)
{
    int groups;

    if (subject.at == NULL)
        subject.at = "";
    groups = (pattern->jit ? pcre2_jit_match : pcre2_match)(pattern->code, (PCRE2_SPTR)subject.at,
                                                            subject.len, start, 0, scratch->data,
                                                            scratch->context);
    if (captures != NULL)
        captures->count = 0;
    if (groups == PCRE2_ERROR_NOMATCH)
        return PATTERN_NO;
    if (groups < 0)
        return PATTERN_LIMIT;
    if (captures != NULL)
        fill_captures(captures, subject, scratch, groups);
    return PATTERN_YES;
}

enum pattern_answer pattern_match(const struct pattern *pattern, struct span subject,
                                  struct scratch *scratch, struct captures *captures)
{
    return pattern_match_from(pattern, subject, 0, scratch, captures);
}

enum pattern_answer pattern_match_slice(const struct pattern *pattern, struct span subject,
                                        size_t *start, const struct patience *patience,
                                        struct scratch *scratch, struct captures *captures)
{
    enum pattern_answer answer = PATTERN_NO;
    bool in_windows = patience->is_over != NULL && pattern->is_divisible;
    while (in_windows && answer == PATTERN_NO && *start < subject.len &&
           subject.len - *start > PATTERN_WINDOW) {
        pcre2_set_offset_limit(scratch->context, *start + PATTERN_WINDOW - 1);
        answer = pattern_match_from(pattern, subject, *start, scratch, captures);
        *start += PATTERN_WINDOW;
        if (answer == PATTERN_NO && patience->is_over(patience->context))
            answer = PATTERN_PAUSED;
    }
    if (in_windows)
        pcre2_set_offset_limit(scratch->context, PCRE2_UNSET);
    return answer == PATTERN_NO ? pattern_match_from(pattern, subject, *start, scratch, captures)
                                : answer;
}

static bool means_something(char c)
{
    return c != '\0' && strchr("\\^$.[]()*+?{}-#", c) != NULL;
}

struct span pattern_escape(struct span value, struct arena *arena)
{
    size_t count = 0;
    char *to;

    for (size_t i = 0; i < value.len; i++)
        count += means_something(value.at[i]);
    if (count == 0)
        return value;
    to = arena_text(arena, value.len + count);
    if (to == NULL)
        return span_make(NULL, 0);
    for (size_t i = 0, len = 0; i < value.len; i++) {
        if (means_something(value.at[i]))
            to[len++] = '\\';
        to[len++] = value.at[i];
    }
    return span_make(to, value.len + count);
}
