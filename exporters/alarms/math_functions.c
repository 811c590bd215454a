/* SPDX-License-Identifier: Apache-2.0 */
/* The functions, by the table. What an argument is was settled by math_parse.c. */
#include <math.h>
#include <stdlib.h>
#include <time.h>

#include "exporters/alarms/band.h"
#include "exporters/alarms/math_inside.h"

/* ---- shared ---- */

static size_t points(const struct math_run *run)
{
    return run->inputs->window.count;
}

static int64_t time_at(const struct math_run *run, size_t i)
{
    const struct math_window *window = &run->inputs->window;
    return window->start_s + (int64_t)(i * window->period_s);
}

static bool is_called(const struct math_node *call, const char *name)
{
    return span_is(call->text, span_text(name));
}

/* A new series out of each of the value's; the value has one at least, or none at all. */
typedef void series_change(struct math_run *run, const struct math_node *call, const double *from,
                           double *to);

static struct math_value change(struct math_run *run, const struct math_node *call,
                                struct math_value value, series_change *apply)
{
    double **series;
    struct math_value list = math_list(run, value.series_count, &series);
    for (size_t i = 0; i < list.series_count; i++) {
        series[i] = math_series_new(run);
        apply(run, call, value.series[i], series[i]);
    }
    list.kind = value.kind;
    return list;
}

/* ---- ABS, CEIL... of each value ---- */

static double each_of(char first, size_t len, double x)
{
    switch (first) {
    case 'A': return fabs(x);
    case 'C': return ceil(x);
    case 'F': return floor(x);
    default: return len == 3 ? log(x) : log10(x);
    }
}

static void each_change(struct math_run *run, const struct math_node *call, const double *from,
                        double *to)
{
    for (size_t i = 0; i < points(run); i++)
        to[i] = math_finite(each_of(call->text.at[0], call->text.len, from[i]));
}

static struct math_value math_each(struct math_run *run, const struct math_node *call)
{
    struct math_value value = math_value_of(run, call->first);
    return value.kind == MATH_NUMBER
               ? math_number(each_of(call->text.at[0], call->text.len, value.number))
               : change(run, call, value, each_change);
}

/* ---- AVG, MAX, MIN, STDDEV, SUM ---- */

struct fold {
    double count, sum, least, most, squares;
};

static void fold_add(struct fold *fold, double x)
{
    if (isnan(x))
        return;
    fold->least = fold->count == 0 || x < fold->least ? x : fold->least;
    fold->most = fold->count == 0 || x > fold->most ? x : fold->most;
    double before = fold->count > 0 ? fold->sum / fold->count : 0;
    fold->count++;
    fold->sum += x;
    fold->squares += (x - before) * (x - fold->sum / fold->count);
}

/* `places`: how many values there could be; AVG over series counts the missing ones as 0. */
static double fold_end(struct span name, const struct fold *fold, double places)
{
    if (fold->count == 0)
        return MATH_GAP;
    if (span_is(name, SPAN("AVG")))
        return math_finite(fold->sum / places);
    if (span_is(name, SPAN("MAX")))
        return fold->most;
    if (span_is(name, SPAN("MIN")))
        return fold->least;
    if (span_is(name, SPAN("SUM")))
        return math_finite(fold->sum);
    return math_finite(sqrt(fold->squares / fold->count));
}

static double fold_series(const struct math_run *run, struct span name, const double *series)
{
    struct fold fold = {0};
    for (size_t i = 0; i < points(run); i++)
        fold_add(&fold, series[i]);
    return fold_end(name, &fold, fold.count);
}

static struct math_value math_fold(struct math_run *run, const struct math_node *call)
{
    struct math_value value = math_value_of(run, call->first);
    if (value.kind == MATH_NUMBER) {
        struct fold fold = {0};
        fold_add(&fold, value.number);
        return math_number(fold_end(call->text, &fold, 1));
    }
    if (value.kind == MATH_SERIES)
        return math_number(value.series_count > 0 ? fold_series(run, call->text, value.series[0])
                                                  : MATH_GAP);
    double *to = math_series_new(run);
    for (size_t i = 0; i < points(run); i++) {
        struct fold fold = {0};
        for (size_t k = 0; k < value.series_count; k++)
            fold_add(&fold, value.series[k][i]);
        to[i] = fold_end(call->text, &fold, (double)value.series_count);
    }
    return math_one(run, to);
}

