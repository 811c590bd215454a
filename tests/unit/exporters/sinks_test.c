/* SPDX-License-Identifier: Apache-2.0 */
/* What goes to receivers elsewhere: entries, messages of syslog, batches of CloudWatch Logs. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "exporters/cloudwatch_logs.h"
#include "exporters/queue.h"
#include "exporters/syslog.h"
#include "rules/base/must.h"
#include "tests/check.h"
#include "tests/unit/exporters/sample.h"

#define HOUR_US (UINT64_C(3600) * 1000000)

TEST(an_entry_comes_back_as_it_went)
{
    struct report report = sample_report();
    struct buf bytes;
    struct entry entry;
    buf_init(&bytes, 4096);
    entry_add(&bytes, &report, ENTRY_WARNING, SPAN("first"));
    entry_add(&bytes, &report, ENTRY_PLAIN, SPAN(""));
    struct span rest = buf_span(&bytes);
    check(entry_next(&rest, &entry));
    check_span(entry.text, "first");
    check(entry.outcome == ENTRY_WARNING && span_is(entry.request_id, report.request_id));
    check_number(entry.wall_us, report.began_wall_us + report.duration_us);
    check(memcmp(entry.trace_id, report.trace_id, sizeof entry.trace_id) == 0);
    check_number(entry.bytes, bytes.len - rest.len);
    check(entry_next(&rest, &entry));
    check_span(entry.text, "");
    check(!entry_next(&rest, &entry));
    buf_fini(&bytes);
}

TEST(bytes_that_are_not_so_many_entries_are_told)
{
    struct report report = sample_report();
    struct buf bytes;
    buf_init(&bytes, 4096);
    check(entries_are_sound(buf_span(&bytes), 0) && !entries_are_sound(buf_span(&bytes), 1));
    entry_add(&bytes, &report, ENTRY_ERROR, SPAN("first"));
    size_t one = bytes.len;
    entry_add(&bytes, &report, ENTRY_PLAIN, SPAN("second"));
    struct span both = buf_span(&bytes);
    check(entries_are_sound(both, 2));
    check(!entries_are_sound(both, 1) && !entries_are_sound(both, 3));
    for (size_t len = 0; len < both.len; len++)
        check(!entries_are_sound(span_first(both, len), 2));
    check(entries_are_sound(span_first(both, one), 1));
    buf_clear(&bytes);
    entry_add(&bytes, &report, (enum entry_outcome)(ENTRY_ERROR + 1), SPAN("of no outcome"));
    check(!entries_are_sound(buf_span(&bytes), 1));
    buf_fini(&bytes);
}

TEST(addresses_of_syslog_are_read)
{
    static const struct {
        const char *text, *host, *port;
        enum syslog_way way;
    } rows[] = {
        {"udp://logs.example", "logs.example", "514", SYSLOG_UDP},
        {"udp://10.0.0.1:5514", "10.0.0.1", "5514", SYSLOG_UDP},
        {"tcp://a", "a", "601", SYSLOG_TCP},
        {"tls://[2001:db8::1]", "2001:db8::1", "6514", SYSLOG_TLS},
        {"tls://[::1]:65535", "::1", "65535", SYSLOG_TLS},
        {"unix:/dev/log", "/dev/log", "", SYSLOG_UNIX},
    };
    struct syslog_address address;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        check(syslog_address_parse(span_text(rows[i].text), &address));
        check(address.way == rows[i].way);
        check_span(span_text(address.host), rows[i].host);
        check_span(span_text(address.port), rows[i].port);
    }
}

TEST(what_is_no_address_of_syslog_is_none)
{
    static const char *const texts[] = {
        "",          "udp://",      "udp://:514",   "udp:/a",       "http://a",      "tcp://a:",
        "tcp://a:0", "tcp://a:x",   "tcp://[::1",   "tcp://[::1]x", "tcp://a:65536", "tcp://a/b",
        "unix:log",  "tcp://u@h:1", "udp://a:514 ", "UDP://a",
    };
    struct syslog_address address;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        check(!syslog_address_parse(span_text(texts[i]), &address));
}

TEST(a_message_of_syslog_escapes_what_would_end_a_parameter)
{
    const struct syslog_settings settings = {
        .facility = 16, .severity = SYSLOG_BY_OUTCOME, .app_name = SPAN("shop")};
    const struct syslog_origin origin = {&settings, "host", "access_log", 4711};
    const struct entry entry = {.wall_us = UINT64_C(1795253891123456),
                                .outcome = ENTRY_ERROR,
                                .request_id = SPAN("a\"b\\c]d"),
                                .trace_id = {1},
                                .text = SPAN("line")};
    struct buf text;
    buf_init(&text, 4096);
    syslog_message_add(&text, &origin, &entry);
    check_span(buf_span(&text), "<131>1 2026-11-21T09:38:11.123456Z host shop 4711 access_log "
                                "[sidegate@32473 request_id=\"a\\\"b\\\\c\\]d\" "
                                "trace_id=\"01000000000000000000000000000000\"] line");
    buf_fini(&text);
}

/* ---- handing over to syslog ---- */

