/* SPDX-License-Identifier: Apache-2.0 */
/* A connection to a backend over the memory stream. */
#include "tests/check.h"
#include "tests/unit/wire/allocations.h"
#include "tests/unit/wire/backend.h"
#include "tests/unit/wire/suites.h"

static void open_plain(struct world *world, struct backend *backend)
{
    world_open(world);
    backend_open(backend, world, &(struct backend_options){.capacity = 0});
}

static void close_both(struct world *world, struct backend *backend)
{
    backend_close(backend);
    world_close(world);
}

static void ask(struct backend *backend, const char *method, int64_t length)
{
    backend_ask(backend, method, length);
    world_turn(backend->world);
}

static void reply(struct backend *backend, const char *text)
{
    far_end_say(&backend->far, text);
    world_turn(backend->world);
}

static void release(struct backend *backend)
{
    backend_release(backend);
    world_turn(backend->world);
}

static void check_heard(const struct backend *backend, const char *text)
{
    check_span(buf_span(&backend->far.heard), text);
}

TEST(a_request_is_sent_its_answer_comes_and_the_connection_is_used_again)
{
    struct world world;
    struct backend backend;
    open_plain(&world, &backend);
    for (unsigned i = 1; i <= 3; i++) {
        ask(&backend, "GET", 0);
        check_heard(&backend, "GET /path HTTP/1.1\r\nHost: b\r\n\r\n");
        check(backend.server->reused == (i > 1));
        check_number(backend_answer(&backend), ANSWER_NONE);
        reply(&backend, "HTTP/1.1 200 OK\r\nA: 1\r\nContent-Length: 5\r\n\r\nhello");
        check_number(backend_answer(&backend), ANSWER_HEAD);
        check_number(backend.server->head->status, 200);
        check_number(backend.server->first_byte_us, world.now_us);
        check(backend.wakes > 0);
        check_number(backend_take_body(&backend), SOURCE_ENDED);
        check_span(buf_span(&backend.body), "hello");
        backend_release(&backend);
        check_number(backend.idles, i - 1); /* said by the loop, not from inside our call */
        world_turn(&world);
        check_number(backend.idles, i);
        far_end_forget(&backend.far);
        backend.wakes = 0;
    }
    close_both(&world, &backend);
}

