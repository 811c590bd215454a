/* SPDX-License-Identifier: Apache-2.0 */
/* From a worker's finished exchanges to the state of an alarm, by a clock that is turned by hand.
 */
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "exporters/cloudwatch/metric_store.h"
#include "exporters/meter.h"
#include "sidecar/alarm_watch.h"
#include "sidecar/config/settings.h"
#include "sidecar/program_log.h"
#include "tests/check.h"
#include "tests/unit/alarms/suites.h"
#include "tests/unit/exporters/sample.h"
#include "tests/unit/loop/hand_clock.h"

enum { SECOND_US = 1000000, WORKERS = 2, SAMPLES_MOST = 32 };

/* ---- meters ---- */

struct given {
    struct {
        size_t watch;
        int64_t time_s;
        uint64_t count;
        double sum;
    } list[SAMPLES_MOST];
    size_t count;
};

static void on_given(void *context, size_t watch, int64_t time_s, const struct sketch *samples)
{
    struct given *given = context;
    check(given->count < SAMPLES_MOST);
    given->list[given->count].watch = watch;
    given->list[given->count].time_s = time_s;
    given->list[given->count].count = samples->count;
    given->list[given->count++].sum = samples->sum;
}

static struct report report_of(unsigned status, const char *method, const char *route,
                               int64_t ended_s)
{
    struct report report = sample_report();
    report.status = status;
    report.method = span_text(method);
    report.route = span_text(route);
    report.duration_us = 250000;
    report.began_wall_us = (uint64_t)ended_s * SECOND_US - report.duration_us;
    return report;
}

static void check_given(const struct given *given, size_t watch, uint64_t count, double sum)
{
    uint64_t found = 0;
    double sums = 0;
    for (size_t i = 0; i < given->count; i++) {
        found += given->list[i].watch == watch ? given->list[i].count : 0;
        sums += given->list[i].watch == watch ? given->list[i].sum : 0;
    }
    check_number(found, count);
    check(fabs(sums - sum) < 1e-9);
}

TEST(a_meter_gathers_what_alarms_ask_for_by_metric_route_and_method)
{
    static const struct meter_watch watches[] = {
        {METERED_COUNT, SPAN_INIT(""), SPAN_INIT("")},
        {METERED_4XX, SPAN_INIT(""), SPAN_INIT("")},
        {METERED_5XX, SPAN_INIT("/orders/{id}"), SPAN_INIT("")},
        {METERED_LATENCY, SPAN_INIT(""), SPAN_INIT("POST")},
        {METERED_INTEGRATION_LATENCY, SPAN_INIT(""), SPAN_INIT("")}};
    struct meter *meter = meter_new();
    struct given given = {0};
    struct report ok = report_of(200, "GET", "/orders/{id}", 1000),
                  missing = report_of(404, "POST", "/", 1000),
                  broken = report_of(503, "GET", "/orders/{id}", 1000),
                  elsewhere = report_of(500, "GET", "/", 1000);
    missing.attempt_count = 0; /* refused before any backend was asked */
    meter_count(meter, &ok);   /* nobody asks yet */
    meter_change(meter, watches, 5, on_given, &given);
    check_number(given.count, 0);
    meter_count(meter, &ok);
    meter_count(meter, &missing);
    meter_count(meter, &broken);
    meter_count(meter, &elsewhere);
    meter_take(meter, on_given, &given);
    check_given(&given, 0, 4, 4);
    check_given(&given, 1, 4, 1);
    check_given(&given, 2, 2, 1);
    check_given(&given, 3, 1, 250);
    check_given(&given, 4, 3, 1.8); /* ms of the last of two attempts */
    given.count = 0;
    meter_take(meter, on_given, &given);
    check_number(given.count, 0);
    meter_free(meter);
}

TEST(a_meter_keeps_samples_apart_by_ten_seconds_and_gives_them_before_a_change)
{
    static const struct meter_watch first = {METERED_COUNT, SPAN_INIT(""), SPAN_INIT("")};
    static const struct meter_watch second = {METERED_5XX, SPAN_INIT(""), SPAN_INIT("")};
    struct meter *meter = meter_new();
    struct given given = {0};
    meter_change(meter, &first, 1, on_given, &given);
    for (int64_t t = 1000; t < 1020; t += 5) {
        struct report report = report_of(200, "GET", "/", t);
        meter_count(meter, &report);
    }
    meter_change(meter, &second, 1, on_given, &given);
    check_number(given.count, 2);
    check_number(given.list[0].time_s + given.list[1].time_s, 1000 + 1010);
    check_given(&given, 0, 4, 4);
    given.count = 0;
    meter_take(meter, on_given, &given);
    check_number(given.count, 0);
    meter_free(meter);
}

