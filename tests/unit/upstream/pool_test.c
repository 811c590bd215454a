/* SPDX-License-Identifier: Apache-2.0 */
/* Stories of a pool whose backends live in memory. */
#include "tests/unit/upstream/suites.h"
#include "tests/unit/upstream/world.h"

TEST(a_connection_is_used_again)
{
    struct world world;
    world_init(&world);
    world_begin(&world);
    struct pool_ticket ticket = world_ticket(&world);
    check_number(pool_ask(world.pool, &ticket), POOL_READY);
    check(!ticket.server->reused);
    check_span(ticket.target->name, "a");
    world_serve(&world, &ticket, 0);
    check_number(pool_figures(world.pool).idle, 1);
    check_number(pool_ask(world.pool, &ticket), POOL_READY);
    check(ticket.server->reused);
    world_serve(&world, &ticket, 0);
    check_number(world.count, 1);
    struct pool_figures figures = pool_figures(world.pool);
    check_number(figures.connects, 1);
    check_number(figures.reuses, 1);
    check_number(world.wakes, 0);
    pool_free(world.pool);
    world_fini(&world);
}

TEST(an_idle_connection_closes_in_time)
{
    struct world world;
    world_init(&world);
    world_begin(&world);
    struct pool_ticket ticket = world_ticket(&world);
    pool_ask(world.pool, &ticket);
    world_pass(&world, 60 * SECOND); /* busy: not idle */
    world_serve(&world, &ticket, 0);
    world_pass(&world, 9 * SECOND);
    check_number(pool_figures(world.pool).idle, 1);
    world_pass(&world, 2 * SECOND);
    check_number(pool_figures(world.pool).idle, 0);
    check(world_is_closed(&world, 0));
    pool_free(world.pool);
    world_fini(&world);
}

TEST(a_backend_may_close_an_idle_connection)
{
    struct world world;
    world_init(&world);
    world_begin(&world);
    struct pool_ticket ticket = world_ticket(&world);
    pool_ask(world.pool, &ticket);
    world_serve(&world, &ticket, 0);
    stream_close(world.backends[0]);
    world.backends[0] = NULL;
    world_turn(&world);
    check_number(pool_figures(world.pool).idle, 0);
    check_number(pool_ask(world.pool, &ticket), POOL_READY);
    check(!ticket.server->reused);
    world_serve(&world, &ticket, 1);
    pool_free(world.pool);
    world_fini(&world);
}

TEST(the_queue_is_bounded_and_first_come_is_first_served)
{
    struct world world;
    world_init(&world);
    world.options.max_connections = 1;
    world_begin(&world);
    struct pool_ticket a = world_ticket(&world), b = a, c = a, d = a;
    check_number(pool_ask(world.pool, &a), POOL_READY);
    check_number(pool_ask(world.pool, &b), POOL_WAIT);
    check_number(pool_ask(world.pool, &c), POOL_WAIT);
    check_number(pool_ask(world.pool, &d), POOL_FULL);
    check_number(pool_figures(world.pool).pending, 2);
    check_number(pool_figures(world.pool).rejected, 1);
    world_serve(&world, &a, 0);
    check_number(world.wakes, 1);
    check_number(pool_poll(&b), POOL_READY);
    check_number(pool_poll(&c), POOL_WAIT);
    world_serve(&world, &b, 0);
    check_number(pool_poll(&c), POOL_READY);
    world_serve(&world, &c, 0);
    check_number(world.wakes, 2);
    check_number(world.count, 1);
    pool_free(world.pool);
    world_fini(&world);
}

TEST(who_stops_waiting_is_passed_over)
{
    struct world world;
    world_init(&world);
    world.options.max_connections = 1;
    world_begin(&world);
    struct pool_ticket a = world_ticket(&world), b = a, c = a;
    pool_ask(world.pool, &a);
    pool_ask(world.pool, &b);
    pool_ask(world.pool, &c);
    pool_drop(&b);
    world_serve(&world, &a, 0);
    check_number(pool_poll(&c), POOL_READY);
    check_number(world.wakes, 1);
    world_serve(&world, &c, 0);
    pool_free(world.pool);
    world_fini(&world);
}

TEST(a_connection_that_came_unseen_is_given_back)
{
    struct world world;
    world_init(&world);
    world.options.max_connections = 1;
    world_begin(&world);
    struct pool_ticket a = world_ticket(&world), b = a, c = a;
    pool_ask(world.pool, &a);
    pool_ask(world.pool, &b);
    world_serve(&world, &a, 0);
    pool_drop(&b);
    world_turn(&world);
    check_number(pool_figures(world.pool).busy, 0);
    check_number(pool_ask(world.pool, &c), POOL_READY);
    world_serve(&world, &c, world.count - 1);
    pool_free(world.pool);
    world_fini(&world);
}

