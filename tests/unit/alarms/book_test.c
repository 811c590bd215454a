/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of alarms.log, and what the book keeps. */
#include "sidecar/alarm_book.h"

#include <stdio.h>

#include "rules/base/buf.h"
#include "sidecar/loop/loop.h"
#include "tests/check.h"
#include "tests/unit/alarms/suites.h"
#include "tests/unit/loop/hand_clock.h"

#define ID "0e1f2a3b-4c5d-4e6f-8a9b-0c1d2e3f4a5b"
enum { DAY_S = 86400 };
static const uint64_t second_us = 1000000, begin_us = 1767225600000000;

/* ---- lines ---- */

static const struct alarm_event change = {.kind = ALARM_EVENT_STATE,
                                          .wall_us = 1767225600000001,
                                          .alarm = SPAN_INIT("5XX \"rate\""),
                                          .definition = 4000000000,
                                          .id = SPAN_INIT(ID),
                                          .before = ALARM_STATE_OK,
                                          .state = ALARM_STATE_ALARM,
                                          .since_us = 5,
                                          .text = SPAN_INIT("because\n")};

static void compare(void *context, const struct alarm_event *event)
{
    int *seen = context;
    ++*seen;
    check(event->kind == change.kind && event->wall_us == change.wall_us &&
          event->definition == change.definition && event->since_us == change.since_us &&
          event->before == change.before && event->state == change.state);
    check(span_is(event->alarm, change.alarm) && span_is(event->id, change.id) &&
          span_is(event->text, change.text));
}

static void count(void *context, const struct alarm_event *event)
{
    (void)event;
    ++*(int *)context;
}

TEST(an_event_is_read_as_it_was_written_and_no_byte_may_be_another)
{
    struct buf line;
    int seen = 0;
    buf_init(&line, ALARM_EVENT_LINE_MOST);
    alarm_event_print(&line, &change);
    struct span text = span_first(buf_span(&line), line.len - 1);
    check(line.at[line.len - 1] == '\n');
    check(alarm_event_read(text, compare, &seen));
    check_number(seen, 1);
    for (size_t i = 0; i < text.len; i++) {
        line.at[i] ^= 1;
        check(!alarm_event_read(text, count, &seen));
        check(!alarm_event_read(span_first(text, i), count, &seen));
        line.at[i] ^= 1;
    }
    check_number(seen, 1);
    buf_fini(&line);
}

/* ---- the book ---- */

struct scene {
    struct hand_clock hand;
    struct loop *loop;
    struct alarm_book *book;
};

static void nothing(void *context)
{
    (void)context;
}

static void scene_begin(struct scene *scene)
{
    hand_clock_init(&scene->hand);
    scene->hand.wall_us = begin_us;
    scene->loop = loop_new(&scene->hand.clock);
    scene->book = alarm_book_new(scene->loop, NULL, nothing, NULL);
}

static void scene_end(struct scene *scene)
{
    check(alarm_book_close(scene->book, 0));
    alarm_book_free(scene->book);
    loop_free(scene->loop);
}

/* A second passes. */
static void add(struct scene *scene, struct alarm_event event)
{
    scene->hand.wall_us += second_us;
    scene->hand.now_us += second_us;
    loop_turn(scene->loop, 0);
    event.wall_us = scene->hand.wall_us;
    alarm_book_add(scene->book, &event);
}

static void add_changes(struct scene *scene, const char *alarm, size_t times)
{
    struct alarm_event event = change;
    event.alarm = span_text(alarm);
    for (size_t i = 0; i < times; i++)
        add(scene, event);
}

struct wanted {
    struct span alarm;
    enum alarm_event_kind kind;
    size_t found;
};

static bool find(void *context, const struct alarm_event *event)
{
    struct wanted *wanted = context;
    wanted->found += event->kind == wanted->kind && span_is(event->alarm, wanted->alarm);
    return true;
}

static size_t found(const struct scene *scene, const char *alarm, enum alarm_event_kind kind)
{
    struct wanted wanted = {span_text(alarm), kind, 0};
    alarm_book_each(scene->book, find, &wanted);
    return wanted.found;
}

TEST(a_book_is_bounded_and_keeps_what_is_needed_later)
{
    struct scene scene;
    scene_begin(&scene);
    const struct alarm_event made = {.kind = ALARM_EVENT_CONFIGURATION, .definition = 7},
                             due = {.kind = ALARM_EVENT_DUE,
                                    .keys = {1, 2},
                                    .key_count = 2,
                                    .id = SPAN(ID)};
    struct alarm_event event = made;
    event.alarm = SPAN("rare");
    add(&scene, event);
    add_changes(&scene, "rare", 2);
    event = due;
    event.alarm = SPAN("rare");
    add(&scene, event);
    add_changes(&scene, "often", 3 * ALARM_BOOK_EVENTS);
    size_t events = alarm_book_figures(scene.book).events;
    check(events <= ALARM_BOOK_EVENTS + 1000);
    check(events >= ALARM_BOOK_EVENTS - 1000);
    check_number(found(&scene, "rare", ALARM_EVENT_CONFIGURATION), 1);
    check_number(found(&scene, "rare", ALARM_EVENT_STATE), 1); /* the latest of two */
    check_number(found(&scene, "rare", ALARM_EVENT_DUE), 1);
    scene_end(&scene);
}

TEST(what_is_older_than_fourteen_days_goes_unless_it_is_needed)
{
    struct scene scene;
    scene_begin(&scene);
    add_changes(&scene, "a", 10);
    const struct alarm_event gone = {.kind = ALARM_EVENT_CONFIGURATION, .alarm = SPAN("b")};
    const struct alarm_event due = {
        .kind = ALARM_EVENT_DUE, .alarm = SPAN("a"), .keys = {1}, .key_count = 1, .id = SPAN(ID)};
    struct alarm_event done = due;
    done.kind = ALARM_EVENT_ACTION;
    add(&scene, due);
    add(&scene, done);
    add_changes(&scene, "b", 10);
    add(&scene, gone);
    scene.hand.wall_us += ALARM_BOOK_DAYS * (uint64_t)DAY_S * second_us;
    add_changes(&scene, "c", 1000);
    check_number(found(&scene, "a", ALARM_EVENT_STATE), 1);
    check_number(found(&scene, "a", ALARM_EVENT_DUE), 1);
    check_number(found(&scene, "a", ALARM_EVENT_ACTION), 1); /* or it would be due again */
    check_number(found(&scene, "b", ALARM_EVENT_STATE), 0);  /* there is no such alarm any more */
    check_number(found(&scene, "b", ALARM_EVENT_CONFIGURATION), 0);
    check_number(found(&scene, "c", ALARM_EVENT_STATE), 1000);
    scene_end(&scene);
}

int book_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_event_is_read_as_it_was_written_and_no_byte_may_be_another),
        cmocka_unit_test(a_book_is_bounded_and_keeps_what_is_needed_later),
        cmocka_unit_test(what_is_older_than_fourteen_days_goes_unless_it_is_needed),
    };
    return cmocka_run_group_tests_name("the book of alarms", tests, NULL, NULL);
}