enum { COUNTED = 100000 };

static void *count_many(void *context)
{
    struct report report = report_of(200, "GET", "/", 1000);
    for (int i = 0; i < COUNTED; i++)
        meter_count(context, &report);
    return NULL;
}

TEST(a_meter_that_is_emptied_while_its_worker_counts_loses_nothing)
{
    static const struct meter_watch watch = {METERED_COUNT, SPAN_INIT(""), SPAN_INIT("")};
    struct meter *meter = meter_new();
    struct given given = {0};
    uint64_t counted = 0;
    pthread_t thread;
    meter_change(meter, &watch, 1, on_given, &given);
    check(pthread_create(&thread, NULL, count_many, meter) == 0);
    for (int i = 0; i < 1000; i++) {
        given.count = 0;
        meter_take(meter, on_given, &given);
        counted += given.count > 0 ? given.list[0].count : 0;
    }
    pthread_join(thread, NULL);
    given.count = 0;
    meter_take(meter, on_given, &given);
    counted += given.count > 0 ? given.list[0].count : 0;
    check_number(counted, COUNTED);
    meter_free(meter);
}

/* ---- the watch ---- */

struct scene {
    struct hand_clock hand;
    struct loop *loop;
    struct program_log *log;
    struct metrics *metrics;
    struct alarm_watch *watch;
};

static void scene_begin(struct scene *scene, int64_t wall_s)
{
    hand_clock_init(&scene->hand);
    scene->hand.wall_us = (uint64_t)wall_s * SECOND_US;
    scene->loop = loop_new(&scene->hand.clock);
    scene->log = program_log_open("/dev/null", LOG_DEBUG);
    scene->metrics = metrics_new(WORKERS, 1);
    check(scene->loop != NULL && scene->log != NULL);
    scene->watch = alarm_watch_new(scene->loop, &scene->log, scene->metrics, WORKERS);
}

static void scene_end(struct scene *scene)
{
    alarm_watch_free(scene->watch);
    metrics_free(scene->metrics);
    program_log_close(scene->log);
    loop_free(scene->loop);
}

/* The clock goes on by a second at a time. */
static void pass(struct scene *scene, int64_t seconds)
{
    for (int64_t i = 0; i < seconds; i++) {
        scene->hand.now_us += SECOND_US;
        scene->hand.wall_us += SECOND_US;
        loop_turn(scene->loop, 0);
    }
}

static void answer(struct scene *scene, unsigned worker, unsigned status)
{
    struct report report =
        report_of(status, "GET", "/", (int64_t)(scene->hand.wall_us / SECOND_US));
    metrics_count(metrics_worker(scene->metrics, worker), &report);
}

static const char *state_of(const struct scene *scene, size_t alarm)
{
    size_t count;
    struct alarm_figure *figures = alarm_watch_figures(scene->watch, &count);
    check(alarm < count);
    const char *word = figures[alarm].state;
    free(figures);
    return word;
}

static struct alarm_metric metric_of(const char *name, const char *statistic)
{
    struct alarm_metric metric = {.metric = span_text(name), .returns = true};
    check(statistic_parse(span_text(statistic), &metric.statistic, NULL, 0));
    return metric;
}

/* Two errors or more in 10 s; and one that looks at a minute. */
static struct settings *two_alarms(struct alarm_metric metrics[2], struct alarm_settings alarms[2])
{
    static struct settings settings;
    metrics[0] = metric_of("5XXError", "Sum");
    metrics[1] = metric_of("Count", "SampleCount");
    alarms[0] =
        (struct alarm_settings){.name = SPAN("errors"),
                                .text = SPAN("{ name: errors }"),
                                .metrics = &metrics[0],
                                .metric_count = 1,
                                .period_s = 10,
                                .test = {ALARM_GREATER_OR_EQUAL, 2, 1, 1, ALARM_NOT_BREACHING}};
    alarms[1] = (struct alarm_settings){.name = SPAN("busy"),
                                        .text = SPAN("{ name: busy }"),
                                        .metrics = &metrics[1],
                                        .metric_count = 1,
                                        .period_s = 60,
                                        .test = {ALARM_GREATER_OR_EQUAL, 3, 1, 1, ALARM_MISSING}};
    settings = (struct settings){.alarms = alarms, .alarm_count = 2};
    return &settings;
}

