/* SPDX-License-Identifier: Apache-2.0 */
/* Which part of a request a SecLang variable is, in AWS WAF's words, is a table. */
#include "exporters/waf_details.h"

#include <string.h>

#include "rules/base/encode.h"

enum { DATA_BYTES = 256 }; /* of what was found */

/* Piece by piece: "1 NUL or NUL 1" */
static void add_data(struct buf *to, struct span data)
{
    bool more = true;
    for (bool first = true; more; first = false) {
        size_t end = span_find_byte(data, '\0');
        more = end != SPAN_NONE;
        buf_add(to, first ? SPAN("") : SPAN(","));
        json_add_string(to, more ? span_first(data, end) : data);
        data = span_from(data, more ? end + 1 : data.len);
    }
}

static void add_one(struct buf *to, const struct report_waf_rule *rule)
{
    buf_add(to, SPAN("[{\"conditionType\":"));
    json_add_string(to, span_text(rule->condition));
    if (rule->sensitivity[0] != '\0') {
        buf_add(to, SPAN(",\"sensitivityLevel\":"));
        json_add_string(to, span_text(rule->sensitivity));
    }
    buf_add(to, SPAN(",\"location\":"));
    json_add_string(to, span_text(rule->location));
    buf_add(to, SPAN(",\"matchedData\":["));
    add_data(to, span_first(rule->data, DATA_BYTES));
    buf_add(to, SPAN("],\"matchedFieldName\":"));
    json_add_string(to, rule->field);
    buf_add(to, SPAN("}]"));
}

void waf_details_add(struct buf *to, const struct report_waf_rule *rule)
{
    if (rule == NULL || rule->condition[0] == '\0')
        buf_add(to, SPAN("[]"));
    else
        add_one(to, rule);
}

static const struct {
    struct span collection;
    const char *location;
} places[] = {
    {SPAN_INIT("REQUEST_HEADERS"), "HEADER"},
    {SPAN_INIT("REQUEST_HEADERS_NAMES"), "HEADER"},
    {SPAN_INIT("REQUEST_COOKIES"), "COOKIES"},
    {SPAN_INIT("REQUEST_COOKIES_NAMES"), "COOKIES"},
    {SPAN_INIT("ARGS_GET"), "ALL_QUERY_ARGS"},
    {SPAN_INIT("ARGS_GET_NAMES"), "ALL_QUERY_ARGS"},
    {SPAN_INIT("QUERY_STRING"), "QUERY_STRING"},
    {SPAN_INIT("ARGS_POST"), "BODY"},
    {SPAN_INIT("ARGS_POST_NAMES"), "BODY"},
    {SPAN_INIT("REQUEST_BODY"), "BODY"},
    {SPAN_INIT("XML"), "BODY"},
    {SPAN_INIT("FILES"), "BODY"},
    {SPAN_INIT("FILES_NAMES"), "BODY"},
    {SPAN_INIT("REQUEST_URI"), "URI"},
    {SPAN_INIT("REQUEST_URI_RAW"), "URI"},
    {SPAN_INIT("REQUEST_FILENAME"), "URI"},
    {SPAN_INIT("REQUEST_BASENAME"), "URI"},
    {SPAN_INIT("REQUEST_METHOD"), "METHOD"},
};

/* ARGS are of the query and of the body: the query's where it has one of that name. */
static const char *place_of(const struct report *report, struct span collection, struct span name)
{
    for (size_t i = 0; i < sizeof places / sizeof *places; i++)
        if (span_is(collection, places[i].collection))
            return places[i].location;
    if (!span_is(collection, SPAN("ARGS")) && !span_is(collection, SPAN("ARGS_NAMES")))
        return "UNKNOWN";
    bool asked = name.len > 0 && span_find_nocase(report->query, name) != SPAN_NONE;
    return asked || report->bytes_in == 0 ? "ALL_QUERY_ARGS" : "BODY";
}

static bool has_tag(const struct rule_match *match, struct span tag)
{
    for (size_t i = 0; i < match->tag_count; i++)
        if (span_is(match->tags[i], tag))
            return true;
    return false;
}

static const char *condition_of(const struct rule_match *match)
{
    if (span_is_nocase(match->operator_text, SPAN("detectSQLi")) ||
        has_tag(match, SPAN("attack-sqli")))
        return "SQL_INJECTION";
    if (span_is_nocase(match->operator_text, SPAN("detectXSS")) ||
        has_tag(match, SPAN("attack-xss")))
        return "XSS";
    return "";
}

void waf_details_add_match(struct buf *to, const struct report *report,
                           const struct rule_match *match)
{
    struct span name = match->variable_name, collection = span_cut(&name, ':');
    struct report_waf_rule rule = {
        .condition = condition_of(match),
        .sensitivity = "",
        .location = place_of(report, collection, name),
        .field = name,
        .data = match->variable_value,
    };
    waf_details_add(to, &rule);
}
