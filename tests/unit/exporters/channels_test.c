/* SPDX-License-Identifier: Apache-2.0 */
/* Several receivers and signals beside each other. */
#include "exporters/channels.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "exporters/clock.h"
#include "exporters/hold.h"
#include "exporters/ring.h"
#include "exporters/spans.h"
#include "rules/base/must.h"
#include "tests/check.h"
#include "tests/unit/exporters/collector.h"
#include "tests/unit/exporters/sample.h"

enum { RECEIVERS = 2, LISTS = 8, SPANS = 6 /* of one request */ };

struct fixture {
    int fd;
    struct ring *ring;
    struct hold *hold;
    struct channels *channels;
    struct channel_list *lists[LISTS];
    size_t list_count;
    struct collector collectors[RECEIVERS];
    char urls[RECEIVERS][96];
    struct channel_settings settings[CHANNELS_MOST];
    struct buf item;
    uint64_t wanted; /* what a question waits for */
};

static struct fixture *set_up(void)
{
    struct fixture *f = must_alloc(sizeof *f);
    struct report report = sample_report();
    struct span_maker *maker = span_maker_new();
    f->fd = ring_create(1, 0);
    f->ring = ring_open(f->fd);
    f->hold = hold_new(f->ring);
    f->channels = channels_new(f->ring, f->hold, -1);
    for (size_t i = 0; i < RECEIVERS; i++) {
        collector_init(&f->collectors[i]);
        snprintf(f->urls[i], sizeof f->urls[i], "%sv1/traces", f->collectors[i].url);
        f->settings[i] = (struct channel_settings){.name = i == 0 ? SPAN("near") : SPAN("far"),
                                                   .signal = OTLP_TRACES,
                                                   .url = span_text(f->urls[i])};
    }
    buf_init(&f->item, 1 << 16);
    check_number(spans_add(maker, &f->item, &report), SPANS);
    span_maker_free(maker);
    return f;
}

static void use(struct fixture *f, size_t count)
{
    struct exporter_settings settings = {
        .channels = f->settings, .channel_count = count, .queue_records = 1000};
    must(f->list_count < LISTS);
    struct channel_list *list = channel_list_new(&settings);
    f->lists[f->list_count++] = list;
    check(channels_fit(f->channels, list));
    channels_use(f->channels, list);
}

static void tear_down(struct fixture *f)
{
    channels_stop(f->channels, clock_monotonic_us() + 5000000);
    hold_free(f->hold);
    for (size_t i = 0; i < f->list_count; i++)
        channel_list_free(f->lists[i]);
    for (size_t i = 0; i < RECEIVERS; i++)
        collector_fini(&f->collectors[i]);
    ring_close(f->ring);
    close(f->fd);
    buf_fini(&f->item);
    free(f);
}

static struct destination_figures figures(struct fixture *f, unsigned which)
{
    struct destination_figures out;
    struct spool_state spool;
    channels_figures(f->channels, which, &out, &spool);
    uint64_t dropped = 0;
    for (size_t i = 0; i < DROP_REASONS; i++)
        dropped += out.dropped[i];
    check_number(out.produced, out.sent + dropped + out.waiting);
    return out;
}

static void step(struct fixture *f)
{
    channels_step(f->channels, true);
    for (size_t i = 0; i < RECEIVERS; i++)
        collector_step(&f->collectors[i]);
}

static bool the_second_has_all(void *context)
{
    struct fixture *f = context;
    step(f);
    return figures(f, 1).sent == f->wanted;
}

static bool both_have_all(void *context)
{
    return the_second_has_all(context) &&
           figures(context, 0).sent == ((struct fixture *)context)->wanted;
}

TEST(each_receiver_gets_everything_and_has_an_account_of_its_own)
{
    struct fixture *f = set_up();
    use(f, 2);
    check(channels_want(f->channels, OTLP_TRACES) && !channels_want(f->channels, OTLP_METRICS));
    for (unsigned i = 0; i < 3; i++)
        channels_put(f->channels, OTLP_TRACES, &f->item, SPANS);
    f->wanted = UINT64_C(3) * SPANS;
    check(comes_true(both_have_all, f));
    check_number(f->collectors[0].spans, 3 * SPANS);
    check_number(f->collectors[1].spans, 3 * SPANS);
    assert_string_equal(figures(f, 0).name, "near");
    assert_string_equal(figures(f, 1).name, "far");
    assert_string_equal(figures(f, 1).signal, "traces");
    tear_down(f);
}

TEST(a_receiver_that_does_not_answer_delays_no_other)
{
    struct fixture *f = set_up();
    f->collectors[0].answer = NULL;
    use(f, 2);
    channels_put(f->channels, OTLP_TRACES, &f->item, SPANS);
    f->wanted = SPANS;
    check(comes_true(the_second_has_all, f));
    check_number(figures(f, 0).waiting, SPANS);
    check(!channels_are_done(f->channels));
    tear_down(f);
}

