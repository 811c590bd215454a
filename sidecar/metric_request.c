/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/metric_request.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exporters/cloudwatch/collector.h"
#include "exporters/crc32c.h"
#include "rules/base/encode.h"
#include "rules/base/number.h"
#include "sidecar/http/date.h"

enum {
    HINT_BYTES = 128,
    SHOWN_BYTES = 80,
    MEMBER_BYTES = 48,
    DATE_BYTES = 10,
    TIME_BYTES = 19,
    TOKEN_DIGITS = 8
};

struct reading {
    struct arena *arena;
    struct faults *faults;
    bool wrong;
};

/* ---- faults ---- */

static const char *path_of(struct reading *reading, const char *path, const char *name)
{
    struct span text =
        arena_format(reading->arena, "%s%s%s", path, path[0] != '\0' ? "." : "", name);
    char *whole = arena_string(reading->arena, text);
    return whole != NULL ? whole : "the request";
}

static struct place place_at(struct reading *reading, const char *path)
{
    char *copy = arena_string(reading->arena, span_text(path));
    return (struct place){.file = copy != NULL ? copy : "the request"};
}

static void refuse(struct reading *reading, const char *path, const char *expected)
{
    reading->wrong = true;
    fault_add(reading->faults, FAULT_ERROR, place_at(reading, path), SPAN(""), "expected %s",
              expected);
}

/* A member that nobody reads is wrong, with the nearest name. */
static void members_check(struct reading *reading, json_t *map, const char *path,
                          const char *const *names, size_t count)
{
    const char *key;
    json_t *value;
    json_object_foreach(map, key, value)
    {
        char hint[HINT_BYTES];
        size_t i = 0;
        while (i < count && strcmp(names[i], key) != 0)
            i++;
        if (i < count)
            continue;
        reading->wrong = true;
        fault_add(reading->faults, FAULT_ERROR, place_at(reading, path),
                  nearest_hint(span_text(key), names, count, hint, sizeof hint),
                  "there is no member '" SPAN_FORMAT "'",
                  span_arg(span_first(span_text(key), SHOWN_BYTES)));
    }
}

/* ---- times ---- */

static bool two_digits(struct span text, size_t at, int64_t most, int64_t *to)
{
    if (!byte_is_digit(text.at[at]) || !byte_is_digit(text.at[at + 1]))
        return false;
    *to = (text.at[at] - '0') * 10 + (text.at[at + 1] - '0');
    return *to <= most;
}

bool metric_time_parse(struct span text, int64_t *seconds)
{
    uint64_t day_s;
    int64_t hour, minute, second;
    uint64_t number;
    if (number_parse(text, &number) && number < (UINT64_C(1) << 40)) {
        *seconds = (int64_t)number;
        return true;
    }
    if (text.len < TIME_BYTES || !date_parse(span_first(text, DATE_BYTES), &day_s) ||
        (text.at[DATE_BYTES] != 'T' && text.at[DATE_BYTES] != ' ') || text.at[13] != ':' ||
        text.at[16] != ':' || !two_digits(text, 11, 23, &hour) ||
        !two_digits(text, 14, 59, &minute) || !two_digits(text, 17, 60, &second))
        return false;
    struct span rest = span_from(text, TIME_BYTES);
    if (rest.len > 1 && rest.at[0] == '.')
        for (rest = span_from(rest, 1); rest.len > 0 && byte_is_digit(rest.at[0]);)
            rest = span_from(rest, 1);
    *seconds = (int64_t)day_s + hour * 3600 + minute * 60 + second;
    return rest.len == 0 || span_is(rest, SPAN("Z")) || span_is(rest, SPAN("+00:00"));
}

static int64_t time_read(struct reading *reading, json_t *map, const char *name)
{
    json_t *value = json_object_get(map, name);
    int64_t seconds = 0;
    double number = json_number_value(value);
    if (json_is_number(value) && number >= 0 && number < 0x1p40)
        return (int64_t)number;
    const char *text = json_string_value(value);
    if (text == NULL || !metric_time_parse(span_text(text), &seconds))
        refuse(reading, name, "a time, like 2026-11-21T20:00:00Z, or seconds since 1970");
    return seconds;
}

