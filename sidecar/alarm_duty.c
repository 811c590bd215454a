/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/alarm_duty.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "exporters/crc32c.h"
#include "rules/base/encode.h"
#include "rules/base/must.h"
#include "sidecar/config/settings.h"
#include "sidecar/loop/loop.h"
#include "sidecar/program_log.h"

enum { ID_BYTES = 16, SECOND_US = 1000000 };

/* One of the settings' alarms. */
struct record {
    uint32_t definition;
    struct alarm_change last;
    char *reason; /* of it */
    bool has_last;
    bool is_held;           /* the actions of the last change wait */
    bool is_muted_held;     /* for a mute; else for a suppressor */
    enum alarm_state told;  /* the state that actions last told of */
    uint32_t known;         /* the book's latest definition; 0: none */
    uint64_t configured_us; /* since when */
    uint32_t sent[ALARM_EVENT_KEYS_MOST];
    size_t sent_count; /* of the last change */
    uint64_t muted_until_us;
    struct span muted_why;
    char *why; /* it */
};

/* An action that was due before a restart, and of which nobody knows that it is over. */
struct pending {
    struct alarm_due due;
    char *reason; /* of its change */
    struct pending *next;
};

struct alarm_duty {
    struct loop *loop;
    struct program_log *const *log;
    struct alarm_book *book;
    struct alarm_actions *actions;
    const struct settings *settings;
    struct record *records; /* by alarm */
    size_t count;
    bool is_open;
};

/* ---- texts ---- */

static char *own(struct span text)
{
    char *copy = must_alloc(text.len + 1);
    if (text.len > 0)
        memcpy(copy, text.at, text.len);
    return copy;
}

static void reason_take(struct record *record, struct span reason)
{
    char *before = record->reason;
    record->reason = own(reason);
    record->last.reason = span_make(record->reason, reason.len);
    free(before);
}

static void muted_why_take(struct record *record, struct span why)
{
    char *before = record->why;
    record->why = own(why);
    record->muted_why = span_make(record->why, why.len);
    free(before);
}

static void records_free(struct record *records, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(records[i].reason);
        free(records[i].why);
    }
    free(records);
}

static uint64_t wall_us(const struct alarm_duty *duty)
{
    return loop_wall_us(duty->loop);
}

static struct span name_of(const struct alarm_duty *duty, size_t i)
{
    return duty->settings->alarms[i].name;
}

/* Version 4, RFC 9562. */
static void id_make(char to[ALARM_ID_LENGTH + 1])
{
    uint8_t bytes[ID_BYTES];
    char hex[2 * ID_BYTES];
    must(getrandom(bytes, sizeof bytes, 0) == (ssize_t)sizeof bytes);
    bytes[6] = (uint8_t)((bytes[6] & 0x0f) | 0x40);
    bytes[8] = (uint8_t)((bytes[8] & 0x3f) | 0x80);
    hex_write(hex, bytes, sizeof bytes);
    snprintf(to, ALARM_ID_LENGTH + 1, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16,
             hex + 20);
}

static void id_take(struct alarm_change *change, struct span id)
{
    snprintf(change->id, sizeof change->id, SPAN_FORMAT, span_arg(id));
}

/* ---- actions ---- */

static bool is_alert(const struct alarm_action *action)
{
    return action->type == ALARM_ACTION_WEBHOOK && action->format == ALARM_FORMAT_ALERTMANAGER;
}