TEST(alarms_are_evaluated_by_what_all_workers_have_counted)
{
    struct scene scene;
    struct alarm_metric metrics[2];
    struct alarm_settings alarms[2];
    scene_begin(&scene, 1795254000);
    alarm_watch_change(scene.watch, two_alarms(metrics, alarms));
    assert_string_equal(state_of(&scene, 0), "INSUFFICIENT_DATA");
    answer(&scene, 0, 500);
    answer(&scene, 1, 503);
    answer(&scene, 1, 200);
    pass(&scene, 10);
    assert_string_equal(state_of(&scene, 0), "INSUFFICIENT_DATA"); /* 200 ms more */
    pass(&scene, 1);
    assert_string_equal(state_of(&scene, 0), "ALARM");
    assert_string_equal(state_of(&scene, 1), "INSUFFICIENT_DATA");
    answer(&scene, 0, 200);
    pass(&scene, 10);
    assert_string_equal(state_of(&scene, 0), "OK");
    pass(&scene, 40);
    assert_string_equal(state_of(&scene, 1), "ALARM");
    struct buf text;
    buf_init(&text, 1 << 16);
    alarm_watch_print(scene.watch, &text);
    check(span_find(buf_span(&text),
                    SPAN("{\"name\":\"busy\",\"state\":\"ALARM\",\"since\":\"2026-11-21T09:41:00."
                         "000000Z\",\"reason\":\"Threshold Crossed: 1 out of the last 1 datapoints "
                         "[4.0 (21/11/26 09:40:00)] was greater than or equal to the threshold "
                         "(3.0) (minimum 1 datapoint for OK -> ALARM transition).\"")) !=
          SPAN_NONE);
    buf_fini(&text);
    scene_end(&scene);
}

TEST(a_change_keeps_states_and_samples_of_alarms_that_are_the_same)
{
    struct scene scene;
    struct alarm_metric metrics[2], later_metrics[2];
    struct alarm_settings alarms[2], later[2];
    scene_begin(&scene, 1795254000);
    alarm_watch_change(scene.watch, two_alarms(metrics, alarms));
    answer(&scene, 0, 500);
    answer(&scene, 0, 500);
    pass(&scene, 15);
    assert_string_equal(state_of(&scene, 0), "ALARM");
    answer(&scene, 0, 200);
    struct settings *settings = two_alarms(later_metrics, later);
    later[0].test.threshold = 1;
    later[0].text = SPAN("{ name: errors, threshold: 1 }");
    alarm_watch_change(scene.watch, settings);
    assert_string_equal(state_of(&scene, 0), "INSUFFICIENT_DATA"); /* another one now */
    pass(&scene, 50);
    assert_string_equal(state_of(&scene, 1), "ALARM"); /* 2 of before, 1 that was under way */
    alarm_watch_change(scene.watch, two_alarms(metrics, alarms));
    assert_string_equal(state_of(&scene, 1), "ALARM");
    settings->alarm_count = 0;
    alarm_watch_change(scene.watch, settings);
    answer(&scene, 0, 500);
    pass(&scene, 20);
    scene_end(&scene);
}

TEST(a_clock_that_is_set_back_or_leaps_leaves_alarms_working)
{
    struct scene scene;
    struct alarm_metric metrics[2];
    struct alarm_settings alarms[2];
    scene_begin(&scene, 1795254000);
    alarm_watch_change(scene.watch, two_alarms(metrics, alarms));
    answer(&scene, 0, 500);
    answer(&scene, 0, 500);
    pass(&scene, 11);
    assert_string_equal(state_of(&scene, 0), "ALARM");
    scene.hand.wall_us -= (uint64_t)86400 * SECOND_US;
    pass(&scene, 10);
    assert_string_equal(state_of(&scene, 0), "OK");
    answer(&scene, 1, 500);
    answer(&scene, 1, 500);
    pass(&scene, 11);
    assert_string_equal(state_of(&scene, 0), "ALARM");
    scene.hand.wall_us += (uint64_t)10 * 86400 * SECOND_US;
    pass(&scene, 11);
    assert_string_equal(state_of(&scene, 0), "OK");
    answer(&scene, 0, 500);
    answer(&scene, 1, 500);
    pass(&scene, 11);
    assert_string_equal(state_of(&scene, 0), "ALARM");
    scene_end(&scene);
}

/* ---- metrics of others ---- */