/* ---- members ---- */

/* Empty where there is none. */
static struct span text_read(struct reading *reading, json_t *map, const char *name,
                             const char *path)
{
    json_t *value = json_object_get(map, name);
    if (value == NULL)
        return SPAN("");
    const char *whole = path_of(reading, path, name);
    if (!json_is_string(value) || json_string_length(value) == 0 ||
        json_string_length(value) > MATH_TEXT_MOST) {
        refuse(reading, whole, "a text of 1 to 2048 bytes");
        return SPAN("");
    }
    return arena_copy(reading->arena,
                      span_make(json_string_value(value), json_string_length(value)));
}

static unsigned period_read(struct reading *reading, json_t *map, const char *path)
{
    json_t *value = json_object_get(map, "Period");
    json_int_t seconds = json_integer_value(value);
    if (value == NULL)
        return 0;
    if (!json_is_integer(value) || seconds < 1 || !metric_period_is_good((uint64_t)seconds)) {
        refuse(reading, path_of(reading, path, "Period"),
               "1, 5, 10, 20, 30, or a multiple of 60 up to 86400");
        return 0;
    }
    return (unsigned)seconds;
}

static void dimension_read(struct reading *reading, json_t *map, const char *path, bool any_value,
                           struct pair *to)
{
    static const char *const names[] = {"Name", "Value"};
    members_check(reading, map, path, names, 2);
    to->name = text_read(reading, map, "Name", path);
    to->value = text_read(reading, map, "Value", path);
    if (to->name.len == 0 || (to->value.len == 0 && !any_value))
        refuse(reading, path, "{\"Name\": .., \"Value\": ..}");
}

static void id_read(struct reading *reading, json_t *map, const char *path, bool is_filter,
                    struct metric_id *id)
{
    static const char *const theirs[] = {"AWS/ApiGateway", "AWS/WAFV2"};
    char member[MEMBER_BYTES];
    id->namespace = text_read(reading, map, "Namespace", path);
    id->name = text_read(reading, map, "MetricName", path);
    for (size_t i = 0; i < sizeof theirs / sizeof *theirs; i++)
        if (span_is(id->namespace, span_text(theirs[i])))
            id->namespace = SPAN(COLLECTOR_NAMESPACE);
    if (id->namespace.len == 0 && !is_filter)
        id->namespace = SPAN(COLLECTOR_NAMESPACE);
    if (id->name.len == 0 && !is_filter)
        refuse(reading, path, "a MetricName");
    json_t *list = json_object_get(map, "Dimensions");
    size_t count = json_array_size(list);
    struct pair *pairs = arena_alloc(reading->arena, (count + 1) * sizeof *pairs);
    if (list != NULL && (!json_is_array(list) || count > METRIC_DIMENSIONS_MOST)) {
        refuse(reading, "Dimensions", "a list of up to 30 dimensions");
        return;
    }
    for (size_t i = 0; pairs != NULL && i < count; i++) {
        snprintf(member, sizeof member, "Dimensions[%zu]", i);
        dimension_read(reading, json_array_get(list, i), path_of(reading, path, member), is_filter,
                       &pairs[i]);
    }
    id->dimensions = pairs;
    id->dimension_count = pairs != NULL ? count : 0;
}

/* ---- queries ---- */

static void unit_check(struct reading *reading, json_t *stat, const char *path,
                       const struct metric_id *id)
{
    struct span unit = text_read(reading, stat, "Unit", path);
    struct span right = collector_unit(id);
    if (unit.len == 0 || right.len == 0 || span_is(unit, right))
        return;
    reading->wrong = true;
    fault_add(reading->faults, FAULT_ERROR, place_at(reading, path), SPAN(""),
              "Unit: " SPAN_FORMAT " is in " SPAN_FORMAT, span_arg(id->name), span_arg(right));
}

