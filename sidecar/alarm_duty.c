/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/alarm_duty.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/random.h>

#include "rules/base/encode.h"
#include "rules/base/must.h"
#include "rules/base/uuid.h"
#include "sidecar/alarm_duty_inside.h"
#include "sidecar/config/settings.h"
#include "sidecar/loop/loop.h"
#include "sidecar/program_log.h"

enum { SECOND_US = 1000000 };

static uint64_t wall_us(const struct alarm_duty *duty)
{
    return loop_wall_us(duty->loop);
}

static struct span name_of(const struct alarm_duty *duty, size_t i)
{
    return duty->settings->alarms[i].name;
}

static_assert((int)ALARM_ID_LENGTH == UUID_LENGTH, "a change's id is a UUID");

static void id_make(char to[ALARM_ID_LENGTH + 1])
{
    uint8_t random[UUID_BYTES];
    must(getrandom(random, sizeof random, 0) == (ssize_t)sizeof random);
    uuid_write(to, random);
    to[UUID_LENGTH] = '\0';
}

/* ---- actions ---- */

/* The state's own, and the end of what Alertmanager was told. */
static void keys_find(const struct alarm_settings *alarm, const struct duty_record *record,
                      struct alarm_event *event)
{
    const struct alarm_action_list *own_list = &alarm->actions[record->last.state];
    const struct alarm_action_list *alerts = &alarm->actions[ALARM_STATE_ALARM];
    bool ends = record->last.state != ALARM_STATE_ALARM && record->told == ALARM_STATE_ALARM;
    for (size_t i = 0; i < own_list->count; i++)
        event->keys[event->key_count++] = own_list->list[i].key;
    for (size_t i = 0; ends && i < alerts->count; i++)
        if (alarm_action_is_alert(&alerts->list[i]))
            event->keys[event->key_count++] = alerts->list[i].key;
}

static struct alarm_event event_of(const struct alarm_duty *duty, size_t i,
                                   enum alarm_event_kind kind)
{
    return (struct alarm_event){.kind = kind, .wall_us = wall_us(duty), .alarm = name_of(duty, i)};
}

/* The last change's actions, or none of them: either way they are not held back any more. */
static void decide(struct alarm_duty *duty, size_t i, bool carry_out)
{
    struct duty_record *record = &duty->records[i];
    const struct alarm_settings *alarm = &duty->settings->alarms[i];
    struct alarm_event event = event_of(duty, i, ALARM_EVENT_DUE);
    struct alarm_due due = {
        .alarm = alarm->name, .configured_us = record->configured_us, .change = record->last};
    event.id = span_make(record->last.id, ALARM_ID_LENGTH);
    record->is_held = record->is_muted_held = false;
    if (carry_out && !alarm->actions_off)
        keys_find(alarm, record, &event);
    record->told = record->last.state;
    record->sent_count = 0;
    alarm_book_add(duty->book, &event);
    for (size_t k = 0; k < event.key_count; k++) {
        due.key = event.keys[k];
        alarm_actions_add(duty->actions, &due);
    }
}

/* By hand or by a window; 0: it is not. */
static uint64_t muted_until_us(const struct alarm_duty *duty, size_t i)
{
    const struct alarm_settings *alarm = &duty->settings->alarms[i];
    uint64_t now_us = wall_us(duty), until_us = duty->records[i].muted_until_us;
    for (size_t k = 0; k < alarm->mute_count; k++) {
        int64_t end_s = mute_window_end(&alarm->mutes[k], (int64_t)(now_us / SECOND_US));
        uint64_t end_us = end_s > 0 ? (uint64_t)end_s * SECOND_US : 0;
        until_us = end_us > until_us ? end_us : until_us;
    }
    return until_us > now_us ? until_us : 0;
}

static bool is_muted(const struct alarm_duty *duty, size_t i)
{
    return muted_until_us(duty, i) > 0;
}

static void change_take(struct alarm_duty *duty, const struct alarm_told *told)
{
    struct duty_record *record = &duty->records[told->alarm];
    struct alarm_change *last = &record->last;
    struct alarm_event event = event_of(duty, told->alarm, ALARM_EVENT_STATE);
    event.since_us = record->has_last ? last->wall_us : 0;
    id_make(last->id);
    alarm_replay_reason(record, told->reason, told->reason_data);
    last->before = event.before = told->before;
    last->state = event.state = told->state;
    last->wall_us = event.wall_us;
    last->since_us = event.since_us;
    event.definition = record->definition;
    event.id = span_make(last->id, ALARM_ID_LENGTH);
    event.text = last->reason;
    event.data = record->reason_data;
    record->has_last = record->is_held = true;
    record->is_muted_held = false;
    alarm_book_add(duty->book, &event);
}

void alarm_duty_told(struct alarm_duty *duty, const struct alarm_told *told)
{
    if (told->alarm >= duty->count) /* not open */
        return;
    struct duty_record *record = &duty->records[told->alarm];
    if (told->state != told->before)
        change_take(duty, told);
    if (!told->actions_run || !record->has_last)
        return;
    record->is_held = true;
    record->is_muted_held = is_muted(duty, told->alarm);
    if (!record->is_muted_held)
        decide(duty, told->alarm, true);
}

/* Who knows the state already is not told of it again. */
void alarm_duty_look(struct alarm_duty *duty)
{
    for (size_t i = 0; i < duty->count; i++) {
        const struct duty_record *record = &duty->records[i];
        if (record->is_held && record->is_muted_held && !is_muted(duty, i))
            decide(duty, i, record->told != record->last.state);
    }
}

