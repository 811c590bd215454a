/* SPDX-License-Identifier: Apache-2.0 */
/* Which page a scraper asks for. */
#include "exporters/metrics.h"
#include "rules/base/number.h"

enum { WEIGHT_WHOLE = 1000 };

/* "0.5" in thousandths: RFC 9110 12.4.2. What is none counts as 0. */
static unsigned weight_of(struct span text)
{
    struct span rest = text;
    uint64_t whole = 0, part = 0;
    struct span integer = span_cut(&rest, '.');
    if (!number_parse(integer, &whole) || rest.len > 3 ||
        (rest.len > 0 && !number_parse(rest, &part)))
        return 0;
    for (size_t i = rest.len; i < 3; i++)
        part *= 10;
    return whole > 0 ? WEIGHT_WHOLE : (unsigned)part;
}

struct member {
    struct span type;
    struct span version; /* empty: any */
    unsigned weight;
};

static struct member member_of(struct span text)
{
    struct member member = {.weight = WEIGHT_WHOLE};
    member.type = span_trim_ows(span_cut(&text, ';'));
    while (text.len > 0) {
        struct span parameter = span_trim_ows(span_cut(&text, ';'));
        struct span name = span_trim_ows(span_cut(&parameter, '='));
        struct span value = span_trim(span_trim_ows(parameter), "\"");
        if (span_is_nocase(name, SPAN("q")))
            member.weight = weight_of(value);
        else if (span_is_nocase(name, SPAN("version")))
            member.version = value;
    }
    return member;
}

enum page_form page_form_of(struct span accept)
{
    unsigned open = 0, plain = 0;
    while (accept.len > 0) {
        struct member member = member_of(span_cut(&accept, ','));
        bool is_ours = member.version.len == 0 || span_is(member.version, SPAN("1.0.0"));
        if (span_is_nocase(member.type, SPAN("application/openmetrics-text")) && is_ours)
            open = member.weight > open ? member.weight : open;
        else if (span_is_nocase(member.type, SPAN("text/plain")))
            plain = member.weight > plain ? member.weight : plain;
    }
    return open > 0 && open >= plain ? PAGE_OPENMETRICS : PAGE_PROMETHEUS;
}

struct span page_form_type(enum page_form form)
{
    return form == PAGE_OPENMETRICS
               ? SPAN("application/openmetrics-text; version=1.0.0; charset=utf-8")
               : SPAN("text/plain; version=0.0.4; charset=utf-8");
}
