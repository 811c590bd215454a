/* SPDX-License-Identifier: Apache-2.0 */
/* A client's connection over the memory stream; answers by hand. */
#include "tests/check.h"
#include "tests/unit/wire/allocations.h"
#include "tests/unit/wire/suites.h"
#include "tests/unit/wire/visitor.h"

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

TEST(a_request_is_handed_over_answered_and_the_connection_stays)
{
    struct world world;
    struct visitor visitor;
    open_plain(&world, &visitor);
    check(h1_server_is_idle(visitor.server));
    for (unsigned i = 1; i <= 3; i++) {
        say(&visitor, "GET /a?b HTTP/1.1\r\nHost: x\r\nA: 1\r\n\r\n");
        check_number(visitor.clients, i);
        check(!h1_server_is_idle(visitor.server));
        check_span(visitor.client->head->target, "/a?b");
        check_span(visitor.client->head->scheme, "http");
        check_span(fields_get(&visitor.client->head->fields, SPAN("a")), "1");
        check_number(visitor.client->refusal.status, 0);
        check_number(visitor.client->body.ops->state(&visitor.client->body), SOURCE_ENDED);
        visitor_answer(&visitor, 200, "hello");
        check(!visitor.client->ops->is_flushed(visitor.client));
        world_turn(&world);
        check(visitor.client->ops->is_flushed(visitor.client));
        visitor_release(&visitor, true);
        world_turn(&world);
        check_heard(&visitor, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
        far_end_forget(&visitor.far);
        check(h1_server_is_idle(visitor.server));
    }
    check_number(h1_server_bytes_in(visitor.server), 3 * 36);
    check_number(h1_server_bytes_out(visitor.server), 3 * 43);
    close_both(&world, &visitor);
}

TEST(a_plain_request_costs_one_read_one_write_and_no_allocation)
{
    struct world world;
    struct visitor visitor;
    world_open(&world);
    visitor_open(&visitor, &world, &(struct visitor_options){.answers = true});
    say(&visitor, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    const struct stream_counts *counts = stream_count(visitor.near);
    unsigned allocations = allocations_count();
    say(&visitor, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    check_number(visitor.clients, 2);
    check_number(counts->reads, 1);
    check_number(counts->writes, 1);
    check_number(counts->waits_to_write, 0);
    check_number(allocations_count() - allocations, 0);
    close_both(&world, &visitor);
}

TEST(pipelined_requests_are_handed_over_one_after_another)
{
    struct world world;
    struct visitor visitor;
    open_plain(&world, &visitor);
    say(&visitor, "GET /1 HTTP/1.1\r\nHost: x\r\n\r\n"
                  "POST /2 HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc\r\n"
                  "GET /3 HTTP/1.1\r\nHost: x\r\n\r\n");
    for (unsigned i = 1; i <= 3; i++) {
        check_number(visitor.clients, i);
        check_number(visitor.client->head->target.at[1], '0' + (int)i);
        visitor_take_body(&visitor);
        visitor_answer(&visitor, 200, "x");
        world_turn(&world);
        check_number(visitor.clients, i);
        visitor_release(&visitor, true);
        check_number(visitor.clients, i); /* never from inside a call of ours */
        world_turn(&world);
    }
    check_number(visitor.clients, 3);
    check(h1_server_is_idle(visitor.server));
    close_both(&world, &visitor);
}

TEST(a_body_is_read_only_as_far_as_it_is_consumed)
{
    struct world world;
    struct visitor visitor;
    world_open(&world);
    visitor_open(&visitor, &world,
                 &(struct visitor_options){.capacity = 1000, .buffer_bytes = 2000});
    far_end_say(&visitor.far, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n");
    far_end_say_bytes(&visitor.far, 100000);
    world_turn(&world);
    check(visitor.far.said < 4000);
    while (visitor.client->body.ops->state(&visitor.client->body) == SOURCE_OPEN) {
        size_t before = visitor.body.len;
        visitor_take_body(&visitor);
        world_turn(&world);
        check(visitor.body.len > before);
        check(visitor.far.said < visitor.body.len + 4000);
    }
    visitor_take_body(&visitor);
    check_number(visitor.body.len, 100000);
    close_both(&world, &visitor);
}

TEST(a_chunked_body_is_taken_apart_and_its_trailers_are_kept)
{
    struct world world;
    struct visitor visitor;
    open_plain(&world, &visitor);
    say(&visitor, "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
                  "3;a=b\r\nabc\r\nA\r\n0123456789\r\n");
    struct source *body = &visitor.client->body;
    check_span(body->ops->peek(body), "abc");
    body->ops->consume(body, 1);
    check_span(body->ops->peek(body), "bc");
    visitor_take_body(&visitor);
    check_span(buf_span(&visitor.body), "bc0123456789");
    check_number(body->ops->state(body), SOURCE_OPEN);
    check(body->ops->trailers(body) == NULL);
    say(&visitor, "0\r\nX-Sum: 9\r\n\r\n");
    check_number(body->ops->state(body), SOURCE_ENDED);
    check_span(fields_get(body->ops->trailers(body), SPAN("x-sum")), "9");
    close_both(&world, &visitor);
}

TEST(a_body_that_is_cut_off_or_badly_framed_is_broken)
{
    static const char *const bodies[] = {
        "Content-Length: 5\r\n\r\nabc",
        "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
        "Transfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n",
        "Transfer-Encoding: chunked\r\n\r\n0x3\r\nabc\r\n0\r\n\r\n",
    };
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        struct world world;
        struct visitor visitor;
        open_plain(&world, &visitor);
        far_end_say(&visitor.far, "POST / HTTP/1.1\r\nHost: x\r\n");
        far_end_say(&visitor.far, bodies[i]);
        far_end_finish(&visitor.far);
        world_turn(&world);
        visitor_take_body(&visitor);
        check_number(visitor.client->body.ops->state(&visitor.client->body), SOURCE_BROKEN);
        check(!visitor.client->ops->is_gone(visitor.client));
        visitor_answer(&visitor, 400, "");
        visitor_release(&visitor, true);
        world_turn(&world);
        check_heard(&visitor,
                    "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        check_number(visitor.closes, 1);
        close_both(&world, &visitor);
    }
}

TEST(a_large_head_leaves_room_for_its_body)
{
    struct world world;
    struct visitor visitor;
    world_open(&world);
    visitor_open(&visitor, &world, &(struct visitor_options){.buffer_bytes = 256});
    far_end_say(&visitor.far, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\nA: ");
    far_end_say_bytes(&visitor.far, 3000);
    far_end_say(&visitor.far, "\r\n\r\n");
    far_end_say_bytes(&visitor.far, 5000);
    for (int i = 0; i < 10; i++) {
        world_turn(&world);
        check(visitor.client != NULL);
        visitor_take_body(&visitor);
    }
    check_number(visitor.body.len, 5000);
    check_number(fields_get(&visitor.client->head->fields, SPAN("A")).len, 3000);
    close_both(&world, &visitor);
}

/* ---- what does not parse ---- */

TEST(a_broken_head_is_handed_over_and_its_answer_is_the_last)
{
    struct world world;
    struct visitor visitor;
    open_plain(&world, &visitor);
    say(&visitor, "GET / HTTP/1.1\r\nHost : x\r\n\r\nGET /2 HTTP/1.1\r\nHost: x\r\n\r\n");
    check_number(visitor.client->refusal.status, 400);
    check(visitor.client->head_is_broken);
    check_number(visitor.client->body.ops->state(&visitor.client->body), SOURCE_ENDED);
    visitor_answer(&visitor, 400, "no");
    visitor_release(&visitor, true);
    far_end_finish(&visitor.far);
    world_turn(&world);
    check_heard(&visitor,
                "HTTP/1.1 400 Bad Request\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno");
    check(visitor.far.ended && !visitor.far.broken);
    check_number(visitor.clients, 1);
    check_number(visitor.closes, 1);
    close_both(&world, &visitor);
}

TEST(a_head_that_is_refused_but_parses_shows_what_it_is)
{
    struct world world;
    struct visitor visitor;
    open_plain(&world, &visitor);
    say(&visitor, "GET /x HTTP/3.0\r\nHost: x\r\n\r\n");
    check_number(visitor.client->refusal.status, 505);
    check(!visitor.client->head_is_broken);
    check_span(visitor.client->head->target, "/x");
    visitor_answer(&visitor, 505, "");
    visitor_release(&visitor, true);
    world_turn(&world);
    check(far_end_heard(&visitor.far, "Connection: close\r\n"));
    close_both(&world, &visitor);
}

TEST(what_is_not_http_is_handed_over_and_closed_without_a_status_line)
{
    struct world world;
    struct visitor visitor;
    open_plain(&world, &visitor);
    say(&visitor, "GET /\r\n");
    check(visitor.client->refusal.silent);
    visitor_release(&visitor, false);
    far_end_finish(&visitor.far);
    world_turn(&world);
    check_heard(&visitor, "");
    check(visitor.far.ended);
    check_number(visitor.closes, 1);
    close_both(&world, &visitor);
}

TEST(a_head_beyond_its_limit_gets_431)
{
    struct world world;
    struct visitor visitor;
    world_open(&world);
    visitor_open(&visitor, &world, &(struct visitor_options){.buffer_bytes = 512});
    far_end_say(&visitor.far, "GET / HTTP/1.1\r\nHost: x\r\nA: ");
    far_end_say_bytes(&visitor.far, 100000);
    world_turn(&world);
    check_number(visitor.client->refusal.status, 431);
    visitor_answer(&visitor, 431, "");
    visitor_release(&visitor, true);
    world_turn(&world);
    check(far_end_heard(&visitor.far, "HTTP/1.1 431 "));
    close_both(&world, &visitor);
}

TEST(a_head_that_is_cut_off_is_handed_over_as_broken)
{
    struct world world;
    struct visitor visitor;
    open_plain(&world, &visitor);
    far_end_say(&visitor.far, "GET / HTTP/1.1\r\nHo");
    far_end_finish(&visitor.far);
    world_turn(&world);
    check_number(visitor.client->refusal.status, 400);
    check_span(visitor.client->head->line, "GET / HTTP/1.1");
    close_both(&world, &visitor);
}

TEST(a_slow_head_gets_408_counted_from_its_first_byte)
{
    struct world world;
    struct visitor visitor;
    open_plain(&world, &visitor);
    world_pass(&world, 5000000);
    uint64_t first_us = world.now_us;
    for (int i = 0; i < 9; i++) {
        say(&visitor, "G");
        world_pass(&world, 1000000);
    }
    check(visitor.client == NULL);
    world_pass(&world, 1100000);
    check_number(visitor.client->refusal.status, 408);
    check_number(visitor.client->began_us, first_us);
    check_number(visitor.client->head_us, world.now_us);
    visitor_answer(&visitor, 408, "");
    visitor_release(&visitor, true);
    world_turn(&world);
    check(far_end_heard(&visitor.far, "HTTP/1.1 408 Request Timeout\r\n"));
    close_both(&world, &visitor);
}

TEST(an_idle_connection_is_closed_in_order_and_empty_lines_do_not_keep_it)
{
    struct world world;
    struct visitor visitor;
    open_plain(&world, &visitor);
    say(&visitor, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    visitor_answer(&visitor, 200, "");
    visitor_release(&visitor, true);
    for (int i = 0; i < 6; i++) {
        check(!visitor.far.ended);
        world_pass(&world, 9900000);
        say(&visitor, "\r\n");
    }
    world_pass(&world, 1000000);
    check(visitor.far.ended && !visitor.far.broken);
    check_number(visitor.clients, 1);
    far_end_finish(&visitor.far);
    world_turn(&world);
    check_number(visitor.closes, 1);
    close_both(&world, &visitor);
}

int h1_server_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_is_handed_over_answered_and_the_connection_stays),
        cmocka_unit_test(a_plain_request_costs_one_read_one_write_and_no_allocation),
        cmocka_unit_test(pipelined_requests_are_handed_over_one_after_another),
        cmocka_unit_test(a_body_is_read_only_as_far_as_it_is_consumed),
        cmocka_unit_test(a_chunked_body_is_taken_apart_and_its_trailers_are_kept),
        cmocka_unit_test(a_body_that_is_cut_off_or_badly_framed_is_broken),
        cmocka_unit_test(a_large_head_leaves_room_for_its_body),
        cmocka_unit_test(a_broken_head_is_handed_over_and_its_answer_is_the_last),
        cmocka_unit_test(a_head_that_is_refused_but_parses_shows_what_it_is),
        cmocka_unit_test(what_is_not_http_is_handed_over_and_closed_without_a_status_line),
        cmocka_unit_test(a_head_beyond_its_limit_gets_431),
        cmocka_unit_test(a_head_that_is_cut_off_is_handed_over_as_broken),
        cmocka_unit_test(a_slow_head_gets_408_counted_from_its_first_byte),
        cmocka_unit_test(an_idle_connection_is_closed_in_order_and_empty_lines_do_not_keep_it),
    };
    return cmocka_run_group_tests_name("h1_server", tests, NULL, NULL);
}
