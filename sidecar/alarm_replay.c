/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exporters/crc32c.h"
#include "rules/base/must.h"
#include "sidecar/alarm_duty_inside.h"
#include "sidecar/config/settings.h"
#include "sidecar/loop/loop.h"

/* An action that was due before a restart, and of which nobody knows that it is over. */
struct pending {
    struct alarm_due due;
    char *reason; /* of its change */
    struct pending *next;
};

/* ---- texts ---- */

void alarm_replay_reason(struct duty_record *record, struct span reason, struct span data)
{
    char *before = record->reason, *data_before = record->data;
    record->reason = span_own(reason);
    record->last.reason = span_make(record->reason, reason.len);
    record->data = span_own(data);
    record->reason_data = span_make(record->data, data.len);
    free(before);
    free(data_before);
}

void alarm_replay_muted_why(struct duty_record *record, struct span why)
{
    char *before = record->why;
    record->why = span_own(why);
    record->muted_why = span_make(record->why, why.len);
    free(before);
}

void alarm_replay_free(struct duty_record *records, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(records[i].reason);
        free(records[i].data);
        free(records[i].why);
    }
    free(records);
}

static struct span name_of(const struct alarm_duty *duty, size_t i)
{
    return duty->settings->alarms[i].name;
}

static void id_take(struct alarm_change *change, struct span id)
{
    snprintf(change->id, sizeof change->id, SPAN_FORMAT, span_arg(id));
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

static void state_replay(struct duty_record *record, const struct alarm_event *event)
{
    struct alarm_change *last = &record->last;
    id_take(last, event->id);
    alarm_replay_reason(record, event->text, event->data);
    last->before = event->before;
    last->state = event->state;
    last->wall_us = event->wall_us;
    last->since_us = event->since_us;
    record->has_last = record->is_held = event->definition == record->definition;
}

static void due_replay(struct replay *replay, size_t i, const struct alarm_event *event)
{
    struct duty_record *record = &replay->duty->records[i];
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
        one->reason = span_own(record->last.reason);
        one->due.change.reason = span_make(one->reason, record->last.reason.len);
        one->next = replay->pending;
        replay->pending = one;
    }
}

static void action_replay(struct replay *replay, size_t i, const struct alarm_event *event)
{
    struct duty_record *record = &replay->duty->records[i];
    pending_drop(replay, event);
    if (span_is(span_text(record->last.id), event->id) &&
        record->sent_count < ALARM_EVENT_KEYS_MOST &&
        span_is(event->outcome, span_text(alarm_outcome_word(ALARM_SENT))))
        record->sent[record->sent_count++] = event->keys[0];
}

/* Other settings begin anew. */
static void configuration_replay(struct duty_record *record, const struct alarm_event *event)
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
    struct duty_record *record = &replay->duty->records[i];
    switch (event->kind) {
    case ALARM_EVENT_CONFIGURATION: configuration_replay(record, event); break;
    case ALARM_EVENT_STATE: state_replay(record, event); break;
    case ALARM_EVENT_DUE: due_replay(replay, i, event); break;
    case ALARM_EVENT_ACTION: action_replay(replay, i, event); break;
    case ALARM_EVENT_MUTE:
        record->muted_until_us = event->until_us;
        alarm_replay_muted_why(record, event->text);
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
                                      .wall_us = loop_wall_us(duty->loop),
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
        char *copy = span_own(lookup.name);
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
        struct duty_record *record = &duty->records[i];
        if (record->known == record->definition)
            continue;
        if (record->known != 0)
            alarm_actions_forget(duty->actions, name_of(duty, i));
        configuration_add(duty, name_of(duty, i), record->definition,
                          record->known == 0 ? "created" : "updated");
        record->configured_us = loop_wall_us(duty->loop);
        record->known = record->definition;
        record->has_last = record->is_held = false;
        record->told = ALARM_STATE_INSUFFICIENT_DATA;
    }
}

/* A metric alarm has no suppressor: only a mute, or an end in the middle, can have held it. */
static void held_settle(struct alarm_duty *duty, const struct duty_record *earlier, size_t count)
{
    for (size_t i = 0; i < duty->count; i++) {
        struct duty_record *record = &duty->records[i];
        bool is_muted_held = duty->settings->alarms[i].suppressor.len == 0;
        for (size_t k = 0; k < count && !is_muted_held; k++)
            is_muted_held =
                earlier[k].is_muted_held && strcmp(earlier[k].last.id, record->last.id) == 0;
        record->is_muted_held = is_muted_held && record->is_held;
    }
}

static void replay_all(struct alarm_duty *duty, struct replay *how)
{
    struct duty_record *earlier = duty->records;
    size_t count = duty->count;
    duty->count = duty->settings->alarm_count;
    duty->records = must_alloc(duty->count * sizeof *duty->records + 1);
    for (size_t i = 0; i < duty->count; i++) {
        uint32_t sum = crc32c(0, duty->settings->alarms[i].text);
        duty->records[i] = (struct duty_record){.definition = sum + (sum == 0)};
    }
    alarm_book_each(duty->book, event_replay, how);
    configurations_add(duty);
    held_settle(duty, earlier, count);
    alarm_replay_free(earlier, count);
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
        const struct duty_record *record = &duty->records[i];
        if (!record->has_last || record->last.state != ALARM_STATE_ALARM)
            continue;
        for (size_t k = 0; k < record->sent_count; k++) {
            const struct alarm_due due = {name_of(duty, i), record->sent[k], record->configured_us,
                                          record->last};
            alarm_actions_keep_firing(duty->actions, &due);
        }
    }
}

/* ---- the owner's ---- */

void alarm_replay(struct alarm_duty *duty)
{
    struct replay how = {.duty = duty};
    replay_all(duty, &how);
}

void alarm_replay_resume(struct alarm_duty *duty)
{
    struct replay how = {.duty = duty, .is_first = true};
    replay_all(duty, &how);
    pending_resume(duty, how.pending);
    firing_resume(duty);
}
