/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/alarm_telling.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "sidecar/alarm_actions.h"
#include "sidecar/alarm_command.h"
#include "sidecar/loop/loop.h"
#include "sidecar/program_log.h"
#include "sidecar/upstream/call.h"

enum {
    SECOND_US = 1000000,
    BODY_BYTES = 256 << 10,
    ANSWER_BYTES = 64 << 10,
    WHY_BYTES = 240,
    FIELDS_MOST = ALARM_HEADERS_MOST + 5,
    EXTRAS_MOST = 8
};

/* ---- webhook ---- */

/* What would be answered the same the next time. */
static bool is_refused(unsigned status)
{
    return status >= 300 && status < 500 && status != 408 && status != 425 && status != 429;
}

static void on_answered(void *context, const struct call_answer *answer)
{
    struct alarm_telling *telling = context;
    bool answered = answer->status != 0 &&
                    (answer->outcome == CALL_ANSWERED || answer->outcome == CALL_TOO_LARGE);
    char why[WHY_BYTES];
    snprintf(why, sizeof why, "it answers with status %u", answer->status);
    if (answered && answer->status >= 200 && answer->status < 300)
        telling->ended(telling->context, ALARM_TELLING_WELL, "");
    else if (answered && is_refused(answer->status))
        telling->ended(telling->context, ALARM_TELLING_REFUSED, why);
    else
        telling->ended(telling->context, ALARM_TELLING_AWAY, answered ? why : answer->why);
}

static bool has_header(const struct alarm_action *action, struct span name)
{
    for (size_t i = 0; i < action->header_count; i++)
        if (span_is_nocase(action->headers[i].name, name))
            return true;
    return false;
}

static void field_add(const struct alarm_action *action, struct call_request *request,
                      struct pair *fields, struct span name, struct span value)
{
    if (!has_header(action, name))
        fields[request->field_count++] = (struct pair){name, value};
}

static void fields_fill(const struct alarm_action *action, const struct alarm_change *change,
                        struct call_request *request, struct pair *fields)
{
    struct span id = span_make(change->id, ALARM_ID_LENGTH);
    bool is_sns = action->format == ALARM_FORMAT_SNS;
    request->fields = fields;
    for (size_t i = 0; i < action->header_count; i++)
        fields[request->field_count++] = action->headers[i];
    field_add(action, request, fields, SPAN("Content-Type"),
              is_sns && !action->is_raw ? SPAN("text/plain; charset=UTF-8")
                                        : SPAN("application/json"));
    field_add(action, request, fields, SPAN("Idempotency-Key"), id);
    if (is_sns) {
        field_add(action, request, fields, SPAN("x-amz-sns-message-type"), SPAN("Notification"));
        field_add(action, request, fields, SPAN("x-amz-sns-message-id"), id);
    }
    if (action->is_raw)
        field_add(action, request, fields, SPAN("x-amz-sns-rawdelivery"), SPAN("true"));
}

static void body_fill(const struct alarm_telling_order *order, struct buf *to)
{
    const struct notice *notice = &order->notice;
    const struct alarm_change *change = notice->change;
    uint64_t now_us = loop_wall_us(order->loop);
    bool fires = change->state == ALARM_STATE_ALARM;
    uint64_t since_us = fires || change->since_us == 0 ? change->wall_us : change->since_us;
    if (alarm_action_is_alert(order->action))
        notice_add_alert(to, notice, since_us,
                         fires ? now_us + (uint64_t)ALARM_FIRES_S * SECOND_US : change->wall_us);
    else if (order->action->is_raw)
        notice_add_message(to, notice);
    else
        notice_add_envelope(to, notice, now_us);
}

/* Alertmanager's address is where its API begins; a query stays behind it. */
static void url_fill(const struct alarm_action *action, struct buf *to)
{
    struct span query = action->url, path = SPAN("/api/v2/alerts");
    struct span url = span_cut(&query, '?');
    if (alarm_action_is_alert(action) && !span_ends(url, path)) {
        while (span_ends(url, SPAN("/")))
            url.len--;
        buf_add(to, url);
        buf_add(to, path);
    } else {
        buf_add(to, url);
    }
    if (query.at != NULL) {
        buf_add_byte(to, '?');
        buf_add(to, query);
    }
    buf_add_byte(to, '\0');
}

