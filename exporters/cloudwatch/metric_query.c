/* SPDX-License-Identifier: Apache-2.0 */
/* Queries are answered in rounds, each as soon as all that it names is there; each SEARCH in an
 * expression becomes an id for an array. */
#include "exporters/cloudwatch/metric_query.h"

#include <stdio.h>
#include <stdlib.h>

#include "exporters/cloudwatch/metric_search.h"
#include "rules/base/must.h"

enum {
    DAY_S = 86400,
    MINUTE_S = 60,
    SEARCHES_MOST = 16, /* in one expression */
    ID_BYTES = 32,
    SHOWN_BYTES = 80,
    TEXT_MOST = 2 * MATH_TEXT_MOST,
    VALUES_MOST = 4000000, /* of all series of a request: 32 MB */
};

struct result {
    bool done;
    unsigned period_s;
    struct math_value value;
    const struct span *labels; /* of a pure SEARCH's series; NULL: none */
};

struct search {
    struct span text, statistic;
    unsigned period_s;
    char id[ID_BYTES];
    struct math_value value;
    struct span *labels;
};

struct searches {
    struct search list[SEARCHES_MOST];
    size_t count;
};

struct run {
    const struct metric_request *request;
    const struct metric_source *source;
    struct arena *arena;
    struct faults *faults;
    struct metric_answer *answer;
    struct result *results; /* by query */
    size_t values;          /* that were made room for */
};

bool metric_period_is_good(uint64_t seconds)
{
    return seconds == 1 || seconds == 5 || seconds == 10 || seconds == 20 || seconds == 30 ||
           (seconds > 0 && seconds <= DAY_S && seconds % MINUTE_S == 0);
}

static bool refuse(struct run *run, struct place place, const char *what)
{
    fault_add(run->faults, FAULT_ERROR, place, SPAN(""), "%s", what);
    return false;
}

/* ---- one metric ---- */

static struct math_window window_of(const struct run *run, unsigned period_s)
{
    int64_t start_s = run->request->start_s / period_s * period_s;
    int64_t periods = (run->request->end_s - start_s + period_s - 1) / period_s;
    return (struct math_window){start_s, period_s, periods > 0 ? (size_t)periods : 0};
}

static bool window_fits(struct run *run, struct place place, unsigned period_s)
{
    struct math_window window = window_of(run, period_s);
    run->values += window.count;
    if (window.count <= METRIC_POINTS_MOST && run->values <= VALUES_MOST)
        return true;
    return refuse(run, place, "this asks for too many points: a longer period, or less time");
}

/* NULL: the arena is full. */
static const double *read_metric(struct run *run, const struct metric_id *id,
                                 const struct statistic *statistic, unsigned period_s)
{
    struct math_window window = window_of(run, period_s);
    double *values = arena_alloc(run->arena, (window.count + 1) * sizeof *values);
    if (values == NULL)
        return NULL;
    struct sketch *slots = must_alloc((window.count + 1) * sizeof *slots);
    for (size_t i = 0; i < window.count; i++)
        slots[i].is_plain = !statistic_asks_order(statistic);
    run->source->read(run->source->context, id, &window, slots);
    for (size_t i = 0; i < window.count; i++) {
        if (!statistic_of(statistic, &slots[i], &values[i]))
            values[i] = MATH_GAP;
        sketch_fini(&slots[i]);
    }
    free(slots);
    return values;
}

static struct math_value one_series(struct run *run, const double *values)
{
    const double **one = arena_alloc(run->arena, sizeof *one);
    if (one != NULL)
        *one = values;
    return (struct math_value){MATH_SERIES, MATH_GAP, one, one != NULL && values != NULL};
}

static bool answer_metric(struct run *run, const struct metric_query *query, struct result *result)
{
    if (!window_fits(run, query->place, query->period_s))
        return false;
    const double *values = read_metric(run, &query->metric, &query->statistic, query->period_s);
    result->period_s = query->period_s;
    result->value = one_series(run, values);
    result->done = true;
    return true;
}

/* ---- SEARCH ---- */

struct finding {
    struct span text;
    struct arena *arena;
    struct metric_id *list;
    size_t count;
    bool too_many;
};

static void on_metric(void *context, const struct metric_id *id)
{
    struct finding *finding = context;
    if (!metric_search_matches(finding->text, id))
        return;
    if (finding->count < METRIC_SEARCH_MOST)
        finding->list[finding->count++] = metric_id_copy(finding->arena, id);
    else
        finding->too_many = true;
}

