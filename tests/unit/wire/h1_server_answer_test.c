/* SPDX-License-Identifier: Apache-2.0 */
/* How answers are framed, and what becomes of the connection. */
#include "tests/check.h"
#include "tests/unit/wire/suites.h"
#include "tests/unit/wire/visitor.h"

struct framing {
    const char *request; /* up to its Host */
    unsigned status;
    int64_t length;   /* of the answer's head */
    const char *sent; /* in two writes; NULL: no_body */
    const char *want;
    bool stays;
};

static const struct framing framings[] = {
    {"GET / HTTP/1.1\r\n", 200, 4, "ab", "HTTP/1.1 200 OK\r\nA: 1\r\nContent-Length: 4\r\n\r\nabab",
     true},
    {"GET / HTTP/1.1\r\n", 200, BODY_UNKNOWN, "ab",
     "HTTP/1.1 200 OK\r\nA: 1\r\nTransfer-Encoding: chunked\r\n\r\n"
     "2\r\nab\r\n2\r\nab\r\n0\r\n\r\n",
     true},
    {"GET / HTTP/1.1\r\n", 200, 0, "", "HTTP/1.1 200 OK\r\nA: 1\r\nContent-Length: 0\r\n\r\n",
     true},
    {"GET / HTTP/1.1\r\nConnection: close\r\n", 200, 2, "a",
     "HTTP/1.1 200 OK\r\nA: 1\r\nContent-Length: 2\r\nConnection: close\r\n\r\naa", false},
    {"GET / HTTP/1.0\r\n", 200, BODY_UNKNOWN, "ab",
     "HTTP/1.1 200 OK\r\nA: 1\r\nConnection: close\r\n\r\nabab", false},
    {"GET / HTTP/1.0\r\nConnection: keep-alive\r\n", 200, 2, "a",
     "HTTP/1.1 200 OK\r\nA: 1\r\nContent-Length: 2\r\nConnection: keep-alive\r\n\r\naa", true},
    {"GET / HTTP/1.0\r\nConnection: keep-alive\r\n", 200, BODY_UNKNOWN, "a",
     "HTTP/1.1 200 OK\r\nA: 1\r\nConnection: close\r\n\r\naa", false},
    {"HEAD / HTTP/1.1\r\n", 200, 4, NULL, "HTTP/1.1 200 OK\r\nA: 1\r\nContent-Length: 4\r\n\r\n",
     true},
    {"HEAD / HTTP/1.1\r\n", 200, BODY_UNKNOWN, "ab", "HTTP/1.1 200 OK\r\nA: 1\r\n\r\n", true},
    {"GET / HTTP/1.1\r\n", 204, 0, NULL, "HTTP/1.1 204 No Content\r\nA: 1\r\n\r\n", true},
    {"GET / HTTP/1.1\r\n", 304, 0, NULL, "HTTP/1.1 304 Not Modified\r\nA: 1\r\n\r\n", true},
};

static void open_plain(struct world *world, struct visitor *visitor)
{
    world_open(world);
    visitor_open(visitor, world, &(struct visitor_options){.capacity = 0});
}

static void close_both(struct world *world, struct visitor *visitor)
{
    visitor_close(visitor);
    world_close(world);
}

static void say(struct visitor *visitor, const char *text)
{
    far_end_say(&visitor->far, text);
    world_turn(visitor->world);
}

static void check_heard(const struct visitor *visitor, const char *text)
{
    check_span(buf_span(&visitor->far.heard), text);
}

static void send_head(struct visitor *visitor, unsigned status, int64_t length, bool no_body)
{
    struct pair pairs[] = {{SPAN("A"), SPAN("1")}, {SPAN("Transfer-Encoding"), SPAN("gzip")}};
    const struct answer_head head = {
        .status = status, .body_length = length, .fields = {.at = pairs, .count = 2, .size = 2}};
    visitor->client->ops->send_head(visitor->client, &head, no_body, false);
}

static void send_part(struct visitor *visitor, const char *text)
{
    struct sink *sink = &visitor->client->answer;
    sink->ops->write(sink, span_text(text));
}

static void send_end(struct visitor *visitor, const struct fields *trailers)
{
    struct sink *sink = &visitor->client->answer;
    sink->ops->end(sink, trailers);
}

static void try_framing(const struct framing *framing)
{
    struct world world;
    struct visitor visitor;
    open_plain(&world, &visitor);
    far_end_say(&visitor.far, framing->request);
    say(&visitor, "Host: x\r\n\r\n");
    send_head(&visitor, framing->status, framing->length, framing->sent == NULL);
    if (framing->sent != NULL) {
        send_part(&visitor, framing->sent);
        send_part(&visitor, framing->sent);
        send_end(&visitor, NULL);
    }
    visitor_release(&visitor, true);
    world_turn(&world);
    check_heard(&visitor, framing->want);
    check(visitor.far.ended == !framing->stays && !visitor.far.broken);
    close_both(&world, &visitor);
}

