/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/alarm_actions.h"

#include <stdlib.h>
#include <string.h>

#include "rules/base/list.h"
#include "rules/base/must.h"
#include "sidecar/alarm_telling.h"
#include "sidecar/config/settings.h"
#include "sidecar/loop/loop.h"
#include "sidecar/program_log.h"

enum { SECOND_US = 1000000, PAUSE_MOST_S = 60, DOUBLINGS = 6 };

/* One alarm to tell a receiver of: waiting, or known by it and firing. */
struct notice_entry {
    struct list link;
    struct alarm_due due;      /* its texts stand behind it */
    uint64_t added_us, age_us; /* by the loop's clock; how old it was then, by the wall's */
    unsigned attempts;
    bool is_again;    /* it was told before: no matter how it ends, it is told again */
    uint64_t next_us; /* firing: when it is told again */
    char texts[];
};

/* A receiver. */
struct lane {
    struct list link;
    struct alarm_actions *actions;
    uint32_t key;
    struct list waiting, firing;
    size_t count;                 /* waiting */
    struct alarm_telling telling; /* of the first of them */
    struct timer timer;           /* of a pause, or until one that fires is told again */
    bool pauses;
    bool is_away; /* that was said */
};

struct alarm_actions {
    struct alarm_actions_world world;
    struct caller *caller;
    const struct settings *settings;
    struct list lanes;
    struct alarm_action_figures figures;
};

const char *alarm_outcome_word(enum alarm_outcome outcome)
{
    static const char *const words[] = {
#define X(id, word) [id] = (word),
        ALARM_OUTCOMES(X)
#undef X
    };
    return words[outcome];
}

const char *alarm_action_type_word(unsigned type)
{
    static const char *const words[] = {"webhook", "command", "log", NULL};
    return words[type];
}

/* ---- entries ---- */

static struct notice_entry *entry_new(const struct alarm_due *due)
{
    struct span alarm = due->alarm, reason = due->change.reason;
    struct notice_entry *entry = must_alloc(sizeof *entry + alarm.len + reason.len + 1);
    entry->due = *due;
    entry->due.alarm = span_make(entry->texts, alarm.len);
    entry->due.change.reason = span_make(entry->texts + alarm.len, reason.len);
    if (alarm.len > 0)
        memcpy(entry->texts, alarm.at, alarm.len);
    if (reason.len > 0)
        memcpy(entry->texts + alarm.len, reason.at, reason.len);
    return entry;
}

static void entry_free(struct notice_entry *entry)
{
    list_remove(&entry->link);
    free(entry);
}

static struct notice_entry *first_of(const struct list *list)
{
    struct list *first = list_first(list);
    return first != NULL ? list_entry(first, struct notice_entry, link) : NULL;
}

/* The same where there is one. */
static struct notice_entry *present_of(const struct list *list)
{
    struct notice_entry *entry = first_of(list);
    must(entry != NULL);
    return entry;
}

static void firing_drop(struct lane *lane, struct span alarm)
{
    struct list *next;
    for (struct list *n = lane->firing.next; n != &lane->firing; n = next) {
        struct notice_entry *entry = list_entry(n, struct notice_entry, link);
        next = n->next;
        if (span_is(entry->due.alarm, alarm))
            entry_free(entry);
    }
}

static void firing_add(struct lane *lane, const struct alarm_due *due)
{
    firing_drop(lane, due->alarm);
    struct notice_entry *entry = entry_new(due);
    entry->next_us = loop_now_us(lane->actions->world.loop) + (uint64_t)ALARM_AGAIN_S * SECOND_US;
    list_add(&lane->firing, &entry->link);
}

/* ---- what is configured ---- */

static const struct alarm_settings *alarm_of(const struct alarm_actions *actions, struct span name)
{
    const struct settings *settings = actions->settings;
    for (size_t i = 0; settings != NULL && i < settings->alarm_count; i++)
        if (span_is(settings->alarms[i].name, name))
            return &settings->alarms[i];
    return NULL;
}

