/* SPDX-License-Identifier: Apache-2.0 */
/* Metric filters that no line of the access log can ever fit: each is a warning. */
#include <string.h>

#include "exporters/access_log.h"
#include "exporters/access_template.h"
#include "exporters/cloudwatch/filter_pattern.h"
#include "exporters/cloudwatch/json_scan.h"
#include "sidecar/config/read.h"

enum { HINT_BYTES = 160, SHOWN_BYTES = 100, FIELDS_MOST = 64, LINE_BYTES = 64 << 10 };

static void warn(struct reading *reading, const struct node *at, const char *hint,
                 const char *message)
{
    fault_add(reading->faults, FAULT_WARNING, at->place, span_text(hint), "%s", message);
}

static bool is_selector_of_json(struct span text)
{
    return span_starts(text, SPAN("$."));
}

static bool reads_json(const struct metric_filter *filter)
{
    bool reads = span_starts(span_trim(filter->pattern, " \t\r\n"), SPAN("{")) ||
                 is_selector_of_json(filter->value);
    for (size_t i = 0; i < filter->dimension_count; i++)
        reads = reads || is_selector_of_json(filter->dimensions[i].value);
    return reads;
}

/* ---- what lines have ---- */

/* "$.upstream.status": "upstream" */
static struct span member_of(struct span selector)
{
    struct span rest = span_from(selector, 2);
    return span_first(rest, strcspn(rest.at, ".[") < rest.len ? strcspn(rest.at, ".[") : rest.len);
}

/* A line of a template that is JSON has all its members, whatever the request. */
static bool template_has(const struct reading *reading, struct span member)
{
    static const struct report nothing;
    struct access_template_fault fault;
    struct access_template *made =
        access_template_new(reading->settings->access_log.format, &fault);
    struct span selector = arena_format(reading->arena, "$." SPAN_FORMAT, span_arg(member)), value;
    struct buf line, scratch;
    buf_init(&line, LINE_BYTES);
    buf_init(&scratch, LINE_BYTES);
    if (made != NULL)
        access_template_add(made, &line, &nothing, &scratch);
    bool has = made == NULL || json_scan(buf_span(&line), selector, &value);
    buf_fini(&scratch);
    buf_fini(&line);
    access_template_free(made);
    return has;
}

static size_t fields_list(const char *names[FIELDS_MOST])
{
    struct access_field_words words;
    size_t count = 0;
    for (; count < FIELDS_MOST && access_log_field(count, &words); count++)
        names[count] = words.name;
    return count;
}

static bool is_a_field(struct span member)
{
    const char *names[FIELDS_MOST];
    size_t count = fields_list(names);
    for (size_t i = 0; i < count; i++)
        if (span_is(member, span_text(names[i])))
            return true;
    return false;
}

/* False: none is there, and it was said. */
static bool check_member(struct reading *reading, const struct node *at, const char *key,
                         struct span selector)
{
    const char *names[FIELDS_MOST];
    char hint[HINT_BYTES];
    struct span member = member_of(selector), near = SPAN("");
    bool is_own = span_is(reading->settings->access_log.format, SPAN("json"));
    if (is_own ? is_a_field(member) : template_has(reading, member))
        return true;
    if (is_own)
        near = nearest_hint(member, names, fields_list(names), hint, sizeof hint);
    fault_add(reading->faults, FAULT_WARNING, at->place, near,
              "metric_filters[].%s: no line of the access log has '" SPAN_FORMAT "'", key,
              span_arg(span_first(member, SHOWN_BYTES)));
    return false;
}

static void check_members(struct reading *reading, const struct metric_filter *filter,
                          const struct node *item)
{
    const struct node *pattern = tree_find(item, SPAN("pattern"));
    const struct node *value = tree_find(item, SPAN("value"));
    const struct node *dimensions = tree_find(item, SPAN("dimensions"));
    struct span selector;
    for (size_t i = 0; (selector = filter_pattern_selector(filter->pattern, i)).at != NULL; i++)
        if (!check_member(reading, pattern, "pattern", selector))
            break;
    if (value != NULL && is_selector_of_json(value->text))
        check_member(reading, value, "value", value->text);
    for (const struct node *n = dimensions != NULL ? dimensions->first : NULL; n != NULL;
         n = n->next)
        if (is_selector_of_json(n->text))
            check_member(reading, n, "dimensions", n->text);
}

/* ---- all of them ---- */

void filters_effect_check(struct reading *reading)
{
    const struct settings *settings = reading->settings;
    struct span format = settings->access_log.format;
    bool is_json = span_is(format, SPAN("json")) || span_starts(format, SPAN("{"));
    const struct node *list = tree_find(reading->root, SPAN("metric_filters"));
    for (size_t i = 0; list != NULL && i < settings->metric_filter_count; i++) {
        const struct metric_filter *filter = &settings->metric_filters[i];
        const struct node *item = tree_at(list, i);
        const struct node *pattern = item != NULL ? tree_find(item, SPAN("pattern")) : NULL;
        if (pattern == NULL)
            continue;
        if (is_json)
            check_members(reading, filter, item);
        if (!is_json && reads_json(filter))
            warn(reading, pattern, "access_log: { format: json }, or a pattern of fields: [a, b]",
                 "metric_filters[].pattern: it reads JSON, and the access log's lines are none");
        if (is_json && span_starts(span_trim(filter->pattern, " \t\r\n"), SPAN("[")))
            warn(reading, pattern, "{ $.status = 5* }",
                 "metric_filters[].pattern: it reads fields between spaces, and the access log's "
                 "lines are JSON");
    }
}
