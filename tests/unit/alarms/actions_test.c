/* SPDX-License-Identifier: Apache-2.0 */
/* What waits for a receiver, and for how long. */
#include "sidecar/alarm_actions.h"

#include <stdio.h>
#include <string.h>

#include "sidecar/config/settings.h"
#include "sidecar/loop/loop.h"
#include "sidecar/program_log.h"
#include "sidecar/upstream/call.h"
#include "tests/check.h"
#include "tests/unit/alarms/suites.h"

enum { KEY = 7, MORE = 3, SECOND_US = 1000000 };
static const uint64_t day_us = UINT64_C(86400) * SECOND_US;

struct scene {
    struct clock clock;
    uint64_t now_us, wall_us;
    struct loop *loop;
    struct program_log *log;
    struct caller *caller;
    struct alarm_action action;
    struct alarm_settings alarm;
    struct settings settings;
    bool may_go;
    struct alarm_actions *actions;
    unsigned ended[ALARM_OUTCOME_COUNT];
    char first[ALARM_ID_LENGTH + 1]; /* the first that was dropped */
};

static uint64_t clock_now(void *context)
{
    return ((const struct scene *)context)->now_us;
}

static uint64_t clock_wall(void *context)
{
    return ((const struct scene *)context)->wall_us;
}

static bool may_go(void *context)
{
    return ((const struct scene *)context)->may_go;
}

static void on_ended(void *context, const struct alarm_due *due, enum alarm_outcome outcome,
                     struct span target, const char *why)
{
    struct scene *scene = context;
    (void)target, (void)why;
    if (outcome == ALARM_DROPPED && scene->ended[outcome] == 0)
        memcpy(scene->first, due->change.id, sizeof scene->first);
    scene->ended[outcome]++;
}

static void scene_begin(struct scene *scene, const char *const *argv)
{
    *scene = (struct scene){.now_us = SECOND_US, .wall_us = 100 * day_us, .may_go = true};
    scene->clock = (struct clock){clock_now, clock_wall, scene};
    scene->loop = loop_new(&scene->clock);
    scene->log = program_log_open("/dev/null", LOG_ERROR);
    scene->caller = caller_start(NULL);
    scene->action = (struct alarm_action){
        .type = argv != NULL ? ALARM_ACTION_COMMAND : ALARM_ACTION_LOG, .argv = argv, .key = KEY};
    scene->action.timeout_us = day_us;
    scene->alarm = (struct alarm_settings){.name = SPAN("quiet")};
    scene->alarm.actions[ALARM_STATE_ALARM] = (struct alarm_action_list){&scene->action, 1};
    scene->settings.alarms = &scene->alarm;
    scene->settings.alarm_count = 1;
    check(scene->loop != NULL && scene->log != NULL && scene->caller != NULL);
    scene->actions = alarm_actions_new(
        &(struct alarm_actions_world){scene->loop, &scene->log, may_go, on_ended, scene});
    alarm_actions_change(scene->actions, &scene->settings);
    alarm_actions_call_by(scene->actions, scene->caller);
}

static void scene_end(struct scene *scene)
{
    alarm_actions_free(scene->actions);
    caller_stop(scene->caller);
    program_log_close(scene->log);
    loop_free(scene->loop);
}

static void add(struct scene *scene, unsigned number, uint64_t wall_us)
{
    struct alarm_due due = {.alarm = SPAN("quiet"), .key = KEY};
    due.change = (struct alarm_change){
        .before = ALARM_STATE_OK, .state = ALARM_STATE_ALARM, .wall_us = wall_us};
    snprintf(due.change.id, sizeof due.change.id, "%u", number);
    alarm_actions_add(scene->actions, &due);
}

TEST(as_many_wait_as_may_also_while_one_is_under_way_and_the_oldest_that_waits_is_dropped)
{
    static const char *const hangs[] = {"/bin/sleep", "1000", NULL};
    struct scene scene;
    scene_begin(&scene, hangs);
    for (unsigned i = 0; i < ALARM_WAITING_MOST + MORE; i++)
        add(&scene, i, scene.wall_us);
    check_number(alarm_actions_figures(scene.actions).waiting, ALARM_WAITING_MOST);
    check_number(scene.ended[ALARM_DROPPED], MORE);
    check_span(span_text(scene.first), "1"); /* the one before is under way */
    scene_end(&scene);
}

TEST(what_waits_is_as_old_as_it_has_waited_however_the_wall_clock_leaps)
{
    struct scene scene;
    scene_begin(&scene, NULL);
    scene.may_go = false;
    add(&scene, 0, scene.wall_us);
    scene.wall_us += 3 * day_us;
    scene.may_go = true;
    alarm_actions_wake(scene.actions);
    check_number(scene.ended[ALARM_SENT], 1);

    scene.may_go = false;
    add(&scene, 1, scene.wall_us);
    scene.wall_us -= 3 * day_us;
    scene.now_us += day_us + SECOND_US;
    loop_turn(scene.loop, 0);
    scene.may_go = true;
    alarm_actions_wake(scene.actions);
    check_number(scene.ended[ALARM_SENT], 1);
    check_number(scene.ended[ALARM_DROPPED], 1);
    scene_end(&scene);
}

TEST(what_a_life_before_left_is_as_old_as_the_wall_clock_says)
{
    struct scene scene;
    scene_begin(&scene, NULL);
    add(&scene, 0, scene.wall_us - day_us - SECOND_US);
    check_number(scene.ended[ALARM_DROPPED], 1);
    scene.may_go = false;
    add(&scene, 1, scene.wall_us - day_us + SECOND_US);
    scene.now_us += (uint64_t)2 * SECOND_US;
    loop_turn(scene.loop, 0);
    scene.may_go = true;
    alarm_actions_wake(scene.actions);
    check_number(scene.ended[ALARM_DROPPED], 2);
    add(&scene, 2, scene.wall_us - day_us + SECOND_US);
    check_number(scene.ended[ALARM_SENT], 1);
    scene_end(&scene);
}

int actions_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            as_many_wait_as_may_also_while_one_is_under_way_and_the_oldest_that_waits_is_dropped),
        cmocka_unit_test(what_waits_is_as_old_as_it_has_waited_however_the_wall_clock_leaps),
        cmocka_unit_test(what_a_life_before_left_is_as_old_as_the_wall_clock_says),
    };
    return cmocka_run_group_tests_name("actions of alarms", tests, NULL, NULL);
}
