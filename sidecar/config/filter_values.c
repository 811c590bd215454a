/* SPDX-License-Identifier: Apache-2.0 */
/* Metric filters: patterns, selectors, dimensions. */
#include "exporters/alarms/statistic.h"
#include "exporters/cloudwatch/collector.h"
#include "exporters/cloudwatch/filter_pattern.h"
#include "sidecar/config/values.h"

enum { NAME_MOST = 255, PATTERN_MOST = 1024, NUMBER_BYTES = 40 };

/* A text's own place is behind its quote. */
static struct place text_place(const struct node *node)
{
    struct place place = node->place;
    place.column += !node->plain;
    return place;
}

static enum value_result pattern_read(const struct value *value)
{
    struct span text = value->node->text;
    if (text.len > PATTERN_MOST)
        return VALUE_UNFIT;
    if (!filter_pattern_check(text, text_place(value->node), value->reading->faults))
        return VALUE_SAID;
    *(struct span *)value_at(value) = value_keep(value, text);
    return VALUE_TAKEN;
}

const struct option_type type_filter_pattern = {
    .name = "filter pattern",
    .expected = "a filter pattern of CloudWatch Logs, like \"{ $.status = 5* }\"",
    .read = pattern_read,
    .print = value_span_print};

static enum value_result metric_read(const struct value *value)
{
    struct span text = value->node->text;
    if (text.len == 0 || text.len > NAME_MOST)
        return VALUE_UNFIT;
    *(struct span *)value_at(value) = value_keep(value, text);
    return VALUE_TAKEN;
}

const struct option_type type_filter_metric = {.name = "name",
                                               .expected = "a name of 1 to 255 bytes",
                                               .read = metric_read,
                                               .print = value_span_print};

static enum value_result namespace_read(const struct value *value)
{
    if (span_starts(value->node->text, SPAN("AWS/")))
        return value_refuse(value, value->node, "",
                            "namespaces that begin with AWS/ are those of AWS's own metrics");
    return metric_read(value);
}

const struct option_type type_filter_namespace = {.name = "name",
                                                  .expected = "a name of 1 to 255 bytes",
                                                  .read = namespace_read,
                                                  .print = value_span_print};

static enum value_result value_read(const struct value *value)
{
    struct span text = value->node->text;
    double number;
    if (!filter_selector_is_good(text) && !alarm_number_parse(text, &number))
        return VALUE_UNFIT;
    *(struct span *)value_at(value) = value_keep(value, text);
    return VALUE_TAKEN;
}

const struct option_type type_filter_value = {
    .name = "number | selector",
    .expected = "a number, or where one stands, like $.duration_us or $bytes",
    .read = value_read,
    .print = value_span_print};

static enum value_result default_read(const struct value *value)
{
    double *number = value_at(value);
    bool *given = value_also(value);
    *given = alarm_number_parse(value->node->text, number);
    return *given ? VALUE_TAKEN : VALUE_UNFIT;
}

static bool default_print(const struct option *option, const void *base, size_t i, struct buf *to)
{
    (void)i;
    const double *number = (const void *)((const char *)base + option->at);
    const bool *given = (const void *)((const char *)base + option->also);
    return *given && buf_format(to, "%.15g", *number);
}

const struct option_type type_filter_default = {
    .name = "number", .expected = "a number", .read = default_read, .print = default_print};

static enum value_result dimensions_read(const struct value *value)
{
    const struct node *map = value->node;
    size_t *count = value_also(value);
    if (map->kind != NODE_MAP || map->count == 0 || map->count > FILTER_DIMENSIONS_MOST)
        return VALUE_UNFIT;
    struct pair *pairs = arena_alloc(value->reading->arena, map->count * sizeof *pairs);
    for (const struct node *item = map->first; item != NULL && pairs != NULL; item = item->next) {
        if (item->kind != NODE_SCALAR || !filter_selector_is_good(item->text))
            return value_refuse(value, item, "", "expected a selector, like $.method or $user");
        if (item->key.len == 0 || item->key.len > NAME_MOST)
            return value_refuse(value, item, "", "expected a name of 1 to 255 bytes");
        pairs[(*count)++] =
            (struct pair){value_keep(value, item->key), value_keep(value, item->text)};
    }
    *(const struct pair **)value_at(value) = pairs;
    return VALUE_TAKEN;
}

const struct option_type type_filter_dimensions = {
    .name = "names and selectors",
    .expected = "one to three names and selectors, like { Method: $.method }",
    .takes_any = true,
    .read = dimensions_read,
    .print = value_pairs_print};

/* ---- what does not go together ---- */

static bool selector_suits(struct span pattern, struct span selector)
{
    bool is_json = selector.len > 1 && selector.at[0] == '$' && selector.at[1] == '.';
    bool is_field = selector.len > 1 && selector.at[0] == '$' && !is_json;
    bool has_fields = span_starts(span_trim(pattern, " \t\r\n"), SPAN("["));
    return !(is_json && has_fields) && !(is_field && !has_fields);
}

static void filter_check(struct reading *reading, const struct metric_filter *filter,
                         struct place place)
{
    const struct metric_id id = {filter->namespace, filter->metric, NULL, 0};
    bool suits = selector_suits(filter->pattern, filter->value);
    for (size_t i = 0; i < filter->dimension_count; i++)
        suits = suits && selector_suits(filter->pattern, filter->dimensions[i].value);
    if (collector_unit(&id).len > 0)
        fault_add(reading->faults, FAULT_ERROR, place, SPAN(""),
                  "metric_filters[].metric: " SPAN_FORMAT
                  " is counted already: another name, or namespace",
                  span_arg(filter->metric));
    if (filter->has_default && filter->dimension_count > 0)
        fault_add(reading->faults, FAULT_ERROR, place, SPAN(""),
                  "metric_filters[].default_value: a metric with dimensions has none");
    if (!suits)
        fault_add(reading->faults, FAULT_ERROR, place, SPAN(""),
                  "metric_filters[].value, dimensions: $.name is for lines of JSON, $name for a "
                  "pattern of fields that has this one");
}

void filters_check(struct reading *reading)
{
    const struct settings *settings = reading->settings;
    const struct node *list = tree_find(reading->root, SPAN("metric_filters"));
    if (list == NULL || settings->metric_filter_count == 0)
        return;
    if (settings->metric_filter_count > METRIC_FILTERS_MOST)
        fault_add(reading->faults, FAULT_ERROR, list->place, SPAN(""),
                  "metric_filters: there may be 100 at the most");
    if (!log_settings_want(&settings->access_log.to))
        fault_add(reading->faults, FAULT_ERROR, list->place, SPAN(""),
                  "metric_filters: they read the lines of the access log, which is off");
    if (settings->metrics.series == 0)
        fault_add(reading->faults, FAULT_ERROR, list->place, SPAN(""),
                  "metric_filters: no metric is kept: metrics.series is 0");
    for (size_t i = 0; i < settings->metric_filter_count && tree_at(list, i) != NULL; i++)
        filter_check(reading, &settings->metric_filters[i], tree_at(list, i)->place);
}
