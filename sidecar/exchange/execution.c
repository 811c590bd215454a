/* SPDX-License-Identifier: Apache-2.0 */
/* What the execution log is told of an exchange: little, and with data_trace what was said on both
 * sides, cut and with its secrets masked. */
#include "exporters/execution_log.h"

#include "exporters/mask.h"
#include "sidecar/exchange/inside.h"

enum { TEXT_BYTES = EXECUTION_TEXT_BYTES + 64, ROOM_BYTES = 256 * 1024 };

static bool is_traced(const struct exchange *x)
{
    return x->settings->execution_log.is_on && x->settings->execution_log.data_trace &&
           x->settings->execution_log.level == EXECUTION_INFO;
}

void execution_tap(struct exchange *x, struct pump *pump)
{
    if (is_traced(x))
        pump->tap = arena_alloc(x->arena, sizeof *pump->tap);
}

void execution_keep_sent(struct exchange *x, const struct fields *sent)
{
    if (is_traced(x))
        x->sent_fields = *sent;
}

static struct span tapped(const struct pump *pump)
{
    return pump->tap != NULL ? span_make(pump->tap->at, pump->tap->len) : SPAN("");
}

/* What is said in the end, as far as it fits. */
static struct span finish(const struct exchange *x, struct buf *text)
{
    struct span kept = arena_copy(x->arena, span_first(buf_span(text), TEXT_BYTES));
    buf_fini(text);
    return kept.at != NULL ? kept : SPAN("");
}

static struct span identity_of(const struct exchange *x)
{
    struct span token = fields_get(&x->client->head->fields, SPAN("authorization"));
    struct buf text;
    if (x->authorizer.settings == NULL || token.len == 0)
        return SPAN("");
    buf_init(&text, ROOM_BYTES);
    execution_mask(&text, token);
    return finish(x, &text);
}

void execution_say(const struct exchange *x, struct report *report)
{
    if (!x->settings->execution_log.is_on)
        return;
    report->execution.level = x->settings->execution_log.level;
    report->execution.traces = is_traced(x) && !x->client->head_is_broken;
    if (report->execution.level == EXECUTION_INFO)
        report->execution.identity = identity_of(x);
}

void execution_say_bodies(const struct exchange *x, struct report_audit *to)
{
    to->request_body = tapped(&x->upload);
    if (to->request_body.len == 0)
        to->request_body = span_first(buf_span(&x->prefix), PUMP_TAP_BYTES);
    to->response_body = tapped(&x->download);
    if (x->head_left) {
        to->response_fields = x->answer.fields.at;
        to->response_field_count = x->answer.fields.count;
    }
}

/* ---- maps: {Host=shop.example, Accept=*} ---- */

static void map_add(struct buf *to, struct span name, struct span value)
{
    buf_add(to, to->len > 1 ? SPAN(", ") : SPAN(""));
    buf_add(to, name);
    buf_add_byte(to, '=');
    buf_add(to, value);
}

static void field_add(struct buf *to, struct span name, struct span raw, struct span clean)
{
    struct buf masked;
    buf_init(&masked, ROOM_BYTES);
    if (field_is_secret(name))
        execution_mask(&masked, raw);
    else
        text_mask_secrets(&masked, clean);
    map_add(to, name, buf_is_full(&masked) ? SPAN(MASK) : buf_span(&masked));
    buf_fini(&masked);
}

/* Of `raw`, of which `clean` is the same list without what rules and settings named as secret. */
static struct span fields_text(const struct exchange *x, const struct pair *raw,
                               const struct pair *clean, size_t count)
{
    struct buf text;
    buf_init(&text, ROOM_BYTES);
    buf_add_byte(&text, '{');
    for (size_t i = 0; i < count && text.len < TEXT_BYTES; i++)
        field_add(&text, raw[i].name, raw[i].value, clean[i].value);
    buf_add_byte(&text, '}');
    return finish(x, &text);
}

/* A field that the client sent as well is shown as that one is; what we added holds no secret that
 * field_is_secret() does not know. */
static struct span sent_text(const struct exchange *x, const struct report_audit *clean)
{
    const struct fields *asked = &x->client->head->fields;
    struct buf text;
    if (x->sent_fields.count == 0)
        return SPAN("");
    buf_init(&text, ROOM_BYTES);
    buf_add_byte(&text, '{');
    for (size_t i = 0; i < x->sent_fields.count && text.len < TEXT_BYTES; i++) {
        const struct pair *field = &x->sent_fields.at[i];
        struct span value = field->value;
        for (size_t j = 0; j < asked->count && j < clean->request_field_count; j++)
            if (span_is_nocase(asked->at[j].name, field->name) &&
                span_is(asked->at[j].value, field->value))
                value = clean->request_fields[j].value;
        field_add(&text, field->name, field->value, value);
    }
    buf_add_byte(&text, '}');
    return finish(x, &text);
}

/* Of a query without secrets. */
static struct span query_text(const struct exchange *x, struct span query)
{
    struct buf text;
    buf_init(&text, ROOM_BYTES);
    buf_add_byte(&text, '{');
    while (query.len > 0) {
        struct span value = span_cut(&query, '&'), name = span_cut(&value, '=');
        map_add(&text, name, value);
    }
    buf_add_byte(&text, '}');
    return finish(x, &text);
}

/* The template's variables with what stands in their place: {id=7}. */
static struct span path_text(const struct exchange *x, const struct report *report)
{
    struct span template = report->route, path = report->path;
    struct buf text;
    buf_init(&text, ROOM_BYTES);
    buf_add_byte(&text, '{');
    while (template.at != NULL && path.at != NULL) {
        struct span whole = path, part = span_cut(&template, '/'), value = span_cut(&path, '/');
        if (part.len < 3 || part.at[0] != '{')
            continue;
        bool is_greedy = part.at[part.len - 2] == '+';
        struct span name = span_first(span_from(part, 1), part.len - 2 - is_greedy);
        map_add(&text, name, is_greedy ? whole : value);
        if (is_greedy)
            break;
    }
    buf_add_byte(&text, '}');
    return finish(x, &text);
}

static struct span body_text(const struct exchange *x, struct span body)
{
    struct buf text;
    buf_init(&text, ROOM_BYTES);
    text_mask_secrets(&text, span_first(body, PUMP_TAP_BYTES));
    return finish(x, &text);
}

void execution_say_data(const struct exchange *x, struct report *report)
{
    const struct report_audit *clean = &report->audit;
    const struct fields *asked = &x->client->head->fields;
    if (!report->execution.traces)
        return;
    report->execution.path = path_text(x, report);
    report->execution.query = query_text(x, report->query);
    report->execution.request_headers =
        fields_text(x, asked->at, clean->request_fields, clean->request_field_count);
    report->execution.request_body = body_text(x, clean->request_body);
    report->execution.endpoint_headers = sent_text(x, clean);
    report->execution.answer_body = body_text(x, clean->response_body);
    report->execution.answer_headers =
        fields_text(x, x->answer.fields.at, clean->response_fields, clean->response_field_count);
    if (x->own.status == 0)
        report->execution.endpoint_answer_headers = report->execution.answer_headers;
}