TEST(answers_are_framed_by_length_version_method_and_status)
{
    for (size_t i = 0; i < sizeof framings / sizeof framings[0]; i++)
        try_framing(&framings[i]);
}

TEST(an_answer_to_head_says_the_length_that_the_backend_said)
{
    struct world world;
    struct visitor visitor;
    open_plain(&world, &visitor);
    say(&visitor, "HEAD / HTTP/1.1\r\nHost: x\r\n\r\n");
    struct pair pairs[] = {{SPAN("content-length"), SPAN("1234")}};
    const struct answer_head head = {.status = 200, .fields = {.at = pairs, .count = 1, .size = 1}};
    visitor.client->ops->send_head(visitor.client, &head, true, false);
    visitor_release(&visitor, true);
    world_turn(&world);
    check_heard(&visitor, "HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n");
    close_both(&world, &visitor);
}

TEST(trailers_are_sent_after_the_last_chunk)
{
    struct world world;
    struct visitor visitor;
    open_plain(&world, &visitor);
    say(&visitor, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    struct pair pairs[] = {{SPAN("Sum"), SPAN("9")}};
    const struct fields trailers = {.at = pairs, .count = 1, .size = 1};
    send_head(&visitor, 200, BODY_UNKNOWN, false);
    send_end(&visitor, &trailers);
    visitor_release(&visitor, true);
    world_turn(&world);
    check(far_end_heard(&visitor.far, "\r\n\r\n0\r\nSum: 9\r\n\r\n"));
    close_both(&world, &visitor);
}

TEST(a_slow_reader_takes_room_until_it_reads)
{
    struct world world;
    struct visitor visitor;
    world_open(&world);
    visitor_open(&visitor, &world,
                 &(struct visitor_options){.capacity = 1000, .buffer_bytes = 4096});
    far_end_listen(&visitor.far, false);
    say(&visitor, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    struct sink *sink = &visitor.client->answer;
    check_number(sink->ops->room(sink), 0);
    send_head(&visitor, 200, 100000, false);
    size_t sent = 0;
    for (size_t room; (room = sink->ops->room(sink)) > 0; sent += 64) {
        char text[65];
        memset(text, 'y', 64);
        text[room < 64 ? room : 64] = '\0';
        send_part(&visitor, text);
        world_turn(&world);
        check(sent < 6000);
    }
    check(!visitor.client->ops->is_flushed(visitor.client));
    unsigned wakes = visitor.wakes;
    far_end_listen(&visitor.far, true);
    world_turn(&world);
    check(visitor.wakes > wakes);
    check(visitor.client->ops->is_flushed(visitor.client));
    check(sink->ops->room(sink) == 4096);
    close_both(&world, &visitor);
}

TEST(an_answer_that_is_cut_short_is_seen_as_broken)
{
    static const bool wholes[] = {true, false};
    for (size_t i = 0; i < 2; i++) {
        struct world world;
        struct visitor visitor;
        open_plain(&world, &visitor);
        say(&visitor, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
        send_head(&visitor, 200, wholes[i] ? 10 : BODY_UNKNOWN, false);
        send_part(&visitor, "abc");
        world_turn(&world);
        if (wholes[i])
            send_end(&visitor, NULL); /* of ten bytes */
        visitor_release(&visitor, wholes[i]);
        world_turn(&world);
        check(visitor.far.broken);
        check_number(visitor.closes, 1);
        close_both(&world, &visitor);
    }
}

/* ---- 100-continue ---- */

static void ask_to_continue(struct world *world, struct visitor *visitor)
{
    open_plain(world, visitor);
    say(visitor, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
    check(visitor->client->head->expects_continue);
    check_heard(visitor, "");
}

TEST(a_100_is_sent_when_the_body_is_wanted_and_not_before)
{
    struct world world;
    struct visitor visitor;
    ask_to_continue(&world, &visitor);
    const struct answer_head interim = {.status = 100};
    visitor.client->ops->send_interim(visitor.client, &interim);
    world_turn(&world);
    check_heard(&visitor, "HTTP/1.1 100 Continue\r\n\r\n");
    far_end_forget(&visitor.far);
    say(&visitor, "abc");
    visitor_take_body(&visitor);
    visitor_answer(&visitor, 200, "");
    visitor_release(&visitor, true);
    world_turn(&world);
    check_heard(&visitor, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    check(h1_server_is_idle(visitor.server));
    close_both(&world, &visitor);
}

TEST(a_final_answer_instead_of_a_100_is_the_last)
{
    struct world world;
    struct visitor visitor;
    ask_to_continue(&world, &visitor);
    visitor_answer(&visitor, 403, "");
    visitor_release(&visitor, true);
    say(&visitor, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    check_heard(&visitor,
                "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    check(visitor.far.ended && !visitor.far.broken);
    check_number(visitor.clients, 1);
    close_both(&world, &visitor);
}

TEST(a_client_of_http_1_0_gets_no_interim_answer)
{
    struct world world;
    struct visitor visitor;
    open_plain(&world, &visitor);
    say(&visitor, "GET / HTTP/1.0\r\n\r\n");
    const struct answer_head interim = {.status = 103};
    visitor.client->ops->send_interim(visitor.client, &interim);
    world_turn(&world);
    check_heard(&visitor, "");
    close_both(&world, &visitor);
}

/* ---- what is left of a request ---- */

TEST(a_small_unread_body_is_drained_and_the_next_request_follows)
{
    struct world world;
    struct visitor visitor;
    open_plain(&world, &visitor);
    say(&visitor, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 60000\r\n\r\n");
    visitor_answer(&visitor, 403, "");
    visitor_release(&visitor, true);
    world_turn(&world);
    check(!far_end_heard(&visitor.far, "close"));
    far_end_say_bytes(&visitor.far, 60000);
    say(&visitor, "GET /2 HTTP/1.1\r\nHost: x\r\n\r\n");
    check_number(visitor.clients, 2);
    check_span(visitor.client->head->target, "/2");
    close_both(&world, &visitor);
}

TEST(a_large_unread_body_costs_the_connection_but_not_the_answer)
{
    struct world world;
    struct visitor visitor;
    world_open(&world);
    visitor_open(&visitor, &world, &(struct visitor_options){.capacity = 4000});
    far_end_say(&visitor.far, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10000000\r\n\r\n");
    far_end_say_bytes(&visitor.far, 50000);
    world_turn(&world);
    visitor_answer(&visitor, 413, "too large");
    visitor_release(&visitor, true);
    world_turn(&world);
    check(far_end_heard(&visitor.far, "Connection: close\r\n\r\ntoo large"));
    check(visitor.far.ended && !visitor.far.broken);
    check_number(visitor.closes, 0);
    far_end_finish(&visitor.far);
    world_turn(&world);
    check_number(visitor.closes, 1);
    close_both(&world, &visitor);
}

TEST(a_drain_ends_after_64_kib_or_a_second)
{
    static const bool sends[] = {true, false};
    for (size_t i = 0; i < 2; i++) {
        struct world world;
        struct visitor visitor;
        open_plain(&world, &visitor);
        say(&visitor, "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nfffff\r\n");
        visitor_answer(&visitor, 403, "");
        visitor_release(&visitor, true);
        if (sends[i])
            far_end_say_bytes(&visitor.far, 200000);
        world_turn(&world);
        check(sends[i] == visitor.far.ended || visitor.far.broken);
        world_pass(&world, 1100000);
        check(visitor.far.ended || visitor.far.broken);
        check(far_end_heard(&visitor.far, "403"));
        world_pass(&world, 1100000);
        check_number(visitor.closes, 1);
        close_both(&world, &visitor);
    }
}

/* ---- comings and goings ---- */

TEST(a_half_close_is_not_a_client_gone)
{
    struct world world;
    struct visitor visitor;
    open_plain(&world, &visitor);
    far_end_say(&visitor.far,
                "GET / HTTP/1.1\r\nHost: x\r\n\r\nGET /2 HTTP/1.1\r\nHost: x\r\n\r\n");
    far_end_finish(&visitor.far);
    world_turn(&world);
    for (int i = 0; i < 2; i++) {
        check(!visitor.client->ops->is_gone(visitor.client));
        visitor_answer(&visitor, 200, "hello");
        visitor_release(&visitor, true);
        world_turn(&world);
    }
    check(far_end_heard(&visitor.far, "hello"));
    check_number(visitor.clients, 2);
    check(visitor.far.ended && !visitor.far.broken);
    check_number(visitor.closes, 1);
    close_both(&world, &visitor);
}

TEST(a_reset_is_a_client_gone_and_wakes)
{
    struct world world;
    struct visitor visitor;
    open_plain(&world, &visitor);
    say(&visitor, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    unsigned wakes = visitor.wakes;
    far_end_reset(&visitor.far);
    world_turn(&world);
    check(visitor.wakes > wakes);
    check(visitor.client->ops->is_gone(visitor.client));
    visitor_answer(&visitor, 200, "to nobody");
    visitor_release(&visitor, true);
    world_turn(&world);
    check_number(visitor.closes, 1);
    close_both(&world, &visitor);
}

TEST(an_abort_waits_for_the_client_to_be_released)
{
    struct world world;
    struct visitor visitor;
    open_plain(&world, &visitor);
    say(&visitor, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n");
    h1_server_abort(visitor.server);
    world_turn(&world);
    check(visitor.far.broken);
    check(visitor.client->ops->is_gone(visitor.client));
    check_number(visitor.client->body.ops->state(&visitor.client->body), SOURCE_BROKEN);
    check_number(visitor.closes, 0);
    visitor_release(&visitor, false);
    world_turn(&world);
    check_number(visitor.closes, 1);
    close_both(&world, &visitor);
}

static void ask_and_answer(struct visitor *visitor)
{
    say(visitor, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    visitor_answer(visitor, 200, "");
    visitor_release(visitor, true);
    world_turn(visitor->world);
}

static void check_closed_in_order(struct world *world, struct visitor *visitor)
{
    check(visitor->far.ended && !visitor->far.broken);
    far_end_finish(&visitor->far);
    world_turn(world);
    check_number(visitor->closes, 1);
    close_both(world, visitor);
}

TEST(a_drain_closes_an_idle_connection)
{
    struct world world;
    struct visitor visitor;
    open_plain(&world, &visitor);
    ask_and_answer(&visitor);
    h1_server_drain(visitor.server);
    world_turn(&world);
    check_closed_in_order(&world, &visitor);
}

TEST(a_drain_lets_the_answer_under_way_be_the_last)
{
    struct world world;
    struct visitor visitor;
    open_plain(&world, &visitor);
    say(&visitor, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    h1_server_drain(visitor.server);
    world_turn(&world);
    check(!visitor.far.ended);
    visitor_answer(&visitor, 200, "");
    visitor_release(&visitor, true);
    world_turn(&world);
    check(far_end_heard(&visitor.far, "Connection: close"));
    check_closed_in_order(&world, &visitor);
}

TEST(a_drain_lets_a_new_connection_ask_once_but_not_wait)
{
    static const bool asks[] = {true, false};
    for (size_t i = 0; i < 2; i++) {
        struct world world;
        struct visitor visitor;
        open_plain(&world, &visitor);
        h1_server_drain(visitor.server);
        world_turn(&world);
        check(!visitor.far.ended);
        if (asks[i])
            ask_and_answer(&visitor);
        else
            world_pass(&world, 1100000);
        check(far_end_heard(&visitor.far, "Connection: close") == asks[i]);
        check_closed_in_order(&world, &visitor);
    }
}

TEST(an_idle_connection_gives_its_memory_back_after_a_while)
{
    struct world world;
    struct visitor visitor;
    open_plain(&world, &visitor);
    for (int i = 0; i < 3; i++) {
        say(&visitor, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
        visitor_answer(&visitor, 200, "");
        visitor_release(&visitor, true);
        world_pass(&world, 5000000);
        world_pass(&world, 5000000);
        check(h1_server_is_idle(visitor.server));
    }
    check_number(visitor.clients, 3);
    close_both(&world, &visitor);
}

int h1_server_answer_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_are_framed_by_length_version_method_and_status),
        cmocka_unit_test(an_answer_to_head_says_the_length_that_the_backend_said),
        cmocka_unit_test(trailers_are_sent_after_the_last_chunk),
        cmocka_unit_test(a_slow_reader_takes_room_until_it_reads),
        cmocka_unit_test(an_answer_that_is_cut_short_is_seen_as_broken),
        cmocka_unit_test(a_100_is_sent_when_the_body_is_wanted_and_not_before),
        cmocka_unit_test(a_final_answer_instead_of_a_100_is_the_last),
        cmocka_unit_test(a_client_of_http_1_0_gets_no_interim_answer),
        cmocka_unit_test(a_small_unread_body_is_drained_and_the_next_request_follows),
        cmocka_unit_test(a_large_unread_body_costs_the_connection_but_not_the_answer),
        cmocka_unit_test(a_drain_ends_after_64_kib_or_a_second),
        cmocka_unit_test(a_half_close_is_not_a_client_gone),
        cmocka_unit_test(a_reset_is_a_client_gone_and_wakes),
        cmocka_unit_test(an_abort_waits_for_the_client_to_be_released),
        cmocka_unit_test(a_drain_closes_an_idle_connection),
        cmocka_unit_test(a_drain_lets_the_answer_under_way_be_the_last),
        cmocka_unit_test(a_drain_lets_a_new_connection_ask_once_but_not_wait),
        cmocka_unit_test(an_idle_connection_gives_its_memory_back_after_a_while),
    };
    return cmocka_run_group_tests_name("h1_server answers", tests, NULL, NULL);
}