static void stat_read(struct reading *reading, json_t *stat, const char *path,
                      struct metric_query *query)
{
    static const char *const names[] = {"Metric", "Period", "Stat", "Unit"};
    static const char *const metric_names[] = {"Namespace", "MetricName", "Dimensions"};
    char hint[HINT_BYTES];
    members_check(reading, stat, path, names, 4);
    const char *whole = path_of(reading, path, "Metric");
    json_t *metric = json_object_get(stat, "Metric");
    members_check(reading, metric, whole, metric_names, 3);
    id_read(reading, metric, whole, false, &query->metric);
    query->period_s = period_read(reading, stat, path);
    if (json_object_get(stat, "Period") == NULL)
        refuse(reading, path, "a Period");
    unit_check(reading, stat, path, &query->metric);
    struct span text = text_read(reading, stat, "Stat", path);
    if (statistic_parse(text, &query->statistic, hint, sizeof hint))
        return;
    reading->wrong = true;
    fault_add(reading->faults, FAULT_ERROR, place_at(reading, path_of(reading, path, "Stat")),
              span_text(hint),
              "found '" SPAN_FORMAT "', expected Average, Sum, Minimum, Maximum, SampleCount, p99, "
              "tm99, TM(5%%:95%%), ...",
              span_arg(span_first(text, SHOWN_BYTES)));
}

static void query_read(struct reading *reading, json_t *map, size_t i, struct metric_query *query)
{
    static const char *const names[] = {"Id",    "MetricStat", "Expression",
                                        "Label", "Period",     "ReturnData"};
    char path[MEMBER_BYTES];
    snprintf(path, sizeof path, "MetricDataQueries[%zu]", i);
    members_check(reading, map, path, names, 6);
    json_t *stat = json_object_get(map, "MetricStat");
    json_t *returns = json_object_get(map, "ReturnData");
    query->id = text_read(reading, map, "Id", path);
    query->label = text_read(reading, map, "Label", path);
    if (span_find(query->label, SPAN("${")) != SPAN_NONE)
        refuse(reading, path_of(reading, path, "Label"),
               "a text without ${...}, which is not filled in");
    query->expression = text_read(reading, map, "Expression", path);
    query->returns = returns == NULL || json_is_true(returns);
    query->place = place_at(reading, path);
    if (returns != NULL && !json_is_boolean(returns))
        refuse(reading, path, "true or false for ReturnData");
    if (json_is_object(stat) == (query->expression.len > 0)) {
        refuse(reading, path, "either MetricStat or Expression");
        return;
    }
    const char *whole = path_of(reading, path, stat != NULL ? "MetricStat" : "Expression");
    if (stat != NULL && json_object_get(map, "Period") != NULL)
        refuse(reading, path, "Period in MetricStat");
    if (stat != NULL) {
        stat_read(reading, stat, whole, query);
        return;
    }
    query->period_s = period_read(reading, map, path);
    query->place = place_at(reading, whole);
    query->place.line = query->place.column = 1;
}

static void limit_read(struct reading *reading, json_t *root, struct metric_asked *asked)
{
    json_t *value = json_object_get(root, "MaxDatapoints");
    uint64_t number = METRIC_POINTS_MOST;
    bool well = value == NULL;
    if (json_is_integer(value) && json_integer_value(value) > 0) {
        number = (uint64_t)json_integer_value(value);
        well = true;
    } else if (json_is_string(value)) {
        well = number_parse(span_text(json_string_value(value)), &number);
    }
    if (!well || number == 0 || number > METRIC_POINTS_MOST)
        refuse(reading, "MaxDatapoints", "1 to 100800");
    asked->most = (size_t)number;
}

/* Takes it out: what is left says whose token it may be. */
static void token_read(struct reading *reading, json_t *root, struct metric_asked *asked)
{
    char whose[TOKEN_DIGITS + 1];
    json_t *token = json_incref(json_object_get(root, "NextToken"));
    struct span text =
        json_is_string(token) ? span_text(json_string_value(token)) : span_make(NULL, 0);
    json_object_del(root, "NextToken");
    char *rest = json_dumps(root, JSON_COMPACT | JSON_SORT_KEYS);
    asked->identity = crc32c(0, span_text(rest != NULL ? rest : ""));
    free(rest);
    snprintf(whose, sizeof whose, "%08lx", (unsigned long)asked->identity);
    if (token != NULL && (!span_starts(text, span_text(whose)) ||
                          !number_parse(span_from(text, TOKEN_DIGITS), &asked->skipped)))
        refuse(reading, "NextToken", "what the answer to the same request gave");
    json_decref(token);
}

