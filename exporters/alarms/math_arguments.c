/* SPDX-License-Identifier: Apache-2.0 */
/* What a function takes in which place. */
#include "exporters/alarms/math_inside.h"

static bool is_word_of(const struct math_node *node, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (node->node == NODE_WORD && span_is(node->text, span_text(words[i])))
            return true;
    return false;
}

static bool is_fold(const struct math_node *node)
{
    static const char *const words[] = {"AVG", "MIN", "MAX", "SUM"};
    return is_word_of(node, words, sizeof words / sizeof *words);
}

static bool is_order(const struct math_node *node)
{
    static const char *const words[] = {"ASC", "DESC"};
    return is_word_of(node, words, sizeof words / sizeof *words);
}

static bool is_text(const struct math_node *node)
{
    return node->node == NODE_TEXT;
}

static bool is_any(const struct math_node *node)
{
    return node->node != NODE_WORD && node->node != NODE_TEXT;
}

static bool is_id(const struct math_node *node)
{
    return node->node == NODE_NAME;
}

static bool is_number(const struct math_node *node)
{
    return is_any(node) && node->kind == MATH_NUMBER;
}

static bool is_series(const struct math_node *node)
{
    return is_any(node) && node->kind != MATH_NUMBER;
}

static bool is_single(const struct math_node *node)
{
    return is_any(node) && node->kind != MATH_ARRAY;
}

static bool is_filler(const struct math_node *node)
{
    static const char *const words[] = {"REPEAT", "LINEAR"};
    return is_single(node) || is_word_of(node, words, sizeof words / sizeof *words);
}

/* The letters of math_functions.tbl. */
static const struct {
    char letter;
    bool (*fits)(const struct math_node *node);
    const char *expected;
} letters[] = {
    {'a', is_any, "a value"},           {'s', is_series, "a series"},
    {'l', is_series, "a series"},       {'c', is_single, "a number or one series"},
    {'n', is_number, "a number"},       {'m', is_id, "an id"},
    {'t', is_text, "a text in quotes"}, {'f', is_filler, "a value, REPEAT or LINEAR"},
    {'d', is_order, "ASC or DESC"},     {'o', is_fold, "AVG, MIN, MAX or SUM"},
};

const char *math_argument_wrong(char letter, const struct math_node *argument)
{
    size_t i = 0;
    while (letters[i].letter != letter)
        i++;
    return letters[i].fits(argument) ? NULL : letters[i].expected;
}
