/* SPDX-License-Identifier: Apache-2.0 */
/* The exchange, tried without a client's codec. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/check.h"
#include "tests/unit/exchange/peers.h"
#include "tests/unit/exchange/suites.h"

TEST(a_request_without_a_body_walks_the_plain_line)
{
    struct story *story = story_new("", 8);
    struct story_client *client = story_ask(story, 0, "GET", "/", 0);
    story_turn(story, STORY_TURNS);
    check_number(client->status, 200);
    check_span(buf_span(&client->answer), "hello");
    check(client->answer_ended && client->released && client->released_whole);
    check_span(span_text(story->told.stages),
               "read_head select admit match connect send await_answer compose respond account");
    check_number(story->told.stages_us, story->told.duration_us);
    story_free(story);
}

TEST(eight_streams_with_a_window_of_one_byte_all_get_their_answers)
{
    struct story *story = story_new("", 8);
    for (unsigned i = 0; i < STORY_STREAMS; i++) {
        story->clients[i].window = 1;
        story_ask(story, i, "GET", "/", 0);
    }
    for (unsigned round = 0; round < 5; round++) {
        story_turn(story, STORY_TURNS);
        for (unsigned i = 0; i < STORY_STREAMS; i++) {
            check_number(story->clients[i].answer.len, round + 1);
            story_credit(&story->clients[i], 1);
        }
    }
    story_turn(story, STORY_TURNS);
    for (unsigned i = 0; i < STORY_STREAMS; i++) {
        check(story->clients[i].answer_ended);
        check_span(buf_span(&story->clients[i].answer), "hello");
    }
    check_number(story->told.count, STORY_STREAMS);
    story_free(story);
}

TEST(a_stream_without_credit_does_not_hold_up_its_neighbours)
{
    struct story *story = story_new("", 8);
    story->clients[0].window = 0;
    story_ask(story, 0, "GET", "/", 0);
    struct story_client *neighbour = story_ask(story, 1, "GET", "/", 0);
    story_turn(story, STORY_TURNS);
    check(neighbour->answer_ended);
    check(!story->clients[0].answer_ended);
    story_free(story);
}

TEST(a_reset_in_any_row_ends_the_exchange_and_leaves_nothing_behind)
{
    for (unsigned turns = 0; turns < 40; turns++) {
        struct story *story = story_new("", 1);
        struct story_client *client = story_ask(story, 0, "POST", "/", BODY_UNKNOWN);
        client->window = 2;
        story_upload(client, "abc", false);
        story_turn(story, turns);
        story_reset(client);
        story_turn(story, STORY_TURNS);
        check(client->released && !client->released_whole);
        check_span(span_text(story->told.error), "client_gone");
        /* and the next one is served */
        struct story_client *next = story_ask(story, 1, "GET", "/", 0);
        story_turn(story, STORY_TURNS);
        check_number(next->status, 200);
        story_free(story);
    }
}

TEST(a_row_may_wait_for_something_else_than_its_client)
{
    struct story *story = story_new("", 1);
    story->clients[0].window = 0; /* holds the only connection */
    story_ask(story, 0, "GET", "/", 0);
    story_turn(story, STORY_TURNS);
    struct story_client *second = story_ask(story, 1, "GET", "/", 0);
    story_turn(story, STORY_TURNS);
    check_number(second->status, 0);
    for (unsigned i = 0; i < 10; i++) { /* what its client does is no connection */
        story_credit(second, 1);
        story_turn(story, 3);
    }
    check_number(second->status, 0);
    story_credit(&story->clients[0], 100);
    story_turn(story, STORY_TURNS);
    check_number(second->status, 200);
    story_free(story);
}

