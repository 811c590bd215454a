/* SPDX-License-Identifier: Apache-2.0 */
/* compose, respond: the answer's head, ours or the backend's, and the way of its body to the
 * client. */
#include <string.h>

#include "sidecar/exchange/inside.h"
#include "sidecar/http/date.h"

/* ---- compose ---- */

static bool is_bodiless(const struct exchange *x, unsigned status)
{
    return status == 204 || status == 304 || span_is(x->client->head->method, SPAN("HEAD"));
}

static void compose_gateway(struct exchange *x, const struct gateway_response *from)
{
    struct fields *fields = &x->answer.fields;
    x->own_body = x->own.gateway_body;
    if (x->own_body.at == NULL && from->message == NULL)
        x->own_body = SPAN("{\"message\":null}");
    else if (x->own_body.at == NULL)
        x->own_body = arena_format(x->arena, "{\"message\":\"%s\"}", from->message);
    fields_add(fields, x->arena, SPAN("Content-Type"), SPAN("application/json"));
    fields_add(fields, x->arena, SPAN("x-amzn-ErrorType"), span_text(from->error_type));
}

static void compose_page(struct exchange *x)
{
    struct span type;
    x->own_body = page_write(x, x->own.status, &type);
    fields_add(&x->answer.fields, x->arena, SPAN("Content-Type"), type);
}

/* As whoever refused it has it written. */
static void compose_whole(struct exchange *x, const struct guard_answer *whole)
{
    for (size_t i = 0; i < whole->field_count; i++)
        fields_add(&x->answer.fields, x->arena, whole->fields[i].name, whole->fields[i].value);
    if (whole->type.len > 0)
        fields_add(&x->answer.fields, x->arena, SPAN("Content-Type"), whole->type);
    x->own_body = whole->body;
}

static void compose_own(struct exchange *x)
{
    struct answer_head *answer = &x->answer;
    *answer = (struct answer_head){.status = x->own.status};
    if (x->own.whole != NULL)
        compose_whole(x, x->own.whole);
    else if (x->own.gateway != NULL)
        compose_gateway(x, x->own.gateway);
    else
        compose_page(x);
    fields_add(&answer->fields, x->arena, SPAN("Cache-Control"), SPAN("no-store"));
    if (x->own.location.len > 0)
        fields_add(&answer->fields, x->arena, SPAN("Location"), x->own.location);
    if (x->own.retry_after_s != 0)
        fields_add(&answer->fields, x->arena, SPAN("Retry-After"),
                   arena_format(x->arena, "%u", x->own.retry_after_s));
    for (size_t i = 0; i < x->own.field_count; i++)
        fields_add(&answer->fields, x->arena, x->own.fields[i].name, x->own.fields[i].value);
    answer->body_length = (int64_t)x->own_body.len;
}

static void compose_forwarded(struct exchange *x)
{
    const struct answer_head *from = x->server->head;
    struct answer_head *answer = &x->answer;
    *answer = *from;
    struct pair *copy = arena_alloc(x->arena, (from->fields.count + 4) * sizeof(struct pair));
    if (copy == NULL)
        return;
    if (from->fields.count > 0)
        memcpy(copy, from->fields.at, from->fields.count * sizeof(struct pair));
    answer->fields.at = copy;
    answer->fields.size = from->fields.count + 4;
    fields_remove_hop_by_hop(&answer->fields, false);
    /* A HEAD or a 304 says how long the body would be; there the field stays as it came. */
    if (!is_bodiless(x, answer->status))
        fields_remove(&answer->fields, SPAN("content-length"));
    if (x->answer_prefix_is_whole)
        answer->body_length = (int64_t)x->answer_prefix.len;
}

/* RFC 9110 6.6.1: an answer without a date gets one where there is a clock. */
static void set_date(struct exchange *x)
{
    if (fields_get(&x->answer.fields, SPAN("date")).at != NULL)
        return;
    char *text = arena_text(x->arena, DATE_LENGTH);
    if (text == NULL)
        return;
    date_write(text, loop_wall_us(x->around->loop));
    fields_add(&x->answer.fields, x->arena, SPAN("Date"), span_make(text, DATE_LENGTH));
}

enum step stage_compose(struct exchange *x)
{
    if (x->own.status != 0)
        compose_own(x);
    else
        compose_forwarded(x);
    set_date(x);
    fields_set(&x->answer.fields, x->arena, SPAN("X-Request-Id"),
               span_make(x->request_id, UUID_LENGTH));
    trace_answer(x);
    x->no_body = is_bodiless(x, x->answer.status);
    if (!arena_is_full(x->arena))
        return STEP_NEXT;
    x->error = "answer_head_too_large";
    return STEP_END;
}

/* ---- respond ---- */

static bool is_last(const struct exchange *x)
{
    return x->own.close || x->facts->last || x->around->draining ||
           x->around->overload >= OVERLOAD_NO_KEEP_ALIVE;
}

static void begin(struct exchange *x)
{
    struct client *client = x->client;
    client->ops->send_head(client, &x->answer, x->no_body, is_last(x));
    x->head_left = true;
    x->sent_status = x->answer.status;
    timer_disarm(&x->whole_clock); /* from here on the pump's clocks watch */
    if (x->no_body || x->answer.body_length == 0) {
        client->answer.ops->end(&client->answer, NULL);
        x->download.state = PUMP_DONE;
        return;
    }
    struct source *from = x->own.status != 0 || x->answer_prefix_is_whole ? NULL : &x->server->body;
    struct span held = x->own.status != 0 ? x->own_body : buf_span(&x->answer_prefix);
    pump_start(&x->download, from, &client->answer, held, 0, loop_now_us(x->around->loop));
    execution_tap(x, &x->download);
    pump_move(&x->download, loop_now_us(x->around->loop));
}

enum step stage_respond(struct exchange *x)
{
    if (!x->entered)
        begin(x);
    switch (x->download.state) {
    case PUMP_RUNNING: return STEP_WAIT;
    case PUMP_DONE: x->answer_is_whole = true; return STEP_NEXT;
    case PUMP_BROKEN:
    case PUMP_OVER:
    case PUMP_OFF: break;
    }
    x->error = "upstream_cut_off";
    return STEP_END;
}