static const struct alarm_action *action_of(const struct alarm_settings *alarm, uint32_t key)
{
    for (unsigned s = 0; alarm != NULL && s < ALARM_STATES; s++)
        for (size_t i = 0; i < alarm->actions[s].count; i++)
            if (alarm->actions[s].list[i].key == key)
                return &alarm->actions[s].list[i];
    return NULL;
}

/* ---- ends ---- */

/* One that waits is over. `action` NULL: there is none any more. */
static void finish_one(struct lane *lane, struct notice_entry *entry,
                       const struct alarm_action *action, enum alarm_outcome outcome,
                       const char *why)
{
    struct alarm_actions *actions = lane->actions;
    const struct alarm_change *change = &entry->due.change;
    list_remove(&entry->link);
    lane->count--;
    if (action != NULL && !entry->is_again)
        actions->figures.counts[action->type][outcome]++;
    if (outcome != ALARM_SENT && !entry->is_again)
        program_log_say(*actions->world.log, LOG_ERROR,
                        "alarm " SPAN_FORMAT " -> %s: " SPAN_FORMAT " was not told: %s",
                        span_arg(entry->due.alarm), alarm_state_word(change->state),
                        span_arg(action != NULL ? action->shown : SPAN("a receiver")), why);
    if (action != NULL && alarm_action_is_alert(action) && outcome == ALARM_SENT &&
        !entry->is_again && change->state == ALARM_STATE_ALARM)
        firing_add(lane, &entry->due);
    if (!entry->is_again)
        actions->world.ended(actions->world.context, &entry->due, outcome,
                             action != NULL ? action->shown : SPAN(""), why);
    entry_free(entry);
}

static void finish(struct lane *lane, const struct alarm_action *action, enum alarm_outcome outcome,
                   const char *why)
{
    finish_one(lane, present_of(&lane->waiting), action, outcome, why);
}

static void came_through(struct lane *lane, const struct alarm_action *action)
{
    if (lane->is_away)
        program_log_say(*lane->actions->world.log, LOG_INFO,
                        "alarms: " SPAN_FORMAT " is told again", span_arg(action->shown));
    lane->is_away = false;
    finish(lane, action, ALARM_SENT, "");
}

/* The receiver is away: the same again after a pause. */
static void pause_it(struct lane *lane, const struct alarm_action *action, const char *why)
{
    struct alarm_actions *actions = lane->actions;
    struct notice_entry *entry = first_of(&lane->waiting);
    if (!lane->is_away)
        program_log_say(*actions->world.log, LOG_WARN,
                        "alarms: " SPAN_FORMAT " cannot be told: %s; it is tried again",
                        span_arg(action->shown), why);
    lane->is_away = true;
    actions->figures.retries++;
    if (entry->is_again) {
        finish(lane, action, ALARM_DROPPED, why);
        return;
    }
    unsigned doublings = entry->attempts < DOUBLINGS ? entry->attempts : DOUBLINGS;
    uint64_t pause_s = UINT64_C(1) << doublings;
    entry->attempts++;
    if (action->type == ALARM_ACTION_COMMAND && entry->attempts >= ALARM_COMMAND_ATTEMPTS) {
        finish(lane, action, ALARM_FAILED, why);
        return;
    }
    pause_s = pause_s < PAUSE_MOST_S ? pause_s : PAUSE_MOST_S;
    lane->pauses = true;
    timer_arm(&lane->timer, loop_now_us(actions->world.loop) + pause_s * SECOND_US);
}

/* ---- lanes ---- */

static void lane_go(struct lane *lane);

static void answer_take(struct lane *lane, const struct alarm_action *action,
                        enum alarm_telling_answer answer, const char *why)
{
    switch (answer) {
    case ALARM_TELLING_UNDER_WAY: break;
    case ALARM_TELLING_WELL: came_through(lane, action); break;
    case ALARM_TELLING_REFUSED: finish(lane, action, ALARM_FAILED, why); break;
    case ALARM_TELLING_AWAY: pause_it(lane, action, why); break;
    }
}

