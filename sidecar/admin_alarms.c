/* SPDX-License-Identifier: Apache-2.0 */
/* /api/v1/alarms: the states, the history of each, and what people do to them:
 *
 *   GET  /api/v1/alarms
 *   GET  /api/v1/alarms/NAME/history[?limit=N]
 *   POST /api/v1/alarms/NAME/state    {"state":"ALARM","reason":"a test"}
 *   POST /api/v1/alarms/NAME/mute     {"duration":"1h","reason":"deployment"}
 *   POST /api/v1/alarms/NAME/unmute
 *
 * NAME is percent-encoded where it has to be. */
#include <jansson.h>
#include <stdlib.h>

#include "rules/base/number.h"
#include "sidecar/admin_inside.h"
#include "sidecar/alarm_duty.h"
#include "sidecar/http/date.h"

enum {
    HISTORY_FIRST = 100,
    HISTORY_MOST = 10000,
    REASON_MOST = 1023, /* as SetAlarmState has it */
    NAME_MOST = 255,
    SECOND_US = 1000000,
    MUTE_MOST_DAYS = 15,
    NOTE_BYTES = 1024
};

bool admin_page_alarms(struct process *process, struct service_call *call)
{
    call->status = 200;
    call->type = SPAN("application/json");
    alarm_watch_print(process->alarms, &call->body);
    return true;
}

/* ---- which one, and what of it ---- */

struct alarm_question {
    char name[NAME_MOST];
    struct span alarm; /* decoded */
    struct span what;  /* "history" */
    size_t index;
};

static bool question_read(const struct process *process, struct service_call *call,
                          struct alarm_question *question)
{
    struct span rest = span_from(call->path, SPAN("/api/v1/alarms/").len);
    size_t slash = span_find_last_byte(rest, '/');
    if (slash == SPAN_NONE)
        return admin_refuse(call, 404, "which page of the alarm? /api/v1/alarms/NAME/history");
    question->what = span_from(rest, slash + 1);
    question->alarm = admin_decode(span_first(rest, slash), question->name, NAME_MOST);
    if (question->alarm.len == 0 ||
        !alarm_watch_find(process->alarms, question->alarm, &question->index))
        return admin_refuse(call, 404, "there is no such alarm");
    return true;
}

/* ---- history ---- */

static bool limit_read(struct service_call *call, uint64_t *limit)
{
    struct span query = call->query;
    *limit = HISTORY_FIRST;
    while (query.len > 0) {
        struct span value = span_cut(&query, '&');
        if (!span_is(span_cut(&value, '='), SPAN("limit")))
            return admin_refuse(call, 400, "unknown argument: expected limit");
        if (!number_parse(value, limit) || *limit == 0 || *limit > HISTORY_MOST)
            return admin_refuse(call, 400, "limit: expected a number from 1 to 10000");
    }
    return true;
}

bool admin_page_alarm(struct process *process, struct service_call *call)
{
    struct alarm_question question;
    uint64_t limit;
    if (!question_read(process, call, &question))
        return true;
    if (!span_is(question.what, SPAN("history")))
        return !admin_refuse(call, 404, "expected /api/v1/alarms/NAME/history");
    if (!limit_read(call, &limit))
        return true;
    call->status = 200;
    call->type = SPAN("application/json");
    alarm_duty_print_history(alarm_watch_duty(process->alarms), question.alarm, (size_t)limit,
                             &call->body);
    return true;
}

/* ---- orders ---- */

static struct span text_of(const json_t *root, const char *name)
{
    const json_t *value = json_object_get(root, name);
    return json_is_string(value) ? span_make(json_string_value(value), json_string_length(value))
                                 : span_make("", 0);
}

/* Only keys that mean something, and texts. */
static bool is_good_body(json_t *root, const char *key)
{
    const char *name;
    json_t *value;
    if (!json_is_object(root) || text_of(root, "reason").len > REASON_MOST)
        return false;
    json_object_foreach(
        root, name,
        value) if (!json_is_string(value) ||
                   (!span_is(span_text(name), SPAN("reason")) &&
                    (key == NULL || !span_is(span_text(name), span_text(key))))) return false;
    return true;
}

/* For the log of changes, where each takes one line: `root`, what was asked for, is written anew.
 */
static void note_change(struct process *process, const struct service_call *call,
                        const struct alarm_question *question, const char *event,
                        const struct buf *before, const json_t *root)
{
    struct buf what;
    char *after = root != NULL ? json_dumps(root, JSON_COMPACT) : NULL;
    buf_init(&what, NOTE_BYTES);
    buf_format(&what, "alarm " SPAN_FORMAT, span_arg(question->alarm));
    admin_change(process, call,
                 &(struct change){.event = event,
                                  .what = buf_span(&what),
                                  .before = buf_span(before),
                                  .after = after != NULL ? span_text(after) : (struct span){0}});
    free(after);
    buf_fini(&what);
}

