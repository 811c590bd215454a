/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/tally.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "exporters/words.h"
#include "rules/base/map.h"
#include "rules/base/must.h"
#include "rules/base/number.h"

/* A histogram has the sketch's buckets, by octave: those of a value's exponent are made when it is
 * met first. From 1 us (2^-10 ms) to twelve days. */
enum {
    MANTISSA_BITS = 52,
    BUCKET_BITS = 7,
    OCTAVE_BUCKETS = 1 << BUCKET_BITS,
    OCTAVES = 40,
    FIRST_EXPONENT = 1023 - 10,
    NAME_MOST = 200,
    MEMO = 512,
    MEMO_SHIFT = 55, /* the upper nine bits */
    SECOND_US = 1000000,
    IDLE_TAKES = 60, /* after which a row gives its buckets back */
};

struct octave {
    struct {
        uint32_t count;
        float beyond; /* what the values have beyond the bucket's beginning, summed, in parts of its
                         width */
    } buckets[OCTAVE_BUCKETS];
};

struct histogram {
    struct octave *octaves[OCTAVES]; /* NULL: nothing was met there */
    uint64_t count, zeros;
    double sum, least, most;
};

struct half {
    uint64_t count, status_4xx, status_5xx;
    struct histogram latency, integration;
};

struct row {
    struct span route, method; /* texts of its own */
    bool is_rest;
    struct half halves[2];
    unsigned idle; /* the taker's */
};

struct rule_row {
    struct span name; /* a text of its own */
    bool is_rest;
    uint64_t fates[2][TALLY_FATES];
    uint64_t seen[TALLY_FATES]; /* the last request that was counted here */
};

/* What a route's template and a method lead to, without hashing all of both. */
struct memo {
    struct row *row;
};

struct tally {
    atomic_bool on;
    pthread_mutex_t lock;
    /* the worker's own: */
    struct map *row_of, *rule_of;
    struct memo memo[MEMO];
    uint64_t request; /* number of the one that is being counted */
    /* under the lock: */
    unsigned writing;   /* the half that the worker writes into */
    int64_t seconds[2]; /* of the halves */
    bool filled[2];     /* there is something in it */
    struct row *rows[TALLY_ROWS_MOST + 1];
    struct rule_row *rules[TALLY_RULES_MOST + 1];
    size_t row_count, rule_count;
    struct rule_row *all, *by_default; /* two of them */
    struct row *rest;                  /* NULL: there was room for all */
    struct rule_row *rule_rest;
};

/* ---- life ---- */

static struct span text_new(struct span text)
{
    return span_make(span_own(text), text.len);
}

static void text_free(struct span text)
{
    char *at;
    memcpy(&at, &text.at, sizeof at);
    free(at);
}

static struct rule_row *rule_new(struct tally *tally, struct span name)
{
    struct rule_row *rule = must_alloc(sizeof *rule);
    rule->name = text_new(name);
    tally->rules[tally->rule_count++] = rule;
    return rule;
}

struct tally *tally_new(void)
{
    struct tally *tally = must_alloc(sizeof *tally);
    must(pthread_mutex_init(&tally->lock, NULL) == 0);
    tally->row_of = map_new(NULL, false);
    tally->rule_of = map_new(NULL, false);
    tally->all = rule_new(tally, SPAN("ALL"));
    tally->by_default = rule_new(tally, SPAN("Default_Action"));
    map_set(tally->rule_of, tally->all->name, tally->all);
    map_set(tally->rule_of, tally->by_default->name, tally->by_default);
    return tally;
}

static void histogram_free(struct histogram *histogram)
{
    for (size_t i = 0; i < OCTAVES; i++) {
        free(histogram->octaves[i]);
        histogram->octaves[i] = NULL;
    }
}

static void half_free(struct half *half)
{
    histogram_free(&half->latency);
    histogram_free(&half->integration);
}

void tally_free(struct tally *tally)
{
    if (tally == NULL)
        return;
    for (size_t i = 0; i < tally->row_count; i++) {
        half_free(&tally->rows[i]->halves[0]);
        half_free(&tally->rows[i]->halves[1]);
        text_free(tally->rows[i]->route);
        text_free(tally->rows[i]->method);
        free(tally->rows[i]);
    }
    for (size_t i = 0; i < tally->rule_count; i++) {
        text_free(tally->rules[i]->name);
        free(tally->rules[i]);
    }
    map_free(tally->row_of);
    map_free(tally->rule_of);
    pthread_mutex_destroy(&tally->lock);
    free(tally);
}