TEST(a_broken_connection_makes_room_for_who_waits)
{
    struct world world;
    world_init(&world);
    world.options.max_connections = 1;
    world_begin(&world);
    struct pool_ticket a = world_ticket(&world), b = a;
    pool_ask(world.pool, &a);
    check_number(pool_ask(world.pool, &b), POOL_WAIT);
    a.server->ops->release(a.server); /* with nothing sent: closed */
    world_turn(&world);
    check_number(pool_poll(&b), POOL_READY);
    check_number(world.count, 2);
    world_serve(&world, &b, 1);
    pool_free(world.pool);
    world_fini(&world);
}

TEST(a_refusal_is_told)
{
    struct world world;
    world_init(&world);
    world.refuses[0] = true;
    world_begin(&world);
    struct pool_ticket ticket = world_ticket(&world);
    check_number(pool_ask(world.pool, &ticket), POOL_REFUSED);
    check_span(span_text(ticket.error), "connection_refused");
    check_number(world.wakes, 0);
    check_number(pool_figures(world.pool).connect_failures, 1);
    world.refuses[0] = false;
    check_number(pool_ask(world.pool, &ticket), POOL_READY); /* the only target: not passed over */
    world_serve(&world, &ticket, 0);
    pool_free(world.pool);
    world_fini(&world);
}

TEST(targets_are_taken_in_turn_and_passed_over_for_a_second)
{
    struct world world;
    world_init(&world);
    world.options.target_count = 3;
    world.options.max_connections = 100;
    world.refuses[0] = true;
    world_begin(&world);
    struct pool_ticket tickets[5];
    for (size_t i = 0; i < 4; i++) {
        tickets[i] = world_ticket(&world);
        check_number(pool_ask(world.pool, &tickets[i]), POOL_READY);
    }
    check_span(tickets[0].target->name, "b");
    check_span(tickets[1].target->name, "c");
    check_span(tickets[2].target->name, "b");
    check_number(world.asked[0], 1);
    world.refuses[0] = false;
    world_pass(&world, SECOND + 1);
    tickets[4] = world_ticket(&world);
    check_number(pool_ask(world.pool, &tickets[4]), POOL_READY);
    check_span(tickets[4].target->name, "a");
    for (size_t i = 0; i < 5; i++)
        world_serve(&world, &tickets[i], i);
    pool_free(world.pool);
    world_fini(&world);
}

TEST(a_refusal_comes_only_after_every_target_was_asked)
{
    struct world world;
    world_init(&world);
    world.options.target_count = 3;
    world.refuses[0] = world.refuses[1] = world.refuses[2] = true;
    world_begin(&world);
    struct pool_ticket ticket = world_ticket(&world);
    check_number(pool_ask(world.pool, &ticket), POOL_REFUSED);
    for (size_t i = 0; i < 3; i++)
        check_number(world.asked[i], 1);
    pool_free(world.pool);
    world_fini(&world);
}

TEST(a_fresh_one_has_served_nobody)
{
    struct world world;
    world_init(&world);
    world.options.max_connections = 1;
    world_begin(&world);
    struct pool_ticket ticket = world_ticket(&world);
    pool_ask(world.pool, &ticket);
    world_serve(&world, &ticket, 0);
    ticket.fresh = true;
    check_number(pool_ask(world.pool, &ticket), POOL_READY);
    check(!ticket.server->reused);
    check_number(world.count, 2);
    world_turn(&world);
    check(world_is_closed(&world, 0)); /* it made room */
    check_number(pool_figures(world.pool).stale, 1);
    world_serve(&world, &ticket, 1);
    pool_free(world.pool);
    world_fini(&world);
}

TEST(who_would_take_any_is_served_before_a_fresh_one_that_cannot)
{
    struct world world;
    world_init(&world);
    world.options.max_connections = 1;
    world_begin(&world);
    struct pool_ticket a = world_ticket(&world), b = a, c = a;
    b.fresh = true;
    pool_ask(world.pool, &a);
    pool_ask(world.pool, &b);
    pool_ask(world.pool, &c);
    world_serve(&world, &a, 0);
    check_number(pool_poll(&c), POOL_READY);
    check(c.server->reused);
    world_serve(&world, &c, 0);
    check_number(pool_poll(&b), POOL_READY);
    check(!b.server->reused);
    world_serve(&world, &b, 1);
    pool_free(world.pool);
    world_fini(&world);
}