TEST(a_signal_goes_to_its_own_path_with_an_account_of_its_own)
{
    struct fixture *f = set_up();
    struct exporter_settings none = {.queue_records = 1000};
    f->settings[1] = f->settings[0];
    f->settings[1].signal = OTLP_METRICS;
    snprintf(f->urls[1], sizeof f->urls[1], "%sv1/metrics", f->collectors[1].url);
    f->settings[1].url = span_text(f->urls[1]);
    use(f, 2);
    channels_put(f->channels, OTLP_METRICS, &f->item, 4);
    f->wanted = 4;
    check(comes_true(the_second_has_all, f));
    check(
        span_starts(buf_span(&f->collectors[1].head), SPAN("POST /base/v1/metrics HTTP/1.1\r\n")));
    check_number(f->collectors[0].requests, 0);
    check_number(figures(f, 0).produced, 0);
    assert_string_equal(figures(f, 1).signal, "metrics");
    struct channel_list *list = f->lists[f->list_count++] = channel_list_new(&none);
    channels_use(f->channels, list);
    check(!channels_want(f->channels, OTLP_METRICS));
    tear_down(f);
}

TEST(a_receiver_that_settings_no_longer_name_gives_up_what_waits_and_its_account_stands)
{
    struct fixture *f = set_up();
    f->collectors[1].answer = NULL;
    use(f, 2);
    channels_put(f->channels, OTLP_TRACES, &f->item, SPANS);
    step(f);
    use(f, 1);
    check(!figures(f, 1).on && figures(f, 0).on);
    check_number(figures(f, 1).dropped[DROP_SHUTDOWN], SPANS);
    channels_put(f->channels, OTLP_TRACES, &f->item, SPANS);
    check_number(figures(f, 1).produced, SPANS);
    check_number(figures(f, 0).produced, 2 * SPANS);
    f->collectors[1].answer = f->collectors[0].answer;
    use(f, 2); /* and comes back */
    channels_put(f->channels, OTLP_TRACES, &f->item, SPANS);
    f->wanted = SPANS;
    check(comes_true(the_second_has_all, f));
    check_number(channels_count(f->channels), 2);
    tear_down(f);
}

TEST(more_channels_than_there_is_room_for_are_refused)
{
    struct fixture *f = set_up();
    char names[CHANNELS_MOST + 1][8];
    struct exporter_settings settings = {.channels = f->settings, .channel_count = 1};
    for (size_t i = 0; i <= CHANNELS_MOST; i++)
        snprintf(names[i], sizeof names[i], "r%zu", i);
    for (size_t i = 0; i < CHANNELS_MOST; i++)
        f->settings[i] = (struct channel_settings){.name = span_text(names[i]),
                                                   .url = SPAN("http://127.0.0.1:1/")};
    use(f, CHANNELS_MOST);
    f->settings[0].name = span_text(names[CHANNELS_MOST]);
    struct channel_list *list = channel_list_new(&settings);
    check(!channels_fit(f->channels, list));
    channel_list_free(list);
    tear_down(f);
}

TEST(what_the_memory_of_a_killed_process_held_is_counted_by_channel)
{
    struct fixture *f = set_up();
    f->settings[1].name = SPAN("new");
    ring_risk(f->ring, channel_id(SPAN("near"), OTLP_TRACES), 12);
    ring_risk(f->ring, channel_id(SPAN("near"), OTLP_LOGS), 5);
    use(f, 2);
    check_number(figures(f, 0).dropped[DROP_CRASH], 12);
    check_number(figures(f, 1).dropped[DROP_CRASH], 0);
    tear_down(f);
}

TEST(what_a_killed_process_had_goes_to_a_disk_again_and_nowhere_else)
{
    struct fixture *f = set_up();
    char folder[256];
    struct buf other;
    folder_make(folder, sizeof folder);
    buf_init(&other, 1 << 16);
    f->settings[1].spool =
        (struct spool_place){span_text(folder), 1 << 26, UINT64_C(1) << 40, SPOOL_FSYNC_OFF};
    ring_keep(f->ring, channel_id(f->settings[1].name, OTLP_TRACES), true);
    use(f, 2);
    struct channel_item item = channels_begin(f->channels, OTLP_TRACES, true, &other);
    buf_add(item.to, buf_span(&f->item));
    channels_end(f->channels, &item, SPANS);
    check_number(other.len, 0);
    check_number(figures(f, 0).produced, 0);
    check_number(figures(f, 1).produced, SPANS);
    f->wanted = SPANS;
    check(comes_true(the_second_has_all, f));
    buf_fini(&other);
    tear_down(f);
    folder_remove(folder);
}

int channels_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_receiver_gets_everything_and_has_an_account_of_its_own),
        cmocka_unit_test(a_receiver_that_does_not_answer_delays_no_other),
        cmocka_unit_test(a_signal_goes_to_its_own_path_with_an_account_of_its_own),
        cmocka_unit_test(
            a_receiver_that_settings_no_longer_name_gives_up_what_waits_and_its_account_stands),
        cmocka_unit_test(more_channels_than_there_is_room_for_are_refused),
        cmocka_unit_test(what_the_memory_of_a_killed_process_held_is_counted_by_channel),
        cmocka_unit_test(what_a_killed_process_had_goes_to_a_disk_again_and_nowhere_else),
    };
    return cmocka_run_group_tests_name("channels", tests, NULL, NULL);
}