static void too_large_at_once(struct story_backend *backend)
{
    if (backend->answered++ == 0)
        backend_say(
            backend,
            "HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
}

TEST(an_answer_may_come_before_the_body_was_sent)
{
    struct story *story = story_new("", 1);
    story->script = too_large_at_once;
    struct story_client *client = story_ask(story, 0, "POST", "/", 10 * 1024 * 1024);
    story_upload(client, "the first of ten million bytes", false);
    story_turn(story, STORY_TURNS);
    check_number(client->status, 413);
    check(client->answer_ended && client->released_whole);
    story_free(story);
}

static void close_the_second_time(struct story_backend *backend)
{
    bool first_connection = backend == &backend->story->backends[0];
    if (first_connection && backend->answered == 1 && backend->heard.len > 0)
        stream_finish(backend->stream);
    else
        backend_hello(backend);
}

TEST(a_stale_connection_is_tried_again_once_on_a_new_one)
{
    struct story *story = story_new("", 4);
    story->script = close_the_second_time;
    story_ask(story, 0, "GET", "/", 0);
    story_turn(story, STORY_TURNS);
    struct story_client *client = story_ask(story, 1, "GET", "/", 0);
    story_turn(story, STORY_TURNS);
    check_number(client->status, 200);
    check_number(story->told.attempts, 2);
    check_number(story->backend_count, 2);
    story_free(story);
}

TEST(an_attempt_fails_with_the_exchange_that_gets_no_answer_of_it)
{
    struct story *story = story_new("timeouts: { response_header: 30s, request: 10s }", 4);
    struct story_client *client = story_ask(story, 0, "GET", "/", 0);
    story_turn(story, STORY_TURNS);
    check_number(client->status, 200);
    check_span(span_text(story->told.attempt_error), "");
    story->script = NULL;
    client = story_ask(story, 1, "GET", "/", 0);
    story_turn(story, STORY_TURNS);
    story_later(story, 11000000);
    check_number(client->status, 504);
    check_span(span_text(story->told.attempt_error), "upstream_timeout");
    client = story_ask(story, 2, "GET", "/", 0);
    story_turn(story, STORY_TURNS);
    story_reset(client);
    story_turn(story, STORY_TURNS);
    check_span(span_text(story->told.attempt_error), "client_gone");
    story_free(story);
}

TEST(what_may_not_be_repeated_is_not_tried_again)
{
    struct story *story = story_new("", 4);
    story->script = close_the_second_time;
    story_ask(story, 0, "GET", "/", 0);
    story_turn(story, STORY_TURNS);
    struct story_client *client = story_ask(story, 1, "POST", "/", 0);
    story_turn(story, STORY_TURNS);
    check_number(client->status, 502);
    check_span(span_text(story->told.error), "upstream_closed");
    story_free(story);
}

TEST(a_backend_that_refuses_is_a_502_and_one_that_is_silent_a_504)
{
    struct story *story = story_new("timeouts: { response_header: 30s, request: 60s }", 4);
    story->refuse = true;
    struct story_client *client = story_ask(story, 0, "GET", "/", 0);
    story_turn(story, STORY_TURNS);
    check_number(client->status, 502);
    story->refuse = false;
    story->script = NULL;
    client = story_ask(story, 1, "GET", "/", 0);
    story_turn(story, STORY_TURNS);
    check_number(client->status, 0);
    story_later(story, 31000000);
    check_number(client->status, 504);
    check_span(span_text(story->told.error), "upstream_timeout");
    story_free(story);
}

TEST(the_whole_exchanges_clock_is_not_wound_up_by_progress)
{
    struct story *story = story_new("timeouts: { body_idle: 10s, request: 20s, body_rate: 0 }", 4);
    story->script = NULL;
    struct story_client *client = story_ask(story, 0, "POST", "/", BODY_UNKNOWN);
    for (unsigned i = 0; i < 3; i++) {
        story_upload(client, "x", false);
        story_later(story, 6000000);
        check_number(client->status, 0);
    }
    story_upload(client, "x", false);
    story_later(story, 6000000);
    check_number(client->status, 504);
    story_free(story);
}

TEST(a_body_that_stands_still_is_a_408)
{
    struct story *story = story_new("timeouts: { body_idle: 10s }", 4);
    story->script = NULL;
    struct story_client *client = story_ask(story, 0, "POST", "/", 100);
    story_upload(client, "x", false);
    story_turn(story, STORY_TURNS);
    story_later(story, 11000000);
    check_number(client->status, 408);
    story_free(story);
}

TEST(a_body_longer_than_allowed_is_a_413_whether_it_says_so_or_not)
{
    struct story *story = story_new("limits: { body: 4B }", 4);
    story->script = NULL;
    struct story_client *client = story_ask(story, 0, "POST", "/", 5);
    story_turn(story, STORY_TURNS);
    check_number(client->status, 413);
    check_number(story->backend_count, 0);
    client = story_ask(story, 1, "POST", "/", BODY_UNKNOWN);
    story_upload(client, "12345", false);
    story_turn(story, STORY_TURNS);
    check_number(client->status, 413);
    story_free(story);
}

TEST(more_requests_than_allowed_at_once_are_refused_with_503)
{
    struct story *story = story_new("limits: { requests_in_flight: 2 }", 4);
    story->script = NULL;
    story_ask(story, 0, "GET", "/", 0);
    story_ask(story, 1, "GET", "/", 0);
    struct story_client *third = story_ask(story, 2, "GET", "/", 0);
    story_turn(story, STORY_TURNS);
    check_number(third->status, 503);
    check_span(span_text(story->told.error), "too_many_requests_in_flight");
    story_free(story);
}

TEST(short_of_memory_new_requests_are_refused)
{
    struct story *story = story_new("", 4);
    story->around.overload = OVERLOAD_REFUSE;
    struct story_client *client = story_ask(story, 0, "GET", "/", 0);
    story_turn(story, STORY_TURNS);
    check_number(client->status, 503);
    story_free(story);
}

TEST(a_full_queue_before_the_backend_is_a_503)
{
    struct story *story = story_new("", 1);
    story->script = NULL;
    for (unsigned i = 0; i < 6; i++) /* one is connected, four wait */
        story_ask(story, i, "GET", "/", 0);
    story_turn(story, STORY_TURNS);
    unsigned refused = 0;
    for (unsigned i = 0; i < 6; i++)
        refused += story->clients[i].status == 503 ? 1 : 0;
    check_number(refused, 1);
    story_free(story);
}

TEST(every_transport_hiccup_ends_in_an_answer_or_a_clean_close)
{
    for (unsigned n = 1; n < 60; n++) {
        struct story *story = story_new("", 4);
        story->handshakes = 2;
        stream_fail_nth(n);
        struct story_client *client = story_ask(story, 0, "GET", "/", 0);
        story_turn(story, STORY_TURNS);
        stream_fail_nth(0);
        story_later(story, 120000000);
        check(client->released);
        check(client->status == 200 || client->status == 502 || client->status == 504);
        story_free(story);
    }
}

TEST(every_short_read_and_write_is_survived)
{
    for (unsigned n = 1; n < 40; n++) {
        struct story *story = story_new("", 4);
        stream_short_nth(n);
        struct story_client *client = story_ask(story, 0, "GET", "/", 0);
        story_turn(story, STORY_TURNS);
        stream_short_nth(0);
        check_number(client->status, 200);
        check_span(buf_span(&client->answer), "hello");
        story_free(story);
    }
}

/* A file of rules, each of which has a look at every argument. */
static const char *many_rules(char path[64])
{
    snprintf(path, 64, "/tmp/sidegate-rules-XXXXXX");
    int fd = mkstemp(path);
    check(fd >= 0);
    for (int i = 1; i <= 2000; i++)
        dprintf(fd, "SecRule ARGS \"@rx needle%d\" \"id:%d,phase:2,pass,nolog\"\n", i, i);
    close(fd);
    return path;
}

static struct story *story_with_many_rules(const char *budget)
{
    char path[64], yaml[256];
    many_rules(path);
    snprintf(yaml, sizeof(yaml), "rules: { files: [%s], cpu_budget: %s }", path, budget);
    struct story *story = story_new(yaml, 8);
    unlink(path);
    story->look_ns = 100000;
    return story;
}

TEST(a_long_inspection_takes_one_slice_a_turn_and_its_neighbour_is_served_meanwhile)
{
    struct story *story = story_with_many_rules("10s");
    struct story_client *slow = story_ask(story, 0, "GET", "/?a=hay&b=hay&c=hay", 0);
    uint64_t most_ns = 0;
    story_turn(story, 1);
    struct story_client *neighbour = story_ask(story, 1, "GET", "/", 0);
    while (neighbour->status == 0) {
        uint64_t before_ns = story->cpu_ns;
        story_turn(story, 1);
        uint64_t turn_ns = story->cpu_ns - before_ns;
        most_ns = turn_ns > most_ns ? turn_ns : most_ns;
    }
    check_number(slow->status, 0); /* it has far to go yet */
    check(most_ns < 2000000);      /* less than 2 ms of its work stood between any two turns */
    story_turn(story, 20000);
    check_number(slow->status, 200);
    check(story->cpu_ns > 10000000);
    story_free(story);
}

TEST(an_inspection_over_its_budget_is_refused_unless_told_otherwise)
{
    struct story *story = story_with_many_rules("2ms");
    struct story_client *client = story_ask(story, 0, "GET", "/?a=hay&b=hay&c=hay", 0);
    story_turn(story, 20000);
    check_number(client->status, 403);
    check_span(span_text(story->told.error), "waf_limit");
    check_number(story->backend_count, 0);
    story_free(story);
    story = story_with_many_rules("2ms, on_failure: allow");
    client = story_ask(story, 0, "GET", "/?a=hay&b=hay&c=hay", 0);
    story_turn(story, 20000);
    check_number(client->status, 200);
    check_span(span_text(story->told.error), "waf_limit");
    story_free(story);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_without_a_body_walks_the_plain_line),
        cmocka_unit_test(eight_streams_with_a_window_of_one_byte_all_get_their_answers),
        cmocka_unit_test(a_stream_without_credit_does_not_hold_up_its_neighbours),
        cmocka_unit_test(a_reset_in_any_row_ends_the_exchange_and_leaves_nothing_behind),
        cmocka_unit_test(a_row_may_wait_for_something_else_than_its_client),
        cmocka_unit_test(an_answer_may_come_before_the_body_was_sent),
        cmocka_unit_test(a_stale_connection_is_tried_again_once_on_a_new_one),
        cmocka_unit_test(an_attempt_fails_with_the_exchange_that_gets_no_answer_of_it),
        cmocka_unit_test(what_may_not_be_repeated_is_not_tried_again),
        cmocka_unit_test(a_backend_that_refuses_is_a_502_and_one_that_is_silent_a_504),
        cmocka_unit_test(the_whole_exchanges_clock_is_not_wound_up_by_progress),
        cmocka_unit_test(a_body_that_stands_still_is_a_408),
        cmocka_unit_test(a_body_longer_than_allowed_is_a_413_whether_it_says_so_or_not),
        cmocka_unit_test(more_requests_than_allowed_at_once_are_refused_with_503),
        cmocka_unit_test(short_of_memory_new_requests_are_refused),
        cmocka_unit_test(a_full_queue_before_the_backend_is_a_503),
        cmocka_unit_test(
            a_long_inspection_takes_one_slice_a_turn_and_its_neighbour_is_served_meanwhile),
        cmocka_unit_test(an_inspection_over_its_budget_is_refused_unless_told_otherwise),
        cmocka_unit_test(every_transport_hiccup_ends_in_an_answer_or_a_clean_close),
        cmocka_unit_test(every_short_read_and_write_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) + authorizer_suite() + memory_suite();
}