/* The state's own, and the end of what Alertmanager was told. */
static void keys_find(const struct alarm_settings *alarm, const struct record *record,
                      struct alarm_event *event)
{
    const struct alarm_action_list *own_list = &alarm->actions[record->last.state];
    const struct alarm_action_list *alerts = &alarm->actions[ALARM_STATE_ALARM];
    bool ends = record->last.state != ALARM_STATE_ALARM && record->told == ALARM_STATE_ALARM;
    for (size_t i = 0; i < own_list->count; i++)
        event->keys[event->key_count++] = own_list->list[i].key;
    for (size_t i = 0; ends && i < alerts->count; i++)
        if (is_alert(&alerts->list[i]))
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
    struct record *record = &duty->records[i];
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
    struct record *record = &duty->records[told->alarm];
    struct alarm_change *last = &record->last;
    struct alarm_event event = event_of(duty, told->alarm, ALARM_EVENT_STATE);
    event.since_us = record->has_last ? last->wall_us : 0;
    id_make(last->id);
    reason_take(record, told->reason);
    last->before = event.before = told->before;
    last->state = event.state = told->state;
    last->wall_us = event.wall_us;
    last->since_us = event.since_us;
    event.definition = record->definition;
    event.id = span_make(last->id, ALARM_ID_LENGTH);
    event.text = last->reason;
    record->has_last = record->is_held = true;
    record->is_muted_held = false;
    alarm_book_add(duty->book, &event);
}

void alarm_duty_told(struct alarm_duty *duty, const struct alarm_told *told)
{
    if (told->alarm >= duty->count) /* not open */
        return;
    struct record *record = &duty->records[told->alarm];
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
        const struct record *record = &duty->records[i];
        if (record->is_held && record->is_muted_held && !is_muted(duty, i))
            decide(duty, i, record->told != record->last.state);
    }
}