void tally_switch(struct tally *tally, bool on)
{
    atomic_store_explicit(&tally->on, on, memory_order_relaxed);
}

/* ---- samples ---- */

static void bucket_add(struct histogram *histogram, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    unsigned exponent = (unsigned)(bits >> MANTISSA_BITS);
    size_t octave = exponent < FIRST_EXPONENT ? 0 : exponent - FIRST_EXPONENT;
    size_t bucket = bits >> (MANTISSA_BITS - BUCKET_BITS) & (OCTAVE_BUCKETS - 1);
    octave = octave < OCTAVES ? octave : OCTAVES - 1;
    if (histogram->octaves[octave] == NULL)
        histogram->octaves[octave] = must_alloc(sizeof(struct octave));
    struct octave *at = histogram->octaves[octave];
    uint64_t beyond = bits & ((UINT64_C(1) << (MANTISSA_BITS - BUCKET_BITS)) - 1);
    at->buckets[bucket].count++;
    at->buckets[bucket].beyond += (float)beyond * 0x1p-45F;
}

static void histogram_add(struct histogram *histogram, uint64_t us)
{
    double value = (double)us / 1000;
    if (histogram->count == 0 || value < histogram->least)
        histogram->least = value;
    if (histogram->count == 0 || value > histogram->most)
        histogram->most = value;
    histogram->count++;
    histogram->sum += value;
    if (us == 0)
        histogram->zeros++;
    else
        bucket_add(histogram, value);
}

/* ---- rows ---- */

static struct row *row_new(struct tally *tally, struct span route, struct span method)
{
    struct row *row = must_alloc(sizeof *row);
    row->route = text_new(route);
    row->method = text_new(method);
    tally->rows[tally->row_count++] = row;
    return row;
}

static struct row *row_find(struct tally *tally, struct span route, struct span method)
{
    char bytes[2 * NAME_MOST + 1];
    route = span_first(route, NAME_MOST);
    method = method_known(method);
    if (route.len > 0)
        memcpy(bytes, route.at, route.len);
    bytes[route.len] = '\0';
    memcpy(bytes + route.len + 1, method.at, method.len);
    struct span key = span_make(bytes, route.len + 1 + method.len);
    struct row *row = map_find(tally->row_of, key);
    if (row != NULL)
        return row;
    if (tally->row_count < TALLY_ROWS_MOST) {
        row = row_new(tally, route, method);
        map_set(tally->row_of, key, row);
        return row;
    }
    if (tally->rest == NULL) {
        tally->rest = row_new(tally, SPAN(""), SPAN(""));
        tally->rest->is_rest = true;
    }
    return tally->rest;
}

static struct row *row_get(struct tally *tally, const struct report *report)
{
    struct span route = report->route, method = report->method;
    uint64_t mixed = ((uintptr_t)route.at << 8) + route.len + (method.len << 4) +
                     (method.len > 0 ? (uint64_t)(unsigned char)method.at[0] << 40 : 0);
    struct memo *memo = &tally->memo[mixed * UINT64_C(0x9e3779b97f4a7c15) >> MEMO_SHIFT];
    if (memo->row == NULL || !span_is(memo->row->method, method) ||
        !span_is(memo->row->route, route))
        memo->row = row_find(tally, route, method);
    return memo->row;
}

static void requests_count(struct tally *tally, const struct report *report)
{
    struct half *half = &row_get(tally, report)->halves[tally->writing];
    half->count++;
    half->status_4xx += report->status / 100 == 4;
    half->status_5xx += report->status / 100 == 5;
    histogram_add(&half->latency, report->duration_us);
    if (report->attempt_count > 0)
        histogram_add(&half->integration, report->attempts[report->attempt_count - 1].duration_us);
}

/* ---- rules ---- */

