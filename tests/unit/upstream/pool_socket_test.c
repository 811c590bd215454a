/* SPDX-License-Identifier: Apache-2.0 */
/* The pool on real sockets: connecting takes turns, is refused, or never ends. */
#include <netinet/in.h>
#include <unistd.h>

#include "tests/unit/upstream/suites.h"
#include "tests/unit/upstream/world.h"

/* A socket on a free port of 127.0.0.1; `backlog` < 0: nobody listens. */
static int bind_port(struct address *address, int backlog)
{
    check(address_parse(SPAN("127.0.0.1:0"), address));
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    check(fd >= 0);
    check_number(bind(fd, (struct sockaddr *)&address->at, address->len), 0);
    check_number(getsockname(fd, (struct sockaddr *)&address->at, &address->len), 0);
    if (backlog >= 0)
        check_number(listen(fd, backlog), 0);
    return fd;
}

static void turn_until_settled(struct world *world, struct pool_ticket *ticket)
{
    for (int i = 0; i < 100000 && pool_poll(ticket) == POOL_WAIT; i++)
        loop_turn(world->loop, 0);
}

static void world_on_sockets(struct world *world)
{
    world_init(world);
    world->options.open = NULL;
}

TEST(a_listening_backend_is_connected)
{
    struct world world;
    world_on_sockets(&world);
    int listener = bind_port(&world.targets[0].address, 8);
    world_begin(&world);
    struct pool_ticket ticket = world_ticket(&world);
    check_number(pool_ask(world.pool, &ticket), POOL_WAIT);
    check_number(pool_figures(world.pool).connecting, 1);
    world.now_us += 1500;
    turn_until_settled(&world, &ticket);
    check_number(pool_poll(&ticket), POOL_READY);
    check_number(ticket.connect_us, 1500);
    check_number(world.wakes, 1);
    ticket.server->ops->release(ticket.server);
    pool_free(world.pool);
    close(listener);
    world_fini(&world);
}

TEST(a_closed_port_refuses_and_the_next_target_is_tried)
{
    struct world world;
    world_on_sockets(&world);
    int nobody = bind_port(&world.targets[0].address, -1);
    int listener = bind_port(&world.targets[1].address, 8);
    world.options.target_count = 2;
    world_begin(&world);
    struct pool_ticket ticket = world_ticket(&world);
    pool_ask(world.pool, &ticket);
    turn_until_settled(&world, &ticket);
    check_number(pool_poll(&ticket), POOL_READY);
    check_span(ticket.target->name, "b");
    check_number(pool_figures(world.pool).connect_failures, 1);
    ticket.server->ops->release(ticket.server);
    pool_free(world.pool);
    close(nobody);
    close(listener);
    world_fini(&world);
}

TEST(a_closed_port_alone_is_a_refusal)
{
    struct world world;
    world_on_sockets(&world);
    int nobody = bind_port(&world.targets[0].address, -1);
    world_begin(&world);
    struct pool_ticket ticket = world_ticket(&world);
    pool_ask(world.pool, &ticket);
    turn_until_settled(&world, &ticket);
    check_number(pool_poll(&ticket), POOL_REFUSED);
    check_span(span_text(ticket.error), "connection_refused");
    check_span(ticket.target->name, "a");
    pool_free(world.pool);
    close(nobody);
    world_fini(&world);
}

TEST(a_backend_that_does_not_accept_runs_into_the_timeout)
{
    enum { FILLERS = 8 };
    struct world world;
    world_on_sockets(&world);
    int listener = bind_port(&world.targets[0].address, 0), fillers[FILLERS];
    for (size_t i = 0; i < FILLERS; i++) /* its backlog is full: the kernel drops what else comes */
        fillers[i] = address_connect(&world.targets[0].address);
    world_begin(&world);
    struct pool_ticket ticket = world_ticket(&world), dropped = ticket;
    check_number(pool_ask(world.pool, &ticket), POOL_WAIT);
    check_number(pool_ask(world.pool, &dropped), POOL_WAIT);
    world_pass(&world, SECOND - 1000);
    check_number(pool_poll(&ticket), POOL_WAIT);
    pool_drop(&dropped);
    world_pass(&world, 3000);
    check_number(pool_poll(&ticket), POOL_TIMEOUT);
    check_span(span_text(ticket.error), "connect_timeout");
    check_span(ticket.target->name, "a");
    check_number(world.wakes, 1);
    check_number(pool_figures(world.pool).connecting, 0);
    check_number(pool_ask(world.pool, &ticket), POOL_WAIT);
    pool_free(world.pool); /* in the middle of connecting */
    check_number(pool_poll(&ticket), POOL_REFUSED);
    for (size_t i = 0; i < FILLERS; i++)
        close(fillers[i]);
    close(listener);
    world_fini(&world);
}

TEST(who_came_later_does_not_fail_by_the_clock_of_a_connection_made_before)
{
    enum { FILLERS = 8 };
    struct world world;
    world_on_sockets(&world);
    int listener = bind_port(&world.targets[0].address, 0), fillers[FILLERS];
    for (size_t i = 0; i < FILLERS; i++)
        fillers[i] = address_connect(&world.targets[0].address);
    world_begin(&world);
    struct pool_ticket first = world_ticket(&world), second = first;
    check_number(pool_ask(world.pool, &first), POOL_WAIT);
    world_pass(&world, SECOND - 1000);
    pool_drop(&first);
    check_number(pool_ask(world.pool, &second), POOL_WAIT);
    check_number(pool_figures(world.pool).connecting, 1);
    world_pass(&world, 3000);
    check_number(pool_poll(&second), POOL_WAIT);
    check_number(pool_figures(world.pool).connecting, 1); /* another one */
    world_pass(&world, SECOND);
    check_number(pool_poll(&second), POOL_TIMEOUT);
    pool_free(world.pool);
    for (size_t i = 0; i < FILLERS; i++)
        close(fillers[i]);
    close(listener);
    world_fini(&world);
}

int pool_socket_suite(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_listening_backend_is_connected),
        cmocka_unit_test(a_closed_port_refuses_and_the_next_target_is_tried),
        cmocka_unit_test(a_closed_port_alone_is_a_refusal),
        cmocka_unit_test(a_backend_that_does_not_accept_runs_into_the_timeout),
        cmocka_unit_test(who_came_later_does_not_fail_by_the_clock_of_a_connection_made_before),
    };
    return cmocka_run_group_tests_name("pool_socket", tests, NULL, NULL);
}