struct syslog_case {
    struct log_settings settings;
    void *sink;
    struct buf entries;
    struct delivery delivery;
};

static void syslog_set_up(struct syslog_case *c, const char *address)
{
    *c = (struct syslog_case){.settings.syslog = {.address = span_text(address),
                                                  .severity = SYSLOG_BY_OUTCOME,
                                                  .app_name = SPAN("shop")}};
    buf_init(&c->entries, (size_t)8 << 20);
    c->sink = syslog_kind.begin(&c->settings, "access_log");
}

static void syslog_tear_down(struct syslog_case *c)
{
    syslog_kind.end(c->sink);
    buf_fini(&c->entries);
}

static void add_text(struct syslog_case *c, size_t bytes)
{
    struct report report = sample_report();
    char *text = must_alloc(bytes + 1);
    memset(text, 'x', bytes);
    entry_add(&c->entries, &report, ENTRY_PLAIN, span_make(text, bytes));
    free(text);
}

/* A port that nobody has: bound, and closed again. */
static void closed_port(char *address, size_t size, const char *scheme)
{
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof name;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    must(bind(fd, (struct sockaddr *)&name, len) == 0);
    must(getsockname(fd, (struct sockaddr *)&name, &len) == 0);
    close(fd);
    snprintf(address, size, "%s://127.0.0.1:%u", scheme, ntohs(name.sin_port));
}

TEST(a_closed_port_takes_back_the_datagram_before_and_no_other_one)
{
    struct syslog_case c;
    char address[64];
    closed_port(address, sizeof address, "udp");
    syslog_set_up(&c, address);
    add_text(&c, 10);
    add_text(&c, 10); /* is told that the port is closed */
    syslog_kind.deliver(c.sink, NULL, buf_span(&c.entries), &c.delivery);
    check(c.delivery.again && c.delivery.sent == 0 && c.delivery.refused == 0);
    buf_clear(&c.entries);
    c.delivery = (struct delivery){0};
    add_text(&c, 10);
    add_text(&c, 70000); /* longer than a datagram may be: is told nothing */
    add_text(&c, 10);
    syslog_kind.deliver(c.sink, NULL, buf_span(&c.entries), &c.delivery);
    check(c.delivery.again);
    check_number(c.delivery.sent, 1);
    check_number(c.delivery.refused, 1);
    syslog_tear_down(&c);
}

/* What a message has beside its text. */
static size_t message_bytes(const struct syslog_case *c)
{
    struct report report = sample_report();
    struct buf bytes, message;
    struct entry entry;
    char host[256];
    struct syslog_origin origin = {&c->settings.syslog, host, "access_log", (long)getpid()};
    must(gethostname(host, sizeof host) == 0);
    buf_init(&bytes, 4096);
    buf_init(&message, 4096);
    entry_add(&bytes, &report, ENTRY_PLAIN, SPAN(""));
    struct span rest = buf_span(&bytes);
    must(entry_next(&rest, &entry));
    syslog_message_add(&message, &origin, &entry);
    size_t len = message.len;
    buf_fini(&bytes);
    buf_fini(&message);
    return len;
}