TEST(a_plain_exchange_costs_one_read_one_write_and_no_allocation)
{
    struct world world;
    struct backend backend;
    open_plain(&world, &backend);
    unsigned allocations = 0;
    for (int i = 0; i < 2; i++) { /* the first one warms up */
        const struct stream_counts *counts = stream_count(backend.near);
        allocations = allocations_count();
        ask(&backend, "GET", 0);
        reply(&backend, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
        backend_take_body(&backend);
        release(&backend);
        check_number(counts->reads, 1);
        check_number(counts->writes, 1);
        check_number(counts->waits_to_write, 0);
    }
    check_number(allocations_count() - allocations, 0);
    close_both(&world, &backend);
}

/* ---- requests ---- */

struct sending {
    const char *method;
    int64_t length;
    const char *want;
};

TEST(requests_are_framed_by_length_and_method)
{
    static const struct sending sendings[] = {
        {"GET", 0, "GET /path HTTP/1.1\r\nHost: b\r\n\r\n"},
        {"POST", 0, "POST /path HTTP/1.1\r\nHost: b\r\nContent-Length: 0\r\n\r\n"},
        {"POST", 4, "POST /path HTTP/1.1\r\nHost: b\r\nContent-Length: 4\r\n\r\nabcd"},
        {"GET", 4, "GET /path HTTP/1.1\r\nHost: b\r\nContent-Length: 4\r\n\r\nabcd"},
        {"PUT", BODY_UNKNOWN,
         "PUT /path HTTP/1.1\r\nHost: b\r\nTransfer-Encoding: chunked\r\n\r\n"
         "4\r\nabcd\r\n0\r\n\r\n"},
    };
    for (size_t i = 0; i < sizeof sendings / sizeof sendings[0]; i++) {
        struct world world;
        struct backend backend;
        open_plain(&world, &backend);
        backend_ask(&backend, sendings[i].method, sendings[i].length);
        struct sink *sink = &backend.server->request;
        if (sendings[i].length != 0)
            sink->ops->write(sink, SPAN("abcd"));
        sink->ops->end(sink, NULL);
        world_turn(&world);
        check_heard(&backend, sendings[i].want);
        close_both(&world, &backend);
    }
}

TEST(a_slow_backend_takes_room_until_it_reads)
{
    struct world world;
    struct backend backend;
    world_open(&world);
    backend_open(&backend, &world,
                 &(struct backend_options){.capacity = 1000, .buffer_bytes = 4096});
    far_end_listen(&backend.far, false);
    ask(&backend, "POST", 1000000);
    struct sink *sink = &backend.server->request;
    for (size_t room, sent = 0; (room = sink->ops->room(sink)) > 0;) {
        static const char text[100] = "";
        struct span part = span_first(span_make(text, sizeof text), room);
        sink->ops->write(sink, part);
        sent += part.len;
        world_turn(&world);
        check(sent < 6000);
    }
    unsigned wakes = backend.wakes;
    far_end_listen(&backend.far, true);
    world_turn(&world);
    check(backend.wakes > wakes);
    check_number(sink->ops->room(sink), 4096);
    close_both(&world, &backend);
}

/* ---- answers ---- */

struct answering {
    const char *method, *said;
    unsigned status;
    const char *body;
    bool stays;
};

static const struct answering answerings[] = {
    {"GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
     200, "abcde", true},
    {"GET", "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nab", 200, "ab",
     false},
    {"GET", "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nab", 200, "ab", false},
    {"GET", "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nab", 200, "ab",
     true},
    {"HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", 200, "", true},
    {"GET", "HTTP/1.1 204 No Content\r\n\r\n", 204, "", true},
    {"GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n", 304, "", true},
    {"GET", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 200, "", true},
    {"GET", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nabHTTP/1.1 200 OK\r\n\r\n", 200, "ab",
     false},
};

TEST(answers_are_framed_by_their_head_and_by_what_they_answer)
{
    for (size_t i = 0; i < sizeof answerings / sizeof answerings[0]; i++) {
        const struct answering *answering = &answerings[i];
        struct world world;
        struct backend backend;
        open_plain(&world, &backend);
        ask(&backend, answering->method, 0);
        reply(&backend, answering->said);
        check_number(backend_answer(&backend), ANSWER_HEAD);
        check_number(backend.server->head->status, answering->status);
        check_number(backend_take_body(&backend), SOURCE_ENDED);
        check_span(buf_span(&backend.body), answering->body);
        release(&backend);
        check_number(backend.idles, answering->stays);
        check_number(backend.closes, !answering->stays);
        close_both(&world, &backend);
    }
}

TEST(a_body_until_close_ends_with_an_orderly_end_and_no_other)
{
    static const bool orders[] = {true, false};
    for (size_t i = 0; i < 2; i++) {
        struct world world;
        struct backend backend;
        open_plain(&world, &backend);
        ask(&backend, "GET", 0);
        reply(&backend, "HTTP/1.1 200 OK\r\n\r\nabc");
        check_number(backend_take_body(&backend), SOURCE_OPEN);
        if (orders[i])
            far_end_finish(&backend.far);
        else
            far_end_reset(&backend.far);
        world_turn(&world);
        check_span(buf_span(&backend.body), "abc");
        check_number(backend_take_body(&backend), orders[i] ? SOURCE_ENDED : SOURCE_BROKEN);
        release(&backend);
        check_number(backend.closes, 1);
        close_both(&world, &backend);
    }
}

TEST(trailers_of_an_answer_are_kept)
{
    struct world world;
    struct backend backend;
    open_plain(&world, &backend);
    ask(&backend, "GET", 0);
    reply(&backend, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nSum: 9\r\n\r\n");
    struct source *body = &backend.server->body;
    check_number(backend_take_body(&backend), SOURCE_ENDED);
    check_span(fields_get(body->ops->trailers(body), SPAN("sum")), "9");
    close_both(&world, &backend);
}

TEST(interim_answers_come_one_after_another_before_the_final_one)
{
    struct world world;
    struct backend backend;
    open_plain(&world, &backend);
    ask(&backend, "GET", 0);
    reply(&backend, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
                    "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na");
    check_number(backend_answer(&backend), ANSWER_INTERIM);
    check_number(backend.server->head->status, 100);
    backend.server->ops->next(backend.server);
    check_number(backend_answer(&backend), ANSWER_INTERIM);
    check_span(fields_get(&backend.server->head->fields, SPAN("Link")), "x");
    backend.server->ops->next(backend.server);
    check_number(backend_answer(&backend), ANSWER_HEAD);
    check_number(backend_take_body(&backend), SOURCE_ENDED);
    release(&backend);
    check_number(backend.idles, 1);
    close_both(&world, &backend);
}

TEST(a_flood_of_interim_answers_is_broken)
{
    struct world world;
    struct backend backend;
    open_plain(&world, &backend);
    ask(&backend, "GET", 0);
    for (int i = 0; i < 100; i++)
        far_end_say(&backend.far, "HTTP/1.1 102 Processing\r\n\r\n");
    world_turn(&world);
    unsigned interims = 0;
    while (backend_answer(&backend) == ANSWER_INTERIM) {
        backend.server->ops->next(backend.server);
        interims++;
    }
    check_number(backend_answer(&backend), ANSWER_BROKEN);
    check_number(interims, 32);
    close_both(&world, &backend);
}

TEST(what_is_no_answer_is_broken)
{
    static const char *const said[] = {
        "SSH-2.0-OpenSSH\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        "HTTP/1.1 200 OK\r\nA : b\r\n\r\n",
        "HTTP/2 200\r\n\r\n",
    };
    for (size_t i = 0; i < sizeof said / sizeof said[0]; i++) {
        struct world world;
        struct backend backend;
        open_plain(&world, &backend);
        ask(&backend, "GET", 0);
        reply(&backend, said[i]);
        check_number(backend_answer(&backend), ANSWER_BROKEN);
        release(&backend);
        check_number(backend.closes, 1);
        close_both(&world, &backend);
    }
}

TEST(a_head_beyond_its_limit_is_broken_and_one_below_is_not)
{
    static const size_t sizes[] = {3000, 5000};
    for (size_t i = 0; i < 2; i++) {
        struct world world;
        struct backend backend;
        world_open(&world);
        backend_open(&backend, &world, &(struct backend_options){.buffer_bytes = 256});
        ask(&backend, "GET", 0);
        far_end_say(&backend.far, "HTTP/1.1 200 OK\r\nContent-Length: 5000\r\nA: ");
        far_end_say_bytes(&backend.far, sizes[i]);
        far_end_say(&backend.far, "\r\n\r\n");
        far_end_say_bytes(&backend.far, 5000);
        world_turn(&world);
        check_number(backend_answer(&backend), i == 0 ? ANSWER_HEAD : ANSWER_BROKEN);
        if (i == 0) {
            check_number(backend_take_body(&backend), SOURCE_ENDED);
            check_number(backend.body.len, 5000);
            check_number(fields_get(&backend.server->head->fields, SPAN("A")).len, 3000);
        }
        close_both(&world, &backend);
    }
}

/* ---- ends, early and late ---- */

TEST(an_early_answer_is_delivered_and_costs_the_connection)
{
    struct world world;
    struct backend backend;
    open_plain(&world, &backend);
    ask(&backend, "POST", 1000);
    struct sink *sink = &backend.server->request;
    sink->ops->write(sink, SPAN("abc"));
    reply(&backend, "HTTP/1.1 413 Content Too Large\r\nContent-Length: 2\r\n\r\nno");
    check_number(backend_answer(&backend), ANSWER_HEAD);
    sink->ops->write(sink, SPAN("def"));
    check_number(backend_take_body(&backend), SOURCE_ENDED);
    check_span(buf_span(&backend.body), "no");
    check(far_end_heard(&backend.far, "abcdef"));
    release(&backend);
    check_number(backend.idles, 0);
    check_number(backend.closes, 1);
    close_both(&world, &backend);
}

TEST(an_answer_before_the_body_was_whole_leaves_the_connection_once_it_is)
{
    struct world world;
    struct backend backend;
    open_plain(&world, &backend);
    ask(&backend, "POST", 3);
    reply(&backend, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    check_number(backend_answer(&backend), ANSWER_HEAD);
    struct sink *sink = &backend.server->request;
    sink->ops->write(sink, SPAN("abc"));
    sink->ops->end(sink, NULL);
    world_turn(&world);
    release(&backend);
    check_number(backend.idles, 1);
    close_both(&world, &backend);
}

TEST(a_used_connection_that_ends_without_a_byte_is_stale_and_a_new_one_is_broken)
{
    static const bool useds[] = {true, false};
    for (size_t i = 0; i < 4; i++) {
        struct world world;
        struct backend backend;
        open_plain(&world, &backend);
        if (useds[i % 2]) {
            ask(&backend, "GET", 0);
            reply(&backend, "HTTP/1.1 204 No Content\r\n\r\n");
            release(&backend);
        }
        ask(&backend, "GET", 0);
        if (i < 2)
            far_end_finish(&backend.far);
        else
            far_end_reset(&backend.far);
        unsigned wakes = backend.wakes;
        world_turn(&world);
        check(backend.wakes > wakes);
        check_number(backend_answer(&backend), useds[i % 2] ? ANSWER_STALE : ANSWER_BROKEN);
        release(&backend);
        check_number(backend.closes, 1);
        close_both(&world, &backend);
    }
}

TEST(an_answer_that_is_cut_off_is_broken)
{
    static const char *const said[] = {
        "HTTP/1.1 200 O",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n",
    };
    for (size_t i = 0; i < sizeof said / sizeof said[0]; i++) {
        struct world world;
        struct backend backend;
        open_plain(&world, &backend);
        ask(&backend, "GET", 0);
        far_end_say(&backend.far, said[i]);
        far_end_finish(&backend.far);
        world_turn(&world);
        check_number(backend_answer(&backend), i == 0 ? ANSWER_BROKEN : ANSWER_HEAD);
        check_number(backend_take_body(&backend), i == 0 ? SOURCE_OPEN : SOURCE_BROKEN);
        close_both(&world, &backend);
    }
}

TEST(an_idle_connection_that_ends_or_speaks_is_closed)
{
    static const char *const said[] = {"", "HTTP/1.1 408 Request Timeout\r\n\r\n"};
    for (size_t i = 0; i < 2; i++) {
        struct world world;
        struct backend backend;
        open_plain(&world, &backend);
        world_pass(&world, 10000000);
        check_number(backend.closes, 0);
        far_end_say(&backend.far, said[i]);
        far_end_finish(&backend.far);
        world_turn(&world);
        check_number(backend.closes, 1);
        close_both(&world, &backend);
    }
}

TEST(what_came_before_the_request_was_sent_is_no_answer_to_it)
{
    static const bool useds[] = {true, false};
    for (size_t i = 0; i < 2; i++) {
        struct world world;
        struct backend backend;
        open_plain(&world, &backend);
        if (useds[i]) {
            ask(&backend, "GET", 0);
            reply(&backend, "HTTP/1.1 204 No Content\r\n\r\n");
            release(&backend);
            far_end_forget(&backend.far);
        }
        backend_ask(&backend, "GET", 0);
        far_end_say(&backend.far, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwrong");
        backend.far.stream->on_ready(&backend.far, STREAM_WRITE); /* before the loop turns */
        world_turn(&world);
        check_number(backend_answer(&backend), useds[i] ? ANSWER_STALE : ANSWER_BROKEN);
        check_heard(&backend, ""); /* so it may be tried again */
        release(&backend);
        check_number(backend.closes, 1);
        close_both(&world, &backend);
    }
}

TEST(a_connection_that_is_closed_while_busy_goes_after_its_release)
{
    struct world world;
    struct backend backend;
    open_plain(&world, &backend);
    ask(&backend, "GET", 0);
    h1_client_close(backend.client);
    world_turn(&world);
    check(backend.far.broken);
    check_number(backend_answer(&backend), ANSWER_BROKEN);
    check_number(backend.closes, 0);
    release(&backend);
    check_number(backend.closes, 1);
    close_both(&world, &backend);
}

TEST(a_connection_that_is_given_back_too_early_is_reset)
{
    struct world world;
    struct backend backend;
    open_plain(&world, &backend);
    ask(&backend, "GET", 0);
    reply(&backend, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab");
    release(&backend);
    check_number(backend.closes, 1);
    check(backend.far.broken);
    close_both(&world, &backend);
}

int h1_client_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_is_sent_its_answer_comes_and_the_connection_is_used_again),
        cmocka_unit_test(a_plain_exchange_costs_one_read_one_write_and_no_allocation),
        cmocka_unit_test(requests_are_framed_by_length_and_method),
        cmocka_unit_test(a_slow_backend_takes_room_until_it_reads),
        cmocka_unit_test(answers_are_framed_by_their_head_and_by_what_they_answer),
        cmocka_unit_test(a_body_until_close_ends_with_an_orderly_end_and_no_other),
        cmocka_unit_test(trailers_of_an_answer_are_kept),
        cmocka_unit_test(interim_answers_come_one_after_another_before_the_final_one),
        cmocka_unit_test(a_flood_of_interim_answers_is_broken),
        cmocka_unit_test(what_is_no_answer_is_broken),
        cmocka_unit_test(a_head_beyond_its_limit_is_broken_and_one_below_is_not),
        cmocka_unit_test(an_early_answer_is_delivered_and_costs_the_connection),
        cmocka_unit_test(an_answer_before_the_body_was_whole_leaves_the_connection_once_it_is),
        cmocka_unit_test(
            a_used_connection_that_ends_without_a_byte_is_stale_and_a_new_one_is_broken),
        cmocka_unit_test(an_answer_that_is_cut_off_is_broken),
        cmocka_unit_test(an_idle_connection_that_ends_or_speaks_is_closed),
        cmocka_unit_test(what_came_before_the_request_was_sent_is_no_answer_to_it),
        cmocka_unit_test(a_connection_that_is_closed_while_busy_goes_after_its_release),
        cmocka_unit_test(a_connection_that_is_given_back_too_early_is_reset),
    };
    return cmocka_run_group_tests_name("h1_client", tests, NULL, NULL);
}