static enum alarm_telling_answer webhook_start(struct alarm_telling *telling,
                                               const struct alarm_telling_order *order,
                                               const char **why)
{
    const struct alarm_action *action = order->action;
    struct pair fields[FIELDS_MOST];
    struct buf body, url;
    buf_init(&body, BODY_BYTES);
    buf_init(&url, BODY_BYTES);
    body_fill(order, &body);
    url_fill(action, &url);
    bool fits = !buf_is_full(&body) && !buf_is_full(&url);
    struct call_request request = {.method = "POST",
                                   .url = url.at,
                                   .body = buf_span(&body),
                                   .timeout_us = action->timeout_us,
                                   .answer_most = ANSWER_BYTES,
                                   .ca_file = action->ca_file.at};
    fields_fill(action, order->notice.change, &request, fields);
    if (fits)
        telling->call = call_begin(order->caller, order->loop, &request, on_answered, telling);
    buf_fini(&body);
    buf_fini(&url);
    *why = fits ? "too many requests of ours are under way" : "the notice is too long";
    if (telling->call != NULL)
        return ALARM_TELLING_UNDER_WAY;
    return fits ? ALARM_TELLING_AWAY : ALARM_TELLING_REFUSED;
}

/* ---- command ---- */

static void on_command_ended(void *context, bool well, const char *why)
{
    struct alarm_telling *telling = context;
    telling->ended(telling->context, well ? ALARM_TELLING_WELL : ALARM_TELLING_AWAY, why);
}

static enum alarm_telling_answer command_start(struct alarm_telling *telling,
                                               const struct alarm_telling_order *order,
                                               const char **why)
{
    const struct notice *notice = &order->notice;
    const struct alarm_change *change = notice->change;
    const struct pair extras[EXTRAS_MOST] = {
        {SPAN("ALARM_NAME"), notice->alarm->name},
        {SPAN("ALARM_DESCRIPTION"), notice->alarm->description},
        {SPAN("ALARM_STATE"), span_text(alarm_state_word(change->state))},
        {SPAN("ALARM_OLD_STATE"), span_text(alarm_state_word(change->before))},
        {SPAN("ALARM_REASON"), change->reason},
        {SPAN("ALARM_ID"), span_make(change->id, ALARM_ID_LENGTH)},
        {SPAN("ALARM_SERVICE"), notice->service},
        {SPAN("ALARM_ENVIRONMENT"), notice->environment},
    };
    struct buf body;
    buf_init(&body, BODY_BYTES);
    notice_add_message(&body, notice);
    const struct alarm_command_order command = {.argv = order->action->argv,
                                                .extras = extras,
                                                .extra_count = EXTRAS_MOST,
                                                .input = buf_span(&body),
                                                .timeout_us = order->action->timeout_us};
    telling->command = alarm_command_start(order->loop, &command, on_command_ended, telling);
    if (telling->command == NULL)
        *why = strerrordesc_np(errno);
    buf_fini(&body);
    return telling->command != NULL ? ALARM_TELLING_UNDER_WAY : ALARM_TELLING_AWAY;
}

/* ---- log ---- */

static enum alarm_telling_answer log_say(const struct alarm_telling_order *order)
{
    const struct notice *notice = &order->notice;
    struct buf body;
    buf_init(&body, BODY_BYTES);
    notice_add_message(&body, notice);
    program_log_say(order->log, notice->change->state == ALARM_STATE_ALARM ? LOG_ERROR : LOG_WARN,
                    "alarm notice: " SPAN_FORMAT, span_arg(buf_span(&body)));
    buf_fini(&body);
    return ALARM_TELLING_WELL;
}

/* ---- the owner's ---- */

enum alarm_telling_answer alarm_telling_start(struct alarm_telling *telling,
                                              const struct alarm_telling_order *order,
                                              alarm_telling_ended *ended, void *context,
                                              const char **why)
{
    *telling = (struct alarm_telling){.ended = ended, .context = context};
    *why = "";
    switch (order->action->type) {
    case ALARM_ACTION_WEBHOOK: return webhook_start(telling, order, why);
    case ALARM_ACTION_COMMAND: return command_start(telling, order, why);
    case ALARM_ACTION_LOG: break;
    }
    return log_say(order);
}

void alarm_telling_drop(struct alarm_telling *telling)
{
    call_free(telling->call);
    alarm_command_free(telling->command);
    telling->call = NULL;
    telling->command = NULL;
}

bool alarm_telling_is_under_way(const struct alarm_telling *telling)
{
    return telling->call != NULL || telling->command != NULL;
}