static bool has_values(const double *values, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!isnan(values[i]))
            return true;
    return false;
}

/* "Latency ApiName=orders Method=GET Resource=/pets" */
static struct span label_of(struct arena *arena, const struct metric_id *id)
{
    struct span parts[4 * METRIC_DIMENSIONS_MOST + 1] = {id->name};
    size_t count = 1;
    for (size_t i = 0; i < id->dimension_count; i++) {
        parts[count++] = SPAN(" ");
        parts[count++] = id->dimensions[i].name;
        parts[count++] = SPAN("=");
        parts[count++] = id->dimensions[i].value;
    }
    return arena_join(arena, parts, count);
}

/* Metrics without a value in the window are left out. */
static bool search_answer(struct run *run, struct search *search, struct place place)
{
    struct statistic statistic;
    char hint[SHOWN_BYTES];
    if (!metric_search_check(search->text, place, run->faults))
        return false;
    if (!statistic_parse(search->statistic, &statistic, hint, sizeof hint))
        return refuse(run, place, "SEARCH: its second text is no statistic, like 'Average'");
    struct finding finding = {search->text, run->arena, NULL, 0, false};
    finding.list = arena_alloc(run->arena, METRIC_SEARCH_MOST * sizeof *finding.list);
    const double **series = arena_alloc(run->arena, METRIC_SEARCH_MOST * sizeof *series);
    search->labels = arena_alloc(run->arena, METRIC_SEARCH_MOST * sizeof *search->labels);
    if (search->labels == NULL || series == NULL || finding.list == NULL)
        return true; /* said at the end */
    run->source->each(run->source->context, on_metric, &finding);
    run->answer->found_too_many = run->answer->found_too_many || finding.too_many;
    search->value = (struct math_value){MATH_ARRAY, MATH_GAP, series, 0};
    for (size_t i = 0; i < finding.count; i++) {
        if (!window_fits(run, place, search->period_s))
            return false;
        const double *values = read_metric(run, &finding.list[i], &statistic, search->period_s);
        if (values == NULL || !has_values(values, window_of(run, search->period_s).count))
            continue;
        search->labels[search->value.series_count] = label_of(run->arena, &finding.list[i]);
        series[search->value.series_count++] = values;
    }
    if (finding.count > 0 && search->value.series_count == 0)
        run->answer->found_empty = true;
    return true;
}

/* ---- SEARCHes in a text ---- */

struct reader {
    struct span text;
    size_t at;
};

static void skip(struct reader *reader)
{
    while (reader->at < reader->text.len &&
           span_find_byte(SPAN(" \t\r\n"), reader->text.at[reader->at]) != SPAN_NONE)
        reader->at++;
}

static bool take(struct reader *reader, char byte)
{
    skip(reader);
    bool there = reader->at < reader->text.len && reader->text.at[reader->at] == byte;
    reader->at += there;
    return there;
}

static bool take_text(struct reader *reader, struct span *text)
{
    const char *quote = take(reader, '\'') ? "'" : take(reader, '"') ? "\"" : NULL;
    struct span rest = span_from(reader->text, reader->at);
    size_t len = quote != NULL ? span_find_byte(rest, *quote) : SPAN_NONE;
    if (len == SPAN_NONE)
        return false;
    *text = span_first(rest, len);
    reader->at += len + 1;
    return true;
}

static bool take_period(struct reader *reader, unsigned *period_s)
{
    uint64_t seconds = 0;
    skip(reader);
    for (; reader->at < reader->text.len && byte_is_digit(reader->text.at[reader->at]);
         reader->at++)
        seconds = seconds < DAY_S ? seconds * 10 + (uint64_t)(reader->text.at[reader->at] - '0')
                                  : seconds;
    *period_s = (unsigned)seconds;
    return metric_period_is_good(seconds);
}

/* Behind SEARCH: ('text', 'statistic'[, period]) */
static bool take_search(struct reader *reader, struct search *search)
{
    return take(reader, '(') && take_text(reader, &search->text) && take(reader, ',') &&
           take_text(reader, &search->statistic) &&
           (!take(reader, ',') || take_period(reader, &search->period_s)) && take(reader, ')');
}

