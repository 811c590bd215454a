/* SPDX-License-Identifier: Apache-2.0 */
/* Any text as an expression over three series: refused with a fault that stands inside of the text,
 * or a value of the kind that was promised, finite or a gap, and the same each time. */
#include <math.h>
#include <stdint.h>

#include "exporters/alarms/band.h"
#include "exporters/alarms/math.h"
#include "rules/base/must.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { POINTS = 6, ARENA_BYTES = 8 << 20 };

static void must_stand_inside(const struct faults *faults, struct span text)
{
    const struct fault *fault = faults_at(faults, 0);
    unsigned lines = 1;
    for (size_t i = 0; i < text.len; i++)
        lines += text.at[i] == '\n';
    must(fault != NULL && fault->place.line >= 1 && fault->place.line <= lines);
    must(fault->place.column >= 1 && fault->place.column <= text.len + 1);
}

static void must_be_whole(const struct math_value *value)
{
    must(value->kind != MATH_NUMBER || !isinf(value->number));
    must(value->kind != MATH_SERIES || value->series_count == 1);
    for (size_t i = 0; value->kind != MATH_NUMBER && i < value->series_count; i++)
        for (size_t k = 0; k < POINTS; k++)
            must(!isinf(value->series[i][k]));
}

static bool same(double a, double b)
{
    return a == b || (isnan(a) && isnan(b));
}

static void must_be_the_same(const struct math_value *a, const struct math_value *b)
{
    must(a->kind == b->kind);
    must(a->kind != MATH_NUMBER || same(a->number, b->number));
    must(a->kind == MATH_NUMBER || a->series_count == b->series_count);
    for (size_t i = 0; a->kind != MATH_NUMBER && i < a->series_count; i++)
        for (size_t k = 0; k < POINTS; k++)
            must(same(a->series[i][k], b->series[i][k]));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const double series[3][POINTS] = {
        {1, 2, 3, 4, 5, 6},
        {0, MATH_GAP, -2.5, MATH_GAP, 1e300, 0},
        {MATH_GAP, MATH_GAP, MATH_GAP, MATH_GAP, MATH_GAP, MATH_GAP}};
    static const double *const at[] = {series[0], series[1], series[2]};
    static const struct math_name names[] = {{SPAN_INIT("a"), MATH_SERIES, true},
                                             {SPAN_INIT("errors"), MATH_SERIES, true},
                                             {SPAN_INIT("c"), MATH_SERIES, true}};
    struct math_value values[3];
    struct span text = span_make((const char *)data, size);
    struct faults *faults = faults_new();
    struct arena *arena = arena_new(NULL, ARENA_BYTES);
    struct band *band = band_new(60);
    must(arena != NULL);
    for (size_t i = 0; i < 3; i++)
        values[i] = (struct math_value){MATH_SERIES, MATH_GAP, &at[i], 1};
    const struct math_inputs inputs = {{1767229080, 60, POINTS}, values, band};
    struct math *math = math_parse(arena, text, (struct place){"fuzz", 1, 1}, names, 3, faults);
    must((math == NULL) == (faults_count(faults, FAULT_ERROR) > 0));
    if (math == NULL) {
        must_stand_inside(faults, text);
    } else {
        struct math_value first = math_run(math, &inputs, arena);
        struct math_value second = math_run(math, &inputs, arena);
        if (!arena_is_full(arena)) {
            must(first.kind == math_kind(math));
            must_be_whole(&first);
            must_be_the_same(&first, &second);
        }
    }
    band_free(band);
    arena_free(arena);
    faults_free(faults);
    return 0;
}
