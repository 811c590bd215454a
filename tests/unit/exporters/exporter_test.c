/* SPDX-License-Identifier: Apache-2.0 */
/* From the ring to the files, with the real threads. */
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "exporters/channels.h"
#include "exporters/clock.h"
#include "exporters/exporter.h"
#include "exporters/ring.h"
#include "exporters/rounds.h"
#include "rules/base/must.h"
#include "tests/check.h"
#include "tests/unit/exporters/collector.h"
#include "tests/unit/exporters/sample.h"

struct fixture {
    char folder[256], access[300], rules[300], moved[300], why[512];
    int fd;
    struct ring *ring;
    struct exporter *exporter;
    struct exporter_settings settings;
    struct channel_settings channel;
    uint64_t wanted; /* what a question waits for */
};

static struct fixture *set_up(void)
{
    struct fixture *f = must_alloc(sizeof *f);
    folder_make(f->folder, sizeof f->folder);
    snprintf(f->access, sizeof f->access, "%s/access.log", f->folder);
    snprintf(f->rules, sizeof f->rules, "%s/rules.log", f->folder);
    snprintf(f->moved, sizeof f->moved, "%s/access.log.1", f->folder);
    f->fd = ring_create(2, 0);
    f->ring = ring_open(f->fd);
    check(f->ring != NULL);
    f->settings.logs[DESTINATION_ACCESS_LOG].path = span_text(f->access);
    f->settings.logs[DESTINATION_RULE_LOG].path = span_text(f->rules);
    return f;
}

/* Traces to one receiver. */
static void export_to(struct fixture *f, const char *url)
{
    f->channel.name = SPAN("otlp");
    f->channel.url = span_text(url);
    f->settings.channels = &f->channel;
    f->settings.channel_count = 1;
}

static void start(struct fixture *f)
{
    f->exporter = exporter_start(f->ring, &f->settings, f->why, sizeof f->why);
    check(f->exporter != NULL);
}

static void tear_down(struct fixture *f)
{
    exporter_stop(f->exporter, clock_monotonic_us() + 5000000);
    ring_close(f->ring);
    close(f->fd);
    folder_remove(f->folder);
    free(f);
}

static struct destination_figures figures(struct fixture *f, enum destination destination)
{
    struct destination_figures out;
    exporter_figures(f->exporter, destination, &out);
    uint64_t dropped = 0;
    for (size_t i = 0; i < DROP_REASONS; i++)
        dropped += out.dropped[i];
    check_number(out.produced, out.sent + dropped + out.waiting);
    return out;
}

static bool access_lines_are_sent(void *context)
{
    struct fixture *f = context;
    return figures(f, DESTINATION_ACCESS_LOG).sent == f->wanted;
}

static bool rule_lines_are_sent(void *context)
{
    struct fixture *f = context;
    return figures(f, DESTINATION_RULE_LOG).sent == f->wanted;
}

static void put(struct fixture *f, const struct report *report)
{
    check(ring_put(f->ring, 0, report));
    exporter_nudge(f->exporter);
}

static unsigned lines_of(const char *path)
{
    static char text[1 << 18];
    struct span bytes = file_read(path, text, sizeof text);
    unsigned lines = 0;
    for (size_t i = 0; i < bytes.len; i++)
        lines += bytes.at[i] == '\n';
    return lines;
}

TEST(a_finished_exchange_reaches_both_logs)
{
    struct fixture *f = set_up();
    struct report report = sample_report();
    start(f);
    put(f, &report);
    f->wanted = 1;
    check(comes_true(access_lines_are_sent, f));
    f->wanted = 2;
    check(comes_true(rule_lines_are_sent, f));
    check_number(lines_of(f->access), 1);
    check_number(lines_of(f->rules), 2);
    check_number(figures(f, DESTINATION_TRACES).produced, 0);
    check(!figures(f, DESTINATION_TRACES).on);
    tear_down(f);
}

TEST(what_the_audit_log_alone_speaks_of_is_in_no_other_log)
{
    struct fixture *f = set_up();
    struct report report = sample_report();
    struct rule_match matches[2] = {report.waf.matches[0], report.waf.matches[1]};
    static char text[1 << 16];
    matches[0].audit_only = true;
    report.waf.matches = matches;
    start(f);
    put(f, &report);
    f->wanted = 1;
    check(comes_true(access_lines_are_sent, f));
    check(comes_true(rule_lines_are_sent, f));
    check_number(lines_of(f->rules), 1);
    check(span_find(file_read(f->rules, text, sizeof text), SPAN("942100")) == SPAN_NONE);
    check(span_find(file_read(f->access, text, sizeof text), SPAN("\"rules\":[949110]")) !=
          SPAN_NONE);
    tear_down(f);
}