void alarm_duty_mute(struct alarm_duty *duty, size_t alarm, uint64_t until_us, struct span reason)
{
    struct duty_record *record = &duty->records[alarm];
    struct alarm_event event = event_of(duty, alarm, ALARM_EVENT_MUTE);
    event.until_us = record->muted_until_us = until_us;
    event.text = reason;
    alarm_replay_muted_why(record, reason);
    alarm_book_add(duty->book, &event);
    alarm_duty_look(duty);
}

static bool may_go(void *context)
{
    const struct alarm_duty *duty = context;
    return duty->is_open && alarm_book_is_kept(duty->book);
}

static void on_kept(void *context)
{
    struct alarm_duty *duty = context;
    if (duty->is_open)
        alarm_actions_wake(duty->actions);
}

static void on_ended(void *context, const struct alarm_due *due, enum alarm_outcome outcome,
                     struct span target, const char *why)
{
    struct alarm_duty *duty = context;
    const struct alarm_event event = {.kind = ALARM_EVENT_ACTION,
                                      .wall_us = wall_us(duty),
                                      .alarm = due->alarm,
                                      .id = span_make(due->change.id, ALARM_ID_LENGTH),
                                      .keys = {due->key},
                                      .key_count = 1,
                                      .target = target,
                                      .outcome = span_text(alarm_outcome_word(outcome)),
                                      .text = span_text(why)};
    alarm_book_add(duty->book, &event);
}

/* ---- settings and restarts ---- */

void alarm_duty_change(struct alarm_duty *duty, const struct settings *settings)
{
    duty->settings = settings;
    if (duty->is_open)
        alarm_replay(duty);
    alarm_actions_change(duty->actions, settings);
}

bool alarm_duty_is_open(const struct alarm_duty *duty)
{
    return duty->is_open;
}

bool alarm_duty_open(struct alarm_duty *duty, const char *folder, struct caller *caller)
{
    if (folder != NULL && !alarm_book_open(duty->book, folder))
        return false;
    alarm_actions_call_by(duty->actions, caller);
    duty->is_open = true;
    alarm_replay_resume(duty);
    return true;
}

bool alarm_duty_restored(const struct alarm_duty *duty, size_t alarm, struct alarm_restored *to)
{
    const struct duty_record *record = &duty->records[alarm];
    *to = (struct alarm_restored){.state = record->last.state,
                                  .reason = record->last.reason,
                                  .reason_data = record->reason_data,
                                  .since_s = (int64_t)(record->last.wall_us / SECOND_US),
                                  .is_held = record->is_held && !record->is_muted_held};
    return record->has_last;
}

/* ---- what is said of it ---- */

struct alarm_duty_facts alarm_duty_facts(const struct alarm_duty *duty, size_t alarm)
{
    if (alarm >= duty->count)
        return (struct alarm_duty_facts){0};
    const struct duty_record *record = &duty->records[alarm];
    return (struct alarm_duty_facts){
        .since_us = record->has_last ? record->last.wall_us : 0,
        .muted_until_us = muted_until_us(duty, alarm),
        .muted_why = record->muted_until_us > wall_us(duty) ? record->muted_why : SPAN(""),
        .is_held = record->is_held,
    };
}

struct history {
    struct span alarm;
    size_t left;
    bool any;
    struct buf *to;
};

static bool history_add(void *context, const struct alarm_event *event)
{
    struct history *history = context;
    if (!span_is(event->alarm, history->alarm) || event->kind == ALARM_EVENT_DUE)
        return true;
    if (history->any)
        buf_add_byte(history->to, ',');
    history->any = true;
    alarm_event_show(history->to, event);
    return --history->left > 0;
}

void alarm_duty_print_history(const struct alarm_duty *duty, struct span alarm, size_t most,
                              struct buf *to)
{
    struct history history = {.alarm = alarm, .left = most, .to = to};
    buf_add(to, SPAN("{\"alarm\":"));
    json_add_string(to, alarm);
    buf_add(to, SPAN(",\"history\":["));
    alarm_book_each_newest(duty->book, history_add, &history);
    buf_add(to, SPAN("]}\n"));
}

struct alarm_action_figures alarm_duty_action_figures(const struct alarm_duty *duty)
{
    if (duty->actions == NULL) /* closed */
        return (struct alarm_action_figures){0};
    return alarm_actions_figures(duty->actions);
}

struct alarm_book_figures alarm_duty_book_figures(const struct alarm_duty *duty)
{
    return alarm_book_figures(duty->book);
}

/* ---- life ---- */

struct alarm_duty *alarm_duty_new(struct loop *loop, struct program_log *const *log)
{
    struct alarm_duty *duty = must_alloc(sizeof *duty);
    duty->loop = loop;
    duty->log = log;
    duty->book = alarm_book_new(loop, log, on_kept, duty);
    duty->actions = alarm_actions_new(&(struct alarm_actions_world){
        .loop = loop, .log = log, .may_go = may_go, .ended = on_ended, .context = duty});
    return duty;
}

bool alarm_duty_close(struct alarm_duty *duty, uint64_t deadline_us)
{
    if (duty == NULL || duty->actions == NULL)
        return true;
    duty->is_open = false;
    alarm_actions_free(duty->actions);
    duty->actions = NULL;
    return alarm_book_close(duty->book, deadline_us);
}

void alarm_duty_free(struct alarm_duty *duty)
{
    if (duty == NULL)
        return;
    (void)alarm_duty_close(duty, 0);
    alarm_book_free(duty->book);
    alarm_replay_free(duty->records, duty->count);
    free(duty);
}