static struct math_value math_points(struct math_run *run, const struct math_node *call)
{
    struct math_value value = math_value_of(run, call->first);
    double *to = math_series_new(run), count = 0;
    for (size_t i = 0; i < points(run); i++) {
        double here = 0;
        for (size_t k = 0; k < value.series_count; k++)
            here += !isnan(value.series[k][i]);
        to[i] = here;
        count += here;
    }
    return value.kind == MATH_SERIES ? math_number(count) : math_one(run, to);
}

/* ---- DIFF, DIFF_TIME, RATE, RUNNING_SUM: along the series ---- */

static void walk_change(struct math_run *run, const struct math_node *call, const double *from,
                        double *to)
{
    size_t before = 0;
    double sum = 0;
    bool begun = false;
    for (size_t i = 0; i < points(run); i++) {
        if (isnan(from[i]))
            continue;
        double seconds = (double)(time_at(run, i) - time_at(run, before));
        sum += from[i];
        if (is_called(call, "RUNNING_SUM"))
            to[i] = math_finite(sum);
        else if (begun && is_called(call, "DIFF"))
            to[i] = math_finite(from[i] - from[before]);
        else if (begun && is_called(call, "DIFF_TIME"))
            to[i] = seconds;
        else if (begun)
            to[i] = math_finite((from[i] - from[before]) / seconds);
        before = i;
        begun = true;
    }
}

static struct math_value math_walk(struct math_run *run, const struct math_node *call)
{
    return change(run, call, math_value_of(run, call->first), walk_change);
}

/* ---- DATE, DAY, EPOCH... of each value's time, UTC ---- */

static double time_part(const struct math_node *call, int64_t time_s)
{
    struct tm tm;
    time_t time = (time_t)time_s;
    if (is_called(call, "EPOCH"))
        return (double)time_s;
    if (gmtime_r(&time, &tm) == NULL)
        return MATH_GAP;
    if (is_called(call, "DATE"))
        return tm.tm_mday;
    if (is_called(call, "DAY"))
        return tm.tm_wday == 0 ? 7 : tm.tm_wday;
    if (is_called(call, "HOUR"))
        return tm.tm_hour;
    if (is_called(call, "MINUTE"))
        return tm.tm_min;
    return is_called(call, "MONTH") ? tm.tm_mon + 1 : tm.tm_year + 1900;
}

static void times_change(struct math_run *run, const struct math_node *call, const double *from,
                         double *to)
{
    for (size_t i = 0; i < points(run); i++)
        if (!isnan(from[i]))
            to[i] = time_part(call, time_at(run, i));
}

static struct math_value math_times(struct math_run *run, const struct math_node *call)
{
    return change(run, call, math_value_of(run, call->first), times_change);
}

/* ---- FILL ---- */

/* The first value from `i` on; the count where there is none. */
static size_t next_value(const struct math_run *run, const double *series, size_t i)
{
    while (i < points(run) && isnan(series[i]))
        i++;
    return i;
}

/* What lies before the first value and, for a line, behind the last stays a gap. */
static void fill_along(const struct math_run *run, double *series, bool line)
{
    size_t before = next_value(run, series, 0);
    while (before < points(run)) {
        size_t after = next_value(run, series, before + 1);
        double step = line && after < points(run)
                          ? (series[after] - series[before]) / (double)(after - before)
                          : 0;
        for (size_t i = before + 1; i < after && (!line || after < points(run)); i++)
            series[i] = series[before] + step * (double)(i - before);
        before = after;
    }
}

