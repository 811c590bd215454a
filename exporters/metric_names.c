/* SPDX-License-Identifier: Apache-2.0 */
/* Names of metrics and their labels in OTLP. */
#include "exporters/metric_names.h"

#include <stdio.h>

#include "rules/base/must.h"

enum sum_kind { SUM_HERE, SUM_UP_AND_DOWN };

static const struct {
    const char *name, *otlp, *unit;
    enum sum_kind kind;
} names[] = {
#define NAME(name, otlp, unit, kind) {name, otlp, unit, SUM_##kind},
#include "exporters/metric_names.tbl"
};

static const struct {
    const char *name, *unit;
} units[] = {
#define UNIT(name, unit) {name, unit},
#include "exporters/metric_names.tbl"
};

static const struct {
    const char *label, *attribute;
    enum label_type type;
} labels[] = {
#define LABEL(label, attribute, type) {label, attribute, LABEL_##type},
#include "exporters/metric_names.tbl"
};

static const char *unit_of(struct span name)
{
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (span_is(name, span_text(units[i].name)))
            return units[i].unit;
    return "";
}

/* Takes the suffix away where it is there. */
static bool cut_end(struct span *name, struct span suffix)
{
    if (!span_ends(*name, suffix))
        return false;
    *name = span_first(*name, name->len - suffix.len);
    return true;
}

void metric_name_of(const char *name, struct metric_name *to)
{
    struct span rest = span_text(name);
    *to = (struct metric_name){.unit = unit_of(rest)};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (span_is(rest, span_text(names[i].name))) {
            snprintf(to->text, sizeof to->text, "%s", names[i].otlp);
            to->unit = names[i].unit;
            to->is_up_and_down = names[i].kind == SUM_UP_AND_DOWN;
            return;
        }
    cut_end(&rest, SPAN("_total"));
    if (cut_end(&rest, SPAN("_seconds")))
        to->unit = "s";
    else if (cut_end(&rest, SPAN("_bytes")))
        to->unit = "By";
    struct span prefix = span_cut(&rest, '_');
    int len = snprintf(to->text, sizeof to->text, SPAN_FORMAT "." SPAN_FORMAT, span_arg(prefix),
                       span_arg(rest));
    must(len > 0 && (size_t)len < sizeof to->text);
}

void label_name_of(struct span label, struct label_name *to)
{
    *to = (struct label_name){.type = LABEL_TEXT};
    for (size_t i = 0; i < sizeof labels / sizeof *labels; i++)
        if (span_is(label, span_text(labels[i].label))) {
            snprintf(to->text, sizeof to->text, "%s", labels[i].attribute);
            to->type = labels[i].type;
            return;
        }
    int len = snprintf(to->text, sizeof to->text, "sidegate." SPAN_FORMAT, span_arg(label));
    must(len > 0 && (size_t)len < sizeof to->text);
}