TEST(the_longest_message_fits_behind_a_portion_that_is_all_but_full)
{
    enum { PORTION_BYTES = 256 * 1024 };
    struct syslog_case c;
    char address[64];
    closed_port(address, sizeof address, "tcp");
    syslog_set_up(&c, address);
    size_t head = message_bytes(&c);
    add_text(&c, PORTION_BYTES - 1 - strlen("262136 ") - head);
    add_text(&c, QUEUE_LARGEST_BYTES - head);
    struct queue *queue = queue_new(10);
    struct sender_source source = {queue, NULL, eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
    source.feed =
        feed_new(queue, source.wake, "syslog", (struct feed_kind){ENTRY_ON_DISK, "lines"});
    struct sender *sender = sender_new(&source, SINK_SYSLOG, "access_log", &c.settings);
    syslog_kind.deliver(c.sink, sender, buf_span(&c.entries), &c.delivery);
    check(c.delivery.again && c.delivery.sent == 0);
    check(sender_stop(sender, 0));
    check(feed_stop(source.feed, 0) == FEED_ENDED);
    close(source.wake);
    queue_free(queue);
    syslog_tear_down(&c);
}

/* ---- CloudWatch Logs ---- */

/* So many entries of `bytes` each, `step_us` apart. */
static void entries_add(struct buf *to, unsigned count, size_t bytes, int64_t step_us)
{
    struct report report = sample_report();
    char *text = must_alloc(bytes + 1);
    memset(text, 'x', bytes);
    report.began_wall_us = 1000 * HOUR_US;
    for (unsigned i = 0; i < count; i++) {
        entry_add(to, &report, ENTRY_PLAIN, span_make(text, bytes));
        report.began_wall_us += (uint64_t)step_us;
    }
    free(text);
}

static unsigned taken(unsigned count, size_t bytes, int64_t step_us, struct entry *to)
{
    struct buf entries;
    buf_init(&entries, (size_t)64 << 20);
    entries_add(&entries, count, bytes, step_us);
    unsigned taken = cloudwatch_logs_take(buf_span(&entries), to);
    for (unsigned i = 1; i < taken; i++)
        check(to[i - 1].wall_us <= to[i].wall_us);
    buf_fini(&entries);
    return taken;
}

TEST(a_batch_of_log_events_keeps_within_the_limits)
{
    struct entry *events = must_alloc(CLOUDWATCH_EVENTS_MOST * sizeof *events);
    check_number(taken(10, 100, 1000, events), 10);
    check_number(taken(20000, 1, 1, events), 10000);
    check_number(taken(3000, 1000, 1, events), 1048576 / 1026);
    check_number(taken(1, 1048576 - 26, 1, events), 1);
    check_number(taken(1, 1048576 - 25, 1, events), 0);
    check_number(taken(1, 0, 1, events), 0);
    check_number(taken(100, 10, (int64_t)HOUR_US, events), 25); /* the first and 24 hours later */
    check_number(taken(100, 10, -(int64_t)HOUR_US, events), 25);
    free(events);
}

TEST(refused_log_events_are_counted_by_the_answer)
{
    static const struct {
        const char *answer;
        unsigned refused;
    } rows[] = {
        {"", 0},
        {"{}", 0},
        {"[1]", 0},
        {"{\"rejectedLogEventsInfo\":{\"tooOldLogEventEndIndex\":3}}", 3},
        {"{\"rejectedLogEventsInfo\":{\"tooOldLogEventEndIndex\":1,\"expiredLogEventEndIndex\":2}}",
         2},
        {"{\"rejectedLogEventsInfo\":{\"tooNewLogEventStartIndex\":8}}", 2},
        {"{\"rejectedLogEventsInfo\":{\"tooOldLogEventEndIndex\":9,\"tooNewLogEventStartIndex\":0}"
         "}",
         10},
        {"{\"rejectedLogEventsInfo\":{\"tooOldLogEventEndIndex\":-1}}", 0},
        {"{\"rejectedLogEventsInfo\":{\"tooOldLogEventEndIndex\":99}}", 10},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        check_number(cloudwatch_logs_refused(span_text(rows[i].answer), 10), rows[i].refused);
}

TEST(a_queue_that_is_resized_keeps_the_newest)
{
    struct queue *queue = queue_new(1);
    struct buf got;
    char text[1024] = {0};
    buf_init(&got, sizeof text);
    queue_resize(queue, (size_t)16 << 20);
    for (unsigned i = 0; i < 12000; i++) {
        memcpy(text, &i, sizeof i);
        queue_put(queue, span_make(text, sizeof text), 1);
    }
    check_number(queue_units(queue), 12000);
    queue_resize(queue, (size_t)8 << 20);
    unsigned left = (unsigned)queue_units(queue), expected = 12000 - left, seen;
    check(left < 8192 && left > 8000 && queue_bytes(queue) <= (size_t)8 << 20);
    queue_resize(queue, (size_t)32 << 20);
    for (unsigned i = 0; i < left; i++) {
        buf_clear(&got);
        check_number(queue_take(queue, &got, 1), 1);
        memcpy(&seen, got.at, sizeof seen);
        if (seen != expected)
            check_number(seen, expected);
        expected++;
        queue_sent(queue, 1);
    }
    struct destination_figures figures;
    queue_figures(queue, &figures);
    check_number(figures.produced, 12000);
    check_number(figures.dropped[DROP_QUEUE_FULL] + figures.sent, 12000);
    buf_fini(&got);
    queue_free(queue);
}

int sinks_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_entry_comes_back_as_it_went),
        cmocka_unit_test(bytes_that_are_not_so_many_entries_are_told),
        cmocka_unit_test(addresses_of_syslog_are_read),
        cmocka_unit_test(what_is_no_address_of_syslog_is_none),
        cmocka_unit_test(a_message_of_syslog_escapes_what_would_end_a_parameter),
        cmocka_unit_test(a_closed_port_takes_back_the_datagram_before_and_no_other_one),
        cmocka_unit_test(the_longest_message_fits_behind_a_portion_that_is_all_but_full),
        cmocka_unit_test(a_batch_of_log_events_keeps_within_the_limits),
        cmocka_unit_test(refused_log_events_are_counted_by_the_answer),
        cmocka_unit_test(a_queue_that_is_resized_keeps_the_newest),
    };
    return cmocka_run_group_tests_name("sinks", tests, NULL, NULL);
}