static void fill_change(struct math_run *run, const struct math_node *call, const double *from,
                        double *to)
{
    const struct math_node *with = call->first->next;
    memcpy(to, from, points(run) * sizeof *to);
    if (with->node == NODE_WORD) {
        fill_along(run, to, span_is(with->text, SPAN("LINEAR")));
        return;
    }
    struct math_value filler = math_value_of(run, with);
    for (size_t i = 0; i < points(run); i++)
        if (isnan(to[i]))
            to[i] = filler.kind == MATH_NUMBER ? filler.number
                    : filler.series_count > 0  ? filler.series[0][i]
                                               : MATH_GAP;
}

static struct math_value math_fill(struct math_run *run, const struct math_node *call)
{
    return change(run, call, math_value_of(run, call->first), fill_change);
}

/* ---- arrays ---- */

static struct math_value array_of(struct math_run *run, const struct math_node *node)
{
    struct math_value value = math_value_of(run, node);
    value.kind = MATH_ARRAY;
    return value;
}

static struct math_value math_pick(struct math_run *run, const struct math_node *call)
{
    struct math_value list = array_of(run, call->first);
    if (list.series_count == 0)
        return math_one(run, math_series_new(run));
    return math_one(run, list.series[is_called(call, "FIRST") ? 0 : list.series_count - 1]);
}

static struct math_value math_length(struct math_run *run, const struct math_node *call)
{
    return math_number((double)array_of(run, call->first).series_count);
}

static struct math_value math_full(struct math_run *run, const struct math_node *call)
{
    struct math_value list = array_of(run, call->first);
    double **series;
    struct math_value kept = math_list(run, list.series_count, &series);
    size_t count = 0;
    for (size_t i = 0; i < kept.series_count; i++)
        if (next_value(run, list.series[i], 0) < points(run))
            memcpy(&series[count++], &list.series[i], sizeof *series);
    kept.series_count = count;
    return kept;
}

/* A number as an index from 0 to `most`; what is none is 0. */
static size_t index_of(double number, size_t most)
{
    return !(number > 0) ? 0 : number < (double)most ? (size_t)number : most;
}

static struct math_value math_slice(struct math_run *run, const struct math_node *call)
{
    struct math_value list = array_of(run, call->first);
    const struct math_node *second = call->first->next, *third = second->next;
    size_t from = index_of(math_value_of(run, second).number, list.series_count);
    size_t to = third != NULL ? index_of(math_value_of(run, third).number, list.series_count)
                              : list.series_count;
    list.series += from;
    list.series_count = to > from ? to - from : 0;
    return list;
}

struct sortable {
    const double *series;
    double by;
    size_t place; /* equal ones stay as they were */
};

static int ascending(const void *a, const void *b)
{
    const struct sortable *x = a, *y = b;
    if (isnan(x->by) || isnan(y->by)) /* what has no value comes last */
        return isnan(x->by) != isnan(y->by) ? (isnan(x->by) ? 1 : -1)
                                            : (x->place > y->place) - (x->place < y->place);
    int order = (x->by > y->by) - (x->by < y->by);
    return order != 0 ? order : (x->place > y->place) - (x->place < y->place);
}

static struct math_value math_sort(struct math_run *run, const struct math_node *call)
{
    struct math_value list = array_of(run, call->first);
    const struct math_node *by = call->first->next, *order = by->next, *most = order->next;
    bool descending = span_is(order->text, SPAN("DESC"));
    double **series;
    struct math_value sorted = math_list(run, list.series_count, &series);
    struct sortable *rows = arena_alloc(run->arena, (list.series_count + 1) * sizeof *rows);
    if (rows == NULL || sorted.series_count == 0)
        return list;
    for (size_t i = 0; i < list.series_count; i++) {
        double value = fold_series(run, by->text, list.series[i]);
        rows[i] = (struct sortable){list.series[i], descending ? -value : value, i};
    }
    qsort(rows, list.series_count, sizeof *rows, ascending);
    for (size_t i = 0; i < list.series_count; i++)
        memcpy(&series[i], &rows[i].series, sizeof *series);
    if (most != NULL)
        sorted.series_count = index_of(math_value_of(run, most).number, list.series_count);
    return sorted;
}

