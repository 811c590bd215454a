/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/alarms/statistic.h"

#include <math.h>
#include <stdlib.h>

#include "rules/base/fault.h"

enum { NUMBER_BYTES = 64, DECIMALS_MOST = 10 };
enum form { PLAIN, NUMBER, RANGE };

static const struct {
    const char *name;
    enum form form;
} rows[] = {
#define STATISTIC(identifier, name, form) {name, form},
#include "exporters/alarms/statistics.tbl"
#undef STATISTIC
};

/* ---- reading ---- */

bool alarm_number_parse(struct span text, double *value)
{
    char copy[NUMBER_BYTES], *end;
    if (text.len == 0 || text.len >= sizeof copy)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];
        if (!byte_is_digit(c) && c != '.' && c != '-' && c != '+' && c != 'e' && c != 'E')
            return false;
        copy[i] = c;
    }
    copy[text.len] = '\0';
    *value = strtod(copy, &end);
    return *end == '\0' && isfinite(*value);
}

/* Digits with at most ten behind the point: what percentages may have. */
static bool percentage_parse(struct span text, double *value)
{
    struct span fraction = text;
    struct span whole = span_cut(&fraction, '.');
    for (size_t i = 0; i < text.len; i++)
        if (!byte_is_digit(text.at[i]) && text.at[i] != '.')
            return false;
    return whole.len > 0 && fraction.len <= DECIMALS_MOST && alarm_number_parse(text, value) &&
           *value >= 0 && *value <= 100;
}

/* One end of a range; empty: not given. */
static bool end_parse(struct span text, bool *in_percent, double *value)
{
    *in_percent = text.len > 0 && text.at[text.len - 1] == '%';
    return *in_percent ? percentage_parse(span_first(text, text.len - 1), value)
                       : alarm_number_parse(text, value);
}

static bool range_parse(struct span text, struct statistic *statistic)
{
    struct span high = text;
    struct span low = span_cut(&high, ':');
    bool low_percent = false, high_percent = false;
    if (high.at == NULL || (low.len == 0 && high.len == 0) ||
        (low.len > 0 && !end_parse(low, &low_percent, &statistic->low)) ||
        (high.len > 0 && !end_parse(high, &high_percent, &statistic->high)) ||
        (low.len > 0 && high.len > 0 && low_percent != high_percent))
        return false;
    statistic->in_percent = low_percent || high_percent;
    if (low.len == 0)
        statistic->low = statistic->in_percent ? 0 : -(double)INFINITY;
    if (high.len == 0)
        statistic->high = statistic->in_percent ? 100 : (double)INFINITY;
    return statistic->low < statistic->high &&
           !(statistic->kind == STATISTIC_PERCENTILE_RANK && statistic->in_percent);
}

static bool is_lower_name(struct span text, struct span name)
{
    return text.len > name.len && span_starts_nocase(text, name) && text.at[0] >= 'a';
}

static bool row_parse(size_t i, struct span text, struct statistic *statistic)
{
    struct span name = span_text(rows[i].name), rest = span_from(text, name.len);
    *statistic = (struct statistic){.kind = (enum statistic_kind)i, .in_percent = true};
    if (rows[i].form == PLAIN) {
        statistic->low = i == STATISTIC_INTERQUARTILE_MEAN ? 25 : 0;
        statistic->high = i == STATISTIC_INTERQUARTILE_MEAN ? 75 : 100;
        return span_is(text, name);
    }
    if (is_lower_name(text, name) && i != STATISTIC_PERCENTILE_RANK)
        return percentage_parse(rest, &statistic->high) && statistic->high > 0;
    if (rows[i].form != RANGE || !span_starts(text, name) || rest.len < 2 || rest.at[0] != '(' ||
        rest.at[rest.len - 1] != ')')
        return false;
    return range_parse(span_make(rest.at + 1, rest.len - 2), statistic);
}

bool statistic_parse(struct span text, struct statistic *statistic, char *hint, size_t hint_size)
{
    const char *names[STATISTIC_KINDS + 1];
    for (size_t i = 0; i < STATISTIC_KINDS; i++) {
        if (row_parse(i, text, statistic))
            return true;
        names[i] = rows[i].form == NUMBER ? "p99" : rows[i].form == RANGE ? "tm99" : rows[i].name;
    }
    if (hint != NULL && hint_size > 0) {
        hint[0] = '\0';
        nearest_hint(text, names, STATISTIC_KINDS, hint, hint_size);
    }
    return false;
}