TEST(a_rule_line_is_in_the_file_within_50_ms)
{
    struct fixture *f = set_up();
    struct report report = sample_report();
    start(f);
    uint64_t quickest = UINT64_MAX;
    for (unsigned i = 1; i <= 5; i++) {
        f->wanted = 2 * i;
        uint64_t begin = clock_monotonic_us();
        put(f, &report);
        check(comes_true(rule_lines_are_sent, f));
        uint64_t took = clock_monotonic_us() - begin;
        quickest = took < quickest ? took : quickest;
    }
    check(quickest < 50000);
    tear_down(f);
}

TEST(the_next_child_exports_what_the_last_one_left)
{
    struct fixture *f = set_up();
    struct report report = sample_report();
    check(ring_put(f->ring, 1, &report));
    start(f);
    f->wanted = 1;
    check(comes_true(access_lines_are_sent, f));
    tear_down(f);
}

static bool spans_are_on_disk(void *context)
{
    struct fixture *f = context;
    struct destination_figures account;
    struct spool_state spool;
    exporter_account(f->exporter, exporter_accounts(f->exporter) - 1, &account, &spool);
    return spool.records == f->wanted;
}

TEST(spans_that_a_dead_child_had_in_hand_come_again_and_its_lines_do_not)
{
    struct fixture *f = set_up();
    struct report report = sample_report();
    struct ring_place place;
    char spool[300];
    snprintf(spool, sizeof spool, "%s/spool", f->folder);
    check_number(mkdir(spool, 0700), 0);
    check(ring_put(f->ring, 0, &report));
    check(ring_put(f->ring, 0, &report));
    ring_hold(f->ring, true); /* a child reads the first one and dies */
    ring_keep(f->ring, channel_id(SPAN("otlp"), OTLP_TRACES), true);
    check(ring_next(f->ring, LANE_SECURITY, &place));
    ring_taken(f->ring, &place);
    ring_close(f->ring);
    f->ring = ring_open(f->fd);
    export_to(f, "http://127.0.0.1:1/v1/traces");
    f->channel.spool =
        (struct spool_place){span_text(spool), 1 << 26, UINT64_C(1) << 40, SPOOL_FSYNC_OFF};
    start(f);
    f->wanted = 1;
    check(comes_true(access_lines_are_sent, f));
    f->wanted = 2;
    check(comes_true(spans_are_on_disk, f));
    check_number(figures(f, DESTINATION_ACCESS_LOG).produced, 1);
    exporter_stop(f->exporter, clock_monotonic_us() + 5000000);
    check(!ring_mark(f->ring)); /* all of it is where it belongs */
    start(f);
    check(comes_true(spans_are_on_disk, f));
    check_number(figures(f, DESTINATION_TRACES).dropped[DROP_SHUTDOWN], 0);
    tear_down(f);
}

static bool spans_wait(void *context)
{
    struct fixture *f = context;
    return figures(f, DESTINATION_TRACES).waiting == f->wanted;
}