static void on_told(void *context, enum alarm_telling_answer answer, const char *why)
{
    struct lane *lane = context;
    const struct alarm_due *due = &present_of(&lane->waiting)->due;
    const struct alarm_action *action = action_of(alarm_of(lane->actions, due->alarm), lane->key);
    if (action != NULL)
        answer_take(lane, action, answer, why);
    else
        finish(lane, NULL, answer == ALARM_TELLING_WELL ? ALARM_SENT : ALARM_DROPPED,
               "it is not configured any more");
    alarm_telling_drop(&lane->telling);
    lane_go(lane);
}

static void first_tell(struct lane *lane, const struct alarm_settings *alarm,
                       const struct alarm_action *action)
{
    struct alarm_actions *actions = lane->actions;
    const struct alarm_due *due = &present_of(&lane->waiting)->due;
    const struct alarm_telling_order order = {
        .loop = actions->world.loop,
        .log = *actions->world.log,
        .caller = actions->caller,
        .action = action,
        .notice = {.alarm = alarm,
                   .change = &due->change,
                   .service = actions->settings->service.name,
                   .environment = actions->settings->service.environment,
                   .configured_us = due->configured_us}};
    const char *why;
    enum alarm_telling_answer answer =
        alarm_telling_start(&lane->telling, &order, on_told, lane, &why);
    answer_take(lane, action, answer, why);
}

static bool may_go(const struct lane *lane)
{
    const struct alarm_actions *actions = lane->actions;
    return !list_is_empty(&lane->waiting) && !lane->pauses &&
           !alarm_telling_is_under_way(&lane->telling) && actions->caller != NULL &&
           actions->world.may_go(actions->world.context);
}

/* The wall clock may leap while it waits. */
static bool is_old(const struct lane *lane, const struct notice_entry *entry)
{
    uint64_t waited_us = loop_now_us(lane->actions->world.loop) - entry->added_us;
    return entry->age_us + waited_us > (uint64_t)ALARM_WAITING_DAYS * 86400 * SECOND_US;
}

/* The first that waits is carried out, or dropped. False: nothing may go now. */
static bool first_go(struct lane *lane)
{
    struct alarm_actions *actions = lane->actions;
    if (!may_go(lane))
        return false;
    struct notice_entry *entry = present_of(&lane->waiting);
    const struct alarm_settings *alarm = alarm_of(actions, entry->due.alarm);
    const struct alarm_action *action = action_of(alarm, lane->key);
    if (action == NULL) {
        firing_drop(lane, entry->due.alarm);
        finish(lane, NULL, ALARM_DROPPED, "it is not configured any more");
    } else if (!entry->is_again && is_old(lane, entry)) {
        finish(lane, action, ALARM_DROPPED, "it could not be told for a day");
    } else {
        first_tell(lane, alarm, action);
    }
    return true;
}

/* What is firing and was not told for a minute waits again. */
static void firing_look(struct lane *lane)
{
    uint64_t now_us = loop_now_us(lane->actions->world.loop), next_us = UINT64_MAX;
    bool idle = list_is_empty(&lane->waiting);
    for (struct list *n = lane->firing.next; n != &lane->firing; n = n->next) {
        struct notice_entry *entry = list_entry(n, struct notice_entry, link);
        if (entry->next_us <= now_us && idle) {
            struct notice_entry *again = entry_new(&entry->due);
            again->is_again = true;
            list_add(&lane->waiting, &again->link);
            lane->count++;
        }
        if (entry->next_us <= now_us)
            entry->next_us = now_us + (uint64_t)ALARM_AGAIN_S * SECOND_US;
        next_us = entry->next_us < next_us ? entry->next_us : next_us;
    }
    if (!lane->pauses && next_us != UINT64_MAX)
        timer_arm(&lane->timer, next_us);
}

static void lane_go(struct lane *lane)
{
    firing_look(lane);
    while (first_go(lane))
        ;
}

static void on_time(struct timer *timer)
{
    struct lane *lane = list_entry(timer, struct lane, timer);
    lane->pauses = false;
    lane_go(lane);
}

static struct lane *lane_of(struct alarm_actions *actions, uint32_t key)
{
    for (struct list *n = actions->lanes.next; n != &actions->lanes; n = n->next) {
        struct lane *lane = list_entry(n, struct lane, link);
        if (lane->key == key)
            return lane;
    }
    struct lane *lane = must_alloc(sizeof *lane);
    lane->actions = actions;
    lane->key = key;
    list_init(&lane->waiting);
    list_init(&lane->firing);
    timer_init(&lane->timer, actions->world.loop, on_time);
    list_add(&actions->lanes, &lane->link);
    return lane;
}

