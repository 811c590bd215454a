/* SPDX-License-Identifier: Apache-2.0 */
/* The metrics that an alarm looks at, and whether there are such: the program's own by route and
 * method, those of the rules by WebACL and Rule, and those that metric filters make. */
#include "exporters/cloudwatch/collector.h"
#include "exporters/meter.h"
#include "sidecar/config/alarm_entry.h"
#include "sidecar/config/read.h"
#include "sidecar/config/values.h"

/* ---- one of them ---- */

static bool statistic_read(struct alarm_reading *reading, const struct node *node,
                           struct statistic *statistic)
{
    char hint[ALARM_HINT_BYTES];
    if (node->kind != NODE_SCALAR)
        return false;
    if (!statistic_parse(node->text, statistic, hint, sizeof hint))
        fault_add(reading->faults, FAULT_ERROR, node->place, span_text(hint),
                  "statistic: found '" SPAN_FORMAT "', expected Average, Sum, Minimum, Maximum, "
                  "SampleCount, p99, tm99, TM(5%%:95%%), ...",
                  span_arg(span_first(node->text, ALARM_SHOWN_BYTES)));
    return true;
}

static bool id_read(struct alarm_reading *reading, const struct node *node, void *to)
{
    (void)reading;
    return alarm_text_read(node, &((struct alarm_metric *)to)->id);
}

/* The program's own namespace is the one that need not be named. */
static bool namespace_read(struct alarm_reading *reading, const struct node *node, void *to)
{
    (void)reading;
    struct span *namespace = &((struct alarm_metric *)to)->namespace;
    if (!alarm_text_read(node, namespace))
        return false;
    if (span_is(*namespace, SPAN(COLLECTOR_NAMESPACE)))
        *namespace = SPAN("");
    return true;
}

static bool metric_read(struct alarm_reading *reading, const struct node *node, void *to)
{
    (void)reading;
    return alarm_text_read(node, &((struct alarm_metric *)to)->metric);
}

static bool metric_statistic_read(struct alarm_reading *reading, const struct node *node, void *to)
{
    ((struct alarm_metric *)to)->statistic_text = node->text;
    return statistic_read(reading, node, &((struct alarm_metric *)to)->statistic);
}

static bool expression_read(struct alarm_reading *reading, const struct node *node, void *to)
{
    (void)reading;
    struct alarm_metric *metric = to;
    metric->place = alarm_text_place(node);
    return alarm_text_read(node, &metric->expression);
}

static bool return_read(struct alarm_reading *reading, const struct node *node, void *to)
{
    (void)reading;
    return alarm_flag_read(node, &((struct alarm_metric *)to)->returns);
}

static bool dimensions_read(struct alarm_reading *reading, const struct node *node, void *to)
{
    struct alarm_metric *metric = to;
    if (node->kind != NODE_MAP || node->count > METRIC_DIMENSIONS_MOST)
        return false;
    struct pair *pairs = alarm_list_new(reading, node, sizeof *pairs);
    for (const struct node *n = node->first; pairs != NULL && n != NULL; n = n->next) {
        struct pair *pair = &pairs[metric->dimension_count];
        pair->name = n->key;
        if (!alarm_text_read(n, &pair->value))
            return false;
        metric->dimension_count++;
    }
    metric->dimensions = pairs;
    metric->dimension_places = alarm_places_of(reading, node);
    return true;
}

static const struct alarm_key metric_keys[] = {
    {"id", id_read, "a lower-case letter, then letters, digits and _"},
    {"namespace", namespace_read, "the namespace of a metric"},
    {"metric", metric_read, "the name of a metric"},
    {"statistic", metric_statistic_read, "a statistic, like Average or p99"},
    {"dimensions", dimensions_read, "names and values, like { route: /pets, method: GET }"},
    {"expression", expression_read, "an expression, like 100*e/r"},
    {"return_data", return_read, "true or false"},
};

static void metric_check(struct alarm_reading *reading, const struct node *node,
                         const struct alarm_metric *metric)
{
    const struct node *expression = tree_find(node, SPAN("expression"));
    if ((metric->metric.len > 0) == (metric->expression.len > 0))
        alarm_refuse(reading, expression != NULL ? expression->key_place : node->place,
                     "expected either `metric` with `statistic`, or `expression`");
    else if (metric->metric.len > 0 && tree_find(node, SPAN("statistic")) == NULL)
        alarm_refuse(reading, node->place, "`statistic` is missing");
}

