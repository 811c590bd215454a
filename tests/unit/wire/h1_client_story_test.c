/* SPDX-License-Identifier: Apache-2.0 */
/* Two requests on one connection to a backend, told again and again: over narrow wires, with every
 * read and write short once, broken once, and every piece of memory missing once. */
#include "sidecar/wire/stream_fault.h"
#include "tests/check.h"
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

/* Two requests; true: both were answered whole. */
static bool tell(struct backend *backend)
{
    for (int i = 0; i < 2; i++) {
        if (backend->client == NULL)
            return false;
        ask(backend, "POST", BODY_UNKNOWN);
        if (i == 0)
            far_end_say(&backend->far, "HTTP/1.1 100 Continue\r\n\r\n");
        struct sink *sink = &backend->server->request;
        for (struct span rest = SPAN("0123456789"); rest.len > 0;) {
            struct span part = span_first(rest, sink->ops->room(sink));
            sink->ops->write(sink, part);
            rest = span_from(rest, part.len);
            world_turn(backend->world);
            if (part.len == 0)
                break;
        }
        sink->ops->end(sink, NULL);
        reply(backend, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                       "6\r\nanswer\r\n0\r\n\r\n");
        if (backend_answer(backend) == ANSWER_INTERIM)
            backend->server->ops->next(backend->server);
        world_turn(backend->world);
        bool whole = backend_answer(backend) == ANSWER_HEAD &&
                     backend_take_body(backend) == SOURCE_ENDED &&
                     span_is(buf_span(&backend->body), SPAN("answer"));
        release(backend);
        if (!whole)
            return false;
    }
    return backend->idles == 2;
}

TEST(a_story_of_two_requests_is_the_same_over_every_wire)
{
    static const struct backend_options wires[] = {{.capacity = 3, .buffer_bytes = 100},
                                                   {.capacity = 30, .buffer_bytes = 64},
                                                   {.capacity = 1000, .handshakes = 1},
                                                   {.capacity = 65536, .handshakes = 2},
                                                   {.capacity = 65536, .buffer_bytes = 64}};
    for (size_t i = 0; i < sizeof wires / sizeof wires[0]; i++) {
        struct world world;
        struct backend backend;
        world_open(&world);
        backend_open(&backend, &world, &wires[i]);
        check(tell(&backend));
        close_both(&world, &backend);
    }
}

TEST(a_story_of_two_requests_is_the_same_where_any_read_or_write_is_short)
{
    unsigned n = 1;
    for (bool was_short = true; was_short; n++) {
        struct world world;
        struct backend backend;
        open_plain(&world, &backend);
        stream_short_nth(n);
        check(tell(&backend));
        was_short = !stream_fault_is_due();
        stream_short_nth(0);
        close_both(&world, &backend);
    }
    check(n > 6);
}

TEST(a_story_of_two_requests_ends_where_any_read_or_write_is_broken)
{
    unsigned n = 1;
    for (bool was_broken = true; was_broken; n++) {
        struct world world;
        struct backend backend;
        open_plain(&world, &backend);
        stream_fail_nth(n);
        bool told = tell(&backend);
        was_broken = !stream_fault_is_due();
        stream_fail_nth(0);
        check(told != was_broken);
        close_both(&world, &backend);
    }
    check(n > 6);
}

TEST(a_story_of_two_requests_ends_where_any_piece_of_memory_is_missing)
{
    for (unsigned n = 1; n < 10; n++) {
        struct world world;
        struct backend backend;
        open_plain(&world, &backend);
        arena_fail_nth(n);
        check(tell(&backend) || n < 5);
        arena_fail_nth(0);
        close_both(&world, &backend);
    }
}

int h1_client_story_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_story_of_two_requests_is_the_same_over_every_wire),
        cmocka_unit_test(a_story_of_two_requests_is_the_same_where_any_read_or_write_is_short),
        cmocka_unit_test(a_story_of_two_requests_ends_where_any_read_or_write_is_broken),
        cmocka_unit_test(a_story_of_two_requests_ends_where_any_piece_of_memory_is_missing),
    };
    return cmocka_run_group_tests_name("h1_client stories", tests, NULL, NULL);
}