static void lane_free(struct lane *lane)
{
    struct notice_entry *entry;
    alarm_telling_drop(&lane->telling);
    timer_disarm(&lane->timer);
    while ((entry = first_of(&lane->waiting)) != NULL)
        entry_free(entry);
    while ((entry = first_of(&lane->firing)) != NULL)
        entry_free(entry);
    list_remove(&lane->link);
    free(lane);
}

/* ---- the owner's ---- */

/* The first, or the one behind it where that is under way. */
static struct notice_entry *oldest_that_waits(const struct lane *lane)
{
    struct notice_entry *first = present_of(&lane->waiting);
    return alarm_telling_is_under_way(&lane->telling)
               ? list_entry(first->link.next, struct notice_entry, link)
               : first;
}

void alarm_actions_add(struct alarm_actions *actions, const struct alarm_due *due)
{
    struct lane *lane = lane_of(actions, due->key);
    const struct alarm_action *action = action_of(alarm_of(actions, due->alarm), due->key);
    if (due->change.state != ALARM_STATE_ALARM)
        firing_drop(lane, due->alarm);
    if (lane->count >= ALARM_WAITING_MOST)
        finish_one(lane, oldest_that_waits(lane), action, ALARM_DROPPED,
                   "too many wait for this receiver");
    struct notice_entry *entry = entry_new(due);
    uint64_t wall_us = loop_wall_us(actions->world.loop);
    entry->added_us = loop_now_us(actions->world.loop);
    entry->age_us = wall_us > due->change.wall_us ? wall_us - due->change.wall_us : 0;
    list_add(&lane->waiting, &entry->link);
    lane->count++;
    lane_go(lane);
}

void alarm_actions_keep_firing(struct alarm_actions *actions, const struct alarm_due *due)
{
    const struct alarm_action *action = action_of(alarm_of(actions, due->alarm), due->key);
    struct lane *lane = lane_of(actions, due->key);
    if (action == NULL || !alarm_action_is_alert(action))
        return;
    firing_add(lane, due);
    lane_go(lane);
}

void alarm_actions_forget(struct alarm_actions *actions, struct span alarm)
{
    for (struct list *n = actions->lanes.next; n != &actions->lanes; n = n->next)
        firing_drop(list_entry(n, struct lane, link), alarm);
}

void alarm_actions_wake(struct alarm_actions *actions)
{
    struct list *next;
    for (struct list *n = actions->lanes.next; n != &actions->lanes; n = next) {
        next = n->next;
        lane_go(list_entry(n, struct lane, link));
    }
}

void alarm_actions_change(struct alarm_actions *actions, const struct settings *settings)
{
    struct list *next;
    actions->settings = settings;
    alarm_actions_wake(actions);
    for (struct list *n = actions->lanes.next; n != &actions->lanes; n = next) {
        struct lane *lane = list_entry(n, struct lane, link);
        next = n->next;
        if (list_is_empty(&lane->waiting) && list_is_empty(&lane->firing))
            lane_free(lane);
    }
}

void alarm_actions_call_by(struct alarm_actions *actions, struct caller *caller)
{
    actions->caller = caller;
}

struct alarm_action_figures alarm_actions_figures(const struct alarm_actions *actions)
{
    struct alarm_action_figures figures = actions->figures;
    for (struct list *n = actions->lanes.next; n != &actions->lanes; n = n->next)
        figures.waiting += list_entry(n, struct lane, link)->count;
    return figures;
}

struct alarm_actions *alarm_actions_new(const struct alarm_actions_world *world)
{
    struct alarm_actions *actions = must_alloc(sizeof *actions);
    actions->world = *world;
    list_init(&actions->lanes);
    return actions;
}

void alarm_actions_free(struct alarm_actions *actions)
{
    struct list *first;
    if (actions == NULL)
        return;
    while ((first = list_first(&actions->lanes)) != NULL)
        lane_free(list_entry(first, struct lane, link));
    free(actions);
}