static void store(struct scene *scene, struct metric_store *kept, double value, uint64_t times)
{
    static const struct pair method = {SPAN_INIT("Method"), SPAN_INIT("GET")};
    const struct metric_id id = {SPAN("Shop"), SPAN("Broken"), &method, 1};
    struct sketch sketch = {0};
    sketch_add(&sketch, value, times);
    check(metric_store_add(kept, &id, (int64_t)(scene->hand.wall_us / SECOND_US), &sketch));
    sketch_fini(&sketch);
}

static struct settings *stored_alarm(struct alarm_metric *metric, struct alarm_settings *alarm)
{
    static const struct pair method = {SPAN_INIT("Method"), SPAN_INIT("GET")};
    static struct settings settings;
    *metric = metric_of("Broken", "Sum");
    metric->namespace = SPAN("Shop");
    metric->dimensions = &method;
    metric->dimension_count = 1;
    *alarm = (struct alarm_settings){.name = SPAN("broken"),
                                     .text = SPAN("{ name: broken }"),
                                     .metrics = metric,
                                     .metric_count = 1,
                                     .period_s = 60,
                                     .test = {ALARM_GREATER_OR_EQUAL, 5, 2, 1, ALARM_MISSING}};
    settings = (struct settings){.alarms = alarm, .alarm_count = 1};
    return &settings;
}

TEST(an_alarm_on_a_metric_of_a_filter_looks_back_and_takes_what_comes_late)
{
    struct scene scene;
    struct alarm_metric metric;
    struct alarm_settings alarm;
    struct metric_store *kept = metric_store_new(10, 1 << 20);
    scene_begin(&scene, 1795254000);
    store(&scene, kept, 4, 1);
    pass(&scene, 70);
    alarm_watch_use(scene.watch, kept);
    alarm_watch_change(scene.watch, stored_alarm(&metric, &alarm));
    pass(&scene, 51); /* 121 s after the start: the second minute is not over by 1.5 s */
    assert_string_equal(state_of(&scene, 0), "INSUFFICIENT_DATA");
    pass(&scene, 1);
    assert_string_equal(state_of(&scene, 0), "OK"); /* 4, from before the alarm was there */
    scene.hand.wall_us -= (uint64_t)30 * SECOND_US;
    store(&scene, kept, 1, 5); /* of half a minute ago */
    scene.hand.wall_us += (uint64_t)30 * SECOND_US;
    pass(&scene, 60);
    assert_string_equal(state_of(&scene, 0), "ALARM"); /* 5 are counted once, though read often */
    pass(&scene, 300);
    assert_string_equal(state_of(&scene, 0), "INSUFFICIENT_DATA");
    scene_end(&scene);
    metric_store_free(kept);
}

TEST(an_alarm_on_a_metric_of_a_filter_lives_through_a_clock_that_is_set_back)
{
    struct scene scene;
    struct alarm_metric metric;
    struct alarm_settings alarm;
    struct metric_store *kept = metric_store_new(10, 1 << 20);
    scene_begin(&scene, 1795254000);
    alarm_watch_use(scene.watch, kept);
    alarm_watch_change(scene.watch, stored_alarm(&metric, &alarm));
    store(&scene, kept, 6, 1);
    pass(&scene, 62);
    assert_string_equal(state_of(&scene, 0), "ALARM");
    scene.hand.wall_us -= (uint64_t)3600 * SECOND_US;
    store(&scene, kept, 1, 1);
    pass(&scene, 62);
    assert_string_equal(state_of(&scene, 0), "OK");
    scene_end(&scene);
    metric_store_free(kept);
}

int watch_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_meter_gathers_what_alarms_ask_for_by_metric_route_and_method),
        cmocka_unit_test(a_meter_keeps_samples_apart_by_ten_seconds_and_gives_them_before_a_change),
        cmocka_unit_test(a_meter_that_is_emptied_while_its_worker_counts_loses_nothing),
        cmocka_unit_test(alarms_are_evaluated_by_what_all_workers_have_counted),
        cmocka_unit_test(a_change_keeps_states_and_samples_of_alarms_that_are_the_same),
        cmocka_unit_test(a_clock_that_is_set_back_or_leaps_leaves_alarms_working),
        cmocka_unit_test(an_alarm_on_a_metric_of_a_filter_looks_back_and_takes_what_comes_late),
        cmocka_unit_test(an_alarm_on_a_metric_of_a_filter_lives_through_a_clock_that_is_set_back),
    };
    return cmocka_run_group_tests_name("alarms of the program", tests, NULL, NULL);
}