void alarm_duty_mute(struct alarm_duty *duty, size_t alarm, uint64_t until_us, struct span reason)
{
    struct record *record = &duty->records[alarm];
    struct alarm_event event = event_of(duty, alarm, ALARM_EVENT_MUTE);
    event.until_us = record->muted_until_us = until_us;
    event.text = reason;
    muted_why_take(record, reason);
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

/* ---- what the book says ---- */

struct replay {
    struct alarm_duty *duty;
    bool is_first;           /* after a restart: what was not carried out is looked for */
    struct pending *pending; /* the newest first */
};

static size_t index_of(const struct alarm_duty *duty, struct span name)
{
    size_t i = 0;
    while (i < duty->count && !span_is(name_of(duty, i), name))
        i++;
    return i;
}

static void pending_free(struct pending *one)
{
    free(one->reason);
    free(one);
}

static void pending_drop(struct replay *replay, const struct alarm_event *event)
{
    for (struct pending **at = &replay->pending; *at != NULL; at = &(*at)->next) {
        struct pending *one = *at;
        if (one->due.key != event->keys[0] || !span_is(span_text(one->due.change.id), event->id))
            continue;
        *at = one->next;
        pending_free(one);
        return;
    }
}

static void state_replay(struct record *record, const struct alarm_event *event)
{
    struct alarm_change *last = &record->last;
    id_take(last, event->id);
    reason_take(record, event->text);
    last->before = event->before;
    last->state = event->state;
    last->wall_us = event->wall_us;
    last->since_us = event->since_us;
    record->has_last = record->is_held = event->definition == record->definition;
}

static void due_replay(struct replay *replay, size_t i, const struct alarm_event *event)
{
    struct record *record = &replay->duty->records[i];
    if (!span_is(span_text(record->last.id), event->id))
        return;
    record->is_held = false;
    record->told = record->last.state;
    record->sent_count = 0;
    for (size_t k = 0; replay->is_first && k < event->key_count; k++) {
        struct pending *one = must_alloc(sizeof *one);
        one->due = (struct alarm_due){
            .key = event->keys[k], .configured_us = record->configured_us, .change = record->last};
        one->due.alarm = name_of(replay->duty, i); /* the book's is not for long */
        one->reason = own(record->last.reason);
        one->due.change.reason = span_make(one->reason, record->last.reason.len);
        one->next = replay->pending;
        replay->pending = one;
    }
}

static void action_replay(struct replay *replay, size_t i, const struct alarm_event *event)
{
    struct record *record = &replay->duty->records[i];
    pending_drop(replay, event);
    if (span_is(span_text(record->last.id), event->id) &&
        record->sent_count < ALARM_EVENT_KEYS_MOST &&
        span_is(event->outcome, span_text(alarm_outcome_word(ALARM_SENT))))
        record->sent[record->sent_count++] = event->keys[0];
}

/* Other settings begin anew. */
static void configuration_replay(struct record *record, const struct alarm_event *event)
{
    if (event->definition == record->known)
        return;
    record->known = event->definition;
    record->configured_us = event->wall_us;
    record->has_last = record->is_held = false;
    record->told = ALARM_STATE_INSUFFICIENT_DATA;
}

static bool event_replay(void *context, const struct alarm_event *event)
{
    struct replay *replay = context;
    size_t i = index_of(replay->duty, event->alarm);
    if (i == replay->duty->count)
        return true;
    struct record *record = &replay->duty->records[i];
    switch (event->kind) {
    case ALARM_EVENT_CONFIGURATION: configuration_replay(record, event); break;
    case ALARM_EVENT_STATE: state_replay(record, event); break;
    case ALARM_EVENT_DUE: due_replay(replay, i, event); break;
    case ALARM_EVENT_ACTION: action_replay(replay, i, event); break;
    case ALARM_EVENT_MUTE:
        record->muted_until_us = event->until_us;
        muted_why_take(record, event->text);
        break;
    case ALARM_EVENT_KINDS: break;
    }
    return true;
}

/* ---- settings ---- */

static void configuration_add(struct alarm_duty *duty, struct span alarm, uint32_t definition,
                              const char *what)
{
    const struct alarm_event event = {.kind = ALARM_EVENT_CONFIGURATION,
                                      .wall_us = wall_us(duty),
                                      .alarm = alarm,
                                      .definition = definition,
                                      .outcome = span_text(what)};
    alarm_book_add(duty->book, &event);
}

struct lookup {
    const struct alarm_duty *duty;
    struct span name; /* asked for, or found */
    const struct alarm_event *latest;
};

static bool find_latest(void *context, const struct alarm_event *event)
{
    struct lookup *lookup = context;
    bool is_it = event->kind == ALARM_EVENT_CONFIGURATION && span_is(event->alarm, lookup->name);
    lookup->latest = is_it ? event : NULL;
    return !is_it;
}

/* An alarm that the settings do not name, and of which the book does not say that it is gone. */
static bool find_gone(void *context, const struct alarm_event *event)
{
    struct lookup *lookup = context;
    struct lookup of_it = {.name = event->alarm};
    if (event->kind != ALARM_EVENT_CONFIGURATION || event->definition == 0 ||
        index_of(lookup->duty, event->alarm) < lookup->duty->count)
        return true;
    alarm_book_each_newest(lookup->duty->book, find_latest, &of_it);
    lookup->name = of_it.latest == event ? event->alarm : span_make(NULL, 0);
    return lookup->name.at == NULL;
}

static void gone_add(struct alarm_duty *duty)
{
    for (;;) {
        struct lookup lookup = {.duty = duty};
        alarm_book_each(duty->book, find_gone, &lookup);
        if (lookup.name.at == NULL)
            return;
        char *copy = own(lookup.name);
        struct span name = span_make(copy, lookup.name.len);
        alarm_actions_forget(duty->actions, name);
        configuration_add(duty, name, 0, "deleted");
        free(copy);
    }
}

/* What changed since the book was written. */
static void configurations_add(struct alarm_duty *duty)
{
    gone_add(duty);
    for (size_t i = 0; i < duty->count; i++) {
        struct record *record = &duty->records[i];
        if (record->known == record->definition)
            continue;
        if (record->known != 0)
            alarm_actions_forget(duty->actions, name_of(duty, i));
        configuration_add(duty, name_of(duty, i), record->definition,
                          record->known == 0 ? "created" : "updated");
        record->configured_us = wall_us(duty);
        record->known = record->definition;
        record->has_last = record->is_held = false;
        record->told = ALARM_STATE_INSUFFICIENT_DATA;
    }
}

/* A metric alarm has no suppressor: only a mute, or an end in the middle, can have held it. */
static void held_settle(struct alarm_duty *duty, const struct record *earlier, size_t count)
{
    for (size_t i = 0; i < duty->count; i++) {
        struct record *record = &duty->records[i];
        bool is_muted_held = duty->settings->alarms[i].suppressor.len == 0;
        for (size_t k = 0; k < count && !is_muted_held; k++)
            is_muted_held =
                earlier[k].is_muted_held && strcmp(earlier[k].last.id, record->last.id) == 0;
        record->is_muted_held = is_muted_held && record->is_held;
    }
}

static void replay(struct alarm_duty *duty, struct replay *how)
{
    struct record *earlier = duty->records;
    size_t count = duty->count;
    duty->count = duty->settings->alarm_count;
    duty->records = must_alloc(duty->count * sizeof *duty->records + 1);
    for (size_t i = 0; i < duty->count; i++) {
        uint32_t sum = crc32c(0, duty->settings->alarms[i].text);
        duty->records[i] = (struct record){.definition = sum + (sum == 0)};
    }
    alarm_book_each(duty->book, event_replay, how);
    configurations_add(duty);
    held_settle(duty, earlier, count);
    records_free(earlier, count);
}

void alarm_duty_change(struct alarm_duty *duty, const struct settings *settings)
{
    struct replay how = {.duty = duty};
    duty->settings = settings;
    if (duty->is_open)
        replay(duty, &how);
    alarm_actions_change(duty->actions, settings);
}

/* ---- after a restart ---- */

/* In the order in which they were due. */
static void pending_resume(struct alarm_duty *duty, struct pending *newest)
{
    struct pending *oldest = NULL;
    while (newest != NULL) {
        struct pending *next = newest->next;
        newest->next = oldest;
        oldest = newest;
        newest = next;
    }
    while (oldest != NULL) {
        struct pending *next = oldest->next;
        alarm_actions_add(duty->actions, &oldest->due);
        pending_free(oldest);
        oldest = next;
    }
}

static void firing_resume(struct alarm_duty *duty)
{
    for (size_t i = 0; i < duty->count; i++) {
        const struct record *record = &duty->records[i];
        if (!record->has_last || record->last.state != ALARM_STATE_ALARM)
            continue;
        for (size_t k = 0; k < record->sent_count; k++) {
            const struct alarm_due due = {name_of(duty, i), record->sent[k], record->configured_us,
                                          record->last};
            alarm_actions_keep_firing(duty->actions, &due);
        }
    }
}

bool alarm_duty_is_open(const struct alarm_duty *duty)
{
    return duty->is_open;
}

bool alarm_duty_open(struct alarm_duty *duty, const char *folder, struct caller *caller)
{
    struct replay how = {.duty = duty, .is_first = true};
    if (folder != NULL && !alarm_book_open(duty->book, folder))
        return false;
    replay(duty, &how);
    alarm_actions_call_by(duty->actions, caller);
    duty->is_open = true;
    pending_resume(duty, how.pending);
    firing_resume(duty);
    return true;
}

bool alarm_duty_restored(const struct alarm_duty *duty, size_t alarm, struct alarm_restored *to)
{
    const struct record *record = &duty->records[alarm];
    *to = (struct alarm_restored){.state = record->last.state,
                                  .reason = record->last.reason,
                                  .since_s = (int64_t)(record->last.wall_us / SECOND_US),
                                  .is_held = record->is_held && !record->is_muted_held};
    return record->has_last;
}

/* ---- what is said of it ---- */

struct alarm_duty_facts alarm_duty_facts(const struct alarm_duty *duty, size_t alarm)
{
    if (alarm >= duty->count)
        return (struct alarm_duty_facts){0};
    const struct record *record = &duty->records[alarm];
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

void alarm_duty_close(struct alarm_duty *duty)
{
    if (duty == NULL || duty->actions == NULL)
        return;
    duty->is_open = false;
    alarm_actions_free(duty->actions);
    duty->actions = NULL;
    alarm_book_close(duty->book);
}

void alarm_duty_free(struct alarm_duty *duty)
{
    if (duty == NULL)
        return;
    alarm_duty_close(duty);
    alarm_book_free(duty->book);
    records_free(duty->records, duty->count);
    free(duty);
}
