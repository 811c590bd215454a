/* SPDX-License-Identifier: Apache-2.0 */
/* Walks the tree; operators here, functions in math_functions.c. */
#include <math.h>

#include "exporters/alarms/math_inside.h"

double math_finite(double value)
{
    return isfinite(value) ? value : MATH_GAP;
}

struct math_value math_number(double number)
{
    return (struct math_value){.kind = MATH_NUMBER, .number = math_finite(number)};
}

double *math_series_new(struct math_run *run)
{
    size_t count = run->inputs->window.count;
    double *series = arena_alloc(run->arena, (count + 1) * sizeof *series);
    series = series != NULL ? series : run->scratch;
    for (size_t i = 0; i < count; i++)
        series[i] = MATH_GAP;
    return series;
}

struct math_value math_list(struct math_run *run, size_t count, double ***series)
{
    *series = arena_alloc(run->arena, (count + 1) * sizeof **series);
    return (struct math_value){.kind = MATH_ARRAY,
                               .series = (const double *const *)*series,
                               .series_count = *series != NULL ? count : 0};
}

struct math_value math_one(struct math_run *run, const double *series)
{
    double **one;
    struct math_value value = math_list(run, 1, &one);
    value.kind = MATH_SERIES;
    if (value.series_count > 0)
        memcpy(one, &series, sizeof series);
    return value;
}

static double calculate(enum math_operator operation, double a, double b)
{
    switch (operation) {
    case MATH_ADD: return a + b;
    case MATH_SUBTRACT: return a - b;
    case MATH_MULTIPLY: return a * b;
    case MATH_DIVIDE: return b == 0 ? MATH_GAP : a / b;
    case MATH_POWER: return pow(a, b);
    case MATH_AND: return a != 0 && b != 0;
    case MATH_OR: return a != 0 || b != 0;
    case MATH_EQUAL: return a == b;
    case MATH_NOT_EQUAL: return a != b;
    case MATH_LESS: return a < b;
    case MATH_GREATER: return a > b;
    case MATH_LESS_OR_EQUAL: return a <= b;
    case MATH_GREATER_OR_EQUAL: return a >= b;
    }
    return MATH_GAP;
}

/* A number beside a series stands at each of its points; a series beside a series counts as 0 where
 * it has no value. */
static double calculate_at(enum math_operator operation, double a, double b, bool both_series)
{
    if ((isnan(a) && isnan(b)) || (!both_series && (isnan(a) || isnan(b))))
        return MATH_GAP;
    return math_finite(calculate(operation, isnan(a) ? 0 : a, isnan(b) ? 0 : b));
}

static const double *series_at(const struct math_value *value, size_t i)
{
    size_t at = value->kind == MATH_ARRAY ? i : 0;
    return at < value->series_count ? value->series[at] : NULL;
}

static double *combine(struct math_run *run, enum math_operator operation,
                       const struct math_value *left, const struct math_value *right, size_t i)
{
    const double *a = series_at(left, i), *b = series_at(right, i);
    bool both = left->kind != MATH_NUMBER && right->kind != MATH_NUMBER;
    double *to = math_series_new(run);
    for (size_t k = 0; k < run->inputs->window.count; k++)
        to[k] = calculate_at(operation, a != NULL ? a[k] : left->number,
                             b != NULL ? b[k] : right->number, both);
    return to;
}

static size_t pairs(const struct math_value *left, const struct math_value *right)
{
    if (left->kind != MATH_ARRAY)
        return right->series_count;
    if (right->kind != MATH_ARRAY || left->series_count < right->series_count)
        return left->series_count;
    return right->series_count;
}

static struct math_value binary_of(struct math_run *run, const struct math_node *node)
{
    struct math_value left = math_value_of(run, node->first);
    struct math_value right = math_value_of(run, node->first->next);
    double **series;
    if (node->kind == MATH_NUMBER)
        return math_number(calculate_at(node->operation, left.number, right.number, false));
    if (node->kind == MATH_SERIES)
        return math_one(run, combine(run, node->operation, &left, &right, 0));
    struct math_value value = math_list(run, pairs(&left, &right), &series);
    for (size_t i = 0; i < value.series_count; i++)
        series[i] = combine(run, node->operation, &left, &right, i);
    return value;
}

static struct math_value negative_of(struct math_run *run, const struct math_node *node)
{
    static const struct math_node zero = {.node = NODE_NUMBER, .kind = MATH_NUMBER};
    struct math_node left = zero, right = *node->first;
    const struct math_node minus = {.node = NODE_BINARY,
                                    .kind = node->kind,
                                    .operation = MATH_SUBTRACT,
                                    .first = &left,
                                    .count = 2};
    left.next = &right;
    return binary_of(run, &minus);
}

static struct math_value list_of(struct math_run *run, const struct math_node *node)
{
    struct math_value members[MATH_MEMBERS_MOST];
    size_t count = 0, total = 0;
    double **series;
    for (const struct math_node *n = node->first; n != NULL; n = n->next) {
        struct math_value value = math_value_of(run, n);
        if (value.kind == MATH_NUMBER) {
            double *spread = math_series_new(run);
            for (size_t k = 0; k < run->inputs->window.count; k++)
                spread[k] = value.number;
            value = math_one(run, spread);
        }
        members[count++] = value;
        total += value.series_count;
    }
    struct math_value list = math_list(run, total, &series);
    size_t at = 0;
    for (size_t i = 0; i < count && list.series_count > 0; i++)
        for (size_t k = 0; k < members[i].series_count; k++)
            memcpy(&series[at++], &members[i].series[k], sizeof *series);
    return list;
}

struct math_value math_value_of(struct math_run *run, const struct math_node *node)
{
    switch (node->node) {
    case NODE_NUMBER: return math_number(node->number);
    case NODE_NAME: return run->inputs->values[node->name];
    case NODE_LIST: return list_of(run, node);
    case NODE_CALL: return node->function->apply(run, node);
    case NODE_BINARY: return binary_of(run, node);
    case NODE_NEGATE: return negative_of(run, node);
    case NODE_WORD:
    case NODE_TEXT: break;
    }
    return math_number(MATH_GAP);
}

struct math_value math_run(const struct math *math, const struct math_inputs *inputs,
                           struct arena *arena)
{
    static const struct math_value nothing = {.kind = MATH_ARRAY, .number = MATH_GAP};
    struct math_run run = {math, inputs, arena, NULL};
    run.scratch = arena_alloc(arena, (inputs->window.count + 1) * sizeof *run.scratch);
    if (run.scratch == NULL)
        return nothing;
    struct math_value value = math_value_of(&run, math->root);
    return arena_is_full(arena) ? nothing : value;
}