bool alarm_metrics_read(struct alarm_reading *reading, const struct node *node, void *to)
{
    struct alarm_settings *settings = to;
    if (node->kind != NODE_LIST || node->count == 0)
        return false;
    struct alarm_metric *metrics = alarm_list_new(reading, node, sizeof *metrics);
    for (const struct node *n = node->first; metrics != NULL && n != NULL; n = n->next) {
        struct alarm_metric *metric = &metrics[settings->metric_count++];
        size_t before = alarm_said(reading);
        metric->place = n->place;
        alarm_map_read(reading, n, metric_keys, sizeof metric_keys / sizeof *metric_keys, metric);
        metric->places = alarm_places_of(reading, n);
        if (alarm_said(reading) == before)
            metric_check(reading, n, metric);
    }
    settings->metrics = metrics;
    return true;
}

void alarm_metric_beside_read(struct alarm_reading *reading, const struct node *node,
                              struct alarm_settings *settings, bool is_said)
{
    static const char *const keys[] = {"namespace", "metric", "statistic", "dimensions"};
    const struct node *name = tree_find(node, SPAN("metric"));
    struct alarm_metric *metric = alarm_list_new(reading, node, sizeof *metric);
    if (name == NULL || metric == NULL)
        return;
    *metric = (struct alarm_metric){
        .place = name->place, .places = alarm_places_of(reading, node), .returns = true};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        for (size_t k = 0; k < sizeof metric_keys / sizeof *metric_keys; k++) {
            const struct node *n = tree_find(node, span_text(keys[i]));
            if (n != NULL && span_is(span_text(keys[i]), span_text(metric_keys[k].name)) &&
                !metric_keys[k].read(reading, n, metric))
                fault_add(reading->faults, FAULT_ERROR, n->place, SPAN(""), "%s: expected %s",
                          keys[i], metric_keys[k].expected);
        }
    if (settings->metric_count > 0)
        alarm_refuse(reading, name->place, "`metric` and `metrics` exclude each other");
    else if (!is_said && tree_find(node, SPAN("statistic")) == NULL)
        alarm_refuse(reading, node->place, "`statistic` is missing");
    settings->metrics = metric;
    settings->metric_count = 1;
}

/* ---- are there such? ---- */

enum { NAMES_MOST = 16 + METRIC_FILTERS_MOST };

static const char *const rule_metrics[] = {"AllowedRequests", "BlockedRequests", "CountedRequests"};
enum { RULE_METRICS = sizeof rule_metrics / sizeof *rule_metrics };

static struct place place_of(const struct alarm_metric *metric, const char *key)
{
    return alarm_place_of(&metric->places, key, metric->place);
}

static void metric_refuse(const struct reading *reading, const struct alarm_metric *metric,
                          struct span hint, const char *message)
{
    fault_add(reading->faults, FAULT_ERROR, place_of(metric, "metric"), hint, "%s", message);
}

static bool is_one_of(struct span text, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (span_is(text, span_text(words[i])))
            return true;
    return false;
}

/* Each name once or not at all (`all`: every one of them). */
static bool dimensions_fit(const struct reading *reading, const struct alarm_metric *metric,
                           const char *const *names, size_t count, bool all)
{
    char hint[ALARM_HINT_BYTES];
    for (size_t i = 0; i < metric->dimension_count; i++) {
        struct span name = metric->dimensions[i].name;
        if (is_one_of(name, names, count))
            continue;
        const struct alarm_place *place = alarm_place_find(&metric->dimension_places, name);
        fault_add(reading->faults, FAULT_ERROR, place != NULL ? place->of_key : metric->place,
                  nearest_hint(name, names, count, hint, sizeof hint),
                  "dimensions: unknown key '" SPAN_FORMAT "'",
                  span_arg(span_first(name, ALARM_SHOWN_BYTES)));
        return false;
    }
    for (size_t i = 0; all && i < count; i++) {
        size_t k = 0;
        while (k < metric->dimension_count &&
               !span_is(metric->dimensions[k].name, span_text(names[i])))
            k++;
        if (k < metric->dimension_count)
            continue;
        fault_add(
            reading->faults, FAULT_ERROR,
            alarm_place_of(&metric->places, "dimensions", place_of(metric, "metric")), SPAN(""),
            "dimensions: `%s` is missing: each of its values is a metric of its own", names[i]);
        return false;
    }
    return true;
}

static void rule_metric_check(const struct reading *reading, const struct alarm_metric *metric)
{
    static const char *const names[] = {"WebACL", "Rule"};
    struct span service = reading->settings->service.name;
    if (!dimensions_fit(reading, metric, names, 2, true))
        return;
    for (size_t i = 0; i < metric->dimension_count; i++)
        if (span_is(metric->dimensions[i].name, SPAN("WebACL")) &&
            !span_is(metric->dimensions[i].value, service))
            fault_add(reading->faults, FAULT_ERROR,
                      alarm_place_of(&metric->dimension_places, "WebACL", metric->place), SPAN(""),
                      "dimensions: WebACL is the service's name, '" SPAN_FORMAT "'",
                      span_arg(span_first(service, ALARM_SHOWN_BYTES)));
    if (reading->settings->metrics.series == 0)
        metric_refuse(reading, metric, SPAN(""), "metric: none is kept: metrics.series is 0");
}

