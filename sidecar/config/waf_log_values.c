/* SPDX-License-Identifier: Apache-2.0 */
/* Types of options of AWS WAF's log: what is redacted, and which records are kept. */
#include "exporters/waf_log.h"
#include "sidecar/config/values.h"
#include "sidecar/http/fields.h"

enum { HINT_BYTES = 160 };

static const char *const redacted_words[] = {"method", "query_string", "uri_path", "header:NAME"};
static const char *const condition_words[] = {"action:allow", "action:block", "action:count",
                                              "action:excluded_as_count", "label:NAME"};
#define COUNT(list) ((unsigned)(sizeof(list) / sizeof *(list)))

static enum value_result refuse_item(const struct value *value, const struct node *item)
{
    const struct option_type *type = value->option->type;
    char hint[HINT_BYTES];
    struct span text = item->kind == NODE_SCALAR ? item->text : SPAN("");
    fault_add(value->reading->faults, FAULT_ERROR, item->place,
              nearest_hint(text, type->words, type->word_count, hint, sizeof hint),
              "%s: found '" SPAN_FORMAT "', expected %s", value->option->path,
              span_arg(span_first(text, 200)), type->expected);
    return VALUE_SAID;
}

/* ---- redacted_fields: [method, query_string, uri_path, header:x-user] ---- */

static bool redact(const struct value *value, struct waf_redaction *to, struct span *headers,
                   struct span text)
{
    struct span name = text, kind = span_cut(&name, ':');
    if (span_is(text, SPAN("method")))
        to->method = true;
    else if (span_is(text, SPAN("query_string")))
        to->query_string = true;
    else if (span_is(text, SPAN("uri_path")))
        to->uri_path = true;
    else if (span_is(kind, SPAN("header")) && name.at != NULL && http_is_token(name))
        headers[to->header_count++] = value_keep(value, name);
    else
        return false;
    return true;
}

static enum value_result redacted_read(const struct value *value)
{
    struct waf_redaction made = {0};
    struct span *headers =
        arena_alloc(value->reading->arena, (value->node->count + 1) * sizeof *headers);
    for (const struct node *item = value->node->first; item != NULL; item = item->next)
        if (headers != NULL &&
            (item->kind != NODE_SCALAR || !redact(value, &made, headers, item->text)))
            return refuse_item(value, item);
    made.headers = headers;
    *(struct waf_redaction *)value_at(value) = made;
    return VALUE_TAKEN;
}

static bool redacted_print(const struct option *option, const void *base, size_t i, struct buf *to)
{
    const struct waf_redaction *from = (const void *)((const char *)base + option->at);
    const bool flags[] = {from->method, from->query_string, from->uri_path};
    for (size_t word = 0; word < 3; word++)
        if (flags[word] && i-- == 0)
            return buf_add(to, span_text(redacted_words[word]));
    return i < from->header_count &&
           buf_format(to, "header:" SPAN_FORMAT, span_arg(from->headers[i]));
}

const struct option_type type_waf_redacted = {.name = "list of fields",
                                              .expected =
                                                  "method, query_string, uri_path or header:NAME",
                                              .is_list = true,
                                              .one_will_do = true,
                                              .read = redacted_read,
                                              .print = redacted_print,
                                              .words = redacted_words,
                                              .word_count = COUNT(redacted_words)};

/* ---- conditions: [action:block, "label:awswaf:managed:..."] ---- */

static const struct {
    const char *word, *action;
} actions[] = {{"allow", "ALLOW"},
               {"block", "BLOCK"},
               {"count", "COUNT"},
               {"excluded_as_count", "EXCLUDED_AS_COUNT"}};

static bool condition_read(const struct value *value, struct span text, struct waf_condition *to)
{
    struct span name = text, kind = span_cut(&name, ':');
    if (span_is(kind, SPAN("label")) && name.len > 0) {
        *to = (struct waf_condition){WAF_CONDITION_LABEL, value_keep(value, name)};
        return true;
    }
    for (size_t i = 0; i < COUNT(actions) && span_is(kind, SPAN("action")); i++) {
        if (!span_is_nocase(name, span_text(actions[i].word)))
            continue;
        *to = (struct waf_condition){WAF_CONDITION_ACTION, span_text(actions[i].action)};
        return true;
    }
    return false;
}

static enum value_result conditions_read(const struct value *value)
{
    size_t *count = value_also(value);
    struct waf_condition *made =
        arena_alloc(value->reading->arena, (value->node->count + 1) * sizeof *made);
    if (value->node->first == NULL)
        return VALUE_UNFIT;
    for (const struct node *item = value->node->first; item != NULL; item = item->next)
        if (made != NULL &&
            (item->kind != NODE_SCALAR || !condition_read(value, item->text, &made[(*count)++])))
            return refuse_item(value, item);
    *(const struct waf_condition **)value_at(value) = made;
    return VALUE_TAKEN;
}

static bool conditions_print(const struct option *option, const void *base, size_t i,
                             struct buf *to)
{
    const struct waf_condition *const *list = (const void *)((const char *)base + option->at);
    const size_t *count = (const void *)((const char *)base + option->also);
    if (i >= *count)
        return false;
    const struct waf_condition *one = &(*list)[i];
    struct buf text;
    buf_init(&text, 4096);
    if (one->kind == WAF_CONDITION_LABEL)
        buf_format(&text, "label:" SPAN_FORMAT, span_arg(one->text));
    for (size_t a = 0; a < COUNT(actions) && one->kind == WAF_CONDITION_ACTION; a++)
        if (span_is(one->text, span_text(actions[a].action)))
            buf_format(&text, "action:%s", actions[a].word);
    value_print_text(to, buf_span(&text));
    buf_fini(&text);
    return true;
}

const struct option_type type_waf_conditions = {
    .name = "list of conditions",
    .expected = "action:allow, action:block, action:count, action:excluded_as_count or label:NAME",
    .is_list = true,
    .one_will_do = true,
    .read = conditions_read,
    .print = conditions_print,
    .words = condition_words,
    .word_count = COUNT(condition_words)};