static void data_read(struct reading *reading, json_t *root, struct metric_asked *asked)
{
    static const char *const names[] = {"MetricDataQueries", "StartTime", "EndTime", "ScanBy",
                                        "MaxDatapoints"};
    token_read(reading, root, asked);
    if (json_object_del(root, "LabelOptions") == 0) /* a time zone, and nothing else */
        refuse(reading, "LabelOptions", "none: no time stands in a label");
    members_check(reading, root, "the request", names, 5);
    json_t *list = json_object_get(root, "MetricDataQueries");
    size_t count = json_array_size(list);
    if (count == 0 || count > METRIC_QUERIES_MOST) {
        refuse(reading, "MetricDataQueries", "a list of 1 to 500 queries");
        return;
    }
    struct metric_query *queries = arena_alloc(reading->arena, count * sizeof *queries);
    for (size_t i = 0; queries != NULL && i < count; i++)
        query_read(reading, json_array_get(list, i), i, &queries[i]);
    struct span scan = text_read(reading, root, "ScanBy", "");
    asked->ascending = span_is(scan, SPAN("TimestampAscending"));
    if (scan.len > 0 && !asked->ascending && !span_is(scan, SPAN("TimestampDescending")))
        refuse(reading, "ScanBy", "TimestampAscending or TimestampDescending");
    limit_read(reading, root, asked);
    asked->data = (struct metric_request){queries, queries != NULL ? count : 0,
                                          time_read(reading, root, "StartTime"),
                                          time_read(reading, root, "EndTime")};
}

static void list_read(struct reading *reading, json_t *root, struct metric_asked *asked)
{
    static const char *const names[] = {"Namespace", "MetricName", "Dimensions"};
    members_check(reading, root, "the request", names, 3);
    asked->is_list = true;
    id_read(reading, root, "", true, &asked->listed);
}

/* ---- the query of a URI ---- */

static struct span decode(struct arena *arena, struct span text)
{
    char *to = arena_text(arena, text.len + 1);
    size_t len = 0;
    if (to != NULL)
        percent_read(text, true, to, text.len, &len);
    return span_make(to, len);
}

static json_t *arguments_read(struct reading *reading, struct span query)
{
    json_t *root = json_object();
    while (query.len > 0) {
        struct span text = span_cut(&query, '&');
        struct span name = decode(reading->arena, span_cut(&text, '='));
        struct span value = decode(reading->arena, text);
        bool is_list = value.len > 0 && value.at[0] == '[';
        json_t *member = is_list ? json_loadb(value.at, value.len, JSON_REJECT_DUPLICATES, NULL)
                                 : json_stringn(value.at != NULL ? value.at : "", value.len);
        char *key = arena_string(reading->arena, name);
        if (member == NULL || key == NULL || json_object_set_new(root, key, member) != 0)
            refuse(reading, key != NULL ? key : "the query", "a text, or a list as JSON");
    }
    return root;
}

/* ---- the whole ---- */

bool metric_request_read(struct span json, struct span query, struct arena *arena,
                         struct metric_asked *asked, struct faults *faults)
{
    struct reading reading = {arena, faults, false};
    *asked = (struct metric_asked){0};
    json_t *root = json.len > 0 ? json_loadb(json.at, json.len, JSON_REJECT_DUPLICATES, NULL)
                                : arguments_read(&reading, query);
    if (!json_is_object(root))
        refuse(&reading, "the request", "a JSON map in GetMetricData's or ListMetrics' shape");
    else if (json_object_get(root, "MetricDataQueries") != NULL)
        data_read(&reading, root, asked);
    else
        list_read(&reading, root, asked);
    json_decref(root);
    return !reading.wrong;
}