static struct rule_row *rule_get(struct tally *tally, struct span name)
{
    name = span_first(name, NAME_MOST);
    struct rule_row *rule = map_find(tally->rule_of, name);
    if (rule != NULL)
        return rule;
    if (tally->rule_count < TALLY_RULES_MOST) {
        rule = rule_new(tally, name);
        map_set(tally->rule_of, name, rule);
        return rule;
    }
    if (tally->rule_rest == NULL) {
        tally->rule_rest = rule_new(tally, SPAN(""));
        tally->rule_rest->is_rest = true;
    }
    return tally->rule_rest;
}

/* However often a rule matches: a request counts once. */
static void fate_add(struct tally *tally, struct rule_row *rule, enum tally_fate fate)
{
    if (rule->seen[fate] == tally->request)
        return;
    rule->seen[fate] = tally->request;
    rule->fates[tally->writing][fate]++;
}

static struct rule_row *rule_of_id(struct tally *tally, uint64_t id)
{
    char digits[24];
    return rule_get(tally, span_make(digits, number_write(digits, (int64_t)id)));
}

static bool is_of_waf(const struct report_decision *decision)
{
    struct span control = span_text(decision->control);
    return span_is(control, SPAN("access")) || span_is(control, SPAN("web_acl"));
}

static void matches_count(struct tally *tally, const struct report *report)
{
    for (size_t i = 0; i < report->waf.match_count; i++) {
        const struct rule_match *match = &report->waf.matches[i];
        bool decided = report->waf.action == WAF_BLOCK && match->rule_id == report->waf.decided_by;
        if (match->audit_only || decided)
            continue;
        fate_add(tally, rule_of_id(tally, match->rule_id), TALLY_COUNTED);
        fate_add(tally, tally->all, TALLY_COUNTED);
    }
}

static struct span metric_of(const struct report *report, size_t i)
{
    return report->metrics != NULL && report->metrics[i].at != NULL ? report->metrics[i]
                                                                    : report->decisions[i].name;
}

struct end {
    enum tally_fate fate;
    bool is_decided;     /* somebody said so; else it is what becomes of what nobody minds */
    struct rule_row *by; /* NULL: who did is not counted by itself */
};

static struct end decisions_count(struct tally *tally, const struct report *report)
{
    struct end end = {.fate = TALLY_ALLOWED};
    for (size_t i = 0; i < report->decision_count; i++) {
        if (!is_of_waf(&report->decisions[i]))
            continue;
        struct span metric = metric_of(report, i);
        struct rule_row *rule = metric.len > 0 ? rule_get(tally, metric) : NULL;
        struct span word = span_text(report->decisions[i].word);
        if (span_is(word, SPAN("block")) || span_is(word, SPAN("allow"))) {
            end = (struct end){word.at[0] == 'b' ? TALLY_BLOCKED : TALLY_ALLOWED, true, rule};
            continue;
        }
        if (rule != NULL)
            fate_add(tally, rule, TALLY_COUNTED);
        fate_add(tally, tally->all, TALLY_COUNTED);
    }
    return end;
}

static void rules_count(struct tally *tally, const struct report *report)
{
    uint64_t id = report->waf.decided_by;
    tally->request++;
    struct end end = decisions_count(tally, report);
    if (report->waf.match_count > 0)
        matches_count(tally, report);
    if (report->waf.action == WAF_BLOCK && end.fate != TALLY_BLOCKED)
        end = (struct end){TALLY_BLOCKED, id != 0, id != 0 ? rule_of_id(tally, id) : NULL};
    if (report->waf.action == WAF_OFF && !report->access_on && !end.is_decided)
        return;
    fate_add(tally, tally->all, end.fate);
    if (!end.is_decided)
        fate_add(tally, tally->by_default, end.fate);
    else if (end.by != NULL)
        fate_add(tally, end.by, end.fate);
}

/* ---- seconds ---- */

/* The other half's turn, where it was taken. */
static void turn(struct tally *tally, int64_t second)
{
    unsigned other = !tally->writing;
    if (tally->filled[tally->writing] && tally->seconds[tally->writing] != second &&
        !tally->filled[other])
        tally->writing = other;
    if (!tally->filled[tally->writing])
        tally->seconds[tally->writing] = second;
    tally->filled[tally->writing] = true;
}

void tally_count(struct tally *tally, const struct report *report)
{
    if (!atomic_load_explicit(&tally->on, memory_order_relaxed))
        return;
    int64_t second = (int64_t)((report->began_wall_us + report->duration_us) / SECOND_US);
    pthread_mutex_lock(&tally->lock);
    turn(tally, second);
    requests_count(tally, report);
    rules_count(tally, report);
    pthread_mutex_unlock(&tally->lock);
}

