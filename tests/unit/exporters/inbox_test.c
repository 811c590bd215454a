/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/inbox.h"

#include <stdlib.h>
#include <unistd.h>

#include "exporters/clock.h"
#include "exporters/hold.h"
#include "exporters/queue.h"
#include "exporters/ring.h"
#include "rules/base/must.h"
#include "tests/check.h"
#include "tests/unit/exporters/sample.h"

/* An inbox, and channels for metrics and for logs whose receiver nobody ever asks. */
struct fixture {
    int fd;
    struct ring *ring;
    struct hold *hold;
    struct channels *channels;
    struct channel_list *list;
    struct inbox *inbox;
};

static struct fixture set_up(void)
{
    struct fixture f = {.fd = ring_create(1, 0)};
    const struct channel_settings both[] = {
        {.name = SPAN("otlp"), .signal = OTLP_METRICS, .url = SPAN("http://127.0.0.1:9/m")},
        {.name = SPAN("otlp"), .signal = OTLP_LOGS, .url = SPAN("http://127.0.0.1:9/l")},
    };
    struct exporter_settings settings = {
        .channels = both, .channel_count = 2, .queue_records = 1000};
    f.ring = ring_open(f.fd);
    f.hold = hold_new(f.ring);
    f.channels = channels_new(f.ring, f.hold, -1);
    f.list = channel_list_new(&settings);
    channels_use(f.channels, f.list);
    f.inbox = inbox_new();
    return f;
}

static void tear_down(struct fixture *f)
{
    inbox_free(f->inbox);
    channels_land(f->channels);
    channels_stop(f->channels, clock_monotonic_us());
    hold_free(f->hold);
    channel_list_free(f->list);
    ring_close(f->ring);
    close(f->fd);
}

static struct destination_figures figures(struct fixture *f, unsigned which)
{
    struct destination_figures out;
    struct spool_state spool;
    channels_figures(f->channels, which, &out, &spool);
    return out;
}

TEST(what_is_handed_over_goes_to_the_channel_of_its_signal)
{
    struct fixture f = set_up();
    inbox_empty(f.inbox, f.channels);
    inbox_put(f.inbox, OTLP_METRICS, SPAN("a"), 3);
    inbox_put(f.inbox, OTLP_LOGS, SPAN("bc"), 1);
    inbox_put(f.inbox, OTLP_METRICS, SPAN(""), 4);
    check_number(figures(&f, 0).produced, 0);
    inbox_empty(f.inbox, f.channels);
    inbox_empty(f.inbox, f.channels); /* once is enough */
    check_number(figures(&f, 0).produced, 7);
    check_number(figures(&f, 0).waiting, 7);
    check_number(figures(&f, 1).produced, 1);
    inbox_put(f.inbox, OTLP_METRICS, SPAN("d"), 2); /* into the other half */
    inbox_empty(f.inbox, f.channels);
    check_number(figures(&f, 0).waiting, 9);
    tear_down(&f);
}

TEST(what_an_inbox_has_no_room_for_is_counted_as_lost)
{
    struct fixture f = set_up();
    char *large = must_alloc(QUEUE_LARGEST_BYTES);
    for (unsigned i = 0; i < 5; i++) /* as many have room in 16 MiB */
        inbox_put(f.inbox, OTLP_LOGS, span_make(large, QUEUE_LARGEST_BYTES), 1);
    for (unsigned i = 0; i < 2; i++)
        inbox_put(f.inbox, OTLP_METRICS, span_make(large, QUEUE_LARGEST_BYTES), 10);
    inbox_empty(f.inbox, f.channels);
    struct destination_figures all = figures(&f, 0);
    check_number(all.produced, 20);
    check_number(all.dropped[DROP_QUEUE_FULL], 20);
    check_number(figures(&f, 1).produced, 5);
    inbox_put(f.inbox, OTLP_METRICS, SPAN("small"), 1); /* there is room again */
    inbox_empty(f.inbox, f.channels);
    check_number(figures(&f, 0).waiting, 1);
    free(large);
    tear_down(&f);
}

int inbox_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_handed_over_goes_to_the_channel_of_its_signal),
        cmocka_unit_test(what_an_inbox_has_no_room_for_is_counted_as_lost),
    };
    return cmocka_run_group_tests_name("inbox", tests, NULL, NULL);
}
