/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/check.h"
#include "tests/unit/loop/hand_clock.h"
#include "tests/unit/loop/suites.h"

enum { MANY = 500 };

struct alarm {
    struct timer timer;
    uint64_t wanted_us; /* 0: not armed */
    unsigned fired;
    uint64_t fired_us;
    uint64_t again_us;     /* armed anew for then, when it fires */
    struct timer *disarms; /* when it fires */
};

static void on_alarm(struct timer *timer)
{
    struct alarm *alarm = list_entry(timer, struct alarm, timer);
    alarm->fired++;
    alarm->fired_us = loop_now_us(timer->loop);
    alarm->wanted_us = 0;
    if (alarm->disarms != NULL)
        timer_disarm(alarm->disarms);
    if (alarm->again_us != 0)
        timer_arm(timer, alarm->again_us);
}

static void alarm_init(struct alarm *alarm, struct loop *loop)
{
    *alarm = (struct alarm){.fired = 0};
    timer_init(&alarm->timer, loop, on_alarm);
}

static void pass(struct loop *loop, struct hand_clock *hand, uint64_t us)
{
    hand->now_us += us;
    loop_turn(loop, 0);
}

TEST(a_timer_fires_once_and_not_too_early)
{
    struct hand_clock hand;
    struct alarm alarm;
    hand_clock_init(&hand);
    struct loop *loop = loop_new(&hand.clock);
    alarm_init(&alarm, loop);
    timer_arm(&alarm.timer, hand.now_us + 1500);
    check(timer_is_armed(&alarm.timer));
    pass(loop, &hand, 1499);
    check_number(alarm.fired, 0);
    pass(loop, &hand, 501);
    check_number(alarm.fired, 1);
    check(!timer_is_armed(&alarm.timer));
    pass(loop, &hand, 1000000);
    check_number(alarm.fired, 1);
    loop_free(loop);
}

TEST(a_timer_of_the_past_fires_in_the_next_turn)
{
    struct hand_clock hand;
    struct alarm alarm;
    hand_clock_init(&hand);
    struct loop *loop = loop_new(&hand.clock);
    alarm_init(&alarm, loop);
    alarm.again_us = 1;
    timer_arm(&alarm.timer, 0);
    for (unsigned turn = 1; turn < 4; turn++) {
        loop_turn(loop, 0);
        check_number(alarm.fired, turn);
    }
    timer_disarm(&alarm.timer);
    timer_disarm(&alarm.timer);
    loop_turn(loop, 0);
    check_number(alarm.fired, 3);
    loop_free(loop);
}

TEST(a_timer_that_is_armed_again_moves)
{
    struct hand_clock hand;
    struct alarm alarm;
    hand_clock_init(&hand);
    struct loop *loop = loop_new(&hand.clock);
    alarm_init(&alarm, loop);
    timer_arm(&alarm.timer, hand.now_us + 5000);
    timer_arm(&alarm.timer, hand.now_us + 3600000000U);
    pass(loop, &hand, 10000);
    check_number(alarm.fired, 0);
    timer_arm(&alarm.timer, hand.now_us + 1000);
    pass(loop, &hand, 1000);
    check_number(alarm.fired, 1);
    loop_free(loop);
}

TEST(a_timer_may_disarm_another_that_is_due_at_the_same_time)
{
    struct hand_clock hand;
    struct alarm one, other;
    hand_clock_init(&hand);
    struct loop *loop = loop_new(&hand.clock);
    alarm_init(&one, loop);
    alarm_init(&other, loop);
    one.disarms = &other.timer;
    other.disarms = &one.timer;
    timer_arm(&one.timer, hand.now_us + 1000);
    timer_arm(&other.timer, hand.now_us + 1000);
    pass(loop, &hand, 1000);
    check_number(one.fired + other.fired, 1);
    loop_free(loop);
}