TEST(spans_that_were_in_the_memory_of_a_killed_child_are_counted)
{
    struct fixture *f = set_up();
    struct report report = sample_report();
    export_to(f, "http://127.0.0.1:1/v1/traces");
    f->wanted = 6; /* a request's spans */
    pid_t child = fork();
    check(child >= 0);
    if (child == 0) {
        start(f);
        put(f, &report);
        _exit(comes_true(spans_wait, f) ? 0 : 1);
    }
    int status;
    check_number(waitpid(child, &status, 0), child);
    check(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    start(f);
    check_number(figures(f, DESTINATION_TRACES).dropped[DROP_CRASH], 6);
    check_number(figures(f, DESTINATION_TRACES).produced, 6);
    tear_down(f);
}

static bool access_lines_are_produced(void *context)
{
    struct fixture *f = context;
    return figures(f, DESTINATION_ACCESS_LOG).produced == f->wanted;
}

TEST(spans_that_are_counted_as_lost_do_not_come_again_with_lines_for_a_disk)
{
    struct fixture *f = set_up();
    struct report report = sample_report();
    struct ring_place place;
    struct log_settings *log = &f->settings.logs[DESTINATION_ACCESS_LOG];
    char spool[300], own[320];
    snprintf(spool, sizeof spool, "%s/lines", f->folder);
    snprintf(own, sizeof own, "%s.syslog", spool);
    check_number(mkdir(own, 0700), 0);
    log->syslog.address = SPAN("tcp://127.0.0.1:1");
    log->spool =
        (struct spool_place){span_text(spool), 1 << 26, UINT64_C(1) << 40, SPOOL_FSYNC_OFF};
    export_to(f, "http://127.0.0.1:1/v1/traces");
    check(ring_put(f->ring, 0, &report));
    report.sampled = false;
    check(ring_put(f->ring, 0, &report));
    ring_hold(f->ring, true); /* a child reads the first one, has its spans in memory and dies */
    check(ring_next(f->ring, LANE_SECURITY, &place));
    ring_taken(f->ring, &place);
    ring_risk(f->ring, channel_id(SPAN("otlp"), OTLP_TRACES), 6);
    ring_keep(f->ring, channel_id(SPAN("access_log.syslog"), OTLP_LOGS), true);
    ring_close(f->ring);
    f->ring = ring_open(f->fd);
    start(f);
    f->wanted = 1; /* the second's, which comes behind the first */
    check(comes_true(access_lines_are_produced, f));
    check_number(figures(f, DESTINATION_TRACES).dropped[DROP_CRASH], 6);
    check_number(figures(f, DESTINATION_TRACES).produced, 6);
    tear_down(f);
}

TEST(with_everything_off_nothing_is_kept_and_no_file_made)
{
    struct fixture *f = set_up();
    struct report report = sample_report();
    f->settings = (struct exporter_settings){0};
    start(f);
    put(f, &report);
    check(ring_is_empty(f->ring));
    exporter_reopen(f->exporter);
    check_number(figures(f, DESTINATION_ACCESS_LOG).produced, 0);
    tear_down(f);
}

TEST(a_log_that_cannot_be_opened_is_said_with_its_path)
{
    struct fixture *f = set_up();
    f->settings.logs[DESTINATION_ACCESS_LOG].path = SPAN("/nowhere/at/all.log");
    check(exporter_start(f->ring, &f->settings, f->why, sizeof f->why) == NULL);
    check_span(span_first(span_text(f->why), 21), "/nowhere/at/all.log: ");
    tear_down(f);
}

TEST(a_change_moves_a_log_and_a_bad_one_leaves_it)
{
    struct fixture *f = set_up();
    struct report report = plain_report();
    start(f);
    put(f, &report);
    f->wanted = 1;
    check(comes_true(access_lines_are_sent, f));
    f->settings.logs[DESTINATION_RULE_LOG].path = SPAN("/nowhere/at/all.log");
    check(!exporter_change(f->exporter, &f->settings, f->why, sizeof f->why));
    f->settings.logs[DESTINATION_RULE_LOG].path = span_make(NULL, 0);
    f->settings.logs[DESTINATION_ACCESS_LOG].path = span_text(f->moved);
    check(exporter_change(f->exporter, &f->settings, f->why, sizeof f->why));
    put(f, &report);
    f->wanted = 2;
    check(comes_true(access_lines_are_sent, f));
    check_number(lines_of(f->access), 1);
    check_number(lines_of(f->moved), 1);
    check(!figures(f, DESTINATION_RULE_LOG).on);
    tear_down(f);
}

TEST(a_change_can_turn_everything_on)
{
    struct fixture *f = set_up();
    struct report report = plain_report();
    struct exporter_settings wanted = f->settings;
    f->settings = (struct exporter_settings){0};
    start(f);
    check(exporter_change(f->exporter, &wanted, f->why, sizeof f->why));
    put(f, &report);
    f->wanted = 1;
    check(comes_true(access_lines_are_sent, f));
    tear_down(f);
}

static bool log_is_there_again(void *context)
{
    struct fixture *f = context;
    return access(f->access, F_OK) == 0;
}

TEST(reopening_makes_the_file_anew)
{
    struct fixture *f = set_up();
    struct report report = plain_report();
    start(f);
    put(f, &report);
    f->wanted = 1;
    check(comes_true(access_lines_are_sent, f));
    check_number(rename(f->access, f->moved), 0);
    exporter_reopen(f->exporter);
    check(comes_true(log_is_there_again, f));
    put(f, &report);
    f->wanted = 2;
    check(comes_true(access_lines_are_sent, f));
    check_number(lines_of(f->access), 1);
    check_number(lines_of(f->moved), 1);
    tear_down(f);
}

TEST(a_blocked_pipe_delays_nobody_else_and_its_losses_are_counted)
{
    struct fixture *f = set_up();
    struct report report = sample_report();
    check_number(mkfifo(f->access, 0600), 0);
    f->settings.queue_records = 50;
    start(f);
    for (unsigned i = 1; i <= 50; i++) {
        for (unsigned j = 0; j < 20; j++)
            put(f, &report);
        f->wanted = (uint64_t)2 * 20 * i;
        check(comes_true(rule_lines_are_sent, f));
    }
    struct destination_figures pipe = figures(f, DESTINATION_ACCESS_LOG);
    check_number(pipe.produced, 1000);
    check(pipe.sent > 0);
    check(pipe.dropped[DROP_QUEUE_FULL] > 0);
    check_number(figures(f, DESTINATION_RULE_LOG).sent, 2000);
    exporter_stop(f->exporter, clock_monotonic_us()); /* does not wait for the pipe */
    f->exporter = NULL;
    tear_down(f);
}

static bool write_errors_are_counted(void *context)
{
    struct fixture *f = context;
    return figures(f, DESTINATION_ACCESS_LOG).dropped[DROP_WRITE_ERROR] > 0;
}

TEST(lines_for_a_full_disk_are_given_up_after_some_tries_and_counted)
{
    struct fixture *f = set_up();
    struct report report = plain_report();
    f->settings.logs[DESTINATION_ACCESS_LOG].path = SPAN("/dev/full");
    start(f);
    put(f, &report);
    check(comes_true(write_errors_are_counted, f));
    check_number(figures(f, DESTINATION_ACCESS_LOG).sent, 0);
    tear_down(f);
}

TEST(stopping_writes_what_is_left)
{
    struct fixture *f = set_up();
    struct report report = plain_report();
    start(f);
    for (unsigned i = 0; i < 100; i++)
        check(ring_put(f->ring, i % 2, &report));
    exporter_stop(f->exporter, clock_monotonic_us() + 5000000);
    f->exporter = NULL;
    check_number(lines_of(f->access), 100);
    tear_down(f);
}

struct traced {
    struct fixture *f;
    struct collector collector;
    atomic_bool stop;
};

static bool six_spans_are_sent(void *context)
{
    struct traced *traced = context;
    collector_step(&traced->collector);
    return figures(traced->f, DESTINATION_TRACES).sent == 6;
}

TEST(a_sampled_exchange_reaches_the_receiver_and_no_other_does)
{
    struct traced traced = {.f = set_up()};
    struct report sampled = sample_report(), plain = plain_report();
    collector_init(&traced.collector);
    traced.f->settings = (struct exporter_settings){.service_name = SPAN("shop-sidecar")};
    export_to(traced.f, traced.collector.url);
    start(traced.f);
    put(traced.f, &plain);
    put(traced.f, &sampled);
    check(comes_true(six_spans_are_sent, &traced));
    check_number(traced.collector.spans, 6);
    check_number(figures(traced.f, DESTINATION_TRACES).produced, 6);
    check_number(figures(traced.f, DESTINATION_ACCESS_LOG).produced, 0);
    tear_down(traced.f);
    collector_fini(&traced.collector);
}

TEST(a_receiver_that_hangs_delays_neither_logs_nor_the_end)
{
    struct traced traced = {.f = set_up()};
    struct fixture *f = traced.f;
    struct report report = sample_report();
    collector_init(&traced.collector);
    traced.collector.answer = NULL;
    export_to(f, traced.collector.url);
    start(f);
    for (unsigned i = 0; i < 300; i++)
        put(f, &report);
    f->wanted = 300;
    check(comes_true(access_lines_are_sent, f));
    check_number(figures(f, DESTINATION_TRACES).waiting, 1800);
    uint64_t begin = clock_monotonic_us();
    exporter_stop(f->exporter, begin + 100000);
    check(clock_monotonic_us() - begin < 5000000); /* not the 10 s of the request */
    f->exporter = NULL;
    tear_down(f);
    collector_fini(&traced.collector);
}

static void *collect(void *context)
{
    struct traced *traced = context;
    while (!atomic_load(&traced->stop)) {
        collector_step(&traced->collector);
        sched_yield();
    }
    return NULL;
}

TEST(stopping_sends_the_spans_that_wait)
{
    struct traced traced = {.f = set_up()};
    struct fixture *f = traced.f;
    struct report report = sample_report();
    pthread_t thread;
    collector_init(&traced.collector);
    check_number(pthread_create(&thread, NULL, collect, &traced), 0);
    export_to(f, traced.collector.url);
    f->channel.gzip = true;
    start(f);
    for (unsigned i = 0; i < 100; i++)
        check(ring_put(f->ring, 0, &report));
    exporter_stop(f->exporter, clock_monotonic_us() + 10000000);
    f->exporter = NULL;
    atomic_store(&traced.stop, true);
    pthread_join(thread, NULL);
    check_number(traced.collector.spans, 600);
    tear_down(f);
    collector_fini(&traced.collector);
}

TEST(what_a_full_ring_lost_is_counted_for_each_destination)
{
    struct fixture *f = set_up();
    struct report report = sample_report();
    uint64_t put_in = 0, refused = 0;
    while (ring_put(f->ring, 0, &report))
        put_in++;
    for (refused = 1; refused < 10; refused++)
        check(!ring_put(f->ring, 0, &report));
    start(f);
    f->wanted = put_in;
    check(comes_true(access_lines_are_sent, f));
    struct destination_figures access = figures(f, DESTINATION_ACCESS_LOG);
    check_number(access.produced, put_in + refused);
    check_number(access.dropped[DROP_RING_FULL], refused);
    check_number(figures(f, DESTINATION_RULE_LOG).dropped[DROP_RING_FULL], 2 * refused);
    check_number(figures(f, DESTINATION_TRACES).produced, 0);
    tear_down(f);
}

TEST(a_round_that_found_something_is_followed_by_one_a_tenth_of_a_second_later)
{
    struct rounds rounds = {0};
    check(round_is_due(&rounds, 1));
    round_is_over(&rounds, 7, false, 5000);
    round_before_sleep(&rounds, false); /* what came since waits for it */
    check(!round_is_due(&rounds, 5000 + ROUND_US - 1));
    check(round_is_due(&rounds, 5000 + ROUND_US));
}

TEST(a_round_that_left_something_is_followed_by_one_at_once)
{
    struct rounds rounds = {0};
    round_is_over(&rounds, 1024, true, 5000);
    check(round_is_due(&rounds, 5000));
}

TEST(a_record_that_came_behind_an_empty_round_is_taken_before_the_thread_sleeps)
{
    struct rounds rounds = {0};
    round_is_over(&rounds, 0, false, 5000);
    round_before_sleep(&rounds, true);
    check(!round_is_due(&rounds, 5001));
    round_before_sleep(&rounds, false);
    check(round_is_due(&rounds, 5001));
}

TEST(a_round_is_due_when_somebody_asks_for_it)
{
    struct rounds rounds = {0};
    round_is_over(&rounds, 7, false, 5000);
    round_now(&rounds);
    check(round_is_due(&rounds, 5001));
}

int exporter_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_round_that_found_something_is_followed_by_one_a_tenth_of_a_second_later),
        cmocka_unit_test(a_round_that_left_something_is_followed_by_one_at_once),
        cmocka_unit_test(
            a_record_that_came_behind_an_empty_round_is_taken_before_the_thread_sleeps),
        cmocka_unit_test(a_round_is_due_when_somebody_asks_for_it),
        cmocka_unit_test(a_finished_exchange_reaches_both_logs),
        cmocka_unit_test(what_the_audit_log_alone_speaks_of_is_in_no_other_log),
        cmocka_unit_test(a_rule_line_is_in_the_file_within_50_ms),
        cmocka_unit_test(the_next_child_exports_what_the_last_one_left),
        cmocka_unit_test(spans_that_a_dead_child_had_in_hand_come_again_and_its_lines_do_not),
        cmocka_unit_test(spans_that_were_in_the_memory_of_a_killed_child_are_counted),
        cmocka_unit_test(spans_that_are_counted_as_lost_do_not_come_again_with_lines_for_a_disk),
        cmocka_unit_test(with_everything_off_nothing_is_kept_and_no_file_made),
        cmocka_unit_test(a_log_that_cannot_be_opened_is_said_with_its_path),
        cmocka_unit_test(a_change_moves_a_log_and_a_bad_one_leaves_it),
        cmocka_unit_test(a_change_can_turn_everything_on),
        cmocka_unit_test(reopening_makes_the_file_anew),
        cmocka_unit_test(a_blocked_pipe_delays_nobody_else_and_its_losses_are_counted),
        cmocka_unit_test(lines_for_a_full_disk_are_given_up_after_some_tries_and_counted),
        cmocka_unit_test(stopping_writes_what_is_left),
        cmocka_unit_test(a_sampled_exchange_reaches_the_receiver_and_no_other_does),
        cmocka_unit_test(a_receiver_that_hangs_delays_neither_logs_nor_the_end),
        cmocka_unit_test(stopping_sends_the_spans_that_wait),
        cmocka_unit_test(what_a_full_ring_lost_is_counted_for_each_destination),
    };
    return cmocka_run_group_tests_name("exporter", tests, NULL, NULL);
}