static void muting_add(const struct process *process, const struct alarm_question *question,
                       struct buf *to)
{
    struct alarm_duty_facts facts =
        alarm_duty_facts(alarm_watch_duty(process->alarms), question->index);
    char time[TIMESTAMP_LENGTH];
    timestamp_write(time, facts.muted_until_us);
    if (facts.muted_until_us > 0)
        buf_format(to, "{\"muted_until\":\"%.*s\"}", TIMESTAMP_LENGTH, time);
    else
        buf_add(to, SPAN("{\"muted_until\":null}"));
}

static void answer_well(struct service_call *call)
{
    call->status = 200;
    call->type = SPAN("application/json");
    buf_add(&call->body, SPAN("{}\n"));
}

static bool order_state(struct process *process, struct service_call *call,
                        const struct alarm_question *question, json_t *root)
{
    struct span word = text_of(root, "state"), reason = text_of(root, "reason");
    unsigned state = 0;
    if (!is_good_body(root, "state"))
        return admin_refuse(call, 400, "expected {\"state\":\"ALARM\",\"reason\":\"...\"}");
    while (alarm_state_word(state) != NULL && !span_is(word, span_text(alarm_state_word(state))))
        state++;
    if (alarm_state_word(state) == NULL)
        return admin_refuse(call, 400, "state: expected OK, ALARM or INSUFFICIENT_DATA");
    if (reason.len == 0)
        return admin_refuse(call, 400, "reason: expected why it is set");
    program_log_say(process->log, LOG_INFO,
                    "alarm " SPAN_FORMAT ": its state is set by hand to " SPAN_FORMAT,
                    span_arg(question->alarm), span_arg(word));
    struct buf before;
    buf_init(&before, NOTE_BYTES);
    buf_format(&before, "{\"state\":\"%s\"}",
               alarm_watch_state_word(process->alarms, question->index));
    note_change(process, call, question, "SetAlarmState", &before, root);
    buf_fini(&before);
    alarm_watch_set_state(process->alarms, question->index, (enum alarm_state)state, reason);
    return true;
}

static bool order_mute(struct process *process, struct service_call *call,
                       const struct alarm_question *question, json_t *root)
{
    uint64_t duration_us, most_us = (uint64_t)MUTE_MOST_DAYS * 86400 * SECOND_US;
    struct span duration = text_of(root, "duration");
    if (!is_good_body(root, "duration"))
        return admin_refuse(call, 400, "expected {\"duration\":\"1h\",\"reason\":\"...\"}");
    if (!duration_parse(duration, &duration_us) || duration_us < (uint64_t)60 * SECOND_US ||
        duration_us > most_us)
        return admin_refuse(call, 400, "duration: expected a time with a unit, from 1m to 15d");
    program_log_say(process->log, LOG_INFO,
                    "alarm " SPAN_FORMAT ": its actions are muted for " SPAN_FORMAT,
                    span_arg(question->alarm), span_arg(duration));
    struct buf before;
    buf_init(&before, NOTE_BYTES);
    muting_add(process, question, &before);
    note_change(process, call, question, "MuteAlarm", &before, root);
    buf_fini(&before);
    alarm_duty_mute(alarm_watch_duty(process->alarms), question->index,
                    loop_wall_us(process->loop) + duration_us, text_of(root, "reason"));
    return true;
}

static bool order_unmute(struct process *process, struct service_call *call,
                         const struct alarm_question *question, json_t *root)
{
    if (root != NULL && !is_good_body(root, NULL))
        return admin_refuse(call, 400, "expected {} or {\"reason\":\"...\"}");
    program_log_say(process->log, LOG_INFO, "alarm " SPAN_FORMAT ": its actions are not muted",
                    span_arg(question->alarm));
    struct buf before;
    buf_init(&before, NOTE_BYTES);
    muting_add(process, question, &before);
    note_change(process, call, question, "UnmuteAlarm", &before, root);
    buf_fini(&before);
    alarm_duty_mute(alarm_watch_duty(process->alarms), question->index, 0, text_of(root, "reason"));
    return true;
}

static const struct {
    struct span name;
    bool (*carry_out)(struct process *process, struct service_call *call,
                      const struct alarm_question *question, json_t *root);
} orders[] = {
    {SPAN_INIT("state"), order_state},
    {SPAN_INIT("mute"), order_mute},
    {SPAN_INIT("unmute"), order_unmute},
};

bool admin_page_alarm_post(struct process *process, struct service_call *call)
{
    struct alarm_question question;
    struct span body = buf_span(&call->request);
    size_t i = 0;
    if (!question_read(process, call, &question))
        return true;
    if (!alarm_duty_is_open(alarm_watch_duty(process->alarms)))
        return !admin_refuse(call, 503,
                             "another program, which is about to end, still has the alarms");
    while (i < sizeof orders / sizeof *orders && !span_is(question.what, orders[i].name))
        i++;
    if (i == sizeof orders / sizeof *orders)
        return !admin_refuse(call, 404, "expected /api/v1/alarms/NAME/state, mute or unmute");
    json_t *root =
        body.len > 0 ? json_loadb(body.at, body.len, JSON_REJECT_DUPLICATES, NULL) : NULL;
    if (body.len > 0 && root == NULL)
        admin_refuse(call, 400, "the body is no JSON");
    else if (orders[i].carry_out(process, call, &question, root))
        answer_well(call);
    json_decref(root);
    return true;
}