static struct math_value math_metrics(struct math_run *run, const struct math_node *call)
{
    const struct math *math = run->math;
    struct span part = call->first != NULL ? call->first->text : SPAN("");
    double **series;
    struct math_value list = math_list(run, math->name_count, &series);
    size_t count = 0;
    for (size_t i = 0; i < math->name_count && list.series_count > 0; i++)
        if (math->names[i].is_metric && span_find(math->names[i].id, part) != SPAN_NONE)
            memcpy(&series[count++], &run->inputs->values[i].series[0], sizeof *series);
    list.series_count = count;
    return list;
}

/* ---- the others ---- */

static struct math_value math_period(struct math_run *run, const struct math_node *call)
{
    (void)call;
    return math_number(run->inputs->window.period_s);
}

static struct math_value math_spread(struct math_run *run, const struct math_node *call)
{
    struct math_value value = math_value_of(run, call->first);
    double *to = math_series_new(run);
    for (size_t i = 0; i < points(run); i++)
        to[i] = value.number;
    return math_one(run, to);
}

static double at(const struct math_value *value, size_t i)
{
    return value->kind == MATH_NUMBER ? value->number
           : value->series_count > 0  ? value->series[0][i]
                                      : MATH_GAP;
}

/* `series > number`: the form whose true branch counts as 0 where it lacks the value. */
static bool compares_with_number(const struct math_node *condition)
{
    return condition->node == NODE_BINARY && condition->operation >= MATH_EQUAL &&
           condition->first->kind != condition->first->next->kind;
}

static struct math_value math_if(struct math_run *run, const struct math_node *call)
{
    const struct math_node *then = call->first->next, *otherwise = then->next;
    struct math_value condition = math_value_of(run, call->first);
    struct math_value yes = math_value_of(run, then), no = math_number(MATH_GAP);
    if (otherwise != NULL)
        no = math_value_of(run, otherwise);
    if (call->kind == MATH_NUMBER)
        return isnan(condition.number) ? condition : condition.number != 0 ? yes : no;
    bool lacks_as_zero = compares_with_number(call->first);
    double *to = math_series_new(run);
    for (size_t i = 0; i < points(run); i++) {
        double holds = at(&condition, i);
        if (isnan(holds))
            continue;
        to[i] = at(holds != 0 ? &yes : &no, i);
        if (holds != 0 && isnan(to[i]) && lacks_as_zero)
            to[i] = 0;
    }
    return math_one(run, to);
}

/* The oldest value is learned before anything is judged by it: what is looked at never is. */
static struct math_value math_band(struct math_run *run, const struct math_node *call)
{
    struct math_value value = math_value_of(run, call->first);
    const struct math_node *second = call->first->next;
    double deviations = second != NULL ? math_value_of(run, second).number : 2;
    struct band *band = run->inputs->band;
    double **series;
    struct math_value list = math_list(run, 2, &series);
    if (list.series_count == 0)
        return list;
    series[0] = math_series_new(run);
    series[1] = math_series_new(run);
    if (band == NULL || value.series_count == 0 || points(run) == 0)
        return list;
    band_learn(band, time_at(run, 0), value.series[0][0]);
    for (size_t i = 0; i < points(run); i++)
        band_at(band, time_at(run, i), deviations, &series[0][i], &series[1][i]);
    return list;
}

/* ---- the table ---- */

static const struct math_function functions[] = {
#define FUNCTION(name, arguments, least, gives, how) {#name, arguments, least, gives, how},
#include "exporters/alarms/math_functions.tbl"
#undef FUNCTION
};

const char *math_function_name(size_t i)
{
    return i < sizeof functions / sizeof *functions ? functions[i].name : NULL;
}

const struct math_function *math_function_find(struct span name)
{
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++)
        if (span_is(name, span_text(functions[i].name)))
            return &functions[i];
    return NULL;
}
