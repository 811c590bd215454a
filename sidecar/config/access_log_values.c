/* SPDX-License-Identifier: Apache-2.0 */
/* access_log.format: json, a preset of API Gateway's, or a template. Kept as it was written. */
#include "exporters/access_template.h"
#include "sidecar/config/values.h"

static const char *const words[] = {"json", "clf", "csv", "xml"};

/* What records have to carry for it. */
static void members_keep(const struct value *value, const struct access_template *made)
{
    struct span *members =
        arena_alloc(value->reading->arena, ACCESS_TEMPLATE_MEMBERS * sizeof *members);
    size_t count = 0;
    if (members == NULL)
        return; /* a full arena is said at the end */
    for (struct span name; (name = access_template_member(made, count)).at != NULL; count++)
        members[count] = value_keep(value, name);
    value->reading->settings->access_log.members = members;
    value->reading->settings->access_log.member_count = count;
}

static enum value_result format_read(const struct value *value)
{
    struct span text = value->node->text;
    value->reading->settings->access_log.member_count = 0;
    if (!span_is(text, SPAN("json"))) {
        struct access_template_fault fault;
        if (!access_template_is_one(text))
            return VALUE_UNFIT;
        struct access_template *made = access_template_new(text, &fault);
        if (made == NULL) {
            fault_add(value->reading->faults, FAULT_ERROR, value->node->place,
                      span_text(fault.hint), "%s: %s", value->option->path, fault.message);
            return VALUE_SAID;
        }
        members_keep(value, made);
        access_template_free(made);
    }
    *(struct span *)value_at(value) = value_keep(value, text);
    return VALUE_TAKEN;
}

static bool format_print(const struct option *option, const void *base, size_t i, struct buf *to)
{
    (void)i;
    value_print_text(to, *(const struct span *)(const void *)((const char *)base + option->at));
    return true;
}

const struct option_type type_log_format = {
    .name = "json | clf | csv | xml | a template",
    .expected = "json, clf, csv, xml or a line with $context variables",
    .read = format_read,
    .print = format_print,
    .words = words,
    .word_count = sizeof words / sizeof *words};