/* The expression with an id in the place of each SEARCH. False: it is wrong, and said. */
static bool searches_take(struct run *run, const struct metric_query *query,
                          struct searches *searches, struct buf *text)
{
    struct reader reader = {query->expression, 0};
    char quote = '\0'; /* the one that is open */
    while (reader.at < reader.text.len) {
        struct span rest = span_from(reader.text, reader.at);
        char byte = rest.at[0];
        if (quote == byte)
            quote = '\0';
        else if (quote == '\0' && (byte == '\'' || byte == '"'))
            quote = byte;
        if (quote != '\0' || !span_starts(rest, SPAN("SEARCH"))) {
            buf_add_byte(text, byte);
            reader.at++;
            continue;
        }
        struct place place = place_behind(query->place, span_first(reader.text, reader.at));
        struct search *search = &searches->list[searches->count];
        reader.at += SPAN("SEARCH").len;
        if (searches->count == SEARCHES_MOST)
            return refuse(run, place, "an expression has 16 SEARCHes at most");
        *search = (struct search){.period_s = query->period_s};
        if (!take_search(&reader, search))
            return refuse(run, place,
                          "expected SEARCH('{Namespace,Dimension} words', 'Statistic', period)");
        if (search->period_s == 0)
            return refuse(run, place, "SEARCH: a period is missing");
        snprintf(search->id, sizeof search->id, "search__%zu", searches->count++);
        buf_add(text, span_text(search->id));
        if (!search_answer(run, search, place))
            return false;
    }
    return true;
}

/* ---- expressions ---- */

/* What an expression may name, and what that came to. */
struct names {
    struct math_name *names;
    struct math_value *values;
    size_t count;
};

static bool period_join(struct run *run, struct place place, unsigned of_one, unsigned *period_s)
{
    if (*period_s != 0 && of_one != *period_s)
        return refuse(run, place, "what an expression is made of has to have one period");
    *period_s = of_one;
    return true;
}

/* Those of the expression's period; of others it may not speak. */
static bool names_make(struct run *run, const struct metric_query *query, struct span text,
                       const struct searches *searches, unsigned *period_s, struct names *names)
{
    size_t room = run->request->count + searches->count + 1;
    names->names = arena_alloc(run->arena, room * sizeof *names->names);
    names->values = arena_alloc(run->arena, room * sizeof *names->values);
    if (names->names == NULL || names->values == NULL)
        return true; /* said at the end */
    for (size_t i = 0; i < searches->count; i++) {
        if (!period_join(run, query->place, searches->list[i].period_s, period_s))
            return false;
        names->names[names->count] =
            (struct math_name){span_text(searches->list[i].id), MATH_ARRAY, false};
        names->values[names->count++] = searches->list[i].value;
    }
    for (size_t i = 0; i < run->request->count; i++) {
        const struct metric_query *other = &run->request->queries[i];
        const struct result *result = &run->results[i];
        if (!result->done)
            continue;
        bool named = math_mentions(text, other->id);
        if (named && !period_join(run, query->place, result->period_s, period_s))
            return false;
        names->names[names->count] =
            (struct math_name){other->id, result->value.kind, other->expression.len == 0};
        names->values[names->count++] = result->value;
    }
    return true;
}

/* METRICS() and no id: the period of the metrics, where they have but one. */
static unsigned period_of_metrics(const struct run *run)
{
    unsigned period_s = 0;
    for (size_t i = 0; i < run->request->count; i++) {
        const struct metric_query *query = &run->request->queries[i];
        if (query->expression.len > 0)
            continue;
        if (period_s != 0 && period_s != query->period_s)
            return 0;
        period_s = query->period_s;
    }
    return period_s;
}

static bool answer_text(struct run *run, const struct metric_query *query, struct span text,
                        const struct searches *searches, struct result *result)
{
    struct names names = {0};
    unsigned period_s = 0;
    if (!names_make(run, query, text, searches, &period_s, &names))
        return false;
    if (period_s == 0)
        period_s = query->period_s != 0 ? query->period_s : period_of_metrics(run);
    if (period_s == 0)
        return refuse(run, query->place, "`Period` is missing: nothing in the expression has one");
    if (!window_fits(run, query->place, period_s))
        return false;
    struct math *math =
        math_parse(run->arena, text, query->place, names.names, names.count, run->faults);
    if (math == NULL)
        return false;
    struct math_inputs inputs = {window_of(run, period_s), names.values, NULL};
    result->value = math_run(math, &inputs, run->arena);
    result->period_s = period_s;
    result->done = true;
    if (searches->count == 1 &&
        span_is(span_trim(text, " \t\r\n"), span_text(searches->list[0].id)))
        result->labels = searches->list[0].labels;
    if (query->returns && result->value.kind == MATH_NUMBER)
        return refuse(run, query->place,
                      "this is a number: what is returned has to be a series; TIME_SERIES() makes "
                      "one of it");
    return true;
}