static bool is_filtered(const struct metric_filter *filter, const struct alarm_metric *metric)
{
    struct span namespace =
        metric->namespace.len > 0 ? metric->namespace : SPAN(COLLECTOR_NAMESPACE);
    return span_is(filter->metric, metric->metric) && span_is(filter->namespace, namespace);
}

/* Several filters may make one metric, with different dimensions: one of them has to fit. */
static bool filtered_check(const struct reading *reading, const struct alarm_metric *metric)
{
    const struct settings *settings = reading->settings;
    const struct metric_filter *found = NULL;
    for (size_t i = 0; i < settings->metric_filter_count; i++) {
        const struct metric_filter *filter = &settings->metric_filters[i];
        if (!is_filtered(filter, metric))
            continue;
        size_t alike = 0;
        for (size_t k = 0; k < filter->dimension_count; k++)
            for (size_t j = 0; j < metric->dimension_count; j++)
                alike += span_is(filter->dimensions[k].name, metric->dimensions[j].name);
        if (alike == filter->dimension_count && alike == metric->dimension_count)
            return true;
        found = filter;
    }
    if (found == NULL)
        return false;
    const char *names[FILTER_DIMENSIONS_MOST];
    for (size_t k = 0; k < found->dimension_count; k++)
        names[k] = found->dimensions[k].name.at;
    dimensions_fit(reading, metric, names, found->dimension_count, true);
    return true;
}

/* The names of a namespace; all where there is no such namespace. */
static size_t names_of(const struct settings *settings, struct span namespace,
                       const char *names[NAMES_MOST])
{
    size_t count = 0;
    if (namespace.len == 0) {
        for (unsigned i = 0; metered_word(i) != NULL; i++)
            names[count++] = metered_word(i);
        for (size_t i = 0; i < RULE_METRICS; i++)
            names[count++] = rule_metrics[i];
        namespace = SPAN(COLLECTOR_NAMESPACE);
    }
    for (size_t i = 0; i < settings->metric_filter_count && count < NAMES_MOST; i++)
        if (span_is(settings->metric_filters[i].namespace, namespace))
            names[count++] = settings->metric_filters[i].metric.at;
    return count;
}

static void unknown_say(const struct reading *reading, const struct alarm_metric *metric)
{
    const struct settings *settings = reading->settings;
    const char *names[NAMES_MOST];
    char hint[ALARM_HINT_BYTES];
    size_t count = names_of(settings, metric->namespace, names);
    if (count > 0) {
        fault_add(reading->faults, FAULT_ERROR, place_of(metric, "metric"),
                  nearest_hint(metric->metric, names, count, hint, sizeof hint),
                  metric->namespace.len == 0
                      ? "metric: found '" SPAN_FORMAT
                        "', expected Count, 4XXError, 5XXError, Latency, IntegrationLatency, "
                        "AllowedRequests, BlockedRequests, CountedRequests or a metric of "
                        "metric_filters"
                      : "metric: found '" SPAN_FORMAT
                        "', expected a metric that metric_filters make in this namespace",
                  span_arg(span_first(metric->metric, ALARM_SHOWN_BYTES)));
        return;
    }
    names[count++] = COLLECTOR_NAMESPACE;
    for (size_t i = 0; i < settings->metric_filter_count && count < NAMES_MOST; i++)
        names[count++] = settings->metric_filters[i].namespace.at;
    fault_add(reading->faults, FAULT_ERROR, place_of(metric, "namespace"),
              nearest_hint(metric->namespace, names, count, hint, sizeof hint),
              "namespace: found '" SPAN_FORMAT "', expected " COLLECTOR_NAMESPACE
              " or a namespace of metric_filters",
              span_arg(span_first(metric->namespace, ALARM_SHOWN_BYTES)));
}

static void metric_is_known(const struct reading *reading, const struct alarm_metric *metric)
{
    static const char *const names[] = {"route", "method"};
    enum metered metered;
    if (metric->namespace.len == 0 && metered_find(metric->metric, &metered))
        dimensions_fit(reading, metric, names, 2, false);
    else if (metric->namespace.len == 0 && is_one_of(metric->metric, rule_metrics, RULE_METRICS))
        rule_metric_check(reading, metric);
    else if (!filtered_check(reading, metric))
        unknown_say(reading, metric);
}

void alarms_check(struct reading *reading)
{
    const struct settings *settings = reading->settings;
    if (reading_refused_key(reading, reading->root, "metric_filters"))
        return; /* what they make is not known */
    for (size_t i = 0; i < settings->alarm_count; i++)
        for (size_t k = 0; k < settings->alarms[i].metric_count; k++)
            if (settings->alarms[i].metrics[k].metric.len > 0)
                metric_is_known(reading, &settings->alarms[i].metrics[k]);
}