TEST(new_settings_keep_the_connections_whose_target_stays)
{
    struct world world;
    world_init(&world);
    world.options.target_count = 2;
    world_begin(&world);
    struct pool_ticket a = world_ticket(&world), b = a, c = a;
    pool_ask(world.pool, &a);
    pool_ask(world.pool, &b);
    pool_ask(world.pool, &c);
    check_span(b.target->name, "b");
    world_serve(&world, &a, 0);
    world_serve(&world, &b, 1);
    struct pool_target moved[2] = {world.targets[2], world.targets[0]};
    struct pool_options options = world.options;
    options.targets = moved;
    pool_change(world.pool, &options);
    world_turn(&world);
    check(world_is_closed(&world, 1));
    check_number(pool_figures(world.pool).idle, 1);
    check_number(pool_ask(world.pool, &a), POOL_READY);
    check(a.server->reused && a.target == &moved[1]);
    world_serve(&world, &a, 0);
    world_serve(&world, &c, 2);
    check_number(pool_figures(world.pool).idle, 2);
    options.target_count = 1; /* only "c" is left, and nothing is connected to it */
    pool_change(world.pool, &options);
    world_turn(&world);
    check_number(pool_figures(world.pool).idle, 0);
    pool_free(world.pool);
    world_fini(&world);
}

TEST(a_busy_connection_to_a_target_that_went_closes_at_its_end)
{
    struct world world;
    world_init(&world);
    world_begin(&world);
    struct pool_ticket ticket = world_ticket(&world);
    pool_ask(world.pool, &ticket);
    struct pool_options options = world.options;
    options.targets = &world.targets[1];
    pool_change(world.pool, &options);
    world_turn(&world);
    check_number(pool_figures(world.pool).busy, 1);
    world_serve(&world, &ticket, 0);
    check(world_is_closed(&world, 0));
    pool_free(world.pool);
    world_fini(&world);
}

TEST(a_smaller_maximum_closes_what_is_idle)
{
    struct world world;
    world_init(&world);
    world_begin(&world);
    struct pool_ticket a = world_ticket(&world), b = a;
    pool_ask(world.pool, &a);
    pool_ask(world.pool, &b);
    world_serve(&world, &a, 0);
    world_serve(&world, &b, 1);
    struct pool_options options = world.options;
    options.max_connections = 1;
    pool_change(world.pool, &options);
    world_turn(&world);
    check_number(pool_figures(world.pool).idle, 1);
    check(world_is_closed(&world, 0)); /* used longest ago */
    pool_free(world.pool);
    world_fini(&world);
}

TEST(under_pressure_what_is_idle_goes)
{
    struct world world;
    world_init(&world);
    world_begin(&world);
    struct pool_ticket a = world_ticket(&world), b = a;
    pool_ask(world.pool, &a);
    pool_ask(world.pool, &b);
    world_serve(&world, &a, 0);
    pool_close_idle(world.pool);
    world_turn(&world);
    check_number(pool_figures(world.pool).idle, 0);
    check_number(pool_figures(world.pool).busy, 1);
    world_serve(&world, &b, 1);
    pool_free(world.pool);
    world_fini(&world);
}

TEST(a_freed_pool_ends_with_its_last_request)
{
    struct world world;
    world_init(&world);
    world.options.max_connections = 2;
    world_begin(&world);
    struct pool_ticket a = world_ticket(&world), b = a, c = a;
    pool_ask(world.pool, &a);
    pool_ask(world.pool, &b);
    pool_ask(world.pool, &c);
    world_serve(&world, &b, 1); /* to c */
    check_number(pool_poll(&c), POOL_READY);
    pool_ask(world.pool, &b);
    pool_free(world.pool);
    check_number(pool_poll(&b), POOL_REFUSED);
    check_span(span_text(b.error), "pool_closed");
    world_serve(&world, &a, 0);
    check(world_is_closed(&world, 0));
    world_serve(&world, &c, 1);
    check(world_is_closed(&world, 1));
    world_fini(&world);
}

int pool_suite(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_connection_is_used_again),
        cmocka_unit_test(an_idle_connection_closes_in_time),
        cmocka_unit_test(a_backend_may_close_an_idle_connection),
        cmocka_unit_test(the_queue_is_bounded_and_first_come_is_first_served),
        cmocka_unit_test(who_stops_waiting_is_passed_over),
        cmocka_unit_test(a_connection_that_came_unseen_is_given_back),
        cmocka_unit_test(a_broken_connection_makes_room_for_who_waits),
        cmocka_unit_test(a_refusal_is_told),
        cmocka_unit_test(targets_are_taken_in_turn_and_passed_over_for_a_second),
        cmocka_unit_test(a_refusal_comes_only_after_every_target_was_asked),
        cmocka_unit_test(a_fresh_one_has_served_nobody),
        cmocka_unit_test(who_would_take_any_is_served_before_a_fresh_one_that_cannot),
        cmocka_unit_test(new_settings_keep_the_connections_whose_target_stays),
        cmocka_unit_test(a_busy_connection_to_a_target_that_went_closes_at_its_end),
        cmocka_unit_test(a_smaller_maximum_closes_what_is_idle),
        cmocka_unit_test(under_pressure_what_is_idle_goes),
        cmocka_unit_test(a_freed_pool_ends_with_its_last_request),
    };
    return cmocka_run_group_tests_name("pool", tests, NULL, NULL);
}