/* ---- computing ---- */

/* Ranks that a range in percent keeps: above `from` up to `to`. The little that is taken off and
 * put on keeps 0.1 * 10 from being a hair more than 1. */
struct ranks {
    uint64_t from, to;
};

static struct ranks ranks_of(const struct statistic *statistic, uint64_t count)
{
    double low = statistic->low / 100 * (double)count, high = statistic->high / 100 * (double)count;
    struct ranks ranks = {(uint64_t)floor(low + 1e-9 * low), (uint64_t)ceil(high - 1e-9 * high)};
    if (ranks.to > count)
        ranks.to = count;
    return ranks;
}

static struct sketch_part part_of(const struct statistic *statistic, const struct sketch *sketch)
{
    if (!statistic->in_percent)
        return sketch_values(sketch, statistic->low, statistic->high);
    struct ranks ranks = ranks_of(statistic, sketch->count);
    return sketch_ranks(sketch, ranks.from, ranks.to);
}

/* What lies below counts as the value at the lower end, what lies above as the one at the upper. */
static double winsorized(const struct statistic *statistic, const struct sketch *sketch)
{
    double count = (double)sketch->count, sum, below, above;
    struct sketch_part part = part_of(statistic, sketch);
    sum = part.sum;
    if (statistic->in_percent) {
        struct ranks ranks = ranks_of(statistic, sketch->count);
        below = (double)ranks.from;
        above = (double)(sketch->count - ranks.to);
        sum += below > 0 ? below * sketch_at_rank(sketch, ranks.from + 1) : 0;
        sum += above > 0 ? above * sketch_at_rank(sketch, ranks.to) : 0;
    } else {
        above = sketch_values(sketch, statistic->high, (double)INFINITY).count;
        below = count - part.count - above;
        sum += below > 0 ? below * statistic->low : 0;
        sum += above > 0 ? above * statistic->high : 0;
    }
    return sum / count;
}

static bool mean_of(struct sketch_part part, double *value)
{
    *value = part.count > 0 ? part.sum / part.count : 0;
    return part.count > 0;
}

static bool ordered_of(const struct statistic *statistic, const struct sketch *sketch,
                       double *value)
{
    struct sketch_part part = part_of(statistic, sketch);
    uint64_t to;
    switch (statistic->kind) {
    case STATISTIC_PERCENTILE:
        to = ranks_of(statistic, sketch->count).to;
        *value = sketch_at_rank(sketch, to > 0 ? to : 1);
        return true;
    case STATISTIC_TRIMMED_MEAN:
    case STATISTIC_INTERQUARTILE_MEAN: return mean_of(part, value);
    case STATISTIC_TRIMMED_COUNT: *value = part.count; return true;
    case STATISTIC_TRIMMED_SUM: *value = part.sum; return true;
    case STATISTIC_WINSORIZED_MEAN: *value = winsorized(statistic, sketch); return true;
    case STATISTIC_PERCENTILE_RANK: *value = 100 * part.count / (double)sketch->count; return true;
    case STATISTIC_AVERAGE:
    case STATISTIC_SUM:
    case STATISTIC_MINIMUM:
    case STATISTIC_MAXIMUM:
    case STATISTIC_SAMPLE_COUNT:
    case STATISTIC_KINDS: break;
    }
    return false;
}

bool statistic_of(const struct statistic *statistic, const struct sketch *sketch, double *value)
{
    if (sketch->count == 0)
        return false;
    double count = (double)sketch->count;
    if (statistic->kind == STATISTIC_AVERAGE)
        *value = sketch->sum / count;
    else if (statistic->kind == STATISTIC_SUM)
        *value = sketch->sum;
    else if (statistic->kind == STATISTIC_MINIMUM)
        *value = sketch->least;
    else if (statistic->kind == STATISTIC_MAXIMUM)
        *value = sketch->most;
    else if (statistic->kind == STATISTIC_SAMPLE_COUNT)
        *value = count;
    else
        return !sketch->has_negative && ordered_of(statistic, sketch, value);
    return true;
}

bool statistic_asks_order(const struct statistic *statistic)
{
    return statistic->kind > STATISTIC_SAMPLE_COUNT; /* the first five are totals */
}

double statistic_samples_needed(const struct statistic *statistic)
{
    double p = statistic->high / 100;
    if (statistic->kind != STATISTIC_PERCENTILE || p <= 0 || p >= 1)
        return 0;
    return p >= 0.5 ? 10 / (1 - p) : 10 / p;
}