TEST(a_timer_for_the_end_of_time_is_never_due)
{
    struct hand_clock hand;
    struct alarm alarm;
    hand_clock_init(&hand);
    struct loop *loop = loop_new(&hand.clock);
    alarm_init(&alarm, loop);
    timer_arm(&alarm.timer, UINT64_MAX);
    pass(loop, &hand, (uint64_t)1000000 * 86400 * 365 * 100);
    check_number(alarm.fired, 0);
    timer_disarm(&alarm.timer);
    loop_free(loop);
}

static uint64_t next_number(uint64_t *state)
{
    *state = *state * 6364136223846793005U + 1442695040888963407U;
    return *state >> 33;
}

/* Mostly near, sometimes days away. */
static uint64_t some_time(uint64_t *state)
{
    return next_number(state) % ((uint64_t)1 << (8 + next_number(state) % 30));
}

static void check_alarms(const struct alarm *alarms, uint64_t now_us, uint64_t *late)
{
    for (unsigned i = 0; i < MANY; i++) {
        check(timer_is_armed(&alarms[i].timer) == (alarms[i].wanted_us != 0));
        if (alarms[i].wanted_us != 0 && alarms[i].wanted_us + 1000 <= now_us)
            ++*late;
    }
}

TEST(many_timers_fire_at_their_time_whatever_is_done_to_the_others)
{
    struct hand_clock hand;
    static struct alarm alarms[MANY];
    uint64_t random = 7, late = 0;
    unsigned fired = 0;
    hand_clock_init(&hand);
    struct loop *loop = loop_new(&hand.clock);
    for (unsigned i = 0; i < MANY; i++)
        alarm_init(&alarms[i], loop);
    for (unsigned round = 0; round < 3000; round++) {
        struct alarm *alarm = &alarms[next_number(&random) % MANY];
        if (next_number(&random) % 5 == 0) {
            timer_disarm(&alarm->timer);
            alarm->wanted_us = 0;
        } else {
            alarm->wanted_us = hand.now_us + 1 + some_time(&random);
            timer_arm(&alarm->timer, alarm->wanted_us);
        }
        uint64_t before[MANY];
        for (unsigned i = 0; i < MANY; i++)
            before[i] = alarms[i].wanted_us;
        pass(loop, &hand, some_time(&random) / 64);
        for (unsigned i = 0; i < MANY; i++) {
            bool did_fire = before[i] != 0 && alarms[i].wanted_us == 0;
            check(!did_fire || before[i] <= hand.now_us);
            fired += did_fire;
        }
        check_alarms(alarms, hand.now_us, &late);
    }
    check_number(late, 0);
    check(fired > 500);
    for (unsigned i = 0; i < MANY; i++)
        timer_disarm(&alarms[i].timer);
    loop_free(loop);
}

TEST(a_late_turn_is_measured)
{
    struct hand_clock hand;
    struct alarm alarm;
    hand_clock_init(&hand);
    struct loop *loop = loop_new(&hand.clock);
    alarm_init(&alarm, loop);
    timer_arm(&alarm.timer, hand.now_us + 2000);
    pass(loop, &hand, 9000);
    check_number(loop_delay_us(loop), 7000);
    pass(loop, &hand, 9000);
    check_number(loop_delay_us(loop), 0);
    loop_free(loop);
}

int timer_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_timer_fires_once_and_not_too_early),
        cmocka_unit_test(a_timer_of_the_past_fires_in_the_next_turn),
        cmocka_unit_test(a_timer_that_is_armed_again_moves),
        cmocka_unit_test(a_timer_may_disarm_another_that_is_due_at_the_same_time),
        cmocka_unit_test(a_timer_for_the_end_of_time_is_never_due),
        cmocka_unit_test(many_timers_fire_at_their_time_whatever_is_done_to_the_others),
        cmocka_unit_test(a_late_turn_is_measured),
    };
    return cmocka_run_group_tests_name("timer", tests, NULL, NULL);
}
