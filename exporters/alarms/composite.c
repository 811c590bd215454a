/* SPDX-License-Identifier: Apache-2.0 */
/* Composite alarms: a state by the states of others, and the sentence that names the one of them
 * whose change made it so. Where the state stays while children come and go, that is the latest
 * change among those that hold it: a child that has left is no reason. */
#include <string.h>
#include <time.h>

#include "exporters/alarms/alarms_inside.h"
#include "exporters/alarms/reason_data.h"
#include "rules/base/encode.h"

/* Beside its name: {"name":...,"state":{...}}, and what comes after the last. */
enum { TRIGGERING_BYTES = 120, ESCAPED_MOST = 6 };

/* Friday 22 July, 2022 15:57:45 UTC */
static void date_add(struct buf *to, int64_t time_s)
{
    static const char *const days[] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                       "Thursday", "Friday", "Saturday"};
    static const char *const months[] = {"January",   "February", "March",    "April",
                                         "May",       "June",     "July",     "August",
                                         "September", "October",  "November", "December"};
    struct tm tm;
    time_t time = (time_t)time_s;
    if (gmtime_r(&time, &tm) != NULL)
        buf_format(to, "%s %02d %s, %d %02d:%02d:%02d UTC", days[tm.tm_wday], tm.tm_mday,
                   months[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

/* In this run; of an alarm from before a restart: since its state was found. A child that settings
 * have made anew was something else before, so that its first state is a change. */
static bool a_child_has_changed(const struct alarms *alarms, const struct alarm *alarm)
{
    for (size_t i = 0; i < alarm->rule->child_count; i++) {
        size_t child = alarm->rule->children[i];
        if (alarms->changed[child] || alarms->list[child].is_fresh)
            return true;
        if (!alarm->has_run && alarms->list[child].since_s > alarm->since_s)
            return true;
    }
    return false;
}

/* Of the children that speak for the state the one that changed last; NULL: none ever did. */
static const struct alarm *latest_speaker(const struct alarms *alarms, const struct alarm *alarm)
{
    const struct alarm *latest = NULL;
    for (size_t i = 0; i < alarm->rule->child_count; i++) {
        const struct alarm *child = &alarms->list[alarm->rule->children[i]];
        if (alarms->speaks[alarm->rule->children[i]] && child->since_s > 0 &&
            (latest == NULL || child->since_s > latest->since_s))
            latest = child;
    }
    return latest;
}

static void reason_find(const struct alarms *alarms, struct alarm *alarm, bool is_new)
{
    const struct alarm *speaker = is_new ? NULL : latest_speaker(alarms, alarm);
    buf_clear(&alarm->reason);
    if (speaker == NULL) {
        buf_format(&alarm->reason, SPAN_FORMAT " was created and its alarm rule evaluates to %s",
                   span_arg(alarm->settings->name), alarm_state_word(alarm->state));
        return;
    }
    buf_format(&alarm->reason, SPAN_FORMAT " transitioned to %s at ",
               span_arg(speaker->settings->name), alarm_state_word(speaker->state));
    date_add(&alarm->reason, speaker->since_s);
}

/* In the order of the rule, as many as there is room for. */
static void data_find(const struct alarms *alarms, struct alarm *alarm)
{
    struct buf *to = &alarm->data;
    const char *comma = "";
    buf_clear(to);
    buf_add(to, SPAN("{\"triggeringAlarms\":["));
    for (size_t i = 0; i < alarm->rule->child_count; i++) {
        const struct alarm *child = &alarms->list[alarm->rule->children[i]];
        struct span name = child->settings->name;
        size_t most = TRIGGERING_BYTES + name.len * ESCAPED_MOST;
        if (!alarms->speaks[alarm->rule->children[i]] ||
            buf_span(to).len + most > ALARM_REASON_DATA_MOST)
            continue;
        buf_format(to, "%s{\"name\":", comma);
        json_add_string(to, name);
        buf_format(to, ",\"state\":{\"value\":\"%s\"", alarm_state_word(child->state));
        if (child->since_s > 0) {
            buf_add(to, SPAN(",\"timestamp\":"));
            alarm_date_add(to, child->since_s);
        }
        buf_add(to, SPAN("}}"));
        comma = ",";
    }
    buf_add(to, SPAN("]}"));
}

bool composite_run(struct alarms *alarms, size_t index)
{
    struct alarm *alarm = &alarms->list[index];
    bool is_new = !alarm->has_run && !alarm->is_restored;
    bool follows = a_child_has_changed(alarms, alarm);
    if (alarm->has_run && !follows)
        return false;
    memset(alarms->speaks, 0, alarms->count * sizeof *alarms->speaks);
    enum alarm_state state = alarm_rule_speakers(alarm->rule, alarms->states, alarms->speaks)
                                 ? ALARM_STATE_ALARM
                                 : ALARM_STATE_OK;
    alarm->has_run = true;
    if (!is_new && !follows && state == alarm->state)
        return false;
    alarm->state = alarms->states[index] = state;
    reason_find(alarms, alarm, is_new);
    data_find(alarms, alarm);
    return true;
}
