/* SPDX-License-Identifier: Apache-2.0 */
/* Metric math: expressions over the series of an alarm or a query, as CloudWatch has them.
 *
 *   expression  || OR   && AND   == != < > <= >=   + -   * /   - (sign)   ^     from loose to
 * tight; ids, numbers, [a, b], FUNCTION(a, ...), (expression)
 *
 * A value is a number, a series or an array of series. All series lie in one window: `count`
 * periods from `start_s` on; a value that is missing is a NaN. Where one of two series has a value,
 * the other one counts as 0; a result that is no finite number (a division by zero) is a gap.
 * Between two arrays the series are taken in pairs, as far as the shorter goes. */
#ifndef SIDEGATE_EXPORTERS_ALARMS_MATH_H
#define SIDEGATE_EXPORTERS_ALARMS_MATH_H

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rules/base/arena.h"
#include "rules/base/fault.h"
#include "rules/base/span.h"

struct band;
struct math; /* one expression, read */

enum math_kind { MATH_NUMBER, MATH_SERIES, MATH_ARRAY };
enum { MATH_TEXT_MOST = 2048 };
#define MATH_GAP ((double)NAN) /* a value that is missing */

/* An id that expressions may name: a metric (a series), or an expression read before. */
struct math_name {
    struct span id;
    enum math_kind kind;
    bool is_metric;
};

/* Lies in the arena and borrows text and names. NULL: not understood; said with line and column,
 * `at` being where the text begins. */
struct math *math_parse(struct arena *arena, struct span text, struct place at,
                        const struct math_name *names, size_t count, struct faults *faults);
enum math_kind math_kind(const struct math *math);
/* Does the text name the id? Of text that does not parse, too. */
bool math_mentions(struct span text, struct span id);
bool math_id_is_good(struct span id); /* a lower-case letter, then letters, digits and _ */

struct math_window {
    int64_t start_s;
    unsigned period_s;
    size_t count;
};

struct math_value {
    enum math_kind kind;
    double number;               /* NaN: there is none */
    const double *const *series; /* one, or those of the array; each as long as the window */
    size_t series_count;
};

struct math_inputs {
    struct math_window window;
    const struct math_value *values; /* by name */
    struct band
        *band; /* for ANOMALY_DETECTION_BAND, which learns the oldest value; NULL: no band */
};

/* In the arena; a full arena gives an array of no series. */
struct math_value math_run(const struct math *math, const struct math_inputs *inputs,
                           struct arena *arena);

/* The i-th function's name; NULL beyond the last. */
const char *math_function_name(size_t i);

#endif
