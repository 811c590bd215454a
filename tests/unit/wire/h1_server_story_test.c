/* SPDX-License-Identifier: Apache-2.0 */
/* One story over a whole connection, told again and again: over narrow wires, with handshakes in
 * between, with every read and write short once, broken once, and every piece of memory missing
 * once. */
#include "sidecar/wire/stream_fault.h"
#include "tests/check.h"
#include "tests/unit/wire/suites.h"
#include "tests/unit/wire/visitor.h"

static const char said[] = "GET /1 HTTP/1.1\r\nHost: x\r\n\r\n"
                           "POST /2 HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n0123456789\r\n"
                           "POST /3 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
                           "5\r\nabcde\r\n1;x=y\r\nf\r\n0\r\nSum: 1\r\n\r\n"
                           "GET /4 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";

static const char traced[] = "GET /1 200 \"\"\n"
                             "POST /2 200 \"0123456789\"\n"
                             "POST /3 200 \"abcdef\" Sum\n"
                             "GET /4 200 \"\"\n";

/* Answers without the sizes of their chunks, for those depend on how the body came. */
static const char last_answer[] = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"
                                  "Connection: close\r\n\r\n0\r\n\r\n";

static void tell(struct world *world, struct visitor *visitor,
                 const struct visitor_options *options)
{
    world_open(world);
    visitor_open(visitor, world, options);
    far_end_say(&visitor->far, said);
    far_end_finish(&visitor->far);
    for (int i = 0; i < 20; i++)
        world_turn(world);
}

static void check_told(struct world *world, struct visitor *visitor)
{
    check_span(buf_span(&visitor->trace), traced);
    check(span_ends(buf_span(&visitor->far.heard), span_text(last_answer)));
    check(visitor->far.ended && !visitor->far.broken);
    check_number(visitor->closes, 1);
    visitor_close(visitor);
    world_close(world);
}

/* Narrow wires have no handshakes: with both of them full, both ends would wait to write. */
static const struct visitor_options wires[] = {
    {.capacity = 3},
    {.capacity = 4},
    {.capacity = 30},
    {.capacity = 1000, .handshakes = 1},
    {.capacity = 1000, .handshakes = 2},
    {.capacity = 65536, .handshakes = 3},
    {.capacity = 65536},
};

TEST(a_story_is_the_same_over_every_wire)
{
    static const size_t buffers[] = {64, 100, 1000, 16384};
    for (size_t w = 0; w < sizeof wires / sizeof wires[0]; w++)
        for (size_t b = 0; b < sizeof buffers / sizeof buffers[0]; b++) {
            struct world world;
            struct visitor visitor;
            struct visitor_options options = wires[w];
            options.answers = true;
            options.buffer_bytes = buffers[b];
            tell(&world, &visitor, &options);
            check_told(&world, &visitor);
        }
}

TEST(a_story_is_the_same_where_any_read_or_write_is_short)
{
    unsigned n = 1;
    for (bool was_short = true; was_short; n++) {
        struct world world;
        struct visitor visitor;
        stream_short_nth(n);
        tell(&world, &visitor, &(struct visitor_options){.answers = true, .capacity = 100});
        was_short = !stream_fault_is_due();
        stream_short_nth(0);
        check_told(&world, &visitor);
    }
    check(n > 10);
}

/* Whatever breaks: what was answered was whole, and all is closed and freed in the end. */
static void check_ended(struct world *world, struct visitor *visitor)
{
    check(span_starts(span_text(traced), span_first(buf_span(&visitor->trace), 14)));
    world_pass(world, 20000000);
    world_pass(world, 70000000);
    check_number(visitor->closes, 1);
    visitor_close(visitor);
    world_close(world);
}

TEST(a_story_ends_where_any_read_or_write_is_broken)
{
    unsigned n = 1;
    for (bool was_broken = true; was_broken; n++) {
        struct world world;
        struct visitor visitor;
        stream_fail_nth(n);
        tell(&world, &visitor, &(struct visitor_options){.answers = true, .capacity = 100});
        was_broken = !stream_fault_is_due();
        stream_fail_nth(0);
        check_ended(&world, &visitor);
    }
    check(n > 10);
}

TEST(a_story_ends_where_any_piece_of_memory_is_missing)
{
    for (unsigned n = 1; n < 40; n++) {
        struct world world;
        struct visitor visitor;
        arena_fail_nth(n);
        tell(&world, &visitor, &(struct visitor_options){.answers = true, .capacity = 100});
        arena_fail_nth(0);
        check_ended(&world, &visitor);
    }
}

TEST(an_answer_that_finds_no_buffer_breaks_the_connection)
{
    struct world world;
    struct visitor visitor;
    world_open(&world);
    visitor_open(&visitor, &world, &(struct visitor_options){.answers = true});
    buf_fail_nth(1);
    far_end_say(&visitor.far, said);
    world_turn(&world);
    buf_fail_nth(0);
    check_number(visitor.clients, 1);
    check_number(visitor.far.heard.len, 0);
    check_number(visitor.closes, 1);
    visitor_close(&visitor);
    world_close(&world);
}

int h1_server_story_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_story_is_the_same_over_every_wire),
        cmocka_unit_test(a_story_is_the_same_where_any_read_or_write_is_short),
        cmocka_unit_test(a_story_ends_where_any_read_or_write_is_broken),
        cmocka_unit_test(a_story_ends_where_any_piece_of_memory_is_missing),
        cmocka_unit_test(an_answer_that_finds_no_buffer_breaks_the_connection),
    };
    return cmocka_run_group_tests_name("h1_server stories", tests, NULL, NULL);
}