static bool answer_expression(struct run *run, const struct metric_query *query,
                              struct result *result)
{
    struct searches searches = {.count = 0};
    struct buf text;
    buf_init(&text, TEXT_MOST);
    bool well = searches_take(run, query, &searches, &text);
    /* It stays for the tree that is made of it. */
    struct span kept = arena_copy(run->arena, buf_span(&text));
    if (well && buf_is_full(&text))
        well = refuse(run, query->place, "the expression is too long");
    well = well && answer_text(run, query, kept, &searches, result);
    buf_fini(&text);
    return well;
}

/* ---- the whole ---- */

static bool is_ready(const struct run *run, const struct metric_query *query)
{
    for (size_t i = 0; i < run->request->count; i++)
        if (!run->results[i].done && math_mentions(query->expression, run->request->queries[i].id))
            return false;
    return true;
}

/* Each round answers at least one, or says what is wrong. */
static bool answer_expressions(struct run *run)
{
    const struct metric_request *request = run->request;
    for (bool any = true; any;) {
        any = false;
        for (size_t i = 0; i < request->count; i++) {
            if (run->results[i].done || !is_ready(run, &request->queries[i]))
                continue;
            if (!answer_expression(run, &request->queries[i], &run->results[i]))
                return false;
            any = true;
        }
    }
    for (size_t i = 0; i < request->count; i++)
        if (!run->results[i].done)
            return refuse(run, request->queries[i].place,
                          "this expression asks for itself, or for one that asks for it");
    return true;
}

static bool ids_are_good(struct run *run)
{
    const struct metric_request *request = run->request;
    for (size_t i = 0; i < request->count; i++) {
        const struct metric_query *query = &request->queries[i];
        if (!math_id_is_good(query->id) || span_starts(query->id, SPAN("search__")))
            return refuse(run, query->place,
                          "Id: expected a lower-case letter, then letters, digits and _");
        for (size_t k = 0; k < i; k++)
            if (span_is(query->id, request->queries[k].id))
                return refuse(run, query->place, "Id: two queries have this one");
    }
    return true;
}

static void series_add(struct run *run, size_t i, size_t k)
{
    const struct metric_query *query = &run->request->queries[i];
    const struct result *result = &run->results[i];
    struct span label = query->label.len > 0        ? query->label
                        : query->expression.len > 0 ? query->id
                                                    : query->metric.name;
    if (result->labels != NULL && query->label.len > 0) {
        const struct span parts[] = {query->label, SPAN(" "), result->labels[k]};
        label = arena_join(run->arena, parts, 3);
    } else if (result->labels != NULL) {
        label = result->labels[k];
    }
    run->answer->list[run->answer->count++] = (struct metric_series){
        query->id, label, window_of(run, result->period_s), result->value.series[k]};
}

static bool series_give(struct run *run)
{
    size_t count = 0;
    for (size_t i = 0; i < run->request->count; i++)
        count += run->request->queries[i].returns ? run->results[i].value.series_count : 0;
    run->answer->list = arena_alloc(run->arena, (count + 1) * sizeof *run->answer->list);
    for (size_t i = 0; run->answer->list != NULL && i < run->request->count; i++)
        for (size_t k = 0;
             run->request->queries[i].returns && k < run->results[i].value.series_count; k++)
            series_add(run, i, k);
    return !arena_is_full(run->arena) ||
           refuse(run, (struct place){0}, "the answer does not fit into memory: ask for less");
}

bool metric_query_run(const struct metric_request *request, const struct metric_source *source,
                      struct arena *arena, struct metric_answer *answer, struct faults *faults)
{
    struct run run = {request, source, arena, faults, answer, NULL, 0};
    *answer = (struct metric_answer){0};
    if (request->end_s <= request->start_s)
        return refuse(&run, (struct place){0}, "EndTime has to be later than StartTime");
    run.results = arena_alloc(arena, (request->count + 1) * sizeof *run.results);
    if (run.results == NULL || !ids_are_good(&run))
        return false;
    for (size_t i = 0; i < request->count; i++)
        if (request->queries[i].expression.len == 0 &&
            !answer_metric(&run, &request->queries[i], &run.results[i]))
            return false;
    return answer_expressions(&run) && series_give(&run);
}