/* ---- taking ---- */

static void octave_give(const struct octave *octave, size_t number, struct sketch *to)
{
    for (size_t b = 0; b < OCTAVE_BUCKETS; b++) {
        if (octave->buckets[b].count == 0)
            continue;
        uint32_t index = (uint32_t)((FIRST_EXPONENT + number) << BUCKET_BITS | b);
        uint64_t bits = (uint64_t)index << (MANTISSA_BITS - BUCKET_BITS);
        uint64_t next = (uint64_t)(index + 1) << (MANTISSA_BITS - BUCKET_BITS);
        double from, until;
        memcpy(&from, &bits, sizeof from);
        memcpy(&until, &next, sizeof until);
        sketch_add_bucket(
            to, (struct sketch_bucket){index, octave->buckets[b].count,
                                       octave->buckets[b].count * from +
                                           (double)octave->buckets[b].beyond * (until - from)});
    }
}

/* Empties it into a sketch. */
static void histogram_give(struct histogram *histogram, struct sketch *to)
{
    sketch_init(to);
    for (size_t i = 0; i < OCTAVES; i++) {
        if (histogram->octaves[i] == NULL)
            continue;
        octave_give(histogram->octaves[i], i, to);
        memset(histogram->octaves[i], 0, sizeof *histogram->octaves[i]);
    }
    to->count = histogram->count;
    to->zeros = histogram->zeros;
    to->sum = histogram->sum;
    to->least = histogram->least;
    to->most = histogram->most;
    histogram->count = histogram->zeros = 0;
    histogram->sum = histogram->least = histogram->most = 0;
}

static void row_give(struct row *row, unsigned half_number, int64_t second,
                     const struct tally_taker *taker)
{
    struct half *half = &row->halves[half_number];
    if (half->count == 0) {
        if (++row->idle >= IDLE_TAKES)
            half_free(half);
        return;
    }
    row->idle = 0;
    struct tally_requests requests = {row->route,       row->method,      row->is_rest, half->count,
                                      half->status_4xx, half->status_5xx, {0},          {0}};
    histogram_give(&half->latency, &requests.latency);
    histogram_give(&half->integration, &requests.integration);
    half->count = half->status_4xx = half->status_5xx = 0;
    taker->requests(taker->context, second, &requests);
    sketch_fini(&requests.latency);
    sketch_fini(&requests.integration);
}

static void rule_give(struct rule_row *rule, unsigned half, int64_t second,
                      const struct tally_taker *taker)
{
    struct tally_rule given = {.name = rule->name, .is_rest = rule->is_rest};
    uint64_t any = 0;
    for (size_t i = 0; i < TALLY_FATES; i++) {
        any |= rule->fates[half][i];
        given.fates[i] = rule->fates[half][i];
        rule->fates[half][i] = 0;
    }
    if (any != 0)
        taker->rule(taker->context, second, &given);
}

/* The half is the taker's alone until it says that it is empty. */
static void half_give(struct tally *tally, unsigned half, size_t rows, size_t rules,
                      const struct tally_taker *taker)
{
    int64_t second = tally->seconds[half];
    for (size_t i = 0; i < rows; i++)
        row_give(tally->rows[i], half, second, taker);
    for (size_t i = 0; i < rules; i++)
        rule_give(tally->rules[i], half, second, taker);
}

void tally_take(struct tally *tally, int64_t now_s, const struct tally_taker *taker)
{
    for (unsigned times = 0; times < 2; times++) {
        pthread_mutex_lock(&tally->lock);
        unsigned half = !tally->writing;
        if (!tally->filled[half] && tally->filled[tally->writing] &&
            tally->seconds[tally->writing] < now_s) {
            half = tally->writing;
            tally->writing = !half;
        }
        bool filled = tally->filled[half];
        size_t rows = tally->row_count, rules = tally->rule_count;
        pthread_mutex_unlock(&tally->lock);
        if (!filled)
            return;
        half_give(tally, half, rows, rules, taker);
        pthread_mutex_lock(&tally->lock);
        tally->filled[half] = false;
        pthread_mutex_unlock(&tally->lock);
    }
}
